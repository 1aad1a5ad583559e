"""The table as it came, made plain: numbers, categories and texts, missing values as such.

This module stands alone: an exported script carries its text along, so that it reads the same raw tables as the model did.
"""

import re
from collections.abc import Callable, Container, Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

#: What stands for a missing cell in any column, whatever its case.
MISSING = frozenset(("", "?", "-", "--", "na", "n/a", "#n/a", "#na", "<na>", "nan", "-nan", "nat", "null", "<null>"))
TRUTHS = {**dict.fromkeys(("true", "yes", "y", "t", "on"), 1.0), **dict.fromkeys(("false", "no", "n", "f", "off"), 0.0)}
#: What can be read off a time: fractional days since 1970, and what recurs.
TIME_PARTS: dict[str, Callable[[Any], Any]] = {
    "days": lambda times: (times - pd.Timestamp(0).as_unit("us")) / pd.Timedelta(days=1),
    "year": lambda times: times.dt.year,
    "month": lambda times: times.dt.month,
    "day": lambda times: times.dt.day,
    "weekday": lambda times: times.dt.day_of_week,
    "hour": lambda times: times.dt.hour + times.dt.minute / 60 + times.dt.second / 3600,
}
_UNIT = r"(?:[$€£¥₹₽₩%]|US\$|USD|EUR|GBP|CHF|JPY|CNY|INR|CAD|AUD|SEK|NOK|DKK|PLN|BRL|RUB)"
_AMOUNT = r"[1-9]\d{0,2}(?:[GROUP' \u00a0\u202f]\d{3})+(?:POINT\d+)?|\d+(?:POINT\d*)?|POINT\d+"
_NUMBER = rf"(?P<open>\()?\s*(?P<sign>[-+]?)\s*{_UNIT}?\s*(?P<inner>[-+]?)\s*(?P<amount>{_AMOUNT})\s*{_UNIT}?\s*(?P<close>\))?"
_NUMBERS = {
    ".": re.compile(_NUMBER.replace("GROUP", ",").replace("POINT", r"\.")),
    ",": re.compile(_NUMBER.replace("GROUP", ".").replace("POINT", ",")),
}
_BARE = {
    point: str.maketrans({group: None, "'": None, " ": None, "\u00a0": None, "\u202f": None, point: "."})
    for point, group in ((".", ","), (",", "."))
}
_CLOCK = re.compile(r"(\d+ days? )?\d{1,3}:\d{2}(?P<seconds>:\d{2}(\.\d+)?)?")


def as_frame(X: Any) -> pd.DataFrame:
    """Return any table as a data frame of pandas, its columns named x0, x1, ... unless all of them have texts as names."""
    if hasattr(X, "to_pandas") and not hasattr(X, "iloc"):
        try:
            X = X.to_pandas()
        except ImportError:  # polars needs pyarrow for it
            X = pd.DataFrame(X.to_dict(as_series=False))
    frame = X if hasattr(X, "iloc") else pd.DataFrame(np.asarray(X, dtype=object)).infer_objects()
    if not all(isinstance(name, str) for name in frame.columns):
        frame = frame.set_axis([f"x{place}" for place in range(frame.shape[1])], axis=1)
    return frame


def free_name(name: str, taken: Container[str]) -> str:
    """Return a name for a column that is made of another, primed where one of the table has it already."""
    while name in taken:
        name += "'"
    return name


