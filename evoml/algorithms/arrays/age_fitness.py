"""Age-fitness Pareto optimisation over arrays (Schmidt and Lipson 2010)."""

from __future__ import annotations

from typing import Any

import numpy as np

from evoml.algorithms.arrays.nsga2 import ArrayNSGA2, graded
from evoml.kernels.dominance import survivors


class AgeFitness(ArrayNSGA2):
    """Age is one more objective, and some of each generation are new: they need only beat those as young as they are.

    In the paper parents are drawn at random, which is a tournament of one; here tournaments are by front, as in NSGA-II.
    """

    def __init__(self, *arguments: Any, newcomers: float = 0.05, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.newcomers = newcomers

    def _newcomers(self) -> int:
        return max(1, round(self.newcomers * self.population_size))

    def _best_first(self, objectives: np.ndarray, ages: np.ndarray, newborn: np.ndarray) -> np.ndarray:
        errors = graded(objectives[:, 0], self.resolution)
        return survivors(np.column_stack([errors, objectives[:, 1:], ages]), self.population_size)
