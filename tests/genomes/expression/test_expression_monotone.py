import numpy as np
import pytest
from expression_cases import formulas
from hypothesis import given, settings

from evoml.core.errors import SettingError
from evoml.genomes.expression.monotone import Monotonicity, interval_violations, sampled_violations
from evoml.genomes.expression.population import Population
from evoml.genomes.expression.text import read

RISING = Monotonicity.of({"a": "increasing"}, ["a", "b"])
LOWS, HIGHS = np.array([-1.0, 0.5]), np.array([1.0, 2.0])
ROWS = np.random.default_rng(0).uniform(LOWS, HIGHS, (50, 2))
KNOWN = {  # text -> whether it rises with x0 in [-1, 1], x1 in [0.5, 2], and whether intervals can tell so
    "x0": (True, True),
    "-x0": (False, False),
    "x0 ^ 2": (False, False),
    "x0 ^ 3": (True, True),
    "x0 ^ 3.0": (True, True),
    "sin(x0)": (True, True),
    "cos(x0)": (False, False),
    "exp(x0) * x1": (True, True),
    "x1": (True, True),
    "x0 - x0": (True, True),
    "sqrt(x0 + 2)": (True, True),
    "log(x0 + 1.5)": (True, True),
    "atan(x0) + tanh(x0) + sinh(x0) + sigmoid(x0) + tan(x0)": (True, True),
    "asin(x0 / 2) - acos(x0 / 2)": (True, True),
    "max(x0, x1) + min(x0, x1)": (True, True),
    "abs(x0)": (False, False),
    "x1 ^ x0 - log(x1) * x0": (False, False),
    "2.0 ^ x0": (True, True),
    "1 / (x0 - 3)": (False, False),
    "-(1 / (x0 - 3))": (True, True),
    "x0 * x0 + 3 * x0": (True, True),
    "x0 ^ 2 + 1.5 * x0": (False, False),
    "x0 - x0 ^ 2 / 4 - x0 / 4 + x0 ^ 2 / 4": (True, False),
    "cbrt(x0)": (True, True),
    "tan(x0 + 1)": (True, False),
    "-(1 / x0)": (True, False),
    "-(1 / (x1 - 1)) + x0": (True, False),
    "-x0 ^ -1.0": (True, False),
    "-(x1 / x0)": (True, False),
}


def test_what_rises_is_told_from_what_does_not():
    population = Population.of([read(text) for text in KNOWN])
    sampled = sampled_violations(population, RISING, ROWS)
    certain = interval_violations(population, RISING, LOWS, HIGHS)
    assert {text: (bool(a == 0), bool(b == 0)) for text, a, b in zip(KNOWN, sampled, certain, strict=True)} == KNOWN
    assert ((sampled >= 0) & (sampled <= 1) & (certain >= 0) & (certain <= 1)).all()
    assert (sampled[certain == 0] == 0).all()


def test_bounds_over_pieces_are_tighter():
    population = Population.of([read("x0 - x0 ^ 2 / 4 - x0 / 4 + x0 ^ 2 / 4")])
    found = [interval_violations(population, RISING, LOWS, HIGHS, pieces=pieces)[0] for pieces in (1, 2, 8)]
    assert found[0] > found[1] >= found[2] == 0.0


def test_directions_and_slopes_turn_what_is_wanted():
    population = Population.of([read("x0"), read("-x0"), read("x0 * x1")])
    falling = Monotonicity.of({"a": -1, "b": "increasing"}, ["a", "b"])
    assert sampled_violations(population, falling, ROWS)[:2].tolist() == [1.0, 0.0]
    assert sampled_violations(population, RISING, ROWS, np.array([-1.0, -1.0, 0.0])).tolist() == [1.0, 0.0, 0.0]
    assert interval_violations(population, RISING, LOWS, HIGHS, np.array([-1.0, -1.0, 0.0])).tolist() == [1.0, 0.0, 0.0]


def test_a_bound_without_end_is_a_violation():
    population = Population.of([read("x0 / (x0 - 0.5)"), read("x0 ^ 2.0 + 3.0 * cbrt(x0)"), read("sqrt(x0)")])
    assert (interval_violations(population, RISING, LOWS, HIGHS) > 0).all()


@settings(deadline=None, max_examples=300)
@given(formulas(n_columns=2, max_leaves=8))
def test_what_is_certain_holds_at_every_pair_of_points(formula):
    """The bounds hold for sure: along the column, no finite value is below an earlier one."""
    if interval_violations(Population.of([formula]), RISING, LOWS, HIGHS)[0] > 0:
        return
    grid = np.linspace(-1.0, 1.0, 41)
    for b in (0.5, 1.1, 2.0):
        values = formula.evaluate(np.stack([grid, np.full(41, b)]))
        if np.isfinite(values).all():
            assert (np.diff(values) >= -1e-9 * (1e-300 + np.abs(values).max())).all()


def parts_of(formula, features):
    """The values of all parts of a formula, the whole last."""
    values = []

    def kept(value):
        values.append(value)
        return value

    with np.errstate(all="ignore"):
        formula.fold(
            lambda number: kept(np.full(features.shape[1], number)),
            lambda column: kept(features[column]),
            lambda operation, operands: kept(operation.function(*operands)),
        )
    return values


def test_of_what_is_infinite_by_the_way_nothing_is_told():
    population = Population.of([read("x0 + 1 / (1 / 0.0)")])
    assert sampled_violations(population, RISING, ROWS).tolist() == [1.0]


@settings(deadline=None, max_examples=200)
@given(formulas(n_columns=2, max_leaves=8))
def test_sampled_slopes_have_the_sign_of_differences(formula):
    step = 1e-6
    table = np.stack([ROWS.T, ROWS.T + np.array([[step], [0.0]]), ROWS.T - np.array([[step], [0.0]])])
    here, ahead, behind = (formula.evaluate(one) for one in table)
    with np.errstate(invalid="ignore", over="ignore"):
        slopes = (ahead - behind) / (2 * step)
        bends = np.abs(ahead - 2 * here + behind)
    if not all(np.isfinite(part).all() for part in parts_of(formula, ROWS.T)):
        return  # of what is infinite by the way nothing can be told, though 1 / (1 / 0) has a value
    if not np.isfinite(slopes).all() or (bends > 1e-3 * step * np.abs(slopes)).any() or np.abs(here).max() > 1e3:
        return  # a difference quotient tells nothing here
    if (np.abs(slopes) < 1e-3).any():
        return
    violated = sampled_violations(Population.of([formula]), RISING, ROWS)[0] > 0
    assert violated == bool((slopes < 0).any())


def test_columns_and_directions_are_checked():
    assert Monotonicity.of({1: "increasing"}, ["a", "b"]) == Monotonicity((1,), (1,))
    with pytest.raises(SettingError, match=r"no column 'aa'.*did you mean 'a'"):
        Monotonicity.of({"aa": 1}, ["a", "b"])
    with pytest.raises(SettingError, match=r"'increasing' .1. or 'decreasing'"):
        Monotonicity.of({"a": "up"}, ["a", "b"])
    with pytest.raises(SettingError):
        Monotonicity.of({2: 1}, ["a", "b"])
