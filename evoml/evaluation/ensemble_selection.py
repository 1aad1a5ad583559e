"""Which candidates to average, and with what weights, judged by nothing but their out-of-fold predictions.

Greedy selection with replacement (Caruana et al. 2004, "Ensemble selection from libraries of models"): starting from the best
one, the candidate that raises the score of the average most is added again and again; how often each was taken is its weight.
It is repeated with each fold left out in turn. The weights are the mean over these selections (bagging them keeps luck out,
Caruana et al. 2006), and each fold left out tells what a selection is worth on rows it never saw: where that is less than
what the best single candidate has there, beyond noise, nothing is averaged.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from evoml.evaluation.folds import mixed, rows
from evoml.evaluation.predictions import most_useful
from evoml.evaluation.responses import most_probable
from evoml.evaluation.scoring import OwnScorer, apply

if TYPE_CHECKING:
    from evoml.core.target import Classes
    from evoml.evaluation.problem import Problem

STEPS = 20  # of a selection at most: weights are multiples of one twentieth
MAX_LIBRARY = 40  # candidates that are looked at, the best ones and those unlike them
MAX_ROWS = 10_000  # that averages are judged on
MAX_CELLS = 4_000_000  # numbers in the predictions of all candidates together
LEAST_WEIGHT = 0.05  # of a member: one that was taken now and then only costs time
PATIENCE = 3  # steps of a selection without gain before it ends


class SaidClasses(ClassifierMixin, BaseEstimator):
    """What has predicted (n, classes) probabilities, or a list of these for several outputs, as metrics want to see it."""

    def __init__(self, probabilities: Any, classes: Any) -> None:
        self.probabilities, self.classes_ = probabilities, classes

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict_proba(self, X: Any) -> Any:
        return self.probabilities

    def predict(self, X: Any) -> np.ndarray:
        return most_probable(self.probabilities, self.classes_)


class SaidNumbers(RegressorMixin, BaseEstimator):
    """What has predicted (n,) numbers, or (n, outputs), as metrics want to see it."""

    def __init__(self, numbers: np.ndarray) -> None:
        self.numbers = numbers

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict(self, X: Any) -> np.ndarray:
        return self.numbers


def answers(predictions: np.ndarray, classes: Classes) -> np.ndarray:
    """Return kept predictions as float64 with one column for each class, or of numbers; those of several outputs together."""
    columns = predictions.astype(np.float64)
    if classes is None:
        return columns
    if isinstance(classes, tuple):
        widths = [1 if len(one) == 2 else len(one) for one in classes]
        return np.hstack([answers(part, one) for part, one in zip(parted(columns, widths), classes, strict=True)])
    if len(classes) == 2:
        return np.column_stack([1.0 - columns[:, 0], columns[:, 0]])
    return columns / columns.sum(axis=1, keepdims=True)  # type: ignore[no-any-return]


def parted(columns: np.ndarray, widths: Sequence[int]) -> list[np.ndarray]:
    """Return (n, columns) numbers in parts of so many columns each."""
    return np.split(columns, np.cumsum(widths)[:-1], axis=1)


def said(columns: np.ndarray, classes: Classes) -> SaidClasses | SaidNumbers:
    """Return what metrics take (n, columns) answers from."""
    if classes is None:
        return SaidNumbers(columns[:, 0] if columns.shape[1] == 1 else columns)
    if isinstance(classes, tuple):
        return SaidClasses(parted(columns, [len(one) for one in classes]), list(classes))
    return SaidClasses(columns, classes)


@dataclass(frozen=True)
class _Part:
    """The rows of one fold that are judged: their places in the table, and all that a metric wants to know of them."""

    places: np.ndarray
    X: Any
    y: np.ndarray
    weight: np.ndarray | None


class Judge:
    """Scores out-of-fold predictions by the first metric of a problem, fold by fold, on some rows of a large table.

    Parameters
    ----------
    problem : Problem
    n_candidates : int
        Whose predictions are to be in memory at once.
    """

    def __init__(self, problem: Problem, n_candidates: int) -> None:
        self._scorer = next(iter(problem.scorers.values()))
        self._classes = problem.classes
        n_tested = sum(len(test) for _, test in problem.splits)
        share = min(1.0, MAX_ROWS / n_tested, MAX_CELLS / (n_tested * n_candidates * problem.dataset.n_answers))
        self.parts = [_part(problem, test, share, isinstance(self._scorer, OwnScorer)) for _, test in problem.splits]

    def taken(self, predictions: np.ndarray) -> list[np.ndarray]:
        """Return a candidate's (n_rows, columns) predictions as those of each fold's rows, one column for each class."""
        return [answers(predictions[part.places], self._classes) for part in self.parts]

    def score(self, fold: int, columns: np.ndarray) -> float:
        """Return the metric of predictions for a fold; -inf where it has none."""
        part = self.parts[fold]
        value = apply(self._scorer, said(columns, self._classes), part.X, part.y, part.weight)
        return value if math.isfinite(value) else -math.inf


def _part(problem: Problem, test: np.ndarray, share: float, blind: bool) -> _Part:
    dataset, places = problem.dataset, test
    if share < 1.0:
        labels = None if dataset.classes is None else dataset.y[test]
        count = max(1, int(share * len(test)))
        places = test[np.sort(mixed(len(test), labels, problem.seed)[:count])]
    weight = None if dataset.sample_weight is None else dataset.sample_weight[places]
    # Metrics of ours look at nothing but predictions; one of the user's own may look at the table.
    X = np.empty((len(places), 0)) if blind else rows(dataset.features.data, places)
    return _Part(places, X, problem.target[places], weight)


@dataclass(frozen=True)
class Selection:
    """What came of a selection.

    Attributes
    ----------
    weights : mapping of candidate to float
        Positive, the greatest first; they sum to one. A single candidate of weight one where averaging does not pay.
    score : float
        The first metric of the average, mean over folds. The weights were chosen for it.
    gain : float
        By how much selections were better than the best single candidate on the folds they did not see, on average.
    """

    weights: Mapping[int, float]
    score: float
    gain: float = 0.0


@dataclass(frozen=True)
class Bounds:
    """What an ensemble may be.

    Attributes
    ----------
    size : int
        Members at most.
    costs : mapping of candidate to (r,) array
        What each candidate takes of r resources.
    limits : (r,) array
        What there is of each; any candidate alone is to be within them.
    """

    size: int
    costs: Mapping[int, np.ndarray]
    limits: np.ndarray


def select(
    problem: Problem,
    predictions: Mapping[int, np.ndarray],
    bounds: Bounds,
    late: Callable[[], bool] = lambda: False,
) -> Selection:
    """Choose from candidates with out-of-fold ``predictions`` (n_rows, columns), the best one first.

    ``late`` tells that there is no time to go on; the selections made so far count then.
    """
    library = most_useful(predictions, MAX_LIBRARY)
    judge = Judge(problem, len(library))
    greedy = Greedy(
        judge, [judge.taken(predictions[one]) for one in library], [bounds.costs[one] for one in library], bounds
    )
    folds = list(range(len(judge.parts)))
    chosen, gains = [], []
    for left_out in folds:
        seen = [fold for fold in folds if fold != left_out] or folds
        weights = greedy.select(seen, late)
        if late():
            break
        chosen.append(weights)
        gains.append(greedy.score(weights, [left_out]) - greedy.alone[greedy.best(seen), left_out])
    best = greedy.best(folds)
    single = Selection({library[best]: 1.0}, float(greedy.alone[best].mean()))
    if not chosen or _worse(gains):
        return single
    weights = greedy.trimmed(np.mean(chosen, axis=0))
    score = greedy.score(weights, folds)
    if not score > single.score:
        return single
    order = [at for at in np.argsort(-weights, kind="stable") if weights[at] > 0]
    return Selection({library[at]: float(weights[at]) for at in order}, score, float(np.mean(gains)))


def average_score(problem: Problem, predictions: Mapping[int, np.ndarray], weights: Mapping[int, float]) -> float:
    """Return the score of a weighted average of candidates, as :func:`select` tells it."""
    judge = Judge(problem, len(weights))
    answers = [judge.taken(predictions[one]) for one in weights]
    whole = sum(weights.values())
    shares = [weight / whole for weight in weights.values()]
    parts = list(zip(shares, answers, strict=True))
    return float(np.mean([judge.score(fold, _average(parts, fold)) for fold in range(len(judge.parts))]))


def _average(parts: Sequence[tuple[float, list[np.ndarray]]], fold: int) -> np.ndarray:
    """Return the (n, columns) weighted sum of answers for a fold."""
    return np.sum([weight * answer[fold] for weight, answer in parts], axis=0)  # type: ignore[no-any-return]


def _worse(gains: Sequence[float]) -> bool:
    """Tell whether averages fared worse than single candidates on folds that they did not see, by more than noise.

    An average is the better choice more often than not, so a small table's noise is no reason to leave it.
    """
    if not np.isfinite(gains).all():
        return True
    error = np.std(gains, ddof=1) / math.sqrt(len(gains)) if len(gains) > 1 else 0.0
    return bool(np.mean(gains) < -error)


class Greedy:
    """Greedy selection with replacement.

    Parameters
    ----------
    judge : Judge
    answers : sequence of lists of (n, columns) arrays
        The predictions of each candidate for each fold.
    costs : sequence of (r,) arrays
        What each candidate takes.
    bounds : Bounds

    Attributes
    ----------
    alone : (n_candidates, n_folds) array
        Scores of the candidates.
    """

    def __init__(
        self, judge: Judge, answers: Sequence[list[np.ndarray]], costs: Sequence[np.ndarray], bounds: Bounds
    ) -> None:
        self._judge, self._answers, self._bounds = judge, answers, bounds
        self._costs = np.array(costs, dtype=float).reshape(len(answers), -1)
        self.alone = np.array([[judge.score(fold, one) for fold, one in enumerate(answer)] for answer in answers])

    def best(self, folds: Sequence[int]) -> int:
        """Return the best single candidate on some folds."""
        return int(np.argmax(self.alone[:, folds].mean(axis=1)))

    def score(self, weights: np.ndarray, folds: Sequence[int]) -> float:
        """Return the mean score of a weighted average on some folds."""
        used = [(weight, answer) for weight, answer in zip(weights, self._answers, strict=True) if weight > 0]
        return float(np.mean([self._judge.score(fold, _average(used, fold)) for fold in folds]))

    def select(self, folds: Sequence[int], late: Callable[[], bool]) -> np.ndarray:
        """Return the weights of the candidates, chosen on some folds; it ends where nothing has been gained for a while."""
        counts = np.zeros(len(self._answers))
        counts[self.best(folds)] = 1
        sums = [self._answers[self.best(folds)][fold] for fold in folds]
        found, record, step = counts.copy(), self.alone[self.best(folds), folds].mean(), 1
        while step < STEPS and step - found.sum() < PATIENCE and not late():
            scores = [
                self._mean_score(
                    folds, [s + self._answers[at][fold] for s, fold in zip(sums, folds, strict=True)], step + 1
                )
                if self._allowed(counts, at)
                else -math.inf
                for at in range(len(counts))
            ]
            taken = int(np.argmax(scores))
            if not math.isfinite(scores[taken]):
                break
            counts[taken] += 1
            step += 1
            sums = [s + self._answers[taken][fold] for s, fold in zip(sums, folds, strict=True)]
            if scores[taken] > record:
                found, record = counts.copy(), scores[taken]
        return found / found.sum()

    def _mean_score(self, folds: Sequence[int], sums: Sequence[np.ndarray], count: int) -> float:
        return float(np.mean([self._judge.score(fold, one / count) for fold, one in zip(folds, sums, strict=True)]))

    def _allowed(self, weights: np.ndarray, more: int) -> bool:
        """Tell whether an ensemble may have one more member, or another share of one that it has."""
        if weights[more] > 0:
            return True
        members = np.append(np.flatnonzero(weights), more)
        return len(members) <= self._bounds.size and bool(
            (self._costs[members].sum(axis=0) <= self._bounds.limits).all()
        )

    def trimmed(self, weights: np.ndarray) -> np.ndarray:
        """Return the weights of no more members than there may be, those that weigh most; little weight is dropped."""
        kept = np.zeros(len(weights))
        for at in np.argsort(-weights, kind="stable"):
            if weights[at] >= min(LEAST_WEIGHT, weights.max()) and self._allowed(kept, at):
                kept[at] = weights[at]
        return kept / kept.sum()
