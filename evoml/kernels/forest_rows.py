"""Kernels of forests, first step: which rows a tree sees, what a node reads of them, and how a split divides them."""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from evoml.kernels.compiling import kernel
from evoml.kernels.histogram import inlined_kernel
from evoml.kernels.random import mix

_ONE = np.uint64(1)
_SIX = np.uint64(6)
_SIXTY_THREE = np.uint64(63)
_BYTE = np.uint64(255)
_THIRTY_TWO = np.uint64(32)
_LOWER_HALF = np.uint64(0xFFFFFFFF)
_ROW_STREAM, _COLUMN_STREAM = 1, 2


def _lowest_bit(typing_context: Any, word: Any) -> Any:
    """Position of the lowest set bit of a uint64 that is not 0 (one machine instruction)."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.uint64(types.uint64), generate


lowest_bit: Any = intrinsic(_lowest_bit)


@inlined_kernel
def random_below(drawn, limit):  # type: ignore[no-untyped-def]
    """Integer in 0 .. limit - 1 (limit < 2**32) from the upper half of what mix returned."""
    return np.int64(((drawn >> _THIRTY_TWO) * np.uint64(limit)) >> _THIRTY_TWO)


@inlined_kernel
def lower_share(drawn):  # type: ignore[no-untyped-def]
    """Number in [0, 1) from the lower half of what mix returned."""
    return np.float64(np.int64(drawn & _LOWER_HALF)) * 2.3283064365386963e-10


@kernel
def column_stream(seed, tree):  # type: ignore[no-untyped-def]
    """Key of the numbers that a tree's growth draws."""
    return mix(mix(np.uint64(seed), np.uint64(tree)), np.uint64(_COLUMN_STREAM))


@kernel
def draw_counts(seed, tree, n_draws, counts):  # type: ignore[no-untyped-def]
    """How often a tree's bootstrap sample holds each of len(counts) rows; ``n_draws`` of 0: each once."""
    if n_draws == 0:
        counts[:] = 1
        return
    counts[:] = 0
    key = mix(mix(np.uint64(seed), np.uint64(tree)), np.uint64(_ROW_STREAM))
    for draw in range(n_draws):
        counts[np.uint64(random_below(mix(key, np.uint64(draw)), len(counts)))] += 1


@kernel
def balance_counts(counts, rows, sample_weight, target, class_totals, factors):  # type: ignore[no-untyped-def]
    """Fill ``factors`` (n_classes,): what makes all classes weigh the same in this tree's sample."""
    class_totals[:] = 0.0
    total = 0.0
    for i in range(len(rows)):
        class_totals[np.int64(target[rows[i]])] += counts[i]
        total += counts[i]
    n_present = 0
    for label in range(len(class_totals)):
        n_present += class_totals[label] > 0
    for label in range(len(class_totals)):
        factors[label] = total / (n_present * class_totals[label]) if class_totals[label] > 0 else 0.0


@kernel
def select_rows(counts, rows, sample_weight, target, factors, pairs, active):  # type: ignore[no-untyped-def]
    """Write the tree's (weight, target) to pairs[row] and the rows of positive weight to ``active``.

    Returns how many they are, and whether all weigh one.

    counts: (n,) of rows[i]; factors: weight of each class, or empty. Rows that weigh nothing are never looked at again.
    """
    n_active, n_unit = 0, 0
    for i in range(len(rows)):
        row = np.uint64(rows[i])
        weight = counts[i] * sample_weight[row]
        if len(factors) > 0:
            weight *= factors[np.uint64(target[row])]
        pairs[row, 0] = weight
        pairs[row, 1] = target[row]
        active[n_active] = np.uint32(row)
        n_active += weight > 0
        n_unit += weight == 1.0
    return n_active, n_unit == n_active


@kernel
def sort_by_class(active, n_active, pairs, n_classes, labels, spare):  # type: ignore[no-untyped-def]
    """Order the tree's rows by class, and by their number within it; labels: (n_table_rows,) are filled for them."""
    places = np.zeros(n_classes + 1, np.int64)
    for i in range(n_active):
        label = np.int64(pairs[active[i], 1])
        labels[active[i]] = label
        places[label + 1] += 1
        spare[i] = active[i]
    for place in range(n_classes):
        places[place + 1] += places[place]
    for i in range(n_active):
        label = labels[spare[i]]
        active[places[label]] = spare[i]
        places[label] += 1


