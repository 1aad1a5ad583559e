"""Objectives: what a candidate is judged by, each a number to be maximised."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from evoml.core.errors import SettingError, nearest

if TYPE_CHECKING:
    from evoml.core.candidate import Candidate, Evaluation
    from evoml.core.protocols import GenomeSpace

SCORE, COMPLEXITY = "score", "complexity"


@dataclass(frozen=True)
class Objective:
    """One number of a candidate, greater is better.

    Attributes
    ----------
    after : callable
        Returns it for a candidate and its evaluation.
    before : callable or None
        Returns it for a candidate that is yet to be evaluated, where that is possible.
    metric : str or None
        The metric whose mean over folds it is.
    """

    after: Callable[[Candidate, Evaluation], float]
    before: Callable[[Candidate], float] = lambda candidate: 0.0
    metric: str | None = None
    in_advance: bool = False

    def __call__(self, candidate: Candidate, evaluation: Evaluation) -> float:
        return self.after(candidate, evaluation)


def objectives(
    names: Sequence[str], metrics: Sequence[str], space: GenomeSpace, n_rows: int = 1000
) -> dict[str, Objective]:
    """Return objectives by name.

    ``"score"`` is the mean over folds of the first metric; the name of any metric its own mean; ``"complexity"`` the
    size of the pipeline. What was measured is not the same in every run: ``"fit_time"``, the seconds of fitting on all folds,
    ``"predict_time"``, those of predicting a thousand rows, ``"memory"``, the bytes needed at the peak, and ``"size"``,
    the bytes of the fitted pipeline. ``n_rows`` are the rows tested. Less is better for all but scores.
    Raises SettingError for an unknown name, or for a first objective that says nothing of quality.
    """
    measured: dict[str, Callable[[Evaluation], float]] = {
        "fit_time": lambda evaluation: evaluation.cost.fit,
        "predict_time": lambda evaluation: 1000 * evaluation.cost.predict / n_rows,
        "memory": lambda evaluation: evaluation.cost.memory,
        "size": lambda evaluation: evaluation.cost.size,
    }
    known = {SCORE: _mean(metrics[0]), **{metric: _mean(metric) for metric in metrics}}
    known[COMPLEXITY] = _known_before(lambda candidate: -float(space.complexity(candidate.genome)))
    known |= {name: Objective(_negative(cost)) for name, cost in measured.items() if name not in known}
    names = [names] if isinstance(names, str) else list(names)
    for name in names:
        if name not in known:
            raise SettingError(f"unknown objective {name!r}{nearest(name, known)}; there are: {', '.join(known)}")
    if not names or known[names[0]].metric is None:
        raise SettingError(f"the first objective must be a score, got {names or 'none'}; put 'score' first")
    return {name: known[name] for name in names}


def _mean(metric: str) -> Objective:
    return Objective(lambda _, evaluation: fmean(evaluation.fold_scores[metric]), metric=metric)


def _known_before(before: Callable[[Candidate], float]) -> Objective:
    return Objective(lambda candidate, _: before(candidate), before, in_advance=True)


def _negative(cost: Callable[[Evaluation], float]) -> Callable[[Candidate, Evaluation], float]:
    return lambda _, evaluation: -float(cost(evaluation))
