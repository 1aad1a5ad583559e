"""Plots about a run, as Matplotlib figures: the search over time, score against complexity, what variations paid."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from evoml.report.labels import Box, label_offsets
from evoml.report.layout import spread
from evoml.report.pipelines import model_name, shortened
from evoml.report.ranges import score_range
from evoml.report.record import Readable, Record, finite
from evoml.report.style import (
    BLUE,
    INK,
    LINE,
    MUTED,
    PAPER,
    SERIES,
    SKY,
    VERMILION,
    in_our_style,
    new_figure,
    note_figure,
    text_width,
)
from evoml.report.tables import operator_credit

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NOTHING_SCORED = "No candidate has been scored, so there is nothing to plot."
NAME_WIDTH = 26  # characters of an operator's name beside its line
MANY = 3000


@in_our_style
def score_over_time(journal: Readable) -> Figure:
    """Every scored candidate and the best so far, over seconds and over evaluations; a constant predictor for scale."""
    record = Record.of(journal)
    if record.scored.empty:
        return note_figure(NOTHING_SCORED)
    figure = new_figure(9.4, 3.5)
    left, right = figure.subplots(1, 2, sharey=True)
    figure.subplots_adjust(left=0.075, right=0.985, top=0.9, bottom=0.14, wspace=0.06)
    scores = record.scored["selection"].to_numpy(float)
    seconds = record.scored["told"].to_numpy(float)
    low, high = score_range(scores, record.baseline)
    for axes, times, end in ((left, seconds, record.seconds), (right, _evaluation_numbers(record), None)):
        _draw_search(axes, times, scores, end, low)
        if record.baseline is not None and low <= record.baseline <= high:
            axes.axhline(record.baseline, color=VERMILION, lw=1.2, ls=(0, (5, 3)), label="constant prediction")
    left.set(ylim=(low, high), xlabel="seconds", ylabel=f"selection score ({shortened(record.metric, 30)})")
    right.set(xlabel="evaluations")
    right.tick_params(axis="y", length=0)
    figure.legend(
        *left.get_legend_handles_labels(), loc="upper left", ncols=4, bbox_to_anchor=(0.06, 1.02), handlelength=1.6
    )
    return figure


def _many(scores: np.ndarray) -> bool:
    """Whether dots are so many that a picture of them is smaller than their description."""
    return len(scores) > MANY


def _evaluation_numbers(record: Record) -> np.ndarray:
    """Return, for each scored candidate, how many evaluations had been told when it was."""
    told = record.individuals[record.individuals["sequence"].notna() & record.individuals["duplicate_of"].isna()]
    return np.searchsorted(np.sort(told["sequence"].to_numpy(int)), record.scored["sequence"].to_numpy(int)) + 1


def _draw_search(axes: Axes, times: np.ndarray, scores: np.ndarray, end: float | None, low: float) -> None:
    best = np.maximum.accumulate(scores)
    last = max(float(times[-1]), end or 0.0)
    axes.scatter(times, scores, s=13, color=SKY, alpha=0.45, lw=0, label="one candidate", rasterized=_many(scores))
    axes.step([*times, last], [*best, best[-1]], where="post", color=BLUE, lw=2.0, label="best so far")
    below = scores < low
    if below.any():
        label = f"{below.sum()} below this range"
        edge = np.full(below.sum(), 0.018)
        axes.scatter(times[below], edge, s=16, marker="v", color=MUTED, alpha=0.6, lw=0, label=label, clip_on=False,
                     transform=axes.get_xaxis_transform())  # fmt: skip
    axes.set_xlim(0, last * 1.02 or 1.0)


# -- score against complexity -----------------------------------------------------------------------------------------


@in_our_style
def pareto_front(journal: Readable) -> Figure:
    """Score against complexity (or whatever objective stands against the score), with the best compromises named."""
    record = Record.of(journal)
    if record.scored.empty:
        return note_figure(NOTHING_SCORED)
    if record.cost_index is None:
        return note_figure("This run had one objective: there is no compromise to show.")
    figure = new_figure(9.4, 4.2)
    axes = figure.add_axes((0.075, 0.13, 0.91, 0.77))
    table, best = record.scored, record.scored.loc[record.front].sort_values(["cost", "selection"])
    costs, scores = table["cost"].to_numpy(float), table["selection"].to_numpy(float)
    axes.set_ylim(*_range_of_front(scores, best["selection"].to_numpy(float), record.baseline))
    axes.set_xlim(*_padded(costs))
    below = int((scores < axes.get_ylim()[0]).sum())
    label = "scored candidate" + (f" ({below} below this range)" if below else "")
    axes.scatter(costs, scores, s=15, color=MUTED, alpha=0.35, lw=0, label=label, rasterized=_many(scores))
    axes.step(best["cost"], best["selection"], where="post", color=BLUE, lw=1.4, alpha=0.8)
    axes.scatter(best["cost"], best["selection"], s=52, color=BLUE, ec=PAPER, lw=1.2, zorder=3, label="best compromise")
    winner = best[best.index == record.best]
    axes.scatter(winner["cost"], winner["selection"], s=150, fc="none", ec=VERMILION, lw=1.6, zorder=3, label="chosen")
    cost = record.objectives[record.cost_index]
    axes.set(xlabel=f"{cost} (less is simpler)" if cost == "complexity" else cost)
    axes.set_ylabel(f"selection score ({shortened(record.metric, 30)})")
    axes.legend(loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=3, handletextpad=0.3)
    _name_points(figure, axes, best, table)
    return figure


def _range_of_front(scores: np.ndarray, front: np.ndarray, baseline: float | None) -> tuple[float, float]:
    """Return the range that holds the front (as far as it beats a constant) and the better half of the others."""
    high = float(scores.max())
    worst = float(front.min()) if baseline is None or baseline >= high else max(float(front.min()), baseline)
    usual = max(float(np.median(scores)), high - 3 * (high - worst)) if worst < high else float(np.median(scores))
    low = min(worst, usual)
    low = max(float(scores.min()), low - 0.6 * (high - low))
    margin = 0.07 * (high - low) or 0.05 * max(abs(high), 1.0)
    return low - margin, high + 2 * margin  # the best are named: room for words above them


def _padded(values: np.ndarray) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    pad = 0.06 * (high - low) or 1.0
    return low - pad, high + pad


def _name_points(figure: Figure, axes: Axes, points: pd.DataFrame, others: pd.DataFrame) -> None:
    """Write each model's name beside its point where there is room, and as little as can be is hidden."""
    points = points.sort_values("selection", ascending=False, kind="stable")
    to_points = 72.0 / figure.dpi
    spots, dots = (
        axes.transData.transform(table[["cost", "selection"]].to_numpy(float)) * to_points for table in (points, others)
    )
    names = [model_name(text) for text in points["text"]]
    frame = Box(*(float(edge) * to_points for edge in axes.bbox.extents))
    shunned = np.concatenate([dots, _along_steps(spots[::-1])])
    offsets = label_offsets(spots, [text_width(name, 8.5) for name in names], shunned, frame)
    for name, cost, score, offset in zip(names, points["cost"], points["selection"], offsets, strict=True):
        if offset is not None:
            _write(axes, name, (float(cost), float(score)), offset)


