"""What holds for every pipeline tree, random or bred, however it came about."""

import os
import pickle
import random
import subprocess
import sys
import warnings

import numpy as np
import pytest
from contracts.pipeline_spaces import KINDS, TASKS, dataset, space
from hypothesis import given, settings
from hypothesis import strategies as st

from evoml.core import stream
from evoml.genomes.pipeline_tree import PipelineTree
from evoml.genomes.pipeline_tree.term import PASSTHROUGH, STACK, UNIONS
from evoml.genomes.pipeline_tree.tree import is_value
from evoml.genomes.pipeline_tree.types import Model

EVERY = [(task, kind) for task in TASKS for kind in KINDS]
ROUNDS = 840  # of one random tree and one offspring, in each of the six spaces: 10,080 in all


def bred(of, rounds, seed=0):
    """Yield (operator, parents, offspring); offspring become parents, as they do in evolution."""
    population = [of.random(stream(seed, 0, i)) for i in range(30)] + list(of.initial)
    operators = list(of.operators)
    for i in range(rounds):
        rng = stream(seed, 1, i)
        operator = operators[i % len(operators)]
        parents = [population[rng.integers(len(population))] for _ in range(of.operators[operator])]
        (offspring,) = of.vary([operator], [parents], [rng])
        population[rng.integers(len(population))] = offspring
        yield operator, parents, offspring


def depth(term):
    return 1 + max(map(depth, term.inputs), default=-1)


def stacked(term):
    return (term.name == STACK) + max(map(stacked, term.inputs), default=0)


def assert_valid(of, tree):
    assert isinstance(tree, PipelineTree)
    assert tree.searchSubtree(0).stop == len(tree)
    slots = tree.slots()
    assert len(slots) == len(tree)
    assert issubclass(tree[0].ret, Model)
    for index, node in enumerate(tree):
        assert issubclass(node.ret, slots[index]), (str(tree), index)
        if is_value(node):
            assert of.grammar.hyperparameter(node.ret).contains(node.value), (str(tree), node.ret, node.value)
        elif node.arity:
            assert node is of.grammar.primitives.mapping[node.name]
        else:
            assert node == of.grammar.features
    assert len(tree.steps()) <= of.max_steps
    assert depth(tree.term()) <= of.max_depth
    assert stacked(tree.term()) <= 1
    assert of.within_limits(tree)


def assert_round_trips(of, tree):
    text = str(tree)
    read = of.parse(text)
    assert read == tree
    assert str(read) == text
    assert of.key(read) == of.key(tree)
    copy = pickle.loads(pickle.dumps(tree))
    assert copy == tree
    assert str(copy) == text


@pytest.mark.parametrize(("task", "kind"), EVERY)
def test_every_random_tree_is_valid_and_survives_text_and_pickle(task, kind):
    of = space(task, kind)
    for i in range(ROUNDS):
        tree = of.random(stream(3, i))
        assert_valid(of, tree)
        assert_round_trips(of, tree)


@pytest.mark.parametrize(("task", "kind"), EVERY)
def test_every_offspring_is_valid_and_survives_text_and_pickle(task, kind):
    of = space(task, kind)
    for _, _, offspring in bred(of, ROUNDS):
        assert_valid(of, offspring)
        assert_round_trips(of, offspring)


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 2**64), st.sampled_from(EVERY), st.integers(1, 12), st.integers(1, 6))
def test_limits_hold_for_any_seed(seed, which, max_steps, max_depth):
    of = space(*which, max_steps=max_steps, max_depth=max_depth)
    for _, _, offspring in bred(of, 6, seed):
        term, known = offspring.term(), {str(tree) for tree in of.initial}
        assert str(offspring) in known or (len(offspring.steps()) <= of.max_steps and depth(term) <= of.max_depth)


@pytest.mark.parametrize(("task", "kind"), EVERY)
def test_trees_can_be_built(task, kind):
    of = space(task, kind)
    for _, _, offspring in bred(of, 60, seed=1):
        assert of.build(str(offspring), 0).steps


def test_parents_stay_as_they_are():
    of = space("classification", "numeric")
    for operator, parents, offspring in bred(of, 500):
        before = pickle.dumps(parents)
        again = of.vary([operator], [parents], [stream(9)])
        assert pickle.dumps(parents) == before
        assert again[0] is not parents[0]
        assert offspring is not parents[0]


