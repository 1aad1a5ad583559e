"""Pictures of what a model goes by, and of where it errs, drawn from the explanation in a run's journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from evoml.report.performance_plots import NOT_EXPLAINED, class_names, positive_class
from evoml.report.pipelines import shortened
from evoml.report.record import Readable, Record
from evoml.report.style import (
    BLUE,
    INK,
    LINE,
    MUTED,
    SERIES,
    SKY,
    VERMILION,
    in_our_style,
    new_figure,
    note_figure,
    text_width,
    with_origin,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BARS = 15
NAME_WIDTH, LEVEL_WIDTH, SLICE_WIDTH = 30, 16, 62  # characters of a column, of a category, of a slice
PANELS_A_ROW = 3


def _figure_of_lines(names: list[str], inches: float, right: float) -> tuple[Figure, Axes]:
    """Return a figure with a line of so many inches for each name, from top to bottom, up to ``right`` of its width."""
    height = inches * len(names) + 0.95
    figure = new_figure(9.4, height)
    left = (max(text_width(name, 8.5) for name in names) / 72 + 0.2) / 9.4
    axes = figure.add_axes((left, 0.68 / height, right - left, 1 - 0.95 / height))
    axes.set_yticks(np.arange(len(names)), names)
    axes.set(ylim=(len(names) - 0.5, -0.5))
    axes.tick_params(axis="y", length=0)
    return figure, axes


@in_our_style
def importance_plot(journal: Readable) -> Figure:
    """How much the score falls when a column is shuffled: the mean as a bar, each fold as a dot."""
    record = Record.of(journal)
    facts = record.explanation.get("importance")
    if not facts:
        return note_figure(NOT_EXPLAINED if not record.explanation else "No column was shuffled: there was no time.")
    names = [shortened(name, NAME_WIDTH) for name in facts["columns"][:BARS]]
    means, spread = (np.array(facts[name][:BARS], dtype=float) for name in ("means", "spread"))
    figure, axes = _figure_of_lines(names, inches=0.27, right=0.97)
    places = np.arange(len(names))
    telling = means > np.nan_to_num(spread)
    axes.barh(places, means, height=0.62, color=np.where(telling, "#8fc1e3", "#e3e7ec"))
    axes.errorbar(means, places, xerr=spread, fmt="none", ecolor=MUTED, elinewidth=1.0, capsize=2.5,
                  label="± standard deviation over folds and repeats")  # fmt: skip
    folds = np.array(facts["folds"][:BARS], dtype=float)
    axes.scatter(
        folds.ravel(), np.repeat(places, folds.shape[1]), s=13, color=BLUE, lw=0, alpha=0.8, zorder=3, label="one fold"
    )
    axes.axvline(0, color=INK, lw=0.8)
    axes.set(xlabel=f"fall of {shortened(record.metric, 30)} when the column is shuffled")
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    axes.legend(loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=2, borderaxespad=0.1, handlelength=1.2)
    return with_origin(figure)


# -- partial dependence -----------------------------------------------------------------------------------------------


@in_our_style
def dependence_plot(journal: Readable) -> Figure:
    """What the model expects on average when one column is set to a value in all rows, for the most important columns."""
    record = Record.of(journal)
    panels = record.explanation.get("dependence")
    if not panels:
        return note_figure("No influence of a column could be shown." if record.explanation else NOT_EXPLAINED)
    n_rows = -(-len(panels) // PANELS_A_ROW)
    height = 2.75 * n_rows + 0.55
    figure = new_figure(9.4, height)
    grid: list[Axes] = list(figure.subplots(n_rows, PANELS_A_ROW, squeeze=False).ravel())
    answers = np.concatenate([np.array(panel["answers"], dtype=float).ravel() for panel in panels])
    margin = 0.06 * float(np.ptp(answers)) or 0.05
    limits = float(answers.min()) - margin, float(answers.max()) + margin
    for axes, panel in zip(grid, panels, strict=False):
        _draw_panel(axes, panel, limits)
        axes.set_title(shortened(panel["column"], NAME_WIDTH), fontsize=9, loc="left", weight="bold")
    for axes in grid[len(panels) :]:
        axes.set_axis_off()
    figure.subplots_adjust(left=0.08, right=0.985, top=1 - 0.5 / height, bottom=0.62 / height, wspace=0.33, hspace=0.42)
    _make_room_for_levels(figure, grid, panels)
    _name_answers(figure, panels[0]["classes"], record)
    return with_origin(figure)


def _name_answers(figure: Figure, classes: Sequence[int], record: Record) -> None:
    from matplotlib.lines import Line2D

    names = class_names(record)
    if len(names) > 2:
        lines = [Line2D([], [], color=SERIES[at], lw=1.8) for at in range(len(classes))]
        words = [names[code] for code in classes]
        title = "mean probability of "
    else:
        lines = [Line2D([], [], color=BLUE, lw=2.0), Line2D([], [], color=SKY, lw=0.8)]
        words = ["mean of the folds", "one fold"]
        title = f"mean probability of “{positive_class(record)}”:" if names else "mean prediction:"
    height = figure.get_figheight()
    figure.text(0.02, 1 - 0.15 / height, title, fontsize=8.5, va="center")
    at = 0.02 + (text_width(title, 8.5) + 8) / 72 / 9.4
    figure.legend(lines, words, loc="center left", bbox_to_anchor=(at, 1 - 0.15 / height), ncols=len(words),
                  handlelength=1.4, borderpad=0, borderaxespad=0)  # fmt: skip


def _draw_panel(axes: Axes, panel: Mapping[str, Any], limits: tuple[float, float]) -> None:
    """Draw a line over numbers, or dots beside categories; answers are (fold, value, class)."""
    answers = np.array(panel["answers"], dtype=float)
    many = answers.shape[2] > 1
    if panel["kind"] == "number":
        grid = np.array(panel["grid"], dtype=float)
        for at in range(answers.shape[2]):
            if many:
                colour = SERIES[at % len(SERIES)]
                axes.fill_between(
                    grid, answers[:, :, at].min(axis=0), answers[:, :, at].max(axis=0), color=colour, alpha=0.15, lw=0
                )
            else:
                colour = BLUE
                axes.plot(grid, answers[:, :, at].T, color=SKY, lw=0.8, alpha=0.9)
            axes.plot(grid, answers[:, :, at].mean(axis=0), color=colour, lw=1.8)
        deciles = [value for value in panel["rows"] if grid[0] <= value <= grid[-1]]
        axes.plot(
            deciles,
            np.zeros(len(deciles)),
            "|",
            color=INK,
            ms=9,
            mew=1.0,
            transform=axes.get_xaxis_transform(),
            clip_on=False,
        )
        axes.set(ylim=limits)
        axes.locator_params(axis="x", nbins=5)
        return
    places = np.arange(len(panel["grid"]))
    for at in range(answers.shape[2]):
        if not many:
            axes.scatter(answers[:, :, at].ravel(), np.tile(places, len(answers)), s=14, color=SKY, lw=0, alpha=0.9)
        axes.scatter(
            answers[:, :, at].mean(axis=0), places, s=44, color=SERIES[at % len(SERIES)], lw=0, zorder=3, alpha=0.9
        )
    axes.set_yticks(places, _levels(panel))
    axes.set(ylim=(len(places) - 0.5, -0.5), xlim=limits)
    axes.tick_params(axis="y", length=0)
    axes.locator_params(axis="x", nbins=4)


def _levels(panel: Mapping[str, Any]) -> list[str]:
    values = panel["grid"]
    words = [f"{value:g}" if isinstance(value, float) else shortened(str(value), LEVEL_WIDTH) for value in values]
    return [f"{word} ({share:.0%})" for word, share in zip(words, panel["rows"], strict=True)]


def _make_room_for_levels(figure: Figure, grid: Sequence[Axes], panels: Sequence[Mapping[str, Any]]) -> None:
    """Narrow the panels of categories so that their names stay within their own share of the width."""
    for at, (axes, panel) in enumerate(zip(grid, panels, strict=False)):
        if panel["kind"] == "number":
            continue
        place = axes.get_position()
        wanted = max(text_width(word, 8.5) for word in _levels(panel)) / 72 / 9.4 + 0.012
        shift = max(0.0, wanted - (0.07 if at % PANELS_A_ROW == 0 else 0.045))
        axes.set_position((place.x0 + shift, place.y0, place.width - shift, place.height))


# -- slices -----------------------------------------------------------------------------------------------------------


@in_our_style
def slices_plot(journal: Readable) -> Figure:
    """The parts of the table with the greatest errors: mean error and its interval beside that of all rows."""
    record = Record.of(journal)
    facts = record.explanation.get("slices")
    if not facts:
        return note_figure(NOT_EXPLAINED if not record.explanation else "The errors were not looked at by slice.")
    worst = facts["worst"]
    if not worst:
        return note_figure(f"None of {facts['tested']} slices errs more than chance explains.")
    words = [shortened(one["where"], SLICE_WIDTH) for one in worst]
    figure, axes = _figure_of_lines(words, inches=0.29, right=0.87)
    places = np.arange(len(worst))
    low, error, high = (np.array([one[name] for one in worst]) for name in ("low", "error", "high"))
    axes.hlines(places, low, high, color=MUTED, lw=1.4)
    axes.scatter(error, places, s=34, color=VERMILION, lw=0, zorder=3, label="this slice, 95 % interval")
    axes.axvline(facts["overall"], color=BLUE, lw=1.6, label=f"all rows: {_error_text(facts, facts['overall'])}")
    for place, one in zip(places, worst, strict=True):
        text = f"{_error_text(facts, one['error'])} · {one['rows']:,} rows"
        axes.annotate(text, (1, place), (8, 0), va="center", fontsize=8.5, xycoords=axes.get_yaxis_transform(),
                      textcoords="offset points", annotation_clip=False)  # fmt: skip
    axes.set(xlim=(min(0.0, float(low.min())), None), xlabel=facts["unit"])
    axes.spines["left"].set_color(LINE)
    axes.legend(loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=2, borderaxespad=0.1, handlelength=1.2)
    return with_origin(figure)


def _error_text(facts: Mapping[str, Any], value: float) -> str:
    return f"{value:.1%}" if facts["unit"].startswith("share") else f"{value:.3g}"
