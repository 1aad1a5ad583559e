"""The target and the weights of rows, checked at the door."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from evoml.core.errors import DataError


def read_target(y: Any, task: str) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the target as codes with its classes, or as float64 with None."""
    import pandas as pd
    from sklearn.utils import column_or_1d
    from sklearn.utils.multiclass import check_classification_targets, type_of_target

    if y is None:
        raise DataError("requires y to be passed, but the target y is None; give one value for each row")
    try:
        values = column_or_1d(y.to_numpy() if hasattr(y, "to_numpy") else y, warn=True)
    except ValueError as error:
        raise DataError(f"{error}; the target is one column of labels or numbers") from error
    missing = int(pd.isna(values).sum())
    if missing:
        raise DataError(
            f"Input y contains NaN: {missing} of {len(values)} target values are missing; drop those rows or fill them in"
        )
    if values.dtype.kind == "O":
        values = _unboxed(values)
    if task == "regression":
        try:
            if values.dtype.kind in "mM":
                raise TypeError("times are no numbers")
            values = np.asarray(values, dtype=np.float64)
        except (TypeError, ValueError, OverflowError):
            raise DataError(
                f"a regressor needs numbers as its target, got e.g. {values.tolist()[0]!r}; use EvoClassifier for labels"
            ) from None
    if values.dtype.kind == "f" and np.isinf(values).any():
        raise DataError(
            f"Input y contains infinity in {int(np.isinf(values).sum())} rows; drop those rows or correct them"
        )
    if task == "regression":
        return values, None
    if type_of_target(values, input_name="y", raise_unknown=False) == "continuous":
        raise DataError(
            f"Unknown label type: continuous. A classifier needs labels, the target holds numbers such as"
            f" {values.tolist()[0]!r}; use EvoRegressor, or turn the target into classes"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # many classes: the folds speak of it where it matters
        check_classification_targets(values)
    classes, codes = np.unique(values, return_inverse=True)
    return codes, classes


def _unboxed(values: np.ndarray) -> np.ndarray:
    """Return an array of objects as one of numbers or, where types are mixed, of texts."""
    if all(isinstance(value, (bool, int, float, np.number, np.bool_)) for value in values):
        return np.array(list(values))
    return values.astype(str) if len({type(value) for value in values}) > 1 else np.array(list(values))


def read_weight(sample_weight: Any, target: np.ndarray) -> np.ndarray | None:
    """Return sample weights as float64. Raises DataError for those that cannot be used."""
    if sample_weight is None:
        return None
    try:
        weight = np.asarray(sample_weight, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"sample_weight must hold {len(target)} finite numbers, none negative: {error}") from error
    if weight.shape != target.shape or not np.isfinite(weight).all() or (weight < 0).any():
        raise DataError(
            f"sample_weight must hold {len(target)} finite numbers, none negative; got shape {weight.shape},"
            f" lowest {np.min(weight, initial=np.inf):g}"
        )
    if np.count_nonzero(weight) < 2:
        raise DataError(
            f"sample_weight must be above zero for at least two rows, got {np.count_nonzero(weight)}; give weights that count"
        )
    return weight


def imbalance(codes: np.ndarray) -> float:
    """Return the rows of the largest class for each of the smallest that has any."""
    counts = np.bincount(codes)
    return float(counts.max() / counts[counts > 0].min())


def skewness(target: np.ndarray) -> float:
    """Return the third standardised moment; 0 for a constant."""
    deviations = target - target.mean()
    spread = float(np.sqrt(np.mean(deviations**2)))
    return float(np.mean((deviations / spread) ** 3)) if spread > 0 else 0.0
