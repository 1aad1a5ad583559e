"""Columns as codes."""

import kernels.naive_trees as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from evoml.kernels.binning import bin_counts, bin_edges, bin_matrix
from evoml.kernels.random import mix, uniform

_NUMBERS = st.one_of(
    st.sampled_from([np.nan, np.inf, -np.inf, 0.0, 1.0, 2.0, -1e308, 1e308, 5e-324]), st.floats(-100, 100, width=16)
)


@settings(max_examples=60, deadline=None)
@given(
    arrays(np.float64, st.tuples(st.integers(1, 40), st.integers(1, 4)), elements=_NUMBERS),
    st.integers(2, 255),
    st.integers(1, 5),
)
def test_codes_are_counts_of_edges_below(X, max_bins, min_rows):
    categorical = np.zeros(X.shape[1], bool)
    edges, offsets = bin_edges(X, categorical, max_bins, min_rows)
    codes = bin_matrix(X, edges, offsets, categorical)
    assert np.array_equal(codes, naive.codes(X, edges, offsets, categorical))
    assert np.all(codes < bin_counts(offsets, categorical))
    assert np.all(np.diff(offsets) < max_bins)
    for column in range(X.shape[1]):
        own = codes[codes[:, column] > 0, column]
        assert not len(own) or len(set(own.tolist())) == 1 or np.bincount(own)[1:].min() >= min_rows


@pytest.mark.parametrize("spread", [0.0, 1e-310, 1.0, 1e300, np.inf])
@pytest.mark.parametrize("n_rows", [1, 50, 3000])
def test_codes_of_odd_ranges_are_counts_of_edges_below(spread, n_rows):
    rng = np.random.default_rng(n_rows)
    X = np.column_stack([rng.normal(size=n_rows), np.exp(9 * rng.normal(size=n_rows)), rng.integers(0, 3, n_rows)])
    X[rng.random(X.shape) < 0.1] = np.nan
    with np.errstate(all="ignore"):
        X[rng.random(X.shape) < 0.1] *= -spread
    new = np.concatenate([X, np.nextafter(X, np.inf), np.full((1, 3), np.inf), np.full((1, 3), -np.inf)])
    flags = np.zeros(3, bool)
    edges, offsets = bin_edges(X, flags)
    assert np.array_equal(bin_matrix(new, edges, offsets, flags), naive.codes(new, edges, offsets, flags))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=80))
def test_a_bin_for_each_value_while_they_are_few(values):
    X = np.array(values, float)[:, None]
    edges, offsets = bin_edges(X, np.zeros(1, bool))
    codes = bin_matrix(X, edges, offsets, np.zeros(1, bool))[:, 0]
    assert np.array_equal(codes, 1 + np.unique(values, return_inverse=True)[1])


def test_many_values_share_bins_evenly():
    X = np.random.default_rng(0).normal(size=(20_000, 1))
    codes = bin_matrix(X, *bin_edges(X, np.zeros(1, bool)), np.zeros(1, bool))[:, 0]
    counts = np.bincount(codes, minlength=256)[1:]
    assert counts.min() > 50
    assert counts.max() < 110


def test_a_heavy_value_has_a_bin_of_its_own():
    rng = np.random.default_rng(0)
    X = np.concatenate([np.zeros(5000), rng.normal(size=5000)])[:, None]
    codes = bin_matrix(X, *bin_edges(X, np.zeros(1, bool), 16), np.zeros(1, bool))[:, 0]
    own = codes[0]
    assert np.count_nonzero(codes[5000:] == own) < 400
    assert len(np.unique(codes)) >= 10


def test_categories_beyond_the_most_frequent_share_the_bin_of_missing_values():
    values = np.concatenate([np.repeat(np.arange(300.0), 2), np.arange(254.0), [np.nan, 999.0]])
    X = values[:, None]
    flags = np.ones(1, bool)
    edges, offsets = bin_edges(X, flags)
    codes = bin_matrix(X, edges, offsets, flags)
    assert np.array_equal(codes, naive.codes(X, edges, offsets, flags))
    assert np.array_equal(edges, np.arange(254.0))
    assert codes[-1, 0] == codes[-2, 0] == 0


def test_random_numbers_are_those_of_their_keys_and_even():
    keys = [int(mix(mix(np.uint64(7), 3), number)) for number in range(2000)]
    assert len(set(keys)) == 2000
    shares = np.array([uniform(np.uint64(key)) for key in keys])
    assert shares.min() >= 0.0
    assert shares.max() < 1.0
    assert shares.mean() == pytest.approx(0.5, abs=0.03)
    assert np.corrcoef(shares[1:], shares[:-1])[0, 1] == pytest.approx(0.0, abs=0.07)
