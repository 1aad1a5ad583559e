"""Folds: drawn once for a run, the same for every candidate."""

from __future__ import annotations

import numbers
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from evoml.core.errors import DataError, SettingError
from evoml.core.target import strata

if TYPE_CHECKING:
    from evoml.core.dataset import Dataset

Split = tuple[np.ndarray, np.ndarray]


def splits(dataset: Dataset, cv: Any, seed: int) -> list[Split]:
    """Return (training rows, test rows) of each fold.

    ``cv`` is a number of folds (shuffled; stratified for classification, of several columns by each row's rarest label; whole
    groups where groups are given), a scikit-learn splitter, an iterable of (train, test) index arrays, or ``"time"``
    (``"time:COLUMN"``): five tests, each on later rows than it trains on. Too many folds for the smallest class, or for the
    number of groups or rows, are lowered with a warning. Raises SettingError for a ``cv`` that gives no usable fold.
    """
    if isinstance(cv, numbers.Integral) and not isinstance(cv, bool):
        return _keep_rare_classes(dataset, _counted(dataset, int(cv), seed))
    if isinstance(cv, str) and cv.partition(":")[0] == "time":
        return by_time(dataset, cv.partition(":")[2] or None)
    if hasattr(cv, "split") and not isinstance(cv, (str, bytes, type)):
        labels = dataset.y if dataset.classes is None else strata(dataset.y)
        found = list(cv.split(np.zeros((dataset.n_rows, 1)), labels, dataset.groups))
    else:
        found = _listed(cv)
    _check(found, dataset.n_rows)
    return found


def by_time(dataset: Dataset, column: str | None, folds: int = 5) -> list[Split]:
    """Return folds that train on what came before the rows they test; rows of one time are never on both sides.

    A row without a time counts as the earliest. Raises SettingError if there is no such column, or too few times.
    """
    from sklearn.model_selection import TimeSeriesSplit

    if dataset.groups is not None:
        raise SettingError("cv='time' does not keep groups whole; leave groups out, or use a splitter of your own")
    times = np.nan_to_num(dataset.features.times(column), nan=-np.inf)
    order = np.argsort(times, kind="stable")
    folds = max(2, min(folds, dataset.n_rows - 1))
    found = [(order[train], order[test]) for train, test in TimeSeriesSplit(folds).split(order)]
    kept = [(train[times[train] < times[test].min()], test) for train, test in found]
    kept = [(train, test) for train, test in kept if _can_train(dataset, train)]
    if not kept:
        raise SettingError(
            f"cv='time' finds no time before which there are rows to train on ({len(np.unique(times))} distinct times);"
            " use another column, or folds at random (cv=5)"
        )
    return kept


def _can_train(dataset: Dataset, train: np.ndarray) -> bool:
    return len(train) > 0 and (
        dataset.classes is None or any(len(np.unique(output.y[train])) > 1 for output in dataset.outputs)
    )


def _listed(cv: Any) -> list[Split]:
    try:
        return [(_row_numbers(train), _row_numbers(test)) for train, test in cv]
    except (TypeError, ValueError):
        message = f"cv must be a number of folds, a splitter, 'time', or a list of (train, test) rows, got {cv!r}"
        raise SettingError(message) from None


def _row_numbers(part: Any) -> np.ndarray:
    rows = np.asarray(part)
    return np.flatnonzero(rows) if rows.dtype == bool else rows


