"""Populations of random formulas for tests."""

from __future__ import annotations

import naive_expressions_variation as naive
import numpy as np

from evoml.kernels.expression_codes import CONSTANT, FIRST_UNARY, NAMES, POWER, SIGMOID
from evoml.kernels.expression_growth import grow, make_language

ROOM = 64
OPERATIONS = [*range(POWER + 3), *range(FIRST_UNARY, SIGMOID + 1)]
ARITHMETIC = [
    NAMES[name] for name in ("add", "sub", "mul", "div", "neg", "inv", "square", "cube", "abs", "min", "max", "sqrt")
]


def language_of(operations=OPERATIONS, n_features=3, constant_probability=0.3, **settings):
    """A language of equally frequent operations."""
    frequencies = np.zeros(64)
    frequencies[list(operations)] = 1.0
    return make_language(frequencies, np.ones(n_features), constant_probability, **settings)


def random_language(rng, operations=OPERATIONS):
    """A language of some operations, of any frequencies, and of some variables."""
    frequencies = np.zeros(64)
    chosen = rng.choice(operations, size=rng.integers(1, len(operations) + 1), replace=False)
    frequencies[chosen] = rng.random(len(chosen)) + 0.01
    weights = rng.random(rng.integers(1, 5)) * (rng.random() < 0.9)
    return make_language(frequencies, weights, rng.choice([0.0, 0.3, 0.8]) if weights.any() else 1.0)


def empty(n, room=ROOM):
    return np.zeros((n, room), np.int32), np.zeros((n, room)), np.zeros(n, np.int32)


def keys_of(rng, n):
    return rng.integers(0, 2**64, n, dtype=np.uint64)


def population_of(language, rng, n=30, min_length=1, max_length=25, max_depth=8):
    population = empty(n)
    grow(keys_of(rng, n), min_length, max_length, max_depth, language, *population, 0, n)
    return population


def with_special_constants(population, rng):
    """The same with constants for which there are rules."""
    codes, constants, lengths = population
    special = rng.choice([0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -3.7, 1e200, -1e-200], size=constants.shape)
    return codes, np.where(codes == CONSTANT, special, 0.0), lengths


def trees_of(population):
    return [naive.parse(*formula) for formula in zip(*population, strict=True)]
