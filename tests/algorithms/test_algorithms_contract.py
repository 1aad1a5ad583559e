"""The contract suite, run on every algorithm of the package."""

import pytest
from contracts.algorithm import AlgorithmContract

from evoml.algorithms import ALGORITHMS, schemes

SETTINGS = {"regularised": {"tournament_size": 3}, "islands": {"islands": 2, "every": 2, "migrants": 1}}


@pytest.mark.parametrize("name", ALGORITHMS)
class TestEveryAlgorithm(AlgorithmContract):
    @pytest.fixture(autouse=True)
    def _of_this_name(self, name):
        self.name = name
        if name == "lexicase":  # of eight strings one is soon the best on all cases, and the only parent
            self.distinct = 0.75

    def make(self, space, seed, population_size):
        return ALGORITHMS[self.name](space, seed, population_size, **SETTINGS.get(self.name, {}))


@pytest.mark.parametrize("scheme", ["regularised", "map_elites", "age_fitness"])
class TestIslandsOfEachKind(AlgorithmContract):
    @pytest.fixture(autouse=True)
    def _of_this_scheme(self, scheme):
        self.scheme = schemes.SCHEMES[scheme]()

    def make(self, space, seed, population_size):
        return ALGORITHMS["islands"](space, seed, population_size, scheme=self.scheme, islands=2, every=2, migrants=1)
