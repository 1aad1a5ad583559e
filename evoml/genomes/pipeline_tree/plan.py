"""The phenotype's plan: a tree as a graph in which equal parts are one and what changes nothing is gone.

Each node of the graph is named by a canonical hash of its meaning, so that pipelines that mean the same (the two orders of a
union, a value that is not active, a step written twice) have the same plan, the same key and the same result.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from evoml.components.calls import resolve
from evoml.genomes.pipeline_tree.term import FEATURES, PASSTHROUGH, STACK, UNION, UNIONS, Term, Value, read_term

if TYPE_CHECKING:
    import networkx as nx

    from evoml.components import Catalogue
    from evoml.components.calls import Call

_WEIGHT = {"light": 1, "medium": 3, "heavy": 5}  # of a step in the complexity of a plan, by what it costs


class Plan:
    """A directed acyclic graph of steps.

    Attributes
    ----------
    graph : networkx.DiGraph
        Node attributes ``part`` (name in the catalogue, or features, union, stack) and ``values`` (active
        hyperparameters); edges lead from input to consumer, ``position`` orders a consumer's inputs.
    root : str
        The node of the model.
    """

    def __init__(self, term: Term, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self._parts: dict[str, str] = {}  # inputs before their consumers, in all three
        self._values: dict[str, dict[str, Value]] = {}
        self._inputs: dict[str, list[str]] = {}
        self.root = self._add(term)
        read = self.needed(self.root) | {self.root}
        for node in [node for node in self._parts if node not in read]:  # left over from nested unions
            del self._parts[node], self._values[node], self._inputs[node]

    @classmethod
    def from_text(cls, text: str, catalogue: Catalogue) -> Plan:
        """Return the plan of a pipeline's text. Raises SearchSpaceError if it cannot be read."""
        return cls(read_term(text), catalogue)

    @cached_property
    def graph(self) -> nx.DiGraph:
        import networkx as nx

        graph = nx.DiGraph()
        for node, part in self._parts.items():
            graph.add_node(node, part=part, values=self._values[node])
            graph.add_edges_from((source, node, {"position": at}) for at, source in enumerate(self._inputs[node]))
        return graph

    @property
    def key(self) -> str:
        """Canonical hash of the whole pipeline."""
        return self.root

    def part(self, node: str) -> str:
        """Return the name of a node's part in the catalogue, or ``"features"``, ``"union"`` or ``"stack"``."""
        return self._parts[node]

    def values(self, node: str) -> Mapping[str, Value]:
        """Return the hyperparameters of a node that have a meaning there."""
        return self._values[node]

    @property
    def nodes(self) -> Collection[str]:
        """All nodes, inputs before what reads them."""
        return self._parts.keys()

    def needed(self, node: str) -> set[str]:
        """Return all nodes that ``node`` depends on."""
        found: set[str] = set()
        unread = [node]
        while unread:
            new = [source for source in self._inputs[unread.pop()] if source not in found]
            found.update(new)
            unread += new
        return found

    def inputs(self, node: str) -> list[str]:
        """Return the nodes that ``node`` reads, in order."""
        return self._inputs[node].copy()

    def columns_of(self, node: str) -> str:
        """Return the node whose columns a step is fitted on: of a wrapper, that of the model within."""
        source = self._inputs[node][0]
        return self.columns_of(source) if self._is_wrapper(node) else source

    def _is_wrapper(self, node: str) -> bool:
        part = self.catalogue.get(self.part(node))
        return part is not None and part.around is not None

    def call(self, node: str, random_state: int, effort: float = 1.0) -> Call:
        """Return the call that makes a step that is a part, with all that it goes around."""
        model = self.call(self._inputs[node][0], random_state, effort) if self._is_wrapper(node) else None
        return self.catalogue[self.part(node)].called(self.values(node), random_state, effort, model)

    def make(self, node: str, random_state: int, effort: float = 1.0) -> Any:
        """Return the unfitted estimator of a step that is a part; ``effort`` is the share of its iterations."""
        return resolve(self.call(node, random_state, effort))

    def gives_probabilities(self, node: str) -> bool:
        """Tell whether a model has ``predict_proba``."""
        part = self.catalogue[self.part(node)]
        inner = part.kind == "wrapper" and self.gives_probabilities(self._inputs[node][0])
        return part.predict_proba or inner

    @property
    def compiled(self) -> frozenset[str]:
        """The groups of kernels that its parts need."""
        parts = (self.catalogue.get(name) for name in self._parts.values())
        return frozenset(part.compiled for part in parts if part is not None and part.compiled)

    def predicts_most_probable(self, node: str) -> bool:
        """Tell whether a model predicts the class that is most probable to it, always."""
        return self.catalogue[self.part(node)].predicts_most_probable

    def complexity(self) -> int:
        """Count what must be written down to state the pipeline: its steps, and each value that is not the default.

        A step counts once however often it is used, a dear one (an ensemble, a network) as much as three or five light
        ones; the input and inactive hyperparameters count nothing. This is the description length of the plan in tokens,
        as used for trees in genetic programming (Koza 1992, section 6), with weight for what takes more to find and use.
        """
        return sum(map(self._tokens, self._parts))

    def _tokens(self, node: str) -> int:
        name = self.part(node)
        if name == FEATURES:
            return 0
        part = self.catalogue.get(name)
        defaults = part.defaults() if part else {}
        return _WEIGHT[part.cost if part else "light"] + sum(
            value != defaults.get(key) for key, value in self.values(node).items()
        )

    def columns(self, n_features: int, n_rows: int, n_outputs: int) -> int:
        """Return the greatest number of columns any step of the plan gives; ``n_outputs`` is that of a stacked model."""
        counts: dict[str, int] = {}
        for node in self._parts:
            given = [counts[source] for source in self._inputs[node]]
            name = self.part(node)
            part = self.catalogue.get(name)
            if name == FEATURES:
                counts[node] = n_features
            elif name == STACK:
                counts[node] = n_outputs
            elif part is None or part.output is None:
                counts[node] = sum(given)
            else:
                counts[node] = part.n_columns(given[0], {**part.defaults(), **self.values(node)}, n_rows)
        return max(counts.values())

    def _add(self, term: Term) -> str:
        if term.name == PASSTHROUGH:
            return self._add(term.inputs[0])
        if term.name in UNIONS:
            return self._add_union(term)
        inputs = [self._add(child) for child in term.inputs]
        return self._add_node(term.name, self._active(term), inputs)

    def _add_union(self, term: Term) -> str:
        """Add a union: nested ones are one, inputs are a sorted set, and a union of one input is that input."""
        inputs: set[str] = set()
        for child in term.inputs:
            node = self._add(child)
            inputs.update(self.inputs(node) if self.part(node) == UNION else [node])
        if len(inputs) == 1:
            return inputs.pop()
        return self._add_node(UNION, {}, sorted(inputs))

    def _active(self, term: Term) -> Mapping[str, Value]:
        part = self.catalogue.get(term.name)
        return part.active({**part.defaults(), **term.values}) if part else dict(term.values)

    def _add_node(self, part: str, values: Mapping[str, Value], inputs: list[str]) -> str:
        node = _digest([part, sorted(values.items()), inputs])
        if node not in self._parts:
            self._parts[node], self._values[node], self._inputs[node] = part, dict(values), inputs
        return node


def _digest(content: Any) -> str:
    return hashlib.blake2b(json.dumps(content).encode(), digest_size=16).hexdigest()
