"""What sets the algorithms apart: barriers, survivors, ageing, credit, and being better than chance."""

import numpy as np
import pytest
from contracts.fake_space import DigitSpace, told
from hypothesis import given, settings
from hypothesis import strategies as st

from evoml.algorithms import (
    NSGA2,
    Credit,
    EpsilonLexicase,
    RandomSearch,
    RegularisedEvolution,
    is_improvement,
    operator_probabilities,
)
from evoml.algorithms.base import LEAST_SHARE, choose_operator
from evoml.algorithms.schemes import NSGA2 as Scheme
from evoml.core import Candidate, Evaluation, Outcome, Status, stream


def search(algorithm, evaluations):
    """Return all states and outcomes of a run that asks and tells one at a time."""
    state, states, outcomes = algorithm.start(), [], []
    while len(outcomes) < evaluations:
        state, candidates = algorithm.ask(state, 1)
        outcomes += [told(candidate) for candidate in candidates]
        state = algorithm.tell(state, outcomes[-len(candidates) :])
        states.append(state)
    return states, outcomes


def best(outcomes):
    return max(outcome.scores[0] for outcome in outcomes)


def survive(individuals, places):
    """Return who survives of a first generation of NSGA-II."""
    algorithm = NSGA2(DigitSpace(), 1, population_size=places, scheme=Scheme())
    return algorithm._survivors(algorithm.start(), individuals)


def scored(index, *scores, key=None):
    return Outcome(Candidate(index, index, key or str(index)), Evaluation(Status.OK), tuple(map(float, scores)))


# -- NSGA-II ----------------------------------------------------------------------------------------------------------


def test_a_generation_of_nsga2_is_a_barrier():
    algorithm = NSGA2(DigitSpace(), 1, population_size=5)
    state, first = algorithm.ask(algorithm.start(), 3)
    state, second = algorithm.ask(state, 10)
    assert len(first) + len(second) == 5
    assert algorithm.ask(state, 10) == (state, [])
    for number, candidate in enumerate(first + second, start=1):
        state = algorithm.tell(state, [told(candidate)])
        assert (state.generation, len(algorithm.ask(state, 10)[1])) == ((1, 5) if number == 5 else (0, 0))


def test_nsga2_never_loses_the_best_of_any_objective():
    states, outcomes = search(NSGA2(DigitSpace(), 3, population_size=10), 200)
    for generation in range(1, 20):
        survivors = states[10 * generation - 1].population
        for objective in (0, 1):
            known = max(outcome.scores[objective] for outcome in outcomes[: 10 * generation])
            assert max(outcome.scores[objective] for outcome in survivors) == known


def test_survivors_are_distinct_and_as_many_as_there_are_places():
    states, _ = search(NSGA2(DigitSpace(2), 3, population_size=10), 200)
    for state in states:
        keys = [outcome.candidate.key for outcome in state.population]
        assert len(set(keys)) == len(keys) <= 10
    assert len(states[-1].population) == 10


def test_survivors_are_the_first_fronts_then_the_least_crowded():
    front = [scored(i, i, 10 - i) for i in (0, 1, 5, 9, 10)]
    worse = [scored(20, 0, 0), scored(21, 1, 1)]
    ids = {outcome.candidate.id for outcome in survive((*worse, *front), 4)}
    assert ids == {0, 10, 5, 1} or ids == {0, 10, 5, 9}
    assert {outcome.candidate.id for outcome in survive((*worse, *front), 6)} == {0, 1, 5, 9, 10, 21}


def test_of_equal_keys_the_older_survives():
    old, new = scored(1, 1, 1, key="same"), scored(2, 1, 1, key="same")
    assert survive((old, new), 5) == (old,)
    assert survive((), 5) == ()


# -- regularised evolution --------------------------------------------------------------------------------------------


def test_the_oldest_dies_whatever_its_worth():
    algorithm = RegularisedEvolution(DigitSpace(), 1, population_size=5, tournament_size=2)
    states, outcomes = search(algorithm, 60)
    for number, state in enumerate(states, start=1):
        assert state.population == tuple(outcomes[:number][-5:])
        assert state.generation == number // 5


