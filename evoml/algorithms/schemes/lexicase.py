"""Epsilon-lexicase selection of parents (La Cava, Spector and Danai 2016)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from evoml.algorithms.schemes.base import Draws, Pool
from evoml.algorithms.schemes.nsga2 import NSGA2


@dataclass(frozen=True)
class EpsilonLexicase(NSGA2):
    """Each parent is the best on cases in a random order, within the cases' median absolute deviation; NSGA-II's survival.

    So do La Cava, Singh, Taggart, Suri and Moore (2019) combine the two.

    Parameters
    ----------
    tournament_size
        Is not used: parents are chosen by cases.
    resolution, recrowded
        As for :class:`NSGA2`.
    """

    needs_cases: ClassVar[bool] = True

    def standing(self, members: Pool) -> Any:
        """Return the errors of each case, (k, n) float64, and each case's epsilon, (k,)."""
        from evoml.kernels.lexicase import automatic_epsilon

        cases = np.asarray(members.cases)
        return np.ascontiguousarray(cases.T, dtype=np.float64), automatic_epsilon(cases.astype(np.float64))

    def parents(self, members: Pool, standing: Any, draws: Draws) -> np.ndarray:
        from evoml.kernels.lexicase import epsilon_lexicase

        errors, epsilon = standing
        winners = np.empty(np.prod(draws.shape), dtype=np.int64)
        members.threads.in_chunks(
            len(winners), lambda first, last: epsilon_lexicase(errors, epsilon, draws.key, first, last, winners)
        )
        return winners.reshape(draws.shape)
