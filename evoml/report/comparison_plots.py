"""Pictures of runs beside one another: best scores over time, fronts, parts used, and what the time went into."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from evoml.report.comparison import Runs, parts_used, progress_curve, records_of, time_spent
from evoml.report.formula_fronts import formula_fronts
from evoml.report.pipelines import shortened
from evoml.report.ranges import score_range
from evoml.report.record import Readable, Record
from evoml.report.style import (
    BLUE,
    GREEN,
    LINE,
    MUTED,
    ORANGE,
    PAPER,
    SERIES,
    in_our_style,
    new_figure,
    note_figure,
    text_width,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME_WIDTH = 34
MOST_PARTS = 18
NOTHING = "No run has a scored candidate, so there is nothing to compare."
MARKERS = "osD^vPX*"


@in_our_style
def compare_plot(runs: Mapping[str, Readable]) -> Figure:
    """The best score so far of each run over seconds and over evaluations, and their fronts."""
    records = records_of(runs)
    curves = {name: progress_curve(record) for name, record in records.items()}
    if not any(len(curve) for curve in curves.values()):
        return note_figure(NOTHING)
    figure = new_figure(9.4, 3.9)
    panels = figure.subplots(1, 3)
    figure.subplots_adjust(left=0.085, right=0.985, top=0.87, bottom=0.125, wspace=0.33)
    low, high = _range(list(curves.values()))
    for axes, column, words in ((panels[0], 0, "seconds"), (panels[1], 1, "evaluations")):
        for at, curve in enumerate(curves.values()):
            if len(curve):
                axes.step(curve[:, column], curve[:, 2], where="post", lw=1.8, color=color_of(at), ls=_dash(at))
                axes.plot(curve[-1, column], curve[-1, 2], marker=_marker(at), ms=5, color=color_of(at))
        axes.set(xlabel=words, ylim=(low, high), xlim=(0, None))
    metrics = {record.metric for record in records.values()}
    name = shortened(metrics.pop(), 26) if len(metrics) == 1 else "score"
    panels[0].set_ylabel(f"best so far ({name})")
    _draw_fronts(panels[2], records)
    _legend(figure, list(records))
    return figure


def color_of(at: int) -> str:
    """Return the colour of run number ``at``."""
    return SERIES[at % len(SERIES)]


def _dash(at: int) -> str:
    return "-" if at < len(SERIES) else "--"


def _marker(at: int) -> str:
    return MARKERS[at % len(MARKERS)]


def _range(curves: Sequence[np.ndarray]) -> tuple[float, float]:
    """Return the range from where the runs began to tell on to the best of all."""
    scores = np.concatenate([curve[:, 2] for curve in curves if len(curve)])
    low, high = score_range(np.sort(scores))
    ends = [curve[-1, 2] for curve in curves if len(curve)]
    return min(low, min(ends) - 0.1 * (high - min(ends))), high


def _draw_fronts(axes: Axes, records: Runs) -> None:
    known = []
    for at, record in enumerate(records.values()):
        points = _front(record)
        if len(points):
            known.append(points)
            axes.step(points[:, 0], points[:, 1], where="post", color=color_of(at), ls=_dash(at), lw=1.4, alpha=0.85)
            axes.scatter(
                points[:, 0], points[:, 1], s=22, color=color_of(at), marker=_marker(at), ec=PAPER, lw=0.5, zorder=3
            )
    axes.set(xlabel="complexity of the front", ylabel="score")
    if known:
        scores = np.concatenate([points[:, 1] for points in known])
        low, high = float(scores.min()), float(scores.max())
        low = max(low, float(np.quantile(scores, 0.25)) - 2.0 * (high - float(np.quantile(scores, 0.25))))
        margin = 0.06 * (high - low) or 0.05 * max(abs(high), 1.0)
        axes.set_ylim(low - margin, high + margin)
    else:
        axes.text(0.5, 0.5, "no second objective", transform=axes.transAxes, ha="center", color=MUTED)


def _front(record: Record) -> np.ndarray:
    """Return complexities and scores of a front, (n, 2), in ascending order of both."""
    if record.settings.get("kind") == "formulas":
        fronts = formula_fronts(record)
        points = (
            list(zip(fronts[0].complexities, 1.0 - np.array(fronts[0].errors), strict=True)) if len(fronts) == 1 else []
        )
    elif record.cost_index is None:
        points = []
    else:
        points = list(record.scored.loc[record.front, ["cost", "selection"]].itertuples(index=False, name=None))
    return np.array(sorted(points), float).reshape(-1, 2)


def _legend(figure: Figure, names: Sequence[str]) -> None:
    from matplotlib.lines import Line2D

    lines = [
        Line2D([], [], color=color_of(at), ls=_dash(at), marker=_marker(at), ms=5, lw=1.8) for at in range(len(names))
    ]
    columns = max(
        1, min(len(names), int(9.0 * 72 // (max(text_width(shortened(n, NAME_WIDTH), 8.5) for n in names) + 48)))
    )
    figure.legend(lines, [shortened(name, NAME_WIDTH) for name in names], loc="upper left", ncols=columns,
                  bbox_to_anchor=(0.055, 1.0), handlelength=2.2)  # fmt: skip


@in_our_style
def parts_plot(runs: Mapping[str, Readable]) -> Figure:
    """How many members of each run's last population use each part, for the parts that are used most."""
    records = records_of(runs)
    table = parts_used(records).head(MOST_PARTS).iloc[::-1]
    if table.empty:
        return note_figure(NOTHING)
    height = 0.95 + 0.24 * max(len(table), 3)
    figure = new_figure(9.4, height)
    left = min(max(text_width(part, 8.5) for part in table["part"]) / 72 / 9.4 + 0.03, 0.4)
    axes = figure.add_axes((left, 0.46 / height, 0.975 - left, 1 - 0.86 / height))
    places = np.arange(len(table))
    values = table[list(records)].to_numpy(float)
    axes.hlines(places, values.min(axis=1), values.max(axis=1), color=LINE, lw=2.5, zorder=1)
    for at, name in enumerate(records):
        axes.scatter(table[name], places, s=34, color=color_of(at), marker=_marker(at), ec=PAPER, lw=0.5, zorder=3 + at)
    axes.set_yticks(places, table["part"])
    axes.set(xlim=(-0.02, 1.02), xlabel="share of the last population (of a front of formulas) that uses it")
    axes.set_ylim(-0.7, len(table) - 0.3)
    axes.tick_params(axis="y", length=0)
    _legend(figure, list(records))
    return figure


@in_our_style
def time_plot(runs: Mapping[str, Readable]) -> Figure:
    """What the evaluations of each run spent their seconds on."""
    records = records_of(runs)
    table = time_spent(records).iloc[::-1]
    if table.empty:
        return note_figure("These runs did not record what their evaluations spent time on.")
    height = 0.95 + 0.34 * max(len(table), 2)
    figure = new_figure(9.4, height)
    names = [shortened(name, NAME_WIDTH) for name in table["run"]]
    left = max(text_width(name, 8.5) for name in names) / 72 / 9.4 + 0.03
    axes = figure.add_axes((left, 0.46 / height, 0.975 - left, 1 - 0.86 / height))
    places, start = np.arange(len(table)), np.zeros(len(table))
    for kind, color in zip(table.columns[1:], (BLUE, ORANGE, GREEN, LINE), strict=True):
        axes.barh(places, table[kind], left=start, height=0.6, color=color, label=kind)
        start += table[kind].to_numpy(float)
    axes.set_yticks(places, names)
    axes.set(xlabel="seconds of all workers")
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    figure.legend(loc="upper left", ncols=4, bbox_to_anchor=(left - 0.02, 1.0), handlelength=1.0)
    return figure
