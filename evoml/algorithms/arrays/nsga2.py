"""NSGA-II over arrays (Deb, Pratap, Agarwal and Meyarivan 2002)."""

from __future__ import annotations

from typing import Any

import numpy as np

from evoml.algorithms.arrays.base import ArrayAlgorithm
from evoml.kernels.dominance import survivors

EXACT = 1e-20  # error from which on down the target is met, and only simplicity counts


class ArrayNSGA2(ArrayAlgorithm):
    """Parents and offspring compete by front, then by crowding; so do the entrants of tournaments.

    Errors are compared on a scale of powers of ten, rounded: what differs by less than ``resolution`` (a share of
    itself) counts as equal, so that no front fills up with gains that nobody could see.
    """

    def __init__(self, *arguments: Any, resolution: float = 1e-3, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.resolution = resolution

    def _best_first(self, objectives: np.ndarray, ages: np.ndarray, newborn: np.ndarray) -> np.ndarray:
        errors = graded(objectives[:, 0], self.resolution)
        return survivors(np.column_stack([errors, objectives[:, 1:]]), self.population_size)


def graded(errors: np.ndarray, resolution: float) -> np.ndarray:
    """Return the logarithm of errors in steps of ``resolution``: (n,) float64; below ``EXACT`` all are the same, inf stays."""
    with np.errstate(divide="ignore"):
        steps = np.log(np.maximum(errors, EXACT)) / resolution
    return np.where(np.isfinite(steps), np.round(steps), steps)
