"""Formulas as hyperparameters: drawn and varied within their limits, read by the transformer, written in the catalogue."""

import pickle

import numpy as np
import pytest

from evoml.components import Formula, load_catalogue
from evoml.components.entries import entry_of, part_from
from evoml.components.formulas import _FUNCTIONS
from evoml.core.errors import SearchSpaceError
from evoml.learners import FormulaColumn
from evoml.learners.formula_column import FORMULA_FUNCTIONS

X = np.random.default_rng(0).normal(size=(30, 4))
RANGE = Formula("formula", columns=4, nodes=9)


@pytest.mark.parametrize("columns", [1, 4])
def test_what_is_drawn_and_varied_stays_within_and_can_be_evaluated(columns):
    rng, range_ = np.random.default_rng(0), Formula("formula", "x0", columns, nodes=9)
    value = range_.default
    for _ in range(300):
        changed = range_.perturb(value, rng)
        assert changed != value
        for drawn in (changed, range_.sample(rng)):
            assert range_.contains(drawn)
            assert range_.clip(drawn) == drawn
            assert np.isfinite(FormulaColumn(drawn).fit_transform(X[:, :columns])).all()
        value = changed


def test_variation_reaches_every_function_and_every_column():
    rng, seen = np.random.default_rng(0), " "
    value = RANGE.default
    for _ in range(400):
        value = RANGE.perturb(value, rng)
        seen += value + " "
    assert all(word in seen for word in (*_FUNCTIONS, "x0", "x1", "x2", "x3", " + ", " - ", " * ", " / "))
    assert {name: FORMULA_FUNCTIONS[name][1] for name in _FUNCTIONS} == _FUNCTIONS


def test_the_same_generator_gives_the_same_formulas():
    drawn = [RANGE.perturb(RANGE.sample(rng), rng) for rng in map(np.random.default_rng, (5, 5))]
    assert drawn[0] == drawn[1]
    assert pickle.loads(pickle.dumps(RANGE)) == RANGE


@pytest.mark.parametrize(
    "value",
    [None, 3, "", "x4", "1.0", "exec('x0')", "x0 ** x1", "x0 +", "x0 + x1 + x2 + x3 + x0 + x1", "min(x0)", "min"],
)
def test_what_is_not_within_is_told_and_mended(value):
    assert not RANGE.contains(value)
    assert RANGE.contains(RANGE.clip(value))
    assert RANGE.clip("x4 + x6") == "x0 + x2"


def test_a_table_of_few_columns_limits_formulas():
    part = load_catalogue()["FormulaColumn"]
    assert part_from("FormulaColumn", entry_of(part), "test") == part
    one = load_catalogue().limited(task="regression", n_rows=50, n_features=1)["FormulaColumn"]
    assert one.hyperparameter("formula").columns == 1
    assert one.defaults() == {"formula": "x0 * x0"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"default": "x0 +"}, "default: must be a formula"),
        ({"nodes": 0}, "nodes: must be a whole number above 0, got 0"),
        ({"nodes": 2}, "default: must be a formula of the columns x0 ... x999 with at most 2"),
        ({"at_most": "n_colums"}, "unknown name 'n_colums'"),
        ({"low": 1, "high": 2}, "low: unknown key"),
    ],
)
def test_mistakes_in_the_catalogue_are_named(change, message):
    with pytest.raises(SearchSpaceError, match=message):
        load_catalogue({"FormulaColumn": {"hyperparameters": {"formula": change}}})
