"""Errors row by row, for algorithms that choose parents by cases rather than by one number (epsilon-lexicase).

A case is a row and its error the one of its out-of-fold prediction, as in La Cava, Spector and Danai (2016), where each row
of training data is one. The scores of folds would be five cases or so: too few for any order of them to matter. Of more rows
than are wanted, some stand for all, the same ones for the whole run, with the classes' shares (down-sampled lexicase
selection, Hernandez, Lalejini, Dolson and Ofria 2019).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evoml.evaluation.folds import mixed

if TYPE_CHECKING:
    from evoml.core.dataset import Dataset

MOST = 200  # rows that are cases, which a journal holds for each individual of a population


def case_rows(tested: np.ndarray, labels: np.ndarray | None, most: int, seed: int) -> np.ndarray:
    """Return the row numbers that are cases, ascending; ``tested`` are those with predictions, labels their classes or None."""
    return np.sort(tested[mixed(len(tested), labels, seed)[:most]])


def case_errors(predictions: np.ndarray, dataset: Dataset, rows: np.ndarray) -> np.ndarray:
    """Return the error on each case, (k,) float16: one minus the true class's probability, or the distance in spreads of y.

    predictions: (n_rows, columns) out of fold, see :class:`evoml.core.candidate.Evaluation`; decision values are squashed into
    probabilities. Of several outputs it is the mean over them.
    """
    errors, start = [], 0
    for output in dataset.outputs:
        if output.classes is None:
            spread = float(np.std(output.y)) or 1.0
            errors.append(np.abs(predictions[rows, start] - output.y[rows]) / spread)
            start += 1
        else:
            width = 1 if len(output.classes) == 2 else len(output.classes)
            columns = predictions[rows, start : start + width].astype(float)
            errors.append(1.0 - _probability(columns, output.y[rows].astype(int)))
            start += width
    mean = np.mean(errors, axis=0)
    return np.where(np.isnan(mean), np.inf, mean).astype(np.float16)


def _probability(columns: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the probability of each row's own class."""
    if columns.shape[1] == 1:
        second = columns[:, 0] if _are_shares(columns) else 1.0 / (1.0 + np.exp(-columns[:, 0]))
        return np.where(labels == 1, second, 1.0 - second)
    if not _are_shares(columns):
        raised = np.exp(columns - columns.max(axis=1, keepdims=True))
        columns = raised / raised.sum(axis=1, keepdims=True)
    return columns[np.arange(len(labels)), labels]


def _are_shares(columns: np.ndarray) -> bool:
    known = columns[~np.isnan(columns)]
    return bool(np.all((known >= 0) & (known <= 1)))
