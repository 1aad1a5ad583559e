"""What is to be predicted: the target column, the task it stands for, and the rows held out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from evoml.cli.columns import prepared
from evoml.core.errors import DataError, nearest

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from evoml.estimators.holding_out import Rows

Task: TypeAlias = Literal["classification", "regression"]

MOST_CLASSES = 20  # a whole-number target with more distinct values is taken for a quantity
LEAST_ROWS_PER_CLASS = 5  # so is one with fewer rows a value on average, unless it has two values only


@dataclass(frozen=True, slots=True)
class Data:
    """A table taken apart: raw features ``X`` (n, m) and what their ``columns`` were found to be, ``y`` (n,), or (n, k) of
    several columns, and (n,) groups and weights or None.
    """

    X: pd.DataFrame
    y: np.ndarray
    groups: np.ndarray | None
    weights: np.ndarray | None
    columns: pd.DataFrame
    task: Task
    reason: str


def data_from(
    table: pd.DataFrame,
    target: str | Sequence[str],
    task: str = "auto",
    group: str | None = None,
    weight: str | None = None,
    column_kinds: Mapping[str, str] | None = None,
) -> Data:
    """Split a table into features and target, and decide on the task and, but for ``column_kinds``, on what columns are.

    Raises DataError if a named column is not there, or the target cannot be learnt.
    """
    from evoml.core.features import read_features

    targets = [target] if isinstance(target, str) else list(target)
    for role, name in (*(("target", one) for one in targets), ("group", group), ("weight", weight)):
        if name is not None and name not in table.columns:
            raise DataError(f"the table has no {role} column {name!r}{_known(name, table)}")
    features = table.drop(columns=list({name for name in (*targets, group, weight) if name is not None}))
    if not len(features.columns):
        named = ", ".join(map(repr, targets))
        raise DataError(f"the table has no column beside {named}; a model needs at least one to predict from")
    if len(table) < 2:
        raise DataError(f"the table has {len(table)} row only; a model needs more to learn from")
    for name in targets:
        _check_complete(table[name], f"target {name!r}")
    chosen, reason = _task_of_all(table[targets], task)
    read = _labels if chosen == "classification" else _quantities
    columns = [read(table[name], name) for name in targets]
    return Data(
        features,
        columns[0] if len(columns) == 1 else _side_by_side(columns),
        None if group is None else _column(table, group, "text"),
        None if weight is None else weights_of(table, weight),
        read_features(features, column_kinds).described(),
        chosen,
        reason,
    )


def held_out(
    data: Data,
    share: float,
    seed: int,
    time_column: str | None = None,
    column_kinds: Mapping[str, str] | None = None,
) -> tuple[Data, Data]:
    """Return (rows to fit on, rows held out), as the estimators divide them: the latest ones by a column, if one is named.

    Otherwise by class for classification, and whole groups where there are groups.
    """
    from evoml.estimators.holding_out import Rows, divided

    if time_column is not None and time_column not in data.X.columns:
        raise DataError(f"the table has no column {time_column!r} to split by{_known(time_column, data.X)}")
    rows = Rows(data.X, data.y, data.weights, data.groups)
    cv = None if time_column is None else f"time:{time_column}"
    fit, kept = divided(rows, share, seed, cv, column_kinds, data.task)
    assert kept is not None
    return _of_rows(data, fit), _of_rows(data, kept)


def _of_rows(data: Data, rows: Rows) -> Data:
    return replace(data, X=rows.X.reset_index(drop=True), y=rows.y, weights=rows.sample_weight, groups=rows.groups)


def held_data(
    table: pd.DataFrame, data: Data, targets: Sequence[str], group: str | None = None, weight: str | None = None
) -> Data:
    """Return the rows of another table, to score a model of ``data`` on: there may be one only, or all of one class.

    Raises DataError for columns that it lacks, for cells that cannot be used, and for labels that ``data`` does not have.
    """
    from evoml.evaluation.holdout import check_labels

    wanted = [*data.X.columns, *targets, *(name for name in (group, weight) if name is not None)]
    if missing := [name for name in wanted if name not in table.columns]:
        raise DataError(f"it lacks the column(s) {', '.join(map(repr, missing[:5]))} of the table to learn from")
    columns = [_like(table, name, data.y.dtype) for name in targets]
    y = columns[0] if len(columns) == 1 else _side_by_side(columns)
    if data.task == "classification":
        check_labels(y, data.y)
    groups = None if group is None else _column(table, group, "text")
    weights = None if weight is None else weights_of(table, weight)
    return replace(data, X=table[list(data.X.columns)], y=y, groups=groups, weights=weights)


def _like(table: pd.DataFrame, name: str, dtype: np.dtype) -> np.ndarray:
    """Return a column of a target in the form that it has in another table."""
    if dtype.kind in "OU":
        return _column(table, name, "text").astype(str)  # type: ignore[no-any-return]
    numbers = _column(table, name, "number")
    cast = numbers.astype(dtype)
    return cast if (cast == numbers).all() else numbers  # type: ignore[no-any-return]


def weights_of(table: pd.DataFrame, name: str, complete: bool = True) -> np.ndarray:
    """Return a column of weights. Raises DataError for cells that are no numbers or negative and, if it is to be complete,
    for gaps and infinities, which are NaN otherwise.
    """
    kind = "number"
    weights = _column(table, name, kind) if complete else prepared(table[[name]], {name: kind})[name].to_numpy()
    _check_cells(weights < 0, f"column {name!r} holds a negative weight")
    return weights  # type: ignore[no-any-return]


def _known(name: str, table: pd.DataFrame) -> str:
    columns = list(table.columns)
    more = f" and {len(columns) - 10} more" if len(columns) > 10 else ""
    return nearest(name, columns) or f"; it has: {', '.join(columns[:10])}{more}"


def _check_complete(column: pd.Series, what: str) -> None:
    import numpy as np

    missing = column.isna().to_numpy()
    if missing.any():
        raise DataError(
            f"the {what} is missing in {missing.sum()} of {len(column)} rows, first in row {missing.argmax() + 1};"
            " fill in or remove these rows"
        )
    if column.dtype.kind == "f":
        _check_cells(np.isinf(column.to_numpy()), f"the {what} is infinite")


def _check_cells(wrong: np.ndarray, what: str) -> None:
    """Raise DataError for the first row that is wrong."""
    if wrong.any():
        raise DataError(f"{what} in row {int(wrong.argmax()) + 1}; mend or remove such rows")


def _task_of_all(columns: pd.DataFrame, asked: str) -> tuple[Task, str]:
    """Return the task of all columns to predict, and why. Raises DataError for columns of different tasks."""
    found = {str(name): _task(columns[name], str(name), asked) for name in columns}
    tasks = {task for task, _ in found.values()}
    if len(tasks) > 1:
        told = "; ".join(f"{reason}: {task}" for task, reason in found.values())
        raise DataError(f"one model predicts labels or numbers, not both ({told}); give --task, or fit them one by one")
    return tasks.pop(), "; ".join(dict.fromkeys(reason for _, reason in found.values()))


def _side_by_side(columns: Sequence[np.ndarray]) -> np.ndarray:
    """Return columns as one array: as texts where some are, truth values as 0 and 1."""
    import numpy as np

    if any(column.dtype.kind in "OU" for column in columns):
        return np.column_stack([column.astype(str).astype(object) for column in columns])
    return np.column_stack([column.astype(int) if column.dtype.kind == "b" else column for column in columns])


def _task(column: pd.Series, name: str, asked: str) -> tuple[Task, str]:
    distinct = column.nunique()
    kind = "number" if _is_numeric(column) else "text"
    if asked == "regression" and kind == "text":
        raise DataError(f"the target {name!r} holds text such as {column.iloc[0]!r}; regression needs numbers")
    if asked == "classification" and kind == "number" and not _is_whole(column):
        fraction = next(value for value in column if value % 1)
        raise DataError(f"the target {name!r} holds fractions such as {fraction:g}; use --task regression")
    if asked in ("classification", "regression"):
        return asked, "as asked"  # type: ignore[return-value]
    if column.dtype.kind == "b" or kind == "text":
        what = "true or false" if column.dtype.kind == "b" else "text"
        return "classification", f"{name!r} holds {what}, {distinct} classes"
    few = distinct == 2 or (distinct <= MOST_CLASSES and distinct * LEAST_ROWS_PER_CLASS <= len(column))
    if _is_whole(column) and few:
        return "classification", f"{name!r} holds {distinct} distinct whole numbers"
    return "regression", f"{name!r} holds numbers, {distinct} of them distinct"


def _is_numeric(column: pd.Series) -> bool:
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    return is_numeric_dtype(column) and not is_bool_dtype(column)


def _is_whole(column: pd.Series) -> bool:
    return _is_numeric(column) and bool((column.astype("float64") % 1 == 0).all())


def _labels(column: pd.Series, name: str) -> np.ndarray:
    from pandas.api.types import is_bool_dtype

    if is_bool_dtype(column):
        labels = column.to_numpy(dtype=bool)
    elif _is_numeric(column):
        labels = column.to_numpy(dtype="int64")
    else:
        labels = _column(column.to_frame(name), name, "text").astype(str)
    if (labels == labels[0]).all():
        raise DataError(f"the target {name!r} has one class only, {labels[0].item()!r}; there is nothing to tell apart")
    if column.is_unique:
        raise DataError(
            f"each of the {len(labels)} values of the target {name!r} occurs in one row only; classes need several:"
            " give another --target, or --task regression for numbers"
        )
    return labels  # type: ignore[no-any-return]


def _quantities(column: pd.Series, name: str) -> np.ndarray:
    values = column.to_numpy(dtype="float64")
    if (values == values[0]).all():
        raise DataError(f"the target {name!r} is {values[0]:g} in all rows; there is nothing to predict")
    return values


def _column(table: pd.DataFrame, name: str, kind: str) -> Any:
    """Return a group, weight or label column as an array; it must be complete."""
    _check_complete(table[name], f"column {name!r}")
    cells = prepared(table[[name]], {name: kind})[name]
    _check_complete(cells, f"column {name!r}")  # infinities that were written as text are gaps by now
    return cells.to_numpy()
