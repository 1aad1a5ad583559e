"""What is told of a model of epistatic columns: how near it is to the best there can be, and whether it uses the two loci."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from epistasis import penetrance_of

if TYPE_CHECKING:
    from evoml.experiment import Cell


def measures(model: Any, cell: Cell) -> dict[str, float]:
    """Return the accuracy that no model can surpass, how much of the way there from a guess was made, and its steps."""
    task = cell.problem_arguments
    best, _ = penetrance_of(cell.seed, task["heritability"], task["columns"]).best_rule()
    data = cell.data()
    accuracy = float(np.mean(model.predict(data.X_test) == data.y_test))
    told = {"best_possible": best, "way": (accuracy - 0.5) / (best - 0.5)}
    if hasattr(model, "ensemble_"):
        told["steps"] = float(model.ensemble_.text.iloc[0].count("("))
    return told
