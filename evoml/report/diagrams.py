"""Diagrams: a pipeline as a graph of steps, and the line of descent of a candidate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from evoml.report.descent import Descent, descent_of
from evoml.report.layout import Layout, Node, Point, layered, layers_of
from evoml.report.pipelines import FEATURES, STACK, group_of, in_order, inputs_of, shortened, telling_values
from evoml.report.record import Readable, Record
from evoml.report.style import (
    BLUE,
    GROUPS,
    INK,
    LINE,
    MUTED,
    PAPER,
    VERMILION,
    canvas,
    in_our_style,
    note_figure,
    text_width,
)

if TYPE_CHECKING:
    import networkx as nx
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME, SMALL = 10.0, 8.0  # type sizes in points
PADDING = 9.0
MOST_VALUES = 4
MARGIN = 12.0
ABOVE = 26.0  # room over the first ancestors for the words that say where they come from


@dataclass(frozen=True)
class Card:
    """A box with a title and lines of small print."""

    title: str
    lines: tuple[str, ...] = ()
    edge: str = MUTED
    fill: str = PAPER
    strong: bool = False
    ink: str = INK

    @property
    def width(self) -> float:
        widest = max([text_width(self.title, NAME, bold=True), *(text_width(line, SMALL) for line in self.lines)])
        return widest + 2 * PADDING

    @property
    def height(self) -> float:
        return 2 * PADDING + NAME + 12.0 * len(self.lines)


# -- a pipeline -------------------------------------------------------------------------------------------------------


@in_our_style
def draw_plan(graph: nx.DiGraph, root: Node, n_features: int | None = None) -> Figure:
    """Draw a pipeline from left to right, a box a step, with the hyperparameters that are not the default.

    graph: node attributes ``part`` and ``values``, edges from input to consumer with ``position``. n_features: columns
    of the table, told at the input.
    """
    import networkx as nx

    nodes = in_order(graph, root)
    ordered = nx.DiGraph()
    ordered.add_nodes_from(nodes)
    ordered.add_edges_from((source, node) for node in nodes for source in inputs_of(graph, node))
    cards = {node: _step_card(graph, node, n_features) for node in nodes}
    layers = layers_of(ordered)
    widths = [max(cards[node].width for node in nodes if layers[node] == at) for at in range(max(layers.values()) + 1)]
    sizes = {node: (widths[layers[node]], cards[node].height) for node in nodes}
    layout = layered(ordered, layers, sizes, gap_along=34.0, gap_across=16.0)
    groups = [group for group in GROUPS if any(group_of(graph.nodes[node]["part"]) == group for node in nodes)]
    figure, axes = canvas(max(layout.length, _legend_width(groups)) + 2 * MARGIN, layout.breadth + 2 * MARGIN + 24)
    for route in layout.routes.values():
        draw_flow(axes, [(along + MARGIN, across + MARGIN) for along, across in route], arrow=True)
    for node in nodes:
        along, across = layout.places[node]
        draw_box(axes, cards[node], (along + MARGIN, across + MARGIN), sizes[node][0])
    _legend(axes, groups, layout.breadth + 2 * MARGIN + 10)
    return figure


def _step_card(graph: nx.DiGraph, node: Node, n_features: int | None) -> Card:
    part = str(graph.nodes[node]["part"])
    edge, fill, _ = GROUPS[group_of(part)]
    if part == FEATURES:
        count = "" if n_features is None else f"{n_features} column{'s' if n_features != 1 else ''}"
        return Card("input", (count,) if count else (), edge, fill)
    values = [shortened(f"{name} = {value}", 34) for name, value in telling_values(graph, node).items()]
    if len(values) > MOST_VALUES:
        values = [*values[: MOST_VALUES - 1], f"and {len(values) - MOST_VALUES + 1} more"]
    lines = ["predictions as columns"] if part == STACK else values
    return Card(shortened(part, 34), tuple(lines), edge, fill)


def draw_box(axes: Axes, card: Card, centre: Point, width: float) -> None:
    """Draw a card around its centre."""
    from matplotlib.patches import FancyBboxPatch

    x, y = centre
    height = card.height
    shape = FancyBboxPatch(
        (x - width / 2, y - height / 2), width, height, boxstyle="round,pad=0,rounding_size=5",
        fc=card.fill, ec=card.edge, lw=2.0 if card.strong else 1.1, zorder=2,
    )  # fmt: skip
    axes.add_patch(shape)
    top = y - height / 2 + PADDING + NAME / 2
    axes.text(x, top, card.title, size=NAME, weight="bold", color=card.ink, ha="center", va="center", zorder=3)
    for at, line in enumerate(card.lines):
        axes.text(x, top + 3 + 12.0 * (at + 0.8), line, size=SMALL, color=card.ink, ha="center", va="center", zorder=3)


def draw_flow(axes: Axes, route: list[Point], *, arrow: bool, down: bool = False) -> None:
    """Draw a line through points in the direction of flow: straight along lanes, curved between layers."""
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path

    vertices, codes = [route[0]], [Path.MOVETO]
    for at, (begin, end) in enumerate(pairwise(route)):
        if at % 2 == 1:  # within a lane
            vertices.append(end)
            codes.append(Path.LINETO)
            continue
        reach = 0.5 * abs(end[1] - begin[1] if down else end[0] - begin[0])
        first = (begin[0], begin[1] + reach) if down else (begin[0] + reach, begin[1])
        second = (end[0], end[1] - reach) if down else (end[0] - reach, end[1])
        vertices += [first, second, end]
        codes += [Path.CURVE4] * 3
    style = "-|>,head_length=5,head_width=2.6" if arrow else "-"
    axes.add_patch(FancyArrowPatch(path=Path(vertices, codes), arrowstyle=style, mutation_scale=1, fc=MUTED, ec=MUTED,
                                   lw=1.1, zorder=1, capstyle="butt", joinstyle="round"))  # fmt: skip


def _legend_width(groups: list[str]) -> float:
    return sum(text_width(GROUPS[group][2], SMALL) + 30 for group in groups)


def _legend(axes: Axes, groups: list[str], y: float) -> None:
    from matplotlib.patches import FancyBboxPatch

    x = MARGIN
    for group in groups:
        edge, fill, words = GROUPS[group]
        axes.add_patch(FancyBboxPatch((x, y - 4), 9, 8, boxstyle="round,pad=0,rounding_size=2", fc=fill, ec=edge, lw=1))
        axes.text(x + 14, y, words, size=SMALL, color=MUTED, va="center")
        x += text_width(words, SMALL) + 30


# -- a line of descent ------------------------------------------------------------------------------------------------


@in_our_style
def draw_lineage(journal: Readable, candidate: int | None = None) -> Figure:
    """Draw the ancestors of a candidate (of the best one for None) from top to bottom, by generation.

    Above each box stands the variation that made it. Where the ancestors are many, only the line through the better
    parent is drawn, and of it only the steps that raised the score; the figure says so.
    """
    record = Record.of(journal)
    candidate = record.best if candidate is None else candidate
    if candidate is None:
        return note_figure("No candidate has been scored, so there is no line of descent.")
    descent = descent_of(record, candidate)
    cards = {node: _ancestor_card(descent, node) for node in descent.graph}
    layers = descent.layers
    made = {node: text_width(descent.made_by[node], SMALL) for node in cards}
    sizes = {node: (card.height, max(card.width, made[node])) for node, card in cards.items()}
    height = max(height for height, _ in sizes.values())
    layout = layered(descent.graph, layers, {node: (height, width) for node, (_, width) in sizes.items()}, 38.0, 22.0)
    left = MARGIN + max(text_width(words, SMALL) for words in descent.rows) + 16
    width = max(left + layout.breadth, MARGIN + text_width(descent.note, SMALL)) + MARGIN
    figure, axes = canvas(width, ABOVE + layout.length + MARGIN + (22 if descent.note else 0))
    _generations(axes, descent, layout, left)
    for route in layout.routes.values():
        draw_flow(axes, _turned(route, left), arrow=False, down=True)
    for node, card in cards.items():
        along, across = layout.places[node]
        draw_box(axes, card, (across + left, along + ABOVE), sizes[node][1])
        _made_by(axes, descent.made_by[node], (across + left, along + ABOVE - height / 2 - 8))
    axes.text(MARGIN, ABOVE + layout.length + MARGIN + 8, descent.note, size=SMALL, color=MUTED, va="center")
    return figure


def _turned(route: list[Point], left: float) -> list[Point]:
    """Turn a route that flows along x into one that flows down; it ends above the words over its box."""
    *_, (end, across) = route
    return [(across + left, along + ABOVE) for along, across in [*route[:-1], (end - 15, across)]]


def _ancestor_card(descent: Descent, node: int) -> Card:
    lines = [descent.facts[node], *([descent.texts[node]] if node in descent.texts else [])]
    if node == descent.candidate:
        return Card(descent.names[node], tuple(lines), VERMILION, "#fdf0e8", strong=True)
    return Card(descent.names[node], tuple(lines), BLUE, GROUPS["model"][1])


def _made_by(axes: Axes, words: str, place: Point) -> None:
    if words:
        axes.text(*place, words, size=SMALL, color=INK, style="italic", ha="center", va="center", zorder=3)  # fmt: skip


def _generations(axes: Axes, descent: Descent, layout: Layout, left: float) -> None:
    rows: Mapping[int, float] = {descent.layers[node]: along for node, (along, _) in layout.places.items()}
    for layer, along in rows.items():
        y = along + ABOVE
        axes.plot([MARGIN, left + layout.breadth], [y, y], color=LINE, lw=0.8, zorder=0)
        axes.text(MARGIN, y, descent.rows[layer], size=SMALL, color=MUTED, va="center",
                  bbox={"fc": PAPER, "ec": "none", "pad": 2})  # fmt: skip
