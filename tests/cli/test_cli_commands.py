"""The commands from end to end, with estimators that search nothing: files, messages and exit codes."""

from __future__ import annotations

import io
import json
import shutil
import sqlite3
from pathlib import Path

import pandas as pd
import pytest

import evoml

pytestmark = pytest.mark.usefixtures("fake")


@pytest.fixture
def finished(run, mixed):
    """A folder ``r`` with a finished run on the mixed table."""
    result = run("fit", mixed, "--target", "label", "--evaluations", 4, "--out", "r", "--seed", 1)
    assert result.exit_code == 0, result.output
    return mixed.parent / "r"


def test_version(run):
    assert run("--version").stdout == f"evoml {evoml.__version__}\n"


def test_without_a_command_there_is_help(run):
    assert "fit" in run().output


def test_fit_leaves_a_whole_folder_and_says_what_came_out(run, mixed):
    result = run("fit", mixed, "--target", "label", "--evaluations", 4, "--out", "r", "--holdout", 0.25)
    assert result.exit_code == 0
    assert {"journal.sqlite", "model.skops", "pipeline.py", "report.html", "run.json"} <= {
        file.name for file in (mixed.parent / "r").iterdir()
    }
    assert "task: classification ('label' holds text, 2 classes; --task sets another)" in result.stderr
    assert "failed: 1 timeout" in result.stderr
    assert "best pipeline: StandardScaler → LogisticRegression\n" in result.stdout
    assert "selection score (cross-validated, chosen on this data): 0.9 accuracy\n" in result.stdout
    assert "hold-out score (15 rows the search never saw): " in result.stdout
    assert "evoml predict r TABLE" in result.stdout


def test_the_record_holds_what_a_later_reader_needs(finished, mixed):
    record = json.loads((finished / "run.json").read_text())
    assert record["state"] == "finished"
    assert record["options"]["table"] == str(mixed)
    assert record["options"]["seed"] == 1
    assert record["metric"] == "accuracy"
    assert "scikit-learn" in record["versions"]


def test_without_a_bound_the_default_is_told(run):
    result = run("fit", "sklearn:iris")
    assert "budget: 60 seconds, as none was given" in result.stderr
    assert "files in runs/iris-" in result.stdout


def test_options_come_from_a_file(run, here):
    (here / "f.toml").write_text('table = "sklearn:diabetes"\nevaluations = 3\nout = "a"\nmetric = "r2"\n')
    assert run("fit", "--config", "f.toml", "--out", "b").exit_code == 0
    assert not (here / "a").exists()
    assert json.loads((here / "b" / "run.json").read_text())["options"]["metric"] == "r2"


def test_group_and_weight_reach_the_fit_and_are_ignored_at_prediction(run, mixed):
    result = run(
        "fit", mixed, "--target", "label", "--group", "house", "--weight", "worth", "--evaluations", 3, "--out", "r"
    )
    assert "60 rows, 3 columns" in result.stderr
    assert "ignored" not in run("predict", "r", mixed).stderr


def test_predictions_match_the_rows_and_probabilities_add_up(run, finished, mixed):
    result = run("predict", "r", mixed, "--proba")
    table = pd.read_csv(io.StringIO(result.stdout))
    assert list(table.columns) == ["prediction", "probability_no", "probability_yes"]
    assert len(table) == 60
    assert (table.iloc[:, 1:].sum(axis=1) - 1).abs().max() < 1e-9
    assert set(table["prediction"]) == {"no", "yes"}


def test_predictions_go_to_a_file(run, finished, mixed):
    result = run("predict", "r", mixed, "--out", "p.csv")
    assert result.stdout == ""
    assert "60 predictions written to p.csv" in result.stderr
    assert len(pd.read_csv("p.csv")) == 60


def test_columns_may_come_in_another_order_with_others_and_in_small_parts(run, finished, mixed):
    table = pd.read_csv(mixed, dtype={"code": str})
    whole = run("predict", "r", mixed).stdout.splitlines()[1:]
    part = table[table["code"] == "07"].head(3)  # looks like numbers throughout
    part[["worth", "new", "code", "size", "house"]].assign(more=1).to_csv("part.csv", index=False)
    result = run("predict", "r", "part.csv")
    assert result.stdout.splitlines()[1:] == [whole[at] for at in part.index]
    assert "note: 1 columns the model does not know are ignored: more" in result.stderr


def test_show_is_tab_separated_when_piped(run, finished):
    result = run("show", "r", "--n", 2)
    lines = result.stdout.splitlines()
    assert lines[0].split("\t")[:3] == ["rank", "id", "score"]
    assert [line.split("\t")[1] for line in lines[1:]] == ["3", "2"]
    assert "failed: 1 timeout" in result.stderr


def test_report_is_written_again(run, finished):
    (finished / "report.html").unlink()
    assert run("report", "r").stdout == "r/report.html\n"
    assert (finished / "report.html").stat().st_size > 100


def test_resume_writes_what_a_killed_run_lacks(run, finished, mixed):
    for name in ("model.skops", "report.html", "pipeline.py"):
        (finished / name).unlink()
    with sqlite3.connect(finished / "journal.sqlite") as journal:
        journal.execute("DELETE FROM outcomes WHERE candidate = 3")
        journal.execute("DELETE FROM candidates WHERE id = 3")
    result = run("resume", "r")
    assert result.exit_code == 0, result.output
    assert "4 evaluations" in result.stderr
    assert run("predict", "r", mixed).exit_code == 0


