"""Programs written by hand: what a search starts from, and what it has to beat."""

from __future__ import annotations

from evoml.genomes.program import Program
from evoml.genomes.program.text import read

_LINEAR = """
def setup():
    s2 = {rate}

def predict():
    s1 = dot(v0, v1)

def learn():
    s3 = s0 - s1
    s3 = s2 * s3
    v2 = s3 * v0
    v1 = v1 + v2
"""
_AFFINE = """
def setup():
    s2 = {rate}

def predict():
    s1 = dot(v0, v1)
    s1 = s1 + s4

def learn():
    s3 = s0 - s1
    s3 = s2 * s3
    s4 = s4 + s3
    v2 = s3 * v0
    v1 = v1 + v2
"""
_NETWORK = """
def setup():
    v2 = gaussian(0.0, {spread}, n)
    m0 = gaussian(0.0, {spread}, (n, n))
    s3 = {rate}

def predict():
    v3 = dot(m0, v0)
    v3 = v3 + v1
    v4 = maximum(v3, v5)
    s1 = dot(v4, v2)
    s1 = s1 + s2

def learn():
    s4 = s0 - s1
    s4 = s3 * s4
    s2 = s2 + s4
    v6 = s4 * v4
    v7 = s4 * v2
    v2 = v2 + v6
    v8 = heaviside(v3)
    v7 = v8 * v7
    v1 = v1 + v7
    m1 = outer(v7, v0)
    m0 = m0 + m1
"""
_BARE_NETWORK = """
def setup():
    s2 = {rate}
    m0 = gaussian(0.0, {spread}, (n, n))
    v1 = gaussian(0.0, {spread}, n)

def predict():
    v2 = dot(m0, v0)
    v3 = heaviside(v2)
    v2 = v3 * v2
    s1 = dot(v1, v2)

def learn():
    s3 = s0 - s1
    s3 = s2 * s3
    v4 = s3 * v1
    v4 = v4 * v3
    m1 = outer(v4, v0)
    m0 = m0 + m1
    v4 = s3 * v2
    v1 = v1 + v4
"""


def linear(rate: float) -> Program:
    """Linear regression, or logistic where labels are classes, by stochastic gradient descent, without an intercept."""
    return read(_LINEAR.format(rate=float(rate)))


def affine(rate: float) -> Program:
    """The same with an intercept."""
    return read(_AFFINE.format(rate=float(rate)))


def network(rate: float, spread: float) -> Program:
    """A network of as many hidden neurons (ReLU) as features, with intercepts, by stochastic gradient descent.

    spread: standard deviation of the weights at first.
    """
    return read(_NETWORK.format(rate=float(rate), spread=float(spread)))


def bare_network(rate: float, spread: float) -> Program:
    """The same without intercepts, for features of which one is always 1."""
    return read(_BARE_NETWORK.format(rate=float(rate), spread=float(spread)))


def without(program: Program, lines: set[int]) -> Program:
    """Return a program with some of its instructions, counted through all components, left out."""
    numbers = iter(range(len(program)))
    return Program(*(tuple(one for one in part if next(numbers) not in lines) for part in program.components))
