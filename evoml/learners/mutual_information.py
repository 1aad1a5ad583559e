"""Mutual information of columns and target, as scikit-learn estimates it from nearest neighbours, by sorting.

A neighbour among the values of one column is a neighbour in their order, so no tree is needed to find it.
"""

from typing import Any

import numpy as np
from scipy.spatial import KDTree
from scipy.special import digamma
from sklearn.utils.validation import check_X_y


def mutual_info_classif(X: Any, y: Any, *, n_neighbors: int = 3, random_state: int = 0) -> np.ndarray:
    """Return the mutual information (nats) of each numerical column with the class (Ross 2014).

    The same as scikit-learn's function of this name with the same random state, which shifts values by about 1e-10 so that none
    are equal.
    """
    columns, labels = check_X_y(X, y, dtype=np.float64)
    columns = _with_noise(_scaled(columns), np.random.RandomState(random_state))
    _, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    shared = counts[codes] > 1  # of a class of one row nothing can be said
    columns, codes = columns[shared], codes[shared]
    if not len(columns):
        return np.zeros(columns.shape[1])
    radius = np.empty_like(columns)
    neighbours = np.minimum(n_neighbors, counts - 1)
    for code in np.unique(codes):
        rows = np.flatnonzero(codes == code)
        radius[rows] = _distance_within(columns[rows], int(neighbours[code]))
    near = np.column_stack([_within(*pair) for pair in zip(columns.T, np.nextafter(radius, 0.0).T, strict=True)])
    at = digamma(np.arange(1.0, len(columns) + 1.0))
    known = at[len(columns) - 1] + at[neighbours[codes] - 1].mean() - at[counts[codes] - 1].mean()
    return np.maximum(0.0, known - at[near - 1].mean(axis=0))


def mutual_info_regression(X: Any, y: Any, *, n_neighbors: int = 3, random_state: int = 0) -> np.ndarray:
    """Return the mutual information (nats) of each numerical column with a numerical target (Kraskov et al. 2004).

    The same as scikit-learn's function of this name with the same random state.
    """
    columns, target = check_X_y(X, y, dtype=np.float64, y_numeric=True)
    random = np.random.RandomState(random_state)
    columns = _with_noise(_scaled(columns), random)
    target = _with_noise(_scaled(target[:, None]), random)[:, 0]
    at = digamma(np.arange(1.0, len(target) + 1.0))
    found = np.empty(columns.shape[1])
    for place, column in enumerate(columns.T):
        pairs = np.column_stack([column, target])
        distance = KDTree(pairs).query(pairs, k=[n_neighbors + 1], p=np.inf)[0][:, 0]
        radius = np.nextafter(distance, 0.0)
        apart = at[_within(column, radius) - 1].mean() + at[_within(target, radius) - 1].mean()
        found[place] = at[-1] + digamma(n_neighbors) - apart
    return np.maximum(0.0, found)


def _scaled(columns: np.ndarray) -> np.ndarray:
    """Return columns of unit deviation, constant ones as they are."""
    deviation = columns.std(axis=0)
    return columns / np.where(deviation > 10.0 * np.finfo(np.float64).eps, deviation, 1.0)


def _with_noise(columns: np.ndarray, random: np.random.RandomState) -> np.ndarray:
    """Return columns with a little noise."""
    size = np.maximum(1.0, np.abs(columns).mean(axis=0))
    return columns + 1e-10 * size * random.standard_normal(columns.shape)


def _distance_within(columns: np.ndarray, neighbours: int) -> np.ndarray:
    """Return the distance of each value to its ``neighbours``-th nearest other value in the same column."""
    order = np.argsort(columns, axis=0)
    ordered = np.take_along_axis(columns, order, axis=0)
    n_rows, nearest = len(ordered), np.full(columns.shape, np.inf)
    for below in range(neighbours + 1):  # so many of the nearest ones are lower, the others higher
        places = slice(below, n_rows - neighbours + below)
        lower, higher = ordered[: n_rows - neighbours], ordered[neighbours:]
        farther = np.maximum(ordered[places] - lower, higher - ordered[places])
        nearest[places] = np.minimum(nearest[places], farther)
    found = np.empty_like(nearest)
    np.put_along_axis(found, order, nearest, axis=0)
    return found


def _within(values: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """Return how many values (n,) are within the radius (n,) of each value, itself among them."""
    order = np.argsort(values)
    ordered, reach = values[order], radius[order]
    first = np.searchsorted(ordered, ordered - reach, side="left")
    last = np.searchsorted(ordered, ordered + reach, side="right") - 1
    # bounds are rounded, differences of neighbours are not: a value right at the bound must be judged by the difference
    while (out := ordered - ordered[first] > reach).any():
        first += out
    while (out := (first > 0) & (ordered - ordered[np.maximum(first - 1, 0)] <= reach)).any():
        first -= out
    while (out := ordered[last] - ordered > reach).any():
        last -= out
    highest = len(ordered) - 1
    while (out := (last < highest) & (ordered[np.minimum(last + 1, highest)] - ordered <= reach)).any():
        last += out
    found = np.empty(len(values), dtype=np.intp)
    found[order] = last - first + 1
    return found
