"""A scheme over genomes that come by the thousand: a generation by keys, and what the scheme decides about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from evoml.algorithms.arrays.pool import ArrayPool, KeyedDraws, niches_of
from evoml.algorithms.arrays.state import ArrayState, distinct, pooled, scored
from evoml.algorithms.schemes import NSGA2, Scheme
from evoml.core.batches import ArraySpace, Measured, Offspring
from evoml.core.random import mixed
from evoml.core.threads import ALONE

MUCH_BETTER = 0.9  # times the least error of before
LONGER = 1.5  # times as long does patience last after each new beginning


class ArrayAlgorithm:
    """Runs a scheme: asks for a generation and is told it as a whole.

    Pure: a step returns the next state and leaves the old one as it was.

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
    scheme : Scheme or None
        None is one of the class's own kind, with ``tournament_size``.
    **options
        Further settings of the scheme, where none is given.
    """

    scheme_type: ClassVar[type[Scheme]] = NSGA2
    defaults: ClassVar[Mapping[str, Any]] = {}

    def __init__(
        self,
        space: ArraySpace,
        seed: int,
        population_size: int = 1000,
        tournament_size: int = 5,
        island: int = 0,
        initial: Any = None,
        patience: int | None = None,
        *,
        scheme: Scheme | None = None,
        **options: Any,
    ) -> None:
        own = {**self.defaults, "tournament_size": tournament_size, **options}
        self.scheme = self.scheme_type(**own) if scheme is None else scheme
        self.descriptors: tuple[Any, ...] = getattr(self.scheme, "descriptors", ())
        self.patience = patience
        self.space, self.seed, self.island = space, seed, island
        self.initial = None if initial is None else initial.take(np.arange(min(len(initial), population_size)))
        self.population_size = population_size
        self._root = mixed(mixed(0, seed), island)

    @property
    def needs_cases(self) -> bool:
        """Whether Measured.cases must be there."""
        return self.scheme.needs_cases

    def asks(self, state: ArrayState) -> int:
        """Return the number of genomes in the next generation."""
        return self.scheme.brood(self.population_size) if len(state) else self.population_size

    def _parents(self, state: ArrayState, keys: np.ndarray) -> np.ndarray:
        """Return (n, 2) indices of parents of the offspring with these keys."""
        members = self._pool(state)
        return self.scheme.parents(members, self.scheme.standing(members), KeyedDraws(keys))

    def start(self) -> ArrayState:
        """Return the state before the first generation."""
        return ArrayState()

    def ask(self, state: ArrayState) -> Offspring:
        """Return the next generation."""
        keys = self._keys(state)
        size, ages = len(keys), np.zeros(len(keys), dtype=np.int32)
        if state.members is None or state.ages is None or not len(state):
            return Offspring(self._first(keys), keys, ages)
        fresh = min(self.scheme.newcomers(size), size)
        parts = [self.space.sample(keys[:fresh])] if fresh else []
        if fresh < len(keys):
            parents = self._parents(state, keys[fresh:])
            parts.append(self.space.vary(state.members.genomes, parents, keys[fresh:]))
            ages[fresh:] = state.ages[parents].max(axis=1)
        return Offspring(self.space.joined(parts) if len(parts) > 1 else parts[0], keys, ages)

    def _keys(self, state: ArrayState) -> np.ndarray:
        return mixed(mixed(self._root, state.generation), np.arange(self.asks(state)))

    def _first(self, keys: np.ndarray) -> Any:
        if self.initial is None:
            return self.space.sample(keys)
        given = self.initial.take(np.arange(min(len(self.initial), len(keys))))
        return self.space.joined([given, self.space.sample(keys[len(given) :])])

    def tell(self, state: ArrayState, offspring: Offspring, measured: Measured) -> ArrayState:
        """Return the state after a generation: the survivors among its members and the old ones, a generation older."""
        births = state.births_so_far + np.arange(len(offspring))
        born = ArrayState(members=measured, ages=offspring.ages, births=births)
        kept = self._kept(pooled(self.space, (state, born)), len(state))
        assert kept.members is not None
        generation, best = state.generation + 1, float(kept.members.objectives[:, 0].min())
        told, improved_at = state.births_so_far + len(offspring), state.improved_at
        if not len(state) or best < MUCH_BETTER * state.best:
            improved_at = generation
        elif self.patience and generation - improved_at >= self.patience * LONGER**state.beginnings:
            return ArrayState(generation, beginnings=state.beginnings + 1, births_so_far=told)
        else:
            best = state.best
        return replace(
            kept,
            generation=generation,
            best=best,
            improved_at=improved_at,
            beginnings=state.beginnings,
            births_so_far=told,
        )

    def joined_by(self, state: ArrayState, migrants: ArrayState) -> ArrayState:
        """Return the state after others came to compete for the same places; one that begins anew stays alone."""
        return (
            state if state.members is None else self._kept(pooled(self.space, (state, migrants)), len(state), older=0)
        )

    def _kept(self, pool: ArrayState, n_old: int, older: int = 1) -> ArrayState:
        assert pool.members is not None
        assert pool.ages is not None
        alive = distinct(pool.members) if self.scheme.distinct else scored(pool.members)
        aged = replace(pool, ages=(pool.ages + older).astype(np.int32))
        survivors = self.scheme.survivors(self._pool(aged, alive, alive >= n_old), self.population_size)
        return aged.take(alive[survivors])

    def _pool(self, state: ArrayState, at: np.ndarray | slice = slice(None), newborn: Any = False) -> ArrayPool:
        assert state.members is not None
        niches = niches_of(state.members, self.space, self.descriptors)[at] if self.descriptors else None
        return ArrayPool(state, at, newborn, niches, getattr(self.space, "threads", ALONE))

    def best(self, state: ArrayState, count: int) -> ArrayState:
        """Return the state with the best of its members alone, as many as are asked for and there are."""
        if state.members is None:
            return state
        order = np.arange(len(state))
        if self.scheme.asynchronous:  # they do not stand best first
            order = np.argsort(state.members.objectives[:, 0], kind="stable")
        return state.take(order[:count])

    def arrays(self, state: ArrayState) -> dict[str, np.ndarray]:
        """Return a state as named arrays, for a checkpoint."""
        return state.arrays(self.space)

    def restored(self, arrays: Mapping[str, np.ndarray]) -> ArrayState:
        """Return the state that :meth:`arrays` gave."""
        return ArrayState.restored(self.space, arrays)
