"""Functions of formulas against NumPy's in more digits, over all floats there are."""

import naive_expressions_machine as naive
import numpy as np
import pytest

from evoml.kernels.expression_codes import NAMES, POWER, VARIABLE
from evoml.kernels.expression_evaluate import evaluate
from evoml.kernels.expression_math import LARGEST_ANGLE, LARGEST_QUICK_ANGLE

# Units in the last place that each may be off by, a little more than the most that millions of values have shown.
UNITS = {
    "sqrt": 0.5, "inv": 0.5, "exp": 1.2, "log": 1.2, "cbrt": 1.1, "sin": 2.3, "cos": 2.3, "tan": 3.7, "asin": 2.6, "acos": 1.5,
    "atan": 2.7, "sinh": 2.4, "cosh": 1.6, "tanh": 2.6, "sigmoid": 2.4,
}  # fmt: skip
FLOATS = [np.float32, np.float64]
MORE_DIGITS = {np.float32: np.float64, np.float64: np.longdouble}
HAS_MORE = np.finfo(np.longdouble).nmant > 60


def applied(code, *columns):
    """Have the machine apply one operation."""
    features = np.stack(columns)
    codes = np.array([[code, *range(VARIABLE, VARIABLE + len(columns))]], np.int32)
    out = np.empty((1, features.shape[1]), features.dtype)
    lengths = np.array([codes.shape[1]], np.int32)
    evaluate(codes, np.zeros(codes.shape), lengths, features, 0, 1, out)
    return out[0]


def special(dtype):
    form = np.finfo(dtype)
    numbers = [0.0, 1.0, 0.5, 2.0, 3.0, 2.5, np.inf, form.tiny, form.smallest_subnormal, form.max, form.eps, 1e10]
    numbers += [
        LARGEST_ANGLE,
        np.nextafter(LARGEST_ANGLE, np.inf),
        88.72,
        88.73,
        87.3,
        103.9,
        708.4,
        709.78,
        710.4,
        745.1,
    ]
    numbers += [2.0**form.nmant + 1.0, 2.0 ** (form.nmant + 1) - 1.0]
    with np.errstate(over="ignore"):
        near_one = [np.nextafter(dtype(1), dtype(0)), np.nextafter(dtype(1), dtype(2))]
        return np.array([np.nan, *near_one, *numbers, *(-np.array(numbers))], dtype)


