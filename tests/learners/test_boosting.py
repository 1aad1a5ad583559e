"""Boosting as scikit-learn sees it, and its folds."""

import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, make_classification
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import log_loss
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_predict
from sklearn.tree import DecisionTreeRegressor
from sklearn.utils.estimator_checks import parametrize_with_checks

from evoml.learners import BoostingClassifier, BoostingRegressor
from evoml.learners.binned_table import bin_table, rows_in_bin
from evoml.learners.boosting import fit_folds

_EXACT = {"l2_regularization": 0.0, "min_samples_bin": 1, "max_iter": 1, "learning_rate": 1.0}


@pytest.fixture(scope="module")
def diabetes():
    return load_diabetes(return_X_y=True)


@pytest.fixture(scope="module")
def cancer():
    return load_breast_cancer(return_X_y=True)


@parametrize_with_checks([BoostingClassifier(max_iter=10), BoostingRegressor(max_iter=10)])
def test_estimator_checks(estimator, check):
    check(estimator)


def test_importing_does_not_load_numba():
    code = "import sys, evoml.learners.boosting; assert 'numba' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_one_tree_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 15, (400, 4)).astype(float)
    y = X[:, 0] ** 2 - X[:, 1] + rng.normal(size=400)
    ours = BoostingRegressor(max_leaf_nodes=12, min_samples_leaf=7, **_EXACT).fit(X, y)
    theirs = DecisionTreeRegressor(max_leaf_nodes=12, min_samples_leaf=7).fit(X, y)
    assert np.allclose(ours.predict(X), theirs.predict(X), rtol=1e-5)


@pytest.mark.parametrize("kind", ["missing", "plain"])
def test_rounds_are_those_of_scikit_learn(kind):
    rng = np.random.default_rng(1)
    X = rng.integers(0, 30, (600, 5)).astype(float)
    y = (X[:, 0] * X[:, 1] > 200) + 0.05 * X[:, 2] + rng.normal(size=600)
    if kind == "missing":
        X[rng.random(X.shape) < 0.2] = np.nan
    common = {"max_leaf_nodes": 8, "min_samples_leaf": 10, "learning_rate": 0.3, "max_iter": 5}
    ours = BoostingRegressor(l2_regularization=0.0, min_samples_bin=1, **common).fit(X, y)
    theirs = HistGradientBoostingRegressor(early_stopping=False, **common).fit(X, y)
    assert np.allclose(ours.predict(X), theirs.predict(X), rtol=1e-4, atol=1e-4)


def test_binary_rounds_are_those_of_scikit_learn(cancer):
    X, y = np.round(cancer[0], 1), cancer[1]
    common = {"max_leaf_nodes": 6, "min_samples_leaf": 15, "max_iter": 10}
    ours = BoostingClassifier(l2_regularization=0.0, min_samples_bin=1, min_child_weight=1e-3, **common).fit(X, y)
    theirs = HistGradientBoostingClassifier(early_stopping=False, **common).fit(X, y)
    assert log_loss(y, ours.predict_proba(X)) == pytest.approx(log_loss(y, theirs.predict_proba(X)), rel=0.05)


def test_categories_and_missing_values_do_as_well_as_lightgbm():
    lightgbm = pytest.importorskip("lightgbm")
    rng = np.random.default_rng(2)
    groups = rng.integers(0, 40, 3000)
    effect = rng.normal(size=40)
    noise = rng.normal(size=3000)
    number = np.where(rng.random(3000) < 0.3, np.nan, rng.normal(size=3000))
    y = effect[groups] + np.where(np.isnan(number), 1.0, number) + 0.3 * noise
    frame = pd.DataFrame({"group": pd.Categorical([f"g{group}" for group in groups]), "number": number})
    train, test = np.arange(2000), np.arange(2000, 3000)
    ours = BoostingRegressor().fit(frame.iloc[train], y[train]).score(frame.iloc[test], y[test])
    theirs = lightgbm.LGBMRegressor(verbosity=-1, n_jobs=1).fit(frame.iloc[train], y[train])
    assert ours > theirs.score(frame.iloc[test], y[test]) - 0.01
    without = BoostingRegressor(categorical_features=None)
    with pytest.raises(ValueError, match="could not convert"):
        without.fit(frame, y)


