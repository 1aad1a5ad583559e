"""Growing forests: against naive searches, and what must hold for any forest."""

import naive_forest as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evoml.kernels.forest_rows import bin_positions, draw_counts
from evoml.learners.forest_growth import Growth, grow, packed_nodes, predictions, table_of_codes

NO_LIMIT = 1 << 40


def _growth(codes, y, n_classes, weights=None, categorical=None, numbers=None, **changed):
    rules = {
        "n_classes": n_classes, "max_features": codes.shape[1], "max_depth": NO_LIMIT, "min_samples_split": 2,
        "min_samples_leaf": 1, "min_weight_leaf": 0.0, "min_decrease": 0.0, "max_leaf_nodes": 0,
        "random_splits": False, "n_draws": 0, "balanced": False,
    } | changed  # fmt: skip
    flags = np.zeros(codes.shape[1], bool) if categorical is None else categorical
    table = table_of_codes(codes, np.full(codes.shape[1], 256), flags, numbers)
    weights = np.ones(len(y)) if weights is None else weights
    rows = np.flatnonzero(weights > 0).astype(np.int32)
    return Growth(table, tuple(rules.values()), 5, rows, weights, y.astype(np.float64))


@st.composite
def tables(draw, categorical=False):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_rows = draw(st.sampled_from([2, 3, 5, 30, 200, 700]))
    n_values = draw(st.integers(1, 6)) if categorical else draw(st.sampled_from([1, 2, 5, 40, 255]))
    codes = rng.integers(0 if draw(st.booleans()) else 1, n_values + 1, (n_rows, 3)).astype(np.uint8)
    if not categorical and draw(st.booleans()):
        codes[codes > 0] += np.uint8(255 - n_values)
    n_classes = draw(st.sampled_from([0, 2, 3, 12]))
    signal = codes[:, 0] + rng.normal(size=n_rows) * n_values
    y = signal if n_classes == 0 else np.floor(np.argsort(np.argsort(signal)) * n_classes / n_rows)
    weights = draw(st.sampled_from([np.ones(n_rows), rng.uniform(0.1, 3.0, n_rows), rng.integers(0, 3, n_rows) * 1.0]))
    if not weights.any():
        weights[0] = 1.0
    return codes, y, weights, n_classes


@settings(max_examples=60, deadline=None)
@given(tables(), st.sampled_from([1, 4]))
def test_first_split_is_the_best_of_all(case, min_rows):
    codes, y, weights, n_classes = case
    growth = _growth(codes, y, n_classes, weights, min_samples_leaf=min_rows, max_depth=1)
    model = grow(growth, 0, 1)
    rows = growth.rows
    found = [
        naive.best_decrease(codes[rows, column], y[rows], weights[rows], n_classes, min_rows=min_rows)
        for column in range(3)
    ]
    expected = max((value for value in found if value is not None), default=0.0)
    assert model["gain"][0] * weights.sum() == pytest.approx(expected, rel=1e-5, abs=1e-6 * weights.sum())


@settings(max_examples=30, deadline=None)
@given(tables(categorical=True))
def test_categories_are_divided_at_best_for_one_target(case):
    codes, y, weights, n_classes = case
    y, n_classes = (y, 0) if n_classes == 0 else (np.minimum(y, 1), 2)
    growth = _growth(codes, y, n_classes, weights, categorical=np.ones(3, bool), max_depth=1)
    rows = growth.rows
    found = [naive.best_decrease(codes[rows, c], y[rows], weights[rows], n_classes, True) for c in range(3)]
    expected = max((value for value in found if value is not None), default=0.0)
    gain = grow(growth, 0, 1)["gain"][0]
    assert gain * weights.sum() == pytest.approx(expected, rel=1e-5, abs=1e-6 * weights.sum())


def test_categories_of_two_kinds_are_told_apart_with_many_classes():
    """Classes 0 and 1 come with even categories, 2 and 3 with odd ones: no order of codes shows that."""
    rng = np.random.default_rng(0)
    codes = rng.integers(1, 30, (2000, 1)).astype(np.uint8)
    y = 2 * (codes[:, 0] % 2) + rng.integers(0, 2, 2000)
    for n_rows in (150, 2000):  # chains of rows, and a histogram
        growth = _growth(codes[:n_rows], y[:n_rows], 4, categorical=np.ones(1, bool), max_depth=1)
        model = grow(growth, 0, 1)
        assert model["gain"][0] == pytest.approx(0.25, abs=0.01)
        assert model["sets"].shape == (1, 4)


