"""The best split of a node, from its histogram: all columns' candidates in one row, scored by one vector loop.

A candidate is a threshold of a numerical column (twice where values are missing: they may go either way) or a place in
the order of a categorical column's categories by mean gradient, in which the best division into two sets is among
the divisions at one place (Fisher 1958). Its score is the loss it saves by second order (Chen and Guestrin 2016,
section 2.2). Sums on the left of every candidate are prefix sums; what lies on the right is the node's less these.
"""

from typing import NamedTuple

import numpy as np

from evoml.kernels.gains import LANES, N_TERMS
from evoml.kernels.histogram import borrowing_kernel, inlined_kernel, inner_kernel, unpack

_LOW_WORD = 0xFFFFFFFF
_BLOCK = 256  # candidates whose sums lie in the first-level cache as 32-bit numbers
_ONE = np.uintp(1)


class Layout(NamedTuple):
    """Where each column's bins lie in a histogram and its candidates in the row of candidates.

    histogram_offsets uint64 (c + 1,); candidate_starts uint64 (c,), and the columns in the order of candidates, numerical ones
    first; has_missing, categorical bool (c,); monotone int8 (c,) -1, 0, 1; column_of_candidate int32.
    """

    histogram_offsets: np.ndarray
    candidate_starts: np.ndarray
    has_missing: np.ndarray
    categorical: np.ndarray
    monotone: np.ndarray
    column_of_candidate: np.ndarray


class Limits(NamedTuple):
    """What a split must respect, and how sums are shrunk."""

    l2: float
    l1: float
    min_rows: float
    min_hessian: float
    categorical_l2: float
    categorical_smoothing: float


def make_layout(n_bins: np.ndarray, has_missing: np.ndarray, categorical: np.ndarray, monotone: np.ndarray) -> Layout:
    """Layout of columns with ``n_bins`` codes each, the one of missing values included."""
    n_values = n_bins - 1
    counts = np.maximum(np.where(has_missing, 2 * n_values - 1, n_values - 1), 0)
    counts = np.where(categorical, n_values, counts)
    order = np.concatenate([np.flatnonzero(~categorical), np.flatnonzero(categorical)])
    starts = np.zeros(len(n_bins), np.int64)
    starts[order] = np.cumsum(counts[order]) - counts[order]
    return Layout(
        np.concatenate([[0], np.cumsum(n_bins)]).astype(np.uint64),
        starts.astype(np.uint64),
        np.asarray(has_missing, bool),
        np.asarray(categorical, bool),
        np.asarray(monotone, np.int8),
        np.repeat(order, counts[order]).astype(np.int32),
    )


class Candidates(NamedTuple):
    """Those of one node: sums int64, packed sums on the left, (n_outputs, places); places int32 (n,): which they are.

    The others are scratch: for the order of categories; for a block of candidates the three fields of an output, int32, and
    what has been summed over outputs, float32: each an array of its own, or loops over them would not run on vectors; and
    for `thresholds.best_threshold`.
    """

    sums: np.ndarray
    places: np.ndarray
    order: np.ndarray
    keys: np.ndarray
    means: np.ndarray
    direction: np.ndarray
    gradients: np.ndarray
    hessians: np.ndarray
    rows: np.ndarray
    gains: np.ndarray
    below: np.ndarray
    allowed_gains: np.ndarray
    terms: np.ndarray
    lane_gains: np.ndarray
    lane_places: np.ndarray


def make_candidates(n_outputs: int, n_places: int) -> Candidates:
    """Room for so many."""
    scratch: list[tuple[int, type]] = [(_BLOCK, np.int32)] * 3 + [(_BLOCK, np.float32)] * 3
    scratch += [(N_TERMS, np.float32), (LANES, np.float32), (LANES, np.int32)]
    return Candidates(
        np.zeros((n_outputs, n_places + 1), np.int64),
        np.arange(n_places + 1, dtype=np.int32),
        np.zeros(256, np.int64),
        np.zeros(256),
        np.zeros((256, n_outputs)),
        np.zeros((2, n_outputs)),
        *(np.zeros(length, kind) for length, kind in scratch),
    )


@inner_kernel
def fill_candidates(histogram, columns, kind, layout, limits, packing, width, candidates, found):  # type: ignore[no-untyped-def]
    """Add the candidates of the columns that are of a kind (categorical or not) to those ``found``; returns all found.

    width: outputs side by side in the histogram; that of one output holds running sums, see `histogram.accumulate`. Where
    all columns take part, numerical candidates stay at their places.
    """
    rename, sums, places = len(columns) < len(layout.categorical), candidates.sums, candidates.places
    for column in columns:
        if layout.categorical[column] != kind:
            continue
        first, start = layout.histogram_offsets[column], layout.candidate_starts[column]
        n_values = layout.histogram_offsets[column + 1] - first - _ONE
        if n_values < _ONE:
            continue
        if kind:
            found = _ordered_sums(histogram, first, n_values, start, limits, packing, width, candidates, found)
            continue
        missing = layout.has_missing[column]
        length = n_values if missing else n_values - _ONE
        found = _all_sums(histogram, first, length, False, start, width, rename, sums, places, found)
        if missing:
            length, start = n_values - _ONE, start + n_values
            found = _all_sums(histogram, first, length, True, start, width, rename, sums, places, found)
    return found


