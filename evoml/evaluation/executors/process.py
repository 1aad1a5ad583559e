"""Evaluations in worker processes that can hang, crash or eat memory without harm to anyone else.

The parent starts one *host*: a fresh interpreter that loads the data and the libraries once and forks a worker for each
core. Workers share the host's memory, a lost one is replaced in milliseconds, and each has a pipe of its own. Two well-kept
pools were weighed and left: loky breaks as a whole when one worker is killed, and cannot limit the time of one task; pebble
can, but its workers share one pipe and one lock, and it needs the user's script to be importable
(``if __name__ == "__main__"``). Nothing here depends on the user's main module, threads or OpenMP state.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe
from typing import Any

from evoml.core.candidate import Evaluation
from evoml.core.errors import EvomlError
from evoml.evaluation.problem import Problem

_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)


class ProcessExecutor:
    """Runs evaluations in ``n_workers`` processes.

    Parameters
    ----------
    problem : Problem
        Its ``time_limit`` is enforced from outside: the worker is killed and replaced.
    n_workers : int
    memory_limit : int or None
        Bytes a worker may allocate beyond what it shares with the host.
    """

    def __init__(self, problem: Problem, n_workers: int, memory_limit: int | None = None) -> None:
        self.capacity = 2 * n_workers  # so that a worker never waits for the parent
        payload = _dumps((problem, n_workers, memory_limit, _defined_by_user(problem.builder)))
        self._errors: Any = tempfile.TemporaryFile()  # noqa: SIM115
        ours, theirs = Pipe()
        self._connection: Connection = ours
        self._host = subprocess.Popen(
            [
                sys.executable,
                "-P",
                "-c",
                "from evoml.evaluation.executors.host import main; main()",
                str(theirs.fileno()),
            ],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
            start_new_session=True,  # Ctrl-C in a terminal is for the parent alone
            env={**os.environ, **_ONE_THREAD, "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)},
        )
        theirs.close()
        try:
            self._connection.send_bytes(payload)
        except OSError:
            raise self._lost() from None

    def submit(self, task: int, text: str, bars: Sequence[float] = ()) -> None:
        try:
            self._connection.send((task, text, tuple(bars)))
        except OSError:
            raise self._lost() from None

    def completed(self, timeout: float | None = None) -> list[tuple[int, Evaluation]]:
        found: list[tuple[int, Evaluation]] = []
        try:
            while self._connection.poll(0 if found else timeout):
                found.append(self._connection.recv())
        except (EOFError, OSError):
            if not found:
                raise self._lost() from None
        return found

    def fit(self, text: str, timeout: float | None = None) -> Any:
        raise NotImplementedError

    def close(self) -> None:
        self._connection.close()  # the host ends itself and its workers as soon as this end is gone
        try:
            self._host.wait(timeout=1)
        except subprocess.TimeoutExpired:
            self._host.kill()
        if self._host.wait() != 0:
            _end_session(self._host.pid)
        self._errors.close()

    def _lost(self) -> EvomlError:
        self._host.kill()
        self._host.wait()
        _end_session(self._host.pid)
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


def _defined_by_user(builder: Any) -> dict[str, Any]:
    """Return what the user's main module defines of the names that a builder has as paths such as ``__main__.Mine``."""
    main = vars(sys.modules["__main__"])
    names = {name.decode() for name in re.findall(rb"__main__\.(\w+)", _dumps(builder))}
    return {name: main[name] for name in sorted(names) if name in main}


def _dumps(payload: Any) -> bytes:
    import cloudpickle

    try:
        return cloudpickle.dumps(payload)  # type: ignore[no-any-return]
    except Exception as error:
        raise EvomlError(
            f"the data, metric or search space cannot be sent to worker processes ({error});"
            " make it picklable, or use executor='serial'"
        ) from error
