"""Budgets and stop rules: what is refused, in which words, and when a run is over."""

import math
from decimal import Decimal

import numpy as np
import pytest

from evoml.core import Budget, BudgetError, Progress, any_of, spent, stalled_for
from evoml.core.budget import check_positive


def test_a_budget_needs_a_bound():
    with pytest.raises(
        BudgetError, match="at least one bound: evaluations, generations, seconds or CPU seconds; none was"
    ):
        Budget()


@pytest.mark.parametrize("name", ["evaluations", "generations", "seconds", "cpu_seconds"])
@pytest.mark.parametrize("value", [0, -1, -0.0])
def test_nothing_below_one_is_a_bound(name, value):
    said = name.replace("cpu_", "CPU ")
    with pytest.raises(BudgetError, match=rf"budget of {said} must be greater than zero, got {value!r}; leave it out"):
        Budget(**{name: value})


@pytest.mark.parametrize("value", ["5", True, math.nan, math.inf, 1j, [], np.array([1, 2])])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(BudgetError, match="the budget of seconds must be a positive number or None, got "):
        Budget(seconds=value)


@pytest.mark.parametrize("value", [1.5, "5", 10**400, math.inf])
def test_counts_are_whole_numbers(value):
    with pytest.raises(BudgetError, match="the budget of evaluations must be a positive whole number or None, got "):
        Budget(evaluations=value)


@pytest.mark.parametrize("value", [None, 3, 3.0, np.int64(3), np.float64(3), Decimal(3)])
def test_any_kind_of_whole_number_will_do(value):
    check_positive(value, "budget", whole=True)


def test_errors_are_value_errors():
    assert issubclass(BudgetError, ValueError)


@pytest.mark.parametrize(
    ("bounds", "ordered"),
    [
        ({"seconds": 1.0}, False),
        ({"cpu_seconds": 1.0, "seconds": 1.0}, False),
        ({"evaluations": 3}, True),
        ({"generations": 3, "seconds": 1.0}, True),
    ],
)
def test_a_run_bounded_by_counts_is_ordered(bounds, ordered):
    assert Budget(**bounds).ordered is ordered


@pytest.mark.parametrize(
    ("bounds", "progress", "over"),
    [
        ({"evaluations": 3}, {"evaluations": 2, "elapsed": 1e9}, False),
        ({"evaluations": 3}, {"evaluations": 3}, True),
        ({"generations": 3}, {"generation": 3}, True),
        ({"seconds": 10.0}, {"elapsed": 7.0, "reserve": 2.0}, False),
        ({"seconds": 10.0}, {"elapsed": 7.0, "reserve": 3.0}, True),
        ({"seconds": 10.0, "evaluations": 3}, {"evaluations": 3}, True),
        ({"cpu_seconds": 10.0}, {"cpu": 7.0, "reserve": 2.0, "elapsed": 1e9}, False),
        ({"cpu_seconds": 10.0}, {"cpu": 7.0, "reserve": 3.0}, True),
        ({"cpu_seconds": 10.0, "seconds": 5.0}, {"elapsed": 5.0}, True),
    ],
)
def test_a_budget_is_spent_at_its_first_bound(bounds, progress, over):
    assert spent(Budget(**bounds))(Progress(**progress)) is over


def test_stalled_for_counts_generations_and_none_never_stops():
    assert stalled_for(2)(Progress(stalled=2))
    assert not stalled_for(2)(Progress(stalled=1))
    assert not stalled_for(None)(Progress(stalled=10**9))
    with pytest.raises(BudgetError, match="early_stop in generations"):
        stalled_for(0)


def test_any_of_stops_with_the_first():
    assert not any_of()(Progress())
    assert any_of(stalled_for(None), stalled_for(1))(Progress(stalled=1))


def test_the_share_used_is_that_of_the_bound_nearest_its_end():
    budget = Budget(evaluations=100, seconds=60.0, cpu_seconds=10.0)
    assert budget.used(Progress(evaluations=10, elapsed=6.0, cpu=5.0)) == 0.5
    assert budget.used(Progress(evaluations=10, elapsed=90.0, cpu=5.0)) == 1.5
    assert Budget(generations=4).used(Progress(generation=1, elapsed=1e9)) == 0.25


def test_a_run_bounded_by_seconds_is_over_two_percent_and_a_second_after_them():
    assert Budget(seconds=100.0).latest == 103.0
    assert Budget(evaluations=1).latest is None


def test_a_budget_is_made_shorter_by_a_share_or_by_seconds():
    assert Budget(seconds=100.0).shorter(0.02, 0.5) == Budget(seconds=98.0)
    assert Budget(seconds=10.0).shorter(0.02, 0.5) == Budget(seconds=9.5)
    assert Budget(seconds=1.0).shorter(0.02, 0.5) == Budget(seconds=0.9)
    assert Budget(evaluations=5).shorter(0.02, 0.5) == Budget(evaluations=5)
