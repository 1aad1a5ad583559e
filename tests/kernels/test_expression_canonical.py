"""The canonical form of formulas, against rules applied one by one and against their values."""

import naive_expressions_variation as naive
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from kernels.random_formulas import (
    ARITHMETIC,
    OPERATIONS,
    ROOM,
    language_of,
    population_of,
    random_language,
    trees_of,
    with_special_constants,
)

from evoml.kernels.expression_canonical import canonicalise
from evoml.kernels.expression_codes import ADD, CONSTANT, MAXIMUM, MINIMUM, MULTIPLY, NAMES, NEGATE, SUBTRACT, VARIABLE
from evoml.kernels.expression_evaluate import evaluate
from evoml.kernels.expression_growth import allowed_codes

ALL = np.zeros(65, bool)
ALL[[*OPERATIONS, CONSTANT]] = True
DEEP = 10**6


def _canonical(population, allowed=ALL, max_depth=DEEP, first=0, last=None):
    """Canonical population, hashes, hashes of structure."""
    codes, constants, lengths = (array.copy() for array in population)
    hashes, structures = np.zeros((2, len(codes)), np.uint64)
    last = len(codes) if last is None else last
    canonicalise(codes, constants, lengths, allowed, max_depth, hashes, structures, first, last)
    return (codes, constants, lengths), hashes, structures


def _array(trees, room=ROOM):
    codes, constants = np.zeros((len(trees), room), np.int32), np.zeros((len(trees), room))
    lengths = np.array([naive.size(tree) for tree in trees], np.int32)
    for i, tree in enumerate(trees):
        codes[i, : lengths[i]], constants[i, : lengths[i]] = naive.flat(tree)
    return codes, constants, lengths


def _features(rng):
    """Rows of ordinary, extreme and equal numbers; none is -0.0."""
    special = rng.choice([0.0, 1.0, -1.0, 2.0, -2.0, 1e-310, 1e200, -1e308, 0.3], size=(5, 24))
    return np.where(rng.random((5, 24)) < 0.5, rng.normal(size=(5, 24)), special) + 0.0


def _case(seed, operations):
    rng = np.random.default_rng(seed)
    language = random_language(rng, operations)
    population = population_of(language, rng)
    return rng, language, with_special_constants(population, rng) if rng.random() < 0.7 else population


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**9), st.sampled_from([ARITHMETIC, OPERATIONS]))
def test_values_stay_the_same_bit_for_bit(seed, operations):
    rng, _, population = _case(seed, operations)
    features = _features(rng)
    found, _, _ = _canonical(population)
    for before, after in zip(trees_of(population), trees_of(found), strict=True):
        same = naive.same_bits(naive.values(before, features), naive.values(after, features))
        assert same.all(), (before, after)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**9))
def test_the_machine_computes_the_same_bit_for_bit(seed):
    """Without min and max, of whose zeros of unlike signs the machine may take either."""
    rng, _, population = _case(seed, [code for code in ARITHMETIC if code not in (MINIMUM, MAXIMUM)])
    features, found = _features(rng), _canonical(population)[0]
    before, after = np.empty((2, len(population[0]), features.shape[1]))
    evaluate(*population, features, 0, len(before), before)
    evaluate(*found, features, 0, len(after), after)
    assert naive.same_bits(before, after).all()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**9), st.sampled_from([ARITHMETIC, OPERATIONS]), st.booleans())
@example(181340667, ARITHMETIC, False)
def test_matches_rules_applied_one_by_one(seed, operations, everything):
    _, language, population = _case(seed, operations)
    allowed = ALL if everything else allowed_codes(language)
    found, hashes, structures = _canonical(population, allowed)
    for i, (before, after) in enumerate(zip(trees_of(population), trees_of(found), strict=True)):
        expected = naive.canonical(before, allowed)
        assert repr(after) == repr(expected), before
        assert (int(hashes[i]), int(structures[i])) == naive.hashes(expected)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**9), st.booleans())
@example(381, False)
def test_never_longer_nothing_forbidden_and_nothing_left_to_do(seed, everything):
    _, language, population = _case(seed, OPERATIONS)
    allowed = ALL if everything else allowed_codes(language)
    found, hashes, structures = _canonical(population, allowed)
    codes, _, lengths = found
    assert np.all(lengths <= population[2])
    used = np.unique(codes[np.arange(ROOM) < lengths[:, None]])
    assert np.all(allowed[np.minimum(used[used < VARIABLE], CONSTANT)])
    again, hashes_again, structures_again = _canonical(found, allowed)
    for one, other in zip(found, again, strict=True):
        assert np.array_equal(one, other)
    assert np.array_equal(hashes, hashes_again)
    assert np.array_equal(structures, structures_again)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**9), st.integers(2, 8))
def test_depth_is_kept(seed, max_depth):
    """Signs that move outside may deepen a formula: one that would be too deep stays as it is."""
    rng = np.random.default_rng(seed)
    language = language_of([MULTIPLY, NAMES["div"], NEGATE, SUBTRACT, ADD])
    population = population_of(language, rng, max_depth=max_depth)
    found, _, _ = _canonical(population, ALL, max_depth)
    for before, after in zip(trees_of(population), trees_of(found), strict=True):
        free = naive.canonical(before, ALL)
        assert repr(after) == repr(free if naive.height(free) <= max_depth else before)
        assert naive.height(after) <= max_depth


X, Y, Z = (("variable", VARIABLE + j) for j in range(3))


