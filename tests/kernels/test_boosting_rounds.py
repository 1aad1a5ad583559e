"""Rounds: packing, drawing of rows and columns."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evoml.kernels.boosting import draw_columns, draw_rows, make_packing, pack
from evoml.kernels.histogram import unpack


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 500), st.integers(-200, 200), st.booleans(), st.integers(0, 10**6))
def test_no_sum_overflows(n, exponent, constant, seed):
    rng = np.random.default_rng(seed)
    gradient, hessian = rng.normal(size=n) * 10.0**exponent, np.ones(n) if constant else rng.random(n) * 10.0**exponent
    packing = make_packing(n, np.abs(gradient).sum(), hessian.sum(), hessian.sum(), constant)
    packed = np.zeros(n, np.int64)
    for signs in (1.0, -1.0):
        pack(signs * np.abs(gradient), hessian, packing, packed)
        first, second, rows = unpack(packed.sum(), packing)
        assert first == pytest.approx(signs * np.abs(gradient).sum(), rel=1e-4)
        assert second == pytest.approx(hessian.sum(), rel=1e-3)
        assert rows == n


def test_many_rows_are_estimated_from_hessians():
    n = 200_000
    rng = np.random.default_rng(0)
    gradient, hessian = rng.normal(size=n), rng.random(n)
    packing = make_packing(n, np.abs(gradient).sum(), hessian.sum(), hessian.sum(), False)
    packed = np.zeros(n, np.int64)
    pack(gradient, hessian, packing, packed)
    first, second, rows = unpack(packed.sum(), packing)
    assert first == pytest.approx(gradient.sum(), abs=0.01)
    assert second == pytest.approx(hessian.sum(), rel=1e-3)
    assert rows == pytest.approx(n, rel=1e-3)


def test_rows_and_columns_drawn():
    drawn, others = np.zeros(5000, np.int32), np.zeros(5000, np.int32)
    n_drawn, n_others = draw_rows(5000, 0.3, np.uint64(5), drawn, others)
    assert sorted([*drawn[:n_drawn], *others[:n_others]]) == list(range(5000))
    assert n_drawn == pytest.approx(1500, abs=150)
    assert draw_rows(5000, 1.0, np.uint64(5), drawn, others) == (5000, 0)
    counts = np.zeros(10)
    for key in range(2000):
        columns = draw_columns(10, 3, np.uint64(key))
        assert len(set(columns.tolist())) == 3
        assert np.all(np.diff(columns) > 0)
        counts[columns] += 1
    assert np.abs(counts - 600).max() < 110
