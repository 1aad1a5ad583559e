"""What is learned from out-of-fold probabilities: the right cut, the right certainty, and else nothing."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import f1_score, log_loss
from test_evaluate import problem_of

from evoml.evaluation.decisions import asks_for, decide
from evoml.evaluation.more_metrics import CostMatrix
from evoml.evaluation.scoring import uses_labels
from evoml.learners.adjusted import adjusted


def problem(labels, scoring):
    return problem_of(
        np.zeros((len(labels), 1)), labels, "classification", scoring, cv=5, original_labels=uses_labels(scoring)
    )


def honest(rows=3000, scale=1.0, shift=0.0, seed=0):
    """Return codes of two classes, and the true probabilities of the second one, as a column."""
    rng = np.random.default_rng(seed)
    p = 1 / (1 + np.exp(-(scale * rng.normal(size=rows) + shift)))
    return (rng.random(rows) < p).astype(int), p[:, None].astype(np.float32)


def distorted(p, sharpness, offset=0.0):
    return (1 / (1 + np.exp(-(sharpness * np.log(p / (1 - p)) + offset)))).astype(np.float32)


def test_the_cut_for_f1_lies_low_on_a_rare_class_and_gains():
    codes, p = honest(shift=-2.5)
    found = decide(problem(codes, "f1"), p)
    cut = found.factors[0] / found.factors.sum()
    assert found.labels
    assert 0.1 < cut < 0.3
    alone, decided = (f1_score(codes, p[:, 0] >= at) for at in (0.5, cut))
    assert decided > alone + 0.1
    assert found.score == pytest.approx(decided, abs=0.05)


def test_the_cut_for_costs_is_where_theory_has_it():
    codes, p = honest(rows=8000)
    labels = np.array(["ill", "well"])
    found = decide(problem(labels[codes], CostMatrix({"ill": {"well": 9.0}, "well": {"ill": 1.0}})), p)
    assert found.factors[0] / found.factors.sum() == pytest.approx(0.9, abs=0.06)  # well only if p(ill) < 1 / 10


def test_weights_of_several_classes_gain_in_balanced_accuracy():
    rng = np.random.default_rng(0)
    p = rng.dirichlet([8.0, 1.0, 0.5], 3000)
    codes = np.array([rng.choice(3, p=one) for one in p])
    found = decide(problem(codes, "balanced_accuracy"), p.astype(np.float32))
    assert found.gain > 0.1
    assert found.factors.argmin() == 0
    assert found.sharpness == 1.0


@pytest.mark.parametrize(("sharpness", "offset"), [(3.0, 0.0), (0.4, 0.0), (1.0, 1.5)])
def test_dishonest_probabilities_are_made_honest_again(sharpness, offset):
    codes, p = honest()
    said = distorted(p, sharpness, offset)
    found = decide(problem(codes, "neg_log_loss"), said)
    both = adjusted(np.column_stack([1 - said, said]).astype(float), found.sharpness, found.factors)
    assert log_loss(codes, both) < log_loss(codes, p) + 0.005 < log_loss(codes, said)
    assert found.sharpness == pytest.approx(1 / sharpness, rel=0.25)
    assert not found.labels


@pytest.mark.parametrize("scoring", ["neg_log_loss", "neg_brier_score"])
def test_honest_probabilities_are_mostly_left_alone(scoring):
    changed = 0
    for seed in range(10):
        codes, p = honest(600, seed=seed)
        found = decide(problem(codes, scoring), p)
        changed += found is not None and found.gain > 0.002
    assert changed <= 2


@pytest.mark.parametrize(
    ("scoring", "expected"),
    [
        ("accuracy", None),
        ("roc_auc", None),
        ("roc_auc_ovr", None),
        ("average_precision", None),
        ("f1", "predict"),
        ("matthews_corrcoef", "predict"),
        ("geometric_mean", "predict"),
        ("fbeta:2", "predict"),
        (CostMatrix([[0, 1], [2, 0]]), "predict"),
        ("neg_log_loss", "predict_proba"),
        ("neg_brier_score", "predict_proba"),
        (lambda estimator, X, y: 1.0, None),
    ],
)
def test_which_metrics_call_for_a_decision(scoring, expected):
    assert asks_for(problem(np.arange(40) % 2, scoring)) == expected


def test_a_decision_stops_when_it_is_late():
    codes, p = honest(300)
    assert decide(problem(codes, "f1"), p, lambda: True) is None


def test_weights_of_rows_count():
    codes, p = honest(2000)
    said = distorted(p, 1.0, 1.5)
    plainly = problem(codes, "neg_log_loss")
    weighted = replace(plainly, dataset=replace(plainly.dataset, sample_weight=np.where(codes == 1, 3.5, 1.0)))
    found, plain = decide(weighted, said), decide(plainly, said)
    ratio, plainly = ((np.ones(2) if one is None else one.factors) for one in (found, plain))
    assert ratio[1] / ratio[0] > 2 * plainly[1] / plainly[0]  # the second class weighs more, so it is more likely
