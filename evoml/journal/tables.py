"""The tables of a journal, and how candidates and outcomes become rows of them and come back."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evoml.core.candidate import Candidate, Cost, Evaluation, Outcome, Status
from evoml.core.errors import JournalError

if TYPE_CHECKING:
    import pandas as pd

SCHEMA_VERSION = 2
APPLICATION_ID = 0x45564F4D  # "EVOM": tells our files from other SQLite files

COSTS = tuple(field.name for field in fields(Cost))
UNITS = {"memory": "bytes", "size": "bytes", "recalled": "steps"}  # of costs that are no seconds
PROGRESS = ("generation", "elapsed", "evaluations", "best_score")

SCHEMA = f"""
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE candidates (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL, text TEXT NOT NULL, parents TEXT NOT NULL, operator TEXT NOT NULL,
    generation INTEGER NOT NULL, parent_scores TEXT NOT NULL, bars TEXT NOT NULL, after INTEGER NOT NULL, asked REAL NOT NULL);
CREATE TABLE outcomes (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, candidate INTEGER NOT NULL UNIQUE REFERENCES candidates (id),
    status TEXT NOT NULL, scores TEXT NOT NULL, fold_scores TEXT NOT NULL, rungs TEXT NOT NULL, semantics TEXT NOT NULL,
    error TEXT NOT NULL, duplicate_of INTEGER, told REAL NOT NULL, {", ".join(f"{name} REAL NOT NULL" for name in COSTS)});
CREATE TABLE predictions (
    candidate INTEGER PRIMARY KEY REFERENCES candidates (id), columns INTEGER NOT NULL, content BLOB NOT NULL);
CREATE TABLE progress (
    generation INTEGER PRIMARY KEY, elapsed REAL NOT NULL, evaluations INTEGER NOT NULL, best_score REAL, detail TEXT NOT NULL);
CREATE TABLE events (id INTEGER PRIMARY KEY AUTOINCREMENT, elapsed REAL NOT NULL, kind TEXT NOT NULL, detail TEXT NOT NULL);
"""

INSERT_CANDIDATE = (
    "INSERT INTO candidates VALUES (?, ?, ?, ?, ?, ?, ?, ?, (SELECT coalesce(max(sequence), 0) FROM outcomes), ?)"
)
INSERT_OUTCOME = (
    "INSERT INTO outcomes (candidate, status, scores, fold_scores, rungs, semantics, error, duplicate_of, told,"
    f" {', '.join(COSTS)}) VALUES ({', '.join('?' * (9 + len(COSTS)))})"
)
REPLACE_VALUE = "INSERT OR REPLACE INTO meta VALUES (?, ?)"


def create_tables(connection: sqlite3.Connection, settings: Mapping[str, Any]) -> None:
    """Make the tables of a new journal, all in one transaction: a file killed in the middle of its making is blank."""
    connection.execute("BEGIN IMMEDIATE")
    for statement in SCHEMA.split(";"):
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    connection.execute("INSERT INTO meta VALUES ('settings', ?)", (to_json(settings),))
    connection.commit()


def check_tables(connection: sqlite3.Connection, target: Path) -> None:
    """Raise JournalError for a file that is no journal, of another version, or damaged."""
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise JournalError(f"{target} is not a journal of evoml; give the journal file of a run")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version != SCHEMA_VERSION:
        raise JournalError(
            f"{target} has journal version {version}, this evoml reads version {SCHEMA_VERSION};"
            " open it with the evoml version that wrote it, or start a new run"
        )
    problem = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if problem != "ok":
        raise JournalError(f"{target} is corrupt ({problem}); restore a copy, or start a new run")


# -- candidates and outcomes ----------------------------------------------------------------------------------------------


def candidate_row(candidate: Candidate, now: float) -> tuple[Any, ...]:
    return (
        candidate.id,
        candidate.key,
        str(candidate.genome),
        to_json(candidate.parents),
        candidate.operator,
        candidate.generation,
        to_json(candidate.parent_scores),
        to_json(candidate.bars),
        now,
    )


def candidate_of(row: tuple[Any, ...], parse: Callable[[str], Any]) -> Candidate:
    """Return the candidate of a row; ``parse`` reads a genome's text."""
    index, key, text, parents, operator, generation, parent_scores, bars, *_ = row
    return Candidate(
        index, parse(text), key, tuple_of(parents), operator, generation, tuple_of(parent_scores), tuple_of(bars)
    )


def outcome_row(outcome: Outcome, now: float) -> tuple[Any, ...]:
    evaluation = outcome.evaluation
    return (
        outcome.candidate.id,
        str(evaluation.status),
        to_json(outcome.scores),
        to_json(dict(evaluation.fold_scores)),
        to_json(evaluation.rungs),
        evaluation.semantics,
        evaluation.error.encode("utf-8", "backslashreplace").decode(),  # SQLite refuses half of a surrogate pair
        outcome.duplicate_of,
        now,
        *(getattr(evaluation.cost, name) for name in COSTS),
    )


def outcome_of(row: tuple[Any, ...], candidate: Candidate) -> Outcome:
    _, _, status, scores, fold_scores, rungs, semantics, error, duplicate_of, _, *cost = row
    evaluation = Evaluation(Status(status), fold_scores_of(fold_scores), Cost(*cost), error, tuple_of(rungs), semantics)
    return Outcome(candidate, evaluation, tuple_of(scores), duplicate_of)


def equivalents(table: pd.DataFrame) -> pd.Series:
    """Return, for each candidate, the one told first of those with its semantics; none if that is itself."""
    meant = table[table["semantics"].fillna("") != ""].sort_values("sequence")
    first = meant.groupby("semantics")["id"].transform("first").astype("Int64")
    return first.where(first != meant["id"]).reindex(table.index).astype("Int64")


# -- values ---------------------------------------------------------------------------------------------------------------


def to_json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), default=plain)


def plain(value: Any) -> Any:
    """Turn NumPy numbers, tuples in odd containers, paths and other objects into something JSON can hold."""
    if hasattr(value, "tolist"):
        return value.tolist()
    return list(value) if isinstance(value, Iterable) and not isinstance(value, (str, bytes)) else str(value)


def finite(value: float) -> float | None:
    return value if abs(value) != float("inf") else None


def tuple_of(text: str) -> tuple[Any, ...]:
    return tuple(json.loads(text))


def fold_scores_of(text: str) -> dict[str, tuple[float, ...]]:
    return {name: tuple(values) for name, values in json.loads(text).items()}
