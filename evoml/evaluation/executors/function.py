"""Evaluations by a plain function of a genome: here, one after another, or in a pool of workers of the user's choice."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Future, wait
from concurrent.futures import Executor as Pool
from typing import Any

from evoml.core.candidate import Cost, Evaluation, Status
from evoml.evaluation.surroundings import error_text

SCORE = "score"  # what a number without a name measures


class FunctionExecutor:
    """Runs ``fitness(genome)`` for the text of each genome.

    Parameters
    ----------
    fitness : callable
        Returns what a genome is worth, greater is better: a number, or several by name.
    parse : callable
        Returns the genome of its text.
    measures : sequence of str, default=("score",)
        Names that ``fitness`` must return; what lacks one is no result.
    pool : concurrent.futures.Executor or None, default=None
        Where evaluations run, such as a ``ProcessPoolExecutor``, or ``client.get_executor()`` of a Dask cluster. None is
        this process, one evaluation after another.
    capacity : int, default=1
        Evaluations that a pool can usefully have at once.
    """

    def __init__(
        self,
        fitness: Callable[[Any], float | Mapping[str, float]],
        parse: Callable[[str], Any],
        measures: Sequence[str] = (SCORE,),
        pool: Pool | None = None,
        capacity: int = 1,
    ) -> None:
        self._fitness, self._parse, self._measures = fitness, parse, tuple(measures)
        self._pool, self.capacity = pool, capacity if pool else 1
        self._waiting: dict[int, str] = {}  # in this process, the oldest first
        self._running: dict[Future[Evaluation], int] = {}

    def submit(self, task: int, text: str, bars: Sequence[float] = ()) -> None:
        if self._pool is None:
            self._waiting[task] = text
        else:
            self._running[self._pool.submit(evaluated, self._fitness, self._parse, self._measures, text)] = task

    def completed(self, timeout: float | None = None) -> list[tuple[int, Evaluation]]:
        if self._waiting:
            task = next(iter(self._waiting))
            return [(task, evaluated(self._fitness, self._parse, self._measures, self._waiting.pop(task)))]
        done, _ = wait(self._running, timeout, FIRST_COMPLETED) if self._running else ((), ())
        return sorted(((self._running.pop(future), _result(future)) for future in done), key=lambda found: found[0])

    def fit_all(self, texts: Sequence[str], timeout: float | None = None) -> list[Any]:
        """Return the genomes themselves."""
        return [self._parse(text) for text in texts]

    def close(self) -> None:
        """Forget what is under way; the pool is its owner's to close."""
        for future in self._running:
            future.cancel()
        self._waiting, self._running = {}, {}


def evaluated(
    fitness: Callable[[Any], float | Mapping[str, float]],
    parse: Callable[[str], Any],
    measures: Sequence[str],
    text: str,
) -> Evaluation:
    """Return what a function says of a genome; an error, or what is no finite number, is a result too."""
    wall, cpu = time.perf_counter(), time.thread_time()
    try:
        found = fitness(parse(text))
        values = found if isinstance(found, Mapping) else {SCORE: found}
        scores = {str(name): (float(value),) for name, value in values.items()}
        status, error = Status.OK, _fault(scores, measures)
    except Exception as raised:  # a user's function may raise anything
        scores, status, error = {}, Status.INVALID, error_text(raised)
    if error:
        scores, status = {}, Status.INVALID
    cost = Cost(time.perf_counter() - wall, time.thread_time() - cpu)
    return Evaluation(status, scores, cost, error)


def _fault(scores: Mapping[str, tuple[float, ...]], measures: Sequence[str]) -> str:
    """Return what is wrong with measures, or an empty text."""
    if missing := [name for name in measures if name not in scores]:
        return f"the fitness must return {', '.join(missing)}, got {', '.join(scores) or 'nothing'}"
    if wrong := {name: value for name, (value,) in scores.items() if not math.isfinite(value)}:
        return f"the fitness must be finite, got {wrong}"
    return ""


def _result(future: Future[Evaluation]) -> Evaluation:
    """Return what a pool found; a worker that was lost is a crash."""
    try:
        return future.result()
    except (BrokenExecutor, CancelledError) as lost:
        return Evaluation(Status.CRASHED, error=error_text(lost))
    except Exception as raised:  # such as a result that cannot be sent back
        return Evaluation(Status.INVALID, error=error_text(raised))
