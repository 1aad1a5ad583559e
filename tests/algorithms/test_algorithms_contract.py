"""The contract suite, run on every algorithm of the package."""

import pytest
from contracts.algorithm import AlgorithmContract

from evoml.algorithms import ALGORITHMS, NSGA2, RandomSearch, RegularisedEvolution


class TestNSGA2(AlgorithmContract):
    def make(self, space, seed, population_size):
        return NSGA2(space, seed, population_size)


class TestRegularisedEvolution(AlgorithmContract):
    def make(self, space, seed, population_size):
        return RegularisedEvolution(space, seed, population_size, tournament_size=3)


class TestRandomSearch(AlgorithmContract):
    def make(self, space, seed, population_size):
        return RandomSearch(space, seed, population_size)


@pytest.mark.parametrize("algorithm", ALGORITHMS.values())
def test_every_algorithm_stands_in_the_contract(algorithm):
    assert f"Test{algorithm.__name__}" in globals()
