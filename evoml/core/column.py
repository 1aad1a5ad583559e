"""What one column of a raw table holds: inferred from its cells, never from the target."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from evoml.core.errors import CellError, DataError

if TYPE_CHECKING:
    import pandas as pd

KINDS = ("number", "boolean", "category", "text", "datetime", "duration", "drop")
MOST = 0.95  # share of the cells that must be of a kind for the others to be taken as missing
SAMPLE = 200  # distinct texts that are looked at before all of them are
LEAST_ROWS = 20  # with a value of their own each, for a column to be an identifier
PROSE_WORDS = 4.0  # words of a text on average ...
PROSE_SHARE = 0.2  # ... and share of texts that occur once or differ, for a column of free text
PROSE_LENGTH = 30  # characters on average, for languages without spaces
#: Words for a missing value, but also names of levels: missing only in columns of numbers and times.
_GAP_WORDS = frozenset(
    ("none", "nil", "unknown", "missing", "undefined", "inf", "+inf", "-inf", "infinity", "-infinity", "#value!")
) | frozenset((".", "..", "...", "*", "#div/0!", "#ref!"))
_TRUTH_PAIRS = ({"true", "false"}, {"yes", "no"}, {"y", "n"}, {"t", "f"}, {"on", "off"})
_LIKE_A_TIME = re.compile(
    r"\d{1,4}[-/.]\d{1,2}([-/.]\d{1,4})?\b.*|.*\b[A-Za-z]{3,9}\.? \d.*|\d{1,2}[ -][A-Za-z]{3,9}.*"
)
_NAME_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_NAMES_OF_IDENTIFIERS = frozenset(("id", "ids", "uuid", "guid", "index", "idx", "key", "rownum", "rowid"))


@dataclass(frozen=True)
class Column:
    """What was found of one column of a raw table.

    Attributes
    ----------
    name : str
    kind : str
        One of KINDS; "drop" for a column that is left out.
    why : str
        What speaks for it, in words.
    n_unique : int
        Distinct values, missing ones not counted.
    missing : float
        Share of missing cells, in whatever disguise.
    example : str
        The first value.
    settings : mapping
        What reading it takes beside the kind: see :class:`evoml.core.clean_table.CleanTable`.
    """

    name: str
    kind: str
    why: str
    n_unique: int
    missing: float
    example: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def reading(self) -> Any:
        """The column's entry among the columns of a CleanTable."""
        return {"kind": self.kind, **self.settings} if self.settings else self.kind

    def left_out(self, why: str) -> Column:
        return replace(self, kind="drop", why=why, settings={})


def column_of(column: pd.Series, name: str, wanted: str | None) -> Column:
    """Return what a column holds; ``wanted`` is the kind that the user knows better. Raises DataError for odd cells."""
    from pandas.api import types

    if types.is_complex_dtype(column):
        raise DataError(f"Complex data not supported: column {name!r}; split it into real and imaginary parts")
    if wanted is not None:
        return _as_wanted(column, name, wanted)
    if types.is_datetime64_any_dtype(column):
        return _of_times(column, name, None, "dates or times")
    if types.is_timedelta64_dtype(column):
        return _of_numbers(column, name, "duration", "durations")
    if types.is_bool_dtype(column):
        return _of_numbers(column, name, "boolean", "truth values")
    if types.is_numeric_dtype(column):
        return _of_numbers(column, name, "number", "numbers")
    if not isinstance(column.dtype, _categorical()):
        inferred = types.infer_dtype(column, skipna=True)
        if inferred in ("integer", "floating", "mixed-integer-float", "decimal", "boolean"):
            kind = "boolean" if inferred == "boolean" else "number"
            return _of_numbers(column, name, kind, "truth values" if kind == "boolean" else "numbers")
        _refuse_containers(column, name)
    return _of_texts(column, name)


def _categorical() -> type:
    import pandas as pd

    return pd.CategoricalDtype


def _refuse_containers(column: pd.Series, name: str) -> None:
    present = column.dropna()
    if any(isinstance(value, (dict, list, set)) for value in present.head(100)):
        raise CellError(
            "argument must be a string or a number in every cell,"
            f" but column {name!r} holds a {type(present.iloc[0]).__name__}"
        )


