import math
import re

import pytest
from expression_cases import ANY_NUMBER, bits, formulas
from hypothesis import example, given, settings
from hypothesis import strategies as st

from evoml.core.errors import SearchSpaceError
from evoml.genomes.expression.operations import OPERATIONS, operation
from evoml.genomes.expression.population import constant, joined, variable
from evoml.genomes.expression.text import read, show, write

A_NAME = st.text(min_size=0, max_size=6) | st.sampled_from(
    ["log", "inf", "nan", "x0", "body mass", 'a"b', "a\\", "é", "x ^ 2"]
)


@settings(deadline=None)
@given(formulas(ANY_NUMBER))
def test_what_is_written_is_read_back_to_the_last_bit(formula):
    assert bits(read(write(formula))) == bits(formula)


@settings(deadline=None)
@given(formulas(), st.lists(A_NAME, min_size=3, max_size=3, unique=True))
@example(variable(0), ["sin", "x1", "x2"])
def test_any_names_of_columns_are_read_back(formula, names):
    assert read(write(formula, names), names) == formula


@settings(deadline=None)
@given(formulas())
def test_no_parentheses_could_be_left_out(formula):
    text = write(formula)
    for opening in re.finditer(r"(?<!\w)\(", text):
        if text[: opening.start()].endswith(("-", "^ ")):  # put there to be clear
            continue
        depth, closing = 0, opening.start()
        while True:
            depth += {"(": 1, ")": -1}.get(text[closing], 0)
            if not depth:
                break
            closing += 1
        bare = text[: opening.start()] + text[opening.end() : closing] + text[closing + 1 :]
        assert read(bare) != formula


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("x0+x1*x2", "x0 + x1 * x2"),
        ("(x0+x1)*x2", "(x0 + x1) * x2"),
        ("x0-(x1-x2)", "x0 - (x1 - x2)"),
        ("x0**2", "x0 ^ 2"),
        ("x0^3", "x0 ^ 3"),
        ("x0^2.0", "x0 ^ 2.0"),
        ("1/x0", "1 / x0"),
        ("1.0/x0", "1.0 / x0"),
        ("2*x0", "2.0 * x0"),
        ("-x0^2", "-(x0 ^ 2)"),
        ("(-2)^x0", "(-2.0) ^ x0"),
        ("-2^x0", "-(2.0 ^ x0)"),
        ("2^-x0", "2.0 ^ (-x0)"),
        ("add(x0, mul(3, sig(x1)))", "x0 + 3.0 * sigmoid(x1)"),
    ],
)
def test_texts_mean_what_they_mean_in_mathematics(text, written):
    assert write(read(text)) == written


@pytest.mark.parametrize(
    ("text", "operations"),
    [("x0^2", ["square"]), ("x0^2.0", ["pow"]), ("x0^3", ["cube"]), ("1/x0", ["inv"]), ("2*1/x0", ["div", "mul"])],
)
def test_whole_numbers_name_operations(text, operations):
    assert [code for code in read(text).codes if code < 64] == [OPERATIONS[name].code for name in operations]


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("x0 + sni(x1)", 5, "did you mean 'sin'"),
        ("x0 + ", 5, "got the end"),
        ("x0 $ x1", 3, "'$'"),
        ("x0 x1", 3, "expected an operator or the end"),
        ("min(x0)", 6, "expected ','"),
        ("sin(x0, x1)", 6, "sin takes 1 operand"),
        ("(x0", 3, "expected ')'"),
        ("speed * 2", 0, "did you mean 'sped'"),
        ('"spe', 0, "expected a number, a name or an operator"),
        ("", 0, "got the end"),
    ],
)
def test_mistakes_are_told_with_their_place(text, place, words):
    with pytest.raises(SearchSpaceError, match=f"position {place}: ") as error:
        read(text, ["x0", "x1", "sped"])
    assert words in str(error.value)


def test_what_is_nested_too_deeply_is_one_clear_error():
    with pytest.raises(SearchSpaceError, match="nested too deeply"):
        read("(" * 100_000 + "x0")


def test_a_short_text_rounds():
    formula = joined(OPERATIONS["mul"], [constant(math.pi), variable(0)])
    assert show(formula, ["r"]) == "3.142 * r"
    assert show(formula, ["r"], digits=2) == "3.1 * r"


def test_gplearns_names_are_known():
    assert operation("sig").name == "sigmoid"
    with pytest.raises(SearchSpaceError, match="did you mean 'sqrt'"):
        operation("sqr")
