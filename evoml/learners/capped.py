"""Decompositions that make as many columns as they can where they were told to make more than the table allows."""

from typing import Any

import numpy as np
from sklearn.cluster import FeatureAgglomeration
from sklearn.decomposition import FactorAnalysis
from sklearn.utils.validation import validate_data


class CappedFactorAnalysis(FactorAnalysis):
    """FactorAnalysis that accepts tables with fewer columns than components."""

    n_components: int

    def fit(self, X: Any, y: Any = None) -> Any:
        asked = self.n_components
        self.n_components = min(asked, *np.shape(X))
        try:
            return super().fit(X, y)
        finally:
            self.n_components = asked


class CappedFeatureAgglomeration(FeatureAgglomeration):
    """FeatureAgglomeration that accepts tables with fewer columns than clusters, down to a single column."""

    n_clusters: int

    def fit(self, X: Any, y: Any = None) -> Any:
        n_columns = np.shape(X)[1]
        if n_columns == 1:
            validate_data(self, X)
            self.n_clusters_, self.n_leaves_, self.labels_ = 1, 1, np.zeros(1, dtype=int)
            self.children_ = np.empty((0, 2), dtype=int)
            self._n_features_out = 1
            return self
        asked = self.n_clusters
        self.n_clusters = min(asked, n_columns)
        try:
            return super().fit(X, y)
        finally:
            self.n_clusters = asked
