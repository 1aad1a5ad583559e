"""Bars are what the formulas say, set only where candidates can be compared; a candidate below one is pruned there."""

import math

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_iris
from test_evaluate import problem_of

from evoml.core.candidate import Candidate, Evaluation, Outcome, Status
from evoml.evaluation import evaluate, objectives
from evoml.evaluation.racing import CONTENDERS, DEVIATIONS, LEAST, SURVIVORS, Racing

FOLDS = 4
NONE = (-math.inf,) * (FOLDS - 1)


class Space:
    """A genome is its own complexity."""

    def complexity(self, genome):
        return genome


def racing(names=("score", "complexity"), metric="f1", rungs=0, population_size=20):
    return Racing(objectives(names, ["f1", "r2"], Space()), metric, FOLDS, rungs, population_size)


def outcome(id_, folds=(0.0,) * FOLDS, complexity=5, rungs=(), status=Status.OK, duplicate_of=None):
    evaluation = Evaluation(status, {"f1": tuple(folds)}, rungs=tuple(rungs))
    scores = (float(np.mean(folds)), -float(complexity)) if status is Status.OK else ()
    return Outcome(Candidate(id_, complexity, f"key {id_}"), evaluation, scores, duplicate_of)


def rivals(rng, count, **rest):
    return [outcome(id_, rng.normal(0.7, 0.1, size=FOLDS), **rest) for id_ in range(count)]


def asked(complexity=5):
    return Candidate(1000, complexity, "key")


# -- folds ---------------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.integers(3, 30), st.sampled_from([1, 20, 60, 300]))
def test_bars_of_folds_match_the_naive_ones(seed, count, population_size):
    known = rivals(np.random.default_rng(seed), count)
    place = max(2, round(SURVIVORS * population_size))
    found = racing(population_size=population_size).bars(asked(), known)
    if count < max(LEAST, place):
        assert found == NONE
    else:
        best_first = sorted(known, key=lambda one: (-one.scores[0], one.candidate.id))
        contenders = best_first[: max(LEAST, place, round(CONTENDERS * population_size))]
        expected = naive.fold_bars([one.evaluation.fold_scores["f1"] for one in contenders], place, DEVIATIONS)
        assert found == pytest.approx(expected)


def test_the_order_of_rivals_does_not_matter():
    known = rivals(np.random.default_rng(0), 12)
    assert racing().bars(asked(), known) == racing().bars(asked(), known[::-1])


def test_poor_rivals_do_not_blur_the_race():
    rng = np.random.default_rng(0)
    good = rivals(rng, LEAST)
    poor = [outcome(id_, rng.uniform(-9.0, 0.0, size=FOLDS)) for id_ in range(100, 140)]
    assert racing().bars(asked(), good + poor) == racing().bars(asked(), good) > NONE


def test_where_all_are_equal_the_bar_is_what_they_reached():
    known = [outcome(id_, (0.5, 0.75, 0.25, 1.0)) for id_ in range(6)]
    assert racing().bars(asked(), known) == (0.5, 0.625, 0.5)


@pytest.mark.parametrize("count", [0, 1, LEAST - 1])
def test_few_rivals_set_no_bar(count):
    assert racing().bars(asked(), rivals(np.random.default_rng(0), count)) == NONE


def test_a_simple_candidate_is_compared_only_with_ones_as_simple():
    rng = np.random.default_rng(0)
    simple, difficult = rivals(rng, LEAST - 1, complexity=3), rivals(rng, 10, complexity=8)
    made = racing()
    assert made.bars(asked(complexity=3), simple + difficult) == NONE
    assert made.bars(asked(complexity=8), simple + difficult) > NONE
    as_simple = [*simple, outcome(99, (0.5,) * FOLDS, complexity=2)]
    assert made.bars(asked(3), as_simple + difficult) == made.bars(asked(3), as_simple) > NONE


def test_rivals_without_scores_do_not_count():
    known = rivals(np.random.default_rng(0), LEAST - 1)
    assert racing().bars(asked(), [*known, outcome(9, (), status=Status.PRUNED)]) == NONE


@pytest.mark.parametrize("names", [("score", "fit_time"), ("score", "complexity", "size"), ("score", "r2"), ("r2",)])
def test_no_bars_where_it_cannot_be_known_in_advance_who_survives(names):
    made = racing(names, rungs=2)
    made.told(outcome(0, rungs=(0.5,)))
    assert made.bars(asked(), []) == ()


@pytest.mark.parametrize("names", [("score",), ("f1",), ("score", "complexity")])
def test_bars_for_the_metric_that_workers_see_alone_or_with_the_complexity(names):
    known = [outcome(id_, (0.5,) * FOLDS) for id_ in range(LEAST)]
    known = [Outcome(one.candidate, one.evaluation, one.scores[: len(names)]) for one in known]
    assert racing(names).bars(asked(), known) == (0.5,) * (FOLDS - 1)


