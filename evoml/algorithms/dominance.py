"""Pareto dominance: fronts and crowding, for objectives that are all maximised."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from evoml.core.candidate import Outcome


def dominating(values: np.ndarray) -> np.ndarray:
    """Return (n, n) bool, whether the first point dominates the second; values: (n, m), all minimised."""
    no_worse = np.ones((len(values), len(values)), dtype=bool)
    for column in values.T:
        no_worse &= column[:, None] <= column[None, :]
    return no_worse & ~no_worse.T


def fronts(scores: np.ndarray) -> list[np.ndarray]:
    """Sort points into fronts of mutually non-dominated ones (Deb et al. 2002, section III-A).

    scores: (n, m) objective values, all maximised. Returns arrays of indices, the best front first.
    """
    dominates = dominating(-scores)
    dominators = dominates.sum(axis=0)
    left, found = np.ones(len(scores), dtype=bool), []
    while left.any():
        front = np.flatnonzero(left & (dominators == 0))
        found.append(front)
        left[front] = False
        dominators = dominators - dominates[front].sum(axis=0)
    return found


def first_front(scores: np.ndarray) -> np.ndarray:
    """Return the indices of the points that no other dominates, in order; for many points, whose pairs are too many.

    scores: (n, m) objective values, all maximised.
    """
    found = np.empty(0, dtype=int)
    for index in np.lexsort(-scores.T[::-1]):  # what dominates a point comes before it
        at_least = np.all(scores[found] >= scores[index], axis=1)
        if not np.any(at_least & np.any(scores[found] > scores[index], axis=1)):
            found = np.append(found, index)
    return np.sort(found)


def crowding_distance(scores: np.ndarray) -> np.ndarray:
    """Crowding distance of each point within its front (Deb et al. 2002, section III-B).

    scores: (n, m) objective values. Returns (n,), inf at the boundary. Raises ValueError for an empty front.
    """
    if not len(scores):
        raise ValueError("crowding_distance needs at least one point, got an empty front")
    distance = np.zeros(len(scores))
    for values in scores.T:
        order = np.argsort(values, kind="stable")
        spread = values[order[-1]] - values[order[0]]
        distance[order[[0, -1]]] = np.inf
        if spread > 0:
            distance[order[1:-1]] += (values[order[2:]] - values[order[:-2]]) / spread
    return distance


def ranked(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the front number and the crowding distance of each point: (n,) and (n,)."""
    rank, crowding = np.zeros(len(scores), dtype=int), np.zeros(len(scores))
    for number, front in enumerate(fronts(scores)):
        rank[front], crowding[front] = number, crowding_distance(scores[front])
    return rank, crowding


def pareto_front(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Return the outcomes that no other dominates, best first objective first; one for each place and each meaning."""
    scored = {o.candidate.key: o for o in reversed(outcomes) if o.ok}
    found = sorted(scored.values(), key=lambda o: o.candidate.id)
    if not found:
        return []
    first = first_front(np.array([outcome.scores for outcome in found]))
    places = {found[i].scores: found[i] for i in reversed(first)}
    return sorted(places.values(), key=lambda o: (*(-score for score in o.scores), o.candidate.id))
