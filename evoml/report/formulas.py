"""Pictures of formulas: one as a graph of operations, and a front of them by complexity and loss."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

import networkx as nx
import numpy as np

from evoml.genomes.expression.graph import graph
from evoml.genomes.expression.latex import latex
from evoml.genomes.expression.operations import Operation
from evoml.genomes.expression.population import Formula, folded
from evoml.genomes.expression.text import rounded, show
from evoml.report.diagrams import MARGIN, SMALL, Card, draw_box, draw_flow
from evoml.report.layout import Node, layered, layers_of, spread
from evoml.report.pipelines import shortened
from evoml.report.style import (
    BLUE,
    GROUPS,
    INK,
    MUTED,
    VERMILION,
    canvas,
    in_our_style,
    new_figure,
    note_figure,
    on_powers_of_ten,
    our_style,
    text_width,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DIGITS = 3
MOST_LABELS = 14
LABEL_SIZE = 9.0
_PLACE = "\u25a1"  # where an operand goes
_SIGNS = {"mul": "\u00d7", "add": "+"}
_APART = 5.0  # of the ends of two lines from the middle of the box they lead to, in points
_WIDEST, _LOWEST = 300.0, 11.0  # of a label, in points
_LARGE, _PAGE = 15.0, 720.0  # type size of a formula by itself, and the width that it may have, in points
_RAISED_FRACTION = re.compile(r"\^\{.*dfrac")  # too small to be read
_LEAST_LOSS = 1e-16  # of the greatest: what is less is drawn there


# -- one formula ----------------------------------------------------------------------------------------------------------


@in_our_style
def draw_formula(
    formula: Formula, names: Sequence[str] | None = None, target: str = "y", digits: int = DIGITS
) -> Figure:
    """Draw a formula from left to right: columns, operations, result. Equal parts are drawn once, numbers within a box."""
    parts = graph(folded(formula), names)
    root = len(parts) - 1
    shown = parts.subgraph(
        [node for node, kind in parts.nodes(data="kind") if kind != "constant" or node == root]
    ).copy()
    cards = {node: _card(parts, node, digits) for node in shown}
    shown.add_edge(root, target := shortened(target, 34), positions=(0,))
    cards[target] = Card(target, (), VERMILION, "#fdf0e8", strong=True)
    layers = layers_of(shown)
    widths = [max(cards[node].width for node in cards if layers[node] == at) for at in range(max(layers.values()) + 1)]
    sizes = {node: (widths[layers[node]], card.height) for node, card in cards.items()}
    layout = layered(shown, layers, sizes, gap_along=30.0, gap_across=14.0)
    figure, axes = canvas(layout.length + 2 * MARGIN, layout.breadth + 2 * MARGIN)
    for (source, consumer), route in layout.routes.items():
        points = [(along + MARGIN, across + MARGIN) for along, across in route]
        others = [layout.routes[edge][-2][1] for edge in shown.in_edges(consumer) if edge[0] != source]
        if others:  # two lines end beside each other, in the order in which they come
            side = _APART if route[-2][1] > others[0] else -_APART
            points[-1] = (points[-1][0], points[-1][1] + side)
            _name_operand(axes, shown, source, consumer, points[-1])
        draw_flow(axes, points, arrow=True)
    for node, card in cards.items():
        along, across = layout.places[node]
        draw_box(axes, card, (along + MARGIN, across + MARGIN), sizes[node][0])
    return figure


def _card(parts: nx.DiGraph, node: int, digits: int) -> Card:
    facts = parts.nodes[node]
    if facts["kind"] == "column":
        return Card(shortened(facts["label"], 34), (), BLUE, GROUPS["model"][1])
    if facts["kind"] == "constant":
        return Card(rounded(facts["value"], digits), (), *GROUPS["other"][:2])
    one: Operation = facts["operation"]
    group = "structure" if one.arity == 2 else "preparation"
    return Card(_title(parts, node, one, digits), (), *GROUPS[group][:2])


def _title(parts: nx.DiGraph, node: int, one: Operation, digits: int) -> str:
    """Return an operation as it is written, with its numbers in it and a place for each other operand."""
    operands = [""] * one.arity
    for source, _, positions in parts.in_edges(node, data="positions"):
        facts = parts.nodes[source]
        for at in positions:
            operands[at] = rounded(facts["value"], digits) if facts["kind"] == "constant" else _PLACE
    if operands == [_PLACE, _PLACE] and one.commutative:
        return _SIGNS.get(one.name, one.name)
    if operands == [_PLACE, _PLACE] and parts.in_degree(node) == 2:
        operands = ["a", "b"]
    return one.forms["text"].template.format(*operands).replace("*", _SIGNS["mul"])


def _name_operand(axes: Axes, shown: nx.DiGraph, source: Node, consumer: Node, place: tuple[float, float]) -> None:
    """Write into the box which operand a line leads to, where the order matters."""
    if not shown.nodes[consumer]["operation"].commutative:
        (at,) = shown.edges[source, consumer]["positions"]
        axes.text(place[0] + 5, place[1], "ab"[at], size=SMALL - 1, color=MUTED, ha="center", va="center", zorder=3)


# -- a front --------------------------------------------------------------------------------------------------------------


@in_our_style
def draw_front(
    formulas: Sequence[Formula],
    complexities: Sequence[float],
    losses: Sequence[float],
    chosen: int | None = None,
    names: Sequence[str] | None = None,
    loss: str = "loss",
) -> Figure:
    """Draw a front: the loss of each formula over its complexity, the chosen one marked, with the formulas beside them.

    Of many formulas those have words that lower the loss most, by its logarithm.
    """
    from matplotlib.ticker import MaxNLocator

    sizes, values = np.asarray(complexities, float), np.asarray(losses, float)
    shown = np.flatnonzero(np.isfinite(values))
    if not len(shown):
        return note_figure("No formula has a finite loss, so there is no front to draw.")
    order = shown[np.lexsort((values[shown], sizes[shown]))]
    logarithmic = values[order].max() > 0
    heights = np.maximum(values, values[order].max() * _LEAST_LOSS) if logarithmic else values
    labelled = _labelled(order, np.log(heights[order]) if logarithmic else heights[order], chosen)
    labels = [_label(formulas[at], names) for at in labelled]
    apart = [(one[2] + other[2]) / 2 + 5.0 for one, other in pairwise(labels)]
    tall = max(sum(apart) + 90.0, 260.0)
    wide = 390.0 + max(width for _, width, _ in labels) + 2 * MARGIN
    figure = new_figure(wide / 72, tall / 72)
    axes = figure.add_axes((52 / wide, 44 / tall, 300 / wide, (tall - 62) / tall))
    if logarithmic:
        on_powers_of_ten(axes, float(heights[order].min()), float(heights[order].max()))
    axes.plot(sizes[order], np.minimum.accumulate(heights[order]), drawstyle="steps-post", color=BLUE, lw=1.2, zorder=2)
    axes.scatter(sizes[order], heights[order], s=26, color=BLUE, zorder=3)
    axes.set(xlabel="complexity", ylabel=loss)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if chosen is not None and chosen in shown:
        axes.scatter(sizes[chosen], heights[chosen], s=120, facecolor="none", edgecolor=VERMILION, lw=2, zorder=4)
    marked = -1 if chosen is None or chosen not in labelled else labelled.index(chosen)
    _beside(axes, [(sizes[at], heights[at]) for at in labelled], labels, apart, marked)
    return figure


def _labelled(order: np.ndarray, heights: np.ndarray, chosen: int | None) -> list[int]:
    """Return the formulas that get words, from the top down: the chosen one, and those after the longest steps down."""
    steps = np.concatenate([[np.inf], -np.diff(np.minimum.accumulate(heights))])
    steps[order == (-1 if chosen is None else chosen)] = np.inf
    kept = np.sort(np.argsort(-steps, kind="stable")[:MOST_LABELS])
    return [int(at) for at in order[kept[np.lexsort((kept, -heights[kept]))]]]


def _label(formula: Formula, names: Sequence[str] | None) -> tuple[str, float, float]:
    """Return a formula's words with width and height in points: set as mathematics where that can be done, fits and is read."""
    typeset = f"${latex(formula, names, DIGITS)}$".replace(r"\frac", r"\dfrac")
    extent = None if _RAISED_FRACTION.search(typeset) else _math_extent(typeset)
    if extent is not None and extent[0] <= _WIDEST:
        return typeset, *extent
    words = shortened(show(formula, names, DIGITS), 52)
    return words.replace("$", r"\$"), text_width(words, LABEL_SIZE), _LOWEST


