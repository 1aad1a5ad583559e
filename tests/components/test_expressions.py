"""The arithmetic of `columns` and `at_most`: right answers, and nothing but arithmetic."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evoml.components.expressions import evaluate, names_in


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1 + 2 * 3", 7),
        ("n // 2 - 1", 4),
        ("n / 4", 2.5),
        ("min(n, 3, 5) + max(1, 2)", 5),
        ("-n", -10),
        ("n * flag", 10),
    ],
)
def test_arithmetic(expression, value):
    assert evaluate(expression, {"n": 10, "flag": True}) == value


@given(st.integers(-1000, 1000), st.integers(1, 1000))
def test_agrees_with_python(a, b):
    assert evaluate("max(a, b) * a - a // b", {"a": a, "b": np.int64(b)}) == max(a, b) * a - a // b


@pytest.mark.parametrize(
    "expression",
    [
        "__import__('os')",
        "n.real",
        "n ** 9",
        "[1]",
        "'a'",
        "min()",
        "min(n, key=n)",
        "lambda: 1",
        "True",
        "n <",
        "abs(n)",
    ],
)
def test_anything_else_is_refused(expression):
    with pytest.raises(ValueError, match=r"allowed|arithmetic|numbers"):
        evaluate(expression, {"n": 10})


def test_messages_name_the_mistake():
    with pytest.raises(ValueError, match="unknown name 'm'; known are k, n"):
        evaluate("m + 1", {"n": 1, "k": 2})
    with pytest.raises(ValueError, match="'n' is 'rbf', which is not a number"):
        evaluate("n + 1", {"n": "rbf"})
    with pytest.raises(ValueError, match="divides by zero"):
        evaluate("1 // n", {"n": 0})


def test_names_in():
    assert names_in("min(n_rows, 2 * k)") == {"n_rows", "k"}
