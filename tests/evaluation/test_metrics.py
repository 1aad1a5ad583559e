"""Quick metrics: scikit-learn's values and refusals, whatever comes."""

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.metrics import get_scorer

from evoml.evaluation import metrics, scorers
from evoml.evaluation.scoring import QuickScorer, needs_probabilities

pytestmark = pytest.mark.filterwarnings("ignore")


class Said(ClassifierMixin, BaseEstimator):
    """A classifier that says what it was told to say."""

    def __init__(self, probabilities, predicted=None):
        self.probabilities, self.predicted = probabilities, predicted
        self.classes_ = np.arange(probabilities.shape[1])

    def __sklearn_is_fitted__(self):
        return True

    def predict(self, X):
        return self.probabilities.argmax(axis=1) if self.predicted is None else self.predicted

    def predict_proba(self, X):
        return self.probabilities


class Decided(Said):
    """One with decision values, too, which rank otherwise."""

    def decision_function(self, X):
        return np.round(10 * np.cos(7 * self.probabilities[:, 1]))


class Numbers(RegressorMixin, BaseEstimator):
    def __init__(self, values):
        self.values = values

    def __sklearn_is_fitted__(self):
        return True

    def predict(self, X):
        return self.values


def outcome(scorer, *given, **weights):
    """The value, or the kind of error."""
    try:
        return float(scorer(*given, **weights))
    except (ValueError, TypeError, ZeroDivisionError) as error:
        return type(error).__name__


def check_same(names, task, classes, model, y, weight):
    quick = scorers(names, task, classes)
    for name, scorer in quick.items():
        assert isinstance(scorer, QuickScorer), name
        for given_weight in ({}, {"sample_weight": weight}):
            expected, found = outcome(scorer.scorer, model, None, y, **given_weight), None
            found = outcome(scorer, model, None, y, **given_weight)
            if isinstance(expected, str):
                assert found == expected, name
            else:
                assert found == pytest.approx(expected, rel=1e-12, abs=1e-14, nan_ok=True), (name, given_weight)


@st.composite
def classified(draw):
    """Classes of which some may be absent, probabilities with ties and certainty, weights of which some are zero."""
    n_rows, n_classes = draw(st.integers(1, 40)), draw(st.integers(2, 5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    y = rng.integers(0, draw(st.integers(1, n_classes)), n_rows)
    if draw(st.booleans()):
        probabilities = rng.dirichlet(np.ones(n_classes), n_rows)
    else:
        counts = rng.multinomial(draw(st.sampled_from([1, 2, 4])), np.ones(n_classes) / n_classes, n_rows)
        probabilities = counts / counts.sum(axis=1, keepdims=True)
    weight = rng.choice(
        [0.0, 0.5, 1.0, 2.5], n_rows, p=draw(st.sampled_from([[0.3, 0.2, 0.2, 0.3], [0, 0.3, 0.3, 0.4]]))
    )
    return y, probabilities, weight


@settings(max_examples=40, deadline=None)
@given(classified())
def test_classification_metrics_are_those_of_scikit_learn(case):
    y, probabilities, weight = case
    n_classes = probabilities.shape[1]
    names = [*metrics.OF_CLASSES, *metrics.OF_PROBABILITIES, *metrics.OF_RANKINGS]
    for kind in (Said, Decided) if n_classes == 2 else (Said,):
        check_same(names, "classification", np.arange(n_classes), kind(probabilities), y, weight)


@st.composite
def numbers(draw):
    n_rows = draw(st.integers(1, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    y = rng.normal(draw(st.sampled_from([0.0, 5.0])), draw(st.sampled_from([0.0, 1.0, 1e6])), n_rows)
    predicted = y + rng.normal(size=n_rows) * draw(st.sampled_from([0.0, 0.1, 10.0]))
    return y, predicted, rng.choice([0.0, 1.0, 3.0], n_rows)


@settings(max_examples=40, deadline=None)
@given(numbers())
def test_regression_metrics_are_those_of_scikit_learn(case):
    y, predicted, weight = case
    check_same(list(metrics.OF_NUMBERS), "regression", None, Numbers(predicted), y, weight)


@settings(max_examples=60, deadline=None)
@given(classified())
def test_areas_are_shares_of_pairs_in_order(case):
    y, probabilities, weight = case
    positive, values = y == 0, probabilities[:, 0]
    found = metrics.roc_auc(positive, values, weight)
    assert found == pytest.approx(naive.roc_auc(positive, values, weight), rel=1e-12, nan_ok=True)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_predictions_that_are_no_numbers_are_refused_as_by_scikit_learn(bad):
    y, values = np.arange(6) % 2, np.linspace(0, 1, 6)
    values[2] = bad
    for name, scorer in scorers(list(metrics.OF_NUMBERS), "regression").items():
        with pytest.raises(ValueError, match="Input contains"):
            scorer(Numbers(values), None, y)
        assert outcome(get_scorer(name), Numbers(values), None, y) == "ValueError"
    probabilities = np.column_stack([1 - values, values])
    for name in ("roc_auc", "average_precision", "neg_log_loss", "neg_brier_score"):
        with pytest.raises(ValueError, match="contains"):
            scorers(name, "classification", np.arange(2))[name](Said(probabilities), None, y)


def test_what_is_odd_is_left_to_scikit_learn():
    y, probabilities = np.arange(6) % 2, np.tile([0.3, 0.7], (6, 1))
    classes = np.arange(2)
    three = np.tile([0.2, 0.3, 0.5], (6, 1))
    for name in ("neg_log_loss", "roc_auc"):
        scorer = scorers(name, "classification", classes)[name]
        for model in (Said(three), Said(probabilities.astype(np.float32)), Said(2 * probabilities)):
            assert outcome(scorer, model, None, y) == outcome(scorer.scorer, model, None, y)
    accuracy = scorers("accuracy", "classification", classes)["accuracy"]
    assert outcome(accuracy, Said(probabilities, y.astype(float)), None, y) == 1.0
    assert outcome(accuracy, Said(probabilities, y + 5), None, y) == 0.0


def test_metrics_without_a_quick_way_are_scikit_learns():
    found = scorers(["top_k_accuracy", "accuracy"], "classification", np.arange(3))
    assert [isinstance(scorer, QuickScorer) for scorer in found.values()] == [False, True]
    assert not isinstance(scorers("accuracy", "classification")["accuracy"], QuickScorer)  # the classes are not known
    found = scorers(["neg_log_loss", "roc_auc", "accuracy"], "classification", np.arange(3))
    assert [needs_probabilities(scorer) for scorer in found.values()] == [True, False, False]
