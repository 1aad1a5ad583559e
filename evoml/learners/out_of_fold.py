"""A model as a transformer whose training output is out of fold: the building block of stacking inside a pipeline."""

import warnings
from typing import Any

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, MetaEstimatorMixin, TransformerMixin, clone, is_classifier
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing, get_tags
from sklearn.utils.metadata_routing import get_routing_for_object
from sklearn.utils.validation import check_is_fitted, has_fit_parameter


class OutOfFoldPredictions(TransformerMixin, MetaEstimatorMixin, BaseEstimator):
    """Predictions of an estimator as columns: out of fold for the training rows, of the full fit for new ones.

    So a model further down the pipeline never learns from predictions on rows that the estimator was fitted on
    (Wolpert 1992, "Stacked generalization").

    Parameters
    ----------
    estimator : classifier or regressor, may be a Pipeline
        Its predict_proba is used, else decision_function, else the predicted class as indicator columns; a regressor
        gives one column, two classes give one (that of the second class), k classes give k; each of several outputs gives
        as many.
    cv : int
        Folds: stratified for classifiers of one output, whole groups when ``groups`` are given, fewer where the rows don't
        suffice.

    Attributes
    ----------
    estimator_ : classifier or regressor
        The one fitted on all rows.
    classes_ : (k,) array, or list of arrays
        Labels in column order, of several outputs those of each; only for classifiers.
    n_outputs_ : int
        Columns of the target.
    """

    def __init__(self, estimator: Any, cv: int = 3) -> None:
        self.estimator = estimator
        self.cv = cv

    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Any:
        self.n_outputs_ = 1 if np.ndim(y) == 1 else np.shape(y)[1]
        if is_classifier(self.estimator):
            self.classes_ = label_classes(np.asarray(y))
        self.estimator_ = self._fitted(X, y, sample_weight)
        return self

    def fit_transform(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Any:
        """Fits on all rows and returns the (n, columns) out-of-fold predictions of these rows."""
        self.fit(X, y, sample_weight=sample_weight, groups=groups)
        labels = np.asarray(y)
        columns = np.zeros((len(labels), self._n_columns()))
        classes = getattr(self, "classes_", None)
        for train, test in inner_folds(labels, groups, classes is not None, self.cv):
            weights = None if sample_weight is None else np.asarray(sample_weight)[train]
            targets = labels[train]
            if classes is not None and np.all(targets == targets[0]):
                columns[test] = certain(targets[0], len(test), classes)
            else:
                model = self._fitted(_safe_indexing(X, train), _safe_indexing(y, train), weights)
                columns[test] = prediction_columns(model, _safe_indexing(X, test), classes)
        return columns

    def transform(self, X: Any) -> Any:
        """The (n, columns) predictions of the estimator fitted on all rows."""
        check_is_fitted(self, "estimator_")
        return prediction_columns(self.estimator_, X, getattr(self, "classes_", None))

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        check_is_fitted(self, "estimator_")
        inner = self.estimator.steps[-1][1] if isinstance(self.estimator, Pipeline) else self.estimator
        prefix = type(inner).__name__.lower()
        if self._n_columns() == 1:
            return np.array([prefix], dtype=object)
        if self.n_outputs_ == 1:
            return np.array([f"{prefix}_{label}" for label in self.classes_], dtype=object)
        every = getattr(self, "classes_", [[None]] * self.n_outputs_)
        shown = [[""] if len(classes) <= 2 else [f"_{label}" for label in classes] for classes in every]
        return np.array([f"{prefix}_y{at}{label}" for at, labels in enumerate(shown) for label in labels], dtype=object)

    @property
    def n_features_in_(self) -> Any:
        check_is_fitted(self, "estimator_")
        return self.estimator_.n_features_in_

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        inner = get_tags(self.estimator).input_tags
        tags.input_tags.allow_nan, tags.input_tags.sparse = inner.allow_nan, inner.sparse
        return tags

    def _fitted(self, X: Any, y: Any, sample_weight: Any) -> Any:
        model = clone(self.estimator)
        return model.fit(X, y, **self._weight_arguments(model, sample_weight))

    def _weight_arguments(self, model: Any, sample_weight: Any, prefix: str = "") -> dict[str, Any]:
        """sample_weight for the model, or under its own name for each step of a Pipeline that takes one."""
        if sample_weight is None:
            return {}
        if get_config()["enable_metadata_routing"]:
            wanted = get_routing_for_object(model).consumes("fit", ["sample_weight"])
            return dict.fromkeys(wanted, sample_weight)
        if isinstance(model, Pipeline):
            arguments: dict[str, Any] = {}
            for name, step in model.steps:
                arguments |= self._weight_arguments(step, sample_weight, f"{prefix}{name}__")
            return arguments
        if hasattr(model, "fit") and has_fit_parameter(model, "sample_weight"):
            return {f"{prefix}sample_weight": sample_weight}
        return {}

    def _n_columns(self) -> int:
        if not hasattr(self, "classes_"):
            return int(self.n_outputs_)
        return sum(1 if len(one) == 2 else len(one) for one in _each(self.classes_))


def label_classes(labels: np.ndarray) -> Any:
    """Return the sorted (k,) classes of (n,) labels; a list of these for (n, outputs) labels."""
    return np.unique(labels) if labels.ndim == 1 else [np.unique(column) for column in labels.T]


def _each(classes: Any) -> Any:
    """Return the classes of each output."""
    return classes if isinstance(classes, (list, tuple)) else [classes]


def inner_folds(labels: Any, groups: Any, classifier: bool, cv: int = 3) -> list[tuple[np.ndarray, np.ndarray]]:
    """Train and test row numbers. Shuffled from a fixed seed, so tables sorted by class or by time work too."""
    n_rows = len(labels)
    rows = np.zeros((n_rows, 1))
    n_groups = 0 if groups is None else len(np.unique(np.asarray(groups)))
    if n_rows < 2:
        everything = np.arange(n_rows)
        return [(everything, everything)]
    if n_groups >= 2:
        return list(GroupKFold(min(cv, n_groups)).split(rows, groups=np.asarray(groups)))
    if classifier and np.ndim(labels) == 1:
        largest = int(np.unique(labels, return_counts=True)[1].max())
        if largest >= 2:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message="The least populated class")
                folds = StratifiedKFold(max(2, min(cv, largest)), shuffle=True, random_state=0)
                return list(folds.split(rows, labels))
    return list(KFold(max(2, min(cv, n_rows)), shuffle=True, random_state=0).split(rows))


