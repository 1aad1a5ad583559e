"""Losses of boosting: their first and second derivatives by the score, their value, and the leaves they refit.

Scores are raw: log of the mean for poisson, log odds for logistic, one score a class for multinomial (whose
probabilities are the softmax). Hessians of absolute and quantile loss are constant, their leaves are set to the residuals'
quantile afterwards (Friedman 2001, "Greedy function approximation", section 4.3).
"""

import numpy as np

from evoml.kernels.compiling import kernel
from evoml.kernels.histogram import borrowing_kernel, inner_kernel

SQUARED, ABSOLUTE, QUANTILE, POISSON, LOGISTIC, MULTINOMIAL = range(6)
_ROWS_IN_BLOCK = np.uintp(64)
_POISSON_LIMIT = 30.0  # log of the largest mean that is told apart: exp of far more would overflow sums
_LOG2_E, _LN2_HIGH, _LN2_LOW = 1.4426950408889634, 6.93147180369123816490e-01, 1.90821492927058770002e-10
_ROUND = 6755399441055744.0  # 1.5 * 2**52: adding it rounds a float64 to an integer in its low bits


def has_constant_hessian(loss: int) -> bool:
    """Whether the hessian of an unweighted row is 1."""
    return loss in (SQUARED, ABSOLUTE, QUANTILE)


@kernel
def exponential(x):  # type: ignore[no-untyped-def]
    """exp without branches, so that loops over it run on vectors; relative error below 1e-13 for |x| <= 700, clipped there."""
    x = min(max(x, -700.0), 700.0)
    shifted = x * _LOG2_E + _ROUND
    n = shifted - _ROUND
    r = (x - n * _LN2_HIGH) - n * _LN2_LOW
    p = 1.0 / 39916800.0
    p = p * r + 1.0 / 3628800.0
    p = p * r + 1.0 / 362880.0
    p = p * r + 1.0 / 40320.0
    p = p * r + 1.0 / 5040.0
    p = p * r + 1.0 / 720.0
    p = p * r + 1.0 / 120.0
    p = p * r + 1.0 / 24.0
    p = p * r + 1.0 / 6.0
    p = p * r + 0.5
    p = (p * r + 1.0) * r + 1.0
    power = (np.float64(shifted).view(np.int64) + 1023) << 52
    return p * np.int64(power).view(np.float64)


@kernel
def fill_derivatives(loss, quantile, y, weights, scores, outputs, gradient, hessian):  # type: ignore[no-untyped-def]
    """Set gradient and hessian, (n * outputs,), from scores, (n, at most outputs).

    Returns the largest sums, over outputs, of gradients' sizes and of hessians, and the sum of all hessians.
    """
    if loss == MULTINOMIAL:
        return _multinomial(y, weights, scores, outputs, gradient, hessian)
    raw = scores.reshape(scores.size)
    if loss == LOGISTIC:
        _logistic(y, weights, raw, gradient, hessian)
    elif loss == POISSON:
        _poisson(y, weights, raw, gradient, hessian)
    elif loss == SQUARED:
        _squared(y, weights, raw, gradient, hessian)
    else:
        _pinball(0.5 if loss == ABSOLUTE else quantile, y, weights, raw, gradient, hessian)
    total, second = _sum_of_sizes(gradient), _sum_of_sizes(hessian)
    return total, second, second


@kernel(fastmath={"reassoc", "nsz"})
def _sum_of_sizes(values):  # type: ignore[no-untyped-def]
    """Reassociated, so that it runs on vectors."""
    total = 0.0
    for i in range(np.uintp(len(values))):
        total += abs(values[i])
    return total


@inner_kernel
def _squared(y, weights, scores, gradient, hessian):  # type: ignore[no-untyped-def]
    for i in range(np.uintp(len(y))):
        gradient[i] = weights[i] * (scores[i] - y[i])
        hessian[i] = weights[i]


@inner_kernel
def _pinball(level, y, weights, scores, gradient, hessian):  # type: ignore[no-untyped-def]
    for i in range(np.uintp(len(y))):
        slope = 1.0 - level if scores[i] > y[i] else -level
        gradient[i] = weights[i] * (slope if scores[i] != y[i] else 0.0)
        hessian[i] = weights[i]


@inner_kernel
def _logistic(y, weights, scores, gradient, hessian):  # type: ignore[no-untyped-def]
    for i in range(np.uintp(len(y))):
        probability = 1.0 / (1.0 + exponential(-scores[i]))
        gradient[i] = weights[i] * (probability - y[i])
        hessian[i] = weights[i] * probability * (1.0 - probability)


@inner_kernel
def _poisson(y, weights, scores, gradient, hessian):  # type: ignore[no-untyped-def]
    for i in range(np.uintp(len(y))):
        mean = exponential(min(scores[i], _POISSON_LIMIT))
        gradient[i] = weights[i] * (mean - y[i])
        hessian[i] = weights[i] * mean


