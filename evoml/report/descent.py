"""Which ancestors of a candidate to show, and what to say of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import networkx as nx

from evoml.core.errors import JournalError
from evoml.journal.lineage import ancestry, lineage
from evoml.report.layout import Node
from evoml.report.pipelines import model_name, readable_pipeline, shortened
from evoml.report.tables import score_text

if TYPE_CHECKING:
    from evoml.report.record import Record

MOST_ANCESTORS = 14
WIDEST_LAYER = 4
LONGEST_LINE = 12
TEXT_WIDTH = 84  # characters of a pipeline's text shown in a line of descent


@dataclass(frozen=True)
class Descent:
    """The part of a lineage to draw.

    graph: descends layer by layer to ``candidate``. rows: words for each layer. names, facts, made_by, texts: words
    for each node (texts only where there is room). note: what was left out, empty for nothing.
    """

    candidate: int
    graph: nx.DiGraph
    layers: dict[Node, int]
    rows: list[str]
    names: dict[int, str]
    facts: dict[int, str]
    made_by: dict[int, str]
    texts: dict[int, str]
    note: str = ""


def descent_of(record: Record, candidate: int) -> Descent:
    """Return what to draw of a candidate's descent. Raises JournalError if the journal has no such candidate."""
    if candidate not in record.individuals.index:
        raise JournalError(f"the journal has no candidate {candidate}; ids go from 0 to {len(record.individuals) - 1}")
    whole = ancestry(lineage(record.individuals), candidate)
    scores = {node: record.score_of(facts["scores"]) for node, facts in whole.nodes.items()}
    layers = _layers(whole)
    widest = max(list(layers.values()).count(layer) for layer in layers.values())
    skipped: dict[int, int] = {}
    note = ""
    if len(whole) <= MOST_ANCESTORS + 1 and widest <= WIDEST_LAYER:
        graph = whole
    else:
        graph, skipped, note = _improving_line(whole, candidate, scores)
        layers = _layers(graph)
    is_line = len(set(layers.values())) == len(graph)
    return Descent(
        candidate,
        graph,
        layers,
        [_row_words(graph, layers, layer) for layer in range(len(set(layers.values())))],
        {node: model_name(facts["text"]) for node, facts in graph.nodes.items()},
        {node: _facts(graph, node, scores) for node in graph},
        {node: _made_by(graph, node, skipped.get(node, 0)) for node in graph},
        {n: shortened(readable_pipeline(f["text"]), TEXT_WIDTH) for n, f in graph.nodes.items()} if is_line else {},
        note,
    )


def _layers(graph: nx.DiGraph) -> dict[Node, int]:
    """Return each node's layer: by generation, and below its parents also where they are of one generation."""
    generations = sorted({facts["generation"] for facts in graph.nodes.values()})
    layers: dict[Node, int] = {}
    for node in nx.lexicographical_topological_sort(graph):
        own = generations.index(graph.nodes[node]["generation"])
        layers[node] = max([own, *(layers[parent] + 1 for parent in graph.predecessors(node))])
    used = sorted(set(layers.values()))
    return {node: used.index(layer) for node, layer in layers.items()}


def _improving_line(
    whole: nx.DiGraph, candidate: int, scores: dict[int, float | None]
) -> tuple[nx.DiGraph, dict[int, int], str]:
    """Return the line through the better parents, cut down to steps that gained; steps skipped before each; a note."""
    line = [candidate]
    while parents := list(whole.predecessors(line[-1])):
        line.append(max(parents, key=lambda parent: (_number(scores[parent]), -parent)))
    line.reverse()
    gains: dict[int, float] = {}
    best = _number(scores[line[0]])
    for node in line[1:]:
        gains[node] = max(_number(scores[node]) - best, 0.0)
        best = max(best, _number(scores[node]))
    telling = sorted((node for node in line[1:-1] if gains[node] > 0), key=lambda node: -gains[node])
    kept = {line[0], line[-1], *telling[: LONGEST_LINE - 2]}
    shown = [node for node in line if node in kept]
    graph = nx.DiGraph()
    graph.add_nodes_from((node, whole.nodes[node]) for node in shown)
    graph.add_edges_from(pairwise(shown))
    skipped = {b: line.index(b) - line.index(a) - 1 for a, b in pairwise(shown)}
    which = "the steps that raised the best score" + (" most" if len(telling) > LONGEST_LINE - 2 else "")
    note = f"{len(whole) - 1} ancestors in all. Shown: of the line through the better parents, {which}."
    return graph, skipped, note


def _number(score: float | None) -> float:
    return float("-inf") if score is None else score


def _row_words(graph: nx.DiGraph, layers: dict[Node, int], layer: int) -> str:
    generations = sorted({graph.nodes[node]["generation"] for node in layers if layers[node] == layer})
    return f"generation {_span(generations)}"


def _span(values: Sequence[int]) -> str:
    return str(values[0]) if len(values) == 1 else f"{values[0]} to {values[-1]}"


def _facts(graph: nx.DiGraph, node: int, scores: dict[int, float | None]) -> str:
    """Return the score of a node, what it gained on the best parent shown, and its id."""
    score = scores[node]
    if score is None:
        return f"no score · #{node}"
    bars = [bar for parent in graph.predecessors(node) if (bar := scores[parent]) is not None]
    gain = f" ({score - max(bars):+.4f})".replace("-", "\N{MINUS SIGN}") if bars else ""
    return f"{score_text(score)}{gain} · #{node}"


def _made_by(graph: nx.DiGraph, node: int, skipped: int) -> str:
    operator = graph.nodes[node]["operator"]
    if skipped:
        return f"{skipped} step{'s' if skipped > 1 else ''}, then {operator}"
    return str(operator)
