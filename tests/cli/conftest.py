"""What the tests of the command line share: a runner, small tables, stand-ins for the estimators."""

from __future__ import annotations

from pathlib import Path

import fake_estimators
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import evoml
from evoml.cli.main import app


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(here):
    """Run a command in an empty directory: ``run("fit", "t.csv")`` returns exit_code, stdout and stderr."""

    def invoke(*arguments: object):
        result = CliRunner(env={"COLUMNS": "200"}).invoke(app, [str(argument) for argument in arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return invoke


@pytest.fixture
def refused(run):
    """Run a command that must be refused: exit code 2, and one line on stderr that begins with ``error:``."""

    def invoke(*arguments: object) -> str:
        result = run(*arguments)
        lines = [
            line
            for line in result.stderr.splitlines()
            if not line.startswith(("data:", "task:", "column", "folder:", "budget:", "replaying "))
        ]
        assert result.exit_code == 2, result.output
        assert len(lines) == 1, result.stderr
        assert lines[0].startswith("error: ")
        assert "Traceback" not in result.output
        return lines[0].removeprefix("error: ")

    return invoke


@pytest.fixture
def fake(monkeypatch) -> None:
    """Estimators that search nothing."""
    monkeypatch.setitem(evoml.__dict__, "EvoClassifier", fake_estimators.FakeClassifier)
    monkeypatch.setitem(evoml.__dict__, "EvoRegressor", fake_estimators.FakeRegressor)


@pytest.fixture
def mixed(here) -> Path:
    """A table of numbers, text that looks numeric, truth values and gaps; the target ``label`` is yes or no."""
    rng = np.random.default_rng(0)
    n = 60
    size = rng.normal(size=n)
    table = pd.DataFrame(
        {
            "size": np.where(np.arange(n) % 9 == 0, np.nan, size.round(3)),
            "code": np.where(np.arange(n) % 4 == 0, "x7", "07"),
            "new": rng.integers(0, 2, n).astype(bool),
            "label": np.where(size > 0, "yes", "no"),
            "house": rng.integers(0, 12, n),
            "worth": rng.uniform(1, 2, n).round(2),
        }
    )
    path = here / "mixed.csv"
    table.to_csv(path, index=False)
    return path
