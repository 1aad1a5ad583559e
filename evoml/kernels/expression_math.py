"""Elementary functions without branches, for numbers and for vectors (`expression_lanes`), float32 and float64.

Each follows IEEE 754 over the whole range, subnormals, infinities and nan included, within a few units in the last place of
the exact value. Reductions are those of Cody and Waite (1980, "Software Manual for the Elementary Functions"); polynomials
interpolate the functions at Chebyshev's nodes, with relative errors below a quarter of a unit.
"""

from __future__ import annotations

from collections.abc import Sequence

from evoml.kernels.expression_lanes import Lanes

_LOG2_E = 1.4426950408889634
_LN2 = {32: (0.693145751953125, 1.4286068203094173e-06), 64: (0.6931471805598903, 5.497923018708371e-14)}
_HALF_PI, _HALF_PI_LOW = 1.5707963267948966, 6.123233995736766e-17
_HALF_PI_PARTS = (1.5707963267341256, 6.077100506303966e-11, 2.0222662487959506e-21)  # 33, 33 and 53 bits
# Up to here sin, cos and tan are exact: the number of quarter turns times 33 bits is exact in float64. Beyond, the
# C library's functions are used.
LARGEST_ANGLE = 1.0e6
# And up to here in float32 alone, where products and sums are rounded once: the first difference is exact.
LARGEST_QUICK_ANGLE = 1.0e4
_HALF_PI_SINGLE = (1.5707963705062866, -4.371138828673793e-08, -1.7151245100058819e-15)  # 24 bits each

_EXP = {
    32: (0.500000000515028299, 0.16666576370942554, 0.0416665025735553521, 0.00836328174368956458, 0.00139319831494699448),
    64: (
        0.5, 0.16666666666666667, 0.041666666666624128, 0.0083333333333300618, 0.0013888888917213717,
        0.00019841269863053617, 2.4801521295954375e-5, 2.7557268459997065e-6, 2.7620088445409748e-7, 2.5100385495510319e-8,
    ),
}  # fmt: skip
_LOG_SINGLE = (
    0.33333330728190677, -0.25000306422569795, 0.2000104509416068, -0.16641281463106393, 0.14214495923947963,
    -0.12998183763651529, 0.12622319849228376, -0.07902743772393441,
)  # fmt: skip
_LOG_DOUBLE = (
    0.66666666666666697, 0.39999999999898891, 0.28571428626253838, 0.22222211089379496, 0.18182892432536871,
    0.15331611722055008, 0.14617807153417325,
)  # fmt: skip
_LOG_HALF = (0.66666666554042012, 0.40000122211810649, 0.28550778633191965, 0.23331614471843499)  # float64, to 2e-11
_SIN = {
    32: (-0.16666664661114899, 0.0083327480375288026, -0.0001958784052382315),
    64: (
        -0.16666666666666665, 0.0083333333333309461, -0.0001984126983675497, 2.7557316100683123e-6, -2.5051131455447427e-8,
        1.5918101231677279e-10,
    ),
}  # fmt: skip
_COS = {
    32: (0.041666664658300481, -0.001388830280232084, 2.4547891622336995e-5),
    64: (
        0.041666666666666665, -0.0013888888888887396, 2.4801587298763433e-5, -2.7557317270560383e-7, 2.0876146024701933e-9,
        -1.1382614869434128e-11,
    ),
}  # fmt: skip
_ASIN = {
    32: (0.16666672427703408, 0.074988529622620839, 0.045001894088299798, 0.026550662963657472, 0.038093962148042255),
    64: (
        0.16666666666666667, 0.074999999999984243, 0.044642857146373381, 0.030381944137085214, 0.022372173002005597,
        0.017352391265909228, 0.013971235301124539, 0.011478952690257387, 0.010324318288744112, 0.0054508781877205499,
        0.017419357964884857, -0.014881409392818067, 0.028778442612593041,
    ),
}  # fmt: skip
_ATAN = {
    32: (-0.33333331759700254, 0.19999540146206403, -0.14263943907717944, 0.10743605148917443, -0.064515095186448788),
    64: (
        -0.3333333333333333, 0.19999999999995512, -0.14285714284664818, 0.11111111015117626, -0.090909045724873478,
        0.076921830598941144, -0.066645096032553861, 0.058581328944279222, -0.050853659223442484, 0.039229237138359425,
        -0.019173922285547929,
    ),
}  # fmt: skip
_CBRT = (
    0.48291511498863637, 0.77594121608785654, -0.35595915018939914, 0.1158907961168667, -0.020279205113045674,
    0.0014363452109175817,
)  # fmt: skip
_TWO_THIRDS, _TWO_THIRDS_LOW = 0.6666666666666666, 3.700743415417188e-17
_LOG_TAIL = (
    0.4,
    0.28571428571429371,
    0.22222222221652762,
    0.18181818336100412,
    0.15384594886960243,
    0.13334808800898855,
    0.11706126417332143,
    0.11724327488473098,
)
_TAN_EIGHTH, _TAN_THREE_EIGHTHS = 0.41421356237309503, 2.414213562373095


