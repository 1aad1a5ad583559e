"""A small Gaussian process over the settings of a pipeline: what local search expects of settings nobody has tried.

Written without matrix products of a numerical library, so that the bits do not depend on its number of threads.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SCALES = 8  # settings of length scales and noise that are compared by their likelihood
NOISE = (1e-2, 1e-3, 1e-1)  # variances, of a signal of variance one
REACH = 0.3  # length scale of each of d dimensions in the middle of what is compared, times the root of d
SPREAD, SPREAD_TOGETHER = (
    0.7,
    0.5,
)  # standard deviations of the logarithm: of each dimension on its own, of all together
OTHER_CHOICE = 0.5  # distance between two choices, where a number's whole range is 1


class Posterior(NamedTuple):
    """Mean and standard deviation at (m,) points, in the unit of what was observed."""

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]


def posterior(
    tried: NDArray[np.float64],
    values: NDArray[np.float64],
    new: NDArray[np.float64],
    is_choice: NDArray[np.bool_],
    rng: np.random.Generator,
) -> Posterior:
    """Return what a Gaussian process with a Matern 5/2 kernel expects (Rasmussen and Williams 2006, algorithm 2.1).

    tried: (n, d) points, numbers in [0, 1] or codes of choices; values: (n,) of mean 0 and variance 1; new: (m, d) points;
    is_choice: (d,). Length scales are those of the greatest posterior density among ``SCALES`` drawn from their prior.
    """
    n, d = tried.shape
    own, both = _squared(tried, tried, is_choice), _squared(new, tried, is_choice)
    stretch = SPREAD * rng.standard_normal((SCALES, d)) + SPREAD_TOGETHER * rng.standard_normal((SCALES, 1))
    stretch[0] = 0.0
    weights = 1.0 / (REACH * math.sqrt(d) * np.exp(stretch)) ** 2  # (s, d)
    noise = np.resize(NOISE, SCALES)
    kernels = _matern(np.einsum("ijd,sd->sij", own, weights)) + noise[:, None, None] * np.eye(n)
    rows = np.concatenate([kernels, np.broadcast_to(values, (SCALES, 1, n))], axis=1)
    factors = _lower_triangular(rows)
    whitened = factors[:, n]
    amplitude = np.mean(whitened**2, axis=1)
    determinant = np.sum(np.log(np.diagonal(factors[:, :n], axis1=1, axis2=2)), axis=1)
    prior = np.sum((stretch / SPREAD) ** 2, axis=1)
    best = int(np.argmax(-0.5 * n * np.log(amplitude) - determinant - 0.5 * prior))
    across = _matern(np.einsum("ijd,d->ij", both, weights[best]))
    solved = _lower_triangular(np.concatenate([kernels[best], across])[None])[0, n:]
    explained = np.einsum("ij,ij->i", solved, solved)
    variance = amplitude[best] * np.maximum(1.0 - explained, 1e-12)
    return Posterior(np.einsum("ij,j->i", solved, whitened[best]), np.sqrt(variance))


def expected_improvement(believed: Posterior, best: float) -> NDArray[np.float64]:
    """Return by how much (m,) points are expected to exceed ``best`` (Jones, Schonlau and Welch 1998, equation 15)."""
    from scipy.special import ndtr

    gain = (believed.mean - best) / believed.deviation
    return believed.deviation * (gain * ndtr(gain) + np.exp(-0.5 * gain**2) / math.sqrt(2.0 * math.pi))


def _squared(one: NDArray[np.float64], other: NDArray[np.float64], is_choice: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the squared distances (n, m, d) in each dimension."""
    apart = one[:, None] - other[None]
    return np.where(is_choice, OTHER_CHOICE**2 * (apart != 0.0), apart**2)


def _matern(squared: NDArray[np.float64]) -> NDArray[np.float64]:
    distance = np.sqrt(5.0 * squared)
    return (1.0 + distance + distance**2 / 3.0) * np.exp(-distance)


def _lower_triangular(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the Cholesky factors of s matrices, and further rows solved with them.

    rows: (s, n + r, n), the first n rows symmetric and positive definite. Returns as much: L, and r rows x with L x = row.
    """
    factors = np.zeros_like(rows)
    for column in range(rows.shape[2]):
        done = factors[:, column:, :column]
        left = rows[:, column:, column] - np.einsum("sik,sk->si", done, factors[:, column, :column])
        factors[:, column:, column] = left / np.sqrt(left[:, :1])
    return factors
