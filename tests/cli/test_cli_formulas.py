"""`evoml formulas`: a table in, formulas out."""

import json

import numpy as np
import pandas as pd
import pytest

from evoml.cli.folder import RunFolder
from evoml.cli.formulas import FormulaOptions
from evoml.cli.programs import ProgramOptions
from evoml.cli.searching import _lasting, carry_out, numbers_of
from evoml.core.errors import DataError
from evoml.journal import Journal

QUICK = ("--generations", 12, "--seed", 1)


@pytest.fixture
def tables(here):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.uniform(1, 3, (80, 2)), columns=["mass", "area"])
    table["pressure"] = 9.81 * table["mass"] / table["area"]
    table["note"] = "text"
    table.to_csv("numbers.csv", index=False)
    table.assign(minus=np.where(table.index == 1, -1, 1)).to_csv("weighted.csv", index=False)
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
    assert "left out: 1 of 80 rows, which have gaps or infinities" in result.stderr


@pytest.mark.parametrize("column", ["mass", "pressure", "worth"])
def test_infinity_is_as_good_as_a_gap(here, column):
    table = pd.DataFrame({"mass": [1.0, 2.0, 3.0], "pressure": [2.0, 3.0, 4.0], "worth": [1, 1, 2.0]})
    table.loc[1, column] = np.inf
    table.to_csv("t.csv", index=False)
    X, y, weights = numbers_of(FormulaOptions("t.csv", "pressure", weight="worth"), "formulas")
    assert X["mass"].tolist() == [1.0, 3.0]
    assert (y.tolist(), weights.tolist()) == ([2.0, 4.0], [1.0, 2.0])


def test_what_an_estimator_does_not_take_is_one_line(here):
    class Estimator:
        def set_params(self, **_):
            pass

        def fit(self, *_):
            raise ValueError("Input X contains something")

    options = FormulaOptions("t.csv", "y", seed=1)
    with pytest.raises(DataError, match="Input X contains something"):
        carry_out(RunFolder.planned("r", "t"), options, "formulas", Estimator())
    assert not (here / "r").exists()


def test_files_are_recorded_by_their_whole_paths(here):
    (here / "mine.txt").write_text("...")
    options = ProgramOptions("t.csv", "y", algorithm="mine.py:Own", start="affine, mine.txt")
    lasting = _lasting(options)
    assert (lasting.algorithm, lasting.start) == (f"{here}/mine.py:Own", f"affine,{here}/mine.txt")
    assert _lasting(FormulaOptions("t.csv", "y")).algorithm == "nsga2"


def test_a_seed_that_cannot_be_is_refused_before_there_is_a_folder(tables, run):
    result = run("formulas", "numbers.csv", "--target", "pressure", "--seed", -1)
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1] == "error: --seed must be from 0 to 4294967295, got -1"
    assert not (tables / "runs").exists()


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
        (("numbers.csv", "--target", "pressure", "--jobs", 0), "the number of --jobs must not be 0"),
        (
            ("numbers.csv", "--target", "pressure", "--weight", "note"),
            "'note' must hold numbers, but row 1 holds 'text'",
        ),
        (("weighted.csv", "--target", "pressure", "--weight", "minus"), "'minus' holds a negative weight in row 2"),
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


def test_a_folder_is_shown_and_reported(tables, run):
    run("formulas", "numbers.csv", "--target", "pressure", "--out", "found", *QUICK)
    shown = run("show", "found")
    assert shown.exit_code == 0, shown.output
    lines = shown.stdout.splitlines()
    assert lines[0] == "complexity\tloss\tscore\ttext\tchosen"
    assert [line for line in lines if line.endswith("*")] == [line for line in lines if "9.81 * mass / area" in line]
    assert lines[-1].startswith("latex: ")
    assert r"\mathrm{mass}" in lines[-1]
    assert len(run("show", "found", "-n", 1).stdout.splitlines()) == 3
    (tables / "found" / "report.html").unlink()
    assert run("report", "found").exit_code == 0
    page = (tables / "found" / "report.html").read_text()
    assert "Formulas for pressure" in page
    assert "numbers.csv" in page
    assert "The population over time" in page


def test_labels_are_shown_and_reported_by_class(tables, run):
    run("formulas", "labels.csv", "--target", "high", "--out", "found", *QUICK)
    assert run("show", "found").stdout.startswith("complexity\tloss\tscore")
    assert "log loss" in (tables / "found" / "report.html").read_text()


def test_a_run_that_was_killed_is_shown_and_resumed_to_the_same_formulas(tables, run, monkeypatch):
    from evoml.run import batches

    options = ("formulas", "numbers.csv", "--target", "pressure", "--generations", 6)
    step, steps = batches.Recorder.step, []

    def killed(self, *arguments):
        step(self, *arguments)
        steps.append(1)
        if len(steps) == 3:
            raise SystemError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(batches.Recorder, "step", killed)
        with pytest.raises(SystemError):
            run(*options, "--out", "cut")
    seed = json.loads((tables / "cut" / "run.json").read_text())["options"]["seed"]
    assert "complexity\tscore\ttext" in run("show", "cut").stdout
    run("report", "cut")
    assert "This run has not finished." in (tables / "cut" / "report.html").read_text()
    monkeypatch.chdir(tables / "cut")
    resumed = run("resume", tables / "cut")
    monkeypatch.chdir(tables)
    whole = run(*options, "--out", "whole", "--seed", seed)
    assert resumed.exit_code == 0, resumed.output
    assert resumed.stdout.splitlines()[:-1] == whole.stdout.splitlines()[:-1]
    assert json.loads((tables / "cut" / "run.json").read_text())["state"] == "finished"
    again = run("resume", "cut")
    assert again.stdout.splitlines()[:-1] == whole.stdout.splitlines()[:-1]


@pytest.mark.parametrize("command", [("predict", "found", "numbers.csv"), ("replay", "found"), ("explain", "found")])
def test_what_is_for_pipelines_is_refused_in_one_line(tables, refused, command):
    Journal.create(tables / "journal.sqlite", {"kind": "formulas"}).close()
    (tables / "found").mkdir()
    (tables / "journal.sqlite").rename(tables / "found" / "journal.sqlite")
    assert "holds a search for formulas, and this command is for one for pipelines" in refused(*command)


def test_a_folder_without_its_record_says_how_to_go_on(tables, run, refused):
    run("formulas", "numbers.csv", "--target", "pressure", "--out", "found", *QUICK)
    (tables / "found" / "run.json").unlink()
    assert run("show", "found").exit_code == 0
    assert "go on by `evoml formulas TABLE --target COLUMN --out found --resume`" in refused("resume", "found")
