"""One form for formulas that are equal by the rules of IEEE 754, and hashes by which equal ones are known.

What is kept: the canonical form's values in float64 are those of the formula bit for bit (any nan for any nan), where rounding
is to nearest, no column holds -0.0 (add 0.0 to a table beforehand) or what is not finite, and operations are computed each by
itself: no fused multiply-add; square is x * x, cube (x * x) * x, inverse 1 / x. Only the values of other functions at constants
may differ in their last bits, as far as the C library's differ from those of whoever evaluates; and where it is left open
whether min and max return 0.0 or -0.0 of the two, it stays open. In float32 folded constants are rounded once instead of at
each operation; else the same holds.
Rules of real numbers that rounding breaks (associativity, 1 / (1 / x), x / x, x - x of what may overflow) are not used.

The form has the operands of commutative operations in a fixed order, constants first; constant subtrees folded where they are
finite; signs on the outside of products and quotients, or in their constants; differences as sums where the sign costs
nothing. It is never longer, and introduces no operation that is not allowed.
"""

import math

import numpy as np

from evoml.kernels.compiling import kernel
from evoml.kernels.expression_codes import (
    ABS,
    ADD,
    CONSTANT,
    CUBE,
    DIVIDE,
    FIRST_UNARY,
    INVERSE,
    MAXIMUM,
    MINIMUM,
    MULTIPLY,
    NEGATE,
    SQUARE,
    SUBTRACT,
    VARIABLE,
)
from evoml.kernels.expression_folding import folded
from evoml.kernels.expression_nodes import (
    NEVER_MINUS_ZERO,
    NEVER_NEGATIVE,
    before,
    binary,
    is_code,
    leaf,
    make_nodes,
    ordered,
    same,
    unary,
)
from evoml.kernels.histogram import inlined_kernel, inner_kernel

_NODES_EACH = 10  # nodes that are made at most for one of a formula, those given up again included

# -- constructors: each takes operands in canonical form, and calls those before it only -------------------------------


@inner_kernel
def _negate(nodes, x):  # type: ignore[no-untyped-def]
    """-x: the sign goes where it costs nothing."""
    code = nodes.table[x].code
    if code == NEGATE:
        return np.int64(nodes.table[x].first)
    if code == CONSTANT:
        return leaf(nodes, np.int32(CONSTANT), -nodes.table[x].constant)
    if code in (MULTIPLY, DIVIDE):
        a, b = np.int64(nodes.table[x].first), np.int64(nodes.table[x].second)
        if is_code(nodes, a, CONSTANT) and is_code(nodes, b, CONSTANT):
            return unary(nodes, np.int32(NEGATE), x)
        if is_code(nodes, a, CONSTANT):
            c = -nodes.table[a].constant
            if code == MULTIPLY and c == 1.0:
                return b
            if code == DIVIDE and c == 1.0 and nodes.allowed[INVERSE]:
                return unary(nodes, np.int32(INVERSE), b)
            return binary(nodes, code, leaf(nodes, np.int32(CONSTANT), c), b)
        if is_code(nodes, b, CONSTANT):
            c = -nodes.table[b].constant
            return a if c == 1.0 else binary(nodes, code, a, leaf(nodes, np.int32(CONSTANT), c))
    return unary(nodes, np.int32(NEGATE), x)


@inlined_kernel
def _absorbs_sign(nodes, x):  # type: ignore[no-untyped-def]
    """Tell whether x is a product or a quotient with one constant, which may take a sign."""
    if nodes.table[x].code != MULTIPLY and nodes.table[x].code != DIVIDE:
        return False
    return is_code(nodes, nodes.table[x].first, CONSTANT) != is_code(nodes, nodes.table[x].second, CONSTANT)


@inlined_kernel
def _takes_sign(nodes, x):  # type: ignore[no-untyped-def]
    """Tell whether -x is as short as x, or shorter."""
    return is_code(nodes, x, NEGATE) or is_code(nodes, x, CONSTANT) or _absorbs_sign(nodes, x)


