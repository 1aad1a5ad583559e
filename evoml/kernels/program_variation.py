"""Programs that learn at random, and mutations of them, as in AutoML-Zero (Real et al. 2020, section 3.2 and supplement S3).

Every random number is a hash of a key and of how many were drawn from it before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from evoml.kernels.compiling import kernel
from evoml.kernels.histogram import inlined_kernel, inner_kernel
from evoml.kernels.program_codes import (
    FIRST_OUTPUT,
    INPUTS,
    LITERALS,
    MATRIX,
    MUTATIONS,
    N_OPERATIONS,
    NOTHING,
    OUTPUT,
    PLACE,
    SCALAR,
    SPREAD,
    VECTOR,
)
from evoml.kernels.program_reach import Memory
from evoml.kernels.random import mix, uniform

ALTER, RANDOMISE_INSTRUCTION, RANDOMISE_COMPONENT, INSERT, REMOVE, TRADE, RANDOMISE_PROGRAM = range(len(MUTATIONS))
_FLIP = 0.1  # probability that a literal changes its sign and not its size


class Language(NamedTuple):
    """What programs are made of, and how they vary.

    operations: (3, N_OPERATIONS) int32, codes allowed in each component, the first counts[component] of a row. least, most,
    initial: (3,) int64 numbers of instructions. mutations: (7,) float64, running sums of probabilities. A component without
    operations stays as it is.
    """

    memory: Memory
    operations: np.ndarray
    counts: np.ndarray
    least: np.ndarray
    most: np.ndarray
    initial: np.ndarray
    mutations: np.ndarray
    mutation_probability: float


def make_language(
    memory: Memory,
    operations: Sequence[Sequence[int]],
    initial: Sequence[int],
    least: Sequence[int],
    most: Sequence[int],
    mutations: Sequence[float],
    mutation_probability: float = 0.9,
) -> Language:
    """Language of the types that kernels are compiled for; operations that memory has no addresses for are left out.

    operations: codes, for each component. mutations: weights in the order of MUTATIONS.
    """
    free = np.array([0, memory.scalars - 1, memory.vectors - 1, memory.matrices])  # addresses that may be written to
    there = np.array([1, memory.scalars, memory.vectors, memory.matrices])
    codes, counts = np.zeros((3, N_OPERATIONS), np.int32), np.zeros(3, np.int64)
    for component, wanted in enumerate(operations):
        fitting = [
            code for code in wanted if (OUTPUT[code] == NOTHING or free[OUTPUT[code]] > 0) and there[INPUTS[code]].all()
        ]
        counts[component] = len(fitting)
        codes[component, : len(fitting)] = fitting
    weights = np.cumsum(np.asarray(mutations, np.float64))
    shortest, longest, first = (np.array(one, np.int64) for one in (least, most, initial))
    probabilities = weights / weights[-1]
    return Language(memory, codes, counts, shortest, longest, first, probabilities, float(mutation_probability))


class Child(NamedTuple):
    """One program to work on: instructions (3 * room, 4), literals (3 * room, 3), lengths (3,)."""

    instructions: np.ndarray
    literals: np.ndarray
    lengths: np.ndarray
    stream: np.ndarray


def make_child(room: int) -> Child:
    """Return room for one program."""
    return Child(
        np.zeros((3 * room, 4), np.int32), np.zeros((3 * room, 3)), np.zeros(3, np.int32), np.zeros(2, np.uint64)
    )


# -- random numbers -------------------------------------------------------------------------------------------------------


@inlined_kernel
def start_stream(key, stream):  # type: ignore[no-untyped-def]
    """Begin to draw from a key."""
    stream[0], stream[1] = key, 0


@inlined_kernel
def draw(stream):  # type: ignore[no-untyped-def]
    """The next number in [0, 1)."""
    stream[1] += np.uint64(1)
    return uniform(mix(stream[0], stream[1]))


@inlined_kernel
def pick(n, stream):  # type: ignore[no-untyped-def]
    """One of 0 ... n - 1."""
    return min(np.int64(draw(stream) * n), n - 1)


@inlined_kernel
def _between(low, high, stream):  # type: ignore[no-untyped-def]
    return low + (high - low) * draw(stream)


@inlined_kernel
def _addresses(kind, memory):  # type: ignore[no-untyped-def]
    if kind == SCALAR:
        return memory.scalars
    if kind == VECTOR:
        return memory.vectors
    return memory.matrices if kind == MATRIX else 0


@inlined_kernel
def _input(kind, memory, stream):  # type: ignore[no-untyped-def]
    return pick(_addresses(kind, memory), stream) if kind != NOTHING else 0


@inlined_kernel
def _output(kind, memory, stream):  # type: ignore[no-untyped-def]
    first = FIRST_OUTPUT[kind]
    return first + pick(_addresses(kind, memory) - first, stream) if kind != NOTHING else 0


@inlined_kernel
def _literal(kind, stream):  # type: ignore[no-untyped-def]
    if kind == NOTHING:
        return 0.0
    return draw(stream) if kind in (PLACE, SPREAD) else _between(-1.0, 1.0, stream)


# -- instructions ---------------------------------------------------------------------------------------------------------


@inner_kernel
def _randomise(component, row, language, child):  # type: ignore[no-untyped-def]
    """Write an instruction at random, all its parts uniformly."""
    stream, memory = child.stream, language.memory
    code = language.operations[component, pick(language.counts[component], stream)]
    instruction = child.instructions[row]
    instruction[0] = code
    instruction[1] = _output(OUTPUT[code], memory, stream)
    instruction[2] = _input(INPUTS[code, 0], memory, stream)
    instruction[3] = _input(INPUTS[code, 1], memory, stream)
    for k in range(child.literals.shape[1]):
        child.literals[row, k] = _literal(LITERALS[code, k], stream)


@inlined_kernel
def _altered(value, kind, stream):  # type: ignore[no-untyped-def]
    """Another literal: a place anew; others change their sign, or their size by a factor of log-normal spread."""
    if kind == PLACE:
        return draw(stream)
    if kind != SPREAD and draw(stream) < _FLIP:
        return -value
    normal = np.sqrt(-2.0 * np.log(1.0 - draw(stream))) * np.cos(2.0 * np.pi * draw(stream))
    return value * np.exp(normal)


@inner_kernel
def _alter(row, language, child):  # type: ignore[no-untyped-def]
    """Change one part of an instruction: its output, an input, or a literal (half of the times where it has any)."""
    stream, memory = child.stream, language.memory
    instruction = child.instructions[row]
    code = instruction[0]
    if OUTPUT[code] == NOTHING:
        return
    n_literals = np.int64(0)
    while n_literals < LITERALS.shape[1] and LITERALS[code, n_literals] != NOTHING:
        n_literals += 1
    n_inputs = np.int64(INPUTS[code, 0] != NOTHING) + np.int64(INPUTS[code, 1] != NOTHING)
    n_parts = n_inputs + 1 if n_literals == 0 else np.int64(2)
    part = pick(n_parts, stream)
    if part == 0:
        instruction[1] = _output(OUTPUT[code], memory, stream)
    elif n_literals > 0:
        which = pick(n_literals, stream)
        child.literals[row, which] = _altered(child.literals[row, which], LITERALS[code, which], stream)
    else:
        instruction[1 + part] = _input(INPUTS[code, part - 1], memory, stream)


@inlined_kernel
def _move(source, target, child):  # type: ignore[no-untyped-def]
    for k in range(4):
        child.instructions[target, k] = child.instructions[source, k]
    for k in range(child.literals.shape[1]):
        child.literals[target, k] = child.literals[source, k]


@inlined_kernel
def _open(row, end, child):  # type: ignore[no-untyped-def]
    """Make room at a row for one more."""
    for i in range(end, row, -1):
        _move(i - 1, i, child)


@inlined_kernel
def _close(row, end, child):  # type: ignore[no-untyped-def]
    """Take a row out; what was the last is emptied."""
    for i in range(row, end - 1):
        _move(i + 1, i, child)
    child.instructions[end - 1] = 0
    child.literals[end - 1] = 0.0


# -- components -----------------------------------------------------------------------------------------------------------


@inner_kernel
def _randomise_component(component, language, child):  # type: ignore[no-untyped-def]
    first = component * (len(child.instructions) // 3)
    for i in range(first, first + child.lengths[component]):
        _randomise(component, i, language, child)


@inlined_kernel
def _component(language, stream):  # type: ignore[no-untyped-def]
    """One of the components that vary, -1 if none does."""
    n = np.int64(0)
    for component in range(3):
        n += np.int64(language.counts[component] > 0)
    chosen = pick(n, stream) if n > 0 else -1
    for component in range(3):
        if language.counts[component] > 0:
            if chosen == 0:
                return component
            chosen -= 1
    return -1


@inlined_kernel
def _trade(component, first, length, language, child):  # type: ignore[no-untyped-def]
    """Insert an instruction and remove one, which may be the new one."""
    inserted, removed = pick(length + 1, child.stream), pick(length + 1, child.stream)
    if inserted == removed:
        return
    if removed < inserted:
        inserted -= 1
    else:
        removed -= 1
    _close(first + removed, first + length, child)
    _open(first + inserted, first + length - 1, child)
    _randomise(component, first + inserted, language, child)


@inner_kernel
def mutate(mutation, language, child):  # type: ignore[no-untyped-def]
    """Apply one mutation in place; one that limits forbid changes nothing."""
    stream = child.stream
    component = _component(language, stream)
    if component < 0:
        return
    length, first = np.int64(child.lengths[component]), component * (len(child.instructions) // 3)
    if mutation == RANDOMISE_PROGRAM:
        for every in range(3):
            if language.counts[every] > 0:
                _randomise_component(every, language, child)
    elif mutation == INSERT:
        if length < language.most[component]:
            row = first + pick(length + 1, stream)
            _open(row, first + length, child)
            _randomise(component, row, language, child)
            child.lengths[component] += 1
    elif length > 0:
        if mutation == ALTER:
            _alter(first + pick(length, stream), language, child)
        elif mutation == RANDOMISE_INSTRUCTION:
            _randomise(component, first + pick(length, stream), language, child)
        elif mutation == RANDOMISE_COMPONENT:
            _randomise_component(component, language, child)
        elif mutation == REMOVE:
            if length > language.least[component]:
                _close(first + pick(length, stream), first + length, child)
                child.lengths[component] -= 1
        elif mutation == TRADE:
            _trade(component, first, length, language, child)


@inner_kernel
def vary_child(language, child):  # type: ignore[no-untyped-def]
    """Mutate once, with the language's probability, by a mutation of its frequencies."""
    if draw(child.stream) < language.mutation_probability:
        u, mutation = draw(child.stream), 0
        while mutation < len(language.mutations) - 1 and u >= language.mutations[mutation]:
            mutation += 1
        mutate(mutation, language, child)


