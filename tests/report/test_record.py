"""The reading of a journal that all reports share."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evoml.report.record import Record, finite, non_dominated

points = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 2)), min_size=1, max_size=15)


@given(points)
def test_non_dominated_matches_the_definition(rows):
    found = non_dominated(dict(enumerate(rows)))
    for at, row in enumerate(rows):
        beaten = any(all(a >= b for a, b in zip(other, row, strict=True)) and other != row for other in rows)
        assert (at in found) == (not beaten and rows.index(row) == at)


def test_best_and_front_come_from_the_summary_when_there_is_one(full):
    record = Record.of(full)
    assert (record.best, record.front, record.finished) == (4, [4, 1, 0], True)


def test_a_record_is_read_once(full):
    record = Record.of(full)
    assert Record.of(record) is record


def test_best_and_front_of_an_unfinished_run_are_worked_out(run):
    simple = run.scored("GaussianNB(features)", 0.9, 1)
    run.scored("SVC(PCA(features))", 0.9, 2)
    good = run.scored("SVC(features, C=3.0)", 0.95, 2)
    record = Record.of(run.journal)
    assert (record.best, record.front, record.finished) == (good, [good, simple], False)


def test_of_equal_scores_the_simpler_is_best(run):
    run.scored("SVC(PCA(features))", 0.9, 3)
    simple = run.scored("GaussianNB(features)", 0.9, 1)
    assert Record.of(run.journal).best == simple


def test_scored_candidates_are_distinct_and_finite(run):
    first = run.scored("GaussianNB(features)", 0.9)
    run.scored("GaussianNB(features)", 0.9)
    run.scored("SVC(features)", math.nan)
    run.failed("SVC(features, C=2.0)", "no")
    assert list(Record.of(run.journal).scored.index) == [first]


def test_metrics_and_objectives_are_read_off_where_settings_do_not_say(new_run):
    run = new_run({})
    run.scored("GaussianNB(features)", 0.9)
    record = Record.of(run.journal)
    assert record.metrics == ["balanced_accuracy", "roc_auc"]
    assert record.objectives == ["score", "complexity"]


def test_the_score_is_found_wherever_it_stands_among_the_objectives(new_run):
    run = new_run({"objectives": ["complexity", "score"], "scoring": "accuracy"})
    candidate = run.ask("GaussianNB(features)")
    from evoml.core import Evaluation, Outcome, Status

    run.journal.told([Outcome(candidate, Evaluation(Status.OK, {"accuracy": (0.8,)}), (-3.0, 0.8))], {})
    row = Record.of(run.journal).scored.loc[0]
    assert (row["selection"], row["cost"]) == (0.8, 3.0)


@pytest.mark.parametrize(("value", "number"), [(1, 1.0), ("2.5", 2.5), (None, None), ("x", None), (math.inf, None)])
def test_finite(value, number):
    assert finite(value) == number
