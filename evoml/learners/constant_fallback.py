"""A regressor for libraries that refuse tables or targets in which nothing varies."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin, clone
from sklearn.dummy import DummyRegressor
from sklearn.utils import get_tags
from sklearn.utils.validation import check_array, check_is_fitted


class ConstantFallback(RegressorMixin, MetaEstimatorMixin, BaseEstimator):
    """The regressor; or the mean of the target, where no column or no target varies (as 32-bit floats).

    Parameters
    ----------
    estimator : regressor

    Attributes
    ----------
    estimator_ : regressor
        The fitted one, or a DummyRegressor.
    """

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        columns = check_array(X, dtype=np.float32, ensure_all_finite=False)
        target = np.asarray(y, dtype=np.float32)
        varied = np.any(columns != columns[:1]) and np.any(target != target[:1])
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        self.estimator_ = (clone(self.estimator) if varied else DummyRegressor()).fit(X, y, **weights)
        self.n_features_in_ = columns.shape[1]
        return self

    def predict(self, X: Any) -> np.ndarray:
        check_is_fitted(self, "estimator_")
        return self.estimator_.predict(X)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = get_tags(self.estimator).input_tags.allow_nan
        return tags
