"""Quantiles by sorting: to the last bit those of scikit-learn."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.preprocessing import QuantileTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

from evoml.learners.quantiles import SortedQuantileTransformer


@parametrize_with_checks([SortedQuantileTransformer(n_quantiles=10)])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.filterwarnings("ignore:n_quantiles")
@pytest.mark.parametrize("settings", [{}, {"subsample": 100, "random_state": 3}])
@pytest.mark.parametrize("distribution", ["uniform", "normal"])
@pytest.mark.parametrize("n_quantiles", [1, 10, 77, 1000])
@pytest.mark.parametrize("load", [load_breast_cancer, load_digits])
def test_equal_to_scikit_learn(load, n_quantiles, distribution, settings):
    if n_quantiles > settings.get("subsample", 1000):
        pytest.skip("scikit-learn refuses it")
    X = load(return_X_y=True)[0][:300, :40]
    train, test = X[:200], X[200:]
    given = {"n_quantiles": n_quantiles, "output_distribution": distribution, **settings}
    expected, found = QuantileTransformer(**given).fit(train), SortedQuantileTransformer(**given).fit(train)
    assert found.quantiles_ == pytest.approx(expected.quantiles_, rel=1e-14, abs=0)
    for rows in (train, test, np.vstack([100 * test, -test])):
        assert found.transform(rows) == pytest.approx(expected.transform(rows), rel=1e-12, abs=1e-14)


def test_another_distribution_is_refused():
    with pytest.raises(ValueError, match="'uniform' or 'normal', got 'gamma'"):
        SortedQuantileTransformer(output_distribution="gamma").fit(np.ones((3, 1)))
