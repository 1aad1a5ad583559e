"""Kernels of forests: the best split of a node for one target (regression, two classes), where a score is one product.

With W, G the sums of w and w y over a node and L over its left part, the decrease of the weighted variance is
(G_L W - G W_L)^2 / (W W_L W_R); the Gini decrease of two classes is twice that (Breiman et al. 1984, section 4.4).
"""

from functools import partial

import numpy as np

from evoml.kernels.forest_rows import lower_share, lowest_bit
from evoml.kernels.histogram import inlined_kernel, inner_kernel
from evoml.kernels.random import mix

LANES = 16  # numbers that a vector loop takes at a time
FEW_ROWS = 32  # up to so many, a random cut is compared with values' positions, and its bin is sought only if it wins
ABOVE_TIES = 1.0 + 1e-12  # a score must be higher by so much: of equal cuts the first drawn stays, however sums round
ROWS_WITH_BITS = 128  # below, bins are marked as rows are added; above, all bins are looked through afterwards

_ONE = np.uint64(1)
_SIX = np.uint64(6)
_SIXTY_THREE = np.uint64(63)
_FAR = np.int64(1 << 62)
# Sums may be taken in any order, so that they fill vectors.
_summing_kernel = partial(inlined_kernel, fastmath={"reassoc", "nsz", "nnan"})


@inlined_kernel
def score(left_weight, left_total, weight, total):  # type: ignore[no-untyped-def]
    """W times the decrease; -1 where rounding leaves a side without weight."""
    right_weight = weight - left_weight
    if not (right_weight > 0.0 and left_weight > 0.0):
        return -1.0
    difference = left_total * weight - total * left_weight
    return difference * difference / (left_weight * right_weight)


@inlined_kernel
def fill_histogram(  # type: ignore[no-untyped-def]
    columns, column, rows, start, n, n_bins, node_weights, node_totals, histogram, counts, counting, bits
):
    """Add a node's (w, w y) to the empty bins of ``histogram`` (4 * 256, 2), mark the touched ones; True if only one is."""
    column = np.uint64(column)
    first = np.uint64(start)
    for word in range(4):
        bits[word] = np.uint64(0)
    if n <= ROWS_WITH_BITS:
        for word in range(4, 8):
            bits[word] = np.uint64(0)
        for i in range(n):
            code = np.uint64(columns[column, rows[first + np.uint64(i)]])
            _add(histogram, code, node_weights, node_totals, i)
            bits[(code >> _SIX) + np.uint64((i & 1) << 2)] |= _ONE << (code & _SIXTY_THREE)
        for word in range(4):
            bits[word] |= bits[word + 4]
    else:
        # Rows side by side go to tables of their own: a bin that comes again at once would wait for its last sum.
        last_table = 3 if n_bins <= 64 else 1
        for i in range(n):
            code = np.uint64(columns[column, rows[first + np.uint64(i)]])
            _add(histogram, code + np.uint64((i & last_table) << 8), node_weights, node_totals, i)
        for bin_ in range(n_bins):
            for table in range(1, last_table + 1):
                for k in range(2):
                    histogram[bin_, k] += histogram[bin_ + (table << 8), k]
                    histogram[bin_ + (table << 8), k] = 0.0
            occupied = np.uint64(histogram[bin_, 0] > 0.0)
            bits[np.uint64(bin_) >> _SIX] |= occupied << (np.uint64(bin_) & _SIXTY_THREE)
    if counting:
        for i in range(n):
            counts[columns[column, rows[first + np.uint64(i)]]] += 1
    return is_one_bin(bits)


@inlined_kernel
def is_one_bin(bits):  # type: ignore[no-untyped-def]
    several = np.uint64(0)
    words = 0
    for i in range(4):
        words += bits[i] != 0
        several |= bits[i] & (bits[i] - _ONE)
    return words == 1 and several == 0


@inlined_kernel
def _add(histogram, code, node_weights, node_totals, i):  # type: ignore[no-untyped-def]
    weight, total = node_weights[i], node_totals[i]
    old_weight, old_total = histogram[code, 0], histogram[code, 1]
    histogram[code, 0] = old_weight + weight
    histogram[code, 1] = old_total + total