def test_unseen_categories_count_as_missing():
    frame = pd.DataFrame({"c": pd.Categorical(["a", "b", None] * 40)})
    y = np.array([0.0, 1.0, 5.0] * 40)
    model = BoostingRegressor(min_samples_leaf=5, cat_l2=0.0).fit(frame, y)
    new = pd.DataFrame({"c": pd.Categorical(["z", "a", "b", None])})
    z, a, b, missing = model.predict(new)
    assert z == missing
    assert [round(a), round(b), round(missing)] == [0, 1, 5]


@pytest.mark.parametrize(
    "settings_of_it",
    [{}, {"subsample": 0.6, "max_features": 0.5}, {"loss": "absolute_error"}, {"growth": "depth", "max_depth": 3}],
)
def test_going_on_is_the_same_as_at_once(diabetes, settings_of_it):
    X, y = diabetes
    at_once = BoostingRegressor(max_iter=30, random_state=4, **settings_of_it).fit(X, y)
    model = BoostingRegressor(max_iter=11, random_state=4, warm_start=True, **settings_of_it).fit(X, y)
    model.set_params(max_iter=30).fit(X, y)
    assert np.array_equal(model.predict(X), at_once.predict(X))
    assert np.array_equal(model.feature_importances_, at_once.feature_importances_)


def test_going_on_with_classes_and_categories():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"c": pd.Categorical(rng.integers(0, 9, 300).astype(str)), "x": rng.normal(size=300)})
    y = rng.integers(0, 3, 300)
    at_once = BoostingClassifier(max_iter=20, random_state=0).fit(frame, y)
    model = BoostingClassifier(max_iter=6, warm_start=True, random_state=0).fit(frame, y)
    model.set_params(max_iter=20).fit(frame, y)
    assert np.array_equal(model.predict_proba(frame), at_once.predict_proba(frame))
    with pytest.raises(ValueError, match="max_iter=5"):
        model.set_params(max_iter=5).fit(frame, y)


def test_early_stopping_keeps_the_best_rounds(diabetes):
    X, y = diabetes
    model = BoostingRegressor(max_iter=500, early_stopping=True, random_state=1).fit(X, y)
    assert model.n_iter_ < 200
    assert model.n_iter_ == 1 + np.argmin(model.validation_loss_)
    fixed = clone(model).set_params(max_iter=model.n_iter_, n_iter_no_change=500).fit(X, y)
    assert np.array_equal(fixed.predict(X), model.predict(X))


def test_monotone_directions_hold():
    rng = np.random.default_rng(5)
    X = rng.random((600, 3))
    y = 2 * X[:, 0] - X[:, 1] + np.sin(20 * X[:, 0]) + rng.normal(size=600)
    model = BoostingRegressor(monotonic_cst=[1, -1, 0], min_samples_leaf=5).fit(X, y)
    for row in X[:40]:
        grid = np.tile(row, (60, 1))
        grid[:, 0] = np.linspace(0, 1, 60)
        assert np.all(np.diff(model.predict(grid)) >= 0.0)
        grid = np.tile(row, (60, 1))
        grid[:, 1] = np.linspace(0, 1, 60)
        assert np.all(np.diff(model.predict(grid)) <= 0.0)


def test_quantiles_cover_and_the_median_is_robust(diabetes):
    X, y = diabetes
    for quantile in (0.1, 0.5, 0.9):
        model = BoostingRegressor(loss="quantile", quantile=quantile).fit(X, y)
        assert np.mean(y <= model.predict(X)) == pytest.approx(quantile, abs=0.06)
    spoilt = y.copy()
    spoilt[:20] += 1e6
    model = BoostingRegressor(loss="absolute_error").fit(X, spoilt)
    assert np.median(np.abs(model.predict(X)[20:] - y[20:])) < 60


def test_poisson_predictions_are_rates():
    rng = np.random.default_rng(6)
    X = rng.random((800, 2))
    rate = np.exp(2 * X[:, 0])
    model = BoostingRegressor(loss="poisson").fit(X, rng.poisson(rate).astype(float))
    assert np.corrcoef(model.predict(X), rate)[0, 1] > 0.9
    with pytest.raises(ValueError, match="at least 0"):
        model.fit(X, -rate)


