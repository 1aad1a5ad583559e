"""Tasks for programs: drawn as they say, cut from tables without leaks, and one clear error for each way of being wrong."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_iris

from evoml.core.errors import DataError, SettingError
from evoml.evaluation.program_problems import (
    TaskSet,
    affine_tasks,
    image_pairs,
    linear_tasks,
    table_tasks,
    teacher_tasks,
)

ARRAYS = ("train_features", "train_labels", "valid_features", "valid_labels")
DRAWN = pytest.mark.parametrize("draw", [linear_tasks, affine_tasks, teacher_tasks])


def residual(tasks, at, intercept):
    """Largest error, on examples of validation, of least squares on those of training."""

    def columns(X):
        return np.column_stack([X, np.ones(len(X))]) if intercept else X

    found = np.linalg.lstsq(columns(tasks.train_features[at]), tasks.train_labels[at], rcond=None)[0]
    return np.abs(columns(tasks.valid_features[at]) @ found - tasks.valid_labels[at]).max()


def assert_same(one, other):
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


@pytest.fixture
def pairs_file(tmp_path):
    def write(**changed):
        rng = np.random.default_rng(0)
        arrays = {"pairs": np.array([[0, 1], [3, 7], [2, 4]], np.uint8)}
        for part, n in (("train", 20), ("valid", 8), ("test", 6)):
            arrays[f"X_{part}"] = rng.normal(size=(3, n, 5)).astype(np.float16)
            arrays[f"y_{part}"] = rng.integers(0, 2, (3, n)).astype(np.uint8)
        path = tmp_path / "pairs.npz"
        kept = {name: values for name, values in (arrays | changed).items() if values is not None}
        np.savez(path, **kept)
        return path, arrays

    return write


def test_linear_and_affine_tasks_are_what_they_say():
    linear, affine = linear_tasks(1, 5), affine_tasks(1, 5)
    for at in range(5):
        assert residual(linear, at, intercept=False) < 1e-12
        assert residual(affine, at, intercept=True) < 1e-12 < residual(affine, at, intercept=False)


def test_a_teacher_is_a_network_that_no_line_follows():
    tasks = teacher_tasks(1, 5)
    assert min(residual(tasks, at, intercept=True) for at in range(5)) > 0.1
    # With one neuron labels are 0 where it does not fire, and linear where it does.
    one = teacher_tasks(2, 1, hidden=1)
    X, y = one.train_features[0], one.train_labels[0]
    fires = y != 0
    assert 0.2 < fires.mean() < 0.8
    weights = np.linalg.lstsq(X[fires], y[fires], rcond=None)[0]
    np.testing.assert_allclose(np.abs(np.maximum(X @ (weights * np.sign(y[fires][0])), 0)), np.abs(y), atol=1e-10)


@DRAWN
def test_drawn_tasks_hang_on_their_seed_and_number_alone(draw):
    few, many, others = draw(3, 2, 30, 10), draw(3, 6, 30, 10), draw(4, 2, 30, 10)
    assert_same(few, many.take([0, 1]))
    assert not np.array_equal(few.train_labels, others.train_labels)
    assert not np.array_equal(many.train_labels[0], many.train_labels[1])
    assert few.train_features.shape == (2, 30, 4)
    assert few.valid_labels.shape == (2, 10)


def test_parts_of_a_set_of_tasks():
    tasks = linear_tasks(0, 4, 10, 6)
    some = tasks.take([3, 1])
    assert some.names == ("3", "1")
    np.testing.assert_array_equal(some.valid_labels, tasks.valid_labels[[3, 1]])
    few = tasks.limited(7, 2)
    np.testing.assert_array_equal(few.train_features, tasks.train_features[:, :7])
    np.testing.assert_array_equal(few.valid_labels, tasks.valid_labels[:, :2])


def test_standardised_labels_are_shifted_and_scaled_by_those_of_training():
    tasks = teacher_tasks(0, 3, 50, 20)
    found = tasks.standardised()
    np.testing.assert_allclose(found.train_labels.mean(axis=1), 0.0, atol=1e-12)
    np.testing.assert_allclose(found.train_labels.std(axis=1), 1.0)
    for at in range(3):
        slope, intercept = np.polyfit(tasks.train_labels[at], found.train_labels[at], 1)
        np.testing.assert_allclose(slope * tasks.valid_labels[at] + intercept, found.valid_labels[at], atol=1e-10)
    with pytest.raises(SettingError, match="0 and 1"):
        replace(
            tasks, train_labels=tasks.train_labels > 0, valid_labels=tasks.valid_labels > 0, classes=True
        ).standardised()


def test_an_intercept_is_a_feature_that_is_one():
    tasks = affine_tasks(1, 3, 50, 20)
    found = tasks.with_intercept()
    assert found.n_features == 5
    np.testing.assert_array_equal(found.train_features[:, :, :4], tasks.train_features)
    np.testing.assert_array_equal(found.train_features[:, :, 4], np.ones((3, 50)))
    np.testing.assert_array_equal(found.valid_labels, tasks.valid_labels)
    for at in range(3):
        assert residual(found, at, intercept=False) < 1e-12


@given(st.integers(1, 4), st.integers(0, 99))
def test_repeated_examples_come_as_often_and_with_their_labels(epochs, seed):
    tasks = linear_tasks(0, 2, 10, 6)
    more = tasks.repeated(epochs, seed)
    assert more.train_labels.shape == (2, 10 * epochs)
    for at in range(2):
        known = {tuple(row): label for row, label in zip(tasks.train_features[at], tasks.train_labels[at], strict=True)}
        parts = more.train_features[at].reshape(epochs, 10, 4), more.train_labels[at].reshape(epochs, 10)
        for features, labels in zip(*parts, strict=True):
            assert {
                tuple(row): label for row, label in zip(features, labels, strict=True)
            } == known  # each once an epoch
    assert_same(tasks.repeated(1), tasks)


def test_tasks_as_the_machine_reads_them():
    tasks = linear_tasks(0, 5, 10, 6)
    found = tasks.laid_out(seed=7, block=4)
    assert found.used.tolist() == [4, 1]
    np.testing.assert_array_equal(found.train_features[1, :, :, 0], tasks.train_features[4])
    np.testing.assert_array_equal(found.valid_labels[0, :, 3], tasks.valid_labels[3])


def test_pairs_of_images(pairs_file):
    path, arrays = pairs_file()
    tasks = image_pairs(path)
    assert tasks.classes
    assert tasks.names == ("0-1", "3-7", "2-4")
    np.testing.assert_array_equal(tasks.train_features, arrays["X_train"].astype(float))
    np.testing.assert_array_equal(tasks.valid_labels, arrays["y_valid"])
    tested = image_pairs(path, [2, 0], judged_on="test")
    assert tested.names == ("2-4", "0-1")
    np.testing.assert_array_equal(tested.valid_features, arrays["X_test"][[2, 0]].astype(float))
    np.testing.assert_array_equal(tested.train_labels, arrays["y_train"][[2, 0]])


def test_a_file_of_pairs_without_examples_of_testing_is_enough_for_validation(pairs_file):
    path, _ = pairs_file(X_test=None, y_test=None)
    assert len(image_pairs(path)) == 3
    with pytest.raises(DataError, match="X_test"):
        image_pairs(path, judged_on="test")


def test_files_of_pairs_that_are_wrong(pairs_file, tmp_path):
    path, arrays = pairs_file()
    with pytest.raises(SettingError, match="positions from 0 to 2"):
        image_pairs(path, [3])
    with pytest.raises(SettingError, match="judged_on"):
        image_pairs(path, judged_on="train")
    with pytest.raises(DataError, match="cannot be read"):
        image_pairs(tmp_path / "none.npz")
    (tmp_path / "text.npz").write_text("no arrays")
    with pytest.raises(DataError, match="cannot be read"):
        image_pairs(tmp_path / "text.npz")
    for changed, match in (
        ({"y_train": arrays["y_train"] + 1}, "0 and 1"),
        ({"X_valid": arrays["X_valid"][:, :, :4]}, "valid_features of shape"),
        ({"X_train": np.where(arrays["X_train"] > 2, np.nan, arrays["X_train"])}, "NaN"),
        ({"y_valid": arrays["y_valid"][:, :5]}, "one for each example"),
        ({"pairs": arrays["pairs"][:2]}, "names"),
    ):
        with pytest.raises(DataError, match=match):
            image_pairs(pairs_file(**changed)[0])


def test_tasks_of_a_table_divide_its_rows_and_hide_what_is_judged():
    rng = np.random.default_rng(0)
    X, y = rng.normal(3.0, 5.0, (60, 3)), rng.normal(10.0, 4.0, 60)
    tasks = table_tasks(X, y, 1, 4, classes=False)
    assert tasks.train_labels.shape == (4, 45)
    assert tasks.valid_labels.shape == (4, 15)
    np.testing.assert_allclose(tasks.train_features.mean(axis=1), 0.0, atol=1e-12)
    np.testing.assert_allclose(tasks.train_labels.std(axis=1), 1.0)
    for at in range(4):  # all rows are there once, up to a shift and a scale
        found = np.concatenate([tasks.train_features[at], tasks.valid_features[at]])
        np.testing.assert_allclose(np.sort(_unit(found), axis=0), np.sort(_unit(X), axis=0), atol=1e-12)
    changed = X.copy()
    first = np.flatnonzero(np.isclose(tasks.valid_labels[0, 0], _of_task(tasks, y)))[0]
    changed[first] = 1e6  # of a row that is judged: what is learned from stays as it is
    np.testing.assert_array_equal(
        table_tasks(changed, y, 1, 1, classes=False).train_features[0], tasks.train_features[0]
    )


def test_rows_of_a_task_are_drawn_by_their_weights_on_either_side_of_the_division():
    X, y = np.arange(200.0)[:, None], np.arange(200) % 2
    tasks = table_tasks(X, y, 1, 3, classes=True, weights=np.where(y == 1, 3.0, 1.0))
    for features, labels in ((tasks.train_features, tasks.train_labels), (tasks.valid_features, tasks.valid_labels)):
        assert labels.mean() == pytest.approx(0.75, abs=0.05)
        assert features.shape == (3, labels.shape[1], 1)
    for learned, judged in zip(tasks.train_features, tasks.valid_features, strict=True):
        assert not set(learned[:, 0]) & set(judged[:, 0])


def _unit(values):
    return (values - values.mean(axis=0)) / values.std(axis=0)


def _of_task(tasks, y):
    """The table's targets, shifted and scaled as those of the first task are."""
    both = np.sort(np.concatenate([tasks.train_labels[0], tasks.valid_labels[0]]))
    return np.interp(y, np.sort(y), both)


