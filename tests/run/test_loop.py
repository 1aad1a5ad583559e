"""Progress: the same outcomes always give the same."""

import math

import pytest

from evoml.algorithms import State
from evoml.core.budget import Progress
from evoml.core.candidate import Candidate, Cost, Evaluation, Outcome, Status
from evoml.journal import Journal
from evoml.run.loop import Tracker, rank, record_generation


def outcome(index, *scores, duplicate_of=None, fit=1.0):
    status = Status.OK if scores else Status.TIMEOUT
    return Outcome(Candidate(index, "g", f"k{index}"), Evaluation(status, cost=Cost(fit=fit)), scores, duplicate_of)


def tracker(population_size=2, **settings):
    return Tracker(lambda: 7.0, population_size, **settings)


def test_nothing_told_is_no_progress():
    progress = tracker().progress()
    assert (progress.elapsed, progress.evaluations, progress.best_score, progress.stalled) == (7.0, 0, -math.inf, 0)


def test_duplicates_count_as_asked_but_not_as_evaluated():
    made = tracker()
    made.told(outcome(0, 0.5), 0)
    progress = made.told(outcome(1, 0.5, duplicate_of=0), 0)
    assert (progress.asked, progress.evaluations) == (2, 1)


def test_the_best_is_kept_and_failures_never_are():
    made = tracker()
    for told in (outcome(0, 0.5, -3), outcome(1), outcome(2, 0.7, -9), outcome(3, 0.7, -4), outcome(4, 0.7, -4)):
        progress = made.told(told, 0)
    assert made.best.candidate.id == 3
    assert progress.best_score == 0.7


def test_stalling_is_counted_in_populations_since_the_score_last_rose():
    made = tracker(population_size=2)
    stalled = [made.told(outcome(i, score), 0).stalled for i, score in enumerate([0.5, 0.5, 0.4, 0.5, 0.6, 0.1, 0.1])]
    assert stalled == [0, 0, 1, 1, 0, 0, 1]


def test_the_reserve_is_that_of_the_best():
    made = tracker(reserve=lambda best: 5.0 if best is None else 10 * best.evaluation.cost.fit)
    assert made.reserve == 5.0
    made.told(outcome(0, 0.5, fit=2.0), 0)
    made.told(outcome(1, 0.4, fit=9.0), 0)
    assert made.reserve == 20.0


def test_cpu_seconds_are_those_of_evaluations_and_of_the_search_itself():
    made = tracker(cpu=lambda: 0.5)
    costly = Evaluation(Status.TIMEOUT, cost=Cost(cpu=2.0))
    assert made.told(Outcome(Candidate(0, "g", "k0"), costly), 0).cpu == 2.5
    made.go_on(cpu=3.0, here=False)
    assert made.progress().cpu == 3.5
    made.go_on(cpu=1.0, here=True)
    assert made.told(Outcome(Candidate(1, "g", "k1"), costly), 0).cpu == 3.5


def test_what_was_refused_is_told_but_no_evaluation():
    made = tracker()
    progress = made.told(Outcome(Candidate(0, "g", "k0"), Evaluation(Status.VETOED)), 0)
    assert (progress.asked, progress.evaluations) == (1, 0)


@pytest.mark.parametrize("population_size", [1, 5])
def test_many_duplicates_in_a_row_mean_that_the_space_is_searched_through(population_size):
    made, rules = tracker(population_size), {"budget": lambda progress: False}
    made.told(outcome(0, 0.5), 0)
    for index in range(1, 20 * population_size + 1):
        made.told(outcome(index, 0.5, duplicate_of=0), 0)
        assert made.reason(rules) == ""
    made.told(outcome(999, 0.5, duplicate_of=0), 0)
    assert made.reason(rules) == "exhausted"


def test_the_first_rule_that_says_stop_gives_the_reason():
    rules = {"budget": lambda p: False, "early_stop": lambda p: True, "other": lambda p: True}
    assert tracker().reason(rules) == "early_stop"


def test_equal_scores_are_ranked_by_age():
    assert sorted([outcome(2, 0.5, -1), outcome(1, 0.5, -1), outcome(3, 0.5, 0), outcome(9, 0.6, -9)], key=rank) == [
        outcome(9, 0.6, -9),
        outcome(3, 0.5, 0),
        outcome(1, 0.5, -1),
        outcome(2, 0.5, -1),
    ]


def test_the_population_of_each_generation_is_recorded():
    members = (outcome(3, 0.5), outcome(1, 0.4))
    with Journal.create(None, {}) as journal:
        record_generation(journal, Progress(generation=2, evaluations=4, best_score=0.5), State(population=members))
        assert journal.progress()["population"].tolist() == [[3, 1]]
