"""`evoml formulas`: a table in, formulas out."""

import numpy as np
import pandas as pd
import pytest

QUICK = ("--generations", 12, "--seed", 1)


@pytest.fixture
def tables(here):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.uniform(1, 3, (80, 2)), columns=["mass", "area"])
    table["pressure"] = 9.81 * table["mass"] / table["area"]
    table["note"] = "text"
    table.to_csv("numbers.csv", index=False)
    table["high"] = np.where(table["pressure"] > 10, "yes", "no")
    table.loc[3, "mass"] = np.nan
    table.drop(columns="pressure").to_csv("labels.csv", index=False)
    return here


def test_the_formula_is_printed_and_written(tables, run):
    result = run("formulas", "numbers.csv", "--target", "pressure", "--out", "found", *QUICK)
    assert result.exit_code == 0, result.output
    assert "* " in result.stdout
    assert "9.81" in result.stdout
    assert "left out, for formulas need numbers: note" in result.stderr
    names = {path.name for path in (tables / "found").iterdir()}
    assert {"front.csv", "formula.py", "formula.tex", "front.svg", "formula.svg", "journal.sqlite"} <= names
    front = pd.read_csv("found/front.csv")
    assert front.loc[front["chosen"], "text"].str.contains("mass").all()


def test_labels_are_classified(tables, run):
    result = run("formulas", "labels.csv", "--target", "high", "--out", "found", *QUICK)
    assert result.exit_code == 0, result.output
    assert "task: classification, 79 rows" in result.stderr
    assert "left out: 1 of 80 rows, which have gaps" in result.stderr


def test_a_run_is_resumed_to_the_same_formulas(tables, run):
    options = ("formulas", "numbers.csv", "--target", "pressure", "--seed", 1)
    run(*options, "--generations", 2, "--out", "cut")
    resumed = run(*options, "--generations", 5, "--out", "cut", "--resume")
    whole = run(*options, "--generations", 5, "--out", "whole")
    assert resumed.exit_code == 0, resumed.output
    assert resumed.stdout.splitlines()[:-1] == whole.stdout.splitlines()[:-1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("numbers.csv", "--target", "presure"), "no target column 'presure'; did you mean 'pressure'"),
        (("numbers.csv", "--target", "pressure", "--task", "cluster"), "unknown task"),
        (("labels.csv", "--target", "high", "--task", "regression"), "regression needs numbers"),
        (("numbers.csv", "--target", "pressure", "--functions", "plus"), "no operation 'plus'"),
        (("numbers.csv", "--target", "pressure", "--resume"), "--resume goes on with a run"),
    ],
)
def test_mistakes_are_one_line(tables, run, arguments, message):
    result = run("formulas", *arguments, *QUICK)
    assert result.exit_code == 2
    errors = [line for line in result.stderr.splitlines() if line.startswith("error:")]
    assert len(errors) == 1
    assert message in errors[0]
    assert not (tables / "runs").exists() or not any((tables / "runs").iterdir())
