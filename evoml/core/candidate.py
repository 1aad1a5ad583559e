"""What travels round the loop: a candidate is asked, an outcome is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


class Status(StrEnum):
    """How an evaluation ended."""

    OK = "OK"
    TIMEOUT = "TIMEOUT"  # ran past its own time limit
    CRASHED = "CRASHED"  # took its worker process down
    INVALID = "INVALID"  # raised an error, or gave predictions that cannot be scored
    PRUNED = "PRUNED"  # stopped early: it could hardly have reached the survivors any more
    VETOED = "VETOED"  # refused before it ran: too dear for the time left, or by an overseer

    @property
    def failed(self) -> bool:
        """Whether something went wrong."""
        return self in (Status.TIMEOUT, Status.CRASHED, Status.INVALID)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One individual, from the moment it is asked.

    Attributes
    ----------
    id : int
        Position in the order of asking, from 0. Its random stream is keyed by it.
    genome : object
        What evolves; only its genome space knows what it is.
    key : str
        Canonical hash: two genomes that mean the same share it.
    parents : tuple of int
        Ids of the candidates it was made from, the one that was changed first.
    operator : str
        Name of the variation that made it (``"initial"`` for a first population).
    generation : int
        Generation it was born in.
    parent_scores : tuple of float
        Scores of the first parent, the bar for an improvement; empty without parents.
    bars : tuple of float
        What its score must reach at each stage of its evaluation for it to go on to the next; empty for no race.
    """

    id: int
    genome: Any
    key: str
    parents: tuple[int, ...] = ()
    operator: str = "initial"
    generation: int = 0
    parent_scores: tuple[float, ...] = ()
    bars: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Cost:
    """What an evaluation cost.

    Attributes
    ----------
    wall, cpu : float
        Seconds really spent on it, all stages together.
    fit, fit_cpu, predict, predict_cpu : float
        Wall and CPU seconds of fitting and of predicting on all its folds, steps that were recalled at what they had
        cost when they were computed: what the pipeline costs on its own.
    score : float
        Wall seconds of computing metrics.
    memory : float
        Bytes the process held at its peak beyond what it held before.
    size : float
        Bytes of the fitted steps of one fold, pickled.
    recalled : float
        Steps recalled instead of computed.
    saved : float
        Seconds not spent thanks to them.
    """

    wall: float = 0.0
    cpu: float = 0.0
    fit: float = 0.0
    fit_cpu: float = 0.0
    predict: float = 0.0
    predict_cpu: float = 0.0
    score: float = 0.0
    memory: float = 0.0
    size: float = 0.0
    recalled: float = 0.0
    saved: float = 0.0


@dataclass(frozen=True, slots=True)
class StepTime:
    """Seconds that one step of a plan took on one fold: what a cost model learns from.

    ``node`` names the step in the plan, ``rows`` and ``columns`` are those it was fitted on; ``fit`` and ``predict`` are the
    seconds, ``effort`` is the share of its iterations.
    """

    node: str
    rows: int
    columns: int
    fit: float
    predict: float
    effort: float = 1.0


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a worker found out about a genome, whoever asked.

    Attributes
    ----------
    status : Status
    fold_scores : mapping
        The values of each metric, one a fold, greater is better; all folds only if the status is OK.
    cost : Cost
    error : str
    rungs : tuple of float
        Values of the first metric on the rungs (parts of the rows) that came before the folds.
    semantics : str
        Hash of the out-of-fold predictions: candidates that share it are functionally equivalent. Empty unless OK.
    predictions : (n_rows, columns) float32 array, float64 for a target large beside its spread, or None
        Out-of-fold predictions: the probability of each class (of the second one of two), else decision values, else
        indicators; one column for a regression; those of several outputs side by side. NaN in rows that no fold tests.
    steps : tuple of StepTime
    cases : (k,) float16 array or None
        Error on each of k cases, for algorithms that select by them.
    """

    status: Status
    fold_scores: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    cost: Cost = Cost()
    error: str = ""
    rungs: tuple[float, ...] = ()
    semantics: str = ""
    predictions: np.ndarray | None = field(default=None, compare=False, repr=False)
    steps: tuple[StepTime, ...] = field(default=(), compare=False, repr=False)
    cases: np.ndarray | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A candidate and what became of it: failure is a value, not an exception.

    ``scores`` holds one number for each objective, all maximised; empty unless the status is OK.
    ``duplicate_of`` is the id of the earlier candidate of the same key whose evaluation was used. ``status`` is the
    evaluation's, and ``ok`` tells whether it is OK.
    """

    candidate: Candidate
    evaluation: Evaluation
    scores: tuple[float, ...] = ()
    duplicate_of: int | None = None

    @property
    def status(self) -> Status:
        return self.evaluation.status

    @property
    def ok(self) -> bool:
        return self.evaluation.status is Status.OK


@dataclass(frozen=True, slots=True)
class Trial:
    """What a genome space may learn from an outcome.

    ``key`` names its meaning; ``score`` is the first objective, minus infinity for a candidate that was stopped early or
    failed.
    """

    genome: Any
    key: str
    score: float
