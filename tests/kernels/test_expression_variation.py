"""Children of formulas: within limits, of the language, and each operator does what it says."""

from concurrent.futures import ThreadPoolExecutor

import naive_expressions_variation as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernels.random_formulas import ROOM, empty, keys_of, language_of, population_of, random_language, trees_of

from evoml.kernels import expression_variation as variation
from evoml.kernels.expression_codes import ARITY, CONSTANT, NAMES, VARIABLE
from evoml.kernels.expression_growth import allowed_codes
from evoml.kernels.expression_variation import COPY, CROSSOVER, OPERATOR_NAMES, SUBTREE, make_rules, vary

OPERATORS = range(len(OPERATOR_NAMES))


def _vary(population, operators, language, rules, rng, parents=None):
    """Children, what was applied, and the parents' rows."""
    n = len(operators)
    parents = rng.integers(0, len(population[0]), (n, 2)) if parents is None else parents
    children, applied = empty(n, population[0].shape[1]), np.full(n, 99, np.int32)
    keys = keys_of(rng, n)
    vary(*population, parents, np.asarray(operators, np.int32), keys, language, rules, *children, applied, 0, n)
    return children, applied, parents


def _lineage(operator, seed=0, n=300, language=None, rules=None, **limits):
    """Trees (parent, second parent, child) of children made by one operator."""
    rng = np.random.default_rng(seed)
    language = language or language_of()
    population = population_of(language, rng, 60, **limits)
    children, applied, parents = _vary(population, [operator] * n, language, rules or make_rules(40, 12), rng)
    before, after = trees_of(population), trees_of(children)
    return [(before[a], before[b], after[i]) for i, (a, b) in enumerate(parents) if applied[i] == operator]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**9), st.integers(1, 30), st.integers(1, 10), st.integers(1, ROOM))
def test_children_are_well_formed_within_limits_and_of_the_language(seed, max_length, max_depth, grown_length):
    rng = np.random.default_rng(seed)
    language = random_language(rng)
    population = population_of(language, rng, 20, 1, max_length, max_depth)
    operators = np.tile(OPERATORS, 8)
    rules = make_rules(max_length, max_depth, grown_length)
    children, applied, parents = _vary(population, operators, language, rules, rng)
    allowed, variables = allowed_codes(language), set(language.codes[language.starts[2] :])
    before = trees_of(population)
    for i, child in enumerate(trees_of(children)):
        assert naive.size(child) == children[2][i] <= max_length
        assert naive.height(child) <= max_depth
        codes = set(naive.flat(child)[0])
        assert all(allowed[min(code, CONSTANT)] for code in codes if code < VARIABLE)
        assert {code for code in codes if code >= VARIABLE} <= variables
        assert applied[i] in (operators[i], SUBTREE, COPY)
        assert (child == before[parents[i, 0]]) == (applied[i] == COPY)
        assert np.all(np.isfinite(children[1][i]))


@pytest.mark.parametrize("full", [False, True])
def test_operators_nearly_always_apply(full):
    """To parents that have operations, constants and variables, whether or not there is room for more."""
    rng, language = np.random.default_rng(0), language_of(constant_probability=0.5)
    codes, constants, lengths = population_of(language, rng, 400, 20, 21, 12 if full else 10)
    mixed = (codes == CONSTANT).any(axis=1) & (codes >= VARIABLE).any(axis=1) & (lengths >= 20)
    population = codes[mixed], constants[mixed], lengths[mixed]
    _, applied, _ = _vary(population, np.repeat(OPERATORS, 200), language, make_rules(21 if full else 40, 12), rng)
    shares = [np.mean(applied[k * 200 : k * 200 + 200] == k) for k in OPERATORS]
    assert np.all(applied != COPY)
    for operator, share in zip(OPERATOR_NAMES, shares, strict=True):
        # a formula of 20 of 21 nodes takes a unary operation more, one of 21 takes none
        assert share > 0.95 or (full and operator == "insert" and share > 0.2), (operator, share)


def test_crossover_puts_the_second_parents_subtree_in_place_of_one():
    for parent, second, child in _lineage(CROSSOVER):
        donors = naive.subtrees(second)
        assert any(
            child == naive.without(parent, place, donor) for place in range(naive.size(parent)) for donor in donors
        )


