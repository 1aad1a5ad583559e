"""Random formulas: well formed, within limits, of the language, as often as told, whatever the chunks."""

from collections import Counter

import naive_expressions_variation as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernels.random_formulas import ROOM, empty, keys_of, language_of, population_of, random_language, trees_of
from scipy import stats

from evoml.kernels.expression_codes import ARITY, CONSTANT, NAMES, VARIABLE
from evoml.kernels.expression_growth import allowed_codes, grow, make_language

_MIXED = [NAMES[name] for name in ("add", "sub", "mul", "sin", "exp")]


def _used_codes(population):
    codes, _, lengths = population
    return codes[np.arange(codes.shape[1]) < lengths[:, None]]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**9), st.integers(1, 20), st.integers(0, ROOM - 20), st.integers(1, 12))
def test_formulas_are_well_formed_and_within_limits(seed, min_length, more, max_depth):
    rng = np.random.default_rng(seed)
    language = random_language(rng)
    max_length = min_length + more
    population = population_of(language, rng, 40, min_length, max_length, max_depth)
    for tree in trees_of(population):
        assert naive.size(tree) <= max_length
        assert naive.height(tree) <= max_depth
    used, variables = _used_codes(population), language.codes[language.starts[2] :]
    assert np.all(allowed_codes(language)[np.minimum(used[used < VARIABLE], CONSTANT)])
    assert set(used[used >= VARIABLE]) <= set(variables)


def test_lengths_are_as_uniform_as_the_operations_allow():
    population = population_of(language_of(_MIXED), np.random.default_rng(0), 4000, 5, 34, 64)
    counts = np.bincount(population[2], minlength=35)
    assert counts[:5].sum() == 0
    assert counts[5:].min() > 0
    # a formula may be a node shorter than drawn; so pairs of lengths are about as frequent as others
    assert stats.chisquare(counts[5:35].reshape(-1, 5).sum(axis=1)).pvalue > 1e-6 or np.ptp(counts[5:33]) < 150


@pytest.mark.parametrize(
    ("operations", "lengths"), [([NAMES["add"]], {1, 3, 5, 7, 9}), ([NAMES["sin"]], set(range(2, 10)))]
)
def test_lengths_that_one_arity_allows(operations, lengths):
    population = population_of(language_of(operations), np.random.default_rng(0), 400, 2, 9, 64)
    assert set(population[2]) == lengths


def test_operations_and_leaves_are_as_frequent_as_told():
    frequencies, weights = np.zeros(64), np.array([3.0, 0.0, 1.0, 0.5])
    for name, frequency in {"add": 4.0, "mul": 2.0, "div": 0.5, "sin": 1.0, "exp": 0.25}.items():
        frequencies[NAMES[name]] = frequency
    language = make_language(frequencies, weights, constant_probability=0.4)
    used = _used_codes(population_of(language, np.random.default_rng(1), 3000, 40, 60, 64))
    seen = np.bincount(used, minlength=VARIABLE + 4).astype(float)
    for group in (
        np.flatnonzero((ARITY[:64] == 1) & (frequencies > 0)),
        np.flatnonzero((ARITY[:64] == 2) & (frequencies > 0)),
    ):
        expected = frequencies[group] / frequencies[group].sum() * seen[group].sum()
        assert stats.chisquare(seen[group], expected).pvalue > 1e-3
    leaves = np.array([0.4, *(0.6 * weights[[0, 2, 3]] / weights.sum())]) * seen[CONSTANT:].sum()
    assert stats.chisquare(seen[[CONSTANT, VARIABLE, VARIABLE + 2, VARIABLE + 3]], leaves).pvalue > 1e-3
    assert seen[VARIABLE + 1] == 0
    unary = seen[:64][ARITY[:64] == 1].sum() / seen[:64].sum()
    assert unary == pytest.approx(1.25 / 7.75, rel=0.05)


def test_shapes_are_those_of_a_random_expansion():
    """With one binary operation the operands' sizes are any with the same chance (Luke 2000; the Yule process)."""
    population = population_of(language_of([NAMES["add"]]), np.random.default_rng(2), 4000, 21, 21, 64)
    first = Counter(naive.size(tree[1]) for tree in trees_of(population))
    assert sorted(first) == list(range(1, 20, 2))
    assert stats.chisquare(list(first.values())).pvalue > 1e-3


@pytest.mark.parametrize("normal", [True, False])
def test_constants_are_drawn_as_told(normal):
    language = language_of(
        [NAMES["add"]], constant_probability=1.0, constant_centre=3.0, constant_spread=0.5, constant_normal=normal
    )
    codes, constants, _ = population_of(language, np.random.default_rng(3), 500, 21, 21, 64)
    drawn = constants[codes == CONSTANT]
    expected = stats.norm(3.0, 0.5) if normal else stats.uniform(2.5, 1.0)
    assert stats.kstest(drawn, expected.cdf).pvalue > 1e-3


def test_languages_without_operations_variables_or_constants():
    rng = np.random.default_rng(4)
    leaves = population_of(make_language(np.zeros(64), np.ones(2)), rng, 50, 1, 20)
    assert np.all(leaves[2] == 1)
    constants = population_of(make_language(np.eye(64)[0], np.zeros(2), constant_probability=0.1), rng, 50)
    assert not np.any(_used_codes(constants) >= VARIABLE)
    variables = population_of(make_language(np.eye(64)[0], np.ones(2), constant_probability=0.0), rng, 50)
    assert not np.any(_used_codes(variables) == CONSTANT)


def test_chunks_change_nothing():
    language, keys = language_of(), keys_of(np.random.default_rng(5), 100)
    whole, parts = empty(100), empty(100)
    grow(keys, 1, 30, 10, language, *whole, 0, 100)
    for first, last in ((60, 100), (0, 1), (1, 60)):
        grow(keys, 1, 30, 10, language, *parts, first, last)
    for one, other in zip(whole, parts, strict=True):
        assert np.array_equal(one, other)
