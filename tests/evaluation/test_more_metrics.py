"""Metrics beyond scikit-learn's names: their values, their parameters, and what parts make of them."""

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import brier_score_loss, cohen_kappa_score, fbeta_score, mean_pinball_loss

from evoml import CostMatrix
from evoml.components import load_catalogue
from evoml.core.errors import SettingError
from evoml.evaluation import scorers
from evoml.evaluation.more_metrics import geometric_mean, ranked_probability_score
from evoml.evaluation.scoring import QuickScorer, first_name, needs_probabilities

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 3))
CODES = np.digitize(X[:, 0] + 0.5 * RNG.normal(size=300), [-0.5, 0.5])
MODEL = LogisticRegression().fit(X, CODES)


def value(name, model=MODEL, y=CODES, task="classification"):
    classes = np.unique(y) if task == "classification" else None
    return next(iter(scorers(name, task, classes).values()))(model, X, y)


def test_values_are_those_of_the_formulas():
    said, proba = MODEL.predict(X), MODEL.predict_proba(X)
    assert value("quadratic_weighted_kappa") == pytest.approx(cohen_kappa_score(CODES, said, weights="quadratic"))
    recalls = [np.mean(said[label == CODES] == label) for label in range(3)]
    assert value("geometric_mean") == pytest.approx(np.prod(recalls) ** (1 / 3))
    below = np.array([[code <= border for border in (0, 1)] for code in CODES])
    assert value("neg_ranked_probability_score") == pytest.approx(-np.mean((proba.cumsum(axis=1)[:, :2] - below) ** 2))
    assert value("neg_brier_score") == pytest.approx(-np.mean(((np.eye(3)[CODES] - proba) ** 2).sum(axis=1)))
    assert value("neg_brier_score") == pytest.approx(-brier_score_loss(CODES, proba))


def test_the_quick_values_are_those_of_the_slow_ones():
    for name in ("quadratic_weighted_kappa", "geometric_mean", "neg_brier_score"):
        scorer = next(iter(scorers(name, "classification", np.arange(3)).values()))
        assert isinstance(scorer, QuickScorer)
        assert scorer(MODEL, X, CODES) == pytest.approx(scorer.scorer(MODEL, X, CODES), rel=1e-12)
        weight = RNG.integers(1, 4, 300)
        slow = scorer.scorer(MODEL, X, CODES, sample_weight=weight)
        assert scorer(MODEL, X, CODES, sample_weight=weight) == pytest.approx(slow, rel=1e-12)


def test_the_quick_values_of_metrics_with_a_parameter_are_those_of_the_slow_ones():
    binary, weight = (CODES > 0).astype(int), RNG.integers(1, 4, 300)
    model = LogisticRegression().fit(X, binary)
    linear = LinearRegression().fit(X, CODES)
    for name, task, fitted, y in (
        ("fbeta:0.5", "classification", model, binary),
        ("neg_mean_pinball_loss:0.8", "regression", linear, CODES.astype(float)),
    ):
        scorer = next(iter(scorers(name, task, np.arange(2) if task == "classification" else None).values()))
        assert isinstance(scorer, QuickScorer)
        for weights in ({}, {"sample_weight": weight}):
            assert scorer._value(fitted, X, y, **weights) == pytest.approx(
                scorer.scorer(fitted, X, y, **weights), rel=1e-12
            )


def test_ordered_mistakes_cost_by_their_distance():
    near, far = np.array([[0.0, 1.0, 0.0]]), np.array([[0.0, 0.0, 1.0]])
    scores = [ranked_probability_score([0], one, labels=[0, 1, 2]) for one in (near, far)]
    assert scores == [0.5, 1.0]
    assert ranked_probability_score([1, 0], np.array([0.5, 0.5]), labels=[0, 1]) == 0.25
    assert geometric_mean([0, 0, 1], [0, 0, 0]) == 0.0


def test_a_number_after_a_colon_is_the_parameter():
    binary = (CODES > 0).astype(int)
    model = LogisticRegression().fit(X, binary)
    assert value("fbeta:2", model, binary) == pytest.approx(fbeta_score(binary, model.predict(X), beta=2))
    y = X[:, 0]
    constant = DummyClassifier().fit(X, np.ones(300))
    expected = mean_pinball_loss(y, np.ones(300), alpha=0.9)
    assert value("neg_mean_pinball_loss:0.9", constant, y, "regression") == pytest.approx(-expected)


