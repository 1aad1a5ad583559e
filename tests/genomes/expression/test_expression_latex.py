import pytest
from expression_cases import ANY_NUMBER, formulas
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.mathtext import MathTextParser

from evoml.genomes.expression.latex import latex
from evoml.genomes.expression.text import read

PARSER = MathTextParser("path")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("x0 + 2.5*x1", r"x_{0} + 2.5 \cdot x_{1}"),
        ("(x0+x1)*x2", r"\left(x_{0} + x_{1}\right) \cdot x_{2}"),
        ("(x0+x1)/x2", r"\frac{x_{0} + x_{1}}{x_{2}}"),
        ("(x0/x1)^2", r"\left(\frac{x_{0}}{x_{1}}\right)^2"),
        ("x0^(x1+1.0)", r"x_{0}^{x_{1} + 1}"),
        ("x0 + -x1", r"x_{0} + \left(-x_{1}\right)"),
        ("x0 - (x1 - x2)", r"x_{0} - \left(x_{1} - x_{2}\right)"),
        ("-(x0+x1)", r"-\left(x_{0} + x_{1}\right)"),
        ("-2.0*x0", r"-2 \cdot x_{0}"),
        ("sqrt(abs(x0))", r"\sqrt{\left|x_{0}\right|}"),
        ("exp(-x0)^2", r"\left(e^{-x_{0}}\right)^2"),
        ("asin(x0) + min(x0, x1)", r"\arcsin\left(x_{0}\right) + \min\left(x_{0}, x_{1}\right)"),
        ("1.5e-9 * x0", r"1.5 \cdot 10^{-9} \cdot x_{0}"),
        ("(-2.0)^x0", r"\left(-2\right)^{x_{0}}"),
        ("1/x0", r"\frac{1}{x_{0}}"),
    ],
)
def test_latex_is_as_one_would_write_it(text, wanted):
    assert latex(read(text)) == wanted


def test_names_are_set_upright_and_escaped():
    assert latex(read("x0 * x1 * x2"), ["m", "body mass_kg", "T_2"]) == r"m \cdot \mathrm{body\ mass\_kg} \cdot T_{2}"


@settings(deadline=None)
@given(
    formulas(ANY_NUMBER),
    st.lists(st.text("abc _{}\\$%", min_size=1, max_size=5).filter(str.strip), min_size=3, max_size=3),
)
def test_mathtext_can_set_it(formula, names):
    PARSER.parse(f"${latex(formula, names)}$")
