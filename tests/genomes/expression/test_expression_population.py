import subprocess
import sys

import numpy as np
import pytest
from expression_cases import bits, formulas, rows
from hypothesis import given, settings
from hypothesis import strategies as st

from evoml.core.errors import SearchSpaceError, SettingError
from evoml.genomes.expression.operations import BY_CODE, DEFAULT, OPERATIONS, frequencies
from evoml.genomes.expression.population import Formula, Population, constant, folded, variable
from evoml.genomes.expression.text import read
from evoml.kernels.expression_codes import ARITY, CONSTANT, NAMES, VARIABLE


def test_every_operation_of_the_kernels_is_in_the_table():
    assert {name: one.code for name, one in OPERATIONS.items()} == NAMES
    assert all(one.arity == ARITY[code] for code, one in BY_CODE.items())
    assert all(set(one.forms) == {"text", "numpy", "plain", "latex", "sympy"} for one in BY_CODE.values())
    assert all(len(form.operands) == one.arity for one in BY_CODE.values() for form in one.forms.values())


def test_parity_and_commutativity_are_as_the_table_says():
    a, b = rows(200)[:2] / 3.001
    with np.errstate(all="ignore"):
        for one in BY_CODE.values():
            if one.parity:
                np.testing.assert_array_equal(one.function(-a), one.parity * one.function(a), one.name)
            if one.arity == 2:
                same = np.array_equal(one.function(a, b), one.function(b, a), equal_nan=True)
                assert same == one.commutative, one.name


def test_frequencies_are_by_code():
    assert set(np.flatnonzero(frequencies())) == {OPERATIONS[name].code for name in DEFAULT}
    assert frequencies({"tan": 2.0})[OPERATIONS["tan"].code] == 2.0
    assert frequencies(["sig"])[OPERATIONS["sigmoid"].code] > 0
    for wrong in ({"add": -1.0}, {"add": np.nan}, {"add": 0.0}, []):
        with pytest.raises(SettingError):
            frequencies(wrong)


@settings(deadline=None)
@given(st.lists(formulas(), min_size=1, max_size=5))
def test_formulas_become_arrays_and_come_back(many):
    population = Population.of(many)
    assert [bits(one) for one in population] == [bits(one) for one in many]
    assert population.codes.dtype == np.int32
    beyond = np.arange(population.room) >= population.lengths[:, None]
    assert not population.codes[beyond].any()
    assert not population.constants[population.codes != CONSTANT].any()


@settings(deadline=None)
@given(st.lists(formulas(), min_size=2, max_size=5), st.lists(formulas(), min_size=1, max_size=3))
def test_populations_are_taken_from_and_put_together(many, more):
    both = Population.concatenate([Population.of(many, room=64), Population.of(more, room=80)])
    assert (len(both), both.room) == (len(many) + len(more), 80)
    assert list(both.take([len(both) - 1, 0])) == [more[-1], many[0]]
    assert list(both.take(np.arange(len(both)) < 2)) == many[:2]
    assert list(both.replaced(np.array([0]), Population.of(more[:1]))) == [more[0], *many[1:], *more]


def test_what_does_not_fit_is_refused():
    long = read(" + ".join(["x0"] * 40))
    with pytest.raises(SearchSpaceError, match="79 nodes"):
        Population.of([long], room=64)
    with pytest.raises(SearchSpaceError, match="79 nodes"):
        Population.of([long]).roomed(64)
    with pytest.raises(ValueError, match="int64"):
        Population(np.zeros((2, 4), np.int64), np.zeros((2, 4)), np.ones(2, np.int32))
    with pytest.raises(ValueError, match="got"):
        Population(np.zeros((2, 4), np.int32), np.zeros((2, 5)), np.ones(2, np.int32))


@pytest.mark.parametrize(
    ("codes", "constants"),
    [
        ((), ()),
        ((NAMES["add"], VARIABLE), ()),
        ((VARIABLE, VARIABLE), ()),
        ((63,), ()),
        ((-1,), ()),
        ((CONSTANT,), ()),
        ((VARIABLE,), (1.0,)),
    ],
)
def test_what_is_no_tree_is_refused(codes, constants):
    with pytest.raises(SearchSpaceError):
        Formula(codes, constants)


def test_facts_of_a_formula():
    formula = read("sin(x2) + 2 * x0")
    assert (len(formula), formula.depth, formula.columns) == (6, 3, (0, 2))
    assert formula == read("sin(x2)+2.0*x0")
    assert len({formula, read("sin(x2) + 2 * x0"), read("x0")}) == 2
    assert formula.with_constants([3]).constants == (3.0,)


def test_values_are_numpys():
    table = rows()
    x, y, z = table
    with np.errstate(all="ignore"):
        wanted = 2.5 * np.sin(x) - np.power(y, 2.0) / np.log(z)
    np.testing.assert_array_equal(read("2.5 * sin(x0) - x1 ^ 2.0 / log(x2)").evaluate(table), wanted)
    assert constant(3.0).evaluate(table.astype(np.float32)).dtype == np.float32
    column = variable(1).evaluate(table)
    column[:] = 0.0
    assert table[1].all()  # what is returned is nobody else's


@settings(deadline=None)
@given(formulas())
def test_folded_formulas_have_the_same_values_and_no_part_without_columns(formula):
    table = rows()
    np.testing.assert_array_equal(folded(formula).evaluate(table), formula.evaluate(table))
    if not formula.columns:
        assert len(folded(formula)) == 1


def test_nothing_here_imports_numba():
    code = (
        "import sys, evoml.genomes.expression as e\n"
        "from evoml.genomes.expression import source, simplify, snapping, description, units, monotone, graph, latex\n"
        "e.ExpressionSpace(['x']).parse('x ^ 2')\n"
        "assert not {'numba', 'sympy', 'networkx', 'matplotlib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
