"""Racing: a candidate that can hardly reach the survivors any more is not evaluated to its end.

On rungs (parts of the rows, fewer iterations) a candidate goes on if it is among the best third of what was told on that rung:
successive halving without a barrier, as in ASHA (Li et al. 2020, "A system for massively parallel hyperparameter tuning"). Then
folds are a race against a survivor (Maron and Moore 1994; paired as in Birattari et al. 2002): after each fold, the mean over
all folds is predicted from the differences to the survivor so far, and a candidate goes on while it may still be above. How
much may still change is learned from the best alone: poor candidates differ from the survivor, and over folds, far more.

Every bar is set when a candidate is submitted, from what was told until then: a worker needs nothing but the bars, and a run
that tells in order decides the same for any number of workers.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from evoml.core.candidate import Candidate, Outcome
    from evoml.evaluation.objectives import Objective

PROMOTED = 1 / 3  # of those told on a rung, the best that go on
SURVIVORS = 0.04  # share of a population whose last member is the survivor to be reached
CONTENDERS = 0.25  # share of a population, the best, that tells how much differences vary from fold to fold
DEVIATIONS = 1.0  # of the predicted mean: how far below the survivor a candidate may seem to be
RECENT = 500  # candidates told on rungs that are looked back on
LEAST = 5  # comparable candidates, at least, before there is a bar


class Racing:
    """Sets bars from what was told.

    Parameters
    ----------
    objectives : mapping of name to Objective
        The first one is raced for. A candidate is compared with those that are no worse in all others; there are no bars
        if one of these is not known before the evaluation.
    metric : str
        The metric that workers race for; there are no bars if it is not the first objective.
    folds, rungs : int
    population_size : int
        Survivors and contenders are shares of it.
    """

    def __init__(
        self, objectives: Mapping[str, Objective], metric: str, folds: int, rungs: int = 0, population_size: int = 50
    ) -> None:
        first, *self._others = objectives.values()
        self._metric, self._folds, self._rungs = metric, folds, rungs
        self._place = max(2, round(SURVIVORS * population_size))  # the best was also the luckiest
        self._contenders = max(LEAST, self._place, round(CONTENDERS * population_size))
        self._possible = first.metric == metric and all(other.in_advance for other in self._others)
        self._told: deque[tuple[tuple[float, ...], tuple[float, ...]]] = deque(maxlen=RECENT)  # others, values on rungs

    def told(self, outcome: Outcome) -> None:
        """Take in what a candidate reached on the rungs."""
        if self._possible and outcome.evaluation.rungs and outcome.duplicate_of is None:
            self._told.append((self._standing(outcome.candidate), outcome.evaluation.rungs))

    def lined_up(self, candidates: Sequence[Candidate], rivals: Sequence[Outcome]) -> list[Candidate]:
        """Return candidates with the bars of their race against ``rivals``; bars that an algorithm has set stay."""
        return [one if one.bars else replace(one, bars=self.bars(one, rivals)) for one in candidates]

    def bars(self, candidate: Candidate, rivals: Sequence[Outcome]) -> tuple[float, ...]:
        """Return what a candidate must reach on each rung, then after each fold but the last; nothing for no race."""
        if not self._possible:
            return ()
        standing = self._standing(candidate)
        above = [rival for rival in rivals if rival.ok and _no_worse(rival.scores[1:], standing)]  # as they stand
        return (*(self._rung_bar(number, standing) for number in range(self._rungs)), *self._fold_bars(above))

    def _standing(self, candidate: Candidate) -> tuple[float, ...]:
        return tuple(other.before(candidate) for other in self._others)

    def _rung_bar(self, number: int, standing: tuple[float, ...]) -> float:
        values = [rungs[number] for other, rungs in self._told if len(rungs) > number and _no_worse(other, standing)]
        return float(np.quantile(values, 1 - PROMOTED)) if len(values) >= LEAST else -math.inf

    def _fold_bars(self, rivals: Sequence[Outcome]) -> tuple[float, ...]:
        if len(rivals) < max(LEAST, self._place):
            return (-math.inf,) * (self._folds - 1)
        best_first = sorted(rivals, key=lambda outcome: (-outcome.scores[0], outcome.candidate.id))
        contenders = best_first[: self._contenders]
        scores = np.array([rival.evaluation.fold_scores[self._metric] for rival in contenders])
        survivor = scores[self._place - 1]
        folds = np.arange(1, self._folds)
        so_far = np.cumsum(survivor)[:-1] / folds
        doubt = _paired_deviation(scores - survivor) * np.sqrt((self._folds - folds) / (self._folds * folds))
        return tuple((so_far - DEVIATIONS * doubt).tolist())


def _no_worse(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return all(mine >= its for mine, its in zip(one, other, strict=True))


def _paired_deviation(differences: np.ndarray) -> float:
    """Return the standard deviation, over folds, of the difference between two candidates; (n, folds) differences to one."""
    centred = differences - differences.mean(axis=1, keepdims=True)
    freedom = (len(differences) - 1) * (differences.shape[1] - 1)
    return float(np.sqrt(np.sum(centred**2) / max(freedom, 1)))