@inlined_kernel
def _all_sums(histogram, first, length, missing_left, start, width, rename, sums, places, found):  # type: ignore[no-untyped-def]
    """A candidate after each of so many bins of values, with missing ones on the right, or on the left."""
    target, outputs = np.uintp(found), np.uintp(len(sums))
    if rename:
        for i in range(length):
            places[target + i] = np.int32(start + i)
    if outputs == _ONE:
        missing = histogram[first] if missing_left else np.int64(0)
        for i in range(length):
            sums[np.uintp(0), target + i] = histogram[first + _ONE + i] + missing
        return found + np.int64(length)
    output, four = np.uintp(0), np.uintp(4)
    while output + four <= outputs:
        _running_fours(histogram, first, length, missing_left, width, output, sums, target)
        output += four
    for k in range(output, outputs):
        _running_strided(histogram, first, length, missing_left, width, k, sums, target)
    return found + np.int64(length)


@inlined_kernel
def _running_strided(histogram, first, length, missing_left, width, output, sums, target):  # type: ignore[no-untyped-def]
    stride = np.uintp(width)
    source = first * stride + output
    running = histogram[source] if missing_left else np.int64(0)
    for i in range(length):
        source += stride
        running += histogram[source]
        sums[output, target + i] = running


@inlined_kernel
def _running_fours(histogram, first, length, missing_left, width, output, sums, target):  # type: ignore[no-untyped-def]
    """Four outputs at once: they lie side by side in the histogram, and are read only once."""
    stride, two, three = np.uintp(width), np.uintp(2), np.uintp(3)
    source = first * stride + output
    a, b, c, d = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    if missing_left:
        a, b, c, d = histogram[source], histogram[source + _ONE], histogram[source + two], histogram[source + three]
    for i in range(target, target + length):
        source += stride
        a += histogram[source]
        b += histogram[source + _ONE]
        c += histogram[source + two]
        d += histogram[source + three]
        sums[output, i] = a
        sums[output + _ONE, i] = b
        sums[output + two, i] = c
        sums[output + three, i] = d


@inner_kernel
def _ordered_sums(histogram, first, n_values, start, limits, packing, width, candidates, found):  # type: ignore[no-untyped-def]
    """A candidate after each category but the last, in the order of their mean gradients."""
    outputs, stride = len(candidates.sums), np.uintp(width)
    used = order_categories(histogram, first, n_values + _ONE, limits, packing, stride, candidates)
    for k in range(outputs):
        running = np.int64(0)
        for i in range(used - 1):
            running += histogram[(first + np.uintp(candidates.order[i])) * stride + np.uintp(k)]
            candidates.sums[k, found + i] = running
            candidates.places[found + i] = np.int32(start) + i
    return found + max(used - 1, 0)


@inner_kernel
def order_categories(histogram, first, n_bins, limits, packing, stride, candidates):  # type: ignore[no-untyped-def]
    """Fill candidates.order with the bins that hold rows, by shrunken mean gradient; returns how many.

    Several outputs are first projected on the direction in which the categories' means differ most.
    """
    outputs, order, keys = len(candidates.sums), candidates.order, candidates.keys
    _leading_direction(histogram, first, n_bins, limits, packing, stride, outputs, candidates)
    used = 0
    for b in range(n_bins):
        place = (first + b) * stride
        if histogram[place] == 0:
            continue
        key = 0.0
        for k in range(outputs):
            gradient, hessian, _ = unpack(histogram[place + np.uintp(k)], packing)
            key += candidates.direction[0, k] * gradient / (hessian + limits.categorical_smoothing)
        position = used
        while position > 0 and keys[position - 1] > key:
            keys[position], order[position] = keys[position - 1], order[position - 1]
            position -= 1
        keys[position], order[position] = key, np.int64(b)
        used += 1
    return used


