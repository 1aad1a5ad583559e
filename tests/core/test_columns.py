"""What is inferred of raw columns, and how they are read: every kind of cell that tables in the wild hold."""

import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evoml.core.clean_table import CleanTable, parse_durations, parse_numbers
from evoml.core.columns import infer_columns, left_out, table_of
from evoml.core.errors import SettingError
from evoml.core.features import read_features

nan = np.nan


def one(values, wanted=None):
    """Return what is inferred of a single column."""
    return infer_columns(pd.DataFrame({"c": values}), wanted and {"c": wanted})[0]


def read(values, wanted=None):
    """Return a single column as it is read: what pipelines see."""
    column = one(values, wanted)
    frame = CleanTable({"c": column.reading}).fit_transform(pd.DataFrame({"c": values}))
    return [[None if value != value else value for value in row] for row in frame.to_numpy(dtype=object).tolist()]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2], "number"),
        ([1.5, None], "number"),
        (["1", " 2.5 ", "?", "NA", "n/a", "", "null", "-", "NaN"], "number"),
        (["1e3", "-2"], "number"),
        (["$1,234.50", "$7"], "number"),
        (["1.234,50 €", "7,25 €"], "number"),
        (["12.5%", "7 %"], "number"),
        (["(1,200)", "35"], "number"),
        ([3, "4", None, 5.5], "number"),
        ([True, False], "boolean"),
        ([True, None], "boolean"),
        (["Yes", "no", "?"], "boolean"),
        (["T", "F"], "boolean"),
        (["yes", "no", "maybe"], "category"),
        (["red", "blue", None], "category"),
        (["01234", "00501"], "category"),
        (["x", 1, 2.5], "category"),
        (pd.Categorical([3, 4]), "category"),
        (["none", "none", "gold"], "category"),
        (pd.to_datetime(["2020-01-01", None]), "datetime"),
        ([datetime.date(2020, 1, 1), None], "datetime"),
        (["2020-01-01", "2021-12-31"], "datetime"),
        (["31/12/2020", "01/02/2021"], "datetime"),
        (["Jan 5, 2020", "Feb 6, 2021"], "datetime"),
        (["2020-01-01T10:00:00Z", "unknown"], "datetime"),
        (["12:30", "01:05"], "duration"),
        ([datetime.time(12, 30), datetime.time(1, 5)], "duration"),
        (pd.to_timedelta([1, 2], unit="s"), "duration"),
        ([f"the {i}th remark on this flat by its guests" for i in range(30)], "text"),
        ([f"Name{i}, Mr. Given{i}" for i in range(30)], "text"),
        ([f"user-{i:03d}" for i in range(30)], "drop"),
        (["same"] * 3, "drop"),
        ([7.0] * 3, "drop"),
        ([None, nan, "?", ""], "drop"),
        ([nan, nan], "drop"),
    ],
)
def test_each_kind_of_column_is_recognised(values, kind):
    assert one(values).kind == kind


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1", "?", " 2.5 ", "inf"], [1, None, 2.5, None]),
        (["$1,234.50", "USD 7", "-$3", "$-4", "(£5)"], [1234.5, 7, -3, -4, -5]),
        (["1.234,50 €", "7,25", "-0,5 €"], [1234.5, 7.25, -0.5]),
        (["12.5%", "50 %"], [0.125, 0.5]),
        (["12 345.6", "1'000"], [12345.6, 1000]),
        (["yes", "NO", None], [1, 0, None]),
        (["12:30", "0:00:05"], [45000, 5]),
        ([1, 2.0, "x", " x ", None, "?"], ["1", "2", "x", "x", None, None]),
        (pd.Categorical([1.0, None, 2.5]), ["1", None, "2.5"]),
    ],
)
def test_cells_are_read_as_what_they_mean(values, expected):
    assert read(values) == [[value] for value in expected]


