"""Forests as scikit-learn sees them, and their folds."""

import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.ensemble import ExtraTreesRegressor, RandomForestClassifier, RandomForestRegressor
from sklearn.metrics import log_loss
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_predict, cross_val_score
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils.estimator_checks import parametrize_with_checks

from evoml.learners import ForestClassifier, ForestRegressor
from evoml.learners.binned_table import bin_table
from evoml.learners.forest import fit_folds, forest_table

ONE_TREE = {"n_estimators": 1, "bootstrap": False, "max_features": None}
_WEIGHT_CHECKS = ("check_sample_weight_equivalence_on_dense_data", "check_sample_weight_equivalence_on_sparse_data")


def _expected_failures(estimator):
    """As with scikit-learn's forests: a row of weight 2 is not drawn like two rows of weight 1."""
    reason = "bootstrap samples of weighted rows and of repeated rows differ"
    return dict.fromkeys(_WEIGHT_CHECKS, reason) if estimator.splitter == "best" else {}


@parametrize_with_checks(
    [kind(10, splitter=way) for kind in (ForestClassifier, ForestRegressor) for way in ("best", "random")],
    expected_failed_checks=_expected_failures,
)
def test_estimator_checks(estimator, check):
    check(estimator)


def test_importing_does_not_import_numba():
    script = "import sys, evoml.learners.forest; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def _few_values(seed, n_rows=300, missing=False):
    X = np.random.default_rng(seed).integers(0, 6, (n_rows, 4)).astype(float)
    if missing:
        X[np.random.default_rng(seed + 1).random(X.shape) < 0.15] = np.nan
    return X


@pytest.mark.parametrize("max_depth", [1, 3, 5])
@pytest.mark.parametrize("min_samples_leaf", [1, 12])
@pytest.mark.parametrize("missing", [False, True])
def test_one_regression_tree_is_that_of_scikit_learn(max_depth, min_samples_leaf, missing):
    X, rng = _few_values(0, missing=missing), np.random.default_rng(1)
    y = np.nan_to_num(X[:, 0], nan=2.5) ** 2 + 3 * np.isnan(X[:, 1]) + rng.normal(size=len(X))
    limits = {"max_depth": max_depth, "min_samples_leaf": min_samples_leaf}
    ours = ForestRegressor(**ONE_TREE, **limits).fit(X, y).predict(X)
    assert ours == pytest.approx(DecisionTreeRegressor(**limits).fit(X, y).predict(X), rel=1e-5)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_one_classification_tree_is_that_of_scikit_learn(n_classes, weighted):
    X, rng = _few_values(2), np.random.default_rng(3)
    y = (X[:, 0] + X[:, 1] * X[:, 2] + 4 * rng.normal(size=len(X))).astype(int) % n_classes
    weights = rng.uniform(0.5, 2.0, len(X)) if weighted else None
    limits = {"max_depth": 3, "min_impurity_decrease": 0.002}
    ours = ForestClassifier(**ONE_TREE, **limits).fit(X, y, weights).predict_proba(X)
    theirs = DecisionTreeClassifier(**limits, random_state=0).fit(X, y, weights).predict_proba(X)
    assert ours == pytest.approx(theirs, abs=1e-5)


def test_best_first_growth_is_that_of_scikit_learn():
    X, rng = _few_values(4), np.random.default_rng(5)
    y = X[:, 0] ** 2 + rng.normal(size=len(X))
    ours = ForestRegressor(**ONE_TREE, max_leaf_nodes=9).fit(X, y)
    theirs = DecisionTreeRegressor(max_leaf_nodes=9).fit(X, y)
    assert len(np.unique(ours.apply(X))) == 9
    assert ours.predict(X) == pytest.approx(theirs.predict(X), rel=1e-5)
    assert ours.feature_importances_ == pytest.approx(theirs.feature_importances_, abs=1e-5)


@pytest.mark.parametrize("splitter", ["best", "random"])
@pytest.mark.parametrize(
    ("model", "load"),
    [(ForestClassifier, load_iris), (ForestClassifier, load_breast_cancer), (ForestRegressor, load_diabetes)],
)
def test_same_bits_for_any_threads_at_once_or_in_parts_and_after_pickling(model, load, splitter):
    X, y = load(return_X_y=True)
    settings_ = {"splitter": splitter, "bootstrap": True, "oob_score": True, "random_state": 1}
    whole = model(20, **settings_).fit(X, y)
    threaded = model(20, **settings_, n_jobs=3).fit(X, y)
    parts = model(7, **settings_, warm_start=True).fit(X, y).set_params(n_estimators=20).fit(X, y)
    predict = "predict_proba" if model is ForestClassifier else "predict"
    expected = getattr(whole, predict)(X)
    for other in (threaded, parts, pickle.loads(pickle.dumps(whole))):
        assert np.array_equal(getattr(other, predict)(X), expected)
        assert other.oob_score_ == whole.oob_score_
        assert np.array_equal(other.apply(X), whole.apply(X))


