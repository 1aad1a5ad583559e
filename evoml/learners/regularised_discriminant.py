"""Regularised discriminant analysis: from quadratic to linear, and to spherical, with two dials."""

from typing import Any

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from scipy.special import logsumexp
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data


class RegularisedDiscriminantAnalysis(ClassifierMixin, BaseEstimator):
    """Gaussian classes whose covariances are shrunk towards the pooled one and a sphere (Friedman 1989).

    pooling 0 is quadratic discriminant analysis, pooling 1 linear; unlike scikit-learn's, it fits classes with fewer
    rows than columns, down to one row. Columns are standardised first.

    Parameters
    ----------
    pooling : float
        Weight of the covariance pooled over the classes, in [0, 1].
    shrinkage : float
        Weight of the identity, in (0, 1].
    """

    def __init__(self, pooling: float = 0.1, shrinkage: float = 0.1) -> None:
        self.pooling = pooling
        self.shrinkage = shrinkage

    def fit(self, X: Any, y: Any) -> Any:
        values, labels = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(labels)
        spread = values.std(axis=0)
        self.mean_ = values.mean(axis=0)
        self.scale_ = np.where(spread > 1e-12 * (1e-12 + np.abs(self.mean_)), spread, 1.0)
        values = (values - self.mean_) / self.scale_
        self.classes_, codes = np.unique(labels, return_inverse=True)
        counts = np.bincount(codes)
        self.centroids_ = np.stack([values[codes == code].mean(axis=0) for code in range(len(counts))])
        residuals = values - self.centroids_[codes]
        pooled = residuals.T @ residuals / len(values)
        self.factors_ = []
        for code, count in enumerate(counts):
            own = residuals[codes == code]
            covariance = (1.0 - self.pooling) * (own.T @ own) / count + self.pooling * pooled
            covariance *= 1.0 - self.shrinkage
            covariance[np.diag_indices_from(covariance)] += self.shrinkage
            self.factors_.append(cholesky(covariance, lower=True))
        self.log_priors_ = np.log(counts / len(values))
        return self

    def predict(self, X: Any) -> Any:
        return self.classes_[np.argmax(self._log_joint(X), axis=1)]

    def predict_log_proba(self, X: Any) -> np.ndarray:
        joint = self._log_joint(X)
        return joint - logsumexp(joint, axis=1, keepdims=True)

    def predict_proba(self, X: Any) -> np.ndarray:
        return np.exp(self.predict_log_proba(X))

    def _log_joint(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        values = (validate_data(self, X, dtype=np.float64, reset=False) - self.mean_) / self.scale_
        columns = []
        for centroid, factor, log_prior in zip(self.centroids_, self.factors_, self.log_priors_, strict=True):
            distances = (solve_triangular(factor, (values - centroid).T, lower=True) ** 2).sum(axis=0)
            columns.append(log_prior - 0.5 * distances - np.log(np.diag(factor)).sum())
        return np.column_stack(columns)
