"""A classifier fitted on rows drawn such that rare classes are less rare."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils import _safe_indexing, check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, has_fit_parameter


def _model_has(method: str) -> Any:
    return lambda own: hasattr(getattr(own, "estimator_", own.estimator), method)


class ResampledClassifier(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """Random over- or undersampling of classes, in ``fit`` only (He and Garcia 2009, "Learning from imbalanced data").

    Parameters
    ----------
    estimator : classifier
    method : {"under", "over"}
        Leave out rows of frequent classes, or repeat rows of rare ones.
    ratio : float in (0, 1]
        Rows that a class then has at least, as a share of those of the largest.
    random_state : int, RandomState or None

    Attributes
    ----------
    estimator_ : the fitted classifier.
    classes_ : (k,) labels.
    """

    def __init__(self, estimator: Any, method: str = "under", ratio: float = 1.0, random_state: Any = None) -> None:
        self.estimator = estimator
        self.method = method
        self.ratio = ratio
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        labels = np.asarray(y)
        rows = self._drawn(labels)
        given = {}
        if sample_weight is not None and has_fit_parameter(self.estimator, "sample_weight"):
            given = {"sample_weight": np.asarray(sample_weight)[rows]}
        self.estimator_ = clone(self.estimator).fit(_safe_indexing(X, rows), labels[rows], **given)
        self.classes_ = self.estimator_.classes_
        return self

    def _drawn(self, labels: np.ndarray) -> np.ndarray:
        """Return row numbers, in the order of the table; each row of a class is drawn before any is repeated."""
        if self.method not in ("under", "over") or not 0 < self.ratio <= 1:
            raise ValueError(
                f"method must be 'under' or 'over' and ratio in (0, 1], got {self.method!r} and {self.ratio!r}"
            )
        rng = check_random_state(self.random_state)
        _, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
        if self.method == "under":
            wanted = np.minimum(counts, np.ceil(counts.min() / self.ratio).astype(int))
        else:
            wanted = np.maximum(counts, np.ceil(counts.max() * self.ratio).astype(int))
        drawn = []
        for code, number in enumerate(wanted):
            rows = np.flatnonzero(codes == code)
            whole, rest = divmod(int(number), len(rows))
            drawn += [rows] * whole + [rng.permutation(rows)[:rest]]
        return np.sort(np.concatenate(drawn))

    @available_if(_model_has("predict_proba"))
    def predict_proba(self, X: Any) -> np.ndarray:
        check_is_fitted(self, "estimator_")
        return self.estimator_.predict_proba(X)  # type: ignore[no-any-return]

    @available_if(_model_has("decision_function"))
    def decision_function(self, X: Any) -> np.ndarray:
        check_is_fitted(self, "estimator_")
        return self.estimator_.decision_function(X)  # type: ignore[no-any-return]

    def predict(self, X: Any) -> np.ndarray:
        check_is_fitted(self, "estimator_")
        return self.estimator_.predict(X)  # type: ignore[no-any-return]

    @property
    def n_features_in_(self) -> Any:
        check_is_fitted(self, "estimator_")
        return self.estimator_.n_features_in_

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import get_tags

        tags, inner = super().__sklearn_tags__(), get_tags(self.estimator).input_tags
        tags.input_tags.allow_nan, tags.input_tags.sparse = inner.allow_nan, inner.sparse
        return tags
