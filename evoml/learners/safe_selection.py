"""Selectors that keep at least one column, so that whatever follows them in a pipeline has something to fit on."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.feature_selection import RFE, SelectFromModel, SelectFwe, SelectorMixin, SelectPercentile
from sklearn.utils.validation import check_is_fitted, validate_data


class KeepBest:
    """Mixed in before a selector: where it would select nothing, the best column (the first, if none is) is kept."""

    scores_: np.ndarray

    def _get_support_mask(self) -> np.ndarray:
        mask: np.ndarray = super()._get_support_mask()  # type: ignore[misc]
        if not mask.any():
            scores = np.nan_to_num(np.asarray(self._column_scores(), dtype=float), nan=-np.inf)
            mask = np.arange(len(mask)) == np.argmax(scores)
        return mask

    def _column_scores(self) -> Any:
        return self.scores_


class SafeSelectPercentile(KeepBest, SelectPercentile):
    """SelectPercentile that keeps at least the best column."""


class SafeSelectFwe(KeepBest, SelectFwe):
    """SelectFwe that keeps at least the best column."""


class SafeSelectFromModel(KeepBest, SelectFromModel):
    """SelectFromModel that keeps at least the column of the largest importance."""

    def _column_scores(self) -> Any:
        if hasattr(self.estimator_, "feature_importances_"):
            return self.estimator_.feature_importances_
        return np.abs(np.atleast_2d(self.estimator_.coef_)).sum(axis=0)


class SafeRFE(RFE):
    """RFE that keeps at least one column, and accepts a table that has only one."""

    n_features_to_select: float | int

    def fit(self, X: Any, y: Any, **fit_params: Any) -> Any:
        if np.shape(X)[1] == 1:
            validate_data(self, X)
            self.estimator_ = clone(self.estimator).fit(X, y, **fit_params)
            self.n_features_, self.support_, self.ranking_ = 1, np.ones(1, dtype=bool), np.ones(1, dtype=int)
            return self
        asked = self.n_features_to_select
        if isinstance(asked, float) and int(asked * np.shape(X)[1]) == 0:
            self.n_features_to_select = 1
        try:
            return super().fit(X, y, **fit_params)
        finally:
            self.n_features_to_select = asked


class VarianceSelector(SelectorMixin, BaseEstimator):
    """Keeps the columns whose variance exceeds a share of the largest column's, so the unit of the table is no matter.

    Parameters
    ----------
    threshold : float
        Share of the largest variance, in [0, 1).
    """

    def __init__(self, threshold: float = 1e-4) -> None:
        self.threshold = threshold

    def fit(self, X: Any, y: Any = None) -> Any:
        values = validate_data(self, X, dtype=np.float64)
        self.variances_ = values.var(axis=0)
        return self

    def _get_support_mask(self) -> np.ndarray:
        check_is_fitted(self)
        mask = self.variances_ > self.threshold * self.variances_.max()
        return mask if mask.any() else np.arange(len(mask)) == 0
