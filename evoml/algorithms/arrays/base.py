"""What all algorithms over arrays share: a generation by keys, no meaning twice, and two decisions that a subclass makes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from evoml.algorithms.arrays.state import ArrayState, distinct, pooled
from evoml.core.batches import ArraySpace, Measured, Offspring
from evoml.core.random import mixed

MUCH_BETTER = 0.9  # times the least error of before
LONGER = 1.5  # times as long does patience last after each new beginning
_SELECTION = 1 << 32  # numbers of keys beyond those that spaces use


class ArrayAlgorithm(ABC):
    """Asks for a generation and is told it as a whole. Pure: a step returns the next state and leaves the old one as it was.

    Parameters
    ----------
    space : ArraySpace
        Where genomes come from.
    seed : int
        Offspring ``i`` of generation ``g`` draws from the key of (seed, island, g, i) alone.
    population_size : int
        Places in the population, and offspring in a generation.
    tournament_size : int
        Entrants of each tournament for a parent.
    island : int
        Number of this population among several.
    initial : Genomes or None
        What the first generation begins with.
    patience : int or None
        Generations without a much better best member after which the population begins anew; half as many again after each
        time. None is never. What was best is for who tells the algorithm to keep.
    """

    needs_cases = False  # whether Measured.cases must be there

    def __init__(
        self,
        space: ArraySpace,
        seed: int,
        population_size: int = 1000,
        tournament_size: int = 5,
        island: int = 0,
        initial: Any = None,
        patience: int | None = None,
    ) -> None:
        self.patience = patience
        self.space, self.seed, self.island = space, seed, island
        self.initial = None if initial is None else initial.take(np.arange(min(len(initial), population_size)))
        self.population_size, self.tournament_size = population_size, tournament_size

    @abstractmethod
    def _best_first(self, objectives: np.ndarray, ages: np.ndarray, newborn: np.ndarray) -> np.ndarray:
        """Return the indices of those that survive, best first.

        objectives: (n, m) float64, minimised; ages: (n,); newborn: (n,) bool, who is of the last generation.
        """

    def _parents(self, state: ArrayState, keys: np.ndarray) -> np.ndarray:
        """Return (n, 2) indices of parents, each the winner of a tournament: members are in order, so that the least wins."""
        entrants = self.tournament_size
        draws = mixed(keys[:, None], _SELECTION + np.arange(2 * entrants)) % np.uint64(len(state))
        return np.asarray(draws.astype(np.int64).reshape(-1, 2, entrants).min(axis=2))

    def _newcomers(self) -> int:
        """Return how many of a generation are sampled rather than bred."""
        return 0

    def start(self) -> ArrayState:
        """Return the state before the first generation."""
        return ArrayState()

    def ask(self, state: ArrayState) -> Offspring:
        """Return the next generation."""
        root = mixed(mixed(mixed(0, self.seed), self.island), state.generation)
        keys = mixed(root, np.arange(self.population_size))
        ages = np.zeros(self.population_size, dtype=np.int32)
        if state.members is None or state.ages is None:
            return Offspring(self._first(keys), keys, ages)
        fresh = self._newcomers()
        parts = [self.space.sample(keys[:fresh])] if fresh else []
        if fresh < len(keys):
            parents = self._parents(state, keys[fresh:])
            parts.append(self.space.vary(state.members.genomes, parents, keys[fresh:]))
            ages[fresh:] = state.ages[parents].max(axis=1)
        return Offspring(self.space.joined(parts) if len(parts) > 1 else parts[0], keys, ages)

    def _first(self, keys: np.ndarray) -> Any:
        given = 0 if self.initial is None else len(self.initial)
        sampled = self.space.sample(keys[given:])
        return sampled if not given else self.space.joined([self.initial, sampled])

    def tell(self, state: ArrayState, offspring: Offspring, measured: Measured) -> ArrayState:
        """Return the state after a generation: the survivors among its members and the old ones, a generation older."""
        born = ArrayState(members=measured, ages=offspring.ages)
        kept = self._kept(pooled(self.space, (state, born)), len(state))
        assert kept.members is not None
        generation, best = state.generation + 1, float(kept.members.objectives[:, 0].min())
        after = replace(kept, generation=generation, beginnings=state.beginnings)
        if not len(state) or best < MUCH_BETTER * state.best:
            return replace(after, best=best, improved_at=generation)
        if self.patience and generation - state.improved_at >= self.patience * LONGER**state.beginnings:
            return ArrayState(generation, beginnings=state.beginnings + 1)
        return replace(after, best=state.best, improved_at=state.improved_at)

    def joined_by(self, state: ArrayState, migrants: ArrayState) -> ArrayState:
        """Return the state after others came to compete for the same places; one that begins anew stays alone."""
        return (
            state if state.members is None else self._kept(pooled(self.space, (state, migrants)), len(state), older=0)
        )

    def _kept(self, pool: ArrayState, n_old: int, older: int = 1) -> ArrayState:
        assert pool.members is not None
        assert pool.ages is not None
        alive, ages = distinct(pool.members), (pool.ages + older).astype(np.int32)
        order = self._best_first(pool.members.objectives[alive], ages[alive], alive >= n_old)
        return replace(pool, ages=ages).take(alive[order[: self.population_size]])

    def arrays(self, state: ArrayState) -> dict[str, np.ndarray]:
        """Return a state as named arrays, for a checkpoint."""
        return state.arrays(self.space)

    def restored(self, arrays: Mapping[str, np.ndarray]) -> ArrayState:
        """Return the state that :meth:`arrays` gave."""
        return ArrayState.restored(self.space, arrays)
