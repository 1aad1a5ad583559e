"""A table as tasks of programs that learn: some rows to search on, others to choose by, and still others to report on."""

from __future__ import annotations

import math

import numpy as np

from evoml.core.random import stream
from evoml.evaluation.program_problems import TaskSet, table_tasks

SHARES = (0.6, 0.2, 0.2)  # of the rows: for the search, for the choice, for the report
LEAST_ROWS = 10  # that each part must have, or there is but one
LEAST_OF_CLASS = 3  # in each part, of classes that are divided apart from the others
MOST_JUDGED = 500  # rows that predictions of a task are judged on
MOST_TASKS = 16  # of one class against the rest, unless more are asked for; more classes take turns
_ROWS, _TASKS, _TURNS = range(3)  # what random numbers hang on, besides the seed


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
) -> tuple[TaskSet, TaskSet, TaskSet | None]:
    """Return tasks to search on, to choose by and to report on, each judged on rows of its own.

    What is learned from for the choice is the rows of the search, and for the report those of the choice as well. A table
    that is too small to be divided gives the same tasks to search on and to choose by, and none to report on.

    X (n_rows, n_columns), y (n_rows,): numbers, or labels of two or more classes. count: tasks of each kind, at least; more
    where there are more classes. most_features: of a task; more columns are projected, in each task in another way. examples:
    that a task has for learning; rows of small tables come several times. weights: (n_rows,) positive, how often rows come.
    """
    kinds = np.unique(y) if classes else np.empty(0)
    wanted = max(count, min(len(kinds), MOST_TASKS))
    width = most_features if X.shape[1] > most_features else None
    parts, found = _rows(y, classes, stream(seed, _ROWS)), []
    for part, rows in enumerate(parts):
        known = rows if len(parts) == 1 else np.concatenate(parts[: part + 1])
        judged = None if part == 0 else len(known) - len(rows) + np.arange(len(rows))
        n_valid = max(1, len(known) // 4) if judged is None else len(judged)
        n_train = min(len(known) - n_valid, examples)
        tasks = table_tasks(
            X[known], y[known], int(stream(seed, _TASKS, part).integers(2**32)), wanted, classes=classes, n_features=width,
            n_train=n_train, n_valid=min(n_valid, MOST_JUDGED), judged=judged,
            weights=None if weights is None else weights[known],
            turns=_turns(y[known], wanted, part, seed) if classes else None,
        )  # fmt: skip
        found.append(tasks.repeated(math.ceil(examples / n_train), seed).limited(examples))
    return (found[0], found[1], found[2]) if len(found) > 1 else (found[0], found[0], None)


def _turns(y: np.ndarray, count: int, part: int, seed: int) -> np.ndarray | None:
    """Return the classes, by position, that tasks of a part tell from the rest, where there are more of them than tasks.

    Parts go on where the one before has left off, so that more classes are met than in one.
    """
    n_classes = len(np.unique(y))
    if n_classes <= count:
        return None
    order = stream(seed, _TURNS).permutation(n_classes)
    return order[(part * count + np.arange(count)) % n_classes]


def _rows(y: np.ndarray, classes: bool, rng: np.random.Generator) -> list[np.ndarray]:
    """Return the rows of each part, each class by its share and rare ones together; all as the only part where they are few."""
    parts: list[list[np.ndarray]] = [[] for _ in SHARES]
    for rows in _groups(y) if classes else [np.arange(len(y))]:
        for part, chosen in zip(parts, np.split(rng.permutation(rows), _ends(len(rows))), strict=True):
            part.append(chosen)
    whole = [np.sort(np.concatenate(part)) for part in parts]
    return whole if min(map(len, whole)) >= LEAST_ROWS else [np.arange(len(y))]


def _groups(y: np.ndarray) -> list[np.ndarray]:
    """Return the rows of each class, and as the last group those of all classes too rare to be divided by themselves."""
    groups = [np.flatnonzero(y == kind) for kind in np.unique(y)]
    apart = [rows for rows in groups if _smallest(len(rows)) >= LEAST_OF_CLASS]
    rare = [rows for rows in groups if _smallest(len(rows)) < LEAST_OF_CLASS]
    return [*apart, *([np.sort(np.concatenate(rare))] if rare else [])]


def _smallest(n_rows: int) -> int:
    """Return how many of so many rows are in the smallest part."""
    return int(np.diff(_ends(n_rows), prepend=0, append=n_rows).min())


def _ends(n_rows: int) -> np.ndarray:
    """Return where the parts of so many rows end, but for the last."""
    return np.round(np.cumsum(SHARES) * n_rows).astype(int)[:-1]
