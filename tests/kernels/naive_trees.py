"""Slow, obvious twins of the tree kernels: bins by counting edges, histograms row by row, the best split by trying all."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np


def codes(X, edges, offsets, categorical):
    """Bins, a value at a time."""
    result = np.zeros(X.shape, np.uint8)
    for row in range(X.shape[0]):
        for column in range(X.shape[1]):
            own = edges[offsets[column] : offsets[column + 1]]
            if math.isnan(X[row, column]):
                continue
            if categorical[column]:
                result[row, column] = 1 + list(own).index(X[row, column]) if X[row, column] in own else 0
            else:
                result[row, column] = 1 + sum(edge < X[row, column] for edge in own)
    return result


def histogram(column_codes, rows, values, n_bins):
    """Sums of (n, k) values by bin."""
    sums = np.zeros((n_bins, values.shape[1]), values.dtype)
    for row in rows:
        sums[column_codes[row]] += values[row]
    return sums


def score(gradients, hessians, l1, l2):
    """Loss saved (twice) by the best values: (n, k) derivatives of rows that share a leaf."""
    shrunk = np.maximum(np.abs(gradients.sum(axis=0)) - l1, 0.0)
    return float((shrunk**2 / (hessians.sum(axis=0) + l2)).sum())


def best_numerical_gain(column_codes, gradients, hessians, min_rows, l1, l2):
    """Best gain over all thresholds, missing values (code 0) on either side; -1 if no split is allowed."""
    parent, best = score(gradients, hessians, l1, l2), -1.0
    for threshold in range(1, int(column_codes.max()) + 1):
        for missing_left in (False, True):
            left = (column_codes <= threshold) & ((column_codes > 0) | missing_left)
            best = max(best, _gain(left, gradients, hessians, min_rows, l1, l2, parent))
    return best


def best_set_gain(column_codes, gradients, hessians, min_rows, l1, l2):
    """Best gain over all divisions of the categories that occur into two sets."""
    parent, best = score(gradients, hessians, l1, l2), -1.0
    found = sorted(set(column_codes.tolist()))
    for size in range(1, len(found)):
        for chosen in combinations(found, size):
            left = np.isin(column_codes, chosen)
            best = max(best, _gain(left, gradients, hessians, min_rows, l1, l2, parent))
    return best


def _gain(left, gradients, hessians, min_rows, l1, l2, parent):
    if left.sum() < min_rows or (~left).sum() < min_rows:
        return -1.0
    sides = score(gradients[left], hessians[left], l1, l2) + score(gradients[~left], hessians[~left], l1, l2)
    return sides - parent


def predict(model, tree, row):
    """Index of the leaf that one row's codes reach."""
    node = int(model["roots"][tree])
    while model["feature"][node] >= 0:
        code = int(row[model["feature"][node]])
        if model["category_set"][node] >= 0:
            left = bool(int(model["sets"][model["category_set"][node]][code // 64]) >> (code % 64) & 1)
        elif code == 0:
            left = bool(model["missing_left"][node])
        else:
            left = code <= model["threshold"][node]
        node = int(model["left"][node]) + (0 if left else 1)
    return node


def weighted_quantile(values, weights, level):
    """By counting out the weights in order."""
    pairs = sorted(zip(values, weights, strict=True))
    wanted, reached = level * sum(weights), 0.0
    for place, (value, weight) in enumerate(pairs):
        reached += weight
        if math.isclose(reached, wanted, rel_tol=1e-12) and place + 1 < len(pairs):
            return (value + pairs[place + 1][0]) / 2
        if reached > wanted:
            return value
    return pairs[-1][0]
