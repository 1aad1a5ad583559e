"""Where the boxes and lines of a small directed acyclic graph go: layered drawing after Sugiyama et al. (1981).

Layers follow one another *along* the direction of flow; within a layer, nodes lie side by side *across* it. Lines that
pass a layer get a place of their own in it, so that no line crosses a box.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

import networkx as nx
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

Node: TypeAlias = Hashable
Point: TypeAlias = tuple[float, float]

SWEEPS = 12
LANE = 10.0  # room for a line that passes a layer, in points


@dataclass(frozen=True)
class Layout:
    """Centres of the nodes, corner points of the edges, and the extent, all in points as (along, across)."""

    places: Mapping[Node, Point]
    routes: Mapping[tuple[Node, Node], list[Point]]
    length: float
    breadth: float


def layers_of(graph: nx.DiGraph) -> dict[Node, int]:
    """Return each node's layer: the number of edges on the longest path to it."""
    layers: dict[Node, int] = {}
    for node in nx.lexicographical_topological_sort(graph, key=str):
        layers[node] = 1 + max((layers[source] for source in graph.predecessors(node)), default=-1)
    return layers


def layered(
    graph: nx.DiGraph, layers: Mapping[Node, int], sizes: Mapping[Node, Point], gap_along: float, gap_across: float
) -> Layout:
    """Lay out ``graph``; every edge must lead to a later layer.

    sizes: (along, across) of each node's box, in points; boxes of a layer should be equally long.
    """
    proper, levels, chains = _without_long_edges(graph, layers)
    breadths = {node: sizes[node][1] if node in sizes else LANE for node in proper}
    rows = _ordered(proper, levels)
    across = _placed(proper, rows, breadths, gap_across)
    lengths = [max((sizes[node][0] for node in row if node in sizes), default=0.0) for row in rows]
    starts = [sum(lengths[:at]) + gap_along * at for at in range(len(rows))]
    lowest = min(across[node] - breadths[node] / 2 for node in proper)
    highest = max(across[node] + breadths[node] / 2 for node in proper)
    places = {node: (starts[layers[node]] + lengths[layers[node]] / 2, across[node] - lowest) for node in graph}
    routes: dict[tuple[Node, Node], list[Point]] = {}
    for (source, target), chain in chains.items():
        points = [(places[source][0] + sizes[source][0] / 2, places[source][1])]
        for lane in chain:
            begin, length = starts[levels[lane]], lengths[levels[lane]]
            points += [(begin, across[lane] - lowest), (begin + length, across[lane] - lowest)]
        routes[source, target] = [*points, (places[target][0] - sizes[target][0] / 2, places[target][1])]
    return Layout(places, routes, starts[-1] + lengths[-1], highest - lowest)


def _without_long_edges(
    graph: nx.DiGraph, layers: Mapping[Node, int]
) -> tuple[nx.DiGraph, dict[Node, int], dict[tuple[Node, Node], list[Node]]]:
    """Split edges over several layers by a lane in each layer between; return graph, layers and lanes of each edge."""
    proper = nx.DiGraph()
    proper.add_nodes_from(graph)
    levels: dict[Node, int] = dict(layers)
    chains: dict[tuple[Node, Node], list[Node]] = {}
    for source, target in graph.edges:
        lanes: list[Node] = [("lane", source, target, level) for level in range(layers[source] + 1, layers[target])]
        levels.update({lane: layers[source] + 1 + at for at, lane in enumerate(lanes)})
        nx.add_path(proper, [source, *lanes, target])
        chains[source, target] = lanes
    return proper, levels, chains


