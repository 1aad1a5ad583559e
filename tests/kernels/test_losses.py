"""Derivatives against finite differences, quantiles against naive ones."""

import kernels.naive_trees as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evoml.kernels import losses
from evoml.kernels.losses import base_scores, exponential, fill_derivatives, mean_loss, weighted_quantile


def test_exponential_is_that_of_numpy():
    for x in [*np.linspace(-700.0, 700.0, 400), 0.0, 1e-300, -1e-12]:
        assert exponential(x) == pytest.approx(np.exp(x), rel=1e-13)
    assert exponential(1e6) == exponential(700.0)


def _targets(loss, rng, n, k):
    if loss == losses.MULTINOMIAL:
        return rng.integers(0, k, n).astype(float)
    if loss == losses.LOGISTIC:
        return rng.integers(0, 2, n).astype(float)
    return rng.integers(0, 6, n).astype(float) if loss == losses.POISSON else rng.normal(size=n)


@pytest.mark.parametrize("loss", range(6))
def test_derivatives_are_those_of_the_loss(loss):
    rng = np.random.default_rng(loss)
    n, k = 7, 3 if loss == losses.MULTINOMIAL else 1
    width = 4 if k > 1 else 1
    y, weights, scores = _targets(loss, rng, n, k), rng.random(n) + 0.2, rng.normal(size=(n, k))
    gradient, hessian = np.zeros(n * width), np.zeros(n * width)
    sums = fill_derivatives(loss, 0.3, y, weights, scores, width, gradient, hessian)
    first, second = gradient.reshape(n, width), hessian.reshape(n, width)
    assert sums[0] == pytest.approx(np.abs(first).sum(axis=0).max())
    assert sums[1] == pytest.approx(second.sum(axis=0).max())
    assert sums[2] == pytest.approx(second.sum())

    def total(row, output, shift):
        moved = scores.copy()
        moved[row, output] += shift
        return mean_loss(loss, 0.3, y, weights, moved) * weights.sum()

    step = 1e-4
    for row in range(n):
        for output in range(k):
            low, here, high = (total(row, output, shift) for shift in (-step, 0.0, step))
            assert first[row, output] == pytest.approx((high - low) / (2 * step), rel=1e-4, abs=1e-6)
            if loss not in (losses.ABSOLUTE, losses.QUANTILE):
                assert second[row, output] == pytest.approx((high - 2 * here + low) / step**2, rel=1e-3, abs=1e-5)


@pytest.mark.parametrize("loss", range(6))
def test_base_scores_are_the_best_constants(loss):
    rng = np.random.default_rng(loss)
    n, k = 50, 3 if loss == losses.MULTINOMIAL else 1
    y, weights = _targets(loss, rng, n, k), rng.random(n)
    base = base_scores(loss, 0.3, y, weights, k)
    least = mean_loss(loss, 0.3, y, weights, np.tile(base, (n, 1)))
    for output in range(k):
        for shift in (-0.05, 0.05):
            moved = base.copy()
            moved[output] += shift
            assert mean_loss(loss, 0.3, y, weights, np.tile(moved, (n, 1))) > least


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.integers(-5, 5), st.integers(1, 4)), min_size=1, max_size=25), st.integers(1, 9))
def test_weighted_quantile_matches_naive(pairs, tenths):
    values = np.array([value for value, _ in pairs], float)
    weights = np.array([weight for _, weight in pairs], float)
    expected = naive.weighted_quantile(values.tolist(), weights.tolist(), tenths / 10)
    assert weighted_quantile(values.copy(), weights.copy(), tenths / 10) == pytest.approx(expected)
