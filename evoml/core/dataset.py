"""The table: read and checked once at the door, then only ever looked at."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from evoml.core.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

Task = Literal["classification", "regression"]
MAX_DENSE_BYTES = 4 * 2**30  # a sparse input larger than this when dense is refused


@dataclass(frozen=True)
class Features:
    """What was read of ``X``.

    Attributes
    ----------
    matrix : (n_rows, n_features) float64 array, or None for a table with text
    frame : pandas.DataFrame or None
        The table with text; columns of numbers are float64, all others object with NaN where a value is missing.
    names : tuple of str, or None
        Column names, where the input had them.
    complete_numbers : bool
        Whether the columns of numbers have no missing values.
    """

    matrix: np.ndarray | None
    frame: pd.DataFrame | None
    names: tuple[str, ...] | None
    complete_numbers: bool

    @property
    def kind(self) -> str:
        """``"table"`` with text, ``"numeric"`` with missing numbers, ``"dense"`` with finite numbers only."""
        return "table" if self.matrix is None else "dense" if self.complete_numbers else "numeric"

    @property
    def data(self) -> Any:
        return self.frame if self.matrix is None else self.matrix

    @property
    def named(self) -> Any:
        """The data under its column names, if it has any: what a fitted pipeline is shown."""
        import pandas as pd

        if self.matrix is None or self.names is None:
            return self.data
        return pd.DataFrame(self.matrix, columns=list(self.names))

    @property
    def layout(self) -> Layout:
        """Names and kinds of the columns, which later tables must share."""
        if self.matrix is not None:
            return Layout(self.names, None)
        text = tuple(dtype.kind == "O" for dtype in self.frame.dtypes)  # type: ignore[union-attr]
        return Layout(tuple(self.frame.columns), text)  # type: ignore[union-attr]


@dataclass(frozen=True)
class Layout:
    """How a fitted pipeline knows its columns: their names, and for a table with text, which columns hold it."""

    names: tuple[str, ...] | None
    text: tuple[bool, ...] | None

    def like_fitted(self, features: Features) -> Any:
        """Return new rows in this layout. Raises DataError for text where there were numbers."""
        import pandas as pd

        if self.text is None:
            if features.matrix is None:
                raise DataError(
                    f"column(s) {_text_columns(features)} hold text, but held numbers in fit; give numbers there"
                )
            return features.matrix if self.names is None else pd.DataFrame(features.matrix, columns=list(self.names))
        frame = pd.DataFrame(features.data, copy=True)
        frame.columns = list(self.names or frame.columns)
        for name, text in zip(frame.columns, self.text, strict=True):
            if text:
                frame[name] = _texts(frame[name])
            elif frame[name].dtype.kind == "O":
                raise DataError(f"column {name!r} holds text, but held numbers in fit; give numbers there")
        return frame


def _text_columns(features: Features) -> str:
    frame = features.frame
    return ", ".join(repr(name) for name in frame.columns[[dtype.kind == "O" for dtype in frame.dtypes]])  # type: ignore[union-attr]


def read_features(X: Any) -> Features:
    """Read arrays, lists, sparse matrices and data frames (pandas, or any with ``to_pandas``).

    Raises DataError (ValueError) for duplicate column names, infinities, an empty table or a table too large once dense.
    """
    from scipy import sparse

    if sparse.issparse(X):
        return _read_array(_dense(X))
    if hasattr(X, "to_pandas") and not hasattr(X, "iloc"):
        X = X.to_pandas()
    if hasattr(X, "iloc") and hasattr(X, "columns"):
        return _read_frame(X)
    return _read_array(X)


def _dense(X: Any) -> Any:
    size = X.shape[0] * X.shape[1] * 8
    if size > MAX_DENSE_BYTES:
        raise DataError(
            f"the sparse input of shape {X.shape} needs {size / 2**30:.1f} GiB as a dense table, the limit is"
            f" {MAX_DENSE_BYTES / 2**30:.0f} GiB; select columns or reduce it first, e.g. with TruncatedSVD"
        )
    return X.toarray()


def _read_array(X: Any) -> Features:
    from sklearn.utils import check_array

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            matrix = check_array(X, dtype=np.float64, order="C", ensure_all_finite=False)
    except (TypeError, ValueError) as error:  # text, times or missing values of pandas in an array of objects
        import pandas as pd

        cells = np.asarray(X, dtype=object)
        if cells.ndim != 2 or not cells.size or (type(error) is ValueError and "could not convert" not in str(error)):
            raise DataError(str(error)) from error
        return _read_frame(pd.DataFrame(cells).infer_objects(), named=False)
    _refuse_infinity({f"x{i}": values for i, values in enumerate(matrix.T)})
    return Features(matrix, None, None, not np.isnan(matrix).any())


def _refuse_infinity(columns: Mapping[str, np.ndarray]) -> None:
    infinite = [name for name, values in columns.items() if np.isinf(values).any()]
    if infinite:
        shown = ", ".join(infinite[:10]) + (", ..." if len(infinite) > 10 else "")
        raise DataError(f"Input X contains infinity in column(s) {shown}; replace inf by NaN or a number")


def _read_frame(X: pd.DataFrame, named: bool = True) -> Features:
    if not len(X) or not X.shape[1]:
        raise DataError(
            f"a table needs at least one row and one column, got shape {X.shape} (0 sample(s) or 0 feature(s))"
        )
    doubled = [str(name) for name in X.columns[X.columns.duplicated()].unique()]
    if doubled:
        raise DataError(
            f"column names must differ, but these occur more than once: {', '.join(doubled)}; rename or drop them"
        )
    names = tuple(X.columns) if named and all(isinstance(name, str) for name in X.columns) else None
    frame = X.apply(_read_column)
    numbers = frame.select_dtypes("number")
    _refuse_infinity({str(name): numbers[name].to_numpy() for name in numbers})
    complete = not numbers.isna().to_numpy().any()
    if numbers.shape[1] == frame.shape[1]:
        return Features(frame.to_numpy(dtype=np.float64), None, names, complete)
    frame.columns = list(names) if names is not None else [f"x{i}" for i in range(frame.shape[1])]
    return Features(None, frame, names, complete)


def _read_column(column: pd.Series) -> pd.Series:
    """Return numbers, booleans and times as float64 (times in seconds since 1970), all else as objects with NaN."""
    import pandas as pd

    types = pd.api.types
    if types.is_complex_dtype(column):
        raise DataError(f"Complex data not supported: column {column.name!r}; split it into real and imaginary parts")
    if types.is_bool_dtype(column) or types.is_numeric_dtype(column):
        return _floats(column)
    if types.is_datetime64_any_dtype(column) or types.is_timedelta64_dtype(column):
        origin = (
            pd.Timestamp(0, tz=getattr(column.dt, "tz", None))
            if types.is_datetime64_any_dtype(column)
            else pd.Timedelta(0)
        )
        return (column - origin).dt.total_seconds()
    values = column.astype(object)
    present = values.dropna()
    if len(present) and all(isinstance(value, (bool, int, float, Decimal, np.number, np.bool_)) for value in present):
        return _floats(values)
    if any(isinstance(value, (dict, list, set)) for value in present.head(100)):
        raise TypeError(
            "argument must be a string or a number in every cell,"
            f" but column {column.name!r} holds a {type(present.iloc[0]).__name__}"
        )
    return _texts(values)


def _texts(column: pd.Series) -> pd.Series:
    """Return a column as text, NaN where a value is missing, in dtype object whatever version of pandas is used."""
    import pandas as pd

    values = [_text(value) for value in column.astype(object).where(column.notna(), np.nan)]
    return pd.Series(values, index=column.index, name=column.name, dtype=object)


def _text(value: Any) -> Any:
    """Return a cell as text: 1 and 1.0 alike, since whole numbers become floats when a column has no text."""
    if not isinstance(value, (float, np.floating)):
        return str(value)
    return value if value != value else str(int(value)) if value.is_integer() else str(float(value))


def _floats(column: pd.Series) -> pd.Series:
    import pandas as pd

    return pd.Series(
        pd.to_numeric(column).to_numpy(dtype=np.float64, na_value=np.nan), index=column.index, name=column.name
    )


@dataclass(frozen=True, eq=False)
class Dataset:
    """A table with its target, ready to be evaluated on; never changed after it was read.

    Attributes
    ----------
    features : Features
    y : (n_rows,) array
        Codes 0 .. n_classes - 1 for classification, float64 for regression.
    task : {"classification", "regression"}
    classes : (n_classes,) array or None
        The label that each code stands for, sorted.
    sample_weight, groups : (n_rows,) array or None
    """

    features: Features
    y: np.ndarray
    task: Task
    classes: np.ndarray | None = None
    sample_weight: np.ndarray | None = None
    groups: np.ndarray | None = None
    notes: tuple[str, ...] = field(default=())

    @property
    def n_rows(self) -> int:
        return len(self.y)

    def take(self, rows: np.ndarray) -> Dataset:
        """Return the dataset of ``rows`` (numbers, repeats allowed); classes without a row are gone from it."""
        features, y, classes = self.features, self.y[rows], self.classes
        if classes is not None:
            present, y = np.unique(y, return_inverse=True)
            classes = classes[present]
        matrix = None if features.matrix is None else features.matrix[rows]
        frame = None if features.frame is None else features.frame.iloc[rows].reset_index(drop=True)
        return replace(
            self,
            features=replace(features, matrix=matrix, frame=frame),
            y=y,
            classes=classes,
            sample_weight=None if self.sample_weight is None else self.sample_weight[rows],
            groups=None if self.groups is None else self.groups[rows],
        )

    @property
    def n_features(self) -> int:
        return int(self.features.data.shape[1])

    @property
    def n_bytes(self) -> int:
        """Bytes of the features."""
        data = self.features.data
        return int(data.nbytes if isinstance(data, np.ndarray) else data.memory_usage(deep=False).sum())

    @property
    def labels(self) -> np.ndarray:
        """The target as the user gave it."""
        return self.y if self.classes is None else self.classes[self.y]

    @property
    def class_rows(self) -> int:
        """Rows of the smallest class; 0 for regression."""
        return 0 if self.classes is None else int(np.bincount(self.y, minlength=len(self.classes)).min())

    @cached_property
    def fingerprint(self) -> str:
        """Hash of all that was read: equal for equal tables, targets, weights and groups."""
        import pandas as pd

        digest = hashlib.blake2b(digest_size=16)
        data = self.features.data
        if isinstance(data, np.ndarray):
            digest.update(np.ascontiguousarray(data).tobytes())
        else:
            digest.update(pd.util.hash_pandas_object(data, index=False).to_numpy().tobytes())
        for array in (self.labels, self.sample_weight, self.groups):
            digest.update(b"-" if array is None else pd.util.hash_array(np.asarray(array)).tobytes())
        return digest.hexdigest()


def read_dataset(X: Any, y: Any, task: Task, sample_weight: Any = None, groups: Any = None) -> Dataset:
    """Read and check a table for ``task``.

    Raises DataError, with what to do, for a target with
    missing or infinite values, a single class or row, a continuous target of a classifier, and lengths that differ.
    """
    features = read_features(X)
    target, classes = read_target(y, task)
    if len(features.data) != len(target):
        raise DataError(
            f"Found input variables with inconsistent numbers of samples: {[len(features.data), len(target)]};"
            " give one target value for each row of X"
        )
    weight = _read_weight(sample_weight, target)
    grouping = None if groups is None else np.asarray(groups)
    if grouping is not None and grouping.shape != target.shape:
        raise DataError(f"groups must have one value a row ({len(target)}), got shape {grouping.shape}")
    dataset = Dataset(features, target, task, classes, weight, grouping)
    if dataset.n_rows < 2:
        raise DataError(f"a model needs at least two rows, got n_samples = {dataset.n_rows}; give more rows")
    if task == "classification" and len(np.unique(dataset.y)) < 2:
        label = dataset.labels.tolist()[0]
        raise DataError(
            f"a classifier needs at least two classes, the target has one class: {label!r}; check the target column"
        )
    return replace(dataset, notes=_oddities(dataset))


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


def _read_weight(sample_weight: Any, target: np.ndarray) -> np.ndarray | None:
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


def _oddities(dataset: Dataset) -> tuple[str, ...]:
    """Return warnings about the table that the user should read."""
    import pandas as pd

    data, names = dataset.features.data, dataset.features.names
    frame = data if hasattr(data, "nunique") else pd.DataFrame(data)
    suspects = np.flatnonzero(frame.iloc[:1000].nunique(dropna=False) <= 1)  # most columns vary at once
    found = suspects[np.asarray(frame.iloc[:, suspects].nunique(dropna=False) <= 1, dtype=bool)]
    constant = [str(names[i]) if names else f"x{i}" for i in found]
    if not constant:
        return ()
    shown = ", ".join(constant[:10]) + (", ..." if len(constant) > 10 else "")
    every = len(constant) == dataset.n_features
    advice = (
        "there is nothing to learn from: expect the quality of a constant guess"
        if every
        else "they carry no information"
    )
    return (f"{len(constant)} of {dataset.n_features} columns are constant ({shown}); {advice}",)
