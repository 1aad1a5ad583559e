"""Epsilon-lexicase selection (La Cava, Spector and Danai 2016): case by case, in random order, who is among the best stays."""

import numpy as np

from evoml.kernels.compiling import kernel
from evoml.kernels.random import mix, uniform


def automatic_epsilon(errors: np.ndarray) -> np.ndarray:
    """Return the median absolute deviation of each case's errors over the population, float64 (cases,).

    errors: (n, cases), lower is better. Errors that are not finite do not count; a case without others has 0.
    """
    known = np.ascontiguousarray(np.where(np.isfinite(errors), errors, np.nan).T)
    deviations = _medians(np.abs(known - _medians(known)[:, None]))
    return np.where(np.isnan(deviations), 0.0, deviations)


def _medians(values: np.ndarray) -> np.ndarray:
    """Return the median of each row of (k, n) values, nan left out; nan where there is nothing else."""
    if not values.size:
        return np.full(len(values), np.nan)
    ordered, rows = np.sort(values, axis=1), np.arange(len(values))  # nan comes last
    counts = np.count_nonzero(~np.isnan(values), axis=1)
    return 0.5 * (ordered[rows, np.maximum(counts - 1, 0) // 2] + ordered[rows, counts // 2])


@kernel
def epsilon_lexicase(errors, epsilon, key, first, last, winners):  # type: ignore[no-untyped-def]
    """Set winners[first:last], int64, to the indices of selected parents.

    errors float64 (cases, n): a row for each case, no nan; epsilon (cases,). The variant called semi-dynamic: who is no more
    than the whole population's epsilon worse than the best of those still in the pool stays in it. Where cases end with
    several in the pool, one of them is drawn.
    """
    n_cases, n = errors.shape
    cases, pool, found = np.empty(n_cases, np.int64), np.empty(n, np.int64), np.empty(n, np.float64)
    for i in range(first, last):
        selection = mix(np.uint64(key), i)
        for k in range(n_cases):
            cases[k] = k
        for k in range(n):
            pool[k] = k
        n_pool, seen = n, 0
        while n_pool > 1 and seen < n_cases:
            drawn = seen + np.int64(uniform(mix(selection, seen)) * (n_cases - seen))
            case = cases[drawn]
            cases[drawn] = cases[seen]
            seen += 1
            best = _lowest(errors, case, pool, n_pool, found)
            n_pool = _keep(found, best + epsilon[case], pool, n_pool)
        winners[i] = pool[np.int64(uniform(mix(selection, n_cases)) * n_pool)]


# The order of comparisons is left to the compiler, or they would run one after the other; there is no nan.
@kernel(fastmath={"nnan", "nsz", "reassoc"})
def _lowest(errors, case, pool, n_pool, found):  # type: ignore[no-untyped-def]
    """Fill in the pool's errors at a case and return the lowest."""
    best = np.inf
    for k in range(np.uintp(n_pool)):
        error = errors[case, np.uintp(pool[k])]
        found[k] = error
        best = error if error < best else best
    return best


@kernel
def _keep(found, threshold, pool, n_pool):  # type: ignore[no-untyped-def]
    """Keep those of the pool whose error is not above the threshold; return their number."""
    n_kept = np.uintp(0)
    for k in range(np.uintp(n_pool)):
        pool[n_kept] = pool[k]
        n_kept += np.uintp(found[k] <= threshold)
    return np.int64(n_kept)
