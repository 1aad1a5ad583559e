"""Columns of free text as numbers; all other columns come with them, as they are."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

ANALYSERS = {"word": (1, 1), "phrase": (1, 2), "char_wb": (3, 4)}  # what counts as a term, and how many make one


class TextColumns(TransformerMixin, BaseEstimator):
    """What encoders of free text share: numbers in place of the columns of dtype "string", after all others."""

    def fit(self, X: Any, y: Any = None) -> Any:
        self.fit_transform(X)
        return self

    def _texts(self, X: Any) -> list[Any]:
        """Note the columns of a table to fit on, and return the names of those of text."""
        self.n_features_in_, self.feature_names_in_ = X.shape[1], np.asarray(X.columns, dtype=object)
        self.texts_ = [name for name in X.columns if isinstance(X[name].dtype, pd.StringDtype)]
        return self.texts_

    def _joined(self, X: Any, columns: dict[str, np.ndarray]) -> Any:
        """Return the other columns and the new ones: an array where all are numbers, a frame where some are categories."""
        self._made = list(columns)
        others = X.drop(columns=self.texts_)
        if all(dtype.kind in "fiub" for dtype in others.dtypes):
            return np.column_stack([others.to_numpy(dtype=np.float64), *columns.values()])
        return pd.concat([others, pd.DataFrame(columns, index=X.index)], axis=1)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        check_is_fitted(self, "texts_")
        others = [name for name in self.feature_names_in_ if name not in self.texts_]
        return np.array([*others, *self._made], dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.string = tags.input_tags.categorical = True
        return tags


class TextSummary(TextColumns):
    """Each column of free text by its form alone: numbers of characters and words, shares of digits and capitals."""

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        self._texts(X)
        return self.transform(X)

    def transform(self, X: Any) -> Any:
        check_is_fitted(self, "texts_")
        columns = {}
        for name in self.texts_:
            texts = X[name].astype(object).fillna("").tolist()
            length = np.array([len(text) for text in texts], dtype=np.float64)
            columns[f"{name} characters"] = length
            columns[f"{name} words"] = np.array([len(text.split()) for text in texts], dtype=np.float64)
            for kind, belongs in (("digits", str.isdigit), ("capitals", str.isupper)):
                columns[f"{name} {kind}"] = np.array([sum(map(belongs, text)) for text in texts]) / np.maximum(
                    length, 1
                )
        return self._joined(X, columns)


class TextEncoder(TextColumns):
    """Latent semantic analysis of each column of free text, those of dtype "string": tf-idf of terms, then a truncated SVD.

    Parameters
    ----------
    n_components : int
        Columns that all texts become together, shared evenly, at least one each.
    analyser : {"word", "phrase", "char_wb"}
        Terms: words; words and pairs of them; or three and four characters within words.
    random_state : int or None
    """

    def __init__(self, n_components: int = 20, analyser: str = "word", random_state: int | None = None) -> None:
        self.n_components = n_components
        self.analyser = analyser
        self.random_state = random_state

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        if self.analyser not in ANALYSERS:
            raise ValueError(f"analyser must be one of {', '.join(ANALYSERS)}, got {self.analyser!r}")
        texts = self._texts(X)
        each = max(1, self.n_components // max(len(texts), 1))
        self.encoders_: dict[str, Any] = {}
        made = {name: self._fitted(name, X[name], each) for name in texts}
        return self._numbered(X, made)

    def transform(self, X: Any) -> Any:
        check_is_fitted(self, "encoders_")
        made = {}
        for name, encoder in self.encoders_.items():
            column = X[name].astype(pd.StringDtype("python")).fillna("").reset_index(drop=True)
            made[name] = np.zeros((len(X), 1)) if encoder is None else encoder.transform(column).to_numpy(np.float64)
        return self._numbered(X, made)

    def _fitted(self, name: str, column: Any, n_components: int) -> np.ndarray:
        """Fit the encoder of a column, and return its numbers; a constant for texts without a single term."""
        from skrub import StringEncoder  # it takes most of a second, and few tables have texts

        encoder = StringEncoder(
            n_components,
            ngram_range=ANALYSERS[self.analyser],
            analyzer="char_wb" if self.analyser == "char_wb" else "word",
            random_state=self.random_state,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # fewer terms than components: there are fewer columns then
            try:
                found = encoder.fit_transform(column.reset_index(drop=True))
            except ValueError as error:
                if "empty vocabulary" not in str(error):
                    raise
                self.encoders_[name] = None
                return np.zeros((len(column), 1))
        self.encoders_[name] = encoder
        return np.asarray(found, dtype=np.float64)

    def _numbered(self, X: Any, made: dict[str, np.ndarray]) -> Any:
        pairs = [(name, numbers, place) for name, numbers in made.items() for place in range(numbers.shape[1])]
        return self._joined(X, {f"{name} {place}": numbers[:, place] for name, numbers, place in pairs})
