"""What flows where in a program: a graph of its instructions, across examples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from evoml.genomes.program.program import Instruction, Program
from evoml.kernels.program_codes import COMPONENTS

if TYPE_CHECKING:
    import networkx as nx

FEATURES, LABEL, PREDICTION = "features", "label", "prediction"
_Sources = frozenset[tuple[Any, bool]]  # what may have written an address: the node, and whether for an earlier example
_Memory = Mapping[str, _Sources]


def graph(program: Program) -> nx.DiGraph:
    """Return the data flow of a program.

    Nodes are ``"features"``, ``"label"``, ``"prediction"``, and (component, position) for each instruction, with attributes
    ``kind`` ("input", "output" or "instruction"), ``label``, ``instruction`` and ``live``: whether it reaches the prediction of
    any example. Edges go from what writes an address to what reads it, with ``address`` and ``later``: whether the reader may
    see it at a later example only.
    """
    import networkx as nx

    made = nx.DiGraph()
    for name, kind in ((FEATURES, "input"), (LABEL, "input"), (PREDICTION, "output")):
        made.add_node(name, kind=kind, label=name)
    for component, instructions in zip(COMPONENTS, program.components, strict=True):
        for position, one in enumerate(instructions):
            made.add_node((component, position), kind="instruction", label=str(one), instruction=one)
    _connect(program, made)
    reaching = nx.ancestors(made, PREDICTION) | {PREDICTION}
    for node in made:
        made.nodes[node]["live"] = node in reaching
    return made


def _connect(program: Program, made: nx.DiGraph) -> None:
    """Add the edges: follow memory from example to example until nothing new comes."""
    after_setup = _follow("setup", program.setup, {}, made)
    before_predict = after_setup
    while True:
        after_predict = _follow("predict", program.predict, _given(before_predict, label=False), made)
        for source in after_predict.get("s1", ()):
            _edge(made, source, PREDICTION, "s1")
        after_learn = _follow("learn", program.learn, _given(after_predict, label=True), made)
        met = _met(before_predict, _later(after_predict), _later(after_learn))
        if met == before_predict:
            return
        before_predict = met


def _given(memory: _Memory, label: bool) -> _Memory:
    sources: _Sources = frozenset({(LABEL, False)}) if label else frozenset()
    return {**memory, "v0": frozenset({(FEATURES, False)}), "s0": sources}


def _later(memory: _Memory) -> _Memory:
    return {address: frozenset((node, True) for node, _ in sources) for address, sources in memory.items()}


def _met(*memories: _Memory) -> _Memory:
    addresses = sorted({address for memory in memories for address in memory})
    return {address: frozenset().union(*(memory.get(address, ()) for memory in memories)) for address in addresses}


def _follow(component: str, instructions: tuple[Instruction, ...], memory: _Memory, made: nx.DiGraph) -> _Memory:
    """Add edges to the instructions of a component; return who may have written what after it."""
    now = dict(memory)
    for position, one in enumerate(instructions):
        node = (component, position)
        for address in one.reads:
            for source in now.get(address, ()):
                _edge(made, source, node, address)
        if one.writes:
            others = now.get(one.writes, frozenset()) if one.operation.entry else frozenset()
            now[one.writes] = others | {(node, False)}
    return now


def _edge(made: nx.DiGraph, source: tuple[Any, bool], target: Any, address: str) -> None:
    node, later = source
    later = later and (not made.has_edge(node, target) or made.edges[node, target]["later"])
    made.add_edge(node, target, address=address, later=later)
