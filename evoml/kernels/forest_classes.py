"""Kernels of forests: the best split of a node for three or more classes.

The score of a cut is sum_k L_k^2 / W_L + sum_k R_k^2 / W_R of the class weights at either side: the weight less W times
the Gini impurity (Breiman et al. 1984, section 4.3).
"""

from functools import partial

import numpy as np

from evoml.kernels.forest_means import ABOVE_TIES, is_allowed, is_one_bin
from evoml.kernels.forest_rows import lowest_bit
from evoml.kernels.histogram import inlined_kernel, inner_kernel

_ONE = np.uint64(1)
_SIX = np.uint64(6)
_SIXTY_THREE = np.uint64(63)
_END = np.int32(-1)
_ROW, _BIN = 16, 10  # measured: a chained row takes as long as 16 classes of a bin, what is done once a bin as 10
# Sums may be taken in any order, so that they fill vectors.
_summing_kernel = partial(inlined_kernel, fastmath={"reassoc", "nsz", "contract"})


@_summing_kernel
def sum_of_squares(values, n):  # type: ignore[no-untyped-def]
    total = 0.0
    for i in range(n):
        total += values[i] * values[i]
    return total


@inlined_kernel
def clear(values, n):  # type: ignore[no-untyped-def]
    for i in range(n):
        values[i] = 0.0


@inlined_kernel
def share_score(left_squares, right_squares, left_weight, weight):  # type: ignore[no-untyped-def]
    right_weight = weight - left_weight
    if not (right_weight > 0.0 and left_weight > 0.0):
        return -1.0
    return (left_squares * right_weight + right_squares * left_weight) / (left_weight * right_weight)


@inlined_kernel
def chain_rows(columns, column, rows, start, n, chain_heads, chain_links, bits):  # type: ignore[no-untyped-def]
    """Link the rows of each bin (a bucket sort without counts) and mark the touched bins."""
    first = np.uint64(start)
    column = np.uint64(column)
    for word in range(8):
        bits[word] = np.uint64(0)
    for i in range(n):
        code = np.uint64(columns[column, rows[first + np.uint64(i)]])
        chain_links[i] = chain_heads[code]
        chain_heads[code] = i
        bits[(code >> _SIX) + np.uint64((i & 1) << 2)] |= _ONE << (code & _SIXTY_THREE)
    for word in range(4):
        bits[word] |= bits[word + 4]


@inlined_kernel
def clear_chains(chain_heads, bits):  # type: ignore[no-untyped-def]
    for word in range(4):
        rest = bits[word]
        while rest != 0:
            chain_heads[(np.uint64(word) << _SIX) + lowest_bit(rest)] = _END
            rest &= rest - _ONE


@inlined_kernel
def move_chain(head, chain_links, node_weights, node_labels, class_totals, left, sums):  # type: ignore[no-untyped-def]
    """Move a bin's rows to the left side: class weights and both sums of squares change row by row, in O(1) each."""
    left_weight, left_squares, right_squares, count = sums
    i = head
    while i >= 0:
        position = np.uint64(i)
        weight, label = node_weights[position], np.uint64(node_labels[position])
        here = left[label]
        left_squares += weight * (2.0 * here + weight)
        right_squares += weight * (weight - 2.0 * (class_totals[label] - here))
        left[label] = here + weight
        left_weight += weight
        count += 1
        i = chain_links[position]
    return left_weight, left_squares, right_squares, count


@inlined_kernel
def fill_class_histogram(  # type: ignore[no-untyped-def]
    columns, column, rows, start, n, n_bins, node_weights, node_labels, class_histogram, marks, counts, counting, bits
):
    """Add a node's weights to the empty (256, n_classes) bins and mark the touched ones; count rows if asked for."""
    first = np.uint64(start)
    column = np.uint64(column)
    for word in range(4):
        bits[word] = np.uint64(0)
    for i in range(n):
        code = np.uint64(columns[column, rows[first + np.uint64(i)]])
        class_histogram[code, np.uint64(node_labels[i])] += node_weights[i]
        marks[code] = np.uint8(1)
    for bin_ in range(n_bins):
        bits[np.uint64(bin_) >> _SIX] |= np.uint64(marks[bin_]) << (np.uint64(bin_) & _SIXTY_THREE)
        marks[bin_] = np.uint8(0)
    if counting:
        for i in range(n):
            counts[columns[column, rows[first + np.uint64(i)]]] += 1


