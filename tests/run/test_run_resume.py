"""A run killed at any moment and resumed is the same run: the same candidates, scores, front and model."""

import multiprocessing
import os
import random
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections import Counter
from contextlib import closing
from functools import cache, partial

import pytest
from killed import killed_at_write
from small_search import run, small_search, small_table, story

from evoml.algorithms import NSGA2
from evoml.core.budget import Budget
from evoml.core.dataset import read_dataset
from evoml.core.errors import JournalError
from evoml.journal import Journal
from evoml.run import search


@cache
def uninterrupted(evaluations, algorithm):
    return story(run(evaluations, algorithm=algorithm))


def assert_nothing_was_evaluated_twice(individuals):
    # one that was refused for want of time was not evaluated, and may be when there is more
    evaluated = individuals[individuals["duplicate_of"].isna() & (individuals["status"] != "VETOED")]
    assert max(Counter(evaluated["key"]).values()) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="forks")
@pytest.mark.parametrize("algorithm", ["nsga2", "regularised"])
def test_killed_at_ten_random_moments_it_ends_like_the_uninterrupted_run(tmp_path, algorithm):
    again = {"algorithm": algorithm, "journal": tmp_path / "run.db", "resume": True}
    fork, moments, told = multiprocessing.get_context("fork"), random.Random(algorithm), []
    for _ in range(10):
        process = fork.Process(target=run, args=(300,), kwargs=again)
        process.start()
        seen = told[-1] if told else -1
        while process.is_alive() and progress(again["journal"]) <= seen + moments.randrange(12):
            time.sleep(moments.uniform(0, 0.005))
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        told.append(progress(again["journal"]))
    assert len(set(told)) > 5
    assert told[-1] < 299
    result = run(300, **again)
    assert story(result) == uninterrupted(300, algorithm)
    assert_nothing_was_evaluated_twice(result.individuals)


def progress(path):
    """Return how many outcomes a journal holds, -1 before it exists."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            return connection.execute("SELECT count(*) FROM outcomes").fetchone()[0]
    except sqlite3.Error:
        return -1


SCRIPT = """
    from small_search import run
    run({evaluations}, journal={journal!r}, resume=True, executor="process", n_jobs=2)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="kills")
def test_a_real_process_with_workers_killed_midway_ends_like_the_uninterrupted_run(tmp_path):
    journal = str(tmp_path / "run.db")
    script = textwrap.dedent(SCRIPT.format(evaluations=300, journal=journal))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, "-c", script], env=environment) as process:
        while progress(journal) < 100:
            assert process.poll() is None
            time.sleep(0.05)
        process.kill()
    assert 100 <= progress(journal) < 300
    assert story(run(300, journal=journal, resume=True)) == uninterrupted(300, "nsga2")


@pytest.mark.parametrize("algorithm", ["nsga2", "regularised"])
@pytest.mark.parametrize("moment", range(1, 36, 5))
@pytest.mark.parametrize("written", [True, False])
def test_stopped_between_any_two_writes_it_ends_like_the_uninterrupted_run(tmp_path, algorithm, moment, written):
    with killed_at_write(moment, written):
        run(30, algorithm=algorithm, journal=tmp_path / "run.db")
    result = run(30, algorithm=algorithm, journal=tmp_path / "run.db", resume=True)
    assert story(result) == uninterrupted(30, algorithm)


def test_a_finished_run_resumed_with_a_larger_budget_goes_on_like_a_longer_one(tmp_path):
    run(budget=Budget(generations=2), journal=tmp_path / "run.db")
    result = run(budget=Budget(generations=5), journal=tmp_path / "run.db", resume=True)
    assert story(result) == story(run(budget=Budget(generations=5)))


def test_a_finished_run_resumed_is_itself(tmp_path):
    first = run(20, journal=tmp_path / "run.db")
    assert story(run(20, journal=tmp_path / "run.db", resume=True)) == story(first)


def test_resume_without_a_journal_begins_one(tmp_path):
    assert story(run(30, journal=tmp_path / "new.db", resume=True)) == uninterrupted(30, "nsga2")


