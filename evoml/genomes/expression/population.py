"""Formulas as values: one as a tuple of nodes, thousands as arrays in prefix order, which the kernels work on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np

from evoml.core.errors import SearchSpaceError
from evoml.genomes.expression.operations import BY_CODE, Operation
from evoml.kernels.expression_codes import CONSTANT, VARIABLE

T = TypeVar("T")
ROOM = 64  # nodes there is room for in each formula of a population, unless more is asked for


@dataclass(frozen=True)
class Formula:
    """One formula.

    Attributes
    ----------
    codes : tuple of int
        Its nodes in prefix order (see :mod:`evoml.kernels.expression_codes`).
    constants : tuple of float
        The values of its nodes that are constants, in their order.
    """

    codes: tuple[int, ...]
    constants: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Raise SearchSpaceError for what is not one whole tree, or has not a value for each constant."""
        missing = 1
        for at, code in enumerate(self.codes):
            if not missing or not (code >= CONSTANT or code in BY_CODE):
                wrong = "unknown" if missing else "left over"
                raise SearchSpaceError(
                    f"node {at} of the formula {self.codes} is {wrong}; give one whole tree in prefix order"
                )
            missing += (BY_CODE[code].arity if code < CONSTANT else 0) - 1
        if missing or self.codes.count(CONSTANT) != len(self.constants):
            raise SearchSpaceError(
                f"the formula {self.codes} needs {missing} more nodes and has {len(self.constants)} values"
                f" for {self.codes.count(CONSTANT)} constants; give one whole tree in prefix order"
            )

    def __len__(self) -> int:
        return len(self.codes)

    def fold(
        self,
        constant: Callable[[float], T],
        variable: Callable[[int], T],
        operation: Callable[[Operation, Sequence[T]], T],
    ) -> T:
        """Return what comes of the root when leaves and operations are replaced from the leaves up."""
        stack: list[T] = []
        values = iter(reversed(self.constants))
        for code in reversed(self.codes):
            if code == CONSTANT:
                stack.append(constant(next(values)))
            elif code >= VARIABLE:
                stack.append(variable(code - VARIABLE))
            else:
                one = BY_CODE[code]
                operands = [stack.pop() for _ in range(one.arity)]
                stack.append(operation(one, operands))
        return stack.pop()

    @cached_property
    def depth(self) -> int:
        """Number of nodes on the longest way from the root to a leaf: a leaf alone has depth 1."""
        return self.fold(lambda _: 1, lambda _: 1, lambda _, operands: 1 + max(operands))

    @property
    def columns(self) -> tuple[int, ...]:
        """The columns it reads, in ascending order."""
        return tuple(sorted({code - VARIABLE for code in self.codes if code >= VARIABLE}))

    def with_constants(self, values: Sequence[float]) -> Formula:
        """Return the same formula with other values for its constants."""
        return Formula(self.codes, tuple(float(value) for value in values))

    def evaluate(self, features: np.ndarray) -> np.ndarray:
        """Return its values by NumPy, one operation after another: slow, and plain to see.

        features: (n_features, n_rows). Returns (n_rows,), where it is not defined nan or infinite.
        """
        with np.errstate(all="ignore"):
            found = self.fold(
                lambda value: np.asarray(value, features.dtype),
                lambda column: features[column],
                lambda operation, operands: operation.function(*operands),
            )
        return np.broadcast_to(np.asarray(found, features.dtype), features.shape[1:]).copy()


def constant(value: float) -> Formula:
    """Return the formula that is a number."""
    return Formula((CONSTANT,), (float(value),))


def variable(column: int) -> Formula:
    """Return the formula that is a column."""
    return Formula((VARIABLE + column,))


def joined(operation: Operation, operands: Sequence[Formula]) -> Formula:
    """Return an operation on formulas."""
    return Formula(
        (operation.code, *(code for operand in operands for code in operand.codes)),
        tuple(value for operand in operands for value in operand.constants),
    )


def folded(formula: Formula) -> Formula:
    """Return a formula with every part that reads no column replaced by its value, as NumPy computes it."""

    def operation(one: Operation, operands: Sequence[Formula]) -> Formula:
        if any(operand.codes != (CONSTANT,) for operand in operands):
            return joined(one, operands)
        with np.errstate(all="ignore"):
            return constant(one.function(*(np.float64(operand.constants[0]) for operand in operands)))

    return formula.fold(constant, variable, operation)


