"""Derivatives by constants: against sympy for each operation, against differences for any formula, over blocks of rows."""

import kernels.formula_cases as cases
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evoml.kernels.expression_codes import CONSTANT, NAMES
from evoml.kernels.expression_derivatives import MOST_CONSTANTS, differentiate


def differentiated(text, features, room=cases.ROOM):
    codes, constants, length = cases.encoded(text, room)
    output = np.full(features.shape[1], np.nan)
    jacobian = np.full((room, features.shape[1]), np.nan)
    n_constants = differentiate(codes, constants, length, features, output, jacobian)
    return output, jacobian[:n_constants]


def by_differences(text, features, up, down):
    """Quotients of differences between constants raised by ``up`` and lowered by ``down``."""
    codes, constants, _ = cases.encoded(text)
    columns = []
    for node in np.flatnonzero(codes == CONSTANT):
        low, high = constants.copy(), constants.copy()
        high[node] += up
        low[node] -= down
        with np.errstate(all="ignore"):
            rise = cases.evaluated(codes, high, features) - cases.evaluated(codes, low, features)
        columns.append(rise / (up + down))
    return np.array(columns).reshape(len(columns), features.shape[1])


def random_features(n_rows, seed=0):
    return np.random.default_rng(seed).uniform(-2.0, 2.0, (3, n_rows))


