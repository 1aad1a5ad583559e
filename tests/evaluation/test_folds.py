"""Rows to fit on and rows to predict: those of the splits, shared and read-only."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import KFold, ShuffleSplit, TimeSeriesSplit

from evoml.core.dataset import read_dataset
from evoml.evaluation import folds as module
from evoml.evaluation.folds import LEAST_RUNG_ROWS, REDUCTION, Folds, Table, mixed, rung_shares

N = 30


def dataset(n_rows=N, kind="dense", **metadata):
    X = np.arange(2.0 * n_rows).reshape(n_rows, 2)
    if kind == "table":
        X = pd.DataFrame({"number": X[:, 0], "text": [f"row {row}" for row in range(n_rows)]})
    return read_dataset(X, np.arange(n_rows) % 3, "classification", **metadata)


def laid_out(data, splits, **rest):
    return Folds(data, data.y, splits, seed=0, **rest)


def row_numbers(table):
    """Return which rows these are: the first column is twice the row's number."""
    first = table.X.iloc[:, 0].to_numpy() if hasattr(table.X, "iloc") else table.X[:, 0]
    return (first / 2).astype(int)


def assert_whole_rows(table, data):
    """The features, target, weights and groups are those of the same rows."""
    rows = row_numbers(table)
    np.testing.assert_array_equal(np.asarray(table.X), np.asarray(module.rows(data.features.data, rows)))
    np.testing.assert_array_equal(table.y, data.y[rows])
    for mine, all_of_them in ((table.weight, data.sample_weight), (table.groups, data.groups)):
        assert (mine is None) == (all_of_them is None)
        if mine is not None:
            np.testing.assert_array_equal(mine, all_of_them[rows])


@pytest.fixture
def large(monkeypatch):
    """Let every table be a large one."""
    monkeypatch.setattr(module, "SMALL", 0)


