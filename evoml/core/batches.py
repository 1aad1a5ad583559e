"""What travels round the loop where genomes come by the thousand, as arrays: a generation is asked, its measures are told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    import numpy as np

G = TypeVar("G", bound="Genomes")


class Genomes(Protocol):
    """Any number of genomes of one kind, held as arrays whose first axis counts the genomes."""

    def __len__(self) -> int: ...

    def take(self: G, indices: np.ndarray) -> G:
        """Return the genomes at ``indices``, in that order."""
        ...


class ArraySpace(Protocol):
    """A kind of genome that is sampled and varied by the thousand. Each genome depends on its own key alone."""

    def sample(self, keys: np.ndarray) -> Any:
        """Return one first genome for each key."""
        ...

    def vary(self, genomes: Any, parents: np.ndarray, keys: np.ndarray) -> Any:
        """Return one offspring for each row of ``parents`` (n, 2), indices into ``genomes``, and its key."""
        ...

    def joined(self, parts: Sequence[Any]) -> Any:
        """Return the genomes of all parts, one after another."""
        ...

    def arrays(self, genomes: Any) -> Mapping[str, np.ndarray]:
        """Return the arrays that genomes consist of, by name."""
        ...

    def restored(self, arrays: Mapping[str, np.ndarray]) -> Any:
        """Return the genomes that :meth:`arrays` gave."""
        ...


@dataclass(frozen=True, eq=False)
class Offspring:
    """A generation that is asked.

    Attributes
    ----------
    genomes : Genomes
        n genomes.
    keys : (n,) uint64 array
        Randomness that belongs to each; its evaluation may draw from it too.
    ages : (n,) int32 array
        Generations since the oldest ancestor of each was sampled.
    share : float
        Of the rows, on which they are to be judged.
    """

    genomes: Any
    keys: np.ndarray
    ages: np.ndarray
    share: float = 1.0

    def __len__(self) -> int:
        return len(self.keys)


@dataclass(frozen=True, eq=False)
class Measured:
    """What became of a generation, in the order asked.

    Attributes
    ----------
    genomes : Genomes
        The genomes as they are after evaluation, which may have tuned their constants.
    objectives : (n, m) float64 array
        All minimised; the first is the error, the second the complexity. inf where a genome cannot be scored.
    meanings : (n,) uint64 array
        Genomes that do the same share it.
    cases : (n, k) float32 array or None
        Error on each of k cases, for algorithms that select by them.
    """

    genomes: Any
    objectives: np.ndarray
    meanings: np.ndarray
    cases: np.ndarray | None = None

    def take(self, indices: np.ndarray) -> Measured:
        """Return the measures at ``indices``, in that order."""
        cases = None if self.cases is None else self.cases[indices]
        return Measured(self.genomes.take(indices), self.objectives[indices], self.meanings[indices], cases)
