import sys

import numpy as np
import pytest
from expression_cases import ANY_NUMBER, EASY_NUMBER, formulas, rows
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from evoml.core.errors import SettingError
from evoml.genomes.expression import plain
from evoml.genomes.expression.operations import BY_CODE
from evoml.genomes.expression.population import folded
from evoml.genomes.expression.source import numpy_source, plain_source, sympy_source, to_sympy
from evoml.genomes.expression.text import read

NAMES = ["body mass", "x1", 'a"b\n']


def run(source):
    scope = {}
    exec(compile(source, "exported", "exec"), scope)
    return scope


def assert_same(found, wanted, formula):
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-300, err_msg=str(formula))


@settings(deadline=None)
@given(formulas(ANY_NUMBER))
def test_numpy_source_computes_the_same(formula):
    table = rows()
    with np.errstate(all="ignore"):
        found = run(numpy_source(formula, NAMES))["predict"](table.T)
    assert found.shape == (60,)
    np.testing.assert_allclose(found, formula.evaluate(table), rtol=1e-9)


@settings(deadline=None)
@given(formulas(ANY_NUMBER))
def test_plain_source_computes_the_same(formula):
    table = rows(20)
    table[0, 0], table[1, 1] = 0.0, 1e200
    predict = run(plain_source(formula, NAMES))["predict"]
    found = [predict(row) for row in table.T.tolist()]
    assert_same(found, formula.evaluate(table), formula)


SPECIAL = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    2.0,
    -2.0,
    3.0,
    -3.0,
    0.5,
    -0.5,
    1e-310,
    710.0,
    -710.0,
    1e200,
    -1e200,
    np.inf,
    -np.inf,
    np.nan,
]


CALLED = {
    one.forms["plain"].template.split("(")[0]: one
    for one in BY_CODE.values()
    if one.name not in ("add", "sub", "mul", "neg")
}


@pytest.mark.parametrize("name", CALLED)
def test_plain_operations_keep_ieee_rules(name):
    one, function = CALLED[name], getattr(plain, name)
    cases = [(a,) for a in SPECIAL] if one.arity == 1 else [(a, b) for a in SPECIAL for b in SPECIAL]
    for case in cases:
        if one.name == "pow" and case[0] == -np.inf and case[1] % 1:
            continue  # inf by the standard, nan by some builds of NumPy
        with np.errstate(all="ignore"):
            wanted = one.function(*map(np.float64, case))
        np.testing.assert_allclose(function(*case), wanted, rtol=1e-14, err_msg=str(case))


SMOOTH = (
    "add",
    "sub",
    "mul",
    "div",
    "square",
    "cube",
    "sqrt",
    "cbrt",
    "abs",
    "exp",
    "log",
    "sin",
    "cos",
    "tanh",
    "min",
    "max",
)


@settings(deadline=None, max_examples=40)
@given(formulas(EASY_NUMBER, names=(*SMOOTH, "inv", "neg", "sigmoid", "asin", "pow"), max_leaves=5))
def test_sympy_expressions_have_the_same_values(formula):
    import sympy

    names = ["a", "b", "c d"]
    table = rows(6)
    wanted = formula.evaluate(table)
    assume(np.isfinite(wanted).any())  # sympy refuses to compare what is no number
    expression = to_sympy(formula, names)
    symbols = [sympy.Symbol(name, real=True) for name in names]
    for row, value in zip(table.T, wanted, strict=True):
        if not np.isfinite(value) or abs(value) > 1e50:
            continue
        found = complex(expression.subs(dict(zip(symbols, map(float, row), strict=True))).evalf(30))
        assert found == pytest.approx(value, rel=1e-6, abs=1e-6)


def test_sympy_expressions_are_real():
    import sympy

    x = sympy.Symbol("x0", real=True)
    assert to_sympy(read("cbrt(x0)")).subs(x, -8.0) == pytest.approx(-2.0)
    assert to_sympy(read("x0^2 - x0*x0")) == 0
    assert to_sympy(read("2.5")) == 2.5
    assert len(run(sympy_source([read("x0"), read("cbrt(x1)")], ["a", "b"]))["expressions"]) == 2


def test_without_sympy_there_is_one_clear_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "sympy", None)
    with pytest.raises(SettingError, match=r"pip install 'evoml\[sympy\]'"):
        to_sympy(read("x0"))


def softmax(scores):
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def sigmoid(scores):
    return 1 / (1 + np.exp(-scores))


