"""What the model of a run is expected to score on new rows, as it is told at the end."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit, softmax

from evoml.evaluation import quiet
from evoml.evaluation.expected_score import ExpectedScore, expected_score
from evoml.evaluation.surroundings import error_text
from evoml.run.ensemble import Makers, can_be_averaged, within_limits

if TYPE_CHECKING:
    from evoml.core.candidate import Outcome
    from evoml.core.dataset import Dataset
    from evoml.run.pace import Pace
    from evoml.run.refit import FinalModel

NOT_SCORED = "there is no estimated_score_, since the metric could not be computed from out-of-fold predictions ({})"


def expectation(
    make: Makers,
    model: FinalModel,
    scored: Sequence[Outcome],
    kept: Mapping[int, np.ndarray],
    units: np.ndarray,
    timed: bool = False,
) -> tuple[ExpectedScore | None, str]:
    """Return the expected score of a final model, None where it cannot be told, and what the user should know of it.

    Parameters
    ----------
    make : Makers
        What made the model.
    model : FinalModel
    scored : sequence of Outcome
        All candidates that it could have been, best first.
    kept : mapping of candidate to (n_rows, columns) array
        Out-of-fold predictions, the best first.
    units : (n_rows,) array
        Rows of one unit are not independent of each other.
    timed : bool
        Whether it must come to an end by the clock.
    """
    outcomes = {outcome.candidate.id: outcome for outcome in within_limits(scored, make)[0]}
    chosen = next((one for one in outcomes.values() if str(one.candidate.genome) == model.text), None)
    if chosen is None:
        return None, ""
    metric = next(iter(make.problem.scorers))
    score = model.score if not math.isnan(model.score) else float(np.mean(chosen.evaluation.fold_scores[metric]))
    late = _deadline(make.pace) if timed else lambda: False
    known = {}
    for one in kept:
        if one in outcomes:
            averageable = can_be_averaged(make, outcomes[one])
            if averageable or not model.members:
                known[one] = kept[one] if averageable else _as_probabilities(kept[one], make.problem.dataset)
    try:
        with quiet(make.problem.seed):
            return expected_score(make.problem, known, units, score, bool(model.members), late), ""
    except Exception as error:  # a metric of the user's own may do anything with mere predictions
        return None, NOT_SCORED.format(error_text(error))


def _deadline(pace: Pace) -> Callable[[], bool]:
    """Return what tells that the time for this is over."""
    left, until = pace.time_to_fit(), time.monotonic() + pace.time_to_expect()
    if left is not None:
        until = min(until, time.monotonic() + left + pace.start)
    return lambda: time.monotonic() > until


def _as_probabilities(values: np.ndarray, dataset: Dataset) -> np.ndarray:
    """Return decision values, or indicators of labels, as probabilities that mean the same labels and the same order."""
    if dataset.several:
        return values  # they are indicators
    return expit(values) if values.shape[1] == 1 else softmax(values, axis=1)  # type: ignore[no-any-return]
