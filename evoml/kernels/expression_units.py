"""Units of formulas: how often each breaks the rules of dimensions, read off its nodes from the leaves up.

A unit is a vector of exponents, one for each dimension. A part is *free* where a constant in it can take any unit: then the
part can have any unit as well, since each constant stands in one place only.
"""

import numpy as np

from evoml.kernels.compiling import kernel
from evoml.kernels.expression_codes import ARITY, CONSTANT, VARIABLE

SAME, PRODUCT, QUOTIENT, SCALED, POWER, NUMBER = range(6)  # rules, see evoml.genomes.expression.operations.UnitRule
_CLOSE = 1e-6


@kernel
def count_unit_violations(
    codes: np.ndarray,
    constants: np.ndarray,
    lengths: np.ndarray,
    rules: np.ndarray,
    factors: np.ndarray,
    columns: np.ndarray,
    known: np.ndarray,
    target: np.ndarray,
    checked: bool,
    free: bool,
    first: int,
    last: int,
    violations: np.ndarray,
) -> None:
    """Set violations int32 (n,) of formulas first..last: nodes whose operands' units break their rule.

    rules int8, factors float64 (64,): by operation code. columns float64 (n_features, k): exponents, of use where ``known``
    bool (n_features,). target float64 (k,): the unit of the result, of use where ``checked``. free: constants have any unit.
    """
    room = codes.shape[1] + 1
    units = np.empty((room, columns.shape[1]))
    any_unit = np.empty(room, np.bool_)
    literals = np.empty(room)  # the value of a part that is one constant, else nan
    for program in range(first, last):
        top, broken = 0, 0
        for at in range(lengths[program] - 1, -1, -1):
            code = codes[program, at]
            if code >= CONSTANT:
                column = code - VARIABLE
                literals[top] = constants[program, at] if code == CONSTANT else np.nan
                any_unit[top] = free if code == CONSTANT else not known[column]
                for axis in range(units.shape[1]):
                    units[top, axis] = columns[column, axis] if code > CONSTANT else 0.0
                top += 1
            elif ARITY[code] == 1:
                broken += _one(units, any_unit, top - 1, rules[code], factors[code])
                literals[top - 1] = np.nan
            else:
                broken += _two(units, any_unit, literals, top - 1, top - 2, rules[code])
                top -= 1
                literals[top - 1] = np.nan
        if checked and not any_unit[0]:
            for axis in range(units.shape[1]):
                if abs(units[0, axis] - target[axis]) > _CLOSE:
                    broken += 1
                    break
        violations[program] = broken


@kernel
def _one(units: np.ndarray, any_unit: np.ndarray, at: int, rule: int, factor: float) -> int:
    """Apply an operation of one operand to the unit at ``at``; return 1 if it must not have that unit."""
    broken = rule == NUMBER and _has_unit(units, any_unit, at)
    for axis in range(units.shape[1]):
        units[at, axis] = 0.0 if rule == NUMBER else units[at, axis] * factor
    any_unit[at] = any_unit[at] and rule != NUMBER
    return 1 if broken else 0


@kernel
def _two(units: np.ndarray, any_unit: np.ndarray, literals: np.ndarray, left: int, right: int, rule: int) -> int:
    """Apply an operation of two operands, whose result takes the place of ``right``; return how many rules it breaks."""
    if rule == POWER:
        return _raise(units, any_unit, literals[right], left, right)
    if rule == SAME:
        if any_unit[left]:
            return 0
        differ = False
        for axis in range(units.shape[1]):
            differ = differ or abs(units[left, axis] - units[right, axis]) > _CLOSE
            units[right, axis] = units[left, axis]
        differ = differ and not any_unit[right]
        any_unit[right] = differ  # what is wrong is counted once, not again further up
        return 1 if differ else 0
    sign = 1.0 if rule == PRODUCT else -1.0
    for axis in range(units.shape[1]):
        units[right, axis] = units[left, axis] + sign * units[right, axis]
    any_unit[right] = any_unit[left] or any_unit[right]
    return 0


@kernel
def _raise(units: np.ndarray, any_unit: np.ndarray, exponent: float, left: int, right: int) -> int:
    """Apply a power: its exponent has no unit, and its base may have one only where the exponent is a number."""
    if np.isfinite(exponent):
        for axis in range(units.shape[1]):
            units[right, axis] = units[left, axis] * exponent
        any_unit[right] = any_unit[left]
        return 0
    broken = (1 if _has_unit(units, any_unit, left) else 0) + (1 if _has_unit(units, any_unit, right) else 0)
    for axis in range(units.shape[1]):
        units[right, axis] = 0.0
    any_unit[right] = False
    return broken


@kernel
def _has_unit(units: np.ndarray, any_unit: np.ndarray, at: int) -> bool:
    if not any_unit[at]:
        for axis in range(units.shape[1]):
            if abs(units[at, axis]) > _CLOSE:
                return True
    return False
