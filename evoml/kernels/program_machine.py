"""The machine of programs that learn: one function of LLVM, in which a switch leads to the loops of each step.

Tasks run in lockstep, one a lane: memory is [address][entry][lane], and a step does for all tasks at once what an instruction
does for one. A sum over entries is made in their order, so that a task's result depends neither on the others nor on their
number. Lanes come in vectors of four. Each size has its own machine, in which short loops are written out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.experimental.function_type import _get_wrapper_address
from numba.extending import intrinsic

from evoml.kernels import expression_math as functions
from evoml.kernels.compiling import kernel
from evoml.kernels.expression_lanes import Lanes
from evoml.kernels.program_codes import CHECK, CHECK_LOGISTIC, HASHED, NEXT, SCORE, SCORE_CLASS, STOP
from evoml.kernels.program_loops import BITS, CHUNK, DOUBLE, INT, LONG, TRUTHS, VECTOR, Size, any_of
from evoml.kernels.program_operations import Operations

ENDED, ALL_FAILED = -1, -2  # what the machine returns, other than the step at which it needs help
_INFINITY = float("inf")


def make_machine(lanes: int, entries: int) -> int:
    """Return the address of the machine for so many lanes and entries of a vector; it is compiled where there is none yet.

    Kernels call it by :func:`run_machine`. As it is no part of them, they are compiled once for all sizes, and in seconds.
    """
    if (lanes, entries) not in _MACHINES:
        machine = _compiled(lanes, entries)
        _MACHINES[lanes, entries] = machine, _get_wrapper_address(machine, _SIGNATURE)
    return int(_MACHINES[lanes, entries][1])


_MACHINES: dict[tuple[int, int], tuple[Any, int]] = {}  # with what holds the code in memory
_DOUBLES, _INTEGERS = types.CPointer(types.float64), types.CPointer(types.int64)
_POINTERS = (types.CPointer(types.int32), *[_DOUBLES] * 5, *[_INTEGERS] * 2)
_SIGNATURE = types.int64(*_POINTERS, types.int64, types.int64, types.float64)


def _compiled(lanes: int, entries: int) -> Any:
    def machine(steps, values, work, features, labels, losses, hashes, cursor, at, count, bound):  # type: ignore[no-untyped-def]
        return _run_steps(  # type: ignore[call-arg]
            lanes, entries, steps, values, work, features, labels, losses, hashes, cursor, at, count, bound
        )

    machine.__qualname__ = f"machine_{lanes}_{entries}"  # what is compiled is kept under this name
    made = kernel(machine)
    made.compile(_SIGNATURE)
    return made


@intrinsic(prefer_literal=True)
def _run_steps(  # type: ignore[no-untyped-def]
    typing_context, lanes, entries, steps, values, work, features, labels, losses, hashes, cursor, at, count, bound
):
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        machine = _machine(builder.module, lanes.literal_value, entries.literal_value)
        return builder.call(machine, arguments[2:])

    return types.int64(lanes, entries, *_SIGNATURE.args), generate


@intrinsic
def run_machine(typing_context, address, steps, values, work, features, labels, losses, hashes, cursor, at, bound):  # type: ignore[no-untyped-def]
    """Run from step ``at``; return the step at which help is needed, ENDED, or ALL_FAILED.

    address: of the machine. steps: (n, 4) int32, operation and where in ``work`` its output and inputs begin. values: (n,)
    float64. work: (size,) float64. features: (examples, entries, lanes), labels: (examples, lanes) float64. losses: (lanes,)
    float64, inf for a lane that has failed. hashes: (lanes,) int64. cursor: (2,) int64, the example and the one to stop at.
    bound: the largest error.
    """
    arrays = (steps, values, work, features, labels, losses, hashes, cursor)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        made = [
            context.make_array(kind)(context, builder, value)
            for kind, value in zip(arrays, arguments[1:], strict=False)
        ]
        count = builder.extract_value(made[0].shape, 0)
        pointer = builder.inttoptr(arguments[0], _function_type().as_pointer())
        return builder.call(pointer, [*(one.data for one in made), arguments[9], count, arguments[10]])

    return types.int64(types.int64, *arrays, types.int64, types.float64), generate


def _function_type() -> Any:
    pointers = [INT.as_pointer(), *[DOUBLE.as_pointer()] * 5, *[LONG.as_pointer()] * 2]
    return ir.FunctionType(LONG, [*pointers, LONG, LONG, DOUBLE])


def _machine(module: Any, lanes: int, entries: int) -> Any:
    function = ir.Function(module, _function_type(), f"evoml_program_machine_{lanes}_{entries}")
    function.linkage = "internal"
    _Machine(function, lanes, entries).write()
    return function


class _Machine(Operations):
    """Writes the function: a loop over steps, in which a switch leads to what each does."""

    def write(self) -> None:
        builder, block = self.builder, self.function.append_basic_block
        entry, self.head, self.next, help_needed = builder.block, block("head"), block("next"), block("help")
        builder.branch(self.head)
        builder.position_at_end(self.head)
        self.at = builder.phi(LONG)
        self.at.add_incoming(self.start, entry)
        self.step = builder.gep(self.steps, [builder.mul(self.at, LONG(4))])
        switch = builder.switch(builder.load(self.step), help_needed)
        builder.position_at_end(help_needed)
        builder.ret(self.at)
        builder.position_at_end(self.next)
        following = builder.add(self.at, LONG(1))
        self.at.add_incoming(following, self.next)
        # Never false. Without it LLVM puts the switch behind each step, and takes minutes over so many ways.
        builder.cbranch(builder.icmp_unsigned("<", following, self.count), self.head, help_needed)
        for code, body in self._bodies().items():
            case = block(f"step_{code}")
            switch.add_case(INT(code), case)
            builder.position_at_end(case)
            body()
            if not builder.block.is_terminated:
                builder.branch(self.next)

    def _bodies(self) -> dict[int, Callable[[], None]]:
        """Return what writes each step, by its number."""
        found = self.operation_bodies()
        for hashed in (0, HASHED):
            found[CHECK + hashed] = self._check(hashed > 0, logistic=False)
            found[CHECK_LOGISTIC + hashed] = self._check(hashed > 0, logistic=True)
            found[SCORE + hashed] = self._score(hashed > 0, classes=False)
            found[SCORE_CLASS + hashed] = self._score(hashed > 0, classes=True)
        return found | {NEXT: self._next_example, STOP: lambda: self.builder.ret(LONG(ENDED))}

    # -- examples ---------------------------------------------------------------------------------------------------------

    def _example(self) -> Any:
        return self.builder.load(self.cursor)

    def _next_example(self) -> None:
        """Go on at the step's first number with the next example: its features in memory, and no label."""
        builder = self.builder
        example = builder.add(self._example(), LONG(1))
        builder.store(example, self.cursor)
        ended, go_on = (self.function.append_basic_block() for _ in range(2))
        stop = builder.load(builder.gep(self.cursor, [LONG(1)]))
        builder.cbranch(builder.icmp_signed("<", example, stop), go_on, ended)
        builder.position_at_end(ended)
        builder.ret(LONG(ENDED))
        builder.position_at_end(go_on)
        source = builder.gep(self.features, [builder.mul(example, LONG(self.entries * self.lanes))])
        target = self._place(2)
        zero = Lanes(builder, ir.Constant(VECTOR, [0.0] * CHUNK))
        self._each_chunk(lambda lane: self._store_at(zero, self.work, lane))

        def copy(chunk: Size) -> None:
            here = self._times(chunk, CHUNK)
            self._store_at(self._load_at(source, here), target, here)

        self._loop(self.entries * self.chunks, copy)
        to = builder.sext(builder.load(builder.gep(self.step, [INT(1)])), LONG)
        self.at.add_incoming(to, builder.block)
        builder.branch(self.head)

    def _check(self, hashed: bool, logistic: bool) -> Callable[[], None]:
        """Training: fail lanes whose prediction is too far off, and show the label."""

        def of_lane(lane: Size, label: Lanes, prediction: Lanes, loss: Lanes) -> tuple[Lanes, Lanes]:
            if logistic:
                prediction = functions.sigmoid(prediction)
                self._store_at(prediction, self.work, self._plus(lane, self.lanes))
            error = (label - prediction).absolute()
            self._store_at(label, self.work, lane)
            return error, (error <= self._broadcast_number(self.bound)).where(loss, _INFINITY)

        return lambda: self._judge(of_lane, hashed)

    def _score(self, hashed: bool, classes: bool) -> Callable[[], None]:
        """Validation: add to the losses, and fail lanes whose prediction is too far off."""

        def of_lane(lane: Size, label: Lanes, prediction: Lanes, loss: Lanes) -> tuple[Lanes, Lanes]:
            if classes:
                wrong = ((label > 0.5) ^ (prediction > 0.0)).where(label.like(1.0), 0.0)
                return wrong, prediction.equals(prediction).where(loss + wrong, _INFINITY)
            error = (label - prediction).absolute()
            within = error <= self._broadcast_number(self.bound)
            return error, within.where(loss + error * error, _INFINITY)

        return lambda: self._judge(of_lane, hashed)

    def _judge(self, of_lane: Callable[..., tuple[Lanes, Lanes]], hashed: bool) -> None:
        builder = self.builder
        labels = builder.gep(self.labels, [builder.mul(self._example(), LONG(self.lanes))])

        def body(chunk: Size, alive: Any) -> tuple[Any]:
            lane = self._times(chunk, CHUNK)
            prediction = self._load_at(self.work, self._plus(lane, self.lanes))
            error, loss = of_lane(lane, self._load_at(labels, lane), prediction, self._load_at(self.losses, lane))
            self._store_at(loss, self.losses, lane)
            lives = loss < _INFINITY
            if hashed:
                before = self._load_at(self.hashes, lane, BITS)
                self._store_at(lives.where(_hashed(before, error.bits()), before), self.hashes, lane)
            return (builder.or_(alive, lives.value),)

        (alive,) = self._loop(self.chunks, body, ir.Constant(TRUTHS, [0] * CHUNK))
        all_failed = self.function.append_basic_block()
        builder.cbranch(any_of(builder, alive), self.next, all_failed)
        builder.position_at_end(all_failed)
        builder.ret(LONG(ALL_FAILED))


def _hashed(so_far: Lanes, bits: Lanes) -> Lanes:
    """A step of a hash: the sign of a shifted hash fills up its left side, which does no harm."""
    mixed = (so_far ^ bits) * -7046029254386353131
    return mixed ^ (mixed >> 32)
