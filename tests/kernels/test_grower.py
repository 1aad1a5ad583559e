"""Whole trees: what they conserve, what limits they keep, and what scikit-learn's exact trees say."""

import kernels.naive_trees as naive
import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernels.tree_cases import layout_of, limits_of, packed_derivatives
from sklearn.tree import DecisionTreeRegressor

from evoml.kernels import grower
from evoml.kernels.grower import Growth, make_trees, make_workspace, partition
from evoml.kernels.histogram import bin_places


@numba.njit(error_model="numpy")
def grow_tree(*arguments):
    """One that only kernels call cannot be called from Python."""
    return grower.grow_tree(*arguments)


def _grown(codes, gradients, hessians, limits, growth, categorical=None, monotone=None):
    n, c = codes.shape
    packed, packing, _ = packed_derivatives(gradients, hessians)
    layout, k = layout_of(codes, categorical, monotone), gradients.shape[1]
    space = make_workspace(
        n, c, int(layout.histogram_offsets[-1]), len(layout.column_of_candidate), k, growth.max_leaves
    )
    trees = make_trees(2 * growth.max_leaves, k, growth.max_leaves)
    space.rows[:] = np.arange(n)
    columns = np.arange(c, dtype=np.int32)
    places = bin_places(codes if k == 1 else codes[:0], np.diff(layout.histogram_offsets.astype(np.int64)))
    n_nodes, _ = grow_tree(
        codes, places, n, packed, columns, layout, limits, growth, packing, np.uint64(3), 0,
        np.int64(0), trees, space,
    )  # fmt: skip
    model = {**trees._asdict(), "roots": np.array([0, n_nodes])}
    return model, space, n_nodes


def _growth(max_leaves=8, max_depth=50, min_gain=0.0, columns=100, by_depth=False, constrained=False):
    return Growth(max_leaves, max_depth, min_gain, columns, by_depth, constrained)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10**6),
    st.integers(1, 90),
    st.integers(1, 4),
    st.sampled_from([1, 3]),
    st.integers(2, 12),
    st.integers(1, 5),
    st.booleans(),
    st.integers(1, 4),
)
def test_rows_are_parted_as_the_tree_says(seed, n, c, k, max_leaves, min_rows, by_depth, max_depth):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, rng.integers(1, 30), (n, c)).astype(np.uint8)
    categorical = rng.random(c) < 0.4
    growth = _growth(max_leaves, max_depth, by_depth=by_depth, columns=int(rng.integers(1, c + 1)))
    model, space, n_nodes = _grown(
        codes,
        rng.normal(size=(n, k)),
        rng.random((n, k)) + 0.1,
        limits_of(min_rows=float(min_rows)),
        growth,
        categorical,
    )
    leaves = [node for node in range(n_nodes) if model["feature"][node] < 0]
    assert n_nodes == 2 * len(leaves) - 1
    assert len(leaves) <= max_leaves
    assert space.depth[:n_nodes].max() <= max_depth
    for node in leaves:
        rows = space.rows[space.first[node] : space.last[node]]
        assert np.all(np.diff(rows) > 0)
        assert len(rows) >= min_rows or n_nodes == 1
        assert model["cover"][node] == len(rows)
        assert all(naive.predict(model, 0, codes[row]) == node for row in rows)
    assert sorted(space.rows[:n].tolist()) == list(range(n))
    for node in range(n_nodes):
        if model["feature"][node] >= 0:
            left = model["left"][node]
            assert np.array_equal(space.sums[left, :k] + space.sums[left + 1, :k], space.sums[node, :k])
            assert model["gain"][node] > 0.0


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 100))
def test_gains_are_those_that_naive_sums_give(seed, n):
    rng = np.random.default_rng(seed)
    codes = rng.integers(1, 7, (n, 2)).astype(np.uint8)
    gradients, hessians = rng.normal(size=(n, 1)), np.ones((n, 1))
    model, _, _ = _grown(codes, gradients, hessians, limits_of(l2=0.5), _growth(2))
    best = max(naive.best_numerical_gain(codes[:, column], gradients, hessians, 1, 0.0, 0.5) for column in range(2))
    if best > 1e-3:
        assert model["gain"][0] == pytest.approx(best, rel=1e-3)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("max_leaves", [4, 11])
def test_the_tree_of_scikit_learn(seed, max_leaves):
    """One tree, squared loss, a bin for each value: the exact tree, whose best-first order is ours."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(1, 12, (300, 4)).astype(np.uint8)
    y = np.sin(codes[:, 0] / 2.0) + codes[:, 1] * 0.3 + rng.normal(size=300)
    model, _, _ = _grown(codes, -y[:, None], np.ones((300, 1)), limits_of(min_rows=5.0), _growth(max_leaves))
    exact = DecisionTreeRegressor(max_leaf_nodes=max_leaves, min_samples_leaf=5).fit(codes, y)
    ours = np.array([naive.predict(model, 0, row) for row in codes])
    theirs = exact.apply(codes)
    assert len(set(zip(ours.tolist(), theirs.tolist(), strict=True))) == exact.get_n_leaves() == len(set(ours.tolist()))


def test_level_by_level():
    rng = np.random.default_rng(0)
    codes = rng.integers(1, 40, (500, 3)).astype(np.uint8)
    y = codes.sum(axis=1) + rng.normal(size=500)
    _, space, n_nodes = _grown(codes, -y[:, None], np.ones((500, 1)), limits_of(), _growth(8, by_depth=True))
    assert sorted(space.depth[:n_nodes].tolist()) == [0, 1, 1] + [2] * 4 + [3] * 8


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 255), min_size=1, max_size=60), st.integers(0, 10**6))
def test_partition_is_stable(values, seed):
    codes = np.array(values, np.uint8)[:, None]
    goes_left = (np.random.default_rng(seed).random(256) < 0.5).astype(np.uint8)
    rows = np.arange(len(values), dtype=np.int32)
    n_left = partition(codes, rows, 0, goes_left, np.zeros(len(values), np.int32))
    left = [row for row, value in enumerate(values) if goes_left[value]]
    right = [row for row, value in enumerate(values) if not goes_left[value]]
    assert n_left == len(left)
    assert rows.tolist() == left + right
