"""Scales on which a skewed target is easier to learn; what comes back stays near the range that was seen."""

import warnings
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.preprocessing import FunctionTransformer, PowerTransformer, QuantileTransformer

_BEYOND = 0.1  # share of the range on the new scale by which predictions may leave it


class TargetScale(TransformerMixin, BaseEstimator):
    """A monotone scale of the target, for scikit-learn's TransformedTargetRegressor.

    An exponential of a straight line knows no bounds, and the inverse of a power is undefined beyond some point: so
    predictions are kept within the range of the training rows, and a tenth of it more on either side.

    Parameters
    ----------
    scale : {"log", "power", "quantile"}
        Logarithm of one plus the target, which must not be negative; the power that makes it most normal (Yeo and Johnson
        2000); or the normal score of its rank.
    n_quantiles : int
        Ranks that are told apart.
    """

    def __init__(self, scale: str = "log", n_quantiles: int = 200) -> None:
        self.scale = scale
        self.n_quantiles = n_quantiles

    def fit(self, X: Any, y: Any = None) -> Any:
        """Learn the scale of (n, 1) X."""
        X = np.asarray(X, dtype=np.float64)
        made: dict[str, Any] = {
            "log": FunctionTransformer(np.log1p, np.expm1, check_inverse=False),
            "power": PowerTransformer(),
            "quantile": QuantileTransformer(
                n_quantiles=min(self.n_quantiles, len(X)), output_distribution="normal", subsample=None
            ),
        }
        if self.scale not in made:
            raise ValueError(f"scale must be one of {', '.join(made)}, got {self.scale!r}")
        if self.scale == "log" and X.min() < 0:
            raise ValueError(f"scale='log' needs a target of at least 0, got {X.min():g}; use scale='power'")
        self.n_features_in_ = X.shape[1]
        self.transformer_ = made[self.scale].fit(X)
        scaled = self.transformer_.transform(X)
        margin = _BEYOND * (scaled.max() - scaled.min())
        self.low_, self.high_ = scaled.min() - margin, scaled.max() + margin
        self.least_, self.greatest_ = X.min(), X.max()
        return self

    def transform(self, X: Any) -> np.ndarray:
        return self.transformer_.transform(np.asarray(X, dtype=np.float64))  # type: ignore[no-any-return]

    def inverse_transform(self, X: Any) -> np.ndarray:
        """Return (n, 1) values on the target's own scale."""
        scaled = np.clip(np.nan_to_num(np.asarray(X, dtype=np.float64)), self.low_, self.high_)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # what is undefined is mended below
            found = self.transformer_.inverse_transform(scaled)
        beyond = np.where(scaled > (self.low_ + self.high_) / 2, self.greatest_, self.least_)
        return np.where(np.isfinite(found), found, beyond)
