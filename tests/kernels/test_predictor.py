"""Rows that descend trees: against one row at a time."""

import naive_forest as naive
import numpy as np
import pytest

from evoml.kernels import predictor


@pytest.fixture(scope="module")
def model():
    """Seven random trees with numerical and categorical splits."""
    rng = np.random.default_rng(0)
    names = ("feature", "threshold", "missing_left", "category_set", "left")
    nodes = {name: [] for name in names}
    sets, roots = [], [0]

    def add(depth):
        place = len(nodes["feature"])
        for name in names:
            nodes[name].append(-1 if name in ("feature", "category_set", "left") else 0)
        return place, depth

    for _ in range(7):
        pending = [add(0)]
        while pending:
            node, depth = pending.pop()
            if depth == 9 or (depth > 2 and rng.random() < 0.3):
                continue
            nodes["feature"][node] = rng.integers(5)
            nodes["missing_left"][node] = rng.integers(2)
            nodes["threshold"][node] = rng.integers(1 - nodes["missing_left"][node], 256)
            if rng.random() < 0.3:
                nodes["category_set"][node] = len(sets)
                sets.append(rng.integers(0, 2**64, 4, dtype=np.uint64))
            children = [add(depth + 1), add(depth + 1)]
            nodes["left"][node] = children[0][0]
            pending += children
        roots.append(len(nodes["feature"]))
    kinds = {"threshold": np.uint8, "missing_left": np.uint8}
    arrays = {name: np.array(values, dtype=kinds.get(name, np.int32)) for name, values in nodes.items()}
    arrays["sets"] = np.array(sets, dtype=np.uint64)
    return arrays, np.array(roots, np.int32)


@pytest.fixture(scope="module")
def codes():
    drawn = np.random.default_rng(1).integers(0, 256, (1100, 5)).astype(np.uint8)
    drawn[::3, 0] = 0
    drawn[1::3, 1] = 255
    return drawn


def _packed(arrays):
    names = ("feature", "threshold", "missing_left", "category_set", "left")
    return predictor.pack_nodes(*(arrays[name] for name in names))


@pytest.mark.parametrize("n_rows", [0, 1, 7, 8, 9, 1100])
def test_leaves_are_those_of_the_naive_descent(model, codes, n_rows):
    arrays, roots = model
    rows = np.random.default_rng(2).permutation(len(codes))[:n_rows].astype(np.int32)
    found = predictor.apply_model(codes, rows, roots, _packed(arrays), arrays["category_set"], arrays["sets"])
    expected = [[naive.descend(codes[row], root, **arrays) for root in roots[:-1]] for row in rows[:200]]
    assert found.shape == (n_rows, 7)
    assert np.array_equal(found[:200], np.array(expected, dtype=np.int32).reshape(-1, 7))


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_values_are_added_tree_by_tree(model, codes, n_outputs):
    arrays, roots = model
    value = np.random.default_rng(3).normal(size=(len(arrays["feature"]), n_outputs)).astype(np.float32)
    rows = np.arange(len(codes), dtype=np.int32)
    tail = (_packed(arrays), arrays["category_set"], arrays["sets"], value)
    whole, by_tree = np.zeros((len(rows), n_outputs)), np.zeros((len(rows), n_outputs))
    predictor.add_model(whole, codes, rows, roots, *tail)
    for root in roots[:-1]:
        predictor.add_tree(by_tree, codes, rows, root, *tail)
    leaves = predictor.apply_model(codes, rows, roots, *tail[:-1])
    assert np.diff(roots).min() < 128 < np.diff(roots).max()  # small trees are not descended
    assert np.array_equal(whole, by_tree)
    assert whole == pytest.approx(value[leaves].sum(axis=1, dtype=np.float64))
