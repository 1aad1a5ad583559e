"""Suspicions about a table: told where there is reason, and only there."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris

from evoml.core.dataset import read_dataset
from evoml.core.errors import SettingError
from evoml.evaluation.leaks import leak_warnings, target_shares
from evoml.evaluation.splitting import splits

rng = np.random.default_rng(0)
N = 400
NOISE = pd.DataFrame(rng.normal(size=(N, 3)), columns=["a", "b", "c"])
LABELS = np.where(rng.random(N) < 0.3, "yes", "no")
DAYS = pd.date_range("2020-01-01", periods=N, freq="D")


def told(table, y=LABELS, task="classification", cv=5, **metadata):
    return leak_warnings(read_dataset(table, y, task, **metadata), cv)


@pytest.mark.parametrize("load", [load_iris, load_breast_cancer, load_diabetes])
def test_honest_tables_are_not_suspected(load):
    X, y = load(return_X_y=True)
    assert told(X, y, "regression" if load is load_diabetes else "classification") == []


@pytest.mark.parametrize(
    "leak",
    [
        np.where(LABELS == "yes", 1.0, 0.0),
        np.where(LABELS == "yes", 5.0, -5.0) + rng.normal(size=N),
        np.where(LABELS == "yes", np.nan, rng.normal(size=N)),
        np.where(LABELS == "yes", "paid", "open"),
        np.where(LABELS == "yes", rng.choice(["p", "q"], N), rng.choice(["r", "s"], N)),
    ],
    ids=["code", "two heaps", "missing for one class", "text", "levels of one class each"],
)
def test_a_column_that_gives_the_target_away_is_named(leak):
    (message,) = told(NOISE.assign(leak=leak))
    assert message.startswith("column 'leak' alone predicts the target almost perfectly: make sure that it is known")


def test_a_column_that_gives_a_quantity_away_is_named():
    y = rng.normal(size=N)
    (message,) = told(NOISE.assign(price=1000 * y + 3, part=y + rng.normal(size=N)), y, "regression")
    assert message.startswith("column 'price' alone")
    (message,) = told(np.column_stack([NOISE, y, y**3]), y, "regression")
    assert message.startswith("column x3, column x4 alone each predict")


def test_a_strong_column_is_no_leak():
    assert told(NOISE.assign(strong=np.where(LABELS == "yes", 1.0, 0.0) + 0.4 * rng.normal(size=N))) == []
    assert told(NOISE.assign(near=np.where(rng.random(N) < 0.95, LABELS, "no"))) == []


def test_shares_run_from_nothing_to_all():
    dataset = read_dataset(NOISE.assign(leak=LABELS), LABELS, "classification")
    shares = target_shares(dataset)
    assert np.abs(shares[:3]).max() < 0.2
    assert shares[3] == 1.0


def test_copies_of_rows_are_told_unless_nothing_else_could_be():
    twice = pd.concat([NOISE, NOISE.head(100)], ignore_index=True)
    (message,) = told(twice, np.append(LABELS, LABELS[:100]))
    assert message.startswith("20% of the rows are copies of others: on both sides of a fold")
    text = twice.assign(t=["x", "y"] * 250)
    assert told(text, np.append(LABELS, LABELS[:100]))[0].startswith("20% of the rows")
    assert told(twice, np.append(LABELS, LABELS[:100]), groups=np.arange(500)) == []
    assert told(rng.integers(0, 2, (N, 4)).astype(float)) == []


def test_rows_in_order_of_time_are_told():
    (message,) = told(NOISE.assign(day=DAYS))
    assert "rows are in order of column 'day'" in message
    assert "cv='time' (evoml fit --time-split day)" in message
    assert len(told(NOISE.assign(day=DAYS[::-1]))) == 1
    assert told(NOISE.assign(day=rng.permutation(DAYS))) == []
    assert told(NOISE.assign(day=DAYS), cv="time") == []


# -- folds in time ----------------------------------------------------------------------------------------------------


def folds(table, cv, y=LABELS, task="classification", **metadata):
    return splits(read_dataset(table, y, task, **metadata), cv, 0)


@pytest.mark.parametrize("cv", ["time", "time:day"])
def test_each_fold_tests_on_what_comes_after_its_training_rows(cv):
    days = pd.Series(rng.permutation(DAYS))
    found = folds(NOISE.assign(day=days), cv)
    assert len(found) == 5
    assert all(days[train].max() < days[test].min() for train, test in found)
    assert len(np.unique(np.concatenate([test for _, test in found]))) == 5 * (N // 6)


def test_rows_of_one_time_are_never_on_both_sides():
    year = np.repeat([2000.0, 2001, 2002, 2003], 100)
    for train, test in folds(NOISE.assign(year=year), "time:year"):
        assert year[train].max() < year[test].min()


def test_rows_without_a_time_count_as_the_earliest():
    days = pd.Series(DAYS).where(np.arange(N) % 10 > 0)
    for train, test in folds(NOISE.assign(day=days), "time"):
        assert days[test].notna().all()
        assert days[train].isna().any()


@pytest.mark.parametrize(
    ("table", "cv", "message"),
    [
        (NOISE, "time", "the table has no column to order it by; it has no column of times"),
        (NOISE.assign(day=DAYS), "time:dya", "no column of times or numbers 'dya'; columns of times are: day"),
        (NOISE.assign(t=["x", "y", "z", "x"] * 100, day=DAYS), "time:t", "no column of times or numbers 't'"),
        (
            NOISE.assign(t=[0.0] * (N - 1) + [1.0]),
            "time:t",
            r"no time before which there are rows .* \(2 distinct times\)",
        ),
        (NOISE.assign(same=[0.0, 1.0] * (N // 2)), "time:nothing", "no column of times or numbers 'nothing'"),
    ],
)
def test_a_split_by_time_that_cannot_be_is_refused(table, cv, message):
    with pytest.raises(SettingError, match=message):
        folds(table, cv)


def test_time_does_not_keep_groups_whole():
    with pytest.raises(SettingError, match="does not keep groups whole"):
        folds(NOISE.assign(day=DAYS), "time", groups=np.arange(N))
