"""New columns that a linear model has use for: formulas evolved in turn, each for what the others leave unexplained."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import validate_data
from threadpoolctl import threadpool_limits

from evoml.core.errors import SettingError, nearest
from evoml.kernels.expression_codes import NAMES
from evoml.learners.formula_column import LARGEST_OUTPUT, FormulaColumns, evaluated
from evoml.learners.formula_search import ColumnSearch, Unexplained, gained, score_statistics
from evoml.learners.logistic import PreconditionedLogisticRegression

FUNCTIONS = ("add", "sub", "mul", "div", "min", "max", "abs", "square", "sqrt", "log")
TASKS = ("auto", "classification", "regression")
DIRECTIONS = 64  # of the model's columns, the widest ones, that formulas must say more than
CANDIDATES = 20  # best formulas of a search, of which the first that proves true is taken
WIDEST = 6.0  # standard deviations, beyond which a residual counts no more than there
MOST_OF_ONE = 0.05  # share of a column's variance that a single row may hold
FEW_ROWS = 20  # of as many rows one may hold all
TIMES_CHECKED = 5  # rows that formulas are checked on, for each that they are searched on


class FormulaFeatures(FormulaColumns):
    """Evolve formulas of the columns, and add their values to the columns.

    Each formula is evolved for what a linear model of the columns and the formulas before it (ridge or logistic regression)
    leaves unexplained, and is kept only if it is worth more than its own description: of noise none is made.

    Parameters
    ----------
    n_formulas : int, default=10
        Formulas to make, at most.
    generations : int, default=8
        For each formula; the formulas of the last search are gone on with.
    population_size : int, default=500
    function_set : sequence of str
        Names of functions, among those of :class:`evoml.SymbolicRegressor`.
    task : {"auto", "classification", "regression"}, default="auto"
        What the target is; "auto" takes one of few whole numbers for classes, as scikit-learn does.
    passthrough : bool, default=True
        Whether the columns themselves are kept; they are in any case where no formula is made.
    max_rows : int, default=2000
        Rows to search on, drawn at random; five times as many are used to fit linear models and to check formulas.
    random_state : int, RandomState instance or None

    Attributes
    ----------
    formulas_ : list of str
        The formulas, of the columns x0, x1 ... by position; the first explain most.
    bounds_ : (n_formulas, 3) array
        Of each formula the least value allowed, the mean in ``fit``, and the greatest value allowed.

    Examples
    --------
    >>> import numpy as np
    >>> from evoml.learners import FormulaFeatures
    >>> X = np.random.default_rng(0).normal(size=(200, 3))
    >>> FormulaFeatures(n_formulas=1, random_state=0).fit(X, X[:, 0] * X[:, 1]).get_feature_names_out()
    array(['x0', 'x1', 'x2', 'x0 * x1'], dtype=object)
    """

    def __init__(
        self,
        n_formulas: int = 10,
        *,
        generations: int = 8,
        population_size: int = 500,
        function_set: Sequence[str] = FUNCTIONS,
        task: str = "auto",
        passthrough: bool = True,
        max_rows: int = 2000,
        random_state: Any = None,
    ) -> None:
        self.n_formulas = n_formulas
        self.generations = generations
        self.population_size = population_size
        self.function_set = function_set
        self.task = task
        self.passthrough = passthrough
        self.max_rows = max_rows
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Any:
        """Evolve formulas for a target y, (n_rows,) or of several columns of numbers. Raises SettingError."""
        self._check_settings()
        values, target = validate_data(self, X, y, dtype=np.float64, multi_output=True)
        random = check_random_state(self.random_state)
        seed = int(random.randint(2**31 - 1))
        rows = random.permutation(len(values))[: TIMES_CHECKED * self.max_rows]
        target, classes = self._target(np.asarray(target)[rows])
        table = values[rows] + 0.0
        with threadpool_limits(1, "blas"):  # the last bits of its sums, and so the search, would depend on the threads
            found = self._evolved(table, target, classes, seed) if self._can_learn(table, target) else []
        self._keep(found, values)
        return self

    def _check_settings(self) -> None:
        for name in ("n_formulas", "generations", "population_size", "max_rows"):
            value = getattr(self, name)
            if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
                raise SettingError(f"{name} must be a whole number above 0, got {value!r}")
        for name in self._functions():
            if name not in NAMES:
                raise SettingError(
                    f"there is no function {name!r}{nearest(name, NAMES)}; there are: {', '.join(NAMES)}"
                )
        if not len(self.function_set):
            raise SettingError("function_set must name at least one function, such as 'mul'; got none")
        if self.task not in TASKS:
            raise SettingError(f"task must be one of {', '.join(TASKS)}, got {self.task!r}")

    def _functions(self) -> Sequence[str]:
        return (self.function_set,) if isinstance(self.function_set, str) else self.function_set

    def _target(self, target: np.ndarray) -> tuple[np.ndarray, bool]:
        """Return the target and whether it is classes, which become indicators (n_rows, n_classes)."""
        classes = self.task == "classification"
        if self.task == "auto":
            classes = type_of_target(target) in ("binary", "multiclass")
        if not classes:
            return target.astype(np.float64).reshape(len(target), -1), False
        check_classification_targets(target)
        labels, codes = np.unique(target, return_inverse=True)
        return np.eye(len(labels))[codes], True

    def _can_learn(self, table: np.ndarray, target: np.ndarray) -> bool:
        return len(table) > 10 and bool((np.ptp(target, axis=0) > 0).any())

    def _evolved(self, table: np.ndarray, target: np.ndarray, classes: bool, seed: int) -> list[str]:
        searched = slice(0, self.max_rows)
        features, words = _variables(table)
        population = (self.population_size, self.generations, seed)
        search = ColumnSearch(np.ascontiguousarray(features[:, searched]), words, self._functions(), *population)
        found: list[str] = []
        design = table
        for _ in range(self.n_formulas):
            residuals = _residuals(design, target, classes)
            if residuals is None:
                break
            candidates = search.best(_unexplained(design[searched], residuals[searched], classes), CANDIDATES)
            column = _first_true(candidates, table, _unexplained(design, residuals, classes))
            if column is None:
                break
            found.append(column)
            design = np.column_stack([design, evaluated(column, table)])
        return found

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags


def _variables(table: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Return what formulas are made of, (n, n_rows) float32, and what it is called: columns, as they are and standardised.

    Quotients, roots and logarithms need columns as they are; thresholds, bends and signs are near the middle of them.
    """
    columns, words = list(table.T), [f"x{at}" for at in range(table.shape[1])]
    for at, column in enumerate(table.T):
        middle, spread = float(f"{column.mean():.4g}"), float(f"{column.std():.4g}")
        if spread > 1e-6 * abs(middle) and ((column != column.min()) & (column != column.max())).any():
            columns.append((column - middle) / spread)
            words.append(f"((x{at} - {middle!r}) / {spread!r})")
    with np.errstate(over="ignore"):
        return np.array(columns, np.float32), words


