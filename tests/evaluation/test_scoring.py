"""Metrics: by name or of the user's own, and the same value in the search as in ``score``."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, log_loss, make_scorer

from evoml.core.errors import SettingError
from evoml.evaluation import scorers
from evoml.evaluation.scoring import apply, needs_probabilities, score, uses_labels

X = np.random.default_rng(0).normal(size=(60, 3))
LABELS = np.where(X[:, 0] + 0.5 * X[:, 1] > 0.2, "yes", "no")
CLASSES = np.array(["no", "yes"])


def mine(estimator, X, y):
    return 0.25


class Metric:
    def __call__(self, estimator, X, y):
        return 0.5


@pytest.mark.parametrize(
    ("scoring", "names"),
    [
        (None, ["accuracy"]),
        ("f1", ["f1"]),
        (mine, ["mine"]),
        (Metric(), ["Metric"]),
        (["f1", mine, "roc_auc"], ["f1", "mine", "roc_auc"]),
        (("accuracy",), ["accuracy"]),
        ({"first": mine, "second": "f1"}, ["first", "second"]),
        (make_scorer(f1_score, pos_label="yes"), ["f1_score"]),
    ],
)
def test_metrics_are_named(scoring, names):
    assert list(scorers(scoring, "classification", CLASSES)) == names


def test_a_regressor_is_scored_by_r2_unless_told_otherwise():
    assert list(scorers(None, "regression")) == ["r2"]


@pytest.mark.parametrize(
    ("scoring", "message"),
    [
        ("acuracy", "unknown metric 'acuracy'; did you mean 'accuracy'?"),
        (["f1", "roc-auc"], "unknown metric 'roc-auc'; did you mean 'roc_auc'?"),
        ({"x": 3}, "unknown metric 3"),
        (3, "unknown metric 3"),
        ([], "scoring must name at least one metric, got none"),
        ({}, "scoring must name at least one metric, got none"),
    ],
)
def test_an_unknown_metric_is_refused_with_a_suggestion(scoring, message):
    with pytest.raises(SettingError) as caught:
        scorers(scoring, "classification", CLASSES)
    assert message in str(caught.value)


def test_two_metrics_of_one_name_are_refused():
    with pytest.raises(SettingError, match=r"two metrics are called 'mine'.*pass a dict"):
        scorers([mine, mine], "classification", CLASSES)


def test_log_loss_knows_all_classes_though_a_fold_does_not_hold_each():
    y = np.arange(60) % 3
    model = LogisticRegression().fit(X, y)
    rows = np.flatnonzero(y != 2)
    scorer = scorers("neg_log_loss", "classification", np.array([0, 1, 2]))["neg_log_loss"]
    expected = -log_loss(y[rows], model.predict_proba(X[rows]), labels=[0, 1, 2])
    assert apply(scorer, model, X[rows], y[rows], None) == pytest.approx(expected)


def test_metrics_that_need_probabilities_are_known():
    found = scorers(["neg_log_loss", "roc_auc", "accuracy"], "classification", CLASSES)
    assert [needs_probabilities(scorer) for scorer in found.values()] == [True, False, False]


def test_only_the_users_own_metrics_see_labels():
    assert [uses_labels(s) for s in (None, "f1", ["f1"], mine, ["f1", mine], {"a": mine})] == [False] * 3 + [True] * 3


def test_weights_reach_metrics_that_take_them_and_no_others():
    weight = np.linspace(0.1, 2, 60)
    model = LogisticRegression().fit(X, LABELS)
    found = score(model, "accuracy", X, LABELS, weight)
    assert found == pytest.approx(np.average(model.predict(X) == LABELS, weights=weight))
    assert score(model, mine, X, LABELS, weight) == 0.25


def test_a_type_error_within_a_metric_is_not_taken_for_one_without_weights():
    def broken(estimator, X, y, sample_weight=None):
        raise TypeError("a real mistake")

    with pytest.raises(TypeError, match="a real mistake"):
        apply(broken, None, X, LABELS, np.ones(60))


@pytest.mark.parametrize("scoring", ["f1", "roc_auc", "neg_log_loss", "accuracy", "precision", "neg_brier_score"])
def test_named_metrics_take_the_second_class_as_the_positive_one(scoring):
    by_label, by_code = (LogisticRegression().fit(X, y) for y in (LABELS, LABELS == "yes"))
    assert score(by_label, scoring, X, LABELS) == pytest.approx(score(by_code, scoring, X, LABELS == "yes"))


def test_a_metric_of_the_users_own_beside_a_named_one_sees_labels_and_the_named_one_codes():
    own = make_scorer(f1_score, pos_label="no")
    model = LogisticRegression().fit(X, LABELS)
    for name, value in (("f1", f1_score(LABELS, model.predict(X), pos_label="yes")), ("neg_log_loss", None)):
        found = {
            key: apply(scorer, model, X, LABELS, None)
            for key, scorer in scorers([name, own], "classification", CLASSES).items()
        }
        assert found["f1_score"] == f1_score(LABELS, model.predict(X), pos_label="no")
        assert found[name] == pytest.approx(-log_loss(LABELS, model.predict_proba(X)) if value is None else value)
        assert score(model, [name, own], X, LABELS) == found[name]


def test_labels_that_were_not_there_in_fit_are_named():
    model = LogisticRegression().fit(X, LABELS)
    with pytest.raises(ValueError, match=r"labels that were not there in fit: .*maybe"):
        score(model, "accuracy", X, np.where(LABELS == "no", "maybe", LABELS))
