"""Searches for programs: what is found, the same bits everywhere, budgets, kill and resume, mistakes."""

import multiprocessing
import os
import signal
import sqlite3
import sys
import threading
import time
from contextlib import closing

import numpy as np
import pytest
from killed import killed_at_write

from evoml.core.budget import Budget, Moment
from evoml.core.errors import BudgetError, JournalError, SearchSpaceError, SettingError
from evoml.evaluation.program_problems import TaskSet, affine_tasks, linear_tasks
from evoml.genomes.program import ProgramSpace
from evoml.genomes.program.canonical import canonical
from evoml.genomes.program.library import LIBRARY, program_of
from evoml.genomes.program.text import write
from evoml.journal import Journal
from evoml.run.programs import Champion, ProgramSearch, search_programs
from evoml.run.programs.loop import Judge, Run

OPERATIONS = (
    "scalar_constant",
    "vector_inner_product",
    "scalar_difference",
    "scalar_product",
    "scalar_vector_product",
    "vector_sum",
)
SPACE = ProgramSpace(
    OPERATIONS,
    OPERATIONS,
    OPERATIONS,
    scalars=4,
    vectors=3,
    matrices=0,
    sizes={"setup": (0, 6), "predict": (1, 4), "learn": (0, 6)},
)
SEARCH, SELECT, REPORT = (linear_tasks(seed, 6, 30, 20) for seed in range(3))


def wanted(**changes):
    usual = {"search": SEARCH, "select": SELECT, "report": REPORT, "budget": Budget(generations=12), "seed": 1}
    small = {"space": SPACE, "population_size": 60, "checkpoint_seconds": 0.0, "began": Moment()}
    return ProgramSearch(**{**usual, **small, **changes})


def run(**changes):
    return search_programs(wanted(**changes))


def story(result):
    """Return all that must be the same: champions to the last bit, every row of the journal but for times."""
    batches = result.history.drop(columns="elapsed").astype(str).to_numpy().tolist()
    rows = result.individuals[["text", "key", "operator", "generation", "scores"]].astype(str).to_numpy().tolist()
    return result.champions, result.champion, result.report.tolist(), batches, rows, result.evaluations, result.counts


# -- what is found --------------------------------------------------------------------------------------------------------


def test_linear_regression_is_found_from_nothing():
    sizes = {"setup": (10, 10), "predict": (2, 2), "learn": (8, 8)}
    mutations = {"alter": 1, "randomise_instruction": 1, "randomise_component": 1}
    memory = {"scalars": 4, "vectors": 3, "matrices": 0}
    result = run(
        search=linear_tasks(0, 10), select=linear_tasks(5, 16), report=linear_tasks(6, 100, 1000), population_size=1000,
        space=ProgramSpace(OPERATIONS, OPERATIONS, OPERATIONS, **memory, sizes=sizes, mutations=mutations),
        budget=Budget(evaluations=2_000_000), solved=0.9999, islands=2,
    )  # fmt: skip
    assert result.finished.stopped_by == "solved"
    assert result.report.mean() > 0.999
    assert len(result.program) < 12


def test_champions_are_what_they_say_and_the_best_on_other_tasks_is_chosen():
    result = run(budget=Budget(generations=60))
    assert result.champion.select == max(one.select for one in result.champions)
    assert [one.search for one in result.champions] == sorted(one.search for one in result.champions)
    again = run(initial=[result.champion.text], budget=Budget(generations=1))
    assert again.champions[0].search == pytest.approx(result.champion.search, rel=1e-12)
    assert again.champions[0].select == pytest.approx(result.champion.select, rel=1e-12)
    assert result.report.shape == (6,)
    assert (result.history["best_score"].diff().dropna() >= 0).all()


def test_without_other_tasks_those_of_the_search_count():
    result = run(select=None, report=None)
    assert result.report is None
    assert result.champion.select == result.champion.search == max(one.search for one in result.champions)


