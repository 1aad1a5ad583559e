"""Reading tables at the door: every kind of input, and one clear message for each that cannot be used."""

import contextlib
import datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import sparse

from evoml.core import DataError
from evoml.core.dataset import read_dataset
from evoml.core.features import read_features

X = np.arange(12.0).reshape(6, 2)
LABELS = ["a", "b", "a", "b", "c", "c"]
nan = float("nan")


def cells(features):
    return [[None if value != value else value for value in row] for row in np.asarray(features.data, dtype=object)]


# -- numbers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "table",
    [
        [[1, 2], [3, 4]],
        ((1, 2), (3, 4)),
        np.array([[1, 2], [3, 4]], dtype=np.int8),
        np.array([[1, 2], [3, 4]], dtype=object),
        np.array([["1", "2"], ["3", "4"]]),
        np.asfortranarray([[1.0, 2.0], [3.0, 4.0]]),
        pd.DataFrame([[1, 2], [3, 4]]),
        *(kind([[1, 2], [3, 4]]) for kind in (sparse.csr_matrix, sparse.csc_array, sparse.coo_matrix)),
    ],
)
def test_numbers_come_as_a_dense_matrix(table):
    features = read_features(table)
    assert features.kind == "dense"
    assert features.names is None
    assert features.matrix.dtype == np.float64
    assert features.matrix.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    "table",
    [
        [[1, None], [3, 4]],
        np.array([[1, nan], [3, 4]]),
        np.array([[1, None], [3, 4]], dtype=object),
        np.array([[1, pd.NA], [3, 4]], dtype=object),
        np.array([[1, np.inf], [3, 4]]),
        sparse.csr_matrix([[1, nan], [3, 4]]),
        sparse.csr_matrix([[1, -np.inf], [3, 4]]),
        pd.DataFrame([[1, None], [3, 4]]),
    ],
)
def test_missing_numbers_make_a_numeric_table(table):
    features = read_features(table)
    assert (features.kind, features.complete_numbers) == ("numeric", False)
    assert cells(features) == [[1, None], [3, 4]]


@pytest.mark.parametrize(
    ("column", "numbers"),
    [
        ([True, False], [1, 0]),
        (pd.array([True, None], dtype="boolean"), [1, None]),
        (pd.array([1, None], dtype="Int64"), [1, None]),
        (pd.array([1.5, None], dtype="Float64"), [1.5, None]),
        (pd.Series([1, None, True], dtype=object)[:2], [1, None]),
        ([Decimal("1.5"), None], [1.5, None]),
        (["7", "9"], [7, 9]),
        (["true", "FALSE", "?"], [1, 0, None]),
        (["12:30", "00:00:01"], [45000, 1]),
        ([1.0, np.inf], [1, None]),
        (pd.to_timedelta(["1s", None]), [1, None]),
        (pd.arrays.SparseArray([0.0, 2.0]), [0, 2]),
    ],
)
def test_columns_that_mean_numbers_become_numbers(column, numbers):
    features = read_features(pd.DataFrame({"c": column}))
    assert cells(features) == [[value] for value in numbers]
    assert features.kind == ("numeric" if None in numbers else "dense")
    assert features.names == ("c",)
    assert list(features.named.columns) == ["c"]


@settings(deadline=None, max_examples=50)
@given(arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(1, 4)), elements=st.floats(allow_infinity=False)))
def test_any_matrix_without_infinity_is_read_to_the_bit(matrix):
    for table in (matrix, pd.DataFrame(matrix), matrix.astype(object)):
        assert np.array_equal(read_features(table).matrix, matrix, equal_nan=True)


# -- text -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "column",
    [
        ["x", None],
        pd.Series(["x", None], dtype=object),
        pd.Series(["x", None], dtype="string"),
        pd.Categorical(["x", None]),
    ],
)
def test_text_stays_text_in_object_columns_with_nan(column):
    features = read_features(pd.DataFrame({"text": column, "number": [1, 2]}))
    assert features.kind == "table"
    assert features.matrix is None
    assert features.complete_numbers
    assert list(features.frame.dtypes) == [object, np.float64]
    assert cells(features) == [["x", 1], [None, 2]]
    assert [column.kind for column in features.columns] == ["category", "number"]


def test_mixed_cells_become_texts_of_one_type():
    features = read_features(pd.DataFrame({"c": pd.Series(["x", 1, 2.0, 2.5, True, None, pd.NA], dtype=object)}))
    assert cells(features) == [["x"], ["1"], ["2"], ["2.5"], ["True"], [None], [None]]


def test_arrays_and_lists_with_text_keep_their_numbers():
    for table in ([["x", 1], ["y", 2]], np.array([["x", 1], ["y", None]], dtype=object)):
        features = read_features(table)
        assert [column.kind for column in features.columns] == ["category", "number"]
        assert list(features.frame.columns) == ["x0", "x1"]


