"""Labels as 0..k-1 for libraries that accept nothing else."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.dummy import DummyClassifier
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, check_is_fitted


def _inner_has_predict_proba(model: Any) -> bool:
    return hasattr(getattr(model, "estimator_", model.estimator), "predict_proba")


class EncodedLabels(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """A classifier that sees labels 0..k-1; predictions come back as the original labels.

    Where no column varies (as 32-bit floats), which some libraries refuse, the classes' shares are predicted.

    Parameters
    ----------
    estimator : classifier

    Attributes
    ----------
    estimator_ : classifier
        The fitted one, or a DummyClassifier.
    classes_ : (k,) array
        Original labels, in the order of predict_proba's columns.
    """

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        check_classification_targets(y)
        self.classes_, codes = np.unique(np.asarray(y), return_inverse=True)
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        columns = check_array(X, dtype=np.float32, ensure_all_finite=False)
        varied = np.any(columns != columns[:1]) and len(self.classes_) > 1
        self.estimator_ = clone(self.estimator) if varied else DummyClassifier(strategy="prior")
        self.estimator_.fit(X, codes, **weights)
        self.n_features_in_ = columns.shape[1]
        return self

    def predict(self, X: Any) -> Any:
        check_is_fitted(self, "estimator_")
        return self.classes_[np.asarray(self.estimator_.predict(X)).ravel().astype(int)]

    @available_if(_inner_has_predict_proba)
    def predict_proba(self, X: Any) -> np.ndarray:
        check_is_fitted(self, "estimator_")
        return self.estimator_.predict_proba(X)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = get_tags(self.estimator).input_tags.allow_nan
        return tags
