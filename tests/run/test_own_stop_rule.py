"""Rules of the user's own that end a run, in searches of all kinds."""

import numpy as np
import pytest

from evoml import EvoRegressor, SymbolicRegressor
from evoml.core import Budget, BudgetError, Progress, any_of, early_stopping, stalled_for
from evoml.genomes import FunctionSpace
from evoml.run import GenomeSearch, search_genomes


def twenty_done(progress):
    return progress.evaluations >= 20


def test_a_rule_is_taken_as_it_is_and_a_number_is_generations_without_improvement():
    assert early_stopping(twenty_done) is twenty_done
    assert [early_stopping(3)(Progress(stalled=stalled)) for stalled in (2, 3)] == [False, True]
    assert not early_stopping(None)(Progress(stalled=1000))
    with pytest.raises(BudgetError, match="early_stop in generations"):
        early_stopping(0)


def test_rules_may_be_combined():
    rule = early_stopping(any_of(twenty_done, stalled_for(2)))
    assert [rule(Progress(evaluations=n, stalled=m)) for n, m in ((19, 1), (20, 0), (0, 2))] == [False, True, True]


def test_it_ends_a_search_of_genomes():
    def count(bits, rng):
        at = int(rng.integers(len(bits)))
        return (*bits[:at], 1 - bits[at], *bits[at + 1 :])

    space = FunctionSpace(random=lambda rng: tuple(rng.integers(2, size=20).tolist()), variations={"flip": count})
    wanted = GenomeSearch(space, sum, Budget(evaluations=200), population_size=5, early_stop=twenty_done)
    found = search_genomes(wanted)
    assert found.finished.stopped_by == "early_stop"
    assert found.finished.progress.evaluations == 20
    assert found.journal.settings["early_stop"] == "twenty_done"


def test_it_ends_a_search_of_formulas():
    x = np.linspace(-1, 1, 50)[:, None]
    model = SymbolicRegressor(
        generations=50, population_size=50, early_stop=lambda progress: progress.generation >= 3, random_state=0
    )
    model.fit(x, np.exp(np.sin(5 * x[:, 0])) + np.cos(9 * x[:, 0]))
    assert model.stopped_by_ == "early_stop"


def test_it_ends_a_search_of_pipelines_that_can_be_cloned_and_pickled(tmp_path):
    X = np.random.default_rng(0).normal(size=(60, 3))
    model = EvoRegressor(
        max_evaluations=100, population_size=5, cv=2, executor="serial", search_space={"only": ["Ridge", "StandardScaler"]},
        early_stop=twenty_done, random_state=0, ensemble_size=1,
    )  # fmt: skip
    model.fit(X, X[:, 0])
    assert model.stopped_by_ == "early_stop"
    assert (model.evaluated_individuals_["duplicate_of"].isna()).sum() <= 20
