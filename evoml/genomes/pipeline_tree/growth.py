"""Random trees: grown from the root to a given depth in steps, every draw from the stream that is passed in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deap import gp

from evoml.genomes.pipeline_tree.grammar import Grammar, data_arguments
from evoml.genomes.pipeline_tree.term import PASSTHROUGH, STACK, UNION
from evoml.genomes.pipeline_tree.tree import PipelineTree
from evoml.genomes.pipeline_tree.types import Model

if TYPE_CHECKING:
    import numpy as np

INPUT_SHARE = 0.4  # how often a branch ends in the input although it could go on
_KIND_SHARE = {UNION: 0.5, STACK: 0.35, PASSTHROUGH: 0.1, "wrapper": 0.3}  # beside 1.0 for each other kind of part


def grow(grammar: Grammar, rng: np.random.Generator, max_steps: int) -> PipelineTree:
    """Return a random tree at most ``max_steps`` steps deep (Koza 1992, section 6.2, 'grow', with types)."""
    return PipelineTree(branch(grammar, rng, Model, max(max_steps, grammar.min_steps[Model])))


def ramped(grammar: Grammar, rng: np.random.Generator, max_steps: int) -> PipelineTree:
    """Return a random tree of a depth drawn evenly from the least possible to ``max_steps`` (Koza's ramped growth)."""
    least = grammar.min_steps[Model]
    return grow(grammar, rng, int(rng.integers(least, max(max_steps, least) + 1)))


def branch(grammar: Grammar, rng: np.random.Generator, needed: type, steps: int) -> list[Any]:
    """Return the nodes of a random subtree that gives ``needed`` data and is at most ``steps`` steps deep."""
    writable = grammar.writable(needed, steps)
    if issubclass(grammar.input_type, needed) and (not writable or rng.random() < INPUT_SHARE):
        return [grammar.features]
    primitive = pick(grammar, rng, writable)
    nodes = [primitive]
    for need in data_arguments(primitive):
        nodes += branch(grammar, rng, need, steps - 1)
    return nodes + grammar.values_at_random(primitive, rng)


def pick(grammar: Grammar, rng: np.random.Generator, primitives: list[gp.Primitive]) -> gp.Primitive:
    """Return one of ``primitives``: first a kind of step, then one of that kind, cheap ones more often."""
    kinds: dict[str, list[gp.Primitive]] = {}
    for primitive in primitives:
        part = grammar.catalogue.get(primitive.name)
        kinds.setdefault(part.kind if part else primitive.name.split("_")[0], []).append(primitive)
    names = list(kinds)
    shares = [_KIND_SHARE.get(name, 1.0) * max(map(grammar.liking, kinds[name])) for name in names]
    group = kinds[names[weighted(rng, shares)]]
    return group[weighted(rng, [grammar.frequency(primitive) for primitive in group])]


def weighted(rng: np.random.Generator, weights: list[float]) -> int:
    """Return an index drawn in proportion to ``weights``."""
    total = sum(weights)
    left = rng.random() * total
    for index, weight in enumerate(weights):
        left -= weight
        if left < 0:
            return index
    return len(weights) - 1
