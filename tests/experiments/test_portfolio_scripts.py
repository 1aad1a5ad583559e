"""The scripts that the portfolio is learned with, run on two tiny tables of their own."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from evoml.components import load_catalogue
from evoml.genomes.pipeline_tree.term import read_term

SCRIPTS = Path(__file__).parents[2] / "experiments" / "portfolio"
FIRST = 3  # candidates of each task: enough for an order, and they take no second
TABLES = """
[classes]
task = "binary"
file = "classes.dat"
source = "made here"
target = "last column"

[values]
task = "regression"
file = "values.pkl.xz"
source = "made here"
target = "y"
drop = ["row"]
"""


def run(script, *arguments):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, str(SCRIPTS / script), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=True).stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with two tables: one of KEEL's kind with a gap, one of R's kind with text and a missing target."""
    import pandas as pd

    folder = tmp_path_factory.mktemp("portfolio")
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(60, 3))
    rows = [f"{a:.3f}, {b:.3f}, {'yes' if a + b > 0 else 'no'}" for a, b, _ in numbers]
    (folder / "classes.dat").write_text("\n".join(["?, 0.1, yes", *rows]))
    frame = pd.DataFrame(numbers, columns=["a", "b", "c"]).assign(
        town=rng.choice(["Ulm", "Kiel"], 60), row=np.arange(60)
    )
    frame["y"] = np.where(np.arange(60) == 7, np.nan, frame.a + (frame.town == "Ulm"))
    frame.to_pickle(folder / "values.pkl.xz", compression="xz")
    (folder / "tables.toml").write_text(TABLES)
    return folder


@pytest.fixture(scope="module")
def collected(folder):
    said = run("collect.py", folder, folder / "results", "--tables", folder / "tables.toml", "--first", FIRST)
    return said, folder / "results"


def test_collected_results_are_whole_and_not_made_twice(folder, collected):
    said, results = collected
    assert len(said.splitlines()) == 2 * FIRST
    with np.load(results / "values" / "table.npz") as table:
        assert len(table["y"]) == 59  # the row without a target is left out
        assert set(table["fold"]) == set(range(5))
    for table in ("classes", "values"):
        files = [path for path in (results / table).glob("*.npz") if path.name != "table.npz"]
        assert len(files) == FIRST
        for path in files:
            with np.load(path) as content:
                assert content["predictions"].dtype == np.float32
                assert np.isfinite(content["predictions"]).all()
    again = run("collect.py", folder, results, "--tables", folder / "tables.toml", "--first", FIRST)
    assert again == ""


def test_what_is_learned_is_a_portfolio(folder, collected):
    written = folder / "pipelines.toml"
    said = run("learn.py", collected[1], "--tables", folder / "tables.toml", "--to", written)
    assert "by hand" in said
    found = tomllib.loads(written.read_text())
    assert list(found) == ["classification", "regression"]
    catalogue = load_catalogue()
    for texts in found.values():
        assert len(texts) == len(set(texts)) == FIRST
        assert all(read_term(text).name in catalogue for text in texts)
    assert found["regression"][0] == "Ridge(StandardScaler(features))"


def test_all_candidates_can_be_written_for_a_table(monkeypatch):
    from contracts.pipeline_spaces import space

    monkeypatch.syspath_prepend(str(SCRIPTS))
    from candidates import candidates

    for task in ("classification", "regression"):
        of = space(task, "table")
        texts = candidates(task)
        keys = {of.key(of.adapted(text)) for text in texts if not needs_a_positive_target(text)}
        assert len(keys) > 120
        assert len(set(texts)) == len(texts)


def needs_a_positive_target(text):
    return text.startswith(("Poisson", "Gamma", "Tweedie"))
