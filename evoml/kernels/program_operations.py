"""What the machine of programs that learn does for each operation, in loops on vectors of lanes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir

from evoml.kernels import expression_math as functions
from evoml.kernels.expression_codes import MAXIMUM, MINIMUM
from evoml.kernels.expression_lanes import Lanes
from evoml.kernels.expression_math import LARGEST_ANGLE
from evoml.kernels.expression_operations import BINARY
from evoml.kernels.program_codes import CODES, COPY_MATRIX, COPY_VECTOR, SCALAR_CONSTANT
from evoml.kernels.program_loops import CHUNK, TRUTHS, VECTOR, Loops, Size, any_of


def _heaviside(x: Lanes) -> Lanes:
    return (x >= 0.0).where(x.like(1.0), 0.0)


_SCALAR: dict[str, Callable[[Any], Any]] = {
    "arcsin": functions.asin,
    "arccos": functions.acos,
    "arctan": functions.atan,
    "exp": functions.exp,
    "log": functions.log,
}
_ANGLES: dict[str, Callable[[Any], Any]] = {
    "sin": functions.near_sin,
    "cos": functions.near_cos,
    "tan": functions.near_tan,
}
_UNARY: dict[str, Callable[[Any], Any]] = {
    "abs": Lanes.absolute,
    "reciprocal": lambda a: 1.0 / a,
    "heaviside": _heaviside,
}
_BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "sum": lambda a, b: a + b,
    "difference": lambda a, b: a - b,
    "product": lambda a, b: a * b,
    "division": lambda a, b: a / b,
    "min": BINARY[MINIMUM],
    "max": BINARY[MAXIMUM],
}


class Operations(Loops):
    """Writes what each operation does; the function says where it is and what comes next."""

    at: Any  # the number of the step

    def operation_bodies(self) -> dict[int, Callable[[], None]]:
        """Return what writes the step of each operation, by its number."""
        counts = {"scalar": 1, "vector": self.entries, "matrix": self.squared}
        found: dict[int, Callable[[], None]] = {}
        for kind, count in counts.items():
            for name, formula in (_UNARY | _BINARY).items():
                found[CODES[f"{kind}_{name}"]] = self._entrywise(formula, count, 2 if name in _BINARY else 1)
        for name, formula in (_SCALAR | _ANGLES).items():
            found[CODES[f"scalar_{name}"]] = self._entrywise(formula, 1, 1, near=name in _ANGLES)
        found[COPY_VECTOR] = self._entrywise(lambda a: a, self.entries, 1)
        found[COPY_MATRIX] = self._entrywise(lambda a: a, self.squared, 1)
        found[SCALAR_CONSTANT] = self._constant
        found |= {
            CODES["scalar_vector_product"]: lambda: self._scaled(self.entries),
            CODES["scalar_matrix_product"]: lambda: self._scaled(self.squared),
            CODES["scalar_broadcast"]: self._broadcast,
            CODES["vector_inner_product"]: self._inner_product,
            CODES["vector_outer_product"]: lambda: self._matrix(lambda i, j, a, b: self._load(a, i) * self._load(b, j)),
            CODES["matrix_vector_product"]: self._matrix_vector_product,
            CODES["matrix_matrix_product"]: self._matrix_matrix_product,
            CODES["matrix_transpose"]: lambda: self._matrix(lambda i, j, a, b: self._load(a, self._cell(j, i))),
            CODES["vector_column_broadcast"]: lambda: self._matrix(lambda i, j, a, b: self._load(a, i)),
            CODES["vector_row_broadcast"]: lambda: self._matrix(lambda i, j, a, b: self._load(a, j)),
            CODES["matrix_column_norm"]: lambda: self._along(self._norm, by_column=True),
            CODES["matrix_row_norm"]: lambda: self._along(self._norm),
            CODES["matrix_row_mean"]: lambda: self._along(self._mean),
            CODES["matrix_row_std"]: lambda: self._along(self._deviation),
        }
        for kind in ("vector", "matrix"):
            for name, statistic in (("norm", self._norm), ("mean", self._mean), ("std", self._deviation)):
                found[CODES[f"{kind}_{name}"]] = self._whole(statistic, counts[kind])
        return found

    # -- operations -------------------------------------------------------------------------------------------------------

    def _entrywise(
        self, formula: Callable[..., Lanes], count: int, arity: int, near: bool = False
    ) -> Callable[[], None]:
        def write() -> None:
            target, sources = self._place(1), [self._place(2 + i) for i in range(arity)]
            if near:
                self._ask_for_help_with_far_angles(sources[0])

            def body(chunk: Size) -> None:
                here = self._times(chunk, CHUNK)
                self._store_at(formula(*(self._load_at(source, here) for source in sources)), target, here)

            self._loop(count * self.chunks, body)

        return write

    def _ask_for_help_with_far_angles(self, source: Any) -> None:
        builder = self.builder

        def body(chunk: Size, far: Any) -> tuple[Any]:
            size = self._load_at(source, self._times(chunk, CHUNK)).absolute()
            return (builder.or_(far, (size > LARGEST_ANGLE).value),)

        (far,) = self._loop(self.chunks, body, ir.Constant(TRUTHS, [0] * CHUNK))
        help_needed, near = (self.function.append_basic_block() for _ in range(2))
        builder.cbranch(any_of(builder, far), help_needed, near)
        builder.position_at_end(help_needed)
        builder.ret(self.at)
        builder.position_at_end(near)

    def _constant(self) -> None:
        target = self._place(1)
        number = self._broadcast_number(self.builder.load(self.builder.gep(self.values, [self.at])))
        self._each_chunk(lambda lane: self._store_at(number, target, lane))

    def _scaled(self, count: int) -> None:
        target, scalar, source = (self._place(i) for i in (1, 2, 3))

        def body() -> None:
            factor = self._load(scalar, 0)
            self._loop(count, lambda i: self._store(factor * self._load(source, i), target, i))

        self._with_lanes(count, body)

    def _broadcast(self) -> None:
        target, scalar = self._place(1), self._place(2)

        def body() -> None:
            value = self._load(scalar, 0)
            self._loop(self.entries, lambda i: self._store(value, target, i))

        self._with_lanes(self.entries, body)

    def _sum(self, count: int, term: Callable[[Size], Lanes]) -> Lanes:
        zero = Lanes(self.builder, ir.Constant(VECTOR, [-0.0] * CHUNK))  # changes nothing, not even a zero's sign
        (total,) = self._loop(count, lambda i, so_far: ((zero.made(so_far) + term(i)).value,), zero.value)
        return zero.made(total)

    def _inner_product(self) -> None:
        target, a, b = (self._place(i) for i in (1, 2, 3))
        self._with_lanes(
            self.entries,
            lambda: self._store(self._sum(self.entries, lambda i: self._load(a, i) * self._load(b, i)), target, 0),
        )

    def _matrix(self, formula: Callable[[Size, Size, Any, Any], Lanes], inside: int = 1) -> None:
        """Write a matrix whose entries are ``formula(i, j, first input, second input)``."""
        target, a, b = (self._place(i) for i in (1, 2, 3))

        def of_row(i: Size) -> None:
            self._loop(
                self.entries, lambda j: self._store(formula(i, j, a, b), target, self._cell(i, j)), inside=inside
            )

        in_row = self.entries * inside
        self._with_lanes(self.entries * in_row, lambda: self._loop(self.entries, of_row, inside=in_row))

    def _matrix_vector_product(self) -> None:
        target, a, b = (self._place(i) for i in (1, 2, 3))

        def of_row(i: Size) -> None:
            total = self._sum(self.entries, lambda k: self._load(a, self._cell(i, k)) * self._load(b, k))
            self._store(total, target, i)

        self._with_lanes(self.squared, lambda: self._loop(self.entries, of_row, inside=self.entries))

    def _matrix_matrix_product(self) -> None:
        def cell(i: Size, j: Size, a: Any, b: Any) -> Lanes:
            return self._sum(self.entries, lambda k: self._load(a, self._cell(i, k)) * self._load(b, self._cell(k, j)))

        self._matrix(cell, inside=self.entries)

    # -- statistics of ``count`` numbers, the k-th of which is term(k) ------------------------------------------------------

    def _norm(self, count: int, term: Callable[[Size], Lanes]) -> Lanes:
        return self._sum(count, lambda k: _square(term(k))).root()

    def _mean(self, count: int, term: Callable[[Size], Lanes]) -> Lanes:
        return self._sum(count, term) / float(count)

    def _deviation(self, count: int, term: Callable[[Size], Lanes]) -> Lanes:
        mean = self._mean(count, term)
        return self._mean(count, lambda k: _square(term(k) - mean)).root()

    def _whole(self, statistic: Callable[..., Lanes], count: int) -> Callable[[], None]:
        def write() -> None:
            target, a = self._place(1), self._place(2)
            self._with_lanes(count, lambda: self._store(statistic(count, lambda k: self._load(a, k)), target, 0))

        return write

    def _along(self, statistic: Callable[..., Lanes], by_column: bool = False) -> None:
        """Write the vector of a statistic of each row, or of each column, of a matrix."""
        target, a = self._place(1), self._place(2)

        def of_line(i: Size) -> None:
            def term(k: Size) -> Lanes:
                return self._load(a, self._cell(k, i) if by_column else self._cell(i, k))

            self._store(statistic(self.entries, term), target, i)

        self._with_lanes(self.squared, lambda: self._loop(self.entries, of_line, inside=self.entries))


def _square(x: Lanes) -> Lanes:
    return x * x