def test_crossover_chooses_among_what_fits():
    """Parents as long as children may be: a child is made in spite of it, and lengths stay about the same."""
    found = _lineage(CROSSOVER, rules=make_rules(21, 64), min_length=21, max_length=21, max_depth=64)
    lengths = [naive.size(child) for _, _, child in found]
    assert len(found) > 290
    assert max(lengths) == 21
    assert np.mean(lengths) > 12


@pytest.mark.parametrize(("probability", "low", "high"), [(0.0, 1.0, 1.0), (1.0, 0.0, 0.02), (0.9, 0.05, 0.2)])
def test_internal_probability_tells_how_often_crossover_moves_leaves(probability, low, high):
    """All leaves of the second parents are variable 1, which no first parent has."""
    rng, operations = np.random.default_rng(1), [NAMES["add"], NAMES["mul"]]
    language = language_of(operations, 2, 0.0)
    codes, constants, lengths = population_of(language, rng, 400, 15, 15, 30)
    codes[codes >= VARIABLE] = VARIABLE
    codes[200:][codes[200:] >= VARIABLE] = VARIABLE + 1
    parents = np.stack([np.arange(200), np.arange(200, 400)], axis=1)
    rules = make_rules(60, 60, internal_probability=probability)
    children, _, _ = _vary((codes, constants, lengths), [CROSSOVER] * 200, language, rules, rng, parents)
    assert low <= np.mean((children[0] == VARIABLE + 1).sum(axis=1) == 1) <= high


def test_subtree_mutation_changes_one_subtree():
    sizes = set()
    for parent, _, child in _lineage(SUBTREE, rules=make_rules(60, 20, grown_length=5)):
        grown = [
            naive.subtrees(child)[place]
            for place in range(min(naive.size(parent), naive.size(child)))
            if naive.without(parent, place, naive.subtrees(child)[place]) == child
        ]
        sizes.add(min(naive.size(tree) for tree in grown))
    assert sizes == {1, 2, 3, 4, 5}


def _nodes(tree):
    return list(zip(*naive.flat(tree), strict=True))


def test_point_mutation_changes_one_node_and_no_arity():
    kinds = set()
    for parent, _, child in _lineage(variation.POINT):
        changed = [(a, b) for a, b in zip(_nodes(parent), _nodes(child), strict=True) if a != b]
        ((old, _), (new, _)) = changed[0]
        assert len(changed) == 1
        assert ARITY[min(old, VARIABLE)] == ARITY[min(new, VARIABLE)]
        assert min(old, VARIABLE) == min(new, VARIABLE) or old < CONSTANT > new
        kinds.add(2 if old >= VARIABLE else 1 if old == CONSTANT else 0)
    assert kinds == {0, 1, 2}


def test_hoist_puts_part_of_a_subtree_in_its_place():
    for parent, _, child in _lineage(variation.HOIST):
        assert naive.size(child) < naive.size(parent)
        assert any(
            child == naive.without(parent, place, inner)
            for place, tree in enumerate(naive.subtrees(parent))
            for inner in naive.subtrees(tree)[1:]
        )


def test_insert_puts_an_operation_above_a_node():
    arities, sides = set(), set()
    for parent, _, child in _lineage(variation.INSERT):
        found = None
        for place, tree in enumerate(naive.subtrees(parent)):
            new = naive.subtrees(child)[place]
            if naive.without(parent, place, new) == child and tree in naive.operands_of(new):
                others = [operand for operand in naive.operands_of(new) if operand is not tree and operand != tree]
                assert all(naive.size(other) == 1 for other in others)
                found = len(naive.operands_of(new))
                sides.add(naive.operands_of(new).index(tree))
        assert found is not None
        assert naive.size(child) == naive.size(parent) + found
        arities.add(found)
    assert arities == {1, 2}
    assert sides == {0, 1}


def test_remove_puts_an_operand_in_place_of_an_operation():
    for parent, _, child in _lineage(variation.REMOVE):
        assert any(
            child == naive.without(parent, place, operand)
            for place, tree in enumerate(naive.subtrees(parent))
            for operand in naive.operands_of(tree)
        )


