"""The genotype: a strongly typed DEAP tree whose leaves are the input and the hyperparameters' values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from deap import gp

from evoml.genomes.pipeline_tree.term import FEATURES, Term
from evoml.genomes.pipeline_tree.types import HyperparameterType, Model


class PipelineTree(gp.PrimitiveTree):
    """A pipeline in prefix order: each primitive is a step, followed by its inputs and its hyperparameters' values.

    ``str(tree)`` is its text, which :meth:`PipelineSpace.parse <evoml.genomes.pipeline_tree.PipelineSpace.parse>`
    reads back.
    """

    def term(self) -> Term:
        """Return the tree as a nested call."""
        return _read(iter(self))

    def __str__(self) -> str:
        return str(self.term())

    def steps(self) -> list[int]:
        """Return the positions of all nodes that are steps or inputs, not values of hyperparameters."""
        return [index for index, node in enumerate(self) if not is_value(node)]

    def children(self, index: int) -> list[int]:
        """Return the positions of the arguments of the node at ``index``."""
        found, position = [], index + 1
        for _ in range(self[index].arity):
            found.append(position)
            position = self.searchSubtree(position).stop
        return found

    def slots(self) -> dict[int, Any]:
        """Return, for each node's position, the type that its place in the tree demands; of a model at the root, any model."""
        demanded: dict[int, Any] = {0: Model if issubclass(self[0].ret, Model) else self[0].ret}
        for index, node in enumerate(self):
            if node.arity:
                demanded.update(zip(self.children(index), node.args, strict=True))
        return demanded


def is_value(node: Any) -> bool:
    """Tell whether a node is the value of a hyperparameter."""
    return isinstance(node.ret, HyperparameterType)


def _read(nodes: Iterator[Any]) -> Term:
    node = next(nodes)
    if not node.arity:
        return Term(FEATURES)
    inputs, values = [], {}
    for argument in node.args:
        if isinstance(argument, HyperparameterType):
            values[argument.hyperparameter] = next(nodes).value
        else:
            inputs.append(_read(nodes))
    return Term(node.name, tuple(inputs), values)
