"""How good a regression is on rows that it was not fitted on: predictions beside the truth, and what is left over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from evoml.core.random import stream
from evoml.run.explanation.figures import rounded
from evoml.run.explanation.performance import over_folds

if TYPE_CHECKING:
    from evoml.run.explanation.fold_models import FoldModel

DOTS = 800  # rows that are shown one by one
BANDS = 10  # of rows with like predictions
LEAST_IN_BAND = 20
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
BARS = 40
SHARES = (0.5, 0.8, 0.9, 0.95)


def residuals(models: Sequence[FoldModel], seed: int) -> dict[str, Any]:
    """Return what there is to say of truth less prediction, by name. Rows count equally, whatever their weight."""
    truth, said = np.concatenate([one.truth for one in models]), np.concatenate([one.said for one in models])
    left = truth - said
    dots = np.sort(stream(seed, len(truth)).permutation(len(truth))[:DOTS])
    usual = np.quantile(left, (0.005, 0.995))
    return {
        "measures": measures(models),
        "dots": rounded([truth[dots], said[dots]], 4),
        "bands": _bands(said, left),
        "within": [[share, rounded(np.quantile(np.abs(left), share))] for share in SHARES],
        "bars": np.histogram(left, BARS, usual)[0].tolist(),
        "range": rounded(usual),
        "rows": len(truth),
    }


def measures(models: Sequence[FoldModel]) -> list[dict[str, Any]]:
    """Return measures of how good predicted numbers are."""
    from sklearn import metrics

    said = [one.said for one in models]
    by_name = {
        "R²": metrics.r2_score,
        "root mean squared error": metrics.root_mean_squared_error,
        "mean absolute error": metrics.mean_absolute_error,
        "median absolute error": metrics.median_absolute_error,
    }
    return [
        over_folds(name, [f(one.truth, p) for one, p in zip(models, said, strict=True)]) for name, f in by_name.items()
    ]


def _bands(said: np.ndarray, left: np.ndarray) -> dict[str, Any]:
    """Return quantiles of what is left over, for rows with like predictions."""
    n_bands = int(np.clip(len(said) // LEAST_IN_BAND, 1, BANDS))
    parts = [part for part in np.array_split(np.argsort(said, kind="stable"), n_bands) if len(part)]
    return {
        "at": rounded([np.median(said[part]) for part in parts]),
        "quantiles": rounded([np.quantile(left[part], QUANTILES) for part in parts]),
        "levels": list(QUANTILES),
    }
