"""Where a model errs more than elsewhere: parts of the table cut by one or two raw columns, tested against chance.

After Chung et al. 2019, "Slice Finder": only slices with enough rows, a significantly greater error, and, of two columns,
only where either column alone says less. All tests together are corrected for their number
(Benjamini and Hochberg 1995).
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any

import numpy as np

from evoml.run.explanation.figures import rounded
from evoml.run.explanation.fold_models import FoldModel, column_of
from evoml.run.explanation.performance import wilson

LISTED = 12
LEAST_ROWS = 20
LEAST_SHARE = 0.01  # of the rows
PARTS = 5  # that a column of numbers is cut into
FEW = 8  # distinct numbers are a slice each
PAIRED = 5  # columns whose pairs are looked at: those that alone tell most
ALIKE = 0.8  # share of common rows (Jaccard) above which a slice says nothing new
LEVEL = 0.05
TINY = 1e-300  # keeps zero from being divided by


@dataclass(frozen=True, eq=False)
class Cuts:
    """A table cut into slices: (n,) ``codes``, -1 for rows in none, and words for each slice."""

    codes: np.ndarray
    words: list[str]
    columns: tuple[int, ...]

    def counted(self, weights: np.ndarray | None = None) -> np.ndarray:
        """Return the rows of each slice, or a sum over them."""
        inside = self.codes >= 0
        chosen = None if weights is None else weights[inside]
        return np.bincount(self.codes[inside], weights=chosen, minlength=len(self.words))


@dataclass(frozen=True, eq=False)
class Sums:
    """Rows, sum of errors and sum of squared errors of some slices."""

    count: np.ndarray
    total: np.ndarray
    squares: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        return self.total / np.maximum(self.count, 1)

    @property
    def variance(self) -> np.ndarray:
        return np.maximum(self.squares - self.count * self.mean**2, 0.0) / np.maximum(self.count - 1, 1)

    def without(self, other: Sums) -> Sums:
        return Sums(self.count - other.count, self.total - other.total, self.squares - other.squares)

    def take(self, index: Any) -> Sums:
        return Sums(self.count[index], self.total[index], self.squares[index])


def slices(models: Sequence[FoldModel], names: Sequence[str], until: float = math.inf) -> dict[str, Any]:
    """Return the slices with the greatest errors that are not chance, worst first; perhaps none.

    Of a wide table only as many columns are looked at as there is time for by ``until`` (monotonic clock).

    The error of a row is 1 for a wrong class, or the absolute difference of a number; its mean where a row was tested
    more than once. Of several outputs it is their mean, differences in standard deviations of each.
    """
    X, errors = _table(models)
    wrong = models[0].classes is not None and bool(np.isin(errors, (0.0, 1.0)).all())
    found: list[Cuts | None] = []
    for at, name in enumerate(names):
        if found and time.monotonic() > until:
            break
        found.append(_cuts(column_of(X, at), name, at))
    singles = [cuts for cuts in found if cuts is not None]
    overall = Sums(*(np.array([value], dtype=float) for value in (len(errors), errors.sum(), (errors**2).sum())))
    tested = [_Tested(cuts, _sums(cuts, errors), None, wrong, overall) for cuts in singles]
    telling = sorted(tested, key=lambda one: float(one.chance.min(initial=1.0)))[:PAIRED]
    by_column = {one.cuts.columns[0]: one for one in telling}
    for a, b in combinations(sorted(by_column), 2):
        parents = by_column[a], by_column[b]
        cuts = _both(*(one.cuts for one in parents))
        tested.append(_Tested(cuts, _sums(cuts, errors), parents, wrong, overall))
    return {
        "unit": _unit(models[0]),
        "overall": rounded(overall.mean[0]),
        "rows": len(errors),
        "columns": [len(found), len(names)],
        "tested": sum(len(one.chance) for one in tested),
        "worst": list(_worst(tested, len(errors), float(overall.mean[0]), wrong)),
    }


def _table(models: Sequence[FoldModel]) -> tuple[Any, np.ndarray]:
    """Return the tested rows, each once, and the mean error of each."""
    numbers = np.concatenate([one.rows for one in models])
    errors = np.concatenate([_errors(one) for one in models])
    _, first, place, times = np.unique(numbers, return_index=True, return_inverse=True, return_counts=True)
    if hasattr(models[0].X, "iloc"):
        import pandas as pd

        X = pd.concat([one.X for one in models], ignore_index=True).iloc[first]
    else:
        X = np.concatenate([one.X for one in models])[first]
    return X, np.bincount(place, weights=errors) / times


def _errors(one: FoldModel) -> np.ndarray:
    said = one.said
    errors = (said != one.truth).astype(float) if one.classes is not None else np.abs(one.truth - said)
    if errors.ndim == 1:
        return errors
    spread = np.std(one.truth, axis=0) if one.classes is None else np.ones(1)
    return np.mean(errors / np.where(spread > 0, spread, 1.0), axis=1)  # type: ignore[no-any-return]


def _unit(one: FoldModel) -> str:
    if one.classes is not None:
        return "share of wrong classes"
    return "mean absolute error" + (", in standard deviations," if one.truth.ndim > 1 else "")


# -- cutting ----------------------------------------------------------------------------------------------------------


def _cuts(values: np.ndarray, name: str, column: int) -> Cuts | None:
    """Return a column's slices: its categories, its few distinct numbers or parts of its range, and missing values."""
    missing = values != values  # only a missing value is not equal to itself
    present = values[~missing]
    if not len(present):
        return None
    codes = np.full(len(values), -1)
    if values.dtype.kind == "O":
        levels, inside = np.unique(present.astype(str), return_inverse=True)
        words = [f"{name} = {level}" for level in levels]
    elif len(np.unique(present)) <= FEW:
        levels, inside = np.unique(present, return_inverse=True)
        words = [f"{name} = {_number(level)}" for level in levels]
    else:
        edges = np.unique(np.quantile(present, np.linspace(0, 1, PARTS + 1)[1:-1], method="higher"))
        edges = edges[edges < present.max()]
        inside = np.searchsorted(edges, present, side="left")
        words = _ranges(name, edges)
    codes[~missing] = inside
    if missing.any():
        codes[missing] = len(words)
        words.append(f"{name} missing")
    return Cuts(codes, words, (column,)) if len(words) > 1 else None


