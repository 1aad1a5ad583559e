import numpy as np
import pytest
from expression_cases import ANY_NUMBER, EASY_NUMBER, formulas, rows
from hypothesis import given, settings
from hypothesis import strategies as st

from evoml.genomes.expression.description import node_weights
from evoml.genomes.expression.notation import Notation
from evoml.genomes.expression.operations import BY_CODE, OPERATIONS
from evoml.genomes.expression.population import constant, joined
from evoml.genomes.expression.simplify import simplify, tidied
from evoml.genomes.expression.text import read, write


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("x0*x0", "x0 ^ 2"),
        ("x0*x0*x0", "x0 ^ 3"),
        ("2*(3*x0+4)+5", "6.0 * x0 + 13.0"),
        ("x0/x0", "1.0"),
        ("x0-x0", "0.0"),
        ("x0*0", "0.0"),
        ("x0+0", "x0"),
        ("1*x0", "x0"),
        ("--x0", "x0"),
        ("1/(1/x0)", "x0"),
        ("(x0-x1)*(x1-x0)", "-((x0 - x1) ^ 2)"),
        ("exp(x0)*exp(x1)", "exp(x0 + x1)"),
        ("log(exp(x0)*exp(x1))", "x0 + x1"),
        ("exp(2*log(x0))", "x0 ^ 2"),
        ("2*x0+2*x1-2*x2+x3", "2.0 * (x0 + x1 - x2) + x3"),
        ("3*x0-3*x1-3", "3.0 * (x0 - x1 - 1.0)"),
        ("sqrt(x0*x1)*sqrt(x0*x1)", "x0 * x1"),
        ("sqrt(x0^2)", "abs(x0)"),
        ("sqrt(x0^3.0)*sqrt(x0)", "x0 ^ 2"),
        ("abs(-x0)^2", "x0 ^ 2"),
        ("abs(abs(x0))", "abs(x0)"),
        ("abs(-3.0*x0)*2", "6.0 * abs(x0)"),
        ("cbrt(8*x0)^3", "8.0 * x0"),
        ("cbrt(x0^3)", "x0"),
        ("x0*x1*x0/x1^3", "x0 ^ 2 / x1 ^ 2"),
        ("cos(x1-x2)+cos(x2-x1)", "2.0 * cos(x1 - x2)"),
        ("sin(-2*x0)+x1+0", "x1 - sin(2.0 * x0)"),
        ("(3*x0+7*x1)*2*x2", "x2 * (6.0 * x0 + 14.0 * x1)"),
        ("3/x0/(2*x1)", "1.5 / (x0 * x1)"),
        ("(x0+x1)/(2*x0+2*x1)", "0.5"),
        ("min(x0,x0)", "x0"),
        ("x0*x1*x0*x1*x2", "x2 * (x0 * x1) ^ 2"),
        ("log(2*x0)+3.0", "log(x0) + 3.6931471805599454"),
        ("x0^1.0", "x0"),
        ("x0^0.0", "1.0"),
        ("2.0^3.0*x0", "8.0 * x0"),
        ("(x0+1)*(x0+1)", "(x0 + 1.0) ^ 2"),
        ("-(x0-x1)*x2", "x2 * (x1 - x0)"),
        ("0.25/(0.5+x2)/(0.25*(0.5+x2))", "1 / (x2 + 0.5) ^ 2"),
    ],
)
def test_known_formulas_become_short(text, short):
    assert write(simplify(read(text))) == short


@pytest.mark.parametrize(
    "text",
    ["x0", "exp(x0 - 3.0)", "3.0 * exp(x0 - 600.0)", "sin(x0) / x1", "3.0 - x0", "x0 / 3.0", "-x0 - x1", "x0 ^ 2.5"],
)
def test_what_is_short_stays_as_it_is(text):
    assert write(simplify(read(text))) == text


def test_the_scale_becomes_part_of_the_formula():
    assert write(simplify(read("2*x0 + 3*x1 + 1"), 1.0, 2.0)) == "4.0 * x0 + 6.0 * x1 + 3.0"
    assert write(simplify(read("x0 * 0.5"), 0.0, 2.0)) == "x0"
    assert write(simplify(read("sin(x0)"), 0.0, 1.0)) == "sin(x0)"
    assert write(simplify(read("sin(x0)"), 3.0, 0.0)) == "3.0"
    assert write(simplify(read("x0 - 1.0"), 1.0, 1.0)) == "x0"


