"""A target encoder that repeats itself: newer scikit-learn takes the seed by way of the splitter, older ones directly."""

import inspect
from typing import Any

from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.preprocessing import TargetEncoder
from sklearn.utils.multiclass import type_of_target


class SeededTargetEncoder(TransformerMixin, BaseEstimator):
    """Encode categories by the mean target seen with them, cross-fitted on folds that ``random_state`` decides.

    ``smooth``, ``cv`` (number of folds) and ``target_type`` are those of ``sklearn.preprocessing.TargetEncoder``.
    """

    def __init__(
        self, smooth: Any = "auto", cv: int = 5, target_type: str = "auto", random_state: int | None = None
    ) -> None:
        self.smooth = smooth
        self.cv = cv
        self.target_type = target_type
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Any:
        self.fit_transform(X, y)
        return self

    def fit_transform(self, X: Any, y: Any) -> Any:
        """Fit, and return the cross-fitted codes: no row is encoded by its own target."""
        self.encoder_ = self._encoder(y)
        return self.encoder_.fit_transform(X, y)

    def transform(self, X: Any) -> Any:
        return self.encoder_.transform(X)

    def get_feature_names_out(self, input_features: Any = None) -> Any:
        return self.encoder_.get_feature_names_out(input_features)

    def _encoder(self, y: Any) -> TargetEncoder:
        seeded = inspect.signature(TargetEncoder).parameters.get("random_state")
        if seeded is not None and seeded.default is None:
            return TargetEncoder(
                smooth=self.smooth, cv=self.cv, target_type=self.target_type, random_state=self.random_state
            )
        kind = type_of_target(y) if self.target_type == "auto" else self.target_type
        folds = KFold if kind == "continuous" else StratifiedKFold
        splitter = folds(self.cv, shuffle=True, random_state=self.random_state)
        return TargetEncoder(smooth=self.smooth, cv=splitter, target_type=self.target_type)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.string = tags.input_tags.categorical = True
        tags.target_tags.required = True
        return tags
