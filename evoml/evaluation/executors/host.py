"""The host process: holds the data, forks workers, watches their time, and answers for those that die."""

from __future__ import annotations

import gc
import math
import multiprocessing
import os
import shutil
import signal
import socket
import sys
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from evoml.core.candidate import Cost, Evaluation, Status
from evoml.core.process import die_with_parent, limit_memory, status_bytes
from evoml.evaluation.cache import Keeper, News, SharedCache
from evoml.evaluation.executors import NO_TIME
from evoml.evaluation.executors.channel import Channel
from evoml.evaluation.executors.process import MODEL, PROBLEM
from evoml.evaluation.packing import pack, unpack
from evoml.evaluation.problem import Problem, evaluate, fit_whole
from evoml.evaluation.readiness import unloaded
from evoml.evaluation.surroundings import error_text
from evoml.kernels.warmup import load

GRACE = 0.25  # seconds beyond the time limit before a worker is killed, so that one that stops by itself may say so
LOAD_SECONDS = 300.0  # that a worker may take to load kernels, or to compile them where nobody did so beforehand
GROWN = 200 * 2**20  # bytes by which a worker may grow for good before it is replaced: its parts leak


def main() -> None:
    """Serve the parent at the other end of a pipe until it hangs up.

    The last two arguments are the folder shared with it and the number of the pipe.
    """
    folder, parent = Path(sys.argv[-2]), Connection(int(sys.argv[-1]))
    try:
        with suppress(EOFError, OSError):
            problem, n_workers, memory_limit, cache_bytes, defined_by_user = unpack(folder / PROBLEM)
            (folder / PROBLEM).unlink()  # the memory is free again when nobody maps it any more
            vars(sys.modules["__main__"]).update(defined_by_user)
            problem.builder.preload()
            problem.folds, problem.identity  # noqa: B018 - made here, they are shared by all workers
            gc.collect()
            gc.freeze()  # so that collections in workers do not write into, and thus copy, shared pages
            Host(parent, problem, n_workers, memory_limit, folder / "cache", cache_bytes).serve()
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # the parent may have been killed


@dataclass(frozen=True)
class Loading:
    """Says that a worker loads kernels for its task, which is not the task's time, or that it has done so."""

    over: bool


@dataclass(frozen=True)
class Task:
    """An evaluation, or the fit of a model on the whole table, which has a file to go to and may last ``until`` a moment."""

    number: int
    text: str
    limit: float | None
    bars: tuple[float, ...] = ()
    file: str = ""
    until: float = math.inf


