"""The regressor."""

from __future__ import annotations

from sklearn.base import RegressorMixin

from evoml.estimators.base import ATTRIBUTES, PARAMETERS, EvoEstimator


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
