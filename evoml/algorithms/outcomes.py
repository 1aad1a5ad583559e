"""Outcomes as a pool that schemes decide about: each array is made when it is first asked for, as many are small."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from evoml.algorithms.dominance import ranked
from evoml.core.threads import ALONE

if TYPE_CHECKING:
    from evoml.core.candidate import Outcome


class OutcomePool:
    """Outcomes in an order, seen as arrays; see :class:`evoml.algorithms.schemes.Pool`.

    Parameters
    ----------
    outcomes : sequence of Outcome
        All with scores, in the order of coming.
    age : callable
        Returns the generations since the oldest ancestor of a candidate was sampled.
    n_old : int
        Outcomes, the first ones, that are not of the generation just told.
    niches : sequence of tuples
        Cell of each outcome; empty where there are none.
    """

    def __init__(
        self,
        outcomes: Sequence[Outcome],
        age: Callable[[int], int],
        n_old: int | None = None,
        niches: Sequence[tuple[Any, ...]] = (),
    ) -> None:
        self.outcomes, self._age, self._niches = outcomes, age, niches
        self._n_old = len(outcomes) if n_old is None else n_old

    threads = ALONE  # there are few of them

    def __len__(self) -> int:
        return len(self.outcomes)

    @cached_property
    def objectives(self) -> np.ndarray:
        scores = np.fromiter(chain.from_iterable(outcome.scores for outcome in self.outcomes), float)
        return -scores.reshape(len(self.outcomes), -1)

    @cached_property
    def ages(self) -> np.ndarray:
        return np.array([self._age(outcome.candidate.id) for outcome in self.outcomes])

    @cached_property
    def births(self) -> np.ndarray:
        return np.arange(len(self))

    @cached_property
    def newborn(self) -> np.ndarray:
        return np.arange(len(self)) >= self._n_old

    @cached_property
    def precedence(self) -> np.ndarray:
        return np.array([outcome.candidate.id for outcome in self.outcomes])

    @cached_property
    def cases(self) -> np.ndarray:
        """Errors on cases; where no evaluation tells of any, each score of a fold is one, or else each objective.

        Those of a single outcome without any are as bad as can be.
        """
        known = [outcome.evaluation.cases for outcome in self.outcomes]
        width = max((len(one) for one in known if one is not None), default=0)
        if not width:
            return -np.array([_scores_of_folds(outcome) for outcome in self.outcomes])
        return np.stack([np.full(width, np.inf) if one is None else np.asarray(one, float) for one in known])

    @cached_property
    def niches(self) -> np.ndarray | None:
        if not self._niches:
            return None
        numbers: dict[tuple[Any, ...], int] = {}
        return np.array([numbers.setdefault(niche, len(numbers)) for niche in self._niches])

    def ranked(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return ranked(-values)


class StreamDraws:
    """Draws of one offspring from its own stream; see :class:`evoml.algorithms.schemes.Draws`."""

    def __init__(self, rng: np.random.Generator, parents: int) -> None:
        self._rng, self.shape = rng, (1, parents)

    @property
    def key(self) -> np.uint64:
        return self._rng.integers(2**64, dtype=np.uint64)

    def integers(self, high: int, size: int) -> np.ndarray:
        return self._rng.integers(high, size=(*self.shape, size))


def _scores_of_folds(outcome: Outcome) -> list[float]:
    return [score for scores in outcome.evaluation.fold_scores.values() for score in scores] or list(outcome.scores)
