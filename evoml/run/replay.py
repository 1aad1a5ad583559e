"""A recorded run, repeated: asked as recorded, evaluated again, told in the recorded order, and everything compared.

What depended on time or on the machine cannot come again, and is taken from the record: outcomes of candidates that were
stopped, crashed, were refused or ran out of memory, measured costs where they are an objective, and whether a pipeline
could be fitted on the whole table.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evoml.algorithms import pareto_front
from evoml.core.candidate import Candidate, Evaluation, Outcome, Status
from evoml.core.errors import JournalError
from evoml.evaluation import Evaluator, executor, workers
from evoml.journal import Journal
from evoml.run.loop import Tracker, rank, record_generation
from evoml.run.refit import TRIES
from evoml.run.search import Search, disagreement, put_together

if TYPE_CHECKING:
    from evoml.algorithms import State
    from evoml.core.protocols import Executor
    from evoml.evaluation.objectives import Objective
    from evoml.run.search import Parts

OF_THE_MACHINE = (Status.TIMEOUT, Status.CRASHED, Status.VETOED)


@dataclass(frozen=True)
class Difference:
    """What did not come out as recorded.

    Attributes
    ----------
    candidate : int or None
        The candidate that differs; None if it is the state of the algorithm, the front or the model at the end.
    what : str
        What of it differs, e.g. ``"text"`` or ``"fold_scores"``.
    recorded, now : object
        What the record says, and what came out now.
    """

    candidate: int | None
    what: str
    recorded: Any
    now: Any

    def __str__(self) -> str:
        where = "the end of the run" if self.candidate is None else f"candidate {self.candidate}"
        return f"{where} differs: {self.what} was {self.recorded}, is {self.now}"


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
        The search that was recorded. Its ``n_jobs`` and ``executor`` may be others, its callbacks are called; its bounds
        do not matter.
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
        if what := disagreement(record.settings, parts.settings):
            raise JournalError(f"{recorded} records another run: {what}. Use the settings of that run")
        story = Story.of(record, parts.space.parse, limit)
    with (
        Journal.create(out, parts.settings) as own,
        closing(_evaluator(wanted, parts, story)) as evaluator,
    ):
        own.event("replay", of=str(recorded), limit=limit)
        return Repetition(wanted, parts, story, evaluator, own).run()


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


@dataclass(frozen=True)
class Story:
    """What a journal tells of a run.

    Attributes
    ----------
    candidates, outcomes : dict
        By the candidate's id.
    steps : list of (str, list of int)
        What happened in order, see :meth:`Journal.steps`.
    end : mapping
        The algorithm's state after all of it, and the summary where the run was finished by then.
    versions : mapping
        Versions of the libraries in the run's first sitting, and of others that a later sitting had.
    """

    candidates: Mapping[int, Candidate]
    outcomes: Mapping[int, Outcome]
    steps: Sequence[tuple[str, Sequence[int]]]
    end: Mapping[str, Any]
    versions: Mapping[str, str]

    @classmethod
    def of(cls, record: Journal, parse: Any, limit: int | None = None) -> Story:
        """Return the story of a journal, or of its first ``limit`` candidates."""
        candidates, told = record.asked_and_told(parse)
        known = {index for index in candidates if limit is None or index < limit}
        steps = [(kind, [index for index in ids if index in known]) for kind, ids in record.steps()]
        summary = record.get("summary") or {}
        end = {"state": record.get("state"), "summary": summary if summary.get("told") == len(told) else {}}
        return cls(
            {index: candidate for index, candidate in candidates.items() if index in known},
            {outcome.candidate.id: outcome for outcome in told if outcome.candidate.id in known},
            [step for step in steps if step[1]],
            end if len(known) == len(candidates) else {},
            _versions_used(record),
        )

    def taken(self) -> dict[int, Evaluation]:
        """Return the evaluations that can only be taken from the record, by candidate."""
        return {
            index: outcome.evaluation for index, outcome in self.outcomes.items() if _of_the_machine(outcome.evaluation)
        }


def _versions_used(record: Journal) -> dict[str, str]:
    sittings = [record.settings["versions"]]
    sittings += [detail.get("versions", {}) for _, kind, detail in record.events() if kind == "resumed"]
    return {
        name: " and ".join(dict.fromkeys(versions[name] for versions in sittings if name in versions))
        for name in dict.fromkeys(name for versions in sittings for name in versions)
    }


def _of_the_machine(evaluation: Evaluation) -> bool:
    return evaluation.status in OF_THE_MACHINE or evaluation.error.startswith("MemoryError")


class Repetition:
    """Goes through a story step by step and compares, until the first difference."""

    def __init__(self, wanted: Search, parts: Parts, story: Story, evaluator: Evaluator, journal: Journal) -> None:
        self.wanted, self.algorithm, self.story, self.journal = wanted, parts.algorithm, story, journal
        self.versions = parts.settings["versions"]
        self.tracker = Tracker(lambda: journal.elapsed, wanted.population_size)
        self.ahead = Ahead(evaluator, story)
        self.asked: dict[int, Candidate] = {}  # those under way
        self.told: list[Outcome] = []
        self.candidates = 0

    def run(self) -> Replayed:
        """Return how it came out."""
        difference, state = self._steps()
        difference = difference or self._end(state)
        taken = self.story.taken()
        return Replayed(
            self.candidates,
            len(self.told),
            sum(outcome.candidate.id in taken for outcome in self.told),
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
        self.candidates += len(offspring)
        self.journal.asked(offspring, state.record())
        for index, candidate in zip(ids, offspring, strict=False):
            if difference := _difference(index, _asked(self.story.candidates[index]), _asked(candidate)):
                return state, difference
            self.asked[index] = candidate
        if len(offspring) < len(ids):  # the algorithm waits where it did not wait then
            return state, Difference(ids[len(offspring)], "the candidate itself", "asked", "not asked")
        return state, None

    def _tell(self, state: State, index: int) -> tuple[State, Difference | None]:
        outcome = replace(self.ahead.outcome(index), candidate=self.asked.pop(index))
        self.told.append(outcome)
        generation = state.generation
        state = self.algorithm.tell(state, [outcome])
        progress = self.tracker.told(outcome, state.generation)
        if state.generation > generation:
            record_generation(self.journal, progress, state)
        self.journal.told([outcome], state.record())
        for callback in self.wanted.callbacks:
            callback(progress, outcome)
        return state, _difference(index, _told(self.story.outcomes[index]), _told(outcome))

    def _end(self, state: State) -> Difference | None:
        """Compare what followed from all outcomes: the algorithm's state, the front and the model."""
        recorded = self.story.end
        if not recorded or recorded["state"] is None:
            return None
        if difference := _difference(None, recorded["state"], state.record()):
            return replace(difference, what=f"the algorithm's {difference.what}")
        summary = recorded["summary"]
        if not summary:
            return None
        scored = sorted((outcome for outcome in self.told if outcome.ok), key=rank)
        best = [str(outcome.candidate.genome) for outcome in scored[:TRIES]]
        model = summary["model"] if summary["model"] in best or not best else best[0]
        now = {**summary, "front": [outcome.candidate.id for outcome in pareto_front(scored)], "model": model}
        self.journal.put("summary", {**now, "seconds": self.journal.elapsed})
        return _difference(None, summary, now)


