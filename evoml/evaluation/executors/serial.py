"""Evaluations one after another in this process: for debugging, and where no process may be started.

The time limit is looked at between folds only; nothing here can stop a part that hangs. Use processes for that.
"""

from __future__ import annotations

from collections import deque

from evoml.core.candidate import Evaluation
from evoml.evaluation.memory import Memory
from evoml.evaluation.problem import Problem, evaluate


class SerialExecutor:
    """Runs the oldest evaluation whenever it is asked for completed ones."""

    capacity = 1

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._memory = Memory()
        self._waiting: deque[tuple[int, str]] = deque()

    def submit(self, task: int, text: str) -> None:
        self._waiting.append((task, text))

    def completed(self, timeout: float | None = None) -> list[tuple[int, Evaluation]]:
        if not self._waiting:
            return []
        task, text = self._waiting.popleft()
        return [(task, evaluate(self._problem, text, self._memory))]

    def close(self) -> None:
        self._waiting.clear()