class _Format:
    """What a float's type says: bits of its mantissa, the exponent's bias, its smallest normal number, a magic number.

    Adding ``rounding`` (1.5 times two to the bits of the mantissa) rounds to an integer, which then stands in the low bits.
    """

    def __init__(self, x: Lanes) -> None:
        self.width = 64 if x.is_double else 32
        self.mantissa, self.bias = (52, 1023) if x.is_double else (23, 127)
        self.smallest_normal = 2.0 ** (1 - self.bias)
        self.rounding = 1.5 * 2.0**self.mantissa


def _power_of_two(n: Lanes, form: _Format) -> Lanes:
    """Return 2**n of integers whose power is a normal number."""
    return ((n + form.bias) << form.mantissa).as_float()


def _exp_parts(x: Lanes, coefficients: Sequence[float] = (), lost: Lanes | None = None) -> tuple[Lanes, Lanes]:
    """Return n, as bits, and exp(r) - 1 of x = n log 2 + r; x is within twice the range of exp."""
    form = _Format(x)
    high, low = _LN2[form.width]
    shifted = x.multiply_add(_LOG2_E, form.rounding)
    n = shifted - form.rounding
    r = n.multiply_add(-low, n.multiply_add(-high, x))
    if lost is not None:
        r = r + lost
    integer = shifted.bits() - x.like(form.rounding).bits()
    return integer, (r * r).multiply_add(r.polynomial(coefficients or _EXP[form.width]), r)


def _exp_scaled(x: Lanes, halvings: int = 0, coefficients: Sequence[float] = (), lost: Lanes | None = None) -> Lanes:
    """Return exp(x + lost) / 2**halvings; two factors, as one alone would overflow or be subnormal before the product is."""
    form = _Format(x)
    lowest, highest = (-746.0, 711.0) if x.is_double else (-104.0, 90.0)
    x = (x < lowest).where(lowest, x)
    x = (x > highest).where(highest, x)
    n, less_one = _exp_parts(x, coefficients, lost)
    first = n >> 1
    return (less_one + 1.0) * _power_of_two(first, form) * _power_of_two(n - first - halvings, form)


def exp(x: Lanes) -> Lanes:
    """e to the power of x."""
    return _exp_scaled(x)


def log(x: Lanes, coefficients: Sequence[float] = ()) -> Lanes:
    """Natural logarithm: -inf of 0, nan below."""
    f, n = _split(x)
    result = _log_double(f, n, coefficients or _LOG_DOUBLE) if x.is_double else _log_single(f, n)
    result = (x < float("inf")).where(result, x)
    result = x.equals(0.0).where(float("-inf"), result)
    return (x < 0.0).where(float("nan"), result)


def _split(x: Lanes) -> tuple[Lanes, Lanes]:
    """Return f and n of x = (1 + f) 2**n, with 1 + f between the roots of 1/2 and of 2."""
    form = _Format(x)
    tiny = x < form.smallest_normal
    bits = tiny.where(x * 2.0**form.mantissa, x).bits()
    exponent = (bits - x.like(0.7071067811865476).bits()) >> form.mantissa
    lifted_by = tiny.where(float(form.mantissa), x.like(0.0))
    n = ((exponent + x.like(form.rounding).bits()).as_float() - form.rounding) - lifted_by
    return (bits - (exponent << form.mantissa)).as_float() - 1.0, n


