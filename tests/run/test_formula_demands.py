"""What is demanded of formulas holds in what is shown in the end: units, directions, operations, weights."""

import numpy as np
import pytest

from evoml.core.budget import Budget, Moment
from evoml.evaluation.formula_table import FormulaTable
from evoml.genomes.expression.monotone import Monotonicity, sampled_violations
from evoml.genomes.expression.operations import BY_CODE
from evoml.genomes.expression.population import Population
from evoml.genomes.expression.space import ExpressionSpace
from evoml.genomes.expression.text import read, show, write
from evoml.genomes.expression.units import Units, unit_violations
from evoml.run.formulas import FormulaSearch, search_formulas
from evoml.run.formulas.demands import Forms

NAMES = ("a", "b")
UNITS = {"a": "m", "b": "s"}
X = np.random.default_rng(0).uniform(1, 5, (60, 2))
NOISE = 0.01 * np.random.default_rng(1).normal(size=60)


def wanted(y, rows=X, **changes):
    usual = {"X": rows, "targets": [y], "labels": [""], "names": NAMES, "budget": Budget(generations=6), "seed": 0}
    return FormulaSearch(**{**usual, "population_size": 80, "began": Moment(), **changes})


def front(y, rows=X, **changes):
    """Return the formulas of the front, and the chosen one as text."""
    found = search_formulas(wanted(y, rows, **changes)).fronts[0]
    formulas = [one.formula for one in found.formulas]
    return formulas, show(formulas[found.chosen], NAMES)


# -- units ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("snap", [True, False])
@pytest.mark.parametrize(
    "y",
    [X[:, 0] + X[:, 1] + NOISE, X[:, 0] / X[:, 1] + 0.3 * X[:, 0], np.sin(X[:, 0]) * X[:, 1]],
    ids=["sum", "quotient", "sine"],
)
def test_units_are_kept_in_the_end(y, snap):
    formulas, _ = front(y, units=UNITS, snap=snap)
    assert len(formulas) > 1
    assert not unit_violations(Population.of(formulas), Units.of(["m", "s"])).any()


@pytest.mark.parametrize(
    ("unit", "constants"), [("m*s", 0), ("kg", 1), (None, 0)], ids=["that of the product", "another", "none"]
)
def test_a_constant_that_the_unit_of_the_target_needs_stays(unit, constants):
    y = X[:, 0] * X[:, 1] + NOISE
    formulas, chosen = front(y, units=UNITS, target_unit=unit, initial_formulas=["a * b"])
    assert not unit_violations(Population.of(formulas), Units.of(["m", "s"], unit)).any()
    assert len([word for word in chosen.split(" * ") if word not in NAMES]) == constants


def test_a_factor_of_exactly_one_can_carry_a_unit():
    formulas, _ = front(X[:, 0] * X[:, 1], units=UNITS, target_unit="kg", initial_formulas=["a * b"])
    assert not unit_violations(Population.of(formulas), Units.of(["m", "s"], "kg")).any()
    np.testing.assert_allclose(formulas[-1].evaluate(X.T), X[:, 0] * X[:, 1], rtol=1e-12)


# -- directions -------------------------------------------------------------------------------------------------------------


def test_a_dip_between_the_rows_of_the_search_keeps_a_formula_out():
    rows = np.random.default_rng(0).uniform(0, 3, (1000, 2))
    y = rows[:, 0] + 3 * np.exp(-(((rows[:, 0] - 1) * 100) ** 2))
    dip = "a + 3 * exp((a - 1) ^ 2.0 * -10000)"
    changes = {
        "monotone": {"a": "increasing"},
        "operations": ["add", "sub", "mul", "exp", "pow"],
        "budget": Budget(generations=2),
    }
    formulas, _ = front(y, rows, initial_formulas=[dip], **changes)
    assert len(formulas) > 1
    demanded = Monotonicity.of({"a": "increasing"}, NAMES)
    assert not sampled_violations(Population.of(formulas), demanded, rows).any()


