"""Gradient boosting on histograms of binned columns: the checked faces of `evoml.kernels.boosting`.

Second-order boosting (Chen and Guestrin 2016; Ke et al. 2017 for leaf-wise growth on histograms), compiled, with one tree
a round even for many classes: its leaves hold a value for each. Numba is imported when a model is first fitted.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.model_selection import train_test_split
from sklearn.utils import compute_sample_weight
from sklearn.utils.validation import _check_sample_weight, check_consistent_length, check_is_fitted, column_or_1d

from evoml.learners.binned_table import BinnedClassifier, BinnedLearner, BinnedTable, seed_of
from evoml.learners.boosting_rounds import Plan, Run, add_trees, first_rounds, fit_folds, grow_together
from evoml.learners.boosting_settings import PARAMETERS, check_settings, learning_rates, monotone_directions

__all__ = ["BoostingClassifier", "BoostingRegressor", "fit_folds"]

_NO_LIMIT = 1 << 20
_LOSSES = {"squared_error": 0, "absolute_error": 1, "quantile": 2, "poisson": 3}
_LOGISTIC, _MULTINOMIAL = 4, 5


class _Boosting(BinnedLearner):
    """What both learners share."""

    _model: dict[str, np.ndarray]
    _base: np.ndarray

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Fit on (n, c) X, missing values and data frames with category columns included; weights are not negative."""
        check_settings(self)
        goes_on = self.warm_start and hasattr(self, "_model")
        y = column_or_1d(y, warn=True)
        check_consistent_length(X, y)
        weights = _check_sample_weight(sample_weight, y, dtype=np.float64, ensure_non_negative=True)
        targets, n_outputs, weights = self._targets(y, weights, goes_on)
        kept = np.flatnonzero(weights > 0.0)
        if len(kept) == 0:
            raise ValueError(
                "sample_weight must be positive for some row, but no row has a positive weight; drop it or mend it"
            )
        table = self._binned(X, kept, goes_on)
        if not goes_on:
            self._seed = seed_of(self.random_state)
        elif len(self._model["roots"]) - 1 > self.max_iter:
            raise ValueError(
                f"max_iter={self.max_iter} must be at least the {len(self._model['roots']) - 1} rounds that are there when"
                " warm_start=True; raise it, or set warm_start=False"
            )
        plan = self._plan(n_outputs, targets, len(self._n_bins))
        self._grow(table, plan, targets, weights, kept, goes_on)
        return self

    def _grow(
        self, table: BinnedTable, plan: Plan, targets: np.ndarray, weights: np.ndarray, kept: np.ndarray, goes_on: bool
    ) -> None:
        held = kept[:0]
        if self.early_stopping:
            kept, held = self._part(kept, targets)
        run = Run(plan, table, targets, weights, kept, held, self._base if goes_on else None)
        if goes_on:
            run.resume(self._model)
        self._base = run.base
        if run.n_rounds < self.max_iter:
            patience = self.n_iter_no_change if self.early_stopping else None
            n_rounds, self.validation_loss_ = grow_together([run], patience, self.tol)
            assert run.model is not None
            self._model = first_rounds(run.model, n_rounds)
        self.n_iter_ = len(self._model["roots"]) - 1
        self.feature_importances_ = self._importances()

    def _part(self, kept: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows to learn from and rows held out, the same ones whenever fitting goes on."""
        stratify = None
        if isinstance(self, ClassifierMixin):
            counts = np.bincount(targets[kept].astype(np.int64))
            enough = min(counts[counts > 0]) >= 2 and len(kept) * self.validation_fraction >= len(counts)
            stratify = targets[kept] if enough else None
        if len(kept) < 2:
            return kept, kept
        train, held = train_test_split(
            kept, test_size=self.validation_fraction, stratify=stratify, random_state=self._seed
        )
        return np.sort(train), np.sort(held)

    def _scores(self, X: Any) -> np.ndarray:
        """(n, n_outputs) raw scores."""
        check_is_fitted(self, "_model")
        codes = self._codes_of(X)
        scores = np.tile(self._base, (len(codes), 1))
        add_trees(self._model, codes, scores, self.n_jobs or 1)
        return scores

    def _importances(self) -> np.ndarray:
        """Share of each column in the gains of all splits; zeros where there is no split."""
        inner = self._model["feature"] >= 0
        gains = np.bincount(
            self._model["feature"][inner], weights=self._model["gain"][inner], minlength=self.n_features_in_
        )
        return gains / gains.sum() if gains.sum() > 0.0 else gains

    def _plan(self, n_outputs: int, targets: np.ndarray, n_columns: int) -> Plan:
        names = getattr(self, "feature_names_in_", None)
        return Plan(
            loss=self._loss_code(n_outputs),
            quantile=float(getattr(self, "quantile", None) or 0.5),
            n_outputs=n_outputs,
            rates=learning_rates(self.learning_rate, self.learning_rate_schedule, self.max_iter),
            max_leaves=self._most_leaves(n_outputs),
            max_depth=_NO_LIMIT if self.max_depth is None else int(self.max_depth),
            by_depth=self.growth == "depth",
            min_rows=float(self.min_samples_leaf),
            min_hessian=float(self.min_child_weight),
            min_gain=float(self.min_split_gain),
            l1=float(self.l1_regularization),
            l2=float(self.l2_regularization),
            categorical_l2=float(self.cat_l2),
            categorical_smoothing=float(self.cat_smooth),
            columns_per_tree=float(self.colsample_bytree),
            columns_per_node=float(self.max_features),
            subsample=float(self.subsample),
            monotone=monotone_directions(self.monotonic_cst, n_columns, names, n_outputs),
            seed=getattr(self, "_seed", 0),
        )

    def _most_leaves(self, n_outputs: int) -> int:
        if self.max_leaf_nodes is None:
            return _NO_LIMIT
        return max(31, 4 * n_outputs) if self.max_leaf_nodes == "auto" else int(self.max_leaf_nodes)

    def _fold_plan(self, table: BinnedTable, y: Any, sample_weight: Any) -> tuple[np.ndarray, np.ndarray, Plan, Any]:
        """Targets, weights, plan and what makes predictions of scores, for `fit_folds`; self is left as it is."""
        check_settings(self)
        twin = type(self)(**self.get_params())
        twin._seed = seed_of(self.random_state)
        y = column_or_1d(y, warn=True)
        check_consistent_length(table.codes, y)
        weights = _check_sample_weight(sample_weight, table.codes, dtype=np.float64, ensure_non_negative=True)
        targets, n_outputs, weights = twin._targets(y, weights, False)
        return targets, weights, twin._plan(n_outputs, targets, table.codes.shape[1]), twin._predictions

    def _targets(self, y: np.ndarray, weights: np.ndarray, goes_on: bool) -> tuple[np.ndarray, int, np.ndarray]:
        raise NotImplementedError

    def _loss_code(self, n_outputs: int) -> int:
        raise NotImplementedError

    def _predictions(self, scores: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


class BoostingClassifier(BinnedClassifier, _Boosting):
    __doc__ = f"""Boosted trees for two or more classes, by log loss.

    Parameters
    ----------
    class_weight : None, "balanced" or dict
        Factors of rows' weights by class.
{PARAMETERS}    classes_ : (k,) array
        Labels in the order of predict_proba's columns.
    """

    def __init__(
        self,
        *,
        class_weight: Any = None,
        learning_rate: Any = 0.1,
        learning_rate_schedule: str = "constant",
        max_iter: int = 100,
        max_leaf_nodes: int | str | None = "auto",
        max_depth: int | None = None,
        growth: str = "leaf",
        min_samples_leaf: int = 20,
        min_child_weight: float = 1e-3,
        min_split_gain: float = 0.0,
        l1_regularization: float = 0.0,
        l2_regularization: float = 1.0,
        cat_l2: float = 10.0,
        cat_smooth: float = 10.0,
        max_features: float = 1.0,
        colsample_bytree: float = 1.0,
        subsample: float = 1.0,
        max_bins: int = 255,
        min_samples_bin: int | str = "auto",
        categorical_features: Any = "from_dtype",
        monotonic_cst: Any = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 1e-7,
        warm_start: bool = False,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        self._keep_settings(locals())

    def _targets(self, y: np.ndarray, weights: np.ndarray, goes_on: bool) -> tuple[np.ndarray, int, np.ndarray]:
        codes = self._class_codes(y, goes_on)
        if self.class_weight is not None:
            weights = weights * compute_sample_weight(self.class_weight, y)
        n_classes = len(self.classes_)
        return codes, 1 if n_classes <= 2 else n_classes, weights

    def _loss_code(self, n_outputs: int) -> int:
        return _LOGISTIC if n_outputs == 1 else _MULTINOMIAL

    def _predictions(self, scores: np.ndarray) -> np.ndarray:
        if len(self.classes_) == 1:
            return np.ones((len(scores), 1))
        if len(self.classes_) == 2:
            second = 1.0 / (1.0 + np.exp(np.clip(-scores[:, 0], -700.0, 700.0)))
            return np.column_stack([1.0 - second, second])
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)

    def decision_function(self, X: Any) -> np.ndarray:
        """Raw scores: (n,) log odds of the second of two classes, or (n, k)."""
        scores = self._scores(X)
        return scores[:, 0] if scores.shape[1] == 1 else scores

    def predict_proba(self, X: Any) -> np.ndarray:
        """(n, k) probabilities of ``classes_``."""
        return self._predictions(self._scores(X))


class BoostingRegressor(RegressorMixin, _Boosting):
    __doc__ = f"""Boosted trees for numbers.

    Parameters
    ----------
    loss : {{"squared_error", "absolute_error", "quantile", "poisson"}}
        Leaves are set to the residuals' median for the absolute error, to their quantile for "quantile"; "poisson" has a log
        link, and targets that are not negative.
    quantile : float in (0, 1) or None
        Needed for that loss.
{PARAMETERS}    """

    def __init__(
        self,
        *,
        loss: str = "squared_error",
        quantile: float | None = None,
        learning_rate: Any = 0.1,
        learning_rate_schedule: str = "constant",
        max_iter: int = 100,
        max_leaf_nodes: int | str | None = "auto",
        max_depth: int | None = None,
        growth: str = "leaf",
        min_samples_leaf: int = 20,
        min_child_weight: float = 1e-3,
        min_split_gain: float = 0.0,
        l1_regularization: float = 0.0,
        l2_regularization: float = 1.0,
        cat_l2: float = 10.0,
        cat_smooth: float = 10.0,
        max_features: float = 1.0,
        colsample_bytree: float = 1.0,
        subsample: float = 1.0,
        max_bins: int = 255,
        min_samples_bin: int | str = "auto",
        categorical_features: Any = "from_dtype",
        monotonic_cst: Any = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 1e-7,
        warm_start: bool = False,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        self._keep_settings(locals())

    def _targets(self, y: np.ndarray, weights: np.ndarray, goes_on: bool) -> tuple[np.ndarray, int, np.ndarray]:
        targets = np.asarray(y, dtype=np.float64)
        if not np.all(np.isfinite(targets)):
            raise ValueError("y must be finite, but it has NaN or infinite values; drop those rows")
        if self.loss == "poisson" and (np.any(targets < 0.0) or not np.any(targets > 0.0)):
            raise ValueError(
                "loss='poisson' needs targets of at least 0, some of them positive; use loss='squared_error'"
            )
        return targets, 1, weights

    def _loss_code(self, n_outputs: int) -> int:
        return _LOSSES[self.loss]

    def _predictions(self, scores: np.ndarray) -> np.ndarray:
        return np.exp(scores) if self.loss == "poisson" else scores

    def predict(self, X: Any) -> np.ndarray:
        """(n,) predictions."""
        return self._predictions(self._scores(X))[:, 0]