@dataclass(frozen=True, eq=False)
class Population:
    """Formulas by the thousand.

    Attributes
    ----------
    codes : int32 (n, room)
        Nodes in prefix order, 0 beyond the length.
    constants : float64 (n, room)
        Values where the code is CONSTANT, 0.0 elsewhere.
    lengths : int32 (n,)
        Nodes in use, at least 1.
    """

    codes: np.ndarray
    constants: np.ndarray
    lengths: np.ndarray

    def __post_init__(self) -> None:
        """Raise ValueError where shapes or dtypes are not those above."""
        shape = self.codes.shape
        if len(shape) != 2 or self.constants.shape != shape or self.lengths.shape != shape[:1]:
            raise ValueError(
                f"a population needs codes and constants (n, room) and lengths (n,), got {shape},"
                f" {self.constants.shape} and {self.lengths.shape}"
            )
        dtypes = (self.codes.dtype, self.constants.dtype, self.lengths.dtype)
        if dtypes != (np.int32, np.float64, np.int32):
            raise ValueError(f"a population needs int32, float64 and int32 arrays, got {', '.join(map(str, dtypes))}")

    @classmethod
    def empty(cls, n: int, room: int = ROOM) -> Population:
        """Return arrays for ``n`` formulas, all of them the constant 0."""
        codes = np.zeros((n, room), np.int32)
        codes[:, 0] = CONSTANT
        return cls(codes, np.zeros((n, room)), np.ones(n, np.int32))

    @classmethod
    def of(cls, formulas: Sequence[Formula], room: int | None = None) -> Population:
        """Return formulas as arrays. Raises SearchSpaceError if one is longer than ``room``."""
        longest = max(map(len, formulas), default=1)
        room = max(ROOM, longest) if room is None else room
        if longest > room:
            raise SearchSpaceError(f"a formula of {longest} nodes does not fit where there is room for {room}")
        made = cls.empty(len(formulas), room)
        for at, formula in enumerate(formulas):
            made.codes[at, : len(formula)] = formula.codes
            made.constants[at, made.codes[at] == CONSTANT] = formula.constants
            made.lengths[at] = len(formula)
        return made

    @classmethod
    def concatenate(cls, populations: Sequence[Population]) -> Population:
        """Return several populations as one, with the room of the roomiest."""
        room = max(one.room for one in populations)
        roomy = [one.roomed(room) for one in populations]
        return cls(
            np.concatenate([one.codes for one in roomy]),
            np.concatenate([one.constants for one in roomy]),
            np.concatenate([one.lengths for one in roomy]),
        )

    @property
    def room(self) -> int:
        return int(self.codes.shape[1])

    def roomed(self, room: int) -> Population:
        """Return the same formulas with another room. Raises SearchSpaceError if one does not fit."""
        if room == self.room:
            return self
        longest = int(self.lengths.max(initial=1))
        if room < longest:
            raise SearchSpaceError(f"a formula of {longest} nodes does not fit where there is room for {room}")
        made = Population.empty(len(self), room)
        shared = min(room, self.room)
        made.codes[:, :shared] = self.codes[:, :shared]
        made.constants[:, :shared] = self.constants[:, :shared]
        made.lengths[:] = self.lengths
        return made

    def take(self, indices: np.ndarray | Sequence[int]) -> Population:
        """Return the formulas at ``indices`` (or where a mask is true), in that order."""
        chosen = np.asarray(indices)
        chosen = chosen.astype(np.intp) if chosen.dtype != bool else chosen
        return Population(self.codes[chosen], self.constants[chosen], self.lengths[chosen])

    def replaced(self, indices: np.ndarray, others: Population) -> Population:
        """Return these formulas with those at ``indices`` replaced by ``others``, one each."""
        others = others.roomed(self.room)
        codes, constants, lengths = self.codes.copy(), self.constants.copy(), self.lengths.copy()
        codes[indices], constants[indices], lengths[indices] = others.codes, others.constants, others.lengths
        return Population(codes, constants, lengths)

    def with_constants(self, constants: np.ndarray) -> Population:
        """Return the same formulas with other values for their constants, float64 (n, room)."""
        return Population(self.codes, constants, self.lengths)

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, at: int) -> Formula:
        codes = self.codes[at, : self.lengths[at]]
        return Formula(tuple(codes.tolist()), tuple(self.constants[at, : len(codes)][codes == CONSTANT].tolist()))

    def __iter__(self) -> Iterator[Formula]:
        return (self[at] for at in range(len(self)))
