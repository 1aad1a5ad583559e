"""A learning algorithm that was evolved, or written by hand in the same language, as an estimator that is trained on tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import ClassifierTags, RegressorTags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from evoml.core.budget import check_positive
from evoml.core.errors import DataError, SettingError, nearest
from evoml.core.random import drawn_by_weight, stream
from evoml.estimators import parameters

TASKS = ("regression", "classification")
_WEIGHTS = 1  # what is drawn by weights has a random stream of its own
_PATH = "evoml.estimators.learned_algorithm.LearnedAlgorithm"


def _classifies(estimator: Any) -> bool:
    if estimator.task == "classification":
        return True
    raise AttributeError("only an algorithm of task='classification' has probabilities")


class LearnedAlgorithm(BaseEstimator):
    """Train a program that learns, such as one that :class:`evoml.ProgramClassifier` has evolved.

    A program sees one row after another, predicts, is told the label, and learns. It knows columns scaled to mean 0 and spread
    1, and a target of numbers scaled in the same way. Of more than two classes a copy of it learns each one against the rest.
    Each row is predicted from the memory that training left, and what that leaves in memory is forgotten: predictions do not
    hang on each other. (In a search, as in the paper's, memory runs on from one row of validation to the next.)

    Parameters
    ----------
    program : str, default="affine"
        Text of a program, or the name of one that is there: ``"linear"`` and ``"affine"``, gradient descent on a linear model;
        ``"network"``, a network of two layers, back-propagated.
    task : {"regression", "classification"}, default="regression"
    examples : int, default=5000
        Rows that it learns from: those of smaller tables come several times, in another order each time; of larger ones so many
        are drawn, as a program that was evolved on so many may not bear more.
    max_features : int, default=32
        Features of the program's vectors at most; more columns are projected onto them at random.
    random_state : int, generator or None, default=None
        Seed of the order of the rows, of projections, and of what the program draws.

    Attributes
    ----------
    text_ : str
        The program in its canonical form.
    classes_ : (n_classes,) array
        Labels, sorted; for classification.
    failed_ : bool
        Whether a prediction was so far off that learning was given up; then the mean, or the shares of the classes, are
        predicted.
    n_features_in_ : int
        Number of columns seen in ``fit``.
    feature_names_in_ : (n_features,) array
        Names of the columns, where they are all strings.

    Examples
    --------
    >>> from evoml import LearnedAlgorithm
    >>> from sklearn.datasets import load_breast_cancer
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = LearnedAlgorithm("network", task="classification", random_state=0).fit(X, y)
    >>> bool(model.score(X, y) > 0.95)
    True
    """

    def __init__(
        self,
        program: str = "affine",
        *,
        task: str = "regression",
        examples: int = 5000,
        max_features: int = 32,
        random_state: Any = None,
    ) -> None:
        self.program = program
        self.task = task
        self.examples = examples
        self.max_features = max_features
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> LearnedAlgorithm:
        """Train the program.

        Parameters
        ----------
        X : (n_rows, n_columns) array or data frame of numbers
            Without missing values.
        y : (n_rows,) array of numbers, or of labels
        sample_weight : (n_rows,) array or None
            How often rows come, relative to each other: a program knows no weights, so that rows are drawn by them.

        Returns
        -------
        self
        """
        from evoml.evaluation.program_model import Scaling, example_order, train

        program = self._checked_program()
        classes = self.task == "classification"
        X, y = validate_data(self, X, y, dtype=np.float64, ensure_min_samples=2, y_numeric=not classes)
        self._seed = parameters.seed(self.random_state)
        weights = parameters.row_weights(sample_weight, X)
        if classes:
            self._keep_classes(y if weights is None else y[weights > 0])
        if weights is not None:
            rows = drawn_by_weight(weights, max(len(X), int(self.examples)), stream(self._seed, _WEIGHTS))
            X, y = X[rows], y[rows]
        labels = self._labels_of_classes(y) if classes else self._labels_of_numbers(y)
        rng = np.random.default_rng(self._seed)
        self._scaling = Scaling.of(X, int(self.max_features), rng)
        order = example_order(len(X), int(self.examples), rng)
        self._trained = train(program, self._scaling(X), labels, order, classes, self._seed)
        self.failed_ = bool(self._trained.failed.any())
        return self

    def _checked_program(self) -> Any:
        from evoml.genomes.program.canonical import canonical
        from evoml.genomes.program.library import program_of
        from evoml.genomes.program.text import write

        if self.task not in TASKS:
            raise SettingError(f"unknown task {self.task!r}{nearest(self.task, TASKS)}; there are: {', '.join(TASKS)}")
        for name in ("examples", "max_features"):
            if getattr(self, name) is None:
                raise SettingError(f"{name} must be a positive whole number, got None")
            check_positive(getattr(self, name), name, whole=True, optional=False)
        program = canonical(program_of(self.program))
        self.text_ = write(program)
        return program

    def _labels_of_numbers(self, y: np.ndarray) -> np.ndarray:
        from evoml.evaluation.program_model import inverse_spread

        y = np.asarray(y, np.float64)
        self._mean, self._spread = float(y.mean()), float(y.std())
        return ((y - self._mean) * inverse_spread(y - self._mean, np.abs(y).max()))[:, None]

    def _keep_classes(self, y: np.ndarray) -> None:
        check_classification_targets(y)
        self.classes_ = np.unique(y)
        if len(self.classes_) < 2:
            raise DataError(f"a classifier needs at least two classes, got one class only: {self.classes_.tolist()}")

    def _labels_of_classes(self, y: np.ndarray) -> np.ndarray:
        kinds = self.classes_[1:] if len(self.classes_) == 2 else self.classes_
        labels = (y[:, None] == kinds).astype(np.float64)
        self._shares = labels.mean(axis=0)
        return labels

    # -- predicting ---------------------------------------------------------------------------------------------------------

    def _outputs(self, X: Any, otherwise: Any) -> np.ndarray:
        """Return what each copy predicts: (n_rows, n_copies); ``otherwise`` where that is no number."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        found = self._trained.predict(self._scaling(X))
        return np.where(np.isfinite(found), found, otherwise)

    def predict(self, X: Any) -> np.ndarray:
        """Return the prediction for each row of ``X``: (n_rows,)."""
        check_is_fitted(self)
        if self.task == "classification":
            return self.classes_[self.predict_proba(X).argmax(axis=1)]
        return self._mean + self._spread * self._outputs(X, 0.0)[:, 0]

    @available_if(_classifies)
    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of each class for each row of ``X``: (n_rows, n_classes)."""
        from scipy.special import expit

        check_is_fitted(self)
        with np.errstate(divide="ignore"):  # of a class of next to no weight no row may have been drawn
            logits = np.log(self._shares / (1.0 - self._shares))
        found = expit(self._outputs(X, logits))
        if len(self.classes_) == 2:
            return np.column_stack([1.0 - found, found])
        total = found.sum(axis=1, keepdims=True)
        return np.where(total > 0, found / np.where(total > 0, total, 1.0), self._shares)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy, or the coefficient of determination, of predictions for ``X``."""
        from sklearn.metrics import accuracy_score, r2_score

        measure = accuracy_score if self.task == "classification" else r2_score
        return float(measure(y, self.predict(X), sample_weight=sample_weight))

    # -- elsewhere ----------------------------------------------------------------------------------------------------------

    def to_numpy_source(self) -> str:
        """Return a module that needs NumPy only: ``LearnedAlgorithm(seed).fit(X, y).predict(X)``, and the same predictions.

        The seed is that of the last ``fit``, or ``random_state``; it need not be fitted. The module knows no ``sample_weight``.
        """
        from evoml.genomes.program.source import numpy_source

        program = self._checked_program()
        from evoml.evaluation.program_model import LARGEST_ERROR

        seed = getattr(self, "_seed", None)
        return numpy_source(
            program,
            classes=self.task == "classification",
            examples=int(self.examples),
            most_features=int(self.max_features),
            largest_error=LARGEST_ERROR,
            seed=parameters.seed(self.random_state) if seed is None else seed,
        )

    def export(self, path: str | Path) -> Path:
        """Write :meth:`to_numpy_source` to a file."""
        target = Path(path)
        target.write_text(self.to_numpy_source(), encoding="utf-8")
        return target

    def as_part(self) -> dict[str, Any]:
        """Return the algorithm as a part of pipelines: ``load_catalogue().with_part("Mine", **model.as_part())``."""
        self._checked_program()
        fixed = {
            "program": self.program,
            "task": self.task,
            "examples": self.examples,
            "max_features": self.max_features,
        }
        classes = self.task == "classification"
        return {
            "path": _PATH,
            "kind": "classifier" if classes else "regressor",
            "input": "dense",
            "fixed": fixed,
            "compiled": "program",
            **({"predict_proba": True} if classes else {}),
        }

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        if self.task == "classification":
            tags.estimator_type, tags.classifier_tags = "classifier", ClassifierTags()
        else:
            tags.estimator_type, tags.regressor_tags = "regressor", RegressorTags()
        return tags
