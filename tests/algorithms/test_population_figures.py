"""What is recorded of populations of thousands."""

from math import log2

import numpy as np
import pytest

from evoml.algorithms.arrays.figures import looked_at, population_figures
from evoml.algorithms.arrays.state import ArrayState
from evoml.core.batches import Measured
from evoml.genomes.expression.population import Population
from evoml.genomes.expression.space import ExpressionSpace
from evoml.genomes.expression.text import read

SPACE = ExpressionSpace(["x", "z"])


def state(texts, errors, meanings):
    genomes = Population.of([read(text, SPACE.names) for text in texts], 8)
    objectives = np.column_stack([errors, genomes.lengths]).astype(float)
    return ArrayState(1, Measured(genomes, objectives, np.array(meanings, np.uint64)), np.zeros(len(texts), np.int32))


def test_figures_of_a_population():
    found = population_figures(
        [state(["x", "2.5 * x", "1.5 * x", "x + z"], [0.9, 0.5, 0.5, np.inf], [1, 2, 3, 3])], SPACE
    )
    assert (found["members"], found["distinct"], found["behaviours"]) == (4, 3, 3)
    assert found["size"] == pytest.approx([2.5, 3.0, 3.0])
    assert found["score"] == pytest.approx([0.3, 0.5, 0.5])
    shares = np.array([4, 1, 2, 2, 1]) / 10  # x, z, a constant, mul, add
    assert found["entropy"] == pytest.approx(-sum(share * log2(share) for share in shares))


def test_islands_and_targets_count_together():
    one, other = state(["x"], [0.5], [1]), state(["x", "z"], [0.4, 0.3], [1, 2])
    found = population_figures([one, other, ArrayState()], SPACE)
    assert (found["members"], found["distinct"], found["behaviours"]) == (3, 2, 2)


def test_a_population_that_begins_anew_has_none():
    assert population_figures([ArrayState()], SPACE) == {}


def test_generations_that_are_looked_at():
    assert [at for at in range(1, 41) if looked_at(at)] == [*range(1, 11), 20, 30, 40]
