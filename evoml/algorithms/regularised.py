"""Regularised (ageing) evolution: the oldest dies, not the worst (Real, Aggarwal, Huang and Le 2019)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from evoml.algorithms.base import EvolutionaryAlgorithm
from evoml.algorithms.state import State

if TYPE_CHECKING:
    import numpy as np

    from evoml.core.candidate import Outcome


class RegularisedEvolution(EvolutionaryAlgorithm):
    """No barrier: each outcome enters the population at once, and the oldest individual leaves it (Algorithm 1).

    Parents win tournaments of ``tournament_size`` on the first objective. A generation is counted after every
    ``population_size`` outcomes.
    """

    def __init__(self, *arguments: Any, tournament_size: int = 10, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.tournament_size = tournament_size

    def _absorb(self, state: State, outcome: Outcome) -> State:
        population = (*state.population, outcome)[-self.population_size :] if outcome.ok else state.population
        return counted(replace(state, population=population), self.population_size)

    def _select(self, population: Sequence[Outcome], count: int, rng: np.random.Generator) -> list[Outcome]:
        size = min(self.tournament_size, len(population))
        return [
            max(
                (population[i] for i in rng.integers(len(population), size=size)), key=lambda outcome: outcome.scores[0]
            )
            for _ in range(count)
        ]


def counted(state: State, generation_size: int) -> State:
    """Return the state with its generation counted on when ``generation_size`` outcomes have been told."""
    if state.told < generation_size:
        return state
    return replace(state, generation=state.generation + 1, told=0, asked=state.asked - generation_size)
