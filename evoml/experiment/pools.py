"""Where cells run: in worker processes of this machine, or on the workers of a Dask cluster."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, Pipe, wait
from typing import Any

from evoml.core.errors import SettingError
from evoml.experiment.cells import Cell
from evoml.experiment.results import FAILED, Row

LOOK_SECONDS = 0.5  # between two looks at what runs
CONNECT_SECONDS = 10.0  # to reach a scheduler
_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)  # results of linear algebra may depend on their number


class _Worker:
    """A fresh interpreter that runs cells one after another, and ends with its parent."""

    def __init__(self) -> None:
        self.connection: Connection
        self.connection, theirs = Pipe()
        path = os.pathsep.join(part or os.getcwd() for part in sys.path)
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", "from evoml.experiment.worker import main; main()", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C in a terminal is for the parent alone
            env={**os.environ, **_ONE_THREAD, "PYTHONPATH": path},
        )
        theirs.close()
        self.cell: Cell | None = None
        self.began = 0.0

    def begin(self, cell: Cell, cells: int) -> None:
        self.cell, self.began = cell, time.monotonic()
        with suppress(OSError):  # it is dead, which shows when it is asked for its result
            self.connection.send((os.getpid(), cell, cells))

    def row(self) -> Row:
        """Return the row of the cell it has run, or how it died."""
        assert self.cell is not None
        try:
            return self.connection.recv()  # type: ignore[no-any-return]
        except (EOFError, OSError):
            code = self.process.wait()
            how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
            hint = (
                ": perhaps the machine ran out of memory; raise cell_memory, so that fewer cells run at once"
                if code == -9
                else ""
            )
            return Row.of(self.cell, FAILED, error=f"its process {how}{hint}", seconds=time.monotonic() - self.began)

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self.connection.close()


@dataclass
class ProcessPool:
    """Runs cells in so many processes. What runs, and for how long already, is in ``running``."""

    workers: int
    cells: int = 1
    running: dict[str, float] = field(default_factory=dict)

    def rows(self, cells: Sequence[Cell]) -> Iterator[tuple[Cell, Row] | None]:
        """Yield each cell with its row as it ends, and None at least twice a second."""
        left = deque(cells)
        team: list[_Worker] = []
        try:
            while left or any(worker.cell for worker in team):
                while left and (worker := self._idle(team)):
                    worker.begin(left.popleft(), self.cells)
                busy = {worker.connection: worker for worker in team if worker.cell}
                self.running = {w.cell.id: time.monotonic() - w.began for w in busy.values() if w.cell}
                ready = wait(list(busy), LOOK_SECONDS)
                if not ready:
                    yield None
                for connection in ready:
                    worker = busy[connection]  # type: ignore[index]
                    cell, row, worker.cell = worker.cell, worker.row(), None
                    if not worker.alive:
                        worker.end()
                        team.remove(worker)
                    assert cell is not None
                    yield cell, row
        finally:
            self.running = {}
            for worker in team:
                worker.end()

    def _idle(self, team: list[_Worker]) -> _Worker | None:
        """Return a worker that has nothing to do; a new one while there are not enough of them."""
        if idle := next((worker for worker in team if worker.cell is None), None):
            return idle
        if len(team) < self.workers:
            team.append(_Worker())
            return team[-1]
        return None


@dataclass
class DaskPool:
    """Runs cells on the workers of a Dask cluster, which must see the folders of the config and of the journals.

    Each cell has a process of its own there, with its limit of memory, as on this machine. ``workers`` are the threads that the
    cluster has now.
    """

    address: str
    cells: int = 1
    workers: int = 0
    running: dict[str, float] = field(default_factory=dict)

    def rows(self, cells: Sequence[Cell]) -> Iterator[tuple[Cell, Row] | None]:
        """Yield each cell with its row as it ends, and None at least twice a second."""
        from distributed import wait as wait_for

        with _client(self.address) as client:
            began = time.monotonic()
            waiting = {
                client.submit(perform_apart, cell, self.cells, key=f"evoml-{cell.id}-{began}", pure=False): cell
                for cell in cells
            }
            while waiting:
                self.workers = sum(client.nthreads().values())
                with suppress(TimeoutError):
                    wait_for(list(waiting), timeout=LOOK_SECONDS, return_when="FIRST_COMPLETED")
                done = [future for future in waiting if future.done()]
                if not done:
                    yield None
                for future in done:
                    cell = waiting.pop(future)
                    yield cell, _dask_row(future, cell)


def perform_apart(cell: Cell, cells: int = 1) -> Row:
    """Run a cell of an experiment of so many cells in a fresh process, and return its row."""
    rows = ProcessPool(1, cells).rows([cell])
    return next(ended[1] for ended in rows if ended is not None)


def _dask_row(future: Any, cell: Cell) -> Row:
    """Return a cell's row from a future, also where the cluster could not run it."""
    if (error := future.exception()) is not None:
        return Row.of(cell, FAILED, error=f"the cluster could not run it: {error}")
    return future.result()  # type: ignore[no-any-return]


def _client(address: str) -> Any:
    try:
        from distributed import Client
    except ImportError:
        raise SettingError("a Dask cluster needs the package distributed: run `pip install 'evoml[dask]'`") from None
    try:
        return Client(address, timeout=CONNECT_SECONDS)
    except (OSError, TimeoutError, ValueError) as error:
        raise SettingError(
            f"there is no Dask scheduler at {address}: {error}; start one, or correct the address"
        ) from None