@inlined_kernel
def clear_class_histogram(class_histogram, counts, bits):  # type: ignore[no-untyped-def]
    for word in range(4):
        rest = bits[word]
        while rest != 0:
            code = (np.uint64(word) << _SIX) + lowest_bit(rest)
            rest &= rest - _ONE
            counts[code] = 0
            for label in range(class_histogram.shape[1]):
                class_histogram[code, label] = 0.0


@_summing_kernel
def move_bin(bin_weights, count, class_totals, left, sums):  # type: ignore[no-untyped-def]
    """As move_chain, for a bin whose weights are summed by class: both sums of squares are taken anew."""
    left_weight, left_squares, right_squares = sums[0], 0.0, 0.0
    for label in range(len(class_totals)):
        here = left[label] + bin_weights[label]
        left[label] = here
        left_weight += bin_weights[label]
        left_squares += here * here
        right_squares += (class_totals[label] - here) * (class_totals[label] - here)
    return left_weight, left_squares, right_squares, sums[3] + count


@inlined_kernel
def scan_classes(  # type: ignore[no-untyped-def]
    order,
    first,
    last,
    dense,
    class_histogram,
    counts,
    counting,
    chain_heads,
    chain_links,
    node_weights,
    node_labels,
    class_totals,
    left,
    sums,
    n,
    weight,
    min_rows,
    min_weight,
    best,
):
    """Best cut between the bins ``order[first:last]`` taken in that order.

    Returns (score, position of the first bin that goes right (0: no cut beats ``best``), sums after the last bin).
    """
    best_position = 0
    for position in range(first, last):
        code = np.uint64(order[np.uint64(position)])
        if position > first:
            found = share_score(sums[1], sums[2], sums[0], weight)
            if found > best and (not counting or is_allowed(sums[3], n, sums[0], weight, min_rows, min_weight)):
                best, best_position = found * ABOVE_TIES, position
        if dense:
            sums = move_bin(class_histogram[code], counts[code], class_totals, left, sums)
        else:
            sums = move_chain(chain_heads[code], chain_links, node_weights, node_labels, class_totals, left, sums)
    return best, best_position, sums


@inlined_kernel
def list_bins(bits, order):  # type: ignore[no-untyped-def]
    """Write the marked bins in ascending order; returns how many."""
    n_bins = 0
    for word in range(4):
        rest = bits[word]
        while rest != 0:
            order[n_bins] = (np.uint64(word) << _SIX) + lowest_bit(rest)
            rest &= rest - _ONE
            n_bins += 1
    return n_bins


@inner_kernel
def sort_categories(  # type: ignore[no-untyped-def]
    bins,
    n_bins,
    dense,
    class_histogram,
    chain_heads,
    chain_links,
    node_weights,
    node_labels,
    class_totals,
    weight,
    shares,
    axes,
):
    """Order categories by their class shares' first principal component (Coppersmith, Hong and Hosking 1999).

    A few steps of the power method, from the axis of the heaviest class. shares: room (256, n_classes + 2), the last two
    columns for the bins' weights and their places along the component; axes: room (2, n_classes).
    """
    n_classes = len(class_totals)
    heaviest = 0
    for label in range(n_classes):
        if class_totals[label] > class_totals[heaviest]:
            heaviest = label
        axes[0, label] = 0.0
    axes[0, heaviest] = 1.0
    for position in range(n_bins):
        code = bins[position]
        own = 0.0
        for label in range(n_classes):
            shares[position, label] = class_histogram[code, label] if dense else 0.0
        i = -1 if dense else chain_heads[code]
        while i >= 0:
            shares[position, node_labels[i]] += node_weights[i]
            i = chain_links[i]
        for label in range(n_classes):
            own += shares[position, label]
        for label in range(n_classes):
            shares[position, label] = shares[position, label] / own - class_totals[label] / weight
        shares[position, n_classes] = own
    for step in range(6):
        for label in range(n_classes):
            axes[1, label] = 0.0
        for position in range(n_bins):
            key = 0.0
            for label in range(n_classes):
                key += shares[position, label] * axes[0, label]
            shares[position, n_classes + 1] = key
            for label in range(n_classes):
                axes[1, label] += shares[position, n_classes] * key * shares[position, label]
        length = 0.0
        for label in range(n_classes):
            length += axes[1, label] * axes[1, label]
        if step == 5 or not length > 0.0:
            break
        for label in range(n_classes):
            axes[0, label] = axes[1, label] / np.sqrt(length)
    for i in range(1, n_bins):
        code, key = bins[i], shares[i, n_classes + 1]
        j = i - 1
        while j >= 0 and shares[j, n_classes + 1] > key:
            bins[j + 1], shares[j + 1, n_classes + 1] = bins[j], shares[j, n_classes + 1]
            j -= 1
        bins[j + 1], shares[j + 1, n_classes + 1] = code, key


