"""What cells run: the estimators by their public parameters, resumed from their journals, traced to the same bits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from evoml.core.errors import SettingError
from evoml.experiment import read_config, run_experiment, verify
from evoml.experiment.cells import cells_of
from evoml.experiment.contenders import JOURNAL, estimator, improvements, run_cell
from evoml.experiment.trace import exact
from evoml.journal import Journal

CONFIG = """
title = "All kinds"
seeds = [4]
genome = "pipeline"
measures = "own.py:size"
[budget]
evaluations = 8
[settings]
population_size = 4
cv = 2
ensemble_size = 1
executor = "serial"
[factors.system.pipelines]
[factors.system.formulas]
genome = "formula"
population_size = 50
generations = 3
[factors.system.tree]
genome = "estimator"
estimator = "sklearn.tree.DecisionTreeClassifier"
max_depth = 3
[problems.iris]
data = "sklearn:iris"
[problems.moons]
generator = "make_moons"
n_samples = 80
"""


OWN = """
import numpy as np
from evoml.algorithms.schemes import MuPlusLambda
from evoml.genomes.pipeline_tree import Term

class Plain(MuPlusLambda):
    pass

def tree(pipeline, rng):
    return Term("DecisionTreeClassifier", (Term("features"),), {"max_depth": int(rng.integers(1, 9))})

def share_right(estimator, X, y):
    return float(np.mean(estimator.predict(X) == y)) / 10.0
"""


@pytest.fixture
def cell(experiment_folder, tmp_path):
    folder = experiment_folder(CONFIG)
    (folder / "own.py").write_text("def size(model, cell):\n    return {'columns': model.n_features_in_}\n")
    cells = {found.id: found for found in cells_of(read_config(folder), tmp_path)}

    def one(name: str, into: str = "first"):
        return replace(cells[name], folder=tmp_path / into / name)

    return one


@pytest.mark.parametrize("name", ["iris-tree-4", "moons-formulas-4", "iris-pipelines-4"])
def test_a_cell_gives_the_same_trace_each_time_whatever_its_processors(cell, name):
    first = run_cell(cell(name))
    again = run_cell(replace(cell(name, "again"), jobs=2))
    assert exact(first.trace) == exact(again.trace)
    assert 0.5 < first.measures["test_score"] <= 1
    assert first.measures["columns"] == (4 if "iris" in name else 2)
    if "tree" not in name:
        assert first.measures["selection_score"] >= first.curve[-1][2] - 1e-12
        assert [row[0] for row in first.trace][-1] == "measure selection_score"


def test_a_cell_that_was_begun_goes_on_from_its_journal_to_the_same_bits(cell):
    begun, whole = cell("moons-pipelines-4", "begun"), cell("moons-pipelines-4", "whole")
    some = replace(begun, variant=replace(begun.variant, settings={**begun.settings, "evaluations": 3}))
    run_cell(some)
    assert exact(run_cell(begun).trace) == exact(run_cell(whole).trace)
    with Journal.read(begun.folder / JOURNAL) as journal:
        assert [kind for _, kind, _ in journal.events()].count("resumed") == 1


def test_variants_share_table_and_split_and_seeds_do_not(cell):
    one, other = cell("moons-pipelines-4").data(), cell("moons-tree-4").data()
    assert np.array_equal(one.X_test, other.X_test)
    assert not np.array_equal(one.X_test, replace(cell("moons-tree-4"), seed=5).data().X_test)
    assert len(one.y_test) == 24
    assert one.task == "classification"


def test_a_parameter_that_is_not_there_is_named(cell):
    found = cell("iris-tree-4")
    wrong = replace(found, variant=replace(found.variant, settings={"max_dept": 3}))
    with pytest.raises(
        SettingError, match="DecisionTreeClassifier has no parameter 'max_dept'; did you mean 'max_depth'"
    ):
        estimator(wrong, "classification")


def test_improvements_keep_the_best_so_far_and_the_end():
    rows = [(1, 0.1, float("nan")), (2, 0.2, 0.5), (3, 0.3, 0.4), (4, 0.4, 0.6), (5, 0.5, 0.1)]
    assert improvements(rows) == [(2, 0.2, 0.5), (4, 0.4, 0.6), (5, 0.5, 0.6)]


def test_a_search_bounded_by_time_is_verified_by_its_journal_or_not_at_all(experiment_folder, monkeypatch, tmp_path):
    bounded = CONFIG.replace("evaluations = 8", "seconds = 2.0").replace('measures = "own.py:size"\n', "")
    folder = experiment_folder(bounded.split("[factors")[0] + '[problems.iris]\ndata = "sklearn:iris"\n')
    run_experiment(folder, jobs=1)
    (verdict,) = verify(folder, jobs=1)
    assert str(verdict) == "iris-pipeline-4: equal: replayed from its journal, for it is bounded by time"
    monkeypatch.setenv("EVOML_EXPERIMENTS", str(tmp_path / "nowhere"))
    (verdict,) = verify(folder, jobs=1)
    assert (verdict.status, verdict.reason[:25]) == ("not compared", "it is bounded by time, so")


def test_settings_may_name_what_is_in_files(experiment_folder, tmp_path):
    text = CONFIG.split("[factors")[0].replace('measures = "own.py:size"', 'scoring = "own.py:share_right"')
    text = text.replace('"serial"', '"process"') + 'algorithm = "own.py:Plain"\noperators = { tree = "own.py:tree" }\n'
    folder = experiment_folder(text.replace("= 8", "= 14") + '[problems.iris]\ndata = "sklearn:iris"\n')
    (folder / "own.py").write_text(OWN)
    (cell,) = cells_of(read_config(folder), tmp_path)
    found = run_cell(cell)
    assert 0.06 < found.measures["test_score"] <= 0.1
    with Journal.read(cell.folder / JOURNAL) as journal:
        assert journal.settings["algorithm"] == "Plain"
        assert "tree" in set(journal.individuals()["operator"])
