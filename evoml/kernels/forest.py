"""Kernels: forests of fully grown trees, for one fold (nothing kept but predictions) or for a model that is kept."""

from typing import NamedTuple

import numpy as np

from evoml.kernels.compiling import kernel
from evoml.kernels.forest_classes import sum_of_squares
from evoml.kernels.forest_cuts import NO_MISSING, gather_runs, make_cuts, search_cuts
from evoml.kernels.forest_means import LANES
from evoml.kernels.forest_rows import (
    balance_counts,
    column_stream,
    draw_counts,
    gather_classes,
    gather_targets,
    partition_by_set,
    partition_by_threshold,
    select_rows,
    sort_by_class,
)
from evoml.kernels.forest_search import make_scratch, search
from evoml.kernels.histogram import inlined_kernel, inner_kernel
from evoml.kernels.predictor import ROWS_IN_A_BLOCK, find_leaves, pack_nodes
from evoml.kernels.random import mix

_ALL_BUT_ROUNDING = 1.0 - 1e-13


class Trees(NamedTuple):
    """Nodes of trees as evoml.kernels.predictor reads them, and what leaves hold.

    value: float64 (n_nodes, 1) mean target, with up to two classes; share_row: int32 (n_nodes,), with more: a class if
    all rows are of it, or n_classes + a row of ``shares``, float32 (n_shares, n_classes). gain: impurity decrease
    weighted by the share of the tree's weight; cover: weight.
    """

    feature: np.ndarray
    threshold: np.ndarray
    missing_left: np.ndarray
    category_set: np.ndarray
    left: np.ndarray
    gain: np.ndarray
    cover: np.ndarray
    value: np.ndarray
    share_row: np.ndarray
    shares: np.ndarray
    sets: np.ndarray


@kernel
def most_nodes(n_rows, rules):  # type: ignore[no-untyped-def]
    """Upper bound of the number of nodes of a tree of ``n_rows`` rows."""
    n_leaves = n_rows if rules.max_leaf_nodes == 0 else min(n_rows, rules.max_leaf_nodes)
    return max(2 * n_leaves - 1, 1)


