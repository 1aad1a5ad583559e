"""What a journal holds of a population of thousands: a few figures of its sizes, its errors and its diversity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from evoml.core.batches import ArraySpace

FIRST, EVERY = 10, 10  # generations that are looked at: the first ones, and then one in so many
QUARTERS = (0.25, 0.5, 0.75)


def looked_at(generation: int) -> bool:
    """Tell whether a generation is one whose figures are recorded; by number, so that they cost next to nothing."""
    return generation <= FIRST or generation % EVERY == 0


def population_figures(states: Sequence[Any], space: ArraySpace) -> dict[str, Any]:
    """Return figures of populations, islands too, taken together; nothing while all of them are about to begin anew.

    members; distinct (structures among them, constants aside); behaviours (meanings among them); entropy (of how often
    each operation and column occurs, in bits); size (quartiles of complexity); score (quartiles of 1 - error).
    """
    islands = [island for state in states for island in getattr(state, "islands", (state,))]
    measured = [island.members for island in islands if island.members is not None]
    if not measured:
        return {}
    objectives = np.concatenate([one.objectives for one in measured])
    meanings = np.concatenate([one.meanings for one in measured])
    arrays = [space.arrays(one.genomes) for one in measured]
    errors = objectives[np.isfinite(objectives[:, 0]), 0]
    return {
        "members": len(objectives),
        "distinct": len(np.unique(np.concatenate([_hashes(one["codes"]) for one in arrays]))),
        "behaviours": len(np.unique(meanings)),
        "entropy": _entropy(np.concatenate([_used(one["codes"], one["lengths"]) for one in arrays])),
        "size": np.quantile(objectives[:, 1], QUARTERS).tolist(),
        "score": (1.0 - np.quantile(errors, QUARTERS[::-1])).tolist() if len(errors) else None,
    }


def _hashes(codes: np.ndarray) -> np.ndarray:
    """Return one number for each row of codes, the same for rows that are the same."""
    factors = np.cumprod(np.full(codes.shape[1], 0x9E3779B97F4A7C15, np.uint64))
    return np.asarray((codes.astype(np.uint64) * factors).sum(axis=1))


def _used(codes: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    return codes[np.arange(codes.shape[1]) < lengths[:, None]]


def _entropy(codes: np.ndarray) -> float:
    shares = np.bincount(codes) / len(codes)
    shares = shares[shares > 0]
    return float(-(shares * np.log2(shares)).sum()) + 0.0
