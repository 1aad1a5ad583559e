"""Folds: drawn once, the same for every candidate, and never silently other than what was asked for."""

import numpy as np
import pytest
from sklearn.model_selection import GroupKFold, KFold, ShuffleSplit, StratifiedKFold, TimeSeriesSplit

from evoml.core.dataset import read_dataset
from evoml.core.errors import DataError, SettingError
from evoml.evaluation import repeated, splits


def table(y, task="classification", **metadata):
    return read_dataset(np.arange(2.0 * len(y)).reshape(-1, 2), y, task, **metadata)


def assert_partition(folds, n_rows):
    assert sorted(np.concatenate([test for _, test in folds]).tolist()) == list(range(n_rows))
    assert all(not set(train) & set(test) and len(train) + len(test) == n_rows for train, test in folds)


def test_folds_are_stratified_for_a_classifier():
    dataset = table([0] * 20 + [1] * 10)
    folds = splits(dataset, 5, seed=0)
    assert_partition(folds, 30)
    assert [np.bincount(dataset.y[test]).tolist() for _, test in folds] == [[4, 2]] * 5


def test_folds_are_plain_and_shuffled_for_a_regressor():
    folds = splits(table(np.arange(20.0), "regression"), 4, seed=0)
    assert_partition(folds, 20)
    assert [len(test) for _, test in folds] == [5] * 4
    assert folds[0][1].tolist() != list(range(5))


@pytest.mark.parametrize(("task", "y"), [("classification", [0, 1] * 12), ("regression", np.arange(24.0))])
def test_groups_are_never_on_both_sides(task, y):
    groups = np.repeat(list("abcdefgh"), 3)
    folds = splits(table(y, task, groups=groups), 4, seed=0)
    assert_partition(folds, 24)
    assert all(not set(groups[train]) & set(groups[test]) for train, test in folds)


def test_a_seed_repeats_its_folds_and_another_gives_others():
    dataset = table([0, 1] * 20)
    first, again, other = (splits(dataset, 3, seed) for seed in (5, 5, 6))
    assert all(np.array_equal(a, b) for x, y in zip(first, again, strict=True) for a, b in zip(x, y, strict=True))
    assert not all(np.array_equal(x[1], y[1]) for x, y in zip(first, other, strict=True))


@pytest.mark.parametrize("cv", [KFold(3), StratifiedKFold(3), ShuffleSplit(3, random_state=0), TimeSeriesSplit(3)])
def test_a_splitter_is_asked(cv):
    dataset = table([0, 1] * 10)
    expected = list(cv.split(np.zeros((20, 1)), dataset.y))
    for found, wanted in zip(splits(dataset, cv, seed=0), expected, strict=True):
        assert np.array_equal(found[0], wanted[0])
        assert np.array_equal(found[1], wanted[1])


def test_a_splitter_is_given_the_groups():
    groups = np.repeat([0, 1, 2], 4)
    folds = splits(table([0, 1] * 6, groups=groups), GroupKFold(3), seed=0)
    assert sorted(set(groups[test].tolist()).pop() for _, test in folds) == [0, 1, 2]
    assert all(len(set(groups[test])) == 1 for _, test in folds)


PAIRS = [([0, 1, 2, 3], [4, 5]), ([2, 3, 4, 5], [0, 1])]


@pytest.mark.parametrize(
    "cv", [PAIRS, tuple(PAIRS), iter(PAIRS), (pair for pair in PAIRS), np.array([[[0, 1], [2, 3]]])]
)
def test_an_iterable_of_rows_is_taken_as_it_is(cv):
    folds = splits(table([0, 1] * 3), cv, seed=0)
    assert all(isinstance(part, np.ndarray) for pair in folds for part in pair)
    assert folds[0][0].tolist()[:2] == [0, 1]


def test_masks_of_rows_are_read_as_rows():
    mask = np.array([True, True, True, True, False, False])
    ((train, test),) = splits(table([0, 1] * 3), [(mask, ~mask)], seed=0)
    assert (train.tolist(), test.tolist()) == ([0, 1, 2, 3], [4, 5])


def test_too_many_folds_for_a_class_are_lowered_and_the_class_is_named():
    with pytest.warns(UserWarning, match=r"cv lowered from 5 to 3 folds: class 'rare' has 3 rows"):
        folds = splits(table(["common"] * 12 + ["rare"] * 3), 5, seed=0)
    assert len(folds) == 3


def test_too_many_folds_for_the_groups_are_lowered_and_the_groups_are_named():
    with pytest.warns(UserWarning, match=r"cv lowered from 5 to 2 folds: there are 2 groups"):
        folds = splits(table(np.arange(8.0), "regression", groups=[0, 1] * 4), 5, seed=0)
    assert len(folds) == 2


def test_too_many_folds_for_the_rows_are_lowered_and_the_rows_are_named():
    with pytest.warns(UserWarning, match=r"cv lowered from 10 to 4 folds: the table has 4 rows"):
        assert len(splits(table(np.arange(4.0), "regression"), 10, seed=0)) == 4


def test_the_single_row_of_a_class_is_always_trained_on_and_warned_of():
    dataset = table(["a"] * 6 + ["b"] * 6 + ["only"])
    with pytest.warns(
        UserWarning, match=r"class\(es\) 'only' have one row each: it is always trained on and never scored"
    ):
        folds = splits(dataset, 3, seed=0)
    assert all(12 in train and 12 not in test for train, test in folds)
    assert sorted(np.concatenate([test for _, test in folds]).tolist()) == list(range(12))


