"""An experiment, run: all cells that are not finished, within so many processors and so much memory."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from evoml.core.errors import SettingError, nearest
from evoml.evaluation import memory_bytes
from evoml.evaluation import workers as processors
from evoml.experiment.cells import Cell, cells_of, chosen
from evoml.experiment.checking import check_settings
from evoml.experiment.config import Experiment, read_config
from evoml.experiment.performing import recorded_row
from evoml.experiment.pools import DaskPool, ProcessPool
from evoml.experiment.remaining import Remaining, remaining
from evoml.experiment.results import Results, Row
from evoml.experiment.toml_lines import TomlFile

SHARE = 0.8  # of the machine's memory that cells may take together
WRITE_SECONDS = 5.0  # between two writings of the table of results, for each cell is kept besides
CACHE = "EVOML_EXPERIMENTS"


@dataclass(frozen=True)
class Standing:
    """How far an experiment is.

    Attributes
    ----------
    cells, finished, failed : int
        All of them, those that are finished, also in earlier sittings, and those that failed in this one.
    left : int
        Those that this sitting has still to end.
    running : sequence of str
        What runs now.
    remaining : Remaining or None
        The time left; None before the first cell of a sitting has ended.
    latest : Row or None
        The cell that ended just now.
    """

    cells: int
    finished: int
    failed: int
    left: int
    running: Sequence[str]
    remaining: Remaining | None
    latest: Row | None


@dataclass(frozen=True)
class Places:
    """Where an experiment works, and where its results are."""

    work: Path
    results: Path


def places(experiment: Experiment, out: str | Path | None = None) -> Places:
    """Return the folders of an experiment: all in ``out``, or results beside the config and the rest in the user's cache."""
    if out is not None:
        return Places(Path(out).resolve(), Path(out).resolve() / "results")
    cache = os.environ.get(CACHE) or Path.home() / ".cache" / "evoml" / "experiments"
    own = hashlib.blake2b(str(experiment.path.resolve()).encode(), digest_size=4).hexdigest()
    work = f"{experiment.name.replace('/', '_')}-{own}"  # folders of two projects may have the same name
    return Places(Path(cache).resolve() / work, experiment.results)


def run_experiment(
    experiment: Experiment | str | Path,
    *,
    out: str | Path | None = None,
    jobs: int | None = -1,
    memory: int | None = None,
    cell_jobs: int | None = None,
    cluster: str | None = None,
    only: Sequence[str] = (),
    watch: Callable[[Standing], object] | None = None,
) -> Results:
    """Run the cells that are not finished, and return all results.

    Parameters
    ----------
    experiment : Experiment, or its name or path
    out : path or None
        Folder for everything; None leaves results beside the config, and the rest in ``~/.cache/evoml/experiments``.
    jobs : int
        Processors for all cells together; -1 is all.
    memory : int or None
        Bytes for all cells together; None is 80 % of the machine's.
    cell_jobs : int or None
        Processors of a cell; None is what the config says.
    cluster : str or None
        Address of a Dask scheduler whose workers are to run the cells.
    only : sequence of str
        Patterns of cells' names.
    watch : callable or None
        Called with a Standing after each cell, and twice a second.

    Raises
    ------
    ConfigError
        For a mistake in the config, before any cell; for a measure that there is not, after the first one.
    SettingError
        If another sitting is under way, or no cell fits into the memory.
    """
    experiment = experiment if isinstance(experiment, Experiment) else read_config(experiment)
    where = places(experiment, out)
    cells = cells_of(experiment, where.work, cell_jobs)
    wanted = chosen(cells, only)
    with locked(where.work):
        results = known_results(where, cells)
        finished = {row.cell for row in results.finished(cells)}
        todo = [cell for cell in wanted if cell.id not in finished]
        if todo:
            check_settings(experiment)
        pool = (
            DaskPool(cluster, len(cells))
            if cluster
            else ProcessPool(at_once(experiment, jobs, memory, cell_jobs), len(cells))
        )
        sitting = Sitting(experiment, cells, todo, results, pool, where, watch)
        try:
            sitting.run()
        finally:
            results.write(where.results, cells)
    return results


