"""The loop that drives evolution by whole batches of genomes as arrays, formulas and programs: step, record, stop, go on.

A step of it is one call of the run's own ``stepped``, in which nothing of Python happens for a single genome.
"""

from __future__ import annotations

import io
import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np

from evoml.core.budget import Budget, Moment, Progress, StopRule
from evoml.core.errors import EvomlError
from evoml.kernels.warmup import compile_group, is_ready
from evoml.run.callbacks import Callbacks
from evoml.run.loop import Finished

if TYPE_CHECKING:
    from evoml.core.candidate import Outcome
    from evoml.journal import Journal

CHECKPOINT = "checkpoint"
RESERVE, RESERVE_SECONDS = 0.1, 3.0  # of a budget of seconds, for what comes after: a share, and at most so many


class BatchRun(Protocol):
    """How far a run is. A step returns the next one."""

    @property
    def generation(self) -> int:
        """Steps made."""
        ...

    @property
    def evaluations(self) -> int: ...

    @property
    def improved_at(self) -> int:
        """The step at which something better was found last."""
        ...

    @property
    def cpu_seconds(self) -> float:
        """Of the sittings before this one, and those spent in other places than this process."""
        ...

    @property
    def best_score(self) -> float: ...

    @property
    def candidates(self) -> int:
        """How many candidates have been worth a row in the journal."""
        ...

    def stepped(self: R, progress: Progress) -> R:
        """Return the run after one more step; ``progress`` tells how much time there is for it."""
        ...

    def newcomers(self: R, before: R) -> Sequence[Outcome]:
        """Return what is new since ``before``, in ascending order of ids, which go on from its number of candidates."""
        ...

    def detail(self) -> Mapping[str, Any]:
        """Return what the journal holds of a step besides how far the run is."""
        ...

    def sight(self, progress: Progress, improved: bool) -> Any:
        """Return what callbacks see."""
        ...

    def content(self, cpu_seconds: float) -> bytes:
        """Return all that is needed to go on."""
        ...

    def restored(self: R, content: bytes) -> R:
        """Return the run that :meth:`content` told of."""
        ...


R = TypeVar("R", bound=BatchRun)


class Wanted(Protocol):
    """What a search says of how long it may go on."""

    @property
    def budget(self) -> Budget: ...
    @property
    def began(self) -> Moment: ...
    @property
    def checkpoint_seconds(self) -> float: ...


W = TypeVar("W", bound=Wanted)


def compiled(wanted: W, group: str, what: str) -> W:
    """Return the search, begun only now if its kernels had to be compiled first, which happens once on a machine."""
    if is_ready(group):
        return wanted
    logging.getLogger("evoml").info(
        "compiling the kernels of %s, once; `evoml warmup %s` does so beforehand", what, group
    )
    with suppress(EvomlError):  # where they cannot be kept they are compiled as they are needed
        compile_group(group)
    return replace(wanted, began=Moment())  # type: ignore[type-var]


class Recorder:
    """Writes a run into its journal: a row a step, a candidate for each newcomer, and checkpoints.

    A run that was killed does the steps since its last checkpoint again, and they are the same: rows of steps are written
    over, candidates that are there already are left.
    """

    def __init__(self, journal: Journal, checkpoint_seconds: float) -> None:
        self._journal, self._every = journal, checkpoint_seconds
        self._saved_at = time.monotonic()
        self._asked, self._told = journal.counted()

    def step(self, before: R, run: R, progress: Progress) -> None:
        """Record the step that led from ``before`` to ``run``."""
        outcomes = run.newcomers(before)
        self._journal.asked([one.candidate for one in outcomes if one.candidate.id >= self._asked], {})
        if new := [one for one in outcomes if one.candidate.id >= self._told]:
            self._journal.told(new, {})
        self._journal.progressed(progress.generation, progress.evaluations, progress.best_score, run.detail())
        if time.monotonic() - self._saved_at >= self._every:
            self.checkpoint(run, progress)

    def checkpoint(self, run: BatchRun, progress: Progress) -> None:
        """Record all that is needed to go on, where there is a file to go on from."""
        if self._journal.path is not None:
            self._journal.put_bytes(CHECKPOINT, run.content(progress.cpu))
        self._saved_at = time.monotonic()