@inlined_kernel
def gather_targets(rows, start, n, pairs, shift, node_weights, node_totals):  # type: ignore[no-untyped-def]
    """Copy a node's w and w (y - shift) side by side; returns their sums and whether all y are one value.

    Subtracting the mean of the parent keeps the sums of a deep node free of cancellation.
    """
    weight, total = 0.0, 0.0
    first = pairs[rows[np.uint64(start)], 1]
    differences = 0
    for i in range(n):
        row = rows[np.uint64(start) + np.uint64(i)]
        w, y = pairs[row, 0], pairs[row, 1]
        wy = w * (y - shift)
        node_weights[i] = w
        node_totals[i] = wy
        weight += w
        total += wy
        differences += y != first
    return weight, total, differences == 0


@inlined_kernel
def gather_classes(rows, start, n, pairs, node_weights, node_labels, class_totals):  # type: ignore[no-untyped-def]
    """Copy a node's weights and classes side by side and sum by class; returns the weight and whether it is pure."""
    class_totals[:] = 0.0
    weight = 0.0
    first = np.uint32(pairs[rows[np.uint64(start)], 1])
    differences = 0
    for i in range(n):
        row = rows[np.uint64(start) + np.uint64(i)]
        w, label = pairs[row, 0], np.uint32(pairs[row, 1])
        node_weights[i] = w
        node_labels[i] = label
        class_totals[label] += w
        weight += w
        differences += label != first
    return weight, differences == 0


@inlined_kernel
def partition_by_threshold(columns, column, rows, start, n, threshold, missing_left, spare):  # type: ignore[no-untyped-def]
    """Move the rows that go left before the others, both in their old order; returns how many go left."""
    shift = _ONE - np.uint64(missing_left)
    limit = np.uint64(threshold) - shift
    left, right = np.uint64(start), np.uint64(0)
    for i in range(n):
        row = rows[np.uint64(start) + np.uint64(i)]
        code = np.uint64(columns[column, row])
        goes_left = np.uint64(((code - shift) & _BYTE) <= limit)
        rows[left] = row
        spare[right] = row
        left += goes_left
        right += _ONE - goes_left
    for i in range(right):
        rows[left + np.uint64(i)] = spare[np.uint64(i)]
    return n - np.int64(right)


@inlined_kernel
def partition_by_set(columns, column, rows, start, n, members, spare):  # type: ignore[no-untyped-def]
    """As partition_by_threshold; the bins whose bit is set in ``members`` (4,) go left."""
    left, right = np.uint64(start), np.uint64(0)
    for i in range(n):
        row = rows[np.uint64(start) + np.uint64(i)]
        code = np.uint64(columns[column, row])
        goes_left = (members[code >> _SIX] >> (code & _SIXTY_THREE)) & _ONE
        rows[left] = row
        spare[right] = row
        left += goes_left
        right += _ONE - goes_left
    for i in range(right):
        rows[left + np.uint64(i)] = spare[np.uint64(i)]
    return n - np.int64(right)


@kernel
def bin_positions(X, codes):  # type: ignore[no-untyped-def]
    """Where each bin's middle (of its lowest and highest value) lies in its column's range.

    int64 (c, 256), 0 .. 2**40, strictly rising; -1 for missing. Cuts are drawn in these, so that they are uniform in the
    unit of the column; integers let a search go without branches.
    """
    n_rows, n_columns = codes.shape
    low = np.full((n_columns, 256), np.inf)
    high = np.full((n_columns, 256), -np.inf)
    for row in range(n_rows):
        for column in range(n_columns):
            code = np.uint64(codes[row, column])
            x = min(max(X[row, column], -1e300), 1e300)
            low[column, code] = min(low[column, code], x)
            high[column, code] = max(high[column, code], x)
    positions = np.zeros((n_columns, 256), np.int64)
    for column in range(n_columns):
        first, last = np.inf, -np.inf
        for bin_ in range(1, 256):
            if low[column, bin_] <= high[column, bin_]:
                first = min(first, low[column, bin_])
                last = max(last, high[column, bin_])
        positions[column, 0] = -1
        for bin_ in range(1, 256):
            positions[column, bin_] = positions[column, bin_ - 1] + 1
            if low[column, bin_] <= high[column, bin_] and first < last:
                middle = 0.5 * low[column, bin_] + 0.5 * high[column, bin_]
                place = np.int64((middle - first) / (last - first) * 2.0**40)
                positions[column, bin_] = max(positions[column, bin_], place)
    return positions
