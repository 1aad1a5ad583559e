"""`evoml replay`: a verdict in one line, what to look at where it is bad, and an exit code for scripts."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing

import pandas as pd
import pytest
from typer.testing import CliRunner

from evoml.cli.main import app
from evoml.cli.replaying import verdict
from evoml.journal import Journal
from evoml.run import Difference, Replayed


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A folder with a table ``t.csv`` and a finished run on a part of its rows, ``r``."""
    folder = tmp_path_factory.mktemp("recorded")
    table = pd.DataFrame({"size": range(40), "code": ["a", "b", "c", "d"] * 10, "label": (["no"] * 3 + ["yes"]) * 10})
    table.to_csv(folder / "t.csv", index=False)
    options = ["--target", "label", "--evaluations", "5", "--seed", "1", "--jobs", "1", "--holdout", "0.25"]
    result = CliRunner().invoke(app, ["fit", str(folder / "t.csv"), *options, "--out", str(folder / "r")])
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture
def here(here, recorded):
    """The working directory, with a copy of the run and its table."""
    shutil.copytree(recorded, here, dirs_exist_ok=True)
    record = json.loads((here / "r" / "run.json").read_text())
    record["options"]["table"] = str(here / "t.csv")
    (here / "r" / "run.json").write_text(json.dumps(record))
    return here


def alter(here, statement):
    with closing(sqlite3.connect(here / "r" / "journal.sqlite")) as journal, journal:
        journal.execute(statement)


def test_a_run_that_comes_out_again(run, here):
    before = {file.name: file.read_bytes() for file in (here / "r").iterdir()}
    result = run("replay", "r", "--jobs", 2, "--out", "again.db")
    with Journal.read("r/journal.sqlite") as then, Journal.read("again.db") as now:
        candidates = then.individuals()
        assert now.individuals()["fold_scores"].tolist() == candidates["fold_scores"].tolist()
    assert result.exit_code == 0, result.output
    assert result.stdout == f"replayed {len(candidates)} candidates: every bit the same\n"
    assert before == {name: (here / "r" / name).read_bytes() for name in before}


def test_a_part_of_a_run(run, here):
    result = run("replay", "r", "--limit", 3)
    assert (result.exit_code, result.stdout) == (0, "replayed 3 candidates: every bit the same\n")


def test_a_run_that_comes_out_in_another_way(run, here):
    alter(here, "UPDATE outcomes SET semantics = 'other' WHERE candidate = 2")
    result = run("replay", "r")
    assert result.exit_code == 1
    first, second = result.stdout.splitlines()
    assert first.startswith("candidate 2 differs: semantics was other, is ")
    assert second.startswith("library versions are the same: look at ")


def test_other_library_versions_are_named():
    difference = Difference(None, "model", "GaussianNB(features)", "x" * 1000)
    versions = {"numpy": "1.0", "scipy": "1.0"}, {"numpy": "2.0", "scipy": "1.0", "xgboost": "3.0"}
    first, second = verdict(Replayed(9, 9, 0, difference, *versions, b""))
    assert first.startswith("the end of the run differs: model was GaussianNB(features), is xxx")
    assert len(first) == 500
    assert second == "library versions that may explain it: numpy 1.0 then, 2.0 now, xgboost none then, 3.0 now"


def test_outcomes_that_could_not_come_again_are_counted():
    replayed = Replayed(9, 8, 2, None, {}, {}, b"")
    assert verdict(replayed) == ["replayed 9 candidates: every bit the same (2 of 8 outcomes taken from the record)"]


def test_a_changed_table_is_refused_and_both_are_told(refused, here):
    pd.read_csv("t.csv").assign(size=range(1, 41)).to_csv("t.csv", index=False)
    message = refused("replay", "r")
    assert "the table is not the one that r/journal.sqlite records: 30 rows and 2 columns (fingerprint " in message
    assert message.endswith("are there now. Restore the table as it was")


def test_what_cannot_be_replayed_is_refused(refused, here):
    assert "there is no run folder nowhere" in refused("replay", "nowhere")
    assert "again.db exists already" in refused("replay", "r", "--out", shutil.copy("t.csv", "again.db"))
    assert "the number of --jobs must not be 0" in refused("replay", "r", "--jobs", 0)
    assert "--cluster must be the address of a Dask scheduler" in refused("replay", "r", "--cluster", "here")
    (here / "r" / "journal.sqlite").unlink()
    assert "there is no journal at r/journal.sqlite" in refused("replay", "r")
