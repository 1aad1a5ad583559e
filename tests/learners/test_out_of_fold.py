"""Stacking inside a pipeline: no leakage, the same columns for old and new rows, weights and groups heard."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_iris, make_classification, make_regression
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline, make_union
from sklearn.preprocessing import Normalizer, StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from evoml.learners import OutOfFoldPredictions

RNG = np.random.default_rng(0)


def test_no_leakage_with_random_labels():
    X, y = RNG.normal(size=(300, 5)), RNG.integers(0, 2, size=300)
    stacked = OutOfFoldPredictions(DecisionTreeClassifier(random_state=0))
    columns = stacked.fit_transform(X, y)
    assert abs(LogisticRegression().fit(columns, y).score(columns, y) - 0.5) < 0.1
    assert np.mean((columns[:, 0] > 0.5) == y) < 0.6
    assert np.mean((stacked.transform(X)[:, 0] > 0.5) == y) == 1.0
    pipeline = make_pipeline(stacked, LogisticRegression())
    assert abs(cross_val_score(pipeline, X, y, cv=5).mean() - 0.5) < 0.1


def test_regression_is_out_of_fold_too():
    X, y = make_regression(120, 4, noise=20, random_state=0)
    stacked = OutOfFoldPredictions(DecisionTreeRegressor(random_state=0))
    columns = stacked.fit_transform(X, y)
    assert columns.shape == (120, 1)
    assert np.allclose(stacked.transform(X)[:, 0], y)
    assert not np.allclose(columns[:, 0], y)


@pytest.mark.parametrize(
    ("model", "n_columns"),
    [
        (LogisticRegression(max_iter=300), 3),
        (LinearSVC(), 3),
        (SVC(), 3),
        (make_pipeline(StandardScaler(), KNeighborsClassifier()), 3),
    ],
)
def test_sorted_table_of_three_classes(model, n_columns):
    X, y = load_iris(return_X_y=True)
    y = np.array(["setosa", "versicolor", "virginica"])[y]
    stacked = OutOfFoldPredictions(model)
    columns = stacked.fit_transform(X, y)
    assert columns.shape == stacked.transform(X).shape == (150, n_columns)
    assert np.mean(stacked.classes_[columns.argmax(axis=1)] == y) > 0.85


def test_two_classes_give_the_second_class():
    X, y = make_classification(100, random_state=0)
    labels = np.where(y == 1, "yes", "no")
    for model in (LogisticRegression(), LinearSVC()):
        columns = OutOfFoldPredictions(model).fit_transform(X, labels)
        assert columns.shape == (100, 1)
        assert columns[y == 1].mean() > columns[y == 0].mean()


class PredictsOnly(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.inner_ = DecisionTreeClassifier(random_state=0).fit(X, y)
        return self

    def predict(self, X):
        return self.inner_.predict(X)


def test_without_probabilities_the_prediction_is_one_hot():
    X, y = load_iris(return_X_y=True)
    columns = OutOfFoldPredictions(PredictsOnly()).fit_transform(X, y)
    assert set(np.unique(columns)) == {0.0, 1.0}
    assert np.all(columns.sum(axis=1) == 1.0)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("model", [LogisticRegression(), LinearSVC(), DecisionTreeClassifier(), PredictsOnly()])
@pytest.mark.parametrize("y", [[0] * 20 + [1] * 20 + [2], [0] * 40 + [1], list(range(41)), [0, 1, 2, 3] * 10 + [9]])
def test_a_class_missing_in_a_fold_keeps_its_column(model, y):
    X, y = RNG.normal(size=(41, 3)), np.array(y)
    stacked = OutOfFoldPredictions(model)
    columns = stacked.fit_transform(X, y)
    assert columns.shape == stacked.transform(X).shape
    assert columns.shape[1] == (1 if len(np.unique(y)) == 2 else len(np.unique(y)))
    assert np.isfinite(columns).all()


@pytest.mark.parametrize("n_rows", [1, 2, 3, 4])
def test_few_rows(n_rows):
    X, y = RNG.normal(size=(n_rows, 2)), np.arange(n_rows) % 2
    assert OutOfFoldPredictions(DummyClassifier()).fit_transform(X, y).shape[0] == n_rows
    assert OutOfFoldPredictions(Ridge()).fit_transform(X, y.astype(float)).shape == (n_rows, 1)


def test_groups_stay_together():
    rng = np.random.default_rng(0)  # of its own: what is drawn must not depend on the tests before
    groups = np.repeat(np.arange(30), 4)
    X = np.repeat(rng.normal(size=(30, 3)), 4, axis=0)
    y = np.repeat(rng.integers(0, 2, size=30), 4)
    stacked = OutOfFoldPredictions(KNeighborsClassifier(1))
    leaking = np.mean((stacked.fit_transform(X, y)[:, 0] > 0.5) == y)
    honest = np.mean((stacked.fit_transform(X, y, groups=groups)[:, 0] > 0.5) == y)
    assert leaking > 0.9
    assert honest < 0.8
    assert stacked.fit_transform(X, y, groups=np.zeros(120)).shape == (120, 1)


def test_weights_reach_every_step_that_takes_them():
    X, y = make_classification(120, random_state=0)
    weights = np.where(y == 1, 50.0, 1.0)
    inner = Pipeline([("scale", StandardScaler()), ("plain", Normalizer()), ("model", LogisticRegression())])
    nested = Pipeline([("inner", inner)])
    for model in (LogisticRegression(), inner, nested):
        stacked = OutOfFoldPredictions(model)
        even = stacked.fit_transform(X, y).mean()
        assert stacked.fit_transform(X, y, sample_weight=weights).mean() > even + 0.05
    by_hand = clone(inner).fit(X, y, scale__sample_weight=weights, model__sample_weight=weights)
    stacked = OutOfFoldPredictions(inner).fit(X, y, sample_weight=weights)
    assert np.array_equal(stacked.transform(X)[:, 0], by_hand.predict_proba(X)[:, 1])
    OutOfFoldPredictions(KNeighborsClassifier()).fit(X, y, sample_weight=weights)


def test_repeats_itself():
    X, y = make_classification(80, random_state=0)
    stacked = OutOfFoldPredictions(LogisticRegression())
    assert np.array_equal(stacked.fit_transform(X, y), clone(stacked).fit_transform(X, y))


def test_clone_pickle_pandas_and_union():
    X, y = load_iris(return_X_y=True, as_frame=True)
    model = OutOfFoldPredictions(make_pipeline(StandardScaler(), LogisticRegression()))
    stacked = clone(model).set_output(transform="pandas")
    columns = stacked.fit_transform(X, y)
    assert isinstance(columns, pd.DataFrame)
    assert list(columns.columns) == [f"logisticregression_{label}" for label in (0, 1, 2)]
    assert list(columns.columns) == list(stacked.get_feature_names_out())
    assert columns.index.equals(X.index)
    copied = pickle.loads(pickle.dumps(stacked))
    assert np.array_equal(copied.transform(X), stacked.transform(X))
    union = make_union(StandardScaler(), clone(model)).fit(X, y)
    assert union.transform(X).shape == (150, 7)
    assert list(OutOfFoldPredictions(Ridge()).fit(X, y).get_feature_names_out()) == ["ridge"]
