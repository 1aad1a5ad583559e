"""Kernels: the values of one formula over blocks of rows, and the derivative of its output by each of its constants.

Reverse mode (Griewank and Walther 2008, "Evaluating derivatives", section 3.2), one sweep a block: a node's adjoint is its
parent's times one partial derivative, so that the cost does not grow with the number of constants, and what depends on no
constant takes no part. Sums and differences pass their adjoint on as it is, with a sign, without touching the rows.

Both sweeps are steps of a machine like that of `expression_machine`, without fused operations, as adjoints need all values.
All numbers of a block lie in one array: the values of the nodes, then their adjoints, then what the caller needs.
"""

from typing import NamedTuple

import numpy as np

from evoml.kernels import expression_math as functions
from evoml.kernels.compiling import kernel
from evoml.kernels.expression_codes import (
    ABS,
    ACOS,
    ADD,
    ASIN,
    ATAN,
    CBRT,
    CONSTANT,
    COS,
    COSH,
    CUBE,
    DIVIDE,
    EXP,
    FIRST_UNARY,
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
    VARIABLE,
)
from evoml.kernels.expression_lanes import Lanes
from evoml.kernels.expression_machine import STEP_SIZE, steps_runner
from evoml.kernels.expression_operations import BINARY, FILL, UNARY, Operation
from evoml.kernels.histogram import inner_kernel

MOST_CONSTANTS = 32  # of one formula that are differentiated by: as many as there can be in 64 nodes
ROOM_FOR_MORE = 3  # columns that the caller may add to the derivatives
_WIDTH = 256  # rows in a block: values of a formula stay near the processor
_WHOLE = 2048  # so many rows at most are one block, whose values are kept from step to step
_LANES = 32  # blocks are filled up to a multiple, as the machine takes so many rows at once
_LINE = 8  # numbers in a line of the cache
_FRESH, _FIXED, _BOTH, _ADJOINT, _END = range(5)  # steps on columns alone, on constants alone, on both; of adjoints
_LEFT, _RIGHT = 64, 128  # + code: the adjoint of the first operand (or the only one), and of the second


def _power_by_base(g: Lanes, x: Lanes, y: Lanes, v: Lanes) -> Lanes:
    at_zero = y.equals(1.0).where(1.0, y.like(0.0))
    return g * x.equals(0.0).where(at_zero, v / x * y)


# Adjoints of operands by the node's adjoint g, the operands x and y, and the node's value v; signs are kept aside.
_PARTIALS = {
    _LEFT + MULTIPLY: lambda g, x, y, v: g * y,
    _RIGHT + MULTIPLY: lambda g, x, y, v: g * x,
    _LEFT + DIVIDE: lambda g, x, y, v: g / y,
    _RIGHT + DIVIDE: lambda g, x, y, v: g * v / y,
    _LEFT + POWER: _power_by_base,
    _RIGHT + POWER: lambda g, x, y, v: g * v * functions.log(x),
    _LEFT + MINIMUM: lambda g, x, y, v: (x <= y).where(g, 0.0),
    _RIGHT + MINIMUM: lambda g, x, y, v: (x <= y).where(0.0, g),
    _LEFT + MAXIMUM: lambda g, x, y, v: (x >= y).where(g, 0.0),
    _RIGHT + MAXIMUM: lambda g, x, y, v: (x >= y).where(0.0, g),
    _LEFT + INVERSE: lambda g, x, y, v: g * (v * v),
    _LEFT + SQUARE: lambda g, x, y, v: g * (x + x),
    _LEFT + CUBE: lambda g, x, y, v: g * (x * x * 3.0),
    _LEFT + SQRT: lambda g, x, y, v: g / (v + v),
    _LEFT + CBRT: lambda g, x, y, v: g / (v * v * 3.0),
    _LEFT + ABS: lambda g, x, y, v: (x < 0.0).where(-g, g),
    _LEFT + EXP: lambda g, x, y, v: g * v,
    _LEFT + LOG: lambda g, x, y, v: g / x,
    _LEFT + TAN: lambda g, x, y, v: g * (v * v + 1.0),
    _LEFT + ASIN: lambda g, x, y, v: g / ((1.0 - x) * (x + 1.0)).root(),
    _LEFT + ACOS: lambda g, x, y, v: g / ((1.0 - x) * (x + 1.0)).root(),
    _LEFT + ATAN: lambda g, x, y, v: g / (x * x + 1.0),
    _LEFT + TANH: lambda g, x, y, v: g * (1.0 - v * v),
    _LEFT + SIGMOID: lambda g, x, y, v: g * (v * (1.0 - v)),
}


