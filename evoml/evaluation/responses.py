"""What a model fitted on one fold says of its test rows, and how it is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.metaestimators import available_if

from evoml.evaluation.results import Stopwatch, given_writable, lasting
from evoml.learners.out_of_fold import classes_of_each, of_each_output

if TYPE_CHECKING:
    from evoml.evaluation.execution import Execution

METHODS = ("predict", "predict_proba", "decision_function")


def _offers(method: str) -> Callable[[Any], bool]:
    return lambda responses: method in responses._offers


class Responses(BaseEstimator):
    """What a model fitted on one fold says of its test rows: to a metric, it is the fitted pipeline.

    Responses are computed when asked for, and only once. Asked about other rows, it fits the whole pipeline. Whatever the
    model, probabilities of several outputs are a list of (n, classes) arrays, and so are its classes.
    """

    def __init__(self, execution: Execution, node: str, kept: Mapping[str, Any] | None) -> None:
        self._execution, self._node = execution, node
        self._said: dict[str, np.ndarray] = dict(kept["said"]) if kept else {}
        self._fitted: tuple[Any, Any] | None = None
        self._pipeline: Any = None
        self._new = kept is None
        if kept is None:
            self._fitted = execution.fitted(node)
        plan, step = execution.workshop.plan, self._fitted[0] if self._fitted else None
        self._offers = tuple(m for m in METHODS if hasattr(step, m)) if kept is None else kept["offers"]
        y = execution.fold.testing.y
        self._several = execution.workshop.classifier and y.ndim > 1
        classes = getattr(step, "classes_", None) if kept is None else kept["classes"]
        if self._several and kept is None:
            classes = classes_of_each(step, y.shape[1])
        if classes is not None:
            self.classes_ = classes
        self._most_probable = "predict_proba" in self._offers and plan.predicts_most_probable(node)

    def __sklearn_is_fitted__(self) -> bool:
        return True

    @available_if(_offers("predict"))
    def predict(self, X: Any) -> np.ndarray:
        return self._respond("predict", X)

    @available_if(_offers("predict_proba"))
    def predict_proba(self, X: Any) -> np.ndarray:
        return self._respond("predict_proba", X)

    @available_if(_offers("decision_function"))
    def decision_function(self, X: Any) -> np.ndarray:
        return self._respond("decision_function", X)

    def _respond(self, method: str, X: Any) -> np.ndarray:
        seeded = self._execution.workshop.seeded  # a metric that draws must not notice what was computed, what recalled
        if X is not self._execution.fold.testing.X:
            if self._pipeline is None:
                with seeded():
                    self._pipeline = self._execution.workshop.whole(self._execution.fold)
            with seeded():
                said = getattr(self._pipeline, method)(X)
            return of_each_output(said) if self._several and method == "predict_proba" else said  # type: ignore[no-any-return]
        if method == "predict" and self._most_probable:
            return most_probable(self._respond("predict_proba", X), self.classes_)
        if method not in self._said:
            if self._fitted is None:  # it was asked for less before
                with seeded():
                    self._fitted = self._execution.fitted(self._node)
            self._new = True
            step, rows = self._fitted
            with seeded(), Stopwatch() as predicting:
                said = given_writable(getattr(step, method), rows)
                if self._several and method == "predict_proba":
                    said = of_each_output(said)
                self._said[method] = lasting(said)
            self._execution.predicted(self._node, predicting)
        return self._said[method]

    def keep(self) -> None:
        """Keep what was said."""
        if self._new and self._said:
            value = {"said": self._said, "offers": self._offers, "classes": getattr(self, "classes_", None)}
            self._execution.keep(self._node, value)
            self._new = False


class ClassifierResponses(ClassifierMixin, Responses):
    """Responses of a classifier."""


class RegressorResponses(RegressorMixin, Responses):
    """Responses of a regressor."""


def responses(execution: Execution, node: str, kept: Mapping[str, Any] | None) -> Responses:
    kind = ClassifierResponses if execution.workshop.classifier else RegressorResponses
    return kind(execution, node, kept)


def most_probable(probabilities: Any, classes: Any) -> np.ndarray:
    """Return the labels of the greatest probabilities; of several outputs, of each output's."""
    if isinstance(probabilities, list):
        return np.column_stack([most_probable(one, own) for one, own in zip(probabilities, classes, strict=True)])
    return classes[np.argmax(probabilities, axis=1)]  # type: ignore[no-any-return]
