"""NSGA-II: elitist multi-objective evolution by non-dominated sorting (Deb, Pratap, Agarwal and Meyarivan 2002)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from evoml.algorithms.base import EvolutionaryAlgorithm
from evoml.algorithms.dominance import ranked
from evoml.algorithms.state import State

if TYPE_CHECKING:
    from evoml.core.candidate import Outcome


class NSGA2(EvolutionaryAlgorithm):
    """Generations of ``population_size`` offspring; parents and offspring compete for as many places.

    Exact duplicates hold one place between them. A generation is a barrier: it ends when all its outcomes are told.
    """

    def _room(self, state: State, n: int) -> int:
        return min(n, self.population_size - state.asked)

    def _absorb(self, state: State, outcome: Outcome) -> State:
        offspring = (*state.offspring, outcome) if outcome.ok else state.offspring
        if state.told < self.population_size:
            return replace(state, offspring=offspring)
        survivors = survive((*state.population, *offspring), self.population_size)
        return replace(state, generation=state.generation + 1, asked=0, told=0, population=survivors, offspring=())

    def _select(self, population: Sequence[Outcome], count: int, rng: np.random.Generator) -> list[Outcome]:
        """Binary tournaments by front, then crowding (the crowded-comparison operator, section III-B)."""
        rank, crowding = ranked(np.array([outcome.scores for outcome in population]))
        winners = []
        for _ in range(count):
            pair = rng.integers(len(population), size=2)
            winners.append(population[min(pair, key=lambda i: (rank[i], -crowding[i]))])
        return winners


def survive(individuals: Sequence[Outcome], places: int) -> tuple[Outcome, ...]:
    """Return the best ``places`` distinct individuals, by front and then by crowding (section III-C)."""
    distinct = {outcome.candidate.key: outcome for outcome in reversed(individuals)}
    pool = [outcome for outcome in individuals if distinct[outcome.candidate.key] is outcome]
    if not pool:
        return ()
    rank, crowding = ranked(np.array([outcome.scores for outcome in pool]))
    order = sorted(range(len(pool)), key=lambda i: (rank[i], -crowding[i], pool[i].candidate.id))
    return tuple(pool[i] for i in order[:places])
