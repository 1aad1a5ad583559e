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
from evoml.evaluation.problem import Problem, evaluate

GRACE = 1.0  # seconds beyond the time limit before a worker is killed, so that one that stops by itself may say so


def main() -> None:
    """Serve the parent at the other end of the pipe whose number is the first argument, until it hangs up."""
    import pickle

    parent = Connection(int(sys.argv[-1]))
    with suppress(EOFError, OSError):
        problem, n_workers, memory_limit = pickle.loads(parent.recv_bytes())
        problem.builder.preload()
        Host(parent, problem, n_workers, memory_limit).serve()


class Host:
    """Hands tasks to workers and their results to the parent."""

    def __init__(self, parent: Connection, problem: Problem, n_workers: int, memory_limit: int | None) -> None:
        self.parent, self.problem, self.memory_limit = parent, problem, memory_limit
        self.context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
        self.waiting: deque[tuple[int, str]] = deque()
        self.workers = [self._worker() for _ in range(n_workers)]

    def _worker(self) -> Worker:
        return Worker(self.context, self.problem, self.memory_limit)

    def serve(self) -> None:
        try:
            while True:
                ready = wait([self.parent, *(worker.pipe for worker in self.workers)], self._patience())
                if self.parent in ready:
                    self.waiting.append(self.parent.recv())
                for index, worker in enumerate(self.workers):
                    if worker.pipe in ready:
                        self._answer(index)
                    elif worker.overdue(self.problem.time_limit):
                        limit = self.problem.time_limit
                        self._replace(index, Status.TIMEOUT, f"took longer than its limit of {limit:g} s and was stopped")
                self._hand_out()
        finally:
            for worker in self.workers:
                worker.kill()

    def _patience(self) -> float | None:
        if self.problem.time_limit is None:
            return None
        busy = [worker.started for worker in self.workers if worker.task is not None]
        return max(0.0, min(busy) + self.problem.time_limit + GRACE - time.monotonic()) if busy else None

    def _answer(self, index: int) -> None:
        worker = self.workers[index]
        try:
            evaluation = worker.pipe.recv()
        except (EOFError, OSError):
            worker.process.join(1)
            self._replace(index, Status.CRASHED, f"its worker process ended with code {worker.process.exitcode}")
        else:
            self.parent.send((worker.task, evaluation))
            worker.task = None

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

    def __init__(self, context: Any, problem: Problem, memory_limit: int | None) -> None:
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=work, args=(theirs, problem, memory_limit), daemon=True)
        self.process.start()
        theirs.close()
        self.task: int | None = None
        self.started = 0.0

    def begin(self, task: int, text: str) -> None:
        self.task, self.started = task, time.monotonic()
        with suppress(OSError):  # a dead worker is found out by its pipe
            self.pipe.send(text)

    def overdue(self, time_limit: float | None) -> bool:
        return self.task is not None and time_limit is not None and time.monotonic() - self.started > time_limit + GRACE

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


def work(pipe: Connection, problem: Problem, memory_limit: int | None) -> None:
    """Evaluate what comes through the pipe until it closes. Whatever a part prints goes nowhere."""
    os.setpgrp()  # so that children of a part can be killed with it
    _die_with_parent()
    _limit_memory(memory_limit)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    with suppress(EOFError, OSError, KeyboardInterrupt):
        while True:
            pipe.send(evaluate(problem, pipe.recv()))
    os._exit(0)


def _die_with_parent() -> None:
    """Ask Linux to end this process with its host; elsewhere the closed pipe does so after the task at hand."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def _limit_memory(memory_limit: int | None) -> None:
    """Let this process allocate ``memory_limit`` bytes more than it was born with."""
    if memory_limit is not None and sys.platform == "linux":
        import resource

        with open("/proc/self/status") as status:
            born_with = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmData"))
        resource.setrlimit(resource.RLIMIT_DATA, (born_with + memory_limit, born_with + memory_limit))
