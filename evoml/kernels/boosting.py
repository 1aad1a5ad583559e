"""Rounds of gradient boosting on a binned matrix: derivatives, a tree, its leaves' values, the scores, and so on.

Second order (Chen and Guestrin 2016, section 2.2); several classes share a tree whose leaves hold a vector. Derivatives are
rounded to integers once a round; leaves' values come from exact sums.
"""

from typing import NamedTuple

import numpy as np

from evoml.kernels.compiling import kernel
from evoml.kernels.grower import Growth, Trees, grow_tree, make_trees, make_workspace
from evoml.kernels.histogram import Packing, borrowing_kernel, inner_kernel
from evoml.kernels.losses import ABSOLUTE, QUANTILE, fill_derivatives, mean_loss, weighted_quantile
from evoml.kernels.predictor import add_tree, find_leaves, pack_nodes
from evoml.kernels.random import mix, uniform
from evoml.kernels.splitting import Layout, Limits, bounded_value

_MOST_ROWS_COUNTED = 1 << 17  # beyond, counts of rows would leave too few bits to the derivatives
_ROW_STREAM, _COLUMN_STREAM, _NODE_STREAM = 1, 2, 3


class Boosting(NamedTuple):
    """Settings of all rounds. subsample: share of rows a tree sees; columns_per_tree: how many columns."""

    loss: int
    quantile: float
    subsample: float
    columns_per_tree: int
    constant_hessian: bool
    seed: int


class Rows(NamedTuple):
    """Rows by position: codes (n, c) uint8; places of bins (n, c) uint16, or of no rows; targets, weights (n,) float64; scores
    (n, n_outputs) float64, kept up to date."""

    codes: np.ndarray
    places: np.ndarray
    targets: np.ndarray
    weights: np.ndarray
    scores: np.ndarray


def boost(
    train: Rows,
    held: Rows,
    layout: Layout,
    limits: Limits,
    growth: Growth,
    boosting: Boosting,
    rates: np.ndarray,
    first_round: int,
    curve: bool,
) -> tuple[Trees, np.ndarray, np.ndarray]:
    """Grow len(rates) trees, those from ``first_round`` on, on ``train``, and bring scores up to date.

    Returns the trees, their roots int32 (len(rates) + 1,) and, if ``curve``, the held-out rows' mean loss after each
    (without it their scores are left as they are).
    """
    n_outputs = train.scores.shape[1]
    n_rounds, n_categorical = len(rates), int(layout.categorical.sum())
    leaves = max(1, min(growth.max_leaves, len(train.targets)))
    n_nodes = n_rounds * (2 * leaves - 1)
    trees = make_trees(n_nodes, n_outputs, n_rounds * (leaves - 1) if n_categorical else 0)
    n_bins, n_candidates = int(layout.histogram_offsets[-1]), len(layout.column_of_candidate)
    space = make_workspace(len(train.codes), train.codes.shape[1], n_bins, n_candidates, n_outputs, leaves)
    roots, losses = np.zeros(n_rounds + 1, np.int32), np.zeros(n_rounds)
    growth = growth._replace(max_leaves=leaves)
    used = run_rounds(
        train, held, layout, limits, growth, boosting, rates, first_round, curve, trees, space, roots, losses
    )
    return trimmed(trees, int(roots[-1]), int(used)), roots, losses


def trimmed(trees: Trees, n_nodes: int, n_sets: int) -> Trees:
    """Copies of the parts in use."""
    return Trees(*(getattr(trees, name)[: n_sets if name == "sets" else n_nodes].copy() for name in Trees._fields))


