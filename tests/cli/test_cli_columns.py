"""Kinds of columns: found once, and applied alike to any later table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from evoml.cli.columns import check_columns, in_words, kinds_from, prepared
from evoml.core import DataError, SettingError
from evoml.core.features import read_features


def test_kinds_are_read_from_texts():
    assert kinds_from(["zip=category", "a=b=datetime %d.%m.%Y"]) == {"zip": "category", "a=b": "datetime %d.%m.%Y"}
    for wrong in ("zip", "=text", "zip="):
        with pytest.raises(SettingError, match="--column takes NAME=KIND, such as zip=category; got"):
            kinds_from([wrong])


def test_what_was_understood_is_said_column_by_column():
    n = 30
    table = pd.DataFrame({"a": range(n), "day": [f"{1 + i % 28:02d}.03.2024" for i in range(n)], "same": ["x"] * n})
    lines = list(in_words(read_features(table).described()))
    assert lines == [
        "columns: 1 number, 1 datetime (--column NAME=KIND corrects)",
        "column day: datetime (dates or times written as %d.%m.%Y, e.g. '01.03.2024')",
        "column same: left out (constant: 'x' in all rows)",
    ]
    assert list(in_words(read_features(np.eye(3)).described())) == ["columns: 3 number"]


def test_text_stays_text_where_a_later_table_looks_numeric():
    assert prepared(pd.DataFrame({"c": [7, 8.0, None]}), {"c": "category"})["c"].tolist()[:2] == ["7", "8"]
    assert prepared(pd.DataFrame({"c": ["07", None]}), {"c": "category"})["c"].iloc[0] == "07"


def test_numbers_stay_numbers_where_a_later_table_holds_texts_of_them():
    assert prepared(pd.DataFrame({"c": ["7", "true", None]}), {"c": "number"})["c"].tolist()[:2] == [7.0, 1.0]
    assert prepared(pd.DataFrame({"c": [True, None]}, dtype=object), {"c": "number"})["c"].iloc[0] == 1.0


def test_a_value_of_another_kind_is_named_with_its_row():
    with pytest.raises(DataError, match="column 'c' must hold numbers, but row 2 holds 'abc'"):
        prepared(pd.DataFrame({"c": ["2020", "abc"]}), {"c": "number"})


def test_columns_come_in_the_order_of_the_kinds():
    table = pd.DataFrame({"b": [1], "a": [2], "c": [3]})
    assert list(prepared(table, {"a": "number", "b": "number"}).columns) == ["a", "b"]


def test_missing_columns_are_named_and_extra_ones_returned():
    table = pd.DataFrame({"aeg": [1], "b": [2], "y": [3]})
    with pytest.raises(DataError, match=r"lacks 1 of the 2 columns .*: age; did you mean 'aeg'\?"):
        check_columns(table, ["age", "b"])
    assert check_columns(table, ["b"], ["y"]) == ["aeg"]
    assert np.array_equal(check_columns(table, ["b", "aeg"], ["y"]), [])
