"""Penetrance tables of pure epistasis: the constraints hold exactly, the tables drawn from them hold them in the mean."""

import numpy as np
import pytest
from experiments.folders import modules, small_cell
from hypothesis import given, settings
from hypothesis import strategies as st

with modules("gametes", "penetrance", "epistasis") as (penetrance, epistasis):
    pass


@given(
    heritability=st.floats(0.001, 0.2), first=st.floats(0.2, 0.5), second=st.floats(0.2, 0.5), seed=st.integers(0, 99)
)
@settings(max_examples=50, deadline=None)
def test_no_locus_tells_anything_alone(heritability, first, second, seed):
    found = penetrance.draw_penetrance(heritability, (first, second), np.random.default_rng(seed))
    assert np.all((found.table >= 0) & (found.table <= 1))
    assert found.marginals == pytest.approx(np.full((2, 3), found.prevalence), abs=1e-9)
    assert found.heritability == pytest.approx(heritability, rel=1e-9)


def test_the_same_seed_draws_the_same_and_another_another():
    tables = [penetrance.draw_penetrance(0.2, (0.2, 0.3), np.random.default_rng(seed)).table for seed in (0, 0, 1)]
    assert np.array_equal(tables[0], tables[1])
    assert not np.array_equal(tables[0], tables[2])


def test_what_cannot_be_is_said():
    with pytest.raises(ValueError, match="less heritability"):
        penetrance.draw_penetrance(0.95, (0.05, 0.05), np.random.default_rng(0))


def test_drawn_rows_follow_the_table():
    rng = np.random.default_rng(0)
    true = penetrance.draw_penetrance(0.3, (0.3, 0.4), rng)
    X, y = penetrance.draw_table(true, 200_000, 5, rng)
    assert y.mean() == 0.5
    for cases in (True, False):
        drawn = np.bincount(3 * X[y == cases, -2] + X[y == cases, -1], minlength=9) / np.sum(y == cases)
        assert drawn == pytest.approx(true.among(cases).ravel(), abs=0.005)
    for column in range(3):  # noise tells nothing, and keeps Hardy and Weinberg's proportions
        minor = X[:, column].mean() / 2
        assert np.bincount(X[:, column], minlength=3) / len(X) == pytest.approx(
            penetrance.genotype_frequencies(minor), abs=0.005
        )
        assert abs(np.corrcoef(X[:, column], y)[0, 1]) < 0.01


def test_the_best_rule_is_the_best_rule():
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(1)
    true = penetrance.draw_penetrance(0.2, (0.25, 0.4), rng)
    X, y = penetrance.draw_table(true, 40_000, 2, rng)
    risk = true.table[X[:, 0], X[:, 1]]
    accuracy, area = true.best_rule()
    ratio = true.among(True) / true.among(False)
    assert np.mean((ratio[X[:, 0], X[:, 1]] > 1) == y) == pytest.approx(accuracy, abs=0.01)
    assert roc_auc_score(y, risk) == pytest.approx(area, abs=0.01)


def test_a_table_is_estimated_from_its_rows():
    rng = np.random.default_rng(2)
    true = penetrance.draw_penetrance(0.3, (0.2, 0.4), rng)
    X, y = penetrance.draw_table(true, 200_000, 2, rng)
    found = penetrance.estimated(X[:, 0], X[:, 1], y, true.frequencies)
    assert found.heritability == pytest.approx(0.3, abs=0.02)
    assert found.prevalence == pytest.approx(true.prevalence, abs=0.02)


def test_train_and_test_share_a_table_and_no_rows():
    X, y, X_test, y_test = epistasis.load(3, 0.4, 20, rows=400, test_rows=600)
    assert (X.shape, X_test.shape) == ((400, 20), (600, 20))
    assert list(X.columns[-2:]) == ["P1", "P2"]
    rule = epistasis.penetrance_of(3, 0.4, 20)
    ratio = rule.among(True) / rule.among(False)
    assert np.mean((ratio[X_test.P1, X_test.P2] > 1) == y_test) > 0.7
    assert np.array_equal(epistasis.load(3, 0.4, 20, rows=400, test_rows=600)[1], y)


def test_a_cell_of_the_experiment(tmp_path):
    cell = "columns_20_heritability_04-{}-0"
    forest = small_cell("gametes", tmp_path, cell.format("forest"), n_estimators=30)
    assert 0.6 < forest.measures["test_score"] < forest.measures["best_possible"] + 0.02
    only = {"only": ["GaussianNB", "RegularisedDiscriminantAnalysis", "Binarizer", "StandardScaler"]}
    found = small_cell("gametes", tmp_path, cell.format("pareto"), evaluations=12, population_size=6, search_space=only)
    assert found.measures["way"] <= 1.1
    assert found.measures["steps"] >= 1
