"""Kernels of forests: columns are drawn at a node until enough were seen, and the best of their splits is kept."""

from typing import NamedTuple

import numpy as np

from evoml.kernels import forest_classes as by_class
from evoml.kernels import forest_means as by_mean
from evoml.kernels.compiling import kernel
from evoml.kernels.forest_cuts import NO_MISSING
from evoml.kernels.forest_means import FEW_ROWS, LANES
from evoml.kernels.forest_rows import random_below
from evoml.kernels.histogram import inlined_kernel
from evoml.kernels.random import mix


class Table(NamedTuple):
    """What all trees share.

    codes: uint8 (n * stride,), row by row, of which the first c are columns; columns: (c, n), the same; n_bins: (c,) int64;
    categorical: (c,) bool; positions: (c, 256) int64, see forest_rows.bin_positions.
    """

    codes: np.ndarray
    stride: int
    columns: np.ndarray
    n_bins: np.ndarray
    categorical: np.ndarray
    positions: np.ndarray


class Rules(NamedTuple):
    """How trees grow. n_classes: 0 for regression; n_draws: size of a bootstrap sample, 0 for all rows once each;
    min_weight_leaf and min_decrease as shares of the weight at the root; max_leaf_nodes: 0 for no limit."""

    n_classes: int
    max_features: int
    max_depth: int
    min_samples_split: int
    min_samples_leaf: int
    min_weight_leaf: float
    min_decrease: float
    max_leaf_nodes: int
    random_splits: bool
    n_draws: int
    balanced: bool


class Scratch(NamedTuple):
    """Room to work in, for one thread; what must be empty between columns is left empty by whoever fills it."""

    rows: np.ndarray
    spare: np.ndarray
    pairs: np.ndarray
    node_weights: np.ndarray
    node_totals: np.ndarray
    node_labels: np.ndarray
    codes: np.ndarray
    places: np.ndarray
    labels: np.ndarray
    column_order: np.ndarray
    class_totals: np.ndarray
    left: np.ndarray
    histogram: np.ndarray
    class_histogram: np.ndarray
    marks: np.ndarray
    counts: np.ndarray
    bits: np.ndarray
    category_shares: np.ndarray
    axes: np.ndarray
    chain_heads: np.ndarray
    chain_links: np.ndarray
    bins: np.ndarray
    members: np.ndarray
    best_members: np.ndarray
    stack: np.ndarray
    stack_shifts: np.ndarray
    candidates: np.ndarray
    candidate_gains: np.ndarray
    candidate_members: np.ndarray


@kernel
def make_scratch(n_table_rows, n_rows, n_columns, rules):  # type: ignore[no-untyped-def]
    """Scratch for trees of at most ``n_rows`` rows out of a table of ``n_table_rows``."""
    n_classes, n_candidates = rules.n_classes, min(rules.max_leaf_nodes, n_rows) + 1
    n_multi = n_rows if n_classes > 2 else 1
    n_labels = max(n_classes, 1)
    return Scratch(
        np.empty(n_rows, np.uint32),
        np.empty(n_rows + 1, np.uint32),
        np.empty((n_table_rows, 2), np.float64),
        np.empty(n_rows + LANES, np.float64),
        np.empty((1 if n_classes > 2 else n_rows) + LANES, np.float64),
        np.empty(n_multi, np.uint32),
        np.empty(n_rows + LANES, np.uint8),
        np.zeros(FEW_ROWS + LANES, np.int64),
        np.empty(n_table_rows if rules.random_splits and n_classes > 2 else 1, np.int32),
        np.empty(n_columns, np.int32),
        np.zeros(n_labels, np.float64),
        np.zeros(4 * n_labels, np.float64),
        np.zeros((4 * 256, 2), np.float64),
        np.zeros((256, n_labels if n_classes > 2 else 1), np.float64),
        np.zeros(256, np.uint8),
        np.zeros(256, np.int64),
        np.zeros(8, np.uint64),
        np.empty((256, n_labels + 2) if n_classes > 2 else (1, 1), np.float64),
        np.empty((2, n_labels), np.float64),
        np.full(256, -1, np.int32),
        np.empty(n_multi, np.int32),
        np.zeros(256, np.int64),
        np.zeros(4, np.uint64),
        np.zeros(4, np.uint64),
        np.empty((n_rows + 2, 5), np.int64),
        np.empty(n_rows + 2, np.float64),
        np.zeros((n_candidates, 7), np.int64),
        np.zeros((n_candidates, 2), np.float64),
        np.zeros((n_candidates, 4), np.uint64),
    )


