"""A recorded run, repeated: asked as recorded, evaluated again, told in the recorded order, and everything compared.

What depended on time or on the machine cannot come again, and is taken from the record: outcomes of candidates that were
stopped, crashed, were refused or ran out of memory, measured costs where they are an objective, and whether a pipeline
could be fitted on the whole table.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from evoml.algorithms import pareto_front
from evoml.core.candidate import Candidate, Cost, Evaluation, Outcome, Status
from evoml.core.errors import JournalError
from evoml.journal import Journal
from evoml.run.callbacks import Callbacks
from evoml.run.loop import Tracker, record_generation
from evoml.run.opening import disagreement
from evoml.run.parts import put_together, race, workplace
from evoml.run.settings import MUST_AGREE
from evoml.run.story import Difference, Story, as_asked, as_told, first_difference, of_the_machine

if TYPE_CHECKING:
    from evoml.algorithms import State
    from evoml.core.protocols import Executor
    from evoml.evaluation.objectives import Objective
    from evoml.run.parts import Parts
    from evoml.run.search import Search


@dataclass(frozen=True)
class Replayed:
    """How a replay came out.

    Attributes
    ----------
    candidates, outcomes : int
        How many were compared; the last one of them differs where there is a difference.
    taken : int
        Outcomes among them that were taken from the record.
    difference : Difference or None
        The first one that was found; the replay ends there.
    recorded_versions, versions : mapping
        Versions of the libraries then and now.
    record : bytes
        The replay's own journal.
    """

    candidates: int
    outcomes: int
    taken: int
    difference: Difference | None
    recorded_versions: Mapping[str, str]
    versions: Mapping[str, str]
    record: bytes

    @property
    def equal(self) -> bool:
        """Whether everything came out as recorded, to the last bit."""
        return self.difference is None

    @property
    def changed_versions(self) -> dict[str, tuple[str, str]]:
        """Versions then and now of the libraries that are not the same; ``"none"`` for one that is not there."""
        then, now = self.recorded_versions, self.versions
        pairs = {name: (then.get(name, "none"), now.get(name, "none")) for name in (*then, *now)}
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def replay(
    wanted: Search, recorded: str | Path, *, out: str | Path | None = None, limit: int | None = None
) -> Replayed:
    """Repeat the run whose journal is ``recorded``, as far as it got, and compare.

    Parameters
    ----------
    wanted : Search
        The search that was recorded, e.g. ``EvoClassifier(...).as_search(X, y)``. Its ``n_jobs`` and ``executor`` may be
        others, its callbacks are called; its bounds do not matter.
    recorded : path
        It is only read.
    out : path or None
        New SQLite file for the replay's own journal; None keeps it in memory.
    limit : int or None
        Candidates to repeat, the first ones; None for all.

    Raises
    ------
    JournalError
        If the record is of another table or of other settings, or a journal cannot be read or written.
    """
    with Journal.read(recorded) as journal, Journal.from_bytes(journal.to_bytes()) as record:  # it may still grow
        _check_table(wanted, record, recorded)
        parts = put_together(wanted)
        if what := disagreement(record.settings, parts.settings, MUST_AGREE):
            raise JournalError(f"{recorded} records another run: {what}. Use the settings of that run")
        story = Story.of(record, parts.space.parse, limit)
    with (
        Journal.create(out, parts.settings) as own,
        closing(_again(wanted, parts, story)) as again,
    ):
        own.event("replay", of=str(recorded), limit=limit)
        return Repetition(wanted, parts, story, again, own).run()


def _check_table(wanted: Search, record: Journal, path: str | Path) -> None:
    """Raise JournalError, saying what changed, if the table is not the recorded one."""
    dataset, settings = wanted.dataset, record.settings
    if dataset.fingerprint == settings["data_fingerprint"]:
        return
    raise JournalError(
        f"the table is not the one that {path} records:"
        f" {settings['n_rows']} rows and {settings['n_features']} columns (fingerprint {settings['data_fingerprint']})"
        f" were recorded, {dataset.n_rows} rows and {dataset.n_features} columns (fingerprint {dataset.fingerprint})"
        " are there now. Restore the table as it was"
    )


class Repetition:
    """Goes through a story step by step and compares, until the first difference."""

    def __init__(self, wanted: Search, parts: Parts, story: Story, again: Again, journal: Journal) -> None:
        self.algorithm, self.callbacks = parts.algorithm, Callbacks(wanted.callbacks)
        self.racing = race(wanted, parts)
        self.story, self.again, self.journal = story, again, journal
        self.versions = parts.settings["versions"]
        self.tracker = Tracker(lambda: journal.elapsed, wanted.population_size)
        self.asked: dict[int, Candidate] = {}  # those under way
        self.candidates = self.told = self.taken = 0

    def run(self) -> Replayed:
        """Return how it came out."""
        difference, state = self._steps()
        difference = difference or self._end(state)
        return Replayed(
            self.candidates,
            self.told,
            self.taken,
            difference,
            self.story.versions,
            self.versions,
            self.journal.to_bytes(),
        )

    def _steps(self) -> tuple[Difference | None, State]:
        state: State = self.algorithm.start()
        for kind, ids in self.story.steps:
            if kind == "asked":
                state, difference = self._ask(state, ids)
            else:
                state, difference = self._tell(state, ids[0])
            if difference is not None:
                return difference, state
        return None, state

    def _ask(self, state: State, ids: Sequence[int]) -> tuple[State, Difference | None]:
        state, offspring = self.algorithm.ask(state, len(ids))
        if self.racing is not None:
            offspring = self.racing.lined_up(offspring, self.algorithm.rivals(state))
        self.journal.asked(offspring, state.record())
        for index, candidate in zip(ids, offspring, strict=False):
            self.candidates += 1
            if difference := first_difference(index, as_asked(self.story.candidates[index]), as_asked(candidate)):
                return state, difference
            self.asked[index] = candidate
        if len(offspring) < len(ids):  # the algorithm waits where it did not wait then
            return state, Difference(ids[len(offspring)], "the candidate itself", "asked", "not asked")
        return state, None

    def _tell(self, state: State, index: int) -> tuple[State, Difference | None]:
        if index not in self.asked:
            return state, Difference(index, "the order", "told", "not asked by then")
        outcome = self.again.outcome(self.asked.pop(index))
        self.told += 1
        self.taken += of_the_machine(outcome.evaluation)
        if self.racing is not None:
            self.racing.told(outcome)
        generation, best = state.generation, self.tracker.best
        state = self.algorithm.tell(state, [outcome])
        progress = self.tracker.told(outcome, state.generation)
        if state.generation > generation:
            record_generation(self.journal, progress, state)
        self.journal.told([outcome], state.record())
        self.callbacks.told(progress, outcome, self.tracker.best is not best)
        return state, first_difference(index, as_told(self.story.outcomes[index]), as_told(outcome))

    def _end(self, state: State) -> Difference | None:
        """Compare what followed from all outcomes: the algorithm's state, the front and the model."""
        recorded = self.story.end
        if not recorded or recorded["state"] is None:
            return None
        if difference := first_difference(None, recorded["state"], state.record()):
            return replace(difference, what=f"the algorithm's {difference.what}")
        summary = recorded["summary"]
        if not summary:
            return None
        scored = self.tracker.scored()
        texts = [str(outcome.candidate.genome) for outcome in scored]
        model = self._model(texts)
        now = {
            **summary,
            "front": [outcome.candidate.id for outcome in pareto_front(scored)],
            "best": scored[texts.index(model)].candidate.id if model in texts else None,
            "model": model,
        }
        self.journal.put("summary", {**now, "seconds": self.journal.elapsed})
        return first_difference(None, summary, now)

    def _model(self, texts: Sequence[str]) -> str:
        """Return the model's text: the best candidate's, unless the record says why it is that of another one."""
        recorded = str(self.story.end["summary"]["model"])
        summary = self.story.end["summary"]
        fell_back = (self.story.end["warned"] or summary.get("around")) and (recorded in texts or not recorded)
        return recorded if fell_back or not texts else texts[0]