class Ahead:
    """Evaluates recorded candidates before it is their turn to be told, so that no worker waits for an order.

    A candidate that is asked is compared with the recorded one before its outcome is told, so nothing is taken for granted.
    """

    def __init__(self, evaluator: Evaluator, story: Story) -> None:
        self.evaluator = evaluator
        sources = {outcome.duplicate_of for outcome in story.outcomes.values()}
        self._left = deque(c for index, c in story.candidates.items() if index in story.outcomes or index in sources)
        self._found: dict[int, Outcome] = {}

    def outcome(self, index: int) -> Outcome:
        """Return the outcome of one candidate."""
        self._submit()
        while index not in self._found:
            self._found |= {outcome.candidate.id: outcome for outcome in self.evaluator.completed()}
            self._submit()
        return self._found.pop(index)

    def _submit(self) -> None:
        free = min(self.evaluator.free_slots(), len(self._left))
        self.evaluator.submit([self._left.popleft() for _ in range(free)])


def _evaluator(wanted: Search, parts: Parts, story: Story) -> Evaluator:
    """Return an evaluator without limit of time, that takes from the story what cannot come again."""
    problem = replace(parts.problem, time_limit=None)
    inner = executor(wanted.executor, problem, workers(wanted.n_jobs), None, None)
    return Evaluator(FromRecord(inner, story.taken()), _at_recorded_cost(parts.objectives, story))


def _at_recorded_cost(objectives: Mapping[str, Objective], story: Story) -> dict[str, Objective]:
    def at_recorded_cost(objective: Objective) -> Objective:
        def measure(candidate: Candidate, evaluation: Evaluation) -> float:
            recorded = story.outcomes.get(candidate.id)
            cost = evaluation.cost if recorded is None else recorded.evaluation.cost
            return objective(candidate, replace(evaluation, cost=cost))

        return measure

    return {name: at_recorded_cost(objective) for name, objective in objectives.items()}


class FromRecord:
    """An executor that knows some evaluations from a record and leaves all others to another executor."""

    def __init__(self, executor: Executor, known: Mapping[int, Evaluation]) -> None:
        self._executor, self._known = executor, known
        self._ready: list[tuple[int, Evaluation]] = []

    @property
    def capacity(self) -> int:
        return self._executor.capacity

    def submit(self, task: int, text: str, bars: Sequence[float] = ()) -> None:
        if task in self._known:
            self._ready.append((task, self._known[task]))
        else:
            self._executor.submit(task, text, bars)

    def completed(self, timeout: float | None = None) -> list[tuple[int, Evaluation]]:
        ready, self._ready = self._ready, []
        return ready or self._executor.completed(timeout)

    def fit(self, text: str, timeout: float | None = None) -> Any:
        return self._executor.fit(text, timeout)

    def close(self) -> None:
        self._executor.close()


# -- comparing ------------------------------------------------------------------------------------------------------------


def _asked(candidate: Candidate) -> dict[str, Any]:
    return {
        "text": str(candidate.genome),
        "key": candidate.key,
        "operator": candidate.operator,
        "parents": candidate.parents,
        "generation": candidate.generation,
        "parent_scores": candidate.parent_scores,
        "bars": candidate.bars,
    }


def _told(outcome: Outcome) -> dict[str, Any]:
    evaluation = outcome.evaluation
    return {
        "status": str(evaluation.status),
        "duplicate_of": outcome.duplicate_of,
        "rungs": evaluation.rungs,
        "fold_scores": dict(evaluation.fold_scores),
        "semantics": evaluation.semantics,
        "scores": outcome.scores,
    }


def _difference(candidate: int | None, recorded: Mapping[str, Any], now: Mapping[str, Any]) -> Difference | None:
    """Return the first thing in ``recorded`` that is not exactly the same now."""
    differ = (name for name in recorded if _exact(recorded[name]) != _exact(now.get(name)))
    return next((Difference(candidate, name, recorded[name], now.get(name)) for name in differ), None)


def _exact(value: Any) -> str:
    """Return a text that is the same for the same bits only, as the journal has it, whatever the kind of number."""
    return json.dumps(value, sort_keys=True, default=_plain)


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else list(value) if isinstance(value, Iterable) else str(value)
