"""How soon a search is good."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from evoml.experiment import Cell


def measures(model: Any, cell: Cell) -> dict[str, float]:
    """Return the mean over evaluations of the best selection score so far, and the evaluations up to the last improvement.

    Before the first score it counts as 0.
    """
    tried = model.evaluated_individuals_
    order = tried[tried.duplicate_of.isna() & tried.sequence.notna()].sort_values("sequence")
    best = np.maximum.accumulate([scores[0] if scores else 0.0 for scores in order.scores])
    return {"convergence": float(best.mean()), "last_improvement": float(np.argmax(best == best[-1]) + 1)}
