"""Tournaments against drawing one by one."""

import naive_expressions_variation as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from evoml.kernels.tournament import tournaments

_VALUES = st.lists(st.sampled_from([0.0, 1.0, 2.5, np.inf, np.nan]) | st.floats(-5, 5), min_size=1, max_size=20)


@settings(deadline=None)
@given(_VALUES, st.integers(1, 6), st.integers(0, 2**64 - 1))
def test_winners_match_naive(values, size, key):
    winners = np.full(30, -1)
    tournaments(np.array(values), size, np.uint64(key), 5, 30, winners)
    assert list(winners[5:]) == [naive.tournament(values, size, key, i) for i in range(5, 30)]
    assert np.all(winners[:5] == -1)


@pytest.mark.parametrize("size", [1, 2, 5])
def test_the_best_win_as_often_as_theory_says(size):
    winners = np.zeros(40000, int)
    tournaments(np.arange(10.0), size, np.uint64(3), 0, 40000, winners)
    at_least = (1 - np.arange(11) / 10) ** size
    assert stats.chisquare(np.bincount(winners, minlength=10), -np.diff(at_least) * 40000).pvalue > 1e-3


def test_equal_ones_win_alike():
    winners = np.zeros(40000, int)
    tournaments(np.zeros(8), 4, np.uint64(5), 0, 40000, winners)
    assert stats.chisquare(np.bincount(winners, minlength=8)).pvalue > 1e-3
