"""How much the score falls when a column of the raw table is shuffled (Breiman 2001, section 10), on rows not fitted on."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from evoml.evaluation.scoring import Scorer, apply
from evoml.run.explanation.figures import rounded

if TYPE_CHECKING:
    from evoml.run.explanation.fold_models import FoldModel

ROWS = (1000, 200)  # of a fold that are asked about, and of a slow model
REPEATS = 5
KEPT = 100  # columns, of a wide table


def importances(
    models: Sequence[FoldModel], names: Sequence[str], scorer: Scorer, seed: int, until: float
) -> dict[str, Any] | None:
    """Return the permutation importance of each raw column, greatest first; None if there is no time for any.

    What there is no time for is left out: first repeats, then rows, then folds.
    """
    samples, rounds = list(models), 0
    for n_rows in ROWS:
        samples = [one.sample(n_rows, seed) for one in models]
        rounds = int((until - time.monotonic()) / (_seconds(samples[0], scorer) * len(names)))
        if rounds >= len(samples):
            break
    if rounds < 1:
        return None
    samples = samples[:rounds]
    repeats = min(REPEATS, rounds // len(samples))
    falls: list[np.ndarray] = []
    longest = 0.0
    for number, sample in enumerate(samples):
        began = time.monotonic()
        if falls and began + longest > until:  # it takes longer than was thought
            break
        falls.append(_falls(sample, scorer, repeats, seed + number))
        longest = max(longest, time.monotonic() - began)
    samples = samples[: len(falls)]
    means = np.mean(falls, axis=(0, 2))
    order = np.argsort(-means, kind="stable")[:KEPT]
    return {
        "columns": [names[at] for at in order],
        "means": rounded(means[order]),
        "folds": rounded(np.mean(falls, axis=2).T[order]),
        "spread": rounded(
            np.std(falls, axis=(0, 2))[order] if np.size(falls) > len(names) else np.full(len(order), np.nan)
        ),
        "repeats": repeats,
        "rows": sum(len(sample.y) for sample in samples),
        "left_out": len(names) - len(order),
    }


def _seconds(sample: FoldModel, scorer: Scorer) -> float:
    """Return how long it takes to score a model once; the first time may load what it needs."""
    taken = 0.0
    for _ in range(2):
        began = time.perf_counter()
        apply(scorer, sample.model, sample.X, sample.y.copy(), sample.weight)
        taken = time.perf_counter() - began
    return taken


def _falls(sample: FoldModel, scorer: Scorer, repeats: int, seed: int) -> np.ndarray:
    """Return (n_columns, repeats) differences of the score."""
    from sklearn.inspection import permutation_importance

    def scoring(model: Any, X: Any, y: Any) -> float:
        return apply(scorer, model, X, y, sample.weight)

    found = permutation_importance(
        sample.model, sample.X, sample.y.copy(), scoring=scoring, n_repeats=repeats, random_state=seed, n_jobs=1
    )
    return np.asarray(found.importances)
