"""Which candidates wait for kernels that are still being compiled, and for how long.

A candidate is the same whether its kernels are ready or not: it is only evaluated later. Kernels are compiled beside the run
by a process of low priority; where that fails, what needs them is evaluated all the same, and each worker sees to its own.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from evoml.kernels.warmup import COMPILE_SECONDS, compile_in_background, is_loaded, is_ready

if TYPE_CHECKING:
    from evoml.core.candidate import Candidate

LOOK_SECONDS = 0.1  # between two looks at what is ready, while nothing else can be done
PATIENCE = 0.25  # of a run's seconds: for so long it may stand still rather than do without what waits
POSTPONED = "its kernels are not compiled yet"


class Readiness:
    """The groups of kernels that a run waits for.

    Parameters
    ----------
    groups : collection of str
        What parts of the catalogue need; what is not ready is compiled in the background from now on.
    needed : callable
        Returns the groups that a candidate needs.
    seconds : float or None
        Budget of the run, if its results depend on time anyway; then candidates need not be waited for.
    """

    def __init__(
        self,
        groups: Collection[str],
        needed: Callable[[Candidate], Collection[str]],
        seconds: float | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._needed, self._now, self._began = needed, now, now()
        self._patience = math.inf if seconds is None else PATIENCE * seconds
        self._compilation = compile_in_background(groups)
        self.missing = set(self._compilation.groups if self._compilation else ())

    def awaited(self, candidate: Candidate) -> bool:
        """Tell whether a candidate must wait."""
        return bool(self.missing) and not self.missing.isdisjoint(self._needed(candidate))

    def look(self) -> None:
        """Find out what has become ready; nothing is waited for any more once no process compiles it."""
        if not self.missing:
            return
        assert self._compilation is not None
        over = self._compilation.over() or self._now() - self._began > COMPILE_SECONDS
        self.missing = set() if over else {group for group in self.missing if not is_ready(group)}

    @property
    def patient(self) -> bool:
        """Whether the run may stand still for the sake of what waits."""
        return self._now() - self._began <= self._patience

    def close(self) -> None:
        """Let the compiling process go on alone: the next run needs it as well."""
        if self._compilation:
            self._compilation.close()


def unloaded(builder: Any, text: str) -> list[str]:
    """Return the groups of kernels that a genome's text needs and that this process has not loaded yet.

    A builder without kernels need not say so.
    """
    if all(map(is_loaded, getattr(builder, "compiled", ()))):  # mostly so, and then the text need not be read
        return []
    return sorted(group for group in builder.kernels(text) if not is_loaded(group))
