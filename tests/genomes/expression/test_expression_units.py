import math
import re
from fractions import Fraction

import numpy as np
import pytest
from expression_cases import formulas
from hypothesis import given, settings
from hypothesis import strategies as st

from evoml.core.errors import SettingError
from evoml.genomes.expression.population import Population
from evoml.genomes.expression.text import read
from evoml.genomes.expression.units import Unit, Units, read_unit, unit_violations


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("N", "kg*m/s^2"),
        ("N", "kg m s^-2"),
        ("W/(m^2 K)", "kg/s^3/K"),
        ("m^(1/2)", "m^0.5"),
        ("km/h", "1000 m / (3600 s)"),
        ("kΩ", "1e3 V/A"),
        ("mmol/L", "mol/m^3"),
        ("%", "0.01"),
        ("ms", "1e-3 s"),
        ("min", "60 s"),
        ("[people]/[people]", "1"),
        ("m**2", "m·m"),
        ("µs", "us"),
        ("cd", "cd"),
    ],
)
def test_units_are_the_same_however_they_are_written(text, same):
    one, other = read_unit(text), read_unit(same)
    assert one.exponents == other.exponents
    assert one.size == pytest.approx(other.size, abs=1e-12)


def test_units_are_exponents_and_a_size():
    assert read_unit("m^(2/3)/s") == Unit({"m": Fraction(2, 3), "s": Fraction(-1)})
    assert read_unit("km").size == 3.0
    assert read_unit("[EUR]").exponents == {"[EUR]": 1}
    assert read_unit("1") == read_unit("rad") == Unit()


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("meter", 0, "there is no unit 'meter'"),
        ("m^", 2, "got the end"),
        ("m/", 2, "got the end"),
        ("(m", 2, "expected ')'"),
        ("m)", 1, "got ')'"),
        ("", 0, "got the end"),
        ("m & s", 1, "expected a unit"),
        ("0 m", 0, "above 0"),
        ("m^s", 2, "exponent"),
    ],
)
def test_mistakes_in_units_are_told_with_their_place(text, place, words):
    with pytest.raises(SettingError, match=f"position {place}: .*{re.escape(words)}"):
        read_unit(text)


#        x0   x1   x2    x3     x4 (not known)   x5      x6
COLUMNS = ["m", "s", "kg", "m/s", None, "1", "km"]
NUMBERS = {  # text -> violations where constants may have any unit, and where they are numbers
    "x0 / x1": (0, 0),
    "x0 / x1 + x3": (0, 0),
    "x0 + x1": (1, 1),
    "sin(x0)": (1, 1),
    "sin(2.0 * x0)": (0, 1),
    "sin(x0 / x0)": (0, 0),
    "x0 / x1 + 2.0": (0, 1),
    "sqrt(x3 ^ 2 + x0 ^ 2 / x1 ^ 2) - x3": (0, 0),
    "cbrt(x0 ^ 3) + x0": (0, 0),
    "x0 ^ 2.0 + x0 * x0": (0, 0),
    "x0 ^ 2.5": (0, 0),
    "x0 ^ x5": (1, 1),
    "x0 ^ x1": (2, 2),
    "2.0 ^ x5 + x5": (0, 0),
    "2.0 ^ x1": (1, 1),
    "x4 + x0": (0, 0),
    "(x4 + x0) + x1": (1, 1),
    "sin(x4)": (0, 0),
    "min(x0, x1) + max(x0, x0)": (1, 1),
    "(x0 + x1) + (x1 + x2)": (2, 2),
    "abs(-x0) + x0": (0, 0),
    "1 / x0 + 1.0 / x0": (0, 0),
    "x0 + x6": (1, 1),
    "x0 + 1000.0 * x6": (0, 1),
    "exp(x0 / x6)": (1, 1),
}


def test_violations_are_counted_by_the_rules_of_dimensions():
    population = Population.of([read(text) for text in NUMBERS])
    units = Units.of(COLUMNS)
    for free, at in ((True, 0), (False, 1)):
        found = unit_violations(population, units, free_constants=free)
        assert dict(zip(NUMBERS, found.tolist(), strict=True)) == {text: both[at] for text, both in NUMBERS.items()}


def test_the_result_must_have_the_targets_unit():
    population = Population.of([read(text) for text in ("x0", "x3", "x4", "2.0 * x0", "3.0")])
    units = Units.of(COLUMNS, "m/s")
    assert unit_violations(population, units).tolist() == [1, 0, 0, 0, 0]
    assert unit_violations(population, units, free_constants=False).tolist() == [1, 0, 0, 1, 1]
    assert unit_violations(population, units, scaled=True).tolist() == [0, 0, 0, 0, 0]
    assert unit_violations(population, units, scaled=True, free_constants=False).tolist() == [1, 0, 0, 1, 1]


EXPONENTS = st.lists(st.integers(-2, 2), min_size=2, max_size=2)


@settings(deadline=None, max_examples=300)
@given(formulas(), st.lists(EXPONENTS, min_size=3, max_size=3), st.booleans())
def test_violations_match_a_slow_twin(formula, exponents, free):
    texts = [f"m^{a} s^{b}" for a, b in exponents]
    found = unit_violations(Population.of([formula]), Units.of(texts), free_constants=free)
    assert found[0] == naive_violations(formula, [(Fraction(a), Fraction(b)) for a, b in exponents], free)


def naive_violations(formula, columns, free):
    """Fractions instead of floats, and a tree walk instead of a stack of arrays. A unit is None where any will do."""
    none = (Fraction(0), Fraction(0))
    broken = 0

    def operation(one, operands):
        nonlocal broken
        rule, units, values = one.units, [unit for unit, _ in operands], [value for _, value in operands]
        if rule.kind == "scaled":
            return (units[0] and tuple(each * rule.factor for each in units[0])), None
        if rule.kind == "number":
            broken += units[0] not in (None, none)
            return none, None
        if rule.kind == "power":
            if values[1] is not None and math.isfinite(values[1]):
                return (units[0] and tuple(each * Fraction(values[1]) for each in units[0])), None
            broken += sum(unit not in (None, none) for unit in units)
            return none, None
        if rule.kind == "same":
            if None in units:
                return (units[0] or units[1]), None
            broken += units[0] != units[1]
            return (units[0] if units[0] == units[1] else None), None
        if None in units:
            return None, None
        sign = 1 if rule.kind == "product" else -1
        return tuple(a + sign * b for a, b in zip(*units, strict=True)), None

    formula.fold(lambda value: (None if free else none, value), lambda column: (columns[column], None), operation)
    return broken


def test_units_of_a_large_population_do_not_depend_on_its_neighbours():
    population = Population.of([read(text) for text in NUMBERS])
    order = np.random.default_rng(0).integers(len(NUMBERS), size=500)
    units = Units.of(COLUMNS)
    many = unit_violations(population.take(order), units)
    np.testing.assert_array_equal(many, unit_violations(population, units)[order])
