"""Evaluations by plain functions."""

import math
import os
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import pytest

from evoml.core import Status
from evoml.evaluation.executors.function import FunctionExecutor


def double(number):
    return 2.0 * number


def dying(number):
    os._exit(1)


def finished(executor, count):
    found = {}
    while len(found) < count:
        found.update(executor.completed(30))
    return found


def test_the_oldest_is_evaluated_first_and_nothing_before_it_is_asked_for():
    seen = []
    executor = FunctionExecutor(lambda number: seen.append(number) or 1.0, int)
    for task in (3, 1, 2):
        executor.submit(task, str(task))
    assert seen == []
    assert [executor.completed()[0][0] for _ in range(3)] == [3, 1, 2]
    assert executor.completed() == []


def test_a_number_is_a_score_and_several_have_names():
    executor = FunctionExecutor(lambda number: {"fast": number, "small": -number}, int, ("fast", "small"))
    executor.submit(0, "4")
    evaluation = executor.completed()[0][1]
    assert evaluation.fold_scores == {"fast": (4.0,), "small": (-4.0,)}
    executor = FunctionExecutor(double, int)
    executor.submit(0, "4")
    assert executor.completed()[0][1].fold_scores == {"score": (8.0,)}


@pytest.mark.parametrize(
    ("fitness", "message"),
    [
        (lambda number: 1 / 0, "ZeroDivisionError"),
        (lambda number: math.nan, "must be finite"),
        (lambda number: "much", "ValueError"),
        (lambda number: {"other": 1.0}, "must return score, got other"),
    ],
)
def test_what_is_no_result_is_a_failure(fitness, message):
    executor = FunctionExecutor(fitness, int)
    executor.submit(0, "4")
    evaluation = executor.completed()[0][1]
    assert evaluation.status is Status.INVALID
    assert message in evaluation.error
    assert evaluation.fold_scores == {}


def test_a_pool_gives_the_same():
    with ThreadPoolExecutor(2) as pool:
        executor = FunctionExecutor(double, int, pool=pool, capacity=4)
        assert executor.capacity == 4
        for task in range(10):
            executor.submit(task, str(task))
        found = finished(executor, 10)
    assert {task: one.fold_scores["score"] for task, one in found.items()} == {
        task: (2.0 * task,) for task in range(10)
    }


def test_a_lost_worker_is_a_crash():
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        executor = FunctionExecutor(dying, int, pool=pool)
        executor.submit(0, "1")
        assert finished(executor, 1)[0].status is Status.CRASHED
