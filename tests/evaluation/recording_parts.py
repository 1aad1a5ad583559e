"""Parts that write down which sample weights and groups reached their ``fit``, and with which rows."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from evoml.components import load_catalogue
from evoml.genomes.pipeline_tree import DataFacts, PipelineSpace

FITS = []  # (name of the class, first column, sample weights, groups) of each fit


class RecordingModel(ClassifierMixin, BaseEstimator):
    def fit(self, X, y, sample_weight=None, groups=None):
        FITS.append((type(self).__name__, np.asarray(X)[:, 0], sample_weight, groups))
        self.classes_, codes = np.unique(y, return_inverse=True)
        self.shares_ = np.bincount(codes, weights=sample_weight) / len(y)
        return self

    def predict_proba(self, X):
        check_is_fitted(self)
        return np.tile(self.shares_ / self.shares_.sum(), (len(X), 1))

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


class OtherRecordingModel(RecordingModel):
    pass


class RecordingScaler(TransformerMixin, BaseEstimator):
    """Leaves its input as it is, so that all steps can tell rows by their first column."""

    def fit(self, X, y=None, sample_weight=None):
        FITS.append((type(self).__name__, np.asarray(X)[:, 0], sample_weight, None))
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        check_is_fitted(self)
        return X


class PlainScaler(RecordingScaler):
    def fit(self, X, y=None):
        return super().fit(X, y)


def recording_space():
    parts = {
        name: {"path": f"recording_parts.{name}", "kind": "classifier", "input": "dense", "predict_proba": True}
        for name in ("RecordingModel", "OtherRecordingModel")
    } | {
        name: {"path": f"recording_parts.{name}", "kind": "scaler", "input": "dense", "output": "dense"}
        for name in ("RecordingScaler", "PlainScaler")
    }
    facts = DataFacts("classification", "dense", n_rows=30, n_features=2, n_classes=2, class_rows=10)
    return PipelineSpace(load_catalogue({**parts, "only": list(parts)}), facts)
