"""The operators that make children of formulas: each puts a piece in place of a segment of the parent.

A piece keeps the child within the rules' limits, and what is new in it is drawn from the language only. Parents are rows of a
population; every random number is a hash of a key and of what it is for.
"""

from typing import NamedTuple

import numpy as np

from evoml.kernels.compiling import kernel
from evoml.kernels.expression_codes import CONSTANT, FIRST_UNARY
from evoml.kernels.expression_growth import (
    BINARY,
    UNARY,
    VARIABLES,
    Growing,
    arity,
    below,
    draw_code,
    draw_constant,
    draw_leaf,
    draw_normal,
    draw_operation,
    grow_one,
    make_growing,
)
from evoml.kernels.histogram import inlined_kernel, inner_kernel
from evoml.kernels.random import mix, uniform


class Rules(NamedTuple):
    """What children must respect and how they are made.

    max_length: at most the arrays' room; max_depth: a leaf alone has 1; grown_length: nodes at most of what subtree mutation
    grows; internal_probability: that crossover and subtree mutation choose an operation rather than a leaf; jitter_factor,
    jitter_offset: standard deviations of a constant's relative and absolute change; replace_probability: that it is drawn anew
    instead; tries: of the operator asked for, and then as many of subtree mutation, while the child is the same as a parent.
    """

    max_length: int
    max_depth: int
    grown_length: int
    internal_probability: float
    jitter_factor: float
    jitter_offset: float
    replace_probability: float
    tries: int


class Scratch(NamedTuple):
    """Room for one child at a time: both parents' subtree sizes and heights and the places of their operations, the places
    that an operator may choose from, the piece, and what it takes to grow one."""

    sizes: np.ndarray
    heights: np.ndarray
    operations: np.ndarray
    donor_sizes: np.ndarray
    donor_heights: np.ndarray
    donor_operations: np.ndarray
    fitting: np.ndarray
    codes: np.ndarray
    constants: np.ndarray
    growing: Growing


class Parents(NamedTuple):
    """The arrays of a population of parents."""

    codes: np.ndarray
    constants: np.ndarray
    lengths: np.ndarray


@kernel
def make_scratch(room):  # type: ignore[no-untyped-def]
    """Room for formulas of at most ``room`` nodes."""
    return Scratch(
        np.empty(room, np.int32),
        np.empty(room, np.int32),
        np.empty(room, np.int32),
        np.empty(room, np.int32),
        np.empty(room, np.int32),
        np.empty(room, np.int32),
        np.empty(room + 1, np.int32),
        np.empty(room + 2, np.int32),
        np.empty(room + 2, np.float64),
        make_growing(room),
    )


@inner_kernel
def outline(codes, row, length, sizes, heights, operations):  # type: ignore[no-untyped-def]
    """Fill in the size and height of each node's subtree and the places of operations; return how many there are."""
    n_operations = 0
    for i in range(length - 1, -1, -1):
        code = codes[row, i]
        size, height = 1, 1
        if code < CONSTANT:
            size, height = 1 + sizes[i + 1], 1 + heights[i + 1]
            if code < FIRST_UNARY:
                second = i + size
                size, height = size + sizes[second], max(height, 1 + heights[second])
            operations[n_operations] = i
            n_operations += 1
        sizes[i], heights[i] = size, height
    return n_operations


@inner_kernel
def level_of(sizes, node):  # type: ignore[no-untyped-def]
    """Level of a node, 1 at the root: how many subtrees hold it."""
    level = 0
    for i in range(np.uintp(node + 1)):
        level += int(np.int64(i) + sizes[i] > node)
    return level


@inlined_kernel
def _choose_node(scratch, length, n_operations, rules, key):  # type: ignore[no-untyped-def]
    """An operation with the rules' probability, else a leaf (Koza 1992)."""
    if n_operations > 0 and uniform(mix(key, 0)) < rules.internal_probability:
        return np.int64(scratch.operations[below(mix(key, 1), n_operations)])
    place = below(mix(key, 1), length - n_operations)
    for i in range(length):
        if scratch.sizes[i] == 1:
            if place == 0:
                return np.int64(i)
            place -= 1
    return np.int64(0)


@inlined_kernel
def _copy_segment(parents, row, start, n, scratch, at):  # type: ignore[no-untyped-def]
    """Copy n nodes of a parent to place ``at`` of the piece."""
    for k in range(np.uintp(n)):
        scratch.codes[np.uintp(at) + k] = parents.codes[row, np.uintp(start) + k]
        scratch.constants[np.uintp(at) + k] = parents.constants[row, np.uintp(start) + k]


@inlined_kernel
def _put(scratch, at, code, constant):  # type: ignore[no-untyped-def]
    scratch.codes[at], scratch.constants[at] = code, constant