def test_operators_do_something():
    of = space()
    changed = dict.fromkeys(of.operators, 0)
    for operator, parents, offspring in bred(of, 600):
        changed[operator] += of.key(offspring) != of.key(parents[0])
    assert all(count >= 50 for count in changed.values()), changed


def test_equal_streams_give_equal_trees():
    of, other = space("regression", "table"), space("regression", "table")
    for i in range(50):
        assert of.random(stream(1, i)) == other.random(stream(1, i))
    assert [o for *_, o in bred(of, 60)] == [o for *_, o in bred(other, 60)]


def test_a_batch_is_as_good_as_one_by_one():
    of = space()
    cases = [(operator, parents) for operator, parents, _ in bred(of, 30)]
    batch = of.vary([c[0] for c in cases], [c[1] for c in cases], [stream(5, i) for i in range(30)])
    assert batch == [of.vary([o], [p], [stream(5, i)])[0] for i, (o, p) in enumerate(cases)]


def test_sampling_gives_the_known_pipelines_first():
    of = space()
    positions = range(len(of.initial) + 3)
    trees = of.sample(positions, [stream(1, i) for i in positions])
    assert tuple(trees[: len(of.initial)]) == of.initial
    assert trees[-1] == of.random(stream(1, positions[-1]))


PRINT_TREES = """
from contracts.pipeline_spaces import space
from evoml.core import stream
of = space("regression", "table")
trees = [of.random(stream(1, i)) for i in range(20)]
trees += [of.vary([name], [trees[: n]], [stream(2)])[0] for name, n in of.operators.items()]
for tree in trees:
    print(of.key(tree), tree)
"""


def test_another_process_with_other_hashes_gives_the_same_trees_and_keys():
    def printed(hash_seed):
        environment = {
            **os.environ,
            "PYTHONHASHSEED": hash_seed,
            "PYTHONPATH": os.path.dirname(os.path.dirname(__file__)),
        }
        command = [sys.executable, "-c", PRINT_TREES]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    first = printed("1")
    assert len(first.splitlines()) == 27
    assert printed("2") == first


def test_global_random_states_stay_as_they_are():
    of = space()
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    for _ in bred(of, 100):
        pass
    assert random.getstate() == python
    assert all(np.array_equal(a, b) for a, b in zip(np.random.get_state(), numpy, strict=True))  # noqa: NPY002


def parts_of_random_trees(of, count):
    trees = [of.random(stream(4, i)) for i in range(count)]
    return {node.name for tree in trees for node in tree if not is_value(node) and node.arity}


def test_random_trees_hold_every_kind_of_part_and_every_word():
    of, words = space("classification", "table"), {PASSTHROUGH, STACK, *UNIONS}
    names = parts_of_random_trees(of, 1500)
    assert {of.catalogue[name].kind for name in names - words} == {part.kind for part in of.catalogue.values()}
    assert {STACK, "union", "union_numeric"} <= names
    assert {PASSTHROUGH, STACK, "union", "union_nonnegative"} <= parts_of_random_trees(space(), 1500)


def test_random_trees_are_of_many_sizes():
    of = space()
    assert len({len(of.random(stream(4, i)).steps()) for i in range(500)}) >= 6


@pytest.mark.parametrize("kind", ["numeric", "table"])
@pytest.mark.parametrize("task", TASKS)
def test_random_trees_fit_on_missing_values_and_text(task, kind):
    of, data = space(task, kind), dataset(task, kind)
    half = np.arange(data.n_rows) % 3 > 0
    train, test = data.take(np.flatnonzero(half)), data.take(np.flatnonzero(~half))
    light = [tree for i in range(200) if _is_light(of, tree := of.random(stream(6, i)))][:12]
    assert len(light) == 12
    for tree in light:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            predicted = of.build(str(tree), 0).fit(train.features.data, train.y).predict(test.features.data)
        assert len(predicted) == test.n_rows, str(tree)


def _is_light(of, tree):
    return all(of.catalogue[node.name].cost == "light" for node in tree if node.name in of.catalogue)
