"""Which scores are worth looking at, however bad the worst are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

WARM_UP = 5  # scored candidates after which the best so far is a bar to measure disasters by


def score_range(scores: Sequence[float] | np.ndarray, baseline: float | None = None) -> tuple[float, float]:
    """Return the range of scores worth showing, however bad the worst are.

    It reaches a little below the constant predictor, or, where that is not known or not beaten, down to all that is no
    outlier, measured by the spread and by how far the search has come since its first few candidates.
    """
    scores = np.asarray(scores, float)
    high = float(scores.max())
    if baseline is not None and baseline < high:
        low = baseline - 0.05 * (high - baseline)
    else:
        lower, upper = np.quantile(scores, (0.25, 0.75))
        start = float(scores[:WARM_UP].max())
        reach = 5.0 * (high - start) or np.inf
        low = min(start, max(float(scores.min()), lower - 1.5 * (upper - lower), high - reach))
    margin = 0.05 * (high - low) or 0.05 * max(abs(high), 1.0)
    return low - margin, high + margin
