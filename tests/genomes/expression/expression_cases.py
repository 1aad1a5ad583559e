"""Formulas for tests."""

import struct

import numpy as np
from hypothesis import strategies as st

from evoml.genomes.expression.operations import OPERATIONS
from evoml.genomes.expression.population import constant, joined, variable

ANY_NUMBER = st.floats(allow_nan=False)
EASY_NUMBER = st.integers(-24, 24).map(lambda whole: whole / 4)


def formulas(numbers=EASY_NUMBER, names=tuple(OPERATIONS), n_columns=3, max_leaves=10):
    """Formulas of some operations over a few columns."""
    leaves = numbers.map(constant) | st.integers(0, n_columns - 1).map(variable)
    unary = [name for name in names if OPERATIONS[name].arity == 1]
    binary = [name for name in names if OPERATIONS[name].arity == 2]

    def larger(parts):
        made = [st.tuples(st.sampled_from(binary), st.tuples(parts, parts))]
        if unary:
            made.append(st.tuples(st.sampled_from(unary), st.tuples(parts)))
        return st.one_of(made).map(lambda pair: joined(OPERATIONS[pair[0]], pair[1]))

    return st.recursive(leaves, larger, max_leaves=max_leaves)


def bits(formula):
    """A formula with its constants as bytes: 0.0 and -0.0 differ."""
    return formula.codes, struct.pack(f"{len(formula.constants)}d", *formula.constants)


def rows(n_rows=60, n_columns=3, seed=0, low=-3.0, high=3.0):
    """A table (n_columns, n_rows) of positive and negative numbers."""
    return np.random.default_rng(seed).uniform(low, high, (n_columns, n_rows))
