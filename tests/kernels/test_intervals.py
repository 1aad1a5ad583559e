import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evoml.kernels import intervals

ONE = {  # kernel -> the function whose values it bounds
    "reciprocal": np.reciprocal,
    "inverse": lambda x: np.reciprocal(x[x != 0]),
    "square": np.square,
    "cube": lambda x: x * x * x,
    "absolute": np.abs,
    "sign": np.sign,
    "square_root": np.sqrt,
    "exponential": np.exp,
    "logarithm": np.log,
    "sine": np.sin,
    "cosine": np.cos,
    "tangent": np.tan,
    "hyperbolic_cosine": np.cosh,
}
TWO = {
    "plus": np.add,
    "minus": np.subtract,
    "times": np.multiply,
    "smaller": np.minimum,
    "larger": np.maximum,
}
NUMBERS = st.floats(-20, 20, allow_subnormal=False) | st.sampled_from([0.0, 1.0, -1.0])
INTERVALS = st.tuples(NUMBERS, NUMBERS).map(lambda pair: (min(pair), max(pair)))
INSIDE = np.linspace(0.0, 1.0, 33)


def points(interval):
    low, high = interval
    return np.clip(low + INSIDE * (high - low), low, high)


def assert_bounds(bounds, values):
    low, high = bounds
    room = 1e-12 * max(abs(bound) if np.isfinite(bound) else 0.0 for bound in bounds) + 1e-300
    values = values[~np.isnan(values)]
    assert low <= high
    assert (values >= low - room).all(), (bounds, values.min())
    assert (values <= high + room).all(), (bounds, values.max())


@pytest.mark.parametrize("name", ONE)
@settings(deadline=None)
@given(a=INTERVALS)
def test_values_of_one_operand_lie_within_the_bounds(name, a):
    with np.errstate(all="ignore"):
        assert_bounds(getattr(intervals, name)(a), ONE[name](points(a)))


@pytest.mark.parametrize("name", TWO)
@settings(deadline=None)
@given(a=INTERVALS, b=INTERVALS)
def test_values_of_two_operands_lie_within_the_bounds(name, a, b):
    assert_bounds(getattr(intervals, name)(a, b), TWO[name](points(a)[:, None], points(b)[None, :]).ravel())


@settings(deadline=None)
@given(INTERVALS, st.sampled_from([-3.0, -2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 2.5, 3.0, 4.0]))
def test_powers_lie_within_the_bounds(a, exponent):
    with np.errstate(all="ignore"):
        assert_bounds(intervals.power_of_number(a, exponent), np.power(points(a), exponent))


@pytest.mark.parametrize(
    ("name", "interval", "bounds"),
    [
        ("square", (-2.0, 1.0), (0.0, 4.0)),
        ("absolute", (-2.0, 1.0), (0.0, 2.0)),
        ("absolute", (-2.0, -1.0), (1.0, 2.0)),
        ("inverse", (2.0, 4.0), (0.25, 0.5)),
        ("inverse", (-1.0, 1.0), (-np.inf, np.inf)),
        ("inverse", (0.0, 2.0), (0.5, np.inf)),
        ("inverse", (-2.0, 0.0), (-np.inf, -0.5)),
        ("reciprocal", (0.0, 2.0), (-np.inf, np.inf)),
        ("reciprocal", (1.0, 2.0), (0.5, 1.0)),
        ("sine", (0.0, np.pi), (0.0, 1.0)),
        ("sine", (-np.pi, 0.0), (-1.0, 0.0)),
        ("sine", (0.0, 7.0), (-1.0, 1.0)),
        ("cosine", (-1.0, 1.0), (np.cos(1.0), 1.0)),
        ("cosine", (2.0, 4.0), (-1.0, np.cos(2.0))),
        ("tangent", (1.0, 2.0), (-np.inf, np.inf)),
        ("hyperbolic_cosine", (-1.0, 0.5), (1.0, np.cosh(1.0))),
        ("square_root", (-1.0, 4.0), (-np.inf, np.inf)),
        ("logarithm", (0.0, 1.0), (-np.inf, 0.0)),
    ],
)
def test_bounds_are_tight(name, interval, bounds):
    assert getattr(intervals, name)(interval) == pytest.approx(bounds, abs=1e-12)


def test_nothing_times_no_bound_is_nothing():
    assert intervals.times((0.0, 0.0), (-np.inf, np.inf)) == (0.0, 0.0)
    assert intervals.plus((-np.inf, 1.0), (np.inf, np.inf)) == (-np.inf, np.inf)