def test_what_failed_takes_no_place():
    algorithm = RegularisedEvolution(DigitSpace(), 1, population_size=3, tournament_size=2)
    state, candidates = algorithm.ask(algorithm.start(), 3)
    state = algorithm.tell(state, [told(candidates[0]), told(candidates[1], fails=True), told(candidates[2])])
    assert [outcome.candidate.id for outcome in state.population] == [0, 2]


def test_tournaments_prefer_the_better():
    population = [scored(i, i, 0) for i in range(20)]

    def mean(size):
        algorithm = RegularisedEvolution(DigitSpace(), 1, population_size=20, tournament_size=size)
        winners = algorithm._select(population, 2000, stream(5))
        return np.mean([winner.scores[0] for winner in winners])

    assert mean(1) == pytest.approx(9.5, abs=0.6)
    assert mean(2) == pytest.approx(12.8, abs=0.6)
    assert mean(1000) > 18


def test_without_a_barrier_questions_never_wait():
    algorithm = RegularisedEvolution(DigitSpace(), 1, population_size=4, tournament_size=2)
    state, candidates = algorithm.ask(algorithm.start(), 30)
    assert len(candidates) == 30
    state = algorithm.tell(state, [told(candidates[17])])
    _, more = algorithm.ask(state, 5)
    assert {candidate.parents for candidate in more} <= {(17,), (17, 17)}


# -- credit -----------------------------------------------------------------------------------------------------------

credits_ = st.dictionaries(
    st.text(min_size=1, max_size=3),
    st.tuples(st.floats(0, 200), st.floats(0, 1)).map(lambda pair: Credit(pair[0], pair[0] * pair[1])),
    min_size=1,
    max_size=10,
)


def test_very_many_operators_have_chances_too():
    credit = {str(number): Credit() for number in range(30)} | {"good": Credit(10.0, 10.0)}
    probabilities = operator_probabilities(credit)
    assert sum(probabilities.values()) == pytest.approx(1.0)
    assert min(probabilities.values()) > 0.0
    assert max(probabilities, key=probabilities.__getitem__) == "good"


@settings(deadline=None)
@given(credits_)
def test_probabilities_sum_to_one_and_leave_everyone_a_share(credit):
    probabilities = operator_probabilities(credit)
    assert sum(probabilities.values()) == pytest.approx(1.0)
    assert all(probability >= LEAST_SHARE for probability in probabilities.values())
    for one in credit:
        for other in credit:
            if credit[one].success > credit[other].success:
                assert probabilities[one] >= probabilities[other]


def test_the_operator_that_wins_is_chosen_more_often():
    credit = {"good": Credit(), "bad": Credit()}
    for _ in range(50):
        credit = {"good": credit["good"].told(True), "bad": credit["bad"].told(False)}
    rng = stream(1)
    chosen = [choose_operator(credit, rng) for _ in range(500)]
    assert chosen.count("good") > 400
    assert chosen.count("bad") >= 0.5 * LEAST_SHARE * 500


def test_old_successes_fade():
    credit = Credit()
    for _ in range(100):
        credit = credit.told(True)
    for _ in range(2000):
        credit = credit.told(False)
    assert credit.success < 0.01


def test_credit_goes_to_the_operator_that_made_a_better_offspring():
    class Helpful(DigitSpace):
        def mutate(self, parent, rng):
            digits = sorted(parent)
            return "".join([*digits[1:], str(min(9, int(digits[0]) + 1))])

        def cross(self, first, second, rng):
            return "0" * self.length

    states, _ = search(NSGA2(Helpful(30), 1, population_size=10), 200)
    probabilities = operator_probabilities(states[-1].credit)
    assert probabilities["mutate"] > 0.8
    assert probabilities["cross"] >= LEAST_SHARE


