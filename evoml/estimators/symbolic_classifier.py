"""Symbolic classification."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from evoml.core.budget import Moment
from evoml.core.errors import DataError, SettingError
from evoml.estimators.symbolic import ATTRIBUTES, PARAMETERS, SymbolicEstimator, with_shared_parameters

MOST_NAMED = 10  # classes, in a message


class SymbolicClassifier(ClassifierMixin, SymbolicEstimator):
    __doc__ = f"""Evolve a formula whose value, by the logistic function, is the probability of a class.

    For more than two classes one formula is evolved for each, against all others; probabilities are theirs, made to add
    up to 1.
{PARAMETERS}    metric : {{"log loss"}} or None, default=None
        What is minimised.
    class_weight : "balanced", mapping or None, default=None
        Weight of the rows of each class; 1 for what the mapping does not name.
{ATTRIBUTES}    classes_ : (n_classes,) array
        Labels, sorted. ``front_`` has a column for the class where there are more than two, and ``formula_`` is a mapping.

    Examples
    --------
    >>> from evoml import SymbolicClassifier
    >>> from sklearn.datasets import load_breast_cancer
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = SymbolicClassifier(generations=5, population_size=200, random_state=0).fit(X, y)
    >>> bool(model.score(X, y) > 0.9)
    True
    """

    _metrics = ("log loss", "log_loss")
    _link: ClassVar[str] = "one_vs_rest"

    @with_shared_parameters
    def __init__(self, *, class_weight: Any = None, **parameters: Any) -> None:
        super().__init__(**parameters)
        self.class_weight = class_weight

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> SymbolicClassifier:
        """Search for formulas.

        Parameters
        ----------
        X : (n_rows, n_columns) array or data frame of numbers
            Without missing values.
        y : (n_rows,) array of labels
        sample_weight : (n_rows,) array or None
            Small whole weights count as that many rows.

        Returns
        -------
        self
        """
        began = Moment()
        from evoml.evaluation.formula_table import log_odds  # brings Numba

        X, y = self._checked(X, y)
        check_classification_targets(y)
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, X, ensure_non_negative=True)
        counted = y if weights is None else y[weights > 0]
        self._check_class_weight(np.unique(y).tolist())
        self.classes_, codes = np.unique(counted, return_inverse=True)
        if len(self.classes_) < 2:
            raise DataError(f"a classifier needs at least two classes, got one class only: {self.classes_.tolist()}")
        codes = np.searchsorted(self.classes_, y) if weights is not None else codes
        weights = self._by_class(codes, weights)
        several = len(self.classes_) > 2
        labels = [str(label) for label in self.classes_] if several else [""]
        targets = [(codes == code).astype(np.float64) for code in (range(len(self.classes_)) if several else [1])]
        self._logits = [log_odds(float(np.average(target, weights=weights))) for target in targets]
        self._run(X, targets, labels, weights, began)
        return self

    def _check_class_weight(self, labels: list[Any]) -> None:
        """Raise SettingError for a ``class_weight`` that is no weight above 0 for each of some labels."""
        given = self.class_weight
        if given is None or given == "balanced":
            return
        if not isinstance(given, Mapping):
            raise SettingError(
                f"class_weight must be 'balanced', a mapping of labels to weights or None, got {given!r}"
            )
        for label, weight in given.items():
            if label not in labels:
                names = ", ".join(map(repr, labels[:MOST_NAMED]))
                raise SettingError(f"class_weight names the class {label!r}, which y does not hold; it holds {names}")
            if not isinstance(weight, (int, float, np.number)) or not 0 < weight < np.inf:
                raise SettingError(
                    f"class_weight must give numbers above 0, got {weight!r} for the class {label!r}; leave out the rows of"
                    " a class that is not to count"
                )

    def _by_class(self, codes: np.ndarray, weights: np.ndarray | None) -> np.ndarray | None:
        if self.class_weight is None:
            return weights
        from sklearn.utils.class_weight import compute_sample_weight

        names = self.class_weight
        if not isinstance(names, str):
            names = {code: self.class_weight.get(label, 1.0) for code, label in enumerate(self.classes_.tolist())}
        balanced = compute_sample_weight(names, codes)
        return np.asarray(balanced if weights is None else balanced * weights)

    def decision_function(self, X: Any, formula: int | Sequence[int] | None = None) -> np.ndarray:
        """Return the value of the formula, the logit of the second class, (n_rows,); of several, (n_rows, n_classes)."""
        check_is_fitted(self)
        logits = self._values(X, formula, self._logits)
        return logits if len(self.classes_) > 2 else logits[:, 0]

    def predict_proba(self, X: Any, formula: int | Sequence[int] | None = None) -> np.ndarray:
        """Return the probability of each class for each row of ``X``: (n_rows, n_classes)."""
        from scipy.special import expit

        shares = expit(self.decision_function(X, formula))
        if len(self.classes_) == 2:
            return np.column_stack([1.0 - shares, shares])
        # All of them can be 0 far outside of the table; then nothing is known.
        total = shares.sum(axis=1, keepdims=True)
        return np.where(total > 0, shares / np.where(total > 0, total, 1.0), 1.0 / len(self.classes_))

    def predict(self, X: Any, formula: int | Sequence[int] | None = None) -> np.ndarray:
        """Return the most probable label for each row of ``X``: (n_rows,)."""
        check_is_fitted(self)
        return self.classes_[self.predict_proba(X, formula).argmax(axis=1)]