def test_weights_of_zero_and_of_classes(cancer):
    X, y = cancer
    weights = np.where(np.arange(len(y)) % 3, 1.0, 0.0)
    some = BoostingClassifier(max_iter=15).fit(X, y, sample_weight=weights)
    fewer = BoostingClassifier(max_iter=15).fit(X[weights > 0], y[weights > 0])
    assert np.array_equal(some.predict_proba(X), fewer.predict_proba(X))
    by_class = BoostingClassifier(max_iter=15, class_weight={0: 3.0, 1: 0.5}).fit(X, y)
    by_row = BoostingClassifier(max_iter=15).fit(X, y, sample_weight=np.where(y == 0, 3.0, 0.5))
    assert np.array_equal(by_class.predict_proba(X), by_row.predict_proba(X))
    with pytest.raises(ValueError, match="positive"):
        BoostingClassifier(class_weight={0: 0.0, 1: 0.0}).fit(X, y)


def test_importances_and_pickling():
    X, y = make_classification(400, 6, n_informative=2, n_redundant=0, shuffle=False, random_state=0)
    model = BoostingClassifier(max_iter=20).fit(X, y)
    assert model.feature_importances_.sum() == pytest.approx(1.0)
    assert model.feature_importances_[:2].sum() > 0.7
    copy = pickle.loads(pickle.dumps(model))
    assert np.array_equal(copy.predict_proba(X), model.predict_proba(X))
    assert np.array_equal(model.set_params(n_jobs=3).predict_proba(X), copy.predict_proba(X))


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 10**6),
    st.integers(1, 40),
    st.integers(1, 4),
    st.sampled_from(["constant", "missing", "numbers", "few", "infinite"]),
    st.integers(1, 4),
    st.sampled_from([1.0, 1e12, 1e-12]),
)
def test_odd_tables(seed, n, c, kind, k, weight):
    rng = np.random.default_rng(seed)
    X = {
        "constant": np.ones((n, c)),
        "missing": np.full((n, c), np.nan),
        "numbers": rng.normal(size=(n, c)),
        "few": rng.integers(0, 3, (n, c)).astype(float),
        "infinite": rng.choice([-1e300, 0.0, 1e300, np.nan], (n, c)),
    }[kind]
    y = rng.integers(0, k, n)
    weights = rng.random(n) * weight + weight / 10
    common = {"max_iter": 4, "min_samples_leaf": 1, "categorical_features": [0] if kind == "few" else None}
    model = BoostingClassifier(**common).fit(X, y, sample_weight=weights)
    shares = model.predict_proba(X)
    assert np.all(np.isfinite(shares))
    assert shares.sum(axis=1) == pytest.approx(np.ones(n))
    assert shares.shape[1] == len(np.unique(y))
    for loss in ("squared_error", "absolute_error", "poisson"):
        number = BoostingRegressor(loss=loss, **common).fit(X, y + 1.0, sample_weight=weights)
        assert np.all(np.isfinite(number.predict(X)))


def test_more_categories_than_bins():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 400, 6000)
    effect = rng.normal(size=400)
    model = BoostingRegressor(categorical_features=[0], max_iter=60).fit(codes[:, None].astype(float), effect[codes])
    assert model.score(codes[:, None].astype(float), effect[codes]) > 0.3


@pytest.mark.parametrize(
    ("name", "value"),
    [("max_bins", 300), ("learning_rate", 0), ("growth", "sideways"), ("subsample", 1.5), ("max_iter", 0), ("tol", -1)],
)
def test_errors_name_what_was_required(name, value, cancer):
    with pytest.raises(ValueError, match=rf"{name} must be .*, got {value!r}"):
        BoostingClassifier(**{name: value}).fit(*cancer)


def test_schedules_of_the_learning_rate(diabetes):
    X, y = diabetes
    constant = BoostingRegressor(max_iter=5).fit(X, y).predict(X)
    given_rates = BoostingRegressor(max_iter=5, learning_rate=np.full(5, 0.1)).fit(X, y).predict(X)
    assert np.array_equal(constant, given_rates)
    falling = [
        BoostingRegressor(max_iter=50, learning_rate_schedule=schedule).fit(X, y).score(X, y)
        for schedule in ("linear", "cosine")
    ]
    assert max(falling) < BoostingRegressor(max_iter=50).fit(X, y).score(X, y)
    with pytest.raises(ValueError, match="max_iter=7"):
        BoostingRegressor(max_iter=7, learning_rate=np.full(5, 0.1)).fit(X, y)