def test_elapsed_seconds_go_on_where_they_were(tmp_path):
    first = run(20, journal=tmp_path / "run.db")
    time.sleep(1.5)
    second = run(40, journal=tmp_path / "run.db", resume=True)
    assert second.history["elapsed"].is_monotonic_increasing
    gap = second.individuals["told"].loc[25] - first.individuals["told"].max()
    assert gap < 1.5


# -- what cannot be resumed ----------------------------------------------------------------------------------------------


@pytest.fixture
def begun(tmp_path):
    run(5, journal=tmp_path / "run.db")
    return tmp_path / "run.db"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 2}, "seed was 1, is 2"),
        ({"cv": 3}, "cv was 2, is 3; folds was 2, is 3; fold_rows was "),
        ({"scoring": "f1"}, r"scoring was \['accuracy'\], is \['f1'\]"),
        ({"objectives": ("score",)}, r"objectives was \['score', 'complexity'\], is \['score'\]"),
        ({"population_size": 9}, "population_size was 8, is 9"),
        ({"algorithm": "regularised"}, "algorithm was 'nsga2', is 'regularised'"),
        ({"parts": {"only": ["GaussianNB"]}}, "search_space was '"),
        ({"initial_pipelines": ["GaussianNB(features)"]}, "initial_pipelines was "),
        ({"dataset": read_dataset(*small_table(seed=3), "classification")}, "(data_fingerprint|the table) was '"),
        ({"seed": 2, "population_size": 9}, "seed was 1, is 2; .*population_size was 8, is 9"),
    ],
)
def test_other_settings_or_data_are_refused_and_named(begun, changes, message):
    with pytest.raises(
        JournalError, match=f"records another run: .*{message}.*Use the same settings, or a new journal"
    ):
        run(20, journal=begun, resume=True, **changes)
    assert run(20, journal=begun, resume=True).finished.stopped_by == "budget"  # and it was left as it was


def test_other_rows_of_folds_are_refused(tmp_path):
    folds = [([*range(30)], [*range(30, 60)])]
    run(5, journal=tmp_path / "run.db", cv=folds)
    with pytest.raises(JournalError, match="fold_rows was"):
        run(9, journal=tmp_path / "run.db", cv=[(test, train) for train, test in folds], resume=True)
    assert len(run(9, journal=tmp_path / "run.db", cv=list(folds), resume=True).individuals) >= 9


def test_an_algorithm_of_the_users_own_can_be_resumed(tmp_path):
    for evaluations in (5, 10):
        result = run(evaluations, algorithm=partial(NSGA2), journal=tmp_path / "run.db", resume=True)
    assert result.finished.progress.evaluations == 10


def test_an_existing_journal_is_not_overwritten(begun):
    with pytest.raises(JournalError, match="exists already and holds another run; give a new path, or resume that run"):
        run(5, journal=begun)


def test_a_journal_in_use_is_refused(begun):
    with Journal.resume(begun), pytest.raises(JournalError, match="is in use by another run; wait for it to end"):
        run(5, journal=begun, resume=True)


def test_what_is_no_journal_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("not a journal" * 100)
    with pytest.raises(JournalError, match=r"notes.txt cannot be used as a journal|is not a journal"):
        run(5, journal=tmp_path / "notes.txt", resume=True)
    assert (tmp_path / "notes.txt").read_text().startswith("not a journal")


def test_a_mistake_in_the_settings_leaves_no_journal_behind(tmp_path):
    for mistake in ({"executor": "proces"}, {"algorithm": "nsga9"}, {"early_stop": -1}, {"scoring": "acuracy"}):
        with pytest.raises(ValueError, match=r"unknown|early_stop"):
            run(5, journal=tmp_path / "run.db", **mistake)
        assert not (tmp_path / "run.db").exists()


def test_a_run_within_a_time_budget_can_be_resumed(tmp_path):
    first = small_search(journal=tmp_path / "run.db", budget=Budget(seconds=0.5), resume=True)
    search(first)
    second = search(small_search(journal=tmp_path / "run.db", budget=Budget(seconds=1.5), resume=True))
    assert_nothing_was_evaluated_twice(second.individuals)
    assert second.finished.progress.elapsed == pytest.approx(1.5, abs=0.7)
