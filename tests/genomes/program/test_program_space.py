"""The space of programs: what it allows, and what is asked of it by the thousand."""

import numpy as np
import pytest

from evoml.core.errors import SearchSpaceError, SettingError
from evoml.genomes.program.canonical import canonical, without_dead_code
from evoml.genomes.program.space import ProgramSpace
from evoml.genomes.program.text import read

TWO = ("scalar_sum", "scalar_product")


def keys(n):
    return np.random.default_rng(0).integers(0, 2**63, n).astype(np.uint64)


def test_each_component_has_its_own_operations_and_sizes():
    sizes = {"setup": (0, 3), "predict": (2, 4), "learn": (1, 1)}
    space = ProgramSpace(TWO, ("scalar_exp",), (), scalars=4, vectors=1, matrices=0, sizes=sizes)
    programs = space.sample(keys(50))
    for program in programs:
        assert [len(component) for component in program.components] == [3, 4, 1]
        assert {one.name for one in program.setup} <= set(TWO)
        assert {one.name for one in program.predict} == {"scalar_exp"}
        assert {one.name for one in program.learn} == {"no_op"}
    mutants = space.vary(programs, np.stack([np.arange(50), np.arange(50)], axis=1), keys(50))
    assert all(program.learn == mutant.learn for program, mutant in zip(programs, mutants, strict=True))
    assert sum(a != b for a, b in zip(programs, mutants, strict=True)) > 25
    lengths = {tuple(map(len, mutant.components)) for mutant in mutants}
    assert all(a <= 3 and 2 <= b <= 4 and c == 1 for a, b, c in lengths)


def test_programs_travel_as_arrays():
    space = ProgramSpace()
    programs = space.sample(keys(6))
    again = space.restored(space.arrays(space.joined([programs.take([0, 1]), programs.take(np.arange(6) > 1)])))
    assert list(again) == list(programs)


def test_programs_of_a_text_are_checked():
    space = ProgramSpace(TWO, TWO, TWO, scalars=3, sizes={"learn": (0, 1)})
    text = "def setup():\n    s2 = s1 + s1\n\ndef predict():\n    ...\n\ndef learn():\n    s1 = s2 * s0\n"
    assert space.text(space.parse(text)) == text
    assert space.key(space.parse(text)) == space.key(space.parse(text.replace("s2 * s0", "s0 * s2")))
    for change, words in (
        (("s1 + s1", "s1 - s1"), "setup may not use scalar_difference"),
        (("s2 = s1", "s3 = s1"), "needs 4 scalars, there are 3"),
        (("s1 = s2 * s0", "s1 = s2 * s0\n    s1 = s2 * s0"), "learn has 2 instructions"),
    ):
        with pytest.raises(SearchSpaceError, match=words):
            space.parse(text.replace(*change))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"setup": ["scalar_summ"]}, "did you mean 'scalar_sum'"),
        ({"scalars": 1}, "2 scalars or more"),
        ({"vectors": 60}, "64 addresses at most"),
        ({"sizes": {"setup": (5, 2)}}, "setup needs least"),
        ({"initial": {"setup": 1, "predict": 0, "learn": 1}}, "predict needs least"),
        ({"mutations": {"alters": 1}}, "did you mean 'alter'"),
        ({"mutations": {"alter": -1}}, "a number of 0 or more"),
        ({"mutations": {"alter": 0}}, "above 0"),
        ({"mutation_probability": 2}, "between 0 and 1"),
        ({"scalars": "8"}, "scalars must be a whole number, got '8'"),
        ({"vectors": 8.5}, "vectors must be a whole number, got 8.5"),
        ({"matrices": None}, "matrices must be a whole number, got None"),
        ({"sizes": {"learn": 5}}, "the sizes of learn are two numbers"),
        ({"sizes": {"learn": (0,)}}, "the sizes of learn are two numbers"),
        ({"sizes": {"learn": (0, 2.5)}}, "the most of learn must be a whole number"),
        ({"mutations": {"alter": "x"}}, "a number of 0 or more, got 'x'"),
        ({"mutations": ["alter"]}, "a weight for each name"),
        ({"learn": [1]}, "operations are given by name"),
        ({"learn": None}, "operations are given by name"),
    ],
)
def test_settings_are_checked(settings, words):
    with pytest.raises((SearchSpaceError, SettingError), match=words):
        ProgramSpace(**settings)


def test_a_name_alone_is_one_operation():
    space = ProgramSpace(learn="scalar_sum", scalars=np.int64(4))
    assert space.operations["learn"] == ProgramSpace(learn=["scalar_sum"]).operations["learn"]
    assert space.memory == {"scalars": 4, "vectors": 14, "matrices": 3}


def test_constants_are_folded_only_where_they_may_be_written():
    text = "def setup():\n    s2 = heaviside(s4)\n    s5 = s2 + s4\n\ndef predict():\n    s1 = s2 * s3\n"
    text += "\ndef learn():\n    s3 = s3 + s0\n"
    operations = ["scalar_heaviside", "scalar_sum", "scalar_product"]
    program = read(text)
    assert ProgramSpace().tidied(program) == canonical(program)
    bare = ProgramSpace(operations, operations, operations)
    assert bare.tidied(program) == without_dead_code(program)
    assert bare.holds(bare.text(bare.tidied(program)))
    assert not bare.holds(bare.text(canonical(program)))


def test_operations_without_memory_are_named():
    with pytest.raises(SettingError, match=r"setup has the operation 'matrix_sum', .* there are 0 matrices"):
        ProgramSpace(setup=["scalar_sum", "matrix_sum"], matrices=0)
    with pytest.raises(SettingError, match=r"predict has the operation 'vector_sum', .* allow more vectors"):
        ProgramSpace(predict=["vector_sum"], vectors=1)
    assert ProgramSpace(matrices=0).language.counts.max() < 65
