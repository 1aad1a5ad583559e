"""Tournaments: each winner is the best of some drawn with replacement; between equals the first drawn wins."""

import numpy as np

from evoml.kernels.compiling import kernel
from evoml.kernels.random import mix, uniform


@kernel
def tournaments(values, size, key, first, last, winners):  # type: ignore[no-untyped-def]
    """Set winners[first:last], int64, to indices of the lowest of ``size`` drawn values, float64 (n,); nan loses."""
    n = len(values)
    for i in range(first, last):
        contest = mix(np.uint64(key), i)
        best = np.int64(uniform(mix(contest, 0)) * n)
        for draw in range(1, size):
            other = np.int64(uniform(mix(contest, draw)) * n)
            if values[other] < values[best] or (np.isnan(values[best]) and not np.isnan(values[other])):
                best = other
        winners[i] = best
