"""Candidates that wait for their kernels: who goes first, who is told when, what a wait costs, and that nothing hangs."""

import math
import sys
import time
from pathlib import Path

import pytest
from evaluation.processes import descendants
from kernels.compiled_parts import GROUP, PART, TEXTS, compiled_parts
from run.small_search import small_table

from evoml.components import load_catalogue
from evoml.core.candidate import Candidate, Cost, Evaluation, Status
from evoml.core.dataset import read_dataset
from evoml.evaluation import Evaluator, Problem, scorers, splits
from evoml.evaluation.executors.host import GRACE, LOAD_SECONDS, Loading, Task, Worker
from evoml.evaluation.executors.process import ProcessExecutor
from evoml.evaluation.executors.serial import SerialExecutor
from evoml.evaluation.readiness import POSTPONED, Readiness, unloaded
from evoml.genomes.pipeline_tree import PipelineSpace
from evoml.kernels import warmup
from evoml.kernels.warmup import COMPILE_SECONDS, compile_group
from evoml.run.parts import data_facts

OK = Evaluation(Status.OK, {"m": (0.5,)}, Cost(wall=3.0, fit=2.0))

# -- who goes first -------------------------------------------------------------------------------------------------------


class FakeExecutor:
    """Finishes at once whatever is submitted."""

    capacity = 4

    def __init__(self):
        self.submitted, self.under_way = [], []

    def submit(self, task, text, bars=()):
        self.submitted.append(task)
        self.under_way.append(task)

    def completed(self, timeout=None):
        found, self.under_way = [(task, OK) for task in self.under_way], []
        return found

    def close(self):
        pass


class FakeReadiness:
    """Candidates of odd numbers wait."""

    ready, patient, closed = False, True, False

    def awaited(self, candidate):
        return candidate.id % 2 == 1 and not self.ready

    def look(self):
        pass

    def close(self):
        self.closed = True


def candidates(*ids, key="key {}"):
    return [Candidate(index, f"genome {index}", key.format(index)) for index in ids]


def waiting(**settings):
    fake = FakeExecutor()
    made = Evaluator(fake, {"m": lambda c, e: 0.5}, **settings)
    made.readiness = FakeReadiness()
    return made, fake, made.readiness


def told(evaluator):
    return [outcome.candidate.id for outcome in evaluator.completed(0.01)]


def test_others_go_first_and_are_told_as_they_arrive():
    made, fake, readiness = waiting()
    made.submit(candidates(1, 2, 3, 4))
    assert (told(made), fake.submitted) == ([2, 4], [2, 4])
    assert (told(made), made.pending) == ([], 2)
    readiness.ready = True
    assert (told(made), fake.submitted) == ([1, 3], [2, 4, 1, 3])


def test_in_order_others_are_evaluated_first_but_told_in_their_turn():
    made, fake, readiness = waiting(look_ahead=8)
    made.submit(candidates(0, 1, 2, 3, 4))
    assert told(made) == [0]
    assert told(made) == []
    assert fake.submitted == [0, 2, 4]
    readiness.patient = False  # in order nothing is ever refused for it
    assert told(made) == []
    readiness.ready = True
    assert [told(made) for _ in range(4)] == [[1], [2], [3], [4]]
    assert fake.submitted == [0, 2, 4, 1, 3]


def test_what_waits_keeps_no_worker_idle_but_counts_as_an_evaluation():
    made, _, _ = waiting()
    made.submit(candidates(1, 3, 5))
    assert made.free_slots() == 4
    made, _, _ = waiting(look_ahead=8, max_evaluations=5)
    made.submit(candidates(1, 3, 5))
    assert made.free_slots() == 2


def test_a_duplicate_of_what_waits_waits_as_well():
    made, fake, readiness = waiting()
    made.submit(candidates(1, 2, key="same"))
    assert (told(made), fake.submitted) == ([], [])
    readiness.ready = True
    assert (told(made), fake.submitted) == ([1, 2], [1])


def test_without_patience_what_leaves_all_workers_idle_is_refused_and_may_come_again():
    made, fake, readiness = waiting()
    made.submit(candidates(1, 2, 3))
    readiness.patient = False
    assert told(made) == [2]
    outcomes = made.completed(0.01)
    assert [(o.candidate.id, o.status, o.evaluation.error) for o in outcomes] == [
        (1, Status.VETOED, POSTPONED),
        (3, Status.VETOED, POSTPONED),
    ]
    readiness.ready = True
    made.submit([Candidate(7, "genome 7", "key 1"), Candidate(8, "genome 8", "key 2")])
    outcomes = made.completed(0.01) + made.completed(0.01)
    assert [(o.candidate.id, o.status, o.duplicate_of) for o in outcomes] == [
        (8, Status.OK, 2),
        (7, Status.OK, None),
    ]
    assert fake.submitted == [2, 7]


