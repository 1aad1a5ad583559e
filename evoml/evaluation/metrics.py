"""The common metrics of one fold in plain NumPy, with scikit-learn's values.

On a fold of a few hundred rows scikit-learn spends nearly all of a metric's time on checking what it was given. These functions
check only what decides which formula holds. Where a metric is undefined, or scikit-learn would warn or refuse, they return
NaN, and the caller asks scikit-learn. Targets are codes 0 .. n_classes - 1, or float64 for a regression.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np

UNDEFINED = math.nan

Weight = np.ndarray | None
Confusion = Callable[[np.ndarray, np.ndarray], float]


def mean(values: np.ndarray, weight: Weight) -> float:
    """Return the (weighted) mean."""
    if weight is None:
        return float(values.mean())
    return float(values @ weight / weight.sum())


def _shares(parts: np.ndarray, wholes: np.ndarray) -> np.ndarray:
    """Return ``parts / wholes``, 0 where the whole is 0."""
    return np.divide(parts, wholes, out=np.zeros(len(parts)), where=wholes != 0)


# -- predicted classes ------------------------------------------------------------------------------------------------


def from_classes(measure: Confusion, y: np.ndarray, predicted: np.ndarray, n_classes: int, weight: Weight) -> float:
    """Return a metric of the (n_classes, n_classes) confusion matrix; rows are true classes, columns predicted ones.

    ``measure`` also gets a mask of the classes that occur at all.
    """
    if len(predicted) == 0 or predicted.min() < 0 or predicted.max() >= n_classes:
        return UNDEFINED
    cells, size = y * n_classes + predicted, n_classes * n_classes
    counts = np.bincount(cells, minlength=size).reshape(n_classes, n_classes)
    present = (counts.sum(axis=0) + counts.sum(axis=1)) > 0
    if weight is None:
        return measure(counts.astype(np.float64), present)
    return measure(np.bincount(cells, weight, minlength=size).reshape(n_classes, n_classes), present)


def accuracy(confusion: np.ndarray, present: np.ndarray) -> float:
    return float(confusion.trace() / confusion.sum())


def balanced_accuracy(confusion: np.ndarray, present: np.ndarray) -> float:
    """Mean recall of the classes that have weight."""
    support = confusion.sum(axis=1)
    there = support > 0
    return float((confusion.diagonal()[there] / support[there]).mean())


def matthews_correlation(confusion: np.ndarray, present: np.ndarray) -> float:
    """Correlation of true and predicted classes for any number of them (Gorodkin 2004); 0 where one of them is constant."""
    true, said, whole = confusion.sum(axis=1), confusion.sum(axis=0), confusion.sum()
    spread = (whole**2 - said @ said) * (whole**2 - true @ true)
    return float((confusion.trace() * whole - true @ said) / math.sqrt(spread)) if spread > 0 else 0.0


def quadratic_weighted_kappa(confusion: np.ndarray, present: np.ndarray) -> float:
    """Agreement beyond chance, mistakes weighted by the squared distance of ordered classes (Cohen 1968)."""
    places = np.arange(len(confusion))
    distances = (places[:, None] - places) ** 2.0
    chance = np.outer(confusion.sum(axis=1), confusion.sum(axis=0)) / confusion.sum()
    expected = (distances * chance).sum()
    return float(1.0 - (distances * confusion).sum() / expected) if expected > 0 else UNDEFINED


def geometric_mean(confusion: np.ndarray, present: np.ndarray) -> float:
    """Geometric mean of the recalls of classes that have weight (Kubat and Matwin 1997)."""
    support = confusion.sum(axis=1)
    there = support > 0
    return float(np.prod(confusion.diagonal()[there] / support[there]) ** (1.0 / there.sum()))


def f_beta(beta: float, confusion: np.ndarray, present: np.ndarray) -> float:
    """F-beta of the second of two classes: recall counts ``beta`` times as much as precision."""
    if len(confusion) != 2:
        return UNDEFINED
    hits, said, true = confusion[1, 1], confusion[:, 1].sum(), confusion[1].sum()
    whole = said + beta**2 * true
    return float((1.0 + beta**2) * hits / whole) if whole > 0 else UNDEFINED


def set_measure(kind: str, average: str, confusion: np.ndarray, present: np.ndarray) -> float:
    """Precision, recall, F1 or Jaccard index: of the second class (binary), or averaged over the classes that occur."""
    hits, said, true = confusion.diagonal(), confusion.sum(axis=0), confusion.sum(axis=1)
    if average == "binary":
        if len(confusion) != 2:
            return UNDEFINED
        hits, said, true = hits[1:], said[1:], true[1:]
    elif average == "micro":
        hits, said, true = (np.array([part.sum()]) for part in (hits, said, true))
    else:
        hits, said, true = hits[present], said[present], true[present]
    match kind:
        case "precision":
            values = _shares(hits, said)
        case "recall":
            values = _shares(hits, true)
        case "f1":
            values = _shares(2.0 * hits, said + true)
        case _:
            values = _shares(hits, said + true - hits)
    if average == "weighted":
        return mean(values, true) if true.sum() > 0 else UNDEFINED
    return float(values.mean())


# -- probabilities and rankings ---------------------------------------------------------------------------------------


def log_loss(y: np.ndarray, probabilities: np.ndarray, weight: Weight) -> float:
    """Return the negative mean log loss of (n, n_classes) probabilities."""
    if probabilities.dtype != np.float64 or not _are_probabilities(probabilities):
        return UNDEFINED
    eps = np.finfo(np.float64).eps
    return mean(np.log(probabilities[np.arange(len(y)), y].clip(eps, 1.0 - eps)), weight)


def _are_probabilities(values: np.ndarray) -> bool:
    within = values.min(initial=0.0) >= 0.0 and values.max(initial=0.0) <= 1.0
    return bool(within and np.abs(values.sum(axis=1) - 1.0).max(initial=0.0) <= np.finfo(np.float64).eps ** 0.5)


def brier_score(y: np.ndarray, probabilities: np.ndarray, weight: Weight) -> float:
    """Return the negative Brier score (Brier 1950); with two classes half of it, as is usual."""
    if probabilities.dtype != np.float64 or not _are_probabilities(probabilities):
        return UNDEFINED
    if probabilities.shape[1] == 2:
        return -mean((y - probabilities[:, 1]) ** 2, weight)
    true = y[:, None] == np.arange(probabilities.shape[1])
    return -mean(((true - probabilities) ** 2).sum(axis=1), weight)


def roc_auc(positive: np.ndarray, values: np.ndarray, weight: Weight) -> float:
    """Return the area under the curve of a ranking: the share of pairs in order, ties count one half.

    positive: (n,) bool; values: (n,), higher is more positive.
    """
    up, down = _steps(positive, values, weight)
    pairs = up.sum() * down.sum()
    if not pairs > 0:
        return UNDEFINED
    below = np.cumsum(down) - 0.5 * down
    return float(up @ below / pairs)


def average_precision(positive: np.ndarray, values: np.ndarray, weight: Weight) -> float:
    """Return the sum of precisions at each step of recall (no interpolation)."""
    up, down = (part[::-1] for part in _steps(positive, values, weight))
    found, drawn = np.cumsum(up), np.cumsum(up + down)
    if not len(found) or not found[-1] > 0 or not drawn[0] > 0:
        return UNDEFINED
    return float(up @ (found / drawn) / found[-1])


def _steps(positive: np.ndarray, values: np.ndarray, weight: Weight) -> tuple[np.ndarray, np.ndarray]:
    """Return the weight of positive and of negative rows at each distinct value, from the lowest to the highest."""
    if not np.isfinite(values).all():
        return np.zeros(0), np.zeros(0)
    order = np.argsort(values)
    ordered, up = values[order], positive[order].astype(np.float64)
    heavy = np.ones(len(up)) if weight is None else weight[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    up, every = np.add.reduceat(up * heavy, starts), np.add.reduceat(heavy, starts)
    return up, every - up


def roc_auc_one_vs_rest(weighted: bool, y: np.ndarray, probabilities: np.ndarray, weight: Weight) -> float:
    """Return the mean area of each class against the others, weighted by its share of the rows if so wished."""
    n_classes = probabilities.shape[1]
    if not _ranks_all(y, probabilities):
        return UNDEFINED
    areas = np.array([roc_auc(y == label, probabilities[:, label], weight) for label in range(n_classes)])
    return mean(areas, np.bincount(y, weight, minlength=n_classes) if weighted else None)


def roc_auc_one_vs_one(weighted: bool, y: np.ndarray, probabilities: np.ndarray, weight: Weight) -> float:
    """Return the mean area of all pairs of classes (Hand and Till 2001), weighted by their share of the rows if so wished."""
    if weight is not None or not _ranks_all(y, probabilities):
        return UNDEFINED
    areas, shares = [], []
    rows = [np.flatnonzero(y == label) for label in range(probabilities.shape[1])]
    for second, others in enumerate(rows):
        for first in range(second):
            both = np.concatenate([rows[first], others])
            of_first = np.arange(len(both)) < len(rows[first])
            area = roc_auc(of_first, probabilities[both, first], None)
            areas.append((area + roc_auc(~of_first, probabilities[both, second], None)) / 2.0)
            shares.append(len(both))
    return mean(np.array(areas), np.array(shares, dtype=np.float64) if weighted else None)


def _ranks_all(y: np.ndarray, probabilities: np.ndarray) -> bool:
    n_classes = probabilities.shape[1]
    occurring = np.bincount(y, minlength=n_classes).all()
    return bool(n_classes > 2 and occurring and np.allclose(1, probabilities.sum(axis=1)))


# -- regression -------------------------------------------------------------------------------------------------------


def r2(y: np.ndarray, predicted: np.ndarray, weight: Weight) -> float:
    """Return the share of the target's variance that is explained; undefined for a constant target."""
    spread = mean((y - mean(y, weight)) ** 2, weight)
    return 1.0 - mean((y - predicted) ** 2, weight) / spread if spread > 0 and len(y) > 1 else UNDEFINED


