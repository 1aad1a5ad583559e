"""Vectors for the machine of formulas: LLVM's own, written down as expressions while a kernel is compiled.

Numba knows numbers and leaves it to LLVM to find loops that can run on vectors. A machine of a hundred operations would be
long to compile that way, and each loop would have to prove at run time that its rows do not overlap. `Lanes` are values of the
code that is being made: ``a * b + 1.0`` emits instructions. The same text serves numbers and vectors, float32 and float64.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

INTEGER = ir.IntType(64)


class Lanes:
    """One number or several side by side: float32, float64, integers of as many bits, or truth values."""

    def __init__(self, builder: Any, value: Any) -> None:
        self.builder, self.value, self.type = builder, value, value.type

    @property
    def element(self) -> Any:
        return self.type.element if isinstance(self.type, ir.VectorType) else self.type

    @property
    def is_double(self) -> bool:
        """Whether these are 64 bits each."""
        return self.element in (ir.DoubleType(), ir.IntType(64))

    @property
    def is_float(self) -> bool:
        return not isinstance(self.element, ir.IntType)

    def like(self, number: Any) -> Lanes:
        """Return a constant of the same type, or lanes as they are."""
        if isinstance(number, Lanes):
            return number
        return Lanes(self.builder, constant(self.type, number))

    def made(self, value: Any) -> Lanes:
        return Lanes(self.builder, value)

    # -- arithmetic: of floats, or of integers that wrap around -----------------------------------------------------------

    def _both(self, other: Any, of_floats: str, of_integers: str = "", *, swapped: bool = False) -> Lanes:
        pair = (self.like(other), self) if swapped else (self, self.like(other))
        emit = getattr(self.builder, of_floats if self.is_float else of_integers)
        return self.made(emit(pair[0].value, pair[1].value))

    def __add__(self, other: Any) -> Lanes:
        return self._both(other, "fadd", "add")

    def __sub__(self, other: Any) -> Lanes:
        return self._both(other, "fsub", "sub")

    def __mul__(self, other: Any) -> Lanes:
        return self._both(other, "fmul", "mul")

    def __truediv__(self, other: Any) -> Lanes:
        return self._both(other, "fdiv")

    def __radd__(self, other: Any) -> Lanes:
        return self._both(other, "fadd", "add", swapped=True)

    def __rsub__(self, other: Any) -> Lanes:
        return self._both(other, "fsub", "sub", swapped=True)

    def __rmul__(self, other: Any) -> Lanes:
        return self._both(other, "fmul", "mul", swapped=True)

    def __rtruediv__(self, other: Any) -> Lanes:
        return self._both(other, "fdiv", swapped=True)

    def __neg__(self) -> Lanes:
        return self.made(self.builder.fneg(self.value))

    def __and__(self, other: Any) -> Lanes:
        return self._both(other, "", "and_")

    def __or__(self, other: Any) -> Lanes:
        return self._both(other, "", "or_")

    def __xor__(self, other: Any) -> Lanes:
        return self._both(other, "", "xor")

    def __invert__(self) -> Lanes:
        """Negate truth values."""
        return self.made(self.builder.not_(self.value))

    def __lshift__(self, other: Any) -> Lanes:
        return self._both(other, "", "shl")

    def __rshift__(self, other: Any) -> Lanes:
        """Shift to the right; the sign stays."""
        return self._both(other, "", "ashr")

    def multiply_add(self, factor: Any, summand: Any) -> Lanes:
        """Return self * factor + summand, rounded once where the processor can."""
        return self._call("llvm.fmuladd", self.like(factor), self.like(summand))

    def fused(self, factor: Lanes, summand: Lanes) -> Lanes:
        """Return self * factor + summand, rounded once; slow where the processor cannot."""
        return self._call("llvm.fma", factor, summand)

    def polynomial(self, coefficients: Sequence[float]) -> Lanes:
        """Return the polynomial of self, the constant's coefficient first (Horner's scheme)."""
        total = self.like(coefficients[-1])
        for coefficient in reversed(coefficients[:-1]):
            total = total.multiply_add(self, coefficient)
        return total

    # -- comparisons: false where a value is nan --------------------------------------------------------------------------

    def _compared(self, sign: str, other: Any) -> Lanes:
        emit = self.builder.fcmp_ordered if self.is_float else self.builder.icmp_signed
        return self.made(emit(sign, self.value, self.like(other).value))

    def __lt__(self, other: Any) -> Lanes:
        return self._compared("<", other)

    def __le__(self, other: Any) -> Lanes:
        return self._compared("<=", other)

    def __gt__(self, other: Any) -> Lanes:
        return self._compared(">", other)

    def __ge__(self, other: Any) -> Lanes:
        return self._compared(">=", other)

    def equals(self, other: Any) -> Lanes:
        return self._compared("==", other)

    def differs(self, other: Any) -> Lanes:
        """Tell where values differ or one is nan."""
        if not self.is_float:
            return self._compared("!=", other)
        return self.made(self.builder.fcmp_unordered("!=", self.value, self.like(other).value))

    def where(self, then: Any, otherwise: Any) -> Lanes:
        """Choose by self, truth values, between lanes; one of the two may be a number."""
        pattern = then if isinstance(then, Lanes) else otherwise
        then, otherwise = pattern.like(then), pattern.like(otherwise)
        return self.made(self.builder.select(self.value, then.value, otherwise.value))

    # -- other forms ------------------------------------------------------------------------------------------------------

    def _call(self, name: str, *others: Lanes) -> Lanes:
        return self.made(call_intrinsic(self.builder, name, [self.value, *(other.value for other in others)]))

    def absolute(self) -> Lanes:
        return self._call("llvm.fabs")

    def root(self) -> Lanes:
        return self._call("llvm.sqrt")

    def with_sign_of(self, other: Lanes) -> Lanes:
        return self._call("llvm.copysign", other)

    def bits(self) -> Lanes:
        return self.made(
            self.builder.bitcast(self.value, _with_element(self.type, ir.IntType(64 if self.is_double else 32)))
        )

    def as_float(self) -> Lanes:
        """Read bits as floats."""
        element = ir.DoubleType() if self.is_double else ir.FloatType()
        return self.made(self.builder.bitcast(self.value, _with_element(self.type, element)))

    def to_double(self) -> Lanes:
        return (
            self
            if self.is_double
            else self.made(self.builder.fpext(self.value, _with_element(self.type, ir.DoubleType())))
        )

    def to_single(self) -> Lanes:
        return self.made(self.builder.fptrunc(self.value, _with_element(self.type, ir.FloatType())))


def _with_element(kind: Any, element: Any) -> Any:
    return ir.VectorType(element, kind.count) if isinstance(kind, ir.VectorType) else element


def constant(kind: Any, number: Any) -> Any:
    """Return LLVM's constant of a number or of a vector of equal ones."""
    if isinstance(kind, ir.VectorType):
        return ir.Constant(kind, [ir.Constant(kind.element, number)] * kind.count)
    return ir.Constant(kind, number)


