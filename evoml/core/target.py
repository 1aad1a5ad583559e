"""The target and the weights of rows, checked at the door."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from evoml.core.errors import DataError

Classes: TypeAlias = "np.ndarray | tuple[np.ndarray, ...] | None"  # of a column, of each of several; of numbers None


class Output(NamedTuple):
    """One column of a target: its name, (n,) codes or numbers, and the classes that codes stand for."""

    name: str
    y: np.ndarray
    classes: np.ndarray | None


def output_names(y: Any, n_outputs: int) -> tuple[str, ...]:
    """Return the names of a target's columns: those of a data frame, or ``y0``, ``y1``, ...; none for a single column."""
    if n_outputs == 1:
        return ()
    return tuple(map(str, y.columns)) if hasattr(y, "columns") else tuple(f"y{at}" for at in range(n_outputs))


def read_target(y: Any, task: str) -> tuple[np.ndarray, Classes]:
    """Return the target as codes with its classes, or as float64 with None; (n,), or (n, k) for k columns.

    Labels of several columns that are all 0 or 1 are an indicator: their codes are the labels, also where one never occurs.
    """
    import pandas as pd
    from sklearn.utils.multiclass import check_classification_targets, type_of_target

    if y is None:
        raise DataError("requires y to be passed, but the target y is None; give one value for each row")
    values = target_values(y)
    missing = int(pd.isna(values).sum())
    if missing:
        raise DataError(
            f"Input y contains NaN: {missing} of {values.size} target values are missing; drop those rows or fill them in"
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
                "a regressor needs numbers as its target, got e.g."
                f" {values.ravel().tolist()[0]!r}; use EvoClassifier for labels"
            ) from None
    if values.dtype.kind == "f" and np.isinf(values).any():
        raise DataError(
            f"Input y contains infinity in {int(np.isinf(values).sum())} rows; drop those rows or correct them"
        )
    if task == "regression":
        return values, None
    if type_of_target(values, input_name="y", raise_unknown=False).startswith("continuous"):
        raise DataError(
            f"Unknown label type: continuous. A classifier needs labels, the target holds numbers such as"
            f" {values.ravel().tolist()[0]!r}; use EvoRegressor, or turn the target into classes"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # many classes: the folds speak of it where it matters
        check_classification_targets(values)
    if values.ndim == 1:
        classes, codes = np.unique(values, return_inverse=True)
        return codes, classes
    if values.dtype.kind in "biuf" and np.isin(values, (0, 1)).all():
        both = np.array([0, 1], dtype=values.dtype if values.dtype.kind in "iu" else np.int64)
        return values.astype(np.int64), (both,) * values.shape[1]
    found = [np.unique(column, return_inverse=True) for column in values.T]
    return np.column_stack([codes for _, codes in found]), tuple(classes for classes, _ in found)


def target_values(y: Any) -> np.ndarray:
    """Return a target as an array of one dimension or, of several columns, of two. Raises DataError for anything else."""
    from sklearn.utils import column_or_1d

    given = y.toarray() if hasattr(y, "toarray") else y.to_numpy() if hasattr(y, "to_numpy") else y
    try:
        values = np.asarray(given)
        if values.ndim != 2 or values.shape[1] < 2:
            return column_or_1d(given, warn=True)  # type: ignore[no-any-return]
    except ValueError as error:
        raise DataError(f"{error}; the target is one column of labels or numbers, or several") from error
    return values


def _unboxed(values: np.ndarray) -> np.ndarray:
    """Return an array of objects as one of numbers or, where types are mixed, of texts."""
    cells = values.ravel()
    if all(isinstance(value, (bool, int, float, np.number, np.bool_)) for value in cells):
        return np.array(list(cells)).reshape(values.shape)
    found = cells.astype(str) if len({type(value) for value in cells}) > 1 else np.array(list(cells))
    return found.reshape(values.shape)


def strata(labels: np.ndarray) -> np.ndarray:
    """Return (n,) what rows are to be divided evenly by: their labels or, of (n, k) labels, the rarest one of each row."""
    if labels.ndim == 1:
        return labels
    found = [np.unique(column, return_inverse=True, return_counts=True) for column in labels.T]
    rarest = np.argmin(np.column_stack([counts[codes] for _, codes, counts in found]), axis=1)
    codes = np.column_stack([codes for _, codes, _ in found])[np.arange(len(labels)), rarest]
    return np.unique(np.column_stack([rarest, codes]), axis=0, return_inverse=True)[1].ravel()


def read_weight(sample_weight: Any, target: np.ndarray) -> np.ndarray | None:
    """Return sample weights as float64. Raises DataError for those that cannot be used."""
    if sample_weight is None:
        return None
    try:
        weight = np.asarray(sample_weight, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"sample_weight must hold {len(target)} finite numbers, none negative: {error}") from error
    if weight.shape != target.shape[:1] or not np.isfinite(weight).all() or (weight < 0).any():
        raise DataError(
            f"sample_weight must hold {len(target)} finite numbers, none negative; got shape {weight.shape},"
            f" lowest {np.min(weight, initial=np.inf):g}"
        )
    if np.count_nonzero(weight) < 2:
        raise DataError(
            f"sample_weight must be above zero for at least two rows, got {np.count_nonzero(weight)}; give weights that count"
        )
    return weight


def read_groups(groups: Any, n_rows: int) -> np.ndarray | None:
    """Return the group of each row, numbered where labels cannot be ordered. Raises DataError for those that are missing."""
    import pandas as pd

    if groups is None:
        return None
    found = np.asarray(groups)
    if found.shape != (n_rows,):
        raise DataError(f"groups must have one value a row ({n_rows}), got shape {found.shape}")
    if missing := int(pd.isna(found).sum()):
        raise DataError(f"the group is missing in {missing} of {n_rows} rows; give each of them a group, or drop it")
    try:
        np.unique(found)
    except TypeError:  # labels of several types have no order
        return pd.factorize(found)[0]
    return found


def imbalance(codes: np.ndarray) -> float:
    """Return the rows of the largest class for each of the smallest that has any."""
    counts = np.bincount(codes)
    return float(counts.max() / counts[counts > 0].min())


def skewness(target: np.ndarray) -> float:
    """Return the third standardised moment; 0 for a constant."""
    deviations = target - target.mean()
    spread = float(np.sqrt(np.mean(deviations**2)))
    return float(np.mean((deviations / spread) ** 3)) if spread > 0 else 0.0
