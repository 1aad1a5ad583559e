"""A search for formulas: what it finds, when it ends, and that a run killed at any moment goes on to the same bits."""

import multiprocessing
import os
import signal
import sqlite3
import sys
import threading
import time
from contextlib import closing
from types import SimpleNamespace

import numpy as np
import pytest
from killed import killed_at_write

from evoml.core.budget import Budget, Moment
from evoml.core.errors import JournalError, SearchSpaceError, SettingError
from evoml.genomes.expression.text import show, write
from evoml.journal import Journal
from evoml.run.batches import lateness
from evoml.run.formulas import FormulaSearch, search_formulas
from evoml.run.formulas.finishing import finished_front

NAMES = ("a", "b")


def table(rows=120, seed=0, noise=0.0):
    rng = np.random.default_rng(seed)
    X = rng.uniform(1, 3, (rows, 2))
    return X, np.sin(X[:, 0] * 1.5) * X[:, 1] + X[:, 0] ** 2 / X[:, 1] + noise * rng.normal(size=rows)


def wanted(**changes):
    X, y = table(noise=0.1)
    usual = {"X": X, "targets": [y], "labels": [""], "names": NAMES, "budget": Budget(generations=12), "seed": 1}
    small = {"population_size": 60, "checkpoint_seconds": 0.0, "began": Moment()}
    return FormulaSearch(**{**usual, **small, **changes})


def run(**changes):
    return search_formulas(wanted(**changes))


def story(result):
    """Return all that must be the same: fronts to the last bit, every row of the journal but for times."""
    fronts = [[(write(one.formula), one.loss, one.description) for one in front.formulas] for front in result.fronts]
    generations = result.history.drop(columns="elapsed").astype(str).to_numpy().tolist()
    candidates = result.individuals[["text", "key", "operator", "generation", "scores"]].astype(str).to_numpy().tolist()
    return fronts, [front.chosen for front in result.fronts], generations, candidates, result.evaluations


# -- what is found --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["nsga2", "age_fitness", "lexicase", "generational", "mu_plus_lambda"])
def test_it_recovers_a_formula(algorithm):
    X, _ = table()
    result = run(
        targets=[2.5 * X[:, 0] / X[:, 1] + 1.0], population_size=200, algorithm=algorithm, budget=Budget(generations=40)
    )
    front = result.fronts[0]
    chosen = front.formulas[front.chosen]
    assert chosen.loss < 1e-12
    assert chosen.complexity <= 9
    assert result.finished.stopped_by == "solved"


def test_constants_that_mean_something_are_found_to_the_last_digit():
    X, _ = table()
    result = run(targets=[2 * np.pi * X[:, 0] * X[:, 1]], budget=Budget(generations=25))
    front = result.fronts[0]
    assert show(front.formulas[front.chosen].formula, NAMES).count("6.283") == 1
    assert 2 * np.pi == pytest.approx(max(front.formulas[front.chosen].formula.constants), rel=1e-15)


def test_fronts_fall_and_are_what_they_say():
    front = run(budget=Budget(generations=30)).fronts[0]
    X, y = table(noise=0.1)
    sizes, losses = [one.complexity for one in front.formulas], [one.loss for one in front.formulas]
    assert sizes == sorted(set(sizes))
    assert losses == sorted(losses, reverse=True)
    for one in front.formulas:
        assert np.mean((one.formula.evaluate(X.T) - y) ** 2) == pytest.approx(one.loss, rel=1e-9)
        assert one.error == pytest.approx(one.loss / y.var(), rel=1e-9)
        assert one.complexity == len(one.formula)


@pytest.mark.parametrize("selection", ["mdl", "knee", "best"])
def test_the_choice_is_what_was_asked_for(selection):
    front = run(selection=selection, budget=Budget(generations=30)).fronts[0]
    if selection == "best":
        assert front.chosen == len(front.formulas) - 1
    else:
        assert 0 < front.chosen < len(front.formulas) - 1
    if selection == "mdl":
        assert front.formulas[front.chosen].description == min(one.description for one in front.formulas)


