"""Pareto dominance for large populations: ranks, crowding distances and survivors; all objectives are minimised.

Infinite objectives are as bad as can be, and nan counts as infinite. Sorting is NumPy's, what depends on it is compiled.
"""

import numpy as np

from evoml.kernels.compiling import kernel
from evoml.kernels.histogram import inlined_kernel
from evoml.kernels.random import mix


def nondominated_ranks(objectives: np.ndarray) -> np.ndarray:
    """Return the number of each point's front, int64 (n,), 0 for those that no other dominates.

    objectives: (n, m). Two objectives take O(n log n) (Jensen 2003), more of them between that and O(m n^2), as points are
    compared only with fronts that may hold them (Zhang et al. 2015, ENS-BS).
    """
    values = _comparable(objectives)
    order, ranks = np.lexsort(values.T[::-1]), np.empty(len(values), np.int64)
    if values.shape[1] == 2:
        _rank_pairs(values, order, ranks)
    else:
        _rank_points(values, order, ranks)
    return ranks


def crowding_distances(objectives: np.ndarray, ranks: np.ndarray) -> np.ndarray:
    """Return the crowding distance of each point within its front, float64 (n,) (Deb et al. 2002, section III-B).

    objectives: (n, m); ranks: (n,). The first and the last of a front by an objective have inf. Where an objective is
    infinite it tells nothing about distance: the front's finite values alone count, and such a point gets nothing from it.
    """
    values = _comparable(objectives)
    distances = np.zeros(len(values))
    for objective in values.T:
        finite = np.flatnonzero(np.isfinite(objective))
        order = finite[np.lexsort((objective[finite], ranks[finite]))]  # stable: by index between equals
        _add_distances(objective, ranks, order, distances)
    return distances


