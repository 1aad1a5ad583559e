"""Random formulas: what they are made of, and how one is grown to a wanted length.

All arrays of formulas are in prefix order, see :mod:`evoml.kernels.expression_codes`. Every random number is a hash of the
formula's key and of what it is for, so that formulas can be grown in any order and in any number of threads.
"""

import math
from typing import NamedTuple

import numpy as np

from evoml.kernels.compiling import kernel
from evoml.kernels.expression_codes import ARITY, CONSTANT, FIRST_UNARY, VARIABLE
from evoml.kernels.histogram import inlined_kernel, inner_kernel
from evoml.kernels.random import mix, uniform

UNARY, BINARY, VARIABLES = range(3)  # the tables of a language
_LEAVES = 1 << 20  # beyond the number of any step of growth: leaves' random numbers are others than the steps'


class Language(NamedTuple):
    """What formulas are made of: three tables of codes, drawn by weight with one random number (Walker 1977).

    codes int32, chances float64, aliases int64: unary operations, binary operations, variables, one after the other;
    starts int64 (4,): where each table begins, and the end. unary_share: of unary operations among all.
    constant_probability: of a leaf. Constants are normal (centre, spread = standard deviation) or uniform (centre +- spread).
    """

    codes: np.ndarray
    chances: np.ndarray
    aliases: np.ndarray
    starts: np.ndarray
    unary_share: float
    constant_probability: float
    constant_centre: float
    constant_spread: float
    constant_normal: bool


def make_language(
    frequencies: np.ndarray,
    variable_weights: np.ndarray,
    constant_probability: float = 0.3,
    constant_centre: float = 0.0,
    constant_spread: float = 1.0,
    constant_normal: bool = True,
) -> Language:
    """Language of operations drawn by ``frequencies`` (64,) and variables by ``variable_weights`` (n_features,).

    What has weight 0 is not drawn. Where all variables have, leaves are constants, whatever ``constant_probability`` says.
    """
    frequencies, weights = np.asarray(frequencies, float), np.asarray(variable_weights, float)
    arities = ARITY[: len(frequencies)]
    used = frequencies > 0
    groups = [np.flatnonzero(used & (arities == 1)), np.flatnonzero(used & (arities == 2)), np.flatnonzero(weights > 0)]
    tables = [
        _alias_table(values[group]) for values, group in zip((frequencies, frequencies, weights), groups, strict=True)
    ]
    starts = np.cumsum([0, *(len(group) for group in groups)])
    total = frequencies[used].sum()
    return Language(
        np.concatenate([groups[UNARY], groups[BINARY], groups[VARIABLES] + VARIABLE]).astype(np.int32),
        np.concatenate([chances for chances, _ in tables]),
        np.concatenate([aliases + start for (_, aliases), start in zip(tables, starts, strict=False)]).astype(np.int64),
        starts.astype(np.int64),
        float(frequencies[groups[UNARY]].sum() / total) if total > 0 else 0.0,
        float(constant_probability) if len(groups[VARIABLES]) else 1.0,
        float(constant_centre),
        float(constant_spread),
        bool(constant_normal),
    )