def _operations() -> dict[int, Operation]:
    found = {code: Operation(2, 0, formula) for code, formula in BINARY.items()}
    found |= {code: Operation(1, 0, formula) for code, formula in UNARY.items()}
    found |= {number: Operation(4, 0, formula) for number, formula in _PARTIALS.items()}
    found[FILL] = Operation(0, 1, lambda c: c)
    return found


_run_steps = steps_runner("evoml_formula_derivatives", _operations)


class Program(NamedTuple):
    """One formula as steps, and what is known of its nodes before any row is read; room for L nodes.

    steps: int32 (3 L, STEP_SIZE) and constants of steps, float64 (3 L, 2); node: intp (3 L,), whose value a step computes;
    begin: intp (5,), where each kind of steps begins, and the end. column: intp (L,), of the table, and column_row, where
    their values begin; counts: intp (1,), of such columns.

    size: intp, nodes of a subtree; value, adjoint: intp, where the rows of a node begin; sign: float64, of its adjoint; tuned,
    varies: bool, whether a constant that is differentiated by, or a column, is in the subtree. constant: intp
    (MOST_CONSTANTS,), nodes of the constants; derivative: intp (MOST_CONSTANTS + ROOM_FOR_MORE,), where the derivatives by
    each begin, and derivative_sign.
    """

    steps: np.ndarray
    values: np.ndarray
    node: np.ndarray
    begin: np.ndarray
    column: np.ndarray
    column_row: np.ndarray
    counts: np.ndarray
    size: np.ndarray
    value: np.ndarray
    adjoint: np.ndarray
    sign: np.ndarray
    tuned: np.ndarray
    varies: np.ndarray
    constant: np.ndarray
    derivative: np.ndarray
    derivative_sign: np.ndarray


@kernel(inline="always")
def make_program(room):  # type: ignore[no-untyped-def]
    """Room for formulas of up to ``room`` nodes."""
    return Program(
        np.zeros((3 * room, STEP_SIZE), np.int32),
        np.zeros((3 * room, 2)),
        np.zeros(3 * room, np.intp),
        np.zeros(_END + 1, np.intp),
        np.zeros(room, np.intp),
        np.zeros(room, np.intp),
        np.zeros(1, np.intp),
        np.zeros(room, np.intp),
        np.zeros(room, np.intp),
        np.zeros(room, np.intp),
        np.zeros(room),
        np.zeros(room, np.bool_),
        np.zeros(room, np.bool_),
        np.zeros(MOST_CONSTANTS, np.intp),
        np.zeros(MOST_CONSTANTS + ROOM_FOR_MORE, np.intp),
        np.ones(MOST_CONSTANTS + ROOM_FOR_MORE),
    )


@inner_kernel
def filled_up(n):  # type: ignore[no-untyped-def]
    """How many rows the machine takes for n."""
    return (n + _LANES - 1) // _LANES * _LANES


@inner_kernel
def width_of(n_rows):  # type: ignore[no-untyped-def]
    """How many rows of the table a block has at most."""
    return filled_up(n_rows) if n_rows <= _WHOLE else _WIDTH


@inner_kernel
def stride_of(width):  # type: ignore[no-untyped-def]
    """Numbers from a node's values to the next one's: a line more than there are, as powers of two share places of caches."""
    return width + _LINE


@kernel(inline="always")
def make_rows(n, stride):  # type: ignore[no-untyped-def]
    """Room for the numbers of a block, beginning with a line of the cache: vectors across two lines take longer."""
    room = np.empty(n * stride + _LINE)
    first = -room.ctypes.data // 8 % _LINE
    return room[first : first + n * stride]


