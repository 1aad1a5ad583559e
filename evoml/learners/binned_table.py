"""Tables as codes of one byte for tree learners: numbers by quantile bins, categories as they are, missing values apart."""

import time
from collections.abc import Hashable
from functools import cache
from inspect import signature
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

_MANY_ROWS = 20_000  # beyond, sums by bin take most of the time, and the number of bins costs little


class BinnedTable(NamedTuple):
    """Codes that any number of models can be fitted on, each on rows of its own.

    codes: (n, c) uint8, 0 for missing; n_bins: (c,) one more than the highest code a column may have; categorical: (c,) bool.
    """

    codes: np.ndarray
    n_bins: np.ndarray
    categorical: np.ndarray


def bin_table(
    X: np.ndarray, categorical: np.ndarray | None = None, max_bins: int = 255, min_samples_bin: int | str = "auto"
) -> BinnedTable:
    """Bin an (n, c) array of floats; ``categorical`` flags columns of category codes. See `BoostingClassifier`."""
    from evoml.kernels.binning import bin_counts, bin_edges, bin_matrix

    numbers = np.ascontiguousarray(X, dtype=np.float64)
    flags = np.zeros(numbers.shape[1], bool) if categorical is None else np.asarray(categorical, bool)
    edges, offsets = bin_edges(numbers, flags, max_bins, rows_in_bin(min_samples_bin, len(numbers)))
    return BinnedTable(bin_matrix(numbers, edges, offsets, flags), bin_counts(offsets, flags), flags)


