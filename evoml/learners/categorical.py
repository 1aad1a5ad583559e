"""Encoders of the columns of a data frame that are no numbers; the numerical columns come after them, as they are.

The results are those of scikit-learn's encoders in a ColumnTransformer with ``remainder="passthrough"``. What is known of
categories is looked up for each distinct value of a column, not for each cell.
"""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data


class TableEncoder(TransformerMixin, BaseEstimator):
    """What encoders of tables share: which columns are categorical, and the codes of their categories.

    Attributes
    ----------
    categorical_ : (n_categorical,) array
        Places of the columns that are neither numerical nor boolean.
    categories_ : list of arrays
        The categories of each of them, sorted, without missing ones. A category's place is its code; after the last come
        the code of a missing cell and that of a category not seen in fit.
    """

    def _fit_categories(self, X: Any) -> tuple[list[np.ndarray], np.ndarray]:
        """Return the codes of each categorical column and the (n, n_numerical) other columns."""
        if not hasattr(X, "iloc"):
            numbers = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan")
            self.categorical_, self.categories_ = np.zeros(0, dtype=np.intp), []
            return [], numbers
        self.n_features_in_, self.feature_names_in_ = X.shape[1], np.asarray(X.columns, dtype=object)
        self.categorical_ = np.flatnonzero([not _is_number(dtype) for dtype in X.dtypes])
        columns = [_distinct(X.iloc[:, place]) for place in self.categorical_]
        self.categories_ = [np.array(sorted(values), dtype=object) for _, values in columns]
        return self._codes(columns), self._numbers(X)

    def _encoded(self, X: Any) -> tuple[list[np.ndarray], np.ndarray]:
        """Return the same of new rows."""
        check_is_fitted(self, "categorical_")
        if not hasattr(X, "iloc"):
            numbers = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan", reset=False)
            return [], numbers
        if list(X.columns) != list(self.feature_names_in_):
            raise ValueError(
                f"the table has columns {list(X.columns)[:10]}, the one in fit had {list(self.feature_names_in_)[:10]};"
                " give the same columns in the same order"
            )
        return self._codes([_distinct(X.iloc[:, place]) for place in self.categorical_]), self._numbers(X)

    def _codes(self, columns: list[tuple[np.ndarray, np.ndarray]]) -> list[np.ndarray]:
        found = []
        for (places, values), categories in zip(columns, self.categories_, strict=True):
            known = {category: code for code, category in enumerate(categories.tolist())}
            unknown = len(categories) + 1
            codes = [known.get(value, unknown) for value in values.tolist()]
            found.append(np.array([*codes, len(categories)], dtype=np.intp)[places])  # a missing cell's place is -1
        return found

    def _numbers(self, X: Any) -> np.ndarray:
        numerical = np.setdiff1d(np.arange(X.shape[1]), self.categorical_)
        return X.iloc[:, numerical].to_numpy(dtype=np.float64)

    def _names(self) -> tuple[list[Any], list[Any]]:
        """Return the names of the categorical and of the other columns."""
        check_is_fitted(self, "categorical_")
        names = getattr(self, "feature_names_in_", None)
        every = [f"x{place}" for place in range(self.n_features_in_)] if names is None else list(names)
        return [every[place] for place in self.categorical_], list(
            np.delete(np.array(every, object), self.categorical_)
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.string = tags.input_tags.categorical = True
        return tags


def _is_number(dtype: Any) -> bool:
    from pandas.api import types

    return bool(types.is_numeric_dtype(dtype) or types.is_bool_dtype(dtype))


def _distinct(column: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the place of each cell among the distinct values, -1 for a missing one, and those values."""
    import pandas as pd

    places, values = pd.factorize(column.to_numpy(dtype=object))
    return places, values


class TableOrdinalEncoder(TableEncoder):
    """Categories by their place in order, -1 for missing and unknown ones."""

    def fit(self, X: Any, y: Any = None) -> Any:
        self._fit_categories(X)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> np.ndarray:
        return self._joined(*self._fit_categories(X))

    def transform(self, X: Any) -> np.ndarray:
        return self._joined(*self._encoded(X))

    def _joined(self, columns: list[np.ndarray], numbers: np.ndarray) -> np.ndarray:
        pairs = zip(columns, self.categories_, strict=True)
        codes = [np.where(column < len(categories), column, -1).astype(np.float64) for column, categories in pairs]
        return np.column_stack([*codes, numbers])

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        categorical, others = self._names()
        return np.array([*categorical, *others], dtype=object)


class TableOneHotEncoder(TableEncoder):
    """An indicator column for each category; where there are many, the rarest share one, which also stands for unknown ones.

    Parameters
    ----------
    max_categories : int
        Columns that come of one, at most, the shared one included: it is there as soon as there are so many categories. A
        missing cell is a category of its own.
    """

    def __init__(self, max_categories: int = 20) -> None:
        self.max_categories = max_categories

    def fit(self, X: Any, y: Any = None) -> Any:
        self._fit(X)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> np.ndarray:
        return self._joined(*self._fit(X))

    def transform(self, X: Any) -> np.ndarray:
        return self._joined(*self._encoded(X))

    def _fit(self, X: Any) -> tuple[list[np.ndarray], np.ndarray]:
        if self.max_categories < 1:
            raise ValueError(f"max_categories must be at least 1, got {self.max_categories}")
        columns, numbers = self._fit_categories(X)
        self._places, self._widths, self._frequent = [], [], []
        for codes, categories in zip(columns, self.categories_, strict=True):
            places, width, frequent = self._layout(np.bincount(codes, minlength=len(categories) + 2)[:-1])
            self._places.append(places)
            self._widths.append(width)
            self._frequent.append(frequent)
        return columns, numbers

    def _layout(self, counts: np.ndarray) -> tuple[np.ndarray, int, np.ndarray]:
        """Return the column of each code (-1 for none), their number, and the codes that have one of their own."""
        there = np.flatnonzero(counts[:-1] > 0) if not counts[-1] else np.arange(len(counts))
        rare = np.zeros(len(counts), dtype=bool)
        if len(there) >= self.max_categories:
            by_count = there[np.argsort(counts[there], kind="stable")]
            rare[by_count[: len(there) - (self.max_categories - 1)]] = True
        own = there[~rare[there]]
        shared = len(own) if rare.any() else -1
        places = np.full(len(counts) + 1, shared, dtype=np.intp)
        places[own] = np.arange(len(own))
        return places, len(own) + bool(rare.any()), own

    def _joined(self, columns: list[np.ndarray], numbers: np.ndarray) -> np.ndarray:
        width = sum(self._widths)
        found = np.zeros((len(numbers), width + numbers.shape[1]))
        found[:, width:] = numbers
        start = 0
        for codes, places, own_width in zip(columns, self._places, self._widths, strict=True):
            at = places[codes]
            rows = np.flatnonzero(at >= 0)
            found[rows, start + at[rows]] = 1.0
            start += own_width
        return found

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        categorical, others = self._names()
        names = []
        for name, categories, own, width in zip(
            categorical, self.categories_, self._frequent, self._widths, strict=True
        ):
            labels = [*categories, "nan"]
            names += [f"{name}_{labels[code]}" for code in own]
            names += [f"{name}_infrequent_sklearn"] * (width - len(own))
        return np.array([*names, *others], dtype=object)


class TableHashingEncoder(TableEncoder):
    """Categories by the least hashes of the groups of letters in them, so that similar ones, also unknown, come out alike.

    These are skrub's MinHashEncoder's (Cerda & Varoquaux 2020, section 3.2), divided by 2^31; a missing cell is zero.

    Parameters
    ----------
    n_components : int
        Columns that come of one.
    """

    def __init__(self, n_components: int = 8) -> None:
        self.n_components = n_components

    def fit(self, X: Any, y: Any = None) -> Any:
        self._fit_categories(X)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> np.ndarray:
        return self.fit(X).transform(X)  # type: ignore[no-any-return]

    def transform(self, X: Any) -> np.ndarray:
        _, numbers = self._encoded(X)
        if not hasattr(X, "iloc"):
            return numbers
        return np.column_stack([*(self._hashed(X.iloc[:, place]) for place in self.categorical_), numbers])

    def _hashed(self, column: Any) -> np.ndarray:
        """Return the hashes of a column: (n, n_components)."""
        import pandas as pd
        from skrub import MinHashEncoder  # it takes most of a second

        places, values = _distinct(column)
        if not len(values):
            return np.zeros((len(places), self.n_components))
        hashes = MinHashEncoder(n_components=self.n_components).fit_transform(pd.Series(values, dtype=str, name="hash"))
        return np.vstack([np.asarray(hashes, dtype=np.float64) / 2.0**31, np.zeros((1, self.n_components))])[places]

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        categorical, others = self._names()
        hashes = [f"{name}_{place}" for name in categorical for place in range(self.n_components)]
        return np.array([*hashes, *others], dtype=object)
