"""Learners that scikit-learn refuses to fit on columns without any information, made to answer all the same."""

from typing import Any

import numpy as np
from sklearn.cross_decomposition import PLSRegression
from sklearn.decomposition import NMF, PCA, FastICA
from sklearn.ensemble import AdaBoostClassifier
from sklearn.linear_model import SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import NearestCentroid
from sklearn.utils.metaestimators import available_if


def informative(X: Any) -> Any:
    """X itself; or, if every column is constant, X with noise, which says as little but has a variance."""
    values = np.asarray(X)
    if np.all(np.ptp(values, axis=0) <= 1e-12 * np.abs(values).max(axis=0)):
        return X + np.random.default_rng(0).standard_normal(values.shape) * np.maximum(1.0, np.abs(values))
    return X


class SafeNearestCentroid(NearestCentroid):
    """NearestCentroid that accepts a table in which every column is constant."""

    def fit(self, X: Any, y: Any) -> Any:
        return super().fit(informative(X), y)


class SafeGaussianNB(GaussianNB):
    """GaussianNB whose probabilities are numbers also where every column is constant."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        return super().fit(informative(X), y, sample_weight)


class SafeSGDClassifier(SGDClassifier):
    """SGDClassifier whose probabilities are equal where all of them underflow, instead of not being numbers."""

    @available_if(lambda self: self.loss in ("log_loss", "modified_huber"))
    def predict_proba(self, X: Any) -> np.ndarray:
        probabilities = np.nan_to_num(super().predict_proba(X))
        probabilities[probabilities.sum(axis=1) == 0.0] = 1.0 / len(self.classes_)
        return probabilities


class SafeAdaBoostClassifier(AdaBoostClassifier):
    """AdaBoostClassifier that keeps a first learner no better than chance instead of failing."""

    def _boost(self, iboost: Any, X: Any, y: Any, sample_weight: Any, random_state: Any) -> Any:
        try:
            return super()._boost(iboost, X, y, sample_weight, random_state)
        except ValueError:
            if self.estimators_:
                raise
            self._make_estimator(random_state=random_state).fit(X, y, sample_weight=sample_weight)
            return sample_weight, 1.0, 0.0  # an error of zero ends the boosting


class SafePLSRegression(PLSRegression):
    """PLSRegression that accepts constant tables and fewer columns or rows than components."""

    n_components: int

    def fit(self, X: Any, y: Any) -> Any:
        asked = self.n_components
        self.n_components = min(asked, *np.shape(X))
        try:
            return super().fit(informative(X), y)
        finally:
            self.n_components = asked


class SafeFastICA(FastICA):
    """FastICA of standardised columns, so that neither constant columns nor columns of very unequal scale stop it.

    Where its iteration breaks down, the components stay as it starts from them: whitened principal components.
    """

    def fit(self, X: Any, y: Any = None) -> Any:
        values = np.asarray(informative(X), dtype=float)
        spread = values.std(axis=0)
        self.column_mean_ = values.mean(axis=0)
        self.column_scale_ = np.where(spread > 1e-12 * np.abs(values).max(axis=0), spread, 1.0)
        standardised = (informative(X) - self.column_mean_) / self.column_scale_
        try:
            return super().fit(standardised)
        except ValueError as error:
            if "NaN" not in str(error):
                raise
            return self._start(standardised)

    def _start(self, standardised: Any) -> Any:
        start = PCA(min(self.n_components, *standardised.shape), svd_solver="full").fit(standardised)
        self.mean_ = start.mean_
        self.components_ = start.components_ / np.sqrt(np.maximum(start.explained_variance_, 1e-12))[:, None]
        return self

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        return self.fit(X).transform(X)

    def transform(self, X: Any, copy: Any = True) -> Any:
        return super().transform((X - self.column_mean_) / self.column_scale_)


class SafeNMF(NMF):
    """NMF that accepts a table full of zeros."""

    def fit_transform(self, X: Any, y: Any = None, W: Any = None, H: Any = None) -> Any:
        return super().fit_transform(X + 1e-9, W=W, H=H)

    def transform(self, X: Any) -> Any:
        return super().transform(X + 1e-9)
