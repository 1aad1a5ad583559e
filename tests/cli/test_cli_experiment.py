"""`evoml experiment`: run, status, resume, report and verify from the command line, and one line for a mistake."""

from __future__ import annotations

import pytest

from evoml.cli.experiments import in_words, left_in_words
from evoml.experiment.remaining import Remaining

CONFIG = """title = "Walks"
runner = "runner.py:walk"
seeds = 2
measure = "best"

[factors]
gain = [1, 2]

[problems.flat]
steep = 0
"""
RUNNER = """
def walk(cell):
    if cell.settings["gain"] == 3:
        raise ValueError("too steep")
    return {"best": cell.settings["gain"] + cell.seed}
"""


@pytest.fixture
def walks(here, monkeypatch):
    monkeypatch.setenv("EVOML_EXPERIMENTS", str(here / "cache"))
    folder = here / "experiments" / "walks"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text(CONFIG)
    (folder / "runner.py").write_text(RUNNER)
    return folder


def test_an_experiment_from_its_first_run_to_its_verification(walks, run):
    done = run("experiment", "run", "walks", "--jobs", 1, "--only", "flat-1-*")
    assert done.exit_code == 0, done.output
    assert "[2/4] flat-1-1: best 2, " in done.stderr
    status = run("experiment", "status", "walks").stdout.splitlines()
    assert status == ["Walks: 4 cells, 2 finished, 0 failed, 0 begun", "  flat: 2 of 4"]
    resumed = run("experiment", "resume", "walks", "--jobs", 1, "--memory", "4GB")
    assert "flat-1-" not in resumed.stderr.split("Ctrl-C")[1]
    assert "Too few seeds to conclude anything" in resumed.stdout
    assert "report: experiments/walks/results/report.md" in resumed.stdout
    assert run("experiment", "verify", "walks", "--jobs", 1).stdout.endswith(
        "4 equal to the last bit, 0 different, 0 not compared\n"
    )
    (walks / "runner.py").write_text(
        RUNNER.replace('cell.settings["gain"] +', '1e-15 * cell.seed + cell.settings["gain"] +')
    )
    changed = run("experiment", "verify", "walks", "--jobs", 1, "--only", "flat-1-")
    assert changed.exit_code == 1
    assert "flat-1-1: different: measure best differs: was 2.0, is 2.000000000000001" in changed.stdout


def test_cells_that_fail_are_told_and_the_exit_code_says_so(walks, run):
    (walks / "config.toml").write_text(CONFIG.replace("[1, 2]", "[1, 3]"))
    done = run("experiment", "run", walks, "--jobs", 1, "--out", walks / "out")
    assert done.exit_code == 1
    assert "failed: flat-3-1: ValueError: too steep (runner.py, line 4)" in done.stderr
    assert not (walks / "results").exists()
    assert "2 of 4 cells are not finished, 2 of them failed" in (walks / "out" / "results" / "report.md").read_text()


def test_where_all_cells_fail_the_last_line_does_not_ask_to_run_them(walks, run):
    (walks / "config.toml").write_text(CONFIG.replace("[1, 2]", "[3]"))
    done = run("experiment", "run", walks, "--jobs", 1)
    assert done.exit_code == 1
    assert (
        done.stderr.splitlines()[-1] == "no cell is finished, so there is nothing to report: see above why they failed"
    )


def test_finished_cells_of_an_earlier_runner_are_told(walks, run):
    run("experiment", "run", "walks", "--jobs", 1)
    (walks / "runner.py").write_text(RUNNER + "\n")
    told = "4 finished cells were run with another runner.py: to run them again, delete their lines in results.csv"
    assert run("experiment", "status", "walks").stdout.splitlines()[-1] == told
    for command in ("run", "report"):
        assert f"{told}.\n" in run("experiment", command, "walks").stdout


def test_mistakes_are_one_line_each(walks, refused):
    assert refused("experiment", "run", "walk").startswith("there is no experiment 'walk'; did you mean 'walks'?")
    assert refused("experiment", "report", "walks").startswith("no cell of walks is finished yet")
    (walks / "config.toml").write_text(CONFIG.replace("seeds = 2", "seeds = 0"))
    assert refused("experiment", "status", "walks").startswith(
        "experiments/walks/config.toml:3: seeds: must be a whole number"
    )


def test_an_experiment_that_was_not_begun_cannot_be_resumed(walks, refused):
    assert refused("experiment", "resume", "walks").startswith("there is nothing to resume in ")


def test_times_have_as_many_digits_as_they_deserve():
    assert [in_words(seconds) for seconds in (1.234, 75.3, 600, 9000)] == ["1.2 s", "75 s", "10 min", "2.5 h"]
    assert left_in_words(None) == "time left not known yet"
    assert left_in_words(Remaining(200.0, 420.0)) == "3 min to 7 min left"
