"""Columns that a formula may only rise or fall with, and how far formulas are from that.

Checked at sampled rows (optimistic: between them anything may happen) or by interval arithmetic over whole ranges (pessimistic:
what is found to hold does hold, but some formulas that keep the rule are refused), after Kronberger et al. (2022),
"Shape-constrained symbolic regression: improving extrapolation with prior knowledge".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from evoml.core.errors import SettingError, nearest
from evoml.core.threads import ALONE, Threads
from evoml.genomes.expression.population import Population

Boxes: TypeAlias = Callable[[int], tuple[np.ndarray, np.ndarray]]

_SIGNS: Mapping[object, int] = {"increasing": 1, "decreasing": -1, 1: 1, -1: -1}
_ROUNDING = 1e-9  # of the steepest slope: what may be rounding is no violation


@dataclass(frozen=True)
class Monotonicity:
    """Columns, and 1 where the result must not fall with one, -1 where it must not rise."""

    columns: tuple[int, ...]
    signs: tuple[int, ...]

    @classmethod
    def of(cls, wanted: Mapping[str | int, str | int], names: Sequence[str]) -> Monotonicity:
        """Return what is wanted of columns (names or numbers): "increasing" or 1, "decreasing" or -1. Raises SettingError."""
        found: dict[int, int] = {}
        for column, direction in wanted.items():
            at = list(names).index(column) if column in names else column  # type: ignore[arg-type]
            if isinstance(at, bool) or not isinstance(at, (int, np.integer)) or not 0 <= at < len(names):
                raise SettingError(
                    f"there is no column {column!r} that formulas could rise with{nearest(column, names)}"
                )
            if direction not in _SIGNS:
                raise SettingError(
                    f"formulas can be 'increasing' (1) or 'decreasing' (-1) in {column!r}, got {direction!r}"
                )
            found[int(at)] = _SIGNS[direction]
        return cls(tuple(found), tuple(found.values()))


def sampled_violations(
    population: Population,
    wanted: Monotonicity,
    rows: np.ndarray,
    slopes: np.ndarray | None = None,
    threads: Threads = ALONE,
) -> np.ndarray:
    """Return how far formulas are from what is wanted at some rows, float64 (n,): 0 where it holds at all of them.

    rows: (m, n_features) float64. slopes: (n,) what each formula is multiplied by. Each column adds the mean over the rows of
    the part of the greatest slope found that has the wrong sign, from 0 to 1; what is not defined counts 1.
    """
    rows = np.ascontiguousarray(rows, np.float64)
    return _violations(population, wanted, lambda _: (rows, rows), slopes, threads)


def interval_violations(
    population: Population,
    wanted: Monotonicity,
    lows: np.ndarray,
    highs: np.ndarray,
    slopes: np.ndarray | None = None,
    pieces: int = 1,
) -> np.ndarray:
    """Return how far formulas may be from what is wanted within ranges, float64 (n,): 0 where it certainly holds.

    lows, highs: (n_features,) float64, the ranges of the columns. pieces: each checked column's range is cut into so many, as
    bounds over a shorter range are tighter. The measure is that of :func:`sampled_violations`, with pieces for rows.
    """
    cuts = np.linspace(0.0, 1.0, pieces + 1)

    def boxes(column: int) -> tuple[np.ndarray, np.ndarray]:
        low, high = np.tile(lows, (pieces, 1)), np.tile(highs, (pieces, 1))
        edges = low[0, column] + cuts * (high[0, column] - low[0, column])
        edges[-1] = high[0, column]
        low[:, column], high[:, column] = edges[:-1], edges[1:]
        return low, high

    lows, highs = np.asarray(lows, np.float64), np.asarray(highs, np.float64)
    return _violations(population, wanted, boxes, slopes, ALONE)


def _violations(
    population: Population, wanted: Monotonicity, boxes: Boxes, slopes: np.ndarray | None, threads: Threads
) -> np.ndarray:
    n = len(population)
    directions = np.ones(n) if slopes is None else np.sign(slopes)
    found = np.zeros(n)
    for column, sign in zip(wanted.columns, wanted.signs, strict=True):
        found += _violations_of(column, population, sign * directions, boxes(column), threads)
    return found


def _violations_of(
    column: int, population: Population, signs: np.ndarray, box: tuple[np.ndarray, np.ndarray], threads: Threads
) -> np.ndarray:
    from evoml.kernels.expression_intervals import bound_derivatives

    n, (low, high) = len(population), box
    shape, bounds, found = (
        (population.codes, population.constants, population.lengths),
        np.empty((n, len(low), 2)),
        np.empty(n),
    )

    def some(first: int, last: int) -> None:
        bound_derivatives(*shape, low, high, column, first, last, bounds)
        found[first:last] = _wrong_part(bounds[first:last], signs[first:last])

    threads.in_chunks(n, some)
    return found


def _wrong_part(bounds: np.ndarray, signs: np.ndarray) -> np.ndarray:
    """Return the mean over boxes of the part of the greatest slope that has the wrong sign, (n,)."""
    rising = signs[:, None] > 0
    least = np.where(rising, bounds[:, :, 0], -bounds[:, :, 1])
    steepest = np.where(np.isinf(bounds), 0.0, np.abs(bounds)).max(axis=(1, 2))[:, None]
    part = np.where(np.isinf(least), 1.0, -least / np.where(steepest == 0.0, 1.0, steepest))
    held = (least >= 0.0) | (signs[:, None] == 0.0) | (part <= _ROUNDING)
    return np.where(held, 0.0, part).mean(axis=1)