def test_where_there_is_nothing_else_to_do_nothing_is_refused():
    made, _, readiness = waiting()
    made.submit(candidates(1, 3))
    readiness.patient = False
    assert told(made) == []
    assert made.pending == 2


def test_no_more_than_some_wait_where_they_need_not_be_waited_for():
    made, _, _ = waiting()
    made.submit(candidates(*range(1, 65, 2)))
    assert made.free_slots() == 0  # nothing else was ever begun
    made.submit(candidates(2))
    assert told(made) == [2]
    assert made.free_slots() == 4
    began = time.monotonic()
    made.submit(candidates(*range(101, 121, 2)))
    assert [o.status for o in made.completed(0.01)] == [Status.VETOED] * 10
    assert time.monotonic() - began > 0.2  # slower and slower, lest all candidates be used up


def test_a_candidate_that_has_waited_is_refused_where_there_is_no_time_left():
    made, fake, readiness = waiting()
    made.submit(candidates(1))
    made.refuse = lambda candidate: "too late"
    readiness.ready = True
    assert [(o.status, o.evaluation.error) for o in made.completed(0.01)] == [(Status.VETOED, "too late")]
    assert fake.submitted == []


def test_waiting_takes_no_processor_and_no_longer_than_asked():
    made, _, readiness = waiting(look_ahead=8)
    made.submit(candidates(1))
    began, cpu = time.monotonic(), time.process_time()
    assert [told(made) for _ in range(20)] == [[]] * 20
    assert time.monotonic() - began >= 0.2
    assert time.process_time() - cpu < 0.1
    made.close()
    assert readiness.closed


# -- how long one waits ---------------------------------------------------------------------------------------------------


class FakeCompilation:
    def __init__(self, groups):
        self.groups, self.ended = tuple(groups), False

    def over(self):
        return self.ended

    def close(self):
        pass


@pytest.fixture
def compiling(monkeypatch):
    """Groups ``a`` and ``b``, a set of those that are ready, the process that compiles, and a clock."""

    class World:
        ready, now, compilation = set(), 100.0, None

        def readiness(self, seconds=None):
            return Readiness({"a", "b"}, lambda candidate: candidate.genome, seconds, lambda: self.now)

    world = World()

    def start(groups):
        missing = sorted(set(groups) - world.ready)
        world.compilation = FakeCompilation(missing) if missing else None
        return world.compilation

    monkeypatch.setattr("evoml.evaluation.readiness.compile_in_background", start)
    monkeypatch.setattr("evoml.evaluation.readiness.is_ready", lambda group: group in world.ready)
    return world


A, B, BOTH, NONE = (Candidate(0, groups, "key") for groups in ({"a"}, {"b"}, {"a", "b"}, set()))


def awaited(readiness):
    readiness.look()
    return [readiness.awaited(candidate) for candidate in (A, B, BOTH, NONE)]


def test_a_candidate_waits_for_all_its_groups(compiling):
    readiness = compiling.readiness()
    assert awaited(readiness) == [True, True, True, False]
    compiling.ready.add("a")
    assert awaited(readiness) == [False, True, True, False]
    compiling.ready.add("b")
    assert awaited(readiness) == [False, False, False, False]


def test_nobody_waits_where_all_is_ready_or_nothing_compiles_any_more(compiling):
    readiness = compiling.readiness()
    compiling.compilation.ended = True
    assert awaited(readiness) == [False] * 4
    readiness = compiling.readiness()
    compiling.now += COMPILE_SECONDS + 1  # the process is there, and does nothing
    assert awaited(readiness) == [False] * 4
    compiling.ready |= {"a", "b"}
    readiness = compiling.readiness()
    assert compiling.compilation is None
    assert awaited(readiness) == [False] * 4
    readiness.close()


def test_patience_is_a_share_of_the_runs_seconds(compiling):
    readiness = compiling.readiness(seconds=60)
    compiling.now += 14
    assert readiness.patient
    compiling.now += 2
    assert not readiness.patient
    readiness = compiling.readiness()
    compiling.now = math.inf
    assert readiness.patient


# -- where it is evaluated ------------------------------------------------------------------------------------------------


@pytest.fixture
def parts(tmp_path, monkeypatch):
    with compiled_parts(tmp_path, monkeypatch) as made:
        yield made


def small_problem(time_limit=None):
    dataset = read_dataset(*small_table(), "classification")
    folds, metrics = splits(dataset, 2, 1), scorers(None, dataset.task, dataset.classes)
    catalogue = load_catalogue({"NearestCentre": PART, "only": ["NearestCentre", "GaussianNB"]})
    space = PipelineSpace(catalogue, data_facts(dataset, folds, metrics))
    return Problem(dataset, space, folds, metrics, 1, time_limit)


