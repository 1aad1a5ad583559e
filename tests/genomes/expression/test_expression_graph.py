import networkx as nx
import numpy as np
from expression_cases import formulas, rows
from hypothesis import given, settings

from evoml.genomes.expression.graph import graph
from evoml.genomes.expression.text import read


@settings(deadline=None)
@given(formulas())
def test_the_graph_computes_what_the_formula_does(formula):
    made, table = graph(formula), rows()
    values = {}
    with np.errstate(all="ignore"):
        for node, facts in made.nodes(data=True):
            if facts["kind"] == "operation":
                operands = [None] * facts["operation"].arity
                for source, _, positions in made.in_edges(node, data="positions"):
                    for at in positions:
                        operands[at] = values[source]
                values[node] = facts["operation"].function(*operands)
            else:
                values[node] = facts["value"] if facts["kind"] == "constant" else table[facts["column"]]
    root = len(made) - 1
    np.testing.assert_array_equal(np.broadcast_to(values[root], 60), formula.evaluate(table))
    assert nx.is_directed_acyclic_graph(made)
    assert nx.ancestors(made, root) | {root} == set(made)


def test_equal_parts_are_one():
    made = graph(read("sin(x0 + x1) * sin(x1 + x0) + 2.0 * x0 + 2.0"), ["a", "b"])
    labels = sorted(made.nodes[node]["label"] for node in made)
    assert labels == ["2.0", "a", "add", "add", "add", "b", "mul", "mul", "sin"]
    squared = next(node for node in made if made.nodes[node]["label"] == "mul" and made.in_degree(node) == 1)
    assert [positions for *_, positions in made.in_edges(squared, data="positions")] == [(0, 1)]


def test_operands_that_must_not_be_exchanged_are_not():
    assert len(graph(read("(x0 - x1) * (x1 - x0)"))) == 5
    assert len(graph(read("x0 * 0.0 + x0 * -0.0"))) == 6
