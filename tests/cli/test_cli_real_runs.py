"""Real runs in real processes: interruptions, kills, exit codes, and what is left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from evoml.cli.model_file import load_model
from evoml.journal import Journal

PATIENCE = 90  # seconds after which a process is taken to hang


@pytest.fixture
def start(here):
    """Start a command in a process group of its own, as a shell does, with stderr in ``log.txt``."""
    started = []

    def begin(*arguments: object) -> subprocess.Popen:
        with open("log.txt", "a") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "evoml.cli.main", *map(str, arguments)],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        started.append(process)
        return process

    yield begin
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for(text: str, process: subprocess.Popen) -> None:
    """Wait until a line with ``text`` is in the log."""
    until = time.monotonic() + PATIENCE
    while text not in (log := Path("log.txt").read_text()):
        assert process.poll() is None, log
        assert time.monotonic() < until
        time.sleep(0.02)


def told(path) -> list:
    with Journal.read(path / "journal.sqlite") as journal:
        table = journal.individuals()
    return table[["text", "status", "scores", "parents"]].to_numpy().tolist()


def test_the_first_interrupt_ends_in_good_order_with_a_model(here, start):
    process = start("fit", "sklearn:wine", "--seconds", 300, "--out", "r")
    wait_for("best 0.", process)
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=PATIENCE)
    log = (here / "log.txt").read_text()
    assert process.returncode == 0, log
    assert log.count("stopping in good order") == 1
    assert "press Ctrl-C again to abort" in log
    assert "Traceback" not in log
    assert "go on with it by: evoml resume r" in output
    assert load_model(here / "r" / "model.skops").task == "classification"


def test_the_second_interrupt_aborts(here, start):
    process = start("fit", "sklearn:digits", "--seconds", 300, "--out", "r")
    wait_for("best 0.", process)
    os.killpg(process.pid, signal.SIGINT)
    wait_for("stopping in good order", process)
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=PATIENCE)
    log = (here / "log.txt").read_text()
    assert process.returncode == 130, log
    assert "aborted: what was recorded so far is kept" in log
    assert "Traceback" not in log


def test_a_killed_run_is_resumed_to_what_it_would_have_been(here, start, run):
    options = ["fit", "sklearn:iris", "--evaluations", 8, "--seed", 7, "--jobs", 2]
    process = start(*options, "--out", "killed")
    wait_for("best 0.", process)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert run("show", "killed").stdout.count("\n") > 1
    assert run("report", "killed").exit_code == 0
    resumed = run("resume", "killed")
    assert resumed.exit_code == 0, resumed.output
    assert run(*options, "--out", "whole").exit_code == 0
    assert told(here / "killed") == told(here / "whole")
    predictions = [run("predict", folder, "sklearn:iris").stdout for folder in ("killed", "whole")]
    assert predictions[0] == predictions[1]


def test_a_mixed_table_from_fit_to_prediction(run, refused, mixed):
    options = ["--target", "label", "--evaluations", 4, "--jobs", 1, "--seed", 1]
    result = run("fit", mixed, *options, "--out", "r", "--metric", "roc_auc", "--holdout", 0.2, "--weight", "worth")
    assert result.exit_code == 0, result.output
    assert "selection score (cross-validated, chosen on this data): 0." in result.stdout
    assert "hold-out score (12 rows the search never saw): " in result.stdout
    predictions = run("predict", "r", mixed)
    assert predictions.stderr == ""
    assert len(predictions.stdout.splitlines()) == 61
    compile((mixed.parent / "r" / "pipeline.py").read_text(), "pipeline.py", "exec")
    pd.read_csv(mixed).assign(house=range(60)).to_csv(mixed, index=False)
    assert "records another run: the table was" in refused("resume", "r")


def test_a_regression_from_fit_to_prediction(run):
    metric = "neg_mean_absolute_error"
    options = ["--evaluations", 3, "--jobs", 1, "--out", "r", "--holdout", 0.2, "--metric", metric]
    result = run("fit", "sklearn:diabetes", *options)
    assert result.exit_code == 0, result.output
    assert "task: regression" in result.stderr
    assert f" {metric}\n" in result.stdout
    assert "hold-out score (89 rows the search never saw): -" in result.stdout
    assert len(run("predict", "r", "sklearn:diabetes").stdout.splitlines()) == 443


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--metric", "acuracy"], "unknown metric 'acuracy'; did you mean 'accuracy'?"),
        (["--search-space", "s.toml"], "s.toml: [LogisticRegresion]"),
        (["--search-space", "none.toml"], "none.toml: cannot be read"),
    ],
)
def test_a_refused_setting_leaves_no_folder(refused, here, options, expected):
    (here / "s.toml").write_text("[LogisticRegresion]\nremove = true\n")
    assert expected in refused("fit", "sklearn:iris", "--evaluations", 3, "--out", "r", *options)
    assert not (here / "r").exists()


def test_help_loads_no_heavy_library(here):
    code = "import sys, evoml.cli.main; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"pandas", "sklearn", "scipy", "matplotlib"} & set(loaded)
