"""A cell, performed and written down: what workers of all kinds do."""

from __future__ import annotations

import gzip
import json
import platform
import resource
import time
from pathlib import Path
from typing import Any

from evoml.core.errors import EvomlError
from evoml.core.process import versions
from evoml.experiment.cells import Cell, Finding
from evoml.experiment.contenders import run_cell
from evoml.experiment.results import FAILED, FINISHED, Row, write_whole
from evoml.experiment.sources import changed, contents
from evoml.experiment.trace import exact, hashed

RESULT, TRACE = "result.json", "trace.json.gz"
LIBRARIES = (
    *("numpy", "scipy", "scikit-learn", "pandas", "numba", "llvmlite", "deap", "networkx", "skrub"),
    *("lightgbm", "xgboost", "catboost"),
)


def perform(cell: Cell, cells: int = 1) -> Row:
    """Run a cell of an experiment of so many cells, and leave its row and its trace in its folder, then and only then."""
    began, cpu = time.monotonic(), _cpu_seconds()
    there = {**surroundings(), **contents(cell)}  # before it runs, for files may be edited meanwhile
    try:
        found = run_cell(cell)
    except (Exception, SystemExit) as error:  # a cell may run anything
        return Row.of(cell, FAILED, error=_told(error), seconds=time.monotonic() - began, versions=there)
    rows = list(found.trace or ())
    row = Row.of(
        cell,
        FINISHED,
        measures=dict(found.measures),
        curve=list(found.curve),
        evaluations=_evaluations(found),
        seconds=max([time.monotonic() - began, *(point[1] for point in found.curve[-1:])]),
        cpu_seconds=_cpu_seconds() - cpu,
        trace=hashed(rows, cells),
        versions=there,
    )
    cell.folder.mkdir(parents=True, exist_ok=True)
    spare = cell.folder / f"{TRACE}.part"
    spare.write_bytes(gzip.compress(exact(rows), mtime=0))
    spare.replace(cell.folder / TRACE)
    write_whole(cell.folder / RESULT, row.as_text())
    return row


def recorded_row(cell: Cell) -> Row | None:
    """Return the row that a finished cell has left in its folder; None if its files or tables are others now."""
    path = cell.folder / RESULT
    if not path.is_file():
        return None
    row = Row.from_text(path.read_text(encoding="utf-8"))
    return None if changed(row.versions, contents(cell)) else row


def recorded_trace(folder: Path) -> list[tuple[Any, ...]] | None:
    """Return the trace that a finished cell has left in a folder."""
    path = folder / TRACE
    if not path.is_file():
        return None
    return [tuple(row) for row in json.loads(gzip.decompress(path.read_bytes()))]


def surroundings() -> dict[str, str]:
    """Return what results of all cells may depend on beside the config: versions of libraries, system and processor."""
    return {
        **versions(LIBRARIES),
        "system": platform.system(),
        "machine": platform.machine(),
        "processor": _processor(),
    }


def _processor() -> str:
    cpus = Path("/proc/cpuinfo")
    if cpus.is_file():
        for line in cpus.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


def _cpu_seconds() -> float:
    """Return the CPU seconds of this process and of its children that have ended."""
    used = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def _evaluations(found: Finding) -> float:
    if found.evaluations is not None:
        return float(found.evaluations)
    return found.curve[-1][0] if found.curve else float("nan")


def _told(error: BaseException) -> str:
    """Return an error as a text: of a user's own code, where it arose."""
    if isinstance(error, EvomlError):
        return f"{type(error).__name__}: {error}"
    at, place = error.__traceback__, ""
    while at is not None:
        place = f" ({Path(at.tb_frame.f_code.co_filename).name}, line {at.tb_lineno})"
        at = at.tb_next
    return f"{type(error).__name__}: {error}{place}"
