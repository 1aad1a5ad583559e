"""The hosts whose worker pools are compared by pools.py, one for each system, and what their tasks do.

A host is an interpreter of its own that reads tasks from its parent's pipe, hands them to two workers and sends the answers
back; the parent's side is in pool_parent.py.
"""

from __future__ import annotations

import concurrent.futures
import ctypes
import faulthandler
import os
import re
import signal
import sys
import tempfile
import threading
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace
from typing import Any

WORKERS = 2
NEWS = -1  # in place of a task's number
TURN = threading.RLock()  # of threads of a host that send to its parent

# What tasks do, as their text says


def nap(seconds: str, n_bytes: str = "0") -> bytes:
    time.sleep(float(seconds))
    return bytes(int(n_bytes))


def empty() -> None:
    pass


def fit_a_model() -> float:
    from sklearn.datasets import load_breast_cancer
    from sklearn.linear_model import LogisticRegression

    X, y = load_breast_cancer(return_X_y=True)
    return LogisticRegression(max_iter=50).fit(X, y).score(X, y)


def sleep_for_ever() -> None:
    time.sleep(1e6)


def sum_in_c() -> None:
    sum(range(10**12))


def match_for_ever() -> None:
    re.match(r"(a+)+$", "a" * 60 + "b")


def stop_itself() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def segfault() -> None:
    ctypes.string_at(0)


def leave(code: str) -> None:
    os._exit(int(code))


def fork(then: str) -> None:
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        time.sleep(1e6)
    if then == "leave":
        os._exit(3)
    if then == "sleep":
        time.sleep(1e6)


def write_everywhere(junk: bytes) -> None:
    for descriptor in range(3, 31):
        with suppress(OSError):
            os.set_blocking(descriptor, False)
            os.write(descriptor, junk)
    for descriptor in range(3, 31):
        with suppress(OSError):
            os.set_blocking(descriptor, True)


def close_everything() -> None:
    os.closerange(3, 31)


BEHAVIOURS = {
    "nap": nap,
    "empty": empty,
    "fit": fit_a_model,
    "sleep": sleep_for_ever,
    "sum-in-C": sum_in_c,
    "regex": match_for_ever,
    "stop-itself": stop_itself,
    "segfault": segfault,
    "exit": leave,
    "fork": fork,
    "junk-message": lambda: write_everywhere(b"\0\0\0\4junk"),
    "junk-text": lambda: write_everywhere(b"hello world\n"),
    "close-all": close_everything,
}


def perform(text: str) -> Any:
    name, *arguments = text.split()
    return BEHAVIOURS[name](*arguments)


# Hosts: one for each system


def serve() -> None:
    """Serve the parent: the host process starts here."""
    descriptor, system, limit, preload, errors = sys.argv[-5:]
    faulthandler.register(signal.SIGUSR1, file=open(errors, "a"), all_threads=True)  # noqa: SIM115
    parent, limit = Connection(int(descriptor)), float(limit) or None
    if preload == "yes":
        import sklearn.linear_model  # noqa: F401
    with suppress(EOFError, OSError):
        HOSTS[system](parent, limit)
    os._exit(0)


def serve_ours(parent: Connection, limit: float | None) -> None:
    import numpy as np

    from evoml.core.candidate import Evaluation, Status
    from evoml.evaluation.executors import host

    class Translated:
        """The parent's pipe, in the words of our host."""

        fileno = parent.fileno

        def recv(self) -> tuple[int, str, tuple[float, ...]]:
            return (*parent.recv(), ())

        def send(self, message: tuple[int, Evaluation]) -> None:
            task, evaluation = message
            done = evaluation.status is Status.OK
            parent.send((task, ("ok", evaluation.predictions.tobytes()) if done else evaluation))

    def evaluate(problem: Any, text: str, cache: Any, bars: Any) -> Evaluation:
        result = perform(text)
        return Evaluation(Status.OK, predictions=np.frombuffer(result if isinstance(result, bytes) else b"", np.uint8))

    host.evaluate = evaluate
    problem = SimpleNamespace(time_limit=limit, builder=None)
    with tempfile.TemporaryDirectory() as folder:
        host.Host(Translated(), problem, WORKERS, None, Path(folder) / "cache", 0).serve()