def any_floats(dtype, n, seed=0):
    """Any bits, and what is used most."""
    rng = np.random.default_rng(seed)
    integers = np.uint32 if dtype == np.float32 else np.uint64
    bits = rng.integers(0, np.iinfo(integers).max, n, dtype=integers, endpoint=True).view(dtype)
    ranges = [rng.uniform(-width, width, n // 2) for width in (1.0, 5.0, 110.0, 760.0, 1.1e6)]
    quarters = np.arange(-n // 4, n // 4) * (np.pi / 2)
    return np.concatenate([bits, *ranges, quarters, 1 + rng.normal(size=n // 4) * 1e-3, special(dtype)], dtype=dtype)


def units_off(found, exact, dtype):
    """How many units in the last place numbers are off; inf where nan or infinity is not met."""
    with np.errstate(all="ignore"):
        rounded = exact.astype(dtype)
        unit = np.spacing(np.maximum(np.abs(rounded), np.finfo(dtype).tiny))
        off = np.abs(found - exact) / unit
    same = (found == rounded) | (np.isnan(found) & np.isnan(rounded))
    off = np.where(same & ~np.isfinite(off), 0.0, off)
    return np.where(np.isnan(off), np.inf, off).astype(float)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", UNITS)
def test_functions_are_exact_to_a_few_units(name, dtype):
    x = any_floats(dtype, 40000)
    with np.errstate(all="ignore"):
        if name == "sigmoid":
            wide = x.astype(MORE_DIGITS[dtype])
            power = np.exp(-np.abs(wide))
            exact = np.where(wide < 0, power, 1) / (1 + power)
        else:
            exact = naive.FUNCTIONS[name](x.astype(MORE_DIGITS[dtype]))
    found = applied(NAMES[name], x)
    off = units_off(found, exact, dtype)
    worst = off.argmax()
    allowed = UNITS[name] if dtype == np.float32 or HAS_MORE else 4.0
    assert off[worst] <= allowed, f"{name}({x[worst]!r}) is {exact[worst]!r}, got {found[worst]!r}"
    assert (np.signbit(found) == np.signbit(exact))[found == 0].all()


@pytest.mark.parametrize("dtype", FLOATS)
def test_powers_are_exact_to_a_few_units(dtype):
    rng = np.random.default_rng(0)
    n, largest = 50000, float(np.finfo(dtype).max)
    bases = np.exp(rng.uniform(-3, 3, n)).astype(dtype)
    exponents = rng.uniform(-1.03, 1.03, n) * np.log(largest) / np.log(bases.astype(float))
    corner = [array.ravel() for array in np.meshgrid(special(dtype), special(dtype))]
    bits = any_floats(dtype, n)
    a = np.concatenate([bases, np.abs(rng.normal(size=n)), rng.normal(size=n), bits, corner[0]], dtype=dtype)
    b = np.concatenate([exponents, rng.normal(size=n) * 3, rng.integers(-9, 10, n), bits[::-1], corner[1]], dtype=dtype)
    with np.errstate(all="ignore"):
        exact = np.power(a.astype(MORE_DIGITS[dtype]), b.astype(MORE_DIGITS[dtype]))
    found = applied(POWER, a, b)
    off = units_off(found, exact, dtype)
    worst = off.argmax()
    assert off[worst] <= (2.0 if dtype == np.float32 or HAS_MORE else 4.0), (
        a[worst],
        b[worst],
        found[worst],
        exact[worst],
    )
    assert (np.signbit(found) == np.signbit(exact))[found == 0].all()


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
def test_a_far_angle_changes_no_near_one(name, dtype):
    x = any_floats(dtype, 1000)
    near = x[np.abs(x) <= LARGEST_ANGLE]
    alone = applied(NAMES[name], np.sort(near))[np.argsort(np.argsort(near, kind="stable"), kind="stable")]
    mixed = applied(NAMES[name], np.column_stack([near, np.full_like(near, 3e30)]).ravel())
    np.testing.assert_array_equal(alone, mixed[::2])
    assert np.abs(mixed[1::2] - getattr(np, name)(dtype(3e30))).max() < 1e-5


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
@pytest.mark.parametrize("largest", [LARGEST_QUICK_ANGLE, LARGEST_ANGLE])
def test_angles_next_to_quarter_turns(largest, name, dtype):
    """Where most digits are lost; each range of angles has a reduction of its own."""
    quarters = np.arange(0, largest, np.pi / 2)[-50000:].astype(dtype)
    x = np.concatenate(
        [np.nextafter(quarters, dtype(0)), quarters, np.random.default_rng(0).uniform(0, largest, 50000)]
    )
    x = np.concatenate([x, -x, special(dtype)], dtype=dtype)
    x = x[~(np.abs(x) > largest)]
    exact = naive.FUNCTIONS[name](x.astype(MORE_DIGITS[dtype]))
    found = applied(NAMES[name], x)
    off = units_off(found, exact, dtype)
    worst = off.argmax()
    assert off[worst] <= (UNITS[name] if dtype == np.float32 or HAS_MORE else 4.0), (
        x[worst],
        found[worst],
        exact[worst],
    )
    assert (np.signbit(found) == np.signbit(exact))[found == 0].all()


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(
    "name", ["add", "sub", "mul", "div", "min", "max", "neg", "inv", "square", "cube", "sqrt", "abs"]
)
def test_arithmetic_is_that_of_numpy_bit_for_bit(name, dtype):
    a, b = any_floats(dtype, 3000), np.roll(any_floats(dtype, 3000), 7)
    operands = (a, b) if name in ("add", "sub", "mul", "div", "min", "max") else (a,)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(applied(NAMES[name], *operands), naive.FUNCTIONS[name](*operands))