def test_tasks_of_a_table_have_the_features_asked_for():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 6)), rng.normal(size=40)
    X[:, 5] = 3.0
    few = table_tasks(X, y, 0, 2, classes=False, n_features=4)
    assert few.n_features == 4
    assert not np.allclose(few.train_features[0], few.train_features[1])
    np.testing.assert_allclose(few.train_features.std(axis=1), 1.0)
    many = table_tasks(X, y, 0, 2, classes=False, n_features=9)
    assert not many.train_features[:, :, 5:].any()  # the column that does not vary, and those that were added
    assert many.train_features[:, :, :5].all()


def test_classes_of_a_table_are_told_from_the_rest_in_turn():
    X, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    tasks = table_tasks(X, names, 0, 6, classes=True, n_train=100, n_valid=50)
    assert tasks.classes
    shares = (tasks.train_labels.sum(axis=1) + tasks.valid_labels.sum(axis=1)) / 150
    np.testing.assert_allclose(shares, 1 / 3)
    setosa = tasks.train_features[0][tasks.train_labels[0] == 1]
    assert setosa[:, 2].max() < -0.9  # petals are short
    two = table_tasks(X[:100], names[:100], 0, 4, classes=True)
    versicolor = np.concatenate([two.train_labels, two.valid_labels], axis=1)
    assert np.all(versicolor.sum(axis=1) == 50)
    assert np.all(two.train_features[:, :, 2][two.train_labels == 1] > 0)


