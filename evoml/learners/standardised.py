"""Learners that fail on columns of extreme scale, fitted on standardised ones instead."""

from typing import Any

import numpy as np
from sklearn.linear_model import HuberRegressor, QuantileRegressor
from sklearn.preprocessing import KBinsDiscretizer
from sklearn.utils.validation import validate_data


class StandardisedFit:
    """Mixed in before a linear regressor: it is fitted on standardised columns and target, then translated back."""

    coef_: np.ndarray
    intercept_: float

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        columns, target = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        mean, scale = columns.mean(axis=0), _spread(columns)
        target_mean, target_scale = target.mean(), float(_spread(target[:, None])[0])
        names = getattr(self, "feature_names_in_", None)
        super().fit((columns - mean) / scale, (target - target_mean) / target_scale, sample_weight)  # type: ignore[misc]
        self.coef_ = self.coef_ * target_scale / scale
        self.intercept_ = target_mean + self.intercept_ * target_scale - mean @ self.coef_
        if names is not None:
            self.feature_names_in_ = names
        return self


def _spread(columns: Any) -> Any:
    spread = columns.std(axis=0)
    return np.where(spread > 1e-12 * (1e-12 + np.abs(columns).max(axis=0)), spread, 1.0)


class StandardisedHuberRegressor(StandardisedFit, HuberRegressor):
    """HuberRegressor whose solver converges whatever the columns' scales; alpha acts on standardised columns."""


class StandardisedQuantileRegressor(StandardisedFit, QuantileRegressor):
    """QuantileRegressor whose linear program is solvable whatever the scales; alpha acts on standardised columns."""


class ScaledKBinsDiscretizer(KBinsDiscretizer):
    """KBinsDiscretizer on columns scaled to [0, 1]: bins narrower than 1e-8 would otherwise be merged away.

    `bin_edges_` are in the scaled unit.
    """

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Any:
        columns = validate_data(self, X, dtype=np.float64)
        names = getattr(self, "feature_names_in_", None)
        self.low_, width = columns.min(axis=0), np.ptp(columns, axis=0)
        self.width_ = np.where(width > 0, width, 1.0)
        super().fit(self._scaled(columns), y, sample_weight)
        if names is not None:
            self.feature_names_in_ = names
        return self

    def transform(self, X: Any) -> Any:
        columns = validate_data(self, X, dtype=np.float64, reset=False)
        return self._transform_scaled(self._scaled(columns))

    def _transform_scaled(self, columns: Any) -> Any:
        names = self.__dict__.pop("feature_names_in_", None)
        try:
            return super().transform(columns)
        finally:
            if names is not None:
                self.feature_names_in_ = names

    def _scaled(self, columns: Any) -> Any:
        return ((columns - self.low_) / self.width_).clip(0.0, 1.0)