def evaluations(executor, texts):
    for task, text in enumerate(texts):
        executor.submit(task, text)
    found, ends = {}, time.monotonic() + 60
    while len(found) < len(texts) and time.monotonic() < ends:
        found |= dict(executor.completed(1.0))
    return [found[task] for task in range(len(texts))]


def test_a_space_knows_which_groups_a_text_needs(parts):
    space = small_problem().builder
    assert space.compiled == {GROUP}
    assert space.kernels(TEXTS["compiled"]) == {GROUP}
    assert space.kernels(TEXTS["library"]) == space.kernels("no such thing(") == frozenset()
    assert unloaded(space, TEXTS["compiled"]) == [GROUP]
    assert unloaded(object(), TEXTS["compiled"]) == []


@pytest.mark.parametrize("executor", [SerialExecutor, lambda problem: ProcessExecutor(problem, 1)])
def test_loading_is_not_the_time_of_a_candidate_and_is_done_once(parts, executor):
    parts.mode("slow")  # two seconds, twice the limit
    made = executor(small_problem(time_limit=1.0))
    try:
        found = evaluations(made, [TEXTS["compiled"], TEXTS["library"], "NearestCentre(features, power=2.0)"])
    finally:
        made.close()
    assert [(one.status, one.error) for one in found] == [(Status.OK, "")] * 3
    assert found[0].cost.wall < 1.0
    assert len(parts.loaded()) == 1


def test_workers_inherit_what_was_ready_when_their_host_began(parts):
    compile_group(GROUP)
    parts.log.unlink()
    made = ProcessExecutor(small_problem(), 2)
    try:
        found = evaluations(made, [f"NearestCentre(features, power={power})" for power in (0.5, 1.0, 2.0, 3.0)])
    finally:
        made.close()
    assert [one.status for one in found] == [Status.OK] * 4
    assert [record["pid"] for record in parts.loaded()] == [made._host.pid]


def test_a_catalogue_without_compiled_parts_keeps_host_and_workers_light(parts):
    problem = small_problem()
    light = PipelineSpace(load_catalogue({"only": ["GaussianNB"]}), problem.builder.facts)
    made = ProcessExecutor(Problem(problem.dataset, light, problem.splits, problem.scorers, 1), 1)
    try:
        assert evaluations(made, [TEXTS["library"]])[0].status is Status.OK
        if sys.platform == "linux":
            for process in descendants() & {made._host.pid, *descendants(made._host.pid)}:
                assert "llvmlite" not in Path(f"/proc/{process}/maps").read_text()
    finally:
        made.close()
    assert "numba" not in sys.modules or parts.loaded() == []


def test_kernels_that_cannot_be_loaded_are_the_affair_of_who_needs_them(parts):
    parts.mode("fail")
    made = ProcessExecutor(small_problem(time_limit=60.0), 1)
    try:
        found = evaluations(made, [TEXTS["compiled"], TEXTS["library"]])
        assert made.fit_all([TEXTS["compiled"]], 60.0)[0].predict(small_table()[0]).shape == (60,)
    finally:
        made.close()
    assert [one.status for one in found] == [Status.OK] * 2  # it was only the warm-up that failed


def clock(task):
    worker = Worker.__new__(Worker)
    worker.task, worker.loading, worker.process = task, None, type("Process", (), {"pid": 0})
    worker._start_clock(task)
    return worker


def test_the_clock_stands_still_while_kernels_are_loaded_once_and_not_for_ever():
    worker = clock(Task(1, "text", limit=2.0))
    first = worker.deadline
    assert first == pytest.approx(time.monotonic() + 2 + GRACE, abs=0.1)
    worker.loads(Loading(over=False))
    assert worker.deadline == worker.started + LOAD_SECONDS
    assert "were not compiled within" in worker.late()
    time.sleep(0.05)
    worker.loads(Loading(over=True))
    assert first + 0.05 <= worker.deadline < first + 1
    assert worker.late() == "took longer than its limit of 2 s and was stopped"
    again = worker.deadline
    for loading in (Loading(over=False), Loading(over=True)):  # a part that would like to have more time
        worker.loads(loading)
    assert worker.deadline == again


def test_the_word_of_the_loading_process_is_not_lost_with_the_cache(parts):
    """What was cleared while a run goes on is compiled again where it is needed."""
    compile_group(GROUP)
    warmup.clear()
    assert not warmup.is_ready(GROUP)
    made = SerialExecutor(small_problem())
    assert evaluations(made, [TEXTS["compiled"]])[0].status is Status.OK
