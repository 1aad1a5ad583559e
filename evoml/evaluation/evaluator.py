"""Between loop and executor: candidates in, outcomes out, no meaning evaluated twice, and an order where order matters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from evoml.core.candidate import Candidate, Cost, Evaluation, Outcome, Status

if TYPE_CHECKING:
    from evoml.core.protocols import Executor
    from evoml.evaluation.objectives import Objective


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
    """

    def __init__(
        self,
        executor: Executor,
        objectives: Mapping[str, Objective],
        *,
        look_ahead: int | None = None,
        max_evaluations: int | None = None,
    ) -> None:
        self.executor, self.objectives, self.look_ahead = executor, objectives, look_ahead
        self.max_evaluations = max_evaluations
        self.begun = 0
        self._first: dict[str, int] = {}  # key -> id of the candidate whose evaluation counts
        self._evaluations: dict[int, Evaluation] = {}
        self._waiting: dict[int, Candidate] = {}  # in the order of asking

    def remember(self, outcomes: Sequence[Outcome]) -> None:
        """Take over outcomes of an earlier sitting, so that nothing is evaluated again."""
        for outcome in outcomes:
            if outcome.duplicate_of is None:
                self._first[outcome.candidate.key] = outcome.candidate.id
                self._evaluations[outcome.candidate.id] = outcome.evaluation
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

    def submit(self, candidates: Sequence[Candidate]) -> None:
        """Begin to evaluate candidates; one whose key is known waits for, or takes, the earlier evaluation."""
        for candidate in candidates:
            self._waiting[candidate.id] = candidate
            if self._first.setdefault(candidate.key, candidate.id) == candidate.id:
                self.begun += 1
                self.executor.submit(candidate.id, str(candidate.genome))

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
        if duplicate_of is not None:
            evaluation = replace(evaluation, cost=Cost())  # it cost nothing
        if evaluation.status is not Status.OK:
            return Outcome(candidate, evaluation, duplicate_of=duplicate_of)
        scores = tuple(objective(candidate, evaluation) for objective in self.objectives.values())
        return Outcome(candidate, evaluation, scores, duplicate_of)

    def close(self) -> None:
        self.executor.close()
