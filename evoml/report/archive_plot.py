"""The archive of MAP-Elites as a heat map: what kinds of candidates there are, and how good the best of each is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from evoml.report.pipelines import shortened
from evoml.report.record import Readable, Record
from evoml.report.style import INK, LINE, PAPER, in_our_style, new_figure, note_figure, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FEW = 150  # cells that have room for a number each
NAME_WIDTH = 34  # characters of a row's name
ROW, COLUMN = 0.3, 0.52  # inches


@in_our_style
def archive_plot(journal: Readable) -> Figure:
    """The best score in each cell of the archive by its first two descriptors; best of all where there are more."""
    record = Record.of(journal)
    cells = {niche: record.selection.get(index) for index, niche in record.archive.items()}
    if not cells:
        return note_figure("This run kept no archive; algorithm='map_elites' does.")
    names = [*record.descriptors, "", ""][:2]
    columns, rows = (_values([(*niche, "")[at] for niche in cells]) for at in (0, 1))
    if any(isinstance(value, str) for value in columns) and not any(isinstance(value, str) for value in rows):
        names, (columns, rows) = names[::-1], (rows, columns)
        cells = {(*niche, "")[1::-1]: score for niche, score in cells.items()}
    grid = np.full((len(rows), len(columns)), np.nan)
    for niche, score in cells.items():
        column, row = (*niche, "")[:2]
        at = rows.index(row), columns.index(column)
        grid[at] = np.fmax(grid[at], np.nan if score is None else score)
    return _drawn(grid, columns, rows, names, shortened(record.metric, 30))


def _values(found: Sequence[Any]) -> list[Any]:
    """Return distinct values in order, numbers before texts."""
    return sorted(set(found), key=lambda value: (isinstance(value, str), value))


def _drawn(grid: np.ndarray, columns: list[Any], rows: list[Any], names: Sequence[str], metric: str) -> Figure:
    labels = [shortened(_label(row), NAME_WIDTH) for row in rows]
    left = max(text_width(label, 8.5) for label in labels) / 72 + 0.55
    wide, high = max(COLUMN * len(columns), 2.4), max(ROW * len(rows), 0.9)
    figure = new_figure(left + wide + 1.3, high + 1.0)
    axes = figure.add_axes(
        (left / (left + wide + 1.3), 0.6 / (high + 1.0), wide / (left + wide + 1.3), high / (high + 1.0))
    )
    axes.grid(visible=False)
    low, best = _range(grid)
    mesh = axes.pcolormesh(np.ma.masked_invalid(grid), cmap="viridis", vmin=low, vmax=best, edgecolors=PAPER, lw=1.0)
    axes.set_facecolor(LINE)
    axes.set_xticks(np.arange(len(columns)) + 0.5, [_label(column) for column in columns])
    axes.set_yticks(np.arange(len(rows)) + 0.5, labels)
    axes.tick_params(length=0)
    axes.set(xlabel=f"{names[0]} (lower edges)" if not isinstance(columns[-1], str) else names[0], ylabel=names[1])
    if np.isfinite(grid).sum() <= FEW:
        _write_scores(axes, grid, low, best)
    bar = figure.colorbar(mesh, ax=axes, cax=figure.add_axes((1 - 0.95 / (left + wide + 1.3), 0.6 / (high + 1.0), 0.012,
                          high / (high + 1.0))), extend="min" if np.nanmin(grid) < low else "neither")  # fmt: skip
    bar.set_label(f"best {metric} of the cell")
    bar.outline.set_visible(False)  # type: ignore[operator]
    return figure


def _range(grid: np.ndarray) -> tuple[float, float]:
    """Return the scores that colours tell apart: from the best down to below the middle, and no disaster's."""
    scores = grid[np.isfinite(grid)]
    low, middle, best = float(scores.min()), float(np.median(scores)), float(scores.max())
    return max(low, best - 3 * (best - middle)) if middle < best else low, best


def _write_scores(axes: Axes, grid: np.ndarray, low: float, best: float) -> None:
    for (row, column), score in np.ndenumerate(grid):
        if np.isfinite(score):
            dark = score < low + 0.6 * (best - low)
            axes.text(column + 0.5, row + 0.5, f"{score:.3g}", ha="center", va="center", fontsize=7.5,
                      color=PAPER if dark else INK)  # fmt: skip


def _label(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:.3g}"
