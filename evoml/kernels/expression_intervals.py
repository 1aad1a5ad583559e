"""Bounds of the derivative of formulas by a column, where every column lies between bounds of its own.

Forward differentiation in interval arithmetic, as Kronberger et al. (2022), "Shape-constrained symbolic regression", check
monotonicity, there "pessimistically": the bounds hold for sure but need not be reached. Where low and high bounds are
the same the derivative at that point comes out.
"""

import numpy as np

from evoml.kernels import expression_codes as codes_of
from evoml.kernels.compiling import kernel
from evoml.kernels.expression_codes import ARITY, CONSTANT, VARIABLE
from evoml.kernels.intervals import (
    Interval,
    absolute,
    cosine,
    cube,
    exponential,
    hull,
    hyperbolic_cosine,
    inverse,
    larger,
    logarithm,
    minus,
    plus,
    power_of_number,
    reciprocal,
    sign,
    sine,
    smaller,
    square,
    square_root,
    tangent,
    times,
    times_number,
)

_ONE = (1.0, 1.0)


@kernel
def bound_derivatives(
    codes: np.ndarray,
    constants: np.ndarray,
    lengths: np.ndarray,
    lows: np.ndarray,
    highs: np.ndarray,
    column: int,
    first: int,
    last: int,
    bounds: np.ndarray,
) -> None:
    """Set bounds float64 (n, m, 2) of formulas first..last: least and greatest derivative by ``column`` in each of m boxes.

    lows, highs: float64 (m, n_features). NaN becomes the whole line.
    """
    stack = np.empty((codes.shape[1] + 1, 4))  # low, high, low and high of the derivative
    for program in range(first, last):
        for box in range(lows.shape[0]):
            top = 0
            for at in range(lengths[program] - 1, -1, -1):
                code = codes[program, at]
                if code >= CONSTANT:
                    read = code - VARIABLE
                    value = constants[program, at]
                    stack[top, 0] = value if code == CONSTANT else lows[box, read]
                    stack[top, 1] = value if code == CONSTANT else highs[box, read]
                    stack[top, 2] = stack[top, 3] = 1.0 if read == column else 0.0
                    top += 1
                elif ARITY[code] == 1:
                    _one(stack, top - 1, code)
                else:
                    _two(stack, top - 1, top - 2, code)
                    top -= 1
            bounds[program, box, 0] = stack[0, 2]
            bounds[program, box, 1] = stack[0, 3]


@kernel
def _set(stack: np.ndarray, at: int, value: Interval, slope: Interval) -> None:
    """Keep a value and a derivative. A bound that is nan is none; where a value has none, its slope has none: a pole."""
    if value[0] == -np.inf and value[1] == np.inf and not (slope[0] == 0.0 and slope[1] == 0.0):
        slope = (-np.inf, np.inf)
    stack[at, 0] = -np.inf if np.isnan(value[0]) else value[0]
    stack[at, 1] = np.inf if np.isnan(value[1]) else value[1]
    stack[at, 2] = -np.inf if np.isnan(slope[0]) else slope[0]
    stack[at, 3] = np.inf if np.isnan(slope[1]) else slope[1]


@kernel
def _one(stack: np.ndarray, at: int, code: int) -> None:
    """Apply an operation of one operand: its value, and its derivative by the operand times the operand's."""
    a, slope = (stack[at, 0], stack[at, 1]), (stack[at, 2], stack[at, 3])
    value, outer = _elementary(code, a) if code <= codes_of.LOG else _transcendental(code, a)
    if slope[0] == 0.0 and slope[1] == 0.0:
        outer = _ONE  # however steep: what does not move does not move the result
    _set(stack, at, value, times(outer, slope))


@kernel
def _elementary(code: int, a: Interval) -> tuple[Interval, Interval]:
    """Value of an operation and its derivative by its operand, for algebraic ones, exponential and logarithm."""
    if code == codes_of.NEGATE:
        return (-a[1], -a[0]), (-1.0, -1.0)
    if code == codes_of.INVERSE:
        value = reciprocal(a)
        return value, times_number(square(value), -1.0)
    if code == codes_of.SQUARE:
        return square(a), times_number(a, 2.0)
    if code == codes_of.CUBE:
        return cube(a), times_number(square(a), 3.0)
    if code == codes_of.SQRT:
        value = square_root(a)
        return value, times_number(inverse(value), 0.5)
    if code == codes_of.CBRT:
        value = (np.cbrt(a[0]), np.cbrt(a[1]))
        return value, times_number(inverse(square(value)), 1.0 / 3.0)
    if code == codes_of.ABS:
        return absolute(a), sign(a)
    if code == codes_of.EXP:
        value = exponential(a)
        return value, value
    return logarithm(a), inverse(a) if a[0] >= 0.0 else (-np.inf, np.inf)