SYMPY = {
    "add": "a + b", "sub": "a - b", "mul": "a * b", "div": "a / b", "pow": "a ** b", "min": "Min(a, b)", "max": "Max(a, b)",
    "neg": "-a", "inv": "1 / a", "square": "a ** 2", "cube": "a ** 3", "sqrt": "sqrt(a)", "cbrt": "cbrt(a)",
    "abs": "Abs(a)", "exp": "exp(a)", "log": "log(a)", "sin": "sin(a)", "cos": "cos(a)", "tan": "tan(a)", "asin": "asin(a)",
    "acos": "acos(a)", "atan": "atan(a)", "sinh": "sinh(a)", "cosh": "cosh(a)", "tanh": "tanh(a)",
    "sigmoid": "1 / (1 + exp(-a))",
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_each_operation_has_the_derivatives_of_sympy(name):
    sympy = pytest.importorskip("sympy")
    a, b = sympy.symbols("a b", positive=True)
    formula = sympy.sympify(SYMPY[name], locals={"a": a, "b": b})
    first = np.array([0.1, 0.37, 0.5, 0.81, 0.999])
    second = np.array([0.3, 1.0, 0.499, 2.5, 4.0])
    # A constant of 0 is added to each operand, so that the derivatives by constants are those by the operands.
    operands = "add 0.0 x0 add 0.0 x1" if name in cases.BINARY else "add 0.0 x0"
    _, jacobian = differentiated(f"{name} {operands}", np.array([first, second]))
    for k, symbol in enumerate((a, b)[: len(jacobian)]):
        derivative = sympy.lambdify((a, b), sympy.diff(formula, symbol).rewrite(sympy.Piecewise).doit(), "mpmath")
        expected = [float(derivative(x, y)) for x, y in zip(first, second, strict=True)]
        np.testing.assert_allclose(jacobian[k], expected, rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("seed", range(12))
def test_random_formulas_have_the_derivatives_of_sympy(seed):
    sympy = pytest.importorskip("sympy")
    text = cases.grown(np.random.default_rng(seed), 6, 3, names=[*cases.SMOOTH, "exp", "div", "cube"])
    features = random_features(7, seed)
    constants, columns = sympy.symbols("c0:9"), sympy.symbols("x0:3")
    words = text.split()

    def subtree(at, used):
        word = words[at]
        if word.startswith("x"):
            return columns[int(word[1:])], at + 1
        if word not in NAMES:
            used.append(float(word))
            return constants[len(used) - 1], at + 1
        a, at = subtree(at + 1, used)
        b = None
        if word in cases.BINARY:
            b, at = subtree(at, used)
        return sympy.sympify(SYMPY[word], locals={"a": a, "b": b}), at

    values = []
    formula = subtree(0, values)[0]
    _, jacobian = differentiated(text, features)
    assert len(jacobian) == len(values) == 3
    for k in range(3):
        derivative = sympy.lambdify((*constants[:3], *columns), sympy.diff(formula, constants[k]), "mpmath")
        expected = [float(derivative(*values, *row)) for row in features.T]
        np.testing.assert_allclose(jacobian[k], expected, rtol=1e-9, atol=1e-12)


@settings(deadline=None, max_examples=300)
@given(text=cases.formulas(), seed=st.integers(0, 5))
def test_any_formula_agrees_with_differences(text, seed):
    features = random_features(9, seed)
    codes, constants, _ = cases.encoded(text)
    output, jacobian = differentiated(text, features)
    expected = cases.evaluated(codes, constants, features)
    np.testing.assert_allclose(output, expected, rtol=1e-9, atol=1e-12)
    coarse, fine = by_differences(text, features, 2e-5, 2e-5), by_differences(text, features, 1e-5, 1e-5)
    left, right = by_differences(text, features, 0.0, 1e-5), by_differences(text, features, 1e-5, 0.0)
    with np.errstate(all="ignore"):  # where all agree there is a derivative, and differences tell it
        told = (np.abs(coarse - fine) <= 1e-6 * np.abs(fine)) & (np.abs(left - right) <= 0.1 * np.abs(fine))
        told &= np.isfinite(jacobian) & (np.abs(fine) > 1e-3 * (1.0 + np.abs(expected))) & (np.abs(fine) < 1e6)
    np.testing.assert_allclose(jacobian[told], fine[told], rtol=1e-4)


@pytest.mark.parametrize("n_rows", [1, 7, 8, 255, 256, 257, 2048, 2049, 5000])
def test_rows_are_independent_of_the_blocks_they_lie_in(n_rows):
    text = "add mul 1.5 sin mul x0 0.7 div x1 add square x2 exp -0.3"
    features = random_features(n_rows)
    output, jacobian = differentiated(text, features)
    one_by_one = [differentiated(text, np.ascontiguousarray(features[:, [i]])) for i in range(0, n_rows, 97)]
    np.testing.assert_array_equal(output[::97], np.concatenate([found[0] for found in one_by_one]))
    np.testing.assert_array_equal(jacobian[:, ::97], np.concatenate([found[1] for found in one_by_one], axis=1))


def test_a_formula_without_constants_has_no_derivatives():
    output, jacobian = differentiated("mul x0 x0", np.array([[3.0, -2.0]]))
    assert output.tolist() == [9.0, 4.0]
    assert jacobian.shape == (0, 2)


def test_a_lone_constant():
    output, jacobian = differentiated("2.5", np.zeros((1, 3)))
    assert output.tolist() == [2.5] * 3
    assert jacobian.tolist() == [[1.0] * 3]


def test_constants_beyond_the_most_count_in_the_value_only():
    n = MOST_CONSTANTS + 5
    text = " ".join(["add"] * (n - 1) + [f"{k}.0" for k in range(n)])
    output, jacobian = differentiated(text, np.zeros((1, 4)), room=2 * n)
    assert output.tolist() == [n * (n - 1) / 2] * 4
    assert jacobian.shape == (MOST_CONSTANTS, 4)
    assert (jacobian == 1.0).all()


def test_angles_beyond_the_range_of_the_polynomials():
    features = np.array([[1e7, 3e9, 0.5, -2e15]])
    output, jacobian = differentiated("sin mul 1.0 x0", features)
    np.testing.assert_allclose(output, np.sin(features[0]), rtol=1e-14)
    np.testing.assert_allclose(jacobian[0], features[0] * np.cos(features[0]), rtol=1e-14)
