"""A table as tasks of programs that learn: some rows to search on, others to choose by, and still others to report on."""

from __future__ import annotations

import math

import numpy as np

from evoml.core.random import stream
from evoml.evaluation.program_problems import TaskSet, table_tasks

SHARES = (0.6, 0.2, 0.2)  # of the rows: for the search, for the choice, for the report
LEAST_ROWS, LEAST_OF_CLASS = 10, 3  # that each part must have, or there is but one
MOST_JUDGED = 500  # rows that predictions of a task are judged on
MOST_TASKS = 16  # of one class against the rest; more classes take turns


def table_parts(
    X: np.ndarray,
    y: np.ndarray,
    *,
    classes: bool,
    seed: int,
    count: int,
    most_features: int,
    examples: int,
    weights: np.ndarray | None = None,
) -> tuple[TaskSet, TaskSet, TaskSet]:
    """Return tasks to search on, to choose by and to report on, each judged on rows of its own.

    What is learned from for the choice is the rows of the search, and for the report those of the choice as well. A small table
    gives the same tasks for all three.

    X (n_rows, n_columns), y (n_rows,): numbers, or labels of two or more classes. count: tasks of each kind, at least; more
    where there are more classes. most_features: of a task; more columns are projected, in each task in another way. examples:
    that a task has for learning; rows of small tables come several times. weights: (n_rows,) positive, how often rows come.
    """
    kinds = np.unique(y) if classes else np.empty(0)
    wanted = max(count, min(len(kinds), MOST_TASKS))
    width = most_features if X.shape[1] > most_features else None
    parts, found = _rows(y, classes, stream(seed, 0)), []
    for part, rows in enumerate(parts):
        known = rows if len(parts) == 1 else np.concatenate(parts[: part + 1])
        judged = None if part == 0 else len(known) - len(rows) + np.arange(len(rows))
        n_valid = max(1, len(known) // 4) if judged is None else len(judged)
        n_train = min(len(known) - n_valid, examples)
        tasks = table_tasks(
            X[known], y[known], int(stream(seed, 1, part).integers(2**32)), wanted, classes=classes, n_features=width,
            n_train=n_train, n_valid=min(n_valid, MOST_JUDGED), judged=judged,
            weights=None if weights is None else weights[known],
        )  # fmt: skip
        found.append(tasks.repeated(math.ceil(examples / n_train), seed).limited(examples))
    return found[0], found[min(1, len(found) - 1)], found[-1]


def _rows(y: np.ndarray, classes: bool, rng: np.random.Generator) -> list[np.ndarray]:
    """Return the rows of each part, each class by its share; all rows as the only part where they are few."""
    groups = [np.flatnonzero(y == kind) for kind in np.unique(y)] if classes else [np.arange(len(y))]
    parts: list[list[np.ndarray]] = [[] for _ in SHARES]
    for rows in groups:
        ends = np.round(np.cumsum(SHARES) * len(rows)).astype(int)[:-1]
        for part, chosen in zip(parts, np.split(rng.permutation(rows), ends), strict=True):
            part.append(chosen)
    fewest = min(len(chosen) for part in parts for chosen in part)
    whole = [np.sort(np.concatenate(part)) for part in parts]
    if min(map(len, whole)) < LEAST_ROWS or (classes and fewest < LEAST_OF_CLASS):
        return [np.arange(len(y))]
    return whole
