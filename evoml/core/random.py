"""Random streams keyed by identity: who draws decides what is drawn, not when or where."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

_TURN = threading.RLock()  # global states belong to the whole process


def stream(seed: int, *identity: int) -> np.random.Generator:
    """Return the random stream of one drawer, e.g. ``stream(seed, island, candidate)``.

    Equal arguments give equal streams on any machine, in any process and any order of calls.
    """
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=identity))


@contextmanager
def global_states_seeded(seed: int) -> Iterator[None]:
    """Seed the global random states for code that draws from them, and leave them as they were found."""
    with _TURN:
        python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
        random.seed(seed)
        np.random.seed(seed % 2**32)  # noqa: NPY002
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)  # noqa: NPY002


def fresh_seed() -> int:
    """Return a seed from the operating system's entropy; global random states are not touched."""
    return int(np.random.SeedSequence().generate_state(1)[0])


def drawn_by_weight(weights: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return ``count`` positions in a random order, each as often as its share of (n,) weights says, give or take one.

    It is systematic resampling (Kitagawa 1996): one draw sets all places on the line of cumulated weights.
    """
    ends = np.cumsum(weights)
    places = (np.arange(count) + rng.random()) / count * ends[-1]
    chosen = np.searchsorted(ends, places, side="right")
    return rng.permutation(np.minimum(chosen, np.flatnonzero(weights)[-1]))


_GOLDEN, _FIRST, _SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


def mixed(keys: np.ndarray | int, numbers: np.ndarray | int) -> np.ndarray:
    """uint64 key of the ``numbers``-th child of each of ``keys``: what ``evoml.kernels.random.mix`` returns, for arrays."""
    with np.errstate(over="ignore"):
        z = np.asarray(keys, np.uint64) + (np.asarray(numbers).astype(np.uint64) + np.uint64(1)) * np.uint64(_GOLDEN)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(_FIRST)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(_SECOND)
        return np.asarray(z ^ (z >> np.uint64(31)))


def uniforms(keys: np.ndarray) -> np.ndarray:
    """float64 in [0, 1) of keys that :func:`mixed` returned."""
    return (keys >> np.uint64(11)) * 2.0**-53
