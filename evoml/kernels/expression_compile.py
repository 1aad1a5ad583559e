"""Formulas in prefix order become steps of a register machine: its operations, and the compiler, which is compiled itself.

A step is an operation on rows of a workspace, which are columns of the table or intermediate results, and up to two constants.
Binary operations wait for their parent: with it they become one step of up to seven nodes, which saves the way through memory.
Every result is rounded as in the formula, so that fusing never changes a value. Constant subtrees are computed once.
"""

from __future__ import annotations

import numpy as np

from evoml.kernels.compiling import kernel
from evoml.kernels.expression_codes import (
    ADD,
    CONSTANT,
    DIVIDE,
    FIRST_UNARY,
    INVERSE,
    MULTIPLY,
    NEGATE,
    POWER,
    SQUARE,
    SUBTRACT,
    VARIABLE,
)
from evoml.kernels.expression_machine import BYTES_OF_VECTOR, STRIP, run_steps
from evoml.kernels.expression_operations import (
    CONSTANT_OVER,
    CONSTANT_WITH,
    FILL,
    FROM_CONSTANT,
    PAIR_CONSTANT,
    PAIR_PAIR,
    PAIR_ROW,
    PRODUCT_WITH,
    QUOTIENT_WITH,
    SUM_WITH,
    WITH_CONSTANT,
)
from evoml.kernels.histogram import inner_kernel

# What an operand on the compiler's stack is: a constant, a row, or a binary operation that waits for its parent. A line of the
# stack is: what it is, first operation, and where one or two rows begin.
_IS_CONSTANT, _IS_ROW, _WAITS = 0, 1, 2
# Numba compiles a function anew for each number that is written out in a call of it, but not for NumPy's.
_NONE, _FIRST_PLACE, _FILL, _SQUARE, _INVERSE = (np.int64(number) for number in (0, 0, FILL, SQUARE, INVERSE))
_SPARE_REGISTERS = 3  # for formulas of one node, and for constants that are computed while others wait
# By first operation: the operation of a step that does only that.
_ALONE = np.array(
    [ADD, SUBTRACT, MULTIPLY, DIVIDE, *(WITH_CONSTANT + code for code in (ADD, MULTIPLY, DIVIDE)),
     CONSTANT_WITH + SUBTRACT, CONSTANT_WITH + DIVIDE], np.int64,
)  # fmt: skip
# By code: the first operation of a row and a constant, and of a constant and a row; the second operation of swapped operands.
_ROW_FIRST = np.array([SUM_WITH, SUM_WITH, PRODUCT_WITH, QUOTIENT_WITH], np.int64)
_CONSTANT_FIRST = np.array([SUM_WITH, FROM_CONSTANT, PRODUCT_WITH, CONSTANT_OVER], np.int64)
_SWAPPED = np.array([ADD, 4, MULTIPLY, 5], np.int64)
_SECOND_OF_FIRST = np.array([0, 0, 0, 0, ADD, MULTIPLY, DIVIDE, 4, 5], np.int64)  # by first operation with a constant


@kernel
def registers_needed(max_length):  # type: ignore[no-untyped-def]
    """Return the number of registers that formulas of so many nodes can do with."""
    return max_length // 2 + _SPARE_REGISTERS


