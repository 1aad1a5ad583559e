"""Linear classifiers whose coefficients are the solution of one linear system, without scikit-learn's detours to it."""

from typing import Any

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve, lstsq
from scipy.special import expit, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data


class LinearClassifier(ClassifierMixin, BaseEstimator):
    """What linear classifiers share once they are fitted.

    Attributes
    ----------
    classes_ : (n_classes,) array
    coef_ : (n_classes, n_features) array
        One row, the second class's, of two classes.
    intercept_ : (n_classes,) array
    """

    coef_: np.ndarray
    intercept_: np.ndarray

    def _read(self, X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return columns and the codes of the classes."""
        columns, labels = validate_data(self, X, y, dtype=np.float64)
        if labels.dtype.kind not in "iub":  # whole numbers are classes, and the check takes as long as a small fit
            check_classification_targets(labels)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"a classifier needs at least two classes, the target has one class: {labels[0]!r}")
        return columns, codes

    def decision_function(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        scores = validate_data(self, X, dtype=np.float64, reset=False) @ self.coef_.T + self.intercept_
        return scores[:, 0] if len(self.classes_) == 2 else scores

    def predict(self, X: Any) -> np.ndarray:
        scores = self.decision_function(X)
        return self.classes_[(scores > 0.0).astype(np.intp) if scores.ndim == 1 else scores.argmax(axis=1)]


class CholeskyRidgeClassifier(LinearClassifier):
    """Ridge regression on targets of -1 and 1 for each class: scikit-learn's RidgeClassifier.

    Parameters
    ----------
    alpha : float
        Weight of the penalty on squared coefficients.
    class_weight : None, "balanced" or dict
    """

    def __init__(self, alpha: float = 1.0, class_weight: Any = None) -> None:
        self.alpha = alpha
        self.class_weight = class_weight

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        if not 0.0 <= self.alpha < np.inf:
            raise ValueError(f"alpha must be a finite number of at least 0, got {self.alpha!r}")
        columns, codes = self._read(X, y)
        weight = np.ones(len(columns))
        if sample_weight is not None:
            weight = _check_sample_weight(sample_weight, columns, dtype=np.float64, ensure_non_negative=True)
        weight = weight * self._by_class(codes, weight)[codes]
        target = np.where(codes[:, None] == np.arange(len(self.classes_)), 1.0, -1.0)
        target = target[:, 1:] if len(self.classes_) == 2 else target
        share = weight / weight.sum()
        mean, target_mean = share @ columns, share @ target
        root = np.sqrt(weight)[:, None]
        found = _ridge(root * (columns - mean), root * (target - target_mean), self.alpha)
        self.coef_ = found.T
        self.intercept_ = target_mean - self.coef_ @ mean
        return self

    def _by_class(self, codes: np.ndarray, weight: np.ndarray) -> np.ndarray:
        if self.class_weight is None:
            return np.ones(len(self.classes_))
        if isinstance(self.class_weight, dict):
            return np.array([self.class_weight.get(label, 1.0) for label in self.classes_.tolist()])
        sums = np.bincount(codes, weight, minlength=len(self.classes_))
        return weight.sum() / (len(sums) * np.maximum(sums, 1e-300))


def _ridge(columns: np.ndarray, target: np.ndarray, alpha: float) -> np.ndarray:
    """Return the (n_columns, n_targets) coefficients of centred columns; by way of the rows' products where these are fewer."""
    n_rows, n_columns = columns.shape
    wide = n_columns > n_rows
    products = columns @ columns.T if wide else columns.T @ columns
    places = np.arange(len(products))
    products[places, places] += alpha
    try:
        factor = cho_factor(products, lower=True, overwrite_a=True, check_finite=False)
    except LinAlgError:  # columns that depend on each other, hardly penalised
        stacked = np.vstack([columns, np.sqrt(alpha) * np.eye(n_columns)])
        return lstsq(stacked, np.vstack([target, np.zeros((n_columns, target.shape[1]))]), check_finite=False)[0]
    if wide:
        return columns.T @ cho_solve(factor, target, check_finite=False)
    return cho_solve(factor, columns.T @ target, check_finite=False)


class CholeskyLinearDiscriminant(LinearClassifier):
    """Gaussian classes of one covariance, shrunk: scikit-learn's LinearDiscriminantAnalysis with the solver "lsqr".

    Parameters
    ----------
    shrinkage : float
        Weight of a sphere of the same mean variance against the covariance, in (0, 1].
    """

    def __init__(self, shrinkage: float = 1e-3) -> None:
        self.shrinkage = shrinkage

    def fit(self, X: Any, y: Any) -> Any:
        if not 0.0 <= self.shrinkage <= 1.0:
            raise ValueError(f"shrinkage must be between 0 and 1, got {self.shrinkage!r}")
        columns, codes = self._read(X, y)
        counts = np.bincount(codes)
        indicators = (codes[:, None] == np.arange(len(counts))) / counts
        means = indicators.T @ columns
        residuals = columns - means[codes]
        coef = self._directions(residuals, means) if _varies(residuals, columns) else np.zeros_like(means)
        intercept = np.log(counts / len(columns)) - 0.5 * np.einsum("kp,kp->k", coef, means)
        two = len(counts) == 2
        self.coef_ = coef[1:] - coef[:1] if two else coef
        self.intercept_ = intercept[1:] - intercept[:1] if two else intercept
        return self

    def _directions(self, residuals: np.ndarray, means: np.ndarray) -> np.ndarray:
        """Return the inverse of the shrunk covariance times the mean of each class."""
        covariance = (1.0 - self.shrinkage) / len(residuals) * (residuals.T @ residuals)
        places = np.arange(len(covariance))
        covariance[places, places] += self.shrinkage * np.vdot(residuals, residuals) / residuals.size
        try:
            factor = cho_factor(covariance, lower=True, check_finite=False)
            return cho_solve(factor, means.T, check_finite=False).T
        except LinAlgError:  # hardly any shrinkage against columns of very unequal scale
            return lstsq(covariance, means.T, check_finite=False)[0].T

    def predict_proba(self, X: Any) -> np.ndarray:
        scores = self.decision_function(X)
        if scores.ndim == 1:
            second = expit(scores)
            return np.column_stack([1.0 - second, second])
        return softmax(scores, axis=1)

    def predict_log_proba(self, X: Any) -> np.ndarray:
        return np.log(self.predict_proba(X))


def _varies(residuals: np.ndarray, columns: np.ndarray) -> bool:
    """Tell whether there is more in the residuals than rounding."""
    return bool(np.abs(residuals).max() > 1e-13 * np.abs(columns).max())