def test_times_become_numbers_of_those_parts_that_vary():
    table = np.array([[datetime.datetime(1970, 1, 2), 1], [datetime.datetime(1970, 1, 3), 2]], dtype=object)
    features = read_features(table)
    assert features.names == ("x0 days", "x0 day", "x0 weekday", "x1")
    assert features.matrix.tolist() == [[1, 2, 4, 1], [2, 3, 5, 2]]
    zoned = pd.DataFrame({"t": pd.to_datetime(["2020-01-01T02:00", None]).tz_localize("Europe/Paris")})
    assert cells(read_features(zoned)) == [[18262 + 1 / 24], [None]]


def test_rows_with_equal_index_labels_stay_apart():
    features = read_features(pd.DataFrame({"t": ["x", "y"], "n": [1, 2]}, index=[0, 0]))
    assert cells(features) == [["x", 1], ["y", 2]]


def test_polars_frames_are_read_by_way_of_pandas():
    polars = pytest.importorskip("polars")
    pytest.importorskip("pyarrow")
    features = read_features(polars.DataFrame({"t": ["x", None], "n": [1, None], "b": [True, False]}))
    assert features.names == ("t", "n", "b")
    assert cells(features) == [["x", 1, 1], [None, None, 0]]


def test_the_users_frame_stays_as_it_is():
    frame = pd.DataFrame({"t": pd.Categorical(["x", None]), "n": [1, 2]})
    before = frame.copy(deep=True)
    read_features(frame)
    pd.testing.assert_frame_equal(frame, before)


# -- tables that cannot be used ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (np.empty((0, 3)), r"0 sample\(s\)"),
        (np.empty((3, 0)), r"0 feature\(s\)"),
        (pd.DataFrame(), r"at least one row and one column, got shape \(0, 0\)"),
        (pd.DataFrame({"a": []}), r"at least one row and one column, got shape \(0, 1\)"),
        ([], "Expected 2D array"),
        ([1, 2], "Expected 2D array"),
        (None, "Expected 2D array"),
        (pd.Series([1, 2]), "Expected a 2-dimensional container"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "occur more than once: a; rename or drop them"),
        (np.array([[1j]]), "Complex data not supported"),
        (pd.DataFrame({"z": [1j]}), "Complex data not supported: column 'z'"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_with_the_reason(table, message):
    with pytest.raises(DataError, match=message):
        read_features(table)


@pytest.mark.parametrize("table", [pd.DataFrame({"c": [{}, {}]}), np.array([[{}, 1]], dtype=object)])
def test_cells_that_are_containers_are_refused(table):
    with pytest.raises(TypeError, match="must be a string or a number in every cell"):
        read_features(table)


def test_a_sparse_table_too_large_when_dense_is_refused_at_once():
    with pytest.raises(DataError, match=r"needs 7\.5 GiB as a dense table, the limit is 4 GiB; select columns"):
        read_features(sparse.csr_matrix((10**5, 10**4)))


# -- targets ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        (LABELS, ["a", "b", "c"]),
        (np.array(LABELS, dtype=object), ["a", "b", "c"]),
        (pd.Series(LABELS), ["a", "b", "c"]),
        (pd.Series(pd.Categorical(LABELS)), ["a", "b", "c"]),
        ([3, 1, 3, 1, 2, 2], [1, 2, 3]),
        (pd.Series([3, 1, 3, 1, 2, 2], dtype="Int64"), [1, 2, 3]),
        ([True, False] * 3, [False, True]),
        ([1.0, 2.0] * 3, [1.0, 2.0]),
        (np.array([1, "a"] * 3, dtype=object), ["1", "a"]),
        (np.array([1, 2.0] * 3, dtype=object), [1.0, 2.0]),
    ],
)
def test_labels_become_codes_and_come_back(y, classes):
    data = read_dataset(X, y, "classification")
    assert data.classes.tolist() == classes
    assert sorted(set(data.y.tolist())) == list(range(len(classes)))
    assert [str(label) for label in data.labels] == [str(type(classes[0])(label)) for label in y]
    assert data.class_rows == np.bincount(data.y).min()