@inner_kernel
def _leading_direction(histogram, first, n_bins, limits, packing, stride, outputs, candidates):  # type: ignore[no-untyped-def]
    """A few steps of power iteration on the categories' shrunken mean gradients, weighted by hessian."""
    means, direction, following = candidates.means, candidates.direction[0], candidates.direction[1]
    direction[:] = 1.0
    if outputs == 1:
        return
    largest = 0.0
    for b in range(n_bins):
        size = 0.0
        for k in range(outputs):
            gradient, hessian, _ = unpack(histogram[(first + b) * stride + np.uintp(k)], packing)
            means[b, k] = gradient / np.sqrt(hessian + limits.categorical_smoothing)
            size += means[b, k] ** 2
        if size > largest:
            largest = size
            for k in range(outputs):
                direction[k] = means[b, k]
    for _ in range(4):
        following[:] = 0.0
        for b in range(n_bins):
            along = 0.0
            for k in range(outputs):
                along += means[b, k] * direction[k]
            for k in range(outputs):
                following[k] += along * means[b, k]
        norm = 0.0
        for k in range(outputs):
            norm += following[k] ** 2
        if norm <= 0.0:
            return
        for k in range(outputs):
            direction[k] = following[k] / np.sqrt(norm)


@inner_kernel
def best_candidate(candidates, start, stop, totals, packing, limits, l2):  # type: ignore[no-untyped-def]
    """Best of the candidates start..stop - 1, as a number that orders by gain, then by place: see `key_of`.

    totals: packed sums of the node, one an output; gains are summed over outputs. -1 if no candidate is allowed.
    """
    best, outputs = np.int64(-1), len(candidates.sums)
    gradients, hessians, rows = candidates.gradients, candidates.hessians, candidates.rows
    gains, below, allowed_gains = candidates.gains, candidates.below, candidates.allowed_gains
    node_rows, node_hessian = rows_and_hessian(totals, outputs, packing)
    for block in range(start, stop, _BLOCK):
        length = np.uintp(min(_BLOCK, stop - block))
        gains[:] = 0.0
        below[:] = 0.0
        for k in range(outputs - 1, -1, -1):  # the first output last: its rows are needed
            _unpack_block(candidates.sums[k, block:stop], length, packing, gradients, hessians, rows)
            gradient, hessian, _ = unpack(totals[k], packing)
            if limits.l1 > 0.0:
                _add_shrunk_gains(
                    length, gradient, hessian, limits.l1, l2, packing, gradients, hessians, rows, gains, below
                )
            else:
                _add_gains(length, gradient, hessian, l2, packing, gradients, hessians, rows, gains, below)
        top = _best_allowed(length, node_rows, node_hessian, packing, limits, rows, gains, below, allowed_gains)
        if top > gain_bits(best):
            place = 0
            while np.float32(allowed_gains[place]).view(np.int32) != top:
                place += 1
            best = key_of(np.int32(top), block + place)
    return best


@inner_kernel
def rows_and_hessian(sums, outputs, packing):  # type: ignore[no-untyped-def]
    """Rows and the hessian over all outputs of the packed sums of one node or bin."""
    total = 0.0
    for k in range(outputs):
        total += unpack(sums[k], packing)[1]
    return np.float64(sums[0] & packing.row_mask) + total * packing.rows_per_hessian, total


@inner_kernel
def _unpack_block(sums, length, packing, gradients, hessians, rows):  # type: ignore[no-untyped-def]
    """The three fields as 32-bit numbers, of which a vector holds twice as many."""
    gradient_shift, hessian_shift = packing.gradient_shift, packing.hessian_shift
    hessian_mask, row_mask = packing.hessian_mask, packing.row_mask
    for i in range(length):
        packed = sums[i]
        gradients[i] = np.int32(packed >> gradient_shift)
        hessians[i] = np.int32((packed >> hessian_shift) & hessian_mask)
        rows[i] = np.int32(packed & row_mask)


@inner_kernel
def _add_gains(length, node_gradient, node_hessian, l2, packing, gradients, hessians, rows, gains, below):  # type: ignore[no-untyped-def]
    """G_L^2 / (H_L + l2) + G_R^2 / (H_R + l2) - G^2 / (H + l2), written with gradients as they would be after the node's own
    step: what would cancel cancels before squares are taken, and 32 bits are enough.
    """
    step = node_gradient / (node_hessian + l2)
    mean, rest, less = np.float32(step), np.float32(-step * l2), np.float32(step * step * l2)
    shrink, whole = np.float32(l2), np.float32(node_hessian)
    gradient_unit, hessian_unit = np.float32(packing.gradient_unit), np.float32(packing.hessian_unit)
    per_row = np.float32(packing.hessian_per_row)
    for i in range(length):
        hessian = np.float32(hessians[i]) * hessian_unit + np.float32(rows[i]) * per_row
        a, b = hessian + shrink, whole - hessian + shrink
        left = np.float32(gradients[i]) * gradient_unit - mean * a
        right = rest - left
        gains[i] += left * left / a + right * right / b - less
        below[i] += hessian