def _log_single(f: Lanes, n: Lanes) -> Lanes:
    high, low = _LN2[32]
    square = f * f
    rest = n.multiply_add(low, (square * f).multiply_add(f.polynomial(_LOG_SINGLE), square * -0.5))
    return n.multiply_add(high, f + rest)


def _log_double(f: Lanes, n: Lanes, coefficients: Sequence[float]) -> Lanes:
    """By the area tangent of s = f / (2 + f), with half of f's square taken out of the rounded part."""
    high, low = _LN2[64]
    s = f / (f + 2.0)
    z = s * s
    half_square = f * f * 0.5
    rest = s.multiply_add(half_square + z * z.polynomial(coefficients), n * low)
    return n * high - ((half_square - rest) - f)


def _reduced(x: Lanes) -> tuple[Lanes, Lanes]:
    """Return the quarter turns taken off, as bits, and what is left; |x| up to LARGEST_ANGLE."""
    wide = x.to_double()
    form = _Format(wide)
    shifted = wide.multiply_add(0.6366197723675814, form.rounding)
    n = shifted - form.rounding
    first, second, third = _HALF_PI_PARTS
    r = n.multiply_add(-second, n.multiply_add(-first, wide))
    if x.is_double:
        return shifted.bits(), n.multiply_add(-third, r)
    turns = (n.to_single() + _Format(x).rounding).bits()
    # Where both would do, it is the quick one, so that a result does not depend on what is in the same vector.
    quick, (quick_turns, quick_r) = x.absolute() <= LARGEST_QUICK_ANGLE, _quickly_reduced(x)
    return quick.where(quick_turns, turns), quick.where(quick_r, r.to_single())


def _quickly_reduced(x: Lanes) -> tuple[Lanes, Lanes]:
    """The same of float32 up to LARGEST_QUICK_ANGLE, in float32."""
    shifted = x.multiply_add(0.6366197723675814, _Format(x).rounding)
    n = shifted - _Format(x).rounding
    r = x
    for part in _HALF_PI_SINGLE:
        r = n.fused(x.like(-part), r)
    return shifted.bits(), r


def _sine_and_cosine(r: Lanes) -> tuple[Lanes, Lanes]:
    """Sine and cosine of up to an eighth of a turn."""
    own = 64 if r.is_double else 32
    z = r * r
    sine = (r * z).multiply_add(z.polynomial(_SIN[own]), r)
    half = z * 0.5
    whole = 1.0 - half
    return sine, whole + (z * z).multiply_add(z.polynomial(_COS[own]), (1.0 - whole) - half)


def _of_turns(turns: Lanes, sine: Lanes, cosine: Lanes) -> Lanes:
    """Return the sine of the whole angle."""
    width = 64 if sine.is_double else 32
    value = (turns & 1).differs(0).where(cosine, sine)
    return (value.bits() ^ ((turns & 2) << (width - 2))).as_float()


def _sin(x: Lanes, turns: Lanes, r: Lanes) -> Lanes:
    # Of -0.0 the sine is -0.0, which adding a positive zero would lose.
    return x.equals(0.0).where(x, _of_turns(turns, *_sine_and_cosine(r)))


def _cos(turns: Lanes, r: Lanes) -> Lanes:
    return _of_turns(turns + 1, *_sine_and_cosine(r))


def _tan(x: Lanes, turns: Lanes, r: Lanes) -> Lanes:
    sine, cosine = _sine_and_cosine(r)
    odd = (turns & 1).differs(0)
    return x.equals(0.0).where(x, odd.where(-cosine, sine) / odd.where(sine, cosine))


def near_sin(x: Lanes) -> Lanes:
    """Sine of |x| up to LARGEST_ANGLE."""
    return _sin(x, *_reduced(x))


def near_cos(x: Lanes) -> Lanes:
    """Cosine of |x| up to LARGEST_ANGLE."""
    return _cos(*_reduced(x))


def near_tan(x: Lanes) -> Lanes:
    """Tangent of |x| up to LARGEST_ANGLE."""
    return _tan(x, *_reduced(x))


def quick_sin(x: Lanes) -> Lanes:
    """Sine of float32 up to LARGEST_QUICK_ANGLE."""
    return _sin(x, *_quickly_reduced(x))


