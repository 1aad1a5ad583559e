"""Studies of the search for pipelines: their configs can be read, their measures tell what they should, small cells run."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from experiments.folders import EXPERIMENTS, modules, small_cell

from evoml.components import load_catalogue
from evoml.experiment import read_config


def searched(text, scores, duplicates=()):
    """Return what measures see of a search: the text of its winner, and the scores in the order told."""
    order = pd.array(range(len(scores)), dtype="Int64")
    twice = pd.array([0 if at in duplicates else None for at in range(len(scores))], dtype="Int64")
    tried = pd.DataFrame({"scores": scores, "sequence": order, "duplicate_of": twice})
    return SimpleNamespace(ensemble_=pd.DataFrame({"text": [text]}), evaluated_individuals_=tried)


@pytest.mark.parametrize(
    ("text", "rediscovered"),
    [
        ("LogisticRegression(Normalizer(features), C=100.0)", 1.0),
        ("RidgeClassifier(StandardScaler(Normalizer(features)))", 1.0),
        ("LogisticRegression(StandardScaler(features))", 0.0),
        ("KNeighborsClassifier(Normalizer(features))", 0.0),
    ],
)
def test_hill_valley_is_rediscovered(text, rediscovered):
    with modules("hill_valley", "measures") as (measures,):
        told = measures.measures(searched(text, [(0.6,), (), (0.95,), (0.97,)]), None)
    assert told["rediscovered"] == rediscovered
    assert told["good_after"] == 3


def test_convergence_is_the_mean_of_the_best_so_far():
    with modules("lexicase_pipelines", "measures") as (measures,):
        told = measures.measures(searched("", [(), (0.5,), (0.9,), (0.4,), (0.8,)], duplicates=[2]), None)
    assert told["convergence"] == pytest.approx(np.mean([0.0, 0.5, 0.5, 0.8]))
    assert told["last_improvement"] == 4


def test_the_light_space_is_there():
    catalogue = load_catalogue(EXPERIMENTS / "lexicase_pipelines" / "light.toml")
    assert "LogisticRegression" in catalogue
    assert "BoostingClassifier" not in catalogue


@pytest.mark.parametrize(
    "name", ["hill_valley", "hill_valley/without_noise", "lexicase_pipelines", "successive_halving"]
)
def test_configs_can_be_read(name):
    experiment = read_config(EXPERIMENTS / name)
    assert len(experiment.variants) == 3


def test_a_cell_of_hill_valley(tmp_path, monkeypatch):
    """On a small table of the same kind."""
    rng = np.random.default_rng(0)
    level, place = 10.0 ** rng.uniform(0, 5, 120), rng.integers(10, 90, 120)
    sign = rng.choice([-1, 1], 120)
    bumps = np.exp(-(((np.arange(100) - place[:, None]) / 10.0) ** 2))
    table = pd.DataFrame(level[:, None] * (1 + 0.3 * sign[:, None] * bumps)).assign(**{"class": (sign > 0).astype(int)})
    table.to_csv(tmp_path / "hill_valley_noise.csv.gz", index=False)
    monkeypatch.setenv("EVOML_DATA", str(tmp_path))
    light = {"only": ["Normalizer", "LogisticRegression", "StandardScaler"]}
    found = small_cell(
        "hill_valley", tmp_path / "out", "noise-nsga2-0", evaluations=15, population_size=5, search_space=light
    )
    assert set(found.measures) >= {"rediscovered", "good_after", "test_score"}


@pytest.mark.parametrize("algorithm", ["nsga2", "lexicase"])
def test_a_cell_of_lexicase(algorithm, tmp_path):
    found = small_cell("lexicase_pipelines", tmp_path, f"wine-{algorithm}-0", evaluations=12, population_size=5)
    assert 0.3 < found.measures["convergence"] <= found.measures["selection_score"]


def test_scores_at_times_are_those_told_by_then():
    told = searched("", [(), (0.5,), (), (0.9,), (0.8,)], duplicates=[2])
    told.evaluated_individuals_ = told.evaluated_individuals_.assign(
        cpu_seconds=[1.0, 1.0, 9.0, 3.0, 2.0], generation=[0, 0, 0, 1, 1]
    )
    with modules("successive_halving", "measures") as (measures,):
        found = measures.measures(told, None)
    assert found == {
        "on_all_rows": 3.0, "generations": 2.0, "score_at_2.5_cpu_seconds": 0.5, "score_at_5.0_cpu_seconds": 0.9,
        "score_at_7.5_cpu_seconds": 0.9,
    }  # fmt: skip


@pytest.mark.parametrize("variant", ["nsga2", "halving"])
def test_a_cell_of_successive_halving(variant, tmp_path):
    light = {"only": ["Ridge", "StandardScaler", "DecisionTreeRegressor", "PCA"]}
    found = small_cell(
        "successive_halving", tmp_path, f"friedman-{variant}-0", task={"n_samples": 12_000}, evaluations=30,
        population_size=8, search_space=light,
    )  # fmt: skip
    assert found.measures["test_score"] > 0.3
    assert (found.measures["on_all_rows"] < 20) == (variant == "halving")
