"""Metrics: scikit-learn's scorers by name, or the user's own; greater is always better."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from inspect import signature
from typing import TYPE_CHECKING, Any

from evoml.core.errors import DataError, SettingError, nearest

if TYPE_CHECKING:
    import numpy as np

    from evoml.core.target import Classes

Scorer = Callable[..., float]
DEFAULTS = {"classification": "accuracy", "regression": "r2"}
INDICATOR_DEFAULT = (
    "f1_macro"  # of labels that are 0 or 1 in several columns: the share of rows with all of them right is coarse
)
# metrics that must be told all classes, since a small fold may not hold each
_LABELLED = ("neg_log_loss", "neg_brier_score")


def scorers(scoring: Any, task: str, classes: Classes = None, n_outputs: int = 1) -> dict[str, Scorer]:
    """Return scorers by name, the first the one that counts.

    ``scoring`` is None (accuracy, mean F1 of several labels that are 0 or 1, or R2 for regression), a name that scikit-learn
    knows or one of ``more_metrics.NAMED``, a callable ``(estimator, X, y)``, or a list or mapping of these. Raises
    SettingError for an unknown name.
    """
    if scoring is None:
        scoring = INDICATOR_DEFAULT if is_indicator(classes) else DEFAULTS[task]
    if isinstance(scoring, Mapping):
        named = dict(scoring)
    elif isinstance(scoring, Sequence) and not isinstance(scoring, str):
        named = {_name(item): item for item in scoring}
        if len(named) < len(scoring):
            twice = next(name for name, times in Counter(map(_name, scoring)).items() if times > 1)
            raise SettingError(f"two metrics are called {twice!r}; pass a dict with a name of its own for each")
    else:
        named = {_name(scoring): scoring}
    if not named:
        raise SettingError("scoring must name at least one metric, got none")
    found = {str(name): _scorer_of_all(item, task, classes, n_outputs) for name, item in named.items()}
    if classes is None or not uses_labels(scoring):
        return found
    return {
        name: s if callable(item) else OnCodes(s, classes)
        for (name, s), item in zip(found.items(), named.values(), strict=True)
    }


def first_name(scoring: Any) -> str | None:
    """Return the name of the metric that counts; None if it is the default, or the user's own."""
    if isinstance(scoring, Mapping):
        scoring = list(scoring.values())
    if isinstance(scoring, Sequence) and not isinstance(scoring, str):
        scoring = scoring[0] if len(scoring) else None
    return scoring if isinstance(scoring, str) else None


def _name(item: Any) -> str:
    if isinstance(item, str):
        return item
    score_function = getattr(item, "_score_func", item)
    return str(getattr(score_function, "__name__", type(item).__name__))


def is_indicator(classes: Classes) -> bool:
    """Tell whether classes are those of labels that are 0 or 1 in several columns."""
    return isinstance(classes, (tuple, list)) and all(list(one) == [0, 1] for one in classes)


def _scorer_of_all(item: Any, task: str, classes: Classes, n_outputs: int) -> Scorer:
    """Return the scorer of a target of one column or of several."""
    if n_outputs == 1:
        return _scorer(item, task, classes)  # type: ignore[arg-type]
    if callable(item):
        return item  # type: ignore[no-any-return]
    from evoml.evaluation.several_outputs import EachOutput, LabelSets, of_each, of_label_sets

    if isinstance(classes, (tuple, list)) and of_label_sets(item, is_indicator(classes)):
        return LabelSets(item)
    name = of_each(item, is_indicator(classes))
    each = [None] * n_outputs if classes is None else classes
    return EachOutput(name, tuple(_scorer(name, task, one) for one in each), tuple(each))


def _scorer(item: Any, task: str, classes: np.ndarray | None) -> Scorer:
    from sklearn.metrics import get_scorer, get_scorer_names

    from evoml.evaluation.more_metrics import NAMED, named_scorer

    if callable(item):
        return item  # type: ignore[no-any-return]
    if isinstance(item, str) and item.partition(":")[0] in NAMED:
        return _quick(item, named_scorer(item, task, 0 if classes is None else len(classes)), task, classes)
    known = [*get_scorer_names(), *NAMED]
    if item not in known:
        raise SettingError(
            f"unknown metric {item!r}{nearest(item, known)}; pass a name that scikit-learn knows, or a callable"
        )
    scorer: Any = get_scorer(item)
    if item in _LABELLED and classes is not None and "labels" in signature(scorer._score_func).parameters:
        scorer = type(scorer)(
            scorer._score_func,
            scorer._sign,
            {**scorer._kwargs, "labels": list(range(len(classes)))},
            scorer._response_method,
        )
    return _quick(item, scorer, task, classes)


