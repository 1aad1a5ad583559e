"""Reading tables: formats, and one clear refusal for each thing that can be wrong."""

from __future__ import annotations

import gzip
import sys

import numpy as np
import pandas as pd
import pytest

from evoml.cli.tables import SHIPPED, name_of, read_table
from evoml.core import DataError

TEXT = "a,b\n1,x\n2,y\n"


@pytest.fixture
def write(here):
    def save(text: str | bytes, name: str = "t.csv") -> str:
        (here / name).write_bytes(text.encode() if isinstance(text, str) else text)
        return name

    return save


def refusal(source: str) -> str:
    with pytest.raises(DataError) as caught:
        read_table(source)
    return str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        TEXT.replace(",", ";"),
        TEXT.replace(",", "\t"),
        TEXT.replace("\n", "\r\n"),
        "\ufeff" + TEXT,
        '"a","b"\n1,x\n2,y\n',
    ],
)
def test_any_usual_dialect_of_csv_gives_the_same_table(write, text):
    table = read_table(write(text))
    assert list(table.columns) == ["a", "b"]
    assert table["a"].tolist() == [1, 2]
    assert table["b"].tolist() == ["x", "y"]


def test_a_comma_inside_a_quoted_name_is_no_delimiter(write):
    assert list(read_table(write('"a, or b";c\n1;2\n')).columns) == ["a, or b", "c"]


def test_compressed_csv_and_parquet_hold_the_same_table(here, write):
    expected = read_table(write(TEXT))
    pd.testing.assert_frame_equal(read_table(write(gzip.compress(TEXT.encode()), "t.csv.gz")), expected)
    expected.to_parquet(here / "t.parquet")
    pd.testing.assert_frame_equal(read_table("t.parquet"), expected, check_dtype=False)


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_tables_have_a_target(name):
    assert "target" in read_table(f"sklearn:{name}").columns


def test_text_columns_keep_their_digits(write):
    assert read_table(write("a,b\n007,1\n008,2\n"), ["a"])["a"].tolist() == ["007", "008"]


def test_a_nameless_column_that_counts_rows_is_dropped(write):
    assert list(read_table(write(",a\n0,5\n1,6\n2,8\n")).columns) == ["a"]


def test_a_nameless_column_that_holds_something_else_stays(write):
    assert len(read_table(write(",a\n5,5\n1,6\n2,8\n")).columns) == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "t.csv is empty"),
        ("\n\n", "t.csv is empty"),
        ("a,b\n", "t.csv: the table has no rows"),
        ("a,b,a\n1,2,3\n", "several columns of one name: a; rename"),
        ("a,b\n1,2\n1,2,3\n", "Expected 2 fields in line 3, saw 3"),
        ("a,b\n1,2,3\n4,5,6\n", "more fields than the header"),
        ('a,b\n1,"2\n3,4\n', "cannot be read as CSV"),
        (b"a,b\n\xff\xfe,2\n", "is not text in UTF-8"),
    ],
)
def test_a_bad_csv_is_refused(write, text, expected):
    assert expected in refusal(write(text))


def test_columns_renamed_by_pandas_are_not_taken_for_duplicates(write):
    assert list(read_table(write("a,a.1\n1,2\n")).columns) == ["a", "a.1"]


def test_damaged_files_are_refused(write):
    assert "cannot be read as CSV" in refusal(write(gzip.compress(TEXT.encode() * 99)[:40], "t.csv.gz"))
    assert "cannot be read as CSV" in refusal(write(b"no gzip", "u.csv.gz"))
    assert "cannot be read as Parquet" in refusal(write(b"PAR1 and no more", "t.parquet"))


def test_parquet_without_pyarrow_says_what_to_install(write, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    assert "needs the package pyarrow" in refusal(write(b"", "t.parquet"))


def test_a_missing_file_is_named_with_the_nearest_one(write):
    write(TEXT, "titanic.csv")
    assert refusal("titnic.csv") == "there is no table at titnic.csv; did you mean 'titanic.csv'?"
    assert "check the path" in refusal("nowhere/at/all.csv")
    assert "is a folder" in refusal(".")


def test_an_unknown_shipped_table_is_named_with_the_nearest_one():
    assert "there is no table sklearn:irs; did you mean 'iris'?" in refusal("sklearn:irs")


@pytest.mark.parametrize(("source", "name"), [("sklearn:iris", "iris"), ("a/b.csv.gz", "b"), ("b.parquet", "b")])
def test_short_names(source, name):
    assert name_of(source) == name


def test_reading_leaves_numbers_as_they_are(write):
    assert np.isinf(read_table(write("a,b\ninf,1\n-inf,2\n"))["a"]).all()
