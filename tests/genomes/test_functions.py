"""Genomes made of plain functions."""

import pytest

from evoml.core import SearchSpaceError, stream
from evoml.genomes import FunctionSpace


def flip(bits, rng):
    at = rng.integers(len(bits))
    return (*bits[:at], 1 - bits[at], *bits[at + 1 :])


def cross(first, second, rng):
    at = rng.integers(len(first))
    return (*first[:at], *second[at:])


def bits(**changes):
    settings = {
        "random": lambda rng: tuple(rng.integers(2, size=12).tolist()),
        "variations": {"flip": flip, "cross": cross},
    }
    return FunctionSpace(**{**settings, **changes})


def test_operators_take_as_many_parents_as_the_functions_say():
    assert bits().operators == {"flip": 1, "cross": 2}


def test_defaults_of_an_operator_are_settings_of_its_own():
    space = bits(variations={"flip": lambda genome, rng, rate=0.1: genome})
    assert space.operators == {"flip": 1}


@pytest.mark.parametrize("wrong", [lambda rng: (0,), lambda *genomes: (0,), lambda genome, *, rng: genome])
def test_an_operator_that_takes_no_parent_one_by_one_is_refused(wrong):
    with pytest.raises(SearchSpaceError, match=r"broken\(genome, rng\)"):
        _ = bits(variations={"broken": wrong}).operators


def test_a_genome_depends_on_its_own_stream_alone():
    space = bits()
    alone = [space.sample([i], [stream(0, i)])[0] for i in range(4)]
    assert space.sample(range(4), [stream(0, i) for i in range(4)]) == alone
    varied = [space.vary(["cross"], [alone[:2]], [stream(1, i)])[0] for i in range(4)]
    assert space.vary(["cross"] * 4, [alone[:2]] * 4, [stream(1, i) for i in range(4)]) == varied


def test_initial_genomes_come_first():
    space = bits(initial=[(0,) * 12, (1,) * 12])
    assert space.sample([1, 0], [stream(0), stream(1)]) == [(1,) * 12, (0,) * 12]
    assert space.sample([2], [stream(0)])[0] not in space.initial


def test_texts_are_read_back():
    space = bits()
    genome = space.sample([0], [stream(0)])[0]
    assert space.parse(str(genome)) == genome
    assert space.complexity(genome) == 12
