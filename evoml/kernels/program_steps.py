"""Programs as steps of the machine: only what reaches the prediction, with places in memory in place of addresses."""

from typing import NamedTuple

import numpy as np

from evoml.kernels.histogram import inlined_kernel, inner_kernel
from evoml.kernels.program_codes import (
    CHECK,
    COPY_MATRIX,
    COPY_VECTOR,
    FEATURES,
    FIRST_RANDOM,
    INPUTS,
    LEARN,
    MATRIX,
    MATRIX_CONSTANT,
    MATRIX_MATRIX_PRODUCT,
    MATRIX_TRANSPOSE,
    MATRIX_VECTOR_PRODUCT,
    NEXT,
    NO_OP,
    NOTHING,
    OUTPUT,
    PREDICT,
    SCALAR,
    SCALAR_CONSTANT,
    SCORE,
    SETUP,
    STOP,
    VECTOR,
    VECTOR_CONSTANT,
)


class Sizes(NamedTuple):
    """What places in memory depend on, and the machine's address; all int64.

    Beyond the last vector and the last matrix there is one more, to work in.
    """

    scalars: int
    vectors: int
    matrices: int
    entries: int
    lanes: int
    machine: int


class Plan(NamedTuple):
    """Where in the steps training and validation begin (at NEXT), and where errors are looked at; all int64."""

    train: int
    check: int
    validate: int
    score: int


def steps_room(room: int) -> int:
    """Steps that a program of so many instructions in each component may need."""
    return 8 * room + 8


def memory_numbers(sizes: Sizes) -> int:
    """Numbers in memory, with what the machine works in."""
    entries = (sizes.matrices + 1) * sizes.entries**2 + (sizes.vectors + 1) * sizes.entries + sizes.scalars
    return entries * sizes.lanes


@inlined_kernel
def place_of(kind, address, sizes):  # type: ignore[no-untyped-def]
    """Where an address begins in memory; addresses one beyond the last are those to work in."""
    if kind == SCALAR:
        return address * sizes.lanes
    if kind == VECTOR:
        return (sizes.scalars + address * sizes.entries) * sizes.lanes
    if kind == MATRIX:
        vectors = sizes.scalars + (sizes.vectors + 1) * sizes.entries
        return (vectors + address * sizes.entries * sizes.entries) * sizes.lanes
    return 0


@inlined_kernel
def _entry(fraction, entries):  # type: ignore[no-untyped-def]
    """The index that a literal stands for, a fraction of the size."""
    return min(max(np.int64(fraction * entries), 0), entries - 1)


@inlined_kernel
def _put(steps, at, code, output, first, second):  # type: ignore[no-untyped-def]
    steps[at, 0], steps[at, 1], steps[at, 2], steps[at, 3] = code, output, first, second
    return at + 1


@inlined_kernel
def _needs_copy(code, output, first, second):  # type: ignore[no-untyped-def]
    """Whether an operation would read what it has already overwritten."""
    if code == MATRIX_VECTOR_PRODUCT:
        return output == second
    if code == MATRIX_TRANSPOSE:
        return output == first
    return code == MATRIX_MATRIX_PRODUCT and output in (first, second)


@inlined_kernel
def _put_constant(code, output, literals, sizes, steps, values, at):  # type: ignore[no-untyped-def]
    """Set one number: a scalar, or an entry of a vector or a matrix."""
    which = 0
    if code == VECTOR_CONSTANT:
        output += _entry(literals[0], sizes.entries) * sizes.lanes
        which = 1
    elif code == MATRIX_CONSTANT:
        cell = _entry(literals[0], sizes.entries) * sizes.entries + _entry(literals[1], sizes.entries)
        output += cell * sizes.lanes
        which = 2
    values[at] = literals[which]
    return _put(steps, at, SCALAR_CONSTANT, output, 0, 0)


@inner_kernel
def _put_instruction(i, instructions, literals, sizes, steps, values, at):  # type: ignore[no-untyped-def]
    code = instructions[i, 0]
    output = np.int64(place_of(OUTPUT[code], instructions[i, 1], sizes))
    if code >= FIRST_RANDOM:
        return _put(steps, at, code, output, i, 0)
    if INPUTS[code, 0] == NOTHING:
        return _put_constant(code, output, literals[i], sizes, steps, values, at)
    a = np.int64(place_of(INPUTS[code, 0], instructions[i, 2], sizes))
    b = np.int64(place_of(INPUTS[code, 1], instructions[i, 3], sizes))
    if not _needs_copy(code, output, a, b):
        return _put(steps, at, code, output, a, b)
    of_vectors = OUTPUT[code] == VECTOR
    workplace = np.int64(place_of(OUTPUT[code], sizes.vectors if of_vectors else sizes.matrices, sizes))
    at = _put(steps, at, code, workplace, a, b)
    return _put(steps, at, COPY_VECTOR if of_vectors else COPY_MATRIX, output, workplace, 0)


@inner_kernel
def _put_component(component, instructions, literals, lengths, live, fixed, sizes, steps, values, at):  # type: ignore[no-untyped-def]
    first = component * (len(instructions) // 3)
    for i in range(first, first + lengths[component]):
        if live[i] and instructions[i, 0] != NO_OP and (component == SETUP or not fixed[i]):
            at = _put_instruction(i, instructions, literals, sizes, steps, values, at)
    return at


@inner_kernel
def make_steps(instructions, literals, lengths, live, fixed, order, n_fixed, sizes, steps, values):  # type: ignore[no-untyped-def]
    """Write the steps of what is live in a program; setting up begins at step 0. Returns its Plan.

    What is fixed (`find_fixed`) comes after setting up, once, and not where it stands.
    """
    program = (instructions, literals, lengths, live, fixed, sizes, steps, values)
    features = place_of(VECTOR, FEATURES, sizes)
    at = _put_component(np.int64(SETUP), *program, np.int64(0))
    for k in range(n_fixed):
        at = _put_instruction(order[k], instructions, literals, sizes, steps, values, at)
    body = _put(steps, at, STOP, 0, 0, 0)
    check = _put_component(np.int64(PREDICT), *program, body)
    at = _put(steps, check, CHECK, 0, 0, 0)
    train = _put_component(np.int64(LEARN), *program, at)
    body_of_validation = _put(steps, train, NEXT, body, features, 0)
    score = _put_component(np.int64(PREDICT), *program, body_of_validation)
    validate = _put(steps, score, SCORE, 0, 0, 0)
    _put(steps, validate, NEXT, body_of_validation, features, 0)
    return Plan(train, check, validate, score)