def _number(value):
    return ("constant", value)


def _tree(*parts):
    return (NAMES[parts[0]], *parts[1:])


EQUAL = [
    (_tree("add", X, Y), _tree("add", Y, X)),
    (_tree("mul", _tree("sin", X), Y), _tree("mul", Y, _tree("sin", X))),
    (_tree("sub", X, _number(2.0)), _tree("add", _number(-2.0), X)),
    (_tree("sub", X, _tree("neg", Y)), _tree("add", X, Y)),
    (_tree("add", _tree("neg", X), Y), _tree("sub", Y, X)),
    (_tree("sub", Y, _tree("mul", _number(2.0), X)), _tree("add", Y, _tree("mul", X, _number(-2.0)))),
    (_tree("sub", _tree("neg", X), Y), _tree("sub", _tree("neg", Y), X)),
    (_tree("neg", _tree("mul", X, Y)), _tree("mul", X, _tree("neg", Y))),
    (_tree("mul", X, X), _tree("square", X)),
    (_tree("mul", X, _tree("square", X)), _tree("cube", X)),
    (_tree("div", _number(1.0), X), _tree("inv", X)),
    (_tree("div", _number(-1.0), X), _tree("neg", _tree("inv", X))),
    (_tree("add", X, X), _tree("mul", _number(2.0), X)),
    (_tree("sub", X, X), _number(0.0)),
    (_tree("neg", _tree("neg", X)), X),
    (_tree("div", X, _number(1.0)), X),
    (_tree("mul", _number(-1.0), X), _tree("neg", X)),
    (_tree("abs", _tree("sub", X, Y)), _tree("abs", _tree("sub", Y, X))),
    (_tree("square", _tree("sub", _number(2.0), X)), _tree("square", _tree("sub", X, _number(2.0)))),
    (_tree("abs", _tree("square", X)), _tree("square", X)),
    (_tree("min", X, X), X),
    (_tree("max", X, Y), _tree("max", Y, X)),
    (_tree("add", X, _number(0.0)), X),
    (_tree("mul", _number(2.0), _tree("exp", _number(0.0))), _number(2.0)),
]


@pytest.mark.parametrize(("one", "other"), EQUAL)
def test_equal_formulas_share_their_form(one, other):
    found, hashes, _ = _canonical(_array([one, other]))
    assert hashes[0] == hashes[1]
    assert trees_of(found)[0] == trees_of(found)[1]


DIFFERENT = [
    (_tree("inv", _tree("inv", X)), X),  # 1 / (1 / 49) is not 49
    (_tree("div", X, X), _number(1.0)),
    (_tree("add", _tree("add", X, Y), Z), _tree("add", X, _tree("add", Y, Z))),
    (_tree("sub", _tree("exp", X), _tree("exp", X)), _number(0.0)),  # nan where exp overflows
    (_tree("mul", _tree("sin", X), _number(0.0)), _number(0.0)),  # the zero's sign
    (_tree("add", _tree("neg", X), _number(0.0)), _tree("neg", X)),
    (_tree("neg", _tree("sub", X, Y)), _tree("sub", Y, X)),
    (_tree("log", _tree("exp", X)), X),
    (_tree("sub", X, Y), _tree("sub", Y, X)),
    (_tree("sqrt", _tree("square", X)), _tree("abs", X)),
]


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_what_only_real_numbers_allow_is_not_done(one, other):
    _, hashes, _ = _canonical(_array([one, other]))
    assert hashes[0] != hashes[1]


def test_hashes_tell_constants_and_structures():
    trees = [_tree("add", X, _number(1.5)), _tree("add", X, _number(1.5000000001)), _tree("add", Y, _number(1.5))]
    _, hashes, structures = _canonical(_array(trees))
    assert len(set(hashes)) == 3
    assert structures[0] == structures[1] != structures[2]


def test_hashes_of_many_formulas_differ():
    """Any two of 20,000 formulas that are not the same have other hashes."""
    population = population_of(language_of(n_features=5), np.random.default_rng(0), n=20000)
    found, hashes, structures = _canonical(population)
    rows = np.concatenate([found[0].astype(np.float64), found[1]], axis=1)
    assert len(np.unique(hashes)) == len(np.unique(rows, axis=0))
    assert len(np.unique(structures)) <= len(np.unique(found[0], axis=0))


def test_only_the_rows_told_are_touched():
    population = population_of(language_of(), np.random.default_rng(1), n=50)
    whole, hashes, _ = _canonical(population)
    part, some, _ = _canonical(population, first=10, last=20)
    for all_rows, rows, before in zip(whole, part, population, strict=True):
        assert np.array_equal(rows[10:20], all_rows[10:20])
        assert np.array_equal(np.delete(rows, slice(10, 20), 0), np.delete(before, slice(10, 20), 0))
    assert np.array_equal(some[10:20], hashes[10:20])
    assert not some[:10].any()
    assert not some[20:].any()


def test_a_full_row_is_room_enough():
    """Formulas of which every node is rewritten, as long as a row."""
    tree = X
    while naive.size(tree) <= ROOM - 3:
        tree = (
            _tree("abs", _tree("sub", _tree("neg", tree), _number(2.0)))
            if naive.size(tree) < ROOM - 4
            else _tree("neg", tree)
        )
    (codes, constants, lengths), _, _ = _canonical(_array([tree]))
    assert repr(naive.parse(codes[0], constants[0], lengths[0])) == repr(naive.canonical(tree, ALL))