@pytest.mark.parametrize(
    ("text", "tidy"),
    [
        ("x0 + -2.0", "x0 - 2.0"),
        ("1.0 + -0.5 * (x0 + x1 * -3.0)", "1.0 - 0.5 * (x0 - x1 * 3.0)"),
        ("-2.0 * x0 + x1", "x1 - 2.0 * x0"),
        ("-x0 + x1", "x1 - x0"),
        ("x0 - -x1", "x0 + x1"),
        ("x0 - x1 / -2.0", "x0 + x1 / 2.0"),
        ("(-2.0 * x0) * (-3.0 * x1)", "2.0 * x0 * (3.0 * x1)"),
        ("-(-2.0 * x0)", "2.0 * x0"),
        ("-2.0 * x0", "-2.0 * x0"),
        ("sin(-x0) - 3.0", "sin(-x0) - 3.0"),
    ],
)
def test_signs_are_tidied(text, tidy):
    assert write(tidied(read(text))) == tidy


@settings(deadline=None)
@given(formulas(ANY_NUMBER))
def test_tidied_formulas_have_the_same_values(formula):
    table = rows()
    tidy = tidied(formula)
    assert len(tidy) <= len(formula)
    found, wanted = tidy.evaluate(table), formula.evaluate(table)
    np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(np.signbit(found[found == 0]), np.signbit(wanted[found == 0]))


def test_domains_are_not_made_smaller():
    kept = {"sqrt(x0 * x1)": 5, "(x0 * x1) ^ 0.5": 4, "sqrt(-x0)": 3, "log(-2.0 * x0)": 4, "(x0 ^ 2) ^ 1.5": 4}
    for text, length in kept.items():
        formula = read(text)
        short = simplify(formula)
        table = rows(50, 2)
        whole = formula.evaluate(table)
        defined = np.isfinite(whole)
        assert defined.any()
        np.testing.assert_allclose(short.evaluate(table)[defined], whole[defined], rtol=1e-12)
        assert len(short) <= length


@pytest.mark.parametrize("text", ["1/0*x0", "x0 * inf", "exp(1000)*x0", "0/0", "x0^1e300", "log(0)*x0", "1/(x0-x0)"])
def test_numbers_that_do_not_exist_leave_a_formula_as_it_is(text):
    assert simplify(read(text)) == read(text)


def test_exponentials_keep_their_range():
    table = np.array([[720.0, 600.0, -100.0]])
    for text in ("3 * exp(x0 - 600)", "2 * exp(600 - x0) * exp(x0 / 2)", "exp(x0 - 600) * exp(20.0)"):
        formula = read(text)
        np.testing.assert_allclose(simplify(formula).evaluate(table), formula.evaluate(table), rtol=1e-12)
    assert write(simplify(read("exp(x0 + 2.0) * exp(-2.0)"))) == "exp(x0)"


ARITHMETIC = ("add", "mul")


@pytest.mark.parametrize(
    ("operations", "text", "short"),
    [
        (ARITHMETIC, "x0*x0*x0", "x0 * x0 * x0"),
        (ARITHMETIC, "x0*x1*x0*x1*1.0", "x0 * x1 * x0 * x1"),
        (ARITHMETIC, "x0*x0*2.0*x1*1.5", "3.0 * x1 * x0 * x0"),
        (ARITHMETIC, "x0 + -1*x1 + -2*x2 + -3", "x0 + -1.0 * x1 + -2.0 * x2 + -3.0"),
        (ARITHMETIC, "-1*(x0*x1)", "-1.0 * (x0 * x1)"),
        (ARITHMETIC, "0.3333333333333333*x0*1.0", "0.3333333333333333 * x0"),
        ((*ARITHMETIC, "div"), "x0/3.0*1.0", "x0 / 3.0"),
        ((*ARITHMETIC, "inv"), "x0*inv(x1)*inv(x2)*1.0", "x0 * (1 / (x1 * x2))"),
        ((*ARITHMETIC, "div"), "1.0/x0", "1.0 / x0"),
        ((*ARITHMETIC, "sub"), "x0 - 2*x1 - 3*x1", "x0 - 5.0 * x1"),
        ((*ARITHMETIC, "neg"), "x0 + -x1 + 0", "x0 + -x1"),
        ((*ARITHMETIC, "square"), "x0*x0*x0*x0*x0", "(x0 ^ 2) ^ 2 * x0"),
        ((*ARITHMETIC, "pow"), "x0*x0*x0*x0", "x0 ^ 4.0"),
        ((*ARITHMETIC, "sqrt"), "x0*sqrt(x0)*1.0", "x0 * sqrt(x0)"),
        ((*ARITHMETIC, "sqrt"), "sqrt(sqrt(x0))*1.0", "sqrt(sqrt(x0))"),
        (("square", "sqrt"), "sqrt(x0^2)", "sqrt(x0 ^ 2)"),
        (("exp", "log", "mul"), "exp(0.5*log(x0))", "exp(0.5 * log(x0))"),
        (("exp", "log", "mul", "div"), "x0 / exp(log(x0) * 0.7)", "exp(0.30000000000000004 * log(x0))"),
    ],
)
def test_only_what_the_notation_allows_is_written(operations, text, short):
    formula = read(text.replace("inv(x1)", "(1/x1)").replace("inv(x2)", "(1/x2)"))
    assert write(simplify(formula, notation=Notation(operations))) == short


