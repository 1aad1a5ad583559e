"""Variation of trees: each operator returns a new tree, or None where it finds nothing to work on.

All of them respect the types, so that what they write can be built; limits of size are checked by the space.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from deap import gp

from evoml.components.hyperparameters import can_change
from evoml.genomes.pipeline_tree.grammar import Grammar, data_arguments
from evoml.genomes.pipeline_tree.growth import branch, pick
from evoml.genomes.pipeline_tree.tree import PipelineTree, is_value

if TYPE_CHECKING:
    import numpy as np

Operator = Callable[[Grammar, Sequence[PipelineTree], "np.random.Generator"], "PipelineTree | None"]


def crossover(grammar: Grammar, parents: Sequence[PipelineTree], rng: np.random.Generator) -> PipelineTree | None:
    """Put a subtree of the second parent into a fitting place of the first (strongly typed, Montana 1995)."""
    first, second = parents
    slots = first.slots()
    pairs = [
        (into, taken)
        for into in first.steps()
        for taken in second.steps()
        if issubclass(second[taken].ret, slots[into]) and not (into == 0 and taken == 0)
    ]
    if not pairs:
        return None
    into, taken = pairs[rng.integers(len(pairs))]
    return _replaced(first, into, second[second.searchSubtree(taken)])


def mutate_subtree(grammar: Grammar, parents: Sequence[PipelineTree], rng: np.random.Generator) -> PipelineTree | None:
    """Grow a new subtree in a random place (Koza 1992, section 6.5.1)."""
    tree = parents[0]
    at, slots = _any(rng, tree.steps()), tree.slots()
    return _replaced(tree, at, branch(grammar, rng, slots[at], max(2, grammar.min_steps[slots[at]])))


def insert_step(grammar: Grammar, parents: Sequence[PipelineTree], rng: np.random.Generator) -> PipelineTree | None:
    """Put a new step between a step and its input; the other inputs of a union are grown."""
    tree, slots = parents[0], parents[0].slots()
    places = [
        (at, primitive)
        for at in tree.steps()
        for primitive in grammar.writable(slots[at], 3)
        if issubclass(tree[at].ret, data_arguments(primitive)[0])
    ]
    if not places:
        return None
    at = _any(rng, sorted({at for at, _ in places}))
    primitive = pick(grammar, rng, [p for place, p in places if place == at])
    nodes = [primitive, *tree[tree.searchSubtree(at)]]
    for need in data_arguments(primitive)[1:]:
        nodes += branch(grammar, rng, need, max(2, grammar.min_steps[need]))
    return _replaced(tree, at, nodes + grammar.values_at_random(primitive, rng))


def delete_step(grammar: Grammar, parents: Sequence[PipelineTree], rng: np.random.Generator) -> PipelineTree | None:
    """Put one of a step's inputs in the step's own place."""
    tree, slots = parents[0], parents[0].slots()
    places = [
        (at, child)
        for at in tree.steps()
        for child in tree.children(at)
        if not is_value(tree[child]) and issubclass(tree[child].ret, slots[at])
    ]
    if not places:
        return None
    at, child = _any(rng, places)
    return _replaced(tree, at, tree[tree.searchSubtree(child)])


def swap_step(grammar: Grammar, parents: Sequence[PipelineTree], rng: np.random.Generator) -> PipelineTree | None:
    """Put another part of the same kind in a step's place; hyperparameters of the same name keep their values."""
    tree, slots = parents[0], parents[0].slots()
    places = [(at, siblings) for at in tree.steps() if (siblings := _siblings(grammar, tree, at, slots[at]))]
    if not places:
        return None
    at, siblings = _any(rng, places)
    part, old = pick(grammar, rng, siblings), tree[at]
    inputs, values = _arguments(tree, at)
    shared = (
        {type_.hyperparameter: tree[v].value for type_, v in zip(old.args[-len(values) :], values, strict=True)}
        if values
        else {}
    )
    nodes = [part]
    for index in inputs:
        nodes += tree[tree.searchSubtree(index)]
    return _replaced(tree, at, nodes + grammar.values_at_random(part, rng, shared))


def _siblings(grammar: Grammar, tree: PipelineTree, at: int, needed: type) -> list[gp.Primitive]:
    own = grammar.catalogue.get(tree[at].name)
    if own is None:
        return []
    inputs, _ = _arguments(tree, at)
    return [
        primitive
        for primitive in grammar.primitives.primitives[needed]
        if primitive.name != own.name
        and (part := grammar.catalogue.get(primitive.name)) is not None
        and part.kind == own.kind
        and all(
            issubclass(tree[index].ret, need) for index, need in zip(inputs, data_arguments(primitive), strict=True)
        )
    ]


def perturb(grammar: Grammar, parents: Sequence[PipelineTree], rng: np.random.Generator) -> PipelineTree | None:
    """Change one active hyperparameter: a Gaussian step on its own scale, or another choice."""
    tree = parents[0]
    places = [
        index
        for at in tree.steps()
        for index in _arguments(tree, at)[1]
        if _is_active(grammar, tree, at, index) and can_change(grammar.hyperparameter(tree[index].ret))
    ]
    if not places:
        return None
    index = _any(rng, places)
    old = tree[index]
    value = grammar.hyperparameter(old.ret).perturb(old.value, rng)
    return _replaced(tree, index, [gp.Terminal(value, False, old.ret)])


def _is_active(grammar: Grammar, tree: PipelineTree, at: int, index: int) -> bool:
    values = {tree[v].ret.hyperparameter: tree[v].value for v in _arguments(tree, at)[1]}
    return tree[index].ret.hyperparameter in grammar.catalogue[tree[at].name].active(values)


def _arguments(tree: PipelineTree, at: int) -> tuple[list[int], list[int]]:
    """Return the positions of a node's inputs and of its hyperparameters' values."""
    children = tree.children(at)
    inputs = [child for child in children if not is_value(tree[child])]
    return inputs, children[len(inputs) :]


def _any(rng: np.random.Generator, places: list[Any]) -> Any:
    return places[rng.integers(len(places))]


def _replaced(tree: PipelineTree, at: int, nodes: Sequence[Any]) -> PipelineTree:
    place = tree.searchSubtree(at)
    return PipelineTree([*tree[: place.start], *nodes, *tree[place.stop :]])


#: Name of each operator, the number of parents it takes, and the operator.
OPERATORS: dict[str, tuple[int, Operator]] = {
    "crossover": (2, crossover),
    "subtree": (1, mutate_subtree),
    "insert": (1, insert_step),
    "delete": (1, delete_step),
    "swap": (1, swap_step),
    "perturb": (1, perturb),
}