def begun(run: R, journal: Journal) -> R:
    """Return the run, or what its journal's checkpoint says of it."""
    content = journal.get_bytes(CHECKPOINT)
    return run if content is None else run.restored(content)


def cpu_spent(run: BatchRun, wanted: Wanted) -> float:
    """Return the CPU seconds of a run by now: those of this process since the search began, and the run's own."""
    return run.cpu_seconds + time.process_time() - wanted.began.cpu


def progress_in(wanted: Wanted, journal: Journal) -> Callable[[BatchRun], Progress]:
    """Return what tells how far a run is."""
    reserve = _reserve(wanted.budget)

    def progress_of(run: BatchRun) -> Progress:
        return Progress(
            elapsed=journal.elapsed,
            evaluations=run.evaluations,
            generation=run.generation,
            best_score=run.best_score,
            stalled=run.generation - run.improved_at,
            reserve=reserve,
            cpu=cpu_spent(run, wanted),
        )

    return progress_of


def lateness(wanted: Wanted, journal: Journal, run: BatchRun) -> Callable[[], bool]:
    """Return what tells whether the seconds, or CPU seconds, of a run that has ended are up.

    A sitting that began when they were all but up has the reserve still, so that what it ends with is worth something.
    """
    budget, reserve, now = wanted.budget, _reserve(wanted.budget), time.monotonic()
    before = journal.elapsed - (now - wanted.began.wall)
    until = math.inf if budget.seconds is None else wanted.began.wall + max(budget.seconds - before, reserve)
    most = None if budget.cpu_seconds is None else max(budget.cpu_seconds, run.cpu_seconds + reserve)

    def late() -> bool:
        return time.monotonic() > until or (most is not None and cpu_spent(run, wanted) > most)

    return late


def _reserve(budget: Budget) -> float:
    bounds = [one for one in (budget.seconds, budget.cpu_seconds) if one is not None]
    return min(RESERVE * min(bounds), RESERVE_SECONDS) if bounds else 0.0


def evolve_batches(
    run: R,
    recorder: Recorder,
    journal: Journal,
    rules: Mapping[str, StopRule],
    callbacks: Sequence[Callable[[Any], object]],
    progress_of: Callable[[BatchRun], Progress],
) -> tuple[R, Finished]:
    """Go on until a rule says stop. The first Ctrl-C (KeyboardInterrupt) ends the loop; its step does not count."""
    reason, heard = "", Callbacks(callbacks)
    try:
        progress = progress_of(run)
        heard.started(progress)
        while not (reason := next((name for name, rule in rules.items() if rule(progress)), "")):
            after = run.stepped(progress)
            progress = progress_of(after)
            recorder.step(run, after, progress)
            improved, run = after.improved_at == after.generation, after
            heard.generation(progress, run.sight(progress, improved), improved)
            if callbacks:  # which may take their time; to ask for that of the CPU may cost half a millisecond
                progress = progress_of(run)
    except KeyboardInterrupt:
        reason = "interrupt"
        journal.event("interrupt")
    recorder.checkpoint(run, progress_of(run))
    finished = Finished(reason, progress_of(run), run.evaluations)
    heard.ended(finished)
    return run, finished


# -- checkpoints as files of arrays -----------------------------------------------------------------------------------------


def packed(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Return named arrays as a compressed file."""
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    return file.getvalue()


def unpacked(content: bytes) -> dict[str, np.ndarray]:
    """Return the arrays that :func:`packed` was given."""
    with np.load(io.BytesIO(content)) as arrays:
        return dict(arrays)


def below(arrays: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    """Return the arrays whose names begin with a prefix, by the rest of their names."""
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
