"""Rounds of boosting by checked settings: plans for the kernels, runs that can go on, all folds of a candidate at once."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

from evoml.learners.binned_table import BinnedTable

ROUNDS_AT_ONCE = 50  # grown before it is asked whether to stop


class Plan(NamedTuple):
    """Settings as numbers: see the learners' parameters. rates: (max_iter,) learning rates."""

    loss: int
    quantile: float
    n_outputs: int
    rates: np.ndarray
    max_leaves: int
    max_depth: int
    by_depth: bool
    min_rows: float
    min_hessian: float
    min_gain: float
    l1: float
    l2: float
    categorical_l2: float
    categorical_smoothing: float
    columns_per_tree: float
    columns_per_node: float
    subsample: float
    monotone: np.ndarray
    seed: int


class Run:
    """One model that grows: its rows' scores, its trees so far, and held-out rows' loss after each round."""

    def __init__(
        self,
        plan: Plan,
        table: BinnedTable,
        targets: np.ndarray,
        weights: np.ndarray,
        train: np.ndarray,
        held: np.ndarray,
        base: np.ndarray | None = None,
    ) -> None:
        from evoml.kernels.boosting import Rows
        from evoml.kernels.histogram import bin_places
        from evoml.kernels.losses import base_scores
        from evoml.kernels.splitting import make_layout

        self.plan = plan
        if base is None:
            base = base_scores(plan.loss, plan.quantile, targets[train], weights[train], plan.n_outputs)
        self.base = base
        none = np.empty((0, table.codes.shape[1]), np.uint16)
        self.train, self.held = (
            Rows(table.codes[rows], none, targets[rows], weights[rows], np.tile(base, (len(rows), 1)))
            for rows in (train, held)
        )
        if plan.n_outputs == 1:
            self.train = self.train._replace(places=bin_places(self.train.codes, table.n_bins))
        missing = (self.train.codes == 0).any(axis=0)
        self.layout = make_layout(table.n_bins, missing, table.categorical, plan.monotone)
        self.model: dict[str, np.ndarray] | None = None
        self.curve: list[float] = []
        self.n_rounds = 0

    def grow(self, n_rounds: int, curve: bool) -> None:
        """Grow so many trees more; with ``curve`` the held-out rows' loss is noted after each."""
        from evoml.kernels.boosting import boost

        rates = self.plan.rates[self.n_rounds : self.n_rounds + n_rounds]
        trees, roots, losses = boost(
            self.train, self.held, self.layout, *self._settings(), np.ascontiguousarray(rates), self.n_rounds, curve
        )
        if curve:
            self.curve.extend(losses.tolist())
        self.model = joined(self.model, {**trees._asdict(), "roots": roots})
        self.n_rounds += len(rates)

    def resume(self, model: dict[str, np.ndarray]) -> None:
        """Go on after the trees of a model that was grown on the same rows with the same base scores."""
        self.model, self.n_rounds = model, len(model["roots"]) - 1
        add_trees(model, self.train.codes, self.train.scores)
        add_trees(model, self.held.codes, self.held.scores)

    def _settings(self) -> tuple[Any, Any, Any]:
        from evoml.kernels.boosting import Boosting
        from evoml.kernels.grower import Growth
        from evoml.kernels.losses import has_constant_hessian
        from evoml.kernels.splitting import Limits

        plan, n_columns = self.plan, self.train.codes.shape[1]
        l2 = shrinkage(plan)
        limits = Limits(l2, plan.l1, plan.min_rows, plan.min_hessian, plan.categorical_l2, plan.categorical_smoothing)
        per_tree = max(1, round(plan.columns_per_tree * n_columns))
        per_node = max(1, round(plan.columns_per_node * per_tree))
        most_leaves = max(1, int(len(self.train.targets) / max(plan.min_rows, 1.0)))
        leaves = min(plan.max_leaves, most_leaves, 1 << min(plan.max_depth, 30))
        constrained = bool(np.any(plan.monotone != 0))
        growth = Growth(leaves, plan.max_depth, plan.min_gain, per_node, plan.by_depth, constrained)
        unweighted = bool(np.all(self.train.weights == 1.0))
        constant = has_constant_hessian(plan.loss) and unweighted
        boosting = Boosting(plan.loss, plan.quantile, plan.subsample, per_tree, constant, plan.seed)
        return limits, growth, boosting


def shrinkage(plan: Plan) -> float:
    """Effective l2: a row's hessian is 1/4 at first with two balanced classes, (k - 1) / k^2 for each of k; l2 is scaled so.

    Several outputs cannot each hold min_hessian in a leaf: as a shrinkage it bounds the steps of classes that a leaf nearly
    lacks.
    """
    k = plan.n_outputs
    return plan.l2 if k == 1 else plan.l2 * 4.0 * (k - 1) / k**2 + plan.min_hessian