# -- operators: each returns the segment [start, stop) that the piece replaces and the piece's length, start -1 if it cannot -


@inner_kernel
def crossover(parents, first, second, n_operations, n_donor, scratch, rules, key):  # type: ignore[no-untyped-def]
    """Another parent's subtree in place of one, chosen among those that fit (Koza 1992; Burlacu et al. 2020, Operon)."""
    length = parents.lengths[first]
    start = _choose_node(scratch, length, n_operations, rules, mix(key, 0))
    size = scratch.sizes[start]
    largest = rules.max_length - length + size
    highest = rules.max_depth - level_of(scratch.sizes, start) + 1
    donor_length, n_fit = parents.lengths[second], 0
    wants_operation = uniform(mix(key, 1)) < rules.internal_probability
    if wants_operation:
        for k in range(n_donor):
            place = scratch.donor_operations[k]
            scratch.fitting[n_fit] = place
            n_fit += int((scratch.donor_sizes[place] <= largest) & (scratch.donor_heights[place] <= highest))
    if n_fit == 0:
        for place in range(donor_length):
            scratch.fitting[n_fit] = place
            n_fit += int(scratch.donor_sizes[place] == 1)
    donor = scratch.fitting[below(mix(key, 2), n_fit)]
    donor_size = scratch.donor_sizes[donor]
    _copy_segment(parents, second, donor, donor_size, scratch, 0)
    return start, start + size, donor_size


@inner_kernel
def subtree(parents, row, n_operations, language, scratch, rules, key):  # type: ignore[no-untyped-def]
    """A newly grown subtree in place of one."""
    length = parents.lengths[row]
    start = _choose_node(scratch, length, n_operations, rules, mix(key, 0))
    size = scratch.sizes[start]
    largest = min(rules.max_length - length + size, rules.grown_length)
    highest = rules.max_depth - level_of(scratch.sizes, start) + 1
    wanted = 1 + below(mix(key, 1), largest)
    grown = grow_one(mix(key, 2), 1, wanted, highest, language, scratch.growing, scratch.codes, scratch.constants)
    return start, start + size, grown


@inner_kernel
def point(parents, row, language, scratch, key):  # type: ignore[no-untyped-def]
    """One node another: an operation of as many operands, a variable, a constant."""
    start = below(mix(key, 0), parents.lengths[row])
    code, constant = parents.codes[row, start], 0.0
    if code < CONSTANT:
        table = BINARY if code < FIRST_UNARY else UNARY
        if language.starts[table] < language.starts[table + 1]:
            code = draw_code(language, table, uniform(mix(key, 1)))
    elif code == CONSTANT:
        if language.constant_probability > 0.0:
            constant = draw_constant(language, mix(key, 1))
        else:
            constant = parents.constants[row, start]
    elif language.starts[VARIABLES] < language.starts[VARIABLES + 1]:
        code = draw_code(language, VARIABLES, uniform(mix(key, 1)))
    _put(scratch, 0, code, constant)
    return start, start + 1, 1


@inner_kernel
def hoist(parents, row, n_operations, scratch, key):  # type: ignore[no-untyped-def]
    """A smaller subtree of a subtree in its place (Kinnear 1994, as applied to any subtree)."""
    if n_operations == 0:
        return -1, 0, 0
    start = np.int64(scratch.operations[below(mix(key, 0), n_operations)])
    size = scratch.sizes[start]
    inner = start + 1 + below(mix(key, 1), size - 1)
    _copy_segment(parents, row, inner, scratch.sizes[inner], scratch, 0)
    return start, start + size, np.int64(scratch.sizes[inner])


@inner_kernel
def insert(parents, row, language, scratch, rules, key):  # type: ignore[no-untyped-def]
    """A new operation above a node, which becomes one of its operands; the other is a new leaf."""
    room, n_fit = rules.max_length - parents.lengths[row], _deepenable(parents, row, scratch, rules)
    if room < 1 or n_fit == 0 or language.starts[VARIABLES] == 0:
        return -1, 0, 0
    start = np.int64(scratch.fitting[below(mix(key, 0), n_fit)])
    operation = draw_operation(language, mix(key, 1))
    if room == 1 and language.starts[UNARY] < language.starts[BINARY]:
        operation = draw_code(language, UNARY, uniform(mix(key, 4)))
    size, added = np.int64(scratch.sizes[start]), arity(operation) - 1
    if 1 + added > room:
        return -1, 0, 0
    leaf, constant = draw_leaf(language, mix(key, 2))
    _put(scratch, 0, operation, 0.0)
    after = added * np.int64(uniform(mix(key, 3)) < 0.5)
    _put(scratch, 1 + size * after, leaf, constant)
    _copy_segment(parents, row, start, size, scratch, 1 + added - after)
    return start, start + size, size + 1 + added


