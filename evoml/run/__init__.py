"""The only place where parts are wired together: the loop, its stopping, its resuming, its replay, and the final model."""

from evoml.run.callbacks import RunCallback
from evoml.run.ensemble import Limits
from evoml.run.genomes import GenomeResult, GenomeSearch, search_genomes
from evoml.run.loop import Finished, evolve
from evoml.run.replay import Difference, Replayed, replay
from evoml.run.search import Result, Search, search

__all__ = [
    "Difference",
    "Finished",
    "GenomeResult",
    "GenomeSearch",
    "Limits",
    "Replayed",
    "Result",
    "RunCallback",
    "Search",
    "evolve",
    "replay",
    "search",
    "search_genomes",
]
