"""Ranges: whatever is drawn or varied lies in range, is a plain Python value, and reads well."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evoml.components import Choice, Float, Integer

floats = st.floats(-1e6, 1e6, allow_nan=False)
seeds = st.integers(0, 2**32 - 1)


@st.composite
def ranges(draw):
    logarithmic = draw(st.booleans())
    scale = "log" if logarithmic else "linear"
    if draw(st.booleans()):
        bounds = st.floats(1e-9, 1e9) if logarithmic else floats
        low, high = sorted((draw(bounds), draw(bounds)))
        return Float("x", low, high, draw(st.sampled_from([low, high])), scale)
    bounds = st.integers(1, 10**6) if logarithmic else st.integers(-(10**6), 10**6)
    low, high = sorted((draw(bounds), draw(bounds)))
    return Integer("x", low, high, draw(st.integers(low, high)), scale)


@given(ranges(), seeds)
def test_sample_and_perturb_stay_in_range(range_, seed):
    rng = np.random.default_rng(seed)
    wanted = float if isinstance(range_, Float) else int
    value = range_.sample(rng)
    changed = range_.perturb(value, rng)
    for drawn in (value, changed):
        assert type(drawn) is wanted
        assert range_.contains(drawn)
        assert range_.clip(drawn) == drawn
    assert changed != value or range_.low == range_.high


@given(ranges(), st.one_of(floats, st.just(float("nan")), st.none(), st.just("text"), st.booleans()))
def test_clip_always_gives_an_allowed_value(range_, value):
    assert range_.contains(range_.clip(value))


@given(ranges(), seeds)
def test_same_generator_same_values(range_, seed):
    a, b = np.random.default_rng(seed), np.random.default_rng(seed)
    assert [range_.sample(a) for _ in range(3)] == [range_.sample(b) for _ in range(3)]


def test_floats_carry_four_significant_digits():
    rng = np.random.default_rng(0)
    values = [Float("x", 1e-5, 1e5, 1.0, "log").sample(rng) for _ in range(200)]
    assert all(value == float(f"{value:.4g}") for value in values)


def test_log_scale_spreads_over_magnitudes():
    rng = np.random.default_rng(0)
    values = np.array([Float("x", 1e-4, 1e4, 1.0, "log").sample(rng) for _ in range(2000)])
    assert 0.45 < np.mean(values < 1.0) < 0.55
    integers = np.array([Integer("n", 1, 10_000, 1, "log").sample(rng) for _ in range(2000)])
    assert 0.4 < np.mean(integers < 100) < 0.6


def test_perturb_is_local():
    rng = np.random.default_rng(0)
    steps = np.array([Float("x", 0.0, 1.0, 0.5).perturb(0.5, rng) - 0.5 for _ in range(2000)])
    assert 0.17 < steps.std() < 0.22


def test_integer_range_reaches_both_ends():
    rng = np.random.default_rng(0)
    for scale in ("linear", "log"):
        assert {Integer("n", 1, 3, 1, scale).sample(rng) for _ in range(200)} == {1, 2, 3}


def test_choice_tells_types_apart():
    choice = Choice("c", (1, 1.0, True, None, "sqrt"), None)
    assert choice.contains(True)
    assert not Choice("c", (1,), 1).contains(True)
    assert choice.clip("log2") is None
    rng = np.random.default_rng(0)
    assert all(choice.perturb("sqrt", rng) != "sqrt" for _ in range(50))
    assert Choice("c", (1,), 1).perturb(1, rng) == 1


@pytest.mark.parametrize(
    "hyperparameter",
    [Float("x", 0.0, 1.0, 0.5, when={"a": (1,)}), Integer("n", 1, 3, 1, at_most="n_rows"), Choice("c", ("a",), "a")],
)
def test_picklable_and_frozen(hyperparameter):
    assert pickle.loads(pickle.dumps(hyperparameter)) == hyperparameter
    assert hash(hyperparameter) == hash(pickle.loads(pickle.dumps(hyperparameter)))
    with pytest.raises(AttributeError):
        hyperparameter.name = "y"
