import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evoml.genomes.expression.snapping import MOST, candidates, snap
from evoml.genomes.expression.text import read, write


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.1403, "pi"),
        (6.29, "2*pi"),
        (0.6668, "2/3"),
        (-0.4999, "-1/2"),
        (2.7190, "e"),
        (1.4146, "sqrt(2)"),
        (0.31833, "1/pi"),
        (0.9999, "1"),
        (19.98, "20"),
        (299.5, "300"),
        (0.1001, "0.1"),
        (6.6744e-11, "6.7e-11"),
    ],
)
def test_the_shortest_number_near_by_comes_first(value, text):
    assert candidates(value, 0.005 * abs(value))[0].text == text


@given(st.floats(-1e12, 1e12), st.floats(1e-6, 0.5))
def test_candidates_are_near_different_and_in_order(value, relative):
    found = candidates(value, relative * abs(value))
    assert len(found) <= MOST
    assert all(abs(one.value - value) <= relative * abs(value) for one in found)
    assert len({one.value for one in found}) == len(found)
    assert [one.bits for one in found] == sorted(one.bits for one in found)
    names = {"pi": math.pi, "e": math.e, "sqrt": math.sqrt}
    for one in found:
        assert eval(one.text, {"__builtins__": {}}, names) == pytest.approx(one.value, rel=1e-12)


def test_nothing_is_only_near_what_is_smaller_than_its_uncertainty():
    assert candidates(0.01, 0.02)[0].text == "0"
    assert "0" not in [one.text for one in candidates(0.01, 0.005)]
    assert candidates(math.inf, 1.0) == candidates(math.nan, 1.0) == []


def test_constants_are_replaced_where_the_loss_allows():
    formula = read("3.1402 * x0 + 0.5003 * x1 ^ 2.02")
    table = np.random.default_rng(0).uniform(0.1, 2.0, (2, 200))
    target = math.pi * table[0] + 0.5 * table[1] ** 2.02

    def accepts(other):
        return np.mean((other.evaluate(table) - target) ** 2) <= 1e-6

    assert write(snap(formula, accepts)) == "3.141592653589793 * x0 + 0.5 * x1 ^ 2.02"
    assert snap(formula, lambda _: False) == formula


def test_the_loss_sees_what_was_replaced_before():
    seen = []
    snap(read("0.999 * x0 + 2.002"), lambda other: seen.append(other.constants) or True)
    assert seen == [(1.0, 2.002), (1.0, 2.0)]


def test_a_constant_below_its_uncertainty_may_go():
    assert write(snap(read("x0 + 0.003"), lambda _: True, tolerances=[0.01])) == "x0 + 0.0"
