"""The graph of descent, read from a journal's table of individuals."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import networkx as nx
    import pandas as pd


def lineage(individuals: pd.DataFrame) -> nx.DiGraph:
    """Return the NetworkX graph of descent of ``individuals`` (one row a candidate, indexed by id).

    An edge leads from each parent to its child and carries the operator that made the child; each node carries
    ``text, operator, generation, status`` and ``scores``.
    """
    import networkx as nx

    graph = nx.DiGraph()
    facts = individuals[["text", "operator", "generation", "status", "scores"]]
    graph.add_nodes_from((int(index), row) for index, row in zip(facts.index, facts.to_dict("records"), strict=True))
    for child, row in individuals[["parents", "operator"]].iterrows():
        graph.add_edges_from((parent, child, {"operator": row["operator"]}) for parent in row["parents"])
    return graph


def ancestry(graph: nx.DiGraph, candidate: int) -> nx.DiGraph:
    """Return the part of a lineage that leads to ``candidate``: itself and all its ancestors."""
    import networkx as nx

    return graph.subgraph(nx.ancestors(graph, candidate) | {candidate}).copy()
