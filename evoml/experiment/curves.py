"""Anytime curves: the best score of each run after so much work, and what follows from it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evoml.experiment.results import Row
from evoml.experiment.statistics import expected_running_time

Point = tuple[float, float, float]  # evaluations, seconds, best score so far
EVALUATIONS, SECONDS = "evaluations", "seconds"
GRID = 200  # points of a band


@dataclass(frozen=True)
class Band:
    """The best score of several runs after so much work: quartiles, where at least half of the runs have one.

    ``at``, ``low``, ``middle``, ``high`` are arrays of one length.
    """

    at: np.ndarray
    low: np.ndarray
    middle: np.ndarray
    high: np.ndarray


def work_of(curve: Sequence[Point], axis: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the work and the score of each point."""
    points = np.asarray(curve, dtype=float).reshape(-1, 3)
    return points[:, 0 if axis == EVALUATIONS else 1], points[:, 2]


def after(curve: Sequence[Point], axis: str, work: np.ndarray) -> np.ndarray:
    """Return the best score after so much work; nan before the first one."""
    at, scores = work_of(curve, axis)
    index = np.searchsorted(at, work, side="right") - 1
    return np.where(index >= 0, scores[np.maximum(index, 0)], np.nan)


def band(curves: Sequence[Sequence[Point]], axis: str) -> Band | None:
    """Return the band of several runs, as far as the shortest of them went; None without any."""
    curves = [curve for curve in curves if len(curve)]
    if not curves:
        return None
    begins = float(np.median([work_of(curve, axis)[0][0] for curve in curves]))
    ends = min(work_of(curve, axis)[0][-1] for curve in curves)
    grid = np.linspace(begins, max(begins, ends), GRID)
    scores = np.array([after(curve, axis, grid) for curve in curves])
    quartiles = np.nanquantile(scores, [0.25, 0.5, 0.75], axis=0)
    told = np.append(True, (np.diff(quartiles) != 0).any(axis=0))  # steps, so what lies between changes tells nothing
    told[-1] = True
    low, middle, high = quartiles[:, told]
    return Band(grid[told], low, middle, high)


def area(curve: Sequence[Point], axis: str, begin: float, end: float) -> float:
    """Return the mean height of a curve between two amounts of work: the area under it, by its width.

    Where the run had no score yet, its first one counts.
    """
    at, scores = work_of(curve, axis)
    if not len(at) or end <= begin:
        return float(scores[-1]) if len(at) else math.nan
    inside = (at > begin) & (at < end)
    edges = np.concatenate([[begin], at[inside], [end]])
    heights = after(curve, axis, edges[:-1])
    return float(np.sum(np.where(np.isnan(heights), scores[0], heights) * np.diff(edges)) / (end - begin))


def areas(rows: Mapping[str, Sequence[Row]], axis: str) -> dict[str, list[float]]:
    """Return the areas of one problem's runs by variant, all between the same two amounts of work."""
    curves = [row.curve for group in rows.values() for row in group if row.curve]
    if not curves:
        return {}
    begin = min(work_of(curve, axis)[0][0] for curve in curves)
    end = min(work_of(curve, axis)[0][-1] for curve in curves)
    return {name: [area(row.curve, axis, begin, end) for row in group if row.curve] for name, group in rows.items()}


@dataclass(frozen=True)
class Successes:
    """How often, and how soon, runs reached a score."""

    successes: int
    runs: int
    expected: float


def successes(curves: Sequence[Sequence[Point]], axis: str, bar: float) -> Successes:
    """Return how many runs reached a score, or a greater one, and the expected work until one does."""
    costs, reached = [], 0
    for curve in curves:
        at, scores = work_of(curve, axis)
        there = np.flatnonzero(scores >= bar)
        reached += bool(len(there))
        costs.append(at[there[0]] if len(there) else at[-1])
    return Successes(reached, len(costs), expected_running_time(costs, reached))
