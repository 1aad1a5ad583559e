"""Who sends migrants to whom: topologies of islands as NetworkX graphs, an edge from each island to where its best go."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from evoml.core.errors import SettingError, nearest

if TYPE_CHECKING:
    import networkx as nx


def ring(islands: int) -> nx.DiGraph:
    """Return the graph in which each island sends to the next one."""
    import networkx as nx

    return nx.cycle_graph(islands, create_using=nx.DiGraph)


def complete(islands: int) -> nx.DiGraph:
    """Return the graph in which each island sends to all others."""
    import networkx as nx

    return nx.complete_graph(islands, create_using=nx.DiGraph)


def star(islands: int) -> nx.DiGraph:
    """Return the graph in which the first island sends to all others, and they to it."""
    import networkx as nx

    return nx.star_graph(islands - 1).to_directed()


#: Topologies by name.
TOPOLOGIES: Mapping[str, Callable[[int], nx.DiGraph]] = {"ring": ring, "complete": complete, "star": star}


def destinations(topology: Any, islands: int | None) -> tuple[tuple[int, ...], ...]:
    """Return to which islands each one sends, in the order of the graph's nodes.

    topology: a name, or a graph with a node for each island, whose edges go both ways where it has no directions; islands:
    their number, or None for as many as the graph has nodes. Raises SettingError.
    """
    if isinstance(topology, str):
        if topology not in TOPOLOGIES:
            raise SettingError(
                f"unknown topology {topology!r}{nearest(topology, TOPOLOGIES)}; there are: {', '.join(TOPOLOGIES)},"
                " or give a NetworkX graph"
            )
        topology = TOPOLOGIES[topology](4 if islands is None else islands)
    if not hasattr(topology, "adjacency"):
        raise SettingError(f"a topology is a name or a NetworkX graph, got {topology!r}")
    if islands is not None and len(topology) != islands:
        raise SettingError(f"the topology has {len(topology)} nodes for {islands} islands; give one node for each")
    if not len(topology):
        raise SettingError("the topology has no nodes; give one for each island")
    numbers = {node: number for number, node in enumerate(topology)}
    return tuple(tuple(sorted(numbers[to] for to in topology[node] if to != node)) for node in topology)
