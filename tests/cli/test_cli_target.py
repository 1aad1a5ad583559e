"""The target: which task it stands for, and what cannot be learnt."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from evoml.cli.target import data_from, held_data, held_out
from evoml.core import DataError, SettingError


def table(y: object, n: int | None = None) -> pd.DataFrame:
    y = list(y)  # type: ignore[call-overload]
    return pd.DataFrame({"a": np.arange(len(y)), "y": y})


@pytest.mark.parametrize(
    ("y", "task"),
    [
        (["p", "q"] * 5, "classification"),
        ([True, False] * 5, "classification"),
        ([0, 1] * 3, "classification"),
        ([0.0, 1.0] * 3, "classification"),
        (pd.Categorical([3, 4] * 5), "classification"),
        ([1, 2, 3] * 10, "classification"),
        ([1, 2, 3], "regression"),
        (range(100), "regression"),
        ([0.5, 1.5] * 9, "regression"),
    ],
)
def test_the_task_follows_from_the_target(y, task):
    data = data_from(table(y), "y")
    assert data.task == task
    assert "'y' holds" in data.reason


def test_an_asked_task_wins():
    assert data_from(table([0, 1] * 5), "y", "regression").task == "regression"
    assert data_from(table([1, 2, 3, 3]), "y", "classification").task == "classification"


def test_labels_keep_their_type():
    assert data_from(table(["p", "q"] * 5), "y").y.dtype.kind == "U"
    assert data_from(table([1.0, 2.0] * 5), "y").y.dtype.kind == "i"
    assert data_from(table([True, False] * 5), "y").y.dtype.kind == "b"


@pytest.mark.parametrize(
    ("y", "task", "expected"),
    [
        ([1], "auto", "the table has 1 row only"),
        ([1.0, np.nan, 2.0], "auto", "the target 'y' is missing in 1 of 3 rows, first in row 2"),
        (["p", None, "q"], "auto", "is missing in 1 of 3 rows"),
        ([1.0, 2.5, np.inf], "auto", "is infinite in row 3"),
        (["p", "p"], "auto", "has one class only, 'p'"),
        ([3, 3, 3], "classification", "has one class only, 3"),
        (["p", "q"], "auto", "each of the 2 values of the target 'y' occurs in one row only"),
        ([0.5, 0.5], "auto", "is 0.5 in all rows"),
        (["p", "q"], "regression", "holds text such as 'p'; regression needs numbers"),
        ([0.5, 1.5], "classification", "holds fractions such as 0.5; use --task regression"),
    ],
)
def test_a_bad_target_is_refused(y, task, expected):
    with pytest.raises(DataError) as caught:
        data_from(table(y), "y", task)
    assert expected in str(caught.value)


def test_columns_that_are_not_there_are_named_with_the_nearest():
    with pytest.raises(DataError, match=r"no target column 'yy'; did you mean 'y'\?"):
        data_from(table([0, 1]), "yy")
    with pytest.raises(DataError, match="no group column 'house'; it has: a, y"):
        data_from(table([0, 1] * 2), "y", group="house")
    with pytest.raises(DataError, match="no column beside 'y'"):
        data_from(table([0, 1])[["y"]], "y")


def test_group_and_weight_are_no_features():
    frame = table([0, 1] * 5).assign(g=list("aabbccddee"), w=1.5)
    data = data_from(frame, "y", group="g", weight="w")
    assert list(data.X.columns) == ["a"]
    assert data.groups.tolist() == list("aabbccddee")
    assert data.weights.tolist() == [1.5] * 10
    with pytest.raises(DataError, match="column 'g' is missing in 1 of 10 rows"):
        data_from(frame.assign(g=[None, *"abbccddee"]), "y", group="g")


def test_holding_out_keeps_classes_and_is_repeatable():
    data = data_from(table([0, 1] * 20), "y")
    fit, kept = held_out(data, 0.25, seed=3)
    assert sorted([*fit.X["a"], *kept.X["a"]]) == list(range(40))
    assert kept.y.mean() == 0.5
    assert held_out(data, 0.25, seed=3)[1].X.equals(kept.X)


def test_holding_out_keeps_groups_whole():
    data = data_from(table([0, 1] * 20).assign(g=np.repeat(range(10), 4)), "y", group="g")
    fit, kept = held_out(data, 0.3, seed=3)
    assert not set(fit.groups) & set(kept.groups)


def test_a_share_that_cannot_be_held_out_is_refused():
    with pytest.raises(DataError, match=r"a share of 0.2 of the rows cannot be held out"):
        held_out(data_from(table([0, 1] * 5).assign(g="alone"), "y", group="g"), 0.2, 0)
    with pytest.raises(DataError, match=r"the latest 20% of the rows cannot be held out: .* too few distinct times"):
        held_out(data_from(table([0, 1] * 5).assign(t=[0, *[1] * 9]), "y"), 0.2, 0, "t")
    with pytest.raises(DataError, match=r"no column 'when' to split by"):
        held_out(data_from(table([0, 1] * 5), "y"), 0.2, 0, "when")


def test_the_latest_rows_are_those_of_the_column_as_it_was_corrected():
    days = pd.date_range("2024-01-01", periods=12, freq="D").repeat(5)
    swapped = [f"{day.day:02d}/{1 + day.day % 12:02d}/2024" for day in days]  # with no day beyond the twelfth
    frame = table([0, 1] * 30).assign(when=swapped)
    kinds = {"when": "datetime %d/%m/%Y"}
    fit, kept = held_out(data_from(frame, "y", column_kinds=kinds), 0.2, 0, "when", kinds)
    fit_days, kept_days = (pd.to_datetime(part.X["when"], format="%d/%m/%Y") for part in (fit, kept))
    assert fit_days.max() < kept_days.min()


def test_rows_are_divided_by_a_column_of_numbers_that_sounds_like_an_identifier():
    frame = table([0, 1] * 30).assign(row_id=range(60))
    kinds = {"row_id": "number"}
    _, kept = held_out(data_from(frame, "y", column_kinds=kinds), 0.25, 0, "row_id", kinds)
    assert kept.X["row_id"].tolist() == list(range(45, 60))
    with pytest.raises(
        SettingError, match=r"left out \(identifier.*\), which column_kinds={'row_id': 'number'} corrects"
    ):
        held_out(data_from(frame, "y"), 0.25, 0, "row_id")


def test_rows_of_another_table_take_the_form_of_those_to_learn_from():
    data = data_from(table(["p", "1"] * 5).assign(b=1.0), "y")
    one = held_data(pd.DataFrame({"y": [1], "b": [2], "more": [3], "a": [4]}), data, ["y"])
    assert one.y.tolist() == ["1"]
    assert list(one.X.columns) == ["a", "b"]
    truths = data_from(table([True, False] * 5), "y")
    assert held_data(table([1]), truths, ["y"]).y.tolist() == [True]
    assert held_data(table([0.5]), data_from(table([0.5, 1.5] * 5), "y"), ["y"]).y.tolist() == [0.5]


@pytest.mark.parametrize(
    ("later", "said"),
    [
        (pd.DataFrame({"y": [1]}), r"lacks the column\(s\) 'a', 'w'"),
        (pd.DataFrame({"y": [2], "a": 1, "w": 1}), "labels that no row to learn from has cannot be predicted: 2"),
        (pd.DataFrame({"y": [0.5], "a": 1, "w": 1}), "labels that no row to learn from has cannot be predicted: 0.5"),
        (pd.DataFrame({"y": [np.nan, 1], "a": 1, "w": 1}), "column 'y' is missing in 1 of 2 rows"),
        (pd.DataFrame({"y": [0, 1], "a": 1, "w": [1, -1]}), "column 'w' holds a negative weight in row 2"),
        (pd.DataFrame({"y": [0, 1], "a": 1, "w": [1, "inf"]}), "column 'w' is missing in 1 of 2 rows"),
    ],
)
def test_rows_of_another_table_that_cannot_be_scored_are_refused(later, said):
    data = data_from(table([0, 1] * 5).assign(w=1.0), "y", weight="w")
    with pytest.raises(DataError, match=said):
        held_data(later, data, ["y"], None, "w")
