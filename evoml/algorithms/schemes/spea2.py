"""SPEA2: strength Pareto with density (Zitzler, Laumanns and Thiele 2001)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evoml.algorithms.dominance import dominating
from evoml.algorithms.schemes.base import Pool
from evoml.algorithms.schemes.nsga2 import NSGA2


@dataclass(frozen=True)
class SPEA2(NSGA2):
    """Those that nobody dominates survive, thinned out where they are closest; what is left goes to the least dominated.

    Distances are those of the objectives as they are, each divided by its spread.

    Parameters
    ----------
    tournament_size, resolution, recrowded
        As for :class:`NSGA2`.
    """

    def survivors(self, pool: Pool, places: int) -> np.ndarray:
        values = self._values(pool)
        distances = _distances(values)
        fitness = raw_fitness(values) + _density(distances, len(values))
        order = np.lexsort((pool.precedence, fitness))
        free = int(np.count_nonzero(fitness < 1.0))  # those that nobody dominates
        if free <= places:
            return order[:places]
        kept = np.sort(order[:free])
        kept = kept[_thinned(distances[np.ix_(kept, kept)], places)]
        return kept[np.lexsort((pool.precedence[kept], fitness[kept]))]


def raw_fitness(values: np.ndarray) -> np.ndarray:
    """Return the sum of the strengths of each point's dominators, (n,): how many others these dominate (section 3.1)."""
    dominates = dominating(values)
    return np.asarray(dominates.sum(axis=1) @ dominates, dtype=float)


def _distances(values: np.ndarray) -> np.ndarray:
    """Return (n, n) Euclidean distances; inf to where an objective is infinite, and from each point to itself."""
    finite = np.where(np.isfinite(values), values, np.nan)
    known = np.isfinite(values).any(axis=0)
    spread = np.ones(values.shape[1])
    spread[known] = np.nanmax(finite[:, known], axis=0) - np.nanmin(finite[:, known], axis=0)
    scaled = finite / np.where(spread > 0, spread, 1.0)
    squares = np.zeros((len(values), len(values)))
    for column in scaled.T:
        squares += (column[:, None] - column[None, :]) ** 2
    np.fill_diagonal(squares, np.inf)
    return np.sqrt(np.where(np.isnan(squares), np.inf, squares))


def _density(distances: np.ndarray, n: int) -> np.ndarray:
    """Return 1 / (distance to the k-th nearest + 2), k the square root of n."""
    nearest = min(int(np.sqrt(n)), n - 1)
    if nearest < 1:
        return np.zeros(n)
    return 1.0 / (np.partition(distances, nearest - 1, axis=1)[:, nearest - 1] + 2.0)


def _thinned(distances: np.ndarray, places: int) -> np.ndarray:
    """Return the indices left when, again and again, the point nearest to another goes (section 3.2).

    Between equals the next distance decides, and so on.
    """
    left = np.arange(len(distances))
    while len(left) > places:
        between = distances[np.ix_(left, left)]
        nearest = between.min(axis=1)
        tied = np.flatnonzero(nearest == nearest.min())
        rows = np.sort(between[tied], axis=1)
        left = np.delete(left, tied[np.lexsort(rows.T[::-1])[0]])
    return left
