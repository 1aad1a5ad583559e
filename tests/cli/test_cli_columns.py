"""Kinds of columns: found once, and applied alike to any later table."""

from __future__ import annotations

import datetime
import decimal

import numpy as np
import pandas as pd
import pytest

from evoml.cli.columns import check_columns, kinds_of, prepared
from evoml.core import DataError


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2], "number"),
        ([1.5, None], "number"),
        ([True, False], "number"),
        ([True, None], "number"),
        ([None, None], "number"),
        ([decimal.Decimal("1.5"), None], "number"),
        (pd.array([1, None], dtype="Int64"), "number"),
        (pd.to_timedelta([1, 2], unit="s"), "number"),
        (["x", None], "text"),
        (["x", 3], "text"),
        (pd.Categorical([3, 4]), "text"),
        (pd.to_datetime(["2020-01-01", None]), "time"),
        ([datetime.date(2020, 1, 1), None], "time"),
    ],
)
def test_each_kind_is_recognised_and_prepared(values, kind):
    table = pd.DataFrame({"c": values})
    assert kinds_of(table) == {"c": kind}
    column = prepared(table, {"c": kind})["c"]
    assert column.dtype == (object if kind == "text" else "float64")
    assert column.isna().tolist() == table["c"].isna().tolist()


def test_a_column_of_lists_is_refused():
    with pytest.raises(DataError, match="column 'c' holds values of type list"):
        kinds_of(pd.DataFrame({"c": [[1], [2]]}))


def test_times_become_days():
    table = pd.DataFrame({"c": pd.to_datetime(["1970-01-02", "1970-01-03T12:00"], format="ISO8601")})
    assert prepared(table, {"c": "time"})["c"].tolist() == [1.0, 2.5]
    assert prepared(table.astype(str), {"c": "time"})["c"].tolist() == [1.0, 2.5]


def test_text_stays_text_where_a_later_table_looks_numeric():
    assert prepared(pd.DataFrame({"c": [7, 8.0, None]}), {"c": "text"})["c"].tolist()[:2] == ["7", "8"]
    assert prepared(pd.DataFrame({"c": ["07", None]}), {"c": "text"})["c"].iloc[0] == "07"


def test_numbers_stay_numbers_where_a_later_table_holds_texts_of_them():
    assert prepared(pd.DataFrame({"c": ["7", "true", None]}), {"c": "number"})["c"].tolist()[:2] == [7.0, 1.0]
    assert prepared(pd.DataFrame({"c": [True, None]}, dtype=object), {"c": "number"})["c"].iloc[0] == 1.0


@pytest.mark.parametrize(("kind", "what"), [("number", "numbers"), ("time", "times")])
def test_a_value_of_another_kind_is_named_with_its_row(kind, what):
    with pytest.raises(DataError, match=rf"column 'c' must hold {what}, but row 2 holds 'abc'"):
        prepared(pd.DataFrame({"c": ["2020", "abc"]}), {"c": kind})


def test_columns_come_in_the_order_of_the_kinds():
    table = pd.DataFrame({"b": [1], "a": [2], "c": [3]})
    assert list(prepared(table, {"a": "number", "b": "number"}).columns) == ["a", "b"]


def test_missing_columns_are_named_and_extra_ones_returned():
    table = pd.DataFrame({"aeg": [1], "b": [2], "y": [3]})
    with pytest.raises(DataError, match=r"lacks 1 of the 2 columns .*: age; did you mean 'aeg'\?"):
        check_columns(table, ["age", "b"])
    assert check_columns(table, ["b"], ["y"]) == ["aeg"]
    assert np.array_equal(check_columns(table, ["b", "aeg"], ["y"]), [])