@kernel
def _multinomial(y, weights, scores, outputs, gradient, hessian):  # type: ignore[no-untyped-def]
    """Blocks of rows, so that exponentials are taken in one long loop, which runs on vectors even for few classes."""
    n_rows, n_classes = np.uintp(scores.shape[0]), np.uintp(scores.shape[1])
    totals, seconds = np.zeros(n_classes), np.zeros(n_classes)
    differences, powers = np.empty(_ROWS_IN_BLOCK * n_classes), np.empty(_ROWS_IN_BLOCK * n_classes)
    for first in range(np.uintp(0), n_rows, _ROWS_IN_BLOCK):
        length = min(_ROWS_IN_BLOCK, n_rows - first)
        _below_top(scores, first, length, n_classes, differences)
        for i in range(length * n_classes):
            powers[i] = exponential(differences[i])
        for i in range(length):
            row, start = first + i, i * n_classes
            total = 0.0
            for k in range(n_classes):
                total += powers[start + k]
            _shares(
                powers[start : start + n_classes], 1.0 / total, weights[row], row * np.uintp(outputs), gradient, hessian
            )
            own = row * np.uintp(outputs) + np.uintp(y[row])
            totals[np.uintp(y[row])] += weights[row] - 2.0 * gradient[own]
            for k in range(n_classes):
                totals[k] += gradient[row * np.uintp(outputs) + k]
                seconds[k] += hessian[row * np.uintp(outputs) + k]
            gradient[own] -= weights[row]
    return totals.max(), seconds.max(), seconds.sum()


@inner_kernel
def _below_top(scores, first, length, n_classes, differences):  # type: ignore[no-untyped-def]
    for i in range(length):
        top = scores[first + i, np.uintp(0)]
        for k in range(n_classes):
            top = max(top, scores[first + i, k])
        for k in range(n_classes):
            differences[i * n_classes + k] = scores[first + i, k] - top


@inner_kernel
def _shares(powers, scale, weight, start, gradient, hessian):  # type: ignore[no-untyped-def]
    for k in range(np.uintp(len(powers))):
        share = powers[k] * scale
        gradient[start + k] = weight * share
        hessian[start + k] = weight * share * (1.0 - share)


@borrowing_kernel
def mean_loss(loss, quantile, y, weights, scores):  # type: ignore[no-untyped-def]
    """Weighted mean loss of rows with scores (n, n_outputs); 0 where no weight is."""
    total, weight = 0.0, 0.0
    for i in range(len(y)):
        total += weights[i] * _loss_of_row(loss, quantile, y[i], scores[i])
        weight += weights[i]
    return total / weight if weight > 0.0 else 0.0


@inner_kernel
def _loss_of_row(loss, quantile, y, scores):  # type: ignore[no-untyped-def]
    score = scores[0]
    if loss == SQUARED:
        return 0.5 * (score - y) ** 2
    if loss == ABSOLUTE:
        return 0.5 * abs(y - score)
    if loss == QUANTILE:
        return quantile * (y - score) if y > score else (1.0 - quantile) * (score - y)
    if loss == POISSON:
        return np.exp(min(score, _POISSON_LIMIT)) - y * score
    if loss == LOGISTIC:
        return np.log1p(np.exp(-abs(score))) + max(score, 0.0) - y * score
    top, total = score, 0.0
    for k in range(len(scores)):
        top = max(top, scores[k])
    for k in range(len(scores)):
        total += np.exp(scores[k] - top)
    return np.log(total) + top - scores[np.int64(y)]


@borrowing_kernel
def weighted_quantile(values, weights, level):  # type: ignore[no-untyped-def]
    """The smallest value up to which the share ``level`` of the weights lies; the middle, where two values do as well.

    Both arrays are reordered: a heap sort, which needs no memory and compiles quickly.
    """
    _sort_together(values, weights)
    wanted, reached = level * weights.sum(), 0.0
    tolerance = 1e-12 * weights.sum()
    for i in range(len(values)):
        reached += weights[i]
        if reached >= wanted - tolerance:
            if reached <= wanted + tolerance and i + 1 < len(values):
                return 0.5 * (values[i] + values[i + 1])
            return values[i]
    return values[len(values) - 1]


@inner_kernel
def _sort_together(values, weights):  # type: ignore[no-untyped-def]
    n = len(values)
    for i in range(n // 2 - 1, -1, -1):
        _sift_down(values, weights, i, n)
    for end in range(n - 1, 0, -1):
        values[0], values[end] = values[end], values[0]
        weights[0], weights[end] = weights[end], weights[0]
        _sift_down(values, weights, 0, end)


@inner_kernel
def _sift_down(values, weights, start, end):  # type: ignore[no-untyped-def]
    parent = start
    while True:
        child = 2 * parent + 1
        if child >= end:
            return
        if child + 1 < end and values[child + 1] > values[child]:
            child += 1
        if values[child] <= values[parent]:
            return
        values[parent], values[child] = values[child], values[parent]
        weights[parent], weights[child] = weights[child], weights[parent]
        parent = child


def base_scores(loss: int, quantile: float, y: np.ndarray, weights: np.ndarray, n_outputs: int) -> np.ndarray:
    """(n_outputs,) float64: the best constant scores of these targets (class numbers for a class loss)."""
    if loss == MULTINOMIAL:
        shares = np.bincount(y.astype(np.int64), weights=weights, minlength=n_outputs) / weights.sum()
        return np.log(np.maximum(shares, 1e-9))
    if loss in (ABSOLUTE, QUANTILE):
        level = quantile if loss == QUANTILE else 0.5
        return np.array([weighted_quantile(y.astype(np.float64), weights.astype(np.float64), level)])
    mean = float(np.average(y, weights=weights))
    if loss == POISSON:
        return np.array([np.log(max(mean, 1e-9))])
    if loss == LOGISTIC:
        share = min(max(mean, 1e-9), 1.0 - 1e-9)
        return np.array([np.log(share / (1.0 - share))])
    return np.array([mean])