def test_each_target_gets_its_front():
    X, y = table()
    result = run(targets=[y, X[:, 0] + X[:, 1]], labels=["one", "two"])
    assert [front.label for front in result.fronts] == ["one", "two"]
    second = result.fronts[1]
    assert second.formulas[second.chosen].loss < 1e-12
    assert result.evaluations == 2 * 12 * 60
    assert set(result.individuals["operator"]) == {"front of one", "front of two"}


def test_a_constant_target_is_the_constant():
    X, _ = table()
    result = run(targets=[np.full(len(X), 7.25)])
    assert [show(one.formula) for one in result.fronts[0].formulas] == ["7.25"]
    assert result.finished.stopped_by == "exhausted"


def test_initial_formulas_are_where_it_starts():
    _, y = table()
    text = "sin(a * 1.5) * b + a ^ 2 / b"
    result = run(targets=[y], initial_formulas=[text], budget=Budget(generations=1))
    assert min(one.error for one in result.fronts[0].formulas) < 1e-12


def test_weights_of_operations_are_complexities():
    front = run(complexity={"sin": 5.0, "cos": 5.0, "variable": 2.0}).fronts[0]
    for one in front.formulas:
        text = write(one.formula)
        columns = sum(code >= 65 for code in one.formula.codes)
        assert one.complexity == len(one.formula) + columns + 4 * (text.count("sin(") + text.count("cos("))


def test_islands_are_several_populations():
    result = run(islands=3, migration_every=4)
    assert result.evaluations == 3 * 12 * 60
    assert story(result) == story(run(islands=3, migration_every=4, n_jobs=2))


# -- the same bits --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["nsga2", "lexicase"])
def test_any_number_of_threads_gives_the_same_bits(algorithm):
    assert story(run(algorithm=algorithm)) == story(run(algorithm=algorithm, n_jobs=3))


def test_the_order_of_the_rows_does_not_matter():
    X, y = table(noise=0.1)
    order = np.random.default_rng(0).permutation(len(y))
    assert story(run()) == story(run(X=X[order], targets=[y[order]]))


def test_the_seed_matters_and_global_random_states_are_left_alone():
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    assert story(run()) != story(run(seed=2))
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


# -- when it ends ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("budget", "generations"),
    [(Budget(generations=5), 5), (Budget(evaluations=300), 5), (Budget(evaluations=301), 6)],
)
def test_it_ends_with_its_budget(budget, generations):
    result = run(budget=budget)
    assert result.finished.stopped_by == "budget"
    assert len(result.history) == generations
    assert result.evaluations == generations * 60


def test_seconds_are_kept():
    run(budget=Budget(generations=1))  # compiled
    result = run(budget=Budget(seconds=1.5))
    assert result.finished.stopped_by == "budget"
    assert (result.history["elapsed"].iloc[:-1] < 1.5).all()  # no generation began too late


def test_cpu_seconds_are_kept():
    result = run(budget=Budget(cpu_seconds=0.5), seed=3)
    assert result.finished.stopped_by == "budget"
    assert 0.4 < result.cpu_seconds < 3


def lateness_of(budget, wall=0.0, cpu=0.0, before=0.0, cpu_before=0.0):
    """Return whether a run is late, in a sitting that has taken so many seconds; as many were spent before it."""
    began = Moment(time.monotonic() - wall, time.process_time() - cpu)
    journal = SimpleNamespace(elapsed=before + wall)
    return lateness(SimpleNamespace(budget=budget, began=began), journal, SimpleNamespace(cpu_seconds=cpu_before))()


@pytest.mark.parametrize("more", [{}, {"generations": 10**6}, {"evaluations": 10**6}])
def test_seconds_bound_the_end_too_whatever_else_bounds_the_run(more):
    assert lateness_of(Budget(seconds=10, **more), wall=11)
    assert not lateness_of(Budget(seconds=30, **more), wall=11)
    assert lateness_of(Budget(seconds=30, **more), wall=11, before=20)
    assert lateness_of(Budget(cpu_seconds=10, **more), cpu=11)
    assert not lateness_of(Budget(cpu_seconds=30, **more), cpu=11)
    assert lateness_of(Budget(cpu_seconds=30, **more), cpu=11, cpu_before=20)


