"""The journal of a run that begins: a new one, or that of the run to be resumed, whose settings must be the same."""

from __future__ import annotations

import platform
import warnings
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol

from evoml import __version__
from evoml.core.budget import Moment
from evoml.core.errors import JournalError
from evoml.journal import Journal


class Wanted(Protocol):
    """What a search says of its journal."""

    @property
    def journal(self) -> str | Path | None: ...
    @property
    def resume(self) -> bool: ...
    @property
    def began(self) -> Moment: ...


def versions(libraries: Iterable[str]) -> dict[str, str]:
    """Return the versions of evoml, Python and those of the libraries that are installed."""
    found = {"evoml": __version__, "python": platform.python_version()}
    for library in libraries:
        try:
            found[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            continue
    return found


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


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
