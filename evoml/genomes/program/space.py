"""The space of programs that learn: which operations each component may use, how long it may be, how it varies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from evoml.core.errors import SearchSpaceError, SettingError, nearest
from evoml.genomes.program.canonical import canonical, key, without_dead_code
from evoml.genomes.program.operations import BY_CODE, OPERATIONS, codes_of
from evoml.genomes.program.program import MOST_ADDRESSES, Program, Programs
from evoml.genomes.program.text import read, write
from evoml.kernels.program_codes import COMPONENTS
from evoml.kernels.program_codes import MUTATIONS as KNOWN

if TYPE_CHECKING:
    from evoml.kernels.program_variation import Language

ALL = tuple(OPERATIONS)
SIZES = {"setup": (0, 10), "predict": (1, 10), "learn": (0, 10)}
#: Weights of mutations: those that the paper's searches on images used.
MUTATIONS = {
    "alter": 1.0,
    "randomise_component": 1.0,
    "insert": 0.5,
    "remove": 0.5,
}
_WORDS = {"s": "scalars", "v": "vectors", "m": "matrices"}
_TAKEN = {"scalars": ", of which one is the label", "vectors": ", of which one is the features", "matrices": ""}
_LEAST_ADDRESSES = {"scalars": 2, "vectors": 1, "matrices": 0}


class ProgramSpace:
    """Programs of certain operations, sizes and memory: an ArraySpace, whose arrays the compiled search works on as well.

    Parameters
    ----------
    setup, predict, learn : sequence of str
        Names of the operations that each component may use; with none it stays as it is.
    scalars, vectors, matrices : int
        Addresses of each type of memory, 64 at most in all.
    sizes : mapping
        Least and most instructions of each component by name.
    initial : mapping or None
        Instructions of each component of a random program; None for the most there may be.
    mutations : mapping
        Weights by name: "alter", "randomise_instruction", "randomise_component", "insert", "remove", "trade",
        "randomise_program".
    mutation_probability : float
        Of a child to be another program than its parent.
    """

    def __init__(
        self,
        setup: Sequence[str] = ALL,
        predict: Sequence[str] = ALL,
        learn: Sequence[str] = ALL,
        *,
        scalars: int = 8,
        vectors: int = 14,
        matrices: int = 3,
        sizes: Mapping[str, tuple[int, int]] = SIZES,
        initial: Mapping[str, int] | None = None,
        mutations: Mapping[str, float] = MUTATIONS,
        mutation_probability: float = 0.9,
    ) -> None:
        self.operations = {
            name: codes_of(names) for name, names in zip(COMPONENTS, (setup, predict, learn), strict=True)
        }
        memory = {"scalars": scalars, "vectors": vectors, "matrices": matrices}
        self.memory = {name: _whole(count, name) for name, count in memory.items()}
        self.sizes = {name: _bounds(sizes.get(name, SIZES[name]), name) for name in COMPONENTS}
        self.initial = {name: self.sizes[name][1] if initial is None else initial[name] for name in COMPONENTS}
        if not isinstance(mutations, Mapping):
            raise SettingError(f"mutations need a weight for each name, such as {MUTATIONS}, got {mutations!r}")
        self.mutations, self.mutation_probability = dict(mutations), mutation_probability
        self._check()

    def _check(self) -> None:
        for name, count in self.memory.items():
            if count < _LEAST_ADDRESSES[name]:
                raise SettingError(
                    f"programs need {_LEAST_ADDRESSES[name]} {name} or more, for label, prediction and features; got {count}"
                )
        if sum(self.memory.values()) > MOST_ADDRESSES:
            raise SettingError(f"programs have {MOST_ADDRESSES} addresses at most, got {self.memory}; take fewer")
        for name, (least, most) in self.sizes.items():
            if not 0 <= least <= self.initial[name] <= most:
                raise SettingError(
                    f"{name} needs least <= initial <= most instructions, got {least}, {self.initial[name]}, {most}"
                )
        for name, weight in self.mutations.items():
            if name not in KNOWN:
                raise SettingError(
                    f"there is no mutation {name!r}{nearest(name, KNOWN)}; there are: {', '.join(KNOWN)}"
                )
            if not (isinstance(weight, Real) and np.isfinite(weight) and weight >= 0):
                raise SettingError(f"the weight of {name!r} must be a number of 0 or more, got {weight!r}")
        if not any(self.mutations.values()):
            raise SettingError("programs need a mutation with a weight above 0, such as 'alter'; got none")
        if not 0 <= self.mutation_probability <= 1:
            raise SettingError(f"mutation_probability must be between 0 and 1, got {self.mutation_probability!r}")
        self._check_memory()

    def _check_memory(self) -> None:
        """Raise SettingError for operations that were chosen, and that there is no memory for; of all, those that fit do."""
        written = {"s": self.memory["scalars"] - 1, "v": self.memory["vectors"] - 1, "m": self.memory["matrices"]}
        for component, chosen in self.operations.items():
            for one in (BY_CODE[code] for code in chosen if len(chosen) < len(ALL)):
                output, reads = one.output, "m" in one.inputs and not self.memory["matrices"]
                if reads or (output and written[output] < 1):
                    lacking = _WORDS["m" if reads else output]
                    raise SettingError(
                        f"{component} has the operation {one.name!r}, which there is no memory for: there are"
                        f" {self.memory[lacking]} {lacking}{_TAKEN[lacking]}; allow more {lacking}, or leave it out"
                    )

    @property
    def room(self) -> int:
        """Instructions there is room for in each component."""
        return max(1, *(most for _, most in self.sizes.values()))

    @cached_property
    def language(self) -> Language:
        """The space as the kernels know it."""
        from evoml.kernels.program_reach import make_memory
        from evoml.kernels.program_variation import make_language

        return make_language(
            make_memory(**self.memory),
            [self.operations[name] for name in COMPONENTS],
            [self.initial[name] for name in COMPONENTS],
            [self.sizes[name][0] for name in COMPONENTS],
            [self.sizes[name][1] for name in COMPONENTS],
            [self.mutations.get(name, 0.0) for name in KNOWN],
            self.mutation_probability,
        )

    # -- programs by the thousand -------------------------------------------------------------------------------------------

    def sample(self, keys: np.ndarray) -> Programs:
        """Return one random program for each key, of the initial sizes."""
        from evoml.kernels.program_variation import make_child, sample

        made = Programs.empty(len(keys), self.room)
        child = make_child(self.room)
        sample(_keys(keys), self.language, child, made.instructions, made.literals, made.lengths, 0, len(keys))
        return made

    def vary(self, genomes: Programs, parents: np.ndarray, keys: np.ndarray) -> Programs:
        """Return a mutant of the first parent in each row of ``parents`` (n, 2) by its key; programs do not cross."""
        from evoml.kernels.program_variation import make_child, vary

        made = genomes.take(np.asarray(parents)[:, 0])
        child = make_child(self.room)
        vary(-1, _keys(keys), self.language, child, made.instructions, made.literals, made.lengths, 0, len(keys))
        return made

    def joined(self, parts: Sequence[Programs]) -> Programs:
        return Programs(
            np.concatenate([one.instructions for one in parts]),
            np.concatenate([one.literals for one in parts]),
            np.concatenate([one.lengths for one in parts]),
        )

    def arrays(self, genomes: Programs) -> Mapping[str, np.ndarray]:
        return dict(vars(genomes))

    def restored(self, arrays: Mapping[str, np.ndarray]) -> Programs:
        return Programs(arrays["instructions"], arrays["literals"], arrays["lengths"])

    def descriptions(self, genomes: Programs) -> dict[str, np.ndarray]:
        """Return what programs are like: ``cost``, their instructions, and ``family``, those of them that learn, each (n,)."""
        return {"cost": genomes.lengths.sum(axis=1).astype(float), "family": genomes.lengths[:, -1]}

    # -- one program --------------------------------------------------------------------------------------------------------

    def parse(self, text: str) -> Program:
        """Return the program written in ``text``. Raises SearchSpaceError if it is none, or none of this space."""
        program = read(text)
        self.check(program)
        return program

    def check(self, program: Program) -> None:
        """Raise SearchSpaceError for a program that is none of this space."""
        for (name, allowed), component in zip(self.operations.items(), program.components, strict=True):
            if len(component) > self.sizes[name][1]:
                raise SearchSpaceError(
                    f"{name} has {len(component)} instructions, {self.sizes[name][1]} are the most; allow more or shorten it"
                )
            for one in component:
                if allowed and one.operation.code not in allowed:
                    raise SearchSpaceError(
                        f"{name} may not use {one.name}, as in {str(one)!r}; allow it or leave it out"
                    )
        for (name, there), needed in zip(self.memory.items(), program.addresses, strict=True):
            if needed > there:
                raise SearchSpaceError(f"the program needs {needed} {name}, there are {there}; allow more")

    def tidied(self, program: Program) -> Program:
        """Return the canonical form of a program, or where constants are no operation to fold to, it without dead code."""
        form = canonical(program)
        return form if self.holds(write(form)) else without_dead_code(program)

    def holds(self, text: str) -> bool:
        """Return whether a text is a program of this space."""
        try:
            self.parse(text)
        except SearchSpaceError:
            return False
        return True

    def text(self, program: Program) -> str:
        return write(program)

    def key(self, program: Program) -> int:
        """Return a hash of what the program does; it is that of its canonical form."""
        return key(program)


def _whole(value: Any, name: str) -> int:
    """Return a whole number as such. Raises SettingError for anything else."""
    try:
        if not isinstance(value, bool | str) and int(value) == value:
            return int(value)
    except (TypeError, ValueError, OverflowError):
        pass
    raise SettingError(f"{name} must be a whole number, got {value!r}")


def _bounds(given: Any, name: str) -> tuple[int, int]:
    """Return least and most instructions of a component. Raises SettingError for what are no two whole numbers."""
    try:
        least, most = given
    except (TypeError, ValueError):
        raise SettingError(
            f"the sizes of {name} are two numbers, least and most, such as (0, 12), got {given!r}"
        ) from None
    return _whole(least, f"the least size of {name}"), _whole(most, f"the most of {name}")


def _keys(keys: Any) -> np.ndarray:
    return np.array(keys, np.uint64)  # a copy: kernels know writable arrays only
