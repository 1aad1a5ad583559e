"""A formula as a graph in which equal parts are one."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

from evoml.genomes.expression.operations import Operation
from evoml.genomes.expression.population import Formula
from evoml.genomes.expression.text import column_name

if TYPE_CHECKING:
    import networkx as nx


def graph(formula: Formula, names: Sequence[str] | None = None) -> nx.DiGraph:
    """Return a formula as a directed acyclic graph from its leaves to its root; equal parts are one node.

    Nodes are numbers, operands before what reads them, the root last. Attributes: ``kind`` ("column", "constant" or
    "operation") and ``label``, further ``column``, ``value`` or ``operation`` (an Operation). Edges hold ``positions``: which
    operands of the operation the part is.
    """
    import networkx as nx

    made = nx.DiGraph()
    known: dict[Hashable, int] = {}

    def node(key: Hashable, **facts: Any) -> int:
        if key not in known:
            known[key] = len(known)
            made.add_node(known[key], **facts)
        return known[key]

    def operation(one: Operation, operands: Sequence[int]) -> int:
        named = sorted(operands) if one.commutative else operands
        found = node((one.name, *named), kind="operation", label=one.name, operation=one)
        for operand in operands:
            positions = tuple(at for at, other in enumerate(operands) if other == operand)
            if not made.has_edge(operand, found):
                made.add_edge(operand, found, positions=positions)
        return found

    formula.fold(
        lambda value: node(("constant", value.hex()), kind="constant", label=repr(value), value=value),
        lambda column: node(("column", column), kind="column", label=column_name(column, names), column=column),
        operation,
    )
    return made
