"""A selector of columns that tell about the target in pairs, also where none of them tells anything alone.

Counts of all pairs are products of matrices of zeros and ones, and the target enters as whole numbers, so that sums are exact
in float32, in whatever order they are taken.
"""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.feature_selection import SelectorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

_RANKS = 255  # of a numerical target, so that sums over _MOST_ROWS rows stay below 2^24, where float32 has all integers
_MOST_ROWS = 8192
_LEAST_ROWS = 500  # however many the columns
_WORK = 4e10  # products of cells and rows that one fit may take
_AT_ONCE = 2**20  # pairs of bins


class PairSelector(SelectorMixin, BaseEstimator):
    """Keeps the columns of those pairs that tell more of the target together than each by itself.

    Columns are cut into quantile bins. A pair's score is by how much the cells of its two columns explain more of the target's
    variance than the bins of both columns do one by one: Pearson's chi-squared statistic for classes, for numbers the sum of
    squares between cells of the target's ranks. All pairs are looked at. An exclusive or, and epistasis without
    marginal effects (Urbanowicz et al. 2012), are found so, which selectors that judge single columns pass over.

    Parameters
    ----------
    n_pairs : int
        How many pairs are kept, at least 1.
    n_bins : int
        Of each column, at least 2; a column with fewer values has one for each.
    task : {"classification", "regression"}
        What the target is.

    Attributes
    ----------
    pairs_ : (n_kept, 2) int array
        The pairs kept, best first.
    scores_ : (n_kept,) float array
        Their scores: chi-squared for each row, or the share of the variance of ranks.
    """

    def __init__(self, n_pairs: int = 5, n_bins: int = 3, task: str = "classification") -> None:
        self.n_pairs, self.n_bins, self.task = n_pairs, n_bins, task

    def fit(self, X: Any, y: Any) -> "PairSelector":
        columns, target = validate_data(self, X, y, dtype=np.float64, y_numeric=self.task == "regression")
        if self.task == "classification":
            check_classification_targets(target)
        numbers, worth = _class_numbers(target) if self.task == "classification" else _rank_numbers(target)
        rows = _evenly(len(columns), _rows_for(columns.shape[1] * self.n_bins, numbers.shape[1]))
        cells = _indicators(columns[rows], self.n_bins)
        self.pairs_, self.scores_ = _best_pairs(cells, self.n_bins, numbers[rows], worth, self.n_pairs)
        return self

    def _get_support_mask(self) -> np.ndarray:
        check_is_fitted(self)
        mask = np.zeros(self.n_features_in_, dtype=bool)
        mask[self.pairs_.ravel()] = True
        return mask if mask.any() else np.arange(len(mask)) == 0

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags


def _class_numbers(target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return an indicator of each class, of one for two classes, and what the squares of its sums count."""
    codes, counts = np.unique(target, return_inverse=True, return_counts=True)[1:]
    numbers = (codes[:, None] == np.arange(len(counts))).astype(np.float32)
    worth = len(target) / counts
    return (numbers[:, :1], worth.sum(keepdims=True)) if len(counts) == 2 else (numbers, worth)


def _rank_numbers(target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return ranks of a numerical target as whole numbers, and what the square of their sums counts."""
    places = np.searchsorted(np.sort(target), target, side="left")
    ranks = np.floor(_RANKS * places / len(target)).astype(np.float32)[:, None]
    variance = float(ranks.var(dtype=np.float64))
    return ranks, np.array([1.0 / variance if variance > 0 else 0.0])


def _rows_for(n_cells: int, n_numbers: int) -> int:
    """Return how many rows all pairs can be looked at with."""
    return int(np.clip(_WORK / (n_cells**2 * (1 + n_numbers)), _LEAST_ROWS, _MOST_ROWS))


def _evenly(n_rows: int, most: int) -> np.ndarray:
    return np.arange(n_rows) if n_rows <= most else np.linspace(0, n_rows - 1, most).astype(np.intp)


def _indicators(columns: np.ndarray, n_bins: int) -> np.ndarray:
    """Return which bin of each column a row is in, (n_rows, n_columns * n_bins) of zeros and ones."""
    n_rows, n_columns = columns.shape
    cells = np.zeros((n_rows, n_columns, n_bins), np.float32)
    for place, column in enumerate(columns.T):
        values = np.unique(column)
        edges = values[1:] if len(values) <= n_bins else _cuts(column, n_bins)
        cells[np.arange(n_rows), place, np.searchsorted(edges, column, side="right")] = 1.0
    return cells.reshape(n_rows, -1)


def _cuts(column: np.ndarray, n_bins: int) -> np.ndarray:
    """Return values that the bins above the first begin with."""
    ordered = np.sort(column)
    return np.unique(ordered[np.arange(1, n_bins) * len(ordered) // n_bins])


def _best_pairs(
    cells: np.ndarray, n_bins: int, numbers: np.ndarray, worth: np.ndarray, n_pairs: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the best pairs of different columns (n, 2) and their scores (n,), best first."""
    n_columns = cells.shape[1] // n_bins
    alone = _explained(cells.sum(axis=0, dtype=np.float64), cells.T @ numbers, numbers, worth)
    alone = alone.reshape(n_columns, n_bins).sum(axis=1)
    step = max(1, _AT_ONCE // (n_columns * n_bins * n_bins))
    pairs, scores = np.empty((0, 2), np.intp), np.empty(0)
    for first in range(0, n_columns, step):
        own = cells[:, first * n_bins : (first + step) * n_bins]
        others = cells[:, first * n_bins :]
        sums = np.stack([(own * number[:, None]).T @ others for number in numbers.T], axis=-1)
        together = _explained((own.T @ others).astype(np.float64), sums, numbers, worth)
        n_own = own.shape[1] // n_bins
        together = together.reshape(n_own, n_bins, -1, n_bins).sum(axis=(1, 3))
        gains = together - alone[first : first + n_own, None] - alone[None, first:]
        left, right = np.triu_indices(n_own, 1, gains.shape[1])
        found = np.column_stack([left, right]) + first
        pairs, scores = np.concatenate([pairs, found]), np.concatenate([scores, gains[left, right]])
        order = np.lexsort((pairs[:, 1], pairs[:, 0], -scores))[:n_pairs]
        pairs, scores = pairs[order], scores[order]
    return pairs, scores / len(cells)


def _explained(counts: np.ndarray, sums: np.ndarray, numbers: np.ndarray, worth: np.ndarray) -> np.ndarray:
    """Return what each cell adds to the variance that cells explain; ``sums`` has the target's numbers last."""
    about_mean = sums - counts[..., None] * numbers.mean(axis=0, dtype=np.float64)
    return (about_mean**2 * worth).sum(axis=-1) / np.maximum(counts, 1.0)
