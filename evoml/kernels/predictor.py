"""Kernels: rows of a binned matrix descend trees; shared by boosting and forests, in training and in prediction.

Trees are arrays over all nodes of a model (absolute indices): feature int32 (-1 in a leaf), threshold uint8 (codes up
to it go left), missing_left uint8 (1: bin 0 goes left), category_set int32 (-1: numerical, else a row of ``sets``),
sets uint64 (n_sets, 4) (bit b: bin b goes left), left int32 (the right child follows it), value float32
(n_nodes, n_outputs), roots int32 (n_trees + 1).
"""

import numpy as np

from evoml.kernels.compiling import kernel
from evoml.kernels.forest_rows import lowest_bit
from evoml.kernels.histogram import inlined_kernel, inner_kernel

ROWS_IN_A_BLOCK = 1024  # their codes and scores stay in the second-level cache while all trees pass

# A small tree's leaves fit in one word, and are found without descending where enough rows share the cost of the tables.
_MOST_BITS, _LEAST_ROWS, _MOST_COLUMNS = 64, 256, 16

_CATEGORICAL = np.uint64(1 << 9)
_FEATURE_MASK = np.uint64((1 << 22) - 1)
_BYTE = np.uint64(255)
_ONE = np.uint64(1)
_SIX = np.uint64(6)
_SIXTY_THREE = np.uint64(63)
_EIGHT = np.uint64(8)
_TEN = np.uint64(10)
_THIRTY_TWO = np.uint64(32)


@kernel
def pack_nodes(feature, threshold, missing_left, category_set, left):  # type: ignore[no-untyped-def]
    """All that a descent needs of a node in one word, so that a step costs one load: uint64 (n_nodes,).

    Bits 0-7: threshold less bit 8; bit 8: 1 where missing goes right (a code less 1 then wraps to 255); bit 9:
    categorical; bits 10-31: feature; bits 32-63: left child. A leaf is its own left child and sends all codes there.
    """
    nodes = np.empty(len(feature), dtype=np.uint64)
    for node in range(len(feature)):
        if feature[node] < 0:
            nodes[node] = (np.uint64(node) << _THIRTY_TWO) | _BYTE
            continue
        missing_right = _ONE - np.uint64(missing_left[node])
        word = (np.uint64(left[node]) << _THIRTY_TWO) | (np.uint64(feature[node]) << _TEN) | (missing_right << _EIGHT)
        if category_set[node] >= 0:
            nodes[node] = word | _CATEGORICAL
        else:
            nodes[node] = word | ((np.uint64(threshold[node]) - missing_right) & _BYTE)
    return nodes


@kernel(forceinline=True)
def next_node(node, row, codes, nodes, category_set, sets):  # type: ignore[no-untyped-def]
    """The child of ``node`` (uint64) that ``row`` falls into; the node itself if it is a leaf."""
    word = nodes[node]
    code = np.uint64(codes[row, (word >> _TEN) & _FEATURE_MASK])
    child = word >> _THIRTY_TWO
    if word & _CATEGORICAL:
        inside = sets[category_set[node], code >> _SIX] >> (code & _SIXTY_THREE)
        return child + (_ONE - (inside & _ONE))
    return child + np.uint64(((code - ((word >> _EIGHT) & _ONE)) & _BYTE) > (word & _BYTE))


