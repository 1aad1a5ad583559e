"""Between loop and executor: candidates in, outcomes out, no meaning evaluated twice, and an order where order matters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from evoml.core.candidate import Candidate, Cost, Evaluation, Outcome, Status
from evoml.evaluation.predictions import Kept

if TYPE_CHECKING:
    import numpy as np

    from evoml.core.protocols import Executor
    from evoml.evaluation.objectives import Objective
    from evoml.evaluation.racing import Racing

FREE = Cost()


class Evaluator:
    """Evaluates candidates by way of an executor.

    Parameters
    ----------
    executor : Executor
    objectives : mapping of name to objective
    look_ahead : int or None
        With a number, outcomes are told one by one in the order of asking, and at most that many candidates are under
        way, whatever the number of workers: the run is the same on any machine. With None they are told as they arrive.
    max_evaluations : int or None
        No more evaluations than this are begun.
    racing : Racing or None
        Sets the bars of candidates; without it all are evaluated on all folds.

    Attributes
    ----------
    kept : Kept
        Out-of-fold predictions of what was told.
    refuse : callable
        Returns why a candidate shall not be evaluated, or an empty text; asked before each evaluation.
    """

    def __init__(
        self,
        executor: Executor,
        objectives: Mapping[str, Objective],
        *,
        look_ahead: int | None = None,
        max_evaluations: int | None = None,
        racing: Racing | None = None,
    ) -> None:
        self.executor, self.objectives, self.look_ahead = executor, objectives, look_ahead
        self.max_evaluations, self.racing, self.kept = max_evaluations, racing, Kept()
        self.refuse: Callable[[Candidate], str] = lambda candidate: ""
        self.begun = 0
        self._first: dict[str, int] = {}  # key -> id of the candidate whose evaluation counts
        self._evaluations: dict[int, Evaluation] = {}
        self._waiting: dict[int, Candidate] = {}  # in the order of asking

    def remember(self, outcomes: Sequence[Outcome], predictions: Mapping[int, np.ndarray] | None = None) -> None:
        """Take over outcomes and predictions of an earlier sitting, so that nothing is evaluated again."""
        self.kept.restore(predictions or {}, {o.candidate.id: o for o in outcomes if o.ok})
        for outcome in outcomes:
            if self.racing:
                self.racing.told(outcome)
            if outcome.duplicate_of is None and outcome.status is not Status.VETOED:  # there may be time for it now
                self._first[outcome.candidate.key] = outcome.candidate.id
                self._evaluations[outcome.candidate.id] = _for_duplicates(outcome.evaluation)
                self.begun += 1

    def free_slots(self) -> int:
        """Return how many more candidates can be taken now."""
        room = (self.look_ahead or self.executor.capacity) - len(self._waiting)
        left = room if self.max_evaluations is None else self.max_evaluations - self.begun
        return max(0, min(room, left))

    @property
    def pending(self) -> int:
        """How many candidates are under way."""
        return len(self._waiting)

    def lined_up(self, candidates: Sequence[Candidate], rivals: Sequence[Outcome]) -> list[Candidate]:
        """Return candidates with the bars of their race against ``rivals``."""
        return list(candidates) if self.racing is None else self.racing.lined_up(candidates, rivals)

    def submit(self, candidates: Sequence[Candidate]) -> None:
        """Begin to evaluate candidates; one whose key is known waits for, or takes, the earlier evaluation."""
        for candidate in candidates:
            self._waiting[candidate.id] = candidate
            if self._first.setdefault(candidate.key, candidate.id) == candidate.id:
                if reason := self.refuse(candidate):
                    self._evaluations[candidate.id] = Evaluation(Status.VETOED, error=reason)
                    continue
                self.begun += 1
                self.executor.submit(candidate.id, str(candidate.genome), candidate.bars)

    def completed(self, timeout: float | None = None) -> list[Outcome]:
        """Return outcomes that may be told now; waits for the first one, at most ``timeout`` seconds."""
        found = self._tellable()
        if not found and self._waiting:
            self._evaluations.update(self.executor.completed(timeout))
            found = self._tellable()
        return found

    def _tellable(self) -> list[Outcome]:
        done = [index for index in self._waiting if self._source(index) in self._evaluations]
        if self.look_ahead is not None:
            done = done[: 1 if done and done[0] == next(iter(self._waiting)) else 0]
        return [self._outcome(self._waiting.pop(index)) for index in done]

    def _source(self, index: int) -> int:
        return self._first[self._waiting[index].key]

    def _outcome(self, candidate: Candidate) -> Outcome:
        source = self._first[candidate.key]
        evaluation = self._evaluations[source]
        duplicate_of = source if source != candidate.id else None
        measured = self.objectives.values() if evaluation.status is Status.OK else ()
        scores = tuple(objective(candidate, evaluation) for objective in measured)
        if duplicate_of is not None:
            evaluation = replace(evaluation, cost=FREE)  # only now: it is judged by what it would cost
        outcome = Outcome(candidate, evaluation, scores, duplicate_of)
        return self._told(outcome) if duplicate_of is None else outcome

    def _told(self, outcome: Outcome) -> Outcome:
        """Return the outcome without its predictions, of which the best are kept elsewhere."""
        evaluation, index = outcome.evaluation, outcome.candidate.id
        if self.racing:
            self.racing.told(outcome)
        if outcome.ok and evaluation.predictions is not None:
            self.kept.offer(index, outcome.scores[0], evaluation.semantics, evaluation.predictions)
        self._evaluations[index] = _for_duplicates(evaluation)
        return replace(outcome, evaluation=replace(evaluation, predictions=None))

    def close(self) -> None:
        self.executor.close()


def _for_duplicates(evaluation: Evaluation) -> Evaluation:
    """Return what is kept of an evaluation, for duplicates: those have no predictions of their own."""
    return replace(evaluation, predictions=None, steps=())