# Inlined where it is called, or the machine would be compiled with each function on the way there.
@kernel(inline="always")
def fold_constants(codes, constants, length, work, steps, values, at, stack, known):  # type: ignore[no-untyped-def]
    """Set known (L,), the value of each subtree without variables; operations on constants are run in the rows' type.

    steps and values have room for three more from ``at`` on, which is used; so are the first places of work, and stack.
    """
    top, strip = np.int64(-1), np.int64(STRIP * BYTES_OF_VECTOR // work.itemsize)
    for i in range(length - 1, -1, -1):
        code = np.int64(codes[i])
        known[i] = constants[i]
        if code >= CONSTANT:
            top += 1
            stack[top, 0], stack[top, 1] = code, i
            continue
        left, right = stack[top, 1], stack[top, 1]
        whole = stack[top, 0] == CONSTANT
        if code < FIRST_UNARY:
            top -= 1
            right = stack[top, 1]
            whole = whole and stack[top, 0] == CONSTANT
        stack[top, 0], stack[top, 1] = CONSTANT if whole else VARIABLE, i
        if whole:
            _write(steps, values, at, _FILL, _NONE, _NONE, _NONE, _NONE, _NONE, known[left], 0.0)
            _write(steps, values, at + 1, _FILL, strip, _NONE, _NONE, _NONE, _NONE, known[right], 0.0)
            _write(steps, values, at + 2, code, 2 * strip, _NONE, strip, _NONE, _NONE, 0.0, 0.0)
            run_steps(steps, values, at, 3, work, 1)
            known[i] = work[2 * strip]


@inner_kernel
def compile_formula(codes, known, length, stride, steps, values, at, stack, numbers, registers):  # type: ignore[no-untyped-def]
    """Write the steps of a formula from ``steps[at]`` on; return where they end and where the row of its result begins.

    codes (L,), known (L,) from `fold_constants`; a row has ``stride`` places in the workspace: first the registers, then the
    table's columns. Scratch: stack (L + 1, 4) int64, numbers (L + 1,) and registers (registers_needed(L) + 2,) int64.
    """
    n_registers = len(registers) - 2
    registers[0], registers[n_registers + 1] = n_registers, n_registers * stride  # how many are free, where all end
    for i in range(n_registers):
        registers[1 + i] = (n_registers - 1 - i) * stride
    top = np.int64(-1)
    for i in range(length - 1, -1, -1):
        code = np.int64(codes[i])
        if code >= CONSTANT:
            top += 1
            stack[top, 0] = _IS_CONSTANT if code == CONSTANT else _IS_ROW
            stack[top, 2] = stack[top, 3] = (n_registers + code - VARIABLE) * stride
            numbers[top] = known[i]
        elif code >= FIRST_UNARY:
            at = _unary(code, top, steps, values, at, stack, numbers, registers)
            numbers[top] = known[i] if stack[top, 0] == _IS_CONSTANT else numbers[top]
        else:
            top -= 1
            at = _binary(code, top, steps, values, at, stack, numbers, registers)
            numbers[top] = known[i] if stack[top, 0] == _IS_CONSTANT else numbers[top]
    if stack[0, 0] == _IS_CONSTANT:
        return _write(steps, values, at, _FILL, _NONE, _NONE, _NONE, _NONE, _NONE, numbers[0], 0.0), _NONE
    at = _as_row(_FIRST_PLACE, steps, values, at, stack, numbers, registers)
    return at, stack[0, 2]


@inner_kernel
def _write(steps, values, at, operation, target, a, b, c, d, first, second):  # type: ignore[no-untyped-def]
    steps[at, 0], steps[at, 1], steps[at, 2], steps[at, 3], steps[at, 4], steps[at, 5] = operation, target, a, b, c, d
    values[at, 0], values[at, 1] = first, second
    return at + 1


@inner_kernel
def _free(place, stack, registers):  # type: ignore[no-untyped-def]
    """Free the registers of an operand: even its own step may write to them, as each place is read before it is written."""
    end = registers[len(registers) - 1]
    for side in range(2, 4):
        row = stack[place, side]
        if row < end and (side == 2 or row != stack[place, 2]):
            registers[0] += 1
            registers[registers[0]] = row


@inner_kernel
def _put_row(place, stack, registers):  # type: ignore[no-untyped-def]
    """Take a register for the result that stands at ``place`` on the stack."""
    row = registers[registers[0]]
    registers[0] -= 1
    stack[place, 0] = _IS_ROW
    stack[place, 2] = stack[place, 3] = row
    return row


@inner_kernel
def _let_wait(place, first, left, right, number, stack, numbers):  # type: ignore[no-untyped-def]
    stack[place, 0], stack[place, 1], stack[place, 2], stack[place, 3] = _WAITS, first, left, right
    numbers[place] = number


@inner_kernel
def _as_row(place, steps, values, at, stack, numbers, registers):  # type: ignore[no-untyped-def]
    """Have an operand that waits computed."""
    if stack[place, 0] != _WAITS:
        return at
    first, left, right = stack[place, 1], stack[place, 2], stack[place, 3]
    _free(place, stack, registers)
    row = _put_row(place, stack, registers)
    return _write(steps, values, at, _ALONE[first], row, left, right, _NONE, _NONE, numbers[place], 0.0)


@inner_kernel
def _unary(code, place, steps, values, at, stack, numbers, registers):  # type: ignore[no-untyped-def]
    """Apply an operation of one operand to what stands at ``place`` on the stack."""
    if stack[place, 0] == _IS_CONSTANT:
        return at
    if stack[place, 0] == _IS_ROW:
        row = stack[place, 2]
        if code == SQUARE:
            _let_wait(place, MULTIPLY, row, row, 0.0, stack, numbers)
            return at
        if code in (NEGATE, INVERSE):
            first, number = (PRODUCT_WITH, -1.0) if code == NEGATE else (CONSTANT_OVER, 1.0)
            _let_wait(place, first, row, row, number, stack, numbers)
            return at
    at = _as_row(place, steps, values, at, stack, numbers, registers)
    row = stack[place, 2]
    _free(place, stack, registers)
    target = _put_row(place, stack, registers)
    return _write(steps, values, at, code, target, row, _NONE, _NONE, _NONE, 0.0, 0.0)


@inner_kernel
def _binary(code, place, steps, values, at, stack, numbers, registers):  # type: ignore[no-untyped-def]
    """Apply an operation to its left operand, at ``place + 1``, and its right one, at ``place``, where the result goes."""
    left, right = place + 1, place
    left_kind, right_kind = stack[left, 0], stack[right, 0]
    if left_kind == _IS_CONSTANT and right_kind == _IS_CONSTANT:
        return at
    if left_kind == _IS_CONSTANT or right_kind == _IS_CONSTANT:
        return _with_constant(code, place, left_kind == _IS_CONSTANT, steps, values, at, stack, numbers, registers)
    if code > DIVIDE:
        at = _as_row(left, steps, values, at, stack, numbers, registers)
        at = _as_row(right, steps, values, at, stack, numbers, registers)
        return _join(code, left, right, place, steps, values, at, stack, numbers, registers)
    if left_kind == _IS_ROW and right_kind == _IS_ROW:
        _let_wait(place, code, stack[left, 2], stack[right, 2], 0.0, stack, numbers)
        return at
    if left_kind == _WAITS and right_kind == _WAITS:
        if stack[left, 1] <= DIVIDE and stack[right, 1] <= DIVIDE:
            operation = PAIR_PAIR + 16 * stack[left, 1] + 4 * stack[right, 1] + code
            return _join(operation, left, right, place, steps, values, at, stack, numbers, registers)
        if stack[left, 1] > DIVIDE:
            at = _as_row(left, steps, values, at, stack, numbers, registers)
        else:
            at = _as_row(right, steps, values, at, stack, numbers, registers)
    if stack[left, 0] == _WAITS:
        operation = PAIR_ROW + 8 * stack[left, 1] + code
        return _join(operation, left, right, place, steps, values, at, stack, numbers, registers)
    operation = PAIR_ROW + 8 * stack[right, 1] + _SWAPPED[code]
    return _join(operation, right, left, place, steps, values, at, stack, numbers, registers)


@inner_kernel
def _join(operation, one, other, place, steps, values, at, stack, numbers, registers):  # type: ignore[no-untyped-def]
    """Write the step of two operands, the rows of one before those of the other."""
    a, b, number = stack[one, 2], stack[one, 3], numbers[one]
    c, d = stack[other, 2], stack[other, 3]
    two = stack[one, 0] == _WAITS and stack[one, 1] <= DIVIDE
    _free(one, stack, registers)
    _free(other, stack, registers)
    target = _put_row(place, stack, registers)
    if two:
        return _write(steps, values, at, operation, target, a, b, c, d, number, 0.0)
    return _write(steps, values, at, operation, target, a, c, d, _NONE, number, 0.0)


@inner_kernel
def _with_constant(code, place, on_left, steps, values, at, stack, numbers, registers):  # type: ignore[no-untyped-def]
    """Apply a binary operation to a constant and something else; the other operand is brought to ``place`` first."""
    number = numbers[place + 1] if on_left else numbers[place]
    if not on_left:
        for i in range(4):
            stack[place, i] = stack[place + 1, i]
        numbers[place] = numbers[place + 1]
    if code <= DIVIDE:
        if code == SUBTRACT and not on_left:
            number = -number
        first = _CONSTANT_FIRST[code] if on_left else _ROW_FIRST[code]
        if stack[place, 0] == _IS_ROW:
            _let_wait(place, first, stack[place, 2], stack[place, 2], number, stack, numbers)
            return at
        earlier, a, b, inner = stack[place, 1], stack[place, 2], stack[place, 3], numbers[place]
        _free(place, stack, registers)
        target = _put_row(place, stack, registers)
        operation = PAIR_CONSTANT + 8 * earlier + _SECOND_OF_FIRST[first]
        if earlier <= DIVIDE:
            return _write(steps, values, at, operation, target, a, b, _NONE, _NONE, number, 0.0)
        return _write(steps, values, at, operation, target, a, _NONE, _NONE, _NONE, inner, number)
    if code == POWER and not on_left:
        if number == 2.0:
            return _unary(_SQUARE, place, steps, values, at, stack, numbers, registers)
        if number == -1.0:
            return _unary(_INVERSE, place, steps, values, at, stack, numbers, registers)
        if number == 1.0:
            return at
    at = _as_row(place, steps, values, at, stack, numbers, registers)
    row = stack[place, 2]
    _free(place, stack, registers)
    target = _put_row(place, stack, registers)
    operation = CONSTANT_WITH + code if on_left and code == POWER else WITH_CONSTANT + code
    return _write(steps, values, at, operation, target, row, _NONE, _NONE, _NONE, number, 0.0)
