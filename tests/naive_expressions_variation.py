"""Slow, obvious twins of the kernels that vary, bring into canonical form, rank and select formulas.

A tree here is a tuple: (code, first operand, second operand) with as many operands as the code has, ("constant", value) or
("variable", code).
"""

from __future__ import annotations

import math
import struct

import numpy as np

from evoml.kernels import expression_codes as code_of
from evoml.kernels.expression_codes import ARITY, CONSTANT, VARIABLE

ADD, SUBTRACT, MULTIPLY, DIVIDE = code_of.ADD, code_of.SUBTRACT, code_of.MULTIPLY, code_of.DIVIDE
MINIMUM, MAXIMUM, NEGATE, INVERSE = code_of.MINIMUM, code_of.MAXIMUM, code_of.NEGATE, code_of.INVERSE
SQUARE, CUBE, ABS = code_of.SQUARE, code_of.CUBE, code_of.ABS
_WORD = (1 << 64) - 1

# -- trees and arrays --------------------------------------------------------------------------------------------------


def parse(codes, constants, length):
    """The tree of one formula; raises AssertionError unless it is one, and zeros follow it."""
    tree, end = _parse(codes, constants, 0)
    assert end == length, f"{length} nodes told, {end} read"
    assert not np.any(codes[length:])
    assert not np.any(constants[length:])
    return tree


def _parse(codes, constants, at):
    code = int(codes[at])
    if code == CONSTANT:
        return ("constant", float(constants[at])), at + 1
    assert constants[at] == 0.0
    if code >= VARIABLE:
        return ("variable", code), at + 1
    operands = [code]
    at += 1
    for _ in range(ARITY[code]):
        operand, at = _parse(codes, constants, at)
        operands.append(operand)
    assert len(operands) > 1, f"{code} is no operation"
    return tuple(operands), at


def flat(tree):
    """Codes and constants of a tree in prefix order, as two lists."""
    if tree[0] == "constant":
        return [CONSTANT], [tree[1]]
    if tree[0] == "variable":
        return [tree[1]], [0.0]
    codes, constants = [tree[0]], [0.0]
    for operand in tree[1:]:
        more_codes, more_constants = flat(operand)
        codes += more_codes
        constants += more_constants
    return codes, constants


def subtrees(tree):
    """All subtrees, the tree itself first, in prefix order."""
    found = [tree]
    for operand in operands_of(tree):
        found += subtrees(operand)
    return found


def operands_of(tree):
    return tree[1:] if isinstance(tree[0], int) else ()


def height(tree):
    return 1 + max((height(operand) for operand in operands_of(tree)), default=0)


def size(tree):
    return len(subtrees(tree))


def without(tree, place, replacement):
    """The tree with another in place of the ``place``-th subtree in prefix order."""
    if place == 0:
        return replacement
    place -= 1
    operands = []
    for operand in operands_of(tree):
        operands.append(without(operand, place, replacement) if 0 <= place < size(operand) else operand)
        place -= size(operand)
    return (tree[0], *operands)


# -- values: every operation by the C library, one number at a time ----------------------------------------------------

_FUNCTIONS = {
    code_of.SQRT: math.sqrt, code_of.CBRT: math.cbrt, code_of.EXP: math.exp, code_of.LOG: math.log, code_of.SIN: math.sin,
    code_of.COS: math.cos, code_of.TAN: math.tan, code_of.ASIN: math.asin, code_of.ACOS: math.acos, code_of.ATAN: math.atan,
    code_of.SINH: math.sinh, code_of.COSH: math.cosh, code_of.TANH: math.tanh,
}  # fmt: skip


def _number(function, *numbers):
    try:
        return function(*numbers)
    except OverflowError:
        return math.inf
    except ValueError:
        return math.nan


def apply(code, *arrays):
    """Values of an operation at arrays of float64."""
    with np.errstate(all="ignore"):
        if code in _FUNCTIONS:
            return np.array([_number(_FUNCTIONS[code], x) for x in arrays[0]])
        if code == code_of.POWER:
            return np.array([_number(math.pow, *pair) for pair in zip(*arrays, strict=True)])
        return _IEEE[code](*arrays)


