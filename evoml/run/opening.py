"""The journal of a run that begins: a new one, or that of the run to be resumed, whose settings must be the same."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from evoml.core.budget import Moment
from evoml.core.errors import JournalError
from evoml.journal import Journal

if TYPE_CHECKING:
    from evoml.core.candidate import Candidate, Outcome
    from evoml.core.protocols import Algorithm
    from evoml.run.loop import Tracker


class Wanted(Protocol):
    """What a search says of its journal."""

    @property
    def journal(self) -> str | Path | None: ...
    @property
    def resume(self) -> bool: ...
    @property
    def began(self) -> Moment: ...


def disagreement(recorded: Mapping[str, Any], settings: Mapping[str, Any], names: Iterable[str]) -> str:
    """Return, in words, which of the settings named are not those of a recorded run."""
    return "; ".join(
        f"{name.replace('data_fingerprint', 'the table')} was {_brief(recorded.get(name))}, is {_brief(settings[name])}"
        for name in names
        if recorded.get(name) != settings[name]
    )


def opened(wanted: Wanted, settings: Mapping[str, Any], names: Iterable[str]) -> Journal:
    """Open the record of a run; of one to be resumed, the settings named must be the same. Raises JournalError."""
    if not (wanted.resume and wanted.journal is not None and Journal.has_begun(wanted.journal)):
        return Journal.create(wanted.journal, settings, wanted.began.wall)
    journal = Journal.resume(wanted.journal, wanted.began.wall)
    recorded = journal.settings
    if what := disagreement(recorded, settings, names):
        journal.close()
        raise JournalError(f"{wanted.journal} records another run: {what}. Use the same settings, or a new journal")
    if recorded["versions"] != settings["versions"]:
        warnings.warn(
            f"{wanted.journal} was begun with other library versions; results may differ from an uninterrupted run",
            UserWarning,
            stacklevel=4,
        )
    journal.event("resumed", budget=settings["budget"], versions=settings["versions"])
    return journal


def gone_on(
    journal: Journal, algorithm: Algorithm, parse: Callable[[str], Any], tracker: Tracker, here: bool
) -> tuple[Any, list[Candidate], list[Outcome]]:
    """Return the state to go on from, the candidates under way and the outcomes told: of a new run, none of these two.

    ``tracker`` is told what was told; ``here`` says whether evaluations are made in this process.
    """
    record = journal.get("state")
    if record is None:
        tracker.go_on(0.0, here)
        return algorithm.start(), [], []
    candidates, told = journal.asked_and_told(parse)
    for outcome in told:
        tracker.told(outcome, record["generation"])
    tracker.go_on(journal.get("cpu_seconds") or 0.0, here)
    done = {outcome.candidate.id for outcome in told}
    pending = [candidate for index, candidate in candidates.items() if index not in done]
    return algorithm.restore(record, candidates, told), pending, told


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