def joined(model: dict[str, np.ndarray] | None, more: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """One model's trees and then another's."""
    if model is None:
        return more
    n_nodes, n_sets = model["roots"][-1], len(model["sets"])
    moved = {
        **more,
        "left": np.where(more["feature"] >= 0, more["left"] + n_nodes, 0).astype(np.int32),
        "category_set": np.where(more["category_set"] >= 0, more["category_set"] + n_sets, -1).astype(np.int32),
        "roots": more["roots"][1:] + n_nodes,
    }
    return {name: np.concatenate([model[name], moved[name]]) for name in model}


def first_rounds(model: dict[str, np.ndarray], n_rounds: int) -> dict[str, np.ndarray]:
    """The model as it was after so many rounds."""
    roots = model["roots"][: n_rounds + 1]
    n_nodes = int(roots[-1])
    kept = {name: values[:n_nodes] for name, values in model.items() if name not in ("sets", "roots")}
    n_sets = int(kept["category_set"].max(initial=-1)) + 1
    return {**kept, "sets": model["sets"][:n_sets], "roots": roots}


def add_trees(model: dict[str, np.ndarray], codes: np.ndarray, scores: np.ndarray, n_threads: int = 1) -> None:
    """Add the model's values to (n, n_outputs) float64 scores of the rows."""
    from evoml.kernels.predictor import add_model, pack_nodes

    names = ("feature", "threshold", "missing_left", "category_set", "left")
    nodes = pack_nodes(*(model[name] for name in names))
    rows = np.arange(len(codes), dtype=np.int32)

    def add(part: np.ndarray) -> None:
        own = scores[part[0] : part[-1] + 1]
        add_model(own, codes, part, model["roots"], nodes, model["category_set"], model["sets"], model["value"])

    parts = [part for part in np.array_split(rows, max(1, n_threads)) if len(part)]
    if len(parts) < 2:
        for part in parts:
            add(part)
        return
    with ThreadPoolExecutor(len(parts)) as pool:
        list(pool.map(add, parts))


def grow_together(
    runs: Sequence[Run], patience: int | None, tolerance: float, n_threads: int = 1
) -> tuple[int, np.ndarray]:
    """Grow all runs to the end of their rates, or until the mean of their held-out losses has long been falling no more.

    patience: rounds without a lower loss (by tolerance) after which it stops, None to go on to the end. Returns the best
    number of rounds and the mean curve.
    """
    total, start = len(runs[0].plan.rates), runs[0].n_rounds
    step = total - start if patience is None else max(ROUNDS_AT_ONCE, patience)
    shares = np.array([run.held.weights.sum() for run in runs])
    curve = np.zeros(0)
    pool = ThreadPoolExecutor(n_threads) if n_threads > 1 and len(runs) > 1 else None
    grown = start
    while grown < total:
        todo = min(step, total - grown)
        work = [(run, todo, patience is not None) for run in runs]
        list((map if pool is None else pool.map)(lambda one: one[0].grow(one[1], one[2]), work))
        grown += todo
        if patience is not None:
            curve = np.average([run.curve for run in runs], axis=0, weights=shares)
            if len(curve) - best_round(curve, tolerance) >= patience:
                break
    if pool is not None:
        pool.shutdown()
    return (grown if patience is None else start + best_round(curve, tolerance)), curve


def best_round(curve: np.ndarray, tolerance: float) -> int:
    """Rounds up to the last that lowered the least loss so far by more than the tolerance."""
    best, rounds = np.inf, 0
    for i, loss in enumerate(curve):
        if loss < best - tolerance:
            best, rounds = loss, i + 1
    return max(rounds, 1)


class FoldPredictions(NamedTuple):
    """Out-of-fold predictions (n_rows, n_outputs), NaN for rows in no fold: probabilities by class, or one column.

    n_iter: rounds of all folds' models; curve: with early stopping, the held-out loss after each round, over all folds.
    """

    predictions: np.ndarray
    n_iter: int
    curve: np.ndarray


def fit_folds(
    estimator: Any,
    table: BinnedTable,
    y: Any,
    folds: Sequence[tuple[np.ndarray, np.ndarray]],
    sample_weight: Any = None,
    n_threads: int = 1,
) -> FoldPredictions:
    """Fit the estimator's settings once a fold on shared codes, without the costs of an estimator.

    estimator: BoostingClassifier or BoostingRegressor (it is left as it is); folds: (train, test) row numbers, all of them or
    some. With early stopping all folds share the number of rounds that is best on their mean curve. The result does not
    depend on n_threads.
    """
    targets, weights, plan, shaped = estimator._fold_plan(table, y, sample_weight)
    runs, tests = [], []
    for train, test in folds:
        kept = np.asarray(train)[weights[train] > 0.0]
        if len(kept) == 0:
            raise ValueError(
                "a fold needs training rows of positive weight, but one has none; check folds and sample_weight"
            )
        tests.append(np.asarray(test))
        runs.append(Run(plan, table, targets, weights, kept, tests[-1]))
    patience = estimator.n_iter_no_change if estimator.early_stopping else None
    n_iter, curve = grow_together(runs, patience, estimator.tol, n_threads)
    predictions: np.ndarray | None = None
    for run, test in zip(runs, tests, strict=True):
        scores = np.tile(run.base, (len(test), 1))
        assert run.model is not None
        add_trees(first_rounds(run.model, n_iter), run.held.codes, scores)
        own = shaped(scores)
        if predictions is None:
            predictions = np.full((len(targets), own.shape[1]), np.nan)
        predictions[test] = own
    if predictions is None:
        raise ValueError("fit_folds needs at least one fold, got none; pass a list of (train, test) row numbers")
    return FoldPredictions(predictions, n_iter, curve)
