"""How complex formulas are, and which one of a front to take: by nodes, by weights, by description length, at the knee."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from evoml.core.errors import SettingError
from evoml.genomes.expression.operations import operation
from evoml.genomes.expression.population import Population
from evoml.kernels.expression_codes import CONSTANT

_LARGEST_WHOLE = 1e6
_LEAST_LOSS = 1e-15  # of the largest: what is below is rounding


def node_weights(
    operations: Mapping[str, float] | None = None, constant: float = 1.0, variable: float | Sequence[float] = 1.0
) -> np.ndarray:
    """Return what each node adds to a formula's complexity, float64 by code; the last stands for all columns beyond.

    operations: names and their weights, 1 for the others. variable: one weight, or one for each column. Raises SettingError
    for weights that are not positive, SearchSpaceError for an operation that is not known.
    """
    columns = [variable] if np.isscalar(variable) else list(variable)  # type: ignore[arg-type]
    weights = np.concatenate([np.ones(CONSTANT), [constant], np.asarray(columns, np.float64)])
    for name, weight in (operations or {}).items():
        weights[operation(name).code] = weight
    if not (np.isfinite(weights).all() and (weights > 0).all()):
        raise SettingError(
            f"weights of complexity must be numbers above 0, got {operations}, {constant} and {variable}"
        )
    return weights


def complexities(population: Population, weights: np.ndarray | None = None) -> np.ndarray:
    """Return the sum of the weights of each formula's nodes, float64 (n,); without weights, how many nodes there are."""
    if weights is None:
        return population.lengths.astype(np.float64)
    used = np.arange(population.room) < population.lengths[:, None]
    by_node = weights[np.minimum(population.codes, len(weights) - 1)]
    return np.where(used, by_node, 0.0).sum(axis=1)


# -- description length ---------------------------------------------------------------------------------------------------


def structure_nats(population: Population) -> np.ndarray:
    """Return the length in nats of each formula without its constants, float64 (n,): k nodes, each one of n symbols.

    k log n, with n the number of different symbols in that formula and every constant the same symbol (Bartlett, Desmond
    and Ferreira 2023, "Exhaustive Symbolic Regression", the term for the function).
    """
    used = np.arange(population.room) < population.lengths[:, None]
    codes = np.sort(np.where(used, population.codes, -1), axis=1)
    first = (codes >= 0) & np.concatenate([np.ones((len(codes), 1), bool), codes[:, 1:] != codes[:, :-1]], axis=1)
    return population.lengths * np.log(first.sum(axis=1))


def constant_nats(population: Population, information: np.ndarray) -> np.ndarray:
    """Return the length in nats of each formula's constants, float64 (n,), each to its best precision.

    information : float64 (n, room)
        Fisher information of each constant: the second derivative of the negative log-likelihood at its minimum.

    A constant c with information I takes log|c| + log(I) / 2 - log(3) / 2 (Bartlett et al. 2023, the term for parameters, from
    the precision sqrt(12 / I)), but not less than log 2 where it is smaller than its precision. A whole number takes
    its logarithm and a sign, where that is less.
    """
    sizes = np.abs(population.constants)
    with np.errstate(divide="ignore", invalid="ignore"):
        precise = np.log(sizes) + 0.5 * np.log(information) - 0.5 * np.log(3.0)
        whole = np.log(np.maximum(sizes, 1.0)) + np.log(2.0)
    nats = np.maximum(np.where(np.isnan(precise), 0.0, precise), np.log(2.0))
    nats = np.where((sizes == np.rint(sizes)) & (sizes <= _LARGEST_WHOLE), np.minimum(nats, whole), nats)
    used = (np.arange(population.room) < population.lengths[:, None]) & (population.codes == CONSTANT)
    return np.where(used, nats, 0.0).sum(axis=1)


def gaussian_nats(errors: np.ndarray, n_rows: float, least: float = 0.0) -> np.ndarray:
    """Return the negative log-likelihood in nats of mean squared errors, the noise's variance being the error itself.

    errors: (n,). n_rows: rows, or their weights in all. least: errors below this count as much; with data free of noise
    the last digits would decide otherwise.
    """
    with np.errstate(divide="ignore"):
        return 0.5 * n_rows * (np.log(2.0 * np.pi * np.maximum(errors, least)) + 1.0)


def description_lengths(
    population: Population, negative_log_likelihoods: np.ndarray, information: np.ndarray
) -> np.ndarray:
    """Return each formula's description length and its data's in nats, float64 (n,): the least is the formula to take.

    negative_log_likelihoods: (n,) in nats. information: as for :func:`constant_nats`. A formula that is scaled must have
    intercept and slope written in (:func:`.simplify.simplify`), or they are not counted.
    """
    return negative_log_likelihoods + structure_nats(population) + constant_nats(population, information)


# -- the knee of a front --------------------------------------------------------------------------------------------------


def knee(complexities: Sequence[float] | np.ndarray, losses: Sequence[float] | np.ndarray) -> int:
    """Return the index of the formula where a front bends most: farthest below the chord between its ends.

    The chord runs from the simplest to the best, in complexity and the logarithm of the loss (Das 1999, "On characterizing
    the 'knee' of the Pareto curve"). With fewer than three formulas, or a front that bends nowhere, the one of least loss.
    """
    sizes, values = np.asarray(complexities, np.float64), np.asarray(losses, np.float64)
    finite = np.isfinite(values)
    if not finite.any():
        return int(np.argmin(sizes))
    logs = np.log(np.maximum(values, max(values[finite].max() * _LEAST_LOSS, np.finfo(float).tiny)))
    by_loss = np.lexsort((sizes, values))
    best, simplest = by_loss[0], np.lexsort((values, np.where(finite, sizes, np.inf)))[0]
    if sizes[best] <= sizes[simplest] or logs[simplest] <= logs[best]:
        return int(best)
    along = (sizes - sizes[simplest]) / (sizes[best] - sizes[simplest])
    height = (logs - logs[best]) / (logs[simplest] - logs[best])
    below = np.where(finite & (along <= 1.0), 1.0 - along - height, -np.inf)
    chosen = int(np.argmax(below))
    return chosen if below[chosen] > 1e-9 else int(best)
