"""Between loop and executor: no meaning evaluated twice, and an order where order matters."""

import random
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from evoml.core.candidate import Candidate, Cost, Evaluation, Outcome, Status
from evoml.evaluation import Evaluator
from evoml.evaluation.evaluator import packed, unpacked

OK = Evaluation(Status.OK, {"m": (0.5,)}, Cost(wall=3.0, fit=2.0))
FAILED = Evaluation(Status.CRASHED, error="gone")


class FakeExecutor:
    """Hands evaluations back when told to, in the order it is told."""

    capacity = 4

    def __init__(self):
        self.submitted, self.ready, self.closed = [], [], False

    def submit(self, task, text, bars=()):
        self.submitted.append(task)

    def finish(self, task, evaluation=OK):
        self.ready.append((task, evaluation))

    def completed(self, timeout=None):
        found, self.ready = self.ready, []
        return found

    def close(self):
        self.closed = True


def candidate(index, key=None):
    return Candidate(index, f"genome {index}", key or f"key {index}")


@pytest.fixture
def fake():
    return FakeExecutor()


def evaluator(fake, **settings):
    return Evaluator(fake, {"m": lambda c, e: e.fold_scores["m"][0], "id": lambda c, e: -c.id}, **settings)


def told(outcomes):
    return [outcome.candidate.id for outcome in outcomes]


def test_outcomes_hold_a_score_for_each_objective(fake):
    made = evaluator(fake)
    made.submit([candidate(3)])
    fake.finish(3)
    assert made.completed() == [Outcome(candidate(3), OK, (0.5, -3))]


def test_a_failure_has_no_scores(fake):
    made = evaluator(fake)
    made.submit([candidate(0)])
    fake.finish(0, FAILED)
    assert made.completed() == [Outcome(candidate(0), FAILED)]


def test_exact_duplicates_run_once_and_cost_nothing(fake):
    made = evaluator(fake)
    made.submit([candidate(0, "same"), candidate(1, "same"), candidate(2)])
    assert fake.submitted == [0, 2]
    fake.finish(0)
    first, second = made.completed()
    assert (first.duplicate_of, second.duplicate_of) == (None, 0)
    assert (second.scores, second.evaluation.cost) == ((0.5, -1), Cost())
    made.submit([candidate(3, "same")])
    assert fake.submitted == [0, 2]
    assert [outcome.duplicate_of for outcome in made.completed()] == [0]


def test_a_duplicate_is_judged_by_what_the_first_one_cost(fake):
    made = Evaluator(fake, {"fit_time": lambda c, e: -e.cost.fit})
    made.submit([candidate(0, "same"), candidate(1, "same")])
    fake.finish(0)
    assert [(o.scores, o.evaluation.cost.fit) for o in made.completed()] == [((-2.0,), 2.0), ((-2.0,), 0.0)]
    resumed = Evaluator(fake, made.objectives)
    resumed.remember([Outcome(candidate(0, "same"), OK, (-2.0,))])
    resumed.submit([candidate(2, "same")])
    assert [(o.scores, o.evaluation.cost) for o in resumed.completed()] == [((-2.0,), Cost())]


def test_a_duplicate_of_a_failure_fails_alike(fake):
    made = evaluator(fake)
    made.submit([candidate(0, "same"), candidate(1, "same")])
    fake.finish(0, FAILED)
    assert [(o.status, o.evaluation.error) for o in made.completed()] == [(Status.CRASHED, "gone")] * 2


def test_a_duplicate_of_a_pruned_candidate_is_pruned_alike_whatever_its_own_bars(fake):
    made = evaluator(fake)
    pruned = Evaluation(Status.PRUNED, {"m": (0.1,)}, rungs=(0.2,))
    made.submit([candidate(0, "same")])
    fake.finish(0, pruned)
    (first,) = made.completed()
    made.submit([replace(candidate(1, "same"), bars=(-1.0, -1.0))])
    (second,) = made.completed()
    assert (first.status, second.status, second.duplicate_of) == (Status.PRUNED, Status.PRUNED, 0)
    assert (first.scores, second.scores) == ((), ())
    assert fake.submitted == [0]


def test_without_look_ahead_outcomes_are_told_as_they_arrive(fake):
    made = evaluator(fake)
    made.submit([candidate(i) for i in range(3)])
    fake.finish(2)
    assert told(made.completed()) == [2]
    fake.finish(0)
    fake.finish(1)
    assert told(made.completed()) == [0, 1]
    assert made.pending == 0


