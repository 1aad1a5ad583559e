"""Settings of the forest learners: what each may be, and what they mean by rows, columns and threads."""

from __future__ import annotations

from numbers import Integral, Real
from os import cpu_count
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

FOREST_PARAMETERS = """\
    n_estimators : int
        Trees.
    splitter : {"best", "random"}
        Of each column that a node looks at: the best cut (random forest), or one drawn at random (extra-trees).
    max_features : "sqrt", "log2", None (all), int, or float in (0, 1]
        Columns that a node looks at; more, until one is found that is not constant there.
    max_depth, max_leaf_nodes : int or None
        Limits of a tree; with max_leaf_nodes the split that decreases impurity most is made first.
    min_samples_split, min_samples_leaf : int, or float in (0, 1) as a share of the rows
        Rows of a node that may be split, and of each of its parts.
    min_weight_fraction_leaf : float in [0, 0.5]
        Share of a tree's weight that a leaf holds at least.
    min_impurity_decrease : float
        A split must decrease impurity by so much, weighted by the node's share of the tree's weight.
    bootstrap : bool or None
        Each tree learns from rows drawn with replacement; None: where splitter is "best".
    max_samples : int, float in (0, 1], or None
        Rows drawn for a tree; None: as many as there are.
    oob_score : bool
        Score rows by the trees that did not draw them.
    max_bins : int in [2, 255]
        Bins of a column's values; missing ones have another, and go to the side that fits them better.
    min_samples_bin : int or "auto"
        Rows that a bin holds at least; "auto": a fiftieth of the rows, but 10 at most.
    categorical_features : "from_dtype", None, mask, places or names of columns
        Columns split by sets of categories. Categories beyond the 254 most frequent, and unseen ones, count as missing.
    warm_start : bool
        A second fit, on the same rows, adds trees up to n_estimators: the same as if they had been grown at once.
    n_jobs : int or None
        Threads; -1 for one a processor. The result does not depend on them.
    random_state : int, RandomState or None

    Attributes
    ----------
    n_features_in_ : int
        Columns seen in ``fit``.
    feature_names_in_ : (c,) array
        Their names, where they are all strings.
    feature_importances_ : (c,) array
        Shares in the decrease of impurity.
    oob_score_ : float
        Accuracy or R^2 of out-of-bag predictions, if asked for.
"""

CONSTRAINTS: dict[str, list[Any]] = {
    "n_estimators": [Interval(Integral, 1, None, closed="left")],
    "splitter": [StrOptions({"best", "random"})],
    "max_features": [
        StrOptions({"sqrt", "log2"}),
        Interval(Integral, 1, None, closed="left"),
        Interval(Real, 0.0, 1.0, closed="right"),
        None,
    ],
    "max_depth": [Interval(Integral, 1, None, closed="left"), None],
    "max_leaf_nodes": [Interval(Integral, 2, None, closed="left"), None],
    "min_samples_split": [Interval(Integral, 2, None, closed="left"), Interval(Real, 0.0, 1.0, closed="right")],
    "min_samples_leaf": [Interval(Integral, 1, None, closed="left"), Interval(Real, 0.0, 1.0, closed="neither")],
    "min_weight_fraction_leaf": [Interval(Real, 0.0, 0.5, closed="both")],
    "min_impurity_decrease": [Interval(Real, 0.0, None, closed="left")],
    "bootstrap": ["boolean", None],
    "max_samples": [Interval(Integral, 1, None, closed="left"), Interval(Real, 0.0, 1.0, closed="right"), None],
    "oob_score": ["boolean"],
    "max_bins": [Interval(Integral, 2, 255, closed="both")],
    "min_samples_bin": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "warm_start": ["boolean"],
    "n_jobs": [Integral, None],
    "random_state": ["random_state"],
}


def threads(n_jobs: int | None) -> int:
    """Return the number of threads that ``n_jobs`` means: -1 is one a processor, -2 one fewer ..."""
    return 1 if n_jobs is None else n_jobs if n_jobs > 0 else max(1, (cpu_count() or 1) + 1 + n_jobs)


def count_columns(setting: Any, n_columns: int) -> int:
    """Return the number of columns that ``max_features`` means."""
    if setting is None:
        return n_columns
    if isinstance(setting, str):
        return max(1, int(np.sqrt(n_columns) if setting == "sqrt" else np.log2(n_columns)))
    if isinstance(setting, Integral):
        return min(int(setting), n_columns)
    return max(1, int(setting * n_columns))


def count_rows(setting: Any, n_rows: int) -> int:
    """Return the number of rows that a least number, or share, of a node's rows means."""
    return int(setting) if isinstance(setting, Integral) else int(np.ceil(setting * n_rows))


def count_draws(setting: Any, n_rows: int) -> int:
    """Return the number of rows that ``max_samples`` means; ValueError where there are not as many."""
    if setting is None:
        return n_rows
    if isinstance(setting, Integral):
        if int(setting) > n_rows:
            raise ValueError(
                f"max_samples={setting} must be at most the {n_rows} rows there are; lower it, or use a float"
            )
        return int(setting)
    return max(1, round(setting * n_rows))
