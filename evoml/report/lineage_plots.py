"""Pictures of descent: all candidates with the best one's ancestors emphasised, who made the gains, whose line took over."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from evoml.report.labels import Box, label_offsets
from evoml.report.layout import spread
from evoml.report.lineage import OTHERS, Pedigree, operator_gains, takeover
from evoml.report.pipelines import model_name, shortened
from evoml.report.ranges import score_range
from evoml.report.record import Readable, Record
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

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MANY = 1500  # dots or lines beyond which a picture of them is smaller than their description
CROWD = 300  # ancestors that are shown one by one
MOST_NAMED = 8  # steps of the line to the best that get words
FEW = 15  # candidates that a tree with words has room for
NO_DESCENT = "No candidate has been made from others, so there is no descent to draw."
NO_POPULATION = "What the population was like over time is not known."


# -- all candidates ---------------------------------------------------------------------------------------------------


@in_our_style
def family_plot(journal: Readable, candidate: int | None = None) -> Figure:
    """Draw every scored candidate by generation and score, a line from each parent, the ancestors of one emphasised.

    candidate: None for the best one. Words stand at those steps of the line through the better parents that gained most.
    """
    record = Record.of(journal)
    pedigree = Pedigree(record)
    chosen = record.best if candidate is None else candidate
    if chosen is None or not any(pedigree.parents.values()):
        return note_figure(NO_DESCENT)
    figure = new_figure(9.4, 4.6)
    axes = figure.add_axes((0.075, 0.11, 0.91, 0.8))
    places = _places(record)
    kin, line = set(pedigree.contributions([chosen])), pedigree.line(chosen)
    low, high = score_range(record.scored["selection"].to_numpy(float))
    low = min([low, *(places[one][1] for one in line if one in places and places[one][1] >= pedigree.floor)])
    axes.set(ylim=(low, high), xlabel="generation", ylabel=f"selection score ({shortened(record.metric, 30)})")
    axes.set_xlim(*_padded([x for x, _ in places.values()]))
    _whole_generations(axes)
    known = {
        one: tuple(p for p in parents if p in places) for one, parents in pedigree.parents.items() if one in places
    }
    _draw_descent(axes, places, known, set(places) - kin, MUTED, _faintness(len(places)), 0.5)
    _draw_dots(axes, [places[one] for one in places if one not in kin], MUTED, 5 if len(places) > MANY else 9, 0.35)
    _draw_descent(axes, places, known, kin, SKY, min(0.8, 3.0 * _faintness(len(kin))), 0.9)
    _draw_dots(
        axes,
        [places[one] for one in places if one in kin],
        BLUE,
        12 if len(kin) < CROWD else 4,
        0.9 if len(kin) < CROWD else 0.5,
    )
    shown = [places[one] for one in line if one in places]
    axes.plot(*np.transpose(shown), color=VERMILION, lw=2.0, marker="o", ms=4.5, mec=PAPER, mew=0.7, zorder=5)
    axes.scatter(*shown[-1], s=150, fc="none", ec=VERMILION, lw=1.6, zorder=6)
    _name_steps(figure, axes, pedigree, line, places)
    below = sum(score < low for _, score in places.values())
    _legend(figure, len(places) - len(kin & set(places)), len(kin & set(places)) - len(shown), below)
    return figure


def _places(record: Record) -> dict[int, tuple[float, float]]:
    """Return generation and score of each scored candidate, those of a generation side by side in the order asked."""
    table = record.individuals[record.selection.notna()]
    born = table["generation"]
    beside = born.groupby(born).cumcount() / born.groupby(born).transform("size")
    across = dict(zip(table.index, (born + beside).to_numpy(float), strict=True))
    return {int(one): (across[one], float(record.selection[one])) for one in table.index}


def _padded(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    pad = 0.02 * (high - low) or 0.5
    return low - pad, high + 3 * pad


def _faintness(count: int) -> float:
    """How opaque lines are, so that thousands of them are a shade and a few still lines."""
    return float(np.clip(5.0 / count**0.5, 0.04, 0.5))


def _draw_descent(
    axes: Axes,
    places: dict[int, tuple[float, float]],
    parents: dict[int, tuple[int, ...]],
    children: set[int],
    color: str,
    alpha: float,
    width: float,
) -> None:
    from matplotlib.collections import LineCollection

    lines = [(places[parent], places[one]) for one in sorted(children & parents.keys()) for parent in parents[one]]
    axes.add_collection(
        LineCollection(lines, colors=color, linewidths=width, alpha=alpha, rasterized=len(lines) > MANY), autolim=False
    )


def _draw_dots(axes: Axes, spots: list[tuple[float, float]], color: str, size: float, alpha: float) -> None:
    if spots:
        across, up = np.transpose(spots)
        axes.scatter(across, up, s=size, color=color, alpha=alpha, lw=0, rasterized=len(spots) > MANY, zorder=3)


def _name_steps(
    figure: Figure, axes: Axes, pedigree: Pedigree, line: list[int], places: dict[int, tuple[float, float]]
) -> None:
    """Write the variation and what it gained at the greatest steps of a line, where there is room."""
    gains = pedigree.steps_up(line)
    telling = sorted((one for one in line[1:] if gains[one] > 0), key=lambda one: -gains[one])[:MOST_NAMED]
    named = [one for one in line if one in telling]
    if not named:
        return
    operators = pedigree.record.individuals["operator"]
    words = {one: f"{shortened(str(operators[one]), 20)} +{gains[one]:.3g}" for one in named}
    order = sorted(named, key=lambda one: -gains[one])
    to_points = 72.0 / figure.dpi
    spots = axes.transData.transform([places[one] for one in order]) * to_points
    along = axes.transData.transform([places[one] for one in line if one in places]) * to_points
    dense = np.concatenate([a + np.linspace(0, 1, 12)[:, None] * (b - a) for a, b in pairwise(along)])
    frame = Box(*(float(edge) * to_points for edge in axes.bbox.extents))
    offsets = label_offsets(spots, [text_width(words[one], 8.5) for one in order], dense, frame)
    for one, offset in zip(order, offsets, strict=True):
        if offset is not None:
            axes.annotate(
                words[one], places[one], xytext=offset, textcoords="offset points", va="center", fontsize=8.5, color=INK,
                zorder=7, bbox={"fc": PAPER, "ec": "none", "alpha": 0.85, "pad": 1.0},
                arrowprops={"arrowstyle": "-", "color": MUTED, "lw": 0.6, "shrinkB": 4} if abs(offset[1]) > 16 else None,
            )  # fmt: skip


def _legend(figure: Figure, others: int, ancestors: int, below: int) -> None:
    from matplotlib.lines import Line2D

    lower = f" ({below} below this range)" if below else ""
    marks = [
        (Line2D([], [], color=VERMILION, lw=2, marker="o", ms=4.5), "line of the better parents to the best"),
        (Line2D([], [], color=SKY, marker="o", ms=4, mfc=BLUE, mec=BLUE), f"{ancestors} further ancestors of it"),
        (Line2D([], [], color=LINE, marker="o", ms=3, mfc=MUTED, mec=MUTED), f"{others} other candidates{lower}"),
    ]
    lines, words = zip(*marks, strict=True)
    figure.legend(lines, words, loc="upper left", ncols=3, bbox_to_anchor=(0.06, 1.01), handlelength=1.8)


# -- who made the gains -----------------------------------------------------------------------------------------------


@in_our_style
def gains_plot(journal: Readable) -> Figure:
    """How much of the gain in score each variation made: along the line to the best, and as new best of the run."""
    table = operator_gains(journal).iloc[::-1].reset_index(drop=True)
    if table.empty:
        return note_figure(NO_DESCENT)
    height = 1.1 + 0.32 * max(len(table), 3)
    figure = new_figure(9.4, height)
    left = min(max(text_width(str(name), 8.5) for name in table["operator"]) / 72 / 9.4 + 0.02, 0.3)
    top, bottom = 0.42 / height, 0.5 / height
    width = (0.975 - left) / 2 - 0.02
    panels = (
        ("line_gain", "line_steps", "step", "gains along the line to the best", VERMILION),
        ("record_gain", "records", "time", "gains of the run's best score", BLUE),
    )
    for at, (gain, count, noun, title, color) in enumerate(panels):
        axes = figure.add_axes((left + at * (width + 0.04), bottom, width, 1 - top - bottom))
        _bars(axes, table, gain, count, noun, color)
        axes.set_title(title, fontsize=9, loc="left", pad=7)
        axes.set_yticks(np.arange(len(table)), table["operator"] if at == 0 else [""] * len(table))
    return figure


def _bars(axes: Axes, table: pd.DataFrame, gain: str, count: str, noun: str, color: str) -> None:
    places = np.arange(len(table))
    axes.barh(places, table[gain], height=0.62, color=color)
    whole = float(table[gain].sum())
    for place, value, times in zip(places, table[gain], table[count], strict=True):
        share = f"{value / whole:.0%} in {times} {noun}{'s' if times != 1 else ''}" if value > 0 else "none"
        axes.annotate(share, (float(value), place), (5, 0), textcoords="offset points", va="center", fontsize=8.5,
                      color=INK if value > 0 else MUTED)  # fmt: skip
    axes.set(xlim=(0, 1.35 * float(table[gain].max()) or 1.0), xlabel="score gained")
    axes.locator_params(axis="x", nbins=4)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_color(LINE)


# -- whose line took over ---------------------------------------------------------------------------------------------


@in_our_style
def takeover_plot(journal: Readable) -> Figure:
    """The share of the population's descent from each founder over the generations, the greatest in the end at the foot."""
    record = Record.of(journal)
    table = takeover(record)
    if len(table) < 2 or len(table.columns) < 3:
        return note_figure(NO_POPULATION if len(table) < 2 else NO_DESCENT)
    figure = new_figure(9.4, 3.4)
    founders = [name for name in table.columns if name not in ("generation", OTHERS)]
    texts = record.individuals["text"]
    words = [f"{model_name(texts[one])} · #{one}" for one in founders]
    words = [shortened(one, 34) for one in [*words, "all others"]]
    room = (max(text_width(one, 8.5) for one in words) + 56) / 72 / 9.4
    axes = figure.add_axes((0.065, 0.14, 0.92 - room, 0.8))
    colors = [*SERIES[: len(founders)], LINE]
    shares = table[[*founders, OTHERS]].to_numpy(float)
    axes.stackplot(table["generation"], shares.T, colors=colors, alpha=0.85, lw=0.4, ec=PAPER)
    axes.set(ylim=(0, 1), xlabel="generation", ylabel="share of the population's descent")
    axes.set_xlim(float(table["generation"].iloc[0]), float(table["generation"].iloc[-1]))
    axes.set_axisbelow(False)
    axes.grid(visible=False)
    _whole_generations(axes)
    height = axes.get_position().height * figure.get_figheight() * 72
    last, tops = shares[-1], np.cumsum(shares[-1])
    middles = tops - last / 2
    spots = spread([middle * height for middle in middles], [11.5] * (len(words) - 1))
    for word, share, middle, spot, color in zip(words, last, middles, spots, colors, strict=True):
        axes.annotate(
            f"{share:.0%}  {word}", (1.0, middle), (12, spot - middle * height), xycoords="axes fraction",
            textcoords="offset points", va="center", fontsize=8.5, annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": color, "lw": 1.2, "shrinkA": 2, "shrinkB": 0, "relpos": (0.0, 0.5)},
        )  # fmt: skip
    return figure


def _whole_generations(axes: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
