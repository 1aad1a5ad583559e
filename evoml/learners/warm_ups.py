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
    """Have all kernels that a search for formulas needs compiled or loaded, unless it is asked for what is seldom wanted.

    That is left to its first use: float32, units, monotonicity, selection by cases.
    """
    from evoml.kernels.expression_codes import NAMES, VARIABLE
    from evoml.kernels.expression_evaluate import evaluate
    from evoml.kernels.expression_fitness import R2, score
    from evoml.kernels.expression_least_squares import fit_constants

    n, room = 2, 64
    codes, constants, lengths = np.zeros((n, room), np.int32), np.zeros((n, room)), np.full(n, 3, np.int32)
    codes[:, :3] = NAMES["add"], VARIABLE, VARIABLE + 1
    errors, scales, hashes = np.empty(n), np.empty((n, 2)), np.empty(n, np.uint64)
    features, weights = np.arange(2.0 * ROWS).reshape(2, ROWS), np.ones(ROWS)
    target, formulas = features[0] * features[1], (codes, constants, lengths, features)
    evaluate(*formulas, 0, n, np.empty((n, ROWS)))
    score(*formulas, target, weights, R2, True, 0, n, errors, scales, hashes)
    steps, information = np.ones(n, np.int32), np.empty((0, 0))
    fit_constants(*formulas, target, weights, steps, False, True, 256, 0, n, errors, scales, information)
    _variation(codes, constants, lengths, hashes)


def formula_features() -> None:
    """Have all kernels that formulas as a step of pipelines need compiled or loaded."""
    from evoml.learners.formula_features import FormulaFeatures

    X = np.random.default_rng(0).normal(size=(ROWS, 2))
    FormulaFeatures(1, generations=1, population_size=10, task="regression", random_state=0).fit(X, X[:, 0] * X[:, 1])


def program() -> None:
    """Have all kernels that a search for programs needs, and what it finds, compiled or loaded."""
    from evoml.kernels.program_apply import learn, predict
    from evoml.kernels.program_codes import N_OPERATIONS
    from evoml.kernels.program_evaluate import evaluate
    from evoml.kernels.program_reach import find_reach, make_memory
    from evoml.kernels.program_run import make_rules, make_space, sizes_of
    from evoml.kernels.program_search import evolve, make_settings, make_state
    from evoml.kernels.program_tasks import make_tasks
    from evoml.kernels.program_variation import make_child, make_language, sample, vary

    memory, rules, room, n = make_memory(4, 3, 1), make_rules(), 3, 4
    features, labels, keys = np.ones((n, ROWS, 4)), np.ones((n, ROWS)), np.arange(n, dtype=np.uint64)
    tasks = make_tasks(features, labels, features, labels)
    language = make_language(memory, [range(N_OPERATIONS)] * 3, [room] * 3, [0] * 3, [room] * 3, [1.0] * 7)
    state = make_state(n, room, 0, 8)
    evolve(state, 2 * n, language, tasks, rules, make_settings())
    code, fitness, pairs = (
        (state.instructions, state.literals, state.lengths),
        np.zeros((n, n)),
        np.zeros((n, 2), np.uint64),
    )
    evaluate(*code, memory, tasks, rules, 0, n, fitness, pairs)
    sample(keys, language, make_child(room), *code, 0, n)
    vary(-1, keys, language, make_child(room), *code, 0, n)
    scratch = [np.zeros(3 * room, np.uint64) for _ in range(2)]
    find_reach(*code, memory, *scratch, np.zeros((n, 3 * room), np.bool_), keys, 0, n)
    sizes = sizes_of(memory, tasks)
    space, lanes = make_space(room, sizes), np.ones((ROWS, sizes.lanes))
    one = (code[0][0], code[1][0], code[2][0])
    learn(True, 0, np.ones((ROWS, 4, sizes.lanes)), lanes, one, memory, keys, sizes, rules, space)
    arguments = (space.work.copy(), one, memory, keys, sizes, rules, space, np.ones((1, 4, sizes.lanes)), lanes[:1])
    predict(np.ones((ROWS, 4)), *arguments, np.zeros((ROWS, sizes.lanes)))


def _variation(codes: np.ndarray, constants: np.ndarray, lengths: np.ndarray, hashes: np.ndarray) -> None:
    """Compile what makes, changes and selects formulas."""
    from evoml.kernels.dominance import mark_best_of_each, ranks_and_crowding
    from evoml.kernels.expression_canonical import canonicalise
    from evoml.kernels.expression_growth import grow, make_language
    from evoml.kernels.expression_variation import make_rules, vary

    n, frequencies, keys = len(lengths), np.zeros(64), np.arange(len(lengths), dtype=np.uint64)
    frequencies[0] = 1.0
    language, formulas = make_language(frequencies, np.ones(2)), (codes, constants, lengths)
    grow(keys, 1, 5, 3, language, *formulas, 0, n)
    children = [np.empty_like(part) for part in formulas]
    pairs, operators, applied = np.zeros((n, 2), np.int64), np.zeros(n, np.int32), np.empty(n, np.int32)
    vary(*formulas, pairs, operators, keys, language, make_rules(64, 10), *children, applied, 0, n)
    canonicalise(*formulas, np.ones(65, np.bool_), 10, hashes, np.empty(n, np.uint64), 0, n)
    ranks_and_crowding(np.eye(n, 2))
    mark_best_of_each(keys, np.eye(n, 2), np.empty(n, np.bool_))


def _tables() -> Iterator[np.ndarray]:
    """Yield a table with a missing value, categories and numbers: one that may be written to, and one that may not."""
    table = np.column_stack([np.arange(ROWS) * 0.5, np.arange(ROWS) % 3, np.arange(ROWS) ** 2.0])
    table[0, 0] = np.nan
    yield table
    table = table.copy()
    table.setflags(write=False)
    yield table
