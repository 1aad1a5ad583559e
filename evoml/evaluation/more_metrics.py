"""Metrics by name that scikit-learn has no name for; a number after a colon is their parameter: ``"fbeta:2"``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn import metrics
from sklearn.metrics import make_scorer

from evoml.core.errors import SettingError, nearest

Scorer = Callable[..., float]


def geometric_mean(y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
    """Return the geometric mean of the recalls of all classes that occur (Kubat and Matwin 1997); 0 if one is never found."""
    there = np.unique(y_true if sample_weight is None else np.asarray(y_true)[np.asarray(sample_weight) > 0])
    recalls = metrics.recall_score(
        y_true, y_pred, labels=there, average=None, sample_weight=sample_weight, zero_division=0.0
    )
    return float(np.prod(recalls) ** (1 / len(recalls)))


def ranked_probability_score(y_true: Any, y_proba: Any, sample_weight: Any = None, labels: Any = None) -> float:
    """Return the mean squared difference of cumulative probabilities, of ordered classes (Epstein 1969).

    y_proba: (n, k), or (n,) of the second of two classes; labels: (k,) classes in their order. It is the sum over the k - 1
    borders between classes, divided by their number.
    """
    proba = np.asarray(y_proba, dtype=np.float64)
    if proba.ndim == 1:
        proba = np.column_stack([1.0 - proba, proba])
    true = np.asarray(y_true)[:, None] <= np.asarray(labels)[None, :-1]
    errors = ((np.cumsum(proba, axis=1)[:, :-1] - true) ** 2).mean(axis=1)
    return float(np.average(errors, weights=sample_weight))


def _kappa(value: float | None, n_classes: int) -> Scorer:
    return make_scorer(metrics.cohen_kappa_score, weights="quadratic", labels=list(range(n_classes)))  # type: ignore[no-any-return]


def _geometric_mean(value: float | None, n_classes: int) -> Scorer:
    return make_scorer(geometric_mean)  # type: ignore[no-any-return]


def _ranked(value: float | None, n_classes: int) -> Scorer:
    return make_scorer(  # type: ignore[no-any-return]
        ranked_probability_score,
        greater_is_better=False,
        response_method="predict_proba",
        labels=list(range(n_classes)),
    )


def _fbeta(value: float | None, n_classes: int) -> Scorer:
    return make_scorer(metrics.fbeta_score, beta=value)  # type: ignore[no-any-return]


def _pinball(value: float | None, n_classes: int) -> Scorer:
    return make_scorer(metrics.mean_pinball_loss, greater_is_better=False, alpha=value)  # type: ignore[no-any-return]


def _tweedie(value: float | None, n_classes: int) -> Scorer:
    return make_scorer(metrics.mean_tweedie_deviance, greater_is_better=False, power=value)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Named:
    """A metric of a task; its parameter, if it has one, with what it may be in words, and a check."""

    task: str
    make: Callable[[float | None, int], Scorer]
    parameter: str = ""
    allowed: Callable[[float], bool] = lambda value: True


NAMED: Mapping[str, Named] = {
    "quadratic_weighted_kappa": Named("classification", _kappa),
    "geometric_mean": Named("classification", _geometric_mean),
    "neg_ranked_probability_score": Named("classification", _ranked),
    "fbeta": Named("classification", _fbeta, "beta, above 0", lambda value: value > 0),
    "neg_mean_pinball_loss": Named("regression", _pinball, "a quantile between 0 and 1", lambda value: 0 < value < 1),
    "neg_mean_tweedie_deviance": Named("regression", _tweedie, "a power from 1 to 3", lambda value: 1 <= value <= 3),
}


def named_scorer(name: str, task: str, n_classes: int) -> Scorer:
    """Return the scorer of a name in ``NAMED``, with its parameter if it takes one; classes are codes from 0 on.

    Raises SettingError for another task's metric, and for a parameter that is missing or cannot be.
    """
    word, _, given = name.partition(":")
    found = NAMED[word]
    if found.task != task:
        raise SettingError(f"the metric {word!r} is for {found.task}, this is a {task}; choose another metric")
    if bool(found.parameter) != bool(given):
        what = f"needs {found.parameter}, written as '{word}:NUMBER'" if found.parameter else "takes no parameter"
        raise SettingError(f"the metric {word!r} {what}, got {name!r}")
    if not given:
        return found.make(None, n_classes)
    try:
        value = float(given)
    except ValueError:
        value = np.nan
    if not (np.isfinite(value) and found.allowed(value)):
        raise SettingError(f"the metric {word!r} needs {found.parameter}, got {given!r}")
    return found.make(value, n_classes)


class CostMatrix:
    """What each mistake costs, as a metric: minus the mean cost of a row.

    Parameters
    ----------
    costs : mapping of label to mapping of label to float, or (k, k) array
        What it costs to predict the second label where the first one is true; in an array, rows are true labels and columns
        predicted ones, both sorted or in the order of ``labels``. What a mapping leaves out costs nothing.
    labels : sequence, optional
        Of an array.

    Examples
    --------
    >>> from evoml import EvoClassifier, CostMatrix
    >>> model = EvoClassifier(scoring=CostMatrix({"ill": {"well": 20.0}, "well": {"ill": 1.0}}))
    """

    _response_method = "predict"

    def __init__(self, costs: Any, labels: Sequence[Any] | None = None) -> None:
        self.costs, self.labels = costs, labels

    def __call__(self, estimator: Any, X: Any, y: Any, sample_weight: Any = None) -> float:
        if np.ndim(y) > 1:
            raise SettingError("CostMatrix is of one column of labels, the target has several")
        table, labels = self._table(np.unique(np.append(np.asarray(estimator.classes_), y)))
        true, said = self._places(labels, y), self._places(labels, estimator.predict(X))
        return -float(np.average(table[true, said], weights=sample_weight))

    def _table(self, present: np.ndarray) -> tuple[np.ndarray, list[Any]]:
        """Return the costs as an array, and its labels."""
        if isinstance(self.costs, Mapping):
            named = [*self.costs, *(label for row in self.costs.values() for label in row)]
            labels = list(dict.fromkeys([*present.tolist(), *named]))
            rows = [[self.costs.get(true, {}).get(said, 0.0) for said in labels] for true in labels]
            return self._checked(np.array(rows, dtype=np.float64)), labels
        table = self._checked(np.array(self.costs, dtype=np.float64))
        labels = present.tolist() if self.labels is None else list(self.labels)
        if table.shape != (len(labels), len(labels)):
            raise SettingError(
                f"CostMatrix has shape {table.shape}, but there are {len(labels)} classes; give one row and one column"
                " for each class, and labels"
            )
        return table, labels

    @staticmethod
    def _checked(table: np.ndarray) -> np.ndarray:
        if not np.isfinite(table).all():
            raise SettingError(
                "CostMatrix must hold finite numbers only, got NaN or infinite costs; give large numbers instead"
            )
        return table

    @staticmethod
    def _places(labels: list[Any], values: Any) -> np.ndarray:
        places = {label: place for place, label in enumerate(labels)}
        listed = np.asarray(values).tolist()
        unknown = [value for value in dict.fromkeys(listed) if value not in places]
        if unknown:
            raise SettingError(
                f"CostMatrix has no costs for class {unknown[0]!r}{nearest(str(unknown[0]), list(map(str, labels)))};"
                " name all classes"
            )
        return np.array([places[value] for value in listed], dtype=np.intp)
