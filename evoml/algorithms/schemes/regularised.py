"""Regularised (ageing) evolution: the oldest dies, not the worst (Real, Aggarwal, Huang and Le 2019, Algorithm 1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from evoml.algorithms.schemes.base import Pool, Scheme


@dataclass(frozen=True)
class Regularised(Scheme):
    """The youngest survive; parents win tournaments on the first objective.

    Parameters
    ----------
    tournament_size : int
        Entrants of each tournament for a parent.
    share_of_offspring : float
        Where genomes come by the thousand, offspring of a generation as a share of the population.
    """

    tournament_size: int = 10
    share_of_offspring: float = 0.1

    asynchronous: ClassVar[bool] = True
    distinct: ClassVar[bool] = False

    def survivors(self, pool: Pool, places: int) -> np.ndarray:
        return np.argsort(-pool.births, kind="stable")[:places]

    def standing(self, members: Pool) -> Any:
        return members.objectives[:, 0]

    def brood(self, population_size: int) -> int:
        return max(1, round(self.share_of_offspring * population_size))


@dataclass(frozen=True)
class Random(Scheme):
    """Random search, the control that any evolution must beat: all are newcomers, and the best are kept to be looked at."""

    asynchronous: ClassVar[bool] = True

    def survivors(self, pool: Pool, places: int) -> np.ndarray:
        return np.argsort(pool.objectives[:, 0], kind="stable")[:places]

    def newcomers(self, size: int) -> int:
        return size