@pytest.mark.parametrize(
    ("link", "texts", "classes", "wanted"),
    [
        ("sigmoid", ["x0 * 2 - 400"], ["no", "yes"], lambda s: np.hstack([1 - sigmoid(s), sigmoid(s)])),
        ("softmax", ["x0", "x1 * 800", "2.5"], [0, 1, 7], softmax),
        ("one_vs_rest", ["x0", "x1", "0.5"], ["a", "b", "c"], lambda s: sigmoid(s) / sigmoid(s).sum(axis=1)[:, None]),
    ],
)
def test_classes_are_exported_in_both_languages(link, texts, classes, wanted):
    table = rows(20, 3)
    many = [read(text) for text in texts]
    scores = np.stack([one.evaluate(table) for one in many], axis=1)
    with np.errstate(over="ignore"):
        probabilities = wanted(scores)
    labels = np.asarray(classes)
    module = run(numpy_source(many, NAMES, link, labels))
    np.testing.assert_allclose(module["predict_proba"](table.T), probabilities, rtol=1e-12)
    np.testing.assert_array_equal(module["predict"](table.T), labels[probabilities.argmax(axis=1)])
    module = run(plain_source(many, NAMES, link, labels))
    np.testing.assert_allclose([module["predict_proba"](row) for row in table.T], probabilities, rtol=1e-12)
    assert [module["predict"](row) for row in table.T] == labels[probabilities.argmax(axis=1)].tolist()


@pytest.mark.parametrize(("link", "texts"), [("one_vs_rest", ["-800 * x0", "-900 * x0", "x1 - 1000"])])
def test_classes_that_are_all_impossible_are_all_as_probable(link, texts):
    many = [read(text) for text in texts]
    assert run(numpy_source(many, NAMES, link))["predict_proba"]([[1.0, 2.0, 0.0]]).tolist() == [[1 / 3] * 3]
    assert run(plain_source(many, NAMES, link))["predict_proba"]([1.0, 2.0, 0.0]) == [1 / 3] * 3


@pytest.mark.parametrize(
    ("link", "texts", "undefined"),
    [("sigmoid", ["log(x0)"], [2.0]), ("one_vs_rest", ["log(x0)", "x1", "1 / x0"], [2.0, 1.0, 3.0])],
)
def test_what_is_not_defined_has_the_score_told(link, texts, undefined):
    many = [read(text) for text in texts]
    plain = [read(repr(score)) if "x0" in text else read(text) for text, score in zip(texts, undefined, strict=True)]
    row = [0.0, 0.5, 0.0]
    wanted = run(plain_source(plain, NAMES, link))["predict_proba"](row)
    assert run(plain_source(many, NAMES, link, undefined=undefined))["predict_proba"](row) == wanted
    assert run(numpy_source(many, NAMES, link, undefined=undefined))["predict_proba"]([row])[0] == pytest.approx(wanted)


def test_several_outputs_are_columns():
    table = rows(5)
    many = [read("x0 + x1"), read("3.0")]
    wanted = np.stack([one.evaluate(table) for one in many], axis=1)
    np.testing.assert_array_equal(run(numpy_source(many, NAMES))["predict"](table.T), wanted)
    np.testing.assert_array_equal([run(plain_source(many, NAMES))["predict"](row) for row in table.T], wanted)


def test_sources_need_nothing_they_do_not_use():
    source = plain_source(read("x0 + sqrt(x1)"), NAMES, comment='found by """me\\')
    assert "def sqrt" in source
    assert "def exp" not in source
    assert "import numpy" not in source
    assert run(source)["predict"]([1.0, 4.0, 0.0]) == 3.0
    assert "# 'body mass'" in source


@pytest.mark.parametrize(
    ("many", "link", "classes"),
    [([], "identity", None), (["x0", "x1"], "sigmoid", None), (["x0", "x1"], "softmax", [1]), (["x0"], "probit", None)],
)
def test_what_does_not_fit_is_refused(many, link, classes):
    with pytest.raises(SettingError):
        numpy_source([read(text) for text in many], NAMES, link, classes)


@settings(deadline=None)
@given(formulas(ANY_NUMBER), st.lists(st.text(max_size=5), min_size=3, max_size=3))
def test_any_name_gives_a_source_that_can_be_read(formula, names):
    for write in (numpy_source, plain_source, sympy_source):
        compile(write(folded(formula), names, comment=names[0]), "exported", "exec")
