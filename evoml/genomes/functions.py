"""A kind of genome made of plain functions: what somebody with a problem of their own has to write down."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from inspect import signature
from typing import TYPE_CHECKING, Any

from evoml.core.errors import SearchSpaceError

if TYPE_CHECKING:
    import numpy as np

    from evoml.core.candidate import Trial


@dataclass(frozen=True)
class FunctionSpace:
    """Genomes of any kind, by functions that draw one, change it and read it back from its text.

    Attributes
    ----------
    random : callable
        Returns a genome drawn with the NumPy generator it is given: ``random(rng)``.
    variations : mapping of name to callable
        Operators. Each takes its parents and a generator, ``flip(genome, rng)`` or ``cross(first, second, rng)``, and returns
        an offspring; parents stay as they are.
    parse : callable, default=ast.literal_eval
        Returns the genome of a text that ``str`` made. The default reads tuples, lists, numbers and mappings of these.
    complexity : callable, default=len
        Size of a genome, the objective ``"complexity"``.
    key : callable, default=str
        A text that genomes of the same meaning share: of these only the first is evaluated.
    initial : sequence of genomes, default=()
        Where evolution starts, before genomes drawn at random.

    Examples
    --------
    >>> from evoml.core import stream
    >>> space = FunctionSpace(
    ...     random=lambda rng: tuple(rng.integers(2, size=4).tolist()),
    ...     variations={"reverse": lambda bits, rng: bits[::-1]},
    ...     initial=[(0, 0, 1, 1)],
    ... )
    >>> space.vary(["reverse"], [space.sample([0], [stream(0)])], [stream(1)])
    [(1, 1, 0, 0)]
    """

    random: Callable[[np.random.Generator], Any]
    variations: Mapping[str, Callable[..., Any]]
    parse: Callable[[str], Any] = ast.literal_eval
    complexity: Callable[[Any], float] = len
    key: Callable[[Any], str] = str
    initial: Sequence[Any] = ()

    @cached_property
    def operators(self) -> Mapping[str, int]:
        """Name of each operator, and the number of parents it takes. Raises SearchSpaceError for a function that takes none."""
        return {name: parents_of(name, variation) for name, variation in self.variations.items()}

    def sample(self, positions: Sequence[int], streams: Sequence[np.random.Generator]) -> list[Any]:
        """Return first genomes: the initial ones at the first positions, then those drawn at random."""
        return [
            self.initial[position] if position < len(self.initial) else self.random(rng)
            for position, rng in zip(positions, streams, strict=True)
        ]

    def vary(
        self,
        operators: Sequence[str],
        parents: Sequence[Sequence[Any]],
        streams: Sequence[np.random.Generator],
        trials: Sequence[Trial] = (),
    ) -> list[Any]:
        """Return one offspring for each operator, its parents and its random stream."""
        return [
            self.variations[operator](*mating, rng)
            for operator, mating, rng in zip(operators, parents, streams, strict=True)
        ]


def parents_of(name: str, variation: Callable[..., Any]) -> int:
    """Return how many parents an operator takes: all its arguments without defaults but the last one, the generator.

    Raises SearchSpaceError for one that takes no parent.
    """
    arguments = [one for one in signature(variation).parameters.values() if one.default is one.empty]
    if len(arguments) < 2 or any(one.kind not in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD) for one in arguments):
        found = f"{name}{signature(variation)}"
        raise SearchSpaceError(
            f"an operator takes its parents one by one and then a generator, such as {name}(genome, rng), got {found}"
        )
    return len(arguments) - 1
