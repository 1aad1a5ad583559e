"""The loop that drives every kind of evolution: ask, record, evaluate, record, tell."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from evoml.algorithms import operator_probabilities
from evoml.core.budget import Progress, StopRule

if TYPE_CHECKING:
    from evoml.algorithms import State
    from evoml.core.candidate import Outcome
    from evoml.core.protocols import Algorithm, Callback
    from evoml.evaluation import Evaluator
    from evoml.journal import Journal

EXHAUSTED = 20  # populations' worth of duplicates in a row after which the space counts as searched through


@dataclass(frozen=True)
class Finished:
    """How a loop ended: why (``"budget"``, ``"early_stop"``, ``"interrupt"``, ``"exhausted"``), and how far it came."""

    stopped_by: str
    progress: Progress


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
    """Run until a rule says stop. The first Ctrl-C (KeyboardInterrupt) ends the loop in good order.

    ``stop_rules`` maps each reason to its rule; ``seconds`` is the longest time the run may wait for an outcome.
    """
    try:
        while not (reason := tracker.reason(stop_rules)):
            state, offspring = algorithm.ask(state, evaluator.free_slots())
            journal.asked(offspring, state.record())
            evaluator.submit(offspring)
            if not evaluator.pending:
                reason = "exhausted"
                break
            for outcome in evaluator.completed(_patience(seconds, journal.elapsed + tracker.reserve)):
                generation = state.generation
                state = algorithm.tell(state, [outcome])
                progress = tracker.told(outcome, state.generation)
                if state.generation > generation:
                    record_generation(journal, progress, state)  # before the outcome: if resumed in between, both are done again
                journal.told([outcome], state.record())
                for callback in callbacks:
                    callback(progress, outcome)
    except KeyboardInterrupt:
        reason = "interrupt"
        journal.event("interrupt")
    return Finished(reason, tracker.progress())


def _patience(seconds: float | None, spent: float) -> float | None:
    return None if seconds is None else max(0.0, seconds - spent)


def record_generation(journal: Journal, progress: Progress, state: State) -> None:
    """Record the end of a generation."""
    chances = operator_probabilities(state.credit) if state.credit else {}
    credit = {
        name: {"tries": round(c.tries, 2), "wins": round(c.wins, 2), "probability": round(chances[name], 4)}
        for name, c in state.credit.items()
    }
    journal.progressed(progress.generation, progress.evaluations, progress.best_score, {"credit": credit})


class Tracker:
    """Counts what was told, so that the same outcomes always give the same progress.

    Parameters
    ----------
    clock : callable
        Returns the seconds since the run began.
    population_size : int
        Evaluations that count as one generation when stalling is measured.
    refit_seconds : callable
        Estimates, from the best outcome, the seconds the final refit will take.
    """

    def __init__(
        self, clock: Callable[[], float], population_size: int, refit_seconds: Callable[[Any], float] = lambda _: 0.0
    ) -> None:
        self._clock, self._population_size, self._refit_seconds = clock, population_size, refit_seconds
        self._progress = Progress()
        self._improved_at = self._duplicates = 0
        self.best: Outcome | None = None

    @property
    def reserve(self) -> float:
        return self._progress.reserve

    def progress(self) -> Progress:
        return replace(self._progress, elapsed=self._clock())

    def reason(self, stop_rules: dict[str, StopRule]) -> str:
        """Return the first reason to stop, or an empty text."""
        progress = self.progress()
        if self._duplicates > EXHAUSTED * self._population_size:
            return "exhausted"
        return next((reason for reason, rule in stop_rules.items() if rule(progress)), "")

    def told(self, outcome: Outcome, generation: int) -> Progress:
        """Return the progress after one more outcome."""
        fresh = outcome.duplicate_of is None
        evaluations = self._progress.evaluations + fresh
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
            reserve=0.0 if self.best is None else self._refit_seconds(self.best),
        )
        return self.progress()


def rank(outcome: Outcome) -> tuple[float, ...]:
    """Return what outcomes are ordered by, the best one first: first objective, then the others, then age."""
    return (*(-score for score in outcome.scores), outcome.candidate.id)
