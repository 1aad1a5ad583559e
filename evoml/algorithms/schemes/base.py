"""What an algorithm decides, whatever evolves: who survives and who becomes a parent, as functions over arrays.

A scheme holds the paper; :mod:`evoml.algorithms.base` runs it over candidates that come one by one,
:mod:`evoml.algorithms.arrays` over thousands at a time. To make your own, subclass :class:`Scheme` and say who survives.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from evoml.algorithms.checks import check_at_least
from evoml.core.threads import Threads


class Pool(Protocol):
    """Individuals that compete for places, or the members of a population, as arrays of n rows.

    Attributes
    ----------
    objectives : (n, m) float64 array
        All minimised; the first is the error.
    ages : (n,) array
        Generations since the oldest ancestor of each was sampled.
    births : (n,) int64 array
        Order in which they came; who came later has more.
    newborn : (n,) bool array
        Who is of the generation just told.
    precedence : (n,) int64 array
        Who goes first between equals: the lower.
    cases : (n, k) array or None
        Error on each of k cases, for schemes that need them.
    niches : (n,) int64 array or None
        Equal for those that share a cell of the archive, for schemes with descriptors.
    threads : Threads
        Among which a scheme may divide its work.
    """

    def __len__(self) -> int: ...
    @property
    def objectives(self) -> np.ndarray: ...
    @property
    def ages(self) -> np.ndarray: ...
    @property
    def births(self) -> np.ndarray: ...
    @property
    def newborn(self) -> np.ndarray: ...
    @property
    def precedence(self) -> np.ndarray: ...
    @property
    def cases(self) -> np.ndarray | None: ...
    @property
    def niches(self) -> np.ndarray | None: ...
    @property
    def threads(self) -> Threads: ...

    def ranked(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the number of the front and the crowding distance of each of n rows of values, all minimised."""
        ...


class Draws(Protocol):
    """The randomness of a choice of parents.

    Attributes
    ----------
    shape : (int, int)
        Offspring, and parents of each.
    key : uint64
        For what draws by itself, as kernels do.
    """

    @property
    def shape(self) -> tuple[int, int]: ...
    @property
    def key(self) -> np.uint64: ...

    def integers(self, high: int, size: int) -> np.ndarray:
        """Return (offspring, parents, size) whole numbers from 0 to ``high`` - 1; at most once for the same draws."""
        ...


@dataclass(frozen=True)
class Scheme(ABC):
    """The decisions of an evolutionary algorithm; its settings are its fields.

    Parameters
    ----------
    tournament_size : int
        Entrants of each tournament for a parent. Raises SettingError below 1.
    """

    tournament_size: int = 2

    #: Whether each candidate enters the population as soon as it is told; else a generation is a barrier.
    asynchronous: ClassVar[bool] = False
    #: Whether individuals of the same meaning hold one place between them.
    distinct: ClassVar[bool] = True
    #: Whether ``Pool.cases`` must be there.
    needs_cases: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_at_least(1, tournament_size=self.tournament_size)

    @abstractmethod
    def survivors(self, pool: Pool, places: int) -> np.ndarray:
        """Return the indices of those that survive, best first; ``places`` is the size of the population."""

    def standing(self, members: Pool) -> Any:
        """Return what the choice of parents needs of the members, found once for a population: numbers, the lower the better.

        Members are in the order in which they survived, best first; where candidates enter at once, in the order of coming.
        """
        return np.arange(len(members))

    def parents(self, members: Pool, standing: Any, draws: Draws) -> np.ndarray:
        """Return (offspring, parents) indices of parents, each the winner of a tournament; between equals the first drawn."""
        size = min(self.tournament_size, len(members))
        entrants = draws.integers(len(members), size).reshape(-1, size)
        winners = standing[entrants].argmin(axis=1)
        return np.asarray(entrants[np.arange(len(entrants)), winners].reshape(draws.shape))

    def newcomers(self, size: int) -> int:
        """Return how many of a generation of ``size`` are sampled rather than bred."""
        return 0

    def brood(self, population_size: int) -> int:
        """Return the number of offspring in a generation, where they come by the thousand."""
        return population_size


def best_first(pool: Pool, *grades: np.ndarray) -> np.ndarray:
    """Return indices by the first of ``grades``, the lower the better, then by the next ones, then by precedence."""
    return np.lexsort((pool.precedence, *grades[::-1]))
