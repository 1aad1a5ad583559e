"""Regression by a learning algorithm that is evolved."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils.validation import validate_data

from evoml.core.budget import Moment
from evoml.estimators import parameters
from evoml.estimators.program_search import ATTRIBUTES, PARAMETERS, ProgramSearchEstimator


class ProgramRegressor(RegressorMixin, ProgramSearchEstimator):
    __doc__ = f"""Evolve a learning algorithm on a table (AutoML-Zero, Real et al. 2020), and predict numbers by it.
{PARAMETERS}{ATTRIBUTES}
    Examples
    --------
    >>> from evoml import ProgramRegressor
    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = ProgramRegressor(population_size=50, generations=4, random_state=0).fit(X, y)
    >>> bool(model.score(X, y) > 0.3)
    True
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> ProgramRegressor:
        """Search for a program, and train it.

        Parameters
        ----------
        X : (n_rows, n_columns) array or data frame of numbers
            Without missing values.
        y : (n_rows,) array of numbers
        sample_weight : (n_rows,) array or None
            How often rows come, relative to each other: programs learn from, and are judged on, rows drawn by their weights.

        Returns
        -------
        self
        """
        began = Moment()
        X, y = validate_data(self, X, y, dtype=np.float64, ensure_min_samples=2, y_numeric=True)
        X, y, weights = parameters.weighted_rows(sample_weight, X, y)
        self._run(X, np.asarray(y, np.float64), weights, began)
        return self
