"""Pictures of populations over time: diversity of structure and behaviour, and size against score."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evoml.report.population import diversity, growth
from evoml.report.record import Readable, Record
from evoml.report.style import BLUE, GREEN, MUTED, ORANGE, SKY, VERMILION, in_our_style, new_figure, note_figure

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TOO_SHORT = "There are too few generations to show how the population changed."


@in_our_style
def diversity_plot(journal: Readable) -> Figure:
    """How different the members of the population are, after each generation: in form, in behaviour, in parts."""
    table = diversity(journal)
    if len(table) < 2:
        return note_figure(TOO_SHORT)
    figure, (left, right) = _panels()
    members = table["members"].to_numpy(float)
    for name, words, color, dash in (
        ("distinct", "distinct forms", BLUE, "-"),
        ("behaviours", "behaviours", ORANGE, (0, (5, 2))),
    ):
        left.plot(table["generation"], table[name].to_numpy(float) / members, color=color, lw=1.8, ls=dash, label=words)
    if table["distance"].notna().any():
        left.plot(table["generation"], table["distance"], color=GREEN, lw=1.8, label="mean distance")
    left.set(ylim=(-0.02, 1.05), xlabel="generation", ylabel="share of the members; distance")
    right.plot(table["generation"], table["entropy"], color=VERMILION, lw=1.8, label="entropy of parts, bits")
    right.set_ylim(0, 1.08 * float(np.nanmax(table["entropy"], initial=0.0)) or 1.0)
    right.set(xlabel="generation")
    _finish(left, right)
    return figure


@in_our_style
def growth_plot(journal: Readable) -> Figure:
    """Size and score of the population after each generation: medians, quartiles, and the best so far."""
    record = Record.of(journal)
    table = growth(record)
    if len(table) < 2:
        return note_figure(TOO_SHORT)
    figure, (left, right) = _panels()
    size = "complexity" if "complexity" in record.objectives else "number of parts"
    _band(left, table, "size", f"{size}: median and quartiles", SKY, BLUE)
    left.set_ylim(bottom=0)
    _band(right, table, "score", "score: median and quartiles", SKY, BLUE)
    scores = table[["score", "score_low", "best_score"]].to_numpy(float)
    if np.isfinite(scores).any():
        low, high = np.nanmin(scores[:, 0]), np.nanmax(scores)
        usual = np.nanquantile(scores[:, 1], 0.1) if np.isfinite(scores[:, 1]).any() else low
        low = max(min(low, usual), low - 0.5 * (high - low))  # a bad quarter of the first ones is not what matters
        margin = 0.06 * (high - low) or 0.05 * max(abs(high), 1.0)
        right.set_ylim(low - margin, high + margin)
    for axes in (left, right):
        axes.set_xlabel("generation")
    _finish(left, right)
    return figure


def _panels() -> tuple[Figure, tuple[Axes, Axes]]:
    figure = new_figure(9.4, 3.1)
    left, right = figure.subplots(1, 2)
    figure.subplots_adjust(left=0.06, right=0.985, top=0.86, bottom=0.15, wspace=0.14)
    return figure, (left, right)


def _band(axes: Axes, table: pd.DataFrame, name: str, words: str, fill: str, color: str) -> None:
    times = table["generation"]
    axes.fill_between(
        times, table[f"{name}_low"].astype(float), table[f"{name}_high"].astype(float), color=fill, alpha=0.35, lw=0
    )
    axes.plot(times, table[name], color=color, lw=1.8, label=words)
    if table[f"best_{name}"].notna().any():
        axes.step(times, table[f"best_{name}"], where="post", color=VERMILION, lw=1.6, label="of the best so far")


def _finish(*panels: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    for axes in panels:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.margins(x=0.02)
        axes.tick_params(color=MUTED)
        axes.legend(loc="lower left", bbox_to_anchor=(-0.03, 1.0), ncols=3, handlelength=1.6, columnspacing=1.2)
