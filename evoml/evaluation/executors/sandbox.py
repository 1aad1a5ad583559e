"""What runs on the workers of a Dask cluster: evaluations in processes of their own, beside the worker and not in it.

A task that hangs, crashes or eats memory must not cost the Dask worker, and only a process can be stopped. So each Dask worker
has one *sandbox* for each run: a :class:`ProcessExecutor` with as many processes as the worker has threads. A task that
runs in one of these threads hands its genomes to the sandbox and waits. The limits of time and memory hold as they do
without Dask, and results are the same: the same code gives them.

The sandboxes are kept in the one global variable of this package. A task comes as a function and its arguments, nothing
else; what must outlive it (libraries loaded, the table in memory) can only be found again by a name.
"""

from __future__ import annotations

import pickle
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from evoml.core.errors import EvomlError
from evoml.evaluation.executors import memory_bytes
from evoml.evaluation.executors.process import ProcessExecutor

if TYPE_CHECKING:
    from evoml.core.candidate import Evaluation
    from evoml.evaluation.executors.parcel import Parcel

IDLE_SECONDS = 300.0  # after which a sandbox closes: the one whose run it was may have been killed
ATTENTION = 0.2  # seconds between two looks at whether to close

_SANDBOXES: dict[tuple[str, str], Sandbox] = {}  # (run, address of the Dask worker) -> sandbox
_ENDED: set[str] = set()  # runs that are over: a task of theirs that comes late must not open another sandbox
_LOCK = threading.RLock()


@dataclass(frozen=True)
class Work:
    """What a task must know of its run, scattered over the cluster once.

    Attributes
    ----------
    run : str
        A name that no other run has.
    parcel : Parcel
        The problem.
    memory_limit : int or None
        Bytes one process may allocate; None is an even share of the Dask worker's memory.
    cache_bytes : int
        Bytes that results of steps may take on each Dask worker.
    """

    run: str
    parcel: Parcel
    memory_limit: int | None = None
    cache_bytes: int = 0


class Closed(EvomlError):
    """A sandbox takes nothing any more, because its run is over or it was idle."""


class Sandbox:
    """Evaluates for several threads at once.

    Parameters
    ----------
    executor : ProcessExecutor
        Closed with the sandbox. Its ``submit`` is called by one thread at a time, all else by one thread only.
    """

    def __init__(self, executor: ProcessExecutor) -> None:
        self._executor = executor
        self._lock = threading.Lock()
        self._numbers = count()
        self._promised: dict[int, Future[Evaluation]] = {}
        self._last: tuple[Sequence[str], float | None, Future[list[Any]]] | None = None  # fits on the whole table
        self._used = time.monotonic()
        self._end: EvomlError | None = None
        threading.Thread(target=self._listen, name="evoml-sandbox", daemon=True).start()

    @property
    def closed(self) -> bool:
        return self._end is not None

    def evaluate(self, genomes: Sequence[tuple[str, Sequence[float]]]) -> list[Evaluation]:
        """Return the evaluation of each text with its bars.

        Raises Closed before anything is begun, or EvomlError if the processes were lost or stopped.
        """
        promised = []
        with self._lock:
            if self._end:
                raise self._end
            for text, bars in genomes:
                number = next(self._numbers)
                self._promised[number] = Future()
                promised.append(self._promised[number])
                self._executor.submit(number, text, bars)
        return [future.result() for future in promised]

    def fit_all(self, texts: Sequence[str], timeout: float | None) -> list[Any]:
        """Return pipelines fitted on the whole table, FitErrors among them; evaluations under way are given up."""
        with self._lock:
            if self._end:
                raise self._end
            future: Future[list[Any]] = Future()
            self._last = texts, timeout, future
        return future.result()

    def release(self, reason: EvomlError | None = None) -> None:
        """Let all who wait for an evaluation know that it does not come any more."""
        for number in list(self._promised):
            if future := self._promised.pop(number, None):
                future.set_exception(reason or EvomlError("the evaluation was stopped"))

    def close(self, reason: EvomlError | None = None) -> None:
        """Release all who wait; the processes are ended within a fraction of a second."""
        with self._lock:
            self._end = self._end or Closed("it was closed")
        self.release(reason)

    def _listen(self) -> None:
        try:
            while not self._end:
                for number, evaluation in self._executor.completed(ATTENTION):
                    self._used = time.monotonic()
                    # No lock: who holds it may wait for the host to read, and the host for this thread to do so.
                    if future := self._promised.pop(number, None):
                        future.set_result(evaluation)
                if self._last:
                    self._fit(*self._last)
                if not self._promised and time.monotonic() - self._used > IDLE_SECONDS:
                    self._close_if_idle()
        except Exception as error:  # the host is gone, or has said what nobody understands
            self.close(error if isinstance(error, EvomlError) else EvomlError(repr(error)))
        finally:
            self._executor.close()
            if self._last:
                self._last[2].set_exception(EvomlError("the fit was stopped"))

    def _fit(self, texts: Sequence[str], timeout: float | None, future: Future[list[Any]]) -> None:
        self.release()
        self._last = None
        try:
            future.set_result(self._executor.fit_all(texts, timeout))
        except Exception as error:
            future.set_exception(error)
            raise
        self._used = time.monotonic()

    def _close_if_idle(self) -> None:
        with self._lock:
            if not self._promised:
                self._end = Closed("it was idle")


