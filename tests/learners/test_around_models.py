"""Learners around a model: scales of the target, resampling, calibration, and what is done with probabilities."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import log_loss, recall_score
from sklearn.tree import DecisionTreeClassifier

from evoml.learners.adjusted import AdjustedProbabilities, WeightedDecision, adjusted
from evoml.learners.calibrated import SafeCalibratedClassifier
from evoml.learners.resampled import ResampledClassifier
from evoml.learners.target_scale import TargetScale

RNG = np.random.default_rng(0)
X = RNG.normal(size=(600, 3))
RARE = (X[:, 0] + 0.7 * RNG.normal(size=600) > 1.7).astype(int)


@pytest.mark.parametrize("scale", ["log", "power", "quantile"])
def test_a_scale_leads_there_and_back(scale):
    y = np.exp(RNG.normal(size=(300, 1)))
    made = TargetScale(scale).fit(y)
    back = made.inverse_transform(made.transform(y))
    np.testing.assert_allclose(back, y, rtol=0.02 if scale == "quantile" else 1e-6)
    assert np.all(np.diff(made.transform(np.sort(y, axis=0)), axis=0) >= 0)


@pytest.mark.parametrize("scale", ["log", "power", "quantile"])
def test_whatever_is_predicted_comes_back_finite_and_near_the_range_seen(scale):
    y = np.exp(RNG.normal(size=(300, 1)))
    found = TargetScale(scale).fit(y).inverse_transform(np.array([[-1e300], [-50.0], [0.0], [50.0], [1e300], [np.nan]]))
    assert np.isfinite(found).all()
    assert found.max() < 10 * y.max()
    assert found.min() > -y.max()
    assert found[0, 0] <= found[2, 0] <= found[4, 0]


def test_a_constant_target_stays_constant():
    for scale in ("log", "power", "quantile"):
        made = TransformedTargetRegressor(LinearRegression(), transformer=TargetScale(scale))
        np.testing.assert_allclose(made.fit(X, np.full(600, 4.0)).predict(X[:5]), 4.0)


def test_a_logarithm_refuses_negative_targets_and_a_scale_an_unknown_name():
    with pytest.raises(ValueError, match="use scale='power'"):
        TargetScale("log").fit([[-1.0], [2.0]])
    with pytest.raises(ValueError, match="must be one of log, power, quantile"):
        TargetScale("root").fit([[1.0]])


@pytest.mark.parametrize(
    ("method", "ratio", "expected"), [("under", 1.0, (30, 30)), ("under", 0.5, (60, 30)), ("over", 0.5, (570, 285))]
)
def test_resampling_brings_classes_nearer_to_each_other(method, ratio, expected):
    y = (np.arange(600) < 30).astype(int)
    made = ResampledClassifier(DummyClassifier(), method, ratio, 0)
    rows = made._drawn(y)
    assert tuple(np.bincount(y[rows])) == expected
    assert len(np.unique(rows[y[rows] == 1])) == 30
    assert len(np.unique(rows[y[rows] == 0])) == expected[0]


def test_resampling_finds_more_of_a_rare_class_and_repeats_itself():
    plain = LogisticRegression().fit(X, RARE)
    made = ResampledClassifier(LogisticRegression(), "under", 1.0, 3).fit(X, RARE)
    assert recall_score(RARE, made.predict(X)) > recall_score(RARE, plain.predict(X)) + 0.2
    np.testing.assert_array_equal(clone(made).fit(X, RARE).predict_proba(X), made.predict_proba(X))


def test_resampling_passes_weights_of_the_rows_drawn():
    weight = np.where(RARE == 1, 2.0, 1.0)
    made = ResampledClassifier(LogisticRegression(), "over", 1.0, 0)
    heavy, light = made.fit(X, RARE, sample_weight=weight), clone(made).fit(X, RARE)
    assert heavy.predict_proba(X)[:, 1].mean() > light.predict_proba(X)[:, 1].mean()


@pytest.mark.filterwarnings("ignore")
def test_calibration_mends_a_tree_and_survives_a_class_of_one_row():
    train, test = slice(0, 400), slice(400, 600)
    tree = DecisionTreeClassifier(random_state=0)
    made = SafeCalibratedClassifier(tree, cv=3).fit(X[train], RARE[train])
    assert (
        log_loss(RARE[test], made.predict_proba(X[test]))
        < log_loss(RARE[test], tree.fit(X[train], RARE[train]).predict_proba(X[test])) / 3
    )
    assert made.cv == 3
    labels = np.where(np.arange(60) == 0, 2, np.arange(60) % 2)
    for ensemble in (True, False):
        found = SafeCalibratedClassifier(LogisticRegression(), cv=3, ensemble=ensemble).fit(X[:60], labels)
        assert np.isfinite(found.predict_proba(X)).all()
        assert found.predict_proba(X).shape == (600, 3)


def test_adjusted_probabilities_are_those_of_the_formula():
    p = RNG.dirichlet(np.ones(3), 50)
    naive = p**0.7 * np.array([1.0, 2.0, 0.5])
    np.testing.assert_allclose(adjusted(p, 0.7, [1.0, 2.0, 0.5]), naive / naive.sum(axis=1, keepdims=True), rtol=1e-9)
    np.testing.assert_allclose(adjusted(p, 1.0, None), p, rtol=1e-9)
    assert np.isfinite(adjusted(np.array([[0.0, 1.0]]), 3.0, None)).all()


def test_what_is_put_around_a_classifier_leaves_the_rest_as_it_is():
    y = np.array(["a", "b", "c"])[np.digitize(X[:, 0], [-1.0, 1.0])]
    plain = LogisticRegression().fit(X, y)
    decided = WeightedDecision(LogisticRegression(), [5.0, 1.0, 1.0]).fit(X, y)
    np.testing.assert_array_equal(decided.predict_proba(X), plain.predict_proba(X))
    assert (decided.predict(X) == "a").sum() > (plain.predict(X) == "a").sum()
    sharp = AdjustedProbabilities(LogisticRegression(), sharpness=2.0).fit(X, y)
    np.testing.assert_array_equal(sharp.predict(X), plain.predict(X))
    assert (sharp.predict_proba(X).max(axis=1) >= plain.predict_proba(X).max(axis=1)).all()
    assert list(decided.classes_) == ["a", "b", "c"]
    assert decided.n_features_in_ == 3


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_a_calibrated_classifier_predicts_the_most_probable_class(method):
    y = np.digitize(X[:, 0], [-0.5, 0.5])
    made = SafeCalibratedClassifier(DecisionTreeClassifier(max_depth=3), method=method, cv=3).fit(X, y)
    np.testing.assert_array_equal(made.predict(X), made.classes_[np.argmax(made.predict_proba(X), axis=1)])