def test_jitter_changes_one_constant_as_told():
    rules = make_rules(40, 12, jitter_factor=0.1, jitter_offset=0.0, replace_probability=0.0)
    language = language_of(constant_centre=5.0, constant_spread=0.1)
    ratios = []
    for parent, _, child in _lineage(variation.JITTER, language=language, rules=rules, n=1000):
        changed = [(a, b) for a, b in zip(_nodes(parent), _nodes(child), strict=True) if a != b]
        assert len(changed) == 1
        ((old_code, old), (new_code, new)) = changed[0]
        assert old_code == new_code == CONSTANT
        ratios.append(new / old)
    assert np.std(ratios) == pytest.approx(0.1, rel=0.1)
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.02)


def test_jitter_draws_constants_anew_as_often_as_told():
    rules = make_rules(40, 12, jitter_factor=0.0, jitter_offset=1e-9, replace_probability=0.25)
    moved = []
    for parent, _, child in _lineage(variation.JITTER, language=language_of(constant_centre=5.0), rules=rules, n=1000):
        moved += [abs(a[1] - b[1]) > 1e-6 for a, b in zip(_nodes(parent), _nodes(child), strict=True) if a != b]
    assert np.mean(moved) == pytest.approx(0.25, abs=0.05)


def test_exchange_swaps_a_variable_and_a_constant():
    directions = set()
    for parent, _, child in _lineage(variation.EXCHANGE):
        changed = [(a, b) for a, b in zip(_nodes(parent), _nodes(child), strict=True) if a != b]
        ((old, _), (new, _)) = changed[0]
        assert len(changed) == 1
        assert sorted([min(old, VARIABLE), min(new, VARIABLE)]) == [CONSTANT, VARIABLE]
        directions.add(old == CONSTANT)
    assert directions == {False, True}


def test_change_puts_another_operation_of_any_arity_in_place_of_one():
    arities = set()
    for parent, _, child in _lineage(variation.CHANGE):
        found = set()
        for place, tree in enumerate(naive.subtrees(parent)):
            if place >= naive.size(child):
                break
            new = naive.subtrees(child)[place]
            if naive.without(parent, place, new) != child or new[0] == tree[0]:
                continue
            old, operands = naive.operands_of(tree), naive.operands_of(new)
            extra = [operand for operand in operands if operand not in old]
            if old and operands and all(naive.size(operand) == 1 for operand in extra) and len(extra) <= 1:
                found.add((len(old), len(operands)))
        assert found
        arities |= found
    assert arities == {(1, 1), (1, 2), (2, 1), (2, 2)}


def test_a_child_that_cannot_differ_is_a_copy():
    """One variable, no operations, no constants: there is one formula only."""
    language = language_of([], 1, 0.0)
    population = population_of(language, np.random.default_rng(0), 3)
    children, applied, _ = _vary(population, list(OPERATORS), language, make_rules(20, 8), np.random.default_rng(1))
    assert np.all(applied == COPY)
    assert np.all(children[0][:, 0] == VARIABLE)


def test_crossover_of_a_formula_with_itself_is_something_else():
    for parent, _, child in _lineage(CROSSOVER, n=100, language=language_of([NAMES["add"]], 1, 0.0), min_length=9):
        assert parent != child


def test_chunks_and_threads_change_nothing():
    rng, language, rules = np.random.default_rng(2), language_of(), make_rules(30, 10)
    population = population_of(language, rng, 100)
    operators, parents = np.tile(OPERATORS, 30).astype(np.int32), rng.integers(0, 100, (270, 2))
    keys = keys_of(rng, 270)
    whole, parts = empty(270), empty(270)
    applied, others = np.zeros(270, np.int32), np.zeros(270, np.int32)
    vary(*population, parents, operators, keys, language, rules, *whole, applied, 0, 270)

    def run(first):
        vary(*population, parents, operators, keys, language, rules, *parts, others, first, min(first + 37, 270))

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(run, range(0, 270, 37)))
    for one, other in zip((*whole, applied), (*parts, others), strict=True):
        assert np.array_equal(one, other)