def test_a_column_vector_is_flattened_with_a_warning():
    with pytest.warns(UserWarning, match="column-vector y was passed"):
        assert read_dataset(X, np.arange(6.0).reshape(-1, 1), "regression").y.tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "target y is None"),
        (["a", None, "a", "b", "b", "b"], "1 of 6 target values are missing; drop those rows or fill them in"),
        ([0, nan, 1, 1, nan, 0], "2 of 6 target values are missing"),
        (pd.Series([0, pd.NA, 1, 1, 1, 0], dtype="Int64"), "1 of 6 target values are missing"),
        (["a"] * 6, "at least two classes, the target has one class: 'a'; check the target column"),
        ([0.5, 1.5, 2.5, 1, 2, 3], r"labels, the target holds numbers such as 0\.5; use EvoRegressor"),
        (np.array([0.5, 1.5, 2, 1, 2, 3], dtype=object), "use EvoRegressor"),
        ([1, np.inf, 1, 2, 2, 2], "infinity in 1 rows"),
        (np.array([[0, 1]] * 6), "at least two classes, the target has one class"),
        (np.zeros((6, 2, 2)), "one column of labels or numbers, or several"),
        ([0, 1], r"inconsistent numbers of samples: \[6, 2\]; give one target value for each row"),
    ],
)
def test_a_target_no_classifier_can_use(y, message):
    with pytest.raises(DataError, match=message):
        read_dataset(X, y, "classification")


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (LABELS, "a regressor needs numbers as its target, got e.g. 'a'; use EvoClassifier for labels"),
        (pd.to_datetime(["2020-01-01"] * 6), "a regressor needs numbers"),
        (np.array([10**400] * 6, dtype=object), "a regressor needs numbers"),
        ([1, -np.inf, 1, np.inf, 1, 1], "infinity in 2 rows; drop those rows or correct them"),
        (np.array([1, np.inf] * 3, dtype=object), "infinity in 3 rows"),
        (["1", "inf"] * 3, "infinity in 3 rows"),
        ([1, None] * 3, "3 of 6 target values are missing"),
        ([1j] * 6, "Complex data not supported"),
    ],
)
def test_a_target_no_regressor_can_use(y, message):
    with pytest.raises(DataError, match=message):
        read_dataset(X, y, "regression")


def test_one_row_is_not_enough():
    for task in ("classification", "regression"):
        with pytest.raises(DataError, match="needs at least two rows, got n_samples = 1; give more rows"):
            read_dataset(X[:1], [1], task)


# -- weights and groups -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ([1] * 5, r"must hold 6 finite numbers, none negative.* got shape \(5,\)"),
        ([-1, 1, 1, 1, 1, 1], "none negative"),
        ([nan, 1, 1, 1, 1, 1], "finite numbers"),
        (["a"] * 6, "finite numbers, none negative: could not convert"),
        ([0] * 6, "above zero for at least two rows, got 0; give weights that count"),
        ([0, 0, 0, 0, 0, 1], "above zero for at least two rows, got 1"),
    ],
)
def test_weights_that_cannot_be_used(weight, message):
    with pytest.raises(DataError, match=message):
        read_dataset(X, LABELS, "classification", sample_weight=weight)


@pytest.mark.parametrize("groups", [["a", None] * 3, [1.0, nan] * 3, pd.Series(["a", pd.NA] * 3)])
def test_groups_must_be_complete(groups):
    with pytest.raises(DataError, match="the group is missing in 3 of 6 rows"):
        read_dataset(X, LABELS, "classification", groups=groups)


def test_groups_of_several_types_are_told_apart():
    mixed = np.array(["a", 1, "a", 1, 2.5, 2.5], dtype=object)
    assert read_dataset(X, LABELS, "classification", groups=mixed).groups.tolist() == [0, 1, 0, 1, 2, 2]
    texts = np.array(list("bbaacc"), dtype=object)
    assert read_dataset(X, LABELS, "classification", groups=texts).groups is texts


def test_groups_need_one_value_a_row():
    for groups in ([1] * 5, [[1]] * 6):
        with pytest.raises(DataError, match=r"groups must have one value a row \(6\), got shape"):
            read_dataset(X, LABELS, "classification", groups=groups)


# -- notes, fingerprints, rows, layouts -------------------------------------------------------------------------------


def test_constant_columns_are_noted_by_name():
    frame = pd.DataFrame({"same": [1.0] * 6, "gone": [nan] * 6, "ok": range(6)})
    (note,) = read_dataset(frame, LABELS, "classification").notes
    assert note.startswith(
        "2 of 3 columns are left out: same (constant: 1.0 in all rows), gone (empty: no row has a value);"
    )
    (note,) = read_dataset(frame.to_numpy(), LABELS, "classification").notes
    assert note == "2 of 3 columns are constant (x0, x1); they carry no information"
    assert not read_dataset(X, LABELS, "classification").notes


def test_infinity_is_taken_as_missing_and_noted():
    infinite = X.copy()
    infinite[2, 1] = -np.inf
    for table, name in ((infinite, "x1"), (pd.DataFrame(infinite, columns=["a", "b"]), "b")):
        data = read_dataset(table, LABELS, "classification")
        assert data.notes == (f"infinity in column(s) {name} is taken as missing",)
        assert np.isnan(data.features.matrix).sum() == 1
        assert data.features.kind == "numeric"


