import math

import numpy as np
import pytest
from expression_cases import formulas
from hypothesis import given, settings
from hypothesis import strategies as st

from evoml.core.errors import SearchSpaceError, SettingError
from evoml.genomes.expression.description import (
    complexities,
    constant_nats,
    description_lengths,
    gaussian_nats,
    knee,
    node_weights,
    structure_nats,
)
from evoml.genomes.expression.operations import BY_CODE
from evoml.genomes.expression.population import Population
from evoml.genomes.expression.text import read
from evoml.kernels.expression_codes import CONSTANT, VARIABLE


def of(*texts):
    return Population.of([read(text) for text in texts])


@settings(deadline=None)
@given(st.lists(formulas(), min_size=1, max_size=4))
def test_complexity_is_the_sum_over_nodes(many):
    population = Population.of(many)
    np.testing.assert_array_equal(complexities(population), [len(one) for one in many])
    weights = node_weights({"exp": 3, "add": 0.5}, constant=2.0, variable=[1.0, 5.0])
    by_node = {CONSTANT: 2.0, VARIABLE: 1.0, VARIABLE + 1: 5.0, VARIABLE + 2: 5.0}
    by_node |= {code: {"exp": 3.0, "add": 0.5}.get(one.name, 1.0) for code, one in BY_CODE.items()}
    np.testing.assert_allclose(
        complexities(population, weights), [sum(by_node[code] for code in one.codes) for one in many]
    )


def test_weights_are_checked():
    with pytest.raises(SettingError):
        node_weights({"exp": 0.0})
    with pytest.raises(SearchSpaceError, match="did you mean 'exp'"):
        node_weights({"expo": 2.0})


@settings(deadline=None)
@given(st.lists(formulas(), min_size=1, max_size=4))
def test_structure_is_nodes_times_the_logarithm_of_symbols(many):
    wanted = [len(one) * math.log(len(set(one.codes))) for one in many]
    np.testing.assert_allclose(structure_nats(Population.of(many)), wanted)


def test_constants_cost_their_precision():
    population = of("x0 * 1234.56 + 0.5", "x0")
    information = np.zeros(population.codes.shape)
    information[0][population.codes[0] == CONSTANT] = [4.0, 1e6]
    wanted = sum(math.log(size) + 0.5 * math.log(one / 3.0) for size, one in ((1234.56, 4.0), (0.5, 1e6)))
    np.testing.assert_allclose(constant_nats(population, information), [wanted, 0.0])


def test_what_the_data_cannot_tell_costs_little_and_whole_numbers_their_size():
    population = of("x0 * 0.3", "x0 * 7", "x0 * 7.5", "x0 * 0")
    information = np.where(population.codes == CONSTANT, 1e12, 0.0)
    information[0] = 0.0
    found = constant_nats(population, information)
    np.testing.assert_allclose(found[[0, 1, 3]], [math.log(2), math.log(14), math.log(2)])
    assert found[2] > 10


def test_likelihood_of_gaussian_noise():
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.3, 500)
    variance = np.mean(noise**2)
    wanted = -np.sum(-0.5 * np.log(2 * np.pi * variance) - noise**2 / (2 * variance))
    assert gaussian_nats(np.array([variance]), 500)[0] == pytest.approx(wanted)
    assert gaussian_nats(np.array([0.0]), 500, least=1e-12)[0] == gaussian_nats(np.array([1e-12]), 500)[0]


def test_the_true_formula_is_the_shortest_description_of_noisy_data():
    """Least squares of polynomials: one degree too few fits worse, more only fit the noise."""
    rng = np.random.default_rng(1)
    x = rng.uniform(-2, 2, 300)
    y = 1.5 * x**2 - 0.7 * x + 0.31 + rng.normal(0, 0.2, 300)
    texts = ["c", "c + c*x0", "c + c*x0 + c*x0^2", "c + c*x0 + c*x0^2 + c*x0^3"]
    lengths = []
    for degree, text in enumerate(texts):
        powers = np.vander(x, degree + 1, increasing=True)
        fitted, *_ = np.linalg.lstsq(powers, y, rcond=None)
        error = np.mean((powers @ fitted - y) ** 2)
        for value in fitted:
            text = text.replace("c", repr(float(value)), 1)
        population = of(text)
        information = np.zeros(population.codes.shape)
        information[population.codes == CONSTANT] = (powers**2).sum(axis=0) / error
        lengths.append(description_lengths(population, gaussian_nats(np.array([error]), 300), information)[0])
    assert int(np.argmin(lengths)) == 2


def test_the_knee_is_where_a_front_bends():
    assert knee([1, 3, 5, 9, 15, 20], [10.0, 5.0, 1e-4, 0.9e-4, 0.8e-4, 0.79e-4]) == 2
    assert knee([20, 5, 1, 15], [0.79e-4, 1e-4, 10.0, 0.8e-4]) == 1  # in any order
    assert knee([1, 3, 5], [1.0, 0.5, 0.0]) == 2  # exact beats all
    assert knee([1, 2, 3], [1.0, 0.1, 0.01]) == 2  # bends nowhere
    assert knee([1, 2], [1.0, 0.5]) == 1
    assert knee([3], [1.0]) == 0
    assert knee([1, 3], [0.5, np.inf]) == 0
    assert knee([3, 1], [np.inf, np.inf]) == 1
    assert knee([1, 5, 9], [0.0, 0.0, 0.0]) == 0


@given(st.lists(st.tuples(st.integers(1, 40), st.floats(0, 1e6)), min_size=1, max_size=12))
def test_any_front_has_a_knee(points):
    sizes, losses = zip(*points, strict=True)
    assert 0 <= knee(sizes, losses) < len(points)
