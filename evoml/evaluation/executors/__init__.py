"""Where evaluations run: in this process, in worker processes of their own, or on a Dask cluster."""

from __future__ import annotations

import multiprocessing
import os
import sys
from typing import Any

import joblib
from joblib.parallel import get_active_backend

from evoml.core.errors import SettingError, nearest
from evoml.core.protocols import Executor
from evoml.evaluation.problem import Problem

EXECUTORS = ("auto", "process", "serial", "dask")
LEAST_CACHE, MOST_CACHE, CACHED_TABLES = 2**24, 2**31, 200  # bytes, bytes, and how many times the bytes of the table
NO_TIME = "there was no time left to fit it"
SHORT = 5.0  # seconds of budget below which starting worker processes does not pay


def executor(
    name: Any,
    problem: Problem,
    n_jobs: int,
    memory_limit: int | None,
    seconds: float | None,
    cache_bytes: int = 0,
) -> Executor:
    """Return the executor called ``name``.

    ``"auto"`` is ``"process"``, but ``"serial"`` for a budget of a few seconds, inside a daemonic process (which may have
    no children), and on Windows. The address of a Dask scheduler, or a Dask client, is that cluster; ``"dask"`` is the
    cluster of the current client, else one on this machine.
    """
    from evoml.evaluation.executors.process import ProcessExecutor
    from evoml.evaluation.executors.serial import SerialExecutor

    if on_cluster(name):
        from evoml.evaluation.executors.dask import DaskExecutor

        return DaskExecutor(problem, None if name == "dask" else name, n_jobs, memory_limit, cache_bytes)
    if name not in EXECUTORS:
        raise SettingError(
            f"unknown executor {name!r}{nearest(name, EXECUTORS)}; there are: {', '.join(EXECUTORS)}, the address of a"
            " Dask scheduler (tcp://host:8786), or a Dask client"
        )
    if name == "auto":
        brief = seconds is not None and seconds < SHORT
        alone = multiprocessing.current_process().daemon or sys.platform == "win32"
        name = "serial" if brief or alone else "process"
    if name == "serial":
        return SerialExecutor(problem, cache_bytes)
    return ProcessExecutor(problem, n_jobs, memory_limit, cache_bytes)


def on_cluster(name: Any) -> bool:
    """Tell whether ``name`` is a Dask cluster: its client, its address, or ``"dask"``."""
    return name == "dask" or "://" in name if isinstance(name, str) else hasattr(name, "scheduler_info")


def executor_name(name: Any) -> str:
    """Return what a record says of an executor; of a client, that it was a cluster."""
    return name if isinstance(name, str) else "dask"


def workers(n_jobs: int | None, useful: int | None = None) -> int:
    """Return the number of workers that ``n_jobs`` means: -1 is all cores this process may use, -2 all but one ...

    None is all cores within reason: no more than can be ``useful`` at once, each with a gibibyte of memory, and a single
    one inside a worker of joblib's, where the cores are spoken for.
    """
    if n_jobs is None:
        backend, _ = get_active_backend()
        reasonable = [1 if backend.nesting_level else joblib.effective_n_jobs(-1), memory_bytes() // 2**30]
        return max(1, min(reasonable if useful is None else [*reasonable, useful]))
    if isinstance(n_jobs, bool) or not hasattr(n_jobs, "__index__") or n_jobs == 0:
        raise SettingError(f"n_jobs must be a whole number other than 0 (-1 for all cores), got {n_jobs!r}")
    return int(n_jobs) if n_jobs > 0 else max(1, joblib.cpu_count() + 1 + int(n_jobs))  # it knows of containers' quotas


def memory_bytes() -> int:
    """Return the memory of this machine in bytes; 8 GiB where that cannot be found out."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 8 * 2**30


def cache_limit(n_bytes: int) -> int:
    """Return the bytes that results of steps may take on a machine by default, for a table of ``n_bytes``.

    A hundredth of the memory, within bounds, of which a small table needs less.
    """
    return min(max(memory_bytes() // 100, LEAST_CACHE), MOST_CACHE, max(CACHED_TABLES * n_bytes, LEAST_CACHE))
