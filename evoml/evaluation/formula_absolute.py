"""Least absolute errors for formulas, by reweighted least squares (Schlossmacher 1973): their lines and their constants."""

from __future__ import annotations

import numpy as np

from evoml.evaluation.formula_table import FormulaTable
from evoml.genomes.expression.population import Population
from evoml.kernels.expression_evaluate import evaluate
from evoml.kernels.expression_least_squares import fit_constants

ROUNDS = 8  # of reweighting a line
LEAST = 1e-4  # of the mean distance from the target: nearer rows weigh no more
_NONE = np.empty((0, 0))


def lines(outputs: np.ndarray, table: FormulaTable) -> np.ndarray:
    """Return intercept and slope of about the least weighted absolute error for each row of ``outputs`` (n, n_rows): (n, 2).

    Begins with least squares. Rows of ``outputs`` that are not finite get 0 and 1.
    """
    found = np.tile([0.0, 1.0], (len(outputs), 1))
    finite = np.isfinite(outputs).all(axis=1)
    values = outputs[finite]
    weights = np.broadcast_to(table.weights, values.shape)
    with np.errstate(all="ignore"):
        for _ in range(ROUNDS):
            shares = weights / weights.sum(axis=1, keepdims=True)
            mean, target = (
                (shares * values).sum(axis=1, keepdims=True),
                (shares * table.target).sum(axis=1, keepdims=True),
            )
            centred = values - mean
            spread = (shares * centred**2).sum(axis=1, keepdims=True)
            slope = (shares * centred * (table.target - target)).sum(axis=1, keepdims=True) / spread
            slope = np.where(np.isfinite(slope), slope, 0.0)
            intercept = target - slope * mean
            weights = table.weights / _bounded(np.abs(table.target - intercept - slope * values))
    found[finite] = np.column_stack([intercept, slope])
    return found


def tuned(genomes: Population, steps: np.ndarray, table: FormulaTable) -> np.ndarray:
    """Return the constants (n, room) after steps, int32 (n,), of local search for the least absolute error."""
    constants, n = genomes.constants.copy(), len(genomes)
    outputs = outputs_of(genomes, constants, table.features)
    scales = lines(outputs, table)
    unused = np.empty(n), np.empty((n, 2)), _NONE
    for at in np.flatnonzero((steps > 0) & np.isfinite(outputs).all(axis=1)).tolist():
        far = np.abs(table.target - scales[at, 0] - scales[at, 1] * outputs[at])
        fit_constants(
            genomes.codes, constants, genomes.lengths, table.features, table.target, table.weights / _bounded(far[None])[0],
            steps, False, True, 0, at, at + 1, *unused,
        )  # fmt: skip
    return constants


def outputs_of(genomes: Population, constants: np.ndarray, features: np.ndarray) -> np.ndarray:
    """Return the outputs of formulas: (n, n_rows) float64."""
    out = np.empty((len(genomes), features.shape[1]))
    evaluate(genomes.codes, constants, genomes.lengths, features, 0, len(genomes), out)
    return out


def mean_distances(outputs: np.ndarray, scales: np.ndarray, table: FormulaTable) -> np.ndarray:
    """Return the weighted mean absolute error of scaled outputs: (n,), inf where they are not finite."""
    with np.errstate(all="ignore"):
        far = np.abs(table.target - scales[:, :1] - scales[:, 1:] * outputs) @ (table.weights / table.weights.sum())
    return np.where(np.isfinite(far), far, np.inf)


def _bounded(far: np.ndarray) -> np.ndarray:
    """Return distances (n, n_rows) with those near 0 made larger, so that their inverse can be a weight."""
    return np.maximum(far, np.maximum(LEAST * far.mean(axis=1, keepdims=True), 1e-300))