def evaluate_batch(
    work: Work, tasks: Sequence[tuple[int, str, Sequence[float]]]
) -> list[tuple[int, Evaluation]] | EvomlError:
    """Evaluate ``tasks`` (number, text, bars) in this Dask worker's sandbox and return them by number.

    That the sandbox failed is a value too, so that the logs of the cluster are not filled with it.
    """
    from distributed import get_worker

    worker = get_worker()
    genomes = [(text, bars) for _, text, bars in tasks]
    try:
        while True:
            with suppress(Closed):  # just before it was to be used; the next one is new
                found = _sandbox(work, worker).evaluate(genomes)
                return [(task, evaluation) for (task, _, _), evaluation in zip(tasks, found, strict=True)]
    except EvomlError as error:
        return error


def fit_all(work: Work, texts: Sequence[str], timeout: float | None) -> bytes:
    """Return the pipelines written as ``texts``, fitted on the whole table in this Dask worker's sandbox, pickled.

    Classes that the user has defined are pickled by name, for they are the user's own over there.
    """
    from distributed import get_worker

    work.parcel.define_names()
    while True:
        with suppress(Closed):
            return pickle.dumps(_sandbox(work, get_worker()).fit_all(texts, timeout))


def close_sandboxes(run: str, keep: str | None = None) -> None:
    """Close the sandboxes of a run in this process, and stop what is being evaluated there; no other is opened.

    With the address of a Dask worker to ``keep``, its sandbox is emptied only, and others may still be opened.
    """
    with _LOCK:
        if keep is None:
            _ENDED.add(run)
        for key in [key for key in _SANDBOXES if key[0] == run]:
            if key[1] == keep:
                _SANDBOXES[key].release()
            else:
                _SANDBOXES.pop(key).close()


def _sandbox(work: Work, worker: Any) -> Sandbox:
    key = work.run, worker.address
    with _LOCK:
        if work.run in _ENDED:
            raise EvomlError("the run is over")
        found = _SANDBOXES.get(key)
        if found is None or found.closed:
            threads = worker.state.nthreads
            limit = _memory(work, worker, threads)
            executor = ProcessExecutor(work.parcel.for_host(), threads, limit, work.cache_bytes)
            found = _SANDBOXES[key] = Sandbox(executor)
        return found


def _memory(work: Work, worker: Any, processes: int) -> int:
    """Return the bytes one process may allocate: as told, else an even share of 80 % of what the Dask worker may have."""
    if work.memory_limit is not None:
        return work.memory_limit
    whole = worker.memory_manager.memory_limit or memory_bytes()
    return max(int(0.8 * whole / processes), 2**30)
