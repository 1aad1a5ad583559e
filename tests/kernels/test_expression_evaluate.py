"""Outputs of populations: any number of rows, any slice, any block."""

import naive_expressions_machine as naive
import numpy as np
import pytest
from kernels.formula_cases import encoded, grown

from evoml.kernels.expression_evaluate import OUTPUTS, evaluate, formulas_on_table


def population(texts, room=64):
    formulas = [encoded(text, room) for text in texts]
    codes, constants, lengths = zip(*formulas, strict=True)
    return np.array(codes), np.array(constants), np.array(lengths, np.int32)


def some_texts(n, seed=0, names=("add", "sub", "mul", "div", "max", "square")):
    rng = np.random.default_rng(seed)
    return [grown(rng, int(rng.integers(0, 12)), 0, list(names)) for _ in range(n)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_rows", [1, 2, 31, 64, 65, 256, 257, 511, 512, 513, 1500])
def test_any_number_of_rows(n_rows, dtype):
    formulas = population(some_texts(12))
    features = np.random.default_rng(n_rows).normal(size=(3, n_rows)).astype(dtype)
    out = np.empty((12, n_rows), dtype)
    evaluate(*formulas, features, 0, 12, out)
    for i in range(12):
        np.testing.assert_array_equal(out[i], naive.outputs(*(part[i] for part in formulas), features))


def test_a_slice_writes_to_its_own_rows_only():
    formulas = population(some_texts(9))
    features = np.random.default_rng(0).normal(size=(3, 77))
    whole, parts = np.empty((9, 77)), np.full((9, 77), -1.0)
    evaluate(*formulas, features, 0, 9, whole)
    evaluate(*formulas, features, 3, 7, parts)
    assert (parts[:3] == -1.0).all()
    assert (parts[7:] == -1.0).all()
    np.testing.assert_array_equal(parts[3:7], whole[3:7])
    evaluate(*formulas, features, 0, 0, whole)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("block", [64, 128, 256, 1024])
def test_the_size_of_blocks_changes_no_bit(block, dtype):
    formulas = population(some_texts(20, names=("add", "sin", "exp", "mul", "log", "tanh")))
    features = (10.0 ** np.random.default_rng(0).uniform(-3, 6, (3, 1100))).astype(dtype)
    expected, out = np.empty((20, 1100), dtype), np.empty((20, 1100), dtype)
    evaluate(*formulas, features, 0, 20, expected)
    nothing = np.zeros(0, dtype)
    tables = features, nothing, nothing, OUTPUTS, False, 0, 20, block
    formulas_on_table(*formulas, *tables, out, np.zeros(0), np.zeros((0, 2)), np.zeros(0, np.uint64))
    np.testing.assert_array_equal(out, expected)


def test_arguments_stay_as_they_are():
    formulas = population(["add x0 mul 2.0 exp 3.0"])
    features = np.random.default_rng(0).normal(size=(2, 9))
    before = [array.copy() for array in (*formulas, features)]
    evaluate(*formulas, features, 0, 1, np.empty((1, 9)))
    for array, copy in zip((*formulas, features), before, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_what_is_not_finite_is_written_as_it_comes():
    formulas = population(["log x0", "div 1.0 x0", "sqrt x0", "min x0 x1"])
    features = np.array([[0.0, -1.0, np.inf, np.nan], [1.0, 2.0, 3.0, 4.0]])
    out = np.empty((4, 4))
    evaluate(*formulas, features, 0, 4, out)
    with np.errstate(all="ignore"):
        expected = [np.log(features[0]), 1 / features[0], np.sqrt(features[0]), np.minimum(*features)]
    np.testing.assert_array_equal(out, expected)


def test_wide_tables_and_long_formulas():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(3000, 40))
    text = "x2999"
    for i in range(120):
        text = f"add {text} x{25 * i}"
    formulas = population([text], room=256)
    out = np.empty((1, 40))
    evaluate(*formulas, features, 0, 1, out)
    np.testing.assert_array_equal(out[0], naive.outputs(*(part[0] for part in formulas), features))