def splat(builder: Any, number: Any, lanes: int) -> Lanes:
    """Have a number in each of so many lanes."""
    vector = ir.VectorType(number.type, lanes)
    undefined, zeros = ir.Constant(vector, ir.Undefined), ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes)
    first = builder.insert_element(undefined, number, ir.IntType(32)(0))
    return Lanes(builder, builder.shuffle_vector(first, undefined, zeros))


def place_of(builder: Any, row: Any, index: Any, lanes: int) -> Any:
    """Return the pointer to a vector that begins at an index of a row of floats."""
    place = builder.gep(row, [index])
    return builder.bitcast(place, ir.VectorType(row.type.pointee, lanes).as_pointer())


def load(builder: Any, row: Any, index: Any, lanes: int) -> Lanes:
    """Load lanes from an index of a row of floats on."""
    return Lanes(builder, builder.load(place_of(builder, row, index, lanes), align=bytes_of(row.type.pointee)))


def store(value: Lanes, row: Any, index: Any) -> None:
    """Store lanes from an index of a row of floats on."""
    place = place_of(value.builder, row, index, value.type.count)
    value.builder.store(value.value, place, align=bytes_of(value.element))


def bytes_of(element: Any) -> int:
    return 8 if isinstance(element, ir.DoubleType) else 4


def call_intrinsic(builder: Any, name: str, values: Sequence[Any]) -> Any:
    """Call one of LLVM's functions, all of whose arguments have the result's type."""
    kind = values[0].type
    element = kind.element if isinstance(kind, ir.VectorType) else kind
    suffix = {ir.DoubleType(): "f64", ir.FloatType(): "f32"}[element]
    if isinstance(kind, ir.VectorType):
        suffix = f"v{kind.count}{suffix}"
    full, module = f"{name}.{suffix}", builder.module
    function = module.globals.get(full)
    if function is None:
        function = ir.Function(module, ir.FunctionType(kind, [kind] * len(values)), full)
    return builder.call(function, values)


def of_numbers(formula: Callable[..., Lanes], arity: int = 1) -> Any:
    """Return a function for Numba's code that takes and returns single floats, whose body is ``formula`` on lanes."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return formula(*(Lanes(builder, argument) for argument in arguments)).value

    def of_one(typing_context, x):  # type: ignore[no-untyped-def]
        return types.float32(x) if x == types.float32 else types.float64(types.float64), generate

    def of_two(typing_context, x, y):  # type: ignore[no-untyped-def]
        kind = types.float32 if x == y == types.float32 else types.float64
        return kind(kind, kind), generate

    operation: Any = of_one if arity == 1 else of_two
    operation.__name__, operation.__doc__ = formula.__name__, formula.__doc__
    return intrinsic(operation)