@kernel
def _transcendental(code: int, a: Interval) -> tuple[Interval, Interval]:
    """Return the same for the other functions."""
    if code == codes_of.SIN:
        return sine(a), cosine(a)
    if code == codes_of.COS:
        return cosine(a), times_number(sine(a), -1.0)
    if code == codes_of.TAN:
        value = tangent(a)
        return value, plus(_ONE, square(value))
    if code == codes_of.ASIN or code == codes_of.ACOS:
        if not (a[0] >= -1.0 and a[1] <= 1.0):
            return (-np.inf, np.inf), (-np.inf, np.inf)
        steep = inverse(square_root(minus(_ONE, square(a))))
        if code == codes_of.ASIN:
            return (np.arcsin(a[0]), np.arcsin(a[1])), steep
        return (np.arccos(a[1]), np.arccos(a[0])), times_number(steep, -1.0)
    if code == codes_of.ATAN:
        return (np.arctan(a[0]), np.arctan(a[1])), inverse(plus(_ONE, square(a)))
    if code == codes_of.SINH:
        return (np.sinh(a[0]), np.sinh(a[1])), hyperbolic_cosine(a)
    if code == codes_of.COSH:
        return hyperbolic_cosine(a), (np.sinh(a[0]), np.sinh(a[1]))
    if code == codes_of.TANH:
        value = (np.tanh(a[0]), np.tanh(a[1]))
        return value, minus(_ONE, square(value))
    value = (1.0 / (1.0 + np.exp(-a[0])), 1.0 / (1.0 + np.exp(-a[1])))
    centred = square((value[0] - 0.5, value[1] - 0.5))
    return value, minus((0.25, 0.25), centred)


@kernel
def _two(stack: np.ndarray, left: int, right: int, code: int) -> None:
    """Apply an operation of two operands; the result takes the place of ``right``."""
    a, a_slope = (stack[left, 0], stack[left, 1]), (stack[left, 2], stack[left, 3])
    b, b_slope = (stack[right, 0], stack[right, 1]), (stack[right, 2], stack[right, 3])
    if code == codes_of.ADD:
        _set(stack, right, plus(a, b), plus(a_slope, b_slope))
    elif code == codes_of.SUBTRACT:
        _set(stack, right, minus(a, b), minus(a_slope, b_slope))
    elif code == codes_of.MULTIPLY:
        _set(stack, right, times(a, b), plus(times(a_slope, b), times(a, b_slope)))
    elif code == codes_of.DIVIDE:
        below = reciprocal(b)
        value = times(a, below)
        _set(stack, right, value, times(minus(a_slope, times(value, b_slope)), below))
    elif code == codes_of.POWER:
        _raise(stack, right, a, a_slope, b, b_slope)
    else:
        smallest = code == codes_of.MINIMUM
        low, high = (a, b) if smallest else (b, a)  # the result is a where low lies below high
        slope = hull(a_slope, b_slope)
        if low[1] <= high[0]:
            slope = a_slope
        elif high[1] < low[0]:
            slope = b_slope
        _set(stack, right, smaller(a, b) if smallest else larger(a, b), slope)


@kernel
def _raise(stack: np.ndarray, at: int, a: Interval, a_slope: Interval, b: Interval, b_slope: Interval) -> None:
    """Apply a power: of a base by a number, or of a positive base by anything, which is e to b log a."""
    if b[0] == b[1] and b_slope[0] == 0.0 and b_slope[1] == 0.0 and np.isfinite(b[0]):
        outer = times_number(power_of_number(a, b[0] - 1.0), b[0])
        if a_slope[0] == 0.0 and a_slope[1] == 0.0:
            outer = _ONE
        _set(stack, at, power_of_number(a, b[0]), times(outer, a_slope))
    elif a[0] > 0.0:
        logs = logarithm(a)
        value = exponential(times(b, logs))
        slope = plus(times(b_slope, logs), times(times(b, inverse(a)), a_slope))
        _set(stack, at, value, times(value, slope))
    else:
        _set(stack, at, (-np.inf, np.inf), (-np.inf, np.inf))
