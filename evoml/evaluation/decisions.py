"""What to do with a final model's probabilities, judged by nothing but its out-of-fold predictions.

For a metric on labels: by what each class's probability is multiplied before the greatest one wins; with two classes it is the
cut between them. For a metric on probabilities: how much more or less certain they should be. Both are learned on all folds but
one and judged on that one, in turn; they are kept only if they gain there, beyond noise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from evoml.evaluation.ensemble_selection import Judge
from evoml.evaluation.scoring import QuickScorer
from evoml.learners.adjusted import adjusted

if TYPE_CHECKING:
    from evoml.evaluation.problem import Problem

CUTS = 40  # places for a cut between two classes that are tried; with more classes fewer for each
MULTICLASS_CUTS, PASSES = 12, 2
SLOW_CUTS = 12  # at most, for a metric that is not one of the quick ones
MOST_CLASSES = 20  # with more, weights take long to find and generalise badly
SMOOTHING = np.array([0.25, 0.5, 0.25])  # over neighbouring cuts: a lone peak is luck
SHRINKAGE = 1e-3  # of calibration towards probabilities as they are
LEAST = 1e-15  # of a probability whose logarithm is taken

LABELS, PROBABILITIES = "predict", "predict_proba"  # as scikit-learn's scorers name what they ask for
CONTENT = ("accuracy", "accuracy_score")  # metrics of labels for which the most probable class is the best choice


@dataclass(frozen=True)
class Decision:
    """What is done with probabilities p, and what it is worth.

    Attributes
    ----------
    sharpness : float
    factors : (n_classes,) array or None
        The probabilities become proportional to ``p ** sharpness * factors``.
    labels : bool
        Whether that only decides which class is predicted, and probabilities stay as they are.
    score : float
        Mean of the metric over folds, each decided by what was learned on the others.
    gain : float
        By how much that is better than without.
    """

    sharpness: float
    factors: np.ndarray | None
    labels: bool
    score: float
    gain: float


Learned = tuple[float, np.ndarray | None]  # sharpness, factors
Learner = Callable[[Sequence[int]], Learned]


def decide(problem: Problem, predictions: np.ndarray, late: Callable[[], bool] = lambda: False) -> Decision | None:
    """Return what to do with a classifier's probabilities for the problem's first metric; None to leave them.

    Parameters
    ----------
    problem : Problem
    predictions : (n_rows, columns) array
        Out-of-fold probabilities, as evaluations keep them.
    late : callable
        Tells that there is no time to go on.
    """
    classes, wanted = problem.dataset.classes, asks_for(problem)
    if classes is None or not 2 <= len(classes) <= MOST_CLASSES or wanted is None or len(problem.splits) < 2:
        return None
    judge = Judge(problem, 1)
    answers = judge.taken(predictions)
    folds = list(range(len(answers)))
    alone = np.array([judge.score(fold, answers[fold]) for fold in folds])
    if not np.isfinite(alone).all():
        return None
    if wanted == LABELS:
        learners: list[Learner] = [partial(_weights, judge, answers, cuts_for(problem), late)]
    else:
        codes = [np.searchsorted(classes, part.y) if problem.original_labels else part.y for part in judge.parts]
        weights = [np.ones(len(part.y)) if part.weight is None else part.weight for part in judge.parts]
        learners = [partial(_calibration, answers, codes, weights, offsets) for offsets in (False, True)]
    found = [_judged(judge, answers, alone, learner, wanted == LABELS, late) for learner in learners]
    return max((one for one in found if one is not None), key=lambda one: one.gain, default=None)


def asks_for(problem: Problem) -> str | None:
    """Return what the first metric asks a model for, if a decision could help with it."""
    name, scorer = next(iter(problem.scorers.items()))
    wanted = getattr(scorer, "_response_method", None)
    function = getattr(getattr(scorer, "_score_func", None), "__name__", "")
    if wanted == LABELS and not {name, function} & set(CONTENT):
        return LABELS
    return PROBABILITIES if wanted == PROBABILITIES and not name.startswith("roc_auc") else None


def is_quick(problem: Problem) -> bool:
    """Tell whether the first metric takes next to no time."""
    return isinstance(next(iter(problem.scorers.values())), QuickScorer)


def cuts_for(problem: Problem) -> int:
    """Return how many cuts are tried for a class."""
    n_cuts = CUTS if len(problem.dataset.classes) == 2 else MULTICLASS_CUTS  # type: ignore[arg-type]
    return n_cuts if is_quick(problem) else min(n_cuts, SLOW_CUTS)


def _judged(
    judge: Judge,
    answers: Sequence[np.ndarray],
    alone: np.ndarray,
    learner: Learner,
    labels: bool,
    late: Callable[[], bool],
) -> Decision | None:
    """Return what a learner comes to, if it gains more than noise on folds that it did not see."""
    folds, learned, scores = range(len(answers)), [], []
    for left_out in folds:
        if late():
            return None
        learned.append(learner([fold for fold in folds if fold != left_out]))
        scores.append(judge.score(left_out, adjusted(answers[left_out], *learned[-1])))
    gains = np.array(scores) - alone
    noise = float(np.std(gains, ddof=1)) / math.sqrt(len(gains))
    if not np.isfinite(gains).all() or not float(np.mean(gains)) > noise:
        return None
    sharpness = float(np.exp(np.mean([np.log(one) for one, _ in learned])))
    factors = None
    if learned[0][1] is not None:
        logarithms = np.mean([np.log(one) for _, one in learned if one is not None], axis=0)
        factors = np.exp(logarithms - logarithms.max())
    return Decision(sharpness, factors, labels, float(np.mean(scores)), float(np.mean(gains)))


# -- metrics on labels ------------------------------------------------------------------------------------------------


def _weights(
    judge: Judge, answers: Sequence[np.ndarray], n_cuts: int, late: Callable[[], bool], folds: Sequence[int]
) -> Learned:
    """Return the classes' weights that score best on some folds, found one class after another."""
    n_classes = answers[0].shape[1]
    logarithms = {fold: np.log(np.clip(answers[fold], LEAST, 1.0)) for fold in folds}
    weights = np.zeros(n_classes)
    for _ in range(1 if n_classes == 2 else PASSES):
        for label in range(1, n_classes):
            if late():
                break
            weights[label] = _best_weight(judge, logarithms, weights, label, n_cuts)
    return 1.0, np.exp(weights)