@kernel
def run_rounds(train, held, layout, limits, growth, boosting, rates, first_round, curve, trees, space, roots, losses):  # type: ignore[no-untyped-def]
    """All rounds; returns the number of category sets. Trees, roots and losses are filled."""
    n_rows, n_columns = train.codes.shape
    outputs = space.sums.shape[1]
    gradient, hessian = np.zeros(n_rows * outputs), np.zeros(n_rows * outputs)
    packed, others, buffers = np.zeros(n_rows * outputs, np.int64), np.zeros(n_rows, np.int32), np.zeros((2, n_rows))
    sums = np.zeros((2, train.scores.shape[1]))
    held_rows, n_sets = np.arange(len(held.targets)).astype(np.int32), np.int64(0)
    for i in range(len(rates)):
        key = mix(np.uint64(boosting.seed), first_round + i)
        first, second, all_second = fill_derivatives(
            boosting.loss, boosting.quantile, train.targets, train.weights, train.scores, outputs, gradient, hessian
        )
        packing = make_packing(n_rows, first, second, all_second, boosting.constant_hessian)
        pack(gradient, hessian, packing, packed)
        n_drawn, n_others = draw_rows(n_rows, boosting.subsample, mix(key, _ROW_STREAM), space.rows, others)
        columns = draw_columns(n_columns, boosting.columns_per_tree, mix(key, _COLUMN_STREAM))
        base, node_key = np.int64(roots[i]), mix(key, _NODE_STREAM)
        n_nodes, n_sets = grow_tree(
            train.codes, train.places, n_drawn, packed, columns, layout, limits, growth, packing, node_key, base, n_sets,
            trees, space,
        )  # fmt: skip
        roots[i + 1] = base + n_nodes
        set_values(base, n_nodes, rates[i], gradient, hessian, train, limits, boosting, trees, space, buffers, sums)
        update_scores(base, n_nodes, train, trees, space, others[:n_others])
        if curve:
            nodes, sets = packed_tree(base, n_nodes, trees), trees.category_set[base:]
            add_tree(held.scores, held.codes, held_rows, 0, nodes, sets, trees.sets, trees.value[base:])
            losses[i] = mean_loss(boosting.loss, boosting.quantile, held.targets, held.weights, held.scores)
    return n_sets