_IEEE = {
    ADD: np.add, SUBTRACT: np.subtract, MULTIPLY: np.multiply, DIVIDE: np.divide,
    # of the zeros, as of other equal numbers, the second: as good as any, and not commutative
    MINIMUM: lambda x, y: np.where(np.isnan(x) | np.isnan(y), np.nan, np.where(x < y, x, y)),
    MAXIMUM: lambda x, y: np.where(np.isnan(x) | np.isnan(y), np.nan, np.where(x > y, x, y)),
    NEGATE: np.negative, INVERSE: lambda x: 1.0 / x, SQUARE: lambda x: x * x, CUBE: lambda x: x * x * x, ABS: np.abs,
    code_of.SIGMOID: lambda x: 1.0 / (1.0 + apply(code_of.EXP, -x)),
}  # fmt: skip


def values(tree, features):
    """Outputs of a tree for features (n_features, n_rows)."""
    if tree[0] == "constant":
        return np.full(features.shape[1], tree[1])
    if tree[0] == "variable":
        return features[tree[1] - VARIABLE]
    return apply(tree[0], *(values(operand, features) for operand in tree[1:]))


def same_bits(a, b):
    """Tell for each number whether it is the other bit for bit, or both are nan."""
    return (a.view(np.uint64) == b.view(np.uint64)) | (np.isnan(a) & np.isnan(b))


# -- hashes ------------------------------------------------------------------------------------------------------------


def mix(key, number):
    z = (key + (number + 1) * 0x9E3779B97F4A7C15) & _WORD
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _WORD
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _WORD
    return z ^ (z >> 31)


def uniform(key):
    return (key >> 11) * 2.0**-53


def hashes(tree):
    """The hash with constants' bits and that of the structure."""
    if tree[0] == "constant":
        return mix(struct.unpack("<Q", struct.pack("<d", tree[1]))[0], CONSTANT), mix(0, CONSTANT)
    if tree[0] == "variable":
        return mix(0, tree[1]), mix(0, tree[1])
    below = [hashes(operand) for operand in tree[1:]]
    if len(below) == 1:
        return mix(below[0][0], tree[0]), mix(below[0][1], tree[0])
    return tuple(_joined(a, b, tree[0]) for a, b in zip(*below, strict=True))


def _joined(a, b, code):
    turned = ((b << 23) | (b >> 41)) & _WORD
    return mix((a + turned * 0xD6E8FEB86659FD93) & _WORD, code)


# -- the canonical form: rules that are applied anywhere until none applies --------------------------------------------


def canonical(tree, allowed):
    """Operands first; a rule's result may hold anything, so it starts anew."""
    if not isinstance(tree[0], int):
        return tree
    tree, rules = (tree[0], *(canonical(operand, allowed) for operand in tree[1:])), _RULES
    if _all_constant(tree):
        rules = (_fold, _sort)
    for rule in rules:
        found = rule(tree, allowed)
        if found is not None and repr(found) != repr(tree):
            return canonical(found, allowed)
    return tree


def _is(tree, code):
    return tree[0] == code


def _constant(tree):
    return tree[0] == "constant"


def _order(tree):
    full, structure = hashes(tree)
    return not _constant(tree), structure, full


def _all_constant(tree):
    return isinstance(tree[0], int) and all(_constant(operand) for operand in tree[1:])


def _minus(tree):
    return (NEGATE, tree)


def _takes_sign(tree):
    one = len(tree) == 3 and tree[0] in (MULTIPLY, DIVIDE) and _constant(tree[1]) != _constant(tree[2])
    return one or _constant(tree) or _is(tree, NEGATE)


