"""The regressor."""

from __future__ import annotations

from typing import Any

from sklearn.base import RegressorMixin

from evoml.estimators.base import PARAMETERS, EvoEstimator
from evoml.estimators.pipeline_results import ATTRIBUTES


class EvoRegressor(RegressorMixin, EvoEstimator):
    __doc__ = f"""Evolve scikit-learn pipelines and predict numbers with the best.
{PARAMETERS}{ATTRIBUTES}
    Examples
    --------
    >>> from evoml import EvoRegressor
    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = EvoRegressor(max_evaluations=5, random_state=0).fit(X, y)
    >>> model.predict(X[:3]).shape
    (3,)
    """

    _task = "regression"
    score = EvoEstimator.score  # by ``scoring``, not the mixin's fixed metric

    def predict_interval(self, X: Any, confidence: float = 0.9) -> Any:
        """Return (n_rows, 2) bounds that hold the true value with the given probability; needs ``conformal=True`` in ``fit``.

        On average over rows like those of ``fit`` that is; all intervals are of the same width.
        """
        calibration = self._sureness("predict_interval")
        return calibration.intervals(self.predict(X), confidence)
