"""Mutual information by sorting: scikit-learn's estimate."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import feature_selection
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine

from evoml.learners.mutual_information import _within, mutual_info_classif, mutual_info_regression


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("load", [load_breast_cancer, load_wine, load_digits])
def test_equal_to_scikit_learn_for_classes(load, seed):
    X, y = load(return_X_y=True)
    X, y = X[:300, :20], y[:300]
    expected = feature_selection.mutual_info_classif(X, y, random_state=seed)
    assert mutual_info_classif(X, y, random_state=seed) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("n_neighbors", [1, 3, 8])
def test_equal_to_scikit_learn_for_numbers(n_neighbors):
    X, y = load_diabetes(return_X_y=True)
    X = np.column_stack([X, np.zeros(len(X)), np.round(20 * X[:, :2])])
    given = {"n_neighbors": n_neighbors, "random_state": 0}
    expected = feature_selection.mutual_info_regression(X, y, **given)
    assert mutual_info_regression(X, y, **given) == pytest.approx(expected, abs=1e-9)


def test_classes_of_one_and_two_rows():
    X = np.random.default_rng(0).normal(size=(40, 3))
    y = np.array([0] * 20 + [1] * 16 + [2] * 2 + [3, 4])
    expected = feature_selection.mutual_info_classif(X, y, random_state=0)
    assert mutual_info_classif(X, y) == pytest.approx(expected, abs=1e-9)
    assert not mutual_info_classif(X, np.arange(40)).any()


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-20, 20), st.integers(0, 12)), min_size=1, max_size=30),
    st.sampled_from([1.0, 0.1, 1e-9, 1 / 3]),
    st.sampled_from([0.0, 1.0, 1e3]),
)
def test_neighbours_are_counted_as_one_by_one(pairs, unit, shift):
    values = shift + unit * np.array([value for value, _ in pairs])
    radius = unit * np.array([reach for _, reach in pairs])
    expected = [
        sum(abs(value - other) <= reach for other in values) for value, reach in zip(values, radius, strict=True)
    ]
    assert _within(values, radius).tolist() == expected


def test_the_global_random_state_is_left_alone():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    mutual_info_classif(*load_wine(return_X_y=True))
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002