def _alias_table(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Chance to stay at each place, and where to go otherwise (Vose 1991)."""
    chances, aliases = np.ones(len(weights)), np.arange(len(weights))
    scaled = weights * (len(weights) / weights.sum()) if len(weights) else weights
    small, large = list(np.flatnonzero(scaled < 1.0)), list(np.flatnonzero(scaled >= 1.0))
    scaled = scaled.copy()
    while small and large:
        low, high = small.pop(), large[-1]
        chances[low], aliases[low] = scaled[low], high
        scaled[high] -= 1.0 - scaled[low]
        if scaled[high] < 1.0:
            small.append(large.pop())
    return chances, aliases


def allowed_codes(language: Language) -> np.ndarray:
    """Return bool (65,): the operations that may appear, and last whether constants may."""
    allowed = np.zeros(CONSTANT + 1, bool)
    allowed[language.codes[: language.starts[VARIABLES]]] = True
    allowed[CONSTANT] = language.constant_probability > 0
    return allowed


PLACED = np.dtype([("code", np.int32), ("first", np.int32), ("second", np.int32), ("level", np.int32)])


class Growing(NamedTuple):
    """Room to grow one formula in: records of PLACED in the order they were placed, which of them may still become operations,
    and a stack for reading them in prefix order."""

    table: np.ndarray
    open: np.ndarray
    stack: np.ndarray


@kernel
def make_growing(room):  # type: ignore[no-untyped-def]
    """Room for formulas of at most ``room`` nodes."""
    return Growing(np.empty(room + 2, PLACED), np.empty(room + 2, np.int32), np.empty(room + 2, np.int32))


@inlined_kernel
def arity(code):  # type: ignore[no-untyped-def]
    return np.int64(code < CONSTANT) + np.int64(code < FIRST_UNARY)


@inlined_kernel
def below(key, n):  # type: ignore[no-untyped-def]
    """int64 in 0..n - 1."""
    return np.int64(uniform(key) * n)


@inlined_kernel
def draw_code(language, table, number):  # type: ignore[no-untyped-def]
    """A code of one of the tables, which must not be empty, for a random number in [0, 1)."""
    start, n = language.starts[table], language.starts[table + 1] - language.starts[table]
    place = number * n
    k = min(np.int64(place), n - 1)
    chosen = start + k if place - k < language.chances[start + k] else language.aliases[start + k]
    return language.codes[chosen]


@inlined_kernel
def draw_operation(language, key):  # type: ignore[no-untyped-def]
    """An operation by the frequencies; there must be one."""
    number, share = uniform(key), language.unary_share
    if number < share:
        return draw_code(language, UNARY, number / share)
    return draw_code(language, BINARY, (number - share) / (1.0 - share))


@inner_kernel
def draw_constant(language, key):  # type: ignore[no-untyped-def]
    if language.constant_normal:
        return language.constant_centre + language.constant_spread * draw_normal(key)
    return language.constant_centre + language.constant_spread * (2.0 * uniform(mix(key, 0)) - 1.0)


@inner_kernel
def draw_normal(key):  # type: ignore[no-untyped-def]
    """A standard normal number (Box and Muller 1958)."""
    radius = math.sqrt(-2.0 * math.log(1.0 - uniform(mix(key, 0))))
    return radius * math.cos(2.0 * math.pi * uniform(mix(key, 1)))


@inlined_kernel
def draw_leaf(language, key):  # type: ignore[no-untyped-def]
    """Code and constant of a variable or a constant."""
    number, share = uniform(key), language.constant_probability
    if number < share:
        return np.int32(CONSTANT), draw_constant(language, key)
    return draw_code(language, VARIABLES, (number - share) / (1.0 - share)), 0.0


@inner_kernel
def grow_one(key, min_length, wanted, max_depth, language, growing, codes, constants):  # type: ignore[no-untyped-def]
    """Grow a formula of ``wanted`` nodes into the start of two 1-D arrays and return its length (PTC2, Luke 2000).

    A place that is still open, each with the same chance, becomes an operation drawn by the frequencies. The first one that
    does not fit ends the growth, so the frequencies are not bent towards operations of few operands; only below
    ``min_length`` it is drawn again among unary ones.
    """
    length, n_open = 1, np.int64(max_depth > 1 and language.starts[VARIABLES] > 0)
    table = growing.table
    table[0].code, table[0].level, growing.open[0] = -1, 1, 0
    while length < wanted and n_open > 0:
        turn = mix(key, length)
        operation = draw_operation(language, mix(turn, 0))
        if length + arity(operation) > wanted:
            if length >= min_length or language.starts[BINARY] == 0:
                break
            operation = draw_code(language, UNARY, uniform(mix(turn, 1)))
        k = below(mix(turn, 2), n_open)
        node = growing.open[k]
        growing.open[k] = growing.open[n_open - 1]
        n_open -= 1
        level = table[node].level + 1
        table[node].code, table[node].first, table[node].second = operation, length, length + 1
        for child in range(length, length + arity(operation)):
            table[child].code, table[child].level, growing.open[n_open] = -1, level, child
            n_open += int(level < max_depth)
        length += arity(operation)
    _write_prefix(key, language, growing, codes, constants)
    return length


@inlined_kernel
def _write_prefix(key, language, growing, codes, constants):  # type: ignore[no-untyped-def]
    """Write the grown nodes in prefix order; those that stayed open become leaves."""
    growing.stack[0], n_stacked, at = 0, 1, 0
    while n_stacked > 0:
        n_stacked -= 1
        node = growing.stack[n_stacked]
        code = growing.table[node].code
        constants[at] = 0.0
        if code < 0:
            code, constants[at] = draw_leaf(language, mix(key, _LEAVES + at))
        codes[at] = code
        at += 1
        if code < FIRST_UNARY:
            growing.stack[n_stacked] = growing.table[node].second
            n_stacked += 1
        if code < CONSTANT:
            growing.stack[n_stacked] = growing.table[node].first
            n_stacked += 1


@inlined_kernel
def write_row(source_codes, source_constants, length, codes, constants, row):  # type: ignore[no-untyped-def]
    """Write a formula to a row of a population, zeros after it."""
    for k in range(np.uintp(length)):
        codes[row, k], constants[row, k] = source_codes[k], source_constants[k]
    for k in range(np.uintp(length), np.uintp(codes.shape[1])):
        codes[row, k], constants[row, k] = 0, 0.0


@kernel
def grow(keys, min_length, max_length, max_depth, language, codes, constants, lengths, first, last):  # type: ignore[no-untyped-def]
    """Grow formulas first..last of a population, formula i from ``keys[i]``; lengths are uniform in the range.

    keys uint64 (n,); codes int32 (n, L), constants float64 (n, L), lengths int32 (n,) are set. A leaf alone has depth 1.
    A formula is a node shorter than drawn where the last operation did not fit, and shorter where the depth allows no more.
    """
    room = codes.shape[1]
    growing, one_codes, one_constants = make_growing(room), np.empty(room, np.int32), np.empty(room, np.float64)
    most = min(max_length, room)
    for i in range(first, last):
        key = np.uint64(keys[i])
        wanted = min_length + below(mix(key, 0), most - min_length + 1)
        length = grow_one(mix(key, 1), min_length, wanted, max_depth, language, growing, one_codes, one_constants)
        write_row(one_codes, one_constants, length, codes, constants, i)
        lengths[i] = length
