"""Powers found by Newton's method: those that SciPy finds one column at a time."""

import numpy as np
import pytest
from scipy.stats import yeojohnson, yeojohnson_llf, yeojohnson_normmax
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.preprocessing import PowerTransformer, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from evoml.learners.power import NewtonPowerTransformer, powers, transformed


@parametrize_with_checks([NewtonPowerTransformer()])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("load", [load_breast_cancer, load_wine, load_digits])
def test_equal_to_scikit_learn(load, scaled):
    X = load(return_X_y=True)[0][::4]
    X = StandardScaler().fit_transform(X) if scaled else X
    X = X[:, X.std(axis=0) > 0][:, :20]
    train, test = X[::2], X[1::2]
    expected, found = PowerTransformer().fit(train), NewtonPowerTransformer().fit(train)
    for column, power, other in zip(train.T, found.lambdas_, expected.lambdas_, strict=True):
        assert yeojohnson_llf(power, column) >= yeojohnson_llf(other, column) - 1e-6
    assert found.transform(test) == pytest.approx(expected.transform(test), abs=2e-4)
    assert np.array_equal(found.transform(train), NewtonPowerTransformer().fit_transform(train))


@pytest.mark.parametrize("power", [-2.0, -1e-3, 0.0, 1e-17, 0.5, 1.0, 2.0, 2.0 + 1e-9, 3.5])
def test_the_transformation_is_yeo_and_johnsons(power):
    column = np.concatenate([np.linspace(-5, 5, 41), [0.0, 1e-12, -1e-12, 300.0]])
    assert transformed(column[:, None], np.array([power]))[:, 0] == pytest.approx(yeojohnson(column, power), rel=1e-12)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_columns_of_every_kind():
    rng = np.random.default_rng(0)
    X = np.column_stack(
        [
            rng.exponential(size=200),
            -rng.exponential(size=200),
            np.exp(5 * rng.normal(size=200)),
            -np.exp(3 * rng.normal(size=200)),
            rng.integers(0, 2, 200),
            (rng.permutation(200) < 2) * 1.0,
            2000 + rng.normal(size=200),
            1e10 * rng.normal(size=200),
            1e-10 * rng.normal(size=200),
            rng.normal(size=200) ** 3,
        ]
    )
    for column, power in zip(X.T, powers(X), strict=True):
        best = yeojohnson_llf(yeojohnson_normmax(column), column)
        assert yeojohnson_llf(power, column) >= best - 1e-6 * abs(best)
    assert np.isfinite(NewtonPowerTransformer().fit_transform(X)).all()


def test_a_constant_column_stays_and_is_centred():
    X = np.column_stack([np.full(30, 7.0), np.arange(30.0)])
    model = NewtonPowerTransformer().fit(X)
    assert model.lambdas_[0] == 1.0
    assert model.transform(X)[:, 0] == pytest.approx(0.0, abs=1e-12)
    assert model.transform([[9.0, 3.0]])[0, 0] == pytest.approx(2.0)
