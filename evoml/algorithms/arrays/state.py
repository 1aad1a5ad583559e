"""What an algorithm over arrays knows between two generations: one frozen value, which a checkpoint can hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from evoml.core.batches import ArraySpace, Measured
from evoml.kernels.dominance import mark_best_of_each

_GENOMES = "genomes."
_COUNTS = ("generation", "improved_at", "beginnings", "births_so_far")


@dataclass(frozen=True, eq=False)
class ArrayState:
    """State of one population.

    Attributes
    ----------
    generation : int
        Generations told.
    members : Measured or None
        The population, best first; None before the first generation is told, and before one that begins anew.
    ages : (n,) int32 array
        Generations since the oldest ancestor of each member was sampled.
    best : float
        Least error of the population when that was last much less than before.
    improved_at : int
        Generations told by then.
    beginnings : int
        How many times it has begun anew.
    births : (n,) int64 array
        Place of each member in the order of coming.
    births_so_far : int
        Genomes told.
    """

    generation: int = 0
    members: Measured | None = None
    ages: np.ndarray | None = None
    best: float = np.inf
    improved_at: int = 0
    beginnings: int = 0
    births: np.ndarray | None = None
    births_so_far: int = 0

    def __len__(self) -> int:
        return 0 if self.ages is None else len(self.ages)

    def take(self, indices: np.ndarray) -> ArrayState:
        """Return the state with some of its members, in the order given."""
        assert self.members is not None
        assert self.ages is not None
        assert self.births is not None
        return replace(self, members=self.members.take(indices), ages=self.ages[indices], births=self.births[indices])

    def arrays(self, space: ArraySpace) -> dict[str, np.ndarray]:
        """Return the state as named arrays."""
        counts = {name: np.array(getattr(self, name)) for name in _COUNTS}
        found = {"best": np.array(self.best), **counts}
        if self.members is None or self.ages is None or self.births is None:
            return found
        members = {"objectives": self.members.objectives, "meanings": self.members.meanings}
        members |= {"ages": self.ages, "births": self.births}
        if self.members.cases is not None:
            members["cases"] = self.members.cases
        return {**found, **members, **{_GENOMES + name: a for name, a in space.arrays(self.members.genomes).items()}}

    @classmethod
    def restored(cls, space: ArraySpace, arrays: Mapping[str, np.ndarray]) -> ArrayState:
        """Return the state that :meth:`arrays` gave."""
        known: dict[str, Any] = {name: int(arrays[name]) for name in _COUNTS if name in arrays}
        known["best"] = float(arrays["best"])
        if "ages" not in arrays:
            return cls(**known)
        genomes = {name.removeprefix(_GENOMES): a for name, a in arrays.items() if name.startswith(_GENOMES)}
        members = Measured(space.restored(genomes), arrays["objectives"], arrays["meanings"], arrays.get("cases"))
        births = arrays.get("births", np.zeros(len(arrays["ages"]), dtype=np.int64))
        return cls(members=members, ages=arrays["ages"], births=births, **known)


def pooled(space: ArraySpace, parts: Sequence[ArrayState]) -> ArrayState:
    """Return one state with the members of several, in order; its generation is that of the first."""
    filled = [part for part in parts if len(part)]
    if not filled:
        return parts[0]
    members: list[Any] = [part.members for part in filled]
    cases = None if members[0].cases is None else np.concatenate([one.cases for one in members])
    together = Measured(
        space.joined([one.genomes for one in members]),
        np.concatenate([one.objectives for one in members]),
        np.concatenate([one.meanings for one in members]),
        cases,
    )
    ages = np.concatenate([part.ages for part in filled if part.ages is not None])
    births = np.concatenate([part.births for part in filled if part.births is not None])
    return replace(parts[0], members=together, ages=ages, births=births)


def distinct(members: Measured) -> np.ndarray:
    """Return indices, ascending, of one for each meaning: the simplest, then the best, then the first.

    What cannot be scored is left out, unless there is nothing else.
    """
    best = np.empty(len(members.meanings), dtype=bool)
    mark_best_of_each(np.ascontiguousarray(members.meanings, np.uint64), np.ascontiguousarray(members.objectives), best)
    return scored(members, np.flatnonzero(best))


def scored(members: Measured, indices: np.ndarray | None = None) -> np.ndarray:
    """Return those indices, of all if none are given, of what can be scored; all of them if nothing can."""
    indices = np.arange(len(members.objectives)) if indices is None else indices
    finite = np.isfinite(members.objectives[indices, 0])
    return indices[finite] if finite.any() else indices