# -- a formula as steps ---------------------------------------------------------------------------------------------------


@inner_kernel
def read_program(codes, length, stride, root, program):  # type: ignore[no-untyped-def]
    """Write the steps of a formula; returns how many constants it is differentiated by.

    codes: int32 (L,) in prefix order; root: where the adjoint of the whole formula begins, whose derivatives are times that.
    """
    n_constants = _read_nodes(codes, length, stride, program)
    at = 0
    for kind in range(_ADJOINT):
        program.begin[kind] = at
        for node in range(length - 1, -1, -1):
            own = (_BOTH if program.varies[node] else _FIXED) if program.tuned[node] else _FRESH
            if own == kind and codes[node] < VARIABLE:
                _write_value(codes[node], node, at, program)
                at += 1
    program.begin[_ADJOINT] = at
    program.begin[_END] = _write_adjoints(codes, length, root, at, program)
    return n_constants


@inner_kernel
def _read_nodes(codes, length, stride, program):  # type: ignore[no-untyped-def]
    n_constants = n_columns = 0
    for node in range(length):
        program.tuned[node] = codes[node] == CONSTANT and n_constants < MOST_CONSTANTS
        n_constants += program.tuned[node]
        program.value[node] = node * stride
        program.adjoint[node] = (len(codes) + node) * stride
    for node in range(length - 1, -1, -1):
        code = codes[node]
        program.size[node] = 1
        program.varies[node] = code >= VARIABLE
        if code >= VARIABLE:
            same = 0
            while same < n_columns and program.column[same] != code - VARIABLE:
                same += 1
            if same == n_columns:
                program.column[n_columns], program.column_row[n_columns] = code - VARIABLE, program.value[node]
                n_columns += 1
            program.value[node] = program.column_row[same]
        operands = 0 if code >= CONSTANT else (1 if code >= FIRST_UNARY else 2)
        for _ in range(operands):
            operand = node + program.size[node]
            program.tuned[node] |= program.tuned[operand]
            program.varies[node] |= program.varies[operand]
            program.size[node] += program.size[operand]
    for k in range(ROOM_FOR_MORE):
        program.derivative_sign[n_constants + k] = 1.0
    program.counts[0] = n_columns
    return n_constants


@inner_kernel
def _write_value(code, node, at, program):  # type: ignore[no-untyped-def]
    step = program.steps[at]
    program.node[at] = node
    step[0], step[1] = (FILL if code == CONSTANT else code), program.value[node]
    if code < CONSTANT:
        step[2] = program.value[node + 1]
    if code < FIRST_UNARY:
        step[3] = program.value[node + 1 + program.size[node + 1]]


@inner_kernel
def _write_adjoints(codes, length, root, at, program):  # type: ignore[no-untyped-def]
    """Write the steps of adjoints from ``at`` on, and where those of constants are; returns where steps end."""
    program.adjoint[0], program.sign[0] = root, 1.0
    n_constants = 0
    for node in range(length):
        if not program.tuned[node]:
            continue
        code, left = codes[node], node + 1
        if code == CONSTANT:
            program.constant[n_constants], program.derivative[n_constants] = node, program.adjoint[node]
            program.derivative_sign[n_constants] = program.sign[node]
            n_constants += 1
            continue
        if program.tuned[left]:
            program.sign[left] = -program.sign[node] if code in (NEGATE, INVERSE, COS, ACOS) else program.sign[node]
            at = _write_adjoint(code, _LEFT, node, left, at, program)
        right = left + program.size[left]
        if code < FIRST_UNARY and program.tuned[right]:
            program.sign[right] = -program.sign[node] if code in (SUBTRACT, DIVIDE) else program.sign[node]
            at = _write_adjoint(code, _RIGHT, node, right, at, program)
    return at


