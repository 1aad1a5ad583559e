"""`evoml programs`: a table in, a learning algorithm out."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from evoml.genomes.program.library import LIBRARY

QUICK = ("--generations", 3, "--population", 20, "--seed", 1)


@pytest.fixture
def tables(here):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(120, 3)), columns=["a", "b", "c"])
    table["y"] = 2 * table["a"] - table["b"] + 0.1 * rng.normal(size=120)
    table.to_csv("numbers.csv", index=False)
    table.assign(y=np.where(table["y"] > 0, "yes", "no")).to_csv("labels.csv", index=False)
    return here


def test_the_program_is_printed_and_written(tables, run):
    result = run("programs", "numbers.csv", "--target", "y", "--out", "found", *QUICK)
    assert result.exit_code == 0, result.output
    assert "def predict():" in result.stdout
    assert "on rows that neither has seen" in result.stdout
    names = {path.name for path in (tables / "found").iterdir()}
    assert {"program.txt", "champions.csv", "algorithm.py", "journal.sqlite", "run.json", "report.html"} <= names
    assert json.loads((tables / "found" / "run.json").read_text())["kind"] == "programs"
    code = "import algorithm, numpy as np; X = np.eye(20, 3); algorithm.LearnedAlgorithm().fit(X, X[:, 0]).predict(X)"
    subprocess.run([sys.executable, "-c", code], cwd=tables / "found", check=True, timeout=60)


def test_labels_are_classified_from_a_program_in_a_file(tables, run):
    (tables / "mine.txt").write_text(LIBRARY["linear"])
    options = (
        "--start",
        "mine.txt",
        "--operations",
        "scalar_sum,vector_inner_product,scalar_difference,scalar_product",
    )
    result = run("programs", "labels.csv", "--target", "y", *QUICK, *options, "--islands", 2, "--out", "found")
    assert result.exit_code != 0
    assert "may not use" in result.stderr
    result = run("programs", "labels.csv", "--target", "y", *QUICK, *options[:2], "--islands", 2, "--out", "found")
    assert result.exit_code == 0, result.output
    assert "task: classification, 120 rows" in result.stderr


def test_a_run_is_resumed_to_the_same_program(tables, run):
    options = ("programs", "numbers.csv", "--target", "y", "--seed", 1, "--population", 20)
    run(*options, "--generations", 2, "--out", "cut")
    resumed = run(*options, "--generations", 5, "--out", "cut", "--resume")
    whole = run(*options, "--generations", 5, "--out", "whole")
    assert resumed.exit_code == 0, resumed.output
    assert resumed.stdout.splitlines()[:-1] == whole.stdout.splitlines()[:-1]
    again = run("resume", "whole")
    assert again.exit_code == 0, again.output
    assert again.stdout.splitlines()[:-1] == whole.stdout.splitlines()[:-1]
    for command in ("report", "show"):
        assert run(command, "whole").exit_code == 0


def test_births_and_cpu_seconds_are_bounds(tables, run):
    options = ("programs", "numbers.csv", "--target", "y", "--seed", 1, "--population", 20, "--cpu-seconds", 60)
    result = run(*options, "--evaluations", 70, "--out", "found")
    assert result.exit_code == 0, result.output
    assert "80 programs" in (tables / "found" / "report.html").read_text()


def test_of_a_small_table_nothing_is_said_of_unseen_rows(tables, run):
    pd.read_csv("numbers.csv").head(40).to_csv("small.csv", index=False)
    result = run("programs", "small.csv", "--target", "y", *QUICK, "--out", "found")
    assert result.exit_code == 0, result.output
    assert "the table is too small to set rows apart" in result.stdout
    assert "on rows that neither has seen" not in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("numbers.csv", "--target", "z"), "no target column 'z'"),
        (("numbers.csv", "--target", "y", "--task", "cluster"), "unknown task"),
        (("labels.csv", "--target", "y", "--task", "regression"), "regression needs numbers"),
        (("numbers.csv", "--target", "y", "--start", "linaer"), "did you mean 'linear'?"),
        (("numbers.csv", "--target", "y", "--algorithm", "nsga2"), "unknown algorithm 'nsga2'"),
        (("numbers.csv", "--target", "y", "--resume"), "--resume goes on with a run"),
    ],
)
def test_a_mistake_is_one_clear_line(tables, run, arguments, message):
    result = run("programs", *arguments, "--generations", 1)
    assert result.exit_code != 0
    assert message in result.stderr
    assert not list(tables.glob("runs/*"))


def test_a_column_of_weights_is_no_feature(tables, run):
    table = pd.read_csv("numbers.csv").assign(w=lambda rows: np.where(rows["a"] > 0, 2.0, 1.0))
    table.to_csv("weighted.csv", index=False)
    result = run("programs", "weighted.csv", "--target", "y", "--weight", "w", *QUICK, "--out", "found")
    assert result.exit_code == 0, result.output
    assert json.loads((tables / "found" / "run.json").read_text())["options"]["weight"] == "w"
    resumed = run("resume", "found")
    assert resumed.exit_code == 0, resumed.output