def test_tables_that_are_wrong():
    X, y = np.random.default_rng(0).normal(size=(20, 3)), np.arange(20.0)
    cases = (
        (np.where(X > 1, np.nan, X), y, {}, "X holds NaN"),
        (X, np.where(y > 18, np.inf, y), {}, "y holds NaN"),
        (X, y[:10], {}, "rows"),
        (X[:, 0], y, {}, "columns"),
        (X.astype(str)[:, :2] + "x", y, {}, "numbers"),
        (X, y.astype(str) + "x", {}, "numbers"),
        (X, np.zeros(20), {"classes": True}, "two or more"),
        (X, np.where(y > 18, np.nan, y > 3), {"classes": True}, "y holds NaN"),
        (X, np.array([None, "a"] * 10), {"classes": True}, "one kind"),
        (X, y, {"n_train": 15, "n_valid": 6}, "cannot be cut"),
        (X, y, {"n_train": 0}, "cannot be cut"),
    )
    for features, labels, options, match in cases:
        with pytest.raises(DataError, match=match):
            table_tasks(features, labels, 0, 2, **{"classes": False, **options})


def test_tasks_that_are_wrong():
    tasks = linear_tasks(0, 3, 10, 6)
    with_nan = tasks.valid_features.copy()
    with_nan[2, 1, 0] = np.nan
    for changed, match in (
        ({"train_features": tasks.train_features[0]}, r"X\[None\]"),
        ({"train_labels": tasks.train_labels[:, :9]}, "one for each example"),
        ({"valid_features": tasks.valid_features[:2], "valid_labels": tasks.valid_labels[:2]}, "3 tasks"),
        ({"valid_features": with_nan}, "valid_features of task 2 holds NaN"),
        ({"classes": True}, "0 and 1"),
        ({"names": ("a",)}, "3 tasks and 1 names"),
        ({"train_labels": [["a"]]}, "train_labels needs numbers"),
    ):
        with pytest.raises(DataError, match=match):
            replace(tasks, **changed)
    with pytest.raises(DataError, match="no tasks"):
        TaskSet(*(getattr(tasks, name)[:0] for name in ARRAYS))
    with pytest.raises(SettingError, match="1 or more"):
        linear_tasks(0, 0)
