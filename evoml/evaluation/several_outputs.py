"""Metrics of targets of several columns: scikit-learn's own where it has one, else the mean over the columns.

What scikit-learn averages uniformly over outputs or labels (R2, errors, macro F1, the area under the curve) is the mean over
columns, each scored as a target of its own. What it counts over rows with all their labels (samples, micro and weighted
averages, the share of rows with every label right) is asked of scikit-learn. The log loss is the sum over columns: minus the
mean logarithm of what a row's labels together are given by a model that takes them to be independent.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.metaestimators import available_if

from evoml.core.errors import SettingError
from evoml.evaluation.scoring import OwnScorer, Scorer
from evoml.learners.out_of_fold import aligned, classes_of_each, of_each_output

ALL_RIGHT = "accuracy"
SUMMED = ("neg_log_loss",)
OF_BOTH_CLASSES = (
    "roc_auc",
    "average_precision",
)  # metrics, by how they begin, that a column of one class has no value of
_KINDS = ("f1", "precision", "recall", "jaccard")


def of_label_sets(name: Any, indicator: bool) -> bool:
    """Tell whether a metric counts rows with all their labels. Raises SettingError where these must be 0 or 1, and are not."""
    word, _, average = str(name).rpartition("_")
    if word in _KINDS and average == "samples" and not indicator:
        raise SettingError(
            f"the metric {name!r} is of labels that are 0 or 1 in several columns; choose another metric"
        )
    return name == ALL_RIGHT or (indicator and word in _KINDS and average in ("samples", "micro", "weighted"))


def of_each(name: Any, indicator: bool) -> Any:
    """Return the metric of a single column whose mean over columns is meant: of macro F1 of labels, that of label 1."""
    word, _, average = str(name).rpartition("_")
    return word if indicator and word in _KINDS and average == "macro" else name


@dataclass(frozen=True)
class LabelSets(OwnScorer):
    """A metric that looks at all labels of a row together: a name of scikit-learn's, or the share of rows with all right."""

    name: str
    _response_method = "predict"

    def __call__(self, estimator: Any, X: Any, y: Any, sample_weight: Any = None) -> float:
        said = np.asarray(estimator.predict(X))
        if self.name == ALL_RIGHT:
            return float(np.average((said == y).all(axis=1), weights=sample_weight))
        from sklearn.metrics import get_scorer

        scorer: Any = get_scorer(self.name)
        settings = {"zero_division": 0.0, **scorer._kwargs}
        return float(scorer._sign * scorer._score_func(y, said, sample_weight=sample_weight, **settings))


@dataclass(frozen=True, eq=False)
class EachOutput(OwnScorer):
    """The mean of a metric over columns; those in which the rows to be scored leave it undefined are passed over.

    Attributes
    ----------
    name : str
    scorers : tuple of Scorer
        Of each column.
    classes : tuple of array or None
        What models know of each column: codes from 0 on, as many as there are classes; None for numbers.
    """

    name: str
    scorers: tuple[Scorer, ...]
    classes: tuple[np.ndarray | None, ...]

    @property
    def _response_method(self) -> Any:
        return getattr(self.scorers[0], "_response_method", None)

    def __call__(self, estimator: Any, X: Any, y: Any, **weights: Any) -> float:
        answers, columns = Answers(estimator, X), np.asarray(y)
        values = []
        for at, (scorer, classes) in enumerate(zip(self.scorers, self.classes, strict=True)):
            column = np.ascontiguousarray(columns[:, at])
            if not self.name.startswith(OF_BOTH_CLASSES) or np.any(column != column[0]):
                codes = None if classes is None else np.arange(len(classes))
                values.append(float(scorer(one_output(answers, at, codes), X, column, **weights)))
        return (math.fsum if self.name in SUMMED else _mean)(values)


def _mean(values: list[float]) -> float:
    return math.fsum(values) / len(values) if values else math.nan


class Answers:
    """What a model of several outputs says of some rows, each asked for once."""

    def __init__(self, model: Any, X: Any) -> None:
        self.model, self._X = model, X
        self._said: dict[str, Any] = {}

    def __call__(self, method: str, X: Any) -> Any:
        if X is not self._X:  # a metric asks about rows of its own
            return self._asked(method, X)
        if method not in self._said:
            self._said[method] = self._asked(method, X)
        return self._said[method]

    def _asked(self, method: str, X: Any) -> Any:
        said = getattr(self.model, method)(X)
        return of_each_output(said) if method == "predict_proba" else np.asarray(said)


def _offers(method: str) -> Callable[[Any], bool]:
    return lambda view: hasattr(view.answers.model, method)


class _OneOutput(BaseEstimator):
    """What a model says of one of its outputs, as if it were all of it."""

    def __init__(self, answers: Answers, at: int) -> None:
        self.answers, self.at = answers, at

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict(self, X: Any) -> np.ndarray:
        return np.ascontiguousarray(self.answers("predict", X)[:, self.at])


class _NumberOutput(RegressorMixin, _OneOutput):
    pass


class _LabelOutput(ClassifierMixin, _OneOutput):
    classes_: np.ndarray

    @available_if(_offers("predict_proba"))
    def predict_proba(self, X: Any) -> np.ndarray:
        """Return (n, n_classes) probabilities, also of classes that the model never saw."""
        said = self.answers("predict_proba", X)
        return aligned(said[self.at], classes_of_each(self.answers.model, len(said))[self.at], self.classes_)

    @available_if(_offers("decision_function"))
    def decision_function(self, X: Any) -> np.ndarray:
        return np.ascontiguousarray(self.answers("decision_function", X)[:, self.at])


def one_output(answers: Answers, at: int, classes: np.ndarray | None) -> Any:
    """Return a view of what a model says of one output; ``classes`` are those that it may name, None for numbers."""
    if classes is None:
        return _NumberOutput(answers, at)
    view = _LabelOutput(answers, at)
    view.classes_ = classes
    return view