class Host:
    """Hands tasks to workers and their results to the parent."""

    def __init__(
        self,
        parent: Connection,
        problem: Problem,
        n_workers: int,
        memory_limit: int | None,
        folder: Path,
        cache_bytes: int,
    ) -> None:
        self.parent, self.problem, self.memory_limit, self.folder = parent, problem, memory_limit, folder
        self.keeper = Keeper(folder, cache_bytes) if cache_bytes else None
        self._cache = SharedCache(folder, cache_bytes // max(n_workers, 1)) if cache_bytes else None
        folder.mkdir()
        self.context: Any = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
        self.waiting: deque[Task] = deque()
        self.workers: list[Worker] = []
        for _ in range(n_workers):
            self.workers.append(self._worker())

    def _worker(self) -> Worker:
        foreign = [self.parent.fileno(), *(w.channel.fileno() for w in self.workers if w.channel.fileno() >= 0)]
        return Worker(self.context, self.problem, self.memory_limit, foreign, self._cache)

    def serve(self) -> None:
        try:
            while True:
                watched: list[Any] = [
                    self.parent,
                    *(worker.channel for worker in self.workers),
                    *(worker.end for worker in self.workers),
                ]
                ready = wait(watched, self._patience())
                if self.parent in ready:
                    self._told(self.parent.recv())
                for index, worker in enumerate(self.workers):
                    if worker.channel in ready or worker.end in ready:
                        self._answer(index, dead=worker.end in ready)
                    worker = self.workers[index]
                    if worker.task is not None and time.monotonic() > worker.deadline:
                        self._replace(index, Status.TIMEOUT, worker.late())
                self._hand_out()
        finally:
            for worker in self.workers:
                worker.kill()

    def _told(self, message: Any) -> None:
        """Take on an evaluation (number, text, bars), or fits (texts, limit) for which all evaluations are given up."""
        if len(message) == 3:
            number, text, bars = message
            self.waiting.append(Task(number, text, self.problem.time_limit, bars))
            return
        self.waiting.clear()
        for index, worker in enumerate(self.workers):
            if worker.task is not None:
                worker.task = None
                self._replace(index, Status.CRASHED, "")
        texts, limit = message
        until = math.inf if limit is None else time.monotonic() + limit
        for number, text in enumerate(texts):
            self.waiting.append(Task(number, text, limit, file=f"{self.folder.parent / MODEL}{number}", until=until))

    def _patience(self) -> float | None:
        first = min((worker.deadline for worker in self.workers if worker.task is not None), default=math.inf)
        return None if first == math.inf else max(0.0, first - time.monotonic())

    def _answer(self, index: int, dead: bool) -> None:
        worker = self.workers[index]
        try:
            answer = worker.answer()
        except Exception:  # whatever a part has written into the channel
            self._replace(index, Status.CRASHED, "its worker process gave an answer that cannot be read")
            return
        if isinstance(answer, Loading):
            worker.loads(answer)
            self._answer(index, dead)  # the next message may have come with this one
            return
        if answer is not None:
            found, news, worker.cpu_before, grown = answer
            if self.keeper:
                self.keeper.told(news)
            assert worker.task is not None
            self.parent.send((worker.task.number, found))
            worker.task = None
            if grown > GROWN:
                self._replace(index, Status.CRASHED, "")
                return
        if dead or worker.channel.ended:  # without a channel no answer can come any more
            cost = worker.cost()  # which is not known any more once the process is waited for
            code = worker.exit_code()
            error = "its worker process hung up" if code is None else f"its worker process ended with code {code}"
            self._replace(index, Status.CRASHED, error, cost)

    def _replace(self, index: int, status: Status, error: str, cost: Cost | None = None) -> None:
        """Kill a worker and start another; the task it was at ends with a status and an error."""
        worker = self.workers[index]
        cost = cost or worker.cost()
        worker.kill()
        if worker.task is not None:
            failed = error if worker.task.file else Evaluation(status, cost=cost, error=error)
            self.parent.send((worker.task.number, failed))
        self.workers[index] = self._worker()
        if self.keeper:
            self.keeper.adopt()

    def _hand_out(self) -> None:
        while self.waiting and time.monotonic() > self.waiting[0].until:
            self.parent.send((self.waiting.popleft().number, NO_TIME))
        for worker in self.workers:
            if self.waiting and worker.task is None:
                worker.begin(self.waiting.popleft())


class Worker:
    """One worker process, the channel to it, and the task it is at."""

    def __init__(
        self, context: Any, problem: Problem, memory_limit: int | None, foreign: list[int], cache: SharedCache | None
    ) -> None:
        ours, theirs = socket.socketpair()
        self.channel = Channel(ours)
        foreign = [*foreign, ours.fileno()] if context.get_start_method() == "fork" else []
        self.process = context.Process(
            target=work, args=(theirs, problem, memory_limit, os.getpid(), foreign, cache), daemon=True
        )
        self.process.start()
        theirs.close()
        self.end = _end(self.process)
        self.task: Task | None = None
        self.started = self.cpu_before = self.held = 0.0
        self.deadline = math.inf
        self.loading: Loading | None = None

    def begin(self, task: Task) -> None:
        self.task, self.loading = task, None
        self._start_clock(task)
        with suppress(OSError):  # a dead worker is found out by its channel
            self.channel.send(task)

    def _start_clock(self, task: Task) -> None:
        self.started, self.held = time.monotonic(), status_bytes("VmRSS", self.process.pid)
        self.deadline = math.inf if task.limit is None else self.started + task.limit + GRACE
        if task.file:
            self.deadline = task.until

    def loads(self, loading: Loading) -> None:
        """Stop the task's clock while its kernels are loaded: once, for a part may write into the channel as well."""
        assert self.task is not None
        if loading.over and self.loading == Loading(over=False):
            self.loading = loading
            self._start_clock(self.task)
        elif not loading.over and self.loading is None:
            self.loading = loading
            self.deadline = max(self.deadline, self.started + LOAD_SECONDS)

    def late(self) -> str:
        """Return why the task is stopped."""
        assert self.task is not None
        if self.loading == Loading(over=False):
            return f"its kernels were not compiled within {LOAD_SECONDS:g} s"
        return f"took longer than its limit of {self.task.limit:g} s and was stopped"

    def answer(self) -> tuple[Any, list[News], float, float] | Loading | None:
        """Return the answer to the task, or None as long as it is not there. Raises ValueError for anything else."""
        answer = self.channel.received()
        if answer is None or (isinstance(answer, Loading) and self.task is not None):
            return answer
        expected = None if self.task is None else str if self.task.file else Evaluation
        if expected is None or not (isinstance(answer, tuple) and len(answer) == 4 and isinstance(answer[0], expected)):
            raise ValueError("no answer to a task")
        return answer

    def cost(self) -> Cost:
        """Return what the task has cost so far, as the operating system knows it."""
        wall, cpu, memory = time.monotonic() - self.started, 0.0, 0.0
        with suppress(OSError, ValueError, IndexError):
            fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
            spent = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
            cpu = min(max(spent - self.cpu_before, 0.0), wall)
            memory = max(0.0, status_bytes("VmHWM", self.process.pid) - self.held)
        return Cost(wall=wall, cpu=cpu, memory=memory)

    def exit_code(self) -> int | None:
        """Return the code that the process ends with within a second, or None."""
        wait([self.end], 1)  # not join: it waits for ever for a process that has closed its descriptors and lives on
        return self.process.exitcode  # type: ignore[no-any-return]

    def kill(self) -> None:
        """End the worker and every process it has started."""
        with suppress(OSError, TypeError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.join()
        self.channel.close()
        if self.end != self.process.sentinel:
            os.close(self.end)


def _end(process: Any) -> int:
    """Return a descriptor that is ready as soon as the process is dead, even if children of it live on."""
    with suppress(AttributeError, OSError):
        return os.pidfd_open(process.pid)
    return process.sentinel  # type: ignore[no-any-return]


def work(
    theirs: socket.socket,
    problem: Problem,
    memory_limit: int | None,
    host: int,
    foreign: list[int],
    cache: SharedCache | None,
) -> None:
    """Carry out what comes through the channel until it closes. Whatever a part prints goes nowhere.

    ``foreign`` are descriptors of the host's that were inherited: neither this process nor a child of a part may hold
    them open.
    """
    os.setpgrp()  # so that children of a part can be killed with it
    die_with_parent(host)
    for descriptor in foreign:
        os.close(descriptor)
    limit_memory(memory_limit)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    channel = Channel(theirs)
    born_with = status_bytes("RssAnon")
    with suppress(EOFError, OSError, KeyboardInterrupt):
        while True:
            task: Task = channel.receive()
            if missing := unloaded(problem.builder, task.text):
                _load_beforehand(missing, channel, task)
                limit_memory(memory_limit)
                born_with = status_bytes("RssAnon")  # no part of what parts may leak
            found = _fitted(problem, task) if task.file else evaluate(problem, task.text, cache, task.bars)
            news = cache.taken() if cache else []
            channel.send((found, news, time.process_time(), status_bytes("RssAnon") - born_with))
    os._exit(0)


def _load_beforehand(groups: list[str], channel: Channel, task: Task) -> None:
    """Load kernels, which is neither the time nor the memory of an evaluation; the last fit has to be over in time."""
    limit_memory(None)
    if not task.file:
        channel.send(Loading(over=False))
    load(groups)
    if not task.file:
        channel.send(Loading(over=True))


def _fitted(problem: Problem, task: Task) -> str:
    """Write the fitted pipeline to the task's file; return what went wrong, if anything."""
    limit_memory(None)
    try:
        pack(fit_whole(problem, task.text), task.file)
    except BaseException as error:  # whatever a part raises
        return error_text(error)
    return ""
