"""What a model expects on average when one raw column is set to a value in all rows (Friedman 2001, section 8.2)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from evoml.run.explanation.figures import rounded
from evoml.run.explanation.fold_models import FoldModel, column_of

COLUMNS = 6
ROWS, LEAST_ROWS = 400, 50  # of a fold that are averaged over
POINTS = 20  # of a column of numbers
LEVELS = 10  # of a column of categories
LEAST_OF_A_LEVEL, LEAST_SHARE = 5, 0.01  # rows of a category that is shown; free text has none
FEW = 6  # distinct numbers are shown one by one
TAIL = 0.02  # of the values at either end are not shown: there are hardly any rows to learn from
CELLS = 5_000_000  # of a table that is asked about at once
CLASSES = 5  # the most frequent ones are shown


def dependences(
    models: Sequence[FoldModel], names: Sequence[str], columns: Sequence[int], seed: int, until: float
) -> list[dict[str, Any]]:
    """Return the partial dependence on the first of ``columns`` (numbers of columns) that have values to compare.

    There are at most COLUMNS, and fewer if time is short.
    """
    began = time.perf_counter()
    models[0].expected(models[0].sample(ROWS, seed).X)
    each = (time.perf_counter() - began) / min(ROWS, len(models[0].y))
    affordable = (until - time.monotonic()) / (each * POINTS * len(models) * COLUMNS)
    samples = [one.sample(int(np.clip(affordable, LEAST_ROWS, ROWS)), seed) for one in models]
    shown = _classes(models)
    found: list[dict[str, Any]] = []
    for column in columns:
        if len(found) == COLUMNS or time.monotonic() > until:
            break
        values = np.concatenate([column_of(one.X, column) for one in models])
        facts = _grid(values)
        if len(facts["grid"]) > 1:
            answers = np.stack([_at(one, column, facts["grid"])[:, shown] for one in samples])
            found.append({"column": names[column], **facts, "classes": shown, "answers": rounded(answers, 4)})
    return found


def _classes(models: Sequence[FoldModel]) -> list[int]:
    """Return the columns of answers to show: the number, the second of two classes, or the most frequent classes."""
    classes = models[0].classes
    if classes is None:
        return [0]
    if len(classes) == 2:
        return [1]
    counts = np.bincount(np.concatenate([one.truth for one in models]), minlength=len(classes))
    return sorted(int(code) for code in np.argsort(-counts, kind="stable")[:CLASSES])


def _grid(values: np.ndarray) -> dict[str, Any]:
    """Return the values at which to ask, and where the rows are: deciles of numbers, shares of categories."""
    if values.dtype.kind == "O":
        present = values[values == values]  # a missing value is not equal to itself
        levels, counts = np.unique(present.astype(str), return_counts=True)
        least = max(LEAST_OF_A_LEVEL, LEAST_SHARE * len(values))
        order = [at for at in np.argsort(-counts, kind="stable")[:LEVELS] if counts[at] >= least]
        return {
            "kind": "category",
            "grid": levels[order].tolist(),
            "rows": rounded(counts[order] / len(values), 3),
            "levels": len(levels),
        }
    present = values[np.isfinite(values)].astype(float)
    distinct = np.unique(present)
    if len(distinct) <= FEW:
        shares = [(present == value).sum() / len(values) for value in distinct]
        return {"kind": "few", "grid": distinct.tolist(), "rows": rounded(shares, 3)}
    grid = np.unique(np.quantile(present, np.linspace(TAIL, 1.0 - TAIL, POINTS)))
    if len(grid) < POINTS / 2:  # a value that most rows have: the others are to be seen as well
        grid = np.unique([*grid, *np.quantile(distinct, np.linspace(TAIL, 1.0 - TAIL, POINTS // 2))])
    return {"kind": "number", "grid": rounded(grid, 6), "rows": rounded(np.quantile(present, np.arange(1, 10) / 10))}


def _at(sample: FoldModel, column: int, grid: Sequence[Any]) -> np.ndarray:
    """Return (n_grid, n_answers) averages over rows that have one value each in place of their own."""
    at_once = max(1, CELLS // max(sample.X.size, 1))
    blocks = [grid[start : start + at_once] for start in range(0, len(grid), at_once)]
    return np.concatenate([_at_once(sample, column, block) for block in blocks])


def _at_once(sample: FoldModel, column: int, grid: Sequence[Any]) -> np.ndarray:
    n_rows, n_values = len(sample.y), len(grid)
    everywhere = np.tile(np.arange(n_rows), n_values)
    if hasattr(sample.X, "iloc"):
        import pandas as pd

        X = sample.X.iloc[everywhere].reset_index(drop=True)
        everyone = pd.Series(np.repeat(np.asarray(grid, dtype=object), n_rows), dtype=X.dtypes.iloc[column])
        X[X.columns[column]] = everyone
    else:
        X = sample.X[everywhere]
        X[:, column] = np.repeat(np.asarray(grid, dtype=X.dtype), n_rows)
    answers = sample.expected(X)
    return answers.reshape(n_values, n_rows, answers.shape[1]).mean(axis=1)
