"""One tree, grown leaf by leaf: the open leaf that gains most (or the oldest one) is split, until a limit is reached.

The rows of a node are a contiguous piece of an index array, parted in place. Of two new leaves the smaller one's
histogram is built from its rows, the other's is the parent's less it, in the parent's place.
"""

from typing import NamedTuple

import numpy as np

from evoml.kernels.histogram import (
    accumulate,
    add_at_places,
    add_rows,
    add_rows_outputs,
    aligned_rows,
    borrowing_kernel,
    inlined_kernel,
    inner_kernel,
    subtract,
    unpack,
)
from evoml.kernels.random import mix
from evoml.kernels.splitting import (
    Candidates,
    best_candidate,
    best_constrained,
    bounded_value,
    fill_candidates,
    gain_of,
    make_candidates,
    order_categories,
    place_of,
    rows_and_hessian,
)
from evoml.kernels.thresholds import best_threshold

_CLOSED = np.int64(-1)


class Growth(NamedTuple):
    """Limits of a tree. columns_per_node: how many of the tree's columns a node looks at; by_depth: oldest leaf first."""

    max_leaves: int
    max_depth: int
    min_gain: float
    columns_per_node: int
    by_depth: bool
    constrained: bool


class Trees(NamedTuple):
    """All nodes of all trees; see `evoml.kernels.predictor` for what the arrays hold."""

    feature: np.ndarray
    threshold: np.ndarray
    missing_left: np.ndarray
    category_set: np.ndarray
    sets: np.ndarray
    left: np.ndarray
    value: np.ndarray
    gain: np.ndarray
    cover: np.ndarray


class Workspace(NamedTuple):
    """What growing a tree needs besides: of each node (by its number within the tree) and for all of them.

    first, last: its piece of rows; sums, best_left (nodes, outputs): packed sums of the node and of its best split's left;
    best, place: the key of that split, -1 for none, and which candidate it is; slot: its row of histograms; lower, upper:
    bounds of values.
    """

    first: np.ndarray
    last: np.ndarray
    depth: np.ndarray
    slot: np.ndarray
    best: np.ndarray
    place: np.ndarray
    sums: np.ndarray
    best_left: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    histograms: np.ndarray
    free_slots: np.ndarray
    candidates: Candidates
    rows: np.ndarray
    scratch_rows: np.ndarray
    goes_left: np.ndarray
    node_columns: np.ndarray


