"""Tasks that programs learn, for searching, for choosing and for reporting: drawn, read from a file, or cut from a table.

A task is examples to learn from, one after the other, and examples that predictions are judged on. Labels are numbers, or 0
and 1 for two classes. Task k of a seed is the same however many are drawn.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from typing import TYPE_CHECKING

import numpy as np

from evoml.core.errors import DataError, SettingError
from evoml.core.random import drawn_by_weight, stream

if TYPE_CHECKING:
    from evoml.kernels.program_tasks import Tasks

_ARRAYS = ("train_features", "train_labels", "valid_features", "valid_labels")
_VALID_SHARE = 0.25  # of a table's rows, that predictions are judged on
_JUDGED_ON = ("valid", "test")


@dataclass(frozen=True, eq=False)
class TaskSet:
    """Tasks of one kind, all with as many examples and features.

    Attributes
    ----------
    train_features : (tasks, examples, features) float64 array
    train_labels : (tasks, examples) float64 array
    valid_features, valid_labels : arrays
        What predictions are judged on.
    classes : bool
        Whether labels are 0 or 1 and predictions logits; else labels are numbers.
    names : tuple of str
        Of the tasks; their numbers if none are given.
    """

    train_features: np.ndarray
    train_labels: np.ndarray
    valid_features: np.ndarray
    valid_labels: np.ndarray
    classes: bool = False
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raise DataError for arrays that no program can learn from."""
        for name in _ARRAYS:
            object.__setattr__(self, name, _numbers(getattr(self, name), name))
        for part in ("train", "valid"):
            self._check_shapes(getattr(self, f"{part}_features"), getattr(self, f"{part}_labels"), part)
        if len(self) == 0:
            raise DataError("there are no tasks; give one or more")
        for name in _ARRAYS:
            self._check_values(getattr(self, name), name)
        if not self.names:
            object.__setattr__(self, "names", tuple(map(str, range(len(self)))))
        if len(self.names) != len(self):
            raise DataError(f"there are {len(self)} tasks and {len(self.names)} names; give a name to each, or none")

    def _check_shapes(self, features: np.ndarray, labels: np.ndarray, part: str) -> None:
        if features.ndim != 3 or 0 in features.shape[1:]:
            raise DataError(
                f"{part}_features needs shape (tasks, examples, features), none of them 0, got {features.shape};"
                " for one task pass X[None]"
            )
        if (len(features), features.shape[2]) != (len(self), self.n_features):
            raise DataError(
                f"all features need {len(self)} tasks of {self.n_features} features, as train_features has,"
                f" got {part}_features of shape {features.shape}"
            )
        if labels.shape != features.shape[:2]:
            raise DataError(f"{part}_labels needs shape {features.shape[:2]}, one for each example, got {labels.shape}")

    def _check_values(self, values: np.ndarray, name: str) -> None:
        faulty = ~np.isfinite(values.reshape(len(values), -1)).all(axis=1)
        if faulty.any():
            raise DataError(
                f"{name} of task {int(faulty.argmax())} holds NaN or infinite values; fill them in, or leave such examples out"
            )
        if self.classes and name.endswith("labels") and not np.isin(values, (0.0, 1.0)).all():
            wrong = values[~np.isin(values, (0.0, 1.0))]
            raise DataError(f"{name} of two classes are 0 and 1, got {wrong[0]:g}; encode them, or set classes=False")

    def __len__(self) -> int:
        return len(self.train_features)

    @property
    def n_features(self) -> int:
        return self.train_features.shape[2]

    def take(self, tasks: Sequence[int] | np.ndarray) -> TaskSet:
        """Return some of the tasks, by position."""
        chosen = np.asarray(tasks, np.intp)
        parts = {name: getattr(self, name)[chosen] for name in _ARRAYS}
        return replace(self, **parts, names=tuple(self.names[at] for at in chosen))

    def limited(self, n_train: int | None = None, n_valid: int | None = None) -> TaskSet:
        """Return the tasks with their first examples only."""
        return replace(
            self,
            train_features=self.train_features[:, :n_train],
            train_labels=self.train_labels[:, :n_train],
            valid_features=self.valid_features[:, :n_valid],
            valid_labels=self.valid_labels[:, :n_valid],
        )

    def repeated(self, epochs: int, seed: int = 0) -> TaskSet:
        """Return tasks whose examples of training come ``epochs`` times, each time but the first in another order."""
        rows = np.arange(self.train_labels.shape[1])
        orders = [rows, *(stream(seed, epoch).permutation(rows) for epoch in range(1, epochs))]
        order = np.concatenate(orders)
        return replace(self, train_features=self.train_features[:, order], train_labels=self.train_labels[:, order])

    def standardised(self) -> TaskSet:
        """Return the tasks with labels of mean 0 and spread 1 over each task's examples of training."""
        if self.classes:
            raise SettingError("labels of classes are 0 and 1 and cannot be standardised; leave them as they are")
        both = np.concatenate([self.train_labels, self.valid_labels], axis=1)
        n_train = self.train_labels.shape[1]
        labels = _standard(both.T, n_train).T
        return replace(self, train_labels=labels[:, :n_train], valid_labels=labels[:, n_train:])

    def with_intercept(self) -> TaskSet:
        """Return the tasks with a last feature that is 1 for every example."""
        widened = {name: getattr(self, name) for name in ("train_features", "valid_features")}
        return replace(
            self, **{name: np.insert(values, self.n_features, 1.0, axis=2) for name, values in widened.items()}
        )

    def laid_out(self, seed: int = 0, block: int = 16) -> Tasks:
        """Return the tasks as the machine reads them (`kernels.program_tasks.make_tasks`)."""
        from evoml.kernels.program_tasks import make_tasks

        return make_tasks(
            self.train_features, self.train_labels, self.valid_features, self.valid_labels, seed=seed, block=block
        )


