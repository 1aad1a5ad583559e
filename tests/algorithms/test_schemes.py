"""What each paper decides, on pools small enough to see through, and against DEAP's own where it has the same."""

import numpy as np
import pytest
from deap import base, creator, tools
from hypothesis import given, settings
from hypothesis import strategies as st

from evoml.algorithms import schemes
from evoml.algorithms.arrays.pool import ArrayPool
from evoml.algorithms.arrays.state import ArrayState
from evoml.algorithms.schemes.nsga3 import niched, normalised, reference_directions
from evoml.algorithms.schemes.spea2 import raw_fitness
from evoml.core.batches import Measured

AllMinimised = type("AllMinimised", (base.Fitness,), {"weights": (-1.0, -1.0)})


class Individual(list):
    def __init__(self, at, values):
        super().__init__([at])
        self.fitness = AllMinimised(tuple(values))


def pool(objectives, *, ages=None, newborn=False, niches=None, births=None):
    objectives = np.asarray(objectives, float)
    n = len(objectives)
    members = Measured(np.arange(n), objectives, np.arange(n, dtype=np.uint64))
    births = np.arange(n) if births is None else np.asarray(births)
    state = ArrayState(members=members, ages=np.zeros(n, int) if ages is None else np.asarray(ages), births=births)
    return ArrayPool(state, newborn=newborn, niches=None if niches is None else np.asarray(niches))


points = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=2, max_size=25).map(
    lambda rows: np.array(rows, float)
)


def spread(values):
    """Return values with both objectives from 0 to 1, which is how far apart our SPEA2 takes them to be."""
    low, high = values.min(axis=0), values.max(axis=0)
    return (values - low) / np.where(high > low, high - low, 1.0)


@settings(deadline=None, max_examples=60)
@given(points, st.integers(1, 20))
def test_spea2_keeps_what_deap_keeps(values, places):
    values = spread(np.unique(values, axis=0))
    places = min(places, len(values))
    mine = schemes.SPEA2().survivors(pool(values), places)
    its = [one[0] for one in tools.selSPEA2([Individual(at, row) for at, row in enumerate(values)], places)]
    assert len(set(mine.tolist())) == len(mine) == places
    dominated = raw_fitness(values) > 0
    free = int((~dominated).sum())
    assert int((~dominated[mine]).sum()) == int((~dominated[its]).sum()) == min(free, places)
    if free <= places:  # truncation is by distances, which may tie
        assert sorted(raw_fitness(values)[mine]) == pytest.approx(sorted(raw_fitness(values)[its]))


def test_spea2_thins_out_where_points_are_closest():
    values = [[0, 10], [1, 8], [1.1, 7.9], [4, 5], [10, 0]]
    assert sorted(schemes.SPEA2().survivors(pool(values), 4)) in ([0, 1, 3, 4], [0, 2, 3, 4])


@settings(deadline=None, max_examples=60)
@given(points, st.integers(1, 20))
def test_nsga3_fills_front_by_front_as_deap_does(values, places):
    places = min(places, len(values))
    mine = schemes.NSGA3().survivors(pool(values), places)
    assert len(set(mine.tolist())) == len(mine) == places
    individuals = [Individual(at, row) for at, row in enumerate(values)]
    its = [one[0] for one in tools.selNSGA3(individuals, places, tools.uniform_reference_points(2, 4))]
    rank = np.zeros(len(values))
    for number, front in enumerate(tools.sortNondominated(individuals, len(values))):
        rank[[one[0] for one in front]] = number
    assert sorted(rank[mine]) == sorted(rank[its])


def test_nsga3_spreads_over_directions():
    angles = np.concatenate([np.linspace(0, 0.2, 30), [0.8, 1.2, np.pi / 2]])
    values = np.column_stack([1 - np.cos(angles), 1 - np.sin(angles)])
    assert {30, 31, 32} <= set(schemes.NSGA3().survivors(pool(values), 6).tolist())


def test_reference_directions_are_deaps_and_as_many_as_there_may_be():
    for m, most in ((1, 5), (2, 10), (3, 28), (4, 40)):
        directions = reference_directions(m, most)
        assert len(directions) <= max(most, m)
        assert directions.sum(axis=1) == pytest.approx(1.0)
    its = tools.uniform_reference_points(3, 6)
    assert sorted(map(tuple, reference_directions(3, 28).round(9))) == sorted(map(tuple, its.round(9)))


def test_niching_takes_from_the_emptiest_direction_first():
    directions = np.array([0, 0, 1, 0, 1, 2, 2])  # the first three have their places
    distance = np.array([0, 0, 0, 0.1, 0.5, 0.3, 0.2])
    assert niched(directions, distance, 3, 3).tolist() == [3, 1, 2]


def test_what_is_infinite_is_normalised_too():
    shown = normalised(np.array([[0.0, 2.0], [np.inf, 1.0], [1.0, np.inf]]), np.array([True, False, False]))
    assert np.isfinite(shown).all()


def test_regularised_keeps_the_youngest():
    values = np.arange(6.0)[:, None]
    assert schemes.Regularised().survivors(pool(values, births=[5, 1, 4, 0, 3, 2]), 3).tolist() == [0, 2, 4]


def test_map_elites_keeps_the_best_of_each_niche():
    values = [[3, 1], [1, 1], [2, 1], [1, 0], [0.5, 9]]
    survivors = schemes.MapElites().survivors(pool(values, niches=[0, 0, 1, 0, 2]), 1)
    assert survivors.tolist() == [4, 3, 2]
    assert schemes.MapElites(capacity=2).survivors(pool(values, niches=[0, 0, 1, 0, 2]), 1).tolist() == [4, 3]


def test_age_fitness_lets_the_young_live():
    values = [[1, 1], [2, 2], [3, 3]]
    assert sorted(schemes.AgeFitness().survivors(pool(values, ages=[9, 5, 1]), 3)) == [0, 1, 2]
    rank, _ = pool(values).ranked(schemes.AgeFitness()._values(pool(values, ages=[9, 5, 1])))
    assert rank.tolist() == [0, 0, 0]


def test_generational_keeps_an_elite_of_the_old():
    values = [[0.0], [1.0], [5.0], [6.0], [7.0]]
    newborn = np.array([False, False, True, True, True])
    assert schemes.Generational().survivors(pool(values, newborn=newborn), 3).tolist() == [0, 2, 3]
    assert schemes.MuPlusLambda().survivors(pool(values, newborn=newborn), 3).tolist() == [0, 1, 2]


def test_a_scheme_says_how_it_is_set():
    assert schemes.NSGA2(tournament_size=3) == schemes.NSGA2(tournament_size=3) != schemes.NSGA2()
    assert not hasattr(creator, "AllMaximised")  # nothing is left in DEAP's own registry