def ranks_and_crowding(objectives: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what :func:`nondominated_ranks` and :func:`crowding_distances` do; two objectives are sorted once for both."""
    if objectives.shape[1] != 2:
        ranks = nondominated_ranks(objectives)
        return ranks, crowding_distances(objectives, ranks)
    values = _comparable(objectives)
    order, ranks, distances = np.lexsort(values.T[::-1]), np.empty(len(values), np.int64), np.zeros(len(values))
    _rank_pairs(values, order, ranks)
    _add_distances_of_pairs(values, order, ranks, distances)
    return ranks, distances


def survivors(objectives: np.ndarray, count: int) -> np.ndarray:
    """Return the indices, int64, of the ``count`` best points by rank, then crowding distance, then index; best first."""
    ranks, crowding = ranks_and_crowding(objectives)
    return np.lexsort((-crowding, ranks))[:count]


def _comparable(objectives: np.ndarray) -> np.ndarray:
    values = np.array(objectives, np.float64, order="C")
    values[np.isnan(values)] = np.inf
    return values


@kernel
def _rank_pairs(values, order, ranks):  # type: ignore[no-untyped-def]
    """Fill in ranks of (n, 2) values; ``order`` is lexicographic.

    A point is dominated by a front if the front's lowest second value so far is no higher than its own, for all earlier first
    values are lower or equal. These lowest values grow with the front's number: the first front without is found by bisection.
    """
    lowest, n_fronts, before = np.empty(len(order), np.float64), 0, -1
    for k in range(len(order)):
        i = order[k]
        if before >= 0 and values[i, 0] == values[before, 0] and values[i, 1] == values[before, 1]:
            ranks[i] = ranks[before]
            continue
        low, high = 0, n_fronts
        while low < high:
            middle = (low + high) >> 1
            if lowest[middle] <= values[i, 1]:
                low = middle + 1
            else:
                high = middle
        n_fronts = max(n_fronts, low + 1)
        lowest[low], ranks[i], before = values[i, 1], low, i


@kernel
def _rank_points(values, order, ranks):  # type: ignore[no-untyped-def]
    """Fill in ranks of (n, m) values; ``order`` is lexicographic, so a point is dominated by earlier ones only."""
    n = len(order)
    newest, previous, n_fronts = np.empty(n, np.int64), np.empty(n, np.int64), 0
    for k in range(n):
        i, low, high = order[k], 0, n_fronts
        while low < high:
            middle = (low + high) >> 1
            if _front_dominates(values, newest[middle], previous, i):
                low = middle + 1
            else:
                high = middle
        previous[i] = newest[low] if low < n_fronts else -1
        n_fronts = max(n_fronts, low + 1)
        newest[low], ranks[i] = i, low


@inlined_kernel
def _front_dominates(values, member, previous, i):  # type: ignore[no-untyped-def]
    """Tell whether any member of a front dominates point i, the newest first, which are most like it."""
    while member >= 0:
        no_worse, better = True, False
        for objective in range(values.shape[1]):
            no_worse = no_worse and values[member, objective] <= values[i, objective]
            better = better or values[member, objective] < values[i, objective]
        if no_worse and better:
            return True
        member = previous[member]
    return False


@kernel
def _add_distances(values, ranks, order, distances):  # type: ignore[no-untyped-def]
    """Add one objective's distances; ``order`` is by rank, then value, and holds finite values only."""
    start = 0
    while start < len(order):
        stop = start + 1
        while stop < len(order) and ranks[order[stop]] == ranks[order[start]]:
            stop += 1
        spread = values[order[stop - 1]] - values[order[start]]
        if spread > 0.0:
            for k in range(start + 1, stop - 1):
                distances[order[k]] += (values[order[k + 1]] - values[order[k - 1]]) / spread
        distances[order[start]] = distances[order[stop - 1]] = np.inf
        start = stop


@kernel
def _add_distances_of_pairs(values, order, ranks, distances):  # type: ignore[no-untyped-def]
    """Add the distances by both of two objectives; ``order`` is lexicographic.

    Within a front the second objective falls where the first one rises, and who shares one shares both. So the order by the
    second is that by the first from behind, but for equals, which stay in theirs.
    """
    n = len(order)
    ends, fronts = np.zeros(n + 1, np.int64), np.empty(n, np.int64)
    for i in range(n):
        ends[ranks[i] + 1] += 1
    for front in range(n):
        ends[front + 1] += ends[front]
    for k in range(n):
        rank = ranks[order[k]]
        fronts[ends[rank]] = order[k]
        ends[rank] += 1  # which was where the front begins, and is where it ends after its last point
    by_first, by_second = np.empty(n, np.int64), np.empty(n, np.int64)
    n_first, n_second, start = 0, 0, 0
    while start < n:
        stop = ends[ranks[fronts[start]]]
        for k in range(start, stop):
            by_first[n_first] = fronts[k]
            n_first += int(np.isfinite(values[fronts[k], 0]))
        after = stop
        while after > start:
            first = after - 1
            while first > start and values[fronts[first - 1], 1] == values[fronts[first], 1]:
                first -= 1
            for k in range(first, after):
                by_second[n_second] = fronts[k]
                n_second += int(np.isfinite(values[fronts[k], 1]))
            after = first
        start = stop
    _add_distances(values[:, 0], ranks, by_first[:n_first], distances)
    _add_distances(values[:, 1], ranks, by_second[:n_second], distances)


@kernel
def mark_best_of_each(kinds, objectives, best):  # type: ignore[no-untyped-def]
    """Set best, bool (n,), where a point is the one of its kind to keep.

    kinds uint64 (n,); objectives float64 (n, m). That is the one with the lowest second objective, then the lowest first
    one, then the first to come; nan is worst.
    """
    n_slots = 4
    while n_slots < 2 * len(kinds):
        n_slots *= 2
    slots, last_slot = np.full(n_slots, -1, np.int64), np.uint64(n_slots - 1)
    for i in range(len(kinds)):
        slot = mix(kinds[i], 0) & last_slot
        while slots[slot] >= 0 and kinds[slots[slot]] != kinds[i]:
            slot = (slot + np.uint64(1)) & last_slot
        rival = slots[slot]
        best[i] = rival < 0 or _is_simpler(objectives, i, rival)
        if best[i]:
            slots[slot] = i
            if rival >= 0:
                best[rival] = False


@inlined_kernel
def _is_simpler(objectives, one, other):  # type: ignore[no-untyped-def]
    if objectives[one, 1] == objectives[other, 1] or (np.isnan(objectives[one, 1]) and np.isnan(objectives[other, 1])):
        return _is_lower(objectives[one, 0], objectives[other, 0])
    return _is_lower(objectives[one, 1], objectives[other, 1])


@inlined_kernel
def _is_lower(one, other):  # type: ignore[no-untyped-def]
    return one < other or (np.isnan(other) and not np.isnan(one))
