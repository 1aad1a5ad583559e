"""Symbolic regression."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from evoml.core.budget import Moment
from evoml.estimators.symbolic import ATTRIBUTES, PARAMETERS, SymbolicEstimator


class SymbolicRegressor(RegressorMixin, SymbolicEstimator):
    __doc__ = f"""Evolve a formula that predicts a number.
{PARAMETERS}    metric : {{"mse", "rmse", "r2", "mae"}} or None, default=None
        What is minimised; the first three are the same, and what None means.
{ATTRIBUTES}
    Examples
    --------
    >>> import numpy as np
    >>> from evoml import SymbolicRegressor
    >>> X = np.random.default_rng(0).uniform(1, 3, (100, 2))
    >>> model = SymbolicRegressor(generations=20, random_state=0).fit(X, 2 * X[:, 0] / X[:, 1])
    >>> model.formula_
    '2 * x0 / x1'
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> SymbolicRegressor:
        """Search for formulas.

        Parameters
        ----------
        X : (n_rows, n_columns) array or data frame of numbers
            Without missing values.
        y : (n_rows,) array of numbers
        sample_weight : (n_rows,) array or None
            Small whole weights count as that many rows.

        Returns
        -------
        self
        """
        began = Moment()
        X, y = self._checked(X, y, y_numeric=True)
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, X, ensure_non_negative=True)
        self._mean = float(np.average(y, weights=weights))
        self._run(X, [y], [""], weights, began)
        return self

    def predict(self, X: Any, formula: int | None = None) -> np.ndarray:
        """Return the prediction for each row of ``X``, (n_rows,), by the chosen formula or another row of ``front_``."""
        check_is_fitted(self)
        return self._values(X, formula, [self._mean])[:, 0]
