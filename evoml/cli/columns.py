"""The kinds of a table's columns: found when a model is fitted, saved with it, and applied again at prediction.

A number stays a number and text stays text, also where another table's values happen to look different.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Literal, TypeAlias

from evoml.core.errors import DataError, nearest

if TYPE_CHECKING:
    import pandas as pd

Kind: TypeAlias = Literal["number", "text", "time"]

_KINDS: dict[str, Kind] = {
    **dict.fromkeys(("boolean", "decimal", "integer", "floating", "mixed-integer-float", "empty"), "number"),
    **dict.fromkeys(("timedelta", "timedelta64"), "number"),
    **dict.fromkeys(("string", "categorical", "mixed-integer"), "text"),
    **dict.fromkeys(("date", "datetime", "datetime64"), "time"),
}  # type: ignore[dict-item]
_TRUTH = {"true": 1.0, "false": 0.0}


def kinds_of(table: pd.DataFrame) -> dict[str, Kind]:
    """Return the kind of each column, in order. Raises DataError for a column that is none of number, text and time."""
    return {name: _kind(table[name], name) for name in table.columns}


def prepared(table: pd.DataFrame, kinds: Mapping[str, Kind]) -> pd.DataFrame:
    """Return the columns named in ``kinds``, in that order: numbers as float64, text as str objects, NaN if missing.

    A time becomes a number: days since 1970. Raises DataError for a value that does not fit its column's kind.
    """
    import pandas as pd

    convert = {"number": _numbers, "text": _texts, "time": _days}
    columns = {name: convert[kind](table[name], name) for name, kind in kinds.items()}
    return pd.DataFrame(columns, index=table.index)


def check_columns(table: pd.DataFrame, wanted: Collection[str], ignored: Collection[str] = ()) -> list[str]:
    """Return the columns of a table that are neither wanted nor ignored.

    Raises DataError, naming them, if wanted columns are missing.
    """
    present = list(table.columns)
    missing = [name for name in wanted if name not in present]
    if missing:
        hint = nearest(missing[0], [name for name in present if name not in wanted])
        raise DataError(
            f"the table lacks {len(missing)} of the {len(wanted)} columns the model was fitted on:"
            f" {', '.join(missing[:10])}{' ...' if len(missing) > 10 else ''}{hint}"
        )
    return [name for name in present if name not in wanted and name not in ignored]


def _kind(column: pd.Series, name: str) -> Kind:
    from pandas.api.types import infer_dtype

    found = infer_dtype(column, skipna=True)
    if found not in _KINDS:
        example = type(column.dropna().iloc[0]).__name__
        raise DataError(
            f"column {name!r} holds values of type {example} ({found}); columns may hold numbers, text or times:"
            " convert or remove it"
        )
    return _KINDS[found]


def _numbers(column: pd.Series, name: str) -> pd.Series:
    import pandas as pd

    if column.dtype.kind == "m":
        return column.dt.total_seconds()
    if column.dtype == object or isinstance(column.dtype, (pd.StringDtype, pd.CategoricalDtype)):
        column = column.astype(object).map(lambda value: _TRUTH.get(str(value).strip().lower(), value))
    numbers = pd.to_numeric(column, errors="coerce")
    _check_lossless(column, numbers, name, "numbers")
    numbers = numbers.astype("float64")
    infinite = numbers.abs() == float("inf")
    if infinite.any():
        row = int(infinite.to_numpy().argmax())
        raise DataError(f"column {name!r} holds infinity in row {row + 1}; mend the value or leave it empty")
    return numbers


def _texts(column: pd.Series, name: str) -> pd.Series:
    import numpy as np

    texts = column.astype(object).map(_text)
    return texts.astype(object).where(column.notna(), np.nan)


def _text(value: object) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _days(column: pd.Series, name: str) -> pd.Series:
    import pandas as pd

    times = pd.to_datetime(column, errors="coerce", utc=True, format="ISO8601")
    _check_lossless(column, times, name, "times")
    return ((times - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(days=1)).astype("float64")


def _check_lossless(before: pd.Series, after: pd.Series, name: str, what: str) -> None:
    lost = before.notna() & after.isna()
    if lost.any():
        row = int(lost.to_numpy().argmax())
        raise DataError(
            f"column {name!r} must hold {what}, but row {row + 1} holds {before.iloc[row]!r};"
            " mend the value or leave it empty"
        )
