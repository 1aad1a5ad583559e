"""An algorithm of one's own: hill climbing over whole neighbourhoods, begun again at each summit (White et al. 2021)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from evoml.core.candidate import Candidate, Outcome
from evoml.core.random import stream

if TYPE_CHECKING:
    from genome import Cell, CellSpace


@dataclass(frozen=True)
class State:
    """Where the climb is.

    Attributes
    ----------
    next_id : int
        Id of the next candidate.
    summit : Outcome or None
        The best cell since the climb began; None before its first cell was told.
    waiting : tuple of Cell
        Neighbours of ``around`` that are still to be asked.
    around : Outcome or None
        Cell whose neighbourhood is being looked at.
    under_way : int
        Candidates asked and not told.
    """

    next_id: int = 0
    summit: Outcome | None = None
    waiting: tuple[Cell, ...] = ()
    around: Outcome | None = None
    under_way: int = 0


class LocalSearch:
    """Looks at all neighbours of a cell, moves to the best of them, and draws a new first cell where none is better.

    ``population_size`` is taken, as it is from every algorithm, and not used.
    """

    def __init__(self, space: CellSpace, seed: int, population_size: int = 1) -> None:
        self.space, self.seed = space, seed

    def start(self) -> State:
        return State()

    def ask(self, state: State, n: int) -> tuple[State, list[Candidate]]:
        """Return what is left of the neighbourhood, at most ``n`` cells; a first cell where a climb begins."""
        first, waiting = state.next_id, state.waiting
        if not waiting and not state.under_way:
            waiting = tuple(self.space.sample([first], [stream(self.seed, 0, first)]))
        parent = state.around
        parents = () if parent is None else (parent.candidate.id,)
        scores = () if parent is None else parent.scores
        operator = "initial" if parent is None else "neighbour"
        asked = [
            Candidate(first + at, cell, self.space.key(cell), parents, operator, parent_scores=scores)
            for at, cell in enumerate(waiting[:n])
        ]
        after = replace(state, next_id=first + len(asked), waiting=waiting[n:], under_way=state.under_way + len(asked))
        return after, asked

    def tell(self, state: State, outcomes: Sequence[Outcome]) -> State:
        for outcome in outcomes:
            better = outcome.ok and (state.summit is None or outcome.scores > state.summit.scores)
            state = replace(state, under_way=state.under_way - 1, summit=outcome if better else state.summit)
            if not state.waiting and not state.under_way:
                state = _moved(state)
        return state

    def rivals(self, state: State) -> Sequence[Outcome]:
        return ()

    def restore(
        self, record: Mapping[str, Any], candidates: Mapping[int, Candidate], outcomes: Sequence[Outcome]
    ) -> State:
        raise NotImplementedError("a search of a table takes a second: begin it again")


def _moved(state: State) -> State:
    """Return the state after a whole neighbourhood: on the best cell, or nowhere if that is the one before."""
    if state.summit is None or state.summit is state.around:
        return State(state.next_id)
    return replace(state, around=state.summit, waiting=tuple(state.summit.candidate.genome.neighbours()))
