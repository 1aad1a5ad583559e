"""``--holdout``: a share of the rows, or another table, that neither the search nor the model sees."""

import json

import pandas as pd


def test_another_table_is_scored_and_the_search_sees_all_of_its_own(run, mixed):
    table = pd.read_csv(mixed)
    table.iloc[40:].to_csv(mixed.parent / "later.csv", index=False)
    table.iloc[:40].to_csv(mixed, index=False)
    options = ["--target", "label", "--evaluations", 4, "--jobs", 1, "--seed", 1, "--explain", 0]
    result = run("fit", mixed, *options, "--out", "r", "--holdout", "later.csv")
    assert result.exit_code == 0, result.output
    assert f"data: {40} rows" in result.stderr
    assert "hold-out score (20 rows the search never saw): " in result.stdout
    assert "estimated score on new rows: " in result.stdout
    record = json.loads((mixed.parent / "r" / "run.json").read_text())
    low, high = record["holdout_interval"]
    assert low <= record["holdout_score"] <= high
    assert "95 % interval" in (mixed.parent / "r" / "report.html").read_text()
    assert record["options"]["holdout"] == str(mixed.parent / "later.csv")


def test_what_the_other_table_lacks_is_told(refused, mixed):
    pd.read_csv(mixed).drop(columns="worth").to_csv(mixed.parent / "later.csv", index=False)
    said = refused("fit", mixed, "--target", "label", "--evaluations", 4, "--out", "r", "--holdout", "later.csv")
    assert "later.csv: it lacks the column(s) 'worth'" in said
    assert not (mixed.parent / "r").exists()


def test_rows_that_cannot_be_scored_cost_no_model(run, fake, mixed, monkeypatch):
    def fails(*_):
        raise ValueError("no such thing")

    monkeypatch.setattr("evoml.evaluation.holdout.held_out_score", fails)
    result = run("fit", mixed, "--target", "label", "--evaluations", 2, "--out", "r", "--holdout", 0.2, "--explain", 0)
    assert result.exit_code == 0, result.output
    assert "warning: the rows held out could not be scored: no such thing" in result.stderr
    assert json.loads((mixed.parent / "r" / "run.json").read_text())["state"] == "finished"


def test_a_table_of_one_row_is_scored(run, fake, mixed):
    pd.read_csv(mixed).iloc[:1, ::-1].to_csv(mixed.parent / "later.csv", index=False)
    result = run("fit", mixed, "--target", "label", "--evaluations", 2, "--out", "r", "--holdout", "later.csv")
    assert result.exit_code == 0, result.output
    assert "hold-out score (1 rows the search never saw): " in result.stdout