def test_a_sitting_that_begins_when_the_time_is_up_has_the_reserve_still():
    assert not lateness_of(Budget(seconds=10), before=12, wall=0.5)
    assert lateness_of(Budget(seconds=10), before=12, wall=1.5)
    assert not lateness_of(Budget(cpu_seconds=10), cpu_before=12, cpu=0.5)


def test_a_run_without_seconds_is_never_late():
    assert not lateness_of(Budget(generations=1), wall=1e6, cpu=1e6)


def test_the_end_of_a_search_is_told_that_it_is_late(monkeypatch):
    told = []

    def finished(wanted, table, lineage, late):
        told.append(late())
        return finished_front(wanted, table, lineage, late)

    monkeypatch.setattr("evoml.run.formulas.search.finished_front", finished)
    run(budget=Budget(seconds=1.0, generations=10**6), callbacks=[lambda sight: time.sleep(1.1)])
    run(budget=Budget(generations=1))
    assert told == [True, False]


def test_it_ends_early_where_nothing_comes_any_more():
    result = run(budget=Budget(generations=5000), early_stop=4, operations=["add"], const_range=None)
    assert result.finished.stopped_by == "early_stop"


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_an_interrupt_ends_it_in_good_order():
    sent = []

    def interrupt(sight):
        if sight.progress.generation == 4 and not sent:
            sent.append(True)
            signal.raise_signal(signal.SIGINT)

    result = run(budget=Budget(generations=1000), callbacks=[interrupt])
    assert result.finished.stopped_by == "interrupt"
    assert len(result.history) in (3, 4)
    assert len(result.fronts[0].formulas) > 1


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_an_interrupt_in_the_middle_of_a_generation_costs_no_more_than_it(tmp_path):
    timer = threading.Timer(1.0, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    result = run(budget=Budget(seconds=60), n_jobs=2, population_size=400, journal=tmp_path / "run.db", solved=0.0)
    assert result.finished.stopped_by == "interrupt"
    again = run(
        budget=Budget(evaluations=result.evaluations + 1), population_size=400, journal=tmp_path / "run.db", resume=True,
        solved=0.0,
    )  # fmt: skip
    whole = run(budget=Budget(evaluations=result.evaluations + 1), population_size=400, solved=0.0)
    assert story(again) == story(whole)


# -- killed and resumed ---------------------------------------------------------------------------------------------------


def generations(path):
    """Return how many generations a journal holds, -1 before it exists."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            return connection.execute("SELECT count(*) FROM progress").fetchone()[0]
    except sqlite3.Error:
        return -1


@pytest.mark.skipif(sys.platform != "linux", reason="forks")
@pytest.mark.parametrize(
    "changes", [{}, {"algorithm": "age_fitness", "islands": 2, "migration_every": 3}, {"checkpoint_seconds": 0.05}]
)
def test_killed_at_several_moments_it_ends_like_the_uninterrupted_run(tmp_path, changes):
    bounds = {"budget": Budget(generations=60), **changes}
    again = {"journal": tmp_path / "run.db", "resume": True, **bounds}
    fork, seen = multiprocessing.get_context("fork"), []
    run(budget=Budget(generations=2), **changes)  # compiled here, so that the children have it
    for moment in (2, 9, 10, 25, 40):
        process = fork.Process(target=run, kwargs=again)
        process.start()
        while process.is_alive() and generations(again["journal"]) < moment:
            time.sleep(0.001)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        seen.append(generations(again["journal"]))
    assert seen[0] < 60
    assert story(run(**again)) == story(run(**bounds))


@pytest.fixture(scope="module")
def uninterrupted():
    return story(run())


@pytest.mark.parametrize("moment", [0, 1, 2, 3, 5, 8, 13, 21])
@pytest.mark.parametrize("written", [True, False])
def test_stopped_between_any_two_writes_it_ends_like_the_uninterrupted_run(tmp_path, uninterrupted, moment, written):
    with killed_at_write(moment, written):
        run(journal=tmp_path / "run.db")
    assert story(run(journal=tmp_path / "run.db", resume=True)) == uninterrupted


def test_a_finished_run_resumed_with_a_larger_budget_goes_on_like_a_longer_one(tmp_path):
    run(budget=Budget(generations=5), journal=tmp_path / "run.db")
    result = run(budget=Budget(generations=9), journal=tmp_path / "run.db", resume=True)
    assert story(result) == story(run(budget=Budget(generations=9)))


def test_a_finished_run_resumed_is_itself(tmp_path):
    first = run(journal=tmp_path / "run.db")
    assert story(run(journal=tmp_path / "run.db", resume=True)) == story(first)


def test_elapsed_seconds_go_on_where_they_were(tmp_path):
    run(budget=Budget(generations=5), journal=tmp_path / "run.db")
    time.sleep(0.5)
    second = run(budget=Budget(generations=9), journal=tmp_path / "run.db", resume=True)
    assert second.history["elapsed"].is_monotonic_increasing
    assert second.history["elapsed"].diff().max() < 0.5


def test_cpu_seconds_of_earlier_sittings_count(tmp_path):
    first = run(budget=Budget(generations=30), journal=tmp_path / "run.db")
    second = run(budget=Budget(generations=31), journal=tmp_path / "run.db", resume=True)
    assert second.cpu_seconds >= first.finished.progress.cpu
    with Journal.from_bytes(second.record) as journal:
        assert journal.get("summary")["cpu_seconds"] == second.cpu_seconds


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 2}, "seed was 1, is 2"),
        ({"population_size": 61}, "population_size was 60, is 61"),
        ({"algorithm": "lexicase"}, "algorithm was 'nsga2', is 'lexicase'"),
        ({"operations": ["add"]}, r"operations was None, is \['add'\]"),
        ({"targets": [np.arange(120.0)]}, "the table was '"),
    ],
)
def test_other_settings_or_data_are_refused_and_named(tmp_path, changes, message):
    run(budget=Budget(generations=1), journal=tmp_path / "run.db")
    with pytest.raises(JournalError, match=f"records another run: .*{message}"):
        run(journal=tmp_path / "run.db", resume=True, **changes)
    with pytest.raises(JournalError, match="exists already"):
        run(journal=tmp_path / "run.db")


def test_the_journal_holds_a_row_a_generation_and_one_for_each_new_formula_of_the_front(tmp_path):
    result = run(journal=tmp_path / "run.db", budget=Budget(generations=20))
    with Journal.read(tmp_path / "run.db") as journal:
        assert len(journal.progress()) == 20
        told = journal.individuals()
        summary = journal.get("summary")
        assert journal.get_bytes("checkpoint")
        assert journal.settings["kind"] == "formulas"
    assert (told["status"] == "OK").all()
    assert told["generation"].is_monotonic_increasing
    assert summary["stopped_by"] == "budget"
    assert len(summary["fronts"][0]) == len(result.fronts[0].formulas)
    with Journal.from_bytes(result.record) as copied:
        assert copied.get_bytes("checkpoint") is None


# -- mistakes -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        ({"algorithm": "regularized"}, SettingError, "unknown algorithm 'regularized'; did you mean 'regularised'?"),
        ({"loss": "mes"}, SettingError, "unknown loss"),
        ({"selection": "aic"}, SettingError, "unknown selection"),
        ({"operations": ["plus"]}, SearchSpaceError, "no operation 'plus'"),
        ({"initial_formulas": ["a +"]}, SearchSpaceError, "position"),
        ({"units": {"c": "m"}}, SettingError, "units names the column 'c'"),
        ({"units": {"a": "meter"}}, SettingError, "meter"),
        ({"monotone": {"c": "increasing"}}, SettingError, "c"),
        ({"operators": {"cross": 1.0}}, SettingError, "no variation 'cross'; did you mean 'crossover'?"),
        ({"complexity": {"exp": -1.0}}, SettingError, "above 0"),
    ],
)
def test_a_mistake_is_one_clear_error_and_leaves_no_journal_behind(tmp_path, changes, kind, message):
    with pytest.raises(kind) as caught:
        run(journal=tmp_path / "run.db", **changes)
    assert message in str(caught.value)
    assert not (tmp_path / "run.db").exists()
