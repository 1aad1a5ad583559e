"""Kernels of forests: random cuts of all columns that a node draws, compared at once (Geurts, Ernst and Wehenkel 2006).

A node's rows lie class by class, so that the class weights at the left of the cuts of a block of columns are vector sums
over a run of rows.
"""

from typing import NamedTuple

import numpy as np

from evoml.kernels.compiling import kernel
from evoml.kernels.forest_means import ABOVE_TIES, draw_place, draw_sides, is_allowed, threshold_at
from evoml.kernels.forest_rows import random_below
from evoml.kernels.forest_vectors import (
    BLOCK,
    HALF,
    MOST_COUNTED,
    MOST_SQUARED,
    add_squares,
    count_left,
    find_extremes,
    sum_left,
)
from evoml.kernels.histogram import inlined_kernel, inner_kernel
from evoml.kernels.random import mix

NO_MISSING = 2  # in place of missing_left: no value of the column was missing in the node
NO_CUT = -1  # in place of a threshold: the column was looked at all the same

_ONE = np.uint64(1)
_SIX = np.uint64(6)
_SIXTY_THREE = np.uint64(63)
_ROWS_A_CLASS = 32  # measured: where halving is as fast as looking at all rows
_WEIGHT, _LEFT, _RIGHT, _END = BLOCK, 2 * BLOCK, 3 * BLOCK, 4 * BLOCK  # places in a block's sums


class Cuts(NamedTuple):
    """Room for the cuts of a node.

    least, lowest, highest, shifts, limits: uint8 by column, see forest_vectors; known: node for which a block's extremes, and
    its sums, were last found; drawn: column, threshold, missing_left; keys: the random numbers; run_classes, run_lengths,
    run_weights: what each run of rows is of, and its rows and weight; sums: for each block its BLOCK columns' rows at the
    left, their weight, and the sums that a score is made of (one for a number, two for classes).
    """

    least: np.ndarray
    lowest: np.ndarray
    highest: np.ndarray
    shifts: np.ndarray
    limits: np.ndarray
    known: np.ndarray
    drawn: np.ndarray
    keys: np.ndarray
    run_classes: np.ndarray
    run_lengths: np.ndarray
    run_weights: np.ndarray
    sums: np.ndarray


