"""Pictures of experiments: ranks with their critical difference, scores of all runs, and anytime curves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from evoml.experiment.curves import EVALUATIONS, Band
from evoml.experiment.statistics import Interval, Ranking
from evoml.report.style import INK, MUTED, SERIES, in_our_style, new_figure, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 6.6  # inches of the diagram of ranks
COLUMNS = 3  # panels beside each other
PANEL_WIDTH, PANEL_HEIGHT = 2.9, 2.2  # inches
ROW = 0.24  # inches a variant
MARKERS = "osD^vPX*"
DASHES = ("-", "--", "-.", ":")


@in_our_style
def ranks_plot(ranking: Ranking, title: str, variants: Sequence[str] = ()) -> Figure:
    """Draw average ranks; a bar joins variants that are not significantly different (Demšar 2006).

    Colours are those of the other pictures, in the order of ``variants``; without them, in that of the ranks.
    """
    import scikit_posthocs

    names = list(ranking.ranks)
    figure = new_figure(WIDTH, 1.45 + 2 * ROW * math.ceil(len(names) / 2))
    height = figure.get_figheight()
    axes = figure.add_axes((0, 0.02, 1, 1 - 0.5 / height))
    drawn = scikit_posthocs.critical_difference_diagram(
        ranking.ranks,
        ranking.pairs if ranking.attainable else ranking.pairs * 0 + 1,
        alpha=ranking.alpha,
        ax=axes,
        label_fmt_left="{label}  {rank:.2f}",
        label_fmt_right="{rank:.2f}  {label}",
        label_props={"fontsize": 9, "va": "center"},
        marker_props={"s": 18, "zorder": 5},
        elbow_props={"linewidth": 0.9},
        crossbar_props={"linewidth": 3, "color": INK, "solid_capstyle": "butt"},
        text_h_margin=0.015 * (len(names) - 1),
        color_palette={name: SERIES[at % len(SERIES)] for at, name in enumerate(variants or names)},
    )
    for line in (line for bar in drawn["crossbars"] for line in bar):
        line.set_xdata(sorted(line.get_xdata()))  # they come in an order that differs from run to run
    _scale(axes, ranking, max(text_width(f"{name}  0.00", 9) for name in names) / 72 + 0.3)
    figure.text(0.015, 1 - 0.08 / height, title, va="top", weight="bold", fontsize=10)
    joined = f"joined: not significantly different at {ranking.alpha:g} (Nemenyi)"
    note = f"average rank in {ranking.blocks} blocks, 1 is best; {joined}"
    figure.text(0.015, 1 - 0.28 / height, note, va="top", color=MUTED, fontsize=8.5)
    return figure


def _scale(axes: Axes, ranking: Ranking, label: float) -> None:
    """Set the axis from the best rank to the worst one, with room for labels of so many inches, and draw the difference."""
    last = len(ranking.ranks)
    margin = label * (last - 1) / (WIDTH - 2 * label)
    lowest = axes.get_ylim()[0]
    axes.set(xlim=(1 - margin, last + margin), ylim=(lowest - 0.4, 2.6), xticks=range(1, last + 1))
    axes.spines["top"].set_visible(True)
    axes.spines["top"].set_bounds(1, last)
    axes.grid(visible=False)
    axes.tick_params(axis="x", pad=1)
    told = f"CD = {ranking.critical_difference:.2f}"
    if not ranking.attainable:
        axes.text(1, 2, f"{told}: too few blocks to show any difference", va="center", color=MUTED, fontsize=8.5)
        return
    end = 1 + ranking.critical_difference
    axes.plot([1, end], [2, 2], color=MUTED, linewidth=1.4, marker="|", markersize=6)
    axes.annotate(told, (end, 2), xytext=(6, 0), textcoords="offset points", va="center", color=MUTED, fontsize=8.5)


@in_our_style
def scores_plot(
    scores: Mapping[str, Mapping[str, Sequence[float]]],
    medians: Mapping[str, Mapping[str, Interval]],
    measure: str,
) -> Figure:
    """Draw the measure of each run, by problem and variant, with the median and its interval."""
    variants = list(dict.fromkeys(name for of in scores.values() for name in of))
    figure, panels = _panels(len(scores), 0.75 + ROW * len(variants))
    for axes, (problem, of) in zip(panels, scores.items(), strict=False):
        for at, variant in enumerate(variants):
            values = np.asarray(of.get(variant, ()), dtype=float)
            if not len(values):
                continue
            colour = SERIES[at % len(SERIES)]
            offsets = 0.18 * np.sin(2.4 * np.arange(len(values)))  # apart, and the same each time
            axes.scatter(values, at + offsets, s=9, color=colour, alpha=0.45, linewidths=0)
            middle = medians[problem][variant]
            axes.hlines(at, middle.low, middle.high, color=INK, linewidth=1.6, zorder=4)
            axes.plot(middle.value, at, "D", color=colour, markeredgecolor=INK, markersize=5, zorder=5)
        axes.set(yticks=range(len(variants)), ylim=(len(variants) - 0.5, -0.5))
        axes.set_title(problem, fontsize=9, loc="left")
        axes.tick_params(axis="y", length=0)
        axes.set_yticklabels(variants if axes.get_subplotspec().is_first_col() else [])  # type: ignore[union-attr]
        axes.locator_params(axis="x", nbins=4)
        axes.set_xlabel(measure)
    return figure


@in_our_style
def anytime_plot(bands: Mapping[str, Mapping[str, Band]], axis: str, score: str) -> Figure:
    """Draw the best score after so much work, by problem: median and quartiles of the runs of each variant."""
    variants = list(dict.fromkeys(name for of in bands.values() for name in of))
    figure, panels = _panels(len(bands), PANEL_HEIGHT, legend=True)
    for axes, (problem, of) in zip(panels, bands.items(), strict=False):
        for variant, band in of.items():
            at = variants.index(variant)
            colour, dash = SERIES[at % len(SERIES)], DASHES[at // len(SERIES) % len(DASHES)]
            axes.fill_between(band.at, band.low, band.high, step="post", color=colour, alpha=0.15, linewidth=0)
            axes.step(band.at, band.middle, dash, where="post", color=colour, linewidth=1.4, label=variant)
        axes.set_title(problem, fontsize=9, loc="left")
        axes.locator_params(nbins=4)
        axes.set_xlabel("evaluations" if axis == EVALUATIONS else "seconds")
        if axes.get_subplotspec().is_first_col():  # type: ignore[union-attr]
            axes.set_ylabel(score)
    handles = {text: line for axes in panels for line, text in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(
        handles.values(), handles.keys(), loc="outside upper left", ncols=min(4, len(handles)), handlelength=1.8
    )
    return figure


def _panels(count: int, height: float, legend: bool = False) -> tuple[Figure, list[Axes]]:
    """Return a figure with a panel for each of so many problems."""
    columns = min(count, COLUMNS)
    rows = math.ceil(count / columns)
    figure = new_figure(max(5.0, PANEL_WIDTH * columns + 0.6), height * rows + (0.35 if legend else 0.1))
    figure.set_layout_engine("constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    panels = list(grid.flat)
    for axes in panels[count:]:
        axes.set_visible(False)
    return figure, panels[:count]