@pytest.mark.parametrize("direction", ["increasing", "decreasing"])
def test_directions_are_kept_at_all_rows_and_between(direction):
    rows = np.random.default_rng(2).uniform(-2, 2, (150, 2))
    sign = 1.0 if direction == "increasing" else -1.0
    y = sign * (np.tanh(rows[:, 0]) + 0.4 * np.sin(3 * rows[:, 0])) + 0.5 * rows[:, 1]
    formulas, _ = front(y, rows, monotone={"a": direction}, budget=Budget(generations=12))
    assert len(formulas) > 2
    line = np.linspace(rows[:, 0].min(), rows[:, 0].max(), 200)
    for one in formulas:
        for b in rows[:10, 1]:
            values = one.evaluate(np.stack([line, np.full(200, b)]))
            assert (sign * np.diff(values) >= -1e-9).all(), write(one)


def test_it_says_so_where_only_a_constant_keeps_what_is_demanded(monkeypatch):
    monkeypatch.setattr(Forms, "keeps", lambda forms, formula: not formula.columns)
    with pytest.warns(UserWarning, match="no formula was found that keeps what is demanded"):
        formulas, _ = front(X[:, 0] + X[:, 1], monotone={"a": "increasing"}, budget=Budget(generations=2))
    assert len(formulas) == 1


# -- operations, constants and weights ---------------------------------------------------------------------------------------


def operations_of(formulas):
    return {BY_CODE[code].name for one in formulas for code in one.codes if code in BY_CODE}


@pytest.mark.parametrize(
    "operations", [["add", "mul"], ["add", "sub", "mul", "sqrt"], {"mul": 1.0, "div": 1.0, "exp": 0.2}]
)
def test_only_operations_asked_for_are_in_the_front(operations):
    y = X[:, 0] ** 3 / X[:, 1] - 2 * X[:, 0]
    formulas, _ = front(y, operations=operations, budget=Budget(generations=12))
    assert len(formulas) > 2
    assert operations_of(formulas) <= {*operations, "add", "mul"}  # these two scale


def test_without_constants_there_are_but_those_that_scale():
    formulas, chosen = front(3.3 * X[:, 0] * X[:, 1] + 1, operations=["add", "mul"], const_range=None)
    assert sorted(chosen.replace("(", "").replace(")", "").split()) == ["*", "*", "+", "1", "3.3", "a", "b"]
    assert all(len(one.constants) <= 2 for one in formulas)


def test_what_is_found_is_not_written_in_a_way_that_costs_more():
    y = X[:, 0] ** 2 + X[:, 1]
    found = search_formulas(wanted(y, complexity={"square": 20.0}, initial_formulas=["b + a * a"])).fronts[0]
    best = found.formulas[found.chosen]
    assert best.complexity == 5.0
    np.testing.assert_allclose(best.formula.evaluate(X.T), y)


def test_forms_of_a_search():
    table = FormulaTable.of(X, X[:, 0])
    forms = Forms.of(wanted(X[:, 0]), ExpressionSpace(NAMES), table)
    assert forms.notation.free
    assert forms.keeps(read("x0 + x1"))
    assert show(forms.kept(read("x0 * x0"), 1.0, 2.0), NAMES) == "2 * a ^ 2 + 1"
    space = ExpressionSpace(NAMES, units=Units.of(["m", "s"], "kg"))
    strict = Forms.of(wanted(X[:, 0], monotone={"a": "decreasing"}, operations=["log", "add"]), space, table)
    assert strict.notation.operations == {"log", "add", "mul"}
    assert show(strict.kept(read("x0"), 0.0, -2.0), NAMES) == "-2 * a"
    assert strict.kept(read("x0"), 0.0, 2.0) is None
    assert strict.kept(read("x0 + x1"), 0.0, -2.0) is None
    assert write(strict.kept(read("log(3.0 * x0)"), 0.0, -1.0)) == "-1.0 * log(3.0 * x0)"
