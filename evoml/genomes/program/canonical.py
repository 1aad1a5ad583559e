"""One form for programs that must do the same: without dead code, with constants propagated, and its hash."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from evoml.genomes.program.program import Instruction, Program, Programs

# Of scalars; what the machine computes of these is what NumPy does, to the last bit.
_FOLDED: Mapping[str, Callable[..., Any]] = {
    "scalar_sum": np.add,
    "scalar_difference": np.subtract,
    "scalar_product": np.multiply,
    "scalar_division": np.divide,
    "scalar_min": np.minimum,
    "scalar_max": np.maximum,
    "scalar_abs": np.abs,
    "scalar_reciprocal": np.reciprocal,
    "scalar_heaviside": lambda x: np.float64(x >= 0.0),
}
_Known = dict[int, float]  # scalars whose value is the same at every example


def live(program: Program) -> tuple[tuple[bool, ...], ...]:
    """Tell of each instruction, by component, whether it reaches the prediction of any example."""
    found, _ = _reach(program)
    room = len(found) // 3
    return tuple(
        tuple(found[number * room : number * room + len(component)].tolist())
        for number, component in enumerate(program.components)
    )


def without_dead_code(program: Program) -> Program:
    """Return a program with the instructions only that reach the prediction of any example; its fitness is the same."""
    parts = [
        tuple(one for one, lives in zip(component, lives_of, strict=True) if lives)
        for component, lives_of in zip(program.components, live(program), strict=True)
    ]
    return Program(*parts)


def canonical(program: Program) -> Program:
    """Return the form of a program without dead code, constants propagated, and inputs that may be swapped in order.

    It does the same as the program, to the last bit.
    """
    folded = _propagated(without_dead_code(program))
    ordered = Program(*(tuple(map(_ordered, component)) for component in folded.components))
    return without_dead_code(ordered)


def key(program: Program) -> int:
    """Return a hash of the canonical form, which is the same in every process."""
    return _reach(canonical(program))[1]


def _reach(program: Program) -> tuple[np.ndarray, int]:
    from evoml.kernels.program_reach import find_reach, make_memory

    arrays = Programs.of([program])
    rows = arrays.instructions.shape[1]
    found, keys = np.zeros((1, rows), np.bool_), np.zeros(1, np.uint64)
    scratch = np.zeros(rows, np.uint64), np.zeros(rows, np.uint64)
    memory = make_memory(*program.addresses)
    find_reach(arrays.instructions, arrays.literals, arrays.lengths, memory, *scratch, found, keys, 0, 1)
    return found[0], int(keys[0])


def _ordered(one: Instruction) -> Instruction:
    return replace(one, inputs=tuple(sorted(one.inputs))) if one.operation.commutative else one


def _propagated(program: Program) -> Program:
    """Replace arithmetic of scalars that are known by its result. Memory is 0 at first."""
    known: _Known = dict.fromkeys(range(program.addresses[0]), 0.0)
    setup, known = _fold(program.setup, known)
    while True:
        predict, after_predict = _fold(program.predict, known | {0: 0.0})
        # The label differs; and of classes the prediction is made a probability before it is learned from.
        learn, after_learn = _fold(program.learn, _without(after_predict, 0, 1))
        met = _met(_met(known, _without(after_predict, 0, 1)), _without(after_learn, 0))
        if met == known:
            return Program(setup, predict, learn)
        known = met


def _without(known: _Known, *addresses: int) -> _Known:
    return {address: value for address, value in known.items() if address not in addresses}


def _met(one: _Known, other: _Known) -> _Known:
    return {address: value for address, value in one.items() if address in other and _same(value, other[address])}


def _same(a: float, b: float) -> bool:
    return np.float64(a).tobytes() == np.float64(b).tobytes()


def _fold(instructions: tuple[Instruction, ...], known: _Known) -> tuple[tuple[Instruction, ...], _Known]:
    """Return a component with what is known folded, and what is known after it."""
    made, known = [], dict(known)
    for one in instructions:
        if one.name in _FOLDED and all(address in known for address in one.inputs):
            with np.errstate(all="ignore"):
                value = float(_FOLDED[one.name](*(np.float64(known[address]) for address in one.inputs)))
            if np.isfinite(value):
                one = Instruction("scalar_constant", one.output, (), (value,))
        if one.operation.output == "s":
            known.pop(one.output, None)
            if one.name == "scalar_constant":
                known[one.output] = one.literals[0]
        made.append(one)
    return tuple(made), known