@pytest.mark.parametrize("kind", ["dense", "table"])
@pytest.mark.parametrize("cv", [KFold(3, shuffle=True, random_state=0), ShuffleSplit(3, random_state=0), KFold(2)])
def test_parts_of_a_small_table_are_its_rows(kind, cv):
    data = dataset(kind=kind, sample_weight=np.arange(N) + 0.5, groups=np.arange(N) // 2)
    splits = list(cv.split(np.zeros(N)))
    made = laid_out(data, splits)
    assert len(made) == len(splits)
    for number, (train, test) in enumerate(splits):
        fold = made[number]
        assert fold.name == str(number)
        np.testing.assert_array_equal(row_numbers(fold.training), train)
        np.testing.assert_array_equal(row_numbers(fold.testing), test)
        np.testing.assert_array_equal(made.test_rows[number], test)
        assert_whole_rows(fold.training, data)
        assert_whole_rows(fold.testing, data)
        assert fold.training.X is made[number].training.X  # made once


@st.composite
def partitions(draw):
    """Rows dealt to folds of any sizes, in any order."""
    order = draw(st.permutations(range(N)))
    cuts = sorted(draw(st.sets(st.integers(1, N - 1), min_size=1, max_size=6)))
    tests = [np.array(part, dtype=np.int64) for part in np.split(order, cuts)]
    return [(np.setdiff1d(np.arange(N), test), test) for test in tests]


@settings(deadline=None, max_examples=60)
@given(partitions())
def test_a_large_table_holds_the_same_rows_for_any_partition(splits):
    data = dataset(sample_weight=np.arange(N) + 0.5, groups=np.arange(N) // 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "SMALL", 0)
        made = laid_out(data, splits)
    for number, (train, test) in enumerate(splits):
        fold = made[number]
        assert sorted(row_numbers(fold.training)) == sorted(train)
        np.testing.assert_array_equal(row_numbers(fold.testing), test)
        assert_whole_rows(fold.training, data)
        assert_whole_rows(fold.testing, data)
        for part in (fold.training.X, fold.testing.X):
            assert np.shares_memory(part, made._table.X)


def test_nothing_of_a_large_table_is_copied_twice(large):
    splits = list(KFold(5).split(np.zeros(N)))
    made = laid_out(dataset(), splits)
    assert len(made._table.X) == N + N - len(splits[-1][1])
    for fold in (made[number] for number in range(5)):
        assert np.shares_memory(fold.training.X, made._table.X)
        assert np.shares_memory(fold.testing.X, made._table.X)


@pytest.mark.parametrize("size", [0, 2**40])
def test_parts_cannot_be_written(monkeypatch, size):
    monkeypatch.setattr(module, "SMALL", size)
    made = laid_out(dataset(sample_weight=np.arange(N) + 0.5), list(KFold(3).split(np.zeros(N))))
    for table in (made[1].training, made[1].testing):
        for part in (table.X, table.y, table.weight):
            with pytest.raises(ValueError, match="read-only"):
                part[0] = 1


NO_PARTITIONS = {
    "shuffled": list(ShuffleSplit(3, test_size=0.3, random_state=0).split(np.zeros(N))),
    "in time": list(TimeSeriesSplit(3).split(np.zeros(N))),
    "trained on twice": [(np.r_[np.arange(10, N), [10, 10]], np.arange(10)), (np.r_[:10, :10], np.arange(10, N))],
    "tested twice": [(np.arange(10, N), np.arange(10)), (np.arange(10, N), np.arange(10))],
    "trained and tested": [(np.arange(N), np.arange(10)), (np.arange(N), np.arange(10, N))],
    "one fold": [(np.arange(10, N), np.arange(10))],
    "left out": [(np.arange(5, 15), np.arange(15, N)), (np.arange(15, N), np.arange(15))],
    "counted from the end": [(np.arange(-20, 0), np.arange(10)), (np.arange(10), np.arange(-20, 0))],
}


@pytest.mark.parametrize("splits", NO_PARTITIONS.values(), ids=NO_PARTITIONS)
def test_other_splits_of_a_large_table_are_its_rows_too(large, splits):
    data = dataset()
    made = laid_out(data, splits)
    for number, (train, test) in enumerate(splits):
        assert sorted(row_numbers(made[number].training)) == sorted(train % N)
        np.testing.assert_array_equal(row_numbers(made[number].testing), test % N)
        np.testing.assert_array_equal(made.test_rows[number], test % N)
        assert_whole_rows(made[number].training, data)


@pytest.mark.parametrize("size", [0, 2**40])
def test_rows_of_weight_zero_are_tested_but_not_trained_on(monkeypatch, size):
    monkeypatch.setattr(module, "SMALL", size)
    weight = np.where(np.arange(N) % 4 == 0, 0.0, 1.5)
    splits = list(KFold(3).split(np.zeros(N)))
    made = laid_out(dataset(sample_weight=weight), splits)
    for number, (train, test) in enumerate(splits):
        assert row_numbers(made[number].training).tolist() == [row for row in train if row % 4]
        np.testing.assert_array_equal(row_numbers(made[number].testing), test)


def test_inner_folds_are_parts_of_the_training_rows():
    fold = laid_out(dataset(groups=np.arange(N) // 2), list(KFold(3).split(np.zeros(N))))[1]
    inner = fold.inner(4, np.arange(5), np.arange(5, 20))
    assert inner.name == "1.4"
    np.testing.assert_array_equal(row_numbers(inner.training), row_numbers(fold.training)[:5])
    np.testing.assert_array_equal(inner.testing.groups, fold.training.groups[5:20])


# -- rungs ---------------------------------------------------------------------------------------------------------------

MANY = 24_000


@pytest.fixture(scope="module")
def many():
    rng = np.random.default_rng(0)
    X = np.arange(2.0 * MANY).reshape(MANY, 2)
    y = rng.choice(3, size=MANY, p=[0.7, 0.29, 0.01])
    y[rng.choice(MANY, size=9, replace=False)] = 3
    return read_dataset(X, y, "classification")


THIRDS = [(np.setdiff1d(np.arange(MANY), np.arange(at, MANY, 3)), np.arange(at, MANY, 3)) for at in range(3)]


def rungs_of(data, size=2**40, seed=0):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "SMALL", size)
        made = Folds(data, data.y, THIRDS, seed, rung_shares(len(THIRDS[0][0])))
    return [(set(row_numbers(rung.training)), set(row_numbers(rung.testing))) for rung in made.rungs]


def test_shares_of_rungs():
    assert rung_shares(4 * LEAST_RUNG_ROWS - 1) == ()
    assert rung_shares(4 * LEAST_RUNG_ROWS) == (1 / REDUCTION,)
    assert rung_shares(MANY * 2 // 3) == (1 / 16, 1 / 4)


@pytest.mark.parametrize("size", [0, 2**40])
def test_rungs_are_nested_parts_of_the_first_fold(many, size):
    (low_train, low_test), (high_train, high_test) = rungs_of(many, size)
    assert low_train < high_train < set(THIRDS[0][0])
    assert low_test < high_test < set(THIRDS[0][1])
    assert [len(part) for part in (low_train, low_test, high_train, high_test)] == [1000, 500, 4000, 2000]


def test_a_rung_tests_on_enough_rows(many):
    made = Folds(many, many.y, [(THIRDS[0][0], np.arange(0, 3000, 3))], 0, (1 / 16,))
    assert len(made.rungs[0].testing.y) == LEAST_RUNG_ROWS // 4


def test_rungs_are_stratified_and_hold_every_class(many):
    for part in [part for rung in rungs_of(many) for part in rung]:
        counts = np.bincount(many.y[list(part)], minlength=4)
        shares = np.bincount(many.y[THIRDS[0][0]], minlength=4) / len(THIRDS[0][0])
        assert np.abs(counts - shares * len(part)).max() <= 2 + 0.02 * len(part)
        assert counts.min() >= 1


def test_the_seed_decides_the_rungs(many):
    assert rungs_of(many) == rungs_of(many)
    assert rungs_of(many) != rungs_of(many, seed=1)


def test_the_effort_on_a_rung_is_the_root_of_its_share(many):
    made = Folds(many, many.y, THIRDS, 0, (1 / 16, 1 / 4))
    assert [rung.effort for rung in made.rungs] == [0.25, 0.5]
    assert [rung.name for rung in made.rungs] == ["rung0.062500", "rung0.250000"]
    assert made[0].effort == 1.0


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=60), st.integers(0, 5))
def test_every_start_of_a_mixture_has_the_shares_of_the_whole(labels, seed):
    labels = np.array(labels)
    order = mixed(len(labels), labels, seed)
    assert sorted(order) == list(range(len(labels)))
    for count in range(1, len(labels) + 1):
        expected = np.bincount(labels, minlength=5) * count / len(labels)
        assert np.abs(np.bincount(labels[order[:count]], minlength=5) - expected).max() <= 4


def test_a_mixture_without_labels_is_a_permutation():
    assert sorted(mixed(20, None, 0)) == list(range(20))
    assert mixed(20, None, 0).tolist() != mixed(20, None, 1).tolist()


def test_rows_of_a_table_are_taken_together():
    table = Table(np.arange(6.0).reshape(3, 2), np.arange(3), groups=np.array(list("abc")))
    taken = table.take(np.array([2, 0]))
    assert (taken.X[:, 0].tolist(), taken.y.tolist(), taken.weight) == ([4.0, 0.0], [2, 0], None)
    assert taken.groups.tolist() == ["c", "a"]