def _along_steps(spots: np.ndarray) -> np.ndarray:
    """Return places along the line of steps through these spots, from left to right; a label should not cover it."""
    shares = np.linspace(0, 1, 12)[:, None]
    corners = [(a, np.array([b[0], a[1]]), b) for a, b in pairwise(spots)]
    pieces = [begin + shares * (end - begin) for a, corner, b in corners for begin, end in ((a, corner), (corner, b))]
    return np.concatenate([spots, *pieces])


def _write(axes: Axes, text: str, point: tuple[float, float], offset: tuple[float, float]) -> None:
    far = abs(offset[1]) > 16
    axes.annotate(
        text,
        point,
        xytext=offset,
        textcoords="offset points",
        ha="left",
        va="center",
        fontsize=8.5,
        color=INK,
        bbox={"fc": PAPER, "ec": "none", "alpha": 0.8, "pad": 1.0},
        arrowprops={"arrowstyle": "-", "color": MUTED, "lw": 0.6, "shrinkB": 5} if far else None,
    )


# -- what the variations paid -----------------------------------------------------------------------------------------


@in_our_style
def operator_credit_plot(journal: Readable) -> Figure:
    """How often each variation was tried and beat its parent; where the run adapts its choice, how that went."""
    record = Record.of(journal)
    credit = operator_credit(record).iloc[::-1].reset_index(drop=True)
    if credit.empty:
        return note_figure("No candidate has been made by variation yet.")
    history = _probability_history(record)
    height = 1.25 + 0.36 * max(len(credit), 4 if history else 1)
    figure = new_figure(9.4, height)
    labels = max(text_width(name, 8.5) for name in credit["operator"]) / 72 / 9.4
    left, top, bottom = min(labels + 0.02, 0.3), 0.45 / height, 0.5 / height
    width = (0.48 if history else 0.9) - left
    _draw_tries(figure.add_axes((left, bottom, width, 1 - top - bottom)), credit)
    if history:
        names = max(text_width(shortened(name, NAME_WIDTH), 8.0) for name in history) / 72 / 9.4
        _draw_probabilities(figure, figure.add_axes((0.56, bottom, 0.415 - names, 1 - top - bottom)), history)
    return figure


