"""What may be given as a table and as a target, and what a fitted model says to other tables."""

import numpy as np
import pandas as pd
import polars
import pytest
from scipy import sparse
from sklearn.naive_bayes import GaussianNB
from small_fits import classifier, mixed, numbers, regressor

from evoml.core.errors import DataError

X, Y = numbers()


@pytest.mark.parametrize(
    "labels",
    [
        np.array(["no", "yes"]),
        np.array([False, True]),
        np.array([10, -3]),
        np.array([1.0, 2.0]),
        np.array(["no", "yes"], dtype=object),
        pd.Series(["no", "yes"], dtype="category"),
        pd.Series(["no", "yes"], dtype="string"),
        pd.Series([True, False], dtype="boolean"),
        np.array([1, 2], dtype=np.uint8),
    ],
    ids=lambda labels: str(labels.dtype),
)
def test_labels_come_back_as_they_were_given(labels):
    y = labels.take(Y) if isinstance(labels, pd.Series) else labels[Y]
    model = classifier().fit(X, y)
    found = model.predict(X)
    assert model.classes_.tolist() == sorted(set(y))
    assert set(found) <= set(y)
    assert np.mean(np.asarray(found) == np.asarray(y)) > 0.75
    assert model.score(X, y) == np.mean(np.asarray(found) == np.asarray(y))


@pytest.mark.parametrize(
    "table",
    [sparse.csr_matrix, sparse.coo_array, pd.DataFrame, polars.DataFrame, np.ndarray.tolist, np.asfortranarray],
    ids=["csr", "coo", "pandas", "polars", "lists", "fortran"],
)
def test_the_same_numbers_in_any_form_give_the_same_model(table):
    expected = classifier().fit(X, Y).predict_proba(X)
    model = classifier().fit(table(X), Y.tolist())
    np.testing.assert_allclose(model.predict_proba(table(X)), expected, rtol=1e-9)


def test_three_classes_have_their_probabilities_in_the_order_of_classes():
    y = np.array(["c", "a", "b"])[np.digitize(X[:, 0], [-0.4, 0.4])]
    model = classifier(search_space={"only": ["GaussianNB"]}).fit(X, y)
    probabilities = model.predict_proba(X)
    assert model.classes_.tolist() == ["a", "b", "c"]
    assert probabilities.shape == (80, 3)
    assert (model.classes_[probabilities.argmax(axis=1)] == model.predict(X)).all()


def test_text_and_missing_values_are_welcome():
    table, y = mixed()
    model = classifier().fit(table, y)
    assert model.score(table, y) > 0.8
    assert model.feature_names_in_.tolist() == ["size", "weight", "colour", "shape"]
    assert model.n_features_in_ == 4


def test_numbers_may_be_missing():
    holes = np.where(np.random.default_rng(0).random(X.shape) < 0.2, np.nan, X)
    assert classifier().fit(holes, Y).score(holes, Y) > 0.6
    assert regressor().fit(holes, X[:, 0]).score(holes, X[:, 0]) > 0.3


def test_levels_and_missing_values_not_seen_in_fit_are_no_obstacle():
    table, y = mixed()
    model = classifier().fit(table, y)
    new = table.head(6).assign(colour=["violet", None, "red", "?", "", "green"], weight=[np.nan, 1, 2, 3, 4, 5])
    new["shape"] = ["round", "oval", None, "long", "square", "round"]
    assert set(model.predict(new)) <= {"yes", "no"}


@pytest.fixture(scope="module")
def on_text():
    table, y = mixed()
    return classifier().fit(table, y), table


def test_a_missing_column_is_named(on_text):
    model, table = on_text
    with pytest.raises(ValueError, match=r"(?s)Feature names seen at fit time, yet now missing.*colour"):
        model.predict(table.drop(columns="colour"))


def test_columns_in_another_order_are_refused(on_text):
    model, table = on_text
    with pytest.raises(ValueError, match="must be in the same order as they were in fit"):
        model.predict(table[table.columns[::-1]])