@inlined_kernel
def is_allowed(left_count, n, left_weight, weight, min_rows, min_weight):  # type: ignore[no-untyped-def]
    return (
        left_count >= min_rows
        and n - left_count >= min_rows
        and left_weight >= min_weight
        and weight - left_weight >= min_weight
    )


@inlined_kernel
def clear_histogram(histogram, counts, counting, bits):  # type: ignore[no-untyped-def]
    for word in range(4):
        rest = bits[word]
        while rest != 0:
            code = (np.uint64(word) << _SIX) + lowest_bit(rest)
            rest &= rest - _ONE
            histogram[code, 0] = 0.0
            histogram[code, 1] = 0.0
            if counting:
                counts[code] = 0


@inlined_kernel
def scan_bins(histogram, counts, counting, bits, n, weight, total, min_rows, min_weight, best):  # type: ignore[no-untyped-def]
    """Best cut of one column's touched bins, which are emptied on the way.

    Returns (score, low, high, missing_left): the cut lies between the touched bins low and high (256: none; only
    missing values go right), missing_left is 2 where nothing is missing. The score is ``best`` or less if none beats it.
    """
    missing_weight, missing_total, missing_count = 0.0, 0.0, 0
    has_missing = bits[0] & _ONE != 0
    if has_missing:
        missing_weight, missing_total = histogram[0, 0], histogram[0, 1]
        histogram[0, 0] = 0.0
        histogram[0, 1] = 0.0
        if counting:
            missing_count = counts[0]
            counts[0] = 0
    left_weight, left_total, left_count = 0.0, 0.0, 0
    best_low, best_high, best_side = np.int64(0), np.int64(0), 2
    previous = np.int64(0)
    for word in range(4):
        rest = bits[word]
        if word == 0:
            rest &= ~_ONE
        while rest != 0:
            code = (np.uint64(word) << _SIX) + lowest_bit(rest)
            rest &= rest - _ONE
            if previous > 0:
                found = score(left_weight, left_total, weight, total)
                if found > best and (
                    not counting or is_allowed(left_count, n, left_weight, weight, min_rows, min_weight)
                ):
                    best, best_low, best_high, best_side = found * ABOVE_TIES, previous, np.int64(code), 0
                if has_missing:
                    with_missing = left_weight + missing_weight
                    found = score(with_missing, left_total + missing_total, weight, total)
                    if found > best and (
                        not counting
                        or is_allowed(left_count + missing_count, n, with_missing, weight, min_rows, min_weight)
                    ):
                        best, best_low, best_high, best_side = found * ABOVE_TIES, previous, np.int64(code), 1
            left_weight += histogram[code, 0]
            left_total += histogram[code, 1]
            histogram[code, 0] = 0.0
            histogram[code, 1] = 0.0
            if counting:
                left_count += counts[code]
                counts[code] = 0
            previous = np.int64(code)
    if not has_missing:
        return best, best_low, best_high, 2
    found = score(left_weight, left_total, weight, total)
    if found > best and (not counting or is_allowed(left_count, n, left_weight, weight, min_rows, min_weight)):
        return found * ABOVE_TIES, previous, 256, 0
    return best, best_low, best_high, best_side


@inlined_kernel
def padded(n):  # type: ignore[no-untyped-def]
    """n rounded up to a multiple of LANES."""
    return (n + (LANES - 1)) // LANES * LANES


@inlined_kernel
def read_codes(columns, column, rows, start, n, codes):  # type: ignore[no-untyped-def]
    """Copy a node's codes of one column, padded with the last; returns the lowest and highest, and if any value misses.

    The lowest is that of the values (256 if there is none).
    """
    first, column = np.uint64(start), np.uint64(column)
    for i in range(n):
        codes[i] = columns[column, rows[first + np.uint64(i)]]
    last = codes[np.uint64(n - 1)]
    for i in range(LANES):
        codes[np.uint64(n + i)] = last
    lowest, highest = last, last
    for i in range(padded(n)):
        lowest = codes[i] if codes[i] < lowest else lowest
        highest = codes[i] if codes[i] > highest else highest
    low, high = np.int64(lowest), np.int64(highest)
    missing = low == 0
    if missing:
        low = np.int64(256)
        for i in range(n):
            code = np.int64(codes[i])
            low = code if code != 0 and code < low else low
    return low, high, missing