def distinct_texts(column: pd.Series) -> tuple[np.ndarray, list[str]]:
    """Return the place of each cell among the distinct texts of a column, -1 for a missing one, and those texts."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes, values = column.cat.codes.to_numpy(), [_text(value) for value in column.cat.categories]
    else:
        cells = column.astype(object)
        if pd.api.types.infer_dtype(column, skipna=True) not in ("string", "empty"):
            cells = cells.map(_text, na_action="ignore")
        codes, found = pd.factorize(cells.to_numpy())
        values = found.tolist()
    stripped = ["" if value.strip().lower() in MISSING else value.strip() for value in values]
    places, kept = pd.factorize(np.array([*stripped, ""], dtype=object))
    empty = places[-1]
    order = np.where(places == empty, -1, places - (places > empty))
    return order[codes], [text for text in kept.tolist() if text]


def _text(value: Any) -> str:
    """Return a cell as text: 1 and 1.0 alike, since whole numbers become floats when a column has gaps."""
    if not isinstance(value, (float, np.floating)):
        return str(value)
    return str(int(value)) if float(value).is_integer() else str(float(value))


def parse_numbers(texts: list[str], point: str = ".") -> np.ndarray:
    """Return texts as numbers, NaN for what is none: also amounts of money, percentages, thousands, (negative) amounts.

    ``point`` is the decimal separator; the other one of point and comma may separate thousands.
    """
    if point == ".":
        found = np.array(pd.to_numeric(pd.Series(texts, dtype=object), errors="coerce"), dtype=np.float64)
    else:
        found = np.full(len(texts), np.nan)
    for place in np.flatnonzero(np.isnan(found)):
        match = _NUMBERS[point].fullmatch(texts[place])
        if match is None or bool(match["open"]) != bool(match["close"]) or (match["sign"] and match["inner"]):
            continue
        digits = match["amount"].translate(_BARE[point])
        negative = match["open"] or "-" in (match["sign"], match["inner"])
        found[place] = float(digits) * (-1.0 if negative else 1.0) / (100.0 if "%" in match[0] else 1.0)
    return np.where(np.isinf(found), np.nan, found)


def parse_truths(texts: list[str]) -> np.ndarray:
    """Return words such as yes and false as 1 and 0; numbers as they are, NaN for what is neither."""
    numbers = parse_numbers(texts)
    return np.array(
        [TRUTHS.get(text.lower(), number) for text, number in zip(texts, numbers, strict=True)], dtype=float
    )


def parse_durations(texts: list[str]) -> np.ndarray:
    """Return durations and times of a day such as 12:30, 12:30:05 or 2 days 12:30:05 in seconds, NaN for what is none."""
    matches = [_CLOCK.fullmatch(text) for text in texts]
    full = [match and f"{match[0]}{'' if match['seconds'] else ':00'}" for match in matches]
    return np.array(pd.to_timedelta(pd.Series(full, dtype=object), errors="coerce").dt.total_seconds(), dtype=float)


def numbers_of(
    column: pd.Series, parse: Callable[[list[str]], np.ndarray] = parse_numbers, finite: bool = True
) -> np.ndarray:
    """Return a column as float64: numbers and truth values as they are, texts as ``parse`` reads them.

    With ``finite``, infinity is NaN.
    """
    types = pd.api.types
    if types.is_bool_dtype(column) or types.is_numeric_dtype(column):
        numbers = pd.to_numeric(column).to_numpy(dtype=np.float64, na_value=np.nan)
        return np.where(np.isinf(numbers), np.nan, numbers) if finite and np.isinf(numbers).any() else numbers
    if types.is_timedelta64_dtype(column):
        return column.dt.total_seconds().to_numpy(dtype=np.float64)
    codes, texts = distinct_texts(column)
    return np.append(parse(texts), np.nan)[codes]


def times_of(column: pd.Series, format: str | None = None) -> pd.Series:
    """Return a column as times without zone (in UTC where there was one), NaT for what is none."""
    if not pd.api.types.is_datetime64_any_dtype(column):
        codes, texts = distinct_texts(column)
        parsed = pd.to_datetime(pd.Series(texts, dtype=object), format=format or "ISO8601", errors="coerce", utc=True)
        column = pd.concat([parsed, pd.Series([pd.NaT], dtype=parsed.dtype)]).iloc[codes].set_axis(column.index)
    naive = column if column.dt.tz is None else column.dt.tz_convert("UTC").dt.tz_localize(None)
    return naive.dt.as_unit("us")  # nanoseconds would end in the year 2262


class CleanTable(TransformerMixin, BaseEstimator):
    """Make raw columns plain: float64 for numbers, object with NaN for categories, string for free text.

    Nothing is learned but the medians of those columns of numbers that are complete in ``fit``: they stand in where a later
    table has gaps there, since steps that follow may not know of any.

    Parameters
    ----------
    columns : dict of name to kind
        The columns to keep: "number", "boolean", "category", "text", "duration" or "datetime"; or a dict with that ``kind``,
        the ``point`` of numbers ("." or ","), the ``format`` of times, and which ``parts`` of TIME_PARTS become columns.
    """

    def __init__(self, columns: Mapping[str, Any]) -> None:
        self.columns = columns

    def fit(self, X: Any, y: Any = None) -> Any:
        self.fit_transform(X)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> pd.DataFrame:
        """Return the plain table of X, gaps and all."""
        raw = as_frame(X)
        if hasattr(X, "columns") and all(isinstance(name, str) for name in X.columns):
            self.feature_names_in_ = np.asarray(raw.columns, dtype=object)
        self.n_features_in_ = raw.shape[1]
        frame = self._plain(raw)
        numbers = frame.select_dtypes("number")
        self.medians_ = numbers.loc[:, numbers.notna().all()].median().to_dict()
        self._names_out = list(frame.columns)
        return frame

    def transform(self, X: Any) -> pd.DataFrame:
        check_is_fitted(self, "medians_")
        return self._plain(as_frame(X)).fillna(self.medians_)

    def _plain(self, raw: pd.DataFrame) -> pd.DataFrame:
        lost = [name for name in self.columns if name not in raw.columns]
        if lost:
            raise ValueError(f"the table lacks column(s) {', '.join(map(repr, lost[:10]))} that were there in fit")
        plain: dict[str, Any] = {}
        for name, kind in self.columns.items():
            settings = dict(kind) if isinstance(kind, Mapping) else {"kind": kind}
            made = _CONVERSIONS[settings.pop("kind")](name, raw[name], **settings)
            plain.update({one if one == name else free_name(one, self.columns): cells for one, cells in made.items()})
        return pd.DataFrame(plain).set_axis(raw.index, axis=0) if plain else pd.DataFrame(index=raw.index)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        check_is_fitted(self, "medians_")
        return np.array(self._names_out, dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.string = tags.input_tags.categorical = True
        return tags


def _numbers(name: str, column: pd.Series, point: str = ".") -> dict[str, Any]:
    return {name: numbers_of(column, lambda texts: parse_numbers(texts, point))}


def _truths(name: str, column: pd.Series) -> dict[str, Any]:
    return {name: numbers_of(column, parse_truths)}


def _durations(name: str, column: pd.Series) -> dict[str, Any]:
    return {name: numbers_of(column, parse_durations)}


def _categories(name: str, column: pd.Series) -> dict[str, Any]:
    codes, texts = distinct_texts(column)
    return {name: pd.Series(np.array([*texts, np.nan], dtype=object)[codes], dtype=object)}


def _texts(name: str, column: pd.Series) -> dict[str, Any]:
    codes, texts = distinct_texts(column)
    return {name: pd.Series(np.array([*texts, ""], dtype=object)[codes], dtype=pd.StringDtype("python"))}


def _times(
    name: str, column: pd.Series, format: str | None = None, parts: tuple[str, ...] = tuple(TIME_PARTS)
) -> dict[str, Any]:
    times = times_of(column, format)
    return {f"{name} {part}": np.asarray(TIME_PARTS[part](times), dtype=np.float64) for part in parts}


_CONVERSIONS: dict[str, Callable[..., dict[str, Any]]] = {
    "number": _numbers, "boolean": _truths, "duration": _durations, "category": _categories, "text": _texts,
    "datetime": _times,
}  # fmt: skip