def _first_true(candidates: Sequence[str], table: np.ndarray, unexplained: Unexplained) -> str | None:
    """Return the first formula whose column is defined, of no single row's making, and of use on all rows."""
    for formula in candidates:
        column = evaluated(formula, table)
        if not (np.abs(column) <= LARGEST_OUTPUT).all():
            continue
        spread = (column - column.mean()) ** 2
        if spread.max() > max(MOST_OF_ONE, FEW_ROWS / len(column)) * spread.sum():
            continue
        if gained(score_statistics(column[None].astype(np.float64), unexplained), unexplained)[0] > 0:
            return formula
    return None


def _standardised(table: np.ndarray) -> np.ndarray:
    """Return columns of mean 0 and deviation 1, without those that do not vary."""
    spread = table.std(axis=0)
    varied = spread > 1e-12 * np.abs(table).max(axis=0, initial=0.0)
    varied &= spread > 0.0
    return (table[:, varied] - table[:, varied].mean(axis=0)) / spread[varied]


def _residuals(design: np.ndarray, target: np.ndarray, classes: bool) -> np.ndarray | None:
    """Return what a linear model leaves of a target (n_rows, k), of variance 1 where it is noise; None where nothing."""
    columns = _standardised(design)
    if not classes:
        centred = target - target.mean(axis=0)
        gram = columns.T @ columns
        weights = np.linalg.solve(gram + np.eye(len(gram)), columns.T @ centred)
        left = centred - columns @ weights
        free = len(left) - columns.shape[1] - 1
        scale = np.sqrt((left**2).sum(axis=0) / free) if free > 0 else np.zeros(left.shape[1])
        told = scale > 1e-6 * centred.std(axis=0)
    else:
        model = PreconditionedLogisticRegression(tol=1e-2, max_iter=50).fit(
            np.column_stack([columns, np.zeros(len(columns))]), target.argmax(axis=1)
        )
        chances = model.predict_proba(np.column_stack([columns, np.zeros(len(columns))]))
        left = (target - chances)[:, 1:] if target.shape[1] == 2 else target - chances
        chances = chances[:, -left.shape[1] :]
        scale = np.sqrt((chances * (1.0 - chances)).mean(axis=0))
        told = scale > 1e-3
    return np.clip(left[:, told] / scale[told], -WIDEST, WIDEST) if told.any() else None


def _unexplained(design: np.ndarray, residuals: np.ndarray, classes: bool) -> Unexplained:
    columns = _standardised(design)
    left, sizes, _ = np.linalg.svd(columns, full_matrices=False)
    basis = left[:, sizes > 1e-6 * sizes.max(initial=0.0)][:, :DIRECTIONS]
    residuals = residuals - residuals.mean(axis=0)
    residuals = residuals - basis @ (basis.T @ residuals)
    return Unexplained(basis.astype(np.float32), residuals.astype(np.float32), not classes)
