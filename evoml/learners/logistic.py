"""Logistic regression by a quasi-Newton method whose first guess of the curvature is nearly right.

The loss is that of scikit-learn's LogisticRegression with an L2 penalty. Its solver sees the columns as they are and stops
after a fixed number of steps, which on columns of unequal scale is far from the optimum. Here columns are centred and scaled
inside (the penalty is not: the optimum is the same), and L-BFGS (Nocedal and Wright 2006, algorithm 7.4) starts from the
inverse of a Hessian that all classes share instead of a multiple of the identity. It is renewed now and then: for two classes
it is the exact one, so that the first steps are Newton's.
"""

import warnings
from typing import Any, NamedTuple

import numpy as np
from scipy.linalg.blas import dsyrk
from scipy.linalg.lapack import dpotrf, dpotrs
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

PAIRS = 10  # steps that L-BFGS remembers
# Steps before which the shared Hessian is made anew.
RENEWED = frozenset({0, 3, 8, *(2**power for power in range(4, 20))})
MANY = 300  # columns from which on only the Hessian's diagonal is used: factoring it would take longer than it saves


class PreconditionedLogisticRegression(ClassifierMixin, BaseEstimator):
    """Logistic regression with an L2 penalty, binary or multinomial; at least as near the optimum as scikit-learn's.

    Parameters
    ----------
    C : float
        Inverse of the penalty's weight against the sum of the rows' losses.
    class_weight : None, "balanced" or dict
    tol : float
        Steps end where the mean loss may be expected to fall by less than ``tol ** 2 / 2``.
    max_iter : int
    """

    def __init__(self, C: float = 1.0, class_weight: Any = None, tol: float = 1e-3, max_iter: int = 200) -> None:
        self.C = C
        self.class_weight = class_weight
        self.tol = tol
        self.max_iter = max_iter

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        if not 0.0 < self.C < np.inf:
            raise ValueError(
                f"C must be a positive finite number, got {self.C!r}; smaller values mean a stronger penalty"
            )
        values, labels = validate_data(self, X, y, dtype=np.float64)
        if labels.dtype.kind not in "iub":  # whole numbers are classes, and the check takes as long as a small fit
            check_classification_targets(labels)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"logistic regression needs at least two classes, the target has one class: {labels[0]!r}")
        weight = self._weight(values, codes, sample_weight)
        share = weight / weight.sum()
        mean, scale = _moments(values, share)
        table = np.ones((len(values), values.shape[1] + 1))
        np.subtract(values, mean, out=table[:, :-1])
        table[:, :-1] /= scale
        penalty = np.append(1.0 / (self.C * weight.sum() * scale**2), 0.0)
        loss = (_BinaryLoss if len(self.classes_) == 2 else _MultinomialLoss)(table, codes, share, penalty)
        found, self.n_iter_ = _minimised(loss, self.tol, self.max_iter)
        self.coef_ = found[:, :-1] / scale
        self.intercept_ = found[:, -1] - self.coef_ @ mean
        return self

    def _weight(self, values: np.ndarray, codes: np.ndarray, sample_weight: Any) -> np.ndarray:
        """Return sample weights times class weights."""
        if sample_weight is None:
            weight = np.ones(len(values))
        else:
            weight = _check_sample_weight(sample_weight, values, dtype=np.float64, ensure_non_negative=True)
        if self.class_weight is None:
            return weight
        if isinstance(self.class_weight, dict):
            by_class = np.array([self.class_weight.get(label, 1.0) for label in self.classes_.tolist()])
        else:
            sums = np.bincount(codes, weight, minlength=len(self.classes_))
            by_class = weight.sum() / (len(sums) * np.maximum(sums, 1e-300))
        return weight * by_class[codes]

    def decision_function(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        scores = validate_data(self, X, dtype=np.float64, reset=False) @ self.coef_.T + self.intercept_
        return scores[:, 0] if len(self.classes_) == 2 else scores

    def predict(self, X: Any) -> np.ndarray:
        scores = self.decision_function(X)
        return self.classes_[(scores > 0.0).astype(np.intp) if scores.ndim == 1 else scores.argmax(axis=1)]

    def predict_proba(self, X: Any) -> np.ndarray:
        scores = self.decision_function(X)
        if scores.ndim == 1:
            second = expit(scores)
            return np.column_stack([1.0 - second, second])
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        return shares / shares.sum(axis=1, keepdims=True)

    def predict_log_proba(self, X: Any) -> np.ndarray:
        return np.log(self.predict_proba(X))


def _moments(values: np.ndarray, share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the weighted mean and deviation of each column; 1 for the deviation of a constant one."""
    mean = share @ values
    centred = values - mean
    deviation = np.sqrt(np.einsum("n,np,np->p", share, centred, centred))
    return mean, np.where(deviation > 1e-12 * np.abs(mean), deviation, 1.0) + (deviation == 0.0) * (mean == 0.0)


class _Point(NamedTuple):
    """Coefficients (n_outputs, n_columns), the loss there, its gradient, and the residuals (n_outputs, n_rows) of the rows."""

    at: np.ndarray
    loss: float
    gradient: np.ndarray
    residuals: np.ndarray


class _BinaryLoss:
    """Mean log loss of the second of two classes, and the penalty; the last of the columns is the intercept's."""

    least_curvature = 1e-6  # of a row: where all rows are certain the Hessian would vanish

    def __init__(self, table: np.ndarray, codes: np.ndarray, share: np.ndarray, penalty: np.ndarray) -> None:
        self.table, self.share, self.penalty = table, share, penalty
        self.target = codes * share

    def start(self) -> np.ndarray:
        """Return coefficients that predict the shares of the classes."""
        second = min(max(self.target.sum(), 1e-12), 1.0 - 1e-12)
        start = np.zeros((1, self.table.shape[1]))
        start[0, -1] = np.log(second / (1.0 - second))
        return start

    def __call__(self, at: np.ndarray) -> _Point:
        scores = self.table @ at[0]
        away = np.exp(-np.abs(scores))
        losses = self.share @ (np.maximum(scores, 0.0) + np.log1p(away)) - self.target @ scores
        residuals = (self.share * np.where(scores >= 0.0, 1.0, away) / (1.0 + away) - self.target)[None]
        return _penalised(self, at, losses, residuals)

    def curvature(self, residuals: np.ndarray) -> np.ndarray:
        """Return the weight of each row in the Hessian."""
        expected = residuals[0] + self.target
        return expected * (1.0 - expected / np.maximum(self.share, 1e-300))


class _MultinomialLoss:
    """Mean log loss of three or more classes, and the penalty; the last of the columns is the intercept's."""

    least_curvature = 1e-3  # measured: the Hessian is that of no class, and less of it holds the steps back

    def __init__(self, table: np.ndarray, codes: np.ndarray, share: np.ndarray, penalty: np.ndarray) -> None:
        self.table, self.share, self.penalty = table, share, penalty
        self.target = np.zeros((codes.max() + 1, len(codes)))
        self.target[codes, np.arange(len(codes))] = share

    def start(self) -> np.ndarray:
        """Return coefficients that predict the shares of the classes."""
        logarithms = np.log(np.maximum(self.target.sum(axis=1), 1e-12))
        start = np.zeros((len(self.target), self.table.shape[1]))
        start[:, -1] = logarithms - logarithms.mean()
        return start

    def __call__(self, at: np.ndarray) -> _Point:
        scores = at @ self.table.T
        scores -= scores.max(axis=0)
        residuals = np.exp(scores)
        sums = residuals.sum(axis=0)
        losses = self.share @ np.log(sums) - np.vdot(self.target, scores)
        residuals *= self.share / sums
        residuals -= self.target
        return _penalised(self, at, losses, residuals)

    def curvature(self, residuals: np.ndarray) -> np.ndarray:
        """Return the weight of each row in the Hessian of one class, on average over the classes."""
        expected = residuals + self.target
        squares = np.einsum("kn,kn->n", expected, expected) / np.maximum(self.share, 1e-300)
        return (self.share - squares) / (len(expected) - 1)


_Loss = _BinaryLoss | _MultinomialLoss


def _penalised(loss: _Loss, at: np.ndarray, losses: float, residuals: np.ndarray) -> _Point:
    shrunk = at * loss.penalty
    gradient = residuals @ loss.table
    gradient += shrunk
    return _Point(at, float(losses + 0.5 * np.vdot(at, shrunk)), gradient, residuals)


class _SharedHessian:
    """The inverse of a Hessian that all outputs share, as a factor or, of many columns, as a diagonal."""

    def __init__(self, loss: _Loss, point: _Point) -> None:
        rows = loss.curvature(point.residuals) + loss.least_curvature * loss.share
        n_columns = loss.table.shape[1]
        if n_columns > MANY:
            self.factor, self.diagonal = None, rows @ loss.table**2 + loss.penalty
            return
        weighted = loss.table * np.sqrt(np.maximum(rows, 0.0))[:, None]
        hessian = dsyrk(1.0, weighted.T, lower=1)
        places = np.arange(n_columns)
        hessian[places, places] += loss.penalty
        ridge, failed = 1e-10, 1
        while failed:  # columns that depend on each other, hardly penalised
            hessian[places, places] += ridge * hessian[places, places] + 1e-14
            self.factor, failed = dpotrf(hessian, lower=1)
            ridge *= 100.0

    def solve(self, gradient: np.ndarray) -> np.ndarray:
        if self.factor is None:
            return gradient / self.diagonal
        return dpotrs(self.factor, gradient.T, lower=1)[0].T


class _Memory:
    """The last steps and what they did to the gradient: a better inverse Hessian than the shared one alone."""

    def __init__(self) -> None:
        self.pairs: list[tuple[np.ndarray, np.ndarray, float]] = []

    def add(self, step: np.ndarray, change: np.ndarray) -> None:
        product = np.vdot(step, change)
        if product > 0.0:
            self.pairs = [*self.pairs[1 - PAIRS :], (step, change, product)]

    def direction(self, gradient: np.ndarray, shared: _SharedHessian) -> np.ndarray:
        """Return the inverse Hessian times the gradient (two-loop recursion)."""
        left, amounts = gradient.copy(), []
        for step, change, product in reversed(self.pairs):
            amounts.append(np.vdot(step, left) / product)
            left -= amounts[-1] * change
        found = shared.solve(left)
        if self.pairs:
            _, change, product = self.pairs[-1]
            found *= product / np.vdot(change, shared.solve(change))
        for (step, change, product), amount in zip(self.pairs, reversed(amounts), strict=True):
            found += (amount - np.vdot(change, found) / product) * step
        return found


def _minimised(loss: _Loss, tol: float, max_iter: int) -> tuple[np.ndarray, int]:
    """Return the coefficients of the least loss, and the number of steps."""
    point, memory = loss(loss.start()), _Memory()
    for number in range(max_iter):
        if number in RENEWED:
            shared = _SharedHessian(loss, point)
            if len(point.at) == 1:  # it is the Hessian itself: what older steps tell is worse
                memory = _Memory()
        direction = memory.direction(point.gradient, shared)
        slope = float(np.vdot(point.gradient, direction))
        if slope <= tol**2:
            return point.at, number
        lower = _lower(loss, point, direction, slope)
        if lower is None:  # as low as rounding allows
            return point.at, number
        memory.add(lower.at - point.at, lower.gradient - point.gradient)
        point = lower
    warnings.warn(f"logistic regression has not converged after {max_iter} steps", ConvergenceWarning, stacklevel=3)
    return point.at, max_iter


def _lower(loss: _Loss, point: _Point, direction: np.ndarray, slope: float) -> _Point | None:
    """Return the first point, of steps halved again and again, where the loss is lower as it should be; None without one."""
    length = 1.0
    while length > 1e-9:
        found = loss(point.at - length * direction)
        if found.loss <= point.loss - 1e-4 * length * slope:
            return found
        length /= 2.0
    return None
