"""Between loop and executor: candidates in, outcomes out, no meaning evaluated twice, and an order where order matters."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from operator import attrgetter
from typing import TYPE_CHECKING

from evoml.core.candidate import Candidate, Cost, Evaluation, Outcome, Status
from evoml.evaluation.predictions import Kept
from evoml.evaluation.readiness import LOOK_SECONDS, POSTPONED

if TYPE_CHECKING:
    import numpy as np

    from evoml.core.protocols import Executor
    from evoml.evaluation.objectives import Objective
    from evoml.evaluation.racing import Racing
    from evoml.evaluation.readiness import Readiness

FREE = Cost()
COSTS = attrgetter(*(field.name for field in fields(Cost)))
FIRST_AHEAD = 8  # candidates under way at first in an ordered run, and half of one more for each one told
MOST_HELD = 32  # candidates that wait for kernels at once, where they need not be waited for
FIRST_PAUSE = 0.001  # seconds before one more is refused; twice as long before each further one in a row


class Evaluator:
    """Evaluates candidates by way of an executor.

    Parameters
    ----------
    executor : Executor
    objectives : mapping of name to objective
    look_ahead : int or None
        With a number, outcomes are told one by one in the order of asking, and at most that many candidates are under
        way (fewer at first, since a race needs rivals), whatever the number of workers: the run is the same on any
        machine. With None they are told as they arrive.
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
    readiness : Readiness or None
        Says which candidates wait for their kernels to be compiled. They are held back while others go first; with a
        ``look_ahead`` they are told in their turn all the same, without it they are refused where nobody has the
        patience to wait for them.
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
        self.readiness: Readiness | None = None
        self.begun = 0
        self._held: dict[int, Candidate] = {}  # those that wait for their kernels
        self._postponed = 0  # refused for their kernels' sake since the last one was begun
        self._first: dict[str, int] = {}  # key -> id of the candidate whose evaluation counts
        self._evaluations: dict[int, Evaluation] = {}  # those to be told
        self._told: dict[int, bytes] = {}  # all others, for duplicates, packed: a long run has many
        self._count = 0  # outcomes told
        self._waiting: dict[int, Candidate] = {}  # in the order of asking

    def remember(self, outcomes: Sequence[Outcome], predictions: Mapping[int, np.ndarray] | None = None) -> None:
        """Take over outcomes and predictions of an earlier sitting, so that nothing is evaluated again."""
        self.kept.restore(predictions or {}, {o.candidate.id: o for o in outcomes if o.ok})
        for outcome in outcomes:
            self._count += 1
            if self.racing:
                self.racing.told(outcome)
            if outcome.duplicate_of is None and outcome.status is not Status.VETOED:  # there may be time for it now
                self._first[outcome.candidate.key] = outcome.candidate.id
                self._told[outcome.candidate.id] = packed(outcome.evaluation)
                self.begun += 1

    def free_slots(self) -> int:
        """Return how many more candidates can be taken now."""
        if self.look_ahead is not None:
            room = min(self.look_ahead, FIRST_AHEAD + self._count // 2) - len(self._waiting)
        elif self.begun == 0 and len(self._held) >= MOST_HELD:  # there seems to be nothing that need not wait
            room = 0
        else:  # those held back keep no worker busy
            room = self.executor.capacity - len(self._waiting) + len(self._held)
        left = room if self.max_evaluations is None else self.max_evaluations - self.begun - len(self._held)
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
            if self._is_postponed(candidate.key):
                del self._first[candidate.key]
            if self._first.setdefault(candidate.key, candidate.id) == candidate.id:
                self._begin(candidate)

    def _begin(self, candidate: Candidate) -> None:
        """Hand a candidate to the executor, unless it is refused or must wait for its kernels."""
        if reason := self.refuse(candidate):
            self._veto(candidate, reason)
        elif self.readiness is None or not self.readiness.awaited(candidate):
            self.begun += 1
            self._postponed = 0
            self.executor.submit(candidate.id, str(candidate.genome), candidate.bars)
        elif self.look_ahead is not None or len(self._held) < MOST_HELD:
            self._held[candidate.id] = candidate
        else:
            time.sleep(min(FIRST_PAUSE * 2**self._postponed, LOOK_SECONDS))
            self._postponed = min(self._postponed + 1, 20)
            self._veto(candidate, POSTPONED)

    def _veto(self, candidate: Candidate, reason: str) -> None:
        self._evaluations[candidate.id] = Evaluation(Status.VETOED, error=reason)

    def _is_postponed(self, key: str) -> bool:
        """Tell whether a key is that of a candidate that was refused only because its kernels were not compiled then."""
        source = self._first.get(key, -1)
        if not self._is_known(source):
            return False
        evaluation = self._evaluation(source)
        return evaluation.status is Status.VETOED and evaluation.error == POSTPONED

    def _is_known(self, index: int) -> bool:
        return index in self._evaluations or index in self._told

    def _evaluation(self, index: int) -> Evaluation:
        found = self._evaluations.get(index)
        return unpacked(self._told[index]) if found is None else found

    def completed(self, timeout: float | None = None) -> list[Outcome]:
        """Return outcomes that may be told now; waits for the first one, at most ``timeout`` seconds."""
        self._release()
        found = self._tellable()
        if not found and self._waiting:
            self._wait(timeout)
            found = self._tellable()
        return found

    def _wait(self, timeout: float | None) -> None:
        if self._held:
            timeout = LOOK_SECONDS if timeout is None else min(timeout, LOOK_SECONDS)
            if not self._busy():
                time.sleep(timeout)
        self._evaluations.update(self.executor.completed(timeout))

    def _busy(self) -> bool:
        """Tell whether the executor has anything to do."""
        under_way = self._waiting.keys() - self._evaluations.keys() - self._held.keys()
        return any(self._source(index) == index for index in under_way)

    def _release(self) -> None:
        """Begin what was held back and needs to wait no longer, or refuse it where waiting leaves all workers idle."""
        if not self._held or self.readiness is None:
            return
        self.readiness.look()
        # With nothing else begun so far there is nothing to be done in the meantime either.
        idle = self.look_ahead is None and self.begun > 0 and not self.readiness.patient and not self._busy()
        held, self._held = self._held, {}
        for candidate in held.values():
            if not self.readiness.awaited(candidate):
                self._begin(candidate)
            elif idle:
                self._veto(candidate, POSTPONED)
            else:
                self._held[candidate.id] = candidate

    def _tellable(self) -> list[Outcome]:
        done = [index for index in self._waiting if self._is_known(self._source(index))]
        if self.look_ahead is not None:
            done = done[: 1 if done and done[0] == next(iter(self._waiting)) else 0]
        return [self._outcome(self._waiting.pop(index)) for index in done]

    def _source(self, index: int) -> int:
        return self._first[self._waiting[index].key]

    def _outcome(self, candidate: Candidate) -> Outcome:
        source = self._first[candidate.key]
        evaluation = self._evaluation(source)
        duplicate_of = source if source != candidate.id else None
        measured = self.objectives.values() if evaluation.status is Status.OK else ()
        scores = tuple(objective(candidate, evaluation) for objective in measured)
        if duplicate_of is not None:
            evaluation = replace(evaluation, cost=FREE)  # only now: it is judged by what it would cost
        outcome = Outcome(candidate, evaluation, scores, duplicate_of)
        self._count += 1
        return self._learned(outcome) if duplicate_of is None else outcome

    def _learned(self, outcome: Outcome) -> Outcome:
        """Return the outcome without its predictions, of which the best are kept elsewhere."""
        evaluation, index = outcome.evaluation, outcome.candidate.id
        if self.racing:
            self.racing.told(outcome)
        if outcome.ok and evaluation.predictions is not None:
            self.kept.offer(index, outcome.scores[0], evaluation.semantics, evaluation.predictions)
        del self._evaluations[index]
        self._told[index] = packed(evaluation)
        return replace(outcome, evaluation=replace(evaluation, predictions=None))

    def close(self) -> None:
        self.executor.close()
        if self.readiness:
            self.readiness.close()


def packed(evaluation: Evaluation) -> bytes:
    """Return what duplicates need of an evaluation in a third of the memory: they have no predictions of their own."""
    found = evaluation
    scores = dict(found.fold_scores)
    known = (str(found.status), scores, COSTS(found.cost), found.error, found.rungs, found.semantics, found.cases)
    return pickle.dumps(known)


def unpacked(content: bytes) -> Evaluation:
    """Return the evaluation that :func:`packed` was given, without its predictions and steps."""
    status, scores, cost, error, rungs, semantics, cases = pickle.loads(content)
    return Evaluation(Status(status), scores, Cost(*cost), error, rungs, semantics, cases=cases)
