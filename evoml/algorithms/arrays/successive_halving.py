"""Successive halving over arrays: the population shrinks as the rows grow on which it is judged.

TPOT-SH (Parmentier, Nicol, Jourdan and Kessaci 2019), see :mod:`evoml.algorithms.successive_halving`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from evoml.algorithms.arrays.base import ArrayAlgorithm
from evoml.algorithms.arrays.state import ArrayState
from evoml.algorithms.checks import check_at_least
from evoml.core.batches import Measured, Offspring

LEAST = 8  # places in a population at any stage


class ArraySuccessiveHalving(ArrayAlgorithm):
    """A scheme, by default NSGA-II, whose population shrinks from stage to stage; the last stage is on all rows.

    Parameters
    ----------
    stages : int
    rate : float
        How many times smaller the population is, and how many times more the rows are, at each stage than at the one before.
    generations : int
        Generations of each stage but the last.
    """

    defaults: ClassVar[Mapping[str, Any]] = {"resolution": 1e-3}

    def __init__(
        self, *arguments: Any, stages: int = 3, rate: float = 2.0, generations: int = 10, **settings: Any
    ) -> None:
        check_at_least(1, stages=stages, generations=generations)
        check_at_least(1, whole=False, rate=rate)
        super().__init__(*arguments, **settings)
        self.stages, self.rate, self.generations = stages, rate, generations

    def _stage(self, generation: int) -> int:
        return min(self.stages - 1, generation // self.generations)

    def _promotes(self, state: ArrayState) -> bool:
        """Tell whether the next generation consists of the survivors of the stage before."""
        stage = self._stage(state.generation)
        return stage > 0 and state.generation == stage * self.generations and len(state) > 0

    def places(self, generation: int) -> int:
        """Return the size of the population in a generation."""
        stage = self._stage(generation)
        return self.population_size if not stage else max(LEAST, round(self.population_size / self.rate**stage))

    def asks(self, state: ArrayState) -> int:
        return len(state) if self._promotes(state) else self.places(state.generation)

    def ask(self, state: ArrayState) -> Offspring:
        """Return the next generation, with the share of the rows that it is to be judged on."""
        share = self.rate ** (self._stage(state.generation) - self.stages + 1)
        if self._promotes(state):
            assert state.members is not None
            return Offspring(state.members.genomes, self._keys(state), np.asarray(state.ages), share)
        return replace(super().ask(state), share=share)

    def tell(self, state: ArrayState, offspring: Offspring, measured: Measured) -> ArrayState:
        """Return the state after a generation; what went on to more rows takes the place of what it was on fewer."""
        old = replace(state, members=None, ages=None, births=None) if self._promotes(state) else state
        return super().tell(old, offspring, measured)

    def _kept(self, pool: ArrayState, n_old: int, older: int = 1) -> ArrayState:
        kept = super()._kept(pool, n_old, older)
        return kept.take(np.arange(min(len(kept), self.places(pool.generation + older))))