def quick_cos(x: Lanes) -> Lanes:
    """Cosine of float32 up to LARGEST_QUICK_ANGLE."""
    return _cos(*_quickly_reduced(x))


def quick_tan(x: Lanes) -> Lanes:
    """Tangent of float32 up to LARGEST_QUICK_ANGLE."""
    return _tan(x, *_quickly_reduced(x))


def _asin_rest(x: Lanes, z: Lanes) -> Lanes:
    """Return asin(x) - x for z = x * x up to a quarter."""
    return x * z * z.polynomial(_ASIN[64 if x.is_double else 32])


def asin(x: Lanes) -> Lanes:
    """Arc sine: by that of the half angle beyond 0.5."""
    size = x.absolute()
    large = size > 0.5
    half = (1.0 - size) * 0.5
    root = large.where(half, 0.0).root()
    small = large.where(root, size)
    angle = small + _asin_rest(small, large.where(half, x * x))
    beyond = _HALF_PI - (angle * 2.0 - _HALF_PI_LOW)
    result = large.where(beyond, angle).with_sign_of(x)
    return (size <= 1.0).where(result, float("nan"))


def acos(x: Lanes) -> Lanes:
    """Arc cosine: by the arc sine of the half angle beyond 0.5."""
    size = x.absolute()
    large = size > 0.5
    half = (1.0 - size) * 0.5
    small = large.where(large.where(half, 0.0).root(), x)
    rest = _asin_rest(small, large.where(half, x * x))
    twice = (small + rest) * 2.0
    beyond = (x < 0.0).where(2.0 * _HALF_PI - (twice - 2.0 * _HALF_PI_LOW), twice)
    within = _HALF_PI - (x - (_HALF_PI_LOW - rest))
    return (size <= 1.0).where(large.where(beyond, within), float("nan"))


def atan(x: Lanes) -> Lanes:
    """Arc tangent: what is left beyond an eighth or a quarter of a turn's half."""
    size = x.absolute()
    middle, far = size > _TAN_EIGHTH, size > _TAN_THREE_EIGHTHS
    above = far.where(-1.0, middle.where(size - 1.0, size))
    below = far.where(size, middle.where(size + 1.0, x.like(1.0)))
    t = above / below
    z = t * t
    rest = t * z * z.polynomial(_ATAN[64 if x.is_double else 32])
    whole = far.where(_HALF_PI, middle.where(0.5 * _HALF_PI, x.like(0.0)))
    lost = far.where(_HALF_PI_LOW, middle.where(0.5 * _HALF_PI_LOW, x.like(0.0)))
    return (whole + (t + (rest + lost))).with_sign_of(x)


def _less_one(x: Lanes) -> Lanes:
    """Return exp(x) - 1 of positive x within the range of exp."""
    n, less_one = _exp_parts(x)
    power = _power_of_two(n, _Format(x))
    return power.multiply_add(less_one, power - 1.0)


def sinh(x: Lanes) -> Lanes:
    """Hyperbolic sine: by exp(x) - 1, for large x by half of exp(x)."""
    size = x.absolute()
    largest = 20.0 if x.is_double else 10.0
    t = _less_one((size > largest).where(largest, size))
    near = (t + t / (t + 1.0)) * 0.5
    return (size > largest).where(_exp_scaled(size, 1), near).with_sign_of(x)


def cosh(x: Lanes) -> Lanes:
    """Hyperbolic cosine."""
    half = _exp_scaled(x.absolute(), 1)
    return half + 0.25 / half


def tanh(x: Lanes) -> Lanes:
    """Hyperbolic tangent: 1 beyond 20."""
    size = x.absolute()
    t = _less_one((size > 20.0).where(40.0, size * 2.0))
    return (t / (t + 2.0)).with_sign_of(x)


def sigmoid(x: Lanes) -> Lanes:
    """1 / (1 + exp(-x)), without overflow."""
    power = _exp_scaled(-x.absolute())
    return (x < 0.0).where(power, 1.0) / (power + 1.0)


def sqrt(x: Lanes) -> Lanes:
    """Square root: nan below 0."""
    return x.root()