def test_programs_of_the_library_are_where_it_starts():
    long = linear_tasks(0, 6, 500, 20)
    result = run(search=long, space=ProgramSpace(), initial=["linear", "network"], budget=Budget(generations=1))
    assert result.champions[0].text == write(canonical(program_of("linear")))
    assert result.champions[0].search > 0.9
    with_bias = run(
        space=ProgramSpace(), search=affine_tasks(0, 6), select=affine_tasks(1, 6), initial=["linear", "affine"],
        budget=Budget(generations=1),
    )  # fmt: skip
    assert "s1 + s4" in with_bias.champion.text
    alone = run(search=long, space=ProgramSpace(), initial="linear", budget=Budget(generations=1))
    assert alone.champions[0].text == result.champions[0].text


def test_classes_are_judged_by_accuracy():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(6, 150, 4))
    labels = (features @ rng.normal(size=4) > 0).astype(float)
    tasks = TaskSet(features[:, :100], labels[:, :100], features[:, 100:], labels[:, 100:], classes=True)
    result = run(search=tasks, select=tasks, report=tasks, initial=["linear"], space=ProgramSpace())
    assert result.report.mean() > 0.9
    assert np.allclose(result.report * 50, np.round(result.report * 50))


def test_random_search_is_the_control():
    result = run(tournament_size=0, budget=Budget(generations=30))
    assert result.evaluations == 30 * 60
    means = [one.history["mean_fitness"].iloc[-1][0] for one in (result, run(budget=Budget(generations=30)))]
    assert means[0] < means[1]


def test_programs_of_few_tasks_take_a_hurdle():
    counts = run(hurdle=0.75, budget=Budget(generations=40)).counts
    assert counts["hurdled"] > 50
    assert run(budget=Budget(generations=2)).counts["hurdled"] == 0


def test_of_champions_that_are_as_good_the_shortest_is_chosen():
    judge = Judge(wanted())
    told = [("first", 0.5, 9), ("good", 0.75, 8), ("as_good", 0.75, 4), ("as_short", 0.75, 4)]
    champions = tuple(Champion(name, at, 0, 0, 0.9, select, size) for at, (name, select, size) in enumerate(told))
    assert Run(wanted(), None, judge, (), champions).champion.text == "as_good"


# -- the same bits --------------------------------------------------------------------------------------------------------


def test_any_number_of_threads_gives_the_same_bits():
    several = {"islands": 3, "budget": Budget(generations=15)}
    assert story(run(**several)) == story(run(**several, n_jobs=3))
    assert run(**several).evaluations == 3 * 15 * 60


def test_migrants_come_from_the_island_before():
    apart, together = (run(islands=2, migrants=count, budget=Budget(generations=30)) for count in (1, 20))
    assert story(apart) != story(together)


def test_the_seed_matters_and_global_random_states_are_left_alone():
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    assert story(run()) != story(run(seed=2))
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


def test_a_dask_cluster_that_loses_a_batch_gives_the_same_bits(monkeypatch):
    distributed = pytest.importorskip("distributed")
    several = {"islands": 3, "budget": Budget(generations=4)}
    local = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, memory_limit=0, dashboard_address=None
    )
    from evoml.run.programs.islands import DaskIslands

    asked, calls = DaskIslands._asked, iter(range(1000))

    def losing(self, *arguments):
        if next(calls) == 1:
            raise distributed.KilledWorker("islands", None, 3)
        return asked(self, *arguments)

    monkeypatch.setattr(DaskIslands, "_asked", losing)
    with local as cluster, distributed.Client(cluster, set_as_default=False) as client:
        found = run(**several, executor=client)
    assert next(calls) == 5
    assert story(found) == story(run(**several))


# -- when it ends ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("budget", "batches"),
    [(Budget(generations=5), 5), (Budget(evaluations=300), 5), (Budget(evaluations=301), 6)],
)
def test_it_ends_with_its_budget(budget, batches):
    result = run(budget=budget)
    assert result.finished.stopped_by == "budget"
    assert len(result.history) == batches
    assert result.evaluations == batches * 60 == result.counts["born"]


def test_batches_may_be_smaller_or_larger_than_the_population():
    assert run(batch=7, budget=Budget(generations=5)).evaluations == 35
    whole, pieces = run(batch=600, budget=Budget(generations=1)), run(batch=60, budget=Budget(generations=10))
    assert whole.champions[-1].search == pieces.champions[-1].search
    assert whole.counts == pieces.counts