def test_an_unknown_column_is_named(on_text):
    model, table = on_text
    with pytest.raises(ValueError, match=r"(?s)Feature names unseen at fit time:.*extra"):
        model.predict(table.assign(extra=1))


def test_text_instead_of_numbers_is_missing(on_text):
    model, table = on_text
    assert (model.predict(table.assign(weight="heavy")) == model.predict(table.assign(weight=np.nan))).all()


def test_numbers_instead_of_text_are_read_as_text(on_text):
    model, table = on_text
    assert len(model.predict(table.assign(colour=7))) == len(table)


def test_too_few_columns_of_an_array_are_counted():
    model = classifier().fit(X, Y)
    with pytest.raises(ValueError, match="X has 3 features, but EvoClassifier is expecting 4 features as input"):
        model.predict(X[:, :3])


def test_text_in_an_array_of_numbers_is_refused():
    model = classifier().fit(X, Y)
    with pytest.raises(DataError, match="hold text, but held numbers in fit"):
        model.predict(np.array([["a", 1, 2, 3]], dtype=object))


@pytest.mark.parametrize(
    ("table", "y", "message"),
    [
        (X, np.where(Y == 1, np.nan, 0.0), "Input y contains NaN: [0-9]+ of 80 target values are missing"),
        (X, np.zeros(80), "the target has one class: 0.0; check the target column"),
        (X, np.arange(80) / 7, "Unknown label type: continuous.*use EvoRegressor"),
        (X, Y[:79], "inconsistent numbers of samples"),
        (X, None, "requires y to be passed"),
        (X, [f"id-{i}" for i in range(80)], "each of the 80 classes has one row only"),
        (X[:0], Y[:0], "0 sample"),
        (X[:, 0], Y, "Expected 2D array, got 1D array instead"),
        (pd.DataFrame(X, columns=list("aabc")), Y, "these occur more than once: a; rename or drop them"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_and_the_mend_named(table, y, message):
    with pytest.raises(ValueError, match=message):
        classifier().fit(table, y)


def test_a_regressor_refuses_text_as_its_target():
    with pytest.raises(
        DataError, match=r"a regressor needs numbers as its target, got e.g. 'yes'; use EvoClassifier for labels"
    ):
        regressor().fit(X, ["yes", "no"] * 40)


@pytest.mark.parametrize("weight", [np.ones(79), np.full(80, -1.0), np.full(80, np.nan), np.zeros(80)])
def test_weights_that_cannot_be_used_are_refused(weight):
    with pytest.raises(DataError, match="sample_weight must"):
        classifier().fit(X, Y, sample_weight=weight)


def test_weights_that_leave_one_class_are_refused():
    with pytest.raises(DataError, match="one class"):
        classifier().fit(X, Y, sample_weight=1.0 * (Y == 1))


@pytest.mark.parametrize("factor", [1, 1.5])
def test_the_model_is_fitted_with_the_weights(factor):
    weight = factor * np.where(Y == 1, 9.0, 1.0)
    one = {
        "search_space": {"only": ["GaussianNB"]},
        "initial_pipelines": ["GaussianNB(features)"],
        "max_evaluations": 1,
    }
    weighted = classifier(**one).fit(X, Y, sample_weight=weight)
    expected = GaussianNB().fit(X, Y, sample_weight=weight)
    assert np.allclose(weighted.predict_proba(X), expected.predict_proba(X))
    assert weighted.predict(X).mean() > classifier(**one).fit(X, Y).predict(X).mean()


def test_groups_are_never_on_both_sides_of_a_fold():
    groups = np.arange(80) // 8
    seen = []

    def metric(estimator, X, y):
        seen.append({int(value) for value in X[:, 0]})
        return 1.0

    table = np.column_stack([groups, X])
    classifier(scoring=metric, max_evaluations=1, cv=5).fit(table, Y, groups=groups)
    assert seen[:5] == seen[5:10]  # later calls are about the reported figure
    assert sorted(len(held) for held in seen[:5]) == [2] * 5
    assert set.union(*seen[:5]) == set(range(10))
