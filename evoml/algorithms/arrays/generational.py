"""Classic genetic programming over arrays: tournaments on one number; offspring replace their parents or join them."""

from __future__ import annotations

from typing import Any

import numpy as np

from evoml.algorithms.arrays.base import ArrayAlgorithm


class Generational(ArrayAlgorithm):
    """Offspring replace their parents but for a few elites (Koza 1992).

    Parameters
    ----------
    parsimony : float
        Error that one unit of complexity is worth.
    elites : int
        Old members that may stay.
    """

    def __init__(self, *arguments: Any, parsimony: float = 0.0, elites: int = 1, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.parsimony, self.elites = parsimony, elites

    def _best_first(self, objectives: np.ndarray, ages: np.ndarray, newborn: np.ndarray) -> np.ndarray:
        order = self._ordered(objectives)
        old = order[~newborn[order]]
        vacant = max(self.elites, self.population_size - int(newborn.sum()))  # where duplicates went, the old ones stay
        staying = newborn.copy()
        staying[old[:vacant]] = True
        return np.asarray(order[staying[order]])

    def _ordered(self, objectives: np.ndarray) -> np.ndarray:
        return np.lexsort((objectives[:, 1], objectives[:, 0] + self.parsimony * objectives[:, 1]))


class MuPlusLambda(Generational):
    """Parents and offspring compete for the same places, by one number."""

    def _best_first(self, objectives: np.ndarray, ages: np.ndarray, newborn: np.ndarray) -> np.ndarray:
        return self._ordered(objectives)
