"""One SQLite file a run: what was asked, what was told, and the state to go on from.

Each step of the loop is one transaction that holds both the new rows and the algorithm's state after them, so that
after ``kill -9`` at any moment the file tells one consistent story: the state, and the candidates asked but not yet told.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from evoml.core.candidate import Candidate, Outcome
from evoml.core.errors import JournalError
from evoml.journal import files
from evoml.journal.tables import (
    COSTS,
    INSERT_CANDIDATE,
    INSERT_OUTCOME,
    PROGRESS,
    REPLACE_VALUE,
    UNITS,
    candidate_of,
    candidate_row,
    check_tables,
    create_tables,
    equivalents,
    finite,
    fold_scores_of,
    outcome_of,
    outcome_row,
    to_json,
    tuple_of,
)

if TYPE_CHECKING:
    import networkx as nx
    import pandas as pd
    from filelock import BaseFileLock


class Journal:
    """The record of one run.

    Use :meth:`create` for a new run, :meth:`resume` to go on with one, :meth:`read` to look at one, never the class itself.
    A journal without a path lives as long as its object. Usable as a context manager; closing gives the file free for others.

    Attributes
    ----------
    path : Path or None
    complete_on_disk : bool
        Whether the file holds all that was recorded; not without a file, nor on a disk that is full.
    """

    def __init__(
        self, connection: sqlite3.Connection, path: Path | None, lock: BaseFileLock | None, began: float | None = None
    ) -> None:
        self._connection = connection
        self._lock = lock
        self._origin = (time.monotonic() if began is None else began) - self._seconds_recorded()
        self.path = path
        self.complete_on_disk = path is not None
        self._in_memory = False

    # -- opening and closing ------------------------------------------------------------------------------------------

    @classmethod
    def create(cls, path: str | Path | None, settings: Mapping[str, Any], began: float | None = None) -> Journal:
        """Begin the record of a new run, which began at a moment of the monotonic clock: now, if none is given.

        Raises JournalError if ``path`` exists already (two runs never share a file) or cannot be written.
        """
        target = None if path is None else Path(path)
        lock = None if target is None else files.locked(target)
        if target is not None and cls.has_begun(target):
            lock.release()  # type: ignore[union-attr]
            raise JournalError(f"{target} exists already and holds another run; give a new path, or resume that run")
        try:
            connection = sqlite3.connect(files.TEMPORARY) if target is None else files.connected(target, lock, target)
            with files.closing_on_error(connection, lock, target):
                files.write_ahead(connection)
                create_tables(connection, settings)
                return cls(connection, target, lock, began)
        except JournalError:
            files.remove(target)
            raise

    @staticmethod
    def has_begun(path: str | Path) -> bool:
        """Tell whether there is anything at ``path`` but, perhaps, a file that was killed in the middle of its making."""
        return files.has_begun(path)

    @classmethod
    def resume(cls, path: str | Path, began: float | None = None) -> Journal:
        """Open the record of a run to go on writing; this sitting began at a moment of the monotonic clock, or now.

        Raises JournalError if it is in use, corrupt or of another version.
        """
        target = files.existing(path)
        lock = files.locked(target)
        connection = files.connected(target, lock, target)
        with files.closing_on_error(connection, lock, target):
            check_tables(connection, target)  # first, so that a file of somebody else's stays as it is
            files.write_ahead(connection)
            return cls(connection, target, lock, began)

    @classmethod
    def read(cls, path: str | Path) -> Journal:
        """Open the record of a run for reading only, also while the run goes on."""
        target = files.existing(path)
        connection = files.connected(f"{target.resolve().as_uri()}?mode=ro", None, target)
        with files.closing_on_error(connection, None, target):
            check_tables(connection, target)
            return cls(connection, target, None)

    @classmethod
    def from_bytes(cls, content: bytes) -> Journal:
        """Open the record that :meth:`to_bytes` gave, in memory."""
        connection, name = sqlite3.connect(":memory:"), Path("the record")
        with files.closing_on_error(connection, None, name):
            # bytes 18 and 19 ask for a write-ahead log; memory has none
            connection.deserialize(content[:18] + b"\x01\x01" + content[20:])
            check_tables(connection, name)
            return cls(connection, None, None)

    def close(self) -> None:
        """Close the file and let others have it. What could not be written to a full disk is tried once more."""
        if self.path is not None and not self.complete_on_disk and self._lock is not None:
            with contextlib.suppress(OSError, sqlite3.Error):
                self._write_back()
        self._connection.close()
        if self._lock is not None:
            self._lock.release()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    # -- writing ------------------------------------------------------------------------------------------------------

    @property
    def elapsed(self) -> float:
        """Seconds since the run began, without the pauses between sittings."""
        return time.monotonic() - self._origin

    def asked(self, candidates: Sequence[Candidate], state: Mapping[str, Any]) -> None:
        """Record candidates before they are evaluated, and the algorithm's state after asking for them."""
        if not candidates:
            return
        now = self.elapsed
        rows = [candidate_row(candidate, now) for candidate in candidates]
        self._write(
            lambda db: (
                db.executemany(INSERT_CANDIDATE, rows),
                db.execute(REPLACE_VALUE, ("state", to_json(state))),
            )
        )

    def told(
        self,
        outcomes: Sequence[Outcome],
        state: Mapping[str, Any],
        kept: Mapping[int, np.ndarray | None] | None = None,
    ) -> None:
        """Record what became of candidates, and the algorithm's state after it was told.

        ``kept`` are out-of-fold predictions to keep from now on, by candidate; None for those to be kept no longer.
        """
        now = self.elapsed
        rows = [outcome_row(outcome, now) for outcome in outcomes]
        given = {id_: p for id_, p in (kept or {}).items() if p is not None}
        double = any(p.dtype == np.float64 for p in given.values())  # of a run, all are or none
        arrays = [(id_, p.shape[1], p.astype("<f8" if double else "<f4").tobytes()) for id_, p in given.items()]
        gone = [(id_,) for id_, predictions in (kept or {}).items() if predictions is None]
        self._write(
            lambda db: (
                db.executemany(INSERT_OUTCOME, rows),
                db.executemany("INSERT OR REPLACE INTO predictions VALUES (?, ?, ?)", arrays),
                db.executemany(REPLACE_VALUE, [("precision", to_json("<f8"))] if double else []),
                db.executemany("DELETE FROM predictions WHERE candidate = ?", gone),
                db.execute(REPLACE_VALUE, ("state", to_json(state))),
            )
        )

    def progressed(self, generation: int, evaluations: int, best_score: float, detail: Mapping[str, Any]) -> None:
        """Record the end of a generation: how far the run is and, in ``detail``, e.g. the operators' credit and the population.

        ``population`` is the list of its members' ids, or figures by name where genomes come by the thousand.
        """
        row = (generation, self.elapsed, evaluations, finite(best_score), to_json(detail))
        self._write(lambda db: db.execute("INSERT OR REPLACE INTO progress VALUES (?, ?, ?, ?, ?)", row))

    def event(self, kind: str, **detail: Any) -> None:
        """Record something worth knowing that is not a candidate (a warning, an interruption, a resume ...)."""
        row = (self.elapsed, kind, to_json(detail))
        self._write(lambda db: db.execute("INSERT INTO events (elapsed, kind, detail) VALUES (?, ?, ?)", row))

    def put(self, name: str, value: Any) -> None:
        """Record a named JSON value of the run, e.g. its ``"summary"``; a later one replaces it."""
        self._write(lambda db: db.execute(REPLACE_VALUE, (name, to_json(value))))

    def put_bytes(self, name: str, content: bytes) -> None:
        """Record named bytes of the run, e.g. a checkpoint; later ones replace them. Copies of the record lack them."""
        self._write(
            lambda db: (
                db.execute("CREATE TABLE IF NOT EXISTS blobs (name TEXT PRIMARY KEY, content BLOB NOT NULL)"),
                db.execute("INSERT OR REPLACE INTO blobs VALUES (?, ?)", (name, content)),
            )
        )

    def _write(self, transaction: Callable[[sqlite3.Connection], object]) -> None:
        try:
            with self._connection:
                transaction(self._connection)
        except sqlite3.DatabaseError as error:
            if isinstance(error, (sqlite3.IntegrityError, sqlite3.ProgrammingError)) or self._in_memory:
                raise JournalError(f"the journal could not record a step: {error}") from error
            self._go_on_in_memory(error)
            with self._connection:
                transaction(self._connection)

    def _go_on_in_memory(self, error: sqlite3.Error) -> None:
        """Copy what the file holds into memory and go on there: a full disk must not cost the run."""
        warnings.warn(
            f"the journal {self.path} can no longer be written ({error}); the run goes on and keeps its record in memory."
            " Free some space: it is written again when the run ends, or call journal.save(PATH)"
            if self.path
            else f"there is no room for temporary files ({error}); the run goes on and keeps its record in memory",
            RuntimeWarning,
            stacklevel=4,
        )
        memory = sqlite3.connect(":memory:")
        try:
            self._connection.backup(memory)
        except sqlite3.Error as unreadable:
            raise JournalError(f"{self.path or 'the journal'} can be neither written nor read: {unreadable}") from error
        self._connection.close()
        self._connection, self.complete_on_disk, self._in_memory = memory, False, True

    def _write_back(self) -> None:
        assert self.path is not None
        spare = self.path.with_name(self.path.name + ".part")
        files.remove(spare)
        self.save(spare)
        for suffix in ("-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        spare.replace(self.path)
        self.complete_on_disk = True

    def to_bytes(self) -> bytes:
        """Return the record as the bytes of an SQLite file, without the out-of-fold predictions."""
        try:
            return self._copied(files.TEMPORARY)  # two more copies in memory would be a run's greatest need of it
        except sqlite3.Error:
            return self._copied(":memory:")

    def _copied(self, place: str) -> bytes:
        with contextlib.closing(sqlite3.connect(place)) as copy:
            self._connection.backup(copy)
            copy.execute("DELETE FROM predictions")
            copy.execute("DROP TABLE IF EXISTS blobs")
            copy.commit()
            copy.execute("VACUUM")
            return copy.serialize()

    def save(self, path: str | Path) -> None:
        """Write a copy of the whole record to a new file. Raises JournalError if that cannot be done."""
        target = Path(path)
        if target.exists():
            raise JournalError(f"{target} exists already, and a copy replaces no file; give a new path")
        try:
            copy = sqlite3.connect(target)
            with contextlib.closing(copy):
                self._connection.backup(copy)
        except sqlite3.Error as error:
            files.remove(target)
            raise JournalError(
                f"the journal could not be copied to {target}: {error}; free some space there"
            ) from error

    # -- reading ------------------------------------------------------------------------------------------------------

    def get(self, name: str) -> Any:
        """Return the named JSON value (``"settings"``, ``"state"``, ``"summary"`` ...), or None."""
        row = self._connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return None if row is None else json.loads(row[0])

    def get_bytes(self, name: str) -> bytes | None:
        """Return the bytes that :meth:`put_bytes` recorded under a name, or None."""
        there = self._connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'blobs'").fetchone()[0]
        row = there and self._connection.execute("SELECT content FROM blobs WHERE name = ?", (name,)).fetchone()
        return bytes(row[0]) if row else None

    def counted(self) -> tuple[int, int]:
        """Return the ids that follow those of all candidates asked, and of all candidates told."""
        asked = self._connection.execute("SELECT coalesce(max(id) + 1, 0) FROM candidates").fetchone()[0]
        told = self._connection.execute("SELECT coalesce(max(candidate) + 1, 0) FROM outcomes").fetchone()[0]
        return int(asked), int(told)

    @property
    def settings(self) -> dict[str, Any]:
        """What the run was started with: parameters, seed, versions, fingerprint of the data."""
        return self.get("settings")  # type: ignore[no-any-return]

    def predictions(self) -> dict[int, np.ndarray]:
        """Return the out-of-fold predictions that are kept: (n_rows, columns) float32, or float64, by candidate."""
        kind = self.get("precision") or "<f4"
        rows = self._connection.execute("SELECT * FROM predictions ORDER BY candidate")
        return {id_: np.frombuffer(content, dtype=kind).reshape(-1, columns) for id_, columns, content in rows}

    def asked_and_told(self, parse: Callable[[str], Any]) -> tuple[dict[int, Candidate], list[Outcome]]:
        """Return all candidates by id, and all outcomes in the order they were told; ``parse`` reads a genome's text."""
        asked = self._connection.execute("SELECT * FROM candidates ORDER BY id")
        told = self._connection.execute("SELECT * FROM outcomes ORDER BY sequence")
        candidates = {row[0]: candidate_of(row, parse) for row in asked}
        outcomes = [outcome_of(row, candidates[row[1]]) for row in told]
        return candidates, outcomes

    def steps(self) -> list[tuple[str, list[int]]]:
        """Return what happened, in order: ``("asked", ids)`` for candidates asked together, ``("told", [id])``."""
        asked = self._connection.execute("SELECT after, asked, id FROM candidates ORDER BY id")
        told = self._connection.execute("SELECT sequence, candidate FROM outcomes ORDER BY sequence")
        steps = [(after, "asked", [row[2] for row in rows]) for (after, _), rows in groupby(asked, itemgetter(0, 1))]
        steps += [(sequence - 0.5, "told", [id_]) for sequence, id_ in told]  # before what was asked after it
        return [(kind, ids) for _, kind, ids in sorted(steps, key=itemgetter(0))]

    def individuals(self) -> pd.DataFrame:
        """Return one row a candidate: text, key, parents, operator, status, scores, fold scores, costs, error ...

        ``equivalent_to`` is the first candidate told that gave the same out-of-fold predictions.
        """
        import pandas as pd

        table = pd.read_sql_query(
            "SELECT id, text, key, parents, operator, generation, status, scores, fold_scores, rungs, semantics,"
            f" {', '.join(COSTS)}, error, duplicate_of, asked, told, sequence, after"
            " FROM candidates LEFT JOIN outcomes ON candidate = id ORDER BY id",
            self._connection,
            dtype={"duplicate_of": "Int64", "sequence": "Int64"},
        )
        table["equivalent_to"] = equivalents(table)
        for column in ("parents", "scores", "rungs"):
            table[column] = [tuple_of(text) if isinstance(text, str) else () for text in table[column]]
        table["fold_scores"] = [fold_scores_of(text) if isinstance(text, str) else {} for text in table["fold_scores"]]
        table["status"] = table["status"].fillna("PENDING")
        return table.set_index("id").rename(columns={name: f"{name}_{UNITS.get(name, 'seconds')}" for name in COSTS})

    def progress(self) -> pd.DataFrame:
        """Return one row a generation: elapsed seconds, evaluations, best score, credit of operators, the population ..."""
        import pandas as pd

        rows = self._connection.execute("SELECT * FROM progress ORDER BY generation").fetchall()
        return pd.DataFrame(
            [{**dict(zip(PROGRESS, row[:4], strict=True)), **json.loads(row[4])} for row in rows],
            columns=None if rows else list(PROGRESS),
        )

    def events(self) -> list[tuple[float, str, dict[str, Any]]]:
        """Return (elapsed seconds, kind, detail) of each event, in order."""
        rows = self._connection.execute("SELECT elapsed, kind, detail FROM events ORDER BY id")
        return [(elapsed, kind, json.loads(detail)) for elapsed, kind, detail in rows]

    def lineage(self) -> nx.DiGraph:
        """Return the graph of descent: an edge from each parent to its child, facts of each candidate on its node."""
        from evoml.journal.lineage import lineage

        return lineage(self.individuals())

    def _seconds_recorded(self) -> float:
        query = (
            "SELECT max((SELECT coalesce(max(asked), 0) FROM candidates), (SELECT coalesce(max(told), 0) FROM outcomes),"
            " (SELECT coalesce(max(elapsed), 0) FROM progress))"
        )
        return float(self._connection.execute(query).fetchone()[0])
