"""Successive halving in a population: it shrinks as the rows grow on which it is judged.

TPOT-SH (Parmentier, Nicol, Jourdan and Kessaci 2019): many candidates on few rows at first, and after some generations the
better ones, fewer, on more rows. The rows are those of the rungs that evaluation has for races.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from evoml.algorithms.checks import check_at_least
from evoml.algorithms.evolution import Evolution
from evoml.algorithms.schemes import NSGA2
from evoml.core.candidate import Candidate, Status

if TYPE_CHECKING:
    import numpy as np

    from evoml.algorithms.outcomes import OutcomePool
    from evoml.algorithms.state import State
    from evoml.core.candidate import Outcome

PROMOTED = "promoted"  # the operator of a candidate that is an earlier one, on more rows
LEAST = 4  # places in a population at any stage


class SuccessiveHalving(Evolution):
    """A scheme, by default NSGA-II, whose population shrinks from stage to stage.

    On each rung some generations are evolved by the score on its rows; then those that are left go on to the next. The last
    stage, on all rows, lasts until the run ends. A few of the first candidates are evaluated on all rows besides, so that
    there is a model whenever the run ends. Where evaluation has no rungs, as on small tables, there is one stage.

    Parameters
    ----------
    space, seed, population_size, island, scheme
        As for :class:`~evoml.algorithms.Evolution`; the size is that of the first stage.
    rate : float
        How many times smaller the population is at each stage than at the one before.
    generations : int
        Generations on each rung.

    Attributes
    ----------
    rungs, folds : int
        What an evaluation consists of; set by whoever evaluates, before the run starts.
    """

    scheme_type, defaults = NSGA2, {"recrowded": True}

    def __init__(self, *arguments: Any, rate: float = 2.0, generations: int = 3, **settings: Any) -> None:
        check_at_least(1, generations=generations)
        check_at_least(1, whole=False, rate=rate)
        super().__init__(*arguments, **settings)
        self.rate, self.generations = rate, generations
        self.rungs, self.folds = 0, 1

    def rivals(self, state: State) -> Sequence[Outcome]:
        return [one for one in super().rivals(state) if one.ok]

    def places(self, stage: int) -> int:
        """Return the size of the population at a stage."""
        return self.population_size if not stage else max(LEAST, round(self.population_size / self.rate**stage))

    def _stage(self, state: State) -> int:
        return min(self.rungs, state.generation // self.generations)

    def _promotes(self, state: State) -> bool:
        """Tell whether a generation consists of the survivors of the stage before."""
        stage = self._stage(state)
        return stage > 0 and state.generation == stage * self.generations and bool(state.population)

    def _asks(self, state: State) -> int:
        """Return the number of candidates in a generation."""
        return len(state.population) if self._promotes(state) else self.places(self._stage(state))

    def _room(self, state: State, n: int) -> int:
        return min(n, self._asks(state) - state.asked)

    def _draw(self, state: State, index: int, rng: np.random.Generator) -> Candidate:
        place = state.asked + index - state.next_id
        if self._promotes(state):
            member = state.population[place].candidate
            candidate = replace(
                member, id=index, key=self.space.key(member.genome), parents=(member.id,), operator=PROMOTED,
                generation=state.generation, parent_scores=(), bars=(),
            )  # fmt: skip
        else:
            candidate = super()._draw(state, index, rng)
        stage = self._stage(state)
        if stage == self.rungs:
            return candidate
        if index < self.places(self.rungs):  # on all rows, whatever the score on some
            return replace(candidate, bars=(-math.inf,) * (self.rungs + self.folds - 1))
        return replace(candidate, key=f"{candidate.key}@{stage}", bars=(*(-math.inf,) * stage, math.inf))

    def _absorb(self, state: State, outcome: Outcome) -> State:
        stage = self._stage(state)
        reached = outcome.ok or (outcome.status is Status.PRUNED and stage < self.rungs)
        known = reached and (stage == self.rungs or len(outcome.evaluation.rungs) > stage)
        offspring = (*state.offspring, outcome) if known else state.offspring
        if state.told < self._asks(state):
            return replace(state, offspring=offspring)
        old = replace(state, population=()) if self._promotes(state) else state  # they were judged on other rows
        ended = replace(state, generation=state.generation + 1, asked=0, told=0, offspring=())
        places = self.places(self._stage(ended))
        return replace(ended, population=self._survivors(old, offspring)[:places])

    def _pool(
        self, state: State, outcomes: Sequence[Outcome], n_old: int | None = None, niches: Sequence[Any] = ()
    ) -> OutcomePool:
        return super()._pool(state, [self._judged(one, self._stage(state)) for one in outcomes], n_old, niches)

    def _members(self, population: Sequence[Outcome]) -> OutcomePool:
        if all(one.ok for one in population):
            return super()._members(population)
        stage = min(len(one.evaluation.rungs) for one in population) - 1  # who is not through has this one last
        return super()._members([self._judged(one, stage) for one in population])

    def _judged(self, outcome: Outcome, stage: int) -> Outcome:
        """Return an outcome with the scores that count at a stage: the rung's, and the size."""
        if stage == self.rungs:
            return outcome
        size = float(self.space.complexity(outcome.candidate.genome))
        return replace(outcome, scores=(outcome.evaluation.rungs[stage], -size))