def known_results(where: Places, cells: Sequence[Cell]) -> Results:
    """Return what is recorded of the cells: in the table of results, or by a sitting that was killed before it wrote one."""
    results = Results.read(where.results)
    whole = {row.cell for row in results.finished(cells) if row.trace.digest}
    for cell in cells:
        if cell.id not in whole and (row := recorded_row(cell)) is not None:
            results.rows[cell.id] = row
    return results


def at_once(experiment: Experiment, jobs: int | None, memory: int | None, cell_jobs: int | None = None) -> int:
    """Return how many cells run at once. Raises SettingError if there is not enough memory for one."""
    room = int(SHARE * memory_bytes()) if memory is None else memory
    each = cell_jobs or experiment.cell_jobs
    if room < experiment.cell_memory:
        raise SettingError(
            f"a cell may take {experiment.cell_memory / 2**30:.3g} GiB, and there are {room / 2**30:.3g} GiB for all:"
            " lower cell_memory in the config, or allow more memory"
        )
    return max(1, min(processors(jobs) // each, room // (experiment.cell_memory * (1 + with_workers(experiment)))))


def with_workers(experiment: Experiment) -> bool:
    """Tell whether some cells have worker processes, which may take together as much memory again."""
    pipelines = (variant for variant in experiment.variants if variant.genome == "pipeline")
    return any(variant.settings.get("executor") != "serial" for variant in pipelines)


@contextmanager
def locked(work: Path) -> Iterator[None]:
    """Keep another sitting out of a folder. Raises SettingError if there is one."""
    from filelock import FileLock, Timeout

    work.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(work / "lock", timeout=0):
            yield
    except Timeout:
        raise SettingError(
            f"another sitting of this experiment works in {work}; wait for its end, or give another --out"
        ) from None


class Sitting:
    """One call of ``run``: goes through the cells that are left, and tells how far it is."""

    def __init__(
        self,
        experiment: Experiment,
        cells: Sequence[Cell],
        todo: Sequence[Cell],
        results: Results,
        pool: ProcessPool | DaskPool,
        where: Places,
        watch: Callable[[Standing], object] | None,
    ) -> None:
        self.experiment, self.cells, self.todo, self.results = experiment, cells, todo, results
        self.pool, self.where, self.watch = pool, where, watch
        self._kinds = {cell.id: (cell.problem, cell.variant.name) for cell in cells}
        self._took: list[tuple[tuple[str, str], float]] = []
        self._over: set[str] = set()
        self._finished = len(results.finished(cells))
        self._failed = 0
        self._written = time.monotonic()

    def run(self) -> None:
        """Run all that is left."""
        self._tell(None)
        for ended in self.pool.rows(self.todo):
            if ended is None:
                self._tell(None)
                continue
            cell, row = ended
            self.results.rows[cell.id] = row
            self._over.add(cell.id)
            self._finished += row.finished
            self._failed += not row.finished
            self._took.append((self._kinds[cell.id], row.seconds))
            self._tell(row)
            self._check_measure(row)
            if time.monotonic() - self._written > WRITE_SECONDS:
                self.results.write(self.where.results, self.cells)
                self._written = time.monotonic()

    def _check_measure(self, row: Row) -> None:
        """Raise ConfigError if a finished cell has not what the config compares: the others would not have it either."""
        measure = self.experiment.measure
        if row.finished and measure not in row.measures:
            told = f"{row.cell} has no measure {measure!r}{nearest(measure, row.measures)}; it has: {', '.join(row.measures)}"
            raise TomlFile(self.experiment.path).error(["measure"], told)

    def _tell(self, latest: Row | None) -> None:
        if self.watch is None:
            return
        running = {name: seconds for name, seconds in self.pool.running.items() if name not in self._over}
        left = [self._kinds[cell.id] for cell in self.todo if cell.id not in self._over and cell.id not in running]
        under_way = [(self._kinds[name], seconds) for name, seconds in running.items()]
        self.watch(
            Standing(
                len(self.cells),
                self._finished,
                self._failed,
                len(self.todo) - len(self._over),
                list(running),
                remaining(self._took, left, under_way, self.pool.workers) if self.pool.workers else None,
                latest,
            )
        )
