"""NSGA-II: elitist multi-objective evolution by non-dominated sorting (Deb, Pratap, Agarwal and Meyarivan 2002)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from evoml.algorithms.base import EvolutionaryAlgorithm
from evoml.algorithms.dominance import ranked
from evoml.algorithms.state import State

if TYPE_CHECKING:
    from evoml.core.candidate import Outcome


class NSGA2(EvolutionaryAlgorithm):
    """Generations of ``population_size`` offspring; parents and offspring compete for as many places.

    Candidates of the same predictions hold one place between them, the simplest one. A generation is a barrier: it ends
    when all its outcomes are told.
    """

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self._standings: tuple[Any, Any] = (), ()  # a population and the places in it, for a generation's offspring

    def rivals(self, state: State) -> Sequence[Outcome]:
        return state.population or state.offspring

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
        if self._standings[0] is not population:
            self._standings = population, ranked(np.array([outcome.scores for outcome in population]))
        rank, crowding = self._standings[1]
        winners = []
        for _ in range(count):
            pair = rng.integers(len(population), size=2)
            winners.append(population[min(pair, key=lambda i: (rank[i], -crowding[i]))])
        return winners


def survive(individuals: Sequence[Outcome], places: int) -> tuple[Outcome, ...]:
    """Return the best ``places`` distinct individuals, by front and then by crowding (section III-C)."""
    best_first = sorted(individuals, key=lambda outcome: (*(-score for score in outcome.scores), outcome.candidate.id))
    distinct = {_meaning(outcome): outcome for outcome in reversed(best_first)}
    pool = [outcome for outcome in individuals if distinct[_meaning(outcome)] is outcome]
    if not pool:
        return ()
    rank, crowding = ranked(np.array([outcome.scores for outcome in pool]))
    order = sorted(range(len(pool)), key=lambda i: (rank[i], -crowding[i], pool[i].candidate.id))
    return tuple(pool[i] for i in order[:places])


def _meaning(outcome: Outcome) -> str:
    """Return what functionally equivalent candidates share; the key where predictions are not known."""
    return outcome.evaluation.semantics or outcome.candidate.key
