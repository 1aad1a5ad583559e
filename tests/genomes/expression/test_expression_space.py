import numpy as np
import pytest

from evoml.core.errors import SearchSpaceError
from evoml.core.random import mixed
from evoml.core.threads import Threads
from evoml.genomes.expression import ExpressionSpace
from evoml.genomes.expression.description import node_weights
from evoml.genomes.expression.units import Units, unit_violations
from evoml.kernels.expression_codes import CONSTANT

KEYS = mixed(7, np.arange(200))
PARENTS = np.stack([np.arange(200), np.roll(np.arange(200), 1)], axis=1)


def test_what_cannot_be_held_is_refused():
    space = ExpressionSpace(["a", "b"], ["add", "mul"], max_length=9, max_depth=4, const_range=None)
    assert space.text(space.parse("a+b*a")) == "a + b * a"
    for text, words in (
        ("sin(a)", "uses sin; allowed operations: add, mul"),
        ("a + 2", "holds the number 2.0"),
        ("a+b+a+b+a+b", "11 nodes"),
        ("a*b*a*b*a", "9 nodes, 5 below one another; at most 9 and 4"),
        ("c", "got 'c'"),
    ):
        with pytest.raises(SearchSpaceError, match=words):
            space.parse(text)


@pytest.mark.parametrize("depth", [1, 2, 3, 5])
def test_depth_means_the_same_to_texts_and_to_breeding(depth):
    """A leaf is of depth 1; first formulas and offspring reach the limit, are read back, and a node more is refused."""
    space = ExpressionSpace(["a", "b"], ["add", "sin"], max_length=40, max_depth=depth, init_length=(1, 40))
    first = space.sample(KEYS)
    for population in (first, space.vary(first, PARENTS, mixed(KEYS, 1))):
        assert max(formula.depth for formula in population) == depth
    nested = "sin(" * (depth - 1) + "a" + ")" * (depth - 1)
    assert space.parse(nested).depth == depth
    assert space.holds(space.parse(nested))
    with pytest.raises(SearchSpaceError, match=f"{depth + 1} nodes, {depth + 1} below one another"):
        space.parse(f"sin({nested})")


def test_what_another_space_made_may_not_be_held():
    wide = ExpressionSpace(["a", "b", "c"])
    narrow = ExpressionSpace(["a", "b"], ["add", "sin"], max_length=3, const_range=None)
    held = {text: narrow.holds(wide.parse(text)) for text in ("a + b", "a + c", "a - b", "a + 1", "a + sin(b)")}
    assert [text for text, fits in held.items() if fits] == ["a + b"]


def test_keys_and_complexity():
    space = ExpressionSpace(["a", "b"], weights=node_weights({"sin": 3.0}))
    parsed = [space.parse(text) for text in ("sin(a) + b", "b + sin(a)", "b - sin(a)")]
    keys = [space.key(one) for one in parsed]
    assert keys[0] == keys[1] != keys[2]
    assert space.complexity(parsed[0]) == 6.0


def test_first_formulas_and_offspring_keep_the_limits():
    space = ExpressionSpace(["a", "b"], ["add", "mul", "sin"], max_length=12, max_depth=5, init_length=(3, 9))
    first = space.sample(KEYS)
    offspring = space.vary(first, PARENTS, mixed(KEYS, 1))
    for population in (first, offspring):
        assert len(population) == 200
        for formula in population:
            assert space.parse(space.text(formula)) == formula
    assert list(space.sample(KEYS[50:60])) == list(first)[50:60]  # each by its own key
    assert list(space.vary(first, PARENTS[50:60], mixed(KEYS, 1)[50:60])) == list(offspring)[50:60]
    assert list(space.restored(space.arrays(first))) == list(first)
    assert len(space.joined([first, offspring])) == 400


@pytest.mark.parametrize("units", [None, Units.of(["m", "s"], "m/s")])
def test_any_number_of_threads_gives_the_same_formulas(units):
    made = []
    for count in (1, 3):
        with Threads(count) as threads:
            space = ExpressionSpace(["a", "b"], units=units, threads=threads)
            first = space.sample(KEYS)
            made.append([*first, *space.vary(first, PARENTS, mixed(KEYS, 1))])
    assert made[0] == made[1]


def test_units_are_kept_by_drawing_anew():
    units = Units.of(["m", "s"], "m/s")
    free, bound = ExpressionSpace(["a", "b"]), ExpressionSpace(["a", "b"], units=units)

    def broken(population):
        return (unit_violations(population, units, scaled=True) > 0).mean()

    first = bound.sample(KEYS)
    assert broken(first) < 0.1 < broken(free.sample(KEYS))
    assert broken(bound.vary(first, PARENTS, KEYS)) < 0.05
    assert list(bound.sample(KEYS[20:40])) == list(first)[20:40]


def test_formulas_without_constants():
    space = ExpressionSpace(["a", "b"], ["add", "mul"], const_range=None)
    first = space.sample(KEYS)
    assert not (first.codes == CONSTANT).any()
    assert not (space.vary(first, PARENTS, KEYS).codes == CONSTANT).any()
