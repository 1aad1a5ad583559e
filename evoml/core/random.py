"""Random streams keyed by identity: who draws decides what is drawn, not when or where."""

from __future__ import annotations

import numpy as np


def stream(seed: int, *identity: int) -> np.random.Generator:
    """Return the random stream of one drawer, e.g. ``stream(seed, island, candidate)``.

    Equal arguments give equal streams on any machine, in any process and any order of calls.
    """
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=identity))


def fresh_seed() -> int:
    """Return a seed from the operating system's entropy; global random states are not touched."""
    return int(np.random.SeedSequence().generate_state(1)[0])
