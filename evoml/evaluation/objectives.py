"""Objectives: what a candidate is judged by, each a number to be maximised."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean
from typing import TYPE_CHECKING

from evoml.core.errors import SettingError, nearest

if TYPE_CHECKING:
    from evoml.core.candidate import Candidate, Evaluation
    from evoml.core.protocols import GenomeSpace

Objective = Callable[["Candidate", "Evaluation"], float]

SCORE, COMPLEXITY, FIT_TIME = "score", "complexity", "fit_time"


def objectives(names: Sequence[str], metrics: Sequence[str], space: GenomeSpace) -> dict[str, Objective]:
    """Return objectives by name.

    ``"score"`` is the mean over folds of the first metric; the name of any metric its own mean; ``"complexity"`` the
    size of the pipeline (fewer is better); ``"fit_time"`` the seconds of fitting (not the same in every run).
    Raises SettingError for an unknown name, or for a first objective that says nothing of quality.
    """
    known: dict[str, Objective] = {SCORE: _mean(metrics[0]), **{metric: _mean(metric) for metric in metrics}}
    known[COMPLEXITY] = lambda candidate, _: -float(space.complexity(candidate.genome))
    known[FIT_TIME] = lambda _, evaluation: -evaluation.cost.fit
    names = [names] if isinstance(names, str) else list(names)
    for name in names:
        if name not in known:
            raise SettingError(f"unknown objective {name!r}{nearest(name, known)}; there are: {', '.join(known)}")
    if not names or names[0] in (COMPLEXITY, FIT_TIME):
        raise SettingError(f"the first objective must be a score, got {names or 'none'}; put 'score' first")
    return {name: known[name] for name in names}


def _mean(metric: str) -> Objective:
    return lambda _, evaluation: fmean(evaluation.fold_scores[metric])