@kernel
def make_cuts(stride, n_columns, n_classes):  # type: ignore[no-untyped-def]
    """Room for the cuts of a node, for columns in blocks of ``stride`` altogether."""
    n_runs = max(n_classes, 1) + 1
    return Cuts(
        np.zeros(stride, np.uint8),
        np.zeros(stride, np.uint8),
        np.zeros(stride, np.uint8),
        np.zeros(stride, np.uint8),
        np.zeros(stride, np.uint8),
        np.full((2, stride // BLOCK), -1, np.int64),
        np.zeros((n_columns, 3), np.int64),
        np.zeros(n_columns, np.uint64),
        np.zeros(n_runs, np.int64),
        np.zeros(n_runs, np.int64),
        np.zeros(n_runs, np.float64),
        np.zeros(stride // BLOCK * _END, np.float64),
    )


@inlined_kernel
def list_runs(rows, start, n, labels, run_classes, run_lengths, n_classes):  # type: ignore[no-untyped-def]
    """List the runs of a node's rows of one class each: their classes, and where they end; returns how many there are.

    Few classes in many rows are told apart by halving, else all rows are looked at, without a branch.
    """
    first, n_runs = np.uint64(start), np.uint64(0)
    end = first + np.uint64(n)
    if n > _ROWS_A_CLASS * n_classes:
        last_label = labels[rows[end - _ONE]]
        begin, label = first, labels[rows[first]]
        while label != last_label:
            low, high = begin, end - _ONE  # of this class, and of another
            while high - low > _ONE:
                half = (low + high) >> _ONE
                same = labels[rows[half]] == label
                low, high = (half if same else low), (high if same else half)
            run_classes[n_runs], run_lengths[n_runs] = label, high - first
            n_runs += _ONE
            begin, label = high, labels[rows[high]]
        run_classes[n_runs], run_lengths[n_runs] = label, n
        return np.int64(n_runs) + 1
    previous = labels[rows[first]]
    run_classes[0] = previous
    for place in range(first + _ONE, end):
        label = labels[rows[place]]
        run_lengths[n_runs] = place - first
        n_runs += np.uint64(label != previous)
        run_classes[n_runs] = label
        previous = label
    run_lengths[n_runs] = n
    return np.int64(n_runs) + 1


@inlined_kernel
def gather_runs(rows, start, n, pairs, labels, unit, node_weights, cuts, class_totals):  # type: ignore[no-untyped-def]
    """Fill the node's runs and class totals; returns the weight and how many runs there are.

    Weights are gathered only if there are others than one.
    """
    run_classes, run_lengths, run_weights = cuts.run_classes, cuts.run_lengths, cuts.run_weights
    n_runs = list_runs(rows, start, n, labels, run_classes, run_lengths, len(class_totals))
    class_totals[:] = 0.0
    first, weight = np.int64(0), 0.0
    for run in range(np.uint64(n_runs)):
        last = run_lengths[run]
        own = 1.0 * (last - first)
        if not unit or n > MOST_SQUARED:
            own = 0.0
            for i in range(first, last):
                w = pairs[rows[np.uint64(start) + np.uint64(i)], 0]
                node_weights[np.uint64(i)] = w
                own += w
        run_lengths[run] = last - first
        run_weights[run] = own
        class_totals[np.uint64(run_classes[run])] = own
        weight += own
        first = last
    return weight, n_runs


@inlined_kernel
def draw_cut(table, cuts, column, drawn):  # type: ignore[no-untyped-def]
    """Draw a cut of a column whose extremes are known: (constant, threshold, missing_left)."""
    low, high = np.int64(cuts.lowest[column]) + 1, np.int64(cuts.highest[column])
    missing = cuts.least[column] == 0
    if high == 0 or (low == high and not missing):
        return True, NO_CUT, NO_MISSING
    if table.categorical[column]:
        return False, 0, NO_MISSING
    side = np.int64(mix(drawn, np.uint64(1)) & _ONE) if missing else NO_MISSING
    if low == high:  # one value: it is parted from the missing ones if those are drawn to be at the right
        return False, NO_CUT if side == 1 else 255, side
    positions = table.positions
    cut = draw_place(positions[column, np.uint64(low)], positions[column, np.uint64(high)], drawn)
    return False, threshold_at(positions, column, cut), side


@inlined_kernel
def draw_cuts(table, cuts, order, rows, start, n, max_features, n_constants, node, key):  # type: ignore[no-untyped-def]
    """Draw columns as forest_search.search does, and a cut of each: the numbers of cuts and of constant columns."""
    undrawn_constants, found_constants, end = n_constants, n_constants, len(order)
    seen, useful = 0, 0
    while found_constants < end and (seen < max_features or useful == 0):
        drawn = mix(key, np.uint64(seen))
        pick = random_below(drawn, undrawn_constants + end - found_constants)
        seen += 1
        if pick < undrawn_constants:
            undrawn_constants -= 1
            continue
        position = np.uint64(found_constants + pick - undrawn_constants)
        column = np.uint64(order[position])
        block = column // np.uint64(BLOCK)
        if cuts.known[0, block] != node:
            cuts.known[0, block] = node
            first = np.int64(block) * BLOCK
            find_extremes(table.codes, table.stride, rows, start, n, first, cuts.least, cuts.lowest, cuts.highest)  # type: ignore[call-arg]
        constant, threshold, side = draw_cut(table, cuts, column, drawn)
        if constant:
            order[position] = order[np.uint64(found_constants)]
            order[np.uint64(found_constants)] = column
            found_constants += 1
            continue
        end -= 1
        order[position] = order[np.uint64(end)]
        order[np.uint64(end)] = column
        shift = 1 - (side & 1)
        cuts.shifts[column], cuts.limits[column] = shift, threshold - shift
        place = np.uint64(useful)
        cuts.drawn[place, 0], cuts.drawn[place, 1], cuts.drawn[place, 2] = column, threshold, side
        cuts.keys[place] = drawn
        useful += 1
        if n == 2 and threshold != NO_CUT:  # it parts them, as well as any
            break
    return useful, found_constants


@inlined_kernel
def count_block(codes, stride, rows, start, n, first, cuts, found):  # type: ignore[no-untyped-def]
    """Rows at the left of the cuts of BLOCK columns."""
    for j in range(BLOCK):
        found[j] = 0.0
    for begin in range(0, n, MOST_COUNTED):
        few = min(n - begin, MOST_COUNTED)
        count_left(codes, stride, rows, start + begin, few, first, cuts.shifts, cuts.limits, found)  # type: ignore[call-arg]


@inlined_kernel
def sum_block(codes, stride, rows, start, n, first, cuts, found, values, offset):  # type: ignore[no-untyped-def]
    """Sums of ``values`` (from ``offset``) at the left."""
    sum_left(codes, stride, rows, start, n, first, cuts.shifts, cuts.limits, found, values, offset)  # type: ignore[call-arg]
    if first + HALF < len(cuts.drawn):  # what follows may hold no columns
        second = first + HALF
        sum_left(codes, stride, rows, start, n, second, cuts.shifts, cuts.limits, found[HALF:], values, offset)


@inner_kernel
def sum_squares(codes, stride, rows, start, first, cuts, n_runs, node_weights, sums):  # type: ignore[no-untyped-def]
    """As add_squares, for rows of any weight and any number of them."""
    for j in range(_WEIGHT, _END):
        sums[j] = 0.0
    offset = np.int64(0)
    for run in range(n_runs):
        length, own = cuts.run_lengths[run], cuts.run_weights[run]
        sum_block(codes, stride, rows, start + offset, length, first, cuts, sums, node_weights, offset)
        for j in range(BLOCK):
            here = sums[j]
            sums[_WEIGHT + j] += here
            sums[_LEFT + j] += here * here
            sums[_RIGHT + j] += (own - here) * (own - here)
        offset += length


@inlined_kernel
def sum_sides(table, scratch, cuts, start, n, n_runs, unit, first, sums, counting):  # type: ignore[no-untyped-def]
    """What the scores of the cuts of BLOCK columns from ``first`` are made of."""
    codes, stride, rows = table.codes, table.stride, scratch.rows
    if unit and n <= MOST_SQUARED:
        add_squares(  # type: ignore[call-arg]
            codes, stride, rows, start, np.int64(n_runs), first, cuts.shifts, cuts.limits, sums, cuts.run_lengths
        )
    else:
        sum_squares(codes, stride, rows, start, first, cuts, n_runs, scratch.node_weights, sums)
    if counting:
        count_block(codes, stride, rows, start, n, first, cuts, sums)


@inlined_kernel
def score_sides(sums, place, weight):  # type: ignore[no-untyped-def]
    """Score of one cut, as forest_classes has it."""
    left_weight = sums[np.uint64(place + _WEIGHT)]
    right_weight = weight - left_weight
    if not (right_weight > 0.0 and left_weight > 0.0):
        return -1.0
    left = sums[np.uint64(place + _LEFT)]
    right = sums[np.uint64(place + _RIGHT)]
    return (left * right_weight + right * left_weight) / (left_weight * right_weight)


@inner_kernel
def score_categories(table, scratch, cuts, rules, start, n, n_runs, unit, column, key, weight, min_weight):  # type: ignore[no-untyped-def]
    """Send each category of a node to a random side (Geurts et al. 2006, section 2.1): scratch.members, and the score."""
    bits, members = scratch.bits, scratch.members
    bits[:] = np.uint64(0)
    for i in range(n):
        code = np.uint64(table.columns[column, scratch.rows[start + i]])
        bits[code >> _SIX] |= _ONE << (code & _SIXTY_THREE)
    draw_sides(bits, np.uint64(table.columns[column, scratch.rows[start]]), members, key)
    count, left_weight, left, right = 0, 0.0, 0.0, 0.0
    offset = 0
    for run in range(n_runs):
        own = 0.0
        for i in range(offset, offset + cuts.run_lengths[run]):
            code = np.uint64(table.columns[column, scratch.rows[start + i]])
            inside = (members[code >> _SIX] >> (code & _SIXTY_THREE)) & _ONE != 0
            count += inside
            own += (1.0 if unit else scratch.node_weights[i]) if inside else 0.0
        left_weight += own
        offset += cuts.run_lengths[run]
        left += own * own
        right += (cuts.run_weights[run] - own) * (cuts.run_weights[run] - own)
    if not is_allowed(count, n, left_weight, weight, rules.min_samples_leaf, min_weight):
        return -1.0
    right_weight = weight - left_weight
    return left / left_weight + right / right_weight if left_weight > 0.0 and right_weight > 0.0 else -1.0


@inlined_kernel
def search_cuts(table, scratch, cuts, rules, start, n, n_runs, unit, weight, min_weight, n_constants, node, key):  # type: ignore[no-untyped-def]
    """The best of random cuts, one a column drawn: (score, column, threshold, missing_left, n_constants).

    See forest_search.search.
    """
    n_drawn, n_constants = draw_cuts(
        table, cuts, scratch.column_order, scratch.rows, start, n, rules.max_features, n_constants, node, key
    )
    counting = rules.min_samples_leaf > 1 or min_weight > 0.0
    best, best_column, best_threshold, best_side = -0.5, np.int64(-1), np.int64(0), np.int64(NO_MISSING)
    for place in range(np.uint64(n_drawn)):
        column, threshold, side = cuts.drawn[place, 0], cuts.drawn[place, 1], cuts.drawn[place, 2]
        if threshold == NO_CUT:
            continue
        categorical = table.categorical[column]
        if categorical:
            found = score_categories(
                table, scratch, cuts, rules, start, n, n_runs, unit, column, cuts.keys[place], weight, min_weight
            )  # fmt: skip
        else:
            block, lane = column // BLOCK, column % BLOCK
            at = block * _END + lane
            if cuts.known[1, block] != node:
                cuts.known[1, block] = node
                sum_sides(
                    table, scratch, cuts, start, n, n_runs, unit, block * BLOCK, cuts.sums[block * _END :], counting
                )  # fmt: skip
            found = score_sides(cuts.sums, at, weight)
            if counting and not is_allowed(
                cuts.sums[at], n, cuts.sums[at + _WEIGHT], weight, rules.min_samples_leaf, min_weight
            ):
                found = -1.0
        if found > best:
            best, best_column, best_threshold, best_side = found * ABOVE_TIES, column, threshold, side
            if categorical:
                for word in range(4):
                    scratch.best_members[word] = scratch.members[word]
    return best, best_column, best_threshold, best_side, n_constants