@kernel
def shares_of(n_nodes, rules):  # type: ignore[no-untyped-def]
    """Upper bound of the share rows of that many nodes: a leaf of several classes has two rows or more."""
    return (n_nodes if rules.max_leaf_nodes > 0 else n_nodes // 4) + 1


@kernel
def make_trees(n_nodes, rules, any_categorical):  # type: ignore[no-untyped-def]
    """Room for ``n_nodes`` nodes."""
    n_classes = rules.n_classes
    several = n_classes > 2
    n_shares = shares_of(n_nodes, rules)
    return Trees(
        np.empty(n_nodes, np.int32),
        np.empty(n_nodes, np.uint8),
        np.empty(n_nodes, np.uint8),
        np.empty(n_nodes, np.int32),
        np.empty(n_nodes, np.int32),
        np.empty(n_nodes, np.float32),
        np.empty(n_nodes, np.float32),
        np.empty((1 if several else n_nodes, 1), np.float64),
        np.empty(n_nodes if several else 1, np.int32),
        np.empty((n_shares if several else 1, max(n_classes, 1)), np.float32),
        np.empty((n_nodes // 2 + 1 if any_categorical else 1, 4), np.uint64),
    )


@inlined_kernel
def write_leaf(trees, node, n_shares, weight, mean, pure, class_totals, label, n_classes):  # type: ignore[no-untyped-def]
    """Write what a node predicts; returns the number of share rows used so far."""
    trees.feature[node] = -1
    trees.threshold[node] = 0
    trees.missing_left[node] = 0
    trees.category_set[node] = -1
    trees.left[node] = -1
    trees.gain[node] = 0.0
    trees.cover[node] = weight
    if n_classes <= 2:
        trees.value[node, 0] = mean
        return n_shares
    if pure:
        trees.share_row[node] = label
        return n_shares
    for k in range(n_classes):
        trees.shares[n_shares, k] = class_totals[k] / weight
    trees.share_row[node] = n_classes + n_shares
    return n_shares + 1


@inlined_kernel
def divide(table, scratch, trees, node, start, n, column, threshold, side, gain, child, n_sets):  # type: ignore[no-untyped-def]
    """Make ``node`` a split and order its rows; returns how many go left and the number of sets used so far."""
    categorical = table.categorical[column]
    missing_left = side & 1
    trees.feature[node] = column
    trees.left[node] = child
    trees.gain[node] = gain
    trees.threshold[node] = threshold
    if categorical:
        n_left = partition_by_set(
            table.columns, np.uint64(column), scratch.rows, start, n, scratch.best_members, scratch.spare
        )
        write_set(table, scratch, trees.sets[n_sets], column, start, n, n_left)
        trees.category_set[node] = n_sets
        return n_left, n_sets + 1
    n_left = partition_by_threshold(
        table.columns, np.uint64(column), scratch.rows, start, n, threshold, missing_left, scratch.spare
    )
    if side == NO_MISSING:  # rows yet to come whose value is missing follow the majority
        missing_left = np.int64(n_left > n - n_left)
    trees.missing_left[node] = missing_left
    return n_left, n_sets


@inner_kernel
def write_set(table, scratch, members, column, start, n, n_left):  # type: ignore[no-untyped-def]
    """Bins that go left; those of which the node has no row follow the majority of its rows."""
    majority_left = n_left > n - n_left
    for word in range(4):
        members[word] = ~np.uint64(0) if majority_left else scratch.best_members[word]
    if not majority_left:
        return
    for i in range(start + n_left, start + n):
        code = np.uint64(table.columns[column, scratch.rows[i]])
        members[code >> np.uint64(6)] &= ~(np.uint64(1) << (code & np.uint64(63)))


@inlined_kernel
def pad(node_weights, node_totals, n):  # type: ignore[no-untyped-def]
    """Rows of no weight after a node's last, so that loops may go on to a multiple of LANES."""
    for i in range(LANES):
        node_weights[np.uint64(n + i)] = 0.0
        node_totals[np.uint64(n + i)] = 0.0


@inlined_kernel
def push(stack, shifts, place, node, start, n, depth, n_constants, shift):  # type: ignore[no-untyped-def]
    place = np.uint64(place)
    stack[place, 0] = node
    stack[place, 1] = start
    stack[place, 2] = n
    stack[place, 3] = depth
    stack[place, 4] = n_constants
    shifts[place] = shift


@inlined_kernel
def keep_candidate(scratch, place, node, start, n, depth, column, threshold, side, gain, mean, categorical):  # type: ignore[no-untyped-def]
    """Set a split aside that is to be made when no other decreases impurity more."""
    numbers = scratch.candidates
    numbers[place, 0], numbers[place, 1], numbers[place, 2], numbers[place, 3] = node, start, n, depth
    numbers[place, 4], numbers[place, 5], numbers[place, 6] = column, threshold, side
    scratch.candidate_gains[place, 0] = gain
    scratch.candidate_gains[place, 1] = mean
    if categorical:
        for word in range(4):
            scratch.candidate_members[place, word] = scratch.best_members[word]


@inner_kernel
def take_candidate(scratch, n_candidates):  # type: ignore[no-untyped-def]
    """Move the split that decreases impurity most, the oldest of equals, to the last place; its bins are restored."""
    numbers, gains, members, last = (
        scratch.candidates, scratch.candidate_gains, scratch.candidate_members, n_candidates - 1,
    )  # fmt: skip
    best = 0
    for place in range(1, n_candidates):
        if gains[place, 0] > gains[best, 0]:
            best = place
    for k in range(7):
        numbers[best, k], numbers[last, k] = numbers[last, k], numbers[best, k]
    for k in range(2):
        gains[best, k], gains[last, k] = gains[last, k], gains[best, k]
    for word in range(4):
        members[best, word], members[last, word] = members[last, word], members[best, word]
        scratch.best_members[word] = members[last, word]
    return last


@inner_kernel
def grow_tree(table, scratch, cuts, rules, key, n_active, unit, trees, root, n_sets, n_shares):  # type: ignore[no-untyped-def]
    """Grow one tree over scratch.rows[:n_active]; its nodes start at ``root``.

    Depth first, each node divided as soon as it is looked at; with max_leaf_nodes splits are set aside and the best of
    them is made next. Returns the numbers of nodes, sets and share rows of all trees so far.
    """
    n_classes, best_first = rules.n_classes, rules.max_leaf_nodes > 0
    several = n_classes > 2
    by_runs = rules.random_splits and several
    for column in range(len(scratch.column_order)):
        scratch.column_order[column] = column
    cuts.known[:] = -1
    stack, shifts = scratch.stack, scratch.stack_shifts
    push(stack, shifts, 0, root, 0, n_active, 0, 0, 0.0)
    size, n_nodes, n_candidates = 1, root + 1, 0
    root_weight = 0.0
    while True:
        if size > 0:
            size -= 1
            top = np.uint64(size)
            node, start, n, depth, n_constants = (
                stack[top, 0], stack[top, 1], stack[top, 2], stack[top, 3], stack[top, 4],
            )  # fmt: skip
            shift = shifts[top]
            n_runs, label, mean = np.int64(0), np.int64(0), 0.0
            if by_runs:
                weight, n_runs = gather_runs(
                    scratch.rows, start, n, scratch.pairs, scratch.labels, unit, scratch.node_weights, cuts,
                    scratch.class_totals,
                )  # fmt: skip
                total = sum_of_squares(scratch.class_totals, n_classes)
                perfect, pure, label = 0.0, n_runs == 1, cuts.run_classes[0]
            elif several:
                weight, pure = gather_classes(
                    scratch.rows, start, n, scratch.pairs, scratch.node_weights, scratch.node_labels,
                    scratch.class_totals,
                )  # fmt: skip
                total = sum_of_squares(scratch.class_totals, n_classes)
                perfect, label = weight * _ALL_BUT_ROUNDING, np.int64(scratch.node_labels[0])
            else:
                weight, total, pure = gather_targets(
                    scratch.rows, start, n, scratch.pairs, shift, scratch.node_weights, scratch.node_totals
                )
                perfect = total * (weight - total) * _ALL_BUT_ROUNDING if n_classes > 0 else np.inf
                mean = shift + total / weight
            if node == root:
                root_weight = weight
            column = -1
            if not (pure or depth >= rules.max_depth or n < rules.min_samples_split or n < 2 * rules.min_samples_leaf):
                least, own = rules.min_weight_leaf * root_weight, mix(key, np.uint64(node - root))
                if by_runs:
                    score, column, threshold, side, n_constants = search_cuts(
                        table, scratch, cuts, rules, start, n, n_runs, unit, weight, least, n_constants, node, own
                    )
                else:
                    if rules.random_splits:
                        pad(scratch.node_weights, scratch.node_totals, n)
                    score, column, threshold, side, n_constants = search(
                        table, scratch, rules, start, n, weight, total, -1.0 if n == 2 else perfect, least, n_constants,
                        own,
                    )  # fmt: skip
                if several:
                    gain = (score - total / weight) / root_weight
                else:
                    gain = score / weight / root_weight * (2.0 if n_classes > 0 else 1.0)
                if gain + 1e-16 < rules.min_decrease:
                    column = -1
            unshared = pure or (column >= 0 and not best_first)
            n_shares = write_leaf(trees, node, n_shares, weight, mean, unshared, scratch.class_totals, label, n_classes)
            if column < 0:
                continue
            if best_first:
                categorical = table.categorical[column]
                keep_candidate(
                    scratch, n_candidates, node, start, n, depth, column, threshold, side, gain, mean, categorical
                )
                n_candidates += 1
                continue
        else:
            if n_candidates == 0 or (n_nodes - root + 1) // 2 >= rules.max_leaf_nodes:
                break
            n_candidates = take_candidate(scratch, n_candidates)
            numbers = scratch.candidates
            node, start, n = numbers[n_candidates, 0], numbers[n_candidates, 1], numbers[n_candidates, 2]
            depth, column, threshold = numbers[n_candidates, 3], numbers[n_candidates, 4], numbers[n_candidates, 5]
            side, n_constants = numbers[n_candidates, 6], 0
            gain, mean = scratch.candidate_gains[n_candidates, 0], scratch.candidate_gains[n_candidates, 1]
        n_left, n_sets = divide(table, scratch, trees, node, start, n, column, threshold, side, gain, n_nodes, n_sets)
        constants = 0 if best_first else n_constants  # they stay in front of column_order only while depth comes first
        shift = mean if n_classes == 0 else 0.0
        push(stack, shifts, size, n_nodes + 1, start + n_left, n - n_left, depth + 1, constants, shift)
        push(stack, shifts, size + 1, n_nodes, start, n_left, depth + 1, constants, shift)
        size += 2
        n_nodes += 2
    return n_nodes, n_sets, n_shares


@kernel
def start_tree(scratch, rules, seed, tree, rows, sample_weight, target, counts):  # type: ignore[no-untyped-def]
    """Draw a tree's rows; returns how many have weight, and whether each weighs one."""
    draw_counts(seed, tree, rules.n_draws, counts)
    factors = np.empty(0, np.float64)
    if rules.balanced:
        factors = np.empty(max(rules.n_classes, 2), np.float64)
        balance_counts(counts, rows, sample_weight, target, np.empty(len(factors), np.float64), factors)
    n_active, unit = select_rows(counts, rows, sample_weight, target, factors, scratch.pairs, scratch.rows)
    if rules.random_splits and rules.n_classes > 2:
        sort_by_class(scratch.rows, n_active, scratch.pairs, rules.n_classes, scratch.labels, scratch.spare)
    return n_active, unit


@inlined_kernel
def add_leaves(scores, first, n, leaves, trees, n_classes):  # type: ignore[no-untyped-def]
    """Add what leaves predict to scores[first : first + n]."""
    if n_classes <= 2:
        for i in range(n):
            scores[first + i, 0] += trees.value[leaves[i], 0]
        return
    for i in range(n):
        row = trees.share_row[leaves[i]]
        if row < n_classes:
            scores[first + i, row] += 1.0
        else:
            for label in range(n_classes):
                scores[first + i, label] += trees.shares[row - n_classes, label]


@kernel
def grow_forest(  # type: ignore[no-untyped-def]
    table, codes, rules, seed, first_tree, last_tree, train, test, sample_weight, target, keep, trees, roots, scores
):
    """Grow trees one after the other on the rows ``train`` and either keep them or let them predict the rows ``test``.

    keep: nodes go to ``trees`` while there is room for one more tree, and where each ends to ``roots`` (from roots[1]).
    Otherwise each tree's predictions are added to scores, float64 (len(test), 1 or n_classes), and the tree is
    forgotten. Returns the numbers of trees grown and of nodes, sets and share rows used.
    """
    scratch = make_scratch(len(codes), len(train), len(table.n_bins), rules)
    cuts = make_cuts(codes.shape[1], len(table.n_bins), rules.n_classes)
    counts = np.empty(len(train), np.int32)
    leaves = np.empty(ROWS_IN_A_BLOCK, np.int32)
    n_nodes, n_sets, n_shares = 0, 0, 0
    for tree in range(first_tree, last_tree):
        n_active, unit = start_tree(scratch, rules, seed, tree, train, sample_weight, target, counts)
        room = most_nodes(n_active, rules)
        full = n_nodes + room > len(trees.feature)
        if rules.n_classes > 2:  # others have no share rows
            full = full or n_shares + shares_of(room, rules) > len(trees.shares)
        if keep and full and tree > first_tree:
            return tree - first_tree, n_nodes, n_sets, n_shares
        n_nodes, n_sets, n_shares = grow_tree(
            table, scratch, cuts, rules, column_stream(seed, tree), n_active, unit, trees, n_nodes, n_sets, n_shares
        )
        if keep:
            roots[tree - first_tree + 1] = n_nodes
            continue
        nodes = pack_nodes(
            trees.feature[:n_nodes], trees.threshold[:n_nodes], trees.missing_left[:n_nodes],
            trees.category_set[:n_nodes], trees.left[:n_nodes],
        )  # fmt: skip
        add_tree_of_forest(scores, codes, test, 0, nodes, trees, rules.n_classes, leaves)
        n_nodes, n_sets, n_shares = 0, 0, 0
    return last_tree - first_tree, n_nodes, n_sets, n_shares


@kernel
def add_tree_of_forest(scores, codes, rows, root, nodes, trees, n_classes, leaves):  # type: ignore[no-untyped-def]
    """Add one tree's predictions to scores[i] of codes[rows[i]]; leaves: room for a block."""
    for first in range(0, len(rows), ROWS_IN_A_BLOCK):
        last = min(first + ROWS_IN_A_BLOCK, len(rows))
        find_leaves(codes, rows, first, last, root, nodes, trees.category_set, trees.sets, leaves)
        add_leaves(scores, first, last - first, leaves, trees, n_classes)


@kernel
def add_forest(scores, codes, rows, roots, nodes, trees, n_classes):  # type: ignore[no-untyped-def]
    """Add all trees' predictions to scores[i] of codes[rows[i]], float64 (len(rows), 1 or n_classes)."""
    leaves = np.empty(ROWS_IN_A_BLOCK, np.int32)
    for first in range(0, len(rows), ROWS_IN_A_BLOCK):
        last = min(first + ROWS_IN_A_BLOCK, len(rows))
        for tree in range(len(roots) - 1):
            find_leaves(codes, rows, first, last, roots[tree], nodes, trees.category_set, trees.sets, leaves)
            add_leaves(scores, first, last - first, leaves, trees, n_classes)


@kernel
def add_out_of_bag(scores, votes, codes, rows, roots, nodes, trees, n_classes, n_draws, seed):  # type: ignore[no-untyped-def]
    """Add to scores[i] what the trees predict for codes[rows[i]] that did not draw it; votes[i] counts them."""
    counts = np.empty(len(rows), np.int32)
    unseen = np.empty(len(rows), np.int32)
    places = np.empty(len(rows), np.int32)
    leaves = np.empty(ROWS_IN_A_BLOCK, np.int32)
    own = np.zeros((len(rows), scores.shape[1]), np.float64)
    for tree in range(len(roots) - 1):
        draw_counts(seed, tree, n_draws, counts)
        n_unseen = 0
        for i in range(len(rows)):
            unseen[n_unseen], places[n_unseen] = rows[i], i
            n_unseen += counts[i] == 0
        own[:] = 0.0
        add_tree_of_forest(own, codes, unseen[:n_unseen], roots[tree], nodes, trees, n_classes, leaves)
        for i in range(n_unseen):
            votes[places[i]] += 1
            for output in range(scores.shape[1]):
                scores[places[i], output] += own[i, output]
