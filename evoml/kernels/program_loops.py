"""Loops and memory of the machine of programs that learn, as code of LLVM that is being written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir

from evoml.kernels.expression_lanes import Lanes
from evoml.kernels.program_codes import CHUNK

UNROLLED = 48  # vectors up to which a loop, with those in it, is written out
INT, LONG, DOUBLE = ir.IntType(32), ir.IntType(64), ir.DoubleType()
VECTOR, BITS, TRUTHS = (ir.VectorType(kind, CHUNK) for kind in (DOUBLE, LONG, ir.IntType(1)))
Size = int | Any  # a number, or a value of the code that is being written


class Loops:
    """Writes a function whose arguments are those of `program_machine.run_machine`, for so many lanes and entries."""

    step: Any  # where the step is that is being written
    lane: Size = 0  # the first of the lanes that are being written

    def __init__(self, function: Any, lanes: int, entries: int) -> None:
        self.function, self.lanes, self.entries = function, lanes, entries
        self.steps, self.values, self.work, self.features, self.labels, self.losses, self.hashes = function.args[:7]
        self.cursor, self.start, self.count, self.bound = function.args[7:]
        self.chunks, self.squared = lanes // CHUNK, entries * entries
        self.builder = ir.IRBuilder(function.append_basic_block("entry"))

    def _times(self, a: Size, b: int) -> Size:
        return a * b if isinstance(a, int) else self.builder.mul(a, LONG(b))

    def _plus(self, a: Size, b: Size) -> Size:
        if isinstance(a, int) and isinstance(b, int):
            return a + b
        return self.builder.add(value_of(a), value_of(b))

    def _loop(self, count: int, body: Callable[..., Any], *carried: Any, inside: int = 1) -> tuple[Any, ...]:
        """Write ``body(index, *carried)``, which returns what is carried on, so many times (once at least).

        inside: vectors that the body handles in loops of its own.
        """
        if count * inside <= UNROLLED:
            for i in range(count):
                carried = body(i, *carried) or ()
            return carried
        strip = 4 if count % 4 == 0 and inside == 1 else 1
        builder = self.builder
        before, loop, after = builder.block, *(self.function.append_basic_block() for _ in range(2))
        builder.branch(loop)
        builder.position_at_end(loop)
        index = builder.phi(LONG)
        index.add_incoming(LONG(0), before)
        merged = [builder.phi(value.type) for value in carried]
        for phi, value in zip(merged, carried, strict=True):
            phi.add_incoming(value, before)
        now: Sequence[Any] = merged
        for i in range(strip):
            now = body(self._plus(index, i), *now) or ()
        following = builder.add(index, LONG(strip))
        index.add_incoming(following, builder.block)
        for phi, value in zip(merged, now, strict=True):
            phi.add_incoming(value, builder.block)
        builder.cbranch(builder.icmp_unsigned("<", following, LONG(count)), loop, after)
        builder.position_at_end(after)
        return tuple(now)

    def _each_chunk(self, body: Callable[[Size], None], inside: int = 1) -> None:
        self._loop(self.chunks, lambda chunk: body(self._times(chunk, CHUNK)), inside=inside)

    # -- memory -----------------------------------------------------------------------------------------------------------

    def _place(self, field: int) -> Any:
        """Return where in memory the step's output (1) or input (2, 3) begins."""
        offset = self.builder.load(self.builder.gep(self.step, [INT(field)]))
        return self.builder.gep(self.work, [self.builder.zext(offset, LONG)])

    def _pointer(self, base: Any, offset: Size, kind: Any = VECTOR) -> Any:
        return self.builder.bitcast(self.builder.gep(base, [value_of(offset)]), kind.as_pointer())

    def _load_at(self, base: Any, offset: Size, kind: Any = VECTOR) -> Lanes:
        return Lanes(self.builder, self.builder.load(self._pointer(base, offset, kind), align=8))

    def _store_at(self, value: Lanes, base: Any, offset: Size) -> None:
        self.builder.store(value.value, self._pointer(base, offset, value.type), align=8)

    def _load(self, base: Any, entry: Size) -> Lanes:
        """Load the current chunk of lanes of an entry."""
        return self._load_at(base, self._plus(self._times(entry, self.lanes), self.lane))

    def _store(self, value: Lanes, base: Any, entry: Size) -> None:
        self._store_at(value, base, self._plus(self._times(entry, self.lanes), self.lane))

    def _cell(self, i: Size, j: Size) -> Size:
        return self._plus(self._times(i, self.entries), j)

    def _broadcast_number(self, number: Any) -> Lanes:
        one = self.builder.insert_element(ir.Constant(VECTOR, ir.Undefined), number, INT(0))
        zeros = ir.Constant(ir.VectorType(INT, CHUNK), [0] * CHUNK)
        return Lanes(self.builder, self.builder.shuffle_vector(one, ir.Constant(VECTOR, ir.Undefined), zeros))

    def _with_lanes(self, inside: int, body: Callable[[], object]) -> None:
        """Write ``body``, which handles ``inside`` vectors, for each chunk of lanes, to be loaded and stored."""

        def of_chunk(lane: Size) -> None:
            self.lane = lane
            body()

        self._each_chunk(of_chunk, inside)


def value_of(size: Size) -> Any:
    return LONG(size) if isinstance(size, int) else size


def any_of(builder: Any, truths: Any) -> Any:
    mask = builder.bitcast(truths, ir.IntType(CHUNK))
    return builder.icmp_unsigned("!=", mask, mask.type(0))
