"""The results of an experiment: small text files that belong beside its config, written whole or not at all."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evoml.core.errors import DataError
from evoml.experiment.trace import Hashed

if TYPE_CHECKING:
    import pandas as pd

    from evoml.experiment.cells import Cell

TABLE, CURVES, TRACES, VERSIONS = "results.csv", "curves.csv", "traces.txt", "versions.json"
FACTOR, MEASURE = "factor.", "measure."
FINISHED, FAILED = "finished", "failed"
_FIRST = ("cell", "problem", "variant")
_LAST = ("seed", "status", "evaluations", "seconds", "cpu_seconds")
_END = ("trace", "versions", "fingerprint", "error")


@dataclass(frozen=True)
class Row:
    """What became of a cell."""

    cell: str
    problem: str
    variant: str
    levels: Mapping[str, str]
    seed: int
    status: str
    fingerprint: str
    measures: Mapping[str, float] = field(default_factory=dict)
    curve: Sequence[tuple[float, float, float]] = ()
    evaluations: float = math.nan
    seconds: float = math.nan
    cpu_seconds: float = math.nan
    trace: Hashed = field(default_factory=lambda: Hashed("", 0, 1, ""))
    versions: Mapping[str, str] = field(default_factory=dict)
    error: str = ""

    @property
    def finished(self) -> bool:
        return self.status == FINISHED

    @classmethod
    def of(cls, cell: Cell, status: str, **more: Any) -> Row:
        """Return the row of a cell."""
        told = (cell.id, cell.problem, cell.variant.name, dict(cell.levels), cell.seed, status, cell.fingerprint)
        return cls(*told, **more)

    def as_text(self) -> str:
        """Return all of it as JSON."""
        from dataclasses import asdict

        return json.dumps(asdict(self), indent=1)

    @classmethod
    def from_text(cls, text: str) -> Row:
        """Return the row that :meth:`as_text` told of."""
        content = json.loads(text)
        curve = [(row[0], row[1], row[2]) for row in content["curve"]]
        return cls(**{**content, "curve": curve, "trace": Hashed(**content["trace"])})


class Results:
    """Rows by cell, in the order of the experiment's cells."""

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self.rows = {row.cell: row for row in rows}

    @classmethod
    def read(cls, folder: Path) -> Results:
        """Return the results in a folder; none if there are none. Raises DataError if they cannot be read."""
        if not (folder / TABLE).is_file():
            return cls()
        try:
            return cls(_read(folder))
        except (KeyError, ValueError, IndexError) as error:
            raise DataError(
                f"{folder / TABLE} cannot be read ({error}); restore it, or run the experiment again"
            ) from error

    def finished(self, cells: Sequence[Cell]) -> list[Row]:
        """Return the rows of the cells that are finished as the config has them now."""
        rows = [self.rows.get(cell.id) for cell in cells]
        pairs = zip(rows, cells, strict=True)
        return [row for row, cell in pairs if row is not None and row.finished and row.fingerprint == cell.fingerprint]

    def write(self, folder: Path, cells: Sequence[Cell]) -> None:
        """Write the rows of these cells, in their order; rows of cells that are no more are left out."""
        rows = [self.rows[cell.id] for cell in cells if cell.id in self.rows]
        folder.mkdir(parents=True, exist_ok=True)
        keys = {row.cell: _short_hash(row.versions) for row in rows}
        curves = [(row.cell, *map(_number, point)) for row in rows for point in row.curve]
        write_whole(folder / CURVES, _csv([("cell", "evaluations", "seconds", "score"), *curves]))
        traces = [f"{row.cell} {t.digest} {t.rows} {t.stride} {t.marks}" for row in rows if (t := row.trace).digest]
        write_whole(folder / TRACES, "".join(f"{line}\n" for line in traces))
        versions = {keys[row.cell]: dict(row.versions) for row in rows}
        write_whole(folder / VERSIONS, json.dumps(versions, indent=1, sort_keys=True) + "\n")
        write_whole(
            folder / TABLE, _table(rows, keys)
        )  # last: a cell that stands in it is finished, and has all of the above

    def frame(self, cells: Sequence[Cell]) -> pd.DataFrame:
        """Return one row a finished cell: problem, variant, seed, levels, measures, evaluations, seconds."""
        import pandas as pd

        return pd.DataFrame(
            [
                {
                    "cell": row.cell,
                    "problem": row.problem,
                    "variant": row.variant,
                    "seed": row.seed,
                    **{f"{FACTOR}{name}": level for name, level in row.levels.items()},
                    **row.measures,
                    "evaluations": row.evaluations,
                    "seconds": row.seconds,
                    "cpu_seconds": row.cpu_seconds,
                }
                for row in self.finished(cells)
            ]
        )


