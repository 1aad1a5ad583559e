"""The columns to learn from: arrays, sparse matrices and frames read and checked at the door, text cleaned."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from evoml.core.errors import DataError, SettingError

if TYPE_CHECKING:
    import pandas as pd

    from evoml.core.clean_table import CleanTable
    from evoml.core.column import Column

MAX_DENSE_BYTES = 4 * 2**30  # a sparse input larger than this when dense is refused
NOTHING = "nothing"  # name of the constant column that stands for a table without any usable one


@dataclass(frozen=True)
class Features:
    """What was read of ``X``.

    Attributes
    ----------
    matrix : (n_rows, n_features) float64 array, or None for a table with text
    frame : pandas.DataFrame or None
        The table with text: numbers are float64, categories object with NaN where a value is missing, free text string.
    names : tuple of str, or None
        Column names, where the input had them.
    complete_numbers : bool
        Whether the columns of numbers have no missing values.
    cleaner : CleanTable or None
        What made this table of the raw one, fitted; None where it had plain numbers only.
    columns : tuple of Column
        What was inferred of each raw column.
    notes : tuple of str
        What the user should know about them.
    """

    matrix: np.ndarray | None
    frame: pd.DataFrame | None
    names: tuple[str, ...] | None
    complete_numbers: bool
    cleaner: CleanTable | None = None
    columns: tuple[Column, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """``"text"`` with free text, ``"table"`` with categories, ``"numeric"`` with missing numbers, else ``"dense"``."""
        if self.matrix is None:
            return "text" if self._has("text") else "table"
        return "dense" if self.complete_numbers else "numeric"

    @property
    def has_categories(self) -> bool:
        """Whether some columns hold categories."""
        return self.matrix is None and self._has("category")

    def _has(self, kind: str) -> bool:
        return any(column.kind == kind for column in self.columns)

    @property
    def useless(self) -> bool:
        """Whether every column of the raw table was left out, so that only a constant stands for it, or is a constant."""
        if self.columns:
            return all(column.kind == "drop" for column in self.columns)
        return self.matrix is not None and _is_constant(self.matrix[:1000]) and _is_constant(self.matrix)

    def described(self) -> pd.DataFrame:
        """Return one row a raw column: what was inferred of it, and why."""
        from evoml.core.columns import of_numbers, table_of

        return table_of(self.columns or of_numbers(self.data, self.names))

    def times(self, name: str | None = None) -> np.ndarray:
        """Return what orders the rows in time: days of the (first) column of times, or numbers of the column ``name``.

        Raises SettingError if there is no such column.
        """
        from evoml.core.clean_table import free_name

        dated = [column.name for column in self.columns if column.kind == "datetime"]
        chosen = dated[0] if name is None and dated else name
        made = free_name(f"{chosen} days", [column.name for column in self.columns if column.kind != "drop"])
        place = next((at for at, own in enumerate(self.names or ()) if own in (chosen, made)), None)
        times = None if place is None else np.asarray(self.data)[:, place]
        if times is None or (self.matrix is None and self.frame.dtypes.iloc[place].kind != "f"):  # type: ignore[union-attr]
            hint = f"columns of times are: {', '.join(dated)}" if dated else "it has no column of times"
            if left := [column for column in self.columns if column.name == name and column.kind == "drop"]:
                hint = f"it was left out ({left[0].why}), which column_kinds={{{name!r}: 'number'}} corrects; {hint}"
            what = f"no column of times or numbers {name!r}" if name else "no column to order it by"
            raise SettingError(f"cv='time' splits by time, but the table has {what}; {hint}; write cv='time:COLUMN'")
        return times.astype(np.float64)

    @property
    def data(self) -> Any:
        return self.frame if self.matrix is None else self.matrix

    @property
    def named(self) -> Any:
        """The data under its column names, if it has any: what the steps of a pipeline are fitted on."""
        import pandas as pd

        if self.matrix is None or self.names is None:
            return self.data
        return pd.DataFrame(self.matrix, columns=list(self.names))

    @property
    def layout(self) -> Layout:
        """What later tables must look like."""
        return Layout(self.names, self.cleaner is not None)


@dataclass(frozen=True)
class Layout:
    """How a fitted pipeline knows its table: by names, where there were any; as it came, where the pipeline cleans it."""

    names: tuple[str, ...] | None
    raw: bool

    def read(self, X: Any) -> Any:
        """Return new rows as the pipeline takes them. Raises DataError for text where there were plain numbers only."""
        import pandas as pd

        if self.raw:
            from evoml.core.clean_table import as_frame

            return as_frame(X) if hasattr(X, "columns") else X
        matrix = read_numbers(X)
        return matrix if self.names is None else pd.DataFrame(matrix, columns=list(self.names))


def read_features(X: Any, column_kinds: Mapping[str, str] | None = None) -> Features:
    """Read arrays, lists, sparse matrices and data frames (pandas, or any with ``to_pandas``).

    Infinities are taken as missing. ``column_kinds`` corrects what would be inferred of columns. Raises DataError
    (ValueError) for duplicate column names, an empty table or a table too large once dense.
    """
    from scipy import sparse

    if isinstance(X, Mapping) and not sparse.issparse(X):  # SciPy's dok matrices are dicts, too
        raise DataError(f"X is a {type(X).__name__}, which is no table; give pandas.DataFrame(X)")
    if hasattr(X, "collect") and not hasattr(X, "to_pandas"):
        raise DataError(f"X is a {type(X).__name__}, which holds no cells yet; give X.collect()")
    if sparse.issparse(X):
        X = _dense(X)
    if hasattr(X, "to_pandas") or hasattr(X, "columns"):
        return _read_frame(X, column_kinds)
    try:
        matrix = _matrix(X)
    except (TypeError, ValueError) as error:
        return _read_frame(_cells(X, error), column_kinds, named=False)
    if column_kinds:
        return _read_frame(matrix, column_kinds, named=False)
    return _of_matrix(matrix, None)


def read_numbers(X: Any) -> np.ndarray:
    """Return a table of numbers as a float64 matrix. Raises DataError, naming the columns, where cells are no numbers."""
    from scipy import sparse

    if not (hasattr(X, "to_pandas") or hasattr(X, "columns")):
        try:
            return _without_infinity(_matrix(_dense(X) if sparse.issparse(X) else X))
        except (TypeError, ValueError) as error:
            X = _cells(X, error)
    from evoml.core.clean_table import as_frame, numbers_of

    frame = as_frame(X)
    _check_shape(frame)
    columns = {name: numbers_of(frame[name]) for name in frame.columns}
    lost = [name for name, numbers in columns.items() if (np.isnan(numbers) & frame[name].notna().to_numpy()).any()]
    texts = [name for name in lost if frame[name].dtype.kind not in "fiub"]
    if texts:
        raise DataError(
            f"column(s) {', '.join(map(repr, texts))} hold text, but held numbers in fit; give numbers there"
        )
    return np.column_stack(list(columns.values()))


def _dense(X: Any) -> Any:
    size = X.shape[0] * X.shape[1] * 8
    if size > MAX_DENSE_BYTES:
        raise DataError(
            f"the sparse input of shape {X.shape} needs {size / 2**30:.1f} GiB as a dense table, the limit is"
            f" {MAX_DENSE_BYTES / 2**30:.0f} GiB; select columns or reduce it first, e.g. with TruncatedSVD"
        )
    return X.toarray()


def _matrix(X: Any) -> np.ndarray:
    """Return an array of numbers. Raises TypeError or ValueError for one of other things."""
    from sklearn.utils import check_array

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        matrix: np.ndarray = check_array(X, dtype=np.float64, order="C", ensure_all_finite=False)
    return matrix


def _cells(X: Any, error: Exception) -> np.ndarray:
    """Return an array with text, times or missing values of pandas as one of objects. Raises DataError if it is no table."""
    cells = np.asarray(X, dtype=object)
    if cells.ndim != 2 or not cells.size or (type(error) is ValueError and "could not convert" not in str(error)):
        raise DataError(str(error)) from error
    return cells


def _of_matrix(matrix: np.ndarray, names: tuple[str, ...] | None) -> Features:
    if np.isfinite(matrix).all():
        return Features(matrix, None, names, True)
    places = np.flatnonzero(np.isinf(matrix).any(axis=0))[:10]
    shown = ", ".join(f"x{place}" if names is None else names[place] for place in places)
    notes = (f"infinity in column(s) {shown} is taken as missing",) if len(places) else ()
    return Features(_without_infinity(matrix), None, names, not np.isnan(matrix).any() and not len(places), notes=notes)


def _is_constant(matrix: np.ndarray) -> bool:
    """Tell whether all rows are the same; missing values are."""
    first = matrix[:1]
    return bool(np.all((matrix == first) | (np.isnan(matrix) & np.isnan(first))))


def _without_infinity(matrix: np.ndarray) -> np.ndarray:
    infinite = np.isinf(matrix)
    return np.where(infinite, np.nan, matrix) if infinite.any() else matrix


def _check_shape(frame: pd.DataFrame) -> None:
    if not len(frame) or not frame.shape[1]:
        raise DataError(
            f"a table needs at least one row and one column, got shape {frame.shape} (0 sample(s) or 0 feature(s))"
        )
    doubled = [str(name) for name in frame.columns[frame.columns.duplicated()].unique()]
    if doubled:
        raise DataError(
            f"column names must differ, but these occur more than once: {', '.join(doubled)}; rename or drop them"
        )


def _cleaned(raw: pd.DataFrame, columns: Iterable[Column]) -> tuple[CleanTable, pd.DataFrame]:
    from evoml.core.clean_table import CleanTable

    cleaner = CleanTable({column.name: column.reading for column in columns if column.kind != "drop"})
    return cleaner, cleaner.fit_transform(raw).reset_index(drop=True)


def _read_frame(X: Any, column_kinds: Mapping[str, str] | None, named: bool = True) -> Features:
    from evoml.core.clean_table import as_frame, numbers_of
    from evoml.core.columns import (
        has_something_to_drop,
        holds_numbers,
        infer_columns,
        left_out,
        without_duplicates,
    )

    raw = as_frame(X)
    _check_shape(raw)
    names = tuple(X.columns) if named and all(isinstance(name, str) for name in X.columns) else None
    if not column_kinds and holds_numbers(raw) and not (names and has_something_to_drop(raw)):
        return _of_matrix(np.column_stack([numbers_of(raw[name], finite=False) for name in raw.columns]), names)
    columns = infer_columns(raw, column_kinds)
    cleaner, frame = _cleaned(raw, columns)
    distinct = without_duplicates(columns, frame, column_kinds)
    if distinct != columns:
        columns = distinct
        cleaner, frame = _cleaned(raw, columns)
    if not frame.shape[1]:
        frame[NOTHING] = np.zeros(len(raw))
    notes = left_out(columns)
    if all(dtype.kind == "f" for dtype in frame.dtypes):
        matrix = frame.to_numpy(dtype=np.float64)
        return replace(_of_matrix(matrix, tuple(frame.columns)), cleaner=cleaner, columns=columns, notes=notes)
    complete = not frame.select_dtypes("number").isna().to_numpy().any()
    return Features(None, frame, tuple(frame.columns), complete, cleaner, columns, notes)
