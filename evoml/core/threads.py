"""Threads of this process that divide work by the chunk: who does a chunk, and when, changes nothing in what comes of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait

CHUNK = 64  # things at a time; not by the number of threads, on which nothing may depend


class Threads:
    """Threads for work that holds no lock of Python's; a context manager, as they are to be closed after use.

    Parameters
    ----------
    count : int
        How many work at a time, the one that asks among them.
    """

    def __init__(self, count: int = 1) -> None:
        self.count = count
        self._others = ThreadPoolExecutor(count - 1, thread_name_prefix="evoml-chunks") if count > 1 else None

    def in_chunks(self, n: int, work: Callable[[int, int], object], size: int = CHUNK) -> None:
        """Have ``work(first, last)`` done for all of ``n`` things, at most ``size`` of them at a time.

        What it raises is raised here, and no further chunk is begun then.
        """
        firsts = deque(range(0, n, size))

        def go_on() -> None:
            while firsts:
                try:
                    first = firsts.popleft()
                except IndexError:  # another thread took the last one just now
                    return
                work(first, min(first + size, n))

        asked = (
            []
            if self._others is None
            else [self._others.submit(go_on) for _ in range(min(self.count, len(firsts)) - 1)]
        )
        try:
            go_on()
        finally:
            firsts.clear()
            if begun := [one for one in asked if not one.cancel()]:
                wait(begun)
        for one in begun:
            one.result()

    def close(self) -> None:
        """End the threads; what is asked from now on is done by the one that asks."""
        if self._others is not None:
            self._others.shutdown(cancel_futures=True)
            self._others = None

    def __enter__(self) -> Threads:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


ALONE = Threads()  # no other thread than the one that asks