def _numbers(values: object, name: str) -> np.ndarray:
    try:
        return np.ascontiguousarray(values, np.float64)
    except (TypeError, ValueError):
        raise DataError(f"{name} needs numbers in an array without gaps; encode what is none") from None


# -- drawn tasks ----------------------------------------------------------------------------------------------------------


def linear_tasks(seed: int, count: int, n_train: int = 100, n_valid: int = 100, n_features: int = 4) -> TaskSet:
    """Return tasks of linear regression: labels w . x, weights and features standard normal (Real et al. 2020, section 4.1)."""

    def draw(rng: np.random.Generator) -> _Labels:
        weights = rng.normal(size=n_features)
        return lambda features: features @ weights

    return _drawn(draw, seed, count, (n_train, n_valid, n_features))


def affine_tasks(seed: int, count: int, n_train: int = 100, n_valid: int = 100, n_features: int = 4) -> TaskSet:
    """Return tasks of affine regression: labels w . x + b, all standard normal."""

    def draw(rng: np.random.Generator) -> _Labels:
        weights, bias = rng.normal(size=n_features), rng.normal()
        return lambda features: features @ weights + bias

    return _drawn(draw, seed, count, (n_train, n_valid, n_features))


def teacher_tasks(
    seed: int, count: int, n_train: int = 1000, n_valid: int = 100, n_features: int = 4, hidden: int = 2
) -> TaskSet:
    """Return tasks whose labels are those of a random network: v . relu(W x), weights and features standard normal.

    hidden: neurons. The published code has 2 that are not 0, of 4 features.
    """

    def draw(rng: np.random.Generator) -> _Labels:
        first, second = rng.normal(size=(n_features, hidden)), rng.normal(size=hidden)
        return lambda features: np.maximum(features @ first, 0.0) @ second

    return _drawn(draw, seed, count, (n_train, n_valid, n_features))


_Labels = Callable[[np.ndarray], np.ndarray]


def _drawn(
    draw: Callable[[np.random.Generator], _Labels], seed: int, count: int, sizes: tuple[int, int, int]
) -> TaskSet:
    if min(count, *sizes) < 1:
        raise SettingError(f"tasks, examples and features need to be 1 or more, got {(count, *sizes)}")
    n_train, n_valid, n_features = sizes
    features, labels = np.empty((count, n_train + n_valid, n_features)), np.empty((count, n_train + n_valid))
    for task in range(count):
        rng = stream(seed, task)
        label = draw(rng)
        features[task] = rng.normal(size=features.shape[1:])
        labels[task] = label(features[task])
    return TaskSet(features[:, :n_train], labels[:, :n_train], features[:, n_train:], labels[:, n_train:])


# -- tasks from files and tables ------------------------------------------------------------------------------------------


def image_pairs(path: str | PathLike[str], pairs: Sequence[int] | None = None, judged_on: str = "valid") -> TaskSet:
    """Return tasks of telling two classes of images apart by projections of their pixels (Real et al. 2020, section 4.2).

    Parameters
    ----------
    path : path
        An .npz file of arrays X_train (pairs, examples, features) and y_train (pairs, examples), which is 0 or 1, the same of
        valid and, where wanted, of test, and `pairs` (pairs, 2), the classes.
    pairs : sequence of int or None
        Positions of the pairs wanted; None for all.
    judged_on : {"valid", "test"}
        Which examples predictions are judged on.
    """
    if judged_on not in _JUDGED_ON:
        raise SettingError(f"judged_on is one of {', '.join(_JUDGED_ON)}, got {judged_on!r}")
    wanted = ("X_train", "y_train", f"X_{judged_on}", f"y_{judged_on}", "pairs")
    try:
        with np.load(path) as file:
            arrays = [file[name] for name in wanted]
    except KeyError as error:
        raise DataError(f"{path} needs arrays {', '.join(wanted)}: {error.args[0]}") from None
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} cannot be read as arrays of numbers (.npz): {error}") from None
    names = tuple("-".join(map(str, np.ravel(pair))) for pair in arrays.pop())
    features, labels, judged_features, judged_labels = arrays
    found = TaskSet(features, labels, judged_features, judged_labels, classes=True, names=names)
    if pairs is None:
        return found
    if not set(pairs) <= set(range(len(found))):
        raise SettingError(f"pairs are positions from 0 to {len(found) - 1}, got {list(pairs)}")
    return found.take(pairs)


