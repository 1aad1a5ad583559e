"""The value of an operation at constants, one number at a time."""

import math

import numpy as np

from evoml.kernels import expression_codes as code_of
from evoml.kernels.histogram import inner_kernel


@inner_kernel
def folded(code, x, y):  # type: ignore[no-untyped-def]
    """float64 value of an operation at x, or at x and y; nan too where it is left open (min and max of 0.0 and -0.0)."""
    if code < code_of.FIRST_UNARY:
        return _folded_binary(code, x, y)
    if code < code_of.EXP:
        return _folded_power(code, x)
    return _folded_function(code, x)


@inner_kernel
def _folded_binary(code, x, y):  # type: ignore[no-untyped-def]
    if code == code_of.ADD:
        return x + y
    if code == code_of.SUBTRACT:
        return x - y
    if code == code_of.MULTIPLY:
        return x * y
    if code == code_of.DIVIDE:
        return x / y
    if code == code_of.POWER:
        return math.pow(x, y)
    if x == 0.0 and y == 0.0 and math.copysign(1.0, x) != math.copysign(1.0, y):
        return np.nan
    if code == code_of.MINIMUM:
        return min(x, y)
    return max(x, y)


@inner_kernel
def _folded_power(code, x):  # type: ignore[no-untyped-def]
    if code == code_of.NEGATE:
        return -x
    if code == code_of.INVERSE:
        return 1.0 / x
    if code == code_of.SQUARE:
        return x * x
    if code == code_of.CUBE:
        return x * x * x
    if code == code_of.SQRT:
        return np.sqrt(x)
    if code == code_of.CBRT:
        return np.cbrt(x)
    return abs(x)


@inner_kernel
def _folded_function(code, x):  # type: ignore[no-untyped-def]
    if code == code_of.EXP:
        return np.exp(x)
    if code == code_of.LOG:
        return np.log(x)
    if code == code_of.SIN:
        return np.sin(x)
    if code == code_of.COS:
        return np.cos(x)
    if code == code_of.TAN:
        return np.tan(x)
    if code == code_of.ASIN:
        return np.arcsin(x)
    if code == code_of.ACOS:
        return np.arccos(x)
    if code == code_of.ATAN:
        return np.arctan(x)
    if code == code_of.SINH:
        return np.sinh(x)
    if code == code_of.COSH:
        return np.cosh(x)
    if code == code_of.TANH:
        return np.tanh(x)
    return 1.0 / (1.0 + np.exp(-x))