def test_a_batch_is_cut_off_where_time_is_over():
    run(budget=Budget(generations=1))  # compiled
    began = time.monotonic()
    result = run(budget=Budget(seconds=1.0), batch=10**9)
    assert time.monotonic() - began < 10
    assert result.finished.stopped_by == "budget"
    assert 0 < result.evaluations < 10**9
    assert len(result.history) == 1


def test_cpu_seconds_are_kept():
    result = run(budget=Budget(cpu_seconds=0.5))
    assert result.finished.stopped_by == "budget"
    assert 0.3 < result.cpu_seconds < 2


def test_it_ends_early_where_nothing_comes_any_more():
    result = run(budget=Budget(generations=5000), early_stop=4, space=ProgramSpace((), ("vector_mean",), ()))
    assert result.finished.stopped_by == "early_stop"


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_an_interrupt_in_the_middle_of_a_batch_loses_nothing(tmp_path):
    run(budget=Budget(generations=1))  # compiled
    threading.Timer(1.0, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    long = {"batch": 30_000, "islands": 2}
    result = run(budget=Budget(seconds=60), n_jobs=2, journal=tmp_path / "run.db", **long)
    assert result.finished.stopped_by == "interrupt"
    done = len(result.history)
    again = run(budget=Budget(generations=done + 1), journal=tmp_path / "run.db", resume=True, **long)
    assert story(again) == story(run(budget=Budget(generations=done + 1), **long))


# -- killed and resumed ---------------------------------------------------------------------------------------------------


def batches(path):
    """Return how many batches a journal holds, -1 before it exists."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            return connection.execute("SELECT count(*) FROM progress").fetchone()[0]
    except sqlite3.Error:
        return -1


@pytest.mark.skipif(sys.platform != "linux", reason="forks")
@pytest.mark.parametrize("changes", [{}, {"islands": 2, "n_jobs": 2, "checkpoint_seconds": 0.05}])
def test_killed_at_several_moments_it_ends_like_the_uninterrupted_run(tmp_path, changes):
    bounds = {"budget": Budget(generations=40), **changes}
    again = {"journal": tmp_path / "run.db", "resume": True, **bounds}
    fork, seen = multiprocessing.get_context("fork"), []
    run(budget=Budget(generations=2))  # compiled here, so that the children have it
    for moment in (2, 9, 10, 25):
        process = fork.Process(target=run, kwargs=again)
        process.start()
        while process.is_alive() and batches(again["journal"]) < moment:
            time.sleep(0.001)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        seen.append(batches(again["journal"]))
    assert seen[0] < 40
    assert story(run(**again)) == story(run(**bounds))


@pytest.fixture(scope="module")
def uninterrupted():
    return story(run())


@pytest.mark.parametrize("moment", [0, 1, 2, 3, 5, 8, 13])
@pytest.mark.parametrize("written", [True, False])
def test_stopped_between_any_two_writes_it_ends_like_the_uninterrupted_run(tmp_path, uninterrupted, moment, written):
    with killed_at_write(moment, written):
        run(journal=tmp_path / "run.db")
    assert story(run(journal=tmp_path / "run.db", resume=True)) == uninterrupted


def test_a_finished_run_resumed_with_a_larger_budget_goes_on_like_a_longer_one(tmp_path):
    first = run(budget=Budget(generations=5), islands=2, journal=tmp_path / "run.db")
    same = run(budget=Budget(generations=5), islands=2, journal=tmp_path / "run.db", resume=True)
    assert story(same) == story(first)
    result = run(budget=Budget(generations=9), islands=2, journal=tmp_path / "run.db", resume=True)
    assert story(result) == story(run(budget=Budget(generations=9), islands=2))


def test_cpu_seconds_of_earlier_sittings_count(tmp_path):
    first = run(budget=Budget(cpu_seconds=0.4), journal=tmp_path / "run.db")
    second = run(budget=Budget(cpu_seconds=0.4), journal=tmp_path / "run.db", resume=True)
    assert second.evaluations == first.evaluations


def test_the_journal_holds_a_row_a_batch_and_one_for_each_champion(tmp_path):
    result = run(journal=tmp_path / "run.db", budget=Budget(generations=20))
    with Journal.read(tmp_path / "run.db") as journal:
        assert len(journal.progress()) == 20
        told, summary = journal.individuals(), journal.get("summary")
        assert journal.get_bytes("checkpoint")
        assert journal.settings["kind"] == "programs"
    assert told["text"].tolist() == [one.text for one in result.champions]
    assert (told["status"] == "OK").all()
    assert summary["champion"]["text"] == result.champion.text
    assert summary["report"] == result.report.tolist()
    with Journal.from_bytes(result.record) as copied:
        assert copied.get_bytes("checkpoint") is None


def test_callbacks_see_the_best_program():
    seen = []
    result = run(callbacks=[seen.append])
    assert len(seen) == 12
    assert seen[-1].champion == result.champion
    assert [one.progress.generation for one in seen if one.improved][-1] == result.champion.generation


# -- mistakes -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        ({"population_size": 0}, BudgetError, "population_size must be greater than zero"),
        ({"tournament_size": -1}, SettingError, "tournament_size must be a whole number, 0 for random search"),
        ({"migrants": 61, "islands": 2}, SettingError, "61 migrants are more than the 60 programs"),
        ({"initial": ["affin"]}, SearchSpaceError, "did you mean 'affine'?"),
        ({"initial": "affin"}, SearchSpaceError, "no program 'affin'"),
        (
            {"initial": ["network"]},
            SearchSpaceError,
            "'network' does not fit the search: setup may not use matrix_gaussian",
        ),
        ({"initial": ["linear", LIBRARY["network"]]}, SearchSpaceError, "number 2 does not fit the search"),
        ({"initial": ["network"]}, SearchSpaceError, "initial_programs=() (none) it starts from random ones"),
        ({"hurdle": 7.0}, SettingError, "hurdle must be a share from 0, for none, to below 1, got 7.0"),
        ({"hurdle": -1.0}, SettingError, "hurdle must be a share"),
        ({"validate_every": -3}, SettingError, "validate_every must be a whole number"),
        ({"validate_every": 2.5}, SettingError, "validate_every must be a whole number"),
        ({"largest_error": -1.0}, SettingError, "largest_error must be a number above 0"),
        ({"largest_error": float("nan")}, SettingError, "largest_error must be a number above 0"),
        ({"cost": -1.0}, SettingError, "cost must be a number above 0"),
        ({"checkpoint_seconds": -1}, SettingError, "checkpoint_seconds must be a number of 0 or more"),
        ({"tournament_size": "x"}, SettingError, "tournament_size must be a whole number"),
        ({"n_jobs": 0}, BudgetError, "n_jobs must be greater than zero, got 0"),
        ({"islands": None}, BudgetError, "islands must be a positive whole number, got None"),
        ({"select": linear_tasks(1, 2, 30, 20, 7)}, SettingError, "tasks to select by need 4 features"),
        ({"executor": "thread"}, SettingError, "did you mean 'threads'?"),
        (
            {"space": ProgramSpace(("vector_sum",), ("vector_sum",), ("vector_sum",))},
            SettingError,
            "none can write the prediction s1",
        ),
    ],
)
def test_a_mistake_is_one_clear_error_and_leaves_no_journal_behind(tmp_path, changes, kind, message):
    with pytest.raises(kind) as caught:
        run(journal=tmp_path / "run.db", **changes)
    assert message in str(caught.value)
    assert not (tmp_path / "run.db").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 2}, "seed was 1, is 2"),
        ({"initial": [LIBRARY["linear"]]}, "initial was"),
        ({"search": SELECT}, "the table was '"),
    ],
)
def test_other_settings_or_tasks_are_refused_and_named(tmp_path, changes, message):
    run(budget=Budget(generations=1), journal=tmp_path / "run.db")
    with pytest.raises(JournalError, match=f"records another run: .*{message}"):
        run(journal=tmp_path / "run.db", resume=True, **changes)
