"""Which instructions of a program reach its prediction, and a hash of what those are.

Memory lives on from example to example, so that what an instruction of `learn` leaves may be read by `predict` or `learn` of
any later example. Memory addresses are bits of one number: scalars first, then vectors, then matrices, 64 at most in all.
"""

from typing import NamedTuple

import numpy as np

from evoml.kernels.compiling import kernel
from evoml.kernels.histogram import inlined_kernel, inner_kernel
from evoml.kernels.program_codes import (
    COMMUTATIVE,
    FEATURES,
    INPUTS,
    LABEL,
    LEARN,
    LITERALS,
    MATRIX,
    NOTHING,
    OUTPUT,
    PARTIAL,
    PREDICT,
    PREDICTION,
    RANDOM,
    SCALAR,
    SETUP,
    VECTOR,
)
from evoml.kernels.random import mix

_NONE, _ONE = np.uint64(0), np.uint64(1)
_STRUCTURE = np.uint64(0x53545255)


class Memory(NamedTuple):
    """Numbers of addresses of each type; all int64."""

    scalars: int
    vectors: int
    matrices: int


def make_memory(scalars: int, vectors: int, matrices: int) -> Memory:
    """Numbers of addresses of the types that kernels are compiled for: at least 2, 1 and 0, at most 64 together."""
    return Memory(int(scalars), int(vectors), int(matrices))


@inlined_kernel
def address_bit(kind, address, memory):  # type: ignore[no-untyped-def]
    """The bit of an address, 0 where there is none."""
    if kind == NOTHING:
        return _NONE
    first = 0
    if kind == VECTOR:
        first = memory.scalars
    elif kind == MATRIX:
        first = memory.scalars + memory.vectors
    return _ONE << np.uint64(first + address)


@inner_kernel
def note_addresses(instructions, lengths, memory, writes, reads):  # type: ignore[no-untyped-def]
    """Set the bits that each instruction (3 * room, 4) writes and reads, uint64 (3 * room,)."""
    room = len(instructions) // 3
    for component in range(3):
        for i in range(component * room, component * room + lengths[component]):
            code = instructions[i, 0]
            writes[i] = address_bit(OUTPUT[code], instructions[i, 1], memory)
            reads[i] = address_bit(INPUTS[code, 0], instructions[i, 2], memory)
            reads[i] |= address_bit(INPUTS[code, 1], instructions[i, 3], memory)


@inlined_kernel
def _backwards(component, needed, instructions, lengths, writes, reads, live):  # type: ignore[no-untyped-def]
    """What is needed before a component when ``needed`` is needed after it; marks what it needs for that as live."""
    first = component * (len(instructions) // 3)
    for i in range(first + lengths[component] - 1, first - 1, -1):
        live[i] = (writes[i] & needed) != _NONE
        if live[i]:
            if not PARTIAL[instructions[i, 0]]:
                needed &= ~writes[i]
            needed |= reads[i]
    return needed


@inner_kernel
def mark_live(instructions, lengths, memory, writes, reads, live):  # type: ignore[no-untyped-def]
    """Set which instructions (3 * room,) reach the prediction of any example; :func:`note_addresses` goes before.

    Returns the bits of the addresses whose value before `predict` matters.
    """
    given = ~(address_bit(SCALAR, LABEL, memory) | address_bit(VECTOR, FEATURES, memory))
    prediction = address_bit(SCALAR, PREDICTION, memory)
    before_predict = _NONE
    while True:
        before_learn = given & _backwards(LEARN, before_predict, instructions, lengths, writes, reads, live)
        needed = prediction | before_learn | before_predict
        found = given & _backwards(PREDICT, needed, instructions, lengths, writes, reads, live)
        if found == before_predict:
            break
        before_predict = found
    _backwards(SETUP, before_predict, instructions, lengths, writes, reads, live)
    return before_predict


@inner_kernel
def find_fixed(instructions, lengths, memory, before_predict, writes, reads, live, fixed, order):  # type: ignore[no-untyped-def]
    """Set which live instructions of `predict` and `learn` give the same at every example, so that once is enough.

    Nothing else that lives writes where they do, nothing reads from there before them, and what they read is fixed itself.
    order: (3 * room,) int64, such instructions in an order in which each finds what it reads. Returns their number.
    """
    room = len(instructions) // 3
    prediction = address_bit(SCALAR, PREDICTION, memory)  # which may be made a probability after `predict`
    varying = prediction | address_bit(SCALAR, LABEL, memory) | address_bit(VECTOR, FEATURES, memory)
    once, kept = _NONE, prediction | before_predict
    for component in range(PREDICT, LEARN + 1):
        for i in range(component * room, component * room + lengths[component]):
            fixed[i] = False
            if live[i]:
                kept |= once & writes[i]
                once |= writes[i]
    varying |= once
    count, before = 0, -1
    while count != before:
        before = count
        for component in range(PREDICT, LEARN + 1):
            for i in range(component * room, component * room + lengths[component]):
                code = instructions[i, 0]
                free = live[i] and not fixed[i] and not PARTIAL[code] and not RANDOM[code]
                if free and (writes[i] & kept) == _NONE and (reads[i] & varying) == _NONE:
                    fixed[i] = True
                    order[count] = i
                    count += 1
                    varying &= ~writes[i]
    return count


@inner_kernel
def hash_structure(instructions, literals, lengths, live):  # type: ignore[no-untyped-def]
    """Hash the live instructions in their order; programs that differ in nothing else share it."""
    room = len(instructions) // 3
    key = _STRUCTURE
    for component in range(3):
        key = mix(key, component)
        for i in range(component * room, component * room + lengths[component]):
            if not live[i]:
                continue
            code = instructions[i, 0]
            a, b = instructions[i, 2], instructions[i, 3]
            if INPUTS[code, 0] == NOTHING:
                a = np.int32(0)
            if INPUTS[code, 1] == NOTHING:
                b = np.int32(0)
            if COMMUTATIVE[code] and a > b:
                a, b = b, a
            packed = ((np.int64(code) * 65536 + instructions[i, 1]) * 65536 + a) * 65536 + b
            key = mix(key ^ np.uint64(packed), code)
            for k in range(3):
                if LITERALS[code, k] != NOTHING:
                    key = mix(key, np.float64(literals[i, k]).view(np.int64))
    return key


@kernel(_nrt=False)
def find_reach(instructions, literals, lengths, memory, writes, reads, live, structures, first, last):  # type: ignore[no-untyped-def]
    """Set what is live (n, 3 * room) bool in programs first ... last - 1, and the hash of that, (n,) uint64.

    writes, reads: (3 * room,) uint64 to work in.
    """
    for i in range(first, last):
        note_addresses(instructions[i], lengths[i], memory, writes, reads)
        mark_live(instructions[i], lengths[i], memory, writes, reads, live[i])
        structures[i] = hash_structure(instructions[i], literals[i], lengths[i], live[i])
