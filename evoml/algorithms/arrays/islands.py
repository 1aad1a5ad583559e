"""Several populations that seldom meet: each evolves alone, and now and then the best of one move on to others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evoml.algorithms.arrays.base import ArrayAlgorithm
from evoml.algorithms.arrays.state import ArrayState
from evoml.algorithms.checks import check_at_least
from evoml.algorithms.topologies import destinations
from evoml.core.batches import Measured, Offspring


@dataclass(frozen=True, eq=False)
class IslandsState:
    """The states of all islands, in their order."""

    islands: tuple[ArrayState, ...]

    @property
    def generation(self) -> int:
        return self.islands[0].generation


class Islands:
    """Algorithms over the same space, asked and told together.

    Parameters
    ----------
    algorithms : sequence of ArrayAlgorithm
        One for each island.
    every : int
        Generations between two migrations.
    migrants : int
        Members that move on, copies of the best of each island.
    topology : {"ring", "complete", "star"} or networkx graph
        To where they move, see :mod:`evoml.algorithms.topologies`.
    """

    def __init__(
        self, algorithms: Sequence[ArrayAlgorithm], every: int = 20, migrants: int = 20, topology: Any = "ring"
    ) -> None:
        check_at_least(1, every=every, migrants=migrants)
        self.algorithms, self.every, self.migrants = tuple(algorithms), every, migrants
        self.space = self.algorithms[0].space
        self.needs_cases = any(algorithm.needs_cases for algorithm in algorithms)
        self.destinations = destinations(topology, len(self.algorithms))

    def start(self) -> IslandsState:
        return IslandsState(tuple(algorithm.start() for algorithm in self.algorithms))

    def asks(self, state: IslandsState) -> int:
        """Return the number of genomes in the next generation."""
        return sum(one.asks(own) for one, own in zip(self.algorithms, state.islands, strict=True))

    def ask(self, state: IslandsState) -> Offspring:
        """Return the next generation of all islands, one after another."""
        asked = [algorithm.ask(island) for algorithm, island in zip(self.algorithms, state.islands, strict=True)]
        return Offspring(
            self.space.joined([one.genomes for one in asked]),
            np.concatenate([one.keys for one in asked]),
            np.concatenate([one.ages for one in asked]),
            asked[0].share,
        )

    def tell(self, state: IslandsState, offspring: Offspring, measured: Measured) -> IslandsState:
        """Return the state after a generation of all islands and, when it is time, a migration."""
        told, start = [], 0
        for algorithm, island in zip(self.algorithms, state.islands, strict=True):
            own = np.arange(start, start + algorithm.asks(island))
            born = Offspring(offspring.genomes.take(own), offspring.keys[own], offspring.ages[own])
            told.append(algorithm.tell(island, born, measured.take(own)))
            start += len(own)
        after = IslandsState(tuple(told))
        return self._migrated(after) if after.generation % self.every == 0 else after

    def _migrated(self, state: IslandsState) -> IslandsState:
        leaving = [
            algorithm.best(island, self.migrants)
            for algorithm, island in zip(self.algorithms, state.islands, strict=True)
        ]
        islands = list(state.islands)
        for number, neighbours in enumerate(self.destinations):
            for to in neighbours:
                islands[to] = self.algorithms[to].joined_by(islands[to], leaving[number])
        return IslandsState(tuple(islands))

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