def explained_variance(y: np.ndarray, predicted: np.ndarray, weight: Weight) -> float:
    """Return R2 of predictions without their mean error."""
    return r2(y, predicted + mean(y - predicted, weight), weight)


def squared_error(y: np.ndarray, predicted: np.ndarray, weight: Weight) -> float:
    return -mean((y - predicted) ** 2, weight)


def root_squared_error(y: np.ndarray, predicted: np.ndarray, weight: Weight) -> float:
    return -math.sqrt(mean((y - predicted) ** 2, weight))


def absolute_error(y: np.ndarray, predicted: np.ndarray, weight: Weight) -> float:
    return -mean(np.abs(y - predicted), weight)


def absolute_percentage_error(y: np.ndarray, predicted: np.ndarray, weight: Weight) -> float:
    return -mean(np.abs(y - predicted) / np.maximum(np.abs(y), np.finfo(np.float64).eps), weight)


def median_absolute_error(y: np.ndarray, predicted: np.ndarray, weight: Weight) -> float:
    return -float(np.median(np.abs(y - predicted))) if weight is None else UNDEFINED


def greatest_error(y: np.ndarray, predicted: np.ndarray, weight: Weight) -> float:
    return -float(np.abs(y - predicted).max()) if weight is None else UNDEFINED