def table_tasks(
    X: np.ndarray,
    y: np.ndarray,
    seed: int,
    count: int,
    *,
    classes: bool,
    n_features: int | None = None,
    n_train: int | None = None,
    n_valid: int | None = None,
    judged: np.ndarray | None = None,
    weights: np.ndarray | None = None,
    turns: np.ndarray | None = None,
) -> TaskSet:
    """Return tasks cut from a table, in each of which its rows are divided anew.

    Parameters
    ----------
    X : (rows, columns) array
    y : (rows,) array
        Numbers, or classes of any kind; of more than two, each task has one against the rest, in turn.
    seed, count : int
    classes : bool
    n_features : int or None
        Of the tasks. Where there are more columns, each task projects them at random; where there are fewer, features of 0 are
        added. None for the columns as they are.
    n_train, n_valid : int or None
        Rows; None for three quarters of the table and the rest.
    judged : (n,) int array or None
        Positions of the rows that predictions are judged on, while the others are learned from. None for other ones in each
        task.
    weights : (rows,) array or None
        How often rows come: those to learn from and those to be judged on are drawn anew, each as often as its weight says.
    turns : (n,) int array or None
        Which of more than two classes, by position, tasks tell from the rest, in turn. None for all, in their order.
    """
    X, y = _table(X, y, classes)
    if judged is not None:
        n_valid = len(judged) if n_valid is None else min(n_valid, len(judged))
        n_train = len(X) - len(judged) if n_train is None else min(n_train, len(X) - len(judged))
    n_valid = max(1, round(_VALID_SHARE * len(X))) if n_valid is None else n_valid
    n_train = len(X) - n_valid if n_train is None else n_train
    if min(count, n_train, n_valid) < 1 or n_train + n_valid > len(X):
        raise DataError(
            f"{count} tasks of {n_train} rows to learn from and {n_valid} to be judged on cannot be cut from {len(X)} rows;"
            " all need to be 1 or more"
        )
    width = X.shape[1] if n_features is None else n_features
    turns = np.arange(y.shape[1]) if turns is None else turns
    features, labels = np.zeros((count, n_train + n_valid, width)), np.empty((count, n_train + n_valid))
    for task in range(count):
        rng = stream(seed, task)
        rows = rng.permutation(len(X))
        if judged is not None:
            apart = np.isin(rows, judged)
            rows = np.concatenate([rows[~apart][:n_train], rows[apart]])
        rows = rows[: n_train + n_valid]
        if weights is not None:
            drawn = [part[drawn_by_weight(weights[part], len(part), rng)] for part in np.split(rows, [n_train])]
            rows = np.concatenate(drawn)
        found = _standard(X[rows], n_train)
        if X.shape[1] > width:
            found = _standard(found @ rng.normal(size=(X.shape[1], width)), n_train)
        features[task, :, : found.shape[1]] = found
        labels[task] = y[rows, turns[task % len(turns)]] if classes else _standard(y[rows], n_train)[:, 0]
    parts = features[:, :n_train], labels[:, :n_train], features[:, n_train:], labels[:, n_train:]
    return TaskSet(*parts, classes=classes)


def _table(X: np.ndarray, y: np.ndarray, classes: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return X and the targets of tasks (rows, targets): one for numbers and for two classes, one a class for more."""
    X, y = _numbers(X, "X"), np.asarray(y)
    if X.ndim != 2 or y.shape != X.shape[:1]:
        raise DataError(f"X needs shape (rows, columns) and y (rows,), got {X.shape} and {y.shape}")
    if not np.isfinite(X).all():
        raise DataError("X holds NaN or infinite values; fill them in, or leave such rows out")
    if not classes:
        y = _numbers(y, "y of numbers")
    if y.dtype.kind == "f" and not np.isfinite(y).all():
        raise DataError("y holds NaN or infinite values; leave such rows out")
    return X, _of_classes(y) if classes else y[:, None]


def _of_classes(y: np.ndarray) -> np.ndarray:
    try:
        kinds = np.unique(y)
    except TypeError:
        raise DataError("y of classes needs labels of one kind, all numbers or all texts, and none missing") from None
    if len(kinds) < 2:
        raise DataError(f"y of classes needs two or more of them, got {kinds.tolist()}")
    return (y[:, None] == (kinds[1:] if len(kinds) == 2 else kinds)).astype(np.float64)


def _standard(values: np.ndarray, n_train: int) -> np.ndarray:
    """Shift and scale columns to mean 0 and spread 1 over the first rows; a column that does not vary there becomes 0."""
    centred = values - values[:n_train].mean(axis=0)
    spread = centred[:n_train].std(axis=0)
    varies = spread > 1e-12 * np.abs(values).max(axis=0, initial=0.0)
    return np.where(varies, centred, 0.0) / np.where(varies, spread, 1.0)
