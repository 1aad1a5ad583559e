"""NSGA-III: survival of the last front by evenly spread directions in place of crowding (Deb and Jain 2014)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import combinations
from math import comb

import numpy as np

from evoml.algorithms.schemes.base import Pool, best_first
from evoml.algorithms.schemes.nsga2 import NSGA2

_PENALTY = 1e6  # of the other objectives, where the extreme point of one is looked for


@dataclass(frozen=True)
class NSGA3(NSGA2):
    """Of the front that does not fit, those survive that fill the emptiest of directions from the ideal point.

    Where the paper draws between directions or individuals the first direction and the nearest individual are taken: who
    survives is decided by what was told alone.

    Parameters
    ----------
    tournament_size, resolution, recrowded
        As for :class:`NSGA2`.
    """

    def survivors(self, pool: Pool, places: int) -> np.ndarray:
        values = self._values(pool)
        rank, crowding = pool.ranked(values)
        order = best_first(pool, rank, -crowding)
        if len(order) <= places:
            return order
        cut = rank[order[places]]  # the front that may not fit
        safe, last = order[rank[order] < cut], order[rank[order] == cut]
        if len(safe) == places:
            return safe
        shown = normalised(values[np.concatenate([safe, last])], rank[np.concatenate([safe, last])] == 0)
        directions, distance = associated(shown, reference_directions(values.shape[1], places))
        chosen = niched(directions, distance, len(safe), places - len(safe))
        return np.concatenate([safe, last[np.sort(chosen)]])


@cache
def reference_directions(m: int, most: int) -> np.ndarray:
    """Return as many evenly spread points of the unit simplex as there may be, (n, m) (Das and Dennis 1998)."""
    if m == 1:
        return np.ones((1, 1))
    divisions = 1
    while comb(m + divisions, m - 1) <= most:
        divisions += 1
    bars = np.array(list(combinations(range(m + divisions - 1), m - 1)), dtype=int).reshape(-1, m - 1)
    edges = np.column_stack([np.full(len(bars), -1), bars, np.full(len(bars), m + divisions - 1)])
    return (np.diff(edges, axis=1) - 1) / divisions


def normalised(values: np.ndarray, best: np.ndarray) -> np.ndarray:
    """Return (n, m) values as shares of the way from the ideal point to the intercepts of the front's plane (section IV-C).

    best: (n,) bool, those that nobody dominates. What is infinite is set to the greatest finite value.
    """
    greatest = np.where(np.isfinite(values), values, -np.inf).max(axis=0)
    finite = np.where(np.isfinite(values), values, np.where(np.isfinite(greatest), greatest, 0.0))
    moved = finite - finite.min(axis=0)
    m, front = values.shape[1], moved[best]
    weights = np.where(np.eye(m, dtype=bool), 1.0, _PENALTY)
    extremes = front[(front[:, None, :] * weights).max(axis=2).argmin(axis=0)]
    spread = front.max(axis=0)
    try:
        intercepts = 1.0 / np.linalg.solve(extremes, np.ones(m))
    except np.linalg.LinAlgError:
        intercepts = spread
    if not (np.isfinite(intercepts).all() and (intercepts > 1e-12).all()):
        intercepts = spread
    return moved / np.where(intercepts > 0, intercepts, 1.0)


def associated(shown: np.ndarray, directions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the nearest direction of each point, (n,), and its distance to that line, (n,)."""
    units = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    along = shown @ units.T
    squares = np.maximum((shown**2).sum(axis=1)[:, None] - along**2, 0.0)
    nearest = squares.argmin(axis=1)
    return nearest, np.sqrt(squares[np.arange(len(shown)), nearest])


def niched(directions: np.ndarray, distance: np.ndarray, n_safe: int, places: int) -> np.ndarray:
    """Return which of the points after the first ``n_safe`` get the places that are left (section IV-E)."""
    counts = np.bincount(directions[:n_safe], minlength=directions.max() + 1).astype(float)
    waiting: dict[int, list[int]] = {}
    for at in np.lexsort((distance[n_safe:],)).tolist():  # of each direction the nearest first
        waiting.setdefault(int(directions[n_safe + at]), []).append(at)
    chosen: list[int] = []
    while len(chosen) < places:
        emptiest = min(waiting, key=lambda direction: (counts[direction], direction))
        chosen.append(waiting[emptiest].pop(0))
        counts[emptiest] += 1
        if not waiting[emptiest]:
            del waiting[emptiest]
    return np.array(chosen, dtype=int)