def _as_wanted(column: pd.Series, name: str, wanted: str) -> Column:
    """Return the column in the kind that the user wants."""
    from evoml.core.clean_table import distinct_texts, parse_numbers

    kind, _, time_format = wanted.partition(" ")
    codes, texts = distinct_texts(column)
    facts = _facts(name, kind, "as asked", codes, texts)
    if kind == "datetime":
        return _of_times(column, name, time_format or _time_format(column, texts), "as asked")
    if kind == "number":
        by_comma, by_point = (int((parse_numbers(texts, point) == parse_numbers(texts, point)).sum()) for point in ",.")
        return replace(facts, settings={"point": ","} if by_comma > by_point else {})
    return facts


def _of_numbers(column: pd.Series, name: str, kind: str, why: str) -> Column:
    from evoml.core.clean_table import numbers_of, parse_numbers, parse_truths

    numbers = numbers_of(column, parse_truths if kind == "boolean" else parse_numbers)
    return _judged(column, Column(name, kind, why, *counted(numbers), _example(column)))


def _judged(column: pd.Series, found: Column) -> Column:
    """Return a column of numbers or times, left out if it says nothing."""
    if found.missing == 1.0:
        return found.left_out("empty: no row has a value")
    if found.n_unique == 1 and found.missing == 0.0:
        return found.left_out(f"constant: {found.example} in all rows")
    if found.kind == "number" and sounds_like_identifier(found.name) and numbers_identify(column):
        return found.left_out("identifier: a whole number of its own for each row")
    return found


def counted(numbers: np.ndarray) -> tuple[int, float]:
    """Return the number of distinct values, and the share of missing ones."""
    import pandas as pd

    return int(pd.Series(numbers).nunique()), float(np.isnan(numbers).mean())


def _example(column: pd.Series) -> str:
    place = column.first_valid_index()
    if place is None:
        return ""
    return _short(str(column[column.notna()].iloc[0]))


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."


def sounds_like_identifier(name: str) -> bool:
    """Tell whether a name is one that identifiers of rows have."""
    parts = [part.lower() for part in _NAME_PARTS.findall(name)]
    return bool(parts) and (parts[-1] in _NAMES_OF_IDENTIFIERS or parts[0] in ("id", "uuid", "guid"))


def numbers_identify(column: pd.Series) -> bool:
    """Tell whether whole numbers differ from row to row."""
    from evoml.core.clean_table import numbers_of

    numbers = numbers_of(column)
    whole = len(numbers) >= LEAST_ROWS and bool((numbers == np.floor(numbers)).all())
    return whole and len(np.unique(numbers)) == len(numbers)


def _of_times(column: pd.Series, name: str, time_format: str | None, why: str) -> Column:
    """Return a column of times; of their parts, those that differ between rows."""
    from evoml.core.clean_table import TIME_PARTS, times_of

    times = times_of(column, time_format)
    parts = [part for part, of in TIME_PARTS.items() if of(times).nunique() > 1] or ["days"]
    settings = {"format": time_format, "parts": parts}
    found = Column(name, "datetime", why, int(times.nunique()), float(times.isna().mean()), _example(column), settings)
    return _judged(column, found)


# -- columns of texts ---------------------------------------------------------------------------------------------------


def _of_texts(column: pd.Series, name: str) -> Column:
    from evoml.core.clean_table import distinct_texts

    codes, texts = distinct_texts(column)
    found = _facts(name, "category", f"{len(texts)} level{'s' * (len(texts) != 1)}", codes, texts)
    if isinstance(column.dtype, _categorical()):
        found = replace(found, n_unique=len(np.unique(codes[codes >= 0])), why="a categorical column")
        return _category(found, codes)
    counts = np.bincount(codes[codes >= 0], minlength=len(texts))
    numeric = _as_number(found, texts, counts)
    if numeric is not None:
        return _judged(column, numeric) if numeric.kind != "category" else _category(numeric, codes)
    if {text.lower() for text in texts} in _TRUTH_PAIRS:
        return replace(found, kind="boolean", why="yes and no in words")
    if (time_format := _time_format(column, texts)) is not None:
        return _of_times(column, name, time_format, f"dates or times written as {time_format}")
    if _is_prose(texts, int(counts.sum())):
        return replace(found, kind="text", why=f"free text of {_words(texts):.0f} words on average")
    return _category(found, codes)


