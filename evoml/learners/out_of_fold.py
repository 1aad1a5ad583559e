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
        gives one column, two classes give one (that of the second class), k classes give k.
    cv : int
        Folds: stratified for classifiers, whole groups when `groups` are given, fewer where the rows don't suffice.

    Attributes
    ----------
    estimator_ : the estimator fitted on all rows.
    classes_ : (k,) labels in column order; only for classifiers.
    """

    def __init__(self, estimator: Any, cv: int = 3) -> None:
        self.estimator = estimator
        self.cv = cv

    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Any:
        if is_classifier(self.estimator):
            self.classes_ = np.unique(np.asarray(y))
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
        return np.array([f"{prefix}_{label}" for label in self.classes_], dtype=object)

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
            return 1
        return 1 if len(self.classes_) == 2 else len(self.classes_)


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
    if classifier:
        largest = int(np.unique(labels, return_counts=True)[1].max())
        if largest >= 2:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message="The least populated class")
                folds = StratifiedKFold(max(2, min(cv, largest)), shuffle=True, random_state=0)
                return list(folds.split(rows, labels))
    return list(KFold(max(2, min(cv, n_rows)), shuffle=True, random_state=0).split(rows))


def prediction_columns(model: Any, X: Any, classes: Any) -> np.ndarray:
    """Predictions of a fitted model as finite (n, columns) numbers; ``classes`` in column order, None for a regressor."""
    if classes is None:
        columns = np.asarray(model.predict(X), dtype=float).reshape(-1, 1)
    elif hasattr(model, "predict_proba"):
        columns = _aligned(np.asarray(model.predict_proba(X)), model.classes_, classes, fill=0.0)
    elif hasattr(model, "decision_function"):
        scores = np.asarray(model.decision_function(X), dtype=float)
        if scores.ndim == 1:
            scores = np.column_stack([-scores, scores])
        columns = _aligned(scores, model.classes_, classes, fill=scores.min(initial=0.0))
    else:
        columns = (np.asarray(model.predict(X))[:, None] == classes).astype(float)
        columns = columns[:, 1:] if len(classes) == 2 else columns
    return np.nan_to_num(columns, nan=0.0, posinf=1e12, neginf=-1e12)


def certain(label: Any, n_rows: int, classes: Any) -> np.ndarray:
    """The columns of a model that saw one class only: many classifiers refuse it, and there is nothing to learn."""
    return _aligned(np.ones((n_rows, 1)), np.asarray([label]), classes, fill=0.0)


def _aligned(values: np.ndarray, given: Any, classes: Any, fill: float) -> np.ndarray:
    """Values in the order of all classes, `fill` for a class that the model was not given."""
    columns = np.full((len(values), len(classes)), float(fill))
    columns[:, np.searchsorted(classes, given)] = values
    return columns[:, 1:] if len(classes) == 2 else columns
