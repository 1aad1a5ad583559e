"""Linear classifiers by one linear system: the coefficients and answers of scikit-learn's."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import RidgeClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from evoml.learners.linear_classifiers import CholeskyLinearDiscriminant, CholeskyRidgeClassifier

TABLES = {"iris": load_iris, "wine": load_wine, "cancer": load_breast_cancer, "digits": load_digits}


def table(name):
    X, y = TABLES[name](return_X_y=True)
    return StandardScaler().fit_transform(X[::3]), y[::3]


def check_same(found, expected, X, y, **weights):
    found.fit(X, y, **weights)
    expected.fit(X, y, **weights)
    assert found.coef_ == pytest.approx(np.atleast_2d(expected.coef_), rel=1e-6, abs=1e-8)
    assert found.decision_function(X) == pytest.approx(expected.decision_function(X), rel=1e-7, abs=1e-8)
    assert np.array_equal(found.predict(X), expected.predict(X))


@parametrize_with_checks([CholeskyRidgeClassifier(), CholeskyLinearDiscriminant()])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("class_weight", [None, "balanced"])
@pytest.mark.parametrize("alpha", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("name", list(TABLES))
def test_ridge_equals_scikit_learns(name, alpha, class_weight):
    X, y = table(name)
    check_same(CholeskyRidgeClassifier(alpha, class_weight), RidgeClassifier(alpha, class_weight=class_weight), X, y)


def test_ridge_with_more_columns_than_rows_and_with_weights():
    X, y = table("digits")
    X, y = np.hstack([X, X**2])[:50], y[:50]
    check_same(CholeskyRidgeClassifier(), RidgeClassifier(), X, y)
    weight = np.arange(len(y)) % 3 + 0.5
    X, y = table("wine")
    weight = np.arange(len(y)) % 3 + 0.5
    check_same(CholeskyRidgeClassifier(), RidgeClassifier(), X, y, sample_weight=weight)
    labels = np.where(y == 1, "one", "other")
    weights = {"one": 4.0}
    check_same(CholeskyRidgeClassifier(2.0, weights), RidgeClassifier(2.0, class_weight=weights), X, labels)


@pytest.mark.parametrize("shrinkage", [1e-4, 1e-2, 1.0])
@pytest.mark.parametrize("name", list(TABLES))
def test_discriminant_equals_scikit_learns(name, shrinkage):
    X, y = table(name)
    expected = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=shrinkage)
    found = CholeskyLinearDiscriminant(shrinkage)
    check_same(found, expected, X, y)
    assert found.predict_proba(X) == pytest.approx(expected.predict_proba(X), abs=1e-8)


@pytest.mark.parametrize("model", [CholeskyRidgeClassifier(1e-3), CholeskyLinearDiscriminant(1e-4)])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_columns_that_tell_nothing_or_the_same(model, n_classes):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    y = np.digitize(X[:, 0], [-0.4, 0.4][: n_classes - 1])
    odd = np.hstack([X, X, np.ones((60, 2)), 1e8 * X[:, :1], 1e-8 * X[:, :1]])
    assert model.fit(odd, y).score(odd, y) > 0.7
    constant = np.ones((60, 2))
    assert np.isfinite(model.fit(constant, y).decision_function(constant)).all()
    assert np.all(model.predict(constant) == np.bincount(y).argmax())


@pytest.mark.parametrize("model", [CholeskyRidgeClassifier(alpha=-1.0), CholeskyLinearDiscriminant(shrinkage=2.0)])
def test_a_setting_out_of_its_range_is_refused(model):
    with pytest.raises(ValueError, match=r"must be .* got"):
        model.fit(np.eye(4), [0, 1, 0, 1])
