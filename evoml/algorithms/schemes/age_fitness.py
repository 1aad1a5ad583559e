"""Age-fitness Pareto optimisation (Schmidt and Lipson 2010)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evoml.algorithms.schemes.base import Pool
from evoml.algorithms.schemes.nsga2 import NSGA2


@dataclass(frozen=True)
class AgeFitness(NSGA2):
    """Age is one more objective, and some of each generation are new: they need only beat those as young as they are.

    In the paper parents are drawn at random, which is a tournament of one; here tournaments are by front, as in NSGA-II.

    Parameters
    ----------
    tournament_size, resolution, recrowded
        As for :class:`NSGA2`.
    share_of_newcomers : float
        Share of each generation that is sampled; one at least.
    """

    share_of_newcomers: float = 0.05

    def newcomers(self, size: int) -> int:
        return max(1, round(self.share_of_newcomers * size))

    def _values(self, pool: Pool) -> np.ndarray:
        return np.column_stack([super()._values(pool), pool.ages])
