"""Formulas as trees of linked nodes while they are rewritten, each with a hash and what is known of its values."""

import math
from typing import NamedTuple

import numpy as np

from evoml.kernels.compiling import kernel
from evoml.kernels.expression_codes import (
    ABS,
    ADD,
    CONSTANT,
    COSH,
    CUBE,
    DIVIDE,
    EXP,
    INVERSE,
    MAXIMUM,
    MINIMUM,
    MULTIPLY,
    SIGMOID,
    SQRT,
    SQUARE,
    SUBTRACT,
)
from evoml.kernels.histogram import inlined_kernel, inner_kernel
from evoml.kernels.random import mix

# What is known of a node's values: none is -0.0; none is -0.0 or below (nan is possible in both).
NEVER_MINUS_ZERO, NEVER_NEGATIVE = 1, 3
_ODD = np.uint64(0xD6E8FEB86659FD93)
_BY_23, _BY_41 = np.uint64(23), np.uint64(41)


# One node. The bits are those of the constant, in the same memory.
NODE = np.dtype(
    {
        "names": ["code", "first", "second", "known", "height", "constant", "bits", "hash", "structure"],
        "formats": ["i4", "i4", "i4", "i4", "i4", "f8", "u8", "u8", "u8"],
        "offsets": [0, 4, 8, 12, 16, 24, 24, 32, 40],
        "itemsize": 48,
    }
)


class Nodes(NamedTuple):
    """A formula's nodes while it is rewritten: a tree by links, so that operands trade places at no cost.

    table: records of NODE, with hashes of the subtree with and without its constants' bits; used int64 (1,): how many
    there are; allowed bool (65,): operations that may be introduced, and last whether constants may.
    """

    table: np.ndarray
    used: np.ndarray
    allowed: np.ndarray


@kernel
def make_nodes(capacity, allowed):  # type: ignore[no-untyped-def]
    """Room for so many nodes, those that are given up on the way included."""
    return Nodes(np.empty(capacity, NODE), np.zeros(1, np.int64), allowed)


@inner_kernel
def leaf(nodes, code, constant):  # type: ignore[no-untyped-def]
    """A new constant or variable; a column's values are taken to have no -0.0."""
    node = nodes.used[0]
    nodes.used[0] += 1
    nodes.table[node].code, nodes.table[node].height, nodes.table[node].constant = code, 1, constant
    structure = mix(np.uint64(0), code)
    nodes.table[node].structure, nodes.table[node].hash, nodes.table[node].known = (
        structure,
        structure,
        NEVER_MINUS_ZERO,
    )
    if code == CONSTANT:
        nodes.table[node].hash = mix(nodes.table[node].bits, CONSTANT)
        positive = math.copysign(1.0, constant) > 0.0
        nodes.table[node].known = NEVER_NEGATIVE if positive else NEVER_MINUS_ZERO * np.int64(constant < 0.0)
    return node


@inner_kernel
def unary(nodes, code, x):  # type: ignore[no-untyped-def]
    """A new operation as it is, without looking for another form."""
    node = nodes.used[0]
    nodes.used[0] += 1
    nodes.table[node].code, nodes.table[node].first, nodes.table[node].second = code, x, x
    nodes.table[node].height = 1 + nodes.table[x].height
    nodes.table[node].hash, nodes.table[node].structure = (
        mix(nodes.table[x].hash, code),
        mix(nodes.table[x].structure, code),
    )
    known = 0
    if code in (ABS, SQUARE, EXP, COSH, SIGMOID):
        known = NEVER_NEGATIVE
    elif code in (INVERSE, CUBE):
        known = NEVER_NEGATIVE if nodes.table[x].known == NEVER_NEGATIVE else 0
    elif code == SQRT:  # of -0.0 it is -0.0, of all other negative numbers it is nan
        known = NEVER_NEGATIVE if nodes.table[x].known & NEVER_MINUS_ZERO else 0
    nodes.table[node].known = known
    return node


@inner_kernel
def binary(nodes, code, a, b):  # type: ignore[no-untyped-def]
    """A new operation as it is, without looking for another form."""
    node = nodes.used[0]
    nodes.used[0] += 1
    nodes.table[node].code, nodes.table[node].first, nodes.table[node].second = code, a, b
    nodes.table[node].height = 1 + max(nodes.table[a].height, nodes.table[b].height)
    nodes.table[node].hash = _joined(nodes.table[a].hash, nodes.table[b].hash, code)
    nodes.table[node].structure = _joined(nodes.table[a].structure, nodes.table[b].structure, code)
    both, either = nodes.table[a].known & nodes.table[b].known, nodes.table[a].known | nodes.table[b].known
    known = 0
    if code == ADD:  # -0.0 only if both are; below zero only if one is
        known = both if both == NEVER_NEGATIVE else either & NEVER_MINUS_ZERO
    elif code == SUBTRACT:
        known = nodes.table[a].known & NEVER_MINUS_ZERO
    elif code in (MULTIPLY, DIVIDE):
        known = both if both == NEVER_NEGATIVE else 0
    elif code in (MINIMUM, MAXIMUM):
        known = both
    nodes.table[node].known = known
    return node


@inlined_kernel
def _joined(a, b, code):  # type: ignore[no-untyped-def]
    return mix(a + ((b << _BY_23) | (b >> _BY_41)) * _ODD, code)


@inlined_kernel
def same(nodes, a, b):  # type: ignore[no-untyped-def]
    """Tell whether two subtrees are the same, by 128 bits of hashes."""
    return nodes.table[a].hash == nodes.table[b].hash and nodes.table[a].structure == nodes.table[b].structure


@inlined_kernel
def before(nodes, a, b):  # type: ignore[no-untyped-def]
    """Tell whether a's place is before b's: constants first, then any order that depends on nothing but the two."""
    if (nodes.table[a].code == CONSTANT) != (nodes.table[b].code == CONSTANT):
        return nodes.table[a].code == CONSTANT
    if nodes.table[a].structure != nodes.table[b].structure:
        return nodes.table[a].structure < nodes.table[b].structure
    return nodes.table[a].hash < nodes.table[b].hash


@inlined_kernel
def ordered(nodes, code, a, b):  # type: ignore[no-untyped-def]
    """A new operation with its operands in their order."""
    if before(nodes, b, a):
        return binary(nodes, code, b, a)
    return binary(nodes, code, a, b)


@inlined_kernel
def is_code(nodes, node, code):  # type: ignore[no-untyped-def]
    return nodes.table[node].code == code
