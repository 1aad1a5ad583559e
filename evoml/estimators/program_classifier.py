"""Classification by a learning algorithm that is evolved."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from evoml.core.budget import Moment
from evoml.core.errors import DataError
from evoml.estimators import parameters
from evoml.estimators.program_search import ATTRIBUTES, PARAMETERS, ProgramSearchEstimator


class ProgramClassifier(ClassifierMixin, ProgramSearchEstimator):
    __doc__ = f"""Evolve a learning algorithm on a table (AutoML-Zero, Real et al. 2020), and predict classes by it.

    Of more than two classes, tasks have one against the rest, in turn, and a copy of the program learns each.
{PARAMETERS}{ATTRIBUTES}    classes_ : (n_classes,) array
        Labels, sorted.

    Examples
    --------
    >>> from evoml import ProgramClassifier
    >>> from sklearn.datasets import load_breast_cancer
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = ProgramClassifier(population_size=50, generations=4, random_state=0).fit(X, y)
    >>> bool(model.score(X, y) > 0.9)
    True
    """

    _task: ClassVar[str] = "classification"

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> ProgramClassifier:
        """Search for a program, and train it.

        Parameters
        ----------
        X : (n_rows, n_columns) array or data frame of numbers
            Without missing values.
        y : (n_rows,) array of labels
        sample_weight : (n_rows,) array or None
            How often rows come, relative to each other: programs learn from, and are judged on, rows drawn by their weights.

        Returns
        -------
        self
        """
        began = Moment()
        X, y = validate_data(self, X, y, dtype=np.float64, ensure_min_samples=2)
        check_classification_targets(y)
        X, y, weights = parameters.weighted_rows(sample_weight, X, y)
        self.classes_ = np.unique(y)
        if len(self.classes_) < 2:
            raise DataError(f"a classifier needs at least two classes, got one class only: {self.classes_.tolist()}")
        self._run(X, y, weights, began)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of each class for each row of ``X``: (n_rows, n_classes)."""
        check_is_fitted(self)
        return np.asarray(self.algorithm_.predict_proba(self._seen(X)))
