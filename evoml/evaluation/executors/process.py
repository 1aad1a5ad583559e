"""Evaluations in worker processes that can hang, crash or eat memory without harm to anyone else.

The parent starts one *host*: a fresh interpreter that loads the data and the libraries once and forks a worker for each
core. Workers share the host's memory, a lost one is replaced in milliseconds, and each has a channel of its own. Nothing here
depends on the user's main module, threads or OpenMP state.

Two well-kept pools were measured in the host's place and left (``experiments/benchmarks/pools.py``). loky cannot limit the
time of one task, and killing one worker broke the whole pool in 9 of 10 cases. pebble's workers share one pipe and one lock:
of 2,006 workers killed at random moments 32 (results of 1 KB) to 368 (of 1 MB) broke the whole pool, a part that spins in C
past its limit holds up all others for 3 seconds, one that calls ``os._exit(0)`` is never missed, and neither its CPU seconds
nor its children are known. Ours accounted for every task.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe
from typing import Any

from evoml.core.candidate import Evaluation
from evoml.core.errors import EvomlError, FitError
from evoml.evaluation.packing import SharedFolder, pack, unpack
from evoml.evaluation.problem import Problem

PROBLEM, MODEL = "problem", "model"  # files in the shared folder; a number follows the name of a model
_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)


class ProcessExecutor:
    """Runs evaluations in ``n_workers`` processes.

    Parameters
    ----------
    problem : Problem
        Its ``time_limit`` is enforced from outside: the worker is killed and replaced. It is written to shared memory
        once; host and workers map it.
    n_workers : int
    memory_limit : int or None
        Bytes a worker may allocate beyond what it shares with the host.
    cache_bytes : int
        Bytes that results of steps may take which workers share; none are kept for 0.
    """

    def __init__(self, problem: Problem, n_workers: int, memory_limit: int | None = None, cache_bytes: int = 0) -> None:
        self.capacity = 2 * n_workers  # so that a worker never waits for the parent
        self._work = (problem, n_workers, memory_limit, cache_bytes, defined_by_user(problem.builder))
        self._folder = SharedFolder(problem.dataset.n_bytes + cache_bytes)
        self._errors: Any = tempfile.TemporaryFile()  # noqa: SIM115
        self._under_way: dict[int, tuple[str, tuple[float, ...]]] = {}
        try:
            self._start()
        except BaseException:
            self._folder.remove()
            raise

    def _start(self) -> None:
        """Write the problem to shared memory and start a host that reads it from there."""
        self._connection: Connection
        self._connection, theirs = Pipe()
        self._spoken = False
        try:
            pack(self._work, self._folder.path / PROBLEM, dumps=dumps)
            self._host = subprocess.Popen(
                [
                    *(sys.executable, "-P", "-c", "from evoml.evaluation.executors.host import main; main()"),
                    *(str(self._folder.path), str(theirs.fileno())),
                ],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._errors,
                start_new_session=True,  # Ctrl-C in a terminal is for the parent alone
                env={**os.environ, **_ONE_THREAD, "PYTHONPATH": os.pathsep.join(p or os.getcwd() for p in sys.path)},
            )
        except OSError as error:
            raise EvomlError(
                f"the table could not be handed to worker processes by way of {self._folder.path}: {error}; free some"
                " space there, or use executor='serial'"
            ) from error
        finally:
            theirs.close()

    def submit(self, task: int, text: str, bars: Sequence[float] = ()) -> None:
        self._under_way[task] = (text, tuple(bars))
        try:
            self._connection.send((task, text, tuple(bars)))
        except OSError:
            self._start_again()

    def completed(self, timeout: float | None = None) -> list[tuple[int, Evaluation]]:
        found: list[tuple[int, Evaluation]] = []
        try:
            while self._connection.poll(0 if found else timeout):
                told = self._connection.recv()
                self._spoken = True
                if self._under_way.pop(told[0], None):
                    found.append(told)
        except (EOFError, OSError):
            if not found:
                self._start_again()
        return found

    def fit_all(self, texts: Sequence[str], timeout: float | None = None) -> list[Any]:
        """Return the fitted pipelines, as many at once as there are workers; evaluations under way are given up."""
        self._under_way.clear()
        until = None if timeout is None else time.monotonic() + timeout
        errors: dict[int, str] = {}
        try:
            self._connection.send((list(texts), timeout))
            while len(errors) < len(texts):
                number, found = self._connection.recv()
                if isinstance(found, str):  # evaluations that were told at the same time are of no interest any more
                    errors[number] = found
        except (EOFError, OSError):
            self._start_again()
            return self.fit_all(texts, None if until is None else max(0.0, until - time.monotonic()))
        self._spoken = True
        return [FitError(errors[at]) if errors[at] else self._model(at) for at in range(len(texts))]

    def _model(self, number: int) -> Any:
        """Take a fitted pipeline out of the shared folder."""
        file = self._folder.path / f"{MODEL}{number}"
        model = unpack(file, writable=True)
        file.unlink()
        return model

    def _start_again(self) -> None:
        """Replace a host that is gone, and do again what it had under way. Raises EvomlError if it never said a word."""
        error = self._lost()
        if not self._spoken:
            raise error
        self._start()
        for task, (text, bars) in list(self._under_way.items()):
            self._connection.send((task, text, bars))

    def close(self) -> None:
        self._connection.close()  # the host ends itself and its workers as soon as this end is gone
        try:
            self._host.wait(timeout=1)
        except subprocess.TimeoutExpired:
            self._host.kill()
        if self._host.wait() != 0:
            _end_session(self._host.pid)
        self._errors.close()
        self._folder.remove()

    def _lost(self) -> EvomlError:
        """Clear up after a host that is gone, and return what there is to say of it."""
        self._connection.close()
        with suppress(subprocess.TimeoutExpired):
            self._host.wait(timeout=1)  # for its last words
        self._host.kill()
        self._host.wait()
        _end_session(self._host.pid)
        self._folder.empty()
        self._errors.seek(0)
        last = self._errors.read().decode(errors="replace").strip()[-2000:] or "it said nothing"
        return EvomlError(
            f"the process that evaluates pipelines ended with code {self._host.returncode}: {last}."
            " Use executor='serial' to evaluate in this process"
        )


def _end_session(leader: int) -> None:
    """Kill what a host that was killed itself has left: its workers die with it, but not the children of a part."""
    for entry in os.listdir("/proc") if sys.platform == "linux" else ():
        with suppress(ValueError, OSError):
            if os.getsid(int(entry)) == leader:
                os.kill(int(entry), signal.SIGKILL)


def defined_by_user(builder: Any) -> dict[str, Any]:
    """Return what the user's main module defines of the names that a builder has as paths such as ``__main__.Mine``."""
    main = vars(sys.modules["__main__"])
    names = {name.decode() for name in re.findall(rb"__main__\.(\w+)", dumps(builder))}
    return {name: main[name] for name in sorted(names) if name in main}


def dumps(payload: Any, **options: Any) -> bytes:
    import cloudpickle

    try:
        return cloudpickle.dumps(payload, **options)  # type: ignore[no-any-return]
    except Exception as error:
        raise EvomlError(
            f"the data, metric or search space cannot be sent to worker processes ({error});"
            " make it picklable, or use executor='serial'"
        ) from error
