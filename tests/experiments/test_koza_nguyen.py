"""Known formulas: their tables, and what counts as a success."""

from types import SimpleNamespace

import numpy as np
import pytest
from experiments.folders import EXPERIMENTS, modules, small_cell

from evoml.experiment import read_config
from evoml.experiment.problems import load

with modules("koza_nguyen", "problem", "successes") as (problem, successes):
    pass
FOLDER = EXPERIMENTS / "koza_nguyen"


def test_a_grid_has_all_points_of_its_ranges():
    ranges = {"x": [-5, 5], "y": [-5, 5]}
    X, y, X_test, _ = problem.grid(0, "1/(1 + x**-4) + 1/(1 + y**-4)", ranges, 0.4, {"x": [0.5, 1], "y": [2, 3]}, 0.5)
    assert X.shape == (26 * 26, 2)  # as Pagie and Hogeweg have it
    assert X.min(axis=0) == pytest.approx([-5, -5])
    assert X.max(axis=0) == pytest.approx([5, 5])
    assert y[0] == pytest.approx(2 / (1 + 5.0**-4))
    assert X_test.tolist() == [[0.5, 2], [0.5, 2.5], [0.5, 3], [1, 2], [1, 2.5], [1, 3]]


def test_harmonic_numbers():
    X, y, X_test, y_test = problem.harmonic(0, 50, 120)
    assert (len(X), len(X_test)) == (50, 120)
    assert y[:3] == pytest.approx([1, 1.5, 1.5 + 1 / 3])
    assert y_test[-1] == pytest.approx(sum(1 / i for i in range(1, 121)))


def test_every_problem_has_a_finite_table():
    experiment = read_config(FOLDER)
    assert {"nguyen_2", "keijzer_6", "pagie_1"} < set(experiment.problems)
    for name, task in experiment.problems.items():
        data = load(task, FOLDER, 0, 0.3)
        assert all(np.isfinite(part).all() for part in data[:4]), name
        assert data.task == "regression"
        assert len(data.X) == (20 if name.startswith("nguyen") or "formula" in task else len(data.X))


@pytest.mark.parametrize(
    ("wrong", "hits", "exact"), [(0.0, 1.0, 1.0), (1e-7, 1.0, 1.0), (0.005, 1.0, 0.0), (0.02, 0.0, 0.0)]
)
def test_what_counts_as_a_success(wrong, hits, exact):
    import pandas as pd

    X = np.linspace(0, 1, 20)[:, None]
    cell = SimpleNamespace(data=lambda: SimpleNamespace(X=X, y=X[:, 0], X_test=X, y_test=X[:, 0]))
    model = SimpleNamespace(
        predict=lambda rows: rows[:, 0] + wrong,
        evaluations_=7,
        formula_="x0",
        front_=pd.DataFrame({"text": ["x0"], "complexity": [1]}),
    )
    told = successes.successes(model, cell)
    assert (told["all_hits"], told["exact"]) == (hits, exact)


@pytest.mark.parametrize("variant", ["classic", "evoml"])
def test_a_cell_of_the_experiment(variant, tmp_path):
    found = small_cell("koza_nguyen", tmp_path, f"nguyen_1-{variant}-0", evaluations=3000, population_size=200)
    assert found.measures["evaluated"] >= 3000 or found.measures["exact"]
    assert found.measures["test_score"] > 0.8
