"""How good a classifier is on rows that it was not fitted on: curves, calibration, confusion, and a few measures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from evoml.run.explanation.figures import rounded

if TYPE_CHECKING:
    from evoml.run.explanation.fold_models import FoldModel

POINTS = np.linspace(0.0, 1.0, 101)  # of the horizontal axis of ROC and precision-recall curves
CURVES = 10  # classes that have curves, the most frequent ones
CONFUSED = 30  # classes that a table of confusions has at most
BINS = 10
BARS = 20

Curve = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, float]]


def performance(models: Sequence[FoldModel], classes: Sequence[str]) -> dict[str, Any]:
    """Return what there is to say, by name. Rows count equally, whatever their weight."""
    said = [one.said for one in models]
    found = {
        "measures": measures(models, said),
        "confusion": _confusion(models, said, classes),
    }
    if models[0].has_ranking:
        rankings = [one.ranking for one in models]
        codes = _curved(models, len(classes))
        found["roc"] = _curves(models, rankings, codes, _roc)
        found["precision_recall"] = _curves(models, rankings, codes, _precision_recall)
        if models[0].has_probabilities:
            found["calibration"] = _calibration(models, rankings, said)
    return found


def measures(models: Sequence[FoldModel], said: Sequence[np.ndarray]) -> list[dict[str, Any]]:
    """Return measures of how good predicted codes are, and the log loss where there are probabilities."""
    from sklearn import metrics

    by_name: dict[str, Callable[..., float]] = {
        "accuracy": metrics.accuracy_score,
        "balanced accuracy": metrics.balanced_accuracy_score,
        "F1, mean over classes": lambda y, p: metrics.f1_score(y, p, average="macro", zero_division=0.0),
        "Matthews correlation": metrics.matthews_corrcoef,
    }
    found = [
        over_folds(name, [f(one.truth, p) for one, p in zip(models, said, strict=True)]) for name, f in by_name.items()
    ]
    if models[0].has_probabilities:
        codes = range(len(models[0].classes))  # type: ignore[arg-type]
        losses = [metrics.log_loss(one.truth, one.ranking, labels=list(codes)) for one in models]
        found.append(over_folds("log loss (less is better)", losses))
    return found


def over_folds(name: str, values: Sequence[float]) -> dict[str, Any]:
    """Return a measure with its mean and its standard deviation over folds."""
    spread = np.std(values, ddof=1) if len(values) > 1 else np.nan
    return {"name": name, "mean": rounded(np.mean(values)), "std": rounded(spread)}


def _confusion(models: Sequence[FoldModel], said: Sequence[np.ndarray], classes: Sequence[str]) -> dict[str, Any]:
    """Return how often a class (a row) was taken for another (a column)."""
    n_classes = len(classes)
    counts = np.zeros((n_classes, n_classes), dtype=int)
    for one, codes in zip(models, said, strict=True):
        np.add.at(counts, (one.truth, codes), 1)
    kept = np.sort(np.argsort(-counts.sum(axis=1), kind="stable")[:CONFUSED])
    return {"classes": [classes[at] for at in kept], "counts": counts[np.ix_(kept, kept)].tolist(), "of": n_classes}


def _curved(models: Sequence[FoldModel], n_classes: int) -> list[int]:
    """Return the classes to draw curves of: the second of two, else the most frequent ones."""
    if n_classes == 2:
        return [1]
    counts = np.bincount(np.concatenate([one.truth for one in models]), minlength=n_classes)
    return sorted(int(code) for code in np.argsort(-counts, kind="stable")[:CURVES])


def _curves(
    models: Sequence[FoldModel], rankings: Sequence[np.ndarray], codes: Sequence[int], curve: Curve
) -> list[dict[str, Any]]:
    """Return a curve for each class against the rest: its mean over folds, its area, and each fold's where it is alone."""
    found = []
    for code in codes:
        pairs = [
            curve(one.truth == code, ranking[:, code])
            for one, ranking in zip(models, rankings, strict=True)
            if 0 < (one.truth == code).sum() < len(one.truth)
        ]
        if not pairs:
            continue
        lines, areas = np.array([line for line, _ in pairs]), [area for _, area in pairs]
        share = np.mean(np.concatenate([one.truth == code for one in models]))
        facts = {"class": code, "mean": rounded(lines.mean(axis=0), 4), "share": rounded(share)}
        facts["area"] = over_folds("area", areas)
        facts["folds"] = rounded(lines, 4) if len(codes) == 1 else []
        found.append(facts)
    return found


def _roc(positive: np.ndarray, ranking: np.ndarray) -> tuple[np.ndarray, float]:
    from sklearn.metrics import auc, roc_curve

    false, true, _ = roc_curve(positive, ranking)
    line = np.interp(POINTS, false, true)
    line[0] = 0.0
    return line, float(auc(false, true))


def _precision_recall(positive: np.ndarray, ranking: np.ndarray) -> tuple[np.ndarray, float]:
    from sklearn.metrics import average_precision_score, precision_recall_curve

    precision, recall, _ = precision_recall_curve(positive, ranking)
    # Between two thresholds precision does not run straight (Davis and Goadrich 2006): each recall takes the value of the
    # first threshold that reaches it.
    line = precision[::-1][np.searchsorted(recall[::-1], POINTS[1:] - 1e-12)]
    return np.concatenate([line[:1], line]), float(average_precision_score(positive, ranking))


def _calibration(
    models: Sequence[FoldModel], rankings: Sequence[np.ndarray], said: Sequence[np.ndarray]
) -> dict[str, Any]:
    """Return how often it is true what a probability is given to: the second of two classes, or else the predicted class."""
    truth = np.concatenate([one.truth for one in models])
    probabilities = np.concatenate(rankings)
    two = probabilities.shape[1] == 2
    predicted = np.ones(len(truth), dtype=int) if two else np.concatenate(said)
    given = probabilities[np.arange(len(truth)), predicted]
    true = truth == predicted
    edges = np.unique(np.quantile(given, np.linspace(0, 1, BINS + 1)))
    places = np.clip(np.searchsorted(edges, given, side="left") - 1, 0, max(len(edges) - 2, 0))
    counts = np.bincount(places)
    used = np.flatnonzero(counts)
    hits = np.bincount(places, weights=true)[used]
    mean, count = np.bincount(places, weights=given)[used] / counts[used], counts[used]
    low, high = wilson(hits, count)
    return {
        "of": "second class" if two else "predicted class",
        "given": rounded(mean),
        "true": rounded(hits / count),
        "low": rounded(low),
        "high": rounded(high),
        "counts": count.tolist(),
        "bars": np.histogram(given, BARS, (0.0, 1.0))[0].tolist(),
        "error": rounded(np.sum(count * np.abs(hits / count - mean)) / len(truth)),
    }


def wilson(hits: np.ndarray, counts: np.ndarray, z: float = 1.96) -> tuple[np.ndarray, np.ndarray]:
    """Return the interval of a share at 95 % (Wilson 1927): both ends, of the shape of ``hits``."""
    share = hits / counts
    middle = (share + z**2 / (2 * counts)) / (1 + z**2 / counts)
    half = z / (1 + z**2 / counts) * np.sqrt(share * (1 - share) / counts + z**2 / (4 * counts**2))
    return np.maximum(middle - half, 0.0), np.minimum(middle + half, 1.0)
