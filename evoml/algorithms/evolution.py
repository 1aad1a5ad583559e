"""A scheme over candidates that come one by one: with a barrier between generations, or each entering as it is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from evoml.algorithms.base import EvolutionaryAlgorithm
from evoml.algorithms.descriptors import described, name_of
from evoml.algorithms.outcomes import OutcomePool, StreamDraws
from evoml.algorithms.schemes import NSGA2, Scheme
from evoml.algorithms.state import State

if TYPE_CHECKING:
    from evoml.core.candidate import Candidate, Outcome
    from evoml.core.protocols import GenomeSpace


class Evolution(EvolutionaryAlgorithm):
    """Runs a scheme over a space of genomes.

    Where the scheme has a barrier, a generation of ``population_size`` ends when all its outcomes are told; then parents and
    offspring compete. Where it is asynchronous each outcome competes at once, and nobody ever waits.

    Parameters
    ----------
    space, seed, population_size, island
        As for :class:`~evoml.algorithms.EvolutionaryAlgorithm`.
    scheme : Scheme or None
        None is one of the class's own kind.
    **options
        Settings of the scheme, where none is given.
    """

    scheme_type: ClassVar[type[Scheme]] = NSGA2
    defaults: ClassVar[Mapping[str, Any]] = {}

    def __init__(
        self,
        space: GenomeSpace,
        seed: int,
        population_size: int = 50,
        island: int = 0,
        *,
        scheme: Scheme | None = None,
        **options: Any,
    ) -> None:
        super().__init__(space, seed, population_size, island)
        self.scheme = self.scheme_type(**{**self.defaults, **options}) if scheme is None else scheme
        self.descriptors: tuple[Any, ...] = getattr(self.scheme, "descriptors", ())
        self._standing: tuple[Any, Any] = None, None  # a population, and what choosing parents in it needs
        self._sampled_in: dict[
            int, int
        ] = {}  # id -> generation in which its oldest ancestor was sampled; only ever grows

    @property
    def needs_cases(self) -> bool:
        """Whether an evaluation must tell the errors on single rows."""
        return self.scheme.needs_cases

    def start(self) -> State:
        names = tuple(map(name_of, self.descriptors))
        return replace(super().start(), descriptors=names)

    def rivals(self, state: State) -> Sequence[Outcome]:
        """Return the population; of one that is an archive nothing, for there is no bar to a niche."""
        if self.descriptors:
            return ()
        return state.population if self.scheme.asynchronous else state.population or state.offspring

    def best(self, state: State, count: int) -> list[Outcome]:
        """Return the best of the population, as many as are asked for and there are."""
        members = state.population
        if self.scheme.asynchronous:  # they stand in the order of coming
            members = tuple(sorted(members, key=lambda one: (*(-score for score in one.scores), one.candidate.id)))
        return list(members[:count])

    def joined_by(self, state: State, migrants: Sequence[Outcome]) -> State:
        """Return the state after others came to compete for the same places; without a population there is nothing to join."""
        known = {member.candidate.id for member in state.population}
        migrants = [migrant for migrant in migrants if migrant.candidate.id not in known]
        if not known or not migrants:
            return state
        if self.scheme.asynchronous:
            for migrant in migrants:
                state = self._entered(state, migrant)
            return state
        return replace(state, population=self._survivors(state, migrants))

    def restore(
        self, record: Mapping[str, Any], candidates: Mapping[int, Candidate], outcomes: Sequence[Outcome]
    ) -> State:
        for index in sorted(candidates):
            self._remember_origin(candidates[index])
        return super().restore(record, candidates, outcomes)

    def _room(self, state: State, n: int) -> int:
        return n if self.scheme.asynchronous else min(n, self.population_size - state.asked)

    def _is_newcomer(self, state: State, index: int) -> bool:
        place = state.asked + index - state.next_id
        return place % self.population_size < self.scheme.newcomers(self.population_size)

    def _candidate(self, state: State, index: int) -> Candidate:
        candidate = super()._candidate(state, index)
        self._remember_origin(candidate)
        return candidate

    def _remember_origin(self, candidate: Candidate) -> None:
        origins = [self._sampled_in[parent] for parent in candidate.parents]
        self._sampled_in[candidate.id] = min(origins, default=candidate.generation)

    def _pool(
        self, state: State, outcomes: Sequence[Outcome], n_old: int | None = None, niches: Sequence[Any] = ()
    ) -> OutcomePool:
        return OutcomePool(outcomes, lambda index: state.generation - self._sampled_in[index], n_old, niches)

    def _absorb(self, state: State, outcome: Outcome) -> State:
        if self.scheme.asynchronous:
            return counted(self._entered(state, outcome) if outcome.ok else state, self.population_size)
        offspring = (*state.offspring, outcome) if outcome.ok else state.offspring
        if state.told < self.population_size:
            return replace(state, offspring=offspring)
        survivors = self._survivors(state, offspring)
        return replace(state, generation=state.generation + 1, asked=0, told=0, population=survivors, offspring=())

    def _entered(self, state: State, outcome: Outcome) -> State:
        """Return the state after an outcome has competed with the population, which stays in the order of coming."""
        if self.descriptors and outcome.duplicate_of is not None:
            return state  # it has had its chance, and what it cost is not known a second time
        individuals = (*state.population, outcome)
        niches = (*state.niches, described(outcome, self.space, self.descriptors)) if self.descriptors else ()
        pool = self._pool(state, individuals, len(state.population), niches)
        kept = np.sort(self.scheme.survivors(pool, self.population_size)).tolist()
        population = tuple(map(individuals.__getitem__, kept))
        return replace(state, population=population, niches=tuple(map(niches.__getitem__, kept)) if niches else ())

    def _survivors(self, state: State, newborn: Sequence[Outcome]) -> tuple[Outcome, ...]:
        """Return who survives of the population and the newborn, best first."""
        individuals = (*state.population, *newborn)
        competing = distinct(individuals) if self.scheme.distinct else list(range(len(individuals)))
        if not competing:
            return ()
        pool = self._pool(state, [individuals[i] for i in competing], sum(i < len(state.population) for i in competing))
        return tuple(individuals[competing[i]] for i in self.scheme.survivors(pool, self.population_size))

    def _members(self, population: Sequence[Outcome]) -> OutcomePool:
        return OutcomePool(population, lambda index: -self._sampled_in[index])

    def _select(self, population: Sequence[Outcome], count: int, rng: np.random.Generator) -> list[Outcome]:
        if self._standing[0] is not population:
            members = self._members(population)
            self._standing = population, (members, self.scheme.standing(members))
        members, standing = self._standing[1]
        chosen = self.scheme.parents(members, standing, StreamDraws(rng, count))
        return [population[i] for i in chosen[0].tolist()]


def counted(state: State, generation_size: int) -> State:
    """Return the state with its generation counted on when ``generation_size`` outcomes have been told."""
    if state.told < generation_size:
        return state
    return replace(state, generation=state.generation + 1, told=0, asked=state.asked - generation_size)


def distinct(individuals: Sequence[Outcome]) -> list[int]:
    """Return the places of one individual for each meaning: the best by its scores, then the oldest."""
    best_first = sorted(individuals, key=lambda outcome: (*(-score for score in outcome.scores), outcome.candidate.id))
    found = {_meaning(outcome): outcome for outcome in reversed(best_first)}
    return [place for place, outcome in enumerate(individuals) if found[_meaning(outcome)] is outcome]


def _meaning(outcome: Outcome) -> str:
    """Return what functionally equivalent candidates share; the key where predictions are not known."""
    return outcome.evaluation.semantics or outcome.candidate.key
