"""The story that a journal tells of a run, and where another telling of it differs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evoml.core.candidate import Candidate, Evaluation, Outcome, Status
from evoml.journal.tables import plain

if TYPE_CHECKING:
    from evoml.journal import Journal

OF_THE_MACHINE = (Status.TIMEOUT, Status.CRASHED, Status.VETOED)


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
        The algorithm's state after all of it, the summary where the run was finished by then, and whether the run warned
        of anything; empty where the story ends earlier.
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
        end = {
            "state": record.get("state"),
            "summary": summary if summary.get("told") == len(told) else {},
            "warned": any(kind == "warning" for _, kind, _ in record.events()),
        }
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
            index: outcome.evaluation for index, outcome in self.outcomes.items() if of_the_machine(outcome.evaluation)
        }


def _versions_used(record: Journal) -> dict[str, str]:
    sittings = [record.settings["versions"]]
    sittings += [detail.get("versions", {}) for _, kind, detail in record.events() if kind == "resumed"]
    return {
        name: " and ".join(dict.fromkeys(versions[name] for versions in sittings if name in versions))
        for name in dict.fromkeys(name for versions in sittings for name in versions)
    }


def of_the_machine(evaluation: Evaluation) -> bool:
    """Tell whether an evaluation ended as it did because of the machine or the time, and may end otherwise next time."""
    return evaluation.status in OF_THE_MACHINE or evaluation.error.startswith("MemoryError")


# -- comparing ------------------------------------------------------------------------------------------------------------


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


def as_asked(candidate: Candidate) -> dict[str, Any]:
    """Return what must come again of a candidate that is asked."""
    return {
        "id": candidate.id,
        "text": str(candidate.genome),
        "key": candidate.key,
        "operator": candidate.operator,
        "parents": candidate.parents,
        "generation": candidate.generation,
        "parent_scores": candidate.parent_scores,
        "bars": candidate.bars,
    }


def as_told(outcome: Outcome) -> dict[str, Any]:
    """Return what must come again of an outcome."""
    evaluation = outcome.evaluation
    return {
        "status": str(evaluation.status),
        "duplicate_of": outcome.duplicate_of,
        "rungs": evaluation.rungs,
        "fold_scores": dict(evaluation.fold_scores),
        "semantics": evaluation.semantics,
        "scores": outcome.scores,
    }


def first_difference(candidate: int | None, recorded: Mapping[str, Any], now: Mapping[str, Any]) -> Difference | None:
    """Return the first thing in ``recorded`` that is not exactly the same now."""
    differ = (name for name in recorded if _exact(recorded[name]) != _exact(now.get(name)))
    return next((Difference(candidate, name, recorded[name], now.get(name)) for name in differ), None)


def _exact(value: Any) -> str:
    """Return a text that is the same for the same bits only, as the journal has it, whatever the kind of number."""
    return json.dumps(value, sort_keys=True, default=plain)