@pytest.mark.parametrize(
    ("name", "task", "message"),
    [
        ("fbeta", "classification", "needs beta, above 0, written as 'fbeta:NUMBER'"),
        ("fbeta:-1", "classification", "needs beta, above 0, got '-1'"),
        ("neg_mean_pinball_loss:x", "regression", "needs a quantile between 0 and 1, got 'x'"),
        ("neg_mean_pinball_loss:1.5", "regression", "got '1.5'"),
        ("geometric_mean:2", "classification", "takes no parameter"),
        ("geometric_mean", "regression", "is for classification, this is a regression"),
        ("geometrc_mean", "classification", "did you mean 'geometric_mean'"),
        ("f1:2", "classification", "unknown metric 'f1:2'"),
    ],
)
def test_what_cannot_be_is_refused(name, task, message):
    with pytest.raises(SettingError, match=message):
        scorers(name, task, np.arange(2))


def test_probabilities_are_known_to_be_needed():
    found = scorers(["neg_ranked_probability_score", "geometric_mean"], "classification", np.arange(3))
    assert [needs_probabilities(scorer) for scorer in found.values()] == [True, False]


def test_costs_by_label_and_as_an_array_are_the_same():
    labels = np.array(["low", "mid", "top"])
    model = LogisticRegression().fit(X, labels[CODES])
    table = np.array([[0, 1, 5], [2, 0, 1], [9, 3, 0]])
    named = {true: dict(zip(labels, row, strict=True)) for true, row in zip(labels, table.tolist(), strict=True)}
    said = np.searchsorted(labels, model.predict(X))
    expected = -table[CODES, said].mean()
    for costs in (CostMatrix(named), CostMatrix(table), CostMatrix(table[::-1, ::-1], labels[::-1].tolist())):
        assert costs(model, X, labels[CODES]) == pytest.approx(expected)
    assert CostMatrix({"top": {"low": 9}})(model, X, labels[CODES]) == pytest.approx(
        -9 * np.mean((CODES == 2) & (said == 0))
    )


def test_a_cost_matrix_of_the_wrong_shape_or_labels_is_refused():
    with pytest.raises(SettingError, match=r"shape \(2, 2\), but there are 3 classes"):
        CostMatrix([[0, 1], [1, 0]])(MODEL, X, CODES)
    with pytest.raises(SettingError, match="no costs for class"):
        CostMatrix(np.zeros((3, 3)), labels=["a", "b", "c"])(MODEL, X, CODES)
    with pytest.raises(SettingError, match="finite"):
        CostMatrix([[0, np.nan], [1, 0]])(MODEL, X, CODES)


@pytest.mark.parametrize(
    ("scoring", "expected"),
    [
        (None, None),
        ("r2", "r2"),
        (["f1", "r2"], "f1"),
        ({"a": "r2"}, "r2"),
        (print, None),
        ([print, "f1"], None),
        ([], None),
    ],
)
def test_the_metric_that_counts_is_the_first(scoring, expected):
    assert first_name(scoring) == expected


def test_losses_follow_the_metric_unless_the_user_says_otherwise():
    loss = {name: load_catalogue(metric=name)["BoostingRegressor"] for name in
            ("r2", "neg_mean_absolute_error", "neg_mean_pinball_loss:0.9", "neg_mean_poisson_deviance")}  # fmt: skip
    defaults = [part.defaults()["loss"] for part in loss.values()]
    assert defaults == ["squared_error", "absolute_error", "quantile", "poisson"]
    assert loss["neg_mean_pinball_loss:0.9"].fixed["quantile"] == 0.9
    assert load_catalogue(metric="neg_mean_pinball_loss:0.1")["QuantileRegressor"].fixed["quantile"] == 0.1
    mine = {"BoostingRegressor": {"hyperparameters": {"loss": {"default": "squared_error"}}}}
    assert load_catalogue(mine, "neg_mean_poisson_deviance")["BoostingRegressor"].defaults()["loss"] == "squared_error"
    assert load_catalogue(metric="neg_mean_pinball_loss:nonsense")


@pytest.mark.parametrize(
    "metric",
    ["neg_mean_absolute_error", "neg_median_absolute_error", "neg_mean_pinball_loss:0.8", "neg_mean_poisson_deviance",
     "neg_mean_gamma_deviance", "neg_mean_tweedie_deviance:1.5"],
)  # fmt: skip
def test_every_changed_part_agrees_with_its_library(metric):
    from evoml.components import check_part

    plain, changed = load_catalogue(), load_catalogue(metric=metric)
    parts = [part for name, part in changed.items() if part != plain[name] or part.fixed != plain[name].fixed]
    assert parts
    for part in parts:
        check_part(part, metric)
