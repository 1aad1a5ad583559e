"""What is seen while a run goes on: a live table on a terminal, plain log lines anywhere else."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from evoml.cli.errors import say
from evoml.core.budget import Budget, Progress
from evoml.core.candidate import Outcome, Status

if TYPE_CHECKING:
    from rich.table import Table

    from evoml.journal import Journal

LINE_EVERY = 5.0  # seconds between two log lines without an improvement
WIDTH = 100  # characters of a pipeline in a log line
STOPPING = "stopping in good order, the best model is being saved; press Ctrl-C again to abort"


class Display(Protocol):
    """Shows a watch; called after each outcome."""

    def __call__(self, watch: Watch, improved: bool) -> None: ...


class Watch:
    """What has been seen of a run so far: a callback of the estimator, and the one source of what displays show.

    Parameters
    ----------
    budget : Budget
        What the run is bounded by.
    journal : Journal, optional
        Record of the run's earlier sittings.
    """

    def __init__(self, budget: Budget, journal: Journal | None = None) -> None:
        self.budget = budget
        self.progress = Progress()
        self.ended: Counter[Status] = Counter()
        self.best_score = -math.inf
        self.best_text = ""
        self.stopping = False
        self._display: Display = lambda watch, improved: None
        self._started = self._seen_at = time.monotonic()
        self._evaluations_before = 0
        if journal is not None:
            self._read(journal)

    def __call__(self, progress: Progress, outcome: Outcome) -> None:
        """Take in an outcome; the signature is that of an estimator's callback."""
        self.progress, self._seen_at = progress, time.monotonic()
        if outcome.duplicate_of is None:
            self.ended[outcome.status] += 1
        score = outcome.scores[0] if outcome.ok and outcome.scores else -math.inf
        improved = score > self.best_score
        if improved:
            self.best_score, self.best_text = score, _readable(str(outcome.candidate.genome))
        self._display(self, improved)

    def shown_on(self, display: Display) -> None:
        """Let ``display`` be called after each outcome from now on."""
        self._display = display

    @property
    def elapsed(self) -> float:
        """Seconds of the run until now, earlier sittings included."""
        return self.progress.elapsed + time.monotonic() - self._seen_at

    @property
    def rate(self) -> float:
        """Evaluations a second in this sitting."""
        sitting = time.monotonic() - self._started
        return (self.progress.evaluations - self._evaluations_before) / sitting if sitting > 0 else 0.0

    @property
    def left(self) -> str:
        """What is left of the budget, in words."""
        budget, parts = self.budget, []
        if budget.seconds is not None:
            left = budget.seconds - self.elapsed
            parts.append(clock(left) if left > 0 else "time is up: fitting the best pipeline on all rows")
        if budget.cpu_seconds is not None:
            parts.append(f"{clock(budget.cpu_seconds - self.progress.cpu)} of CPU time")
        if budget.evaluations is not None:
            parts.append(f"{max(0, budget.evaluations - self.progress.evaluations)} evaluations")
        if budget.generations is not None:
            parts.append(f"{max(0, budget.generations - self.progress.generation)} generations")
        return " or ".join(parts)

    @property
    def used(self) -> str:
        """Share used of the bound that is nearest its end, in percent."""
        return f"{min(1.0, self.budget.used(replace(self.progress, elapsed=self.elapsed))):.0%}"

    @property
    def pruned(self) -> int:
        """Evaluations stopped early."""
        return self.ended[Status.PRUNED]

    @property
    def failed(self) -> str:
        """Failures by kind, in words."""
        failures = [(kind, count) for kind, count in self.ended.most_common() if kind.failed]
        return ", ".join(f"{count} {kind.lower()}" for kind, count in failures) or "none"

    def _read(self, journal: Journal) -> None:
        told = journal.individuals()
        told = told[told["duplicate_of"].isna() & ~told["status"].isin(["PENDING", Status.VETOED])]
        self.ended.update(map(Status, told["status"]))
        scored = [(scores[0], text) for scores, text in zip(told["scores"], told["text"], strict=True) if scores]
        if scored:
            self.best_score, text = max(scored)
            self.best_text = _readable(text)
        self._evaluations_before = len(told)
        cpu = journal.get("cpu_seconds") or 0.0
        self.progress = Progress(journal.elapsed, evaluations=len(told), best_score=self.best_score, cpu=cpu)


