"""What may make scores too good to be true: a column that gives the target away, copies of rows, folds that mix times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from evoml.core.random import stream

if TYPE_CHECKING:
    from evoml.core.dataset import Dataset

MOST_ROWS, MOST_CELLS = 5_000, 300_000  # that are looked at for a column that gives the target away
LEAST_EXPECTED = 20  # changes of label that chance must bring for their absence to mean something
ALMOST_ALL = 0.98  # of what there is to know about the target, for a column to be suspect ...
ALMOST_ALL_VARIANCE = 0.999  # ... and of a quantity's variance
COPIES = 0.05  # share of rows that occur before, from which on it is worth a word
ROOM = 100.0  # distinct rows that could be, for each row of the table, below which copies are nothing strange
MOST_SHOWN = 5
IN_ORDER = 0.99  # share of steps from row to row in which time does not go back


def leak_warnings(dataset: Dataset, cv: Any) -> list[str]:
    """Return a sentence for each suspicion about a table and the way it is to be split."""
    if dataset.features.useless:
        return []
    found = [*_tell_tales(dataset), *_copies(dataset)]
    return found + _in_order_of_time(dataset) if not isinstance(cv, str) and dataset.groups is None else found


def _tell_tales(dataset: Dataset) -> list[str]:
    shares = target_shares(dataset)
    least = ALMOST_ALL if dataset.classes is not None else ALMOST_ALL_VARIANCE
    suspects = np.flatnonzero(shares >= least)
    names = [_name(dataset, int(place)) for place in suspects[np.argsort(-shares[suspects], kind="stable")]]
    if not names or len(names) == 1 == len(shares):
        return []
    shown = ", ".join(names[:MOST_SHOWN]) + (", ..." if len(names) > MOST_SHOWN else "")
    verb, pronoun = ("predicts", "it is") if len(names) == 1 else ("each predict", "they are")
    return [
        f"{shown} alone {verb} the target almost perfectly: make sure that {pronoun} known when predictions are made, and"
        " leave out what is only known afterwards"
    ]


def target_shares(dataset: Dataset) -> np.ndarray:
    """Return, for each column, how much of the target its order alone explains: (n_features,), about 0 to 1.

    Of a target of several columns, it is the one explained best.

    Rows are sorted by the column, equal ones at random. For a quantity, the variance between neighbours is compared with that
    of all (von Neumann 1941); for classes, the changes of label from row to row with those in any order (the runs of Wald
    and Wolfowitz 1940).
    """
    rng = stream(0, dataset.n_rows)
    n_rows = min(dataset.n_rows, MOST_ROWS, max(500, MOST_CELLS // max(dataset.n_features, 1)))
    rows = rng.permutation(dataset.n_rows)[:n_rows]
    order = np.argsort(_codes(dataset, rows), axis=0, kind="stable")
    return np.max([_shares(output.y[rows], order, output.classes) for output in dataset.outputs], axis=0)  # type: ignore[no-any-return]


def _shares(y: np.ndarray, order: np.ndarray, classes: np.ndarray | None) -> np.ndarray:
    """Return the shares of (n,) codes or numbers that (n, n_features) orders of the rows explain."""
    n_rows, target = len(y), y[order]
    if classes is None:
        variance = float(np.var(y))
        steps = np.mean(np.diff(target, axis=0) ** 2, axis=0) / 2
        return 1.0 - steps / variance if variance > 0 else np.zeros(target.shape[1])
    shares = np.bincount(y) / n_rows
    expected = (n_rows - 1) * (1.0 - float(shares @ shares))
    if expected < LEAST_EXPECTED * np.count_nonzero(shares):
        return np.zeros(target.shape[1])
    changes = (target[1:] != target[:-1]).sum(axis=0) - (np.count_nonzero(shares) - 1)
    return 1.0 - np.maximum(changes, 0) / expected


def _codes(dataset: Dataset, rows: np.ndarray) -> np.ndarray:
    """Return rows as numbers, categories by an arbitrary order."""
    import pandas as pd

    if dataset.features.matrix is not None:
        return dataset.features.matrix[rows]
    frame = dataset.features.frame.iloc[rows]  # type: ignore[union-attr]
    columns = [frame[name] for name in frame.columns]
    return np.column_stack([one if one.dtype.kind == "f" else pd.factorize(one)[0] for one in columns])


def _name(dataset: Dataset, place: int) -> str:
    names = dataset.features.names
    return f"column {names[place]!r}" if names is not None else f"column x{place}"


def _copies(dataset: Dataset) -> list[str]:
    """Speak of rows that occur several times, unless there are so few different ones that it is no wonder."""
    hashes = _row_hashes(dataset)
    share = 1.0 - len(np.unique(hashes)) / len(hashes)
    if share < COPIES or dataset.groups is not None:
        return []
    start = _codes(dataset, np.arange(min(dataset.n_rows, 1000)))
    variety = sum(np.log(max(len(np.unique(column)), 1)) for column in start.T)
    if variety < np.log(ROOM * dataset.n_rows):
        return []
    return [
        f"{share:.0%} of the rows are copies of others: on both sides of a fold they make scores too good; drop them, or"
        " keep copies together with groups"
    ]


def _row_hashes(dataset: Dataset) -> np.ndarray:
    """Return a number for each row, equal for equal features."""
    import pandas as pd

    matrix = dataset.features.matrix
    if matrix is None:
        return pd.util.hash_pandas_object(dataset.features.frame, index=False).to_numpy()
    cells = pd.util.hash_array(matrix.ravel()).reshape(matrix.shape)
    weights = stream(0, matrix.shape[1]).integers(1, 2**63, size=matrix.shape[1], dtype=np.uint64) | np.uint64(1)
    return (cells * weights).sum(axis=1, dtype=np.uint64)  # type: ignore[no-any-return]


def _in_order_of_time(dataset: Dataset) -> list[str]:
    for column in dataset.features.columns:
        if column.kind == "datetime":
            steps = np.diff(dataset.features.times(column.name))
            forward, back = float(np.mean(steps >= 0)), float(np.mean(steps <= 0))
            if max(forward, back) >= IN_ORDER and steps.any():
                return [
                    f"rows are in order of column {column.name!r}: if predictions are for later times, folds at random flatter"
                    f" the score; cv='time' (evoml fit --time-split {column.name}) tests on later rows than it trains on"
                ]
    return []