@inner_kernel
def sample_child(language, child):  # type: ignore[no-untyped-def]
    """Write a program at random, of the initial lengths."""
    child.instructions[:] = 0
    child.literals[:] = 0.0
    for component in range(3):
        child.lengths[component] = language.initial[component]
        if language.counts[component] > 0:
            _randomise_component(component, language, child)


@inlined_kernel
def copy_program(source, target):  # type: ignore[no-untyped-def]
    """Copy (instructions, literals, lengths) of one program."""
    source_numbers, target_numbers = source[0].reshape(source[0].size), target[0].reshape(target[0].size)
    for i in range(np.uintp(source_numbers.size)):
        target_numbers[i] = source_numbers[i]
    source_literals, target_literals = source[1].reshape(source[1].size), target[1].reshape(target[1].size)
    for i in range(np.uintp(source_literals.size)):
        target_literals[i] = source_literals[i]
    for i in range(3):
        target[2][i] = source[2][i]


@kernel(_nrt=False)
def sample(keys, language, child, instructions, literals, lengths, first, last):  # type: ignore[no-untyped-def]
    """Set programs first ... last - 1 to random ones, each by its key, uint64 (n,)."""
    for i in range(first, last):
        start_stream(keys[i], child.stream)
        sample_child(language, child)
        copy_program((child.instructions, child.literals, child.lengths), (instructions[i], literals[i], lengths[i]))


@kernel(_nrt=False)
def vary(mutation, keys, language, child, instructions, literals, lengths, first, last):  # type: ignore[no-untyped-def]
    """Replace programs first ... last - 1 by mutants of theirs; ``mutation`` -1: as the language has it."""
    for i in range(first, last):
        start_stream(keys[i], child.stream)
        copy_program((instructions[i], literals[i], lengths[i]), (child.instructions, child.literals, child.lengths))
        if mutation < 0:
            vary_child(language, child)
        else:
            mutate(mutation, language, child)
        copy_program((child.instructions, child.literals, child.lengths), (instructions[i], literals[i], lengths[i]))
