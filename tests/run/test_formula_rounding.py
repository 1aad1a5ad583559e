"""Constants become rounder, or go, where noisy data cannot tell the difference, and stay where they can."""

import numpy as np
import pytest
from scipy.optimize import least_squares, minimize

from evoml.evaluation.formula_table import FormulaTable
from evoml.genomes.expression.text import read, show
from evoml.kernels.expression_fitness import CORRELATION, LOG_LOSS, MAE, R2
from evoml.run.formulas.demands import Forms
from evoml.run.formulas.rounding import Likelihood, rounded

NAMES = ["a", "b"]
ROWS = 400


def noisy(truth, noise, seed=0, rows=ROWS):
    rng = np.random.default_rng(seed)
    X = rng.uniform(1.0, 4.0, (rows, 2))
    y = read(truth, NAMES).evaluate(X.T.copy())
    return FormulaTable.of(X, y + noise * y.std() * rng.normal(size=rows))


def fitted(form, table):
    """The formula with the constants of least squares."""
    formula = read(form, NAMES)

    def far(constants):
        return formula.with_constants(constants).evaluate(table.features) - table.target

    return formula.with_constants(least_squares(far, formula.constants, xtol=1e-15, ftol=1e-15, gtol=1e-15).x)


@pytest.mark.parametrize("noise", [0.05, 0.001, 0.0])
@pytest.mark.parametrize(
    ("form", "truth"),
    [
        ("1.1 * a * (0.9 * a - 2.1 * b + 2.9) + 0.2", "a * (a + 3 - 2 * b)"),
        ("0.9 * sin(a) + 0.6 * sin(a - b + 0.1) + 0.1", "sin(a) + 0.5 * sin(a - b)"),
        ("3 * exp(-0.4 * a ^ 1.9 / b) + 0.1", "3 * exp(-0.5 * a ^ 2 / b)"),
    ],
)
def test_a_fitted_formula_becomes_the_true_one(form, truth, noise):
    table = noisy(truth, noise)
    found = rounded(fitted(form, table), table, R2)
    far = found.evaluate(table.features) - read(truth, NAMES).evaluate(table.features)
    assert np.abs(far).max() < 1e-12, show(found, NAMES)


@pytest.mark.parametrize("form", ["b + a * (a + b / 1e14)", "b + a * (a + 1e-14 * b)", "b + a * (a + b / 2000)"])
def test_a_term_goes_above_or_below_the_line(form):
    table = noisy("a ^ 2 + b", 0.01)
    assert show(rounded(read(form, NAMES), table, R2), NAMES) == "a ^ 2 + b"


def test_a_divisor_that_the_data_know_stays():
    table = noisy("a ^ 2 + b / 7", 0.01)
    assert show(rounded(fitted("a ^ 2 + b / 5", table), table, R2), NAMES, 2) == "a ^ 2 + b / 7"


def test_changes_that_break_a_demand_are_not_made():
    table = noisy("2 * a - b", 0.05)
    formula = fitted("1.9 * a - 1.1 * b + 0.1", table)
    found = rounded(formula, table, R2, forms=Forms(demands=(lambda one: len(one.constants) >= 2,)))
    assert len(found.constants) == 2
    assert 2.0 in found.constants


def test_what_the_data_tell_apart_stays():
    table = noisy("2.7314 * a + 0.02 * b", 0.001)
    formula = fitted("2.5 * a + 0.1 * b + 0.1", table)
    found = rounded(formula, table, R2)
    assert show(found, NAMES, 3).startswith("2.73 * a")
    assert len(found.constants) == 2  # the intercept went
    likelihood = Likelihood(table, R2, formula)
    assert likelihood.nats(found) < likelihood.nats(formula) + 10.0


def test_a_rounder_constant_costs_little_beside_what_it_saves():
    for seed in range(20):
        table = noisy("1.37 * a ^ 1.21 + b / 0.83", 0.1, seed)
        formula = fitted("1.2 * a ^ 1.1 + b / 0.9 + 0.1", table)
        found = rounded(formula, table, R2)
        likelihood = Likelihood(table, R2, formula)
        assert likelihood.nats(found) - likelihood.nats(formula) < 9.0 * (len(formula.constants) + 1)
        assert table.loss(found.evaluate(table.features), R2) < 1.05 * table.loss(formula.evaluate(table.features), R2)


def test_logits_and_absolute_errors():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4000, 2))
    y = (rng.random(4000) < 1.0 / (1.0 + np.exp(-(2.0 * X[:, 0] - X[:, 1])))).astype(float)
    table, formula = FormulaTable.of(X, y), read("1.9 * a - 1.1 * b + 0.1", NAMES)

    def loss(constants):
        return table.loss(formula.with_constants(constants).evaluate(table.features), LOG_LOSS)

    best = formula.with_constants(minimize(loss, formula.constants).x)
    assert show(rounded(best, table, LOG_LOSS), NAMES) == "2 * a - b"
    table = noisy("2 * a - b", 0.05)
    assert show(rounded(fitted("1.9 * a - 1.1 * b + 0.1", table), table, MAE), NAMES) == "2 * a - b"


def test_outliers_do_not_hide_what_absolute_errors_tell():
    table = noisy("2.37 * a + 0.61 * b ^ 2", 0.001)
    table.target[::10] += 100.0
    formula = read("2.37 * a + 0.61 * b ^ 2.0", NAMES)
    found = rounded(formula, table, MAE)
    assert table.loss(found.evaluate(table.features), MAE) < table.loss(formula.evaluate(table.features), MAE) + 0.01


def test_nothing_is_done_where_it_is_late_or_the_loss_sees_no_scale():
    table = noisy("2 * a - b", 0.05)
    formula = fitted("1.9 * a - 1.1 * b + 0.1", table)
    assert rounded(formula, table, R2, lambda: True) == formula
    assert rounded(formula, table, CORRELATION) == formula
    assert rounded(read("a - b", NAMES), table, R2) == read("a - b", NAMES)
