"""How good a search was at several times, in CPU seconds, and how much of it was on all rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from evoml.experiment import Cell

LOOKS = (2.5, 5.0, 7.5)  # CPU seconds of evaluations


def measures(model: Any, cell: Cell) -> dict[str, float]:
    """Return the best selection score on all rows after so many CPU seconds, and how many were evaluated on all rows.

    Before the first score they are not a number. Measures whose names end in ``seconds`` are not compared when a cell is
    verified: no pipeline takes the same time twice.
    """
    tried = model.evaluated_individuals_
    order = tried[tried.duplicate_of.isna() & tried.sequence.notna()].sort_values("sequence")
    scores = np.array([one[0] if one else np.nan for one in order.scores])
    used = order.cpu_seconds.to_numpy(dtype=float).cumsum()
    told = {"on_all_rows": float(np.isfinite(scores).sum()), "generations": float(order.generation.max() + 1)}
    return told | {f"score_at_{look}_cpu_seconds": _best(scores[used <= look]) for look in LOOKS}


def _best(scores: np.ndarray) -> float:
    found = scores[np.isfinite(scores)]
    return float(found.max()) if len(found) else float("nan")