@inner_kernel
def _scale(nodes, c, x):  # type: ignore[no-untyped-def]
    """The product of the number c and of x, which is not a constant."""
    if is_code(nodes, x, NEGATE):
        c, x = -c, np.int64(nodes.table[x].first)
    if c == 1.0:
        return x
    if c == -1.0 and nodes.allowed[NEGATE]:
        return _negate(nodes, x)
    return binary(nodes, np.int32(MULTIPLY), leaf(nodes, np.int32(CONSTANT), c), x)


@inner_kernel
def _subtract_plain(nodes, a, b):  # type: ignore[no-untyped-def]
    """a - b, where b is neither a constant nor has a sign of its own."""
    with_constants = nodes.allowed[CONSTANT]
    if nodes.table[a].code >= VARIABLE and same(nodes, a, b) and with_constants:
        return leaf(nodes, np.int32(CONSTANT), 0.0)
    if is_code(nodes, a, NEGATE):
        p = np.int64(nodes.table[a].first)
        if same(nodes, p, b) and with_constants and nodes.allowed[MULTIPLY]:
            return _scale(nodes, -2.0, b)
        if before(nodes, b, p):
            return binary(nodes, np.int32(SUBTRACT), _negate(nodes, b), p)
    return binary(nodes, np.int32(SUBTRACT), a, b)


@inner_kernel
def _add(nodes, a, b):  # type: ignore[no-untyped-def]
    if before(nodes, b, a):
        a, b = b, a
    if is_code(nodes, a, CONSTANT) and nodes.table[a].constant == 0.0:
        if nodes.table[a].known == 0 or nodes.table[b].known & NEVER_MINUS_ZERO:  # -0.0 + x is x; 0.0 + -0.0 is 0.0
            return b
    elif same(nodes, a, b) and nodes.allowed[MULTIPLY] and nodes.allowed[CONSTANT]:
        return _scale(nodes, 2.0, a)
    if nodes.allowed[SUBTRACT]:
        if is_code(nodes, b, NEGATE):
            return _subtract_plain(nodes, a, np.int64(nodes.table[b].first))
        if is_code(nodes, a, NEGATE):
            return _subtract_plain(nodes, b, np.int64(nodes.table[a].first))
    return binary(nodes, np.int32(ADD), a, b)


@inner_kernel
def _subtract(nodes, a, b):  # type: ignore[no-untyped-def]
    """a - b, as the sum of a and -b where -b is as short as b."""
    if is_code(nodes, b, NEGATE) and is_code(nodes, a, NEGATE):
        return _subtract_plain(nodes, np.int64(nodes.table[b].first), np.int64(nodes.table[a].first))
    if nodes.allowed[ADD] and _takes_sign(nodes, b):
        return _add(nodes, a, _negate(nodes, b))
    if is_code(nodes, b, CONSTANT) and nodes.table[b].constant == 0.0:
        drops = nodes.table[b].known == NEVER_NEGATIVE or nodes.table[a].known & NEVER_MINUS_ZERO
        return a if drops else binary(nodes, np.int32(SUBTRACT), a, b)
    if is_code(nodes, b, CONSTANT) or is_code(nodes, b, NEGATE):
        return binary(nodes, np.int32(SUBTRACT), a, b)
    return _subtract_plain(nodes, a, b)


@inner_kernel
def _inverse(nodes, x):  # type: ignore[no-untyped-def]
    if is_code(nodes, x, NEGATE):
        return _negate(nodes, unary(nodes, np.int32(INVERSE), np.int64(nodes.table[x].first)))
    return unary(nodes, np.int32(INVERSE), x)


@inner_kernel
def _divide(nodes, a, b):  # type: ignore[no-untyped-def]
    negative = is_code(nodes, a, NEGATE) != is_code(nodes, b, NEGATE)
    a = np.int64(nodes.table[a].first) if is_code(nodes, a, NEGATE) else a
    b = np.int64(nodes.table[b].first) if is_code(nodes, b, NEGATE) else b
    if is_code(nodes, a, CONSTANT) or is_code(nodes, b, CONSTANT):
        if negative:
            a, negative = _negate(nodes, a), False
        if is_code(nodes, a, NEGATE):  # the sign belongs into the constant below
            a, b = np.int64(nodes.table[a].first), _negate(nodes, b)
        if is_code(nodes, b, CONSTANT) and nodes.table[b].constant == 1.0:
            return a
        if is_code(nodes, b, CONSTANT) and nodes.table[b].constant == -1.0 and nodes.allowed[NEGATE]:
            return _negate(nodes, a)
        if is_code(nodes, a, CONSTANT) and nodes.allowed[INVERSE]:
            if nodes.table[a].constant == 1.0:
                return _inverse(nodes, b)
            if nodes.table[a].constant == -1.0 and nodes.allowed[NEGATE]:
                return _negate(nodes, _inverse(nodes, b))
    quotient = binary(nodes, np.int32(DIVIDE), a, b)
    return _negate(nodes, quotient) if negative else quotient


