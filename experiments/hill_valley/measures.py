"""Whether a search found what Hill-Valley is about: each row set to one scale, and a linear model of the result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from evoml.experiment import Cell

ROWS = "Normalizer("  # the part that divides each row by its own norm
LINEAR = (
    "LogisticRegression",
    "RidgeClassifier",
    "LinearSVC",
    "SGDClassifier",
    "Perceptron",
    "LinearDiscriminantAnalysis",
)
GOOD = 0.9  # selection score that nothing without the idea comes near


def measures(model: Any, cell: Cell) -> dict[str, float]:
    """Return whether the best pipeline is a linear model of normalised rows, and evaluations up to the first good one."""
    if not hasattr(model, "ensemble_"):
        return {}
    text, tried = model.ensemble_.text.iloc[0], model.evaluated_individuals_
    fresh = tried.duplicate_of.isna() & tried.sequence.notna()
    order = tried[fresh].sort_values("sequence")
    good = np.flatnonzero([bool(scores) and scores[0] > GOOD for scores in order.scores])
    return {
        "rediscovered": float(ROWS in text and text.startswith(LINEAR)),
        "normalised": float(ROWS in text),
        "steps": float(text.count("(")),
        "good_after": float(good[0] + 1) if len(good) else float(len(order)),
    }