@pytest.mark.parametrize("model", [ForestClassifier(40, random_state=0), ForestRegressor(40, random_state=0)])
def test_trees_are_grown_many_at_a_time(model, monkeypatch):
    from evoml.kernels import forest

    grown = []
    monkeypatch.setattr(
        forest, "grow_forest", lambda *given, real=forest.grow_forest: grown.append(real(*given)) or grown[-1]
    )
    X, y = load_breast_cancer(return_X_y=True)
    model.fit(X, y)
    assert sum(n_trees for n_trees, *_ in grown) == 40
    assert len(grown) <= 8


def test_global_random_state_is_left_alone():
    X, y = load_iris(return_X_y=True)
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    ForestClassifier(3).fit(X, y)
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_warm_start_refuses_fewer_trees_and_other_classes():
    X, y = load_iris(return_X_y=True)
    model = ForestClassifier(5, warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match="n_estimators=3 must be at least the 5 trees"):
        model.set_params(n_estimators=3).fit(X, y)
    with pytest.raises(ValueError, match="goes on with classes"):
        model.set_params(n_estimators=9).fit(X, y + 1)
    with pytest.warns(UserWarning, match="adds no trees"):
        model.set_params(n_estimators=5).fit(X, y)


@pytest.mark.parametrize("splitter", ["best", "random"])
def test_folds_give_what_models_of_the_folds_give(splitter):
    X, rng = _few_values(6), np.random.default_rng(7)
    for y, folds in (
        (rng.normal(size=len(X)), KFold(3)),
        (rng.integers(0, 2, len(X)).astype(str), StratifiedKFold(3)),
        (np.arange(len(X)) % 4, StratifiedKFold(3)),
    ):
        regression = y.dtype == float
        model = (ForestRegressor if regression else ForestClassifier)(15, splitter=splitter, random_state=3)
        parts = list(folds.split(X, y))
        found = fit_folds(model, forest_table(X), y, parts, n_threads=1).predictions
        assert np.array_equal(found, fit_folds(model, forest_table(X), y, parts, n_threads=3).predictions)
        method = "predict" if regression else "predict_proba"
        expected = cross_val_predict(model, X, y, cv=parts, method=method).reshape(len(X), -1)
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)
        some = fit_folds(model, forest_table(X), y, parts[1:2]).predictions
        test = parts[1][1]
        assert np.array_equal(some[test], found[test])
        assert np.isnan(np.delete(some, test, axis=0)).all()


def test_folds_know_classes_that_their_training_rows_lack():
    X, y = load_iris(return_X_y=True)
    parts = [(np.arange(100), np.arange(100, 150)), (np.arange(50, 150), np.arange(50))]
    found = fit_folds(ForestClassifier(5, random_state=0), bin_table(X), y, parts).predictions
    assert found[np.r_[:50, 100:150]].sum(axis=1) == pytest.approx(1.0)
    assert np.isnan(found[50:100]).all()
    assert np.all(found[100:, 2] == 0.0)
    assert np.all(found[:50, 0] == 0.0)


def test_quality_is_that_of_scikit_learn():
    X, y = load_breast_cancer(return_X_y=True)
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    losses = [
        log_loss(y, np.clip(cross_val_predict(model, X, y, cv=folds, method="predict_proba"), 1e-3, 1))
        for model in (ForestClassifier(random_state=0), RandomForestClassifier(random_state=0))
    ]
    assert losses[0] < losses[1] + 0.02
    X, y = load_diabetes(return_X_y=True)
    for splitter, theirs in (("best", RandomForestRegressor), ("random", ExtraTreesRegressor)):
        scores = [
            cross_val_score(model, X, y, cv=KFold(5)).mean()
            for model in (ForestRegressor(splitter=splitter, random_state=0), theirs(random_state=0))
        ]
        assert scores[0] > scores[1] - 0.03


def test_out_of_bag_scores_are_near_those_of_folds():
    X, y = load_breast_cancer(return_X_y=True)
    model = ForestClassifier(200, oob_score=True, random_state=0).fit(X, y)
    assert model.oob_score_ == pytest.approx(cross_val_score(model, X, y, cv=10).mean(), abs=0.02)
    assert model.oob_decision_function_.shape == (len(X), 2)
    with pytest.raises(ValueError, match="set bootstrap=True"):
        ForestClassifier(oob_score=True, bootstrap=False).fit(X, y)


