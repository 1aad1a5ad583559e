"""What all evolutionary algorithms share: asking by keyed streams, operators by credit, no candidate twice."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from evoml.algorithms.state import Credit, State, remembered
from evoml.core.candidate import Candidate, Outcome
from evoml.core.random import stream

if TYPE_CHECKING:
    import numpy as np

    from evoml.core.protocols import GenomeSpace

ATTEMPTS = 10  # at an offspring that was not asked before
LEAST_SHARE = 0.05  # of all uses that every operator keeps, however poor its credit


class EvolutionaryAlgorithm(ABC):
    """Ask and tell around two decisions that a subclass makes: who becomes a parent, and who survives.

    Parameters
    ----------
    space : GenomeSpace
        Where genomes come from.
    seed : int
        Candidate ``i`` draws from ``stream(seed, island, i)`` alone.
    population_size : int
        Individuals in the population, and candidates in a generation.
    island : int
        Number of this population among several.
    """

    def __init__(self, space: GenomeSpace, seed: int, population_size: int = 50, island: int = 0) -> None:
        self.space, self.seed, self.population_size, self.island = space, seed, population_size, island
        self.initial_size = population_size  # candidates that are sampled at first
        self._first_asked: dict[str, int] = {}  # key -> id of the candidate that had it first; only ever grows

    @abstractmethod
    def _select(self, population: Sequence[Outcome], count: int, rng: np.random.Generator) -> list[Outcome]:
        """Return ``count`` parents."""

    @abstractmethod
    def _absorb(self, state: State, outcome: Outcome) -> State:
        """Return the state after one more outcome; ``told`` already counts it."""

    def _room(self, state: State, n: int) -> int:
        """Return how many of ``n`` candidates may be asked before outcomes are told; all, unless there is a barrier."""
        return n

    def _is_newcomer(self, state: State, index: int) -> bool:
        """Tell whether candidate number ``index`` is to be sampled though there is a population."""
        return False

    def start(self) -> State:
        """Return the state before the first step."""
        return State(credit={name: Credit() for name in self.space.operators})

    def ask(self, state: State, n: int) -> tuple[State, list[Candidate]]:
        """Return the next state and at most ``n`` new candidates; none while outcomes must be awaited."""
        room = max(self._room(state, n), 0)
        candidates = [self._candidate(state, state.next_id + index) for index in range(room)]
        return replace(state, next_id=state.next_id + room, asked=state.asked + room), candidates

    def tell(self, state: State, outcomes: Sequence[Outcome]) -> State:
        """Return the state after outcomes; the one that is given stays as it was."""
        for outcome in outcomes:
            credited, trials = _credited(state.credit, outcome), remembered(state.trials, [outcome])
            state = self._absorb(replace(state, told=state.told + 1, credit=credited, trials=trials), outcome)
        return state

    def rivals(self, state: State) -> Sequence[Outcome]:
        """Return the outcomes that a new candidate must beat to survive."""
        return state.population

    def restore(
        self, record: Mapping[str, Any], candidates: Mapping[int, Candidate], outcomes: Sequence[Outcome]
    ) -> State:
        """Return the state that ``state.record()`` gave, of a run with these candidates asked and outcomes told."""
        for candidate in candidates.values():
            self._first_asked.setdefault(candidate.key, candidate.id)
        return State.restore(record, {outcome.candidate.id: outcome for outcome in outcomes})

    def _candidate(self, state: State, index: int) -> Candidate:
        """Return candidate number ``index``: sampled at first, bred from the population later."""
        rng = stream(self.seed, self.island, index)
        for _ in range(ATTEMPTS):
            candidate = self._draw(state, index, rng)
            if self._first_asked.setdefault(candidate.key, index) == index:
                break
        return candidate

    def _draw(self, state: State, index: int, rng: np.random.Generator) -> Candidate:
        if index < self.initial_size or not state.population or self._is_newcomer(state, index):
            genome = self.space.sample([index], [rng])[0]
            return Candidate(index, genome, self.space.key(genome), generation=state.generation)
        operator = choose_operator(state.credit, rng)
        parents = self._select(state.population, self.space.operators[operator], rng)
        genome = self.space.vary([operator], [[p.candidate.genome for p in parents]], [rng], state.trials)[0]
        return Candidate(
            id=index,
            genome=genome,
            key=self.space.key(genome),
            parents=tuple(parent.candidate.id for parent in parents),
            operator=operator,
            generation=state.generation,
            parent_scores=parents[0].scores,
        )


def choose_operator(credit: Mapping[str, Credit], rng: np.random.Generator) -> str:
    """Return an operator by adaptive credit."""
    chances = operator_probabilities(credit)
    return str(list(chances)[rng.choice(len(chances), p=list(chances.values()))])


def operator_probabilities(credit: Mapping[str, Credit]) -> dict[str, float]:
    """Return how often each operator is chosen: in proportion to its success (probability matching, Thierens 2005)."""
    total = sum(c.success for c in credit.values())
    least = min(LEAST_SHARE, 0.5 / len(credit))  # of very many operators, half of all uses still follow credit
    share = 1.0 - least * len(credit)
    return {name: least + share * c.success / total for name, c in credit.items()}


def is_improvement(outcome: Outcome) -> bool:
    """Tell whether an offspring has a better first objective than its first parent, or dominates it."""
    bar, scores = outcome.candidate.parent_scores, outcome.scores
    if not outcome.ok or not bar or outcome.duplicate_of is not None:
        return False
    return scores[0] > bar[0] or (scores != bar and all(mine >= its for mine, its in zip(scores, bar, strict=True)))


def _credited(credit: Mapping[str, Credit], outcome: Outcome) -> Mapping[str, Credit]:
    operator = outcome.candidate.operator
    if operator not in credit:
        return credit
    return {**credit, operator: credit[operator].told(is_improvement(outcome))}
