"""A run's folder: what is where, and the small record that `resume` needs."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from evoml.core.errors import JournalError, SettingError, nearest

RECORD_VERSION = 1
PIPELINES = "pipelines"  # what a run searched for, where its record does not say


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The folder of one run: journal, model, exported code, report, and the record of how it was started."""

    path: Path

    @classmethod
    def planned(cls, path: str | None, table: str) -> RunFolder:
        """Return a folder that is free, by default ``runs/<table>-<time>``; it is not made yet.

        Raises SettingError if there is something in it.
        """
        folder = cls(Path(path) if path else _free(Path("runs") / f"{_slug(table)}-{datetime.now():%Y%m%d-%H%M%S}"))
        if folder.path.is_file():
            raise SettingError(f"{folder.path} is a file; give another name for the run's folder")
        if folder.path.is_dir() and any(folder.path.iterdir()):
            mend = f"go on with it by `evoml resume {folder.path}`" if folder.record.is_file() else "empty it"
            raise SettingError(f"the folder {folder.path} is not empty; {mend}, or give another name with --out")
        return folder

    @classmethod
    def existing(cls, path: str) -> RunFolder:
        """Return the folder of an earlier run. Raises JournalError if there is none."""
        folder = cls(Path(path))
        if not folder.path.is_dir():
            parent = folder.path.parent
            siblings = [one.name for one in parent.iterdir() if one.is_dir()] if parent.is_dir() else []
            hint = nearest(folder.path.name, siblings) or "; give the folder that `evoml fit` wrote"
            raise JournalError(f"there is no run folder {folder.path}{hint}")
        return folder

    @property
    def journal(self) -> Path:
        return self.path / "journal.sqlite"

    @property
    def model(self) -> Path:
        return self.path / "model.skops"

    @property
    def pipeline(self) -> Path:
        return self.path / "pipeline.py"

    @property
    def report(self) -> Path:
        return self.path / "report.html"

    @property
    def record(self) -> Path:
        return self.path / "run.json"

    @property
    def kind(self) -> str:
        """What the run searched for: ``"pipelines"``, ``"formulas"`` ...; its record says so, or its journal."""
        from evoml.journal import Journal

        if self.record.is_file():
            return str(self.read_record().get("kind") or PIPELINES)
        if not self.journal.is_file():
            return PIPELINES
        with Journal.read(self.journal) as journal:
            return str((journal.settings or {}).get("kind") or PIPELINES)

    def check_kind(self, *kinds: str) -> None:
        """Raise SettingError if the run searched for something else than what a command is for."""
        if (kind := self.kind) not in kinds:
            raise SettingError(
                f"{self.path} holds a search for {kind}, and this command is for one for {' or '.join(kinds)};"
                " there are: evoml report, show, resume, lineage, compare"
                + (f". {self.path / 'formula.py'} predicts, without evoml" if kind == "formulas" else "")
            )

    def files(self) -> list[Path]:
        """Return those of the run's files that are there."""
        return [one for one in (self.model, self.pipeline, self.report, self.journal, self.record) if one.is_file()]

    def make(self) -> None:
        """Make the folder, unless it is there."""
        self.path.mkdir(parents=True, exist_ok=True)

    def write_record(self, record: Mapping[str, Any]) -> None:
        """Write the record, whole or not at all."""
        write_whole(self.record, json.dumps({"version": RECORD_VERSION, **record}, indent=2) + "\n")

    def read_record(self) -> dict[str, Any]:
        """Return the record. Raises JournalError if it is missing, damaged, or of another version."""
        if not self.record.is_file():
            raise JournalError(f"{self.path} has no run.json; give a folder that `evoml fit` wrote")
        try:
            record = json.loads(self.record.read_text(encoding="utf-8"))
            version = record["version"]
        except (ValueError, KeyError, TypeError) as error:
            raise JournalError(f"{self.record} is damaged ({error}); restore a copy, or start a new run") from error
        if version != RECORD_VERSION:
            raise JournalError(
                f"{self.record} has version {version}, this evoml reads version {RECORD_VERSION};"
                " use the evoml version that wrote it, or start a new run"
            )
        return record  # type: ignore[no-any-return]

    def discard_if_unused(self) -> None:
        """Remove a folder in which no run began, so that the next try may use its name."""
        if not self.journal.exists():
            for leftover in (self.record, self.journal.with_name(f"{self.journal.name}.lock")):
                leftover.unlink(missing_ok=True)
            if not any(self.path.iterdir()):
                self.path.rmdir()


def write_whole(path: Path, text: str) -> None:
    """Write a text file such that readers see the old content or the new, never a part."""
    if path.exists() and not path.is_file():  # a device or a pipe must not be replaced by a file
        path.write_text(text, encoding="utf-8")
        return
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def _slug(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name).strip("-.") or "table"


def _free(path: Path) -> Path:
    candidates = (path if not n else path.with_name(f"{path.name}-{n + 1}") for n in range(10_000))
    return next(one for one in candidates if not one.exists())