def _ranges(name: str, edges: np.ndarray) -> list[str]:
    texts = [_number(edge) for edge in edges]
    if not texts:
        return [name]
    between = [f"{low} < {name} ≤ {high}" for low, high in pairwise(texts)]
    return [f"{name} ≤ {texts[0]}", *between, f"{name} > {texts[-1]}"]


def _number(value: float) -> str:
    return f"{value:.4g}" if abs(value) < 1e4 else f"{value:,.0f}" if abs(value) < 1e9 else f"{value:.3g}"


def _both(a: Cuts, b: Cuts) -> Cuts:
    inside = (a.codes >= 0) & (b.codes >= 0)
    codes = np.where(inside, a.codes * len(b.words) + b.codes, -1)
    return Cuts(codes, [f"{one}, {other}" for one in a.words for other in b.words], a.columns + b.columns)


# -- testing ----------------------------------------------------------------------------------------------------------


def _sums(cuts: Cuts, errors: np.ndarray) -> Sums:
    return Sums(cuts.counted().astype(float), cuts.counted(errors), cuts.counted(errors**2))


class _Tested:
    """Slices, and for each one with enough rows how likely chance alone makes it as bad.

    A slice of two columns must be worse than either of its parents.
    """

    def __init__(
        self, cuts: Cuts, sums: Sums, parents: tuple[_Tested, _Tested] | None, wrong: bool, overall: Sums
    ) -> None:
        rows = float(overall.count[0])
        enough = (sums.count >= max(LEAST_ROWS, LEAST_SHARE * rows)) & (rows - sums.count >= LEAST_ROWS)
        self.cuts, self.all_sums, self.places = cuts, sums, np.flatnonzero(enough)
        self.sums = sums.take(self.places)
        self.chance = _chance(self.sums, overall, wrong)
        if parents is None:
            return
        first, second = np.divmod(self.places, len(parents[1].cuts.words))
        for parent, at in zip(parents, (first, second), strict=True):
            self.chance = np.maximum(self.chance, _chance(self.sums, parent.all_sums.take(at), wrong))


def _chance(inside: Sums, among: Sums, wrong: bool) -> np.ndarray:
    """Return one-sided p-values that slices have no greater mean error than the other rows they are among.

    Fisher's exact test where rows are right or wrong, else Welch's.
    """
    from scipy import stats

    outside = among.without(inside)
    if wrong:
        chance = stats.hypergeom.sf(inside.total - 1, among.count, among.total, inside.count)
    else:
        a, b = (one.variance / np.maximum(one.count, 1) for one in (inside, outside))
        parts = [term**2 / np.maximum(one.count - 1, 1) for term, one in ((a, inside), (b, outside))]
        freedom = (a + b) ** 2 / (parts[0] + parts[1] + TINY)
        chance = stats.t.sf((inside.mean - outside.mean) / np.sqrt(a + b + TINY), np.maximum(freedom, 1.0))
    return np.where(outside.count >= 2, chance, 1.0)


def _worst(tested: Sequence[_Tested], n_rows: int, overall: float, wrong: bool) -> Iterator[dict[str, Any]]:
    """Yield the slices whose interval lies highest, without those that are nearly the same as one before."""
    from scipy import stats

    flat = [(one, at) for one in tested for at in range(len(one.chance))]
    if not flat:
        return
    corrected = stats.false_discovery_control(np.concatenate([one.chance for one in tested]), method="bh")
    found = []
    for (one, at), chance in zip(flat, corrected, strict=True):
        sums = one.sums.take([at])
        lows, highs = wilson(sums.total, sums.count) if wrong else _interval(sums)
        if chance <= LEVEL and sums.mean[0] > overall:
            found.append((float(lows[0]), float(highs[0]), one, at, float(chance)))
    found.sort(key=lambda slice_: -slice_[0])
    shown: list[np.ndarray] = []
    for low, high, one, at, chance in found:
        rows = one.cuts.codes == one.places[at]
        if len(shown) == LISTED or any(_likeness(rows, other) > ALIKE for other in shown):
            continue
        shown.append(rows)
        yield {
            "where": one.cuts.words[one.places[at]],
            "rows": int(rows.sum()),
            "share": rounded(rows.sum() / n_rows),
            "error": rounded(one.sums.mean[at]),
            "low": rounded(low),
            "high": rounded(high),
            "chance": rounded(chance, 2),
        }


def _interval(sums: Sums) -> tuple[np.ndarray, np.ndarray]:
    from scipy import stats

    half = stats.t.ppf(0.975, np.maximum(sums.count - 1, 1)) * np.sqrt(sums.variance / sums.count)
    return np.maximum(sums.mean - half, 0.0), sums.mean + half


def _likeness(a: np.ndarray, b: np.ndarray) -> float:
    return float((a & b).sum() / max((a | b).sum(), 1))
