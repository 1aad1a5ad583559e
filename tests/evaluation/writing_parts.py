"""Parts that do what a step of a shared plan must not disturb: they write into what they are given, or draw globally."""

import random

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.naive_bayes import GaussianNB

from evoml.components import load_catalogue


class WritingScaler(TransformerMixin, BaseEstimator):
    """Doubles its input where it stands."""

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        X *= 2.0
        return X


class WritingModel(GaussianNB):
    """Spoils its input, target and weights once it has learned from them."""

    def fit(self, X, y, sample_weight=None):
        super().fit(X, y, sample_weight)
        X[:] = 0.0
        y[:] = y[0]
        if sample_weight is not None:
            sample_weight[:] = 0.0
        return self

    def predict_proba(self, X):
        found = super().predict_proba(X)
        X[:] = 0.0
        return found


class WritingEncoder(TransformerMixin, BaseEstimator):
    """Makes numbers of the texts of a table, in the table itself."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        for name in X.columns:
            X[name] = [float(len(str(value))) if isinstance(value, str) else value for value in X[name]]
        X.iloc[:, 0] = X.iloc[:, 0] * 2.0
        return np.nan_to_num(X.to_numpy(dtype=float))


class DrawingScaler(TransformerMixin, BaseEstimator):
    """Adds what it draws from the global random states."""

    def fit(self, X, y=None):
        self.offset_ = np.random.normal(size=X.shape[1]) + random.random()  # noqa: NPY002
        return self

    def transform(self, X):
        return X + self.offset_ + np.random.normal(size=X.shape)  # noqa: NPY002


class DrawingModel(GaussianNB):
    def predict_proba(self, X):
        return np.clip(super().predict_proba(X) + 0.1 * np.random.random((len(X), 1)), 0, 1)  # noqa: NPY002


def entry(name, kind, **rest):
    return {name: {"path": f"writing_parts.{name}", "kind": kind, "input": "dense", **rest}}


PARTS = (
    entry("WritingScaler", "scaler", output="dense")
    | entry("DrawingScaler", "scaler", output="dense")
    | entry("WritingModel", "classifier", predict_proba=True)
    | entry("DrawingModel", "classifier", predict_proba=True)
    | {
        "WritingEncoder": {
            "path": "writing_parts.WritingEncoder",
            "kind": "encoder",
            "input": "table",
            "output": "dense",
        }
    }
)


def writing_catalogue():
    return load_catalogue(PARTS)
