"""The classifier."""

from __future__ import annotations

from typing import Any

from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if

from evoml.estimators.base import PARAMETERS, EvoEstimator
from evoml.estimators.pipeline_results import ATTRIBUTES, pipeline_has
from evoml.learners.out_of_fold import of_each_output


class EvoClassifier(ClassifierMixin, EvoEstimator):
    __doc__ = f"""Evolve scikit-learn pipelines and predict labels with the best.
{PARAMETERS}{ATTRIBUTES}    classes_ : (n_classes,) array, or list of arrays
        Labels, sorted; columns of ``predict_proba`` are in their order. Of several columns of a target, those of each.

    Examples
    --------
    >>> from evoml import EvoClassifier
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = EvoClassifier(max_evaluations=5, random_state=0).fit(X, y)
    >>> model.predict(X[:3])
    array([0, 0, 0])
    """

    _task = "classification"
    score = EvoEstimator.score  # by ``scoring``, not the mixin's fixed metric

    @available_if(pipeline_has("predict_proba"))
    def predict_proba(self, X: Any) -> Any:
        """Return the probability of each class for each row of ``X``: (n_rows, n_classes).

        Of a target of several columns, it is a list of such arrays, one for each column.
        """
        rows = self._seen(X)
        said = self.fitted_pipeline_.predict_proba(rows)
        return of_each_output(said) if self._several else said

    def predict_set(self, X: Any, confidence: float = 0.9) -> Any:
        """Return for each row of ``X`` and each of ``classes_`` whether it belongs to the row's set: (n_rows, n_classes).

        The sets hold the true class with the given probability, on average over rows like those of ``fit``; needs
        ``conformal=True`` there.
        """
        calibration = self._sureness("predict_set")
        return calibration.sets(self.predict_proba(X), confidence)

    @available_if(pipeline_has("decision_function"))
    def decision_function(self, X: Any) -> Any:
        """Return the confidence in each class for each row of ``X``: (n_rows,) for two classes, else (n_rows, n_classes)."""
        rows = self._seen(X)
        return self.fitted_pipeline_.decision_function(rows)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