# -- all folds of a candidate ------------------------------------------------------------------------------------------


def _folds(X, y, n=5):
    return list(StratifiedKFold(n, shuffle=True, random_state=0).split(X, y))


@pytest.mark.parametrize("early_stopping", [False, True])
def test_folds_are_the_same_for_any_number_of_threads(cancer, early_stopping):
    X, y = cancer
    table, folds = bin_table(X), _folds(X, y)
    model = BoostingClassifier(max_iter=60, subsample=0.8, random_state=3, early_stopping=early_stopping)
    one, three = (fit_folds(model, table, y, folds, n_threads=n) for n in (1, 3))
    assert np.array_equal(one.predictions, three.predictions)
    assert one.n_iter == three.n_iter
    some = fit_folds(model.set_params(early_stopping=False, max_iter=one.n_iter), table, y, folds[1:3])
    tests = np.concatenate([test for _, test in folds[1:3]])
    assert np.array_equal(some.predictions[tests], one.predictions[tests])
    assert np.all(np.isnan(np.delete(some.predictions, tests, axis=0)))


def test_folds_do_as_well_as_single_fits(cancer):
    X, y = cancer
    model, folds = BoostingClassifier(max_iter=40), _folds(X, y)
    together = fit_folds(model, bin_table(X), y, folds).predictions
    apart = cross_val_predict(model, X, y, cv=folds, method="predict_proba")
    assert log_loss(y, together) == pytest.approx(log_loss(y, apart), abs=0.02)
    assert not hasattr(model, "classes_")


def test_folds_of_a_regressor_and_of_an_absent_class(diabetes):
    X, y = diabetes
    found = fit_folds(BoostingRegressor(max_iter=20), bin_table(X), y, list(KFold(3).split(X)))
    assert found.predictions.shape == (len(y), 1)
    assert np.corrcoef(found.predictions[:, 0], y)[0, 1] > 0.5
    X, y = load_iris(return_X_y=True)
    shares = fit_folds(BoostingClassifier(max_iter=20), bin_table(X), y, list(KFold(3).split(X))).predictions
    assert shares.shape == (150, 3)
    assert shares.sum(axis=1) == pytest.approx(np.ones(150))
    assert shares[:50, 0].max() < 0.01


def test_early_stopping_of_folds_takes_the_best_of_the_mean_curve(diabetes):
    X, y = diabetes
    model = BoostingRegressor(max_iter=400, early_stopping=True)
    found = fit_folds(model, bin_table(X), y, list(KFold(5, shuffle=True, random_state=0).split(X)))
    assert found.n_iter == 1 + np.argmin(found.curve) < 200
    held_out = 0.5 * np.mean((found.predictions[:, 0] - y) ** 2)
    assert held_out == pytest.approx(found.curve.min(), rel=1e-6)


def test_a_table_that_is_not_writable_compiles_nothing_anew(cancer):
    from evoml.kernels.binning import fill_codes
    from evoml.kernels.boosting import run_rounds
    from evoml.learners.warm_ups import boosting as warm_up

    warm_up()
    kernels = (fill_codes, run_rounds)
    before = [len(kernel.signatures) for kernel in kernels]
    X = cancer[0].copy()
    X.setflags(write=False)
    for order in ("C", "F"):
        BoostingClassifier(max_iter=3).fit(
            np.asarray(X, order=order), cancer[1], sample_weight=np.ones(len(X), np.float32)
        )
    assert [len(kernel.signatures) for kernel in kernels] == before


@pytest.mark.parametrize(
    ("n_rows", "least"), [(1, 1), (100, 2), (500, 10), (1499, 10), (3000, 20), (4800, 32), (20_000, 32), (20_001, 10)]
)
def test_rows_that_a_bin_holds(n_rows, least):
    assert rows_in_bin("auto", n_rows) == least
    assert rows_in_bin(7, n_rows) == 7
    values = np.random.default_rng(0).normal(size=(n_rows, 1))
    counts = np.bincount(bin_table(values).codes[:, 0])[1:]
    assert counts[:-1].min(initial=n_rows) >= least
