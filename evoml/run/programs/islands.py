"""Islands that evolve side by side: in threads of this process, or on a Dask cluster. What comes of them is the same.

An island goes on for a fixed number of births; its kernel holds no lock of Python's. Everything that it is lies in its state.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from evoml.core.errors import FitError, SettingError, nearest
from evoml.evaluation.executors import on_cluster
from evoml.evaluation.surroundings import error_text
from evoml.kernels.program_search import BORN, State, evolve

if TYPE_CHECKING:
    from evoml.kernels.program_run import Rules
    from evoml.kernels.program_search import Settings
    from evoml.kernels.program_tasks import Tasks
    from evoml.kernels.program_variation import Language

PIECE_SECONDS = 0.1  # of evolution, after which it is seen whether there is time for more
FIRST_PIECE = 64  # births
TRIES = 3  # at a batch on a cluster that fails around it


@dataclass(frozen=True, eq=False)
class Setting:
    """What is the same for all islands at all times."""

    language: Language
    tasks: Tasks
    rules: Rules
    settings: Settings


class IslandExecutor(Protocol):
    """Has islands go on."""

    def advanced(self, states: Sequence[State], target: int, seconds: float | None) -> tuple[tuple[State, ...], float]:
        """Return islands of ``target`` births, or fewer where ``seconds`` are over, and the CPU seconds spent elsewhere."""
        ...

    def close(self) -> None: ...


def island_executor(name: Any, setting: Setting, n_jobs: int) -> IslandExecutor:
    """Return where islands run: "threads", or a Dask cluster. Raises SettingError."""
    if on_cluster(name):
        return DaskIslands(setting, None if name == "dask" else name, n_jobs)
    if name != "threads":
        raise SettingError(
            f"unknown executor {name!r}{nearest(name, ('threads', 'dask'))}; there are: threads, dask, the address of a Dask"
            " scheduler (tcp://host:8786), or a Dask client"
        )
    return ThreadedIslands(setting, n_jobs)


def go_on(
    state: State, target: int, setting: Setting, seconds: float | None, halted: Callable[[], bool] = lambda: False
) -> float:
    """Have an island go on in place to so many births, or until time is over; return the CPU seconds that took."""
    began, cpu, piece = time.monotonic(), time.thread_time(), FIRST_PIECE
    while (left := target - int(state.counts[BORN])) > 0 and not halted():
        at = time.monotonic()
        if seconds is not None and at - began >= seconds:
            break
        evolve(state, min(piece, left), setting.language, setting.tasks, setting.rules, setting.settings)
        took = time.monotonic() - at
        piece = 2 * piece if took < PIECE_SECONDS / 2 else max(1, piece // 2) if took > PIECE_SECONDS else piece
    return time.thread_time() - cpu


class ThreadedIslands:
    """Islands in threads of this process, changed in place: one that is interrupted stands between two births."""

    def __init__(self, setting: Setting, n_jobs: int) -> None:
        self._setting, self._halt = setting, Event()
        self._threads = ThreadPoolExecutor(n_jobs, thread_name_prefix="evoml-island")

    def advanced(self, states: Sequence[State], target: int, seconds: float | None) -> tuple[tuple[State, ...], float]:
        self._halt.clear()
        more = (target, self._setting, seconds, self._halt.is_set)
        futures = [self._threads.submit(go_on, state, *more) for state in states]
        try:
            for future in futures:
                future.result()
        except BaseException:
            self._halt.set()
            wait(futures)
            raise
        return tuple(states), 0.0

    def close(self) -> None:
        self._halt.set()
        self._threads.shutdown()


class DaskIslands:
    """Islands on the workers of a Dask cluster, which may die: a batch that is lost is done again, to the same bits."""

    def __init__(self, setting: Setting, cluster: Any, n_jobs: int) -> None:
        from evoml.evaluation.executors.cluster import connect

        self._setting = setting
        self._sent: Any = None
        self._client, self._ours = connect(cluster, n_jobs)

    def advanced(self, states: Sequence[State], target: int, seconds: float | None) -> tuple[tuple[State, ...], float]:
        for tries_left in reversed(range(TRIES)):
            try:
                return self._asked(states, target, seconds)
            except Exception as error:  # whatever a cluster may lose: workers, data, connections
                self._sent = None
                if not tries_left:
                    raise FitError(
                        f"a batch of births failed {TRIES} times on the Dask cluster ({error_text(error)}); look at its"
                        " workers' logs, then resume the run from its journal"
                    ) from error
        raise AssertionError

    def _asked(self, states: Sequence[State], target: int, seconds: float | None) -> tuple[tuple[State, ...], float]:
        if self._sent is None:
            self._sent = self._client.scatter(self._setting, broadcast=True, hash=False)
        futures = [self._client.submit(_gone_on, state, target, self._sent, seconds, pure=False) for state in states]
        try:
            found = self._client.gather(futures)
        finally:
            self._client.cancel(futures)
        here = _process()
        return tuple(one[0] for one in found), float(sum(cpu for _, cpu, where in found if where != here))

    def close(self) -> None:
        for one in self._ours:
            one.close()


def _gone_on(
    state: State, target: int, setting: Setting, seconds: float | None
) -> tuple[State, float, tuple[str, int]]:
    own = State(*(np.array(array) for array in state))
    parts = {name: _writable(part) for name, part in vars(setting).items()}
    cpu = go_on(own, target, Setting(**parts), seconds)
    return own, cpu, _process()


def _writable(part: Any) -> Any:
    """Return a tuple of arrays that may be written to, as those that arrive may not: kernels know no others."""
    if isinstance(part, np.ndarray):
        return part if part.flags.writeable else part.copy()
    return type(part)(*map(_writable, part)) if isinstance(part, tuple) else part


def _process() -> tuple[str, int]:
    return platform.node(), os.getpid()
