"""The only place where parts are wired together: the loop, its stopping, its resuming, and the final model."""

from evoml.run.loop import Finished, evolve
from evoml.run.search import Result, Search, search

__all__ = ["Finished", "Result", "Search", "evolve", "search"]
