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


def expression() -> None:
    """Have all kernels that a search for formulas needs compiled or loaded."""
    from evoml.kernels.expression_codes import NAMES, VARIABLE
    from evoml.kernels.expression_evaluate import evaluate
    from evoml.kernels.expression_fitness import R2, score
    from evoml.kernels.expression_least_squares import fit_constants

    n, room = 2, 64
    codes, constants, lengths = np.zeros((n, room), np.int32), np.zeros((n, room)), np.full(n, 3, np.int32)
    codes[:, :3] = NAMES["add"], VARIABLE, VARIABLE + 1
    errors, scales, hashes = np.empty(n), np.empty((n, 2)), np.empty(n, np.uint64)
    for dtype in (np.float64, np.float32):
        features = np.arange(2.0 * ROWS).reshape(2, ROWS).astype(dtype)
        target, weights = features[0] * features[1], np.ones(ROWS, dtype)
        formulas = codes, constants, lengths, features
        evaluate(*formulas, 0, n, np.empty((n, ROWS), dtype))
        score(*formulas, target, weights, R2, True, 0, n, errors, scales, hashes)
        if dtype == np.float64:
            steps, information = np.ones(n, np.int32), np.empty((0, 0))
            fit_constants(*formulas, target, weights, steps, False, True, 256, 0, n, errors, scales, information)
    _variation(codes, constants, lengths, hashes)


def formula_features() -> None:
    """Have all kernels that formulas as a step of pipelines need compiled or loaded."""
    from evoml.learners.formula_features import FormulaFeatures

    X = np.random.default_rng(0).normal(size=(ROWS, 2))
    FormulaFeatures(1, generations=1, population_size=10, task="regression", random_state=0).fit(X, X[:, 0] * X[:, 1])


def _variation(codes: np.ndarray, constants: np.ndarray, lengths: np.ndarray, hashes: np.ndarray) -> None:
    """Compile what makes, changes and selects formulas."""
    from evoml.kernels.dominance import crowding_distances, nondominated_ranks
    from evoml.kernels.expression_canonical import canonicalise
    from evoml.kernels.expression_growth import grow, make_language
    from evoml.kernels.expression_variation import make_rules, vary
    from evoml.kernels.lexicase import epsilon_lexicase
    from evoml.kernels.tournament import crowded_tournaments, tournaments

    n, frequencies, keys, key = len(lengths), np.zeros(64), np.arange(len(lengths), dtype=np.uint64), np.uint64(1)
    frequencies[0] = 1.0
    language, formulas = make_language(frequencies, np.ones(2)), (codes, constants, lengths)
    winners = np.empty(n, np.int64)
    grow(keys, 1, 5, 3, language, *formulas, 0, n)
    children = [np.empty_like(part) for part in formulas]
    pairs, operators, applied = np.zeros((n, 2), np.int64), np.zeros(n, np.int32), np.empty(n, np.int32)
    vary(*formulas, pairs, operators, keys, language, make_rules(64, 10), *children, applied, 0, n)
    canonicalise(*formulas, np.ones(65, np.bool_), 10, hashes, np.empty(n, np.uint64), 0, n)
    for n_objectives in (2, 3):
        ranks = nondominated_ranks(np.eye(n, n_objectives))
    tournaments(np.zeros(n), 2, key, 0, n, winners)
    crowded_tournaments(ranks, crowding_distances(np.eye(n, 2), ranks), 2, key, 0, n, winners)
    epsilon_lexicase(np.zeros((3, n)), np.zeros(3), key, 0, n, winners)


def _tables() -> Iterator[np.ndarray]:
    """Yield a table with a missing value, categories and numbers: one that may be written to, and one that may not."""
    table = np.column_stack([np.arange(ROWS) * 0.5, np.arange(ROWS) % 3, np.arange(ROWS) ** 2.0])
    table[0, 0] = np.nan
    yield table
    table = table.copy()
    table.setflags(write=False)
    yield table
