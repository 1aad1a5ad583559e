"""Problems of experiments: drawn, read, made by the user's own code."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from evoml.core.errors import DataError
from evoml.experiment import read_config
from evoml.experiment.problems import load

FORMULAS = """
title = "Formulas"
genome = "formula"
budget = { generations = 1 }
success = 0.9
[problems.nguyen]
formulas = "formulas.toml"
family = "nguyen"
noise = 0.1
success = 0.99
[problems.line]
formula = "2*x + y"
ranges = { x = [0, 1], y = [5, 6] }
rows = 30
test_rows = 11
"""


def test_formulas_of_a_file_become_problems_one_by_one(experiment_folder):
    folder = experiment_folder(FORMULAS)
    (folder / "formulas.toml").write_text(
        '[nguyen]\nrows = 20\nproblems = [["n1", "x**3", { x = [-1, 1] }], ["n2", "x**4", { x = [-1, 1] }]]\n'
        '[others]\nrows = 20\nproblems = [["o1", "x", { x = [-1, 1] }]]\n[given]\nproblems = [["g", ""]]\n'
    )
    experiment = read_config(folder)
    assert list(experiment.problems) == ["n1", "n2", "line"]
    assert experiment.success == {"n1": 0.99, "n2": 0.99, "line": 0.9}
    first, noisy = (load(experiment.problems[name], folder, 3, 0.3) for name in ("line", "n1"))
    assert (first.X.shape, first.X_test.shape, first.task) == ((30, 2), (11, 2), "regression")
    assert np.array_equal(first.y, 2 * first.X[:, 0] + first.X[:, 1])
    assert not np.array_equal(noisy.y, noisy.X[:, 0] ** 3)
    assert np.array_equal(noisy.y_test, noisy.X_test[:, 0] ** 3)
    assert np.array_equal(noisy.y, load(experiment.problems["n1"], folder, 3, 0.3).y)
    assert not np.array_equal(noisy.X, load(experiment.problems["n1"], folder, 4, 0.3).X)


def test_tables_from_files_and_functions(tmp_path, monkeypatch):
    table = pd.DataFrame({"a": range(40), "y": ["no", "yes"] * 20})
    table.to_csv(tmp_path / "t.csv", index=False)
    found = load({"data": "t.csv", "target": "y"}, tmp_path, 0, 0.25)
    assert (len(found.X), len(found.X_test), found.task) == (30, 10, "classification")
    assert found.y_test.value_counts().to_dict() == {"no": 5, "yes": 5}
    with pytest.raises(DataError, match="needs the environment variable TABLES"):
        load({"data": "$TABLES/t.csv", "target": "y"}, tmp_path, 0, 0.25)
    monkeypatch.setenv("TABLES", str(tmp_path))
    assert load({"data": "$TABLES/t.csv", "target": "y"}, tmp_path, 0, 0.25).X_test.equals(found.X_test)
    (tmp_path / "own.py").write_text("def made(seed, n):\n    return [[seed]] * n, [0.5] * n, [[1]], [2.5]\n")
    own = load({"function": "own.py:made", "n": 3}, tmp_path, 7, 0.25)
    assert (own.X, own.y, own.X_test, own.y_test, own.task) == ([[7]] * 3, [0.5] * 3, [[1]], [2.5], "regression")