@pytest.mark.parametrize(
    ("scores", "bar", "duplicate_of", "better"),
    [
        ((2, 0), (1, 1), None, True),
        ((1, 2), (1, 1), None, True),
        ((1, 1), (1, 1), None, False),
        ((1, 0), (1, 1), None, False),
        ((0, 9), (1, 1), None, False),
        ((2, 0), (), None, False),
        ((2, 2), (1, 1), 7, False),
        ((), (1, 1), None, False),
    ],
)
def test_what_counts_as_an_improvement(scores, bar, duplicate_of, better):
    status = Status.OK if scores else Status.TIMEOUT
    outcome = Outcome(Candidate(9, "g", "k", parent_scores=bar), Evaluation(status), scores, duplicate_of)
    assert is_improvement(outcome) is better


# -- functional equivalence -------------------------------------------------------------------------------------------


def meaning(id_, semantics, *scores):
    return Outcome(Candidate(id_, "g", f"key {id_}"), Evaluation(Status.OK, semantics=semantics), scores)


def test_of_those_that_predict_the_same_the_simplest_survives_and_of_these_the_oldest():
    same = [meaning(id_, "same", 0.5, -complexity) for id_, complexity in enumerate([5, 3, 4, 3])]
    other, unknown = meaning(7, "other", 0.5, -3), [meaning(8, "", 0.5, -3), meaning(9, "", 0.5, -3)]
    for order in (same, same[::-1]):
        survivors = survive([*order, other, *unknown], 10)
        assert {outcome.candidate.id for outcome in survivors} == {1, 7, 8, 9}


# -- better than chance -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("evolution", [NSGA2, RegularisedEvolution])
def test_evolution_beats_random_search_with_equal_evaluations(evolution):
    settings = {"population_size": 20}
    evolved = [best(search(evolution(DigitSpace(12), seed, **settings), 300)[1]) for seed in range(10)]
    drawn = [best(search(RandomSearch(DigitSpace(12), seed, **settings), 300)[1]) for seed in range(10)]
    assert sum(mine > its for mine, its in zip(evolved, drawn, strict=True)) >= 9
    assert np.mean(evolved) > np.mean(drawn) + 5


def test_random_search_learns_nothing():
    states, outcomes = search(RandomSearch(DigitSpace(), 1, population_size=5), 50)
    assert all(not state.population for state in states)
    assert all(outcome.candidate.operator == "initial" for outcome in outcomes)
    assert states[-1].generation == 10


def test_another_island_draws_something_else():
    keys = [
        [outcome.candidate.key for outcome in search(NSGA2(DigitSpace(), 1, 5, island=island), 20)[1]]
        for island in (0, 0, 1)
    ]
    assert keys[0] == keys[1] != keys[2]


# -- epsilon-lexicase ---------------------------------------------------------------------------------------------------


def test_lexicase_chooses_specialists_however_poor_they_are_on_average():
    def judged(index, cases):
        return Outcome(
            Candidate(index, "g", str(index)), Evaluation(Status.OK, cases=np.float16(cases)), (-sum(cases),)
        )

    specialists = [judged(0, [0.0, 9, 9]), judged(1, [9, 0.0, 9]), judged(2, [9, 9, 0.0])]
    population = [*specialists, *(judged(3 + at, [4, 4, 4]) for at in range(20))]
    algorithm = EpsilonLexicase(DigitSpace(), 1)
    chosen = algorithm._select(population, 300, stream(1))
    assert {one.candidate.id for one in chosen} == {0, 1, 2}


@pytest.mark.parametrize("known", [{"fold_scores": {"f1": (1.0, 0.0)}}, {}])
def test_where_no_rows_are_told_of_folds_or_objectives_are_the_cases(known):
    def judged(index, first, second):
        folds = {"f1": (first, second)} if known else {}
        return Outcome(Candidate(index, "g", str(index)), Evaluation(Status.OK, folds), (first, second))

    population = [judged(0, 1.0, 0.0), judged(1, 0.0, 1.0), *(judged(2 + at, 0.6, 0.6) for at in range(9))]
    chosen = EpsilonLexicase(DigitSpace(), 1)._select(population, 100, stream(1))
    assert {one.candidate.id for one in chosen} == {0, 1}
