"""Evaluations on a Dask cluster, whose workers may come, go and die.

The problem is scattered once; then only texts and evaluations travel. Dask runs the task of a dead worker again elsewhere, and
here each result is taken once, so what is recorded of a run does not tell how many machines it had, or lost. What a
worker does with a task is in :mod:`evoml.evaluation.executors.sandbox`.

A scheduler hands out some hundreds to a few thousand tasks a second, whatever is in them. Where evaluations are so short that
the cluster could do more, a task carries several of them.
"""

from __future__ import annotations

import math
import pickle
import queue
import time
import uuid
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from evoml.core.candidate import Cost, Evaluation, Status
from evoml.core.errors import EvomlError, FitError
from evoml.evaluation.executors.cluster import (
    CONNECT_SECONDS,
    WORKER_SECONDS,
    address_of,
    connect,
    seconds_per_task,
)
from evoml.evaluation.executors.parcel import Parcel
from evoml.evaluation.executors.process import ProcessExecutor
from evoml.evaluation.executors.sandbox import Work, close_sandboxes, evaluate_batch, fit_all
from evoml.evaluation.surroundings import error_text

if TYPE_CHECKING:
    from distributed import Future

    from evoml.evaluation.problem import Problem

LOOK_SECONDS = 1.0  # between two looks at the cluster
GRACE = 5.0  # seconds beyond its limit that the last fit may take to begin
TRIES = 3  # at a genome on a cluster that fails around it, before it counts as the genome's own fault
BATCH_SECONDS = 0.5  # of work in a task of several genomes, for it returns only when all of them are evaluated
WORTH = 10.0  # seconds of work for each second that handing out a task takes, as far as that is no longer
NEEDED = 1.5  # seconds of work for each, however long, or the scheduler cannot keep all threads busy
MOST = 64  # genomes in a task: what an algorithm has not been told yet, it cannot learn from
SURPRISE = 0.05  # weight of the latest evaluation in the mean of their seconds

Task = tuple[int, str, tuple[float, ...]]
Key = tuple[str, int]


@dataclass(frozen=True)
class _Batch:
    """Tasks on their way together, and how often they were sent before."""

    future: Future
    tasks: Sequence[Task]
    tries: int = 0


