"""Tables as codes of one byte for tree learners: numbers by quantile bins, categories as they are, missing values apart."""

from inspect import signature
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data


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
    """Rows that a bin holds at least: "auto" is up to 10, fewer on tables under 500 rows."""
    return min(10, max(1, n_rows // 50)) if setting == "auto" else int(setting)


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


class BinnedLearner(BaseEstimator):
    """What learners on binned columns share: how a table is read, and its codes."""

    _reader: ColumnReader
    classes_: np.ndarray

    if TYPE_CHECKING:  # settings are named once, by what can be constructed

        def __getattr__(self, name: str) -> Any: ...

    def _keep_settings(self, settings: dict[str, Any]) -> None:
        """Store what a constructor was given, as it is."""
        for name in signature(type(self)).parameters:
            setattr(self, name, settings[name])

    def _read_first(self, X: Any) -> np.ndarray:
        self._reader = ColumnReader()
        return self._reader.fit(self, X, self.categorical_features)

    def _bin_columns(self, numbers: np.ndarray) -> None:
        from evoml.kernels.binning import bin_counts, bin_edges

        per_bin = rows_in_bin(self.min_samples_bin, len(numbers))
        self._edges, self._offsets = bin_edges(numbers, self._reader.categorical, self.max_bins, per_bin)
        self._n_bins = bin_counts(self._offsets, self._reader.categorical)

    def _codes(self, numbers: np.ndarray) -> np.ndarray:
        from evoml.kernels.binning import bin_matrix

        return bin_matrix(numbers, self._edges, self._offsets, self._reader.categorical)


class BinnedClassifier(ClassifierMixin, BinnedLearner):
    """What classifiers among them share."""

    def _class_codes(self, y: np.ndarray, goes_on: bool) -> np.ndarray:
        """Codes of the labels, float64; sets classes_, which must stay the same where fitting goes on."""
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