def test_a_target_that_differs_in_every_row_is_refused():
    with pytest.raises(SettingError, match="each of the 6 classes has one row only, so none can be held out"):
        splits(table(list("abcdef")), 3, seed=0)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("n_groups", [2, 3, 5, 8])
def test_no_fold_by_groups_is_empty(seed, n_groups):
    rng = np.random.default_rng(seed)
    groups = np.concatenate([np.arange(n_groups), rng.integers(n_groups, size=30) ** 2 // n_groups])
    y = np.concatenate([np.arange(n_groups) % 2, rng.integers(2, size=30)])
    folds = splits(table(y, groups=groups), min(5, n_groups), seed=0)
    assert len(folds) >= 2
    assert all(len(train) and len(test) for train, test in folds)
    assert all(not set(groups[train]) & set(groups[test]) for train, test in folds)


def test_one_group_cannot_be_split():
    with pytest.raises(SettingError, match="needs at least two groups, got 1; leave groups out"):
        splits(table([0, 1] * 3, groups=[7] * 6), 3, seed=0)


@pytest.mark.parametrize(
    ("cv", "message"),
    [
        (1, "cv must be at least 2 folds, got 1"),
        (0, "cv must be at least 2 folds, got 0"),
        (-3, "cv must be at least 2 folds, got -3"),
        (np.int64(1), "cv must be at least 2 folds, got 1"),
        ("x", "cv must be a number of folds, a splitter, 'time', or a list of .* got 'x'"),
        (True, "cv must be a number of folds, .* got True"),
        (2.5, "cv must be a number of folds, .* got 2.5"),
        (None, "cv must be a number of folds, .* got None"),
        (KFold, "cv must be a number of folds, .* got <class"),
        ([], "cv gave no fold; pass at least one"),
        ([1, 2, 3], "cv must be a number of folds, a splitter, 'time', or a list of"),
        ([([0, 1], [])], "fold 0 of cv has 2 training and 0 test rows"),
        ([([], [1])], "fold 0 of cv has 0 training and 1 test rows"),
        (
            [([0, 1], [2, 3]), ([0, 1], [6])],
            "fold 1 of cv has 2 training and 1 test rows with numbers up to 6.*below 6",
        ),
        ([([0, -7], [2, 3])], "fold 0 of cv has 2 training and 2 test rows"),
        ([([0.0, 1.0], [2.0])], "fold 0 of cv must hold whole row numbers"),
        ([(["a"], ["b"])], "fold 0 of cv must hold whole row numbers"),
    ],
)
def test_a_cv_that_gives_no_usable_fold_is_refused(cv, message):
    with pytest.raises(SettingError, match=message):
        splits(table([0, 1] * 3), cv, seed=0)


# -- whole-number weights ----------------------------------------------------------------------------------------------


def weighted(weight, y=(0, 1, 0, 1, 0, 1)):
    return table(list(y), sample_weight=weight)


def test_a_weight_of_three_is_the_row_three_times_on_one_side():
    dataset = weighted([3, 1, 2, 0, 1, 1])
    folds = [(np.array([0, 1, 2]), np.array([3, 4, 5])), (np.array([3, 4, 5]), np.array([0, 1, 2]))]
    written, parts = repeated(dataset, folds)
    assert written.features.matrix[:, 0].tolist() == [0, 0, 0, 2, 4, 4, 8, 10]
    assert written.sample_weight is None
    assert [(train.tolist(), test.tolist()) for train, test in parts] == [
        ([0, 1, 2, 3, 4, 5], [6, 7]),
        ([6, 7], [0, 1, 2, 3, 4, 5]),
    ]


def test_fractional_and_very_large_weights_are_left_as_they_are():
    for weight in ([0.5, 1, 1, 1, 1, 1], [1000, 1, 1, 1, 1, 1]):
        dataset = weighted(weight)
        folds = splits(dataset, 2, seed=0)
        assert repeated(dataset, folds) == (dataset, folds)


def test_groups_and_text_are_repeated_with_their_rows():
    import pandas as pd

    frame = pd.DataFrame({"text": list("abcd"), "number": [1.0, 2, 3, 4]})
    dataset = read_dataset(frame, [0, 1, 0, 1], "classification", [2, 1, 1, 1], groups=list("wxyz"))
    written, _ = repeated(dataset, [(np.array([0, 1]), np.array([2, 3]))])
    assert written.features.frame["text"].tolist() == ["a", "a", "b", "c", "d"]
    assert written.groups.tolist() == ["w", "w", "x", "y", "z"]


def test_a_class_of_weight_zero_is_gone():
    dataset = table(["a", "b", "c"] * 4, sample_weight=[1, 1, 0] * 4)
    written, _ = repeated(dataset, splits(dataset, 2, seed=0))
    assert written.classes.tolist() == ["a", "b"]


@pytest.mark.parametrize("factor", [1, 0.5])
def test_weights_that_leave_one_class_are_refused(factor):
    dataset = table(["a", "b"] * 4, sample_weight=[0, factor] * 4)
    with pytest.raises(DataError, match="sample_weight leaves one class, 'b': a classifier needs at least two"):
        repeated(dataset, splits(dataset, 2, seed=0))


def test_a_fold_of_weight_zero_is_refused():
    dataset = weighted([0, 0, 1, 1, 1, 1])
    with pytest.raises(SettingError, match="fold 0 of cv has 4 training and 0 test rows"):
        repeated(dataset, [(np.array([2, 3, 4, 5]), np.array([0, 1]))])
