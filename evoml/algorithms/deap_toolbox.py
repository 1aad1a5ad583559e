"""A DEAP toolbox as an algorithm: its ``select``, ``mate`` and ``mutate`` as they are registered."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from evoml.algorithms.evolution import Evolution
from evoml.algorithms.schemes import Draws, Pool, Scheme
from evoml.core.errors import SettingError
from evoml.core.random import global_states_seeded
from evoml.genomes.deap_toolbox import ToolboxSpace


@dataclass(frozen=True)
class DeapSelection(Scheme):
    """A selection of ``deap.tools``, or any other ``select(individuals, k)``.

    What it draws from the global random states is decided by what was told, or by the offspring's own stream.

    Parameters
    ----------
    tournament_size
        Is not used: ``select`` has its own.
    select : callable
        Is given individuals that have a ``fitness`` whose values are all maximised.
    chooses : {"survivors", "parents"}
        Survivors, as in DEAP's ``eaMuPlusLambda`` (``selNSGA2``, ``selSPEA2``, ``selNSGA3``): parents are drawn at random then.
        Parents, as in ``eaSimple`` (``selTournament``, ``selRoulette``): offspring replace the old population then.
    """

    select: Callable[[list[Any], int], list[Any]] | None = None
    chooses: str = "survivors"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.chooses not in ("survivors", "parents"):
            raise SettingError(f"chooses must be 'survivors' or 'parents', got {self.chooses!r}")

    def survivors(self, pool: Pool, places: int) -> np.ndarray:
        if self.chooses == "parents":  # as many old ones stay as duplicates and failures leave places for
            return np.lexsort((pool.objectives[:, 0], ~pool.newborn))[:places]
        seed = int.from_bytes(hashlib.blake2b(pool.objectives.tobytes(), digest_size=8).digest())
        chosen = self._chosen(pool, min(places, len(pool)), seed)
        return np.array(list(dict.fromkeys(chosen)), dtype=int)  # some selections take the same one several times

    def parents(self, members: Pool, standing: Any, draws: Draws) -> np.ndarray:
        if self.chooses == "survivors":
            return draws.integers(len(members), 1)[..., 0]
        return np.array(self._chosen(members, int(np.prod(draws.shape)), int(draws.key))).reshape(draws.shape)

    def _chosen(self, pool: Pool, count: int, seed: int) -> list[int]:
        assert self.select is not None
        individuals = [_Individual(at, -values) for at, values in enumerate(pool.objectives)]
        with global_states_seeded(seed):
            return [one.index for one in self.select(individuals, count)]


class _Individual:
    """What DEAP's selections look at, and its place in the pool."""

    def __init__(self, index: int, scores: np.ndarray) -> None:
        self.index, self.fitness = index, _fitness(len(scores))(tuple(scores.tolist()))


@cache
def _fitness(objectives: int) -> Any:
    from deap.base import Fitness

    return type("AllMaximised", (Fitness,), {"weights": (1.0,) * objectives})


@dataclass(frozen=True)
class DeapToolbox:
    """What ``algorithm=`` takes to run a toolbox: ``DeapToolbox(toolbox)``.

    Operators that the toolbox does not have are the space's own; without ``select`` it is NSGA-II.

    Parameters
    ----------
    toolbox : deap.base.Toolbox
    chooses : {"survivors", "parents"}
        What its ``select`` chooses, see :class:`DeapSelection`.
    """

    toolbox: Any
    chooses: str = "survivors"

    def __call__(self, space: Any, seed: int, population_size: int = 50) -> Evolution:
        select = getattr(self.toolbox, "select", None)
        scheme = None if select is None else DeapSelection(select=select, chooses=self.chooses)
        return Evolution(ToolboxSpace(space, self.toolbox), seed, population_size, scheme=scheme)
