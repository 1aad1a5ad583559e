"""Programs that learn as values: one as tuples of instructions, thousands as arrays, which the kernels work on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from evoml.core.errors import SearchSpaceError
from evoml.genomes.program.operations import BY_CODE, LETTERS, Operation, operation
from evoml.kernels.program_codes import COMPONENTS, FIRST_OUTPUT, N_LITERALS

_KINDS = {letter: kind for kind, letter in LETTERS.items()}
MOST_ADDRESSES = 64  # of all types together: kernels know each by a bit of one number
LEAST_ADDRESSES = {"s": 2, "v": 1, "m": 0}  # the label, the prediction and the features are always there


@dataclass(frozen=True)
class Instruction:
    """One instruction: ``output = operation(*inputs)``.

    Attributes
    ----------
    name : str
        Of the operation.
    output : int
        Address that is written to, in the memory of the operation's type; 0 for ``no_op``.
    inputs : tuple of int
        Addresses that are read.
    literals : tuple of float
        Numbers that it holds; indices of entries are fractions of the size.
    """

    name: str
    output: int = 0
    inputs: tuple[int, ...] = ()
    literals: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Raise SearchSpaceError for what is no instruction."""
        one = operation(self.name)
        if len(self.inputs) != len(one.inputs) or len(self.literals) != one.n_literals:
            raise SearchSpaceError(
                f"{self.name} takes {len(one.inputs)} inputs and {one.n_literals} literals,"
                f" got {self.inputs} and {self.literals}"
            )
        least = int(FIRST_OUTPUT[_KINDS[one.output]]) if one.output else 0
        if self.output < least or min(self.inputs, default=0) < 0:
            raise SearchSpaceError(
                f"{self.name} cannot write to {one.output}{self.output} from {self.inputs}: addresses are 0 or more, and the"
                " label s0 and the features v0 can only be read"
            )

    @property
    def operation(self) -> Operation:
        return operation(self.name)

    @property
    def writes(self) -> str:
        """The address that is written to, e.g. ``"s1"``; empty if it does nothing."""
        return f"{self.operation.output}{self.output}" if self.operation.output else ""

    @property
    def reads(self) -> tuple[str, ...]:
        """The addresses that are read, e.g. ``("v0", "v1")``."""
        return tuple(f"{letter}{address}" for letter, address in zip(self.operation.inputs, self.inputs, strict=True))

    def __str__(self) -> str:
        one = self.operation
        numbers = [repr(float(number)) for number in self.literals]
        if not one.output:
            return one.form
        return f"{self.writes}{one.entry.format(*numbers)} = {one.form.format(*self.reads, *numbers)}"


@dataclass(frozen=True)
class Program:
    """A program that learns: instructions that set up its memory, predict a label, and learn from it.

    Raises SearchSpaceError for one that needs more than 64 addresses in all, counted from 0 in each type of memory.
    """

    setup: tuple[Instruction, ...] = ()
    predict: tuple[Instruction, ...] = ()
    learn: tuple[Instruction, ...] = ()

    def __post_init__(self) -> None:
        scalars, vectors, matrices = self.addresses
        if scalars + vectors + matrices > MOST_ADDRESSES:
            raise SearchSpaceError(
                f"a program has {MOST_ADDRESSES} addresses at most, got one that needs {scalars} scalars, {vectors} vectors and"
                f" {matrices} matrices; number them from 0 on, without gaps"
            )

    @property
    def components(self) -> tuple[tuple[Instruction, ...], ...]:
        return self.setup, self.predict, self.learn

    def __len__(self) -> int:
        return sum(map(len, self.components))

    @property
    def addresses(self) -> tuple[int, int, int]:
        """Numbers of scalars, vectors and matrices that it needs."""
        most = dict(LEAST_ADDRESSES)
        for one in (one for component in self.components for one in component):
            for address in (*one.reads, one.writes):
                if address:
                    most[address[0]] = max(most[address[0]], int(address[1:]) + 1)
        return most["s"], most["v"], most["m"]


@dataclass(frozen=True, eq=False)
class Programs:
    """Any number of programs as arrays.

    Attributes
    ----------
    instructions : (n, 3 * room, 4) int32 array
        Operation, output, first and second input; component c has the rows from c * room on.
    literals : (n, 3 * room, 3) float64 array
    lengths : (n, 3) int32 array
        Instructions in each component.
    """

    instructions: np.ndarray
    literals: np.ndarray
    lengths: np.ndarray

    @classmethod
    def empty(cls, n: int, room: int) -> Programs:
        """Return arrays for ``n`` programs, all of them empty."""
        return cls(
            np.zeros((n, 3 * room, 4), np.int32), np.zeros((n, 3 * room, N_LITERALS)), np.zeros((n, 3), np.int32)
        )

    @classmethod
    def of(cls, programs: Sequence[Program], room: int | None = None) -> Programs:
        """Return programs as arrays. Raises SearchSpaceError if a component is longer than ``room``."""
        longest = max((len(component) for program in programs for component in program.components), default=0)
        room = max(longest, 1) if room is None else room
        if longest > room:
            raise SearchSpaceError(f"a component of {longest} instructions does not fit where there is room for {room}")
        made = cls.empty(len(programs), room)
        for at, program in enumerate(programs):
            for number, component in enumerate(program.components):
                made.lengths[at, number] = len(component)
                for row, one in enumerate(component, number * room):
                    made.instructions[at, row, : 2 + len(one.inputs)] = (one.operation.code, one.output, *one.inputs)
                    made.literals[at, row, : len(one.literals)] = one.literals
        return made

    @property
    def room(self) -> int:
        return self.instructions.shape[1] // 3

    def take(self, indices: np.ndarray | Sequence[int]) -> Programs:
        """Return the programs at ``indices`` (or where a mask is true), in that order."""
        chosen = np.asarray(indices)
        chosen = chosen.astype(np.intp) if chosen.dtype != bool else chosen
        return replace(
            self,
            instructions=self.instructions[chosen],
            literals=self.literals[chosen],
            lengths=self.lengths[chosen],
        )

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, at: int) -> Program:
        components = []
        for number in range(len(COMPONENTS)):
            first = number * self.room
            rows = range(first, first + int(self.lengths[at, number]))
            components.append(tuple(_instruction(self.instructions[at, row], self.literals[at, row]) for row in rows))
        return Program(*components)

    def __iter__(self) -> Iterator[Program]:
        return (self[at] for at in range(len(self)))


def _instruction(numbers: np.ndarray, literals: np.ndarray) -> Instruction:
    code, output, *inputs = numbers.tolist()
    one = BY_CODE[code]
    if not one.output:
        return Instruction(one.name)
    return Instruction(one.name, output, tuple(inputs[: len(one.inputs)]), tuple(literals[: one.n_literals].tolist()))
