"""Fronts, crowding and the Pareto front, against their slow twins and against what must hold for any scores."""

import itertools

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evoml.algorithms import pareto_front
from evoml.algorithms.dominance import crowding_distance, first_front, fronts, ranked
from evoml.core import Candidate, Evaluation, Outcome, Status

values = st.one_of(st.integers(-3, 3).map(float), st.floats(-1e6, 1e6))


@st.composite
def points(draw):
    width = draw(st.integers(1, 4))
    return np.array(draw(st.lists(st.tuples(*[values] * width), min_size=1, max_size=25)))


@settings(deadline=None)
@given(points())
def test_fronts_match_the_naive_twin(scores):
    assert [front.tolist() for front in fronts(scores)] == naive.fronts(scores.tolist())
    assert first_front(scores).tolist() == next(iter(naive.fronts(scores.tolist())), [])


@settings(deadline=None)
@given(points())
def test_crowding_matches_the_naive_twin(scores):
    assert crowding_distance(scores) == pytest.approx(naive.crowding_distance(scores.tolist()), rel=1e-9, abs=1e-12)


@settings(deadline=None)
@given(points())
def test_every_point_stands_in_one_front_that_none_of_it_dominates(scores):
    found = fronts(scores)
    assert sorted(np.concatenate(found).tolist()) == list(range(len(scores)))
    for better, worse in itertools.pairwise(found):
        for point in worse:
            assert any(naive.dominates(scores[other], scores[point]) for other in better)


@settings(deadline=None)
@given(points())
def test_fronts_do_not_depend_on_scale(scores):
    assert [front.tolist() for front in fronts(scores)] == [front.tolist() for front in fronts(scores * 4.0)]


def test_ranked_joins_front_and_crowding():
    rank, crowding = ranked(np.array([[0.0, 2.0], [1.0, 1.0], [2.0, 0.0], [0.0, 0.0]]))
    assert rank.tolist() == [0, 0, 0, 1]
    assert crowding.tolist() == [np.inf, 2.0, np.inf, np.inf]


def test_an_empty_front_has_no_crowding():
    with pytest.raises(ValueError, match="needs at least one point, got an empty front"):
        crowding_distance(np.empty((0, 2)))
    assert fronts(np.empty((0, 2))) == []


@st.composite
def outcomes(draw):
    found = []
    for index in range(draw(st.integers(0, 15))):
        ok = draw(st.booleans())
        scores = (float(draw(st.integers(0, 4))), float(draw(st.integers(0, 4))))
        candidate = Candidate(index, "g", str(draw(st.integers(0, 8))))
        status = Status.OK if ok else Status.TIMEOUT
        found.append(Outcome(candidate, Evaluation(status), scores if ok else ()))
    return found


@settings(deadline=None)
@given(outcomes())
def test_the_pareto_front_is_what_nothing_dominates_one_for_each_place_and_meaning(told):
    first_of_key = {outcome.candidate.key: outcome for outcome in reversed(told) if outcome.ok}
    pool = sorted(first_of_key.values(), key=lambda outcome: outcome.candidate.id)
    best = [o for o in pool if not any(naive.dominates(other.scores, o.scores) for other in pool)]
    first_at_place = {outcome.scores: outcome for outcome in reversed(best)}
    expected = sorted(first_at_place.values(), key=lambda outcome: -outcome.scores[0])
    assert pareto_front(told) == expected
