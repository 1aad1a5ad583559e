"""What the tables say."""

import pytest

from evoml.core import Status
from evoml.report import (
    best_candidate,
    ensemble_members,
    failures_by_kind,
    front,
    leaderboard,
    operator_credit,
    summary_table,
)
from evoml.report.tables import mapping_text, score_text, short_error


def test_leaderboard_holds_each_distinct_scored_candidate_once_best_first(full):
    table = leaderboard(full)
    assert list(table["id"]) == [4, 1, 0, 7]
    assert list(table["rank"]) == [1, 2, 3, 4]
    assert list(table["score"]) == pytest.approx([0.95, 0.92, 0.90, 0.88])
    assert list(table["complexity"]) == [5, 3, 2, 2]
    assert set(table["status"]) == {"OK"}


def test_leaderboard_gives_spread_further_metrics_and_cost(full):
    row = leaderboard(full, 1).iloc[0]
    assert row["std"] == pytest.approx(0.0158113883)
    assert row["roc_auc"] == pytest.approx(0.96)
    assert row["fit_seconds"] == 1.25
    assert row["operator"] == "crossover"


def test_leaderboard_writes_pipelines_without_defaults(full):
    assert leaderboard(full).loc[1, "pipeline"] == "StandardScaler → RandomForestClassifier"
    assert leaderboard(full).loc[2, "pipeline"] == "LogisticRegression(C=2.5)"


def test_the_members_of_an_ensemble_are_listed_the_heaviest_first(new_run):
    run = new_run()
    for text, score in (("GaussianNB(features)", 0.9), ("SVC(features)", 0.8)):
        run.scored(text, score)
    journal = run.finish(ensemble={"score": 0.93, "weights": {"1": 0.75, "0": 0.25}})
    table = ensemble_members(journal)
    assert table["id"].tolist() == [1, 0]
    assert table["weight"].tolist() == [0.75, 0.25]
    assert table["score"].tolist() == [0.8, 0.9]
    assert table["pipeline"].tolist() == ["SVC", "GaussianNB"]
    facts = summary_table(journal).set_index("fact")["value"]
    assert facts["selection score of the ensemble"] == "0.9300"


def test_a_single_pipeline_has_no_members(full):
    assert ensemble_members(full).empty


def test_leaderboard_is_cut_at_n(full):
    assert len(leaderboard(full, 2)) == 2
    assert len(leaderboard(full, None)) == 4


def test_leaderboard_of_one_objective_has_no_complexity(new_run):
    run = new_run({"scoring": ["balanced_accuracy"], "objectives": ["score"]})
    run.scored("GaussianNB(features)", 0.9, None)
    assert "complexity" not in leaderboard(run.journal)


def test_tables_of_an_empty_run_are_empty(run):
    assert leaderboard(run.journal).empty
    assert failures_by_kind(run.journal).empty
    assert operator_credit(run.journal).empty
    assert best_candidate(run.journal) is None
    assert front(run.journal) == []


def test_failures_that_differ_in_numbers_only_are_one_kind(full):
    table = failures_by_kind(full)
    assert [tuple(row) for row in table[["status", "error", "count", "example_id"]].to_numpy()] == [
        ("INVALID", "ValueError: column # contains NaN", 2, 3),
        ("TIMEOUT", "ran past # s", 1, 6),
    ]
    assert table.loc[0, "example"] == "Traceback\nValueError: column 17 contains NaN"


def test_a_failure_without_a_message_is_counted(run):
    run.failed("SVC(features)", "", Status.CRASHED)
    assert failures_by_kind(run.journal).loc[0, "error"] == "no message"


def test_candidates_not_yet_told_are_neither_failures_nor_scored(run):
    run.ask("SVC(features)")
    assert failures_by_kind(run.journal).empty
    facts = dict(summary_table(run.journal).to_numpy())
    assert (facts["candidates asked"], facts["evaluations"]) == ("1", "0")


def test_operator_credit_counts_what_beat_its_parent(full):
    table = operator_credit(full).set_index("operator")
    assert list(table.index) == ["crossover", "mutate"]
    assert table.loc["crossover", ["tries", "wins", "success_rate"]].tolist() == [1, 1, 1.0]
    assert table.loc["mutate", ["tries", "wins", "failures", "duplicates"]].tolist() == [3, 0, 2, 0]
    assert table.loc["mutate", "probability"] == pytest.approx(0.25)


def test_operator_credit_leaves_duplicates_out_of_the_tries(run):
    first = run.scored("GaussianNB(features)", 0.9)
    run.scored("GaussianNB(features)", 0.9, parents=(first,), operator="mutate")
    row = operator_credit(run.journal).iloc[0]
    assert (row["tries"], row["duplicates"], row["success_rate"]) == (0, 1, 0.0)


def test_summary_tells_the_selection_score_from_the_hold_out_score(full):
    facts = dict(summary_table(full).to_numpy())
    assert facts["selection score"] == "0.9500 ± 0.0158 over folds"
    assert facts["hold-out score"] == "0.9312"
    assert facts["score of a constant prediction"] == "0.5000"
    assert facts["budget"] == "seconds 60"
    assert (facts["failures"], facts["exact duplicates"]) == ("3", "1")


def test_summary_of_an_unfinished_run_says_so(run):
    run.scored("GaussianNB(features)", 0.9)
    facts = dict(summary_table(run.journal).to_numpy())
    assert facts["stopped by"] == "not finished"
    assert "hold-out score" not in facts


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.5, "0.5000"), (-12345.678, "-1.235e+04"), (None, ""), (float("nan"), ""), (float("inf"), "")],
)
def test_score_text(value, text):
    assert score_text(value) == text


def test_mapping_text_leaves_out_what_is_not_set():
    assert mapping_text({"a": 1, "b": None, "c": [1, 2], "d": {"e": 2}}) == "a 1, c 1, 2, d e 2"


def test_short_error_is_short():
    assert len(short_error("x" * 1000)) == 110
