"""Labels that a library does not accept, encoded for it and decoded again."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC
from sklearn.utils.estimator_checks import check_estimator

from evoml.learners import EncodedLabels


class OnlyCodes(LogisticRegression):
    """Refuses all labels but 0..k-1, like some boosting libraries, and predicts a column."""

    def fit(self, X, y, sample_weight=None):
        assert np.array_equal(np.unique(y), np.arange(len(np.unique(y))))
        return super().fit(X, y, sample_weight)

    def predict(self, X):
        return super().predict(X)[:, None]


@pytest.mark.parametrize("labels", [["a", "b", "c"], [10, 20, 40], [-1.0, 0.0, 2.0]])
def test_predicts_the_original_labels(labels):
    X, codes = load_iris(return_X_y=True)
    y = np.array(labels)[codes]
    model = EncodedLabels(OnlyCodes(max_iter=500)).fit(X, y)
    assert np.array_equal(model.classes_, labels)
    assert model.score(X, y) > 0.9
    assert np.allclose(model.predict_proba(X).sum(axis=1), 1.0)
    assert np.array_equal(pickle.loads(pickle.dumps(model)).predict(X), model.predict(X))


def test_weights_are_passed_on():
    X, y = load_iris(return_X_y=True)
    weights = np.where(y == 2, 1e-6, 1.0)
    model = EncodedLabels(LogisticRegression(max_iter=500)).fit(X, y, sample_weight=weights)
    assert not np.any(model.predict(X) == 2)


def test_probabilities_only_where_there_are_some():
    assert hasattr(EncodedLabels(LogisticRegression()), "predict_proba")
    assert not hasattr(EncodedLabels(LinearSVC()), "predict_proba")
    assert not hasattr(clone(EncodedLabels(LinearSVC())), "predict_proba")


@pytest.mark.filterwarnings("ignore")
def test_estimator_checks():
    results = check_estimator(EncodedLabels(LogisticRegression()), on_fail=None)
    failed = {result["check_name"] for result in results if result["status"] == "failed"}
    assert not failed