@inlined_kernel
def middle(low, high):  # type: ignore[no-untyped-def]
    """Threshold halfway through the bins that are empty in the node; 255 (all values) if ``high`` is 256."""
    return 255 if high == 256 else (low + high - 1) >> 1


@inlined_kernel
def column_of_means(table, column, scratch, rules, start, n, weight, total, min_weight, best, key):  # type: ignore[no-untyped-def]
    """The best (or the random) split of one column for a single target.

    Returns (constant, score, threshold, missing_left); a categorical split's bins are in scratch.members.
    """
    counting = rules.min_samples_leaf > 1 or min_weight > 0.0
    if rules.random_splits:
        return by_mean.random_cut(
            table.columns, column, scratch.rows, start, n, table.positions, table.categorical[column], scratch.codes,
            scratch.places, scratch.node_weights, scratch.node_totals, scratch.bits, scratch.members, weight, total,
            rules.min_samples_leaf, min_weight, best, key,
        )  # fmt: skip
    constant = by_mean.fill_histogram(
        table.columns, column, scratch.rows, start, n, table.n_bins[column], scratch.node_weights,
        scratch.node_totals, scratch.histogram, scratch.counts, counting, scratch.bits,
    )  # fmt: skip
    if constant:
        by_mean.clear_histogram(scratch.histogram, scratch.counts, counting, scratch.bits)
        return True, -1.0, 0, NO_MISSING
    if table.categorical[column]:
        found = by_mean.scan_categories(
            scratch.histogram, scratch.counts, counting, scratch.bits, scratch.bins, scratch.members, n, weight, total,
            rules.min_samples_leaf, min_weight, best,
        )  # fmt: skip
        return False, found, 0, NO_MISSING
    found, low, high, side = by_mean.scan_bins(
        scratch.histogram, scratch.counts, counting, scratch.bits, n, weight, total, rules.min_samples_leaf,
        min_weight, best,
    )  # fmt: skip
    return False, found, middle(low, high), side


@inlined_kernel
def column_of_classes(table, column, scratch, rules, start, n, weight, squares, min_weight, best):  # type: ignore[no-untyped-def]
    """The best split, as column_of_means, for three or more classes."""
    return by_class.best_cut(
        table.columns, column, scratch.rows, start, n, table.n_bins[column], table.categorical[column],
        scratch.node_weights, scratch.node_labels, scratch.class_totals, scratch.left, scratch.class_histogram,
        scratch.marks, scratch.counts, scratch.chain_heads, scratch.chain_links, scratch.bits, scratch.bins, scratch.members,
        scratch.category_shares, scratch.axes, weight, squares, rules.min_samples_leaf, min_weight, best,
    )  # fmt: skip


@inlined_kernel
def search(table, scratch, rules, start, n, weight, total, perfect, min_weight, n_constants, key):  # type: ignore[no-untyped-def]
    """Draw columns without replacement until max_features were seen, one of them not constant; keep the best split.

    ``total`` is the sum of w y, or the sum of squares with several classes; a score of ``perfect`` cannot be beaten.
    column_order holds the columns known to be constant here first: they count as seen but are never looked at, and
    stay in front for the node's descendants. A categorical split's bins are left in scratch.best_members. Returns
    (score, column, threshold, missing_left, n_constants).
    """
    order = scratch.column_order
    undrawn_constants, found_constants, end = n_constants, n_constants, len(order)
    seen, useful = 0, 0
    best, best_column, best_threshold, best_side = -0.5, -1, 0, NO_MISSING
    while found_constants < end and (seen < rules.max_features or useful == 0):
        drawn = mix(key, np.uint64(seen))
        pick = random_below(drawn, undrawn_constants + end - found_constants)
        seen += 1
        if pick < undrawn_constants:
            undrawn_constants -= 1
            continue
        position = np.uint64(found_constants + pick - undrawn_constants)
        column = order[position]
        if rules.n_classes > 2:
            constant, score, threshold, side = column_of_classes(
                table, column, scratch, rules, start, n, weight, total, min_weight, best
            )
        else:
            constant, score, threshold, side = column_of_means(
                table, column, scratch, rules, start, n, weight, total, min_weight, best, drawn
            )
        if constant:
            order[position] = order[np.uint64(found_constants)]
            order[np.uint64(found_constants)] = column
            found_constants += 1
            continue
        end -= 1
        order[position] = order[np.uint64(end)]
        order[np.uint64(end)] = column
        useful += 1
        if score > best:
            best, best_column, best_threshold, best_side = score, column, threshold, side
            if table.categorical[column]:
                for word in range(4):
                    scratch.best_members[word] = scratch.members[word]
            if best >= perfect:
                break
    return best, best_column, best_threshold, best_side, found_constants