def _ordered(graph: nx.DiGraph, levels: Mapping[Node, int]) -> list[list[Node]]:
    """Order each layer by the mean place of its neighbours, to and fro, and keep the order with fewest crossings."""
    rows: list[list[Node]] = [[] for _ in range(max(levels.values()) + 1)]
    for node in graph:
        rows[levels[node]].append(node)
    best, fewest = [list(row) for row in rows], _crossings(graph, rows)
    for sweep in range(SWEEPS):
        forth = sweep % 2 == 0
        neighbours = graph.pred if forth else graph.succ
        for at in range(1, len(rows)) if forth else range(len(rows) - 2, -1, -1):
            beside = {node: place for place, node in enumerate(rows[at - 1 if forth else at + 1])}
            now = {node: float(place) for place, node in enumerate(rows[at])}
            rows[at].sort(key=lambda node: _mean([beside[one] for one in neighbours[node]], now[node]))
        crossings = _crossings(graph, rows)
        if crossings < fewest:
            best, fewest = [list(row) for row in rows], crossings
    return best


def _crossings(graph: nx.DiGraph, rows: Sequence[Sequence[Node]]) -> int:
    place = {node: at for row in rows for at, node in enumerate(row)}
    count = 0
    for row in rows:
        edges = [(place[source], place[target]) for source in row for target in graph.succ[source]]
        count += sum((a - c) * (b - d) < 0 for at, (a, b) in enumerate(edges) for c, d in edges[:at])
    return count


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _placed(
    graph: nx.DiGraph, rows: Sequence[Sequence[Node]], breadths: Mapping[Node, float], gap: float
) -> dict[Node, float]:
    """Place nodes across: near their neighbours, in order, never touching, unbranched runs in a straight line."""
    across: dict[Node, float] = {}
    apart = [[(breadths[a] + breadths[b]) / 2 + gap for a, b in pairwise(row)] for row in rows]
    for row, distances in zip(rows, apart, strict=True):
        across.update(zip(row, spread([0.0] * len(row), distances), strict=True))
    run_of = _straight_runs(graph)
    outside = {
        node: [one for member in run for one in nx.all_neighbors(graph, member) if one not in run]
        for node, run in run_of.items()
    }
    for sweep in range(2 * SWEEPS):
        order = range(len(rows)) if sweep % 2 == 0 else range(len(rows) - 1, -1, -1)
        settling = sweep >= 2 * SWEEPS - 4  # the last sweeps only draw runs straight
        for at in order:
            near = run_of if settling else outside
            wanted = [_mean([across[one] for one in near[node]], across[node]) for node in rows[at]]
            across.update(zip(rows[at], spread(wanted, apart[at]), strict=True))
    return across


def _straight_runs(graph: nx.DiGraph) -> dict[Node, list[Node]]:
    """Return, for each node, the run it belongs to: nodes that follow one another without a fork or a join."""
    links = nx.Graph()
    links.add_nodes_from(graph)
    links.add_edges_from((a, b) for a, b in graph.edges if graph.out_degree(a) == 1 and graph.in_degree(b) == 1)
    order = {node: at for at, node in enumerate(graph)}  # sets of texts have an order of their own in every process
    runs = [sorted(run, key=order.__getitem__) for run in nx.connected_components(links)]
    return {node: run for run in runs for node in run}


def spread(wanted: Sequence[float], apart: Sequence[float]) -> list[float]:
    """Return the places nearest to ``wanted`` (least squares) that keep its order and these distances.

    wanted: n places. apart: n - 1 least distances between neighbours. Pools adjacent violators (Ayer et al. 1955).
    """
    if not len(wanted):
        return []
    offsets = np.concatenate([[0.0], np.cumsum(apart)])
    blocks: list[tuple[float, int]] = []  # mean and size of each run of places that touch
    for value in np.asarray(wanted, float) - offsets:
        blocks.append((float(value), 1))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (mean_a, size_a), (mean_b, size_b) = blocks[-2:]
            blocks[-2:] = [((mean_a * size_a + mean_b * size_b) / (size_a + size_b), size_a + size_b)]
    flat = [mean for mean, size in blocks for _ in range(size)]
    return [place + float(offset) for place, offset in zip(flat, offsets, strict=True)]
