"""MAP-Elites: an archive of cells by what individuals are like, each with the best of its kind (Mouret and Clune 2015)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from evoml.algorithms.schemes.base import Draws, Pool, Scheme, best_first


@dataclass(frozen=True)
class MapElites(Scheme):
    """The best of each niche by the first objective survives; parents are drawn evenly from the archive.

    Parameters
    ----------
    tournament_size
        Is not used: parents are drawn evenly.
    descriptors : tuple
        What spans the archive, by name: ``"size"``, ``"cost"``, ``"family"``; or functions ``(outcome, space)`` that return a
        number or a text. Numbers are binned, two bins to each doubling.
    capacity : int
        Niches at most; of more, those with the best elites stay.
    """

    descriptors: tuple[Any, ...] = ("size", "family")
    capacity: int = 2000

    asynchronous: ClassVar[bool] = True
    distinct: ClassVar[bool] = False

    def survivors(self, pool: Pool, places: int) -> np.ndarray:
        order = best_first(pool, pool.objectives[:, 0], *pool.objectives[:, 1:].T)
        _, first = np.unique(np.asarray(pool.niches)[order], return_index=True)
        return order[np.sort(first)][: self.capacity]

    def parents(self, members: Pool, standing: Any, draws: Draws) -> np.ndarray:
        return draws.integers(len(members), 1)[..., 0]