@settings(max_examples=40, deadline=None)
@given(tables(), st.booleans(), st.booleans(), st.sampled_from([0, 6]))
def test_what_holds_in_any_forest(case, random_splits, bootstrap, max_leaf_nodes):
    codes, y, weights, n_classes = case
    growth = _growth(
        codes, y, n_classes, weights, random_splits=random_splits, n_draws=len(y) if bootstrap else 0,
        max_leaf_nodes=max_leaf_nodes, max_features=2,
    )  # fmt: skip
    model = grow(growth, 0, 3)
    inner = np.flatnonzero(model["feature"] >= 0)
    left = model["left"][inner]
    assert model["cover"][left] + model["cover"][left + 1] == pytest.approx(model["cover"][inner], rel=1e-5)
    assert np.all(model["gain"] >= -1e-7)
    if max_leaf_nodes:
        assert np.all(np.diff(model["roots"]) <= 2 * max_leaf_nodes - 1)
    if n_classes <= 2:
        parts = [model["value"][child, 0] * model["cover"][child] for child in (left, left + 1)]
        assert sum(parts) == pytest.approx(model["value"][inner, 0] * model["cover"][inner], rel=1e-3, abs=1e-3)
    else:
        assert model["shares"].sum(axis=1) == pytest.approx(1.0, abs=1e-5)
        leaves = model["feature"] < 0
        assert np.all(model["share_row"][leaves] < n_classes + len(model["shares"]))
    for tree, root in enumerate(model["roots"][:-1]):
        nodes = np.arange(root, model["roots"][tree + 1])
        assert np.array_equal(np.sort(np.concatenate([left[(inner >= root) & (inner < nodes[-1] + 1)]])), nodes[1::2])


@pytest.mark.parametrize("n_classes", [0, 2, 5])
@pytest.mark.parametrize("random_splits", [False, True])
def test_a_full_tree_knows_its_rows(n_classes, random_splits):
    rng = np.random.default_rng(1)
    # a random cut does not always part missing values from a single other one, and a leaf may stay as it is
    codes = rng.integers(1 if random_splits else 0, 7, (400, 3)).astype(np.uint8)
    y = rng.normal(size=400) if n_classes == 0 else rng.integers(0, n_classes, 400)
    growth = _growth(codes, y, n_classes, random_splits=random_splits)
    model = grow(growth, 0, 1)
    found = predictions(model, packed_nodes(model), codes, n_classes)
    _, cell = np.unique(codes, axis=0, return_inverse=True)
    target = (y == 1 if n_classes == 2 else y)[:, None] if n_classes <= 2 else np.eye(n_classes)[y]
    for k in range(found.shape[1]):
        means = np.bincount(cell, target[:, k]) / np.bincount(cell)
        assert found[:, k] == pytest.approx(means[cell], abs=1e-6)


def test_trees_do_not_depend_on_threads_nor_on_where_growing_began():
    rng = np.random.default_rng(2)
    codes = rng.integers(0, 200, (500, 6)).astype(np.uint8)
    growth = _growth(codes, rng.integers(0, 4, 500), 4, n_draws=500, max_features=2)
    whole, threaded = grow(growth, 0, 9), grow(growth, 0, 9, 3)
    later = grow(growth, 4, 9)
    assert all(np.array_equal(whole[name], threaded[name]) for name in whole)
    first = whole["roots"][4]
    assert np.array_equal(whole["feature"][first:], later["feature"])
    assert np.array_equal(whole["threshold"][first:], later["threshold"])


def test_bootstrap_samples():
    counts = np.empty(1000, np.int32)
    samples = []
    for tree in range(20):
        draw_counts(3, tree, 700, counts)
        assert counts.sum() == 700
        samples.append(counts.copy())
    assert np.mean([np.mean(sample == 0) for sample in samples]) == pytest.approx(np.exp(-0.7), abs=0.01)
    assert abs(np.corrcoef(samples)[np.triu_indices(20, 1)]).max() < 0.15
    draw_counts(3, 0, 0, counts)
    assert np.all(counts == 1)


def test_random_cuts_are_uniform_in_the_unit_of_the_column():
    values = np.repeat([0.0, 1.0, 10.0], 5)[:, None]
    codes = np.repeat([1, 2, 3], 5)[:, None].astype(np.uint8)
    positions = bin_positions(values, codes)
    assert positions[0, 1:4] == pytest.approx([0, 2**40 / 10, 2**40], abs=2)
    growth = _growth(codes, np.arange(15.0), 0, numbers=values, random_splits=True, max_depth=1)
    model = grow(growth, 0, 4000)
    thresholds = model["threshold"][model["roots"][:-1]]
    assert np.mean(thresholds == 1) == pytest.approx(0.1, abs=0.02)
    assert set(thresholds) == {1, 2}


def test_columns_are_drawn_alike_and_constants_skipped():
    rng = np.random.default_rng(4)
    codes = rng.integers(1, 50, (100, 5)).astype(np.uint8)
    codes[:, 3] = 7
    growth = _growth(codes, rng.normal(size=100), 0, max_features=1, max_depth=1)
    model = grow(growth, 0, 2000)
    drawn = np.bincount(model["feature"][model["roots"][:-1]], minlength=5)
    assert drawn[3] == 0
    assert drawn[[0, 1, 2, 4]] == pytest.approx(500, abs=80)


def test_balanced_samples_give_classes_the_same_weight():
    rng = np.random.default_rng(5)
    codes = rng.integers(1, 50, (300, 3)).astype(np.uint8)
    y = (rng.random(300) < 0.1).astype(int)
    model = grow(_growth(codes, y, 2, n_draws=300, balanced=True), 0, 5)
    assert model["value"][model["roots"][:-1], 0] == pytest.approx(0.5, abs=1e-6)
