"""How sure a final model is: intervals and sets of classes by conformal prediction, calibrated on out-of-fold predictions.

Each row was predicted by a model that had not seen it (cross-conformal prediction, Vovk 2015), so its error is what to expect
of new rows, and no model is fitted for it. MAPIE does the rest: it is given predictions as the features of a model that says
them again.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from evoml.core.errors import SettingError

MAX_ROWS = 20_000  # to calibrate on: with more, nothing changes


def check_installed() -> None:
    """Raise SettingError where MAPIE is missing."""
    if find_spec("mapie") is None:
        raise SettingError(
            "conformal=True needs the package 'mapie'; install it, e.g. with pip install 'evoml[conformal]'"
        )


class RepeatedNumbers(RegressorMixin, BaseEstimator):
    """A regressor whose only feature is its prediction."""

    is_fitted = True  # where MAPIE looks for it

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def fit(self, X: Any, y: Any) -> Any:
        return self

    def predict(self, X: Any) -> np.ndarray:
        return np.asarray(X)[:, 0]  # type: ignore[no-any-return]


class RepeatedProbabilities(ClassifierMixin, BaseEstimator):
    """A classifier whose features are its probabilities; ``n_classes`` classes are numbered from 0 on."""

    is_fitted = True

    def __init__(self, n_classes: int = 2) -> None:
        self.n_classes = n_classes

    @property
    def classes_(self) -> np.ndarray:
        return np.arange(self.n_classes)

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def fit(self, X: Any, y: Any) -> Any:
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        return np.asarray(X)

    def predict(self, X: Any) -> np.ndarray:
        return np.argmax(X, axis=1)


class Calibration:
    """Out-of-fold predictions of a model with the true values, from which the errors on new rows are told.

    Parameters
    ----------
    predictions : (n, columns) array
        One column of numbers, or the probability of each class; rows with NaN were never predicted, and are left out.
    target : (n,) array
        Numbers, or the places of the classes.
    """

    def __init__(self, predictions: np.ndarray, target: np.ndarray) -> None:
        known = np.flatnonzero(np.isfinite(predictions).all(axis=1))
        chosen = known[np.linspace(0, len(known) - 1, min(len(known), MAX_ROWS)).astype(int)]
        self.predictions, self.target = predictions[chosen].astype(np.float64), target[chosen]

    def intervals(self, predicted: np.ndarray, confidence: float) -> np.ndarray:
        """Return (m, 2) lower and upper bounds around (m,) predictions of new rows."""
        from mapie.regression import SplitConformalRegressor

        self._check(confidence)
        made = SplitConformalRegressor(RepeatedNumbers(), confidence_level=confidence, prefit=True)
        made.conformalize(self.predictions, self.target)
        return made.predict_interval(np.asarray(predicted, dtype=np.float64)[:, None])[1][:, :, 0]  # type: ignore[no-any-return]

    def sets(self, probabilities: np.ndarray, confidence: float) -> np.ndarray:
        """Return (m, k) whether a class belongs to the set of a new row, from its (m, k) probabilities.

        The most probable class always does.
        """
        from mapie.classification import SplitConformalClassifier

        self._check(confidence)
        made = SplitConformalClassifier(
            RepeatedProbabilities(self.predictions.shape[1]), confidence_level=confidence, prefit=True
        )
        made.conformalize(_normalised(self.predictions), self.target)
        found = made.predict_set(_normalised(probabilities))[1][:, :, 0]
        found[np.arange(len(found)), np.argmax(probabilities, axis=1)] = True
        return found  # type: ignore[no-any-return]

    def _check(self, confidence: float) -> None:
        n_rows = len(self.target)
        if not (isinstance(confidence, float) and 0 < confidence < 1):
            raise SettingError(f"confidence must be a number between 0 and 1, such as 0.9, got {confidence!r}")
        if n_rows * (1 - confidence) < 1:
            raise SettingError(
                f"confidence {confidence:g} cannot be told from {n_rows} rows; ask for {1 - 1 / (n_rows + 1):.3g} at most"
            )


def _normalised(probabilities: np.ndarray) -> np.ndarray:
    """Return probabilities that sum to one as exactly as MAPIE wants them."""
    values = np.clip(np.asarray(probabilities, dtype=np.float64), 0.0, None)
    return values / values.sum(axis=1, keepdims=True)  # type: ignore[no-any-return]
