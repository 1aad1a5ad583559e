"""What steps take and give: seconds, bytes, and the form in which a result is passed on."""

from __future__ import annotations

import io
import pickle
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from evoml.evaluation.folds import own


class Stopwatch:
    """Wall and CPU seconds of a ``with`` block."""

    wall = cpu = 0.0

    def __enter__(self) -> Stopwatch:
        self.wall, self.cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *error: object) -> None:
        self.wall, self.cpu = time.perf_counter() - self.wall, time.process_time() - self.cpu

    def add(self, seconds: float) -> None:
        self.wall, self.cpu = self.wall + seconds, self.cpu + seconds


def lasting(result: Any) -> Any:
    """Return a step's result in the one form in which it is passed on, kept or not: contiguous and read-only.

    The order of the elements in memory decides in which order sums are taken, so it must not depend on the cache.
    """
    if isinstance(result, list):  # of several outputs
        return [lasting(one) for one in result]
    if hasattr(result, "indptr"):  # a sparse matrix
        for array in (result.data, result.indices, result.indptr):
            array.setflags(write=False)
    if not isinstance(result, np.ndarray):
        return result
    if not (result.flags.c_contiguous or result.flags.f_contiguous):
        result = np.ascontiguousarray(result)
    elif result.base is not None and result.flags.writeable:
        result = result.view()
    result.setflags(write=False)
    return result


def given_writable(call: Callable[..., Any], *given: Any) -> Any:
    """Return ``call(*given)``; a step that insists on writing into its input is given copies."""
    try:
        return call(*map(_shielded, given))
    except ValueError as error:
        if "read-only" not in str(error) and "read only" not in str(error):
            raise
    return call(*map(own, given))


def _shielded(data: Any) -> Any:
    """Return data that cannot be written into as they are, and of a data frame, which always can, a copy."""
    if not hasattr(data, "iloc"):
        return data
    import pandas as pd

    return data.copy(deep=int(pd.__version__.split(".")[0]) < 3)  # from then on nothing is copied before it is written


class _Counter(io.RawIOBase):
    n_bytes = 0

    def write(self, data: Any) -> int:
        self.n_bytes += memoryview(data).nbytes
        return memoryview(data).nbytes


def pickled_size(step: Any) -> int:
    """Return the bytes of a pickled step; 0 for one that cannot be pickled."""
    counter = _Counter()
    try:
        pickle.Pickler(counter, protocol=5).dump(step)
    except Exception:
        return 0
    return counter.n_bytes
