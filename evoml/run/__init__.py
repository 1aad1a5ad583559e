"""The only place where parts are wired together: the loop, its stopping, its resuming, its replay, and the final model.

From ``fit`` to a fitness value: :mod:`evoml.run.search` has :mod:`evoml.run.parts` make a problem, a space of genomes and an
algorithm of what was asked for; :mod:`evoml.run.loop` asks, evaluates and tells; :mod:`evoml.evaluation.evaluator` hands each
candidate to an executor, none twice; there :func:`evoml.evaluation.evaluate` carries out its plan fold by fold
(:mod:`evoml.evaluation.execution`) and scores what it predicts (:mod:`evoml.evaluation.scoring`).
"""

from evoml.run.callbacks import RunCallback
from evoml.run.ensemble import Limits
from evoml.run.genomes import GenomeResult, GenomeSearch, search_genomes
from evoml.run.loop import Finished, evolve
from evoml.run.replay import Replayed, replay
from evoml.run.search import Result, Search, search
from evoml.run.story import Difference

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
