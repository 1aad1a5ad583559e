"""Settings of the boosting learners: what each may be, and what they mean by round and by column."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

import numpy as np

_LAST_RATE = 0.01  # of the first, where the rate falls


PARAMETERS = """\
    learning_rate : float or array of max_iter floats
        Factor of each tree's values.
    learning_rate_schedule : {"constant", "linear", "cosine"}
        How a single learning_rate goes on: as it is, or down to a hundredth of it in the last round.
    max_iter : int
        Rounds, one tree each.
    max_leaf_nodes : int, None or "auto"
        Limit of a tree's leaves, None for none; "auto": 31, or four for each class where that is more.
    max_depth : int or None
    growth : {"leaf", "depth"}
        Split the leaf that gains most, or level after level.
    min_samples_leaf : int
        Rows that a leaf holds at least (on more than 131,072 rows estimated from hessians).
    min_child_weight : float
        Sum of hessians that a leaf holds at least (of several classes: of all of them, and added to l2_regularization).
    min_split_gain : float
        A split must gain more.
    l1_regularization, l2_regularization : float
        Shrinkage of leaves' values; of k > 2 classes l2 is multiplied by 4 (k - 1) / k^2, as hessians are.
    cat_l2, cat_smooth : float
        Shrinkage of a categorical split's leaves while it is sought (on top of l2_regularization), and of categories' means,
        by which they are ordered.
    max_features, colsample_bytree : float in (0, 1]
        Share of columns looked at by a node (of its tree's), and by a tree.
    subsample : float in (0, 1]
        Share of rows that a tree learns from.
    max_bins : int in [2, 255]
        Bins of a column's values; missing ones have another.
    min_samples_bin : int or "auto"
        Rows that a bin holds at least; "auto": a fiftieth of the rows, but 10 at most; from 1,500 rows to
        20,000 a 150th of them, but 32 at most.
    categorical_features : "from_dtype", None, mask, places or names of columns
        Columns split by sets of categories. Categories beyond the 254 most frequent, and unseen ones, count as missing.
    monotonic_cst : None, array of -1, 0, 1 by column, or dict from names
        Directions in which predictions may not fall (1) or rise (-1); for one output.
    early_stopping : bool
        Stop when the loss on held-out rows has not fallen by more than tol for n_iter_no_change rounds; the rounds up
        to the best are kept.
    validation_fraction : float
        Share of the rows held out for that.
    warm_start : bool
        A second fit, on the same rows, adds rounds up to max_iter: the same as if they had been fitted at once.
    n_jobs : int or None
        Threads of predictions. Fitting takes one.
    random_state : int, RandomState or None

    Attributes
    ----------
    n_iter_ : int
        Rounds.
    n_features_in_ : int
        Columns seen in ``fit``.
    feature_names_in_ : (c,) array
        Their names, where they are all strings.
    feature_importances_ : (c,) array
        Shares of columns in the gain of all splits.
    validation_loss_ : list of float
        Loss of held-out rows after each round of the last fit, empty without early stopping.
"""


def check_settings(model: Any) -> None:
    """Raises ValueError naming the parameter, what it must be, and what it is."""
    values = vars(model)  # get_params looks at the constructor's signature first, which takes longer than the checks
    for name, (allowed, requirement) in _REQUIREMENTS.items():
        if name in values and not allowed(values[name]):
            raise ValueError(f"{name} must be {requirement}, got {values[name]!r}; set it so before fit")
    if values.get("loss") == "quantile" and values["quantile"] is None:
        raise ValueError(
            "loss='quantile' needs quantile, a float between 0 and 1, got None; set quantile=0.5 for the median"
        )


def learning_rates(rate: Any, schedule: str, n_rounds: int) -> np.ndarray:
    """(n_rounds,) factors."""
    if np.ndim(rate) == 1:
        rates = np.asarray(rate, dtype=np.float64)
        if len(rates) != n_rounds or schedule != "constant":
            raise ValueError(
                f"learning_rate as an array needs max_iter={n_rounds} entries and learning_rate_schedule='constant',"
                f" got {len(rates)} entries and {schedule!r}"
            )
        return rates
    passed = np.arange(n_rounds) / max(n_rounds - 1, 1)
    falling = {"constant": np.ones(n_rounds), "linear": 1.0 - passed, "cosine": 0.5 * (1.0 + np.cos(np.pi * passed))}
    return float(rate) * (_LAST_RATE + (1.0 - _LAST_RATE) * falling[schedule])


def monotone_directions(setting: Any, n_columns: int, names: Any, n_outputs: int) -> np.ndarray:
    """(c,) int8 of -1, 0, 1."""
    directions = np.zeros(n_columns, np.int8)
    if setting is None:
        return directions
    if n_outputs > 1:
        raise ValueError("monotonic_cst needs one output, got several classes; set it to None or join classes")
    if isinstance(setting, dict):
        places = {name: place for place, name in enumerate([] if names is None else names)}
        unknown = [name for name in setting if name not in places]
        if unknown:
            raise ValueError(f"monotonic_cst names {unknown}, which are no columns of X; name columns of a data frame")
        for name, direction in setting.items():
            directions[places[name]] = direction
    else:
        if len(setting) != n_columns:
            raise ValueError(f"monotonic_cst needs an entry for each of {n_columns} columns, got {len(setting)}")
        directions[:] = np.asarray(setting)
    if not np.all(np.isin(directions, (-1, 0, 1))):
        raise ValueError(f"monotonic_cst must hold -1, 0 and 1 only, got {setting!r}")
    return directions


def _whole(low: int, high: float = np.inf) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, Integral) and not isinstance(value, bool) and low <= int(value) <= high


def _real(low: float, high: float = np.inf, above: bool = False) -> Callable[[Any], bool]:
    def allowed(value: Any) -> bool:
        is_number = isinstance(value, Real) and not isinstance(value, bool)
        return is_number and (low < value if above else low <= value) and value <= high and value != np.inf

    return allowed


def _none_or(allowed: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or allowed(value)


def _one_of(*words: Any) -> Callable[[Any], bool]:
    return lambda value: any(value is word or (isinstance(word, str) and value == word) for word in words)


def _leaves(value: Any) -> bool:
    return value is None or (isinstance(value, str) and value == "auto") or _whole(2)(value)


def _is_rate(value: Any) -> bool:
    if np.ndim(value) == 1:
        return bool(np.all(np.isfinite(value)) and np.all(np.asarray(value) > 0.0))
    return _real(0.0, above=True)(value)


_SHARE = (_real(0.0, 1.0, above=True), "a float above 0, at most 1")
_NOT_NEGATIVE = (_real(0.0), "a number of at least 0")
_SWITCH = (lambda value: isinstance(value, (bool, np.bool_)), "True or False")

_REQUIREMENTS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "learning_rate": (_is_rate, "a positive number, or an array of max_iter of them"),
    "learning_rate_schedule": (_one_of("constant", "linear", "cosine"), "'constant', 'linear' or 'cosine'"),
    "max_iter": (_whole(1), "a whole number of at least 1"),
    "max_leaf_nodes": (_leaves, "a whole number of at least 2, None or 'auto'"),
    "max_depth": (_none_or(_whole(1)), "a whole number of at least 1, or None"),
    "growth": (_one_of("leaf", "depth"), "'leaf' or 'depth'"),
    "min_samples_leaf": (_whole(1), "a whole number of at least 1"),
    "min_child_weight": _NOT_NEGATIVE,
    "min_split_gain": _NOT_NEGATIVE,
    "l1_regularization": _NOT_NEGATIVE,
    "l2_regularization": _NOT_NEGATIVE,
    "cat_l2": _NOT_NEGATIVE,
    "cat_smooth": _NOT_NEGATIVE,
    "max_features": _SHARE,
    "colsample_bytree": _SHARE,
    "subsample": _SHARE,
    "max_bins": (_whole(2, 255), "a whole number from 2 to 255"),
    "min_samples_bin": (
        lambda value: (isinstance(value, str) and value == "auto") or _whole(1)(value),
        "'auto' or a whole number of at least 1",
    ),
    "early_stopping": _SWITCH,
    "validation_fraction": (lambda value: _real(0.0, 1.0, above=True)(value) and value < 1, "a float between 0 and 1"),
    "n_iter_no_change": (_whole(1), "a whole number of at least 1"),
    "tol": _NOT_NEGATIVE,
    "warm_start": _SWITCH,
    "n_jobs": (_none_or(_whole(1)), "a whole number of at least 1, or None"),
    "loss": (
        _one_of("squared_error", "absolute_error", "quantile", "poisson"),
        "'squared_error', 'absolute_error', 'quantile' or 'poisson'",
    ),
    "quantile": (
        _none_or(lambda value: _real(0.0, 1.0, above=True)(value) and value < 1),
        "a float between 0 and 1, or None",
    ),
}
