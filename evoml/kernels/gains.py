"""The best of many thresholds of a column, eight at a time: sums are unpacked, scored and compared within registers.

Compilers do not find this loop by themselves: it mixes numbers of 64 and of 32 bits and keeps the place of the best.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 8
# Places of the numbers in ``terms``.
GRADIENT_UNIT, HESSIAN_UNIT, HESSIAN_PER_ROW, ROWS_PER_HESSIAN = range(4)
MEAN, REST, LESS, L2 = range(4, 8)
HESSIAN, ROWS, LEAST_HESSIAN, LEAST_ROWS = range(8, 12)
N_TERMS = 12

_PACKED = ir.VectorType(ir.IntType(64), LANES)
_WHOLE = ir.VectorType(ir.IntType(32), LANES)
_REAL = ir.VectorType(ir.FloatType(), LANES)


def _in_all_lanes(builder: Any, number: Any, vector: Any) -> Any:
    lanes = builder.insert_element(ir.Constant(vector, ir.Undefined), number, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(lanes, lanes, ir.Constant(ir.VectorType(ir.IntType(32), LANES), None))


class _Scan:
    """Emits what is done with the sums of eight candidates."""

    def __init__(self, builder: Any, terms: Any, shifts: Any) -> None:
        self._builder = builder
        numbers = [builder.load(cgutils.gep_inbounds(builder, terms, place)) for place in range(N_TERMS)]
        self._terms = [_in_all_lanes(builder, number, _REAL) for number in numbers]
        self._shifts = [_in_all_lanes(builder, number, _PACKED) for number in shifts]

    def fields(self, packed: Any) -> tuple[Any, Any, Any]:
        """Gradient, hessian and rows of packed sums."""
        builder, terms = self._builder, self._terms
        gradient_shift, hessian_shift, hessian_mask, row_mask = self._shifts
        gradient = self._real(builder.ashr(packed, gradient_shift))
        rows = self._real(builder.and_(packed, row_mask))
        field = self._real(builder.and_(builder.ashr(packed, hessian_shift), hessian_mask))
        per_row = builder.fmul(rows, terms[HESSIAN_PER_ROW])
        hessian = builder.fadd(builder.fmul(field, terms[HESSIAN_UNIT]), per_row)
        estimated = builder.fadd(rows, builder.fmul(hessian, terms[ROWS_PER_HESSIAN]))
        return builder.fmul(gradient, terms[GRADIENT_UNIT]), hessian, estimated

    def _real(self, numbers: Any) -> Any:
        return self._builder.sitofp(self._builder.trunc(numbers, _WHOLE), _REAL)

    def gain(self, gradient: Any, hessian: Any) -> Any:
        """As `splitting._add_gains`, to the last bit."""
        builder, terms = self._builder, self._terms
        left_weight = builder.fadd(hessian, terms[L2])
        right_weight = builder.fadd(builder.fsub(terms[HESSIAN], hessian), terms[L2])
        left = builder.fsub(gradient, builder.fmul(terms[MEAN], left_weight))
        right = builder.fsub(terms[REST], left)
        on_left = builder.fdiv(builder.fmul(left, left), left_weight)
        on_right = builder.fdiv(builder.fmul(right, right), right_weight)
        return builder.fsub(builder.fadd(on_left, on_right), terms[LESS])

    def allowed(self, hessian: Any, rows: Any) -> Any:
        """Whether both sides have enough rows and hessian."""
        builder, terms = self._builder, self._terms
        enough = builder.fcmp_ordered(">=", rows, terms[LEAST_ROWS])
        for whole, part, least in ((ROWS, rows, LEAST_ROWS), (HESSIAN, hessian, LEAST_HESSIAN)):
            rest = builder.fsub(terms[whole], part)
            enough = builder.and_(enough, builder.fcmp_ordered(">=", rest, terms[least]))
        return builder.and_(enough, builder.fcmp_ordered(">=", hessian, terms[LEAST_HESSIAN]))


@intrinsic
def scan_gains(  # type: ignore[no-untyped-def]
    typing_context,
    sums,
    start,
    n,
    more,
    place,
    gradient_shift,
    hessian_shift,
    hessian_mask,
    row_mask,
    terms,
    gains,
    places,
):
    """Update LANES best gains and their places with the gains of n candidates, whose sums on the left are
    sums[start : start + n] and ``more`` each, and whose places are ``place`` and what follows.

    Up to LANES - 1 sums behind them are read, and not looked at. terms: see the places above.
    """

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        def data(position):  # type: ignore[no-untyped-def]
            return context.make_array(signature.args[position])(context, builder, arguments[position]).data

        word = ir.IntType(64)
        scan = _Scan(builder, data(9), arguments[5:9])
        gains_at, places_at = (
            builder.bitcast(data(10), _REAL.as_pointer()),
            builder.bitcast(data(11), _WHOLE.as_pointer()),
        )
        best = cgutils.alloca_once_value(builder, builder.load(gains_at, align=4))
        best_places = cgutils.alloca_once_value(builder, builder.load(places_at, align=4))
        lanes, narrow = ir.Constant(_WHOLE, list(range(LANES))), ir.IntType(32)
        more_each = _in_all_lanes(builder, arguments[3], _PACKED)
        length = _in_all_lanes(builder, builder.trunc(arguments[2], narrow), _WHOLE)
        first_place = builder.trunc(arguments[4], narrow)
        rounds = builder.udiv(builder.add(arguments[2], ir.Constant(word, LANES - 1)), ir.Constant(word, LANES))
        with cgutils.for_range(builder, rounds) as loop:
            nth = builder.mul(loop.index, ir.Constant(word, LANES))
            at = builder.gep(data(0), [builder.add(arguments[1], nth)])
            packed = builder.load(builder.bitcast(at, _PACKED.as_pointer()), align=8)
            gradient, hessian, rows = scan.fields(builder.add(packed, more_each))
            gain, old = scan.gain(gradient, hessian), builder.load(best)
            begun = _in_all_lanes(builder, builder.trunc(nth, narrow), _WHOLE)
            inside = builder.icmp_signed("<", builder.add(begun, lanes), length)
            better = builder.and_(builder.fcmp_ordered(">", gain, old), scan.allowed(hessian, rows))
            better = builder.and_(better, inside)
            builder.store(builder.select(better, gain, old), best)
            here = _in_all_lanes(builder, builder.add(first_place, builder.trunc(nth, narrow)), _WHOLE)
            builder.store(builder.select(better, builder.add(here, lanes), builder.load(best_places)), best_places)
        builder.store(builder.load(best), gains_at, align=4)
        builder.store(builder.load(best_places), places_at, align=4)
        return context.get_dummy_value()

    numbers = (start, n, more, place, gradient_shift, hessian_shift, hessian_mask, row_mask)
    kinds = (types.uintp, types.uintp, types.int64, types.uintp, *(types.int64 for _ in range(4)))
    if not all(isinstance(number, types.Integer) for number in numbers):
        return None
    return types.void(sums, *kinds, terms, gains, places), generate
