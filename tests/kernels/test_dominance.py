"""Ranks and crowding of large populations, against the definition and against the version for few points."""

import naive_expressions_variation as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evoml.algorithms import dominance as few
from evoml.kernels.dominance import (
    crowding_distances,
    mark_best_of_each,
    nondominated_ranks,
    ranks_and_crowding,
    survivors,
)


@st.composite
def points(draw, special=(np.inf, -np.inf)):
    n, m = draw(st.integers(0, 40)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 10**9)))
    found = rng.integers(0, draw(st.sampled_from([2, 5, 1000])), (n, m)).astype(float)
    for value in special:
        found[rng.random((n, m)) < 0.05] = value
    return found


@settings(max_examples=200, deadline=None)
@given(points())
def test_ranks_match_the_definition(objectives):
    assert np.array_equal(nondominated_ranks(objectives), naive.ranks(objectives))


@settings(max_examples=100, deadline=None)
@given(points(special=()))
def test_ranks_and_crowding_match_those_of_few_points(objectives):
    ranks = nondominated_ranks(objectives)
    expected = few.ranked(-objectives)[0]
    assert np.array_equal(ranks, expected)
    crowding = crowding_distances(objectives, ranks)
    for front in np.unique(ranks):
        assert np.array_equal(crowding[ranks == front], few.crowding_distance(objectives[ranks == front]))


@settings(max_examples=100, deadline=None)
@given(points(special=(np.inf, np.nan)))
def test_infinite_objectives_count_as_worst_and_have_no_distance(objectives):
    worst = np.where(np.isnan(objectives), np.inf, objectives)
    ranks = nondominated_ranks(objectives)
    assert np.array_equal(ranks, naive.ranks(worst))
    crowding = crowding_distances(objectives, ranks)
    assert not np.isnan(crowding).any()
    assert np.all(crowding[np.isinf(worst).all(axis=1)] == 0.0)


@settings(max_examples=200, deadline=None)
@given(points(special=(np.inf, -np.inf, np.nan, -0.0)))
def test_ranks_and_crowding_together_are_those_one_by_one(objectives):
    ranks, crowding = ranks_and_crowding(objectives)
    assert np.array_equal(ranks, nondominated_ranks(objectives))
    assert np.array_equal(crowding, crowding_distances(objectives, ranks))


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**9), st.integers(0, 200), st.sampled_from([1, 5, 1000]), st.sampled_from([1, 2**32, 2**60]))
def test_the_best_of_each_kind_is_the_first_by_size_then_error_then_place(seed, n, n_kinds, factor):
    rng = np.random.default_rng(seed)
    kinds = rng.integers(0, n_kinds, n).astype(np.uint64) * np.uint64(factor)
    objectives = rng.integers(0, 3, (n, 2)).astype(float)
    for value in (np.inf, np.nan, -0.0):
        objectives[rng.random((n, 2)) < 0.1] = value
    best = np.empty(n, bool)
    mark_best_of_each(kinds, objectives, best)
    order = np.lexsort((objectives[:, 0], objectives[:, 1], kinds))
    _, first = np.unique(kinds[order], return_index=True)
    assert np.array_equal(np.flatnonzero(best), np.sort(order[first]))


def test_two_objectives_of_many_points():
    """Against the general kernel, which a third objective that is the same for all calls."""
    rng = np.random.default_rng(0)
    objectives = np.stack([rng.integers(1, 60, 3000), rng.random(3000)], axis=1)
    general = nondominated_ranks(np.c_[objectives, np.zeros(3000)])
    assert np.array_equal(nondominated_ranks(objectives), general)


@settings(max_examples=60, deadline=None)
@given(points(), st.integers(0, 40))
def test_survivors_are_the_best_by_rank_then_crowding_then_index(objectives, count):
    ranks = nondominated_ranks(objectives)
    crowding = crowding_distances(objectives, ranks)
    expected = sorted(range(len(objectives)), key=lambda i: (ranks[i], -crowding[i], i))[:count]
    assert list(survivors(objectives, count)) == expected


def test_age_and_error_keep_the_young():
    """Age-fitness Pareto selection (Schmidt and Lipson 2010) is ranks with age as an objective."""
    errors, ages = np.array([0.1, 0.2, 0.9, 0.5]), np.array([9.0, 9.0, 0.0, 4.0])
    assert set(survivors(np.stack([errors, ages], axis=1), 3)) == {0, 2, 3}


@pytest.mark.parametrize("objectives", [np.zeros((0, 2)), np.zeros((1, 2)), np.full((5, 2), np.inf)])
def test_degenerate_populations(objectives):
    assert np.all(nondominated_ranks(objectives) == 0)
    assert list(survivors(objectives, 10)) == list(range(len(objectives)))
