"""Random streams: keyed by identity, deaf to the order of calls, and without a trace in global states."""

import random
import subprocess
import sys

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from evoml.core import fresh_seed, stream
from evoml.core.random import drawn_by_weight

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


@settings(deadline=None)
@given(
    st.lists(st.floats(0.0, 100.0), min_size=1, max_size=20).filter(any), st.integers(1, 200), st.integers(0, 2**32 - 1)
)
def test_what_is_drawn_by_weight_comes_as_often_as_its_share_says(weights, count, seed):
    drawn = drawn_by_weight(np.array(weights), count, stream(seed))
    assert len(drawn) == count
    wanted = count * np.array(weights) / np.sum(weights)
    assert (abs(np.bincount(drawn, minlength=len(weights)) - wanted) <= 1.0 + 1e-6).all()
    assert np.array(weights)[drawn].all()


def test_equal_weights_draw_each_position_once_in_a_random_order():
    drawn = drawn_by_weight(np.full(50, 0.3), 50, stream(0))
    assert sorted(drawn) == list(range(50))
    assert list(drawn) != list(range(50))
