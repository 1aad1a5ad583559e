"""Errors of formulas on a table, thousands at once."""

from __future__ import annotations

import numpy as np

from evoml.kernels.expression_evaluate import BYTES_OF_BLOCK, formulas_on_table
from evoml.kernels.expression_losses import CORRELATION, LOG_LOSS, MAE, MSE, R2

__all__ = ["CORRELATION", "LOG_LOSS", "MAE", "MSE", "R2", "score"]


def score(
    codes: np.ndarray,
    constants: np.ndarray,
    lengths: np.ndarray,
    features: np.ndarray,
    target: np.ndarray,
    weights: np.ndarray,
    loss: int,
    scaled: bool,
    first: int,
    last: int,
    errors: np.ndarray,
    scales: np.ndarray,
    hashes: np.ndarray,
) -> None:
    """Set errors, scales and hashes of formulas ``first`` to ``last`` (not included); the GIL is released.

    codes (n, L) int32, constants (n, L) float64, lengths (n,) int32; features (n_features, n_rows), target and weights
    (n_rows,) of one type, float32 or float64. Rows of weight 0 count nothing.

    errors (n,) float64: the mean of the loss, to be minimised; R2 is 1 - R2, CORRELATION 1 - |r|; of LOG_LOSS the formula is
    the logit, and the target 0 or 1. inf where an output is not finite, or too large to be squared. scales (n, 2) float64:
    intercept and slope of least squares where ``scaled`` (for MAE too) or CORRELATION, else 0 and 1; LOG_LOSS has none. hashes
    (n,) uint64: equal for formulas whose outputs on 64 rows differ by rounding only, or, where ``scaled``, by a line; 0 where
    errors are inf.
    """
    nothing = np.zeros((0, 0), features.dtype)
    formulas_on_table(
        codes, constants, lengths, features, target, weights, int(loss), bool(scaled), int(first), int(last),
        BYTES_OF_BLOCK // features.itemsize, nothing, errors, scales, hashes,
    )  # fmt: skip
