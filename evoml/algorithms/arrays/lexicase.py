"""Epsilon-lexicase selection over arrays (La Cava, Spector and Danai 2016)."""

from __future__ import annotations

import numpy as np

from evoml.algorithms.arrays.nsga2 import ArrayNSGA2
from evoml.algorithms.arrays.state import ArrayState
from evoml.kernels.lexicase import automatic_epsilon, epsilon_lexicase


class EpsilonLexicase(ArrayNSGA2):
    """Each parent is the best on cases in a random order, within the cases' median absolute deviation; NSGA-II's survival.

    So do La Cava, Singh, Taggart, Suri and Moore (2019) combine the two.
    """

    needs_cases = True

    def _parents(self, state: ArrayState, keys: np.ndarray) -> np.ndarray:
        assert state.members is not None
        assert state.members.cases is not None
        errors = np.ascontiguousarray(state.members.cases.T, dtype=np.float64)
        epsilon = automatic_epsilon(state.members.cases.astype(np.float64))
        winners = np.empty(2 * len(keys), dtype=np.int64)
        epsilon_lexicase(errors, epsilon, keys[0], 0, len(winners), winners)
        return winners.reshape(-1, 2)
