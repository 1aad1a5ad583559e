"""Several populations that seldom meet, of candidates that come one by one: now and then the best of one move to others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from evoml.algorithms.checks import check_at_least
from evoml.algorithms.evolution import Evolution
from evoml.algorithms.schemes import NSGA2, SCHEMES, Scheme
from evoml.algorithms.state import Credit, State, remembered
from evoml.algorithms.topologies import destinations
from evoml.core.errors import SettingError, nearest

if TYPE_CHECKING:
    from evoml.core.candidate import Candidate, Outcome, Trial
    from evoml.core.protocols import GenomeSpace


LEAST = 2  # individuals on an island


@dataclass(frozen=True, slots=True)
class IslandsState:
    """State of all islands.

    Attributes
    ----------
    next_id : int
        Id of the next candidate.
    generation : int
        As many as there were populations' worth of outcomes.
    told : int
        Outcomes since then.
    islands : tuple of State
        Their trials are kept once for all of them.
    homes : tuple of (int, int)
        Id and island of each candidate under way.
    trials : tuple of Trial
    """

    next_id: int
    generation: int
    told: int
    islands: tuple[State, ...]
    homes: tuple[tuple[int, int], ...] = ()
    trials: tuple[Trial, ...] = ()

    @property
    def population(self) -> tuple[Outcome, ...]:
        """Members of all islands, one island after another; a migrant is where it was first."""
        members = {one.candidate.id: one for island in self.islands for one in island.population}
        return tuple(members.values())

    @property
    def niches(self) -> tuple[tuple[Any, ...], ...]:
        """Cell of each member, where islands are archives."""
        pairs = (zip(island.population, island.niches, strict=False) for island in self.islands)
        return tuple({one.candidate.id: niche for island in pairs for one, niche in island}.values())

    @property
    def credit(self) -> Mapping[str, Credit]:
        """Credit of each operator on all islands together."""
        names = self.islands[0].credit
        return {
            name: Credit(*(sum(getattr(one.credit[name], what) for one in self.islands) for what in ("tries", "wins")))
            for name in names
        }

    def record(self) -> dict[str, Any]:
        """Return the state as JSON-like values."""
        return {
            "next_id": self.next_id,
            "generation": self.generation,
            "told": self.told,
            "islands": [island.record() for island in self.islands],
            "homes": [list(home) for home in self.homes],
            "population": [outcome.candidate.id for outcome in self.population],
            **({"niches": [list(niche) for niche in self.niches]} if self.niches else {}),
            **({"descriptors": list(self.islands[0].descriptors)} if self.niches else {}),
        }


class Islands:
    """Populations that evolve apart, asked in turn, each the one that was asked least.

    Whenever an island has completed ``every`` generations copies of its best go to its neighbours at once, and compete there
    for the same places. It depends on nothing but the order in which outcomes are told.

    Parameters
    ----------
    space : GenomeSpace
    seed : int
    population_size : int
        Individuals on all islands together, at least two on each.
    scheme : Scheme or str
        What evolves each island, or its name.
    islands : int or None
        None is four, or as many as the topology has nodes.
    every : int
        Generations of an island between two departures.
    migrants : int
        Members that depart, the best.
    topology : {"ring", "complete", "star"} or networkx graph
        Who sends to whom.
    """

    def __init__(
        self,
        space: GenomeSpace,
        seed: int,
        population_size: int = 50,
        *,
        scheme: Scheme | str = NSGA2(recrowded=True),  # noqa: B008
        islands: int | None = None,
        every: int = 5,
        migrants: int = 2,
        topology: Any = "ring",
    ) -> None:
        check_at_least(1, every=every, migrants=migrants)
        self.space, self.seed, self.population_size = space, seed, population_size
        self.every, self.migrants, self.destinations = every, migrants, destinations(topology, islands)
        count = len(self.destinations)
        if population_size < LEAST * count:
            raise SettingError(
                f"{count} islands need a population_size of at least {LEAST * count}, {LEAST} on each, got {population_size};"
                " raise it, or take fewer islands"
            )
        each = population_size // count
        self.islands = tuple(Evolution(space, seed, each, number, scheme=_scheme(scheme)) for number in range(count))
        for island in self.islands:  # what any of them has asked for counts for all
            island.initial_size = each * count
            island._first_asked, island._sampled_in = self.islands[0]._first_asked, self.islands[0]._sampled_in

    @property
    def needs_cases(self) -> bool:
        return self.islands[0].needs_cases

    def start(self) -> IslandsState:
        return IslandsState(0, 0, 0, tuple(island.start() for island in self.islands))

    def ask(self, state: IslandsState, n: int) -> tuple[IslandsState, list[Candidate]]:
        asked: list[Candidate] = []
        for _ in range(n):
            number = self._next(state)
            if number is None:
                break
            own = replace(state.islands[number], next_id=state.next_id, trials=state.trials)
            own, (candidate,) = self.islands[number].ask(own, 1)
            candidate = replace(candidate, generation=state.generation)
            self.islands[number]._remember_origin(candidate)
            asked.append(candidate)
            homes = (*state.homes, (candidate.id, number))
            state = replace(self._with(state, number, own), next_id=state.next_id + 1, homes=homes)
        return state, asked

    def _next(self, state: IslandsState) -> int | None:
        """Return the island that was asked for the fewest candidates, of those that do not wait for outcomes."""
        free = [at for at, own in enumerate(state.islands) if self.islands[at]._room(own, 1) > 0]
        asked = [self.islands[at].population_size * own.generation + own.asked for at, own in enumerate(state.islands)]
        return min(free, key=lambda at: (asked[at], at), default=None)

    def tell(self, state: IslandsState, outcomes: Sequence[Outcome]) -> IslandsState:
        for outcome in outcomes:
            state = self._told(state, outcome)
        return state

    def _told(self, state: IslandsState, outcome: Outcome) -> IslandsState:
        number = dict(state.homes)[outcome.candidate.id]
        before = state.islands[number]
        after = self.islands[number].tell(before, [outcome])
        size = sum(island.population_size for island in self.islands)
        state = replace(
            self._with(state, number, after),
            told=(state.told + 1) % size,
            generation=state.generation + (state.told + 1) // size,
            homes=tuple(home for home in state.homes if home[0] != outcome.candidate.id),
            trials=remembered(state.trials, [outcome]),
        )
        departs = after.generation > before.generation and after.generation % self.every == 0
        return self._departed(state, number) if departs else state

    def _departed(self, state: IslandsState, number: int) -> IslandsState:
        leaving = self.islands[number].best(state.islands[number], self.migrants)
        for to in self.destinations[number]:
            state = self._with(state, to, self.islands[to].joined_by(state.islands[to], leaving))
        return state

    def _with(self, state: IslandsState, number: int, own: State) -> IslandsState:
        own = replace(own, trials=())
        return replace(state, islands=(*state.islands[:number], own, *state.islands[number + 1 :]))

    def rivals(self, state: IslandsState) -> Sequence[Outcome]:
        found = {
            rival.candidate.id: rival
            for island, own in zip(self.islands, state.islands, strict=True)
            for rival in island.rivals(own)
        }
        return list(found.values())

    def restore(
        self, record: Mapping[str, Any], candidates: Mapping[int, Candidate], outcomes: Sequence[Outcome]
    ) -> IslandsState:
        islands = tuple(
            replace(island.restore(own, candidates, outcomes), trials=())
            for island, own in zip(self.islands, record["islands"], strict=True)
        )
        homes = tuple((int(index), int(number)) for index, number in record["homes"])
        counts = (record["next_id"], record["generation"], record["told"])
        return IslandsState(*counts, islands, homes, remembered((), outcomes))


def _scheme(scheme: Scheme | str) -> Scheme:
    if not isinstance(scheme, str):
        return scheme
    if scheme not in SCHEMES:
        raise SettingError(f"unknown scheme {scheme!r}{nearest(scheme, SCHEMES)}; there are: {', '.join(SCHEMES)}")
    return SCHEMES[scheme]()
