"""Slow, obvious twins of the kernels of forests and of the predictor."""

from itertools import combinations

import numpy as np


def descend(codes, root, feature, threshold, missing_left, category_set, sets, left):
    """Leaf that one row of codes reaches."""
    node = root
    while feature[node] >= 0:
        code = int(codes[feature[node]])
        if category_set[node] >= 0:
            goes_left = bool(int(sets[category_set[node], code // 64]) >> (code % 64) & 1)
        else:
            goes_left = bool(missing_left[node]) if code == 0 else code <= threshold[node]
        node = left[node] + (0 if goes_left else 1)
    return node


def impurity(y, weights, n_classes):
    """Weight times Gini impurity, or the weighted sum of squares about the mean (n_classes of 0)."""
    if weights.sum() == 0:
        return 0.0
    if n_classes == 0:
        return float(np.sum(weights * (y - np.average(y, weights=weights)) ** 2))
    shares = np.bincount(y.astype(int), weights, n_classes) / weights.sum()
    return float(weights.sum() * (1.0 - np.sum(shares**2)))


def best_decrease(codes, y, weights, n_classes, categorical=False, min_rows=1):
    """Largest decrease of impurity of all ways to split on one column, None if there is none."""
    whole = impurity(y, weights, n_classes)
    found = [
        whole - impurity(y[side], weights[side], n_classes) - impurity(y[~side], weights[~side], n_classes)
        for side in _sides(codes, categorical)
        if min_rows <= side.sum() <= len(side) - min_rows
    ]
    return max(found, default=None)


def _sides(codes, categorical):
    present = np.unique(codes)
    if categorical:
        for size in range(1, len(present)):
            for chosen in combinations(present, size):
                yield np.isin(codes, chosen)
        return
    for cut in present[present > 0]:
        below = (codes <= cut) & (codes > 0)
        yield below
        yield below | (codes == 0)
