"""The register machine of formulas: one function of LLVM with a loop on vectors for each operation of a step.

Steps (`expression_compile`) say where in the workspace their rows begin; a row has a whole number of strips.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from evoml.kernels.expression_codes import COS, SIN, TAN
from evoml.kernels.expression_lanes import Lanes, bytes_of, call_intrinsic, constant, load, splat, store
from evoml.kernels.expression_math import LARGEST_ANGLE, LARGEST_QUICK_ANGLE, quick_cos, quick_sin, quick_tan
from evoml.kernels.expression_operations import Operation, operations

STEP_SIZE = 8  # int32 of a step: operation, where target and up to four rows begin in the workspace; the rest is room
BYTES_OF_VECTOR = 64
STRIP = 4  # vectors that an operation takes at most in one turn of its loop; a row of a block has a multiple of them
ANGLES = {SIN: ("llvm.sin",), COS: ("llvm.cos",), TAN: ("llvm.sin", "llvm.cos")}
QUICK_ANGLES = {SIN: quick_sin, COS: quick_cos, TAN: quick_tan}  # for float32

_BYTE, _INT, _LONG = ir.IntType(8), ir.IntType(32), ir.IntType(64)


def steps_runner(name: str, operations_of_steps: Callable[[], dict[int, Operation]]) -> Any:
    """Return a function for Numba's code that runs steps of these operations; ``name`` is the function's in LLVM."""

    def run_steps(typing_context, steps, values, first, count, work, rows):  # type: ignore[no-untyped-def]
        """Run ``count`` of steps (n, STEP_SIZE) int32 from ``first`` on, with values (n, 2), on some rows of work (size,)."""

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            def data(index: int) -> Any:
                return context.make_array(signature.args[index])(context, builder, arguments[index]).data

            element = ir.DoubleType() if work.dtype == types.float64 else ir.FloatType()
            machine = _machine(builder.module, element, name, operations_of_steps)
            builder.call(machine, [data(0), data(1), arguments[2], arguments[3], data(4), arguments[5]])
            return context.get_dummy_value()

        return types.void(steps, values, types.int64, types.int64, work, types.int64), generate

    return intrinsic(run_steps)


run_steps = steps_runner("evoml_formula_machine", operations)


def _machine(module: Any, element: Any, name: str, operations_of_steps: Callable[[], dict[int, Operation]]) -> Any:
    name = f"{name}_{element}"
    if name in module.globals:
        return module.globals[name]
    pointers = [_INT.as_pointer(), ir.DoubleType().as_pointer(), _LONG, _LONG, element.as_pointer(), _LONG]
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), pointers), name)
    function.linkage = "internal"
    _Machine(function, element, operations_of_steps()).write()
    return function


class _Machine:
    """Writes the function: a loop over steps, in which a switch leads to the loops over rows."""

    def __init__(self, function: Any, element: Any, operations_of_steps: dict[int, Operation]) -> None:
        self.function, self.element, self.operations = function, element, operations_of_steps
        self.steps, self.values, self.first, self.count, self.work, self.rows = function.args
        self.builder = ir.IRBuilder(function.append_basic_block("entry"))
        self.lanes = BYTES_OF_VECTOR // bytes_of(element)

    def write(self) -> None:
        builder, block = self.builder, self.function.append_basic_block
        entry, self.head, self.next, end = builder.block, block("head"), block("next"), block("end")
        builder.cbranch(builder.icmp_signed(">", self.count, _LONG(0)), self.head, end)
        builder.position_at_end(self.head)
        step = builder.phi(_LONG)
        step.add_incoming(_LONG(0), entry)
        number = builder.add(self.first, step)
        self.at = builder.gep(self.steps, [builder.mul(number, _LONG(STEP_SIZE))])
        self.constants = builder.gep(self.values, [builder.mul(number, _LONG(2))])
        switch = builder.switch(builder.load(self.at), self.next)
        builder.position_at_end(self.next)
        following = builder.add(step, _LONG(1))
        step.add_incoming(following, self.next)
        builder.cbranch(builder.icmp_signed("<", following, self.count), self.head, end)
        builder.position_at_end(end)
        builder.ret_void()
        for number_of, operation in self.operations.items():
            case = block(f"operation_{number_of}")
            switch.add_case(_INT(number_of), case)
            builder.position_at_end(case)
            if number_of in ANGLES:
                self._angles(number_of, operation)
            else:
                self._rows(operation)
            builder.branch(self.next)

    def _row(self, place: int) -> Any:
        """Return where the row begins whose place in the step is given."""
        offset = self.builder.load(self.builder.gep(self.at, [_INT(place)]))
        return self.builder.gep(self.work, [self.builder.zext(offset, _LONG)])

    def _constants(self, count: int) -> list[Lanes]:
        """Load constants and have each in all lanes."""
        builder, found = self.builder, []
        for i in range(count):
            number = builder.load(builder.gep(self.constants, [_INT(i)]))
            if not isinstance(self.element, ir.DoubleType):
                number = builder.fptrunc(number, self.element)
            found.append(splat(builder, number, self.lanes))
        return found

    def _rows(self, operation: Operation) -> None:
        builder = self.builder
        target, rows = self._row(1), [self._row(2 + i) for i in range(operation.rows)]
        constants = self._constants(operation.constants)
        before, loop, after = builder.block, *(self.function.append_basic_block() for _ in range(2))
        builder.branch(loop)
        builder.position_at_end(loop)
        place = builder.phi(_LONG)
        place.add_incoming(_LONG(0), before)
        for i in range(operation.strip):
            here = builder.add(place, _LONG(i * self.lanes))
            columns = [load(builder, row, here, self.lanes) for row in rows]
            store(operation.formula(*columns, *constants), target, here)
        following = builder.add(place, _LONG(operation.strip * self.lanes))
        place.add_incoming(following, builder.block)
        builder.cbranch(builder.icmp_signed("<", following, self.rows), loop, after)
        builder.position_at_end(after)

    def _angles(self, code: int, operation: Operation) -> None:
        """Sine, cosine, tangent: on vectors where all angles are near, else one by one."""
        builder = self.builder
        far, near, end = (self.function.append_basic_block() for _ in range(3))
        largest = self._largest(self._row(2))
        builder.cbranch(_any(largest > LARGEST_ANGLE), far, near)
        builder.position_at_end(near)
        if not isinstance(self.element, ir.DoubleType):
            quick, near = (self.function.append_basic_block() for _ in range(2))
            builder.cbranch(_any(largest > LARGEST_QUICK_ANGLE), near, quick)
            builder.position_at_end(quick)
            self._rows(operation._replace(formula=QUICK_ANGLES[code]))
            builder.branch(end)
            builder.position_at_end(near)
        self._rows(operation)
        builder.branch(end)
        builder.position_at_end(far)
        self._far_angles(code, operation)
        builder.branch(end)
        builder.position_at_end(end)

    def _largest(self, row: Any) -> Lanes:
        """Return the largest size in each lane of a row; nan counts nothing."""
        builder = self.builder
        before, loop, after = builder.block, *(self.function.append_basic_block() for _ in range(2))
        builder.branch(loop)
        builder.position_at_end(loop)
        place, found = builder.phi(_LONG), builder.phi(ir.VectorType(self.element, self.lanes))
        place.add_incoming(_LONG(0), before)
        found.add_incoming(constant(found.type, 0.0), before)
        size = load(builder, row, place, self.lanes).absolute()
        largest = (size > Lanes(builder, found)).where(size, Lanes(builder, found))
        following = builder.add(place, _LONG(self.lanes))
        place.add_incoming(following, loop)
        found.add_incoming(largest.value, loop)
        builder.cbranch(builder.icmp_signed("<", following, self.rows), loop, after)
        builder.position_at_end(after)
        return largest

    def _far_angles(self, code: int, operation: Operation) -> None:
        builder, block = self.builder, self.function.append_basic_block
        target, row = self._row(1), self._row(2)
        before, loop, far, near, stored, after = builder.block, *(block() for _ in range(5))
        builder.branch(loop)
        builder.position_at_end(loop)
        place = builder.phi(_LONG)
        place.add_incoming(_LONG(0), before)
        angle = Lanes(builder, builder.load(builder.gep(row, [place])))
        builder.cbranch((angle.absolute() > LARGEST_ANGLE).value, far, near)
        builder.position_at_end(far)
        wide = angle.to_double().value
        parts = [Lanes(builder, call_intrinsic(builder, name, [wide])) for name in ANGLES[code]]
        of_library = parts[0] if len(parts) == 1 else parts[0] / parts[1]
        of_library = of_library if angle.is_double else of_library.to_single()
        builder.branch(stored)
        builder.position_at_end(near)
        own = operation.formula(angle)
        builder.branch(stored)
        builder.position_at_end(stored)
        value = builder.phi(self.element)
        value.add_incoming(of_library.value, far)
        value.add_incoming(own.value, near)
        builder.store(value, builder.gep(target, [place]))
        following = builder.add(place, _LONG(1))
        place.add_incoming(following, stored)
        builder.cbranch(builder.icmp_signed("<", following, self.rows), loop, after)
        builder.position_at_end(after)


def _any(truth: Lanes) -> Any:
    mask = truth.builder.bitcast(truth.value, ir.IntType(truth.type.count))
    return truth.builder.icmp_unsigned("!=", mask, mask.type(0))
