"""Columns mapped by their own quantiles to a uniform or normal distribution: scikit-learn's QuantileTransformer."""

from typing import Any

import numpy as np
from scipy.special import ndtri
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import check_random_state, resample
from sklearn.utils.validation import check_is_fitted, validate_data

MARGIN = 1e-7  # how near a bound a value is taken for the bound; and a share to 0 or 1, before it would be infinite


class SortedQuantileTransformer(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Ranks of values among the quantiles of their column, the same as those of scikit-learn's QuantileTransformer.

    Parameters
    ----------
    n_quantiles : int
        At most so many as rows.
    output_distribution : {"uniform", "normal"}
    subsample : int
        Rows that quantiles are computed from, at most.
    random_state : int or None
        Which rows those are.

    Attributes
    ----------
    quantiles_ : (n_quantiles_, n_features) array
    references_ : (n_quantiles_,) array
        The share of values that lies below each.
    """

    def __init__(
        self,
        n_quantiles: int = 1000,
        output_distribution: str = "uniform",
        subsample: int = 10_000,
        random_state: Any = None,
    ) -> None:
        self.n_quantiles = n_quantiles
        self.output_distribution = output_distribution
        self.subsample = subsample
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Any:
        if self.output_distribution not in ("uniform", "normal"):
            raise ValueError(f"output_distribution must be 'uniform' or 'normal', got {self.output_distribution!r}")
        columns = validate_data(self, X, dtype=np.float64)
        self.n_quantiles_ = max(1, min(self.n_quantiles, len(columns)))
        self.references_ = np.linspace(0.0, 1.0, self.n_quantiles_)
        if self.subsample < len(columns):
            random = check_random_state(self.random_state)
            columns = resample(columns, replace=False, n_samples=self.subsample, random_state=random)
        self.quantiles_ = _quantiles(np.sort(columns, axis=0), self.references_)
        return self

    def transform(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        columns = validate_data(self, X, dtype=np.float64, reset=False)
        found = np.empty_like(columns)
        references, mirrored = self.references_, -self.references_[::-1]
        for place, quantiles in enumerate(self.quantiles_.T):
            column = np.ascontiguousarray(columns[:, place])
            # of equal quantiles the lower one counts from one side and the upper one from the other: their mean is taken
            from_above = np.interp(-column, -quantiles[::-1], mirrored)
            found[:, place] = 0.5 * (np.interp(column, quantiles, references) - from_above)
        lowest, highest = self.quantiles_[0], self.quantiles_[-1]
        if self.output_distribution == "uniform":
            found[columns == highest] = 1.0
            found[columns == lowest] = 0.0
            return found
        found[columns + MARGIN > highest] = 1.0
        found[columns - MARGIN < lowest] = 0.0
        inside = MARGIN - np.spacing(1)
        return np.clip(ndtri(found), ndtri(inside), ndtri(1.0 - inside))


def _quantiles(ordered: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return quantiles of columns in order, linear between two values, rounded as NumPy rounds them."""
    places = shares * 100 / 100 * (len(ordered) - 1)
    below = np.floor(places).astype(np.intp)
    above = np.minimum(below + 1, len(ordered) - 1)
    part = (places - below)[:, None]
    low, high = ordered[below], ordered[above]
    step = high - low
    return np.where(part >= 0.5, high - step * (1.0 - part), low + step * part)
