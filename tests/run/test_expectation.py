"""What a run says of new rows: less than the score it chose by, everywhere it is told, and nothing where nothing is known."""

import math

import numpy as np
import pytest
from small_search import run, small_table

from evoml import EvoClassifier
from evoml.core.dataset import read_dataset
from evoml.journal import Journal
from evoml.report import summary_table
from evoml.run.ensemble import Limits


def noise(rows=80, columns=20, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(rows, columns)), rng.permutation(np.arange(rows) % 2)


def test_on_noise_much_of_the_luck_is_taken_out():
    told, expected = [], []
    for seed in range(3):
        found = run(60, dataset=read_dataset(*noise(seed=seed), "classification"), seed=seed, cv=4, limits=Limits(1))
        told.append(found.score)
        expected.append(found.expected.value)
        assert found.expected.low < 0.5 < found.expected.high
    assert np.mean(told) > 0.56
    assert np.mean(expected) - 0.5 < 0.6 * (np.mean(told) - 0.5)


@pytest.mark.parametrize(("scoring", "size"), [("neg_log_loss", 8), ("roc_auc", 1), ("accuracy", 8)])
def test_it_is_told_in_the_record_the_report_and_the_source(scoring, size):
    found = run(20, scoring=scoring, limits=Limits(size), dataset=read_dataset(*small_table(120), "classification"))
    expected = found.expected
    assert expected.low < expected.value <= found.score
    with Journal.from_bytes(found.record) as journal:
        assert journal.get("summary")["expected"] == {
            "value": expected.value,
            "low": expected.low,
            "high": expected.high,
        }
        facts = summary_table(journal).set_index("fact")["value"]
    assert "95 % interval" in facts["estimated score on new rows"]
    assert f"expect {expected.value:.4g} (" in found.source


def test_it_is_the_same_for_any_number_of_workers():
    first, second = (run(20, executor="process", n_jobs=n_jobs).expected for n_jobs in (1, 2))
    assert first == second


def test_the_estimator_has_it():
    parts = {"only": ["GaussianNB", "StandardScaler", "DecisionTreeClassifier"]}
    model = EvoClassifier(max_evaluations=8, n_jobs=1, executor="serial", random_state=0, search_space=parts)
    model.fit(*small_table())
    low, high = model.estimated_score_interval_
    assert low < model.estimated_score_ < high
    assert model.estimated_score_ <= model.best_score_


def test_models_without_probabilities_are_judged_by_their_decisions():
    parts = {"only": ["RidgeClassifier", "LinearSVC", "StandardScaler", "MinMaxScaler"]}
    found = run(10, parts=parts, scoring="accuracy", dataset=read_dataset(*small_table(150), "classification"))
    assert abs(found.expected.value - found.score) < 0.1


def test_a_metric_that_wants_a_model_leaves_none_and_the_user_is_told():
    def of_models_only(estimator, X, y):
        if type(estimator).__name__.startswith("Said"):
            raise TypeError("no model")
        return float(np.mean(estimator.predict(X) == y))

    with pytest.warns(UserWarning, match="no estimated_score_"):
        found = run(8, scoring=of_models_only)
    assert found.expected is None
    assert math.isfinite(found.score)