def test_resume_after_a_kill_before_the_first_step_starts_the_run(run, finished):
    (finished / "journal.sqlite").unlink()
    assert run("resume", "r").exit_code == 0


def test_resume_tells_of_other_versions(run, finished):
    record = json.loads((finished / "run.json").read_text())
    record["versions"]["numpy"] = "1.0"
    (finished / "run.json").write_text(json.dumps(record))
    assert "other versions (numpy 1.0 then," in run("resume", "r").stderr


# -- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["none.csv", "--target", "y"], "there is no table at none.csv"),
        (["sklearn:irs"], "there is no table sklearn:irs; did you mean 'iris'?"),
        (["mixed.csv"], "no target was given"),
        (["mixed.csv", "--target", "lable"], "the table has no target column 'lable'; did you mean 'label'?"),
        (["mixed.csv", "--target", "label", "--group", "hose"], "no group column 'hose'; did you mean 'house'?"),
        (["mixed.csv", "--target", "size"], "the target 'size' is missing in 7 of 60 rows, first in row 1"),
        (
            ["mixed.csv", "--target", "label", "--seconds", "-3"],
            "the number of --seconds must be greater than zero, got -3.0",
        ),
        (["mixed.csv", "--target", "label", "--seconds", "0"], "the number of --seconds must be greater than zero"),
        (
            ["mixed.csv", "--target", "label", "--metric", "acuracy"],
            "unknown metric 'acuracy'; did you mean 'accuracy'?",
        ),
        (["mixed.csv", "--target", "label", "--config", "none.toml"], "none.toml: No such file or directory"),
        ([], "no table was given"),
    ],
)
def test_fit_refuses_bad_input_and_leaves_no_folder(refused, mixed, options, expected):
    assert expected in refused("fit", *options)
    assert not (mixed.parent / "runs").is_dir() or not list((mixed.parent / "runs").iterdir())


def test_a_folder_that_is_taken_is_refused(refused, finished):
    message = refused("fit", "sklearn:iris", "--out", "r")
    assert message == "the folder r is not empty; go on with it by `evoml resume r`, or give another name with --out"


def test_predict_refuses_tables_that_do_not_fit(refused, finished, mixed):
    table = pd.read_csv(mixed)
    table.drop(columns=["size", "new"]).to_csv("t.csv", index=False)
    assert "lacks 2 of the 5 columns the model was fitted on: size, new" in refused("predict", "r", "t.csv")
    table.assign(size="big").to_csv("t.csv", index=False)
    assert "column 'size' must hold numbers, but row 1 holds 'big'" in refused("predict", "r", "t.csv")
    assert "there is no folder no/where to write p.csv in" in refused("predict", "r", mixed, "--out", "no/where/p.csv")


def test_predict_takes_infinity_as_missing_as_fit_does(run, finished, mixed):
    table = pd.read_csv(mixed)
    for infinite in ("inf", ""):
        table.assign(house=infinite).to_csv("t.csv", index=False)
        assert run("predict", "r", "t.csv", "--out", f"p{infinite}.csv").exit_code == 0
    assert Path("pinf.csv").read_text() == Path("p.csv").read_text()


def test_predict_refuses_probabilities_of_a_regression(run, refused):
    run("fit", "sklearn:diabetes", "--evaluations", 3, "--out", "d")
    assert "--proba needs a classifier" in refused("predict", "d", "sklearn:diabetes", "--proba")


@pytest.mark.parametrize("command", ["show", "report", "resume"])
def test_a_folder_without_a_run_is_refused(refused, here, command):
    assert "there is no run folder nowhere" in refused(command, "nowhere")
    (here / "empty").mkdir()
    assert "there is no journal at" in refused(command, "empty") or command == "resume"


@pytest.mark.parametrize("command", ["show", "report", "resume"])
def test_a_journal_that_is_none_is_refused(refused, finished, command):
    path = finished / "journal.sqlite"
    for leftover in finished.glob("journal.sqlite-*"):
        leftover.unlink()
    whole = path.read_bytes()
    path.write_bytes(b"no journal at all" * 100)
    assert "cannot be used as a journal: file is not a database" in refused(command, "r")
    path.write_bytes(whole[:20000])
    assert "journal.sqlite" in refused(command, "r")
    path.write_bytes(whole)
    with sqlite3.connect(path) as journal:
        journal.execute("PRAGMA user_version = 99")
    assert "has journal version 99, this evoml reads version 2" in refused(command, "r")


def test_a_missing_damaged_or_foreign_model_is_refused(refused, finished, mixed):
    whole = (finished / "model.skops").read_bytes()
    (finished / "model.skops").write_bytes(whole[: len(whole) // 2])
    assert "model.skops cannot be read" in refused("predict", "r", mixed)
    (finished / "model.skops").unlink()
    assert "there is no model at r/model.skops; `evoml resume r`" in refused("predict", "r", mixed)


def test_a_run_in_use_is_refused(refused, finished):
    from evoml.journal import Journal

    with Journal.resume(finished / "journal.sqlite"):
        assert "is in use by another run" in refused("resume", "r")


def test_a_table_that_was_removed_is_refused_at_resume(refused, finished, mixed):
    shutil.move(mixed, mixed.parent / "elsewhere.csv")
    assert "there is no table at" in refused("resume", "r")


def test_debug_shows_the_traceback(run):
    with pytest.raises(evoml.core.DataError):
        run("--debug", "fit", "sklearn:irs")
