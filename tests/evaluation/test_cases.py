"""Errors row by row: what each kind of prediction says of a row's own class or number."""

import numpy as np
import pytest

from evoml.core.dataset import read_dataset
from evoml.evaluation.cases import case_errors, case_rows


def dataset(y, task):
    return read_dataset(np.arange(len(y) * 1.0)[:, None], y, task)


def test_probabilities_of_two_classes():
    table = dataset(np.array([0, 1, 0, 1]), "classification")
    predictions = np.array([[0.25], [0.75], [1.0], [0.0]], np.float32)
    assert case_errors(predictions, table, np.arange(4)).tolist() == [0.25, 0.25, 1.0, 1.0]
    assert case_errors(predictions, table, np.array([1, 3])).tolist() == [0.25, 1.0]


def test_decision_values_become_probabilities():
    table = dataset(np.array([0, 1, 0, 1]), "classification")
    errors = case_errors(np.array([[-4.0], [4.0], [4.0], [0.0]], np.float32), table, np.arange(4))
    assert errors == pytest.approx([0.018, 0.018, 0.982, 0.5], abs=1e-3)


def test_several_classes():
    table = dataset(np.array(["a", "b", "c"]), "classification")
    shares = np.array([[0.5, 0.25, 0.25], [1.0, 0.0, 0.0], [0.0, 0.25, 0.75]], np.float32)
    assert case_errors(shares, table, np.arange(3)).tolist() == [0.5, 1.0, 0.25]
    decided = case_errors(10.0 * (shares - 0.6), table, np.arange(3)).astype(float)
    assert decided[0] < 0.2 < 0.9 < decided[1]


def test_numbers_count_in_spreads_of_the_target():
    y = np.array([0.0, 10.0, 20.0, 30.0])
    errors = case_errors(
        np.array([[0.0], [15.0], [20.0], [np.nan]], np.float32), dataset(y, "regression"), np.arange(4)
    )
    assert errors == pytest.approx([0.0, 5.0 / y.std(), 0.0, np.inf], rel=1e-3)


def test_several_outputs_are_averaged():
    y = np.array([[0.0, 0.0], [2.0, 8.0]])
    errors = case_errors(np.array([[1.0, 0.0], [2.0, 0.0]], np.float32), dataset(y, "regression"), np.arange(2))
    assert errors.tolist() == [0.5, 1.0]


def test_some_rows_stand_for_all_with_the_classes_shares():
    labels = np.repeat([0, 1], [900, 100])
    rows = case_rows(np.arange(1000), labels, 100, seed=3)
    assert len(set(rows.tolist())) == 100
    assert (np.diff(rows) > 0).all()
    assert 8 <= labels[rows].sum() <= 12
    assert case_rows(np.array([4, 7, 9]), None, 100, seed=3).tolist() == [4, 7, 9]