def prediction_columns(model: Any, X: Any, classes: Any) -> np.ndarray:
    """Predictions of a fitted model as finite (n, columns) numbers.

    ``classes`` are in column order, a list of those of each of several outputs; None for a regressor.
    """
    if classes is None:
        columns = np.asarray(model.predict(X), dtype=float)
        columns = columns if columns.ndim == 2 else columns[:, None]
    elif isinstance(classes, (list, tuple)):
        columns = _columns_of_each(model, X, classes)
    elif hasattr(model, "predict_proba"):
        columns = _aligned(np.asarray(model.predict_proba(X)), model.classes_, classes, fill=0.0)
    elif hasattr(model, "decision_function"):
        scores = np.asarray(model.decision_function(X), dtype=float)
        if scores.ndim == 1:
            scores = np.column_stack([-scores, scores])
        columns = _aligned(scores, model.classes_, classes, fill=scores.min(initial=0.0))
    else:
        columns = _indicator(np.asarray(model.predict(X)), classes)
    return np.nan_to_num(columns, nan=0.0, posinf=1e12, neginf=-1e12)


def _columns_of_each(model: Any, X: Any, classes: Any) -> np.ndarray:
    """The columns of each output side by side: probabilities, or the predicted class as indicator columns."""
    if hasattr(model, "predict_proba"):
        given = zip(of_each_output(model.predict_proba(X)), classes_of_each(model, len(classes)), classes, strict=True)
        return np.hstack([_aligned(one, own, every, fill=0.0) for one, own, every in given])
    said = np.asarray(model.predict(X))
    return np.hstack([_indicator(column, every) for column, every in zip(said.T, classes, strict=True)])


def of_each_output(probabilities: Any) -> Any:
    """Probabilities of several outputs as a list of (n, classes) arrays; an (n, outputs) array holds those of label 1."""
    if isinstance(probabilities, list):
        return probabilities
    return [np.column_stack([1.0 - column, column]) for column in np.asarray(probabilities).T]


def classes_of_each(model: Any, n_outputs: int) -> Any:
    """The classes that a fitted model knows of each output; those that name outputs instead are of an indicator."""
    known = model.classes_
    return known if isinstance(known, (list, tuple)) else [np.array([0, 1])] * n_outputs


def certain(label: Any, n_rows: int, classes: Any) -> np.ndarray:
    """The columns of a model that saw one class only: many classifiers refuse it, and there is nothing to learn.

    Of several outputs, ``label`` holds the class of each.
    """
    pairs = zip(np.ravel(label), _each(classes), strict=True)
    return np.hstack([_aligned(np.ones((n_rows, 1)), np.asarray([one]), every, fill=0.0) for one, every in pairs])


def _indicator(said: np.ndarray, classes: Any) -> np.ndarray:
    """Which class was predicted, as columns."""
    columns = (said[:, None] == classes).astype(float)
    return columns[:, 1:] if len(classes) == 2 else columns


def _aligned(values: np.ndarray, given: Any, classes: Any, fill: float) -> np.ndarray:
    """Values in the order of all classes, `fill` for a class that the model was not given; of two, those of the second."""
    columns = aligned(values, given, classes, fill)
    return columns[:, 1:] if len(classes) == 2 else columns


def aligned(values: np.ndarray, given: Any, classes: Any, fill: float = 0.0) -> np.ndarray:
    """Values in the order of all classes, `fill` for a class that the model was not given; what it names beside is left out."""
    columns = np.full((len(values), len(classes)), float(fill))
    known = np.isin(given, classes)
    columns[:, np.searchsorted(classes, np.asarray(given)[known])] = values[:, known]
    return columns
