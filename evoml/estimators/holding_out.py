"""Rows that ``fit`` sets aside before anything is learned from the table, and what the model scores on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from evoml.core.errors import SettingError
from evoml.journal import Journal

if TYPE_CHECKING:
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


def divided(rows: Rows, holdout: Any, seed: int, cv: Any, column_kinds: Any) -> tuple[Rows, Rows | None]:
    """Return the rows to learn from and those held out, if any; see the estimators' ``holdout``."""
    if holdout is None:
        return rows, None
    if isinstance(holdout, (tuple, list)) and len(holdout) in (2, 3):
        return rows, Rows(*holdout)
    if not isinstance(holdout, float) or not 0 < holdout < 1:
        raise SettingError(
            f"holdout must be a share between 0 and 1, such as 0.2, a pair (X, y), or None; got {holdout!r}"
        )
    from sklearn.utils import check_consistent_length

    from evoml.core.features import read_features
    from evoml.core.target import target_values
    from evoml.evaluation.holdout import set_aside

    check_consistent_length(*rows)
    times = None
    if isinstance(cv, str) and cv.partition(":")[0] == "time":
        times = np.nan_to_num(read_features(rows.X, column_kinds).times(cv.partition(":")[2] or None), nan=-np.inf)
    groups = None if rows.groups is None else np.asarray(rows.groups)
    fit, held = set_aside(target_values(rows.y), holdout, seed % 2**32, groups, times)
    return rows.take(fit), rows.take(held)


def record(kept: ExpectedScore, rows: int, content: bytes, journal: Any) -> bytes:
    """Add the score of rows held out to a record, and to its file if it has one; reports find it there."""
    told = {"score": kept.value, "low": kept.low, "high": kept.high, "rows": rows}
    if journal is not None:
        with Journal.resume(journal) as written:
            written.put("summary", {**(written.get("summary") or {}), "holdout": told})
    with Journal.from_bytes(content) as copied:
        copied.put("summary", {**(copied.get("summary") or {}), "holdout": told})
        return copied.to_bytes()