@kernel
def find_leaves(codes, rows, first, last, root, nodes, category_set, sets, leaves):  # type: ignore[no-untyped-def]
    """Leaves of one tree for codes[rows[first:last]], written to leaves[0 : last - first] (int32).

    Eight rows descend side by side: one step waits for two loads in turn, eight chains hide that.
    """
    start = np.uint64(root)
    i = first
    while i + 8 <= last:
        r0, r1, r2, r3 = np.uint64(rows[i]), np.uint64(rows[i + 1]), np.uint64(rows[i + 2]), np.uint64(rows[i + 3])
        r4, r5, r6, r7 = np.uint64(rows[i + 4]), np.uint64(rows[i + 5]), np.uint64(rows[i + 6]), np.uint64(rows[i + 7])
        a0 = a1 = a2 = a3 = a4 = a5 = a6 = a7 = start
        moved = True
        while moved:
            b0 = next_node(a0, r0, codes, nodes, category_set, sets)
            b1 = next_node(a1, r1, codes, nodes, category_set, sets)
            b2 = next_node(a2, r2, codes, nodes, category_set, sets)
            b3 = next_node(a3, r3, codes, nodes, category_set, sets)
            b4 = next_node(a4, r4, codes, nodes, category_set, sets)
            b5 = next_node(a5, r5, codes, nodes, category_set, sets)
            b6 = next_node(a6, r6, codes, nodes, category_set, sets)
            b7 = next_node(a7, r7, codes, nodes, category_set, sets)
            steps = (a0 ^ b0) | (a1 ^ b1) | (a2 ^ b2) | (a3 ^ b3) | (a4 ^ b4) | (a5 ^ b5) | (a6 ^ b6) | (a7 ^ b7)
            moved = steps != 0
            a0, a1, a2, a3, a4, a5, a6, a7 = b0, b1, b2, b3, b4, b5, b6, b7
        j = i - first
        leaves[j], leaves[j + 1], leaves[j + 2], leaves[j + 3] = a0, a1, a2, a3
        leaves[j + 4], leaves[j + 5], leaves[j + 6], leaves[j + 7] = a4, a5, a6, a7
        i += 8
    while i < last:
        row = np.uint64(rows[i])
        node, child = start, next_node(start, row, codes, nodes, category_set, sets)
        while child != node:
            node, child = child, next_node(child, row, codes, nodes, category_set, sets)
        leaves[i - first] = node
        i += 1


@inner_kernel
def fill_masks(root, end, nodes, category_set, sets, slots, used, below, leaf_of_bit, masks):  # type: ignore[no-untyped-def]
    """Tables by which the leaf of a row of a tree of at most 64 leaves is found (Lucchese et al. 2015, QuickScorer).

    Bit b is leaf_of_bit[b]; masks[k, code] has the bits of the leaves that the value of the column used[k] leaves possible.
    slots: room for each column; below: for each of the tree's nodes. Returns the number of columns used, -1 if they are too
    many.
    """
    n_leaves, n_used = 0, 0
    slots[:] = -1
    for node in range(end - 1, root - 1, -1):  # children come behind their parents
        left = np.int64(nodes[node] >> _THIRTY_TWO)
        if left == node:
            below[node - root], leaf_of_bit[n_leaves] = _ONE << np.uint64(n_leaves), node
            n_leaves += 1
            continue
        on_left, on_right = below[left - root], below[left + 1 - root]
        below[node - root] = on_left | on_right
        column = np.int64((nodes[node] >> _TEN) & _FEATURE_MASK)
        if slots[column] < 0:
            if n_used == len(masks):
                return -1
            slots[column], used[n_used] = n_used, column
            for code in range(np.uint64(256)):
                masks[n_used, code] = ~np.uint64(0)
            n_used += 1
        _narrow(nodes[node], category_set[node], sets, ~on_right, ~on_left, masks[slots[column]])
    return n_used


@inlined_kernel
def _narrow(word, category_set, sets, to_left, to_right, masks):  # type: ignore[no-untyped-def]
    """Keep the bits ``to_left`` of the codes that one node sends to the left, and ``to_right`` of the others."""
    if word & _CATEGORICAL:
        for code in range(np.uint64(256)):
            inside = (sets[category_set, code >> _SIX] >> (code & _SIXTY_THREE)) & _ONE
            masks[code] &= to_left if inside else to_right
        return
    missing_right = (word >> _EIGHT) & _ONE
    last = ((word & _BYTE) + missing_right) & _BYTE
    missing = masks[np.uint64(0)]
    for code in range(last + _ONE):
        masks[code] &= to_left
    for code in range(last + _ONE, np.uint64(256)):
        masks[code] &= to_right
    masks[np.uint64(0)] = missing & (to_right if missing_right else to_left)


