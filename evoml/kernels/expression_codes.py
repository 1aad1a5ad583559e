"""Codes of a formula's nodes, which all kernels of formulas and their genome share.

A formula is its nodes in prefix order, one int32 code each: an operation, CONSTANT, or VARIABLE + j for column j.
"""

from __future__ import annotations

import numpy as np

CONSTANT = 64
VARIABLE = 65

ADD, SUBTRACT, MULTIPLY, DIVIDE, POWER, MINIMUM, MAXIMUM = range(7)
FIRST_UNARY = 16
(
    NEGATE,
    INVERSE,
    SQUARE,
    CUBE,
    SQRT,
    CBRT,
    ABS,
    EXP,
    LOG,
    SIN,
    COS,
    TAN,
    ASIN,
    ACOS,
    ATAN,
    SINH,
    COSH,
    TANH,
    SIGMOID,
) = range(FIRST_UNARY, FIRST_UNARY + 19)

NAMES = {
    "add": ADD, "sub": SUBTRACT, "mul": MULTIPLY, "div": DIVIDE, "pow": POWER, "min": MINIMUM, "max": MAXIMUM,
    "neg": NEGATE, "inv": INVERSE, "square": SQUARE, "cube": CUBE, "sqrt": SQRT, "cbrt": CBRT, "abs": ABS, "exp": EXP,
    "log": LOG, "sin": SIN, "cos": COS, "tan": TAN, "asin": ASIN, "acos": ACOS, "atan": ATAN, "sinh": SINH,
    "cosh": COSH, "tanh": TANH, "sigmoid": SIGMOID,
}  # fmt: skip

ARITY = np.zeros(VARIABLE + 1, dtype=np.int64)  # by code; what is beyond the end is a variable too
ARITY[ADD : MAXIMUM + 1] = 2
ARITY[NEGATE : SIGMOID + 1] = 1