@inner_kernel
def _write_adjoint(code, side, node, operand, at, program):  # type: ignore[no-untyped-def]
    left, came = node + 1, program.adjoint[node]
    right = left + program.size[left] if code < FIRST_UNARY else left
    if code in (ADD, SUBTRACT, NEGATE):
        program.adjoint[operand] = came
        return at
    if code in (SIN, COS, SINH, COSH):  # the derivative is another operation of the machine
        other = COS if code == SIN else (SIN if code == COS else (COSH if code == SINH else SINH))
        step = program.steps[at]
        step[0], step[1], step[2] = other, program.adjoint[operand], program.value[operand]
        step = program.steps[at + 1]
        step[0], step[1], step[2], step[3] = MULTIPLY, program.adjoint[operand], came, program.adjoint[operand]
        return at + 2
    step = program.steps[at]
    step[0], step[1], step[2] = side + code, program.adjoint[operand], came
    step[3], step[4], step[5] = program.value[left], program.value[right], program.value[node]
    return at + 1


# -- rows -----------------------------------------------------------------------------------------------------------------


@inner_kernel
def find_values(program, constants, features, picked, start, n, anew, first, rows):  # type: ignore[no-untyped-def]
    """Set the values of all nodes for n rows from ``start`` on; the formula's begin at program.value[0].

    features: float64 (n_features, n_rows); picked: intp, the rows of features that count as 0, 1, 2 ..., empty for all.
    Without ``anew`` the block is the one of the last call, so that only what depends on a constant is found again; without
    ``first`` the constants are those of the last call.
    """
    begin = program.begin
    if first:
        for at in range(begin[_BOTH]):
            if program.steps[at, 0] == FILL:
                program.values[at, 0] = constants[program.node[at]]
    if anew:
        for k in range(program.counts[0]):
            _fill_column(features[program.column[k]], picked, start, n, program.column_row[k], rows)
        _run(program, begin[_FRESH], begin[_FIXED], n, rows)
    _run(program, begin[_FIXED] if first else begin[_BOTH], begin[_ADJOINT], n, rows)


@inner_kernel
def _run(program, first, last, n, rows):  # type: ignore[no-untyped-def]
    _run_steps(program.steps, program.values, first, last - first, rows, filled_up(n))


@inner_kernel
def _fill_column(column, picked, start, n, to, rows):  # type: ignore[no-untyped-def]
    if len(picked) > 0:
        for i in range(n):
            rows[to + i] = column[picked[start + i]]
    else:
        begin, end = np.uintp(start), np.uintp(to)
        for i in range(np.uintp(n)):
            rows[end + i] = column[begin + i]
    for i in range(n, filled_up(n)):
        rows[to + i] = rows[to + n - 1]


@inner_kernel
def find_derivatives(program, n, rows):  # type: ignore[no-untyped-def]
    """Set the derivatives by all constants, times the row ``root`` of `read_program`, from the values of the block."""
    _run(program, program.begin[_ADJOINT], program.begin[_END], n, rows)


@kernel
def differentiate(codes, constants, length, features, output, jacobian):  # type: ignore[no-untyped-def]
    """Values and derivatives of one formula; returns by how many constants, in prefix order, at most MOST_CONSTANTS.

    codes: int32 (L,); constants: float64 (L,); features: float64 (n_features, n_rows); output: float64 (n_rows,); jacobian:
    float64 (at least the number of constants, n_rows).
    """
    n_rows, room = features.shape[1], len(codes)
    width = width_of(n_rows)
    stride = stride_of(width)
    rows, root = make_rows(2 * room + 1, stride), 2 * room * stride
    rows[root:] = 1.0
    program, everyone = make_program(room), np.empty(0, np.intp)
    n_constants = read_program(codes, length, stride, root, program)
    for start in range(0, n_rows, width):
        n = min(width, n_rows - start)
        find_values(program, constants, features, everyone, start, n, n > 0, start == 0, rows)
        find_derivatives(program, n, rows)
        for i in range(n):
            output[start + i] = rows[program.value[0] + i]
            for k in range(n_constants):
                jacobian[k, start + i] = program.derivative_sign[k] * rows[program.derivative[k] + i]
    return n_constants