@borrowing_kernel
def make_packing(n_rows, gradient_sum, hessian_sum, all_hessians, constant_hessian):  # type: ignore[no-untyped-def]
    """Bits and units in which no sum over all rows can overflow. A hessian is rounded up, so none is zero."""
    row_bits = 1
    while (1 << row_bits) <= n_rows:
        row_bits += 1
    counted = constant_hessian or n_rows <= _MOST_ROWS_COUNTED
    if not counted:
        row_bits = 0
    hessian_bits = 0 if constant_hessian else min(31, (63 - row_bits) * 9 // 20)
    gradient_bits = min(30, 63 - row_bits - hessian_bits - 1)
    gradient_unit = gradient_sum / ((1 << gradient_bits) - 1.0 - n_rows) if gradient_sum > 0.0 else 1.0
    hessian_unit, rows_per_hessian = 0.0, 0.0
    if not constant_hessian:
        hessian_unit = hessian_sum / ((1 << hessian_bits) - 1.0 - 2.0 * n_rows) if hessian_sum > 0.0 else 1.0
        rows_per_hessian = 0.0 if counted else n_rows / max(all_hessians, 1e-300)
    return Packing(
        row_bits + hessian_bits,
        row_bits,
        (1 << hessian_bits) - 1,
        (1 << row_bits) - 1,
        gradient_unit,
        hessian_unit,
        1.0 if constant_hessian else 0.0,
        rows_per_hessian,
    )


@borrowing_kernel
def pack(gradient, hessian, packing, packed):  # type: ignore[no-untyped-def]
    """Set packed numbers, (n * outputs,), from (n * outputs,) derivatives."""
    by_gradient = 1.0 / packing.gradient_unit
    by_hessian = 1.0 / packing.hessian_unit if packing.hessian_unit > 0.0 else 0.0
    one_row = np.int64(1) if packing.row_mask > 0 else np.int64(0)
    least = np.int64(1) if packing.hessian_mask > 0 else np.int64(0)
    for i in range(np.uintp(len(packed))):
        first = np.int64(np.floor(gradient[i] * by_gradient + 0.5))
        second = np.int64(hessian[i] * by_hessian) + least
        packed[i] = (first << packing.gradient_shift) + (second << packing.hessian_shift) + one_row


@borrowing_kernel
def draw_rows(n_rows, subsample, key, drawn, others):  # type: ignore[no-untyped-def]
    """Fill ``drawn`` with the rows that a tree sees and ``others`` with the rest; returns how many of each."""
    n_drawn, n_others = 0, 0
    for row in range(n_rows):
        if subsample >= 1.0 or uniform(mix(key, row)) < subsample:
            drawn[n_drawn] = row
            n_drawn += 1
        else:
            others[n_others] = row
            n_others += 1
    return n_drawn, n_others


@kernel
def draw_columns(n_columns, n_drawn, key):  # type: ignore[no-untyped-def]
    """So many of the columns in order, int32: those at the first places of a shuffle."""
    columns = np.arange(n_columns).astype(np.int32)
    if n_drawn >= n_columns:
        return columns
    for i in range(n_drawn):
        j = i + np.int64(mix(key, i) % np.uint64(n_columns - i))
        columns[i], columns[j] = columns[j], columns[i]
    chosen = np.zeros(n_columns, np.uint8)
    for i in range(n_drawn):
        chosen[columns[i]] = 1
    n = 0
    for column in range(n_columns):
        if chosen[column]:
            columns[n] = column
            n += 1
    return columns[:n_drawn]


@inner_kernel
def set_values(base, n_nodes, rate, gradient, hessian, train, limits, boosting, trees, space, buffers, sums):  # type: ignore[no-untyped-def]
    """Values of a tree's leaves: Newton steps on exact sums, or a quantile of residuals, times the learning rate."""
    n_outputs, outputs = trees.value.shape[1], np.uintp(space.sums.shape[1])
    refit = boosting.loss == ABSOLUTE or boosting.loss == QUANTILE
    level = boosting.quantile if boosting.loss == QUANTILE else 0.5
    for node in range(n_nodes):
        if trees.feature[base + node] >= 0:
            continue
        rows = space.rows[space.first[node] : space.last[node]]
        lower, upper = space.lower[node], space.upper[node]
        if refit:
            step = _residual_quantile(rows, level, train, buffers)
            trees.value[base + node, 0] = rate * min(max(step, lower), upper)
            continue
        _sum_derivatives(rows, gradient, hessian, outputs, sums)
        for k in range(n_outputs):
            step = bounded_value(sums[0, k], max(sums[1, k], 1e-300), limits.l1, limits.l2, lower, upper)
            trees.value[base + node, k] = rate * step


@inner_kernel
def _sum_derivatives(rows, gradient, hessian, outputs, sums):  # type: ignore[no-untyped-def]
    n_outputs = np.uintp(sums.shape[1])
    if n_outputs == 1:
        first, second = 0.0, 0.0
        for row in rows:
            first += gradient[np.uintp(row)]
            second += hessian[np.uintp(row)]
        sums[0, 0], sums[1, 0] = first, second
        return
    sums[:] = 0.0
    firsts, seconds = sums
    for row in rows:
        start = np.uintp(row) * outputs
        for k in range(n_outputs):
            firsts[k] += gradient[start + k]
            seconds[k] += hessian[start + k]


@inner_kernel
def _residual_quantile(rows, level, train, buffers):  # type: ignore[no-untyped-def]
    n = len(rows)
    if n == 0:
        return 0.0
    for i in range(n):
        buffers[0, i] = train.targets[rows[i]] - train.scores[rows[i], 0]
        buffers[1, i] = train.weights[rows[i]]
    return weighted_quantile(buffers[0, :n], buffers[1, :n], level)


@kernel(no_cpython_wrapper=True, no_cfunc_wrapper=True)
def update_scores(base, n_nodes, train, trees, space, others):  # type: ignore[no-untyped-def]
    """Add a tree's values to the scores of the rows that it saw, by its leaves' pieces of rows, and of the others."""
    n_outputs, scores = np.uintp(trees.value.shape[1]), train.scores
    for node in range(n_nodes):
        if trees.feature[base + node] >= 0:
            continue
        value, rows = trees.value[base + node], space.rows[space.first[node] : space.last[node]]
        if n_outputs == np.uintp(1):
            step = np.float64(value[0])
            for row in rows:
                scores[np.uintp(row), np.uintp(0)] += step
            continue
        for row in rows:
            for k in range(n_outputs):
                scores[np.uintp(row), k] += value[k]
    if len(others) == 0:
        return
    leaves, nodes = np.zeros(len(others), np.int32), packed_tree(base, n_nodes, trees)
    find_leaves(train.codes, others, 0, len(others), 0, nodes, trees.category_set[base:], trees.sets, leaves)
    for i in range(len(others)):
        for k in range(n_outputs):
            scores[others[i], k] += trees.value[base + leaves[i], k]


@kernel(no_cpython_wrapper=True, no_cfunc_wrapper=True)
def packed_tree(base, n_nodes, trees):  # type: ignore[no-untyped-def]
    """Nodes of one tree as words, its root the first."""
    end = base + n_nodes
    left = (trees.left[base:end] - base).astype(np.int32)
    feature, threshold = trees.feature[base:end], trees.threshold[base:end]
    return pack_nodes(feature, threshold, trees.missing_left[base:end], trees.category_set[base:end], left)
