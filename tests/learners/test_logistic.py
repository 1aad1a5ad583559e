"""Logistic regression at its optimum: scikit-learn's model where that converges, a lower loss where it does not."""

import naive
import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from evoml.learners.logistic import MANY, PreconditionedLogisticRegression

EXACT = {"tol": 1e-7, "max_iter": 1000}


def table(name, scaled=True):
    X, y = {"iris": load_iris, "wine": load_wine, "cancer": load_breast_cancer, "digits": load_digits}[name](
        return_X_y=True
    )
    X, y = X[::3], y[::3]
    return (StandardScaler().fit_transform(X) if scaled else X), y


def loss(model, X, y, C, weight=None):
    codes = np.searchsorted(model.classes_, y)
    weight = np.ones(len(y)) if weight is None else weight
    return naive.logistic_loss(X, codes, weight, model.coef_, model.intercept_, C)


@parametrize_with_checks([PreconditionedLogisticRegression()])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("C", [1e-2, 1.0, 30.0])
@pytest.mark.parametrize("class_weight", [None, "balanced"])
@pytest.mark.parametrize("name", ["iris", "wine", "cancer"])
def test_equal_to_scikit_learn_where_both_converge(name, class_weight, C):
    X, y = table(name)
    expected = LogisticRegression(C=C, class_weight=class_weight, tol=1e-10, max_iter=5000).fit(X, y)
    found = PreconditionedLogisticRegression(C=C, class_weight=class_weight, **EXACT).fit(X, y)
    assert found.coef_ == pytest.approx(expected.coef_, rel=1e-4, abs=1e-4)
    assert found.predict_proba(X) == pytest.approx(expected.predict_proba(X), abs=1e-5)
    assert found.decision_function(X).shape == expected.decision_function(X).shape
    assert np.array_equal(found.predict(X), expected.predict(X))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("C", [1e-4, 1.0, 1e3])
@pytest.mark.parametrize("scaled", [True, False])
@pytest.mark.parametrize("name", ["iris", "wine", "cancer", "digits"])
def test_no_further_from_the_optimum_than_scikit_learn(name, scaled, C):
    X, y = table(name, scaled)
    reached = loss(LogisticRegression(C=C, max_iter=200).fit(X, y), X, y, C)
    found = PreconditionedLogisticRegression(C=C, max_iter=1000).fit(X, y)
    assert loss(found, X, y, C) <= reached * (1.0 + 1e-5) + 1e-6 * len(y)


@pytest.mark.parametrize("name", ["iris", "cancer"])
def test_no_coefficient_can_be_bettered(name):
    X, y = table(name)
    model = PreconditionedLogisticRegression(C=0.7, **EXACT).fit(X, y)
    least = loss(model, X, y, 0.7)
    for array in (model.coef_, model.intercept_):
        for place in np.ndindex(array.shape):
            for change in (1e-3, -1e-3):
                array[place] += change
                assert loss(model, X, y, 0.7) > least
                array[place] -= change


def test_a_weight_is_as_good_as_repeated_rows():
    X, y = table("wine")
    weight = np.arange(len(y)) % 4
    weighted = PreconditionedLogisticRegression(**EXACT).fit(X, y, sample_weight=weight)
    repeated = PreconditionedLogisticRegression(**EXACT).fit(np.repeat(X, weight, axis=0), np.repeat(y, weight))
    assert weighted.coef_ == pytest.approx(repeated.coef_, abs=1e-5)


def test_weights_of_classes_by_name():
    X, y = table("cancer")
    labels = np.where(y == 1, "good", "bad")
    found = PreconditionedLogisticRegression(class_weight={"bad": 3.0}, **EXACT).fit(X, labels)
    expected = LogisticRegression(class_weight={"bad": 3.0}, tol=1e-10, max_iter=5000).fit(X, labels)
    assert found.coef_ == pytest.approx(expected.coef_, abs=1e-4)
    assert list(found.classes_) == ["bad", "good"]


@pytest.mark.parametrize("classes", [2, 3])
def test_columns_of_every_kind(classes):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 6))
    y = np.digitize(X[:, 0], [-0.5, 0.5][: classes - 1])
    odd = np.column_stack([X, X[:, :2], np.ones(90), np.zeros(90), 1e9 * X[:, 3], 1e-9 * X[:, 4], 1e6 + X[:, 5]])
    found = PreconditionedLogisticRegression(C=10.0).fit(odd, y)
    assert np.isfinite(found.predict_proba(odd)).all()
    assert found.score(odd, y) > 0.9
    assert found.coef_[:, 8:10] == pytest.approx(0.0)


@pytest.mark.parametrize("classes", [2, 3])
def test_more_columns_than_rows(classes):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, MANY + 20))
    y = np.digitize(X[:, 0], [-0.4, 0.4][: classes - 1])
    found = PreconditionedLogisticRegression(C=0.1, **EXACT).fit(X, y)
    expected = LogisticRegression(C=0.1, tol=1e-9, max_iter=5000).fit(X, y)
    assert found.coef_ == pytest.approx(expected.coef_, abs=1e-4)


def test_separable_classes_without_a_penalty_to_speak_of():
    X = np.linspace(-1.0, 1.0, 40)[:, None]
    found = PreconditionedLogisticRegression(C=1e12).fit(X, X[:, 0] > 0)
    assert found.score(X, X[:, 0] > 0) == 1.0


def test_too_few_steps_are_told():
    X, y = table("digits")
    with pytest.warns(ConvergenceWarning, match="after 2 steps"):
        model = PreconditionedLogisticRegression(max_iter=2).fit(X, y)
    assert model.n_iter_ == 2


@pytest.mark.parametrize("C", [0.0, -1.0, np.nan, np.inf])
def test_a_penalty_that_is_no_positive_number_is_refused(C):
    with pytest.raises(ValueError, match=r"C must be a positive finite number, got"):
        PreconditionedLogisticRegression(C=C).fit(np.eye(4), [0, 1, 0, 1])
