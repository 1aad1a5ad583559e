"""A budget is a promise: the clock starts with the call, what cannot finish is not begun, and the end has its time."""

import re
import time
import warnings
from itertools import count

import numpy as np
import pytest
from failing_parts import WHOLE_TABLE
from small_search import failing_part, run, small_search, small_table

from evoml import EvoClassifier
from evoml.core.budget import Budget, Moment, Progress
from evoml.core.candidate import Candidate, Cost, Evaluation, Outcome, Status, StepTime
from evoml.core.dataset import read_dataset
from evoml.core.errors import FitError
from evoml.journal import Journal
from evoml.run.pace import Pace
from evoml.run.parts import put_together
from evoml.run.refit import final_model
from evoml.run.settings import time_limit

CHEAP = {"only": ["GaussianNB", "StandardScaler"]}
NAIVE, TREE, LOGISTIC = "GaussianNB(features)", "DecisionTreeClassifier(features)", "LogisticRegression(features)"


class Fixture:
    """Parts of a search on a clock that is set by hand."""

    def __init__(self, seconds=10.0, **settings):
        self.now = 0.0
        self.budget = Budget(seconds=seconds)
        self.parts = put_together(small_search(budget=self.budget))
        self.space = self.parts.space
        self.pace = Pace(self.budget, self.parts.problem, self.space, lambda: self.now, **settings)

    def candidate(self, text, index=0):
        tree = self.space.parse(text)
        return Candidate(index, tree, self.space.key(tree))

    def scored(self, text, fit, score=0.5, index=0):
        """Return an outcome whose fits on both folds took ``fit`` seconds together; the pace has learned them."""
        candidate = self.candidate(text, index)
        steps = [StepTime(self.space.plan(candidate.genome).root, 30, 4, fit / 2, 0.0)] * 2
        outcome = Outcome(candidate, Evaluation(Status.OK, cost=Cost(fit=fit), steps=tuple(steps)), (score,))
        self.pace.told(Progress(), outcome)
        return outcome

    def know(self, text, seconds):
        """Let the pace learn, many times over, what evaluating a pipeline takes."""
        for _ in range(40):
            self.scored(text, seconds)

    def final(self, scored, fit):
        return final_model(self.parts.problem, self.space, scored, fit, self.pace)


@pytest.fixture
def made():
    return Fixture()


# -- refusal --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def pauses(made, monkeypatch):
    taken = []

    def sleep(seconds):
        taken.append(seconds)
        made.now += seconds

    monkeypatch.setattr("evoml.run.pace.time.sleep", sleep)
    return taken


def test_what_cannot_finish_is_refused_in_words(made, pauses):
    made.know(TREE, 8.0)
    made.now = 6.0
    assert made.pace.refuse(made.candidate(NAIVE)) == ""
    said = made.pace.refuse(made.candidate(TREE))
    assert re.fullmatch(r"would take about [78]\S* s; 4 s are left", said)


def test_what_might_just_finish_is_begun(made, pauses):
    made.know(TREE, 4.4)
    made.now = 6.0
    assert made.pace.refuse(made.candidate(TREE)) == ""
    unstoppable = Fixture(stoppable=False)
    unstoppable.know(TREE, 4.4)
    unstoppable.now = 6.0
    assert "would take about 4" in unstoppable.pace.refuse(unstoppable.candidate(TREE))


def test_what_would_run_into_its_time_limit_is_refused(made, pauses):
    made.know(TREE, 9.0)
    assert made.pace.refuse(made.candidate(TREE)).endswith("s; 5 s is its limit")


def test_refusals_on_and_on_take_the_time_that_is_left(made, pauses):
    made.know(TREE, 8.0)
    made.now = 5.0
    refused = next(number for number in count() if made.now >= 9.9 or not made.pace.refuse(made.candidate(TREE)))
    assert 10 < refused < 150
    assert made.now <= 10.0


def test_one_refusal_among_others_costs_no_time(made, pauses):
    made.know(TREE, 8.0)
    for _ in range(100):
        assert made.pace.refuse(made.candidate(TREE))
        assert not made.pace.refuse(made.candidate(NAIVE))
    assert sum(pauses) < 0.2


