"""The loop that drives every kind of evolution: ask, record, evaluate, record, tell."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from evoml.algorithms import operator_probabilities, pareto_front
from evoml.core.budget import Progress, StopRule
from evoml.core.candidate import Status
from evoml.run.callbacks import Callbacks

if TYPE_CHECKING:
    from evoml.algorithms import State
    from evoml.core.candidate import Outcome
    from evoml.core.protocols import Algorithm, Callback
    from evoml.evaluation import Evaluator
    from evoml.journal import Journal

KEPT = 1000  # scored outcomes that are kept for the end, the best ones; the front is kept besides
CHEAPEST = 10  # and these, for the case that there is little time
EXHAUSTED = 20  # populations' worth of duplicates in a row after which the space counts as searched through


@dataclass(frozen=True)
class Finished:
    """How a loop ended.

    Attributes
    ----------
    stopped_by : str
        ``"budget"``, ``"early_stop"``, ``"interrupt"`` or ``"exhausted"``.
    progress : Progress
        How far it came.
    told : int
        Outcomes, duplicates included.
    """

    stopped_by: str
    progress: Progress
    told: int


def evolve(
    algorithm: Algorithm,
    state: State,
    evaluator: Evaluator,
    journal: Journal,
    stop_rules: dict[str, StopRule],
    tracker: Tracker,
    callbacks: Sequence[Callback] = (),
    seconds: float | None = None,
) -> Finished:
    """Ask, evaluate and tell until a rule says stop. The first Ctrl-C (KeyboardInterrupt) ends the loop in good order.

    Parameters
    ----------
    algorithm : Algorithm
    state : State
        To go on from: ``algorithm.start()``, or that of an earlier sitting.
    evaluator : Evaluator
        Closed by whoever made it.
    journal : Journal
        Is told of each step before it is acted on.
    stop_rules : dict of reason to rule
    tracker : Tracker
        Keeps the best outcomes.
    callbacks : sequence of callables
    seconds : float or None
        Since the run began, after which no outcome is waited for.
    """
    heard = Callbacks(callbacks)
    try:
        heard.started(tracker.progress())
        while not (reason := tracker.reason(stop_rules)):
            state, offspring = algorithm.ask(state, evaluator.free_slots())
            offspring = evaluator.lined_up(offspring, algorithm.rivals(state))
            journal.asked(offspring, state.record())
            evaluator.submit(offspring)
            if not evaluator.pending:
                reason = "exhausted"
                break
            outcomes = evaluator.completed(_patience(seconds, journal.elapsed + tracker.reserve))
            for outcome in outcomes:
                generation, best = state.generation, tracker.best
                state = algorithm.tell(state, [outcome])
                progress = tracker.told(outcome, state.generation)
                if state.generation > generation:
                    # before the outcome: a run resumed in between does both again
                    record_generation(journal, progress, state)
                journal.told([outcome], state.record(), evaluator.kept.changes())
                heard.told(progress, outcome, tracker.best is not best)
            if outcomes:
                heard.batch(progress, outcomes)
    except KeyboardInterrupt:
        reason = "interrupt"
        journal.event("interrupt")
    finished = Finished(reason, tracker.progress(), tracker.count)
    heard.ended(finished)
    return finished


def _patience(seconds: float | None, spent: float) -> float | None:
    return None if seconds is None else max(0.0, seconds - spent)


def record_generation(journal: Journal, progress: Progress, state: State) -> None:
    """Record the end of a generation."""
    chances = operator_probabilities(state.credit) if state.credit else {}
    credit = {
        name: {"tries": round(c.tries, 2), "wins": round(c.wins, 2), "probability": round(chances[name], 4)}
        for name, c in state.credit.items()
    }
    population = [outcome.candidate.id for outcome in state.population]
    detail = {"credit": credit, "population": population}
    journal.progressed(progress.generation, progress.evaluations, progress.best_score, detail)
    journal.put("cpu_seconds", progress.cpu)


class Tracker:
    """Counts what was told, so that the same outcomes always give the same progress.

    Parameters
    ----------
    clock : callable
        Returns the seconds since the run began.
    population_size : int
        Evaluations that count as one generation when stalling is measured.
    reserve : callable
        Estimates, from the best outcome or None, the seconds that all after the search will take.
    cpu : callable
        Returns the CPU seconds of the process that runs the search.

    Attributes
    ----------
    count : int
        Outcomes told.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        population_size: int,
        reserve: Callable[[Outcome | None], float] = lambda _: 0.0,
        cpu: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._clock, self._population_size, self._reserve, self._cpu = clock, population_size, reserve, cpu
        self._progress = Progress(reserve=reserve(None))
        self._improved_at = self._duplicates = 0
        self.best: Outcome | None = None
        self.count = 0
        self._scored: list[Outcome] = []
        self._here = False

    def scored(self) -> list[Outcome]:
        """Return the outcomes with scores that are kept, best first, without duplicates."""
        return sorted(self._scored, key=rank)

    def go_on(self, cpu: float, here: bool) -> None:
        """Begin a sitting; the earlier ones are told and took ``cpu`` CPU seconds, as far as recorded.

        ``here`` says whether evaluations are made in this process, whose CPU seconds include them.
        """
        self._progress = replace(self._progress, cpu=max(self._progress.cpu, cpu))
        self._here = here

    @property
    def reserve(self) -> float:
        return self._progress.reserve

    def progress(self) -> Progress:
        return replace(self._progress, elapsed=self._clock(), cpu=self._progress.cpu + self._cpu())

    def reason(self, stop_rules: dict[str, StopRule]) -> str:
        """Return the first reason to stop, or an empty text."""
        progress = self.progress()
        if self._duplicates > EXHAUSTED * self._population_size:
            return "exhausted"
        return next((reason for reason, rule in stop_rules.items() if rule(progress)), "")

    def told(self, outcome: Outcome, generation: int) -> Progress:
        """Return the progress after one more outcome."""
        evaluation = outcome.evaluation
        fresh = outcome.duplicate_of is None
        self.count += 1
        if outcome.ok and fresh:
            self._scored.append(replace(outcome, evaluation=replace(evaluation, predictions=None, steps=())))
            if len(self._scored) >= 2 * KEPT:
                self._sort_out()
        evaluations = self._progress.evaluations + (fresh and evaluation.status is not Status.VETOED)
        self._duplicates = 0 if fresh else self._duplicates + 1
        if outcome.ok and (self.best is None or rank(outcome) < rank(self.best)):
            if self.best is None or outcome.scores[0] > self.best.scores[0]:
                self._improved_at = evaluations
            self.best = outcome
        self._progress = Progress(
            asked=max(self._progress.asked, outcome.candidate.id + 1),
            evaluations=evaluations,
            generation=generation,
            best_score=-math.inf if self.best is None else self.best.scores[0],
            stalled=(evaluations - self._improved_at) // self._population_size,
            reserve=self._reserve(self.best),
            cpu=self._progress.cpu + (0.0 if self._here else evaluation.cost.cpu),
        )
        return self.progress()

    def _sort_out(self) -> None:
        """Keep what the end of a run may need, so that a long run holds no more than a short one."""
        best = self.scored()
        cheapest = sorted(best, key=lambda outcome: outcome.evaluation.cost.fit)[:CHEAPEST]
        kept = {outcome.candidate.id: outcome for outcome in (*best[:KEPT], *pareto_front(best), *cheapest)}
        self._scored = list(kept.values())


def rank(outcome: Outcome) -> tuple[float, ...]:
    """Return what outcomes are ordered by, the best one first: first objective, then the others, then age."""
    return (*(-score for score in outcome.scores), outcome.candidate.id)
