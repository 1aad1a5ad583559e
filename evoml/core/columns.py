"""What the columns of a raw table hold: inferred once, never from the target, and open to correction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from evoml.core.column import KINDS, Column, column_of, counted, numbers_identify, sounds_like_identifier
from evoml.core.errors import SettingError, nearest
from evoml.core.random import stream

if TYPE_CHECKING:
    import pandas as pd


def table_of(columns: Sequence[Column]) -> pd.DataFrame:
    """Return one row a column: column, kind, why, n_unique, missing, example."""
    import pandas as pd

    names = ("column", "kind", "why", "n_unique", "missing", "example")
    return pd.DataFrame(
        [(one.name, one.kind, one.why, one.n_unique, one.missing, one.example) for one in columns], columns=list(names)
    )


def left_out(columns: Sequence[Column]) -> tuple[str, ...]:
    """Return, as sentences, which columns are left out and why."""
    dropped = [one for one in columns if one.kind == "drop" and one.why != "as asked"]
    if not dropped:
        return ()
    named = [f"{one.name} ({one.why})" for one in dropped]
    shown = ", ".join(named[:10]) + (", ..." if len(named) > 10 else "")
    if all(one.kind == "drop" for one in columns):
        return (f"no column is of any use: {shown}; there is nothing to learn from, the model is a constant guess",)
    return (f"{len(dropped)} of {len(columns)} columns are left out: {shown}; column_kinds keeps what it names",)


def of_numbers(matrix: np.ndarray, names: Sequence[str] | None) -> tuple[Column, ...]:
    """Return the columns of a matrix of numbers; distinct values are counted in the first rows of a large one only."""
    start = matrix[: max(100, 200_000 // max(matrix.shape[1], 1))]
    return tuple(
        Column(
            f"x{place}" if names is None else names[place],
            "number",
            "numbers",
            counted(start[:, place])[0],
            float(np.isnan(matrix[:, place]).mean()),
            f"{matrix[0, place]:g}",
        )
        for place in range(matrix.shape[1])
    )


def infer_columns(frame: pd.DataFrame, wanted: Mapping[str, str] | None = None) -> tuple[Column, ...]:
    """Return what each column of a frame holds; ``wanted`` names kinds that the user knows better.

    Raises SettingError for kinds or columns that do not exist, DataError for cells that are no values.
    """
    wanted = dict(wanted or {})
    _check_wanted(wanted, list(frame.columns))
    return tuple(column_of(frame[name], name, wanted.get(name)) for name in frame.columns)


def holds_numbers(frame: pd.DataFrame) -> bool:
    """Tell whether each column has a dtype of real numbers or truth values."""
    from pandas.api.types import is_bool_dtype, is_complex_dtype, is_numeric_dtype

    return all(
        (is_numeric_dtype(dtype) or is_bool_dtype(dtype)) and not is_complex_dtype(dtype) for dtype in set(frame.dtypes)
    )


def has_something_to_drop(frame: pd.DataFrame) -> bool:
    """Tell whether a frame of numbers has a column that is constant, repeats another, or identifies rows."""
    start = frame.iloc[:1000]
    suspects = start.columns[start.nunique(dropna=False) <= 1]  # most columns vary at once
    return (
        any(frame[name].nunique(dropna=False) <= 1 for name in suspects)
        or any(sounds_like_identifier(name) and numbers_identify(frame[name]) for name in frame.columns)
        or bool(_same_columns(frame))
    )


def _same_columns(frame: pd.DataFrame) -> dict[str, str]:
    """Return each column that repeats an earlier one, and that one."""
    import pandas as pd

    weights = stream(0, len(frame)).integers(0, 2**63, size=len(frame), dtype=np.uint64) | np.uint64(1)
    first: dict[int, str] = {}
    found: dict[str, str] = {}
    for name in frame.columns:
        hashes = pd.util.hash_array(frame[name].to_numpy())  # by value, and missing ones are equal
        twin = first.setdefault(int((hashes * weights).sum(dtype=np.uint64)), name)
        if twin != name:
            found[name] = twin
    return found


def _check_wanted(wanted: Mapping[str, str], names: list[str]) -> None:
    for name, kind in wanted.items():
        if name not in names:
            raise SettingError(
                f"column_kinds names {name!r}, which is no column of the table{nearest(str(name), names)}"
            )
        if not isinstance(kind, str) or kind.split(" ", 1)[0] not in KINDS or (" " in kind and kind[:8] != "datetime"):
            raise SettingError(
                f"column_kinds: {name!r} is to be {kind!r}{nearest(str(kind), KINDS)}; it may be {', '.join(KINDS)},"
                " or a datetime with its format, such as 'datetime %d.%m.%Y'"
            )


def without_duplicates(
    columns: Sequence[Column], plain: pd.DataFrame, wanted: Mapping[str, str] | None = None
) -> tuple[Column, ...]:
    """Return columns with those left out that repeat another one in the ``plain`` table that was made of them."""
    kept = {one.name for one in columns if one.kind not in ("drop", "datetime")}
    same = _same_columns(plain[[name for name in plain.columns if name in kept]])
    same = {name: twin for name, twin in same.items() if name not in (wanted or {})}
    return tuple(one.left_out(f"duplicate of {same[one.name]!r}") if one.name in same else one for one in columns)
