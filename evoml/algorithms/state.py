"""What an algorithm knows between two steps: one frozen value, small enough to be recorded at each of them."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from evoml.core.candidate import Outcome, Status, Trial

REMEMBERED = 500  # trials that operators may learn from, the last ones


@dataclass(frozen=True, slots=True)
class Credit:
    """How often an operator was used, and how often its offspring was better than its first parent; old uses fade.

    Attributes
    ----------
    tries, wins : float
        Uses and successes, of which each counts a little less with each use that follows.
    """

    tries: float = 0.0
    wins: float = 0.0

    def told(self, won: bool, fading: float = 0.995) -> Credit:
        """Return the credit after one more use; ``fading`` is what all earlier ones count then, as a share."""
        return Credit(self.tries * fading + 1.0, self.wins * fading + won)

    @property
    def success(self) -> float:
        """Estimated rate of success, one success in two assumed before the first use."""
        return (self.wins + 1.0) / (self.tries + 2.0)


@dataclass(frozen=True, slots=True)
class State:
    """State of an evolutionary algorithm.

    Attributes
    ----------
    next_id : int
        Id of the next candidate.
    generation : int
        Generations completed.
    asked, told : int
        Candidates asked and outcomes told in the generation under way.
    population : tuple of Outcome
        Individuals that may become parents.
    offspring : tuple of Outcome
        Scored individuals of the generation under way.
    credit : mapping
        Credit of each operator.
    trials : tuple of Trial
        What operators may learn from, in the order told; not recorded, as it follows from the outcomes.
    niches : tuple of tuples
        Cell of each individual in the population, where it is an archive of cells; else empty.
    descriptors : tuple of str
        What spans that archive.
    """

    next_id: int = 0
    generation: int = 0
    asked: int = 0
    told: int = 0
    population: tuple[Outcome, ...] = ()
    offspring: tuple[Outcome, ...] = ()
    credit: Mapping[str, Credit] = field(default_factory=dict)
    trials: tuple[Trial, ...] = ()
    niches: tuple[tuple[Any, ...], ...] = ()
    descriptors: tuple[str, ...] = ()

    def record(self) -> dict[str, Any]:
        """Return the state as JSON-like values, individuals by their ids."""
        cases = {
            str(outcome.candidate.id): _written(outcome.evaluation.cases)
            for outcome in (*self.population, *self.offspring)
            if outcome.evaluation.cases is not None
        }
        niches = [list(niche) for niche in self.niches]
        more = {"niches": niches, "descriptors": list(self.descriptors), "cases": cases}
        return {
            "next_id": self.next_id,
            "generation": self.generation,
            "asked": self.asked,
            "told": self.told,
            "population": [outcome.candidate.id for outcome in self.population],
            "offspring": [outcome.candidate.id for outcome in self.offspring],
            "credit": {name: [credit.tries, credit.wins] for name, credit in self.credit.items()},
            **{name: value for name, value in more.items() if value},
        }

    @classmethod
    def restore(cls, record: Mapping[str, Any], outcomes: Mapping[int, Outcome]) -> State:
        """Return the state that :meth:`record` gave; ``outcomes`` by id, in the order told."""
        cases = {int(index): _read(text) for index, text in record.get("cases", {}).items()}
        known = {index: _with_cases(outcomes[index], cases[index]) for index in cases}
        found = {**outcomes, **known}
        return cls(
            next_id=record["next_id"],
            generation=record["generation"],
            asked=record["asked"],
            told=record["told"],
            population=tuple(found[index] for index in record["population"]),
            offspring=tuple(found[index] for index in record["offspring"]),
            credit={name: Credit(*values) for name, values in record["credit"].items()},
            trials=remembered((), outcomes.values()),
            niches=tuple(tuple(niche) for niche in record.get("niches", ())),
            descriptors=tuple(record.get("descriptors", ())),
        )


def _written(cases: np.ndarray) -> str:
    return base64.b64encode(cases.astype("<f2").tobytes()).decode()


def _read(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype="<f2")


def _with_cases(outcome: Outcome, cases: np.ndarray) -> Outcome:
    return replace(outcome, evaluation=replace(outcome.evaluation, cases=cases))


def remembered(trials: tuple[Trial, ...], outcomes: Iterable[Outcome]) -> tuple[Trial, ...]:
    """Return the trials after more outcomes: of each evaluation one; what was refused or is a duplicate tells nothing."""
    new = [
        _trial(outcome) for outcome in outcomes if outcome.duplicate_of is None and outcome.status is not Status.VETOED
    ]
    return (*trials, *new)[-REMEMBERED:]


def _trial(outcome: Outcome) -> Trial:
    score = outcome.scores[0] if outcome.ok and outcome.scores else -math.inf
    return Trial(outcome.candidate.genome, outcome.candidate.key, score)
