"""The model of a run fitted again for each fold, and what it says about the rows that it was not fitted on."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from evoml.evaluation.folds import Fold, mixed, rows
from evoml.evaluation.scoring import codes_of
from evoml.evaluation.several_outputs import Answers, one_output
from evoml.learners.out_of_fold import classes_of_each, prediction_columns
from evoml.run.ensemble import as_fitted, average_of

if TYPE_CHECKING:
    from evoml.core.target import Classes
    from evoml.evaluation import Problem

FIT_SHARE = 0.6  # of the time, after which no further fold is begun


@dataclass(frozen=True, eq=False)
class FoldModel:
    """A model fitted on the training rows of a fold, and (n,) of its test rows; (n, outputs) for a target of several columns.

    Attributes
    ----------
    model : fitted scikit-learn estimator
    X : (n, n_columns) array or data frame
    y : (n,) array
        The target as the model knows it.
    truth : (n,) array
        The target as codes of the classes, or as numbers.
    weight : (n,) array or None
    rows : (n,) array
        Row numbers in the table.
    classes : array, a tuple of one for each of several outputs, or None
        What the model's codes stand for in ``y``; None for a regression.
    """

    model: Any
    X: Any
    y: np.ndarray
    truth: np.ndarray
    weight: np.ndarray | None
    rows: np.ndarray
    classes: Classes

    @property
    def has_probabilities(self) -> bool:
        return self.classes is not None and hasattr(self.model, "predict_proba")

    @property
    def has_ranking(self) -> bool:
        """Whether there is a number a class that says how likely it is, be it a probability or not."""
        return self.has_probabilities or (self.classes is not None and hasattr(self.model, "decision_function"))

    @cached_property
    def said(self) -> np.ndarray:
        """Predicted codes or numbers, of the form of ``truth``."""
        return self._codes(np.asarray(self.model.predict(self.X)).reshape(self.truth.shape))

    @cached_property
    def ranking(self) -> np.ndarray:
        """(n, n_classes) numbers that grow with how likely the model takes each class to be."""
        columns = prediction_columns(self.model, self.X, self.classes)
        if columns.shape[1] > 1:
            return columns
        return np.hstack([1.0 - columns if self.has_probabilities else -columns, columns])

    def expected(self, X: Any) -> np.ndarray:
        """Return what the model expects of any rows: the number (n, 1), or a share for each class (n, n_classes)."""
        if self.classes is None:
            return prediction_columns(self.model, X, None)
        if self.has_probabilities:
            columns = prediction_columns(self.model, X, self.classes)
            return np.hstack([1.0 - columns, columns]) if columns.shape[1] == 1 else columns
        codes = self._codes(np.asarray(self.model.predict(X)).ravel())
        return (codes[:, None] == np.arange(len(self.classes))).astype(float)

    def sample(self, n_rows: int, seed: int) -> FoldModel:
        """Return the same for at most so many rows, classes in their shares."""
        if len(self.y) <= n_rows:
            return self
        labels = None if self.classes is None else self.truth
        chosen = np.sort(mixed(len(self.y), labels, seed)[:n_rows])
        weight = None if self.weight is None else self.weight[chosen]
        X = rows(self.X, chosen)
        X = X.reset_index(drop=True) if hasattr(X, "reset_index") else X
        return FoldModel(self.model, X, self.y[chosen], self.truth[chosen], weight, self.rows[chosen], self.classes)

    def _codes(self, said: np.ndarray) -> np.ndarray:
        return said.astype(float) if self.classes is None else codes_of(said, self.classes)

    def of_output(self, at: int) -> FoldModel:
        """Return the same of one of several outputs."""
        classes = self.classes[at] if isinstance(self.classes, tuple) else None
        view = one_output(Answers(self.model, self.X), at, classes)
        y, truth = np.ascontiguousarray(self.y[:, at]), np.ascontiguousarray(self.truth[:, at])
        return FoldModel(view, self.X, y, truth, self.weight, self.rows, classes)


def column_of(X: Any, at: int) -> np.ndarray:
    """Return a column as float64, or as objects with NaN where a value is missing: (n,)."""
    if not hasattr(X, "iloc"):
        return np.asarray(X[:, at], dtype=np.float64)
    from pandas.api.types import is_numeric_dtype

    column = X.iloc[:, at]
    if is_numeric_dtype(column.dtype):
        return np.asarray(column, dtype=np.float64)
    return np.asarray(column.astype(object).where(column.notna(), np.nan), dtype=object)


def averaged(models: Sequence[Any], weights: Sequence[float], several: bool = False) -> Any:
    """Return the ensemble of fitted models, as if ``fit`` had fitted them; a single model is returned as it is.

    ``several`` tells that the target has several columns.
    """
    if len(models) == 1:
        return models[0]
    named = [(f"model{number}", model) for number, model in enumerate(models)]
    classes = getattr(models[0], "classes_", None)
    if several and classes is not None:
        classes = tuple(classes_of_each(models[0], len(classes)))
    return as_fitted(average_of(named, weights, classes is not None, several), models, classes)


def fold_models(
    problem: Problem, fitted: Callable[[Fold], Any], until: float, seconds: float | None = None
) -> list[FoldModel]:
    """Return the models of all folds, or of the first ones if more will not be done by ``until`` (monotonic clock).

    ``fitted(fold)`` returns a model fitted on the fold's training rows; it takes about so many ``seconds``, if that is known:
    the first time says little, for it may load or compile what is used.
    """
    found: list[FoldModel] = []
    taken: list[float] = []
    enough = time.monotonic() + FIT_SHARE * (until - time.monotonic())
    for number in range(len(problem.folds)):
        began = time.monotonic()
        if found and began + min(taken) > enough:
            break
        found.append(_asked(problem, fitted, number))
        taken += [time.monotonic() - began] if seconds is None or number else [seconds]
    return found


def _asked(problem: Problem, fitted: Callable[[Fold], Any], number: int) -> FoldModel:
    dataset, fold = problem.dataset, problem.folds[number]
    testing, tested = fold.testing, problem.folds.test_rows[number]
    X = testing.X.reset_index(drop=True) if hasattr(testing.X, "reset_index") else testing.X
    return FoldModel(fitted(fold), X, testing.y, dataset.y[tested], testing.weight, tested, problem.classes)
