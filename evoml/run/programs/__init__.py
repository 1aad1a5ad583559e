"""The search for programs that learn: regularised evolution on islands, champions judged on tasks that it does not see.

Tasks come from a table, from random linear functions and networks, or from projected images; a :class:`TaskSet` holds your own.
"""

from evoml.evaluation.program_problems import (
    TaskSet,
    affine_tasks,
    image_pairs,
    linear_tasks,
    table_tasks,
    teacher_tasks,
)
from evoml.run.programs.loop import Champion, Sight
from evoml.run.programs.search import ProgramResult, search_programs
from evoml.run.programs.settings import ProgramSearch

__all__ = [
    "Champion", "ProgramResult", "ProgramSearch", "Sight", "TaskSet", "affine_tasks", "image_pairs", "linear_tasks",
    "search_programs", "table_tasks", "teacher_tasks",
]  # fmt: skip