def _draw_tries(axes: Axes, credit: pd.DataFrame) -> None:
    places = np.arange(len(credit))
    axes.barh(places, credit["tries"], height=0.62, color="#cfe3f1", label="tried")
    axes.barh(places, credit["wins"], height=0.62, color=BLUE, label="scored better than its parent")
    for place, row in zip(places, credit.itertuples(), strict=True):
        axes.annotate(f"{row.success_rate:.0%} of {row.tries}", (float(row.tries), place), (5, 0), va="center",  # type: ignore[arg-type]
                      textcoords="offset points", fontsize=8.5)  # fmt: skip
    axes.set_yticks(places, credit["operator"])
    axes.set(xlim=(0, 1.22 * max(float(credit["tries"].max()), 1.0)), xlabel="evaluated candidates")
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_color(LINE)
    axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=2, handlelength=1.0, borderaxespad=0.2)


def _probability_history(record: Record) -> dict[str, tuple[list[int], list[float]]]:
    """Return generations and probabilities of each operator; empty where fewer than two generations recorded them."""
    history: dict[str, tuple[list[int], list[float]]] = {}
    if "credit" not in record.progress:
        return history
    for generation, credit in zip(record.progress["generation"], record.progress["credit"], strict=True):
        for name, facts in (credit if isinstance(credit, dict) else {}).items():
            if (probability := finite(facts.get("probability"))) is not None:
                times, values = history.setdefault(name, ([], []))
                times.append(int(generation))
                values.append(probability)
    return history if any(len(times) > 1 for times, _ in history.values()) else {}


def _draw_probabilities(figure: Figure, axes: Axes, history: dict[str, tuple[list[int], list[float]]]) -> None:
    """Draw a line an operator, its name at its end, names moved apart where they would touch."""
    from matplotlib.ticker import MaxNLocator

    ends = sorted((values[-1], name) for name, (_, values) in history.items())
    top = 1.15 * max(max(values) for _, values in history.values()) or 1.0
    axes.set(ylim=(0, top), xlabel="generation")
    axes.set_title("probability of being chosen", fontsize=8.5, loc="left", pad=7)
    height = axes.get_position().height * figure.get_figheight() * 72
    spots = spread([value / top * height for value, _ in ends], [11.0] * (len(ends) - 1))
    for at, ((value, name), spot) in enumerate(zip(ends, spots, strict=True)):
        times, values = history[name]
        color = SERIES[at % len(SERIES)]
        axes.plot(times, values, color=color, lw=1.6, ls="-" if at < len(SERIES) else "--")
        shift = spot - value / top * height
        axes.annotate(shortened(name, NAME_WIDTH), (times[-1], value), (6, shift), textcoords="offset points",
                      va="center", fontsize=8, color=color, annotation_clip=False)  # fmt: skip
    first = min(times[0] for times, _ in history.values())
    axes.set_xlim(first, max(times[-1] for times, _ in history.values()))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