@pytest.mark.parametrize("splitter", ["best", "random"])
def test_category_columns_are_split_by_sets(splitter):
    rng = np.random.default_rng(8)
    letters = np.array(list("abcdefghij"))
    codes = rng.integers(0, 10, 400)
    frame = pd.DataFrame({"kind": pd.Categorical(letters[codes]), "noise": rng.normal(size=400)})
    frame.loc[::40, "kind"] = np.nan
    y = np.where(codes % 2 == 0, 1.0, -1.0)
    y[::40] = 5.0
    model = ForestRegressor(30, splitter=splitter, max_features=None, max_depth=4, random_state=0).fit(frame, y)
    assert model.score(frame, y) > (0.95 if splitter == "best" else 0.5)
    shuffled = frame.assign(kind=frame["kind"].cat.reorder_categories(list("jihgfedcba")))
    assert np.array_equal(model.predict(shuffled), model.predict(frame))
    unseen = pd.DataFrame({"kind": pd.Categorical(["zebra"]), "noise": [0.0]})
    assert np.isfinite(model.predict(unseen)).all()


def test_class_weights_are_sample_weights():
    X, y = load_iris(return_X_y=True)
    y = (y == 2).astype(int)
    weighted = ForestClassifier(10, class_weight={0: 1.0, 1: 2.0}, random_state=0).fit(X, y).predict_proba(X)
    by_row = ForestClassifier(10, random_state=0).fit(X, y, 1.0 + y).predict_proba(X)
    assert np.array_equal(weighted, by_row)
    balanced = ForestClassifier(10, class_weight="balanced_subsample", max_depth=1, random_state=0).fit(X, y)
    plain = ForestClassifier(10, max_depth=1, random_state=0).fit(X, y)
    assert balanced.predict_proba(X)[:, 1].mean() > plain.predict_proba(X)[:, 1].mean() + 0.02


@st.composite
def odd_tables(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_rows, n_columns = draw(st.sampled_from([1, 2, 3, 50, 600])), draw(st.sampled_from([1, 2, 7]))
    X = rng.normal(size=(n_rows, n_columns))
    kind = draw(st.sampled_from(["plain", "constant", "missing", "large", "tiny", "holes", "many categories"]))
    if kind == "constant":
        X[:] = 3.0
    elif kind == "missing":
        X[:] = np.nan
    elif kind == "large":
        X *= 1e300
    elif kind == "tiny":
        X *= 1e-300
    elif kind == "holes":
        X[rng.random(X.shape) < 0.5] = np.nan
    elif kind == "many categories":
        X = np.floor(np.abs(X) * 1000)
    weights = draw(st.sampled_from([None, "huge", "tiny", "one"]))
    weights = {
        None: None,
        "huge": rng.uniform(1, 2, n_rows) * np.where(np.arange(n_rows) == 0, 1e290, 1.0),
        "tiny": rng.uniform(1, 2, n_rows) * 1e-290,
        "one": (np.arange(n_rows) == n_rows // 2).astype(float),
    }[weights]
    categorical = [0] if kind in ("many categories", "holes") else None
    return X, weights, categorical, rng


@settings(max_examples=80, deadline=None)
@given(odd_tables(), st.sampled_from(["best", "random"]), st.sampled_from([0, 1, 2, 3, 40]))
def test_odd_tables_give_sound_predictions(case, splitter, n_classes):
    X, weights, categorical, rng = case
    common = {"splitter": splitter, "categorical_features": categorical, "random_state": 0}
    if n_classes == 0:
        y = rng.normal(size=len(X)) * 10.0 ** rng.integers(-200, 200)
        found = ForestRegressor(5, **common).fit(X, y, weights).predict(X)
        assert np.all(found >= y.min() - 1e-4 * np.abs(y).max())
        assert np.all(found <= y.max() + 1e-4 * np.abs(y).max())
        return
    y = rng.integers(0, n_classes, len(X))
    model = ForestClassifier(5, **common).fit(X, y, weights)
    found = model.predict_proba(X)
    assert found.shape == (len(X), len(np.unique(y)))
    assert found.sum(axis=1) == pytest.approx(1.0, abs=1e-6)
    assert np.all(found >= 0.0)


@pytest.mark.parametrize(
    ("settings_", "message"),
    [
        ({"max_features": 0.0}, "max_features"),
        ({"splitter": "worst"}, "splitter"),
        ({"n_estimators": 0}, "n_estimators"),
        ({"max_samples": 500}, "max_samples=500 must be at most the 150 rows"),
        ({"max_samples": 0.5, "bootstrap": False}, "needs bootstrap"),
    ],
)
def test_settings_are_checked_in_fit(settings_, message):
    X, y = load_iris(return_X_y=True)
    with pytest.raises(ValueError, match=message):
        ForestClassifier(**settings_).fit(X, y)
