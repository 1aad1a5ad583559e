"""Rows that ``fit`` sets aside before anything is learned from the table, and what the model scores on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from evoml.core.errors import DataError, SettingError
from evoml.journal import Journal

if TYPE_CHECKING:
    from evoml.core.dataset import Task
    from evoml.evaluation.expected_score import ExpectedScore


class Rows(NamedTuple):
    """What ``fit`` is given, or a part of it."""

    X: Any
    y: Any
    sample_weight: Any = None
    groups: Any = None

    def take(self, index: np.ndarray) -> Rows:
        """Return some of the rows, in the form they came in."""
        from sklearn.utils import _safe_indexing

        return Rows(*(None if part is None else _safe_indexing(part, index) for part in self))


def divided(rows: Rows, holdout: Any, seed: int, cv: Any, column_kinds: Any, task: Task) -> tuple[Rows, Rows | None]:
    """Return the rows to learn from and those held out, if any; see the estimators' ``holdout``."""
    if holdout is None:
        return rows, None
    if isinstance(holdout, (tuple, list)) and len(holdout) in (2, 3):
        return rows, _checked(Rows(*holdout), rows, task)
    if not isinstance(holdout, float) or not 0 < holdout < 1:
        raise SettingError(
            f"holdout must be a share between 0 and 1, such as 0.2, a pair (X, y), or None; got {holdout!r}"
        )
    from sklearn.utils import check_consistent_length

    from evoml.core.features import read_features
    from evoml.core.target import read_groups, target_values
    from evoml.evaluation.holdout import set_aside

    check_consistent_length(*rows)
    times = None
    if isinstance(cv, str) and cv.partition(":")[0] == "time":
        times = np.nan_to_num(read_features(rows.X, column_kinds).times(cv.partition(":")[2] or None), nan=-np.inf)
    target = target_values(rows.y)
    rows = rows._replace(groups=read_groups(rows.groups, len(target)))
    fit, held = set_aside(target, holdout, seed % 2**32, rows.groups, times)
    return rows.take(fit), rows.take(held)


def _checked(held: Rows, rows: Rows, task: Task) -> Rows:
    """Return rows held out. Raises DataError, before any search, for those that its model could not be scored on."""
    from sklearn.utils import check_consistent_length

    from evoml.core.target import read_target, target_values
    from evoml.evaluation.holdout import check_labels

    try:
        check_consistent_length(*held)
        _check_columns(held.X, rows.X)
        read_target(held.y, task)
        own, known = target_values(held.y), target_values(rows.y)
        if own.shape[1:] != known.shape[1:]:
            raise DataError(f"y has shape {known.shape}, their own {own.shape}; give the same columns")
        if task == "classification":
            check_labels(own, known)
    except ValueError as error:
        raise DataError(f"the rows of holdout cannot be used: {error}") from error
    return held


def _check_columns(held: Any, X: Any) -> None:
    names, known = (list(getattr(table, "columns", ())) for table in (held, X))
    if names and all(isinstance(name, str) for name in known) and known:
        if missing := [name for name in known if name not in names]:
            raise DataError(f"they lack the column(s) {', '.join(map(repr, missing[:5]))}")
        if names != known:
            raise DataError(
                f"they must have the columns of X and no others, in the same order: {', '.join(known[:20])}"
            )
    shape, wanted = np.shape(held), np.shape(X)
    if len(shape) != 2 or shape[1:] != wanted[1:]:
        raise DataError(f"X has shape {wanted}, they have {shape}; give the same columns")


def record(kept: ExpectedScore, rows: int, content: bytes, journal: Any) -> bytes:
    """Add the score of rows held out to a record, and to its file if it has one; reports find it there."""
    told = {"score": kept.value, "low": kept.low, "high": kept.high, "rows": rows}
    if journal is not None:
        with Journal.resume(journal) as written:
            written.put("summary", {**(written.get("summary") or {}), "holdout": told})
    with Journal.from_bytes(content) as copied:
        copied.put("summary", {**(copied.get("summary") or {}), "holdout": told})
        return copied.to_bytes()