@contextmanager
def shown(watch: Watch) -> Iterator[None]:
    """Show ``watch`` while the context lasts: live if stderr is a terminal, else as log lines."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        lines = LogLines()
        watch.shown_on(lines)
        with _every(1.0, lambda: lines(watch, False)):
            yield
        return
    from rich.live import Live

    with Live(_Renderable(watch), console=console, refresh_per_second=4, transient=True):
        yield


@contextmanager
def _every(seconds: float, call: Callable[[], None]) -> Iterator[None]:
    """Call a function every few seconds from another thread, also while no outcome comes."""
    done = threading.Event()

    def beat() -> None:
        while not done.wait(seconds):
            call()

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


class LogLines:
    """Writes a line on each improvement, and every few seconds without one."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._next = now() + LINE_EVERY

    def __call__(self, watch: Watch, improved: bool) -> None:
        if not improved and self._now() < self._next:
            return
        self._next = self._now() + LINE_EVERY
        progress = watch.progress
        line = f"{clock(watch.elapsed)} ({watch.used})  generation {progress.generation}, {progress.evaluations} evaluations"
        line += f" ({watch.rate:.1f}/s), pruned: {watch.pruned}, failed: {watch.failed}"
        if math.isfinite(watch.best_score):
            line += f", best {watch.best_score:.5g}"
        say(line + (f": {shortened(watch.best_text, WIDTH)}" if improved else ""))


@contextmanager
def polite_interrupts(watch: Watch) -> Iterator[None]:
    """Say what the first Ctrl-C does; each still raises KeyboardInterrupt, the first of which `fit` answers itself."""

    owner = os.getpid()

    def handle(number: int, frame: Any) -> None:
        if not watch.stopping and os.getpid() == owner:  # a forked worker inherits this handler
            watch.stopping = True
            with contextlib.suppress(RuntimeError):  # stderr may be in the middle of a line just now
                say(STOPPING)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def clock(seconds: float) -> str:
    """Return seconds as m:ss or h:mm:ss."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def shortened(text: str, width: int) -> str:
    """Return a text in at most ``width`` characters, its middle left out: the model is at one end of a pipeline."""
    if len(text) <= width:
        return text
    head = (width - 3) // 2
    return f"{text[:head]}...{text[len(text) - (width - 3 - head) :]}"


class _Renderable:
    """Draws a watch anew each time the live display refreshes."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def __rich__(self) -> Table:
        from rich.table import Table
        from rich.text import Text

        watch, progress = self._watch, self._watch.progress
        table = Table.grid(padding=(0, 2))
        table.add_column(style="bold")
        table.add_column()
        best = f"{watch.best_score:.5g}" if math.isfinite(watch.best_score) else "none yet"
        rows = {
            "left": STOPPING if watch.stopping else watch.left,
            "elapsed": f"{clock(watch.elapsed)}  ({watch.used} of the budget)",
            "generation": str(progress.generation),
            "evaluations": f"{progress.evaluations}  ({watch.rate:.1f}/s)",
            "pruned": f"{watch.pruned}  (stopped early, as they could hardly win)",
            "failed": watch.failed,
            "best score": best,
            "pipeline": shortened(watch.best_text, 2 * WIDTH),
        }
        for name, value in rows.items():
            table.add_row(name, Text(value))
        return table


def _readable(text: str) -> str:
    from evoml.report import readable_pipeline

    return readable_pipeline(text)