def _best_weight(
    judge: Judge, logarithms: dict[int, np.ndarray], weights: np.ndarray, label: int, n_cuts: int
) -> float:
    """Return the logarithm of one class's weight at which the mean score is best, the others' left as they are."""
    turns = [_turns(columns + weights, label) + weights[label] for columns in logarithms.values()]
    shares = (np.arange(n_cuts) + 0.5) / n_cuts
    places = np.unique(np.append(np.quantile(np.concatenate(turns), shares), weights[label]))
    scores = np.zeros(len(places))
    for at, place in enumerate(places):
        changed = weights.copy()
        changed[label] = place
        scores[at] = np.mean([judge.score(fold, np.exp(columns + changed)) for fold, columns in logarithms.items()])
    smooth = np.convolve(np.pad(scores, 1, mode="edge"), SMOOTHING, mode="valid")
    return float(places[np.argmax(smooth)])


def _turns(scores: np.ndarray, label: int) -> np.ndarray:
    """Return for each row by how much a class's score must change for the class to win."""
    return np.delete(scores, label, axis=1).max(axis=1) - scores[:, label]  # type: ignore[no-any-return]


# -- metrics on probabilities -----------------------------------------------------------------------------------------


def _calibration(
    answers: Sequence[np.ndarray],
    codes: Sequence[np.ndarray],
    weights: Sequence[np.ndarray],
    offsets: bool,
    folds: Sequence[int],
) -> Learned:
    """Return the sharpness, and with ``offsets`` the factors, of the least log loss on some folds."""
    from scipy.optimize import minimize

    logarithms = np.log(np.clip(np.concatenate([answers[fold] for fold in folds]), LEAST, 1.0))
    true = np.concatenate([codes[fold] for fold in folds])
    weight = np.concatenate([weights[fold] for fold in folds])
    n_rows, n_classes = logarithms.shape

    def loss(given: np.ndarray) -> tuple[float, np.ndarray]:
        scores = math.exp(given[0]) * logarithms + np.append(given[1:], np.zeros(n_classes + 1 - len(given)))
        scores -= scores.max(axis=1, keepdims=True)
        errors = np.exp(scores)
        sums = errors.sum(axis=1, keepdims=True)
        value = weight @ (np.log(sums[:, 0]) - scores[np.arange(n_rows), true]) / weight.sum()
        errors /= sums
        errors[np.arange(n_rows), true] -= 1.0
        errors *= (weight / weight.sum())[:, None]
        slopes = np.append(math.exp(given[0]) * (errors * logarithms).sum(), errors.sum(axis=0)[: len(given) - 1])
        return value + 0.5 * SHRINKAGE * given @ given, slopes + SHRINKAGE * given

    found = minimize(
        loss, np.zeros(n_classes if offsets else 1), jac=True, method="L-BFGS-B", bounds=_bounds(offsets, n_classes)
    )
    return math.exp(found.x[0]), np.exp(np.append(found.x[1:], 0.0)) if offsets else None


def _bounds(offsets: bool, n_classes: int) -> list[tuple[Any, Any]]:
    return [(-3.0, 3.0)] + [(-10.0, 10.0)] * (n_classes - 1 if offsets else 0)