def never_minus_zero(tree):
    if _constant(tree):
        return math.copysign(1.0, tree[1]) > 0 or tree[1] < 0
    if _is(tree, ADD):
        return any(never_minus_zero(operand) for operand in tree[1:])
    if _is(tree, SUBTRACT):
        return never_minus_zero(tree[1])
    if tree[0] in (MINIMUM, MAXIMUM):
        return all(never_minus_zero(operand) for operand in tree[1:])
    return tree[0] == "variable" or never_negative(tree)


def never_negative(tree):
    """Neither below zero nor -0.0."""
    if _constant(tree):
        return math.copysign(1.0, tree[1]) > 0
    if tree[0] in (ABS, SQUARE, code_of.EXP, code_of.COSH, code_of.SIGMOID):
        return True
    if tree[0] in (ADD, MULTIPLY, DIVIDE, MINIMUM, MAXIMUM, INVERSE, CUBE):
        return all(never_negative(operand) for operand in tree[1:])
    return _is(tree, code_of.SQRT) and never_minus_zero(tree[1])


def _fold(tree, allowed):
    if not _all_constant(tree):
        return None
    numbers = [operand[1] for operand in tree[1:]]
    if tree[0] in (MINIMUM, MAXIMUM) and numbers == [0.0, 0.0] and str(numbers[0]) != str(numbers[1]):
        return None
    value = float(apply(tree[0], *(np.array([number]) for number in numbers))[0])
    return ("constant", value) if math.isfinite(value) else None


def _sign_out(tree, allowed):
    """-(-x); signs in constants; (-x) y, x / -y, 1 / -x, (-x)^3 with the sign outside."""
    if _is(tree, NEGATE):
        x = tree[1]
        if _is(x, NEGATE):
            return x[1]
        if len(x) == 3 and _takes_sign(x):
            return (x[0], *(("constant", -a[1]) if _constant(a) else a for a in x[1:]))
    if tree[0] in (MULTIPLY, DIVIDE):
        for place in (1, 2):
            if _is(tree[place], NEGATE):
                return _minus((*tree[:place], tree[place][1], *tree[place + 1 :]))
    if tree[0] in (INVERSE, CUBE) and _is(tree[1], NEGATE):
        return _minus((tree[0], tree[1][1]))
    return None


def _sort(tree, allowed):
    commutes = tree[0] in (ADD, MULTIPLY)
    commutes |= tree[0] in (MINIMUM, MAXIMUM) and never_minus_zero(tree[1]) and never_minus_zero(tree[2])
    return (tree[0], *sorted(tree[1:], key=_order)) if commutes else None


def _sum(tree, allowed):
    if not _is(tree, ADD):
        return None
    a, b = tree[1:]
    if _constant(a) and a[1] == 0.0 and (str(a[1]) == "-0.0" or never_minus_zero(b)):
        return b
    if hashes(a) == hashes(b) and allowed[MULTIPLY] and allowed[CONSTANT]:
        return (MULTIPLY, ("constant", 2.0), a)
    if allowed[SUBTRACT] and _is(b, NEGATE):
        return (SUBTRACT, a, b[1])
    if allowed[SUBTRACT] and _is(a, NEGATE):
        return (SUBTRACT, b, a[1])
    return None


def _difference(tree, allowed):
    if not _is(tree, SUBTRACT):
        return None
    a, b = tree[1:]
    if _is(a, NEGATE) and _is(b, NEGATE):
        return (SUBTRACT, b[1], a[1])
    if allowed[ADD] and _takes_sign(b):
        return (ADD, a, _minus(b))
    if _constant(b) and b[1] == 0.0 and (str(b[1]) == "0.0" or never_minus_zero(a)):
        return a
    if a[0] == "variable" and a == b and allowed[CONSTANT]:
        return ("constant", 0.0)
    if _is(a, NEGATE) and hashes(a[1]) == hashes(b) and allowed[MULTIPLY] and allowed[CONSTANT]:
        return (MULTIPLY, ("constant", -2.0), b)
    if _is(a, NEGATE) and not _constant(b) and not _is(b, NEGATE) and _order(b) < _order(a[1]):
        return (SUBTRACT, _minus(b), a[1])
    return None


