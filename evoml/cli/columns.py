"""The columns of a table on the command line: shown as they were understood, and checked against those a model knows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

from evoml.core.errors import DataError, SettingError, nearest

if TYPE_CHECKING:
    import pandas as pd

TEXTS = ("category", "text")  # kinds whose cells are read as text, whatever they look like
MOST_SHOWN = 20
_TRUTH = {"true": 1.0, "false": 0.0}


def kinds_from(given: Collection[str]) -> dict[str, str]:
    """Return the kind of each column from texts such as ``zip=category``. Raises SettingError for another form."""
    pairs = [one.rpartition("=") for one in given]
    if wrong := [text for text, (name, _, kind) in zip(given, pairs, strict=True) if not (name and kind)]:
        raise SettingError(f"--column takes NAME=KIND, such as zip=category; got {wrong[0]!r}")
    return {name: kind for name, _, kind in pairs}


def in_words(columns: pd.DataFrame) -> Iterator[str]:
    """Say how the columns of a table were understood: a line on all, and one on each that is more than plain numbers."""
    counts = columns.loc[columns["kind"] != "drop", "kind"].value_counts(sort=False)
    told = ", ".join(f"{count} {kind}" for kind, count in counts.items()) or "none of any use"
    special = columns[columns["why"] != "numbers"]
    yield f"columns: {told}" + (" (--column NAME=KIND corrects)" if len(special) else "")
    for row in special.head(MOST_SHOWN).itertuples():
        gaps = f", {row.missing:.0%} missing" if row.missing else ""
        kind = "left out" if row.kind == "drop" else row.kind
        example = f", e.g. {row.example!r}" if row.example and row.kind != "drop" else ""
        yield f"column {row.column}: {kind} ({row.why}{gaps}{example})"
    if len(special) > MOST_SHOWN:
        yield f"column ...: {len(special) - MOST_SHOWN} more, all of them in the report"


def prepared(table: pd.DataFrame, kinds: Mapping[str, str]) -> pd.DataFrame:
    """Return the columns named in ``kinds``, in that order: numbers as float64, text as str objects.

    What is missing is NaN, and infinity is as good as missing, as it is when a model is fitted.

    Raises DataError for a value that does not fit its column's kind.
    """
    import pandas as pd

    columns = {name: (_texts if kind in TEXTS else _numbers)(table[name], name) for name, kind in kinds.items()}
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


def _numbers(column: pd.Series, name: str) -> pd.Series:
    import pandas as pd

    if column.dtype.kind == "m":
        return column.dt.total_seconds()
    if column.dtype == object or isinstance(column.dtype, (pd.StringDtype, pd.CategoricalDtype)):
        column = column.astype(object).map(lambda value: _TRUTH.get(str(value).strip().lower(), value))
    numbers = pd.to_numeric(column, errors="coerce")
    lost = column.notna() & numbers.isna()
    if lost.any():
        row = int(lost.to_numpy().argmax())
        raise DataError(
            f"column {name!r} must hold numbers, but row {row + 1} holds {column.iloc[row]!r};"
            " mend the value or leave it empty"
        )
    numbers = numbers.astype("float64")
    return numbers.mask(numbers.abs() == float("inf"))


def _texts(column: pd.Series, name: str) -> pd.Series:
    import numpy as np

    texts = column.astype(object).map(_text)
    return texts.astype(object).where(column.notna(), np.nan)


def _text(value: object) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
