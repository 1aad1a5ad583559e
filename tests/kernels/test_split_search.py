"""The best split of a node, against trying all."""

import kernels.naive_trees as naive
import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernels.tree_cases import histogram_of, layout_of, limits_of, packed_derivatives

from evoml.kernels import histogram as sums
from evoml.kernels import splitting, thresholds
from evoml.kernels.histogram import aligned_rows
from evoml.kernels.splitting import gain_of, make_candidates, place_of

# Those that only kernels call cannot be called from Python.


@numba.njit(error_model="numpy")
def accumulate(*arguments):
    sums.accumulate(*arguments)


@numba.njit(error_model="numpy")
def fill_candidates(*arguments):
    return splitting.fill_candidates(*arguments)


@numba.njit(error_model="numpy")
def best_candidate(*arguments):
    return splitting.best_candidate(*arguments)


@numba.njit(error_model="numpy")
def best_threshold(*arguments):
    return thresholds.best_threshold(*arguments)


def _best_gain(codes, gradients, hessians, limits, categorical=False):
    packed, packing, width = packed_derivatives(gradients, hessians)
    n, k = gradients.shape
    layout = layout_of(codes, np.full(codes.shape[1], categorical))
    columns = np.arange(codes.shape[1], dtype=np.int32)
    histogram = histogram_of(codes, np.arange(n, dtype=np.int32), packed, columns, layout, width)
    candidates = make_candidates(k, len(layout.column_of_candidate))
    if k == 1:
        accumulate(histogram, columns, layout.histogram_offsets, layout.categorical)
    found = fill_candidates(histogram, columns, categorical, layout, limits, packing, width, candidates, 0)
    totals = packed.reshape(n, width).sum(axis=0)
    best = best_candidate(candidates, 0, found, totals, packing, limits, limits.l2)
    if k == 1 and not categorical and limits.l1 == 0.0:
        _same_at_once(best, histogram, columns, totals[0], layout, limits, packing, candidates)
    return float(gain_of(best)) if best >= 0 else -1.0


def _same_at_once(best, histogram, columns, total, layout, limits, packing, candidates):
    """One pass over thresholds finds the candidate that looking at a row of them found, if it gains anything."""
    place = candidates.places[place_of(best)] if best >= 0 else -1
    left = candidates.sums[0, place_of(best)]
    padded = aligned_rows(1, len(histogram))[0]
    padded[:] = histogram
    other = best_threshold(padded, columns, total, layout, limits, packing, candidates)
    if best < 0 or gain_of(best) <= 0.0:
        assert other == -1
    else:
        assert (gain_of(other), place_of(other)) == (gain_of(best), 0)
        assert (candidates.places[0], candidates.sums[0, 0]) == (place, left)


@settings(max_examples=80, deadline=None)
@given(
    st.integers(0, 10**6),
    st.integers(1, 60),
    st.sampled_from([1, 2, 3, 5]),
    st.integers(1, 6),
    st.sampled_from([0.0, 0.7]),
    st.sampled_from([0.0, 1.5]),
)
def test_numerical_gains_match_naive(seed, n, k, min_rows, l1, l2):
    rng = np.random.default_rng(seed)
    codes = rng.integers(rng.integers(0, 2), 9, (n, 2)).astype(np.uint8)
    gradients, hessians = rng.normal(size=(n, k)), rng.random((n, k)) + 0.05
    expected = max(
        naive.best_numerical_gain(codes[:, column], gradients, hessians, min_rows, l1, l2) for column in range(2)
    )
    found = _best_gain(codes, gradients, hessians, limits_of(l2=l2, l1=l1, min_rows=float(min_rows)))
    if expected <= 1e-6:
        assert found <= 1e-3
    else:
        assert found == pytest.approx(expected, rel=1e-3, abs=1e-4)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10**6), st.integers(1, 300), st.integers(1, 40), st.integers(0, 1), st.sampled_from([20, 90, 255])
)
def test_thresholds_of_many_bins_match_naive(seed, n, min_rows, lowest, n_bins):
    """Columns long enough that the thresholds with enough rows on both sides are sought first."""
    rng = np.random.default_rng(seed)
    codes = np.minimum(rng.integers(lowest, n_bins + 1, (n, 3)), rng.integers(1, 256, 3)).astype(np.uint8)
    gradients, hessians = rng.normal(size=(n, 1)), rng.random((n, 1)) + 0.05
    expected = max(naive.best_numerical_gain(codes[:, c], gradients, hessians, min_rows, 0.0, 1.0) for c in range(3))
    found = _best_gain(codes, gradients, hessians, limits_of(l2=1.0, min_rows=float(min_rows)))
    assert max(found, 0.0) == pytest.approx(max(expected, 0.0), rel=1e-3, abs=1e-3)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 50), st.integers(1, 4))
def test_ordered_categories_hold_the_best_set(seed, n, min_rows):
    """Fisher's theorem: for one output the best of all sets is one of those in order (with no limit on rows)."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 7, (n, 1)).astype(np.uint8)
    gradients, hessians = rng.normal(size=(n, 1)), np.ones((n, 1))
    expected = naive.best_set_gain(codes[:, 0], gradients, hessians, 1, 0.0, 0.0)
    found = _best_gain(codes, gradients, hessians, limits_of(), categorical=True)
    assert found == pytest.approx(expected, rel=1e-3, abs=1e-4)
    limited = _best_gain(codes, gradients, hessians, limits_of(min_rows=float(min_rows)), categorical=True)
    best_limited = naive.best_set_gain(codes[:, 0], gradients, hessians, min_rows, 0.0, 0.0)
    assert limited <= best_limited + 1e-3 * abs(best_limited) + 1e-4


def test_several_outputs_order_categories_by_where_they_differ():
    codes = np.repeat(np.arange(4, dtype=np.uint8), 10)[:, None]
    gradients = np.zeros((40, 3))
    gradients[:, 1] = np.where(np.isin(codes[:, 0], [0, 2]), 1.0, -1.0)
    expected = naive.best_set_gain(codes[:, 0], gradients, np.ones((40, 3)), 1, 0.0, 0.0)
    assert _best_gain(codes, gradients, np.ones((40, 3)), limits_of(), categorical=True) == pytest.approx(
        expected, rel=1e-3
    )


def test_nothing_to_split():
    constant = np.ones((20, 3), np.uint8)
    assert _best_gain(constant, np.random.default_rng(0).normal(size=(20, 1)), np.ones((20, 1)), limits_of()) == -1.0
    missing = np.zeros((20, 1), np.uint8)
    assert _best_gain(missing, np.random.default_rng(0).normal(size=(20, 1)), np.ones((20, 1)), limits_of()) == -1.0
