"""Slow, obvious twins of what the package computes quickly."""

from __future__ import annotations

import math
from collections.abc import Sequence

Point = Sequence[float]


def dominates(a: Point, b: Point) -> bool:
    """Tell whether ``a`` is at least as good as ``b`` everywhere and better somewhere; all values are maximised."""
    return all(x >= y for x, y in zip(a, b, strict=True)) and any(x > y for x, y in zip(a, b, strict=True))


def fronts(points: Sequence[Point]) -> list[list[int]]:
    """Peel off, again and again, the points that none of those left dominates."""
    left, found = list(range(len(points))), []
    while left:
        front = [i for i in left if not any(dominates(points[j], points[i]) for j in left)]
        found.append(front)
        left = [i for i in left if i not in front]
    return found


def crowding_distance(points: Sequence[Point]) -> list[float]:
    """Crowding distance as in Deb et al. 2002, section III-B, one objective and one point at a time."""
    distances = [0.0] * len(points)
    for objective in range(len(points[0])):
        order = sorted(range(len(points)), key=lambda i: points[i][objective])
        low, high = points[order[0]][objective], points[order[-1]][objective]
        distances[order[0]] = distances[order[-1]] = math.inf
        for before, here, after in zip(order, order[1:], order[2:], strict=False):
            if high > low:
                distances[here] += (points[after][objective] - points[before][objective]) / (high - low)
    return distances