def _counted(dataset: Dataset, folds: int, seed: int) -> list[Split]:
    from sklearn import model_selection

    if folds < 2:
        raise SettingError(f"cv must be at least 2 folds, got {folds}")
    folds = _possible_folds(dataset, folds)
    labels = strata(dataset.y) if dataset.task == "classification" else None
    stratified = labels is not None and np.unique(labels, return_counts=True)[1].max() >= folds
    name = ("Stratified" if stratified else "") + ("GroupKFold" if dataset.groups is not None else "KFold")
    splitter = getattr(model_selection, name)(folds, shuffle=True, random_state=seed % 2**32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the rarest classes are spoken of here, in our own words
        return list(splitter.split(np.zeros((dataset.n_rows, 1)), labels, dataset.groups))


def _possible_folds(dataset: Dataset, folds: int) -> int:
    limits = {f"the table has {dataset.n_rows} rows": dataset.n_rows}
    if dataset.groups is not None:
        n_groups = len(np.unique(dataset.groups))
        if n_groups < 2:
            raise SettingError(
                f"cross-validation by groups needs at least two groups, got {n_groups}; leave groups out"
            )
        limits[f"there are {n_groups} groups"] = n_groups
    for name, codes, classes in dataset.outputs if dataset.classes is not None else ():
        counts = np.bincount(codes)
        if counts.max() == 1:
            raise SettingError(
                f"each of the {len(counts)} classes{' of ' + name if name else ''} has one row only, so none can be held out;"
                " give more rows of a class, or use EvoRegressor if the target is a quantity"
            )
        if not dataset.several:  # of several columns, metrics do without those of which a fold lacks a class
            counts = np.where(counts == 1, counts.max(), counts)  # a single row cannot be split: it stays in training
            label = classes.tolist()[counts.argmin()]  # type: ignore[union-attr]
            limits[f"class {label!r} has {counts.min()} rows"] = int(counts.min())
    reason, most = min(limits.items(), key=lambda item: item[1])
    if most < folds:
        warnings.warn(f"cv lowered from {folds} to {max(most, 2)} folds: {reason}", UserWarning, stacklevel=2)
    return max(2, min(folds, most))


def _keep_rare_classes(dataset: Dataset, found: list[Split]) -> list[Split]:
    """Keep the only row of a class in every training part: no fold can test what it has not seen."""
    if dataset.classes is None or dataset.groups is not None:
        return found
    alone = [(output, np.flatnonzero(np.bincount(output.y)[output.y] == 1)) for output in dataset.outputs]
    single = np.unique(np.concatenate([rows for _, rows in alone]))
    kept = [(np.union1d(train, single), np.setdiff1d(test, single)) for train, test in found]
    if not len(single) or not any(len(test) for _, test in kept):
        return found
    labels = ", ".join(
        (f"{name}=" if name else "") + repr(label)
        for (name, codes, classes), rows in alone
        for label in classes[codes[rows]].tolist()  # type: ignore[index]
    )
    warnings.warn(
        f"class(es) {labels} have one row each: it is always trained on and never scored; give more rows of them",
        UserWarning,
        stacklevel=2,
    )
    return [(train, test) for train, test in kept if len(test)]


def _check(found: list[Split], n_rows: int) -> None:
    if not found:
        raise SettingError("cv gave no fold; pass at least one (train, test) pair of row numbers")
    for number, (train, test) in enumerate(found):
        rows = np.concatenate([train, test])
        if any(len(part) and part.dtype.kind not in "iu" for part in (train, test)):
            raise SettingError(f"fold {number} of cv must hold whole row numbers, got e.g. {rows[0]!r}")
        if not len(train) or not len(test) or rows.min() < -n_rows or rows.max() >= n_rows:
            raise SettingError(
                f"fold {number} of cv has {len(train)} training and {len(test)} test rows with numbers up to"
                f" {rows.max() if len(rows) else '-'}; both parts need rows below {n_rows}"
            )


MOST_REPEATS = 10  # times the number of rows that a table may grow to when weights are written out


def repeated(dataset: Dataset, found: list[Split]) -> tuple[Dataset, list[Split]]:
    """Write out whole-number sample weights: a row of weight 3 becomes three rows, always together in a fold.

    So they mean the same to every step and metric, also to those that take no weights. Other weights, and very large
    ones, are left to the steps that take them.
    """
    weight = dataset.sample_weight
    if (
        weight is not None
        and dataset.classes is not None
        and all(len(np.unique(output.y[weight > 0])) < 2 for output in dataset.outputs)
    ):
        label = dataset.labels[weight > 0].tolist()[0]
        raise DataError(
            f"sample_weight leaves one class, {label!r}: a classifier needs at least two with weights above zero"
        )
    if weight is None or (weight != np.round(weight)).any() or weight.sum() > MOST_REPEATS * dataset.n_rows:
        return dataset, found
    rows = np.repeat(np.arange(dataset.n_rows), weight.astype(int))
    copies = np.split(np.arange(len(rows)), np.cumsum(weight.astype(int))[:-1])

    def written_out(part: np.ndarray) -> np.ndarray:
        return np.concatenate([copies[row] for row in part]) if len(part) else part

    parts = [(written_out(train), written_out(test)) for train, test in found]
    _check(parts, len(rows))
    return replace(dataset.take(rows), sample_weight=None), parts


def units(dataset: Dataset, weight: np.ndarray | None) -> np.ndarray:
    """Return the unit of each row of a dataset: rows of one unit say no more than one of them would.

    They are groups, or the copies of a row whose whole-number ``weight`` :func:`repeated` has written out.
    """
    if dataset.groups is not None:
        return dataset.groups
    if weight is None or dataset.sample_weight is not None:
        return np.arange(dataset.n_rows)
    return np.repeat(np.arange(len(weight)), weight.astype(int))
