"""NSGA-II: elitist multi-objective evolution by non-dominated sorting (Deb, Pratap, Agarwal and Meyarivan 2002)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from evoml.algorithms.schemes.base import Pool, Scheme, best_first

EXACT = 1e-20  # error from which on down the target is met, and only the other objectives count


@dataclass(frozen=True)
class NSGA2(Scheme):
    """Parents and offspring compete for the same places by front, then by crowding; so do the entrants of tournaments.

    Parameters
    ----------
    tournament_size : int
        Entrants of each tournament for a parent.
    resolution : float or None
        For errors of 0 or more: they are compared on a scale of powers of ten, rounded, so that what differs by less than
        this share of itself counts as equal, and no front fills up with gains that nobody could see. None is as they are.
    recrowded : bool
        Whether crowding is measured again among the survivors before tournaments (section III-B), rather than taken as it
        was before the last front was cut (section III-C).
    """

    resolution: float | None = None
    recrowded: bool = False

    def survivors(self, pool: Pool, places: int) -> np.ndarray:
        rank, crowding = pool.ranked(self._values(pool))
        return best_first(pool, rank, -crowding)[:places]

    def standing(self, members: Pool) -> Any:
        if not self.recrowded:
            return super().standing(members)
        rank, crowding = members.ranked(self._values(members))
        return np.unique(np.column_stack([rank, -crowding]), axis=0, return_inverse=True)[1].ravel()

    def _values(self, pool: Pool) -> np.ndarray:
        """Return what individuals are compared by, (n, k), all minimised."""
        if self.resolution is None:
            return pool.objectives
        return np.column_stack([graded(pool.objectives[:, 0], self.resolution), pool.objectives[:, 1:]])


def graded(errors: np.ndarray, resolution: float) -> np.ndarray:
    """Return the logarithm of errors in steps of ``resolution``: (n,) float64; below ``EXACT`` all are the same, inf stays."""
    with np.errstate(divide="ignore"):
        steps = np.log(np.maximum(errors, EXACT)) / resolution
    return np.where(np.isfinite(steps), np.round(steps), steps)