def test_a_run_refuses_at_its_end_what_takes_too_long_and_keeps_its_record_short():
    parts = {**failing_part("Slow"), "only": ["Slow", "Fixed"]}
    parts["Fixed"] = failing_part("Fixed")["Fixed"]
    result = run(budget=Budget(seconds=3.0), parts=parts, cv=4, seed=2)
    refused = result.individuals[result.individuals["status"] == Status.VETOED]
    assert refused["error"].str.match(r"would take about \S+ s; \S+ s (are left|is its limit)").all()
    assert len(refused) < 200
    evaluated = result.individuals[result.individuals["duplicate_of"].isna()]
    assert result.finished.progress.evaluations == (evaluated["status"] == Status.OK).sum()


def test_an_ordered_run_refuses_nothing():
    result = run(budget=Budget(evaluations=2, seconds=60.0), parts=failing_part("Slow"))
    assert Status.VETOED not in set(result.individuals["status"])


# -- the end --------------------------------------------------------------------------------------------------------------


def test_the_reserve_is_what_the_refit_of_the_best_will_take(made):
    made.know(TREE, 2.0)
    assert made.pace.reserve(made.scored(TREE, 2.0)) == pytest.approx(2.0, rel=0.15)  # a second on half of the rows
    assert made.pace.reserve(None) < 0.1


def test_the_reserve_is_greater_where_a_long_refit_could_come_too_late():
    short, long = Fixture(), Fixture(300.0)
    assert short.pace.reserve(short.scored(TREE, 0.2)) == pytest.approx(0.2, rel=0.15)
    assert long.pace.reserve(long.scored(TREE, 80.0)) > 85


def test_what_comes_after_the_refit_is_rehearsed_and_kept_time_for():
    made = Fixture(rehearse=lambda: time.sleep(0.02))
    for index in range(20):
        made.scored(NAIVE, 1e-3, index=index)
    assert 0.02 < made.pace.tail < 0.1
    assert made.pace.reserve(None) >= made.pace.tail
    assert made.pace.time_to_fit() == pytest.approx(11.2 - made.pace.tail - made.pace.start)


def test_the_best_that_can_be_fitted_in_time_becomes_the_model(made):
    scored = [made.scored(TREE, 9.0, 0.9), made.scored(LOGISTIC, 2.0, 0.8, 1), made.scored(NAIVE, 0.01, 0.7, 2)]
    made.now, fitted = 7.5, []
    found = made.final(scored, lambda text, seconds: fitted.append((text, seconds)) or "fitted")
    assert (found.pipeline, found.text) == ("fitted", str(scored[1].candidate.genome))
    assert 2.5 < fitted[0][1] < 11.2 - 7.5
    assert "DecisionTreeClassifier" in found.notes[0]
    assert "would take about 9 s, 3.2 s are left; another one was taken" in found.notes[0]


def test_a_fit_that_fails_or_takes_too_long_leaves_time_for_another(made):
    scored = [made.scored(TREE, 2.0, 0.9), made.scored(LOGISTIC, 2.0, 0.8, 1), made.scored(NAIVE, 0.01, 0.7, 2)]
    made.now = 7.5

    def fit(text, seconds):
        if "Tree" in text:
            made.now += seconds  # it takes all the time that it may
            raise FitError("took too long")
        return text

    found = made.final(scored, fit)
    assert found.pipeline.startswith("GaussianNB")
    assert made.now < 11.2
    assert "took too long" in found.notes[0]


def test_where_nothing_is_scored_and_no_time_is_left_something_quick_is_tried_before_a_constant_is_taken(made):
    made.now, tried = 11.3, []

    def fit(text, seconds):
        tried.append((text.partition("(")[0], seconds))
        raise FitError("too late")

    found = made.final([], fit)
    assert tried == [("GaussianNB", 0.25)]
    assert found.text == ""
    assert len(found.pipeline.predict(small_table()[0])) == WHOLE_TABLE


def test_without_a_bound_of_time_the_best_is_fitted_however_long_it_takes():
    made = Fixture()
    made.pace.budget = Budget(evaluations=1)
    best = made.scored(TREE, 1e6)
    assert made.final([best], lambda text, seconds: seconds).pipeline is None