@inlined_kernel
def draw_place(low, high, drawn):  # type: ignore[no-untyped-def]
    """Cut in low .. high - 1, uniform between a node's lowest and highest value (Geurts et al. 2006, table 1)."""
    return low + np.int64(lower_share(drawn) * np.float64(high - low))


@inlined_kernel
def threshold_at(positions, column, cut):  # type: ignore[no-untyped-def]
    """Highest bin whose position is at most ``cut``."""
    column, bin_ = np.uint64(column), np.uint64(0)
    for step in range(8):
        half = np.uint64(128) >> np.uint64(step)
        bin_ += half & np.uint64((positions[column, bin_ + half] - cut - 1) >> 63)  # all ones where at most the cut
    return np.int64(bin_)


@inlined_kernel
def read_places(columns, column, rows, start, n, positions, places):  # type: ignore[no-untyped-def]
    """Copy the positions of a small node's values; returns the lowest (-1 if any is missing) and the highest."""
    first, column = np.uint64(start), np.uint64(column)
    low, high = _FAR, np.int64(-1)
    for i in range(n):
        place = positions[column, np.uint64(columns[column, rows[first + np.uint64(i)]])]
        places[i] = place
        low = place if place < low else low
        high = place if place > high else high
    return low, high


@_summing_kernel
def sum_up_to(places, n, cut, node_weights, node_totals):  # type: ignore[no-untyped-def]
    """Sums of w and w y of the positions up to the cut."""
    weight, total = 0.0, 0.0
    for i in range(padded(n)):
        w, wy = node_weights[i], node_totals[i]
        inside = places[i] <= cut
        weight += w if inside else 0.0
        total += wy if inside else 0.0
    return weight, total


@_summing_kernel
def sum_left(codes, n, threshold, missing_left, node_weights, node_totals):  # type: ignore[no-untyped-def]
    """Sums of w and w y of the codes up to the threshold."""
    shift = np.uint8(1 - missing_left)
    limit = np.uint8(threshold - (1 - missing_left))
    weight, total = 0.0, 0.0
    for i in range(padded(n)):
        w, wy = node_weights[i], node_totals[i]
        inside = np.uint8(codes[i] - shift) <= limit
        weight += w if inside else 0.0
        total += wy if inside else 0.0
    return weight, total


@inlined_kernel
def count_left(codes, n, threshold, missing_left):  # type: ignore[no-untyped-def]
    shift = 1 - missing_left
    count = 0
    for i in range(n):
        count += ((np.int64(codes[i]) - shift) & 255) <= threshold - shift
    return count


@inlined_kernel
def sum_members(codes, n, members, node_weights, node_totals):  # type: ignore[no-untyped-def]
    """Sums of w and w y, and the number of rows, of the codes whose bit is set in ``members`` (4,)."""
    weight, total, count = 0.0, 0.0, 0
    for i in range(n):
        code = np.uint64(codes[i])
        inside = (members[code >> _SIX] >> (code & _SIXTY_THREE)) & _ONE != 0
        weight += node_weights[i] if inside else 0.0
        total += node_totals[i] if inside else 0.0
        count += inside
    return weight, total, count


@inlined_kernel
def draw_sides(bits, first, members, key):  # type: ignore[no-untyped-def]
    """Send each category of ``bits`` (4,) to a random side, into ``members`` (4,); ``first`` moves if a side is empty."""
    none_left, all_left = True, True
    for word in range(4):
        members[word] = bits[word] & mix(key, np.uint64(word + 1))
        none_left = none_left and members[word] == 0
        all_left = all_left and members[word] == bits[word]
    if none_left or all_left:
        members[first >> _SIX] ^= _ONE << (first & _SIXTY_THREE)


@inlined_kernel
def draw_members(codes, n, bits, members, key):  # type: ignore[no-untyped-def]
    """Send each category of a node to a random side (Geurts et al. 2006, section 2.1); False if there is only one."""
    for word in range(4):
        bits[word] = np.uint64(0)
    for i in range(n):
        code = np.uint64(codes[i])
        bits[code >> _SIX] |= _ONE << (code & _SIXTY_THREE)
    if is_one_bin(bits):
        return False
    draw_sides(bits, np.uint64(codes[0]), members, key)
    return True


