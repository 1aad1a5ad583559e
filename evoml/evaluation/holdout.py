"""Rows set aside before anything is learned, and the score of a fitted model on them with its interval."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from evoml.core.errors import DataError
from evoml.core.random import stream
from evoml.core.target import strata, target_values
from evoml.evaluation.expected_score import TAIL, ExpectedScore
from evoml.evaluation.scoring import score

MOST_RESAMPLES, LEAST_RESAMPLES = 200, 100
ROWS_DRAWN = 1_000_000  # in all resamples together
KEY = 231  # of the random streams
ANSWERS = ("predict", "predict_proba", "decision_function")


def set_aside(
    y: np.ndarray, share: float, seed: int, groups: np.ndarray | None = None, times: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers of the rows to learn from, and of those set aside, both in order.

    Parameters
    ----------
    y : (n_rows,) array, or (n_rows, k) array of several columns
        Labels, whose shares are kept on both sides; a quantity (floating) is not looked at. The row of a class that has no
        other is never set aside, unless groups or times say so: a model could not know it.
    share : float
        Of the rows that are set aside, between 0 and 1.
    seed : int
    groups : (n_rows,) array or None
        Groups stay whole.
    times : (n_rows,) array or None
        The latest rows are set aside; rows of one time stay together.

    Raises
    ------
    DataError
        If either side would be empty.
    """
    from sklearn.model_selection import GroupShuffleSplit

    every = np.arange(len(y))
    if times is not None:
        held = times > np.quantile(times, 1.0 - share, method="lower")
        if not held.any() or held.all():
            raise DataError(
                f"the latest {share:.0%} of the rows cannot be held out: there are too few distinct times; give another share"
            )
        return every[~held], every[held]
    try:
        if groups is not None:
            fit, rest = next(GroupShuffleSplit(1, test_size=share, random_state=seed).split(every, y, groups))
        else:
            fit, rest = _by_class(y, share, seed)
    except ValueError as error:
        raise DataError(f"a share of {share:g} of the rows cannot be held out: {error}") from error
    return np.sort(fit), np.sort(rest)


def _by_class(y: np.ndarray, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.model_selection import train_test_split

    every = np.arange(len(y))
    if y.dtype.kind == "f":
        return train_test_split(every, test_size=share, random_state=seed)  # type: ignore[return-value]
    _, codes, counts = np.unique(strata(y), return_inverse=True, return_counts=True)
    alone = counts[codes] == 1
    fit, rest = train_test_split(every[~alone], test_size=share, stratify=codes[~alone], random_state=seed)
    return np.concatenate([fit, every[alone]]), rest


def check_labels(held: np.ndarray, known: np.ndarray) -> None:
    """Raise DataError if labels of rows held out, (n,) or (n, k), are not among the known ones of the same column."""
    pairs = zip(np.atleast_2d(held.T), np.atleast_2d(known.T), strict=True)
    for column, own in pairs:
        labels, there = set(column.tolist()), set(own.tolist())
        if any(isinstance(label, str) for label in there):
            labels, there = set(map(str, labels)), set(map(str, there))
        if unseen := sorted(labels - there, key=str):
            raise DataError(
                f"labels that no row to learn from has cannot be predicted: {', '.join(map(repr, unseen[:5]))}; leave out"
                " their rows, or learn from some of them"
            )


class _Recalled(BaseEstimator):
    """A fitted model that has answered already: it gives its answers for the rows ``index`` again."""

    def __init__(self, said: Mapping[str, Any], index: np.ndarray) -> None:
        for name, values in said.items():
            setattr(self, name, lambda X, values=values: _taken(values, index))

    def __sklearn_is_fitted__(self) -> bool:
        return True


def _taken(values: Any, index: np.ndarray) -> Any:
    """Return some rows of an answer; of a list, the answers of several outputs, those of each."""
    return [_taken(one, index) for one in values] if isinstance(values, list) else np.asarray(values)[index]


class _RecalledClassifier(ClassifierMixin, _Recalled):
    pass


class _RecalledRegressor(RegressorMixin, _Recalled):
    pass


def held_out_score(
    model: Any,
    scoring: Any,
    X: Any,
    y: Any,
    seed: int,
    sample_weight: np.ndarray | None = None,
    groups: np.ndarray | None = None,
) -> ExpectedScore:
    """Return the first metric of ``scoring`` for a fitted model on rows it never saw, with its 95 % bootstrap interval.

    Rows (groups, where there are any) are drawn with replacement. The interval is nan where the metric cannot be had on most
    draws, e.g. since a class is too rare. Raises ValueError where the score itself cannot be had.
    """
    from sklearn.utils import _safe_indexing

    value = score(model, scoring, X, y, sample_weight)
    if not np.isfinite(value):
        raise DataError(f"the metric is {value} on these {len(target_values(y))} row(s): it needs more, or other ones")
    said = {name: getattr(model, name)(X) for name in ANSWERS if hasattr(model, name)}
    classes, target = getattr(model, "classes_", None), target_values(y)
    _, units = np.unique(np.arange(len(target)) if groups is None else groups, return_inverse=True)
    found = []
    resamples = max(LEAST_RESAMPLES, min(MOST_RESAMPLES, ROWS_DRAWN // len(target)))
    for number in range(resamples):
        drawn = stream(seed, KEY, number).integers(units.max() + 1, size=units.max() + 1)
        index = np.repeat(np.arange(len(target)), np.bincount(drawn, minlength=units.max() + 1)[units])
        recalled: Any = (_RecalledRegressor if classes is None else _RecalledClassifier)(said, index)
        if classes is not None:
            recalled.classes_ = classes
        weight = None if sample_weight is None else np.asarray(sample_weight)[index]
        try:
            found.append(score(recalled, scoring, _safe_indexing(X, index), target[index], weight))
        except ValueError:  # undefined on these rows
            continue
    found = [one for one in found if np.isfinite(one)]
    if len(found) < resamples / 2:
        return ExpectedScore(value, np.nan, np.nan)
    low, high = np.percentile(found, [TAIL, 100 - TAIL])
    return ExpectedScore(value, float(low), float(high))