def test_a_few_cells_of_another_kind_are_missing_and_named():
    column = one([*map(str, range(40)), "abc"])
    assert (column.kind, column.why) == ("number", "numbers written as text, with 'abc' taken as missing")
    assert column.missing == pytest.approx(1 / 41)
    assert one([*map(str, range(10)), "abc", "def"]).kind == "category"


def test_a_time_becomes_those_of_its_parts_that_vary():
    column = one(["2020-03-01 06:30", "2020-03-02 18:00"])
    assert column.settings == {"format": "%Y-%m-%d %H:%M", "parts": ["days", "day", "weekday", "hour"]}
    assert read(["2020-03-01 06:30", "2020-03-02 18:00"]) == [
        [18322 + 6.5 / 24, 1, 6, 6.5],
        [18323.75, 2, 0, 18],
    ]


def test_times_far_away_are_no_obstacle():
    assert read([datetime.date(9999, 12, 31), datetime.date(1, 1, 1)])[0][:2] == [2932896, 9999]
    assert read(["1500-01-01", "1501-01-01"])[0][:2] == [-171664, 1500]


def test_what_the_user_knows_better_wins():
    assert read([1234, 501], "category") == [["1234"], ["501"]]
    assert read(["1", "2", "x"], "number") == [[1], [2], [None]]
    assert read(["1,5", "x"], "number") == [[1.5], [None]]
    assert read(["01.02.2020", "02.02.2020"], "datetime %d.%m.%Y")[0] == [18293, 1, 5]
    assert read([20200101, 20200102], "datetime %Y%m%d")[0] == [18262, 1, 2]
    assert one(["a"] * 3, "category").kind == "category"
    assert one([1, 2], "drop").kind == "drop"
    assert one([f"user-{i}" for i in range(30)], "category").kind == "category"


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"cc": "text"}, r"'cc', which is no column of the table; did you mean 'c'\?"),
        ({"c": "txt"}, r"'c' is to be 'txt'; did you mean 'text'\?; it may be number, boolean,"),
        ({"c": "number %d"}, "it may be number"),
        ({"c": None}, "it may be number"),
    ],
)
def test_a_correction_that_cannot_be_is_refused(wanted, message):
    with pytest.raises(SettingError, match=message):
        infer_columns(pd.DataFrame({"c": ["a"]}), wanted)


def test_columns_without_use_are_left_out_with_the_reason():
    n = 30
    frame = pd.DataFrame(
        {
            "a": np.arange(n) % 7,
            "again": [float(i % 7) for i in range(n)],
            "as text": [str(i % 7) for i in range(n)],
            "level": list("xyz") * 10,
            "LEVEL": pd.Categorical(list("xyz") * 10),
            "passengerId": range(n),
            "rank": range(n),
            "void": None,
        }
    )
    features = read_features(frame)
    why = {column.name: column.why for column in features.columns if column.kind == "drop"}
    assert why == {
        "again": "duplicate of 'a'",
        "as text": "duplicate of 'a'",
        "LEVEL": "duplicate of 'level'",
        "passengerId": "identifier: a whole number of its own for each row",
        "void": "empty: no row has a value",
    }
    assert features.names == ("a", "level", "rank")
    assert left_out(features.columns)[0].startswith("5 of 8 columns are left out: again (duplicate of 'a'), ")
    kept = read_features(frame, {"again": "number", "void": "drop"})
    assert [column.kind for column in kept.columns][1] == "number"
    assert "void" not in left_out(kept.columns)[0]


def test_what_was_inferred_is_a_table():
    table = table_of(infer_columns(pd.DataFrame({"t": ["x", "?", "y", "x"], "n": [1, 2, 3, None]})))
    assert table.to_dict("records") == [
        {"column": "t", "kind": "category", "why": "2 levels", "n_unique": 2, "missing": 0.25, "example": "x"},
        {"column": "n", "kind": "number", "why": "numbers", "n_unique": 3, "missing": 0.25, "example": "1.0"},
    ]


