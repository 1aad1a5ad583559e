"""Steps of the machine: fused or not, they compute what the formula says; few registers, constants computed once."""

import naive_expressions_machine as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernels.formula_cases import encoded, formulas, grown

from evoml.kernels.compiling import kernel
from evoml.kernels.expression_codes import NAMES
from evoml.kernels.expression_compile import compile_formula, registers_needed
from evoml.kernels.expression_evaluate import evaluate
from evoml.kernels.expression_machine import STEP_SIZE
from evoml.kernels.expression_operations import FILL, PAIR_PAIR, PAIR_ROW, operations

EXACT = ("add", "sub", "mul", "div", "min", "max", "neg", "inv", "square", "cube", "abs", "sqrt")
compiled = kernel(compile_formula.py_func, cache=False)


def steps_of(text, room=64, known=None):
    """The steps of a formula whose constants are all leaves, and registers used."""
    codes, constants, length = encoded(text, room)
    steps, values = np.zeros((room + 3, STEP_SIZE), np.int32), np.zeros((room + 3, 2))
    registers = np.zeros(registers_needed(room) + 2, np.int64)
    scratch = np.zeros((room + 1, 4), np.int64), np.zeros(room + 1), registers
    end, result = compiled(codes, constants, np.int32(length), 1, steps, values, np.int64(0), *scratch)
    return steps[:end], values[:end], result


def outputs(codes, constants, length, features):
    out = np.empty((1, features.shape[1]), features.dtype)
    evaluate(codes[None], constants[None], np.array([length], np.int32), features, 0, 1, out)
    return out[0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@settings(max_examples=150, deadline=None)
@given(text=formulas(EXACT, max_leaves=25), seed=st.integers(0, 9))
def test_what_is_fused_has_the_same_bits(dtype, text, seed):
    formula = encoded(text, 128)
    features = np.random.default_rng(seed).normal(size=(3, 70)).astype(dtype)
    np.testing.assert_array_equal(outputs(*formula, features), naive.outputs(*formula, features))


@settings(max_examples=100, deadline=None)
@given(text=formulas(tuple(NAMES), max_leaves=8), seed=st.integers(0, 9))
def test_any_formula_is_that_of_numpy(text, seed):
    """On most rows: where a function is steep, a last digit becomes many."""
    formula = encoded(text)
    features = np.random.default_rng(seed).uniform(0.2, 2.0, size=(3, 90))
    found, expected = outputs(*formula, features), naive.outputs(*formula, features)
    with np.errstate(all="ignore"):
        close = np.isclose(found, expected, rtol=1e-6, atol=1e-9, equal_nan=True)
    assert close.mean() > 0.5


@pytest.mark.parametrize("first", ["add x0 x1", "sub x0 x1", "mul x0 x1", "div x0 x1", "add x0 1.5", "sub 1.5 x0", "sub x0 1.5",
                                   "mul x0 1.5", "div x0 1.5", "div 1.5 x0", "square x0", "neg x0", "inv x0"])  # fmt: skip
@pytest.mark.parametrize("second", ["add", "sub", "mul", "div"])
@pytest.mark.parametrize("other", ["x2", "0.7", "sub x1 x2", "mul 0.3 x2"])
def test_every_pair_has_the_same_bits_both_ways(first, second, other):
    features = np.random.default_rng(0).normal(size=(3, 65))
    for text in (f"{second} {first} {other}", f"{second} {other} {first}"):
        formula = encoded(text)
        np.testing.assert_array_equal(outputs(*formula, features), naive.outputs(*formula, features))


def test_two_products_and_their_sum_are_one_step():
    steps, _, _ = steps_of("add mul x0 x1 mul x2 x3")
    assert len(steps) == 1
    assert steps[0, 0] == PAIR_PAIR + 16 * 2 + 4 * 2
    steps, values, _ = steps_of("sub x1 mul 2.5 x0")
    assert len(steps) == 1
    assert steps[0, 0] == PAIR_ROW + 8 * 5 + 4
    assert values[0, 0] == 2.5


def test_powers_that_are_products_are_no_powers():
    assert [step[0] for step in steps_of("pow x0 2")[0]] == [NAMES["mul"]]
    assert len(steps_of("pow x0 1")[0]) == 0


def test_a_column_needs_no_step_and_a_constant_one():
    steps, _, result = steps_of("x2")
    assert len(steps) == 0
    assert result == registers_needed(64) + 2
    steps, values, _ = steps_of("-4.5")
    assert [step[0] for step in steps] == [FILL]
    assert values[0, 0] == -4.5


@pytest.mark.parametrize("operation", ["pow", "sub", "max"])
@pytest.mark.parametrize("side", [0, 1])
def test_deep_chains_have_registers_enough(operation, side):
    text = "x0"
    for i in range(21 if side == 0 else 31):  # 64 and 63 nodes
        text = f"{operation} {text} sin x{i % 3}" if side == 0 else f"{operation} x1 {text}"
    formula = encoded(text)
    features = np.random.default_rng(0).uniform(0.5, 1.0, size=(3, 5))
    np.testing.assert_allclose(outputs(*formula, features), naive.outputs(*formula, features), rtol=1e-9)


def test_registers_are_never_read_before_they_are_written():
    rng = np.random.default_rng(1)
    rows_read = {number: operation.rows for number, operation in operations().items()}
    for _ in range(300):
        steps, _, result = steps_of(grown(rng, int(rng.integers(1, 25)), 0, ["add", "sub", "mul", "div", "max", "exp"]))
        written = set()
        for operation, target, *rows in steps.tolist():
            read = rows[: rows_read[operation]]
            assert all(row in written for row in read if row < registers_needed(64))
            assert target < registers_needed(64)
            written.add(target)
        assert result in written


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_constants_are_computed_in_the_type_of_the_rows(dtype):
    formula = encoded("mul x0 div 1.0 add 3.0 0.1")
    features = np.ones((1, 4), dtype)
    np.testing.assert_array_equal(outputs(*formula, features), naive.outputs(*formula, features))
    three = dtype(3) + dtype(0.1)
    assert outputs(*formula, features)[0] == dtype(1) / three
