"""The search for programs that learn: regularised evolution on islands, champions judged on tasks that it does not see."""

from evoml.run.programs.loop import Champion, Sight
from evoml.run.programs.search import ProgramResult, search_programs
from evoml.run.programs.settings import ProgramSearch

__all__ = ["Champion", "ProgramResult", "ProgramSearch", "Sight", "search_programs"]
