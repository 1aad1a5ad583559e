"""Columns that tell only in pairs are found among many, to the same bits in any order of the work."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_selection import mutual_info_classif
from sklearn.utils.estimator_checks import check_estimator

import evoml.learners.pair_selection as module
from evoml.learners.pair_selection import PairSelector


def exclusive_or(n_rows=600, n_columns=60, seed=0):
    """Return columns of noise, the last two of which decide the class together, and that class with one label in ten wrong."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, n_columns))
    y = (X[:, -1] > 0) ^ (X[:, -2] > 0) ^ (rng.random(n_rows) < 0.1)
    return X, y.astype(int)


def naive_scores(X, y, n_bins, task):
    """Return the score of each pair, by the definition: cell by cell."""
    n_rows, n_columns = X.shape
    if task == "classification":
        classes = np.unique(y)
        targets = [((y == one).astype(float), 1.0 / np.mean(y == one)) for one in classes]
    else:
        ranks = np.array([np.floor(255 * np.sum(y < value) / n_rows) for value in y])
        targets = [(ranks, 1.0 / ranks.var())]

    def codes(column):
        values = np.unique(column)
        if len(values) > n_bins:
            ordered = np.sort(column)
            values = np.unique([-np.inf, *(ordered[k * n_rows // n_bins] for k in range(1, n_bins))])
        return np.searchsorted(values, column, side="right")

    def explained(cells):
        total = 0.0
        for target, worth in targets:
            for cell in set(cells):
                inside = np.array([one == cell for one in cells])
                total += worth * inside.sum() * (target[inside].mean() - target.mean()) ** 2
        return total / n_rows

    coded = [codes(column).tolist() for column in X.T]
    return {
        (i, j): explained(list(zip(coded[i], coded[j], strict=True))) - explained(coded[i]) - explained(coded[j])
        for i, j in itertools.combinations(range(n_columns), 2)
    }


@pytest.mark.parametrize("seed", range(3))
def test_a_pair_is_found_that_no_column_gives_away(seed):
    X, y = exclusive_or(seed=seed)
    found = PairSelector(n_pairs=1).fit(X, y)
    assert found.pairs_.tolist() == [[58, 59]]
    assert found.get_support(indices=True).tolist() == [58, 59]
    alone = mutual_info_classif(X, y, random_state=0)
    assert set(np.argsort(alone)[-2:]) != {58, 59}


def test_a_pair_is_found_for_numbers_and_for_several_classes():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(900, 40))
    assert PairSelector(1, task="regression").fit(X, X[:, 3] * X[:, 30]).pairs_.tolist() == [[3, 30]]
    three = (np.digitize(X[:, 5], [-0.4, 0.4]) + np.digitize(X[:, 7], [-0.4, 0.4])) % 3
    found = PairSelector(1).fit(X, np.array(["a", "b", "c"])[three])
    assert found.pairs_.tolist() == [[5, 7]]
    assert found.scores_[0] > 1.5  # of 2, where cells and classes are the same


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 2**32 - 1), st.integers(2, 60), st.integers(2, 7), st.integers(2, 4), st.integers(2, 5),
    st.sampled_from(["classification", "regression"]),
)  # fmt: skip
def test_scores_are_what_they_are_defined_to_be(seed, n_rows, n_columns, n_bins, n_values, task):
    rng = np.random.default_rng(seed)
    X = rng.integers(0, n_values, size=(n_rows, n_columns)).astype(float)
    X[:, 0] = rng.normal(size=n_rows)
    y = rng.integers(0, 3, size=n_rows) if task == "classification" else rng.normal(size=n_rows)
    expected = naive_scores(X, y, n_bins, task)
    found = PairSelector(n_pairs=1000, n_bins=n_bins, task=task).fit(X, y)
    assert len(found.pairs_) == len(expected)
    for pair, score in zip(found.pairs_.tolist(), found.scores_, strict=True):
        assert score == pytest.approx(expected[tuple(pair)], abs=1e-6)
    assert (np.diff(found.scores_) <= 0).all()


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_the_same_bits_however_the_work_is_divided(task, monkeypatch):
    X, y = exclusive_or(n_columns=30)
    target = y if task == "classification" else X[:, 0] * X[:, 1] + 1e6
    whole = PairSelector(20, task=task).fit(X, target)
    monkeypatch.setattr(module, "_AT_ONCE", 1)
    one_by_one = PairSelector(20, task=task).fit(X, target)
    assert np.array_equal(whole.pairs_, one_by_one.pairs_)
    assert np.array_equal(whole.scores_, one_by_one.scores_)


def test_large_tables_are_looked_at_in_part(monkeypatch):
    monkeypatch.setattr(module, "_WORK", 1.0)
    X, y = exclusive_or(n_rows=20_000, n_columns=10)
    assert PairSelector(1).fit(X, y).pairs_.tolist() == [[8, 9]]


@pytest.mark.parametrize("X", [np.ones((20, 1)), np.ones((20, 3)), np.arange(20.0)[:, None]])
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_at_least_one_column_is_kept(X, task):
    assert PairSelector(task=task).fit(X, np.zeros(20)).transform(X).shape[1] >= 1


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_scikit_learns_checks(task):
    check_estimator(PairSelector(task=task))