@inlined_kernel
def _find_by_masks(codes, rows, first, last, used, leaf_of_bit, masks, leaves):  # type: ignore[no-untyped-def]
    start = np.uint64(first)
    for i in range(np.uint64(last - first)):
        row, possible = np.uint64(rows[start + i]), ~np.uint64(0)
        for k in range(np.uint64(len(used))):
            possible &= masks[k, np.uint64(codes[row, np.uint64(used[k])])]
        leaves[i] = leaf_of_bit[lowest_bit(possible)]


@kernel(forceinline=True)
def _add_values(scores, first, last, leaves, value):  # type: ignore[no-untyped-def]
    n_outputs = value.shape[1]
    if n_outputs == 1:
        for i in range(last - first):
            scores[first + i, 0] += value[leaves[i], 0]
    else:
        for i in range(last - first):
            leaf = leaves[i]
            for output in range(n_outputs):
                scores[first + i, output] += value[leaf, output]


@kernel
def add_tree(scores, codes, rows, root, nodes, category_set, sets, value):  # type: ignore[no-untyped-def]
    """Add one tree's values to ``scores`` (len(rows), n_outputs): scores[i] is the row codes[rows[i]]."""
    leaves = np.empty(ROWS_IN_A_BLOCK, dtype=np.int32)
    for first in range(0, len(rows), ROWS_IN_A_BLOCK):
        last = min(first + ROWS_IN_A_BLOCK, len(rows))
        find_leaves(codes, rows, first, last, root, nodes, category_set, sets, leaves)
        _add_values(scores, first, last, leaves, value)


@kernel
def add_model(scores, codes, rows, roots, nodes, category_set, sets, value):  # type: ignore[no-untyped-def]
    """Add the values of all trees to ``scores``, tree by tree in each block of rows (so sums keep the trees' order)."""
    leaves = np.empty(ROWS_IN_A_BLOCK, dtype=np.int32)
    slots, used = np.empty(codes.shape[1], np.int64), np.empty(_MOST_COLUMNS, np.int64)
    below, leaf_of_bit = np.empty(2 * _MOST_BITS, np.uint64), np.empty(_MOST_BITS, np.int64)
    masks = np.empty((_MOST_COLUMNS, 256), np.uint64)
    for first in range(0, len(rows), ROWS_IN_A_BLOCK):
        last = min(first + ROWS_IN_A_BLOCK, len(rows))
        for tree in range(len(roots) - 1):
            root, end, n_used = np.int64(roots[tree]), np.int64(roots[tree + 1]), -1
            if last - first >= _LEAST_ROWS and end - root < 2 * _MOST_BITS:
                n_used = fill_masks(root, end, nodes, category_set, sets, slots, used, below, leaf_of_bit, masks)
            if n_used >= 0:
                _find_by_masks(codes, rows, first, last, used[:n_used], leaf_of_bit, masks, leaves)
            else:
                find_leaves(codes, rows, first, last, roots[tree], nodes, category_set, sets, leaves)
            _add_values(scores, first, last, leaves, value)


@kernel
def apply_model(codes, rows, roots, nodes, category_set, sets):  # type: ignore[no-untyped-def]
    """Index of the leaf that each row reaches in each tree: int32 (len(rows), n_trees), absolute node indices."""
    n_trees = len(roots) - 1
    reached = np.empty((len(rows), n_trees), dtype=np.int32)
    leaves = np.empty(ROWS_IN_A_BLOCK, dtype=np.int32)
    for first in range(0, len(rows), ROWS_IN_A_BLOCK):
        last = min(first + ROWS_IN_A_BLOCK, len(rows))
        for tree in range(n_trees):
            find_leaves(codes, rows, first, last, roots[tree], nodes, category_set, sets, leaves)
            for i in range(last - first):
                reached[first + i, tree] = leaves[i]
    return reached
