"""Algorithms in whole runs of pipelines: what they need of an evaluation is there, and survives a crash and a replay."""

import networkx as nx
import numpy as np
import pytest
from small_search import run, small_search, small_table, story

from evoml import SymbolicRegressor
from evoml.algorithms import schemes
from evoml.core.dataset import read_dataset
from evoml.journal import Journal
from evoml.run import replay

ALGORITHMS = ["lexicase", "map_elites", "islands", "age_fitness", "successive_halving"]
EVALUATIONS = 48


class Crash(Exception):
    pass


def settings(algorithm):
    if algorithm != "successive_halving":
        return {"algorithm": algorithm}
    table = read_dataset(*small_table(rows=8200), "classification")  # enough rows for a rung
    return {"algorithm": algorithm, "dataset": table, "parts": {"only": ["GaussianNB", "StandardScaler", "PCA"]}}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_run_that_crashed_goes_on_to_the_same_end_and_is_replayed(tmp_path, algorithm):
    path = tmp_path / "run.db"
    whole = run(EVALUATIONS, **settings(algorithm))

    def crash(progress, outcome):
        if outcome.candidate.id == 29:
            raise Crash

    with pytest.raises(Crash):
        run(EVALUATIONS, **settings(algorithm), journal=path, callbacks=[crash])
    assert story(run(EVALUATIONS, **settings(algorithm), journal=path, resume=True)) == story(whole)
    replayed = replay(small_search(EVALUATIONS, **settings(algorithm)), path)
    assert replayed.equal, replayed.difference


def state_of(result):
    return Journal.from_bytes(result.record).get("state")


def test_lexicase_has_the_errors_of_rows():
    result = run(EVALUATIONS, algorithm="lexicase")
    cases = state_of(result)["cases"]
    assert set(cases) == set(map(str, state_of(result)["population"] + state_of(result)["offspring"]))
    assert "cases" not in state_of(run(20))


def test_an_archive_holds_the_best_of_each_size_and_model():
    result = run(EVALUATIONS, algorithm="map_elites")
    state, table = state_of(result), result.individuals
    assert state["descriptors"] == ["size", "family"]
    niches = [tuple(niche) for niche in state["niches"]]
    assert len(set(niches)) == len(niches) == len(state["population"]) > 3
    scored = table[(table["status"] == "OK") & table["duplicate_of"].isna()]
    for index, (_, family) in zip(state["population"], niches, strict=True):
        assert family in table.at[index, "text"]
    best = max(scores[0] for scores in scored["scores"])
    assert best in [table.at[index, "scores"][0] for index in state["population"]]
    assert {family for _, family in niches} >= {"GaussianNB", "DecisionTreeClassifier", "LogisticRegression"}


def test_populations_halve_as_rows_grow():
    result = run(EVALUATIONS, **settings("successive_halving"))
    table = result.individuals
    assert (table["operator"] == "promoted").any()
    pruned = table[table["status"] == "PRUNED"]
    assert len(pruned) > 10
    assert result.model.text in set(table.loc[table["status"] == "OK", "text"])
    assert np.isfinite(result.score)


def test_what_is_recorded_of_a_scheme_is_its_settings():
    result = run(10, algorithm=schemes.SPEA2(tournament_size=3))
    recorded = Journal.from_bytes(result.record).settings["algorithm"]
    assert recorded == "SPEA2(tournament_size=3, resolution=None, recrowded=False)"


@pytest.mark.parametrize(
    "algorithm",
    [
        "regularised",
        "random",
        "map_elites",
        "spea2",
        "nsga3",
        "successive_halving",
        schemes.MapElites(descriptors=("cost", "family")),
    ],
)
def test_formulas_evolve_by_every_algorithm(algorithm):
    X = np.random.default_rng(0).uniform(-1, 1, size=(200, 2))
    y = X[:, 0] ** 2 + X[:, 1]
    settings = {"population_size": 64, "random_state": 3, "init_length": (1, 8), "patience": None}
    settings["function_set"] = ("add", "sub", "mul")
    settings["generations"] = 250 if algorithm == "regularised" else 25  # a tenth of the offspring each
    first, again = (SymbolicRegressor(algorithm=algorithm, **settings).fit(X, y) for _ in range(2))
    assert first.score(X, y) > 0.9
    assert first.formula_ == again.formula_
    other = SymbolicRegressor(algorithm=algorithm, topology=nx.path_graph(2), **settings).fit(X, y)
    assert other.score(X, y) > 0.9
