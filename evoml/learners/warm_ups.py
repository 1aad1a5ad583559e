"""What has the kernels of our learners compiled: each learner on tiny tables, in all ways that need another specialisation.

Numba compiles a kernel anew for each type of its arguments, and an array that may not be written to is another type: so come
the tables that evaluations share.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

ROWS = 12


def boosting() -> None:
    """Have all kernels of boosted trees compiled or loaded."""
    from evoml.learners.boosting import BoostingClassifier, BoostingRegressor

    settings: dict[str, Any] = {"max_iter": 2, "max_leaf_nodes": 3, "min_samples_leaf": 1, "random_state": 0}
    classes = np.arange(ROWS) % 2
    for X in _tables():
        BoostingClassifier(**settings, categorical_features=[1]).fit(X, classes).predict_proba(X)
    BoostingClassifier(**settings, early_stopping=True, validation_fraction=0.5).fit(X, classes)
    BoostingClassifier(**settings).fit(X, np.arange(ROWS) % 3).predict_proba(X)
    for loss in ("squared_error", "quantile"):
        BoostingRegressor(**settings, loss=loss, quantile=0.5).fit(X, X[:, 2]).predict(X)


def forest() -> None:
    """Have all kernels of forests compiled or loaded."""
    from evoml.learners.forest import ForestClassifier, ForestRegressor

    settings: dict[str, Any] = {"n_estimators": 2, "random_state": 0, "categorical_features": [1]}
    for X in _tables():
        for splitter in ("best", "random"):
            for n_classes in (2, 3):
                ForestClassifier(**settings, splitter=splitter).fit(X, np.arange(ROWS) % n_classes).predict_proba(X)
            ForestRegressor(**settings, splitter=splitter).fit(X, X[:, 2]).predict(X)


def _tables() -> Iterator[np.ndarray]:
    """Yield a table with a missing value, categories and numbers: one that may be written to, and one that may not."""
    table = np.column_stack([np.arange(ROWS) * 0.5, np.arange(ROWS) % 3, np.arange(ROWS) ** 2.0])
    table[0, 0] = np.nan
    yield table
    table = table.copy()
    table.setflags(write=False)
    yield table
