"""Yeo-Johnson's power transformation with the powers of all columns found at once, by Newton's method."""

from typing import Any

import numpy as np
from scipy.stats import yeojohnson_normmax
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

PRECISION = 1e-9  # of a power, relative to 1 + its size
STEPS = 40  # of Newton's method, or halvings; columns that need more are left to SciPy
DEEP = 30.0  # least exponent of e that the derivatives are computed with; below it they lose their digits


class NewtonPowerTransformer(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Columns made as normal as a power can (Yeo and Johnson 2000), then standardised: scikit-learn's PowerTransformer.

    Attributes
    ----------
    lambdas_ : (n_features,) array
        The power of each column, of greatest likelihood; 1 for a constant column.
    mean_, scale_ : (n_features,) array
        Mean and standard deviation of the transformed columns.
    """

    def fit(self, X: Any, y: Any = None) -> Any:
        self._fit(X)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> np.ndarray:
        return (self._fit(X) - self.mean_) / self.scale_

    def transform(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        columns = validate_data(self, X, dtype=np.float64, reset=False)
        return (transformed(columns, self.lambdas_) - self.mean_) / self.scale_

    def _fit(self, X: Any) -> np.ndarray:
        """Return the transformed columns, not yet standardised."""
        columns = validate_data(self, X, dtype=np.float64)
        self.lambdas_ = np.ones(columns.shape[1])
        varied = np.flatnonzero(~_constant(columns))
        self.lambdas_[varied] = powers(columns[:, varied])
        found = transformed(columns, self.lambdas_)
        self.mean_ = found.mean(axis=0)
        self.scale_ = np.where(_constant(found), 1.0, found.std(axis=0))
        return found


def _constant(columns: np.ndarray) -> np.ndarray:
    """Tell which columns vary by no more than rounding does."""
    n_rows, eps = len(columns), np.finfo(np.float64).eps
    variance = columns.var(axis=0)
    return variance <= n_rows * eps * variance + (n_rows * columns.mean(axis=0) * eps) ** 2


def transformed(columns: np.ndarray, lambdas: np.ndarray) -> np.ndarray:
    """Return Yeo and Johnson's transformation, their equation 2.1, of each column with its power."""
    negative = columns < 0.0
    logarithms = np.log1p(np.abs(columns))
    powers = np.where(negative, 2.0 - lambdas, lambdas)
    plain = np.abs(powers) < np.finfo(np.float64).eps
    found = np.where(plain, logarithms, np.expm1(powers * logarithms) / np.where(plain, 1.0, powers))
    return np.where(negative, -found, found)


def powers(columns: np.ndarray) -> np.ndarray:
    """Return the power of greatest likelihood for each column; none may be constant.

    The likelihood is concave in the power, so a zero of its derivative is the maximum.
    """
    low, high = _bounds(columns)
    found, open_columns = np.clip(1.0, low, high), np.arange(columns.shape[1])
    negative, logarithms = columns < 0.0, np.log1p(np.abs(columns))
    failed: list[int] = []
    for _ in range(STEPS):
        at = found[open_columns]
        slope, bend, sound = _derivatives(negative[:, open_columns], logarithms[:, open_columns], at)
        failed += open_columns[~sound].tolist()
        low[open_columns] = np.where(slope > 0.0, at, low[open_columns])
        high[open_columns] = np.where(slope > 0.0, high[open_columns], at)
        step = np.where(bend < 0.0, -slope / np.where(bend < 0.0, bend, 1.0), np.inf)
        within = (at + step > low[open_columns]) & (at + step < high[open_columns])
        found[open_columns] = np.where(within, at + step, (low[open_columns] + high[open_columns]) / 2.0)
        moved = np.abs(found[open_columns] - at)
        open_columns = open_columns[sound & (moved > PRECISION * (1.0 + np.abs(at)))]
        if not len(open_columns):
            break
    for place in (*failed, *open_columns.tolist()):
        found[place] = yeojohnson_normmax(columns[:, place])
    return found


def _bounds(columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the powers between which neither a column's values nor their squares leave the range of 64-bit floats."""
    info = np.finfo(np.float64)
    reach = np.log1p(20.0 * np.abs(columns).max(axis=0))
    least, most = (np.log(info.tiny) - np.log(info.eps)) / 2.0, (np.log(info.max) + np.log(info.eps)) / 2.0
    low, high = least / reach, most / reach
    some, every = (columns < 0.0).any(axis=0), (columns < 0.0).all(axis=0)
    return (
        np.where(every, 2.0 - high, np.where(some, np.maximum(2.0 - high, low), low)),
        np.where(every, 2.0 - low, np.where(some, np.minimum(2.0 - low, high), high)),
    )


def _derivatives(
    negative: np.ndarray, logarithms: np.ndarray, at: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the first and second derivative of each column's log likelihood, divided by the rows, and which are sound."""
    n_rows = len(logarithms)
    exponents = np.where(negative, 2.0 - at, at) * logarithms
    zeroth, first, second = _growth(exponents)
    # of a negative value both the sign and the direction of the power are turned, so its first derivative keeps its sign
    sign = np.where(negative, -1.0, 1.0)
    value = sign * logarithms * zeroth
    slope = logarithms**2 * first
    bend = sign * logarithms**3 * second
    value -= value.mean(axis=0)
    slope -= slope.mean(axis=0)
    variance = np.einsum("np,np->p", value, value) / n_rows
    relative = np.einsum("np,np->p", value, slope) / n_rows / variance
    curvature = (np.einsum("np,np->p", slope, slope) + np.einsum("np,np->p", value, bend)) / n_rows / variance
    derivative = (sign * logarithms).mean(axis=0) - relative
    change = 2.0 * relative**2 - curvature
    sound = np.isfinite(derivative) & np.isfinite(change) & (exponents.max(axis=0) > -DEEP)
    return derivative, change, sound


def _growth(z: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (e^z - 1) / z and its first two derivatives; by their series near 0."""
    near = np.abs(z) < 0.02
    safe = np.where(near, 1.0, z)
    power = np.exp(safe)
    z = np.where(near, z, 0.0)
    zeroth = np.where(near, 1 + z / 2 * (1 + z / 3 * (1 + z / 4 * (1 + z / 5 * (1 + z / 6)))), (power - 1) / safe)
    first = np.where(
        near, 1 / 2 + z * (1 / 3 + z * (1 / 8 + z * (1 / 30 + z * (1 / 144 + z / 840)))), (power - zeroth) / safe
    )
    second = np.where(near, 1 / 3 + z * (1 / 4 + z * (1 / 10 + z * (1 / 36 + z / 168))), (power - 2 * first) / safe)
    return zeroth, first, second