@inner_kernel
def _without_sign(nodes, x):  # type: ignore[no-untyped-def]
    """What has the same absolute value as x and is as short or shorter."""
    while True:
        code, a, b = nodes.table[x].code, np.int64(0), np.int64(0)
        if code < CONSTANT:
            a, b = np.int64(nodes.table[x].first), np.int64(nodes.table[x].second)
        if code in (NEGATE, ABS):
            x = a
        elif code == SUBTRACT and is_code(nodes, a, CONSTANT) and is_code(nodes, b, CONSTANT):
            return x
        elif code == SUBTRACT and nodes.allowed[ADD] and _takes_sign(nodes, a):
            x = _add(nodes, _negate(nodes, a), b)
        elif code == SUBTRACT:
            if not before(nodes, b, a):
                return x
            x = _subtract(nodes, b, a)
        elif code == ADD and is_code(nodes, a, NEGATE) and is_code(nodes, b, NEGATE):
            x = _add(nodes, np.int64(nodes.table[a].first), np.int64(nodes.table[b].first))
        elif _absorbs_sign(nodes, x):
            c = nodes.table[a].constant if is_code(nodes, a, CONSTANT) else nodes.table[b].constant
            if math.copysign(1.0, c) > 0.0:
                return x
            x = _negate(nodes, x)
        else:
            return x


@inner_kernel
def _even(nodes, code, x):  # type: ignore[no-untyped-def]
    """Square or absolute value."""
    x = _without_sign(nodes, x)
    if code == ABS and nodes.table[x].known == NEVER_NEGATIVE:
        return x
    return unary(nodes, code, x)


@inner_kernel
def _multiply(nodes, a, b):  # type: ignore[no-untyped-def]
    negative = is_code(nodes, a, NEGATE) != is_code(nodes, b, NEGATE)
    a = np.int64(nodes.table[a].first) if is_code(nodes, a, NEGATE) else a
    b = np.int64(nodes.table[b].first) if is_code(nodes, b, NEGATE) else b
    if before(nodes, b, a):
        a, b = b, a
    if is_code(nodes, a, CONSTANT) and not is_code(nodes, b, CONSTANT):
        return _scale(nodes, -nodes.table[a].constant if negative else nodes.table[a].constant, b)
    if same(nodes, a, b) and nodes.allowed[SQUARE]:
        product = _even(nodes, np.int32(SQUARE), a)
    elif _is_square_of(nodes, a, b) and nodes.allowed[CUBE]:
        product = unary(nodes, np.int32(CUBE), b)
    elif _is_square_of(nodes, b, a) and nodes.allowed[CUBE]:
        product = unary(nodes, np.int32(CUBE), a)
    else:
        product = binary(nodes, np.int32(MULTIPLY), a, b)
    return _negate(nodes, product) if negative else product


@inlined_kernel
def _is_square_of(nodes, a, b):  # type: ignore[no-untyped-def]
    return is_code(nodes, a, SQUARE) and same(nodes, np.int64(nodes.table[a].first), b)


@inner_kernel
def _extremum(nodes, code, a, b):  # type: ignore[no-untyped-def]
    """Minimum or maximum: the order matters where zeros of both signs meet."""
    if same(nodes, a, b):
        return a
    if nodes.table[a].known & nodes.table[b].known & NEVER_MINUS_ZERO:
        return ordered(nodes, code, a, b)
    return binary(nodes, code, a, b)