def typeset(formula: Formula, names: Sequence[str] | None = None, digits: int = DIGITS) -> Figure | None:
    """Return a formula set as mathematics; None for one that cannot be set, or is too wide to be read."""
    words = f"${latex(formula, names, digits)}$"
    with our_style():
        extent = _math_extent(words)
        if extent is None or extent[0] * _LARGE / LABEL_SIZE > _PAGE:
            return None
        wide, tall = (_LARGE / LABEL_SIZE * size for size in extent)
        figure, axes = canvas(wide + 2 * MARGIN, tall + 2 * MARGIN)
        axes.text(MARGIN, MARGIN + tall / 2, words, size=_LARGE, color=INK, va="center", parse_math=True,
                  math_fontfamily="dejavusans")  # fmt: skip
    return figure


@lru_cache(maxsize=512)
def _math_extent(typeset: str) -> tuple[float, float] | None:
    """Return width and height in points of a text with mathematics; None if Matplotlib cannot set it."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.mathtext import MathTextParser

    try:
        found = MathTextParser("path").parse(
            typeset, dpi=72, prop=FontProperties(family="DejaVu Sans", size=LABEL_SIZE)
        )
    except (ValueError, RuntimeError):
        return None
    return float(found.width), max(float(found.height), _LOWEST)


def _beside(
    axes: Axes,
    points: list[tuple[float, float]],
    labels: list[tuple[str, float, float]],
    apart: list[float],
    marked: int,
) -> None:
    """Write labels in a column at the right of the axes, near the heights of their points, with lines that lead there."""
    box = axes.get_window_extent()
    to_points = 72.0 / axes.figure.dpi
    tall = box.height * to_points
    wanted = [(box.y1 - axes.transData.transform(point)[1]) * to_points for point in points]
    heights = np.array(spread(wanted, apart))
    before = np.concatenate([[0.0], np.cumsum(apart)])
    heights = np.minimum(np.maximum(heights, before), tall - (before[-1] - before))  # none beyond the axes
    for at, ((typeset, _, _), height, point) in enumerate(zip(labels, heights, points, strict=True)):
        ink, line, weight = (VERMILION, VERMILION, "bold") if at == marked else (INK, MUTED, "normal")
        axes.annotate(
            typeset, point, xytext=(1.05, 1.0 - height / tall), xycoords="data", textcoords="axes fraction",
            size=LABEL_SIZE, color=ink, weight=weight, va="center", annotation_clip=False, parse_math=True,
            math_fontfamily="dejavusans",
            arrowprops={"arrowstyle": "-", "color": line, "lw": 0.5, "shrinkA": 2, "shrinkB": 4, "relpos": (0.0, 0.5)},
        )  # fmt: skip