@inner_kernel
def _add_shrunk_gains(length, node_gradient, node_hessian, l1, l2, packing, gradients, hessians, rows, gains, below):  # type: ignore[no-untyped-def]
    """The same with gradients' sizes shrunk by l1."""
    parent = _shrunk(node_gradient, l1) ** 2 / (node_hessian + l2)
    for i in range(length):
        hessian = np.float64(hessians[i]) * packing.hessian_unit + np.float64(rows[i]) * packing.hessian_per_row
        gradient = np.float64(gradients[i]) * packing.gradient_unit
        left, right = _shrunk(gradient, l1), _shrunk(node_gradient - gradient, l1)
        score = left * left / (hessian + l2) + right * right / (node_hessian - hessian + l2)
        gains[i] += np.float32(score - parent)
        below[i] += np.float32(hessian)


@inner_kernel
def _best_allowed(length, node_rows, node_hessian, packing, limits, rows, gains, below, allowed_gains):  # type: ignore[no-untyped-def]
    """Bits of the largest gain that the limits allow; -1 takes the place of the gains that they don't."""
    all_rows, least_rows = np.float32(node_rows), np.float32(limits.min_rows)
    whole, least = np.float32(node_hessian), np.float32(limits.min_hessian)
    per_hessian = np.float32(packing.rows_per_hessian)
    top = np.int32(-1)
    for i in range(length):
        hessian = below[i]
        n_rows = np.float32(rows[i]) + hessian * per_hessian
        allowed = (
            (n_rows >= least_rows) & (all_rows - n_rows >= least_rows) & (hessian >= least) & (whole - hessian >= least)
        )
        gain = gains[i] if allowed else np.float32(-1.0)
        allowed_gains[i] = gain
        top = max(top, np.float32(gain).view(np.int32))
    return top


@inner_kernel
def _shrunk(gradient, l1):  # type: ignore[no-untyped-def]
    """Its size less l1, at least 0: the square is that of the soft threshold (ESL, section 3.4.2)."""
    return max(abs(gradient) - l1, 0.0)


@inner_kernel
def key_of(bits, place):  # type: ignore[no-untyped-def]
    """Positive floats order like their bits, so the largest key has the largest gain, and of these the first place."""
    return (np.int64(bits) << 32) | (_LOW_WORD - np.int64(place))


@inner_kernel
def gain_bits(key):  # type: ignore[no-untyped-def]
    return np.int32(key >> 32)


@borrowing_kernel
def gain_of(key):  # type: ignore[no-untyped-def]
    return np.int32(key >> 32).view(np.float32)


@borrowing_kernel
def place_of(key):  # type: ignore[no-untyped-def]
    return _LOW_WORD - (key & _LOW_WORD)


@inner_kernel
def best_constrained(candidates, start, stop, total, packing, limits, l2, layout, lower, upper):  # type: ignore[no-untyped-def]
    """`best_candidate` for one output whose values must lie in lower..upper and keep to the columns' monotone directions."""
    node_gradient, node_hessian, node_rows = unpack(total, packing)
    parent = _bounded_score(node_gradient, node_hessian, limits.l1, l2, lower, upper)[0]
    best = np.int64(-1)
    for i in range(start, stop):
        gradient, hessian, rows = unpack(candidates.sums[0, i], packing)
        right_hessian = node_hessian - hessian
        if rows < limits.min_rows or node_rows - rows < limits.min_rows:
            continue
        if hessian < limits.min_hessian or right_hessian < limits.min_hessian:
            continue
        left_score, left = _bounded_score(gradient, hessian, limits.l1, l2, lower, upper)
        right_score, right = _bounded_score(node_gradient - gradient, right_hessian, limits.l1, l2, lower, upper)
        if np.float64(layout.monotone[layout.column_of_candidate[candidates.places[i]]]) * (right - left) >= 0.0:
            gain = np.float32(left_score + right_score - parent)
            best = max(best, key_of(np.float32(gain).view(np.int32), i))
    return best


@inner_kernel
def _bounded_score(gradient, hessian, l1, l2, lower, upper):  # type: ignore[no-untyped-def]
    """Twice the loss saved by the best value within bounds, and that value."""
    value = bounded_value(gradient, hessian, l1, l2, lower, upper)
    return -(2.0 * gradient * value + 2.0 * l1 * abs(value) + (hessian + l2) * value * value), value


@borrowing_kernel
def bounded_value(gradient, hessian, l1, l2, lower, upper):  # type: ignore[no-untyped-def]
    """A leaf's Newton step -G / (H + l2), G shrunk by l1, within bounds."""
    size = _shrunk(gradient, l1)
    value = -np.copysign(size, gradient) / (hessian + l2) if size > 0.0 else 0.0
    return min(max(value, lower), upper)
