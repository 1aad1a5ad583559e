"""Programs as values and arrays, as text, as graphs, and in canonical form."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernels.program_cases import ALL, fitness_of, language_of, programs_of, tasks_of

from evoml.core.errors import SearchSpaceError
from evoml.genomes.program import Instruction, Program, Programs
from evoml.genomes.program.canonical import canonical, key, live, without_dead_code
from evoml.genomes.program.graph import graph
from evoml.genomes.program.library import program_of
from evoml.genomes.program.operations import OPERATIONS, codes_of
from evoml.genomes.program.text import read, write
from evoml.kernels.program_codes import CODES, NAMES
from evoml.kernels.program_run import make_rules

LINEAR = """\
def setup():
    s2 = 0.1

def predict():
    s1 = dot(v0, v1)

def learn():
    s3 = s0 - s1
    s3 = s3 * s2
    v2 = s3 * v0
    v1 = v1 + v2
"""
SCALARS = tuple(code for code in ALL if NAMES[code].startswith("scalar")) + codes_of(
    ["vector_mean", "scalar_broadcast"]
)
seeds = st.integers(0, 10**9)


def random_programs(seed, n=20, operations=ALL, addresses=(4, 3, 2), sizes=(8, 4, 6)):
    language = language_of(operations, addresses, sizes)
    return language, programs_of(language, np.random.default_rng(seed), n)


def test_there_are_the_papers_65_operations():
    assert len(OPERATIONS) == 65
    numbers = {"no_op": 0, "scalar_log": 14, "vector_inner_product": 27, "matrix_matrix_product": 43}
    numbers |= {"matrix_std": 55, "scalar_constant": 56, "matrix_uniform": 61, "matrix_gaussian": 64}
    assert {name: CODES[name] for name in numbers} == numbers
    assert len({(one.form, one.entry, one.output, one.inputs) for one in OPERATIONS.values()}) == 65
    with pytest.raises(SearchSpaceError, match="did you mean 'scalar_sum'"):
        codes_of(["scalar_summ"])


@settings(max_examples=50, deadline=None)
@given(seeds)
def test_texts_and_arrays_are_read_back(seed):
    _, programs = random_programs(seed)
    for program in programs:
        assert read(write(program)) == program
        compile(write(program), "program", "exec")
    again = Programs.of(list(programs), programs.room)
    for a, b in zip(vars(again).values(), vars(programs).values(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_program_reads_as_python():
    program = read(LINEAR)
    assert write(program) == LINEAR
    assert program.learn[0] == Instruction("scalar_difference", 3, (0, 1))
    assert len(program) == 6
    assert program.addresses == (4, 3, 0)
    special = "def setup():\n    m1[index(0.25), index(-0.0)] = -inf\n    pass\n"
    special += "\ndef predict():\n    ...\n\ndef learn():\n    ...\n"
    assert write(read(special)) == special
    assert read("def learn():\n  s1=maximum( s0 ,s2)") == Program(learn=(Instruction("scalar_max", 1, (0, 2)),))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def setup(:", "line 1"),
        ("def setups():\n    ...", "did you mean 'setup'"),
        ("x = 3", "line 1 .*expected one of def setup"),
        ("def setup():\n    ...\ndef setup():\n    ...", "line 3 .*already"),
        ("def setup():\n    s1 = 0.1\n    s1 = dott(v1, v2)", "line 3 .*'s1 = dott"),
        ("def setup():\n    s1 = v1 + v2", "line 2 "),
        ("def setup():\n    s0 = s1 + s2", "line 2 .*the label s0"),
        ("def learn():\n    v0 = v1 + v2", "features v0"),
        ("def learn():\n    for x in y: pass", "no instruction"),
        ("def setup(x, y=3):\n    s2 = 0.1", "line 1 .*without arguments"),
        ("def setup() -> int:\n    s2 = 0.1", "line 1 .*without arguments"),
        ("@cached\ndef setup():\n    s2 = 0.1", "without arguments, types or decorators"),
        ("def setup():\n    s2 = True", "'s2 = True' is no instruction"),
        ("def setup():\n    s2 = 1" + 400 * "0", "line 2 .*beyond what 64 bits hold"),
        ("def setup():\n    s2 = s3\0", "cannot be read"),
        ("def setup():\n    s2 = " + 3000 * "-" + "s3", "cannot be read"),
    ],
)
def test_mistakes_are_named(text, words):
    with pytest.raises(SearchSpaceError, match=words):
        read(text)


def test_a_reciprocal_may_be_written_with_a_point():
    assert read("def setup():\n    s2 = 1.0 / s3") == read("def setup():\n    s2 = 1 / s3")


def with_rate_in(address):
    return LINEAR.replace("s2", f"s{address}").replace("def setup():", "def setup():\n    s2 = 5.0")


def test_there_are_64_addresses_at_most():
    program = read(with_rate_in(60))
    assert sum(program.addresses) == 64
    assert canonical(program) == read(with_rate_in(60).replace("    s2 = 5.0\n", ""))
    with pytest.raises(SearchSpaceError, match="64 addresses at most, got one that needs 62 scalars, 3 vectors"):
        read(with_rate_in(61))
    with pytest.raises(SearchSpaceError, match="needs 2 scalars, 1000000000 vectors"):
        read("def predict():\n    s1 = dot(v0, v999999999)")


@pytest.mark.parametrize("text", ["", "\n", 3, None, ["linear"]])
def test_what_is_no_program_is_refused(text):
    with pytest.raises(SearchSpaceError, match="there are: linear, affine, network"):
        program_of(text)


def test_instructions_are_checked():
    with pytest.raises(SearchSpaceError, match="takes 2 inputs"):
        Instruction("scalar_sum", 1, (0,))
    with pytest.raises(SearchSpaceError, match="no operation 'sum'"):
        Instruction("sum", 1, (0, 0))
    with pytest.raises(SearchSpaceError, match="does not fit"):
        Programs.of([read(LINEAR)], room=3)


@settings(max_examples=50, deadline=None)
@given(seeds, st.booleans())
def test_the_graph_and_the_kernel_agree_on_what_is_live(seed, scalars_only):
    _, programs = random_programs(seed, 10, SCALARS if scalars_only else ALL)
    for program in programs:
        found = graph(program)
        for component, lives in zip(("setup", "predict", "learn"), live(program), strict=True):
            for position, alive in enumerate(lives):
                assert found.nodes[component, position]["live"] == alive


def test_the_graph_shows_what_flows_to_later_examples():
    found = graph(read(LINEAR))
    assert found.nodes["features"]["live"]
    assert found.nodes["label"]["live"]
    assert found.edges["features", ("predict", 0)] == {"address": "v0", "later": False}
    assert found.edges[("learn", 3), ("predict", 0)] == {"address": "v1", "later": True}
    assert found.edges[("learn", 3), ("learn", 3)]["later"]
    assert found.edges[("predict", 0), ("learn", 0)] == {"address": "s1", "later": False}
    assert ("setup", 0) in nx.ancestors(found, "prediction")
    assert not found.has_edge("label", ("predict", 0))


@settings(max_examples=40, deadline=None)
@given(seeds, st.booleans(), st.booleans())
def test_canonical_forms_do_the_same_to_the_last_bit(seed, classes, scalars_only):
    operations = SCALARS if scalars_only else ALL
    language, programs = random_programs(seed, 15, operations)
    tasks, rules = tasks_of(np.random.default_rng(seed), classes=classes), make_rules(classes=classes)
    fitness, _ = fitness_of(programs, language, tasks, rules)
    forms = [canonical(program) for program in programs]
    np.testing.assert_array_equal(fitness, fitness_of(Programs.of(forms, 8), language, tasks, rules)[0])
    for program, form in zip(programs, forms, strict=True):
        assert canonical(form) == form
        assert key(form) == key(program)
        assert len(form) <= len(without_dead_code(program)) <= len(program)


def test_constants_are_propagated_and_dead_code_goes():
    text = """\
def setup():
    s2 = 0.5
    s3 = s2 + s2
    s2 = s3 * s3
    s4 = 7.0
    v2 = gaussian(0.0, 0.1, n)

def predict():
    s3 = s2 + s2
    s1 = s3 + s0

def learn():
    s2 = abs(s2)
    s4 = s4 + s0
"""
    assert canonical(read(text)) == read("def predict():\n    s1 = 2.0")
    assert canonical(read(LINEAR)) == Program(read(LINEAR).setup, *(canonical(read(LINEAR)).components[1:]))
    assert len(canonical(read(LINEAR))) == 6


def test_keys_name_what_programs_do():
    plain = key(read(LINEAR))
    assert plain == key(read(LINEAR.replace("v1 + v2", "v2 + v1")))
    assert plain == key(read(LINEAR.replace("    s2 = 0.1", "    s2 = 0.1\n    s3 = 0.2")))
    assert plain == key(read(LINEAR.replace("    s2 = 0.1", "    s2 = 0.1\n    s2 = s2 + s3")))
    others = ("0.1", "0.2"), ("s0 - s1", "s1 - s0"), ("dot(v0, v1)", "dot(v0, v2)")
    assert len({plain, *(key(read(LINEAR.replace(*change))) for change in others)}) == 4
