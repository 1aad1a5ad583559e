"""Kernels of forests: what a node's rows hold in a block of columns side by side, one vector a row.

Codes lie row by row here, (n, stride) with a stride of whole blocks: a row's codes of all columns come with one or two
loads, where column by column each would be read for itself. Compilers do not find these loops by themselves.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

BLOCK = 16  # columns side by side
HALF = 8  # of them, where sums are float64
MOST_COUNTED = 255  # rows that fit in a byte's count
MOST_SQUARED = 46340  # rows whose number's square is a signed number of 32 bits

_BYTE, _WORD, _REAL = ir.IntType(8), ir.IntType(64), ir.DoubleType()


class _Rows:
    """Emits loops over the rows of a node, and reads their codes."""

    def __init__(self, context: Any, builder: Any, signature: Any, arguments: Any, lanes: int) -> None:
        self._context, self._builder, self._types, self._arguments = context, builder, signature.args, arguments
        self._codes, self._rows = self.data(0), self.data(2)
        _, self._stride, _, self._start, self._n, self._first = arguments[:6]
        self.bytes = ir.VectorType(_BYTE, lanes)

    def data(self, position: int) -> Any:
        kind, value = self._types[position], self._arguments[position]
        return self._context.make_array(kind)(self._context, self._builder, value).data

    def load(self, position: int, vector: Any) -> Any:
        """The argument's numbers of the block; a byte's worth of them lies at ``first``, others at the array's start."""
        start = self._first if vector.element == _BYTE else ir.Constant(_WORD, 0)
        return self._builder.load(self._place(position, start, vector), align=1)

    def store(self, position: int, value: Any) -> None:
        start = self._first if value.type.element == _BYTE else ir.Constant(_WORD, 0)
        self._builder.store(value, self._place(position, start, value.type), align=1)

    def _place(self, position: int, start: Any, vector: Any) -> Any:
        return self._builder.bitcast(self._builder.gep(self.data(position), [start]), vector.as_pointer())

    def each(self, body: Callable[[Any, Any], None], start: Any = None, n: Any = None) -> None:
        """Run ``body`` with the place of each row in the node (or some of it) and its codes."""
        builder, start, n = self._builder, start or self._start, n or self._n
        with cgutils.for_range(builder, n) as loop:
            place = builder.add(start, loop.index)
            row = builder.zext(builder.load(builder.gep(self._rows, [place])), _WORD)
            at = builder.add(builder.mul(row, self._stride), self._first)
            pointer = builder.bitcast(builder.gep(self._codes, [at]), self.bytes.as_pointer())
            body(loop.index, builder.load(pointer, align=1))


def _is_left(builder: Any, codes: Any, shift: Any, limit: Any) -> Any:
    return builder.icmp_unsigned("<=", builder.sub(codes, shift), limit)


@intrinsic
def find_extremes(typing_context, codes, stride, rows, start, n, first, least, lowest, highest):  # type: ignore[no-untyped-def]
    """Write, for BLOCK columns from ``first``, the lowest code, the lowest of the codes less one (a missing value's wraps
    to 255) and the highest code of rows[start : start + n]."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        node = _Rows(context, builder, signature, arguments, BLOCK)
        most, one = ir.Constant(node.bytes, [255] * BLOCK), ir.Constant(node.bytes, [1] * BLOCK)
        found = [cgutils.alloca_once_value(builder, start) for start in (most, most, ir.Constant(node.bytes, None))]

        def keep(target, value, better):  # type: ignore[no-untyped-def]
            old = builder.load(target)
            builder.store(builder.select(builder.icmp_unsigned(better, value, old), value, old), target)

        def body(_, value):  # type: ignore[no-untyped-def]
            keep(found[0], value, "<")
            keep(found[1], builder.sub(value, one), "<")
            keep(found[2], value, ">")

        node.each(body)
        for position, target in zip((6, 7, 8), found, strict=True):
            node.store(position, builder.load(target))
        return context.get_dummy_value()

    return types.void(codes, stride, rows, start, n, first, least, lowest, highest), generate


@intrinsic
def count_left(typing_context, codes, stride, rows, start, n, first, shifts, limits, found):  # type: ignore[no-untyped-def]
    """Add to found[:BLOCK], float64, how many of n <= MOST_COUNTED rows have a code less shift up to the limit."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        node = _Rows(context, builder, signature, arguments, BLOCK)
        shift, limit = node.load(6, node.bytes), node.load(7, node.bytes)
        counts = cgutils.alloca_once_value(builder, ir.Constant(node.bytes, None))

        def body(_, value):  # type: ignore[no-untyped-def]
            inside = builder.sext(_is_left(builder, value, shift, limit), node.bytes)
            builder.store(builder.sub(builder.load(counts), inside), counts)

        node.each(body)
        reals = ir.VectorType(_REAL, BLOCK)
        node.store(8, builder.fadd(node.load(8, reals), builder.uitofp(builder.load(counts), reals)))
        return context.get_dummy_value()

    return types.void(codes, stride, rows, start, n, first, shifts, limits, found), generate


