"""Evaluations one after another in this process: for debugging, and where no process may be started.

The time limit is looked at before each step is fitted; nothing here can stop a part that hangs. Use processes for that.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

from evoml.core.candidate import Evaluation
from evoml.core.errors import FitError
from evoml.evaluation.cache import Cache, MemoryCache, NoCache
from evoml.evaluation.executors import NO_TIME
from evoml.evaluation.problem import Problem, evaluate, fit_whole
from evoml.evaluation.readiness import unloaded
from evoml.evaluation.surroundings import error_text
from evoml.kernels.warmup import load


class SerialExecutor:
    """Runs the oldest evaluation whenever it is asked for completed ones."""

    capacity = 1

    def __init__(self, problem: Problem, cache_bytes: int = 0) -> None:
        self._problem = problem
        self._cache: Cache = MemoryCache(cache_bytes) if cache_bytes else NoCache()
        self._waiting: deque[tuple[int, str, tuple[float, ...]]] = deque()

    def submit(self, task: int, text: str, bars: Sequence[float] = ()) -> None:
        self._waiting.append((task, text, tuple(bars)))

    def completed(self, timeout: float | None = None) -> list[tuple[int, Evaluation]]:
        if not self._waiting:
            return []
        task, text, bars = self._waiting.popleft()
        load(unloaded(self._problem.builder, text))  # before the candidate's time begins
        return [(task, evaluate(self._problem, text, self._cache, bars))]

    def fit_all(self, texts: Sequence[str], timeout: float | None = None) -> list[Any]:
        """Fit one after another; whatever is not begun in time is left out, but what was begun cannot be stopped here."""
        self._waiting.clear()
        until = math.inf if timeout is None else time.monotonic() + timeout
        return [self._fitted(text) if time.monotonic() < until else FitError(NO_TIME) for text in texts]

    def _fitted(self, text: str) -> Any:
        try:
            return fit_whole(self._problem, text)
        except Exception as error:  # any library may raise anything here
            return FitError(error_text(error))

    def close(self) -> None:
        self._waiting.clear()
