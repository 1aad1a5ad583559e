"""Progress as log records, for ``verbose``."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evoml.core.budget import Progress
    from evoml.core.candidate import Outcome
    from evoml.core.protocols import Callback


def log_progress(verbose: int) -> Callback:
    """Return a callback that logs each improvement (1) or each evaluation (2 and more) to the logger ``"evoml"``."""
    logger = logging.getLogger("evoml")
    if not logger.hasHandlers():
        logger.addHandler(logging.StreamHandler())
    logger.setLevel(logging.INFO)
    best = float("-inf")

    def callback(progress: Progress, outcome: Outcome) -> None:
        nonlocal best
        improved, best = progress.best_score > best, progress.best_score
        if improved or verbose > 1:
            logger.info(
                "%7.1f s  %5d evaluations  best %.5f  %s  %s",
                progress.elapsed,
                progress.evaluations,
                progress.best_score,
                outcome.status,
                outcome.candidate.genome,
            )

    return callback
