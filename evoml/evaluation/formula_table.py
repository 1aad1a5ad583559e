"""The table that formulas are evaluated on, laid out as the compiled machine reads it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from evoml.core.random import mixed
from evoml.kernels.expression_fitness import CORRELATION, LOG_LOSS, MAE, R2

#: Losses by name. All but log loss are invariant to the units of the target; less is better.
LOSSES = {"mse": R2, "mae": MAE, "correlation": CORRELATION, "log_loss": LOG_LOSS}

MOST_REPEATS = 4  # rows for each row given, that whole weights may make of a table
LEAST_OF_A_CLASS = 0.1  # of the rows that are taken of a table, where the class has so many
_NEVER, _ALWAYS = 1e-300, 1.0 - 2.0**-53  # least and greatest share of a class, whatever rounding makes of it


@dataclass(frozen=True, eq=False)
class FormulaTable:
    """Columns, target and weights, by column.

    Attributes
    ----------
    features : (n_features, n_rows) float64 array
    target : (n_rows,) float64 array
        0 or 1 for log loss.
    weights : (n_rows,) float64 array
        All positive.
    classes : bool
        Whether the target tells two classes apart, so that a part of the rows must hold both.
    """

    features: np.ndarray
    target: np.ndarray
    weights: np.ndarray
    classes: bool = False

    @classmethod
    def of(cls, X: np.ndarray, y: np.ndarray, weights: np.ndarray | None = None, classes: bool = False) -> FormulaTable:
        """Return the table of ``X`` (n_rows, n_features), rows in an order that is their own, whatever the order they came in.

        Rows of no weight are left out, and rows of small whole weights are there so many times: all that is equivalent
        gives the same bits.
        """
        X, y = np.asarray(X, dtype=np.float64) + 0.0, np.asarray(y, dtype=np.float64) + 0.0
        order = np.argsort(_row_hashes(X, y), kind="stable")
        kept = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=np.float64)[order]
        order, kept = order[kept > 0], kept[kept > 0]
        if (kept == np.round(kept)).all() and kept.sum() <= MOST_REPEATS * len(kept):
            order, kept = np.repeat(order, kept.astype(np.int64)), np.ones(int(kept.sum()))
        return cls(np.ascontiguousarray(X[order].T), y[order], kept, classes)

    @property
    def n_rows(self) -> int:
        return len(self.target)

    def take(self, rows: np.ndarray) -> FormulaTable:
        """Return the table with some of its rows."""
        return replace(
            self,
            features=np.ascontiguousarray(self.features[:, rows]),
            target=self.target[rows],
            weights=self.weights[rows],
        )

    def evenly(self, count: int) -> FormulaTable:
        """Return ``count`` of its rows, one from each stretch; itself if it has no more.

        Of two classes it takes as many as is their share, but a tenth at least of a rare one, and two rows in all; what each
        class weighs stays the same.
        """
        if count >= self.n_rows:
            return self
        return self._both_classes(max(count, 2)) if self.classes else self.take(_spread(self.n_rows, count))

    def _both_classes(self, count: int) -> FormulaTable:
        second = self.target > 0.5
        rows = [np.flatnonzero(~second), np.flatnonzero(second)]
        least = [min(len(own), max(1, int(LEAST_OF_A_CLASS * count))) for own in rows]
        seconds = min(max(round(count * len(rows[1]) / self.n_rows), least[1]), count - least[0])
        weights, taken = self.weights.copy(), []
        for own, number in zip(rows, (count - seconds, seconds), strict=True):
            if not number:
                continue
            some = own[_spread(len(own), number)]
            weights[some] *= weights[own].sum() / weights[some].sum() * count / self.n_rows
            taken.append(some)
        return replace(self, weights=weights).take(np.sort(np.concatenate(taken)))

    def best_constant(self, loss: int) -> float:
        """Return the constant of least loss."""
        mean = float(np.average(self.target, weights=self.weights))
        if loss == LOG_LOSS:
            return log_odds(mean)
        return weighted_median(self.target, self.weights) if loss == MAE else mean

    def loss(self, outputs: np.ndarray, loss: int) -> float:
        """Return the weighted mean loss of ``outputs`` (n_rows,): squared, absolute, log loss, or 1 - correlation.

        inf where an output is not finite.
        """
        if not np.isfinite(outputs).all():
            return np.inf
        if loss == CORRELATION:
            return 1.0 - self._correlation(outputs)
        if loss == LOG_LOSS:
            far = np.logaddexp(0.0, np.where(self.target > 0.5, -outputs, outputs))
        else:
            far = np.abs(outputs - self.target) if loss == MAE else (outputs - self.target) ** 2
        return float(np.average(far, weights=self.weights))

    def _correlation(self, outputs: np.ndarray) -> float:
        shares = self.weights / self.weights.sum()
        # Sums of NumPy's own: the last bits of a product of matrices hang on the threads of BLAS.
        one, other = (values - (shares * values).sum() for values in (outputs, self.target))
        spread = np.sqrt((shares * one**2).sum() * (shares * other**2).sum())
        return float(abs((shares * one * other).sum()) / spread) if spread > 0 else 0.0


def log_odds(share: float) -> float:
    """Return the logit of a class's share, which is finite also where rounding leaves nothing of one class."""
    share = min(max(share, _NEVER), _ALWAYS)
    return float(np.log(share / (1.0 - share)))


def _spread(n: int, count: int) -> np.ndarray:
    """Return ``count`` of n numbers, the first of each of as many stretches."""
    return np.arange(count) * n // count


def _row_hashes(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    hashes = mixed(0, y.view(np.uint64))
    for column in X.T:
        hashes = mixed(hashes, np.ascontiguousarray(column).view(np.uint64))
    return hashes


def weighted_median(values: np.ndarray, weights: np.ndarray) -> float:
    """Return the value that half of the weight lies at or below."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    return float(values[order[np.searchsorted(reached, 0.5 * reached[-1])]])