@inlined_kernel
def draw_cut(  # type: ignore[no-untyped-def]
    columns, column, rows, start, n, positions, categorical, codes, bits, members, key
):
    """Read a node's codes and draw a cut: (constant, threshold, missing_left), or ``members`` of a categorical one.

    A threshold of -1: none. The column was looked at all the same, so that a node may stay a leaf.
    """
    low, high, missing = read_codes(columns, column, rows, start, n, codes)
    if categorical:
        return not draw_members(codes, n, bits, members, key), 0, 2
    side = np.int64(mix(key, np.uint64(1)) & _ONE) if missing else 2
    if low >= high:  # at most one value: it is parted from the missing ones if those are drawn to be at the right
        return not missing or high == 0, -1 if side == 1 else 255, side
    cut = draw_place(positions[column, np.uint64(low)], positions[column, np.uint64(high)], key)
    return False, threshold_at(positions, column, cut), side


@inlined_kernel
def random_cut(  # type: ignore[no-untyped-def]
    columns, column, rows, start, n, positions, categorical, codes, places, node_weights, node_totals, bits, members,
    weight, total, min_rows, min_weight, best, key,
):  # fmt: skip
    """A cut drawn at random: (constant, score, threshold, missing_left)."""
    if n <= FEW_ROWS and min_rows <= 1 and not categorical:
        low, high = read_places(columns, column, rows, start, n, positions, places)
        if low == high and low >= 0:
            return True, -1.0, 0, 2
        if low >= 0:
            cut = draw_place(low, high, key)
            left_weight, left_total = sum_up_to(places, n, cut, node_weights, node_totals)
            found = score(left_weight, left_total, weight, total)
            if not (found > best and is_allowed(1, n, left_weight, weight, 1, min_weight)):
                return False, best, 0, 2
            return False, found * ABOVE_TIES, threshold_at(positions, column, cut), 2
    constant, threshold, side = draw_cut(
        columns, column, rows, start, n, positions, categorical, codes, bits, members, key
    )
    if constant:
        return True, -1.0, 0, 2
    if threshold < 0:
        return False, -1.0, 0, 2
    if categorical:
        left_weight, left_total, count = sum_members(codes, n, members, node_weights, node_totals)
    else:
        left_weight, left_total = sum_left(codes, n, threshold, side & 1, node_weights, node_totals)
        count = count_left(codes, n, threshold, side & 1) if min_rows > 1 else n >> 1
    if not is_allowed(count, n, left_weight, weight, min_rows, min_weight):
        return False, -1.0, 0, 2
    found = score(left_weight, left_total, weight, total)
    return False, found * ABOVE_TIES if found > best else best, threshold, side


@inlined_kernel
def sort_by_mean(histogram, bins, n_bins):  # type: ignore[no-untyped-def]
    """Insertion sort of bins by their mean target, ties in the order of bins."""
    for i in range(1, n_bins):
        bin_ = bins[i]
        weight, total = histogram[bin_, 0], histogram[bin_, 1]
        j = i - 1
        while j >= 0 and histogram[bins[j], 1] * weight > total * histogram[bins[j], 0]:
            bins[j + 1] = bins[j]
            j -= 1
        bins[j + 1] = bin_


@inner_kernel
def scan_categories(  # type: ignore[no-untyped-def]
    histogram, counts, counting, bits, bins, members, n, weight, total, min_rows, min_weight, best
):
    """Best split of categories into two sets: a cut through them in the order of their means (Fisher 1958).

    Bin 0 (missing or rare) is a category like others. The left ones are written to ``members``; returns the score.
    """
    n_bins = 0
    for code in range(256):
        if (bits[code >> 6] >> np.uint64(code & 63)) & _ONE:
            bins[n_bins] = code
            n_bins += 1
    sort_by_mean(histogram, bins, n_bins)
    left_weight, left_total, left_count, best_size = 0.0, 0.0, 0, 0
    for position in range(n_bins - 1):
        code = bins[position]
        left_weight += histogram[code, 0]
        left_total += histogram[code, 1]
        left_count += counts[code]
        found = score(left_weight, left_total, weight, total)
        if found > best and (not counting or is_allowed(left_count, n, left_weight, weight, min_rows, min_weight)):
            best, best_size = found * ABOVE_TIES, position + 1
    members[:] = np.uint64(0)
    for position in range(best_size):
        members[bins[position] >> 6] |= _ONE << np.uint64(bins[position] & 63)
    clear_histogram(histogram, counts, counting, bits)
    return best