# -- rungs ---------------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(-5, 5), max_size=20))
def test_bars_of_rungs_match_the_naive_ones(values):
    made = racing(rungs=1)
    for id_, value in enumerate(values):
        made.told(outcome(id_, rungs=(value,)))
    expected = naive.best_third(values) if len(values) >= LEAST else -math.inf
    assert made.bars(asked(), []) == pytest.approx((expected, *NONE))


def test_each_rung_has_the_bar_of_those_that_came_that_far_whatever_became_of_them():
    made = racing(rungs=2)
    for id_ in range(9):
        made.told(outcome(id_, rungs=(id_ / 8,), status=Status.PRUNED))
    for id_ in range(9, 14):
        made.told(outcome(id_, rungs=(1.0, 0.3)))
    made.told(outcome(20, rungs=(9.0, 9.0), duplicate_of=9))  # was told before
    made.told(outcome(21, status=Status.CRASHED))
    assert made.bars(asked(), []) == pytest.approx((1.0, 0.3, *NONE))


def test_on_rungs_too_a_simple_candidate_is_compared_with_ones_as_simple():
    made = racing(rungs=1)
    for id_ in range(10):
        made.told(outcome(id_, complexity=8, rungs=(0.9,)))
    assert made.bars(asked(3), []) == (-math.inf, *NONE)
    for id_ in range(10, 15):
        made.told(outcome(id_, complexity=2, rungs=(0.4,)))
    assert made.bars(asked(3), []) == (0.4, *NONE)


# -- a worker ------------------------------------------------------------------------------------------------------------

X, Y = load_iris(return_X_y=True)
TEXT = "GaussianNB(features)"
LOW, HIGH = -math.inf, 2.0


@pytest.fixture(scope="module")
def problem():
    rng = np.random.default_rng(0)
    rows = rng.integers(len(X), size=9000)
    noisy = X[rows] + rng.normal(size=(9000, 4))
    return problem_of(noisy, Y[rows], "classification", ["accuracy", "f1_macro"], rungs=(1 / 16, 1 / 4))


@pytest.fixture(scope="module")
def whole(problem):
    found = evaluate(problem, TEXT, bars=(LOW,) * 4)
    assert found.status is Status.OK
    return found


def test_without_bars_there_are_no_rungs(problem, whole):
    found = evaluate(problem, TEXT)
    assert found.rungs == ()
    assert (found.fold_scores, found.semantics) == (whole.fold_scores, whole.semantics)
    assert len(whole.rungs) == 2


@pytest.mark.parametrize("stage", range(4))
def test_it_is_pruned_at_the_bar_it_does_not_reach_with_all_it_reached_so_far(problem, whole, stage):
    bars = tuple(HIGH if at == stage else LOW for at in range(4))
    found = evaluate(problem, TEXT, bars=bars)
    folds = max(0, stage - 1)
    assert (found.status, found.error) == (Status.PRUNED, "")
    assert found.rungs == whole.rungs[: stage + 1]
    assert found.fold_scores == {name: values[:folds] for name, values in whole.fold_scores.items() if folds}
    assert (found.predictions, found.semantics) == (None, "")
    assert found.cost.wall > 0


def test_what_reaches_each_bar_exactly_goes_on(problem, whole):
    values = whole.fold_scores["accuracy"]
    bars = (*whole.rungs, *(float(np.mean(values[:seen])) for seen in (1, 2)))
    assert evaluate(problem, TEXT, bars=bars).fold_scores == whole.fold_scores
    for stage in range(4):
        above = tuple(math.nextafter(bar, math.inf) if at == stage else bar for at, bar in enumerate(bars))
        assert evaluate(problem, TEXT, bars=above).status is Status.PRUNED


def test_after_the_last_fold_nothing_is_pruned():
    problem = problem_of(X, Y, "classification", cv=[(np.arange(0, 150, 2), np.arange(1, 150, 2))])
    assert evaluate(problem, TEXT, bars=(HIGH,)).status is Status.OK


def test_a_race_on_a_rare_class_is_lost_by_nobody_for_want_of_its_rows():
    """Five rows of a class: a metric that wants all classes must not fail on a rung."""
    rng = np.random.default_rng(0)
    features, labels = rng.normal(size=(6600, 3)), np.arange(6600) % 2
    labels[rng.choice(6600, size=6, replace=False)] = 2
    for scoring in ("roc_auc_ovr", "neg_log_loss"):
        problem = problem_of(features, labels, "classification", scoring, rungs=(1 / 4,))
        found = evaluate(problem, TEXT, bars=(LOW,) * 3)
        assert (found.status, found.error) == (Status.OK, "")
