"""How a run keeps to its seconds: what may still begin, what is kept for the end, and by when that must be over."""

from __future__ import annotations

import heapq
import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from evoml.core.candidate import Status
from evoml.evaluation.cost_model import CostModel, Estimate

if TYPE_CHECKING:
    from evoml.core.budget import Budget, Progress
    from evoml.core.candidate import Candidate, Outcome
    from evoml.evaluation import Problem
    from evoml.genomes.pipeline_tree import PipelineSpace, PipelineTree

LOWEST_TENTH = -1.28  # standard deviations from the median
HIGHEST_TWENTIETH = 1.64
BEYOND_LIMIT = 2.0  # what was stopped at its time limit would have taken about so many times as long
FIRST_PAUSE = 0.001  # seconds after a refusal; twice as long after each further one in a row
SHORTEST_PAUSE, PAUSES = 0.01, 20  # near the end: that many pauses in the time left, none shorter than that
PROCESS_SECONDS = 0.25  # more or less, that starting a process to fit in takes, or stopping all of them
ENSEMBLE_SHARE = 0.12  # of the budget, at most, is kept for the final ensemble
CHOOSING_SHARE, MOST_CHOOSING = 0.05, 5.0  # share of the budget, and seconds, that choosing its members may take
QUICK_CHOICE, LONG_CHOICE = 0.05, 0.7  # seconds that it does take on a small table, and on any large one
ROWS_CHOSEN_BY = 20_000  # rows times classes from which on a table is a large one
EXPECTING_SHARE, LEAST_EXPECTING, MOST_EXPECTING = 0.01, 0.1, 2.0  # the same for telling what to expect of new rows
BASELINE_SHARE = 0.1  # of the budget, at most, is kept for a baseline: a constant guess takes no time


