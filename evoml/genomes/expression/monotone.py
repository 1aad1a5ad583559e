"""Columns that a formula may only rise or fall with, and how far formulas are from that.

Checked at sampled rows (between them anything may happen), or along lines where interval arithmetic does not prove it, after
Kronberger et al. (2022), "Shape-constrained symbolic regression: improving extrapolation with prior knowledge".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evoml.core.errors import SettingError, nearest
from evoml.core.threads import ALONE, Threads
from evoml.genomes.expression.population import Formula, Population

_SIGNS: Mapping[object, int] = {"increasing": 1, "decreasing": -1, 1: 1, -1: -1}
_ROUNDING = 1e-9  # of the steepest slope, or the values' range: what may be rounding is no violation
_CANCELLED = 1e-13  # of the largest value: what its last digits leave where they cancel
_HALVINGS, _MOST_STRETCHES = 20, 8192  # of lines on which a formula is looked at, and how many in all
_BLIND = 4  # halvings of what is defined at neither end


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
    rows, n = np.ascontiguousarray(rows, np.float64), len(population)
    directions = np.ones(n) if slopes is None else np.sign(slopes)
    found = np.zeros(n)
    for column, sign in zip(wanted.columns, wanted.signs, strict=True):
        found += _violations_of(column, population, sign * directions, rows, threads)
    return found


def moves_as_wanted(
    formula: Formula, wanted: Monotonicity, rows: np.ndarray, lows: np.ndarray, highs: np.ndarray
) -> bool:
    """Tell whether a formula moves as wanted along lines through rows, each column from end to end of its range.

    rows: (m, n_features) float64. lows, highs: (n_features,) float64, the ranges of the columns. Stretches of a line where
    interval arithmetic does not prove it are halved again and again, and the values at their ends compared, which finds poles
    and narrow dips; between ends that lie close nothing is known for sure. Where it is not defined a formula does not move.
    """
    population = Population.of([formula])
    for column, sign in zip(wanted.columns, wanted.signs, strict=True):
        low, high, rounding = rows.copy(), rows.copy(), 0.0
        low[:, column], high[:, column] = lows[column], highs[column]
        for halving in range(_HALVINGS):
            ends = np.stack([formula.evaluate(low.T), formula.evaluate(high.T)])
            defined = np.isfinite(ends)
            if defined.any():
                rounding = max(rounding, _ROUNDING * np.ptp(ends[defined]), _CANCELLED * np.abs(ends[defined]).max())
            with np.errstate(invalid="ignore"):
                if (sign * (ends[1] - ends[0]) < -rounding).any():
                    return False
            open_ = _unproved(population, column, sign, low, high) & (defined.any(axis=0) | (halving < _BLIND))
            if not open_.any() or 2 * open_.sum() > _MOST_STRETCHES:
                break
            low, high = _halved(low[open_], high[open_], column)
    return True


def _unproved(population: Population, column: int, sign: int, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return of which stretches intervals do not prove that they move as wanted, bool (m,)."""
    from evoml.kernels.expression_intervals import bound_derivatives

    bounds = np.empty((1, len(low), 2))
    bound_derivatives(population.codes, population.constants, population.lengths, low, high, column, 0, 1, bounds)
    unproved: np.ndarray = (bounds[0, :, 0] if sign > 0 else -bounds[0, :, 1]) < 0.0
    return unproved


def _halved(low: np.ndarray, high: np.ndarray, column: int) -> tuple[np.ndarray, np.ndarray]:
    middle = 0.5 * (low[:, column] + high[:, column])
    lows, highs = np.concatenate([low, low]), np.concatenate([high, high])
    highs[: len(low), column], lows[len(low) :, column] = middle, middle
    return lows, highs


def _violations_of(
    column: int, population: Population, signs: np.ndarray, rows: np.ndarray, threads: Threads
) -> np.ndarray:
    from evoml.kernels.expression_intervals import bound_derivatives

    n, shape = len(population), (population.codes, population.constants, population.lengths)
    slopes, found = np.empty((n, len(rows), 2)), np.empty(n)

    def some(first: int, last: int) -> None:
        bound_derivatives(*shape, rows, rows, column, first, last, slopes)
        found[first:last] = _wrong_part(slopes[first:last], signs[first:last])

    threads.in_chunks(n, some)
    return found


def _wrong_part(bounds: np.ndarray, signs: np.ndarray) -> np.ndarray:
    """Return the mean over rows of the part of the greatest slope that has the wrong sign, (n,)."""
    rising = signs[:, None] > 0
    least = np.where(rising, bounds[:, :, 0], -bounds[:, :, 1])
    steepest = np.where(np.isinf(bounds), 0.0, np.abs(bounds)).max(axis=(1, 2))[:, None]
    part = np.where(np.isinf(least), 1.0, -least / np.where(steepest == 0.0, 1.0, steepest))
    held = (least >= 0.0) | (signs[:, None] == 0.0) | (part <= _ROUNDING)
    return np.where(held, 0.0, part).mean(axis=1)
