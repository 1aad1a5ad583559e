"""The host process: holds the data, forks workers, watches their time, and answers for those that die."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from collections import deque
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import Any

from evoml.core.candidate import Cost, Evaluation, Status
from evoml.evaluation.cache import NoCache
from evoml.evaluation.problem import Problem, evaluate

GRACE = 1.0  # seconds beyond the time limit before a worker is killed, so that one that stops by itself may say so


def main() -> None:
    """Serve the parent at the other end of the pipe whose number is the first argument, until it hangs up."""
    import pickle

    parent = Connection(int(sys.argv[-1]))
    with suppress(EOFError, OSError):
        problem, n_workers, memory_limit, defined_by_user = pickle.loads(parent.recv_bytes())
        vars(sys.modules["__main__"]).update(defined_by_user)
        problem.builder.preload()
        Host(parent, problem, n_workers, memory_limit).serve()


class Host:
    """Hands tasks to workers and their results to the parent."""

    def __init__(self, parent: Connection, problem: Problem, n_workers: int, memory_limit: int | None) -> None:
        self.parent, self.problem, self.memory_limit = parent, problem, memory_limit
        self.context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
        self.waiting: deque[tuple[int, str, tuple[float, ...]]] = deque()
        self.workers: list[Worker] = []
        for _ in range(n_workers):
            self.workers.append(self._worker())

    def _worker(self) -> Worker:
        ours = [self.parent, *(worker.pipe for worker in self.workers if not worker.pipe.closed)]
        return Worker(self.context, self.problem, self.memory_limit, [pipe.fileno() for pipe in ours])

    def serve(self) -> None:
        try:
            while True:
                watched = [
                    self.parent,
                    *(worker.pipe for worker in self.workers),
                    *(worker.end for worker in self.workers),
                ]
                ready = wait(watched, self._patience())
                if self.parent in ready:
                    self.waiting.append(self.parent.recv())
                for index, worker in enumerate(self.workers):
                    if worker.pipe in ready or worker.end in ready:
                        self._answer(index, dead=worker.end in ready)
                    elif worker.overdue(self.problem.time_limit):
                        limit = self.problem.time_limit
                        self._replace(
                            index, Status.TIMEOUT, f"took longer than its limit of {limit:g} s and was stopped"
                        )
                self._hand_out()
        finally:
            for worker in self.workers:
                worker.kill()

    def _patience(self) -> float | None:
        if self.problem.time_limit is None:
            return None
        busy = [worker.started for worker in self.workers if worker.task is not None]
        return max(0.0, min(busy) + self.problem.time_limit + GRACE - time.monotonic()) if busy else None

    def _answer(self, index: int, dead: bool) -> None:
        worker = self.workers[index]
        try:
            evaluation = worker.answer()
        except Exception:  # nothing at all, half of an answer, or whatever a part has written into the pipe
            wait([worker.end], 1)
            code = worker.process.exitcode
            reason = f"ended with code {code}" if code is not None else "gave an answer that cannot be read"
            self._replace(index, Status.CRASHED, f"its worker process {reason}")
        else:
            self.parent.send((worker.task, evaluation))
            worker.task = None
            if dead:
                self._replace(index, Status.CRASHED, "")

    def _replace(self, index: int, status: Status, error: str) -> None:
        worker = self.workers[index]
        cpu = worker.cpu_seconds()
        worker.kill()
        if worker.task is not None:
            cost = Cost(wall=time.monotonic() - worker.started, cpu=cpu)
            self.parent.send((worker.task, Evaluation(status, cost=cost, error=error)))
        self.workers[index] = self._worker()

    def _hand_out(self) -> None:
        for worker in self.workers:
            if self.waiting and worker.task is None:
                worker.begin(*self.waiting.popleft())


class Worker:
    """One worker process, its pipe, and the task it is at."""

    def __init__(self, context: Any, problem: Problem, memory_limit: int | None, foreign: list[int]) -> None:
        self.pipe, theirs = context.Pipe()
        foreign = [*foreign, self.pipe.fileno()] if context.get_start_method() == "fork" else []
        self.process = context.Process(
            target=work, args=(theirs, problem, memory_limit, os.getpid(), foreign), daemon=True
        )
        self.process.start()
        theirs.close()
        self.end = _end(self.process)
        self.task: int | None = None
        self.started = 0.0

    def begin(self, task: int, text: str, bars: tuple[float, ...]) -> None:
        self.task, self.started = task, time.monotonic()
        with suppress(OSError):  # a dead worker is found out by its pipe
            self.pipe.send((text, bars))

    def overdue(self, time_limit: float | None) -> bool:
        return self.task is not None and time_limit is not None and time.monotonic() - self.started > time_limit + GRACE

    def answer(self) -> Evaluation:
        """Return what came through the pipe. Raises EOFError if the worker is dead without a word."""
        if not self.pipe.poll():  # a child of a part may hold the other end open when the worker is gone
            raise EOFError
        return self.pipe.recv()  # type: ignore[no-any-return]

    def cpu_seconds(self) -> float:
        """Return the CPU seconds used by the whole process so far, an upper bound for its last task; 0 if unknown."""
        with suppress(OSError, ValueError, IndexError):
            with open(f"/proc/{self.process.pid}/stat") as stat:
                fields = stat.read().rpartition(")")[2].split()
            return min((int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), time.monotonic() - self.started)
        return 0.0

    def kill(self) -> None:
        """End the worker and every process it has started."""
        with suppress(OSError, TypeError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.join()
        self.pipe.close()
        if self.end != self.process.sentinel:
            os.close(self.end)


def _end(process: Any) -> int:
    """Return a descriptor that is ready as soon as the process is dead, even if children of it live on."""
    with suppress(AttributeError, OSError):
        return os.pidfd_open(process.pid)
    return process.sentinel  # type: ignore[no-any-return]


def work(pipe: Connection, problem: Problem, memory_limit: int | None, host: int, foreign: list[int]) -> None:
    """Evaluate what comes through the pipe until it closes. Whatever a part prints goes nowhere.

    ``foreign`` are descriptors of the host's that were inherited: neither this process nor a child of a part may hold
    them open.
    """
    os.setpgrp()  # so that children of a part can be killed with it
    _die_with_parent(host)
    for descriptor in foreign:
        os.close(descriptor)
    _limit_memory(memory_limit)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    memory = NoCache()
    with suppress(EOFError, OSError, KeyboardInterrupt):
        while True:
            text, bars = pipe.recv()
            pipe.send(evaluate(problem, text, memory, bars))
    os._exit(0)


def _die_with_parent(parent: int) -> None:
    """Ask Linux to end this process with its host; elsewhere the closed pipe does so after the task at hand."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        if os.getppid() != parent:
            os._exit(1)


def _limit_memory(memory_limit: int | None) -> None:
    """Let this process allocate ``memory_limit`` bytes more than it was born with."""
    if memory_limit is not None and sys.platform == "linux":
        import resource

        with open("/proc/self/status") as status:
            born_with = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmData"))
        resource.setrlimit(resource.RLIMIT_DATA, (born_with + memory_limit, born_with + memory_limit))