def _product(tree, allowed):
    if not _is(tree, MULTIPLY):
        return None
    a, b = tree[1:]
    if _constant(a):
        if a[1] == 1.0:
            return b
        return _minus(b) if a[1] == -1.0 and allowed[NEGATE] else None
    if hashes(a) == hashes(b) and allowed[SQUARE]:
        return (SQUARE, a)
    for x, y in ((a, b), (b, a)):
        if _is(x, SQUARE) and hashes(x[1]) == hashes(y) and allowed[CUBE]:
            return (CUBE, y)
    return None


def _quotient(tree, allowed):
    if not _is(tree, DIVIDE):
        return None
    a, b = tree[1:]
    if _constant(b) and b[1] == 1.0:
        return a
    if _constant(b) and b[1] == -1.0 and allowed[NEGATE]:
        return _minus(a)
    if _constant(a) and a[1] == 1.0 and allowed[INVERSE]:
        return (INVERSE, b)
    if _constant(a) and a[1] == -1.0 and allowed[INVERSE] and allowed[NEGATE]:
        return _minus((INVERSE, b))
    return None


def _even(tree, allowed):
    """Square and absolute value do not see a sign."""
    if tree[0] not in (SQUARE, ABS):
        return None
    x = tree[1]
    if x[0] in (NEGATE, ABS):
        return (tree[0], x[1])
    if _is(x, SUBTRACT) and _all_constant(x):
        return None
    if _is(x, SUBTRACT):
        if allowed[ADD] and _takes_sign(x[1]):
            return (tree[0], (ADD, _minus(x[1]), x[2]))
        return (tree[0], (SUBTRACT, *sorted(x[1:], key=_order)))
    if _is(x, ADD) and _is(x[1], NEGATE) and _is(x[2], NEGATE):
        return (tree[0], (ADD, x[1][1], x[2][1]))
    if len(x) == 3 and _takes_sign(x):
        constant = x[1] if _constant(x[1]) else x[2]
        if math.copysign(1.0, constant[1]) < 0:
            return (tree[0], _minus(x))
    return x if _is(tree, ABS) and never_negative(x) else None


def _same_twice(tree, allowed):
    if tree[0] in (MINIMUM, MAXIMUM) and hashes(tree[1]) == hashes(tree[2]):
        return tree[1]
    return None


_RULES = (_fold, _sign_out, _sort, _sum, _difference, _product, _quotient, _even, _same_twice)


# -- ranking and selection ---------------------------------------------------------------------------------------------


def ranks(objectives):
    """Peel off the points that no other of those left dominates."""
    found, left, rank = np.zeros(len(objectives), int), set(range(len(objectives))), 0
    while left:
        front = {i for i in left if not any(_dominates(objectives[j], objectives[i]) for j in left)}
        found[list(front)] = rank
        left -= front
        rank += 1
    return found


def _dominates(a, b):
    return bool(np.all(a <= b) and np.any(a < b))


def tournament(values, size, key, contest):
    """Index of the winner; nan is the worst there is."""
    key = mix(key, contest)
    drawn = [int(uniform(mix(key, draw)) * len(values)) for draw in range(size)]
    return min(drawn, key=lambda i: (math.isnan(values[i]), values[i]))


def lexicase(errors, epsilon, key, selection):
    """Index of the parent; errors (n, cases)."""
    key = mix(key, selection)
    cases, pool, turn = list(range(errors.shape[1])), list(range(len(errors))), 0
    while len(pool) > 1 and turn < errors.shape[1]:
        drawn = turn + int(uniform(mix(key, turn)) * (errors.shape[1] - turn))
        cases[turn], cases[drawn] = cases[drawn], cases[turn]
        case = cases[turn]
        best = min(errors[i, case] for i in pool)
        pool = [i for i in pool if errors[i, case] <= best + epsilon[case]]
        turn += 1
    return pool[int(uniform(mix(key, errors.shape[1])) * len(pool))]