def test_a_table_without_information_says_what_to_expect():
    (note,) = read_dataset(np.ones((6, 12)), LABELS, "classification").notes
    assert note.startswith("12 of 12 columns are constant (x0, x1, ")
    assert "x9, ...); there is nothing to learn from: expect the quality of a constant guess" in note
    assert "x10" not in note


def fingerprint(table=X, y=LABELS, task="classification", **rest):
    return read_dataset(table, y, task, **rest).fingerprint


def test_equal_data_have_equal_fingerprints():
    assert fingerprint() == fingerprint(X.copy()) == fingerprint(X.tolist()) == fingerprint(np.asfortranarray(X))
    frame = pd.DataFrame({"t": list("xyxyxz"), "n": range(6)})
    assert fingerprint(frame) == fingerprint(frame.copy()) == fingerprint(frame.set_index(frame.index + 5))


def test_any_difference_changes_the_fingerprint():
    other = X.copy()
    other[3, 1] += 1e-9
    frame = pd.DataFrame({"t": list("xyxyxz"), "n": range(6)})
    changed = frame.assign(t=list("xyxyxy"))
    prints = [
        fingerprint(),
        fingerprint(other),
        fingerprint(X[:, ::-1]),
        fingerprint(X[::-1]),
        fingerprint(y=LABELS[::-1]),
        fingerprint(y=[label.upper() for label in LABELS]),
        fingerprint(sample_weight=[1] * 6),
        fingerprint(groups=[1] * 6),
        fingerprint(frame),
        fingerprint(changed),
    ]
    assert len(set(prints)) == len(prints)


def test_take_keeps_rows_weights_and_groups_together_and_drops_lost_classes():
    frame = pd.DataFrame({"t": list("xyxyxz"), "n": range(6)})
    for table in (X, frame):
        data = read_dataset(table, LABELS, "classification", sample_weight=range(1, 7), groups=list("ppqqrr"))
        part = data.take(np.array([5, 0, 5]))
        assert part.labels.tolist() == ["c", "a", "c"]
        assert part.classes.tolist() == ["a", "c"]
        assert part.y.tolist() == [1, 0, 1]
        assert part.sample_weight.tolist() == [6, 1, 6]
        assert part.groups.tolist() == ["r", "p", "r"]
        assert np.array_equal(np.asarray(part.features.data)[[0, 1]], np.asarray(data.features.data)[[5, 0]])
        assert part.fingerprint != data.fingerprint
        assert data.n_rows == 6


def seen_as(fitted, new):
    return read_features(fitted).layout.read(new)


def test_new_rows_take_the_fitted_names():
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": [2.0, 5.0]})
    assert list(seen_as(frame, frame.to_numpy()).columns) == ["a", "b"]
    assert isinstance(seen_as(frame.to_numpy(), frame), np.ndarray)


def test_text_where_plain_numbers_were_is_refused_by_name():
    message = "hold text, but held numbers in fit; give numbers there"
    for text in ("x", None):
        new = pd.DataFrame({"a": [1, 2], "b": ["1", text]})
        with pytest.raises(DataError, match=rf"column\(s\) 'b' {message}") if text else contextlib.nullcontext():
            seen_as(pd.DataFrame({"a": [1, 2], "b": [2, 3]}), new)


def test_a_table_that_was_cleaned_is_shown_to_its_pipeline_as_it_came():
    raw = pd.DataFrame({"t": ["x", "?"], "n": [1, 2]})
    pd.testing.assert_frame_equal(seen_as(raw, raw), raw)
    assert list(seen_as(raw, pl.DataFrame({"t": ["x"], "n": [3]})).columns) == ["t", "n"]


def test_a_table_without_any_use_stands_as_a_constant():
    features = read_features(pd.DataFrame({"same": ["x"] * 30, "id": range(30)}))
    assert features.useless
    assert features.matrix.tolist() == [[0.0]] * 30
    assert "no column is of any use: same (constant: 'x' in all rows), id (identifier" in features.notes[0]


@pytest.mark.parametrize("matrix", [np.ones((30, 3)), np.full((30, 2), nan), np.array([[1.0, nan]] * 2000)])
def test_an_array_of_constants_is_of_no_use(matrix):
    assert read_features(matrix).useless
    other = matrix.copy()
    other[-1, 0] = 7.0
    assert not read_features(other).useless


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"a": [1, 2]}, r"X is a dict, which is no table; give pandas.DataFrame\(X\)"),
        (pl.LazyFrame({"a": [1, 2]}), r"X is a LazyFrame, which holds no cells yet; give X.collect\(\)"),
    ],
)
def test_what_is_nearly_a_table_is_refused_with_the_mend(table, message):
    with pytest.raises(DataError, match=message):
        read_features(table)
