"""Packed sums by bin."""

import kernels.naive_trees as naive
import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernels.tree_cases import histogram_of, layout_of, packed_derivatives

from evoml.kernels import histogram
from evoml.kernels.histogram import add_rows, aligned_rows, bin_places, subtract, unpack

# Those that only kernels call cannot be called from Python.


@numba.njit(error_model="numpy")
def accumulate(*arguments):
    histogram.accumulate(*arguments)


@numba.njit(error_model="numpy")
def add_at_places(*arguments):
    histogram.add_at_places(*arguments)


def _case(seed, n, c, k):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, rng.integers(1, 12), (n, c)).astype(np.uint8)
    scale = 10.0 ** rng.integers(-6, 7)
    return codes, rng.normal(size=(n, k)) * scale, rng.random((n, k)) * scale, rng


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 60), st.integers(1, 5), st.sampled_from([1, 2, 4, 7, 11, 14]))
def test_sums_match_naive_and_siblings_are_exact(seed, n, c, k):
    codes, gradients, hessians, rng = _case(seed, n, c, k)
    packed, _, width = packed_derivatives(gradients, hessians)
    layout, columns = layout_of(codes), np.arange(c, dtype=np.int32)
    left = rng.random(n) < 0.4
    everything = np.arange(n, dtype=np.int32)
    whole = histogram_of(codes, everything, packed, columns, layout, width)
    part = histogram_of(codes, everything[left], packed, columns, layout, width)
    other = histogram_of(codes, everything[~left], packed, columns, layout, width)
    offsets = layout.histogram_offsets.astype(int)
    for column in range(c):
        own = whole[offsets[column] * width : offsets[column + 1] * width].reshape(-1, width)
        expected = naive.histogram(codes[:, column], everything, packed.reshape(n, width), len(own))
        assert np.array_equal(own, expected)
    subtract(whole, part)
    assert np.array_equal(whole, other)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 300), st.sampled_from([1, 3]), st.booleans())
def test_unpacked_sums_are_close_and_rows_exact(seed, n, k, constant):
    _, gradients, hessians, _ = _case(seed, n, 1, k)
    hessians = np.ones_like(hessians) if constant and k == 1 else hessians
    packed, packing, width = packed_derivatives(gradients, hessians)
    for output in range(k):
        gradient, hessian, _ = unpack(packed.reshape(n, width)[:, output].sum(), packing)
        assert gradient == pytest.approx(gradients[:, output].sum(), abs=2e-5 * np.abs(gradients).sum())
        assert hessian == pytest.approx(hessians[:, output].sum(), rel=1e-3, abs=2e-5 * hessians.sum())
    assert packed.reshape(n, width)[:, 0].sum() & packing.row_mask == n


@pytest.mark.parametrize("k", [1, 3, 6])
def test_only_the_columns_asked_for_are_filled(k):
    codes, gradients, hessians, _ = _case(1, 50, 4, k)
    packed, _, width = packed_derivatives(gradients, hessians)
    layout, rows = layout_of(codes), np.arange(50, dtype=np.int32)
    whole = histogram_of(codes, rows, packed, np.arange(4, dtype=np.int32), layout, width)
    some = histogram_of(codes, rows, packed, np.array([1, 3], np.int32), layout, width)
    offsets = layout.histogram_offsets.astype(int) * width
    for column in range(4):
        piece = slice(offsets[column], offsets[column + 1])
        assert np.array_equal(some[piece], whole[piece] if column in (1, 3) else np.zeros_like(whole[piece]))


@pytest.mark.parametrize("shape", [(1, 3), (7, 8), (32, 12345)])
def test_rows_of_histograms_begin_where_a_line_of_the_cache_does(shape):
    rows = aligned_rows(*shape)
    assert rows.shape == shape
    assert rows.dtype == np.int64
    assert rows.ctypes.data % 64 == 0
    assert rows.flags.c_contiguous
    assert rows.flags.writeable


@pytest.mark.parametrize("columns", [[0, 1, 2, 3], [1, 3]])
def test_places_of_bins_give_the_same_sums(columns):
    codes, gradients, hessians, rng = _case(2, 80, 4, 1)
    packed, _, _ = packed_derivatives(gradients, hessians)
    layout, rows = layout_of(codes), np.flatnonzero(rng.random(80) < 0.5).astype(np.int32)
    offsets, chosen = layout.histogram_offsets, np.array(columns, np.int32)
    expected, found = np.zeros(int(offsets[-1]), np.int64), np.zeros(int(offsets[-1]), np.int64)
    add_rows(codes, rows, packed, chosen, offsets, expected)
    places = bin_places(codes, np.diff(offsets.astype(np.int64)))
    add_at_places(places, rows, packed, chosen, found)
    assert np.array_equal(found, expected)


def test_no_places_where_they_do_not_fit():
    codes = np.ones((3, 300), np.uint8)
    assert bin_places(codes, np.full(300, 256)).shape == (0, 300)
    assert bin_places(codes[:, :256], np.full(256, 256))[0, -1] == 255 * 256 + 1


def test_running_sums_leave_missing_values_and_categories_apart():
    offsets, columns = np.array([0, 4, 7], np.uint64), np.array([0, 1], np.int32)
    bins = np.array([5, 1, 2, 3, 4, 4, 4])
    accumulate(bins, columns, offsets, np.array([False, True]))
    assert bins.tolist() == [5, 1, 3, 6, 4, 4, 4]