def cbrt(x: Lanes) -> Lanes:
    """Cube root of either sign, by Halley's iteration."""
    form = _Format(x)
    size = x.absolute()
    tiny = size < form.smallest_normal
    lifting = form.mantissa // 3 + 1
    bits = tiny.where(size * 2.0 ** (3 * lifting), size).bits()
    exponent = (bits >> form.mantissa) - form.bias
    third = (((exponent + (1 + 3 * 512)) * 21846) >> 16) - 512  # (exponent + 1) / 3, rounded down
    m = (bits - (third * 3 << form.mantissa)).as_float()  # between a half and four
    root = m.polynomial(_CBRT)
    for _ in range(2 if x.is_double else 1):
        cube = root * root * root
        root = root - root * ((cube - m) / (cube * 2.0 + m))
    value = root * _power_of_two(third, form) * tiny.where(2.0**-lifting, x.like(1.0))
    unchanged = (size > 0.0).where((size < float("inf")).where(value, x), x)
    return unchanged.with_sign_of(x)


def power(a: Lanes, b: Lanes) -> Lanes:
    """a to the power of b, as C's pow: of a negative a only integers b."""
    size = a.absolute()
    value = _power_double(size, b) if a.is_double else _power_single(size, b)
    value = b.equals(0.0).where(1.0, size.equals(1.0).where(1.0, value))
    whole = _is_whole(b)
    odd = whole & ~_is_whole(b * 0.5)
    negated = (value.bits() ^ (a.bits() & a.like(-0.0).bits())).as_float()
    signed = odd.where(negated, value)
    undefined = (a < 0.0) & (a > float("-inf")) & ~whole
    return undefined.where(float("nan"), signed)


def roughly_log(x: Lanes) -> Lanes:
    """Logarithm in float64 to 2e-11."""
    return log(x, _LOG_HALF)


def roughly_exp(x: Lanes) -> Lanes:
    """e to the power of x in float64 to 1e-8."""
    return _exp_scaled(x, coefficients=_EXP[32])


def _is_whole(b: Lanes) -> Lanes:
    size, large = b.absolute(), 2.0 ** _Format(b).mantissa
    return (size < large).where((size + large) - large, size).equals(size)


def _power_single(size: Lanes, b: Lanes) -> Lanes:
    """In float64, with polynomials that are enough for float32."""
    return roughly_exp(roughly_log(size.to_double()) * b.to_double()).to_single()


def _power_double(size: Lanes, b: Lanes) -> Lanes:
    """By a logarithm in two parts, as exp makes large what is lost of its argument."""
    f, n = _split(size)
    high, low = _log_two_parts(f, n)
    special = ~((size > 0.0) & (size < float("inf")))
    high, low = special.where(log(size), high), special.where(0.0, low)
    product = b * high
    lost = low.multiply_add(b, _exact_rest(b, high, product))
    return _exp_scaled(product, lost=(product.absolute() < 1e4).where(lost, 0.0))


def _exact_rest(a: Lanes, b: Lanes, product: Lanes) -> Lanes:
    """Return a * b - product without error."""
    return a.fused(b, -product)


def _log_two_parts(f: Lanes, n: Lanes) -> tuple[Lanes, Lanes]:
    """Return log(1 + f) + n log 2 as a sum of two: of s = f / (2 + f), 2 s + 2/3 s**3 has two parts, the rest one."""
    whole = f + 2.0
    whole_low = f - (whole - 2.0)
    s = f / whole
    s_low = (-_exact_rest(s, whole, f) - s * whole_low) / whole
    z = s * s
    z_low = _exact_rest(s, s, z) + s * s_low * 2.0
    cube = s * z
    cube_low = _exact_rest(s, z, cube) + (s * z_low + s_low * z)
    third = cube * _TWO_THIRDS
    third_low = _exact_rest(cube, cube.like(_TWO_THIRDS), third) + (cube * _TWO_THIRDS_LOW + cube_low * _TWO_THIRDS)
    tail = cube * z * z.polynomial(_LOG_TAIL)
    high, low = _LN2[64]
    first, second = n * high, s * 2.0
    total = first + second
    lost = (first - total) + second  # the first is the larger one, or 0
    sum_of_all = total + third
    lost = lost + ((total - sum_of_all) + third) + (s_low * 2.0 + third_low + tail + n * low)
    rounded = sum_of_all + lost
    return rounded, (sum_of_all - rounded) + lost
