"""Linear discriminant analysis as a projection that works with any number of columns, also constant ones."""

from typing import Any

import numpy as np
from scipy.linalg import eigh
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data


class DiscriminantProjection(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Directions that separate the classes most (Fisher's discriminants), within-class scatter shrunk.

    Columns are standardised first; min(n_classes - 1, n_features) columns come out, at least one.

    Parameters
    ----------
    shrinkage : float
        Weight of the identity against the within-class scatter, in (0, 1].
    """

    def __init__(self, shrinkage: float = 1e-2) -> None:
        self.shrinkage = shrinkage

    def fit(self, X: Any, y: Any) -> Any:
        values, labels = validate_data(self, X, y, dtype=np.float64)
        spread = values.std(axis=0)
        self.mean_, self.scale_ = values.mean(axis=0), np.where(spread > 1e-12, spread, 1.0)
        values = (values - self.mean_) / self.scale_
        classes, codes = np.unique(labels, return_inverse=True)
        counts = np.bincount(codes)
        centroids = np.stack([values[codes == code].mean(axis=0) for code in range(len(classes))])
        residuals = values - centroids[codes]
        within = (1.0 - self.shrinkage) * (residuals.T @ residuals) / len(values)
        within += self.shrinkage * np.eye(values.shape[1])
        between = (centroids.T * counts) @ centroids / len(values)
        self._n_features_out = max(1, min(len(classes) - 1, values.shape[1]))
        directions = eigh(between, within)[1]
        self.directions_ = directions[:, ::-1][:, : self._n_features_out]
        return self

    def transform(self, X: Any) -> Any:
        check_is_fitted(self)
        values = validate_data(self, X, dtype=np.float64, reset=False)
        return ((values - self.mean_) / self.scale_) @ self.directions_

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags
