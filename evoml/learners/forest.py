"""Random forests and extra-trees on binned columns: the checked faces of `evoml.kernels.forest`.

Breiman (2001), Geurts, Ernst and Wehenkel (2006), compiled, on one byte a value. Numba is imported when a forest is grown.
"""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import compute_sample_weight
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import _check_sample_weight, check_consistent_length, check_is_fitted, column_or_1d

from evoml.learners.binned_table import BinnedClassifier, BinnedLearner, seed_of
from evoml.learners.forest_growth import (
    ForestTable,
    Growth,
    Model,
    fit_folds,
    forest_table,
    grow,
    importances,
    join,
    leaves_reached,
    out_of_bag,
    packed_nodes,
    predictions,
    table_of_codes,
)
from evoml.learners.forest_settings import (
    CONSTRAINTS,
    FOREST_PARAMETERS,
    count_columns,
    count_draws,
    count_rows,
    threads,
)

__all__ = ["ForestClassifier", "ForestRegressor", "ForestTable", "fit_folds", "forest_table"]

_NO_LIMIT = 1 << 40
_WEIGHTS = (1e-30, 1e30)  # beyond, sums of products would leave what float64 can hold


class _Forest(BinnedLearner):
    """What both learners share."""

    _binned_as = "columns"
    classes_: np.ndarray
    _model: Model
    _nodes: np.ndarray
    _seed: int

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = CONSTRAINTS

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Fit on (n, c) X, missing values and data frames with category columns included; weights are not negative."""
        self._check_settings()
        goes_on = self.warm_start and hasattr(self, "_model")
        if not goes_on:
            self._seed = seed_of(self.random_state)
        y = column_or_1d(y, warn=True)
        check_consistent_length(X, y)
        weights = _check_sample_weight(sample_weight, y, dtype=np.float64, ensure_non_negative=True)
        targets = self._targets(y, goes_on)
        rows = np.flatnonzero(weights > 0.0).astype(np.int32)
        if len(rows) == 0:
            raise ValueError("sample_weight must be positive for some row, but no row has a positive weight; mend it")
        growth = self._growth(self._binned(X, rows, goes_on), rows, weights, targets)
        self._grow(growth, goes_on)
        if self.oob_score:
            self._score_out_of_bag(growth, y)
        return self

    def _table(self, numbers: np.ndarray, codes: np.ndarray, rows: np.ndarray) -> ForestTable:
        return table_of_codes(codes, self._n_bins, self._reader.categorical, numbers, rows)

    def _grow(self, growth: Growth, goes_on: bool) -> None:
        there_are = len(self._model["roots"]) - 1 if goes_on else 0
        if there_are > self.n_estimators:
            raise ValueError(
                f"n_estimators={self.n_estimators} must be at least the {there_are} trees that are there when"
                " warm_start=True; raise it, or set warm_start=False"
            )
        if there_are == self.n_estimators:
            warnings.warn("warm_start adds no trees unless n_estimators is raised before fit", stacklevel=3)
        else:
            added = grow(growth, there_are, self.n_estimators, threads(self.n_jobs))
            self._model = join([self._model, added], growth.n_classes) if goes_on else added
            self._nodes = packed_nodes(self._model)
        self.feature_importances_ = importances(self._model, self.n_features_in_)

    def _check_settings(self) -> None:
        self._validate_params()
        if self.oob_score and not self._draws_rows():
            raise ValueError(
                "oob_score=True needs rows that a tree did not draw, but bootstrap is off; set bootstrap=True"
            )
        if self.max_samples is not None and not self._draws_rows():
            raise ValueError(
                f"max_samples={self.max_samples} needs bootstrap, but it is off; set bootstrap=True, or max_samples=None"
            )

    def _draws_rows(self) -> bool:
        return self.splitter == "best" if self.bootstrap is None else bool(self.bootstrap)

    def _growth(self, table: ForestTable, rows: np.ndarray, weights: np.ndarray, targets: np.ndarray) -> Growth:
        n_rows, n_columns = len(rows), len(table.n_bins)
        weights = self._balanced(weights, targets, rows)
        largest = weights[rows].max()
        if not _WEIGHTS[0] < largest < _WEIGHTS[1]:
            weights = weights / largest
        n_classes = len(self.classes_) if hasattr(self, "classes_") else 0
        rules = (
            n_classes,
            count_columns(self.max_features, n_columns),
            _NO_LIMIT if self.max_depth is None else int(self.max_depth),
            max(2, count_rows(self.min_samples_split, n_rows)),
            count_rows(self.min_samples_leaf, n_rows),
            float(self.min_weight_fraction_leaf),
            float(self.min_impurity_decrease / self._unit / self._unit),
            0 if self.max_leaf_nodes is None else int(self.max_leaf_nodes),
            self.splitter == "random",
            count_draws(self.max_samples, n_rows) if self._draws_rows() else 0,
            isinstance(getattr(self, "class_weight", None), str) and self.class_weight == "balanced_subsample",
        )
        return Growth(table, rules, self._seed, rows, np.ascontiguousarray(weights), targets)

    def _fold_growths(self, table: ForestTable, y: Any, folds: Any, sample_weight: Any) -> tuple[list[Growth], Any]:
        """What each fold's forest grows from, and what makes predictions of scores, for `fit_folds`."""
        self._check_settings()
        twin = type(self)(**self.get_params(deep=False))
        twin._seed = seed_of(self.random_state)
        y = column_or_1d(y, warn=True)
        check_consistent_length(table.codes, y)
        weights = _check_sample_weight(sample_weight, table.codes, dtype=np.float64, ensure_non_negative=True)
        targets = twin._targets(y, False)
        growths = []
        for train, _ in folds:
            rows = np.asarray(train)[weights[train] > 0.0].astype(np.int32)
            if len(rows) == 0:
                raise ValueError(
                    "a fold needs training rows of positive weight, but one has none; check folds and sample_weight"
                )
            growths.append(twin._growth(table, rows, weights, targets))
        return growths, twin._predictions

    def _means(self, X: Any) -> np.ndarray:
        """(n, n_outputs) means over trees."""
        check_is_fitted(self, "_model")
        codes = self._codes_of(X)
        n_classes = len(self.classes_) if hasattr(self, "classes_") else 0
        return predictions(self._model, self._nodes, codes, n_classes, threads(self.n_jobs))

    def apply(self, X: Any) -> np.ndarray:
        """(n, n_trees) place of the leaf that each row reaches among its tree's nodes."""
        check_is_fitted(self, "_model")
        return leaves_reached(self._model, self._nodes, self._codes_of(X))

    def _score_out_of_bag(self, growth: Growth, y: np.ndarray) -> None:
        means, votes = out_of_bag(self._model, self._nodes, growth)
        if np.any(votes == 0):
            warnings.warn(
                "some rows were drawn by all trees and have no out-of-bag score; grow more trees", stacklevel=3
            )
        kept = np.full((len(y), means.shape[1]), np.nan)
        kept[growth.rows] = means
        self._keep_out_of_bag(self._predictions(kept), y, growth.rows[votes > 0])

    # What a kind of target decides. classes_ and _unit are set by _targets.
    _unit = 1.0

    def _targets(self, y: np.ndarray, goes_on: bool) -> np.ndarray:
        raise NotImplementedError

    def _balanced(self, weights: np.ndarray, targets: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return weights

    def _predictions(self, means: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def _keep_out_of_bag(self, found: np.ndarray, y: np.ndarray, rows: np.ndarray) -> None:
        raise NotImplementedError

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


class ForestClassifier(BinnedClassifier, _Forest):
    __doc__ = f"""Forest of classification trees by Gini impurity; probabilities are means of leaves' class shares.

    Parameters
    ----------
    class_weight : None, "balanced", "balanced_subsample" or dict
        Factors of rows' weights by class; "balanced_subsample" looks at each tree's own rows.
{FOREST_PARAMETERS}    classes_ : (k,) array
        Labels in the order of predict_proba's columns.
    oob_decision_function_ : (n, k) array
        Out-of-bag probabilities, if asked for.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **CONSTRAINTS,
        "class_weight": [StrOptions({"balanced", "balanced_subsample"}), dict, None],
    }

    def __init__(
        self,
        n_estimators: int = 100,
        *,
        splitter: str = "best",
        max_features: int | float | str | None = "sqrt",
        max_depth: int | None = None,
        max_leaf_nodes: int | None = None,
        min_samples_split: int | float = 2,
        min_samples_leaf: int | float = 1,
        min_weight_fraction_leaf: float = 0.0,
        min_impurity_decrease: float = 0.0,
        bootstrap: bool | None = None,
        max_samples: int | float | None = None,
        oob_score: bool = False,
        class_weight: Any = None,
        max_bins: int = 255,
        min_samples_bin: int | str = 1,
        categorical_features: Any = "from_dtype",
        warm_start: bool = False,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        self._keep_settings(locals())

    def _targets(self, y: np.ndarray, goes_on: bool) -> np.ndarray:
        return self._class_codes(y, goes_on)

    def _balanced(self, weights: np.ndarray, targets: np.ndarray, rows: np.ndarray) -> np.ndarray:
        if self.class_weight is None or self.class_weight == "balanced_subsample":
            return weights
        weights = weights.copy()
        weights[rows] *= compute_sample_weight(self.class_weight, self.classes_[targets[rows].astype(int)])
        return weights

    def _predictions(self, means: np.ndarray) -> np.ndarray:
        if len(self.classes_) == 1:
            return np.ones((len(means), 1))
        return np.column_stack([1.0 - means[:, 0], means[:, 0]]) if len(self.classes_) == 2 else means

    def _keep_out_of_bag(self, found: np.ndarray, y: np.ndarray, rows: np.ndarray) -> None:
        self.oob_decision_function_ = found
        chosen = self.classes_[np.argmax(found[rows], axis=1)]
        self.oob_score_ = accuracy_score(y[rows], chosen) if len(rows) else np.nan

    def predict_proba(self, X: Any) -> np.ndarray:
        """(n, k) probabilities of ``classes_``."""
        return self._predictions(self._means(X))


class ForestRegressor(RegressorMixin, _Forest):
    __doc__ = f"""Forest of regression trees by variance; predictions are means of leaves' means.

    Parameters
    ----------
{FOREST_PARAMETERS}    oob_prediction_ : (n,) array
        Out-of-bag predictions, if asked for.
    """

    def __init__(
        self,
        n_estimators: int = 100,
        *,
        splitter: str = "best",
        max_features: int | float | str | None = 1.0,
        max_depth: int | None = None,
        max_leaf_nodes: int | None = None,
        min_samples_split: int | float = 2,
        min_samples_leaf: int | float = 1,
        min_weight_fraction_leaf: float = 0.0,
        min_impurity_decrease: float = 0.0,
        bootstrap: bool | None = None,
        max_samples: int | float | None = None,
        oob_score: bool = False,
        max_bins: int = 255,
        min_samples_bin: int | str = 1,
        categorical_features: Any = "from_dtype",
        warm_start: bool = False,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        self._keep_settings(locals())

    def _targets(self, y: np.ndarray, goes_on: bool) -> np.ndarray:
        targets = np.asarray(y, dtype=np.float64)
        if not np.all(np.isfinite(targets)):
            raise ValueError("y must be finite, but it has NaN or infinite values; drop those rows")
        if not goes_on:
            # Sums near zero keep more digits, and products of numbers of size one stay in what float64 can hold.
            self._centre = float(np.mean(targets))
            spread = float(np.max(np.abs(targets - self._centre), initial=0.0))
            self._unit = float(2.0 ** np.round(np.log2(spread))) if spread > 0.0 else 1.0
        return (targets - self._centre) / self._unit

    def _predictions(self, means: np.ndarray) -> np.ndarray:
        return means * self._unit + self._centre

    def _keep_out_of_bag(self, found: np.ndarray, y: np.ndarray, rows: np.ndarray) -> None:
        self.oob_prediction_ = found[:, 0]
        self.oob_score_ = r2_score(y[rows], found[rows, 0]) if len(rows) > 1 else np.nan

    def predict(self, X: Any) -> np.ndarray:
        """(n,) predictions."""
        return self._predictions(self._means(X))[:, 0]