def _quick(name: str, scorer: Scorer, task: str, classes: np.ndarray | None) -> Scorer:
    """Return a quicker scorer of the same values, where there is one."""
    from evoml.evaluation import metrics

    if task == "regression":
        return QuickScorer(name, scorer) if metrics.of_numbers(name) is not None else scorer
    known = metrics.of_classes(name) or name in metrics.OF_PROBABILITIES or name in metrics.OF_RANKINGS
    return QuickScorer(name, scorer, len(classes)) if known and classes is not None else scorer


class OwnScorer:
    """A metric that looks at nothing but what a model says of the rows, and draws nothing."""


@dataclass(frozen=True)
class QuickScorer(OwnScorer):
    """A named metric without scikit-learn's checks of its input, which cost more than the metric on a small fold.

    Its value is scikit-learn's. What the quick way does not cover (undefined values, odd shapes and types, what deserves a
    warning) is left to scikit-learn's own scorer. ``n_classes`` is 0 for a regression.
    """

    name: str
    scorer: Scorer
    n_classes: int = 0

    @property
    def _response_method(self) -> Any:
        return getattr(self.scorer, "_response_method", None)

    def __call__(self, estimator: Any, X: Any, y: Any, **weights: Any) -> float:
        value = math.nan if weights.keys() - {"sample_weight"} else self._value(estimator, X, y, **weights)
        return value if math.isfinite(value) else self.scorer(estimator, X, y, **weights)

    def _value(self, estimator: Any, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the metric, NaN where scikit-learn must be asked."""
        import numpy as np

        from evoml.evaluation import metrics

        target, weight = np.asarray(y), None if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        if target.ndim != 1 or not len(target) or not _plain(weight, len(target)):
            return math.nan
        if not self.n_classes:
            return _of_numbers(self.name, estimator, X, target, weight)
        if target.dtype.kind not in "iu":
            return math.nan
        if (measure := metrics.of_classes(self.name)) is not None:
            said = np.asarray(estimator.predict(X))
            if said.shape != target.shape or said.dtype.kind not in "iu":
                return math.nan
            return metrics.from_classes(measure, target, said, self.n_classes, weight)
        if not np.array_equal(getattr(estimator, "classes_", ()), np.arange(self.n_classes)):
            return math.nan
        if self.name in metrics.OF_PROBABILITIES:
            said = np.asarray(estimator.predict_proba(X))
            fits = said.shape == (len(target), self.n_classes) and said.dtype.kind == "f"
            return metrics.OF_PROBABILITIES[self.name](target, said, weight) if fits else math.nan
        values = _ranking(estimator, X) if self.n_classes == 2 else None
        if values is None or values.shape != target.shape:
            return math.nan
        return metrics.OF_RANKINGS[self.name](target == 1, values, weight)


def _plain(weight: np.ndarray | None, n_rows: int) -> bool:
    """Tell whether sample weights are there, finite, not negative and not all zero, if there are any."""
    if weight is None:
        return True
    return weight.shape == (n_rows,) and bool(weight.min() >= 0.0) and bool(0.0 < weight.sum() < math.inf)


def _of_numbers(name: str, estimator: Any, X: Any, target: np.ndarray, weight: np.ndarray | None) -> float:
    import numpy as np

    from evoml.evaluation import metrics

    said = np.asarray(estimator.predict(X))
    if said.shape != target.shape or said.dtype.kind != "f" or target.dtype.kind not in "fiu":
        return math.nan
    if not (np.isfinite(said).all() and np.isfinite(target).all()):
        return math.nan
    measure = metrics.of_numbers(name)
    assert measure is not None
    with np.errstate(all="ignore"):  # what overflows is not finite, and left to scikit-learn
        return measure(target.astype(np.float64), said.astype(np.float64), weight)


def _ranking(estimator: Any, X: Any) -> np.ndarray | None:
    """Return decision values, else the probability of the second class; None without either."""
    import numpy as np

    if hasattr(estimator, "decision_function"):
        return np.asarray(estimator.decision_function(X), dtype=np.float64)
    if not hasattr(estimator, "predict_proba"):
        return None
    said = np.asarray(estimator.predict_proba(X), dtype=np.float64)
    return said[:, 1] if said.ndim == 2 and said.shape[1] == 2 else None


@dataclass(frozen=True)
class OnCodes:
    """A named metric where models speak in labels, because a metric of the user's own stands beside it."""

    scorer: Scorer
    classes: Any

    @property
    def _response_method(self) -> Any:
        return getattr(self.scorer, "_response_method", None)

    def __call__(self, estimator: Any, X: Any, y: Any, **weights: Any) -> float:
        return self.scorer(coded(estimator, self.classes), X, codes_of(y, self.classes), **weights)


def uses_labels(scoring: Any) -> bool:
    """Tell whether a metric of the user's own must see the labels as they were given, not their codes."""
    items = scoring.values() if isinstance(scoring, Mapping) else [scoring] if isinstance(scoring, str) else scoring
    return callable(scoring) or (items is not None and any(callable(item) for item in items))


def needs_probabilities(scorer: Scorer) -> bool:
    """Tell whether a scorer can only work with ``predict_proba``."""
    return getattr(scorer, "_response_method", None) == "predict_proba"


def apply(scorer: Scorer, estimator: Any, X: Any, y: Any, sample_weight: Any) -> float:
    """Return the score; sample weights are passed to scorers that take them."""
    if sample_weight is None:
        return float(scorer(estimator, X, y))
    try:
        return float(scorer(estimator, X, y, sample_weight=sample_weight))
    except TypeError as error:
        if "sample_weight" not in str(error):
            raise
        return float(scorer(estimator, X, y))


def score(estimator: Any, scoring: Any, X: Any, y: Any, sample_weight: Any = None) -> float:
    """Return the first metric of ``scoring`` for a fitted classifier or regressor on new rows.

    Named metrics see codes instead of labels, as in a search, so that e.g. F1 takes the second class as the positive one.
    """
    from evoml.core.target import target_values

    classes = getattr(estimator, "classes_", None)
    task = "regression" if classes is None else "classification"
    labels = target_values(y)
    n_outputs = 1 if labels.ndim == 1 else labels.shape[1]
    if isinstance(classes, list) and n_outputs != len(classes):
        raise DataError(
            f"the target has {n_outputs} column(s), the model was fitted on {len(classes)}; give those of fit"
        )
    scorer = next(iter(scorers(scoring, task, classes, n_outputs).values()))
    if classes is None or (uses_labels(scoring) and not isinstance(scorer, OnCodes)):
        return apply(scorer, estimator, X, labels, sample_weight)
    import numpy as np

    for column, known in zip(*_columns(labels, classes), strict=True):
        unknown = np.setdiff1d(column, known)
        if len(unknown):
            raise DataError(
                f"the target holds labels that were not there in fit: {', '.join(map(repr, unknown[:5].tolist()))}"
            )
    if not isinstance(scorer, OnCodes):
        scorer = OnCodes(scorer, classes)
    return apply(scorer, estimator, X, labels, sample_weight)


def _columns(labels: Any, classes: Any) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return the columns of labels, as texts where the classes are texts, and the classes of each column."""
    import numpy as np

    values = np.asarray(labels)
    columns, every = (list(values.T), list(classes)) if values.ndim > 1 else ([values], [classes])
    pairs = zip(columns, every, strict=True)
    return [column.astype(str) if known.dtype.kind in "US" else column for column, known in pairs], every


def codes_of(labels: Any, classes: Any) -> np.ndarray:
    """Return the places of labels in the sorted classes; of (n, k) labels, of each column in its own."""
    import numpy as np

    found = [np.searchsorted(known, column) for column, known in zip(*_columns(labels, classes), strict=True)]
    return np.column_stack(found) if np.ndim(labels) > 1 else found[0]


def coded(estimator: Any, classes: Any) -> Any:
    """Return a view of a fitted classifier that speaks in codes: the places of its labels in ``classes``."""
    import numpy as np
    from sklearn.base import BaseEstimator, ClassifierMixin

    own = estimator.classes_

    class Coded(ClassifierMixin, BaseEstimator):
        classes_ = (
            [np.searchsorted(every, one) for every, one in zip(classes, own, strict=True)]
            if isinstance(own, list)
            else np.searchsorted(classes, own)
        )

        def __sklearn_is_fitted__(self) -> bool:
            return True

        def __getattr__(self, name: str) -> Any:
            if name in ("predict_proba", "decision_function"):
                return getattr(estimator, name)
            raise AttributeError(name)

        def predict(self, X: Any) -> Any:
            return codes_of(estimator.predict(X), classes)

    return Coded()
