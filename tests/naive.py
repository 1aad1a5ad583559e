"""Slow, obvious twins of what the package computes quickly."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import mean

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


class GreedyDual:
    """Greedy-Dual-Size-Frequency (Cherkasova 1998), with a look at all entries whenever one must go."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes, self.clock = max_bytes, 0.0
        self.entries: dict[str, dict[str, float]] = {}

    def add(self, name: str, n_bytes: int, seconds: float) -> list[str]:
        uses = self.entries[name]["uses"] if name in self.entries else 0
        self.entries[name] = {"bytes": n_bytes, "seconds": seconds, "uses": uses}
        self.used(name)
        dropped = []
        while sum(entry["bytes"] for entry in self.entries.values()) > self.max_bytes:
            least = min(self.entries, key=lambda name: (self.entries[name]["priority"], name))
            self.clock = self.entries.pop(least)["priority"]
            dropped.append(least)
        return dropped

    def used(self, name: str) -> None:
        if name in self.entries:
            entry = self.entries[name]
            entry["uses"] += 1
            entry["priority"] = self.clock + entry["uses"] * entry["seconds"] / max(entry["bytes"], 1)


def best_third(values: Sequence[float]) -> float:
    """What the best third of values reach: two thirds of the way through them in order, between two where it falls there."""
    ordered = sorted(values)
    place = (len(ordered) - 1) * 2 / 3
    low = ordered[math.floor(place)]
    return low + (place - math.floor(place)) * (ordered[math.ceil(place)] - low)


def fold_bars(scores: Sequence[Sequence[float]], place: int, deviations: float) -> list[float]:
    """What a candidate must reach after each fold but the last, to come to a place (1 the best) among ``scores``, best first.

    Its mean over all folds is thought to be that of the one in this place, plus the difference so far, less so many
    deviations of what the missing folds may still add.
    """
    survivor, folds = scores[place - 1], len(scores[0])
    squares = 0.0
    for one in scores:
        differences = [mine - its for mine, its in zip(one, survivor, strict=True)]
        squares += sum((difference - mean(differences)) ** 2 for difference in differences)
    deviation = math.sqrt(squares / ((len(scores) - 1) * (folds - 1)))
    return [
        mean(survivor[:seen]) - deviations * deviation * math.sqrt((folds - seen) / (folds * seen))
        for seen in range(1, folds)
    ]


def roc_auc(positive: Sequence[bool], values: Sequence[float], weight: Sequence[float]) -> float:
    """The weighted share of pairs, one positive and one negative, whose values are in order; ties count one half."""
    won = pairs = 0.0
    for is_positive, high, its_weight in zip(positive, values, weight, strict=True):
        for is_other, low, other_weight in zip(positive, values, weight, strict=True):
            if is_positive and not is_other:
                pairs += its_weight * other_weight
                won += its_weight * other_weight * (1.0 if high > low else 0.5 if high == low else 0.0)
    return won / pairs if pairs else math.nan


def logistic_loss(
    X: Sequence[Sequence[float]],
    codes: Sequence[int],
    weight: Sequence[float],
    coef: Sequence[Sequence[float]],
    intercept: Sequence[float],
    C: float,
) -> float:
    """Weighted log loss of a binary (one row of coefficients) or multinomial model, row by row, and its L2 penalty."""
    total = sum(value * value for row in coef for value in row) / (2.0 * C)
    for row, code, its_weight in zip(X, codes, weight, strict=True):
        scores = [
            math.fsum(a * b for a, b in zip(row, one, strict=True)) + at
            for one, at in zip(coef, intercept, strict=True)
        ]
        if len(scores) == 1:
            scores = [0.0, *scores]
        highest = max(scores)
        total += its_weight * (
            highest - scores[code] + math.log(math.fsum(math.exp(score - highest) for score in scores))
        )
    return total
