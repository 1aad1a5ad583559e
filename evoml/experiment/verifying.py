"""Recorded cells, run again and compared with their traces, bit for bit."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from evoml.experiment.cells import Cell, cells_of, chosen, sample_of
from evoml.experiment.config import Experiment, read_config
from evoml.experiment.contenders import JOURNAL, estimator
from evoml.experiment.performing import recorded_trace, surroundings
from evoml.experiment.pools import ProcessPool
from evoml.experiment.results import Row
from evoml.experiment.running import at_once, known_results, places
from evoml.experiment.sources import EVOML, contents, of_libraries
from evoml.experiment.trace import Difference, first_difference

EQUAL, DIFFERENT, NOT_COMPARED = "equal", "different", "not compared"


@dataclass(frozen=True)
class Verdict:
    """How a cell came out when it was run again.

    Attributes
    ----------
    cell : str
    status : str
        ``"equal"``, ``"different"`` or ``"not compared"``.
    difference : Difference or None
        The first one.
    reason : str
        Why it was not compared.
    changed : mapping
        What is another version, or another file, now: (then, now) by name; of files, hashes of their contents.
    """

    cell: str
    status: str
    difference: Difference | None = None
    reason: str = ""
    changed: Mapping[str, tuple[str, str]] | None = None

    def __str__(self) -> str:
        changed = ", ".join(f"{name} {then} -> {now}" for name, (then, now) in (self.changed or {}).items())
        told = f": {self.difference}" if self.difference else f": {self.reason}" if self.reason else ""
        return (
            f"{self.cell}: {self.status}{told}{f' (changed since: {changed})' if changed and self.difference else ''}"
        )


def verify(
    experiment: Experiment | str | Path,
    *,
    out: str | Path | None = None,
    jobs: int | None = -1,
    cell_jobs: int | None = None,
    only: Sequence[str] = (),
    sample: int | None = None,
    watch: Callable[[Verdict], object] | None = None,
) -> list[Verdict]:
    """Run recorded cells again, and compare each with what is recorded of it.

    Parameters
    ----------
    experiment, out, jobs, cell_jobs, only :
        As in :func:`run_experiment`. Results must not depend on ``jobs`` and ``cell_jobs``.
    sample : int or None
        Cells to run again, drawn from all, the same ones each time; None for all.
    watch : callable or None
        Called with each verdict.
    """
    experiment = experiment if isinstance(experiment, Experiment) else read_config(experiment)
    where = places(experiment, out)
    cells = cells_of(experiment, where.work, cell_jobs)
    results = known_results(where, cells)
    wanted = sample_of(chosen(cells, only), sample)
    verdicts = []
    for verdict in _verdicts(wanted, results.rows, at_once(experiment, jobs, None, cell_jobs)):
        verdicts.append(verdict)
        if watch is not None:
            watch(verdict)
    return verdicts


def _verdicts(cells: Sequence[Cell], rows: Mapping[str, Row], workers: int) -> Iterator[Verdict]:
    again = []
    for cell in cells:
        if reason := _incomparable(cell, rows.get(cell.id)):
            yield Verdict(cell.id, NOT_COMPARED, reason=reason)
        elif not cell.variant.ordered:
            yield _replayed(cell, rows[cell.id])
        else:
            again.append(cell)
    recorded_in = {cell.id: cell.folder for cell in again}
    with tempfile.TemporaryDirectory(prefix="evoml-verify-") as folder:
        moved = [replace(cell, folder=Path(folder) / cell.id) for cell in again]
        for ended in ProcessPool(workers).rows(moved):
            if ended is not None:
                cell, row = ended
                yield _compared(cell, rows[cell.id], row, recorded_in[cell.id])


def _incomparable(cell: Cell, row: Row | None) -> str:
    """Return why a cell cannot be compared; an empty text if it can."""
    if row is None or not row.finished:
        return "it is not finished"
    if row.fingerprint != cell.fingerprint:
        return "the config has changed since it was run"
    if not row.trace.digest:
        return "its trace is not recorded"
    replayable = cell.variant.genome == "pipeline" and (cell.folder / JOURNAL).is_file()
    if not cell.variant.ordered and not replayable:
        return "it is bounded by time, so it does not come out the same again; only pipelines are replayed, from their journals"
    return ""


def _replayed(cell: Cell, recorded: Row) -> Verdict:
    """Repeat a search for pipelines that was bounded by time as its journal tells: asked and told in the same order."""
    from evoml.run import replay

    data = cell.data()
    found = replay(estimator(cell, data.task).as_search(data.X, data.y), cell.folder / JOURNAL)
    if found.difference is None:
        return Verdict(cell.id, EQUAL, reason="replayed from its journal, for it is bounded by time")
    differs, where = found.difference, "the end of the run"
    if differs.candidate is not None:
        where = f"candidate {differs.candidate}"
    difference = Difference(f"{where}, its {differs.what},", differs.recorded, differs.now)
    return Verdict(cell.id, DIFFERENT, difference, changed={**found.changed_versions, **_changed(recorded, cell)})


def _changed(recorded: Row, cell: Cell) -> dict[str, tuple[str, str]]:
    """Return what is another version or another file now than when a cell was recorded."""
    then, now = recorded.versions, {**surroundings(), **contents(cell)}
    if EVOML not in then:  # recorded before contents were
        now = of_libraries(now)
    names = dict.fromkeys([*then, *now])
    pairs = {name: (then.get(name, "none"), now.get(name, "none")) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _compared(cell: Cell, recorded: Row, now: Row, folder: Path) -> Verdict:
    changed = _changed(recorded, cell)
    if not now.finished:
        return Verdict(cell.id, DIFFERENT, Difference("the run", "finished", now.error), changed=changed)
    rows = recorded_trace(cell.folder)
    assert rows is not None
    difference = first_difference(recorded.trace, rows, recorded_trace(folder))
    return Verdict(cell.id, DIFFERENT if difference else EQUAL, difference, changed=changed)