class Pace:
    """Estimates, from all that was told, what a run bounded by seconds can still do.

    Parameters
    ----------
    budget : Budget
    problem : Problem
    space : PipelineSpace
    clock : callable
        Returns the seconds since the run began.
    stoppable : bool
        Whether evaluations are made in processes of their own, which can be stopped when time is up; if not, only what is
        likely to finish may begin.
    rehearse : callable
        Does what is to be done after the last refit; it is timed whenever twice as much was told.
    members, at_once : int
        Candidates that may become part of the final model, and how many are fitted at once.
    """

    def __init__(
        self,
        budget: Budget,
        problem: Problem,
        space: PipelineSpace,
        clock: Callable[[], float],
        stoppable: bool = True,
        rehearse: Callable[[], object] = lambda: None,
        members: int = 1,
        at_once: int = 1,
    ) -> None:
        self.budget, self.space = budget, space
        self.time_limit = problem.time_limit
        self._clock, self._rehearse = clock, rehearse
        self._optimism, self.start = (LOWEST_TENTH, PROCESS_SECONDS) if stoppable else (0.0, 0.0)
        self._rows, self._columns = problem.dataset.n_rows, problem.dataset.n_features
        self._folds, self._fold_rows = len(problem.splits), int(np.mean([len(train) for train, _ in problem.splits]))
        self.costs = CostModel(problem.dataset.n_answers, self._fold_rows, self._columns)
        self._told = self._rehearsed = self._refused = 0
        self._rehearsal = self._reserve = self._refit = 0.0
        self._best: int | None = None
        self._members, self._at_once = members, at_once
        # Score, minus number, and seconds of the refit of the best candidates, the worst of them first.
        self._leading: list[tuple[float, int, float]] = []

    # -- learning -----------------------------------------------------------------------------------------------------

    def told(self, progress: Progress, outcome: Outcome) -> None:
        """Learn from an outcome; the signature is that of a callback."""
        self._told += 1
        evaluation = outcome.evaluation
        if outcome.ok and outcome.duplicate_of is None and self._members > 1:
            self._leads(outcome)
        if outcome.duplicate_of is None and evaluation.status is not Status.VETOED:
            plan = self.space.plan(outcome.candidate.genome)
            if evaluation.steps:
                self.costs.learn(plan, evaluation.steps)
            elif evaluation.status is Status.TIMEOUT:
                seconds = BEYOND_LIMIT * evaluation.cost.wall / self._folds
                self.costs.learn_limit(plan, seconds, self._fold_rows, self._columns)
        if self._told >= 2 * self._rehearsed:
            self.rehearse()

    def rehearse(self) -> None:
        """Find out what is to be done after the last refit takes."""
        watch = time.process_time if self.budget.seconds is None else time.perf_counter
        began = watch()
        self._rehearse()
        self._rehearsal, self._rehearsed = watch() - began, max(self._told, 1)

    # -- what is kept for the end -------------------------------------------------------------------------------------

    @property
    def tail(self) -> float:
        """Seconds that all after the refit will take."""
        return self._rehearsal * max(1.0, self._told / max(self._rehearsed, 1))

    def reserve(self, best: Outcome | None) -> float:
        """Return the seconds to keep for the end: what it will likely take, or more where it could become too late."""
        if best is None or best.candidate.id != self._best:
            self._best = None if best is None else best.candidate.id
            self._refit = self._baseline() if best is None else self._likely(self.refit(best))
        self._reserve = max(self._refit + self._choosing(), self._ensemble()) + self.tail
        return self._reserve

    def _leads(self, outcome: Outcome) -> None:
        """Remember the best candidates: those of an ensemble take about as long to fit."""
        heapq.heappush(self._leading, (outcome.scores[0], -outcome.candidate.id, self.refit(outcome).seconds))
        if len(self._leading) > self._members:
            heapq.heappop(self._leading)

    def _ensemble(self) -> float:
        """Return the seconds to keep for an ensemble: choosing it and fitting it, but no more than a share of the budget."""
        at_once = self._at_once if self.budget.seconds else 1
        fits = sum(seconds for _, _, seconds in self._leading) / at_once
        return min(
            fits + self._choosing(), ENSEMBLE_SHARE * (self.budget.seconds or self.budget.cpu_seconds or math.inf)
        )

    def _choosing(self) -> float:
        """Return the seconds that choosing an ensemble, and telling what to expect of it, will likely take."""
        if len(self._leading) < 2:
            return 0.0
        judged = min(1.0, self._rows * self.costs.n_outputs / ROWS_CHOSEN_BY)
        choice = min(self.time_to_choose(), QUICK_CHOICE + judged * (LONG_CHOICE - QUICK_CHOICE))
        return choice + self.time_to_expect()

    def time_to_choose(self) -> float:
        """Return the seconds that choosing an ensemble may take."""
        return min(MOST_CHOOSING, CHOOSING_SHARE * (self.budget.seconds or self.budget.cpu_seconds or math.inf))

    def time_to_expect(self) -> float:
        """Return the seconds that telling what to expect of new rows may take."""
        seconds = self.budget.seconds or self.budget.cpu_seconds
        return (
            0.0 if seconds is None else min(MOST_EXPECTING, LEAST_EXPECTING + EXPECTING_SHARE * seconds, 0.1 * seconds)
        )

    def _likely(self, estimate: Estimate) -> float:
        if self.budget.seconds is None or self.budget.latest is None:
            return estimate.seconds
        return max(estimate.seconds, estimate.at(HIGHEST_TWENTIETH) - (self.budget.latest - self.budget.seconds))

    def _baseline(self) -> float:
        """Return the seconds to keep for the first of the known pipelines, as long as nothing else is scored."""
        seconds = self.first_fit(self.space.initial[0]).seconds if self.space.initial else 0.0
        return seconds if self.budget.seconds is None else min(seconds, BASELINE_SHARE * self.budget.seconds)

    def refit(self, outcome: Outcome) -> Estimate:
        """Estimate fitting a candidate on all rows, from what fitting it on its folds took."""
        plan, cost = self.space.plan(outcome.candidate.genome), outcome.evaluation.cost
        seconds = cost.fit_cpu if self.budget.seconds is None and cost.fit_cpu else cost.fit
        return self.costs.scaled(plan, seconds / self._folds, self._fold_rows, self._rows, self._columns)

    def first_fit(self, tree: PipelineTree) -> Estimate:
        """Estimate fitting a pipeline on all rows that was never evaluated."""
        return self.costs.fit(self.space.plan(tree), self._rows, self._columns)

    def time_to_fit(self) -> float | None:
        """Return the seconds left for the refit if everything is to be over in time; None without a bound."""
        return None if self.budget.latest is None else self.budget.latest - self.tail - self.start - self._clock()

    # -- what may begin -----------------------------------------------------------------------------------------------

    def refuse(self, candidate: Candidate) -> str:
        """Return why a candidate is not worth beginning, or an empty text.

        Takes a pause, longer and longer, where nothing else is left to do than to refuse.
        """
        assert self.budget.seconds is not None
        left = self.budget.seconds - self._reserve - self._clock()
        estimate = self.costs.fold(self.space.plan(candidate.genome), self._fold_rows, self._columns)
        estimate = estimate.times(self._folds)
        allowed = left if self.time_limit is None else min(left, self.time_limit)
        if estimate.at(self._optimism) <= allowed:
            self._refused = 0
            return ""
        time.sleep(max(0.0, min(FIRST_PAUSE * 2 ** min(self._refused, 20), max(left / PAUSES, SHORTEST_PAUSE), left)))
        self._refused += 1
        why = "are left" if allowed == left else "is its limit"
        return f"would take about {estimate.seconds:.3g} s; {max(allowed, 0.0):.3g} s {why}"
