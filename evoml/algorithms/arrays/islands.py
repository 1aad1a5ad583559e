"""Several populations that seldom meet: each evolves alone, and now and then the best of one move on to the next in a ring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evoml.algorithms.arrays.base import ArrayAlgorithm
from evoml.algorithms.arrays.state import ArrayState
from evoml.core.batches import Measured, Offspring


@dataclass(frozen=True, eq=False)
class IslandsState:
    """The states of all islands, in the order of the ring."""

    islands: tuple[ArrayState, ...]

    @property
    def generation(self) -> int:
        return self.islands[0].generation


class Islands:
    """A ring of algorithms over the same space, asked and told together.

    Parameters
    ----------
    algorithms : sequence of ArrayAlgorithm
        One for each island.
    every : int
        Generations between two migrations.
    migrants : int
        Members that move on to the next island, the best of each.
    """

    def __init__(self, algorithms: Sequence[ArrayAlgorithm], every: int = 20, migrants: int = 20) -> None:
        self.algorithms, self.every, self.migrants = tuple(algorithms), every, migrants
        self.space = self.algorithms[0].space
        self.needs_cases = any(algorithm.needs_cases for algorithm in algorithms)

    def start(self) -> IslandsState:
        return IslandsState(tuple(algorithm.start() for algorithm in self.algorithms))

    def ask(self, state: IslandsState) -> Offspring:
        """Return the next generation of all islands, one after another."""
        asked = [algorithm.ask(island) for algorithm, island in zip(self.algorithms, state.islands, strict=True)]
        return Offspring(
            self.space.joined([one.genomes for one in asked]),
            np.concatenate([one.keys for one in asked]),
            np.concatenate([one.ages for one in asked]),
        )

    def tell(self, state: IslandsState, offspring: Offspring, measured: Measured) -> IslandsState:
        """Return the state after a generation of all islands and, when it is time, a migration."""
        told, start = [], 0
        for algorithm, island in zip(self.algorithms, state.islands, strict=True):
            own = np.arange(start, start + algorithm.population_size)
            born = Offspring(offspring.genomes.take(own), offspring.keys[own], offspring.ages[own])
            told.append(algorithm.tell(island, born, measured.take(own)))
            start += algorithm.population_size
        after = IslandsState(tuple(told))
        return self._migrated(after) if after.generation % self.every == 0 else after

    def _migrated(self, state: IslandsState) -> IslandsState:
        leaving = [
            island.take(np.arange(min(self.migrants, len(island)))) if len(island) else island
            for island in state.islands
        ]
        return IslandsState(
            tuple(
                algorithm.joined_by(island, leaving[number - 1])
                for number, (algorithm, island) in enumerate(zip(self.algorithms, state.islands, strict=True))
            )
        )

    def arrays(self, state: IslandsState) -> dict[str, np.ndarray]:
        """Return a state as named arrays, for a checkpoint."""
        return {
            f"{number}/{name}": array
            for number, (algorithm, island) in enumerate(zip(self.algorithms, state.islands, strict=True))
            for name, array in algorithm.arrays(island).items()
        }

    def restored(self, arrays: Mapping[str, np.ndarray]) -> IslandsState:
        """Return the state that :meth:`arrays` gave."""
        islands = []
        for number, algorithm in enumerate(self.algorithms):
            prefix = f"{number}/"
            own = {name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)}
            islands.append(algorithm.restored(own))
        return IslandsState(tuple(islands))
