"""When a run counts as a success: as Koza, and Uy et al., count hits; and when it found the very formula."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from evoml.experiment import Cell

HIT = 0.01  # error of a row that still counts as a hit (Koza 1992)
EXACT = 1e-9  # of the target's variance on rows to test on: an error below that is only rounding


def successes(model: Any, cell: Cell) -> dict[str, float]:
    """Return whether all rows are hits, whether the formula is the one looked for, and what it took."""
    data = cell.data()
    hits = np.abs(model.predict(data.X) - data.y) < HIT
    error = np.mean((model.predict(data.X_test) - data.y_test) ** 2) / np.var(data.y_test)
    return {
        "all_hits": float(hits.all()),
        "exact": float(error < EXACT),
        "evaluated": float(model.evaluations_),
        "length": float(model.front_.complexity[model.front_.text == model.formula_].min()),
    }