class DaskExecutor:
    """Runs evaluations on the workers of a Dask cluster.

    Parameters
    ----------
    problem : Problem
        Its ``time_limit`` holds for each evaluation on its worker.
    cluster : Client, str or None
        A client, the address of a scheduler, or None: the client that is current, else workers on this machine.
    n_workers : int
        Number of workers on this machine where there is no cluster.
    memory_limit : int or None
        Bytes one evaluation may allocate; None is an even share of its Dask worker's memory.
    cache_bytes : int
        Bytes that results of steps may take on each Dask worker; its evaluations share them.

    Raises
    ------
    SettingError
        If Dask is not installed, or no scheduler or no worker answers.
    """

    def __init__(
        self,
        problem: Problem,
        cluster: Any = None,
        n_workers: int = 1,
        memory_limit: int | None = None,
        cache_bytes: int = 0,
    ) -> None:
        parcel = Parcel.of(problem)
        self._client, self._ours = connect(cluster, n_workers)
        self._run = uuid.uuid4().hex
        self._numbers = count()
        self._waiting: deque[Task] = deque()
        self._under_way: dict[Key, _Batch] = {}
        self._failed: list[tuple[int, Evaluation]] = []  # without an answer from the cluster
        self._done: queue.SimpleQueue[Key] = queue.SimpleQueue()
        self._seconds = 0.0  # one evaluation takes in the mean
        self._looked = self._worked = time.monotonic()
        try:
            self._handing_out = seconds_per_task(self._client)
            self._threads = self._count_threads()
            self._work = Work(self._run, parcel, memory_limit, cache_bytes)
            self._scatter()
        except BaseException:
            self._hang_up()
            raise

    # -- the contract of an executor ----------------------------------------------------------------------------------

    @property
    def capacity(self) -> int:
        """Two tasks for each thread of the cluster, so that none waits for the scheduler."""
        return 2 * max(1, self._threads) * self._batch_size()

    def submit(self, task: int, text: str, bars: Sequence[float] = ()) -> None:
        self._waiting.append((task, text, tuple(bars)))
        if len(self._waiting) >= self._batch_size():
            self._send_waiting()

    def completed(self, timeout: float | None = None) -> list[tuple[int, Evaluation]]:
        ends = math.inf if timeout is None else time.monotonic() + timeout
        while True:
            self._look_at_cluster()
            self._send_waiting()
            patience = min(LOOK_SECONDS, max(0.0, ends - time.monotonic()))
            expected = bool(self._under_way or self._waiting)
            found = self._fetch(patience if expected and not self._failed else 0.0)
            if found or not expected or time.monotonic() >= ends:
                return found

    def fit_all(self, texts: Sequence[str], timeout: float | None = None) -> list[Any]:
        """Return the fitted pipelines from a worker of the cluster; if that is lost, from a process of this machine."""
        future = None
        try:
            place = max(self._client.nthreads().items(), key=lambda item: item[1], default=(None, 0))[0]
            self._stop(keep=place)
            task = (fit_all, self._scattered, list(texts), timeout)
            future = self._client.submit(*task, key=self._key(), pure=False, workers=place, allow_other_workers=True)
            return pickle.loads(future.result(None if timeout is None else timeout + GRACE))  # type: ignore[no-any-return]
        except (
            Exception
        ) as error:  # whatever becomes of a cluster: the run has come this far, and is to end with its model
            if isinstance(error, TimeoutError) and timeout is not None:
                return [FitError(f"took longer than its limit of {timeout:g} s on the cluster")] * len(texts)
            return self._fit_here(texts, timeout)
        finally:
            if future is not None:
                future.cancel()

    def _fit_here(self, texts: Sequence[str], timeout: float | None) -> list[Any]:
        executor = ProcessExecutor(self._work.parcel.for_host(), 1)
        try:
            return executor.fit_all(texts, timeout)
        finally:
            executor.close()

    def close(self) -> None:
        if self._client.status == "running":
            with suppress(OSError, RuntimeError, TimeoutError):
                self._stop()
                self._scattered.release()
        self._waiting.clear()
        self._under_way.clear()
        self._hang_up()

    # -- there --------------------------------------------------------------------------------------------------------

    def _key(self) -> Key:
        return f"evoml-{self._run}", next(self._numbers)

    def _batch_size(self) -> int:
        return batch_size(self._seconds, self._handing_out, self._threads)

    def _send_waiting(self) -> None:
        """Send what waits as long as threads are idle; beyond that only in full batches, the rest goes with the next."""
        size = self._batch_size()
        while self._waiting and self._is_scattered:
            idle = 2 * self._threads - len(self._under_way)
            if idle <= 0 and len(self._waiting) < size:
                return
            share = math.ceil(len(self._waiting) / max(1, idle))
            self._send([self._waiting.popleft() for _ in range(min(size, share))])

    def _send(self, tasks: Sequence[Task], tries: int = 0) -> None:
        key = self._key()
        future = self._client.submit(evaluate_batch, self._scattered, tasks, key=key, pure=False)
        self._under_way[key] = _Batch(future, tasks, tries)
        self._watch(key)

    def _watch(self, key: Key) -> None:
        self._under_way[key].future.add_done_callback(lambda _: self._done.put(key))

    @property
    def _is_scattered(self) -> bool:
        return self._scattered.status in ("finished", "pending")

    def _scatter(self) -> None:
        """Send the problem to all workers; those that come later get it from another worker."""
        self._scattered = self._client.scatter(self._work, broadcast=True, hash=False)

    # -- and back -----------------------------------------------------------------------------------------------------

    def _fetch(self, patience: float) -> list[tuple[int, Evaluation]]:
        """Return what is done; wait for the first task, at most ``patience`` seconds."""
        finished: dict[Key, Future] = {}
        forgotten = False
        for key in self._ready(patience):
            match self._under_way[key].future.status:
                case "finished":
                    finished[key] = self._under_way[key].future
                case "pending":  # its result was lost with its worker; Dask makes it again
                    self._watch(key)
                case "error":
                    batch = self._under_way.pop(key)
                    self._fail(batch, batch.future.exception())
                case _:  # the cluster was restarted, or has lost all workers at once
                    self._take_back(key)
                    forgotten = True
        found, self._failed = self._failed, []
        for key, answer in self._gather(finished).items():
            found += self._answered(key, answer)
        if forgotten:
            self._look_at_cluster(now=True)
        return found

    def _answered(self, key: Key, answer: Any) -> list[tuple[int, Evaluation]]:
        """Return the results in an answer, and learn from how long they took."""
        if answer is None:
            self._watch(key)
            return []
        batch = self._under_way.pop(key)
        if isinstance(answer, EvomlError):
            self._fail(batch, answer)
            return []
        for _, evaluation in answer:
            self._seconds += (evaluation.cost.wall - self._seconds) * (SURPRISE if self._seconds else 1.0)
        return answer  # type: ignore[no-any-return]

    def _gather(self, finished: dict[Key, Future]) -> dict[Key, Any]:
        """Return the answers of finished tasks; None where one was lost in the last moment."""
        try:
            return self._client.gather(finished, errors="skip") if finished else {}
        except OSError:
            return dict.fromkeys(finished)

    def _ready(self, patience: float) -> list[Key]:
        keys = []
        with suppress(queue.Empty):
            keys.append(self._done.get(timeout=patience) if patience else self._done.get_nowait())
            while True:
                keys.append(self._done.get_nowait())
        return [key for key in dict.fromkeys(keys) if key in self._under_way]

    # -- when things go wrong -----------------------------------------------------------------------------------------

    def _fail(self, batch: _Batch, error: BaseException) -> None:
        """Try each genome of a batch that failed again, alone; in the end the fault is its own, or the cluster's."""
        from distributed import KilledWorker

        if batch.tries + 1 < TRIES:
            for task in batch.tasks:
                self._send([task], batch.tries + 1)
        elif isinstance(error, KilledWorker):
            lost = Evaluation(
                Status.CRASHED, cost=Cost(), error="the Dask workers it was sent to died, one after another"
            )
            self._failed += [(task, lost) for task, _, _ in batch.tasks]
        else:
            raise EvomlError(
                f"the workers of the Dask cluster at {address_of(self._client)} cannot evaluate: {error_text(error)}."
                " They need the same libraries as this process, evoml among them"
            ) from error

    def _take_back(self, key: Key) -> None:
        """Let tasks wait again, in front of all others."""
        batch = self._under_way.pop(key)
        batch.future.cancel()
        self._waiting.extendleft(reversed(batch.tasks))

    def _look_at_cluster(self, now: bool = False) -> None:
        """Count the threads, and make sure that there is a cluster and that it has the problem."""
        if not now and time.monotonic() - self._looked < LOOK_SECONDS:
            return
        if self._client.status != "running":
            self._wait_for_scheduler()
        self._looked = time.monotonic()
        with suppress(OSError, TimeoutError):  # the last worker may go at any moment; the next look finds out
            self._threads = self._count_threads()
            if self._threads and not self._is_scattered:
                self._scatter()
                for key in [key for key, batch in self._under_way.items() if not batch.future.done()]:
                    self._take_back(key)
        if self._threads:
            self._worked = self._looked
        elif (self._under_way or self._waiting) and self._looked - self._worked > WORKER_SECONDS:
            raise EvomlError(
                f"the Dask cluster at {address_of(self._client)} has had no worker for {WORKER_SECONDS:g} s;"
                " start workers, and resume the run from its journal"
            )

    def _wait_for_scheduler(self) -> None:
        ends = time.monotonic() + CONNECT_SECONDS
        while self._client.status != "running":
            if time.monotonic() > ends or self._client.status == "closed":
                raise EvomlError(
                    f"the Dask scheduler at {address_of(self._client)} is gone; start it again, and resume the run from"
                    " its journal"
                )
            time.sleep(0.1)

    def _count_threads(self) -> int:
        return sum(self._client.nthreads().values())

    # -- the end ------------------------------------------------------------------------------------------------------

    def _stop(self, keep: str | None = None) -> None:
        """Stop all evaluations, here and there; only the Dask worker to ``keep`` is to go on with something else."""
        self._client.cancel([batch.future for batch in self._under_way.values()])
        self._waiting.clear()
        self._under_way.clear()
        self._client.run(close_sandboxes, self._run, keep, on_error="ignore")

    def _hang_up(self) -> None:
        for one in self._ours:
            one.close()
        self._ours = []


def batch_size(seconds: float, handing_out: float, threads: int) -> int:
    """Return how many genomes a task should carry that take ``seconds`` each; 0 if that is not known yet.

    One scheduler hands out tasks to all ``threads``, so while it serves each of them once, each must have work.
    """
    if not seconds:
        return 1
    round_trip = handing_out * threads
    wanted = max(min(BATCH_SECONDS, WORTH * round_trip), NEEDED * round_trip)
    return max(1, min(MOST, int(wanted / seconds)))