@inner_kernel
def _canonical_unary(nodes, code, x):  # type: ignore[no-untyped-def]
    if is_code(nodes, x, CONSTANT):
        value = folded(code, nodes.table[x].constant, 0.0)
        return leaf(nodes, np.int32(CONSTANT), value) if np.isfinite(value) else unary(nodes, code, x)
    if code == NEGATE:
        return _negate(nodes, x)
    if code == INVERSE:
        return _inverse(nodes, x)
    if code in (SQUARE, ABS):
        return _even(nodes, code, x)
    if code == CUBE and is_code(nodes, x, NEGATE):
        return _negate(nodes, unary(nodes, code, np.int64(nodes.table[x].first)))
    return unary(nodes, code, x)


@inner_kernel
def _canonical_binary(nodes, code, a, b):  # type: ignore[no-untyped-def]
    if is_code(nodes, a, CONSTANT) and is_code(nodes, b, CONSTANT):
        value = folded(code, nodes.table[a].constant, nodes.table[b].constant)
        if np.isfinite(value):
            return leaf(nodes, np.int32(CONSTANT), value)
        return ordered(nodes, code, a, b) if code in (ADD, MULTIPLY) else binary(nodes, code, a, b)
    if code == ADD:
        return _add(nodes, a, b)
    if code == SUBTRACT:
        return _subtract(nodes, a, b)
    if code == MULTIPLY:
        return _multiply(nodes, a, b)
    if code == DIVIDE:
        return _divide(nodes, a, b)
    if code in (MINIMUM, MAXIMUM):
        return _extremum(nodes, code, a, b)
    return binary(nodes, code, a, b)


# -- formulas ----------------------------------------------------------------------------------------------------------


@inner_kernel
def _build(nodes, codes, constants, row, length, rewrite, stack):  # type: ignore[no-untyped-def]
    """Read a formula from its end, so that operands come before their operation; return the root."""
    nodes.used[0], n_stacked = 0, 0
    for i in range(length - 1, -1, -1):
        code = codes[row, i]
        if code >= CONSTANT:
            node = leaf(nodes, code, constants[row, i])
        elif code >= FIRST_UNARY:
            n_stacked -= 1
            x = stack[n_stacked]
            node = _canonical_unary(nodes, code, x) if rewrite else unary(nodes, code, x)
        else:
            n_stacked -= 2
            a, b = stack[n_stacked + 1], stack[n_stacked]
            node = _canonical_binary(nodes, code, a, b) if rewrite else binary(nodes, code, a, b)
        stack[n_stacked] = node
        n_stacked += 1
    return stack[0]


@inner_kernel
def _write(nodes, root, codes, constants, row, old_length, stack):  # type: ignore[no-untyped-def]
    """Write the tree in prefix order over the formula it was read from; return its length."""
    stack[0], n_stacked, at = root, 1, 0
    while n_stacked > 0:
        n_stacked -= 1
        node = stack[n_stacked]
        code = nodes.table[node].code
        codes[row, at], constants[row, at] = code, nodes.table[node].constant if code == CONSTANT else 0.0
        at += 1
        if code < FIRST_UNARY:
            stack[n_stacked] = nodes.table[node].second
            n_stacked += 1
        if code < CONSTANT:
            stack[n_stacked] = nodes.table[node].first
            n_stacked += 1
    for k in range(at, old_length):
        codes[row, k], constants[row, k] = 0, 0.0
    return at


@kernel
def canonicalise(codes, constants, lengths, allowed, max_depth, hashes, structures, first, last):  # type: ignore[no-untyped-def]
    """Bring formulas first..last of a population into canonical form, in place, and hash them.

    codes int32 (n, L), constants float64 (n, L), lengths int32 (n,). allowed bool (65,): see
    :func:`evoml.kernels.expression_growth.allowed_codes`. A formula whose canonical form would be deeper than ``max_depth``
    stays as it is. hashes uint64 (n,) are set to a hash of the form with its constants' bits, structures uint64 (n,) to
    one that all constants share.
    """
    room = codes.shape[1]
    nodes, stack = make_nodes(_NODES_EACH * room, allowed), np.empty(room + 2, np.int64)
    for i in range(first, last):
        root = _build(nodes, codes, constants, i, lengths[i], True, stack)
        if nodes.table[root].height > max_depth:
            root = _build(nodes, codes, constants, i, lengths[i], False, stack)
        hashes[i], structures[i] = nodes.table[root].hash, nodes.table[root].structure
        lengths[i] = _write(nodes, root, codes, constants, i, lengths[i], stack)
