"""What travels round the loop: a candidate is asked, an outcome is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """How an evaluation ended."""

    OK = "OK"
    TIMEOUT = "TIMEOUT"  # ran past its own time limit
    CRASHED = "CRASHED"  # took its worker process down
    INVALID = "INVALID"  # raised an error, or gave predictions that cannot be scored
    VETOED = "VETOED"  # refused by an overseer before it ran


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
    """

    id: int
    genome: Any
    key: str
    parents: tuple[int, ...] = ()
    operator: str = "initial"
    generation: int = 0
    parent_scores: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds an evaluation took: wall clock, CPU, and the part of the wall clock spent fitting and scoring."""

    wall: float = 0.0
    cpu: float = 0.0
    fit: float = 0.0
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a worker found out about a genome, whoever asked.

    ``fold_scores`` maps each metric to its value on each fold, greater is better.
    """

    status: Status
    fold_scores: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    cost: Cost = Cost()
    error: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A candidate and what became of it: failure is a value, not an exception.

    ``scores`` holds one number for each objective, all maximised; empty unless the status is OK.
    ``duplicate_of`` is the id of the earlier candidate of the same key whose evaluation was used.
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