def test_a_last_fit_that_hangs_is_stopped_and_another_one_taken_in_time():
    parts = {**failing_part("EndlessOnTheWholeTable"), "only": ["EndlessOnTheWholeTable", "DecisionTreeClassifier"]}
    first = ["EndlessOnTheWholeTable(features)", "DecisionTreeClassifier(features, max_depth=1)"]
    rng = np.random.default_rng(0)
    X = rng.normal(size=(WHOLE_TABLE, 6))  # naive Bayes predicts it better than any tree
    dataset = read_dataset(X, X.sum(axis=1) > 0, "classification")
    began = time.monotonic()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = run(
            parts=parts, initial_pipelines=first, budget=Budget(seconds=5.0), executor="process", dataset=dataset
        )
    took = time.monotonic() - began
    if not result.front:
        pytest.skip("the machine is too busy to start a process in time")
    assert took < 1.02 * 5 + 1.5
    assert re.search(r"EndlessOnTheWholeTable\(.*could not be fitted on the whole table", str(caught[0].message))
    assert result.model.text.startswith("DecisionTree")


# -- the clock ------------------------------------------------------------------------------------------------------------


def test_a_run_uses_its_seconds_from_when_it_began():
    began = time.monotonic()
    result = run(budget=Budget(seconds=4.0), began=Moment(wall=began - 2.0))
    assert 0.95 * 4 - 2 <= time.monotonic() - began <= 1.02 * 4 + 1 - 2
    assert result.finished.stopped_by == "budget"
    assert result.individuals["asked"].min() > 2.0


def test_the_clock_starts_when_fit_is_called(monkeypatch):
    import evoml.estimators.base as base

    def slow(*arguments):
        time.sleep(1.0)
        return read_dataset(*arguments)

    monkeypatch.setattr(base, "read_dataset", slow)
    began = time.monotonic()
    EvoClassifier(max_time_mins=2 / 60, random_state=0, executor="serial", search_space=CHEAP).fit(*small_table())
    assert 0.95 * 2 <= time.monotonic() - began < 1.02 * 2 + 1


def test_earlier_sittings_count(tmp_path):
    run(budget=Budget(seconds=1.0), journal=tmp_path / "run.db")
    began = time.monotonic()
    result = run(budget=Budget(seconds=2.0), journal=tmp_path / "run.db", resume=True, began=Moment(wall=began - 0.3))
    assert time.monotonic() - began < 2 - 1 - 0.3 + 0.6
    assert result.finished.progress.elapsed == pytest.approx(2.0, abs=0.5)


# -- CPU seconds ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("executor", ["serial", "process"])
def test_cpu_seconds_bound_a_run(executor):
    moment = Moment()
    result = run(budget=Budget(cpu_seconds=0.5), executor=executor, began=moment)
    assert result.finished.stopped_by == "budget"
    spent = result.individuals["cpu_seconds"].sum()
    if executor == "process":
        assert 0.1 < spent < 0.6
    else:
        assert time.process_time() - moment.cpu < 1.9
    assert 0.3 < result.finished.progress.cpu < 1.5


def test_cpu_seconds_of_earlier_sittings_count(tmp_path):
    run(budget=Budget(cpu_seconds=0.6), journal=tmp_path / "run.db", executor="serial")
    moment = Moment()
    result = run(budget=Budget(cpu_seconds=0.9), journal=tmp_path / "run.db", resume=True, executor="serial")
    assert time.process_time() - moment.cpu < 1.4
    assert result.finished.progress.cpu > 0.7
    with Journal.from_bytes(result.record) as journal:
        assert journal.get("summary")["cpu_seconds"] == pytest.approx(result.finished.progress.cpu)


def test_of_several_bounds_the_first_ends_the_run():
    began = time.monotonic()
    assert run(3, budget=Budget(evaluations=3, cpu_seconds=60.0)).finished.progress.evaluations == 3
    assert run(budget=Budget(cpu_seconds=60.0, seconds=1.0), executor="serial").finished.stopped_by == "budget"
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("budget", "own", "limit"),
    [
        (Budget(evaluations=9), None, 300.0),
        (Budget(seconds=600), None, 60.0),
        (Budget(seconds=12), None, 6.0),
        (Budget(cpu_seconds=40), None, 10.0),
        (Budget(seconds=600, cpu_seconds=200), None, 20.0),
        (Budget(seconds=600), 5.0, 5.0),
    ],
)
def test_one_evaluation_may_take_a_share_of_the_smaller_bound(budget, own, limit):
    assert time_limit(small_search(budget=budget, eval_seconds=own)) == limit