@inlined_kernel
def _deepenable(parents, row, scratch, rules):  # type: ignore[no-untyped-def]
    """List the nodes that may move down by one level; return how many there are."""
    levels, n_fit = scratch.donor_heights, 0
    levels[0] = 1
    for i in range(parents.lengths[row]):
        code = parents.codes[row, i]
        if code < CONSTANT:
            levels[i + 1] = levels[i] + 1
        if code < FIRST_UNARY:
            levels[i + 1 + scratch.sizes[i + 1]] = levels[i] + 1
        scratch.fitting[n_fit] = i
        n_fit += int(levels[i] + scratch.heights[i] <= rules.max_depth)
    return n_fit


@inner_kernel
def remove(parents, row, n_operations, scratch, key):  # type: ignore[no-untyped-def]
    """One of an operation's operands in its place."""
    if n_operations == 0:
        return -1, 0, 0
    start = np.int64(scratch.operations[below(mix(key, 0), n_operations)])
    operand = _choose_operand(parents, row, start, scratch, mix(key, 1))
    size = np.int64(scratch.sizes[operand])
    _copy_segment(parents, row, operand, size, scratch, 0)
    return start, start + scratch.sizes[start], size


@inlined_kernel
def _choose_operand(parents, row, start, scratch, key):  # type: ignore[no-untyped-def]
    if parents.codes[row, start] < FIRST_UNARY and uniform(key) < 0.5:
        return start + 1 + np.int64(scratch.sizes[start + 1])
    return start + 1


@inner_kernel
def jitter(parents, row, language, scratch, rules, key):  # type: ignore[no-untyped-def]
    """One constant a little different, or drawn anew."""
    n_constants = 0
    for i in range(parents.lengths[row]):
        n_constants += int(parents.codes[row, i] == CONSTANT)
    if n_constants == 0:
        return -1, 0, 0
    start, left = 0, below(mix(key, 0), n_constants)
    while parents.codes[row, start] != CONSTANT or left > 0:
        left -= int(parents.codes[row, start] == CONSTANT)
        start += 1
    factor = 1.0 + rules.jitter_factor * draw_normal(mix(key, 1))
    constant = parents.constants[row, start] * factor + rules.jitter_offset * draw_normal(mix(key, 2))
    if uniform(mix(key, 3)) < rules.replace_probability:
        constant = draw_constant(language, mix(key, 4))
    if not np.isfinite(constant):
        return -1, 0, 0
    _put(scratch, 0, np.int32(CONSTANT), constant)
    return start, start + 1, 1


@inner_kernel
def exchange(parents, row, n_operations, language, scratch, rules, key):  # type: ignore[no-untyped-def]
    """A variable in place of a constant, or a constant in place of a variable."""
    place = below(mix(key, 0), parents.lengths[row] - n_operations)
    start = 0
    while scratch.sizes[start] > 1 or place > 0:
        place -= int(scratch.sizes[start] == 1)
        start += 1
    if parents.codes[row, start] != CONSTANT:
        if language.constant_probability == 0.0:
            return -1, 0, 0
        _put(scratch, 0, np.int32(CONSTANT), draw_constant(language, mix(key, 1)))
    else:
        if language.starts[VARIABLES] == language.starts[VARIABLES + 1]:
            return -1, 0, 0
        _put(scratch, 0, draw_code(language, VARIABLES, uniform(mix(key, 1))), 0.0)
    return start, start + 1, 1


@inner_kernel
def change(parents, row, n_operations, language, scratch, rules, key):  # type: ignore[no-untyped-def]
    """Another operation of any arity in place of one: an operand too many is left out, a missing one is a new leaf."""
    if n_operations == 0 or language.starts[VARIABLES] == 0:
        return -1, 0, 0
    start = np.int64(scratch.operations[below(mix(key, 0), n_operations)])
    operation, old = draw_operation(language, mix(key, 1)), parents.codes[row, start]
    if operation == old or parents.lengths[row] + arity(operation) - arity(old) > rules.max_length:
        return -1, 0, 0
    _put(scratch, 0, operation, 0.0)
    if arity(operation) == arity(old):
        return start, start + 1, 1
    size = np.int64(scratch.sizes[start])
    if arity(operation) == 1:
        operand = _choose_operand(parents, row, start, scratch, mix(key, 2))
        _copy_segment(parents, row, operand, scratch.sizes[operand], scratch, 1)
        return start, start + size, 1 + np.int64(scratch.sizes[operand])
    leaf, constant = draw_leaf(language, mix(key, 2))
    after = np.int64(uniform(mix(key, 3)) < 0.5)
    _put(scratch, 1 + after * (size - 1), leaf, constant)
    _copy_segment(parents, row, start + 1, size - 1, scratch, 2 - after)
    return start, start + size, size + 1
