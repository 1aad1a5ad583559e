"""What a run did, step by step: hashed so that two runs can be compared bit for bit, and the first difference told."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evoml.journal import Journal

Row = tuple[Any, ...]  # a name, and what must be the same

DIGITS = 6  # of the hash after each row that is kept, so that a difference is seen where it arises
MOST_DIGITS = 300_000  # in the results of an experiment, for they are kept with its source
MOST_MARKS = 1000  # of a cell


@dataclass(frozen=True)
class Hashed:
    """The hash of a trace, and marks on its way.

    Attributes
    ----------
    digest : str
        Of all rows.
    rows : int
    stride : int
        Rows from mark to mark.
    marks : str
        The first digits of the hash of all rows up to each mark, one after another.
    """

    digest: str
    rows: int
    stride: int
    marks: str


@dataclass(frozen=True)
class Difference:
    """The first thing that did not come out as recorded, or the rows among which it is."""

    name: str
    recorded: Any = None
    now: Any = None

    def __str__(self) -> str:
        if self.recorded is None and self.now is None:
            return f"{self.name} differs"
        if self.recorded is None:
            return f"{self.name} differs; it is now {_text(self.now)}"
        return f"{self.name} differs: was {_text(self.recorded)}, is {_text(self.now)}"


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=_plain)
    return text if len(text) <= 300 else f"{text[:299]}…"


def trace_of_journal(path: Path) -> list[Row]:
    """Return what a journal tells of candidates, in the order in which their outcomes were told, and of generations."""
    with Journal.read(path) as journal:
        _, told = journal.asked_and_told(str)
        progress = journal.progress()
    rows: list[Row] = [
        (
            f"candidate {outcome.candidate.id}",
            {
                "text": outcome.candidate.genome,
                "key": outcome.candidate.key,
                "parents": outcome.candidate.parents,
                "status": str(outcome.status),
                "scores": outcome.scores,
                "fold_scores": dict(outcome.evaluation.fold_scores),
                "duplicate_of": outcome.duplicate_of,
            },
        )
        for outcome in told
    ]
    generations = progress[["generation", "evaluations", "best_score"]].itertuples(index=False)
    return rows + [(f"generation {int(row[0])}", int(row[1]), float(row[2])) for row in generations]


def with_measures(rows: Iterable[Row], measures: Mapping[str, float]) -> list[Row]:
    """Return a trace with what came out in the end, as far as it is the same in each run."""
    return [*rows, *((f"measure {name}", value) for name, value in measures.items() if not name.endswith("seconds"))]


def without_seconds(curve: Iterable[tuple[float, float, float]]) -> list[Row]:
    """Return a curve as a trace."""
    return [(f"the best score after {evaluations:g} evaluations", score) for evaluations, _, score in curve]


def stride_for(rows: int, cells: int) -> int:
    """Return the rows from mark to mark, so that the marks of all cells stay small enough to be kept."""
    most = max(1, min(MOST_MARKS, MOST_DIGITS // (DIGITS * max(1, cells))))
    return max(1, -(-rows // most))


def hashed(rows: Sequence[Row], cells: int = 1) -> Hashed:
    """Hash a trace of an experiment that has so many cells."""
    stride = stride_for(len(rows), cells)
    return Hashed(_digest(rows), len(rows), stride, "".join(_marks(rows, stride)))


def _digest(rows: Sequence[Row]) -> str:
    running = hashlib.blake2b(digest_size=16)
    for row in rows:
        running.update(exact(row))
    return running.hexdigest()


def _marks(rows: Sequence[Row], stride: int) -> list[str]:
    running, marks = hashlib.blake2b(digest_size=16), []
    for at, row in enumerate(rows, 1):
        running.update(exact(row))
        if at % stride == 0:
            marks.append(running.copy().hexdigest()[:DIGITS])
    return marks


def exact(value: Any) -> bytes:
    """Return bytes that are the same for the same bits only, whatever the kind of number or sequence."""
    return json.dumps(value, sort_keys=True, default=_plain).encode()


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else list(value) if isinstance(value, Iterable) else str(value)


def first_difference(recorded: Hashed, now: Sequence[Row], rows: Sequence[Row] | None = None) -> Difference | None:
    """Return the first difference between a recorded trace and that of now; None if they are the same bit for bit.

    ``rows`` is the recorded trace itself, where it is still there; otherwise the difference is found by the marks.
    """
    if _digest(now) == recorded.digest:
        return None
    if rows is not None and _digest(rows) == recorded.digest:
        return _by_rows(rows, now)
    there = [recorded.marks[at : at + DIGITS] for at in range(0, len(recorded.marks), DIGITS)]
    here = _marks(now, recorded.stride)
    same = next((at for at, pair in enumerate(zip(there, here, strict=False)) if pair[0] != pair[1]), None)
    first = (min(len(there), len(here)) if same is None else same) * recorded.stride
    last = min(first + recorded.stride, len(now))
    if first >= len(now):
        return Difference(f"the length: the run ended after row {len(now)}, of {recorded.rows}; what follows")
    if last - first == 1:
        return Difference(str(now[first][0]), now=_short(now[first]))
    return Difference(f"one of the rows from {now[first][0]} to {now[last - 1][0]}")


def _by_rows(recorded: Sequence[Row], now: Sequence[Row]) -> Difference:
    for before, after in zip(recorded, now, strict=False):
        if exact(before) != exact(after):
            return _within(before, after)
    longer, shorter = max(recorded, now, key=len), min(recorded, now, key=len)
    row = longer[len(shorter)]
    was, is_ = ("there", "not there") if longer is recorded else ("not there", "there")
    return Difference(str(row[0]), was, is_)


def _within(before: Row, after: Row) -> Difference:
    """Name what of a row differs."""
    if before[0] != after[0] or len(before) != 2 or not isinstance(before[1], dict) or not isinstance(after[1], dict):
        return Difference(str(before[0]), _short(before), _short(after))
    name = next(key for key in before[1] if exact(before[1][key]) != exact(after[1].get(key)))
    return Difference(f"{before[0]}, its {name},", before[1][name], after[1].get(name))


def _short(row: Row) -> Any:
    return row[1] if len(row) == 2 else list(row[1:])