@inlined_kernel
def best_cut(  # type: ignore[no-untyped-def]
    columns, column, rows, start, n, n_bins, categorical, node_weights, node_labels, class_totals, left,
    class_histogram, marks, counts, chain_heads, chain_links, bits, bins, members, category_shares, axes,
    weight, squares, min_rows, min_weight, best,
):  # fmt: skip
    """Best cut of one column: (constant, score, threshold, missing_left), or ``members`` of a categorical one."""
    counting = min_rows > 1 or min_weight > 0.0
    dense = _ROW * n > min(n, n_bins) * (len(class_totals) + _BIN) + n_bins
    if dense:
        fill_class_histogram(
            columns, column, rows, start, n, n_bins, node_weights, node_labels, class_histogram, marks, counts,
            counting, bits,
        )  # fmt: skip
    else:
        chain_rows(columns, column, rows, start, n, chain_heads, chain_links, bits)
    constant = is_one_bin(bits)
    threshold, side = 0, 2
    if not constant:
        has_missing = bits[0] & _ONE != 0
        n_marked = list_bins(bits, bins)
        first = 0
        if categorical:
            sort_categories(
                bins, n_marked, dense, class_histogram, chain_heads, chain_links, node_weights, node_labels,
                class_totals, weight, category_shares, axes,
            )  # fmt: skip
        elif has_missing:
            first = 1
        clear(left, len(class_totals))
        best, position, sums = scan_classes(
            bins, first, n_marked, dense, class_histogram, counts, counting, chain_heads, chain_links, node_weights,
            node_labels, class_totals, left, (0.0, 0.0, squares, 0), n, weight, min_rows, min_weight, best,
        )  # fmt: skip
        if categorical:
            members[:] = np.uint64(0)
            for bin_ in range(position):
                members[bins[bin_] >> 6] |= _ONE << np.uint64(bins[bin_] & 63)
        elif position > 0:
            threshold = (bins[position - 1] + bins[position] - 1) >> 1
            side = 0 if has_missing else 2
        if first == 1:
            found = share_score(sums[1], sums[2], sums[0], weight)
            if found > best and (not counting or is_allowed(sums[3], n, sums[0], weight, min_rows, min_weight)):
                best, threshold, side = found * ABOVE_TIES, 255, 0
            clear(left, len(class_totals))
            best, position, sums = scan_classes(
                bins, 0, n_marked, dense, class_histogram, counts, counting, chain_heads, chain_links, node_weights,
                node_labels, class_totals, left, (0.0, 0.0, squares, 0), n, weight, min_rows, min_weight, best,
            )  # fmt: skip
            if position > 0:
                threshold = 0 if position == 1 else (bins[position - 1] + bins[position] - 1) >> 1
                side = 1
    if dense:
        clear_class_histogram(class_histogram, counts, bits)
    else:
        clear_chains(chain_heads, bits)
    return constant, (-1.0 if constant else best), threshold, side
