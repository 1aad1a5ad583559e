"""How long an experiment will still take, told as a range, from how long its cells took so far."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

SIMULATED = 200  # endings that are thought out, at most
DRAWN = 20_000  # cells in all of them together, about: it is done twice a second
DOUBT = 0.5  # standard deviation of the logarithm by which cells to come may take longer than one that has ended
Kind = tuple[str, str]  # problem and variant


@dataclass(frozen=True)
class Remaining:
    """Seconds that are left: in eight of ten endings between ``low`` and ``high``."""

    low: float
    high: float


def remaining(
    took: Sequence[tuple[Kind, float]], left: Sequence[Kind], running: Sequence[tuple[Kind, float]], workers: int
) -> Remaining | None:
    """Return the time that is left; None before anything is known.

    ``took`` are the seconds of the cells that ended in this sitting, ``left`` those not begun, in order, ``running`` those
    under way with their seconds so far. Endings are simulated: each cell takes as long as one drawn from those of its problem
    and variant that have ended, or else from those of its variant or problem, or else from all. All of an ending may be slower
    or faster than so far, the less so the more cells have ended: the load of a machine changes.
    """
    if not took or not (left or running):
        return None
    known = _by_kind(took)
    rng = np.random.default_rng(len(took))
    endings = min(SIMULATED, DRAWN // (len(left) + 1) + 10)
    paces = np.exp(rng.normal(0.0, DOUBT / np.sqrt(len(took)), endings))
    ends = [_ending(known, left, running, workers, rng) * pace for pace in paces]
    low, high = np.quantile(ends, [0.1, 0.9])
    return Remaining(float(low), float(high))


def _by_kind(took: Sequence[tuple[Kind, float]]) -> Mapping[object, list[float]]:
    known: dict[object, list[float]] = {}
    for (problem, variant), seconds in took:
        for key in ((problem, variant), ("problem", problem), ("variant", variant), None):
            known.setdefault(key, []).append(seconds)
    return known


def _drawn(known: Mapping[object, list[float]], kind: Kind, rng: np.random.Generator) -> float:
    keys = (kind, ("variant", kind[1]), ("problem", kind[0]), None)
    times = next(known[key] for key in keys if key in known)
    return times[int(rng.integers(len(times)))]


def _ending(
    known: Mapping[object, list[float]],
    left: Sequence[Kind],
    running: Sequence[tuple[Kind, float]],
    workers: int,
    rng: np.random.Generator,
) -> float:
    """Return when the last worker ends, if each takes the next cell as soon as it is free."""
    free = []
    for kind, so_far in running:
        whole = _drawn(known, kind, rng)
        free.append(whole - so_far if whole > so_far else 0.5 * so_far)  # longer than those before: who knows
    free = sorted(free + [0.0] * (workers - len(free)))
    for kind in left:
        heapq.heappush(free, heapq.heappop(free) + _drawn(known, kind, rng))
    return max(free)
