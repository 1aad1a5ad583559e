import numpy as np
import pytest
from expression_cases import formulas
from hypothesis import given, settings

from evoml.core.errors import SettingError
from evoml.genomes.expression.monotone import Monotonicity, moves_as_wanted, sampled_violations
from evoml.genomes.expression.population import Population
from evoml.genomes.expression.text import read

RISING = Monotonicity.of({"a": "increasing"}, ["a", "b"])
LOWS, HIGHS = np.array([-1.0, 0.5]), np.array([1.0, 2.0])
ROWS = np.random.default_rng(0).uniform(LOWS, HIGHS, (50, 2))
KNOWN = {  # text -> whether it rises with x0 in [-1, 1], x1 in [0.5, 2] at rows, and all along lines through them
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
    "x0 - x0 ^ 2 / 4 - x0 / 4 + x0 ^ 2 / 4": (True, True),
    "cbrt(x0)": (True, True),
    "tan(x0 + 1)": (True, False),
    "-(1 / x0)": (True, False),
    "-(1 / (x1 - 1)) + x0": (True, True),
    "-x0 ^ -1.0": (True, False),
    "-(x1 / x0)": (True, False),
}


def rises(formula):
    return moves_as_wanted(formula, RISING, ROWS, LOWS, HIGHS)


def test_what_rises_is_told_from_what_does_not():
    formulas = [read(text) for text in KNOWN]
    sampled = sampled_violations(Population.of(formulas), RISING, ROWS)
    found = {text: (bool(far == 0), rises(one)) for text, one, far in zip(KNOWN, formulas, sampled, strict=True)}
    assert found == KNOWN
    assert ((sampled >= 0) & (sampled <= 1)).all()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x0 + 3 * exp(-((x0 - 0.30123) * 20000) ^ 2)", False),
        ("x0 + 0.101 * sin(10 * x0)", False),
        ("x0 + 0.099 * sin(10 * x0)", True),
        ("x0 * sqrt(0.01 - (x0 - 0.2) ^ 2)", False),
        ("sqrt(x0)", True),
        ("log(x0)", True),
        ("-log(x0)", False),
        ("cbrt(x0 - 0.3) + (x0 - 0.3) ^ 3", True),
        ("abs(x0) + x0", True),
        ("1000000000 + x0 ^ 3 - 1000000000", True),
        ("5.0", True),
    ],
)
def test_dips_and_poles_are_found_between_rows(text, expected):
    assert rises(read(text)) == expected


def test_directions_and_slopes_turn_what_is_wanted():
    population = Population.of([read("x0"), read("-x0"), read("x0 * x1")])
    falling = Monotonicity.of({"a": -1, "b": "increasing"}, ["a", "b"])
    assert sampled_violations(population, falling, ROWS)[:2].tolist() == [1.0, 0.0]
    assert sampled_violations(population, RISING, ROWS, np.array([-1.0, -1.0, 0.0])).tolist() == [1.0, 0.0, 0.0]
    assert moves_as_wanted(read("x1 - x0"), falling, ROWS, LOWS, HIGHS)
    assert not moves_as_wanted(read("x0 * x1"), falling, ROWS, LOWS, HIGHS)


@settings(deadline=None, max_examples=300)
@given(formulas(n_columns=2, max_leaves=8))
def test_what_rises_along_lines_rises_from_point_to_point(formula):
    """At points that are ends of stretches: no finite value is below an earlier one."""
    if not rises(formula):
        return
    grid = np.linspace(-1.0, 1.0, 5)
    for b in ROWS[:3, 1]:
        values = formula.evaluate(np.stack([grid, np.full(5, b)]))
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
