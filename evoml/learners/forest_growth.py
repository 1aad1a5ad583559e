"""Growing forests on threads, predicting with them, and out-of-fold predictions of a forest on shared codes.

Between the checked learners and `evoml.kernels.forest`; Numba is imported when something is first grown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from evoml.learners.binned_table import BinnedTable, rows_in_bin
from evoml.learners.boosting_rounds import FoldPredictions

Model = dict[str, np.ndarray]

_TREES_OF_ROOM = 8  # room for so many trees of the largest size at a time: forests seldom need a second piece
_BY_NODE = ("feature", "threshold", "missing_left", "category_set", "left", "gain", "cover", "value", "share_row")


class ForestTable(NamedTuple):
    """Codes that any number of forests can be grown on, each on rows of its own.

    codes: (n, stride) uint8, row by row, 0 for missing, filled up to whole blocks of columns; columns: (c, n), the same
    column by column (a search for the best cut reads one column of scattered rows at a time); positions: (c, 256) int64,
    where bins lie in a column's range; n_bins: (c,) int64; categorical: (c,) bool.
    """

    codes: np.ndarray
    columns: np.ndarray
    n_bins: np.ndarray
    categorical: np.ndarray
    positions: np.ndarray


def forest_table(
    X: np.ndarray, categorical: np.ndarray | None = None, max_bins: int = 255, min_samples_bin: int | str = 1
) -> ForestTable:
    """Bin an (n, c) array of floats; ``categorical`` flags columns of category codes."""
    from evoml.kernels.binning import bin_counts, bin_edges, bin_matrix

    numbers = np.ascontiguousarray(X, dtype=np.float64)
    flags = np.zeros(numbers.shape[1], bool) if categorical is None else np.asarray(categorical, bool)
    edges, offsets = bin_edges(numbers, flags, max_bins, rows_in_bin(min_samples_bin, len(numbers)))
    return table_of_codes(bin_matrix(numbers, edges, offsets, flags), bin_counts(offsets, flags), flags, numbers)


def table_of_codes(
    codes: np.ndarray,
    n_bins: np.ndarray,
    categorical: np.ndarray,
    numbers: np.ndarray | None = None,
    rows: np.ndarray | None = None,
) -> ForestTable:
    """Make a ForestTable of codes that are there.

    numbers: (n, c) float64, of which the ``rows`` (all) tell where bins lie; without them random cuts are uniform in bins.
    """
    from evoml.kernels.forest_rows import bin_positions
    from evoml.kernels.forest_vectors import BLOCK

    if numbers is None:
        positions = np.tile((np.arange(256, dtype=np.int64) << 32) - 1, (codes.shape[1], 1))
    else:
        every = rows is None or len(rows) == len(codes)
        positions = bin_positions(writeable(numbers), codes) if every else bin_positions(numbers[rows], codes[rows])
    filled = np.zeros((len(codes), -(-codes.shape[1] // BLOCK) * BLOCK), np.uint8)
    filled[:, : codes.shape[1]] = codes
    return ForestTable(filled, np.ascontiguousarray(codes.T), n_bins, categorical, positions)


def writeable(array: np.ndarray) -> np.ndarray:
    """The array, or a copy of one that may not be written to: kernels would be compiled anew for its type."""
    return np.ascontiguousarray(array) if array.flags.writeable else np.array(array, order="C")


class Growth(NamedTuple):
    """What a forest is grown from. rules: as `evoml.kernels.forest_search.Rules`, in order; rows: int32; weights and
    targets by row of the table (targets: a class's place, or a number)."""

    table: ForestTable
    rules: tuple[Any, ...]
    seed: int
    rows: np.ndarray
    weights: np.ndarray
    targets: np.ndarray

    @property
    def n_classes(self) -> int:
        return int(self.rules[0])

    @property
    def n_outputs(self) -> int:
        return self.n_classes if self.n_classes > 2 else 1


def grow(growth: Growth, first: int, last: int, n_threads: int = 1) -> Model:
    """Grow the trees ``first`` to ``last`` of a forest; each depends on the seed and its number only."""
    bounds = np.linspace(first, last, max(1, min(n_threads, last - first)) + 1).astype(int)
    spans = list(pairwise(bounds))
    pieces = _threaded(lambda span: list(_grow_span(growth, *span)), spans, n_threads)
    return join([piece for span in pieces for piece in span], growth.n_classes)


def _grow_span(growth: Growth, first: int, last: int) -> Iterator[Model]:
    from evoml.kernels.forest import grow_forest, make_trees, most_nodes

    table, rules, codes = _for_kernels(growth)
    none = np.empty(0, np.int32)
    room = most_nodes(len(growth.rows), rules) * min(_TREES_OF_ROOM, last - first)
    while first < last:
        trees = make_trees(room, rules, bool(growth.table.categorical.any()))
        roots = np.zeros(last - first + 1, np.int32)
        n_trees, n_nodes, n_sets, n_shares = grow_forest(
            table, codes, rules, growth.seed, first, last, growth.rows, none, growth.weights,
            growth.targets, True, trees, roots, np.empty((0, growth.n_outputs)),
        )  # fmt: skip
        used = dict.fromkeys(_BY_NODE, n_nodes) | {"shares": n_shares, "sets": n_sets}
        used["value" if growth.n_classes > 2 else "share_row"] = 0
        yield {name: array[: used[name]].copy() for name, array in trees._asdict().items()} | {
            "roots": roots[: n_trees + 1]
        }
        first += n_trees


def _for_kernels(growth: Growth) -> tuple[Any, Any, np.ndarray]:
    from evoml.kernels.forest_search import Rules, Table

    codes = growth.table.codes
    return Table(codes.reshape(-1), codes.shape[1], *growth.table[1:]), Rules(*growth.rules), codes


def join(pieces: Sequence[Model], n_classes: int) -> Model:
    """One model of the trees of several, in their order: places in a piece's arrays become places in the whole."""
    shifted: list[Model] = []
    n_nodes = n_sets = n_shares = 0
    for piece in pieces:
        inner, split_by_set = piece["feature"] >= 0, piece["category_set"] >= 0
        impure = piece["share_row"] >= max(n_classes, 1)
        own = piece | {
            "left": np.where(inner, piece["left"] + n_nodes, -1).astype(np.int32),
            "category_set": np.where(split_by_set, piece["category_set"] + n_sets, -1).astype(np.int32),
            "roots": (piece["roots"] if not shifted else piece["roots"][1:] + n_nodes).astype(np.int32),
        }
        own["share_row"] = np.where(impure, piece["share_row"] + n_shares, piece["share_row"]).astype(np.int32)
        shifted.append(own)
        n_nodes += len(piece["feature"])
        n_sets += len(piece["sets"])
        n_shares += len(piece["shares"])
    return {name: np.concatenate([piece[name] for piece in shifted]) for name in shifted[0]}


def packed_nodes(model: Model) -> np.ndarray:
    """What descending rows read of the model's nodes."""
    from evoml.kernels.predictor import pack_nodes

    return pack_nodes(*(model[name] for name in ("feature", "threshold", "missing_left", "category_set", "left")))


def predictions(model: Model, nodes: np.ndarray, codes: np.ndarray, n_classes: int, n_threads: int = 1) -> np.ndarray:
    """Mean over trees, float64 (n, 1 or n_classes)."""
    from evoml.kernels.forest import add_forest

    scores = np.zeros((len(codes), n_classes if n_classes > 2 else 1))
    bounds = np.linspace(0, len(codes), max(1, min(n_threads, len(codes) // 1000)) + 1).astype(int)

    def add(span: tuple[int, int]) -> None:
        rows = np.arange(*span, dtype=np.int32)
        add_forest(scores[slice(*span)], codes, rows, model["roots"], nodes, as_trees(model), n_classes)

    _threaded(add, list(pairwise(bounds)), n_threads)
    return scores / (len(model["roots"]) - 1)


def leaves_reached(model: Model, nodes: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Place of the leaf that each row reaches among its tree's nodes: int32 (n, n_trees)."""
    from evoml.kernels.predictor import apply_model

    rows = np.arange(len(codes), dtype=np.int32)
    reached = apply_model(codes, rows, model["roots"], nodes, model["category_set"], model["sets"])
    return reached - model["roots"][:-1]


def out_of_bag(model: Model, nodes: np.ndarray, growth: Growth) -> tuple[np.ndarray, np.ndarray]:
    """Mean prediction of each of growth.rows over the trees that did not draw it (NaN: none), and how many those are."""
    from evoml.kernels.forest import add_out_of_bag

    scores, votes = np.zeros((len(growth.rows), growth.n_outputs)), np.zeros(len(growth.rows), np.int32)
    n_draws = growth.rules[-2]
    add_out_of_bag(
        scores, votes, growth.table.codes, growth.rows, model["roots"], nodes, as_trees(model), growth.n_classes,
        n_draws, growth.seed,
    )  # fmt: skip
    with np.errstate(invalid="ignore"):
        return scores / votes[:, None], votes


def as_trees(model: Model) -> Any:
    """The model's arrays as kernels take them."""
    from evoml.kernels.forest import Trees

    return Trees(**{name: model[name] for name in Trees._fields})


def importances(model: Model, n_columns: int) -> np.ndarray:
    """Mean over trees of each column's share in a tree's decrease of impurity; zeros where no tree splits."""
    n_trees = len(model["roots"]) - 1
    tree = np.repeat(np.arange(n_trees), np.diff(model["roots"]))
    inner = model["feature"] >= 0
    places = tree[inner] * n_columns + model["feature"][inner]
    sums = np.bincount(places, model["gain"][inner].astype(np.float64), n_trees * n_columns)
    by_tree = np.maximum(sums.reshape(n_trees, n_columns), 0.0)
    totals = by_tree.sum(axis=1, keepdims=True)
    shares = np.divide(by_tree, totals, out=np.zeros_like(by_tree), where=totals > 0.0).sum(axis=0)
    return shares / shares.sum() if shares.sum() > 0.0 else shares


def fit_folds(
    estimator: Any,
    table: ForestTable | BinnedTable,
    y: Any,
    folds: Sequence[tuple[np.ndarray, np.ndarray]],
    sample_weight: Any = None,
    n_threads: int = 1,
) -> FoldPredictions:
    """Grow the estimator's forest once a fold on shared codes and keep its predictions only.

    estimator: ForestClassifier or ForestRegressor (it is left as it is); folds: (train, test) row numbers, all of them or
    some; rows in no test part are NaN in the predictions, (n, n_classes) or (n, 1). The result does not depend on
    n_threads, which share the folds.
    """
    if not folds:
        raise ValueError("fit_folds needs at least one fold, got none; pass a list of (train, test) row numbers")
    if isinstance(table, BinnedTable):
        table = table_of_codes(writeable(table.codes), table.n_bins, table.categorical)
    growths, shaped = estimator._fold_growths(table, y, folds, sample_weight)
    tests = [np.ascontiguousarray(test, dtype=np.int32) for _, test in folds]
    tasks = list(zip(growths, tests, strict=True))
    n_trees = estimator.n_estimators
    found = _threaded(lambda task: shaped(_predict_fold(task[0], task[1], n_trees)), tasks, n_threads)
    gathered = np.full((len(table.codes), found[0].shape[1]), np.nan)
    for test, own in zip(tests, found, strict=True):
        gathered[test] = own
    return FoldPredictions(gathered, estimator.n_estimators, np.empty(0))


def _predict_fold(growth: Growth, test: np.ndarray, n_trees: int) -> np.ndarray:
    from evoml.kernels.forest import grow_forest, make_trees, most_nodes

    table, rules, codes = _for_kernels(growth)
    trees = make_trees(most_nodes(len(growth.rows), rules), rules, bool(growth.table.categorical.any()))
    scores = np.zeros((len(test), growth.n_outputs))
    grow_forest(
        table, codes, rules, growth.seed, 0, n_trees, growth.rows, test, growth.weights, growth.targets, False, trees,
        np.zeros(1, np.int32), scores,
    )  # fmt: skip
    return scores / n_trees


def _threaded(task: Callable[[Any], Any], items: Iterable[Any], n_threads: int) -> list[Any]:
    items = list(items)
    if n_threads <= 1 or len(items) <= 1:
        return [task(item) for item in items]
    with ThreadPoolExecutor(min(n_threads, len(items))) as pool:
        return list(pool.map(task, items))
