"""Classic genetic programming: tournaments on one number; offspring replace their parents (Koza 1992), or join them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evoml.algorithms.schemes.base import Pool, Scheme


@dataclass(frozen=True)
class MuPlusLambda(Scheme):
    """Parents and offspring compete for the same places, by one number (Beyer and Schwefel 2002).

    Parameters
    ----------
    tournament_size : int
        Entrants of each tournament for a parent.
    parsimony : float
        Error that one unit of complexity, the second objective, is worth.
    """

    parsimony: float = 0.0

    def survivors(self, pool: Pool, places: int) -> np.ndarray:
        return self._ordered(pool)[:places]

    def _ordered(self, pool: Pool) -> np.ndarray:
        error, *others = pool.objectives.T
        if not others:
            return np.argsort(error, kind="stable")
        return np.lexsort((others[0], error + self.parsimony * others[0]))


@dataclass(frozen=True)
class Generational(MuPlusLambda):
    """Offspring replace their parents but for a few elites.

    Parameters
    ----------
    tournament_size, parsimony
        As for :class:`MuPlusLambda`.
    elites : int
        Old members that may stay.
    """

    elites: int = 1

    def survivors(self, pool: Pool, places: int) -> np.ndarray:
        order, newborn = self._ordered(pool), pool.newborn
        old = order[~newborn[order]]
        vacant = max(self.elites, places - int(newborn.sum()))  # where duplicates went, the old ones stay
        staying = newborn.copy()
        staying[old[:vacant]] = True
        return np.asarray(order[staying[order]])[:places]