@pytest.mark.parametrize("seed", range(5))
def test_look_ahead_tells_one_by_one_in_the_order_of_asking_whatever_the_order_of_completion(fake, seed):
    made, rng = evaluator(fake, look_ahead=10), random.Random(seed)
    keys = [rng.randrange(12) for _ in range(20)]
    order, running, waiting = [], [], [candidate(i, f"key {keys[i]}") for i in range(20)]
    while len(order) < 20:
        batch, waiting = waiting[: made.free_slots()], waiting[made.free_slots() :]
        before = len(fake.submitted)
        made.submit(batch)
        running += fake.submitted[before:]
        if running:
            fake.finish(running.pop(rng.randrange(len(running))))
        found = made.completed(0)
        assert len(found) <= 1
        order += told(found)
    assert order == list(range(20))
    assert len(fake.submitted) == len(set(keys))


def test_free_slots_are_the_executors_capacity_less_what_is_under_way(fake):
    made = evaluator(fake)
    assert made.free_slots() == 4
    made.submit([candidate(0), candidate(1)])
    assert made.free_slots() == 2
    fake.finish(1)
    made.completed()
    assert made.free_slots() == 3


@pytest.mark.parametrize(("count", "ahead"), [(0, 8), (1, 8), (2, 9), (20, 18), (48, 32), (200, 32)])
def test_free_slots_grow_with_what_was_told_up_to_the_look_ahead_whatever_the_capacity(fake, count, ahead):
    made = evaluator(fake, look_ahead=32)
    for index in range(count):
        made.submit([candidate(index)])
        fake.finish(index)
        made.completed()
    assert made.free_slots() == ahead
    resumed = evaluator(fake, look_ahead=32)
    resumed.remember([Outcome(candidate(index), OK, (0.5, -index)) for index in range(count)])
    assert resumed.free_slots() == ahead
    assert evaluator(fake, look_ahead=4).free_slots() == 4


def test_no_more_than_max_evaluations_are_begun_and_duplicates_do_not_count(fake):
    made = evaluator(fake, max_evaluations=3)
    made.submit([candidate(0), candidate(1, "key 0"), candidate(2)])
    assert (made.begun, made.free_slots()) == (2, 1)
    made.submit([candidate(3)])
    assert (made.begun, made.free_slots()) == (3, 0)
    for task in (0, 2, 3):
        fake.finish(task)
    made.completed()
    assert made.free_slots() == 0


def test_what_was_told_in_an_earlier_sitting_is_not_evaluated_again(fake):
    made = evaluator(fake, max_evaluations=3)
    duplicate = Outcome(candidate(1, "key 0"), OK, (0.5, -1), duplicate_of=0)
    made.remember([Outcome(candidate(0), OK, (0.5, 0)), duplicate, Outcome(candidate(2), FAILED)])
    assert (made.begun, made.pending, made.free_slots()) == (2, 0, 1)
    made.submit([candidate(3, "key 0"), candidate(4, "key 2"), candidate(5)])
    assert fake.submitted == [5]
    assert [(o.candidate.id, o.duplicate_of) for o in made.completed()] == [(3, 0), (4, 2)]


def test_an_evaluation_comes_out_as_it_was_packed():
    cost = Cost(*(index + 1 / 3 for index in range(11)))
    scores = {"f1": (1 / 3, 0.5, -np.inf), "r2": (0.1, 0.2, 0.3)}
    whole = Evaluation(Status.PRUNED, scores, cost, "an error", (0.25, 1 / 7), "meaning", np.ones((3, 1)), (1, 2))
    assert unpacked(packed(whole)) == whole
    assert unpacked(packed(whole)).predictions is None
    assert unpacked(packed(Evaluation(Status.VETOED))) == Evaluation(Status.VETOED)


def test_what_is_kept_of_an_evaluation_is_small(fake):
    made = evaluator(fake)
    folds = np.random.default_rng(0).random((1000, 5)).tolist()
    tracemalloc.start()
    for index, values in enumerate(folds):
        made.submit([candidate(index)])
        costs = [index * 1e-3 + cost * 1e-5 for cost in range(11)]
        evaluation = Evaluation(Status.OK, {"m": tuple(values)}, Cost(*costs), semantics=f"{index:024d}")
        fake.finish(index, evaluation)
        made.completed()
    fake.submitted.clear()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held / 1000 < 700


def test_closing_closes_the_executor(fake):
    evaluator(fake).close()
    assert fake.closed