def serve_pool(
    parent: Connection, make: Any, begin: Any, end: Any, end_at_last: bool = True, whole: bool = True
) -> None:
    """Hand what comes from the parent to a pool of a library; a broken pool is replaced, and all its tasks answered for."""
    state, pending = {"pool": make(), "broken": False}, {}

    def answer(future: Any) -> None:
        try:
            found = ("ok", future.result())
        except BaseException as error:
            kind = type(error).__name__
            if isinstance(error, concurrent.futures.process.BrokenProcessPool):
                state["broken"] = whole
                kind = "broken"
            found = (kind, f"{type(error).__name__}: {error}"[:300])
        send(future, found)

    def send(future: Any, found: Any) -> None:
        with TURN, suppress(OSError):
            task = pending.pop(future, None)
            if task is not None:
                parent.send((task, found))

    def renew(why: str) -> None:
        threading.Thread(target=end, args=(state["pool"],), daemon=True).start()
        with TURN:
            parent.send((NEWS, ("pools broken", why)))
            for future in list(pending):
                send(future, ("broken", "its pool broke"))
        state["pool"], state["broken"] = make(), False

    try:
        while True:
            task, text = parent.recv()
            if state["broken"]:
                renew("a task was told so")
            try:
                future = begin(state["pool"], text)
            except Exception as error:
                renew(f"{type(error).__name__}: {error}")
                future = begin(state["pool"], text)
            pending[future] = task
            future.add_done_callback(answer)
    finally:
        if end_at_last:  # otherwise the workers die with this process
            end(state["pool"])


def settle(host: int, descriptors: list[int]) -> None:
    """Give a worker of pebble's what ours have: a group of its own, an end with the host, no foreign descriptors."""
    os.setpgrp()
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    for descriptor in descriptors:
        with suppress(OSError):
            os.close(descriptor)


def serve_pebble(parent: Connection, limit: float | None, helped: bool = True, max_tasks: int = 0) -> None:
    import multiprocessing

    from pebble import ProcessPool

    given = {"initializer": settle, "initargs": (os.getpid(), [parent.fileno()])} if helped else {}

    def make() -> Any:
        return ProcessPool(WORKERS, max_tasks, context=multiprocessing.get_context("fork"), **given)

    def end(pool: Any) -> None:
        pool.stop()
        pool.join()

    serve_pool(parent, make, lambda pool, text: pool.schedule(perform, args=(text,), timeout=limit), end, not helped)


class OnePoolEach:
    """A pool of pebble's for each worker, so that no two share a channel; a broken one is replaced alone."""

    def __init__(self, make: Any, end: Any, tell: Any) -> None:
        self.make, self.end_pool, self.tell = make, end, tell
        self.pools: list[Any] = [make() for _ in range(WORKERS)]
        self.open: list[list[Any]] = [[] for _ in range(WORKERS)]

    def schedule(self, text: str, limit: float | None) -> Any:
        self.open = [[future for future in futures if not future.done()] for futures in self.open]
        index = min(range(WORKERS), key=lambda number: len(self.open[number]))
        try:
            future = self.pools[index].schedule(perform, args=(text,), timeout=limit)
        except RuntimeError as error:
            self._replace(index, str(error))
            future = self.pools[index].schedule(perform, args=(text,), timeout=limit)
        self.open[index].append(future)
        return future

    def _replace(self, index: int, why: str) -> None:
        with TURN:
            self.tell(why)
        threading.Thread(target=self.end_pool, args=(self.pools[index],), daemon=True).start()
        for future in self.open[index]:
            with suppress(concurrent.futures.InvalidStateError):
                future.set_exception(OSError("its pool broke"))
        self.pools[index], self.open[index] = self.make(), []

    def end(self) -> None:
        for pool in self.pools:
            self.end_pool(pool)


def serve_pebble_each(parent: Connection, limit: float | None) -> None:
    import multiprocessing

    from pebble import ProcessPool

    def make() -> Any:
        given = {"initializer": settle, "initargs": (os.getpid(), [parent.fileno()])}
        return ProcessPool(1, context=multiprocessing.get_context("fork"), **given)

    def end(pool: Any) -> None:
        pool.stop()
        pool.join()

    serve_pool(
        parent,
        lambda: OnePoolEach(make, end, lambda why: parent.send((NEWS, ("pools broken", why)))),
        lambda team, text: team.schedule(text, limit),
        OnePoolEach.end,
        end_at_last=False,
        whole=False,
    )


def serve_loky(parent: Connection, limit: float | None) -> None:
    from loky.process_executor import ProcessPoolExecutor

    serve_pool(
        parent,
        lambda: ProcessPoolExecutor(WORKERS),
        lambda pool, text: pool.submit(perform, text),
        lambda pool: pool.shutdown(wait=True, kill_workers=True),
    )


HOSTS = {
    "ours": serve_ours,
    "pebble": serve_pebble,
    "pebble each": serve_pebble_each,
    "pebble bare": lambda parent, limit: serve_pebble(parent, limit, helped=False),
    "pebble max_tasks=1": lambda parent, limit: serve_pebble(parent, limit, max_tasks=1),
    "loky": serve_loky,
}