def _facts(name: str, kind: str, why: str, codes: np.ndarray, texts: list[str]) -> Column:
    first = codes[codes >= 0][:1]
    return Column(name, kind, why, len(texts), float((codes < 0).mean()), _short(texts[first[0]]) if len(first) else "")


def _category(found: Column, codes: np.ndarray) -> Column:
    """Return a column of levels, left out if they say nothing."""
    present = int((codes >= 0).sum())
    if not present:
        return found.left_out("empty: no row has a value")
    if found.n_unique == 1 and present == len(codes):
        return found.left_out(f"constant: {found.example!r} in all rows")
    if found.n_unique == present >= LEAST_ROWS:
        return found.left_out("identifier: a text of its own for each row")
    return found


def _as_number(found: Column, texts: list[str], counts: np.ndarray) -> Column | None:
    """Return a column of numbers, durations or codes written as text; None if it holds other texts."""
    from evoml.core.clean_table import parse_durations, parse_numbers

    real = np.array([text.lower() not in _GAP_WORDS for text in texts], dtype=bool)
    total = counts[real].sum()
    if 2 * total < counts.sum() or not total:
        return None

    def share(values: np.ndarray) -> float:
        return float(counts[real & ~np.isnan(values)].sum() / total)

    few = [text for text, is_real in zip(texts, real, strict=True) if is_real][:SAMPLE]
    if all(np.isnan(parse_numbers(few, point)).mean() > 0.5 for point in ".,") and np.isnan(parse_durations(few)).any():
        return None
    shares = {".": share(parse_numbers(texts))}
    if shares["."] < 1.0:
        shares[","] = share(parse_numbers(texts, ","))
    point = max(shares, key=lambda key: shares[key])
    if shares[point] >= MOST:
        if any(text[0] == "0" and text.isdigit() and len(text) > 1 for text in texts):
            return replace(found, why="codes: numbers with leading zeros")
        numbers = parse_numbers(texts, point)
        gaps = 1.0 - counts[~np.isnan(numbers)].sum() / max(counts.sum(), 1) * (1.0 - found.missing)
        unread = [text for text, number in zip(texts, numbers, strict=True) if number != number]
        why = "numbers written as text" + (
            f", with {', '.join(map(repr, unread[:3]))} taken as missing" if unread else ""
        )
        return replace(
            found, kind="number", why=why, missing=float(gaps), settings={"point": ","} if point == "," else {}
        )
    if share(parse_durations(texts)) >= MOST:
        return replace(found, kind="duration", why="times of day or durations, in seconds")
    return None


def _time_format(column: pd.Series, texts: list[str]) -> str | None:
    """Return the format of dates written as text, as skrub finds it; None where they are none."""
    import pandas as pd

    kind = pd.api.types.infer_dtype(column, skipna=True)
    if kind in ("date", "datetime", "datetime64"):
        return "ISO8601"
    real = [text for text in texts if text.lower() not in _GAP_WORDS]
    if not real or sum(bool(_LIKE_A_TIME.fullmatch(text)) for text in real[:30]) < MOST * len(real[:30]):
        return None
    from skrub import ToDatetime

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return str(ToDatetime().fit(pd.Series(real, name="times")).format_)
        except ValueError:  # not all of them are
            return None


def _is_prose(texts: list[str], n_present: int) -> bool:
    varied = len(texts) >= LEAST_ROWS and len(texts) >= PROSE_SHARE * n_present
    long = sum(map(len, texts)) >= PROSE_LENGTH * len(texts) and any(not text.isascii() for text in texts)
    names = len(texts) >= MOST * n_present and _words(texts) >= PROSE_WORDS / 2 + 0.5
    return varied and (long or names or _words(texts) >= PROSE_WORDS)


def _words(texts: list[str]) -> float:
    """Return the average number of words."""
    return sum(text.count(" ") + 1 for text in texts) / max(len(texts), 1)