def test_weights_say_what_is_shortest():
    square, power = node_weights({"square": 20.0}), node_weights({"square": 20.0, "pow": 20.0})
    assert write(simplify(read("x1 + x0*x0"))) == "x0 ^ 2 + x1"
    assert write(simplify(read("x1 + x0*x0 + 0*x2"), notation=Notation(weights=square))) == "x0 ^ 2.0 + x1"
    assert write(simplify(read("x1 + x0*x0 + 0*x2"), notation=Notation(weights=power))) == "x0 * x0 + x1"
    assert write(simplify(read("x1 + x0*x0"), notation=Notation(weights=power))) == "x1 + x0 * x0"


def test_no_numbers_come_in_where_none_are_wanted():
    assert write(simplify(read("x0 + x0 + x0"))) == "3.0 * x0"
    assert write(simplify(read("x0 + x0 + x0"), notation=Notation(numbers=False))) == "x0 + x0 + x0"
    assert write(simplify(read("x0 + x0"), 1.0, 3.0, Notation(numbers=False))) == "6.0 * x0 + 1.0"


def exact(formula, table):
    return formula.evaluate(table.astype(np.longdouble))


@settings(deadline=None, max_examples=300, derandomize=True)
@given(
    formulas(EASY_NUMBER, max_leaves=12),
    st.sampled_from([0.0, 1.5]),
    st.sampled_from([1.0, -2.0]),
    st.sampled_from([0, 1]),
)
def test_short_forms_have_the_same_values_where_the_formula_is_finite(formula, intercept, slope, narrow):
    """In long doubles, so that what cancels in the formula is no noise beside the short form; all operations or its own."""
    table, own = rows(40), operations_of(formula) | {"add", "mul"}
    with np.errstate(all="ignore"):
        whole = intercept + slope * exact(formula, table)
        short = simplify(formula, intercept, slope, Notation(own) if narrow else Notation())
        nudged = [simplify_nudged(formula, table, factor) for factor in (1 + 1e-13, 1 - 1e-13)]
        room = (
            1e-9 * np.abs(whole) + 1e-9 + 1e3 * abs(slope) * sum(np.abs(one - exact(formula, table)) for one in nudged)
        )
        defined = np.isfinite(whole) & (np.abs(whole) < 1e200) & np.isfinite(room)
        found = exact(short, table)
        assert (np.abs(found - whole)[defined] <= room[defined]).all(), (write(formula), write(short))
    plain_length = len(formula) + 2 * (intercept != 0) + 2 * (slope != 1)
    assert len(short) <= plain_length
    assert not narrow or operations_of(short) <= own


def operations_of(formula):
    return {BY_CODE[code].name for code in formula.codes if code in BY_CODE}


def simplify_nudged(formula, table, factor):
    """The formula's values where every number in it and every column is a little larger or smaller."""
    shifted = formula.with_constants([value * factor ** (at % 3 + 1) for at, value in enumerate(formula.constants)])
    return exact(shifted, table * factor)


@settings(deadline=None, max_examples=200, derandomize=True)
@given(formulas(EASY_NUMBER, max_leaves=12))
def test_a_short_form_has_no_shorter_one(formula):
    short = simplify(formula)
    assert len(simplify(short)) >= len(short) - 1  # numbers may merge once more by their rounding


@settings(deadline=None, max_examples=100, derandomize=True)
@given(formulas(EASY_NUMBER), formulas(EASY_NUMBER))
def test_the_order_of_operands_does_not_matter(left, right):
    for name in ("add", "mul"):
        one, other = (joined(OPERATIONS[name], pair) for pair in ((left, right), (right, left)))
        short = [simplify(formula) for formula in (one, other)]
        if all(len(found) < len(one) for found in short):
            assert short[0] == short[1]


def test_long_formulas_do_not_take_forever():
    formula = constant(1.0)
    for at in range(60):
        formula = joined(OPERATIONS["add" if at % 2 else "mul"], [formula, read(f"x{at % 5} + {at}")])
    assert len(simplify(formula)) <= len(formula)
