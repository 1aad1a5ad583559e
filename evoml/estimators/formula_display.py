"""The hall of fame while it grows, for ``verbose``: live on a terminal, as log records anywhere else."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from rich.table import Table

    from evoml.run.formulas import Sight

MOST_SHOWN = 15  # formulas of a hall
LOG_EVERY = 5.0  # seconds between two log records without an improvement


@contextmanager
def shown(names: Sequence[str] | None, labels: Sequence[str]) -> Iterator[Callable[[Sight], object]]:
    """Show what the yielded callback is told while the context lasts."""
    if not sys.stderr.isatty():
        yield LoggedHall(names)
        return
    from rich.console import Console
    from rich.live import Live

    hall = DrawnHall(names)
    with Live(hall, console=Console(stderr=True), refresh_per_second=4, transient=True):
        yield hall


class LoggedHall:
    """Logs each improvement of the best formula, and now and then how far the run is."""

    def __init__(self, names: Sequence[str] | None, now: Callable[[], float] = time.monotonic) -> None:
        self._names, self._now = names, now
        self._next, self._best = now() + LOG_EVERY, -np.inf
        self._logger = logging.getLogger("evoml")
        if not self._logger.hasHandlers():
            self._logger.addHandler(logging.StreamHandler())
        self._logger.setLevel(logging.INFO)

    def __call__(self, sight: Sight) -> None:
        progress = sight.progress
        better = progress.best_score > self._best
        if not better and self._now() < self._next:
            return
        self._best, self._next = progress.best_score, self._now() + LOG_EVERY
        texts = [row[-1] for rows in rows_of(sight, self._names) for row in rows[-1:]] if better else []
        self._logger.info(
            "%7.1f s  generation %5d  %9d formulas  score %.8g  %s",
            progress.elapsed,
            progress.generation,
            progress.evaluations,
            progress.best_score,
            "; ".join(texts),
        )


class DrawnHall:
    """Draws the hall of fame anew each time the live display refreshes."""

    def __init__(self, names: Sequence[str] | None) -> None:
        self._names = names
        self._sight: Sight | None = None
        self._rows: list[list[tuple[str, str, str]]] = []
        self._changed = True

    def __call__(self, sight: Sight) -> None:
        self._sight, self._changed = sight, self._changed or sight.improved

    def __rich__(self) -> Table:
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False)
        for title in ("complexity", "1 - score", "formula"):
            table.add_column(title, justify="left" if title == "formula" else "right", overflow="fold")
        sight = self._sight
        if sight is None:
            table.title = "compiling or loading the kernels"
            return table
        if self._changed:
            self._rows, self._changed = rows_of(sight, self._names), False
        progress = sight.progress
        table.title = (
            f"{progress.elapsed:.0f} s, generation {progress.generation}, {progress.evaluations} formulas,"
            f" score {progress.best_score:.6g}"
        )
        for lineage, rows in zip(sight.lineages, self._rows, strict=True):
            if lineage.label:
                table.add_row("", "", Text(lineage.label, style="bold"))
            for row in rows[-MOST_SHOWN:]:
                table.add_row(*map(Text, row))
        return table


def rows_of(sight: Sight, names: Sequence[str] | None) -> list[list[tuple[str, str, str]]]:
    """Return (complexity, error, formula) as texts for each formula in each hall; what scales it is left out."""
    from evoml.genomes.expression.text import show

    found = []
    for lineage in sight.lineages:
        hall, rows = lineage.hall, []
        for at in range(len(hall)):
            assert hall.genomes is not None
            formula = show(hall.genomes[at], names)
            rows.append((f"{hall.complexities[at]:g}", f"{hall.errors[at]:.3g}", formula))
        found.append(rows)
    return found
