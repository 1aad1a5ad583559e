"""The table: read and checked once at the door, then only ever looked at."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np

from evoml.core.errors import DataError
from evoml.core.features import Features, read_features
from evoml.core.target import Classes, Output, output_names, read_groups, read_target, read_weight

Task = Literal["classification", "regression"]
Form = Literal["one", "indicator", "several"]  # of a target


@dataclass(frozen=True, eq=False)
class Dataset:
    """A table with its target, ready to be evaluated on; never changed after it was read.

    Attributes
    ----------
    features : Features
    y : (n_rows,) array, or (n_rows, n_outputs) array of several columns
        Codes 0 .. n_classes - 1 for classification, float64 for regression.
    task : {"classification", "regression"}
    classes : (n_classes,) array, a tuple of one for each of several columns, or None
        The label that each code stands for, sorted.
    sample_weight, groups : (n_rows,) array or None
    names : tuple of str
        Of several columns of the target.
    """

    features: Features
    y: np.ndarray
    task: Task
    classes: Classes = None
    sample_weight: np.ndarray | None = None
    groups: np.ndarray | None = None
    notes: tuple[str, ...] = field(default=())
    names: tuple[str, ...] = ()

    @property
    def n_rows(self) -> int:
        return len(self.y)

    @cached_property
    def outputs(self) -> tuple[Output, ...]:
        """The columns of the target, one or several."""
        if self.y.ndim == 1:
            return (Output("", self.y, self.classes),)  # type: ignore[arg-type]
        classes = [None] * self.y.shape[1] if self.classes is None else self.classes
        columns = [np.ascontiguousarray(column) for column in self.y.T]
        return tuple(map(Output, self.names, columns, classes))

    @property
    def several(self) -> bool:
        """Whether the target has several columns."""
        return self.y.ndim > 1

    @property
    def class_rows(self) -> int:
        """Rows of the smallest class; 0 for regression."""
        counts = [np.bincount(y, minlength=len(own)).min() for _, y, own in self.outputs if own is not None]
        return int(min(counts, default=0))

    @property
    def n_answers(self) -> int:
        """Numbers that say all of a row: one for each output, or for each class of each."""
        return sum(1 if output.classes is None else len(output.classes) for output in self.outputs)

    @property
    def form(self) -> Form:
        """What the target is: one column, several of labels that are 0 or 1 (an indicator), or several of anything else."""
        if not self.several:
            return "one"
        indicator = self.classes is not None and all(np.array_equal(one, (0, 1)) for one in self.classes)
        return "indicator" if indicator else "several"

    def take(self, rows: np.ndarray) -> Dataset:
        """Return the dataset of ``rows`` (numbers, repeats allowed); of one column, classes without a row are gone from it."""
        features, y, classes = self.features, self.y[rows], self.classes
        if classes is not None and not isinstance(classes, tuple):
            present, y = np.unique(y, return_inverse=True)
            classes = classes[present]
        matrix = None if features.matrix is None else features.matrix[rows]
        frame = None if features.frame is None else features.frame.iloc[rows].reset_index(drop=True)
        return replace(
            self,
            features=replace(features, matrix=matrix, frame=frame),
            y=y,
            classes=classes,
            sample_weight=None if self.sample_weight is None else self.sample_weight[rows],
            groups=None if self.groups is None else self.groups[rows],
        )

    @property
    def n_features(self) -> int:
        return int(self.features.data.shape[1])

    @property
    def n_bytes(self) -> int:
        """Bytes of the features."""
        data = self.features.data
        return int(data.nbytes if isinstance(data, np.ndarray) else data.memory_usage(deep=False).sum())

    @property
    def labels(self) -> np.ndarray:
        """The target as the user gave it."""
        if self.classes is None:
            return self.y
        columns = [classes[codes] for _, codes, classes in self.outputs if classes is not None]
        return np.column_stack(columns) if self.several else columns[0]

    @cached_property
    def fingerprint(self) -> str:
        """Hash of all that was read: equal for equal tables, targets, weights and groups."""
        import pandas as pd

        digest = hashlib.blake2b(digest_size=16)
        data = self.features.data
        if isinstance(data, np.ndarray):
            digest.update(np.ascontiguousarray(data).tobytes())
        else:
            digest.update(pd.util.hash_pandas_object(data, index=False).to_numpy().tobytes())
        labels = [self.labels] if not self.several else list(self.labels.T)
        for array in (*labels, self.sample_weight, self.groups):
            digest.update(b"-" if array is None else pd.util.hash_array(np.asarray(array)).tobytes())
        return digest.hexdigest()


def read_dataset(
    X: Any,
    y: Any,
    task: Task,
    sample_weight: Any = None,
    groups: Any = None,
    column_kinds: Mapping[str, str] | None = None,
) -> Dataset:
    """Read and check a table for ``task``; ``column_kinds`` corrects what would be inferred of its columns.

    Raises DataError, with what to do, for a target with
    missing or infinite values, a single class or row, a continuous target of a classifier, and lengths that differ.
    """
    features = read_features(X, column_kinds)
    target, classes = read_target(y, task)
    if len(features.data) != len(target):
        raise DataError(
            f"Found input variables with inconsistent numbers of samples: {[len(features.data), len(target)]};"
            " give one target value for each row of X"
        )
    weight = read_weight(sample_weight, target)
    grouping = read_groups(groups, len(target))
    names = output_names(y, 1 if target.ndim == 1 else target.shape[1])
    dataset = Dataset(features, target, task, classes, weight, grouping, names=names)
    if dataset.n_rows < 2:
        raise DataError(f"a model needs at least two rows, got n_samples = {dataset.n_rows}; give more rows")
    if task == "classification" and all(len(np.unique(output.y)) < 2 for output in dataset.outputs):
        label = dataset.labels.tolist()[0]
        raise DataError(
            f"a classifier needs at least two classes, the target has one class: {label!r}; check the target column"
        )
    single = [output.name for output in dataset.outputs if np.all(output.y == output.y[0])] if dataset.several else []
    note = f"column(s) {', '.join(single)} of the target hold one value only, which will be predicted always"
    return replace(dataset, notes=(*_oddities(dataset), note) if single else _oddities(dataset))


def _oddities(dataset: Dataset) -> tuple[str, ...]:
    """Return warnings about the table that the user should read."""
    import pandas as pd

    if dataset.features.columns:
        return dataset.features.notes
    notes = dataset.features.notes
    data, names = dataset.features.data, dataset.features.names
    frame = data if hasattr(data, "nunique") else pd.DataFrame(data)
    suspects = np.flatnonzero(frame.iloc[:1000].nunique(dropna=False) <= 1)  # most columns vary at once
    found = suspects[np.asarray(frame.iloc[:, suspects].nunique(dropna=False) <= 1, dtype=bool)]
    constant = [str(names[i]) if names else f"x{i}" for i in found]
    if not constant:
        return notes
    shown = ", ".join(constant[:10]) + (", ..." if len(constant) > 10 else "")
    every = len(constant) == dataset.n_features
    advice = (
        "there is nothing to learn from: expect the quality of a constant guess"
        if every
        else "they carry no information"
    )
    return (*notes, f"{len(constant)} of {dataset.n_features} columns are constant ({shown}); {advice}")
