"""Models of several outputs: one after the other or in a chain, also where an output does not vary, and their averages."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.ensemble import VotingClassifier, VotingRegressor
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.utils.metaestimators import available_if


def _inner_has(method: str) -> Callable[[Any], bool]:
    return lambda model: hasattr(model.estimator, method)


class _VaryingOutputs:
    """What fits a model of several outputs to those that vary, and predicts the others' only value.

    A rare label may be on no row of a fold, and most classifiers refuse a single class.
    """

    estimator: Any
    estimators_: Any

    def _fit_varying(self, fit: Callable[[np.ndarray], Any], Y: Any) -> Any:
        target = np.asarray(Y)
        self.varying_ = np.flatnonzero((target != target[0]).any(axis=0))
        self.constant_ = target[0].copy()
        if len(self.varying_):
            fit(target[:, self.varying_])
        else:
            self.estimators_ = []
        indicator = bool(np.isin(target, (0, 1)).all()) if target.dtype.kind in "biuf" else False
        both = np.array([0, 1], dtype=target.dtype)
        self.classes_ = [both if indicator else np.unique(column) for column in target.T]
        return self

    def _whole(self, varying: Callable[[], np.ndarray], n_rows: int) -> np.ndarray:
        """Return (n_rows, outputs) labels, those that vary from ``varying()``."""
        said = np.tile(self.constant_, (n_rows, 1))
        if len(self.varying_):
            said[:, self.varying_] = varying()
        return said

    def _probabilities(self, varying: Callable[[], list[np.ndarray]], n_rows: int) -> list[np.ndarray]:
        """Return the (n_rows, classes) probabilities of each output, those that vary from ``varying()``."""
        found = [
            (classes == value).astype(float)[None].repeat(n_rows, axis=0)
            for classes, value in zip(self.classes_, self.constant_, strict=True)
        ]
        for at, one in zip(self.varying_, varying() if len(self.varying_) else (), strict=True):
            found[at] = one
        return found


class EachOutputClassifier(_VaryingOutputs, MultiOutputClassifier):
    """MultiOutputClassifier that also accepts outputs of one class."""

    def fit(self, X: Any, Y: Any, sample_weight: Any = None, **fit_params: Any) -> Any:
        return self._fit_varying(lambda y: MultiOutputClassifier.fit(self, X, y, sample_weight, **fit_params), Y)

    def predict(self, X: Any) -> np.ndarray:
        return self._whole(lambda: np.column_stack([one.predict(X) for one in self.estimators_]), np.shape(X)[0])

    @available_if(_inner_has("predict_proba"))
    def predict_proba(self, X: Any) -> list[np.ndarray]:
        return self._probabilities(lambda: [one.predict_proba(X) for one in self.estimators_], np.shape(X)[0])


class LabelChain(_VaryingOutputs, ClassifierChain):
    """ClassifierChain that also accepts labels that no row or every row has; its labels are of the target's type."""

    def fit(self, X: Any, Y: Any, **fit_params: Any) -> Any:
        return self._fit_varying(lambda y: ClassifierChain.fit(self, X, y, **fit_params), Y)

    def predict(self, X: Any) -> np.ndarray:
        return self._whole(lambda: ClassifierChain.predict(self, X), np.shape(X)[0])

    @available_if(_inner_has("predict_proba"))
    def predict_proba(self, X: Any) -> list[np.ndarray]:
        """Return the (n, 2) probabilities of each label, as other models of several outputs give them."""

        def varying() -> list[np.ndarray]:
            return [np.column_stack([1.0 - one, one]) for one in ClassifierChain.predict_proba(self, X).T]

        return self._probabilities(varying, np.shape(X)[0])

    @available_if(lambda model: False)
    def decision_function(self, X: Any) -> np.ndarray:
        raise AttributeError("not of labels that do not vary")


class AveragedRegressor(VotingRegressor):
    """VotingRegressor of several outputs."""

    def fit(self, X: Any, y: Any, **fit_params: Any) -> Any:
        return super(VotingRegressor, self).fit(X, np.asarray(y), **fit_params)

    def predict(self, X: Any) -> np.ndarray:
        """Return the weighted mean of the members' (n, outputs) predictions."""
        return np.average([one.predict(X) for one in self.estimators_], axis=0, weights=self.weights)  # type: ignore[no-any-return]


class AveragedClassifier(VotingClassifier):
    """VotingClassifier of several outputs, by probabilities."""

    def fit(self, X: Any, y: Any, **fit_params: Any) -> Any:
        labels = np.asarray(y)
        indicator = labels.dtype.kind in "biuf" and bool(np.isin(labels, (0, 1)).all())
        both = np.array([0, 1], dtype=labels.dtype)
        self.classes_ = [both if indicator else np.unique(column) for column in labels.T]
        return super(VotingClassifier, self).fit(X, labels, **fit_params)

    def predict_proba(self, X: Any) -> list[np.ndarray]:
        """Return the weighted mean of the members' (n, classes) probabilities of each output."""
        said = [self._of_each_output(one, X) for one in self.estimators_]
        return [np.average(parts, axis=0, weights=self.weights) for parts in zip(*said, strict=True)]

    def predict(self, X: Any) -> np.ndarray:
        found = zip(self.classes_, self.predict_proba(X), strict=True)
        return np.column_stack([classes[np.argmax(one, axis=1)] for classes, one in found])

    def _of_each_output(self, member: Any, X: Any) -> list[np.ndarray]:
        """Return a member's probabilities in the order of all classes; an (n, outputs) array holds those of label 1."""
        said = member.predict_proba(X)
        if not isinstance(said, list):
            return [np.column_stack([1.0 - column, column]) for column in said.T]
        found = []
        for one, own, every in zip(said, member.classes_, self.classes_, strict=True):
            columns = np.zeros((len(one), len(every)))
            columns[:, np.searchsorted(every, own)] = one
            found.append(columns)
        return found
