"""Pictures of programs that learn: what flows where, and how the fitness of champions grew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import networkx as nx
import numpy as np

from evoml.genomes.program.canonical import canonical
from evoml.genomes.program.graph import FEATURES, LABEL, PREDICTION, graph
from evoml.genomes.program.program import Program
from evoml.report.diagrams import MARGIN, SMALL, Card, draw_box, draw_flow
from evoml.report.layout import layered, layers_of
from evoml.report.record import Readable, Record
from evoml.report.style import (
    BLUE,
    GROUPS,
    LINE,
    MUTED,
    PAPER,
    VERMILION,
    canvas,
    in_our_style,
    new_figure,
    note_figure,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COMPONENT_GROUPS = {"setup": "structure", "predict": "model", "learn": "construction"}
COMPONENT_WORDS = {
    "setup": "once, to begin with",
    "predict": "for each row",
    "learn": "after each row, knowing its label",
}
_INPUTS = {FEATURES: "v0: the row's features", LABEL: "s0: its label", PREDICTION: "s1: the prediction"}
_LEGEND = 26.0
_GREY = "#98a2b0"  # of what is dead


@in_our_style
def draw_program(program: Program, dead: bool = False) -> Figure:
    """Draw what flows where in a program, from left to right.

    Each box is an instruction; what it reads from memory as an earlier row left it stands in small print.

    Parameters
    ----------
    program : Program
    dead : bool, default=False
        Whether the program is drawn line by line as it is written, with what reaches no prediction in grey; else its canonical
        form is, in which there is no such line.
    """
    flow = graph(program if dead else canonical(program))
    shown = [
        node for node, facts in flow.nodes(data=True) if facts["live"] or facts["kind"] != "input" or flow.degree(node)
    ]
    if len(shown) < 2:
        return note_figure("Nothing reaches the prediction: the program predicts 0.")
    now = nx.DiGraph()
    now.add_nodes_from(shown)
    now.add_edges_from((a, b) for a, b, later in flow.edges(data="later") if not later and a in now and b in now)
    cards = {node: _card(flow, node) for node in shown}
    layers = layers_of(now)
    widths = [max(cards[node].width for node in shown if layers[node] == at) for at in range(max(layers.values()) + 1)]
    sizes = {node: (widths[layers[node]], card.height) for node, card in cards.items()}
    layout = layered(now, layers, sizes, gap_along=28.0, gap_across=14.0)
    legend = _entries(not all(flow.nodes[node]["live"] for node in shown))
    wide = max(layout.length, sum(_length(words) for *_, words in legend)) + 2 * MARGIN
    figure, axes = canvas(wide, layout.breadth + 2 * MARGIN + _LEGEND)
    for route in layout.routes.values():
        draw_flow(axes, [(along + MARGIN, across + MARGIN) for along, across in route], arrow=True)
    for node, card in cards.items():
        along, across = layout.places[node]
        draw_box(axes, card, (along + MARGIN, across + MARGIN), sizes[node][0])
    _legend(axes, layout.breadth + 2 * MARGIN + _LEGEND / 2, legend)
    return figure


def _card(flow: nx.DiGraph, node: Any) -> Card:
    if node == PREDICTION:
        return Card(_INPUTS[node], _from_before(flow, node), VERMILION, "#fdf0e8", strong=True)
    if node in _INPUTS:
        return Card(_INPUTS[node], (), *GROUPS["input"][:2])
    words = str(flow.nodes[node]["instruction"]), _from_before(flow, node)
    if not flow.nodes[node]["live"]:
        return Card(*words, edge=LINE, ink=_GREY)
    return Card(*words, *GROUPS[COMPONENT_GROUPS[node[0]]][:2])


def _from_before(flow: nx.DiGraph, node: Any) -> tuple[str, ...]:
    """Return in words what a node reads as an earlier row left it."""
    found = sorted({facts["address"] for _, _, facts in flow.in_edges(node, data=True) if facts["later"]})
    return (f"{' and '.join(found)} as of the row before",) if found else ()


def _entries(dead: bool) -> list[tuple[str, str, str]]:
    """Return edge, fill and words of each entry of the legend."""
    found = [(*GROUPS[group][:2], f"{name}: {COMPONENT_WORDS[name]}") for name, group in COMPONENT_GROUPS.items()]
    return [*found, *([(LINE, PAPER, "grey: reaches no prediction")] if dead else [])]


def _length(words: str) -> float:
    return 30 + 4.6 * len(words)


def _legend(axes: Axes, height: float, entries: list[tuple[str, str, str]]) -> None:
    along = MARGIN
    for edge, fill, words in entries:
        axes.scatter([along + 5], [height], marker="s", s=60, facecolor=fill, edgecolor=edge)
        axes.text(along + 15, height, words, size=SMALL, color=MUTED, va="center")
        along += _length(words)


@in_our_style
def fitness_over_time(journal: Readable) -> Figure:
    """The fitness of the best program on the tasks of the search, and on those for selection, over births and seconds."""
    progress = Record.of(journal).progress
    if not len(progress):
        return note_figure("No batch has been recorded, so there is nothing to plot.")
    figure = new_figure(9.4, 3.4)
    left, right = figure.subplots(1, 2, sharey=True)
    figure.subplots_adjust(left=0.075, right=0.985, top=0.9, bottom=0.14, wspace=0.06)
    searched = np.array([max(row) for row in progress["best_fitness"]])
    lines = (
        ("on the tasks of the search", searched, BLUE),
        ("on the tasks for selection", progress["best_score"], VERMILION),
    )
    for axes, times, name in ((left, "evaluations", "programs born"), (right, "elapsed", "seconds")):
        for label, values, colour in lines:
            axes.step(progress[times], np.maximum(values, 0.0), where="post", lw=1.8, color=colour, label=label)
        axes.set_xlabel(name)
    left.set(ylabel="fitness of the best program")
    right.tick_params(axis="y", which="both", length=0)
    figure.legend(*left.get_legend_handles_labels(), loc="upper left", ncols=2, bbox_to_anchor=(0.06, 1.02))
    return figure
