"""Pictures of how good a model is on rows it was not fitted on, drawn from the explanation in a run's journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from evoml.report.pipelines import shortened
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
    with_origin,
)
from evoml.report.tables import score_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NOT_EXPLAINED = "The model has not been explained: call explain(X, y), or `evoml explain` on the run's folder."
NOT_OF_THIS_TASK = "There is no such picture for this model."
NAME_WIDTH = 22  # characters of a class
CONFUSIONS = 8
CELLS_WITH_SHARES, CELLS_WITH_COUNTS = 8, 16  # classes up to which cells hold both, or counts


def _part(journal: Readable, *names: str) -> Any:
    """Return a part of the explanation, or None."""
    found: Any = Record.of(journal).explanation
    for name in names:
        found = (found or {}).get(name)
    return found


def _nothing(journal: Readable) -> Figure:
    return note_figure(NOT_OF_THIS_TASK if Record.of(journal).explanation else NOT_EXPLAINED)


def class_names(journal: Readable) -> list[str]:
    """Return the classes as pictures call them."""
    return [shortened(str(name), NAME_WIDTH) for name in Record.of(journal).settings.get("classes") or ()]


def positive_class(journal: Readable) -> str:
    """Return how pictures call the second of two classes."""
    target, name = Record.of(journal).settings.get("target"), class_names(journal)[1]
    return f"{shortened(str(target), NAME_WIDTH)} = {name}" if target else name


# -- curves -----------------------------------------------------------------------------------------------------------


@in_our_style
def ranking_curves(journal: Readable) -> Figure:
    """ROC and precision-recall curves: of each fold and their mean for two classes, else of each class against the rest."""
    roc, recall = _part(journal, "performance", "roc"), _part(journal, "performance", "precision_recall")
    if not roc or not recall:
        return _nothing(journal)
    names = class_names(journal)
    alone = bool(roc[0]["folds"])
    figure = new_figure(9.4, 3.9 if alone else 4.1)
    left, right = figure.subplots(1, 2)
    figure.subplots_adjust(left=0.07, right=0.985 if alone else 0.79, top=0.92, bottom=0.17, wspace=0.22)
    left.plot([0, 1], [0, 1], color=MUTED, lw=1, ls=(0, (5, 3)))
    labels = [_draw_curves(axes, curves, names) for axes, curves in ((left, roc), (right, recall))]
    if alone:
        right.axhline(roc[0]["share"], color=MUTED, lw=1, ls=(0, (5, 3)))
        for axes, (line, label), corner in ((left, labels[0][0], "lower right"), (right, labels[1][0], "lower left")):
            axes.legend([line], [label], loc=corner, handlelength=1.4)
    else:
        words = [f"{names[curve['class']]}  {score_text(curve['area']['mean'])}" for curve in roc]
        figure.legend([line for line, _ in labels[0]], words, loc="center left", bbox_to_anchor=(0.795, 0.55),
                      title="class, and area\nunder its ROC curve", alignment="left", handlelength=1.4)  # fmt: skip
    left.set(
        xlabel="share of other rows taken for the class", ylabel="share of the class found", xlim=(0, 1), ylim=(0, 1.02)
    )
    right.set(
        xlabel="share of the class found (recall)", ylabel="share of hits (precision)", xlim=(0, 1), ylim=(0, 1.02)
    )
    for axes, title in ((left, "ROC"), (right, "precision and recall")):
        axes.set_title(f"{title} of “{positive_class(journal)}”" if alone else title, fontsize=9, loc="left")
    return with_origin(figure)


def _draw_curves(axes: Axes, curves: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[tuple[Any, str]]:
    lines = []
    for at, curve in enumerate(curves):
        points = np.linspace(0, 1, len(curve["mean"]))
        for fold in curve["folds"]:
            axes.plot(points, fold, color=SKY, lw=0.8, alpha=0.8)
        style = "-" if at < len(SERIES) else "--"
        (line,) = axes.plot(
            points, curve["mean"], color=SERIES[at % len(SERIES)], lw=2.2 if curve["folds"] else 1.6, ls=style
        )
        area, spread = (score_text(curve["area"][name]) for name in ("mean", "std"))
        lines.append((line, f"mean of {len(curve['folds'])} folds\narea {area}" + (f" ± {spread}" if spread else "")))
    return lines


@in_our_style
def calibration_plot(journal: Readable) -> Figure:
    """How often it is true what a probability is given to, beside how often such probabilities are given."""
    facts = _part(journal, "performance", "calibration")
    if not facts:
        return _nothing(journal)
    what = f"“{positive_class(journal)}”" if facts["of"] == "second class" else "the predicted class"
    figure = new_figure(9.4, 3.7)
    left, right = figure.subplots(1, 2)
    figure.subplots_adjust(left=0.07, right=0.985, top=0.92, bottom=0.18, wspace=0.22)
    given, true = (np.array(facts[name]) for name in ("given", "true"))
    reach = np.clip([true - np.array(facts["low"]), np.array(facts["high"]) - true], 0, None)
    left.plot([0, 1], [0, 1], color=MUTED, lw=1, ls=(0, (5, 3)), label="as often as said")
    left.errorbar(given, true, yerr=reach, color=BLUE, lw=1.4, marker="o", ms=5, elinewidth=1.1, capsize=2.5,
                  label="rows with like probabilities, 95 % interval")  # fmt: skip
    left.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel=f"probability given to {what}", ylabel="share that is so")
    left.legend(loc="lower left", bbox_to_anchor=(-0.03, 1.0), ncols=2, handlelength=1.8, borderaxespad=0.2)
    edges = np.linspace(0, 1, len(facts["bars"]) + 1)
    right.bar(edges[:-1], facts["bars"], width=np.diff(edges), align="edge", color="#cfe3f1", ec=PAPER, lw=0.8)
    right.set(xlim=(0, 1), xlabel=f"probability given to {what}", ylabel="rows")
    return with_origin(figure)


# -- confusions -------------------------------------------------------------------------------------------------------


@in_our_style
def confusion_plot(journal: Readable) -> Figure:
    """How often each class was taken for each other, and the most frequent mistakes."""
    facts = _part(journal, "performance", "confusion")
    if not facts:
        return _nothing(journal)
    counts = np.array(facts["counts"])
    names = [shortened(str(name), NAME_WIDTH) for name in facts["classes"]]
    with_names = max(text_width(name, 8.5) for name in names) / 72
    side = float(np.clip(0.62 * len(names), 2.0, 4.6))
    upright = len(names) > 4 or with_names > side / len(names)
    below = (with_names if upright else 0.17) + 0.48
    height = side + below + 0.25
    figure = new_figure(9.4, height)
    left = 0.45 + with_names
    axes = figure.add_axes((left / 9.4, below / height, side / 9.4, side / height))
    _draw_cells(axes, counts, names, upright)
    start = left + side + 0.45
    _draw_mistakes(figure, counts, names, start, below, height)
    return with_origin(figure)


def _draw_cells(axes: Axes, counts: np.ndarray, names: Sequence[str], upright: bool) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    colours = LinearSegmentedColormap.from_list("counts", [PAPER, "#cfe3f1", BLUE])
    axes.imshow(shares, cmap=colours, vmin=0, vmax=1, aspect="equal")
    axes.grid(visible=False)
    places = np.arange(len(names))
    axes.set_xticks(places, names, rotation=90 if upright else 0)
    axes.set_yticks(places, names)
    axes.tick_params(length=0)
    axes.set(xlabel="predicted class", ylabel="true class")
    for side in axes.spines.values():
        side.set_visible(False)
    for edge in np.arange(len(names) + 1) - 0.5:
        axes.axhline(edge, color=LINE, lw=0.6)
        axes.axvline(edge, color=LINE, lw=0.6)
    if len(names) > CELLS_WITH_COUNTS:
        return
    for i, j in np.ndindex(*counts.shape):
        share = f"\n{shares[i, j]:.0%}" if len(names) <= CELLS_WITH_SHARES else ""
        axes.text(j, i, f"{counts[i, j]}{share}", ha="center", va="center", fontsize=8,
                  color=PAPER if shares[i, j] > 0.8 else INK if counts[i, j] else MUTED)  # fmt: skip


def _draw_mistakes(
    figure: Figure, counts: np.ndarray, names: Sequence[str], start: float, below: float, height: float
) -> None:
    """Draw the most frequent confusions as bars, to the right of ``start`` inches."""
    wrong = counts * (1 - np.eye(len(names), dtype=int))
    order = np.argsort(-wrong, axis=None, kind="stable")[:CONFUSIONS]
    pairs = [(int(i), int(j)) for i, j in zip(*np.unravel_index(order, wrong.shape), strict=True) if wrong[i, j]]
    words = [f"{names[i]} taken for {names[j]}" for i, j in pairs]
    if not pairs:
        return
    start += max(text_width(text, 8.5) for text in words) / 72
    wide, tall = 9.4 - start - 0.5, min(0.3 * len(pairs) + 0.1, height - below - 0.45)
    if wide < 0.8:
        return
    axes = figure.add_axes((start / 9.4, (height - 0.4 - tall) / height, wide / 9.4, tall / height))
    places, numbers = np.arange(len(pairs)), [int(wrong[pair]) for pair in pairs]
    axes.barh(places, numbers, height=0.6, color=VERMILION, alpha=0.55)
    for place, number in zip(places, numbers, strict=True):
        axes.annotate(str(number), (number, place), (4, 0), textcoords="offset points", va="center", fontsize=8.5)
    axes.set_yticks(places, words)
    axes.set(ylim=(len(pairs) - 0.5, -0.5), xlim=(0, 1.1 * max(numbers)))
    axes.set_title("most frequent mistakes, in rows", fontsize=8.5, loc="left", pad=4)
    axes.tick_params(length=0, labelbottom=False)
    axes.grid(visible=False)
    axes.spines["bottom"].set_visible(False)


# -- regression -------------------------------------------------------------------------------------------------------


@in_our_style
def residual_plot(journal: Readable) -> Figure:
    """Predictions beside the truth; what is left over, by size of the prediction, and altogether."""
    facts = _part(journal, "residuals")
    if not facts:
        return _nothing(journal)
    figure = new_figure(9.4, 3.7)
    first, second, third = figure.subplots(1, 3, width_ratios=(1.0, 1.0, 0.62))
    figure.subplots_adjust(left=0.075, right=0.985, top=0.92, bottom=0.18, wspace=0.36)
    truth, said = (np.array(values, dtype=float) for values in facts["dots"])
    low, high = float(min(truth.min(), said.min())), float(max(truth.max(), said.max()))
    margin = 0.04 * (high - low) or 1.0
    whole = len(truth) == facts["rows"]
    first.plot([low, high], [low, high], color=MUTED, lw=1, ls=(0, (5, 3)))
    first.scatter(said, truth, s=10, color=BLUE, alpha=0.35, lw=0, rasterized=True)
    first.set(xlim=(low - margin, high + margin), ylim=(low - margin, high + margin), xlabel="predicted", ylabel="true")
    first.set_title("one dot a row" if whole else f"{len(truth)} of {facts['rows']:,} rows", fontsize=9, loc="left")
    _draw_bands(second, facts, truth, said)
    start, end = facts["range"]
    edges = np.linspace(start, end, len(facts["bars"]) + 1)
    third.barh(edges[:-1], facts["bars"], height=np.diff(edges), align="edge", color="#cfe3f1", ec=PAPER, lw=0.5)
    third.axhline(0, color=MUTED, lw=1, ls=(0, (5, 3)))
    third.set(xlabel="rows", ylim=second.get_ylim())
    third.tick_params(labelleft=False)
    return with_origin(figure)


def _draw_bands(axes: Axes, facts: Mapping[str, Any], truth: np.ndarray, said: np.ndarray) -> None:
    at, quantiles = np.array(facts["bands"]["at"]), np.array(facts["bands"]["quantiles"])
    axes.axhline(0, color=MUTED, lw=1, ls=(0, (5, 3)))
    axes.scatter(said, truth - said, s=7, color=MUTED, alpha=0.22, lw=0, rasterized=True)
    if len(at) > 1:
        axes.fill_between(at, quantiles[:, 0], quantiles[:, 4], color=SKY, alpha=0.25, lw=0, label="90 % of rows")
        axes.fill_between(at, quantiles[:, 1], quantiles[:, 3], color=SKY, alpha=0.45, lw=0, label="50 %")
        axes.plot(at, quantiles[:, 2], color=BLUE, lw=1.8, label="median")
        axes.legend(loc="lower left", bbox_to_anchor=(-0.03, 1.0), ncols=3, handlelength=1.0, columnspacing=0.9,
                    borderaxespad=0.2)  # fmt: skip
    start, end = facts["range"]
    reach = 1.15 * max(abs(start), abs(end)) or 1.0
    axes.set(ylim=(-reach, reach), xlabel="predicted", ylabel="true less predicted")