def padded_outputs(n_outputs: int) -> int:
    """Outputs side by side in a histogram: one, or a multiple of four, which fill vectors."""
    return 1 if n_outputs == 1 else -(-n_outputs // 4) * 4


def make_trees(n_nodes: int, n_outputs: int, n_sets: int) -> Trees:
    """Room for so many nodes."""
    return Trees(
        np.full(n_nodes, -1, np.int32),
        np.zeros(n_nodes, np.uint8),
        np.zeros(n_nodes, np.uint8),
        np.full(n_nodes, -1, np.int32),
        np.zeros((n_sets, 4), np.uint64),
        np.zeros(n_nodes, np.int32),
        np.zeros((n_nodes, n_outputs), np.float32),
        np.zeros(n_nodes, np.float32),
        np.zeros(n_nodes, np.float32),
    )


def make_workspace(
    n_rows: int, n_columns: int, n_bins: int, n_candidates: int, n_outputs: int, leaves: int
) -> Workspace:
    """Scratch for trees of at most so many leaves."""
    n_nodes, outputs = 2 * leaves, padded_outputs(n_outputs)
    return Workspace(
        np.zeros(n_nodes, np.int64),
        np.zeros(n_nodes, np.int64),
        np.zeros(n_nodes, np.int64),
        np.zeros(n_nodes, np.int64),
        np.zeros(n_nodes, np.int64),
        np.zeros(n_nodes, np.int64),
        np.zeros((n_nodes, outputs), np.int64),
        np.zeros((n_nodes, outputs), np.int64),
        np.zeros(n_nodes, np.float64),
        np.zeros(n_nodes, np.float64),
        aligned_rows(leaves + 1, n_bins * outputs),
        np.zeros(leaves + 1, np.int64),
        make_candidates(n_outputs, n_candidates),
        np.zeros(n_rows, np.int32),
        np.zeros(n_rows, np.int32),
        np.zeros(256, np.uint8),
        np.zeros(n_columns, np.int32),
    )


@inner_kernel
def grow_tree(codes, places, n_rows, packed, columns, layout, limits, growth, packing, key, base, n_sets, trees, space):  # type: ignore[no-untyped-def]
    """Grow a tree on the rows space.rows[:n_rows], its root at node ``base``; returns its number of nodes and of all sets.

    codes: (n, c); places: (n, c), see `histogram.bin_places`, or of no rows; packed: (n * outputs,) packed gradients by row
    of codes; columns: int32, those that the tree may split on.
    """
    outputs = space.sums.shape[1]
    n_slots = len(space.free_slots)
    for i in range(n_slots):
        space.free_slots[i] = n_slots - 1 - i
    _start_root(n_rows, packed, outputs, space)
    n_free = n_slots - 1
    space.slot[0] = space.free_slots[n_free]
    _build(codes, places, 0, packed, columns, layout, outputs, space)
    n_nodes, n_leaves = 1, 1
    _start_leaf(trees, base, space, 0, packing)
    _find_split(0, columns, layout, limits, growth, packing, key, outputs, space)
    n_free = _release_closed(0, n_free, space)
    while n_leaves < growth.max_leaves:
        node = _next_open(n_nodes, growth.by_depth, space)
        if node < 0:
            break
        left, right = n_nodes, n_nodes + 1
        n_sets = _split(codes, node, left, layout, limits, growth, packing, outputs, base, n_sets, trees, space)
        n_nodes += 2
        n_leaves += 1
        _start_leaf(trees, base, space, left, packing)
        _start_leaf(trees, base, space, right, packing)
        if n_leaves == growth.max_leaves:
            break
        n_free = _open_children(
            codes, places, node, left, packed, columns, layout, limits, growth, packing, key, outputs, n_free, space
        )
    return n_nodes, n_sets


@inlined_kernel
def _start_root(n_rows, packed, outputs, space):  # type: ignore[no-untyped-def]
    space.first[0], space.last[0], space.depth[0] = 0, n_rows, 0
    space.lower[0], space.upper[0] = -np.inf, np.inf
    if outputs == 1 and n_rows == len(packed):  # all rows, in one piece
        total = np.int64(0)
        for i in range(np.uintp(n_rows)):
            total += packed[i]
        space.sums[0, 0] = total
        return
    for k in range(outputs):
        total = np.int64(0)
        for i in range(n_rows):
            total += packed[np.int64(space.rows[i]) * outputs + k]
        space.sums[0, k] = total


@inlined_kernel
def _start_leaf(trees, base, space, node, packing):  # type: ignore[no-untyped-def]
    trees.feature[base + node] = -1
    trees.cover[base + node] = space.last[node] - space.first[node]
    space.best[node] = _CLOSED


@inlined_kernel
def _build(codes, places, node, packed, columns, layout, outputs, space):  # type: ignore[no-untyped-def]
    histogram = space.histograms[space.slot[node]]
    histogram[:] = 0
    rows = space.rows[space.first[node] : space.last[node]]
    if outputs == 1:
        if len(places) > 0:
            add_at_places(places, rows, packed, columns, histogram)
        else:
            add_rows(codes, rows, packed, columns, layout.histogram_offsets, histogram)
        accumulate(histogram, columns, layout.histogram_offsets, layout.categorical)
    else:
        add_rows_outputs(codes, rows, packed, columns, layout.histogram_offsets, outputs, histogram)


@inlined_kernel
def _next_open(n_nodes, by_depth, space):  # type: ignore[no-untyped-def]
    """The leaf whose split gains most, or the first that can be split; -1 if none can."""
    found = -1
    for node in range(n_nodes):
        if space.best[node] >= 0 and (found < 0 or gain_of(space.best[node]) > gain_of(space.best[found])):
            found = node
            if by_depth:
                break
    return found


@inlined_kernel
def _may_split(node, limits, growth, space):  # type: ignore[no-untyped-def]
    n_rows = space.last[node] - space.first[node]
    return n_rows >= 2.0 * limits.min_rows and n_rows >= 2 and space.depth[node] < growth.max_depth


@inner_kernel
def _find_split(node, columns, layout, limits, growth, packing, key, outputs, space):  # type: ignore[no-untyped-def]
    """Set the node's best split, -1 where none gains enough; its histogram must be there."""
    if not _may_split(node, limits, growth, space):
        return
    histogram, totals = space.histograms[space.slot[node]], space.sums[node]
    n_looked_at = min(growth.columns_per_node, len(columns))
    looked_at = columns
    if n_looked_at < len(columns):
        _draw(columns, n_looked_at, mix(key, node), space.node_columns)
        looked_at = space.node_columns[:n_looked_at]
    found, best = np.int64(0), _CLOSED
    at_once = outputs == 1 and limits.l1 == 0.0 and not growth.constrained
    if at_once:
        best = best_threshold(histogram, looked_at, totals[0], layout, limits, packing, space.candidates)
        found = np.int64(1)  # its place is taken
    for kind in (False, True):
        if at_once and not kind:
            continue
        start = found
        l2 = limits.l2 + limits.categorical_l2 if kind else limits.l2
        found = fill_candidates(histogram, looked_at, kind, layout, limits, packing, outputs, space.candidates, found)
        if found == start:
            continue
        if growth.constrained:
            lower, upper = space.lower[node], space.upper[node]
            key_of_best = best_constrained(
                space.candidates, start, found, totals[0], packing, limits, l2, layout, lower, upper
            )
        else:
            key_of_best = best_candidate(space.candidates, start, found, totals, packing, limits, l2)
        best = max(best, key_of_best)
    if best >= 0 and gain_of(best) > growth.min_gain:
        space.best[node] = best
        space.place[node] = space.candidates.places[place_of(best)]
        for k in range(len(space.candidates.sums)):
            space.best_left[node, k] = space.candidates.sums[k, place_of(best)]


@inner_kernel
def _draw(columns, n_drawn, key, buffer):  # type: ignore[no-untyped-def]
    """Put so many of the columns, each set of them equally likely, at the first places of the buffer."""
    n = len(columns)
    for i in range(n):
        buffer[i] = columns[i]
    for i in range(n_drawn):
        j = i + np.int64(mix(key, i) % np.uint64(n - i))
        buffer[i], buffer[j] = buffer[j], buffer[i]


@inlined_kernel
def _split(codes, node, left, layout, limits, growth, packing, outputs, base, n_sets, trees, space):  # type: ignore[no-untyped-def]
    """Write the node's best split into the tree and part its rows; returns the number of category sets so far."""
    place = space.place[node]
    column = layout.column_of_candidate[place]
    first, last = space.first[node], space.last[node]
    rows_left = rows_and_hessian(space.best_left[node], len(space.candidates.sums), packing)[0]
    heavier_left = 2.0 * rows_left >= last - first
    nth = np.int64(np.uintp(place) - layout.candidate_starts[column])
    at = base + node
    trees.feature[at], trees.left[at], trees.gain[at] = column, base + left, gain_of(space.best[node])
    if layout.categorical[column]:
        _category_table(node, column, nth, heavier_left, layout, limits, packing, outputs, space)
        trees.category_set[at] = n_sets
        trees.sets[n_sets] = 0
        for b in range(256):
            trees.sets[n_sets, b >> 6] |= np.uint64(space.goes_left[b]) << np.uint64(b & 63)
        n_sets += 1
    else:
        _threshold(node, column, nth, heavier_left, layout, packing, outputs, at, trees, space)
        for b in range(256):
            space.goes_left[b] = b <= trees.threshold[at]
        space.goes_left[0] = trees.missing_left[at]
    rows = space.rows[first:last]
    middle = first + partition(codes, rows, column, space.goes_left, space.scratch_rows)
    space.first[left], space.last[left], space.first[left + 1], space.last[left + 1] = first, middle, middle, last
    space.depth[left] = space.depth[left + 1] = space.depth[node] + 1
    for k in range(outputs):
        space.sums[left, k] = space.best_left[node, k]
        space.sums[left + 1, k] = space.sums[node, k] - space.best_left[node, k]
    _pass_bounds(node, left, column, limits, growth, layout, packing, space)
    space.best[node] = _CLOSED
    return n_sets


@inlined_kernel
def _threshold(node, column, nth, heavier_left, layout, packing, outputs, at, trees, space):  # type: ignore[no-untyped-def]
    """Where no value was missing at the node, missing ones go where most rows go."""
    first = layout.histogram_offsets[column]
    n_values = np.int64(layout.histogram_offsets[column + 1] - first) - 1
    trees.category_set[at] = -1
    missing_left = nth >= n_values
    trees.threshold[at] = nth - n_values + 1 if missing_left else nth + 1
    missing = space.histograms[space.slot[node], first * np.uintp(outputs)]
    if not layout.has_missing[column] or missing == 0:
        missing_left = heavier_left
    trees.missing_left[at] = missing_left


@inlined_kernel
def _category_table(node, column, nth, heavier_left, layout, limits, packing, outputs, space):  # type: ignore[no-untyped-def]
    """The first nth + 1 categories in order go left; those that the node does not know go where most rows go."""
    first = layout.histogram_offsets[column]
    n_bins = layout.histogram_offsets[column + 1] - first
    histogram = space.histograms[space.slot[node]]
    used = order_categories(histogram, first, n_bins, limits, packing, np.uintp(outputs), space.candidates)
    space.goes_left[:] = heavier_left
    for i in range(used):
        space.goes_left[space.candidates.order[i]] = i <= nth


@borrowing_kernel
def partition(codes, rows, column, goes_left, scratch):  # type: ignore[no-untyped-def]
    """Part rows in place, those going left first, each side in the order it had; returns how many go left."""
    n_columns, own = np.uintp(codes.shape[1]), np.uintp(column)
    flat = codes.reshape(codes.size)
    n_left, n_right = np.uintp(0), np.uintp(0)
    for i in range(np.uintp(len(rows))):
        row = rows[i]
        left = np.uintp(goes_left[flat[np.uintp(row) * n_columns + own]])
        rows[n_left] = row
        scratch[n_right] = row
        n_left += left
        n_right += np.uintp(1) - left
    for i in range(n_right):
        rows[n_left + i] = scratch[i]
    return np.int64(n_left)


@inlined_kernel
def _pass_bounds(node, left, column, limits, growth, layout, packing, space):  # type: ignore[no-untyped-def]
    """Of a split on a monotone column, neither side's values may cross the middle of the two."""
    right = left + 1
    space.lower[left] = space.lower[right] = space.lower[node]
    space.upper[left] = space.upper[right] = space.upper[node]
    direction = layout.monotone[column]
    if not growth.constrained or direction == 0:
        return
    lower, upper = space.lower[node], space.upper[node]
    gradient, hessian, _ = unpack(space.sums[left, 0], packing)
    below = bounded_value(gradient, hessian, limits.l1, limits.l2, lower, upper)
    gradient, hessian, _ = unpack(space.sums[right, 0], packing)
    middle = 0.5 * (below + bounded_value(gradient, hessian, limits.l1, limits.l2, lower, upper))
    low, high = (left, right) if direction > 0 else (right, left)
    space.upper[low] = space.lower[high] = middle


@inlined_kernel
def _open_children(  # type: ignore[no-untyped-def]
    codes, places, node, left, packed, columns, layout, limits, growth, packing, key, outputs, n_free, space
):
    """Histograms and best splits of two new leaves; returns the number of free slots."""
    right = left + 1
    left_smaller = space.last[left] - space.first[left] <= space.last[right] - space.first[right]
    smaller, larger = (left, right) if left_smaller else (right, left)
    space.slot[larger] = space.slot[node]
    if not _may_split(larger, limits, growth, space):
        return _release_closed(larger, n_free, space)
    n_free -= 1
    space.slot[smaller] = space.free_slots[n_free]
    _build(codes, places, smaller, packed, columns, layout, outputs, space)
    _find_split(smaller, columns, layout, limits, growth, packing, key, outputs, space)
    subtract(space.histograms[space.slot[larger]], space.histograms[space.slot[smaller]])
    _find_split(larger, columns, layout, limits, growth, packing, key, outputs, space)
    n_free = _release_closed(smaller, n_free, space)
    return _release_closed(larger, n_free, space)


@inlined_kernel
def _release_closed(node, n_free, space):  # type: ignore[no-untyped-def]
    if space.best[node] >= 0:
        return n_free
    space.free_slots[n_free] = space.slot[node]
    return n_free + 1