class Again:
    """Evaluates recorded candidates again, before it is their turn to be told, so that no worker waits for an order.

    Each one is compared with the candidate that is asked now before its outcome is told, so nothing is taken for granted.
    Which earlier evaluation a duplicate took is recorded: it may depend on what was refused for lack of time.
    """

    def __init__(self, executor: Executor, objectives: Mapping[str, Objective], story: Story) -> None:
        self.executor, self.objectives, self.story = executor, objectives, story
        self._evaluations = story.taken()
        sources = {self._source(outcome) for outcome in story.outcomes.values()} - self._evaluations.keys()
        self._left = deque(story.candidates[index] for index in sorted(sources))
        self._under_way = 0

    def outcome(self, candidate: Candidate) -> Outcome:
        """Return the outcome of a candidate that is in the story."""
        recorded = self.story.outcomes[candidate.id]
        source = self._source(recorded)
        evaluation = self._evaluation(source)
        if recorded.duplicate_of is not None:
            evaluation = replace(evaluation, cost=Cost())
        scores: tuple[float, ...] = ()
        if evaluation.status is Status.OK:
            measured = replace(evaluation, cost=recorded.evaluation.cost)
            scores = tuple(objective(candidate, measured) for objective in self.objectives.values())
        same = self.story.candidates[source].key == candidate.key
        return Outcome(candidate, evaluation, scores, recorded.duplicate_of if same else None)

    def close(self) -> None:
        self.executor.close()

    def _source(self, outcome: Outcome) -> int:
        return outcome.candidate.id if outcome.duplicate_of is None else outcome.duplicate_of

    def _evaluation(self, index: int) -> Evaluation:
        self._submit()
        while index not in self._evaluations:
            found = self.executor.completed()
            self._evaluations |= {task: replace(evaluation, predictions=None, steps=()) for task, evaluation in found}
            self._under_way -= len(found)
            self._submit()
        return self._evaluations[index]

    def _submit(self) -> None:
        while self._left and self._under_way < self.executor.capacity:
            candidate = self._left.popleft()
            self.executor.submit(candidate.id, str(candidate.genome), candidate.bars)
            self._under_way += 1


def _again(wanted: Search, parts: Parts, story: Story) -> Again:
    """Return what evaluates the story's candidates, without a limit of time or memory: nothing that ended may not end."""
    problem = replace(parts.problem, time_limit=None)
    return Again(workplace(replace(wanted, memory_limit=None), problem), parts.objectives, story)
