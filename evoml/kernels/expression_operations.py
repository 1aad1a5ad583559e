"""Operations of a step of the machine of formulas: single ones, and two or three at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from evoml.kernels import expression_math as functions
from evoml.kernels.expression_codes import (
    ABS,
    ACOS,
    ADD,
    ASIN,
    ATAN,
    CBRT,
    COS,
    COSH,
    CUBE,
    DIVIDE,
    EXP,
    INVERSE,
    LOG,
    MAXIMUM,
    MINIMUM,
    MULTIPLY,
    NEGATE,
    POWER,
    SIGMOID,
    SIN,
    SINH,
    SQRT,
    SQUARE,
    SUBTRACT,
    TAN,
    TANH,
)
from evoml.kernels.expression_lanes import Lanes

# Operations of a step: below 64 those of one node, by the node's code.
WITH_CONSTANT, CONSTANT_WITH, FILL = 40, 48, 60  # + code: row and constant, constant and row; only a constant
# Of two or three nodes. First operations: 0 to 3 of two rows, 4 to 8 of a row and a constant.
PAIR_ROW = 64  # + 8 * first + second: its result and another row
PAIR_CONSTANT = 144  # + 8 * first + second: its result and a constant
PAIR_PAIR = 224  # + 16 * first + 4 * other + second: two results of two rows each
N_OPERATIONS = 288


class Operation(NamedTuple):
    """What a step computes of ``rows`` rows and ``constants`` constants, as lanes; ``strip`` vectors in a turn of its loop.

    Short loops gain from several; long ones only compile more slowly, as a processor overlaps their turns by itself.
    """

    rows: int
    constants: int
    formula: Callable[..., Lanes]
    strip: int = 2


def _minimum(a: Lanes, b: Lanes) -> Lanes:
    """The smaller one, nan where either is."""
    smaller = (a < b).where(a, b)
    return a.differs(a).where(a, smaller)


def _maximum(a: Lanes, b: Lanes) -> Lanes:
    larger = (a > b).where(a, b)
    return a.differs(a).where(a, larger)


BINARY: dict[int, Callable[[Any, Any], Any]] = {
    ADD: lambda a, b: a + b,
    SUBTRACT: lambda a, b: a - b,
    MULTIPLY: lambda a, b: a * b,
    DIVIDE: lambda a, b: a / b,
    POWER: functions.power,
    MINIMUM: _minimum,
    MAXIMUM: _maximum,
}
UNARY: dict[int, Callable[[Any], Any]] = {
    NEGATE: lambda a: -a,
    INVERSE: lambda a: 1.0 / a,
    SQUARE: lambda a: a * a,
    CUBE: lambda a: a * a * a,
    SQRT: functions.sqrt,
    CBRT: functions.cbrt,
    ABS: Lanes.absolute,
    EXP: functions.exp,
    LOG: functions.log,
    SIN: functions.near_sin,
    COS: functions.near_cos,
    TAN: functions.near_tan,
    ASIN: functions.asin,
    ACOS: functions.acos,
    ATAN: functions.atan,
    SINH: functions.sinh,
    COSH: functions.cosh,
    TANH: functions.tanh,
    SIGMOID: functions.sigmoid,
}
# Arithmetic with its operands as they come and swapped; of a row and a constant a difference is a sum.
_SECONDS = [BINARY[code] for code in (ADD, SUBTRACT, MULTIPLY, DIVIDE)] + [lambda t, c: c - t, lambda t, c: c / t]
SUM_WITH, PRODUCT_WITH, QUOTIENT_WITH, FROM_CONSTANT, CONSTANT_OVER = range(4, 9)
_FIRSTS = [
    *_SECONDS[:4],
    lambda a, c: a + c,
    lambda a, c: a * c,
    lambda a, c: a / c,
    lambda a, c: c - a,
    lambda a, c: c / a,
]


def operations() -> dict[int, Operation]:
    """Return all operations of steps by number."""
    found = {code: Operation(2, 0, formula, _strip(code)) for code, formula in BINARY.items()}
    found |= {code: Operation(1, 0, formula, _strip(code)) for code, formula in UNARY.items()}
    for code, formula in BINARY.items():
        if code != SUBTRACT:
            found[WITH_CONSTANT + code] = Operation(1, 1, formula, _strip(code))
        if code in (SUBTRACT, DIVIDE, POWER):
            found[CONSTANT_WITH + code] = Operation(1, 1, _swapped(formula), _strip(code))
    found[FILL] = Operation(0, 1, lambda c: c)
    for i, first in enumerate(_FIRSTS):
        rows, constants = (2, 0) if i < 4 else (1, 1)
        for j, second in enumerate(_SECONDS):
            found[PAIR_ROW + 8 * i + j] = Operation(rows + 1, constants, _then(first, second, rows, constants))
            if j != SUBTRACT:
                both = _then_constant(first, second, rows, constants)
                found[PAIR_CONSTANT + 8 * i + j] = Operation(rows, constants + 1, both)
    for i, first in enumerate(_FIRSTS[:4]):
        for j, other in enumerate(_FIRSTS[:4]):
            for k, second in enumerate(_SECONDS[:4]):
                found[PAIR_PAIR + 16 * i + 4 * j + k] = Operation(4, 0, _of_pairs(first, other, second))
    return found


def _strip(code: int) -> int:
    return 2 if code in (POWER, CBRT) or code >= EXP else 4


def _swapped(formula: Callable[..., Lanes]) -> Callable[..., Lanes]:
    return lambda a, c: formula(c, a)


def _then(first: Any, second: Any, rows: int, constants: int) -> Callable[..., Lanes]:
    if constants:
        return lambda a, b, c: second(first(a, c), b)
    return lambda a, b, c: second(first(a, b), c)


def _then_constant(first: Any, second: Any, rows: int, constants: int) -> Callable[..., Lanes]:
    return lambda a, b, c: second(first(a, b), c)


def _of_pairs(first: Any, other: Any, second: Any) -> Callable[..., Lanes]:
    return lambda a, b, c, d: second(first(a, b), other(c, d))
