"""Codes that candidates share: the same bits as without, and bounded in bytes."""

import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris

from evoml.components import load_catalogue
from evoml.core.dataset import read_dataset
from evoml.evaluation import scorers, splits
from evoml.evaluation.binnings import Binnings
from evoml.evaluation.problem import Problem, evaluate
from evoml.genomes.pipeline_tree import PipelineSpace
from evoml.learners import BoostingClassifier, BoostingRegressor, ForestClassifier, ForestRegressor
from evoml.learners.binned_table import Codes, SharedTable
from evoml.run.parts import data_facts

TEXTS = [
    "ForestClassifier(features, n_estimators=20)",
    "BoostingClassifier(features, max_iter=20)",
    "ForestClassifier(features, n_estimators=20, splitter='random', max_features='log2')",
    "BoostingClassifier(StandardScaler(features), max_iter=20)",
    "BoostingClassifier(features, max_iter=20, max_leaf_nodes=4, subsample=0.8)",
    "BoostingClassifier(StandardScaler(features), max_iter=20, max_features=0.5)",
    "LogisticRegression(stack(ForestClassifier(features, n_estimators=20)))",
    "LogisticRegression(stack(ForestClassifier(features, n_estimators=20, max_features=0.5)))",
]


def problem_of(X, y, sample_weight=None):
    data = read_dataset(X, y, "classification", sample_weight)
    folds, metrics = splits(data, 3, 0), scorers("accuracy", "classification", data.classes)
    space = PipelineSpace(load_catalogue(), data_facts(data, folds, metrics))
    return Problem(data, space, folds, metrics, seed=7)


def found(problem, text):
    evaluation = evaluate(problem, str(problem.builder.adapted(text)))
    assert not evaluation.error
    return evaluation.fold_scores, evaluation.predictions.tobytes()


def with_text():
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    X = X.iloc[:, :4].assign(size=pd.cut(X["mean radius"], 3, labels=["small", "middle", "large"]).astype(object))
    X.iloc[::7, 1] = np.nan
    return X, y


@pytest.mark.parametrize("kind", ["numbers", "text", "weights"])
def test_candidates_give_the_same_bits_whoever_came_before(kind):
    X, y = with_text() if kind == "text" else load_iris(return_X_y=True)
    weight = np.arange(len(y)) % 4.0 if kind == "weights" else None
    problem = problem_of(X, y, weight)
    alone = {text: found(replace(problem), text) for text in TEXTS}
    for text in [*TEXTS, *reversed(TEXTS)]:
        assert found(problem, text) == alone[text], text
    assert problem.binnings.n_bytes > 0
    assert "binnings" not in vars(pickle.loads(pickle.dumps(problem)))


def test_columns_are_binned_once_for_each_fold_and_step(monkeypatch):
    from evoml.kernels import binning

    calls = []
    original = binning.bin_edges
    monkeypatch.setattr(binning, "bin_edges", lambda *given: calls.append(given) or original(*given))
    problem = problem_of(*load_iris(return_X_y=True))
    for n_trees in (20, 21, 22):
        found(problem, f"ForestClassifier(features, n_estimators={n_trees})")
    assert len(calls) == 3  # folds
    found(problem, "ForestClassifier(StandardScaler(features))")
    assert len(calls) == 6


def test_what_was_shared_costs_what_it_cost_the_first_one(monkeypatch):

    clock = iter(np.arange(0.0, 1e6, 5.0))
    monkeypatch.setattr("evoml.learners.binned_table.time.perf_counter", lambda: next(clock))
    X, y = load_iris(return_X_y=True)
    codes = Codes()
    first, second = SharedTable(X, codes), SharedTable(X, codes)
    ForestClassifier(2).fit(first, y)
    ForestClassifier(3).fit(second, y)
    assert (first.saved, second.saved) == (0.0, 5.0)


@pytest.mark.parametrize("kind", [BoostingRegressor, ForestRegressor])
def test_other_settings_of_bins_are_other_codes(kind):
    X, y = load_diabetes(return_X_y=True)
    table, rows = SharedTable(X), SharedTable(X[::-1])
    for settings in ({}, {"max_bins": 7}, {"min_samples_bin": 30}, {"categorical_features": [1]}, {}):
        model = kind(random_state=0, **settings)
        expected = kind(random_state=0, **settings).fit(X, y).predict(X[::-1])
        assert np.array_equal(model.fit(table, y).predict(rows), expected), settings
        assert np.array_equal(model.predict(X[::-1]), expected)
    assert len(table.codes.of_fits) == 3  # columns given by number are read anew


def test_rows_without_weight_do_not_count_for_the_bins_of_others():
    X, y = load_iris(return_X_y=True)
    table, weight = SharedTable(X), np.where(np.arange(150) % 3, 1.0, 0.0)
    for kind in (BoostingClassifier, ForestClassifier):
        for given in (weight, None, weight):
            expected = kind(random_state=0).fit(X, y, given).predict_proba(X)
            assert np.array_equal(kind(random_state=0).fit(table, y, given).predict_proba(SharedTable(X)), expected)


def test_a_model_takes_nothing_over_from_its_earlier_fit():
    X, y = load_iris(return_X_y=True, as_frame=True)
    table = SharedTable(X.to_numpy())
    ForestClassifier(2).fit(table, y)
    model = ForestClassifier(2).fit(X, y)
    assert not hasattr(model.fit(table, y), "feature_names_in_")


def test_what_was_not_used_for_longest_goes_first():
    X, y = load_breast_cancer(return_X_y=True)
    binnings = Binnings()
    sizes = {}
    for name in ("a", "b", "a", "c"):
        training, testing = binnings.shared(name, X, X[:9])
        BoostingClassifier(max_iter=1).fit(training, y).predict(testing)
        sizes[name] = binnings.n_bytes - sum(sizes.values()) if name not in sizes else sizes[name]
    assert binnings.n_bytes == sum(sizes.values()) > 3 * X.size
    binnings.max_bytes = sizes["a"] + sizes["c"]
    binnings.tidy()
    assert binnings.n_bytes == sizes["a"] + sizes["c"]
    assert sum(table.codes.n_bytes for table in binnings.shared("b", X, X)) == 0
    assert sum(table.codes.n_bytes for table in binnings.shared("a", X, X)) == sizes["a"]
    binnings.max_bytes = 0
    binnings.tidy()
    assert binnings.n_bytes == 0
