"""A population held as arrays as a pool that schemes decide about; see :class:`evoml.algorithms.schemes.Pool`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from evoml.algorithms.arrays.state import ArrayState
from evoml.algorithms.descriptors import name_of
from evoml.core.batches import Measured
from evoml.core.errors import SettingError, nearest
from evoml.core.random import mixed
from evoml.core.threads import ALONE, Threads
from evoml.kernels.dominance import ranks_and_crowding

_SELECTION = 1 << 32  # numbers of keys beyond those that spaces use


class ArrayPool:
    """Members of a state, seen as a pool.

    Parameters
    ----------
    state : ArrayState
    at : (n,) int64 array or slice
        Which members.
    newborn : (n,) bool array, or one bool for all of them
    niches : (n,) int64 array or None
    threads : Threads
    """

    def __init__(
        self,
        state: ArrayState,
        at: np.ndarray | slice = slice(None),
        newborn: Any = False,
        niches: np.ndarray | None = None,
        threads: Threads = ALONE,
    ) -> None:
        assert state.members is not None
        cases = state.members.cases
        self.objectives, self.cases = state.members.objectives[at], None if cases is None else cases[at]
        self.ages, self.births = np.asarray(state.ages)[at], np.asarray(state.births)[at]
        self.niches, self.threads, self._newborn = niches, threads, newborn

    def __len__(self) -> int:
        return len(self.ages)

    @property
    def precedence(self) -> np.ndarray:
        return np.arange(len(self))

    @property
    def newborn(self) -> np.ndarray:
        return np.broadcast_to(self._newborn, self.ages.shape)

    def ranked(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return ranks_and_crowding(values)


class KeyedDraws:
    """Draws of two parents for each of many offspring from their keys; see :class:`evoml.algorithms.schemes.Draws`."""

    def __init__(self, keys: np.ndarray) -> None:
        self._keys, self.shape = keys, (len(keys), 2)

    @property
    def key(self) -> np.uint64:
        return np.uint64(self._keys[0])

    def integers(self, high: int, size: int) -> np.ndarray:
        draws = mixed(self._keys[:, None], _SELECTION + np.arange(2 * size)) % np.uint64(high)
        return draws.astype(np.int64).reshape(-1, 2, size)


def niches_of(members: Measured, space: Any, descriptors: Sequence[Any]) -> np.ndarray:
    """Return the number of each member's cell, int64 (n,): the same for members that are alike in all descriptors.

    Whole numbers are kinds, other numbers are binned.
    """
    size = members.objectives[:, 1] if members.objectives.shape[1] > 1 else np.zeros(len(members.objectives))
    known = {"size": size, "family": np.zeros(len(size), dtype=int), **_descriptions(members, space)}
    columns = []
    for name in descriptors:
        if callable(name):
            raise SettingError(
                f"descriptors of formulas and programs are names, of {', '.join(known)}; functions such as {name_of(name)} are"
                " for pipelines and genomes of your own"
            )
        if name not in known:
            raise SettingError(f"unknown descriptor {name!r}{nearest(str(name), known)}; there are: {', '.join(known)}")
        column = np.asarray(known[name])
        columns.append(_bins(column) if column.dtype.kind == "f" else column.astype(float))
    return np.unique(np.column_stack(columns), axis=0, return_inverse=True)[1].ravel()


def _descriptions(members: Measured, space: Any) -> dict[str, np.ndarray]:
    return dict(space.descriptions(members.genomes)) if hasattr(space, "descriptions") else {}


def _bins(values: np.ndarray) -> np.ndarray:
    """Return the number of each value's bin, two to each doubling; what is not above 0 has one of its own."""
    positive = np.isfinite(values) & (values > 0)
    return np.where(positive, np.floor(2.0 * np.log2(np.where(positive, values, 1.0))), -np.inf)