def test_new_rows_are_read_as_those_of_fit():
    frame = pd.DataFrame(
        {
            "n": ["1", "2", "3"],
            "gap": ["1", "?", "2"],
            "t": ["2020-01-01", "2020-02-03", "2021-01-01"],
            "c": ["a", "b", "?"],
        }
    )
    cleaner = read_features(frame).cleaner
    new = pd.DataFrame(
        {"c": [1, "b"], "t": ["no date", "2020-02-03"], "gap": ["x", 5], "n": ["heavy", None], "more": 0}
    )
    seen = cleaner.transform(new)
    assert seen["n"].tolist() == [2, 2]  # the median: steps that follow know of no gap there
    assert seen["gap"].isna().tolist() == [True, False]
    assert seen["c"].tolist() == ["1", "b"]
    assert seen["t year"].tolist() == [2020, 2020]
    assert list(seen.columns) == list(cleaner.get_feature_names_out())
    with pytest.raises(ValueError, match=r"lacks column\(s\) 'n' that were there in fit"):
        cleaner.transform(new.drop(columns="n"))


def test_any_frame_library_gives_the_same():
    pl, pa = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    data = {"n": [1.5, None, 2.0], "t": ["x", "y", None], "b": [True, False, None]}
    dates = [datetime.date(2020, 1, 1), datetime.date(2020, 1, 2), None]
    tables = [kind({**data, "d": dates}) for kind in (pd.DataFrame, pl.DataFrame, pa.table)]
    expected, *others = (read_features(table).frame for table in tables)
    for other in others:
        pd.testing.assert_frame_equal(expected, other)


def test_ten_thousand_levels_stay_one_column():
    values = [f"level{i % 10_000}" for i in range(20_000)]
    assert (one(values).kind, one(values).n_unique) == ("category", 10_000)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.floats(-1e12, 1e12, allow_nan=False), min_size=1, max_size=20))
def test_numbers_survive_being_written_in_any_style(numbers):
    rounded = [round(number, 2) for number in numbers]
    english = [f"{number:,.2f}" for number in rounded]
    german = [text.translate(str.maketrans(",.", ".,")) for text in english]
    assert parse_numbers([repr(number) for number in numbers]).tolist() == numbers
    assert parse_numbers([f"${text}" for text in english]).tolist() == rounded
    assert parse_numbers([f"{text} €" for text in german], ",").tolist() == rounded


@settings(deadline=None, max_examples=100)
@given(
    st.lists(
        st.one_of(st.none(), st.text(max_size=8), st.integers(), st.floats(), st.booleans()), min_size=1, max_size=30
    )
)
def test_no_column_is_too_odd_to_be_read_again(cells):
    frame = pd.DataFrame({"c": pd.Series(cells, dtype=object), "n": range(len(cells))})
    features = read_features(frame)
    assert len(features.data) == len(cells)
    again = features.cleaner.transform(frame) if features.cleaner is not None else None
    assert again is None or again.shape[0] == len(cells)


@pytest.mark.parametrize("text", ["12abc", "1,2,3", "--5", "$", "%", "(5", "1.2.3", "0,123", ""])
def test_what_only_looks_like_a_number_is_none(text):
    assert np.isnan(parse_numbers([text]))
    assert np.isnan(parse_durations([text])) or text == ""


def test_columns_made_of_a_date_leave_others_of_their_names_as_they_are():
    raw = pd.DataFrame(
        {"d": pd.date_range("2024-01-01", periods=30, freq="30D"), "d days": np.arange(30) % 7, "d year": 5}
    )
    raw.loc[3, "d year"] = 6
    found = read_features(raw)
    assert found.names[:2] == ("d days'", "d year'")
    assert found.frame is None
    columns = dict(zip(found.names, found.matrix.T, strict=True))
    np.testing.assert_array_equal(columns["d days"], raw["d days"])
    np.testing.assert_array_equal(columns["d year"], raw["d year"])
    np.testing.assert_array_equal(np.diff(found.times("d")), 30.0)
    np.testing.assert_array_equal(found.times("d days"), raw["d days"])