def _count_run(builder, node, begin, length, shift, limit, counts, few):  # type: ignore[no-untyped-def]
    """Emit what writes to ``counts`` how many rows of a run are at the left, in bytes for a while at a time."""
    most = ir.Constant(_WORD, MOST_COUNTED)
    builder.store(ir.Constant(counts.type.pointee, None), counts)
    rounds = builder.udiv(builder.add(length, ir.Constant(_WORD, MOST_COUNTED - 1)), most)
    with cgutils.for_range(builder, rounds) as loop:
        done = builder.mul(loop.index, most)
        rest = builder.sub(length, done)
        builder.store(ir.Constant(node.bytes, None), few)

        def body(_, value):  # type: ignore[no-untyped-def]
            inside = builder.sext(_is_left(builder, value, shift, limit), node.bytes)
            builder.store(builder.sub(builder.load(few), inside), few)

        n = builder.select(builder.icmp_unsigned("<", rest, most), rest, most)
        node.each(body, builder.add(begin, done), n)
        builder.store(builder.add(builder.load(counts), builder.zext(builder.load(few), counts.type.pointee)), counts)


@intrinsic
def add_squares(typing_context, codes, stride, rows, start, n_runs, first, shifts, limits, sums, lengths):  # type: ignore[no-untyped-def]
    """Write sums of BLOCK columns over a node's runs, of MOST_SQUARED rows at most, to the second, third and fourth BLOCK of
    ``sums``: rows at the left, and squares of the rows of a run at the left and at the right."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        node = _Rows(context, builder, signature, arguments, BLOCK)
        shift, limit = node.load(6, node.bytes), node.load(7, node.bytes)
        numbers, reals = ir.VectorType(ir.IntType(32), BLOCK), ir.VectorType(_REAL, BLOCK)
        found = [cgutils.alloca_once_value(builder, ir.Constant(numbers, None)) for _ in range(3)]
        counts, few = cgutils.alloca_once(builder, numbers), cgutils.alloca_once(builder, node.bytes)
        begin, run_lengths = cgutils.alloca_once_value(builder, arguments[3]), node.data(9)
        with cgutils.for_range(builder, arguments[4]) as loop:
            length = builder.load(builder.gep(run_lengths, [loop.index]))
            _count_run(builder, node, builder.load(begin), length, shift, limit, counts, few)
            builder.store(builder.add(builder.load(begin), length), begin)
            left = builder.load(counts)
            right = builder.sub(_in_all_lanes(builder, builder.trunc(length, numbers.element), numbers), left)
            for target, term in zip(found, (left, builder.mul(left, left), builder.mul(right, right)), strict=True):
                builder.store(builder.add(builder.load(target), term), target)
        data = node.data(8)
        for place, target in enumerate(found, start=1):
            at = builder.bitcast(builder.gep(data, [ir.Constant(_WORD, place * BLOCK)]), reals.as_pointer())
            builder.store(builder.sitofp(builder.load(target), reals), at, align=8)
        return context.get_dummy_value()

    return types.void(codes, stride, rows, start, n_runs, first, shifts, limits, sums, lengths), generate


def _in_all_lanes(builder: Any, number: Any, vector: Any) -> Any:
    lanes = builder.insert_element(ir.Constant(vector, ir.Undefined), number, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(lanes, lanes, ir.Constant(ir.VectorType(ir.IntType(32), vector.count), None))


@intrinsic
def sum_left(typing_context, codes, stride, rows, start, n, first, shifts, limits, found, values, offset):  # type: ignore[no-untyped-def]
    """Write to found[:HALF] the sums of values[offset : offset + n], one a row, whose code less shift is up to the limit."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        node = _Rows(context, builder, signature, arguments, HALF)
        shift, limit, numbers = node.load(6, node.bytes), node.load(7, node.bytes), node.data(9)
        nothing = ir.Constant(ir.VectorType(_REAL, HALF), None)
        total = cgutils.alloca_once_value(builder, nothing)

        def body(place, value):  # type: ignore[no-untyped-def]
            number = builder.load(builder.gep(numbers, [builder.add(arguments[10], place)]))
            lanes = _in_all_lanes(builder, number, nothing.type)
            chosen = builder.select(_is_left(builder, value, shift, limit), lanes, nothing)
            builder.store(builder.fadd(builder.load(total), chosen), total)

        node.each(body)
        node.store(8, builder.load(total))
        return context.get_dummy_value()

    return types.void(codes, stride, rows, start, n, first, shifts, limits, found, values, offset), generate
