"""What is kept between evaluations: the results of steps that many candidates share, one for each fold.

Evolution varies a pipeline in one place and leaves the rest as it is, so the results of the rest are kept: under a name that
says all they depend on (table, folds, step and its inputs, seed, versions), so that what is recalled is what would have been
computed. What is kept is decided by Greedy-Dual-Size-Frequency (Cherkasova 1998): seconds saved a byte, times how often it
was used, and old fame fades. Workers of a machine share one cache in files that they map; the host alone removes them.
"""

from __future__ import annotations

import heapq
import math
import mmap
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from evoml.evaluation.packing import pack, unpack

LEAST_SECONDS = 1e-3  # a step faster than this, or than a copy of its results, is faster computed again
BYTES_A_SECOND = 5e8
News = tuple[str, int, float]  # name, bytes and seconds of what was kept; no bytes for what was recalled


class Cache(Protocol):
    """Keeps values by name, some of them for some time."""

    def recall(self, name: str) -> Any:
        """Return the value, or None."""
        ...

    def keep(self, name: str, value: Any, seconds: float) -> None:
        """Keep a value that took ``seconds`` to compute, if that pays."""
        ...


class NoCache:
    """Keeps nothing."""

    def recall(self, name: str) -> Any:
        return None

    def keep(self, name: str, value: Any, seconds: float) -> None:
        pass


class MemoryCache:
    """Values in this process.

    Parameters
    ----------
    max_bytes : int
        Bytes that all values together may take.
    """

    def __init__(self, max_bytes: int) -> None:
        self._values: dict[str, Any] = {}
        self._ledger = Ledger(max_bytes)

    def recall(self, name: str) -> Any:
        if name in self._values:
            self._ledger.used(name)
        return self._values.get(name)

    def keep(self, name: str, value: Any, seconds: float) -> None:
        n_bytes = size(value)
        if pays(seconds, n_bytes):
            self._values[name] = value
            for dropped in self._ledger.add(name, n_bytes, seconds):
                del self._values[dropped]


class SharedCache:
    """A worker's view of values in files that all workers of the machine map.

    Parameters
    ----------
    folder : path
    max_bytes : number
        Bytes that the values may take which the host was not told of yet, for it alone removes files.

    Attributes
    ----------
    news : list
        What was kept and recalled since it was last taken: the host's :class:`Keeper` must be told.
    """

    def __init__(self, folder: str | Path, max_bytes: float = math.inf) -> None:
        self.folder, self.max_bytes, self.news = str(folder), max_bytes, list[News]()

    def recall(self, name: str) -> Any:
        try:
            value = unpack(f"{self.folder}/{name}")
        except Exception:  # was never there, is gone, or is an object of a part's that does not come back
            return None
        self.news.append((name, 0, 0.0))
        return value

    def keep(self, name: str, value: Any, seconds: float) -> None:
        n_bytes = size(value)
        untold = sum(told for _, told, _ in self.news)
        if pays(seconds, n_bytes) and untold + n_bytes <= self.max_bytes:
            with suppress(Exception):  # a full disk, an object of a part's that cannot be pickled
                self.news.append((name, pages(pack(value, f"{self.folder}/{name}")), seconds))

    def taken(self) -> list[News]:
        """Return the news, which are none from now on."""
        news, self.news = self.news, []
        return news


class Keeper:
    """Keeps a folder of shared values within its bounds."""

    def __init__(self, folder: str | Path, max_bytes: int) -> None:
        self.folder, self._ledger = Path(folder), Ledger(max_bytes)

    def told(self, news: Sequence[News]) -> None:
        """Take note of what workers kept and recalled; remove what is worth least where there is too much."""
        for name, n_bytes, seconds in news:
            if not n_bytes:
                self._ledger.used(name)
                continue
            for dropped in self._ledger.add(name, n_bytes, seconds):
                (self.folder / dropped).unlink(missing_ok=True)

    def adopt(self) -> None:
        """Remove what nobody told of: a worker died in the middle."""
        with suppress(OSError):
            for entry in os.scandir(self.folder):
                if entry.name not in self._ledger:
                    with suppress(OSError):
                        os.unlink(entry.path)


class Ledger:
    """Which values are kept: Greedy-Dual-Size-Frequency with seconds as the cost of a miss."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes, self.n_bytes, self._clock = max_bytes, 0, 0.0
        self._entries: dict[str, tuple[int, float, int, float]] = {}  # name -> bytes, seconds, uses, priority
        self._heap: list[tuple[float, str]] = []

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def add(self, name: str, n_bytes: int, seconds: float) -> list[str]:
        """Take in a value and return the names of those to drop for it, perhaps its own."""
        before, _, uses, _ = self._entries.get(name, (0, 0.0, 0, 0.0))  # two workers may have computed the same
        self._enter(name, n_bytes, seconds, uses + 1)
        self.n_bytes += n_bytes - before
        dropped = []
        while self.n_bytes > self.max_bytes:
            dropped.append(self._drop())
        self._tidy()
        return dropped

    def used(self, name: str) -> None:
        """Count a use."""
        if name in self._entries:
            n_bytes, seconds, uses, _ = self._entries[name]
            self._enter(name, n_bytes, seconds, uses + 1)
            self._tidy()

    def _enter(self, name: str, n_bytes: int, seconds: float, uses: int) -> None:
        priority = self._clock + uses * seconds / max(n_bytes, 1)
        self._entries[name] = (n_bytes, seconds, uses, priority)
        heapq.heappush(self._heap, (priority, name))

    def _tidy(self) -> None:
        """Take outdated entries out of the heap, now and then."""
        if len(self._heap) > 64 + 4 * len(self._entries):
            self._heap = [(entry[3], name) for name, entry in self._entries.items()]
            heapq.heapify(self._heap)

    def _drop(self) -> str:
        while True:
            priority, name = heapq.heappop(self._heap)
            entry = self._entries.get(name)
            if entry is not None and entry[3] == priority:
                self._clock = priority
                self.n_bytes -= entry[0]
                del self._entries[name]
                return name


def pages(n_bytes: int) -> int:
    """Return what a file of so many bytes takes in memory."""
    return -(-n_bytes // mmap.PAGESIZE) * mmap.PAGESIZE


def pays(seconds: float, n_bytes: int) -> bool:
    """Tell whether it is worth keeping a value of that size that took so long."""
    return seconds > LEAST_SECONDS + n_bytes / BYTES_A_SECOND


def size(value: Any) -> int:
    """Return the bytes that the arrays and data frames in a tuple, mapping or single value take, roughly."""
    if isinstance(value, dict):
        return sum(map(size, value.values()))
    if hasattr(value, "_fields"):  # a row of plain numbers
        return 64 * len(value)
    if isinstance(value, (tuple, list)):
        return sum(map(size, value))
    if hasattr(value, "memory_usage"):  # a data frame
        return int(value.memory_usage(deep=True).sum())
    if hasattr(value, "data") and hasattr(value, "indptr"):  # a sparse matrix
        return int(value.data.nbytes + value.indices.nbytes + value.indptr.nbytes)
    return int(getattr(value, "nbytes", 64))