def rows_in_bin(setting: int | str, n_rows: int) -> int:
    """Rows that a bin holds at least: "auto" is 10, fewer on tables under 500 rows, up to 32 on those of 1,500 to 20,000.

    There the time to search for splits, which goes with the bins, is much of the whole; on larger tables it is little, and
    finer bins predict slightly better.
    """
    if setting != "auto":
        return int(setting)
    if n_rows > _MANY_ROWS:
        return 10
    return max(1, min(10, n_rows // 50), min(32, n_rows // 150))


class Binning(NamedTuple):
    """What a model takes over from another one of its kind that was fitted on the same table.

    learned: attributes of the model (how columns are read, and their edges); table: codes as the kind of model wants them;
    seconds: that it took.
    """

    learned: dict[str, Any]
    table: Any
    seconds: float


class Codes:
    """Codes that were made of the same columns for one model, kept for others.

    Attributes
    ----------
    of_fits : dict of Binning
        By what decides them.
    of_rows : dict of (edges, codes)
        Codes of rows to predict, by the id of the edges.
    """

    def __init__(self) -> None:
        self.of_fits: dict[Hashable, Binning] = {}
        self.of_rows: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    @property
    def n_bytes(self) -> int:
        tables = [part for binning in self.of_fits.values() for part in binning.table]
        return sum(part.nbytes for part in (*tables, *(codes for _, codes in self.of_rows.values())))


class SharedTable:
    """A table given to `fit`, `predict` and the like in place of X, so that it is read and binned once for many models.

    Models are the same bits as if they had been given X.

    Parameters
    ----------
    X : array or data frame
    codes : Codes or None
        What was made earlier of an equal X.

    Attributes
    ----------
    saved : float
        Seconds that reading and binning had taken which a fit found done.
    """

    def __init__(self, X: Any, codes: Codes | None = None) -> None:
        self.X, self.codes, self.saved = X, codes or Codes(), 0.0

    @property
    def shape(self) -> tuple[int, int]:
        return self.X.shape  # type: ignore[no-any-return]


class ColumnReader:
    """What is known of a table's columns after ``fit``: which are categorical, and a data frame's categories."""

    def fit(self, model: Any, X: Any, categorical_features: Any) -> np.ndarray:
        """Return the (n, c) float64 table; sets model.n_features_in_ and feature_names_in_."""
        self.categories: dict[int, list[Any]] = {}
        if not _is_frame(X):
            numbers = validate_data(model, X, dtype=np.float64, ensure_all_finite="allow-nan")
            self.categorical = _flags(categorical_features, numbers.shape[1], None, np.zeros(numbers.shape[1], bool))
            return numbers
        import pandas as pd

        from_dtype = np.array([_holds_categories(X.iloc[:, place]) for place in range(X.shape[1])], dtype=bool)
        self.categorical = _flags(categorical_features, X.shape[1], list(X.columns), from_dtype)
        for place in np.flatnonzero(self.categorical):
            self.categories[int(place)] = pd.Categorical(X.iloc[:, place]).categories.tolist()
        return validate_data(model, self._numbers(X), dtype=np.float64, ensure_all_finite="allow-nan")

    def read(self, model: Any, X: Any) -> np.ndarray:
        """Return the (n, c) float64 table of new rows, categories not seen in fit as missing."""
        if _is_frame(X) and self.categories:
            if X.shape[1] != len(self.categorical):
                raise ValueError(
                    f"X has {X.shape[1]} features, but {type(model).__name__} is expecting {len(self.categorical)} features"
                    " as input; give the columns that fit was given"
                )
            X = self._numbers(X)
        return validate_data(model, X, dtype=np.float64, ensure_all_finite="allow-nan", reset=False)

    def _numbers(self, X: Any) -> Any:
        """The frame with category codes, NaN missing, in place of categories."""
        if not self.categories:
            return X
        import pandas as pd

        columns = []
        for place in range(X.shape[1]):
            column = X.iloc[:, place]
            if place in self.categories:
                own = pd.Categorical(column)
                known = pd.Index(self.categories[place], dtype=object).get_indexer(own.categories.astype(object))
                codes = np.append(known, -1)[own.codes].astype(np.float64)  # the code of a missing cell is -1
                column = pd.Series(np.where(codes < 0, np.nan, codes), index=X.index)
            columns.append(column)
        frame = pd.concat(columns, axis=1)
        frame.columns = X.columns
        return frame


def _holds_categories(column: Any) -> bool:
    """Whether a frame's column has categories, or text."""
    import pandas as pd

    if isinstance(column.dtype, pd.CategoricalDtype):
        return True
    text = column.dtype.kind == "O" or pd.api.types.is_string_dtype(column.dtype)
    return text and pd.api.types.infer_dtype(column, skipna=True) in ("string", "mixed", "mixed-integer")


def _is_frame(X: Any) -> bool:
    return hasattr(X, "iloc") and hasattr(X, "columns")


def _flags(setting: Any, n_columns: int, names: list[Any] | None, from_dtype: np.ndarray) -> np.ndarray:
    """(c,) bool from what ``categorical_features`` may be: None, "from_dtype", a mask, places, or names."""
    if setting is None:
        return np.zeros(n_columns, bool)
    if isinstance(setting, str):
        if setting == "from_dtype":
            return from_dtype
        raise ValueError(f"categorical_features must be None, 'from_dtype' or a list of columns, got {setting!r}")
    wanted = np.asarray(setting)
    flags = np.zeros(n_columns, bool)
    if wanted.dtype == bool:
        if wanted.shape != (n_columns,):
            raise ValueError(f"categorical_features as a mask must have {n_columns} entries, got {len(wanted)}")
        return wanted
    for column in wanted.tolist():
        if isinstance(column, str):
            if names is None or column not in names:
                raise ValueError(
                    f"categorical_features names {column!r}, which is no column of X; name columns of a frame"
                )
            flags[names.index(column)] = True
        elif not 0 <= int(column) < n_columns:
            raise ValueError(f"categorical_features has {column}, but X has columns 0 to {n_columns - 1}")
        else:
            flags[int(column)] = True
    return flags


@cache
def _parameters(kind: type) -> tuple[str, ...]:
    return tuple(signature(kind).parameters)


# what reading and binning a table sets
_LEARNED = ("_reader", "_edges", "_offsets", "_n_bins", "n_features_in_", "feature_names_in_")


class BinnedLearner(BaseEstimator):
    """What learners on binned columns share: how a table is read, and its codes."""

    _binned_as = "rows"  # kinds of models with the same word take the same tables
    _reader: ColumnReader
    classes_: np.ndarray

    if TYPE_CHECKING:  # settings are named once, by what can be constructed

        def __getattr__(self, name: str) -> Any: ...

    def _keep_settings(self, settings: dict[str, Any]) -> None:
        """Store what a constructor was given, as it is."""
        for name in _parameters(type(self)):  # type: ignore[arg-type]
            setattr(self, name, settings[name])

    def _binned(self, X: Any, rows: np.ndarray, goes_on: bool) -> Any:
        """Return the table that X is learned from as, its edges learned from some rows, unless fitting goes on."""
        if not isinstance(X, SharedTable):
            return self._read_and_binned(X, rows, goes_on)
        own_way = not (self.categorical_features is None or isinstance(self.categorical_features, str))
        if goes_on or own_way or len(rows) < X.shape[0]:
            return self._read_and_binned(X.X, rows, goes_on)
        key = (self._binned_as, self.categorical_features, self.max_bins, self.min_samples_bin)
        if key in X.codes.of_fits:
            binning = X.codes.of_fits[key]
            X.saved += binning.seconds
            for name in _LEARNED:
                self.__dict__.pop(name, None)
            self.__dict__.update(binning.learned)
            return binning.table
        began = time.perf_counter()
        table = self._read_and_binned(X.X, rows, False)
        learned = {name: value for name, value in vars(self).items() if name in _LEARNED}
        X.codes.of_fits[key] = Binning(learned, table, time.perf_counter() - began)
        return table

    def _read_and_binned(self, X: Any, rows: np.ndarray, goes_on: bool) -> Any:
        from evoml.kernels.binning import bin_counts, bin_edges

        if goes_on:
            numbers = self._reader.read(self, X)
        else:
            self._reader = ColumnReader()
            numbers = self._reader.fit(self, X, self.categorical_features)
            learned_from = numbers[rows] if len(rows) < len(numbers) else numbers
            per_bin = rows_in_bin(self.min_samples_bin, len(rows))
            self._edges, self._offsets = bin_edges(learned_from, self._reader.categorical, self.max_bins, per_bin)
            self._n_bins = bin_counts(self._offsets, self._reader.categorical)
        return self._table(numbers, self._codes(numbers), rows)

    def _table(self, numbers: np.ndarray, codes: np.ndarray, rows: np.ndarray) -> Any:
        """Return codes as the kind of model wants them; ``rows`` of the numbers are those that edges were learned from."""
        return BinnedTable(codes, self._n_bins, self._reader.categorical)

    def _codes_of(self, X: Any) -> np.ndarray:
        """(n, c) codes of rows to predict."""
        if not isinstance(X, SharedTable):
            return self._codes(self._reader.read(self, X))
        edges, codes = X.codes.of_rows.get(id(self._edges), (None, None))
        if edges is not self._edges or codes is None:
            codes = self._codes(self._reader.read(self, X.X))
            X.codes.of_rows[id(self._edges)] = self._edges, codes
        return codes

    def _codes(self, numbers: np.ndarray) -> np.ndarray:
        from evoml.kernels.binning import bin_matrix

        return bin_matrix(numbers, self._edges, self._offsets, self._reader.categorical)


class BinnedClassifier(ClassifierMixin, BinnedLearner):
    """What classifiers among them share."""

    def _class_codes(self, y: np.ndarray, goes_on: bool) -> np.ndarray:
        """Codes of the labels, float64; sets classes_, which must stay the same where fitting goes on."""
        if y.dtype.kind not in "biuUS":  # those are labels whatever they hold
            check_classification_targets(y)
        classes, codes = np.unique(y, return_inverse=True)
        if goes_on and not np.array_equal(classes, self.classes_):
            raise ValueError(
                f"warm_start goes on with classes {self.classes_}, got {classes}; fit anew with warm_start=False"
            )
        self.classes_ = classes
        return codes.astype(np.float64)

    def predict_proba(self, X: Any) -> np.ndarray:
        """(n, k) probabilities of classes_."""
        raise NotImplementedError

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class."""
        places = np.argmax(self.predict_proba(X), axis=1)
        return self.classes_[places]


def seed_of(random_state: Any) -> int:
    """Return the seed that ``random_state`` means: fresh entropy for None, so that NumPy's global state is left as it is."""
    if random_state is None:
        return int(np.random.default_rng().integers(2**31 - 1))
    return int(check_random_state(random_state).randint(2**31 - 1))
