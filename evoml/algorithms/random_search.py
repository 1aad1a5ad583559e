"""Random search: the control that any evolution must beat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from evoml.algorithms.base import EvolutionaryAlgorithm
from evoml.algorithms.evolution import counted
from evoml.algorithms.state import State

if TYPE_CHECKING:
    import numpy as np

    from evoml.core.candidate import Outcome


class RandomSearch(EvolutionaryAlgorithm):
    """Draws every candidate from the space's own sampling and learns nothing; there is never a population."""

    def _absorb(self, state: State, outcome: Outcome) -> State:
        return counted(state, self.population_size)

    def _select(self, population: Sequence[Outcome], count: int, rng: np.random.Generator) -> list[Outcome]:
        raise AssertionError("random search has no parents")
