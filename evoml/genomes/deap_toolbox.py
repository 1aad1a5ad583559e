"""Operators of a DEAP toolbox in a space of genomes; the global random states, which DEAP draws from, stay as they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from evoml.core.random import global_states_seeded
from evoml.genomes.functions import FunctionSpace

if TYPE_CHECKING:
    import numpy as np

    from evoml.core.candidate import Trial
    from evoml.core.protocols import GenomeSpace

MATE, MUTATE = "mate", "mutate"


def toolbox_space(
    toolbox: Any,
    parse: Callable[[str], Any],
    *,
    key: Callable[[Any], str] = str,
    complexity: Callable[[Any], float] = len,
) -> FunctionSpace:
    """Return the space of a toolbox's individuals: ``toolbox.individual`` samples, ``mate`` and ``mutate`` vary.

    parse: returns the individual of a text that ``str`` made; see :class:`evoml.genomes.functions.FunctionSpace`.
    """
    return FunctionSpace(lambda rng: _seeded(rng, toolbox.individual), _variations(toolbox), parse, complexity, key)


class ToolboxSpace:
    """Any space with a toolbox's ``mate`` and ``mutate`` in place of its own operators, as far as the toolbox has them.

    An offspring that is beyond the space's limits is given up for its first parent.

    Parameters
    ----------
    space : GenomeSpace
        Whose genomes the toolbox's functions know, such as pipelines, which are trees of ``deap.gp``.
    toolbox : deap.base.Toolbox
    """

    def __init__(self, space: GenomeSpace, toolbox: Any) -> None:
        self._space, self._variations = space, _variations(toolbox)
        self.operators = {name: 2 if name == MATE else 1 for name in self._variations} or dict(space.operators)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # copies and pickles look for these before there is a space
            raise AttributeError(name)
        return getattr(self._space, name)

    def vary(
        self,
        operators: Sequence[str],
        parents: Sequence[Sequence[Any]],
        streams: Sequence[np.random.Generator],
        trials: Sequence[Trial] = (),
    ) -> list[Any]:
        """Return one offspring for each operator, its parents and its random stream."""
        if not self._variations:
            return list(self._space.vary(operators, parents, streams, trials))
        fits = getattr(self._space, "within_limits", lambda genome: True)
        found = []
        for operator, mating, rng in zip(operators, parents, streams, strict=True):
            offspring = self._variations[operator](*mating, rng)
            found.append(offspring if fits(offspring) else mating[0])
        return found


def _variations(toolbox: Any) -> dict[str, Callable[..., Any]]:
    def mate(first: Any, second: Any, rng: np.random.Generator) -> Any:
        return _seeded(rng, toolbox.mate, toolbox.clone(first), toolbox.clone(second))[0]

    def mutate(genome: Any, rng: np.random.Generator) -> Any:
        return _seeded(rng, toolbox.mutate, toolbox.clone(genome))[0]

    known: dict[str, Callable[..., Any]] = {MATE: mate, MUTATE: mutate}
    return {name: function for name, function in known.items() if hasattr(toolbox, name)}


def _seeded(rng: np.random.Generator, function: Callable[..., Any], *arguments: Any) -> Any:
    with global_states_seeded(int(rng.integers(2**63))):
        return function(*arguments)
