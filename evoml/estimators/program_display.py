"""The best program while the search goes on, for ``verbose``: live on a terminal, as log records anywhere else."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Group

    from evoml.run.programs import Sight

LOG_EVERY = 5.0  # seconds between two log records without a better program


@contextmanager
def shown() -> Iterator[Callable[[Sight], object]]:
    """Show what the yielded callback is told while the context lasts."""
    if not sys.stderr.isatty():
        yield LoggedChampion()
        return
    from rich.console import Console
    from rich.live import Live

    drawn = DrawnChampion()
    with Live(drawn, console=Console(stderr=True), refresh_per_second=4, transient=True):
        yield drawn


class LoggedChampion:
    """Logs each better program, and now and then how far the run is."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._next = now() + LOG_EVERY
        self._logger = logging.getLogger("evoml")
        if not self._logger.hasHandlers():
            self._logger.addHandler(logging.StreamHandler())
        self._logger.setLevel(logging.INFO)

    def __call__(self, sight: Sight) -> None:
        if not sight.improved and self._now() < self._next:
            return
        self._next = self._now() + LOG_EVERY
        text = f"\n{sight.champion.text}" if sight.improved and sight.champion is not None else ""
        self._logger.info("%s%s", _title(sight), text)


class DrawnChampion:
    """Draws the best program anew each time the live display refreshes."""

    def __init__(self) -> None:
        self._sight: Sight | None = None

    def __call__(self, sight: Sight) -> None:
        self._sight = sight

    def __rich__(self) -> Group:
        from rich.console import Group
        from rich.text import Text

        sight = self._sight
        if sight is None:
            return Group(Text("compiling or loading the kernels"))
        text = "" if sight.champion is None else sight.champion.text
        return Group(Text(_title(sight), style="bold"), Text(text))


def _title(sight: Sight) -> str:
    progress, champion = sight.progress, sight.champion
    found = (
        "" if champion is None else f", {champion.search:.6g} on the tasks of the search, {champion.size} instructions"
    )
    return (
        f"{progress.elapsed:.1f} s, generation {progress.generation}, {progress.evaluations} programs,"
        f" fitness {progress.best_score:.6g}{found}"
    )
