"""The file that a journal is in: found, locked, connected to, and let go of where it turns out to be unusable."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from evoml.core.errors import JournalError

if TYPE_CHECKING:
    from filelock import BaseFileLock

TEMPORARY = ""  # SQLite's name for a database in a file without a name, of which only a few pages are in memory


def has_begun(path: str | Path) -> bool:
    """Tell whether there is anything at ``path`` but, perhaps, a file that was killed in the middle of its making."""
    target = Path(path)
    if not os.path.isfile(target):
        return os.path.exists(target)
    try:
        with contextlib.closing(sqlite3.connect(f"{target.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    except sqlite3.Error:  # not a database, or not readable
        return True
    return bool(tables) or (target.stat().st_size > 0 and target.read_bytes()[:6] != b"SQLite")


def existing(path: str | Path) -> Path:
    """Return the path of a journal that is there. Raises JournalError if there is none."""
    target = Path(path)
    if not os.path.isfile(target):  # unlike Path.is_file, false also where the folder may not be entered
        raise JournalError(f"there is no journal at {target}; check the path, or start a run that writes it")
    return target


def locked(target: Path) -> BaseFileLock:
    """Return the lock that keeps other runs from writing here. Raises JournalError if another one holds it."""
    from filelock import FileLock, Timeout

    lock = FileLock(f"{target}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise JournalError(f"{target} is in use by another run; wait for it to end, or give another path") from None
    except OSError as error:
        raise JournalError(f"the journal cannot be written at {target}: {error.strerror}; give another path") from error
    return lock


def write_ahead(connection: sqlite3.Connection) -> None:
    """Have others read while this connection writes."""
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")


def connected(name: str | Path, lock: BaseFileLock | None, target: Path) -> sqlite3.Connection:
    """Open a file by its path, or by an SQLite URI. Raises JournalError, and lets go of the lock, if that fails."""
    try:
        return sqlite3.connect(name, uri=isinstance(name, str))
    except sqlite3.Error as error:
        if lock is not None:
            lock.release()
        raise JournalError(
            f"{target} cannot be opened: {error}; check that the file may be read and written"
        ) from error


def remove(target: Path | None) -> None:
    """Take away what was begun and could not be finished."""
    with contextlib.suppress(OSError):
        if target is not None:
            target.unlink()


@contextlib.contextmanager
def closing_on_error(connection: sqlite3.Connection, lock: BaseFileLock | None, target: Path | None) -> Iterator[None]:
    """Close and unlock a file that turns out to be unusable, and say so by a JournalError."""
    try:
        yield
    except (sqlite3.Error, JournalError) as error:
        connection.close()
        if lock is not None:
            lock.release()
        if isinstance(error, JournalError):
            raise
        raise JournalError(
            f"{target} cannot be used as a journal: {error}; the file is damaged, not a journal, or not writable"
        ) from error