def write_whole(path: Path, text: str) -> None:
    """Write a file so that it is there whole or not at all, whatever happens meanwhile."""
    spare = path.with_name(f"{path.name}.{os.getpid()}.part")
    with spare.open("w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    spare.replace(path)


def _table(rows: Sequence[Row], keys: Mapping[str, str]) -> str:
    factors = list(dict.fromkeys(name for row in rows for name in row.levels))
    measures = list(dict.fromkeys(name for row in rows for name in row.measures))
    head = (
        *_FIRST,
        *(f"{FACTOR}{name}" for name in factors),
        *_LAST,
        *(f"{MEASURE}{name}" for name in measures),
        *_END,
    )
    lines = [
        (
            *(
                row.cell,
                row.problem,
                row.variant,
                *(row.levels.get(name, "") for name in factors),
                row.seed,
                row.status,
            ),
            *(_number(row.evaluations), _number(round(row.seconds, 3)), _number(round(row.cpu_seconds, 3))),
            *(_number(row.measures[name]) if name in row.measures else "" for name in measures),
            *(row.trace.digest[:16], keys[row.cell], row.fingerprint, " ".join(row.error.split())),
        )
        for row in rows
    ]
    return _csv([head, *lines])


def _csv(lines: Iterable[Sequence[Any]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(lines)
    return out.getvalue()


def _number(value: float) -> str:
    """Return a number as a text that gives back the same bits."""
    if math.isnan(value):
        return "nan"
    return (
        str(int(value))
        if value == int(value if math.isfinite(value) else 0) and abs(value) < 1e15
        else repr(float(value))
    )


def _short_hash(value: Any) -> str:
    return hashlib.blake2b(json.dumps(value, sort_keys=True).encode(), digest_size=4).hexdigest()


def _read(folder: Path) -> list[Row]:
    versions = json.loads((folder / VERSIONS).read_text(encoding="utf-8")) if (folder / VERSIONS).is_file() else {}
    curves: dict[str, list[tuple[float, float, float]]] = {}
    for line in _lines(folder / CURVES):
        point = (float(line["evaluations"]), float(line["seconds"]), float(line["score"]))
        curves.setdefault(line["cell"], []).append(point)
    traces = {}
    if (folder / TRACES).is_file():
        for text in (folder / TRACES).read_text(encoding="utf-8").splitlines():
            cell, digest, rows, stride, *marks = text.split(" ")
            traces[cell] = Hashed(digest, int(rows), int(stride), marks[0] if marks else "")
    nothing = Hashed("", 0, 1, "")
    return [
        replace(
            _row(line),
            curve=curves.get(line["cell"], ()),
            trace=traces.get(line["cell"], nothing),
            versions=versions.get(line["versions"], {}),
        )
        for line in _lines(folder / TABLE)
    ]


def _row(line: Mapping[str, str]) -> Row:
    def of(prefix: str) -> dict[str, str]:
        return {
            name.removeprefix(prefix): text for name, text in line.items() if name.startswith(prefix) and text != ""
        }

    return Row(
        line["cell"],
        line["problem"],
        line["variant"],
        of(FACTOR),
        int(line["seed"]),
        line["status"],
        line["fingerprint"],
        {name: float(text) for name, text in of(MEASURE).items()},
        evaluations=float(line["evaluations"]),
        seconds=float(line["seconds"]),
        cpu_seconds=float(line["cpu_seconds"]),
        error=line["error"],
    )


def _lines(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
