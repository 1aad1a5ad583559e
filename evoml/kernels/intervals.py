"""Interval arithmetic: what values an operation can take where its operands lie between bounds (Moore 1966).

An interval is (low, high), both float64. Bounds are exact up to rounding in the last places. Where an operation is not
defined on all of an interval the result is the whole line: nothing can be told.
"""

import math
from typing import TypeAlias

import numpy as np

from evoml.kernels.compiling import kernel

Interval: TypeAlias = tuple[float, float]

_HALF_PI, _TWO_PI = math.pi / 2, 2 * math.pi
_WHOLE_NUMBERS = 2.0**53  # beyond it every float64 is an even number


@kernel
def plus(a: Interval, b: Interval) -> Interval:
    return _ordered(a[0] + b[0], a[1] + b[1])


@kernel
def minus(a: Interval, b: Interval) -> Interval:
    return _ordered(a[0] - b[1], a[1] - b[0])


@kernel
def _ordered(low: float, high: float) -> Interval:
    """Bounds, the whole line where one of them is nan."""
    return (-np.inf if np.isnan(low) else low, np.inf if np.isnan(high) else high)


@kernel
def _part(a: float, b: float) -> float:
    """Product of two bounds; nothing times no bound at all is nothing."""
    return 0.0 if a == 0.0 or b == 0.0 else a * b


@kernel
def times(a: Interval, b: Interval) -> Interval:
    first, second = _part(a[0], b[0]), _part(a[0], b[1])
    third, fourth = _part(a[1], b[0]), _part(a[1], b[1])
    return (min(min(first, second), min(third, fourth)), max(max(first, second), max(third, fourth)))


@kernel
def times_number(a: Interval, number: float) -> Interval:
    return times(a, (number, number))


@kernel
def reciprocal(a: Interval) -> Interval:
    """Bounds of 1 / a; nothing can be told where a may be 0, of either sign."""
    return (-np.inf, np.inf) if a[0] <= 0.0 and a[1] >= 0.0 else inverse(a)


@kernel
def inverse(a: Interval) -> Interval:
    """Bounds of 1 / a for numbers that are not 0, which may be near."""
    if a[0] > 0.0 or a[1] < 0.0:
        return (1.0 / a[1], 1.0 / a[0])
    if a[0] == 0.0 and a[1] > 0.0:
        return (1.0 / a[1], np.inf)
    if a[1] == 0.0 and a[0] < 0.0:
        return (-np.inf, 1.0 / a[0])
    return (-np.inf, np.inf)


@kernel
def square(a: Interval) -> Interval:
    size = absolute(a)
    return (size[0] * size[0], size[1] * size[1])


@kernel
def cube(a: Interval) -> Interval:
    return (a[0] * a[0] * a[0], a[1] * a[1] * a[1])


@kernel
def absolute(a: Interval) -> Interval:
    if a[0] >= 0.0:
        return a
    if a[1] <= 0.0:
        return (-a[1], -a[0])
    return (0.0, max(-a[0], a[1]))


@kernel
def sign(a: Interval) -> Interval:
    """Derivative of the absolute value."""
    return (1.0 if a[0] > 0.0 else -1.0, -1.0 if a[1] < 0.0 else 1.0)


@kernel
def hull(a: Interval, b: Interval) -> Interval:
    return (min(a[0], b[0]), max(a[1], b[1]))


@kernel
def square_root(a: Interval) -> Interval:
    return (math.sqrt(a[0]), math.sqrt(a[1])) if a[0] >= 0.0 else (-np.inf, np.inf)


@kernel
def exponential(a: Interval) -> Interval:
    return (np.exp(a[0]), np.exp(a[1]))


@kernel
def logarithm(a: Interval) -> Interval:
    return (np.log(a[0]), np.log(a[1])) if a[0] >= 0.0 else (-np.inf, np.inf)


@kernel
def sine(a: Interval) -> Interval:
    if not a[1] - a[0] < _TWO_PI:
        return (-1.0, 1.0)
    first, last = np.sin(a[0]), np.sin(a[1])
    crest = math.ceil((a[0] - _HALF_PI) / _TWO_PI) * _TWO_PI + _HALF_PI <= a[1]
    trough = math.ceil((a[0] + _HALF_PI) / _TWO_PI) * _TWO_PI - _HALF_PI <= a[1]
    return (-1.0 if trough else min(first, last), 1.0 if crest else max(first, last))


@kernel
def cosine(a: Interval) -> Interval:
    if not a[1] - a[0] < _TWO_PI:
        return (-1.0, 1.0)
    first, last = np.cos(a[0]), np.cos(a[1])
    crest = math.ceil(a[0] / _TWO_PI) * _TWO_PI <= a[1]
    trough = math.ceil((a[0] + math.pi) / _TWO_PI) * _TWO_PI - math.pi <= a[1]
    return (-1.0 if trough else min(first, last), 1.0 if crest else max(first, last))


@kernel
def tangent(a: Interval) -> Interval:
    pole = not math.ceil((a[0] - _HALF_PI) / math.pi) * math.pi + _HALF_PI > a[1]
    return (-np.inf, np.inf) if pole else (np.tan(a[0]), np.tan(a[1]))


@kernel
def hyperbolic_cosine(a: Interval) -> Interval:
    size = absolute(a)
    return (np.cosh(size[0]), np.cosh(size[1]))


@kernel
def power_of_number(a: Interval, exponent: float) -> Interval:
    """Bounds of a to a number."""
    if exponent == math.floor(exponent):
        size = absolute(a) if abs(exponent) >= _WHOLE_NUMBERS or exponent % 2.0 == 0.0 else a
        found = (size[0] ** abs(exponent), size[1] ** abs(exponent))
        return found if exponent >= 0.0 else reciprocal(found)
    if not a[0] >= 0.0:
        return (-np.inf, np.inf)
    found = (a[0] ** abs(exponent), a[1] ** abs(exponent))
    return found if exponent > 0.0 else reciprocal(found)


@kernel
def smaller(a: Interval, b: Interval) -> Interval:
    return (min(a[0], b[0]), min(a[1], b[1]))


@kernel
def larger(a: Interval, b: Interval) -> Interval:
    return (max(a[0], b[0]), max(a[1], b[1]))
