"""Children of formulas by crossover and mutation.

A child is never longer or deeper than the rules allow, and what is new in it is drawn from the language only. Every random
number is a hash of the child's key and of what it is for.
"""

import numpy as np

from evoml.kernels import expression_operators as operators_of
from evoml.kernels.compiling import kernel
from evoml.kernels.expression_operators import Parents, Rules, make_scratch, outline
from evoml.kernels.histogram import inlined_kernel, inner_kernel
from evoml.kernels.random import mix

CROSSOVER, SUBTREE, POINT, HOIST, INSERT, REMOVE, JITTER, EXCHANGE, CHANGE = range(9)
COPY = -1  # told of a child that could not be made different from its first parent
OPERATOR_NAMES = ("crossover", "subtree", "point", "hoist", "insert", "remove", "jitter", "exchange", "change")


def make_rules(
    max_length: int,
    max_depth: int,
    grown_length: int = 10,
    internal_probability: float = 0.9,
    jitter_factor: float = 0.3,
    jitter_offset: float = 0.05,
    replace_probability: float = 0.1,
    tries: int = 4,
) -> Rules:
    """Rules of the types that the kernel is compiled for; Koza (1992) chooses operations with probability 0.9."""
    shares = (float(internal_probability), float(jitter_factor), float(jitter_offset), float(replace_probability))
    return Rules(int(max_length), int(max_depth), int(grown_length), *shares, int(tries))


@inlined_kernel
def _replacement(operator, parents, first, second, n_operations, n_donor, language, scratch, rules, key):  # type: ignore[no-untyped-def]
    if operator == CROSSOVER:
        return operators_of.crossover(parents, first, second, n_operations, n_donor, scratch, rules, key)
    if operator == POINT:
        return operators_of.point(parents, first, language, scratch, key)
    if operator == HOIST:
        return operators_of.hoist(parents, first, n_operations, scratch, key)
    if operator == INSERT:
        return operators_of.insert(parents, first, language, scratch, rules, key)
    if operator == REMOVE:
        return operators_of.remove(parents, first, n_operations, scratch, key)
    if operator == JITTER:
        return operators_of.jitter(parents, first, language, scratch, rules, key)
    if operator == EXCHANGE:
        return operators_of.exchange(parents, first, n_operations, language, scratch, rules, key)
    if operator == CHANGE:
        return operators_of.change(parents, first, n_operations, language, scratch, rules, key)
    return operators_of.subtree(parents, first, n_operations, language, scratch, rules, key)


@inner_kernel
def _splice(parents, row, start, stop, scratch, piece_length, codes, constants, child):  # type: ignore[no-untyped-def]
    """Write the parent with the piece in place of [start, stop) and zeros after it; return its length."""
    for k in range(np.uintp(start)):
        codes[child, k], constants[child, k] = parents.codes[row, k], parents.constants[row, k]
    for k in range(np.uintp(piece_length)):
        codes[child, np.uintp(start) + k] = scratch.codes[k]
        constants[child, np.uintp(start) + k] = scratch.constants[k]
    at, rest = np.uintp(start + piece_length), np.uintp(parents.lengths[row] - stop)
    for k in range(rest):
        codes[child, at + k] = parents.codes[row, np.uintp(stop) + k]
        constants[child, at + k] = parents.constants[row, np.uintp(stop) + k]
    for k in range(at + rest, np.uintp(codes.shape[1])):
        codes[child, k], constants[child, k] = 0, 0.0
    return np.int64(at + rest)


@inlined_kernel
def _same(parents, row, codes, constants, child, length):  # type: ignore[no-untyped-def]
    if parents.lengths[row] != length:
        return False
    for k in range(np.uintp(length)):
        if parents.codes[row, k] != codes[child, k] or parents.constants[row, k] != constants[child, k]:
            return False
    return True


@inner_kernel
def _vary_one(parents, first, second, operator, key, language, rules, scratch, codes, constants, child):  # type: ignore[no-untyped-def]
    """Make one child; return the operator that made it, or COPY, and its length."""
    n_operations = outline(
        parents.codes, first, parents.lengths[first], scratch.sizes, scratch.heights, scratch.operations
    )
    n_donor = 0
    if operator == CROSSOVER:
        n_donor = outline(
            parents.codes, second, parents.lengths[second], scratch.donor_sizes, scratch.donor_heights, scratch.donor_operations
        )  # fmt: skip
    for attempt in range(2 * rules.tries):
        used = operator if attempt < rules.tries else SUBTREE
        start, stop, piece = _replacement(
            used, parents, first, second, n_operations, n_donor, language, scratch, rules, mix(key, attempt)
        )
        if start >= 0:
            length = _splice(parents, first, start, stop, scratch, piece, codes, constants, child)
            same = _same(parents, first, codes, constants, child, length)
            if not same and not (used == CROSSOVER and _same(parents, second, codes, constants, child, length)):
                return used, length
    return COPY, _splice(parents, first, 0, 0, scratch, 0, codes, constants, child)


@kernel
def vary(  # type: ignore[no-untyped-def]
    codes, constants, lengths, parents, operators, keys, language, rules,
    child_codes, child_constants, child_lengths, applied, first, last,
):  # fmt: skip
    """Make children first..last, child i of the parents in rows ``parents[i]`` (m, 2) by ``operators[i]``.

    codes int32 (n, L), constants float64 (n, L), lengths int32 (n,): the parents, all within the rules' limits. keys uint64
    (m,). Only crossover looks at the second parent. An operator that cannot be applied, or changes nothing, is tried again,
    then subtree mutation is. applied int32 (m,) is set to the operator that made the child, or COPY of the first parent.
    """
    population = Parents(codes, constants, lengths)
    scratch = make_scratch(codes.shape[1])
    for i in range(first, last):
        used, length = _vary_one(
            population, parents[i, 0], parents[i, 1], operators[i], np.uint64(keys[i]), language, rules, scratch,
            child_codes, child_constants, i,
        )  # fmt: skip
        applied[i], child_lengths[i] = used, length