def pinball_loss(quantile: float, y: np.ndarray, predicted: np.ndarray, weight: Weight) -> float:
    """Return the negative mean pinball loss of a quantile (Koenker and Bassett 1978)."""
    errors = y - predicted
    return -mean(np.maximum(quantile * errors, (quantile - 1.0) * errors), weight)


def on_logarithms(metric: Callable[..., float], y: np.ndarray, predicted: np.ndarray, weight: Weight) -> float:
    """Return a metric of log(1 + y); undefined for negative values."""
    if y.min() < 0 or predicted.min() < 0:
        return UNDEFINED
    return metric(np.log1p(y), np.log1p(predicted), weight)


# -- by the names that scikit-learn gives them ------------------------------------------------------------------------

OF_CLASSES: dict[str, Confusion] = {
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "matthews_corrcoef": matthews_correlation,
    "quadratic_weighted_kappa": quadratic_weighted_kappa,
    "geometric_mean": geometric_mean,
    **{
        kind if average == "binary" else f"{kind}_{average}": partial(set_measure, kind, average)
        for kind in ("precision", "recall", "f1", "jaccard")
        for average in ("binary", "macro", "micro", "weighted")
    },
}
OF_PROBABILITIES: dict[str, Callable[..., float]] = {
    "neg_log_loss": log_loss,
    "neg_brier_score": brier_score,
    "roc_auc_ovr": partial(roc_auc_one_vs_rest, False),
    "roc_auc_ovr_weighted": partial(roc_auc_one_vs_rest, True),
    "roc_auc_ovo": partial(roc_auc_one_vs_one, False),
    "roc_auc_ovo_weighted": partial(roc_auc_one_vs_one, True),
}
OF_RANKINGS: dict[str, Callable[..., float]] = {"roc_auc": roc_auc, "average_precision": average_precision}
OF_NUMBERS: dict[str, Callable[..., float]] = {
    "r2": r2,
    "explained_variance": explained_variance,
    "neg_mean_squared_error": squared_error,
    "neg_root_mean_squared_error": root_squared_error,
    "neg_mean_absolute_error": absolute_error,
    "neg_mean_absolute_percentage_error": absolute_percentage_error,
    "neg_median_absolute_error": median_absolute_error,
    "neg_max_error": greatest_error,
    "neg_mean_squared_log_error": partial(on_logarithms, squared_error),
    "neg_root_mean_squared_log_error": partial(on_logarithms, root_squared_error),
}


# -- by name and parameter, as in "fbeta:2" ---------------------------------------------------------------------------

_OF_CLASSES_BY = {"fbeta": f_beta}
_OF_NUMBERS_BY = {"neg_mean_pinball_loss": pinball_loss}


def of_classes(name: str) -> Confusion | None:
    """Return the measure of a confusion matrix that goes by a name; None for another kind of metric."""
    word, _, value = name.partition(":")
    return partial(_OF_CLASSES_BY[word], float(value)) if word in _OF_CLASSES_BY else OF_CLASSES.get(name)


def of_numbers(name: str) -> Callable[..., float] | None:
    """Return the measure of numbers that goes by a name; None if there is none."""
    word, _, value = name.partition(":")
    return partial(_OF_NUMBERS_BY[word], float(value)) if word in _OF_NUMBERS_BY else OF_NUMBERS.get(name)
