"""Targets of several columns: read, taken apart, and divided evenly."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import sparse
from sklearn.datasets import load_linnerud

from evoml.core.dataset import read_dataset
from evoml.core.errors import DataError
from evoml.core.target import strata

X = np.arange(12.0).reshape(6, 2)
INDICATOR = np.array([[0, 1, 0], [1, 1, 0], [0, 0, 0], [1, 1, 0], [0, 1, 0], [1, 0, 0]])


def test_numbers_keep_their_columns_and_names():
    table, target = load_linnerud(return_X_y=True, as_frame=True)
    data = read_dataset(table, target, "regression")
    assert (data.form, data.several, data.n_answers) == ("several", True, 3)
    assert data.classes is None
    assert [output.name for output in data.outputs] == ["Weight", "Waist", "Pulse"]
    for output, column in zip(data.outputs, target.to_numpy().T, strict=True):
        assert output.y.tolist() == column.tolist()


@pytest.mark.parametrize(
    "given_as",
    [
        lambda y: y,
        lambda y: y.tolist(),
        list,
        sparse.csr_matrix,
        pd.DataFrame,
        lambda y: y.astype(bool),
        lambda y: y / 1.0,
    ],
    ids=["array", "lists", "arrays", "sparse", "frame", "bool", "float"],
)
def test_an_indicator_is_its_own_codes_in_whatever_form_it_comes(given_as):
    data = read_dataset(X, given_as(INDICATOR), "classification")
    assert data.form == "indicator"
    assert data.y.tolist() == data.labels.tolist() == INDICATOR.tolist()
    assert [classes.tolist() for classes in data.classes] == [[0, 1]] * 3  # also of the column of zeros
    assert any("y2 of the target hold one value only" in note for note in data.notes) == (given_as is not pd.DataFrame)


def test_labels_of_several_columns_come_back():
    labels = pd.DataFrame({"kind": list("abcabc"), "size": [3, 4, 3, 4, 5, 5]})
    data = read_dataset(X, labels, "classification")
    assert data.form == "several"
    assert [output.name for output in data.outputs] == ["kind", "size"]
    assert data.labels.tolist() == labels.astype(str).to_numpy().tolist()  # of mixed types: texts
    assert (data.n_answers, data.class_rows) == (6, 2)
    assert data.take(np.array([0, 3])).labels.tolist() == [["a", "3"], ["a", "4"]]


def test_fingerprints_tell_columns_apart():
    flipped = INDICATOR[:, ::-1]
    prints = {read_dataset(X, y, "classification").fingerprint for y in (INDICATOR, flipped, INDICATOR[:, :2])}
    assert len(prints) == 3


@pytest.mark.parametrize(
    ("y", "task", "message"),
    [
        ([[1, 2], [3]], "regression", "the target is one column of labels or numbers, or several"),
        (np.full((6, 2), 0.5), "classification", r"labels, the target holds numbers such as 0\.5; use EvoRegressor"),
        (np.ones((6, 2), int), "classification", "one class"),
        (np.where(INDICATOR, np.nan, 1.0), "regression", "7 of 18 target values are missing"),
        (INDICATOR.astype(str).astype(object) + "x", "regression", "needs numbers as its target, got e.g. '0x'"),
        (INDICATOR[:4], "classification", r"inconsistent numbers of samples: \[6, 4\]"),
    ],
)
def test_what_cannot_be_a_target_is_one_clear_error(y, task, message):
    with pytest.raises(DataError, match=message):
        read_dataset(X, y, task)


def test_strata_of_one_column_are_its_labels():
    labels = np.array(["b", "a", "b"])
    assert strata(labels) is labels


@given(arrays.arrays(np.int64, st.tuples(st.integers(2, 40), st.integers(2, 5)), elements=st.integers(0, 2)))
def test_rows_of_a_stratum_share_their_rarest_label(labels):
    codes = strata(labels)
    assert codes.shape == (len(labels),)
    for code in np.unique(codes):
        rows = labels[codes == code]
        shared = [at for at in range(labels.shape[1]) if np.all(rows[:, at] == rows[0, at])]
        counts = {at: np.sum(labels[:, at] == rows[0, at]) for at in shared}
        least = min(np.sum(labels[:, at] == row[at]) for row in rows for at in range(labels.shape[1]))
        assert min(counts.values()) == least
