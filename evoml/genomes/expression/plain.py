"""Operations on single numbers by IEEE rules, in plain Python: what an exported formula needs of them is copied beside it."""

import math


def divide(a: float, b: float) -> float:
    try:
        return a / b
    except ZeroDivisionError:
        return math.nan if a == 0 or math.isnan(a) else math.copysign(math.inf, a) * math.copysign(1.0, b)


def inverse(x: float) -> float:
    return 1.0 / x if x else math.copysign(math.inf, x)


def power(a: float, b: float) -> float:
    try:
        return math.pow(a, b)
    except OverflowError:
        return -math.inf if a < 0 and b % 2 == 1 else math.inf
    except ValueError:
        if a == 0:
            return math.copysign(math.inf, a) if b % 2 == 1 else math.inf
        return math.nan


def minimum(a: float, b: float) -> float:
    return math.nan if math.isnan(a) or math.isnan(b) else min(a, b)


def maximum(a: float, b: float) -> float:
    return math.nan if math.isnan(a) or math.isnan(b) else max(a, b)


def square(x: float) -> float:
    return x * x


def cube(x: float) -> float:
    return x * x * x


def sqrt(x: float) -> float:
    return math.sqrt(x) if x >= 0 else math.nan


def cbrt(x: float) -> float:
    return math.cbrt(x)


def absolute(x: float) -> float:
    return abs(x)


def exp(x: float) -> float:
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


def log(x: float) -> float:
    return math.log(x) if x > 0 else -math.inf if x == 0 else math.nan


def sin(x: float) -> float:
    return math.sin(x) if math.isfinite(x) else math.nan


def cos(x: float) -> float:
    return math.cos(x) if math.isfinite(x) else math.nan


def tan(x: float) -> float:
    return math.tan(x) if math.isfinite(x) else math.nan


def asin(x: float) -> float:
    return math.asin(x) if -1 <= x <= 1 else math.nan


def acos(x: float) -> float:
    return math.acos(x) if -1 <= x <= 1 else math.nan


def atan(x: float) -> float:
    return math.atan(x)


def sinh(x: float) -> float:
    try:
        return math.sinh(x)
    except OverflowError:
        return math.copysign(math.inf, x)


def cosh(x: float) -> float:
    try:
        return math.cosh(x)
    except OverflowError:
        return math.inf


def tanh(x: float) -> float:
    return math.tanh(x)


def sigmoid(x: float) -> float:
    try:
        return 1.0 / (1.0 + math.exp(-x))
    except OverflowError:
        return 0.0
