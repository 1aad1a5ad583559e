"""Slow, obvious twins of the machine of formulas: values and errors, node by node, in NumPy."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from evoml.kernels.expression_codes import ARITY, CONSTANT, NAMES, VARIABLE
from evoml.kernels.expression_fitness import CORRELATION, LOG_LOSS, MAE, R2

FUNCTIONS = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "pow": np.power, "min": np.minimum,
    "max": np.maximum, "neg": np.negative, "inv": lambda a: a.dtype.type(1) / a, "square": np.square,
    "cube": lambda a: a * a * a, "sqrt": np.sqrt, "cbrt": np.cbrt, "abs": np.abs, "exp": np.exp, "log": np.log,
    "sin": np.sin, "cos": np.cos, "tan": np.tan, "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan,
    "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh, "sigmoid": expit,
}  # fmt: skip
BY_CODE = {NAMES[name]: function for name, function in FUNCTIONS.items()}


def outputs(codes, constants, length, features):
    """The output on each row, (n_rows,), each node rounded to the features' type."""
    stack = []
    with np.errstate(all="ignore"):
        for code, constant in zip(codes[:length][::-1], constants[:length][::-1], strict=True):
            if code >= VARIABLE:
                stack.append(features[code - VARIABLE])
            elif code == CONSTANT:
                stack.append(np.full(features.shape[1], constant, features.dtype))
            else:
                stack.append(BY_CODE[code](*(stack.pop() for _ in range(ARITY[code]))))
    (result,) = stack
    return result


def score(values, target, weights, loss, scaled):
    """Error, intercept and slope of one formula's outputs; all in float64."""
    counts = weights > 0
    f, y, w = (np.asarray(column[counts], float) for column in (values, target, weights))
    if not np.isfinite(f).all():
        return np.inf, 0.0, 1.0
    intercept, slope, mean = 0.0, 1.0, np.average(y, weights=w)
    if loss == CORRELATION or (scaled and loss != LOG_LOSS):
        centred = f - np.average(f, weights=w)
        variance = np.average(centred**2, weights=w)
        varies = np.ptp(f) > 0
        slope = np.average(centred * (y - mean), weights=w) / variance if varies else 0.0
        intercept = mean - slope * np.average(f, weights=w)
    difference = intercept + slope * f - y
    if loss == LOG_LOSS:
        return np.average(np.logaddexp(0.0, f) - y * f, weights=w), intercept, slope
    if loss == MAE:
        return np.average(np.abs(difference), weights=w), intercept, slope
    error = np.average(difference**2, weights=w)
    spread = np.average((y - mean) ** 2, weights=w)
    if loss == R2:
        error = error / spread
    elif loss == CORRELATION:
        error = 1.0 - np.sqrt(max(1.0 - error / spread, 0.0))
    return error, intercept, slope
