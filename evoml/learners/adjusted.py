"""What is done with a classifier's probabilities before they are handed over, or before a class is chosen by them."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils.validation import check_is_fitted

_LEAST = 1e-15  # of a probability whose logarithm is taken


class _Around(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """What both have in common: the classifier, and how it is fitted."""

    estimator: Any

    def fit(self, X: Any, y: Any, **given: Any) -> Any:
        self.estimator_ = clone(self.estimator).fit(X, y, **given)
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(self.estimator_, name):
                setattr(self, name, getattr(self.estimator_, name))
        return self

    @property
    def classes_(self) -> np.ndarray:
        check_is_fitted(self, "estimator_")
        return self.estimator_.classes_  # type: ignore[no-any-return]

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import get_tags

        tags, inner = super().__sklearn_tags__(), get_tags(self.estimator).input_tags
        tags.input_tags.allow_nan, tags.input_tags.sparse = inner.allow_nan, inner.sparse
        return tags


class AdjustedProbabilities(_Around):
    """Probabilities made more or less certain, and classes more or less likely: p ** sharpness * factors, normalised.

    With sharpness alone it is temperature scaling, with factors vector scaling of one slope (Guo et al. 2017, "On calibration
    of modern neural networks"); of two classes it is Platt's logistic curve over the log odds.

    Parameters
    ----------
    estimator : classifier with predict_proba
    sharpness : float
        One over the temperature.
    factors : sequence of float or None
        One for each of classes_.
    """

    def __init__(self, estimator: Any, sharpness: float = 1.0, factors: Any = None) -> None:
        self.estimator = estimator
        self.sharpness = sharpness
        self.factors = factors

    def predict_proba(self, X: Any) -> np.ndarray:
        check_is_fitted(self, "estimator_")
        return adjusted(self.estimator_.predict_proba(X), self.sharpness, self.factors)

    def predict(self, X: Any) -> np.ndarray:
        return self.classes_[np.argmax(self.predict_proba(X), axis=1)]  # type: ignore[no-any-return]


class WeightedDecision(_Around):
    """The class whose probability times its weight is the greatest; probabilities stay as they are.

    Parameters
    ----------
    estimator : classifier with predict_proba
    weights : sequence of float
        One for each of classes_.
    """

    def __init__(self, estimator: Any, weights: Any) -> None:
        self.estimator = estimator
        self.weights = weights

    def predict_proba(self, X: Any) -> np.ndarray:
        check_is_fitted(self, "estimator_")
        return self.estimator_.predict_proba(X)  # type: ignore[no-any-return]

    def predict(self, X: Any) -> np.ndarray:
        return self.classes_[np.argmax(self.predict_proba(X) * np.asarray(self.weights), axis=1)]  # type: ignore[no-any-return]


def adjusted(probabilities: np.ndarray, sharpness: float, factors: Any) -> np.ndarray:
    """Return (n, k) probabilities, proportional to ``p ** sharpness * factors``."""
    logarithms = sharpness * np.log(np.clip(probabilities, _LEAST, 1.0))
    if factors is not None:
        logarithms = logarithms + np.log(np.asarray(factors, dtype=np.float64))
    powers = np.exp(logarithms - logarithms.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)  # type: ignore[no-any-return]
