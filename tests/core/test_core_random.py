"""Random streams: keyed by identity, deaf to the order of calls, and without a trace in global states."""

import random
import subprocess
import sys

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from evoml.core import fresh_seed, stream

identities = st.lists(st.integers(0, 2**32 - 1), max_size=3).map(tuple)


@settings(deadline=None)
@given(st.integers(0, 2**64), identities)
def test_the_same_identity_draws_the_same(seed, identity):
    first = stream(seed, *identity).random(4)
    stream(seed, 99).random()
    assert (stream(seed, *identity).random(4) == first).all()


@settings(deadline=None)
@given(st.integers(0, 2**32), identities, identities)
def test_another_identity_draws_something_else(seed, one, other):
    same = (stream(seed, *one).random(4) == stream(seed, *other).random(4)).all()
    assert same == (one == other)


def test_another_seed_draws_something_else():
    assert stream(1, 0).random() != stream(2, 0).random()


def test_another_process_draws_the_same():
    code = "from evoml.core import stream; print(repr(float(stream(7, 0, 3).random())))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert float(answer) == stream(7, 0, 3).random()


def test_global_random_states_stay_as_they_are():
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    stream(1, 2, 3).random(100)
    assert fresh_seed() != fresh_seed()
    assert random.getstate() == python
    assert all(np.array_equal(a, b) for a, b in zip(np.random.get_state(), numpy, strict=True))  # noqa: NPY002
