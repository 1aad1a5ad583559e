"""Epsilon-lexicase against going through the cases one by one."""

import naive_expressions_variation as naive
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from evoml.kernels.lexicase import automatic_epsilon, epsilon_lexicase


def _select(errors, epsilon, key, n, first=0):
    winners = np.full(n, -1)
    epsilon_lexicase(np.ascontiguousarray(errors.T), epsilon, np.uint64(key), first, n, winners)
    return winners


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 10**9), st.integers(1, 30), st.integers(1, 12), st.sampled_from([2, 6, 10**6]))
def test_parents_match_naive(seed, n, n_cases, n_values):
    rng = np.random.default_rng(seed)
    errors = rng.integers(0, n_values, (n, n_cases)).astype(float)
    errors[rng.random((n, n_cases)) < 0.1] = np.inf
    epsilon = automatic_epsilon(errors) if rng.random() < 0.5 else np.zeros(n_cases)
    winners = _select(errors, epsilon, seed, 20, first=4)
    assert list(winners[4:]) == [naive.lexicase(errors, epsilon, seed, i) for i in range(4, 20)]
    assert np.all(winners[:4] == -1)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**9), st.integers(1, 30))
def test_epsilon_is_the_median_absolute_deviation(seed, n):
    rng = np.random.default_rng(seed)
    errors = rng.normal(size=(n, 4)) ** 2
    assert np.allclose(automatic_epsilon(errors), stats.median_abs_deviation(errors, axis=0), rtol=1e-12, atol=0)
    errors[rng.integers(0, n, n // 3), rng.integers(0, 4, n // 3)] = np.nan
    known = [column[~np.isnan(column)] for column in errors.T]
    expected = [stats.median_abs_deviation(column) if len(column) else 0.0 for column in known]
    assert np.allclose(automatic_epsilon(errors), expected, rtol=1e-12, atol=0)


def test_epsilon_leaves_out_what_is_not_finite():
    errors = np.array([[1.0, np.inf, 3.0], [2.0, np.inf, np.inf], [4.0, np.nan, 5.0]])
    assert np.array_equal(automatic_epsilon(errors), [1.0, 0.0, 1.0])


def test_specialists_are_selected_and_the_mediocre_are_not():
    errors = np.array([[0.0, 9.0, 9.0], [9.0, 0.0, 9.0], [9.0, 9.0, 0.0], [1.0, 1.0, 1.0]])
    winners = _select(errors, np.zeros(3), 1, 3000)
    assert stats.chisquare(np.bincount(winners, minlength=4)[:3]).pvalue > 1e-3
    assert not np.any(winners == 3)
    assert np.any(_select(errors, np.full(3, 2.0), 1, 300) == 3)


def test_equals_are_selected_alike():
    winners = _select(np.ones((5, 3)), np.zeros(3), 2, 20000)
    assert stats.chisquare(np.bincount(winners, minlength=5)).pvalue > 1e-3
