"""However a run ends, it ends: in time, for the reason it gives, and with a fitted model."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from contextlib import nullcontext

import numpy as np
import pytest
from failing_parts import WHOLE_TABLE
from small_search import failing_part, run, small_table, story

from evoml.core.budget import Budget
from evoml.core.candidate import Status
from evoml.core.dataset import read_dataset
from evoml.core.errors import JournalError, SettingError
from evoml.journal import Journal


def fitted(result):
    return len(result.model.pipeline.predict(small_table()[0])) == WHOLE_TABLE


@pytest.mark.parametrize("algorithm", ["nsga2", "regularised", "random"])
def test_equal_bits_for_any_number_of_workers_and_any_executor(algorithm):
    ran = [
        story(run(40, algorithm=algorithm, executor=executor, n_jobs=n_jobs))
        for executor, n_jobs in (("serial", 1), ("process", 1), ("process", 3))
    ]
    assert ran[0] == ran[1] == ran[2]


def test_another_seed_is_another_run():
    assert story(run(20))["individuals"] != story(run(20, seed=2))["individuals"]


def test_generations_bound_a_run():
    result = run(budget=Budget(generations=3))
    assert result.finished.stopped_by == "budget"
    assert result.finished.progress.generation == 3
    assert result.history["generation"].tolist() == [1, 2, 3]
    assert len(result.individuals) == 24


def test_evaluations_bound_a_run_and_duplicates_do_not_count():
    result = run(30)
    assert result.individuals["duplicate_of"].isna().sum() == 30
    assert result.finished.progress.evaluations == 30


def test_a_budget_of_one_second_gives_a_model():
    started = time.monotonic()
    result = run(budget=Budget(seconds=1.0), executor="auto")
    assert time.monotonic() - started < 2.1
    assert fitted(result)
    assert result.best is not None


@pytest.mark.parametrize(("executor", "part"), [("process", "Slow"), ("process", "Sleeping"), ("serial", "Slow")])
def test_a_time_budget_is_kept_whatever_the_parts_do(executor, part):
    started = time.monotonic()
    with pytest.warns(UserWarning, match="no pipeline could be scored") if part == "Sleeping" else nullcontext():
        result = run(budget=Budget(seconds=4.0), executor=executor, n_jobs=2, parts=failing_part(part))
    assert time.monotonic() - started < 1.1 * 4 + 1
    assert result.finished.stopped_by in ("budget", "exhausted")


@pytest.mark.parametrize("executor", ["serial", "process"])
def test_where_every_candidate_fails_the_model_is_a_baseline_and_the_user_is_warned(executor):
    with pytest.warns(UserWarning, match="simple baseline") as caught:
        result = run(10, parts=failing_part("Failing"), executor=executor)
    said = " ".join(str(warning.message) for warning in caught)
    assert "no pipeline could be scored within the budget; the model is a simple baseline" in said
    assert "the model is a constant guess" in said
    told = result.individuals.dropna(subset=["sequence"])
    assert set(told["status"]) == {Status.INVALID}
    assert set(told["error"]) == {"RuntimeError: never works"}
    assert result.best is None
    assert result.front == []
    assert fitted(result)


def test_the_source_of_a_constant_guess_makes_it():
    with pytest.warns(UserWarning, match="simple baseline"):
        result = run(5, parts=failing_part("Failing"))
    namespace = {}
    exec(result.source, namespace)
    X, y = small_table()
    assert namespace["pipeline"].fit(X, y).predict(X).tolist() == result.model.pipeline.predict(X).tolist()


def test_the_best_is_the_pipeline_that_could_be_fitted():
    parts = {**failing_part("FailingOnTheWholeTable"), "only": ["FailingOnTheWholeTable", "DecisionTreeClassifier"]}
    best = ["FailingOnTheWholeTable(features)", "DecisionTreeClassifier(features, max_depth=1)"]
    with pytest.warns(UserWarning, match=r"FailingOnTheWholeTable\(.*could not be fitted .*MemoryError: too many rows"):
        result = run(
            2, parts=parts, initial_pipelines=best, objectives=("score",), seed=1, dataset=easy_for_the_first()
        )
    assert result.model.text.startswith("DecisionTree")
    assert str(result.best.candidate.genome) == result.model.text
    assert result.best.scores[0] < result.front[0].scores[0]
    with Journal.from_bytes(result.record) as journal:
        assert journal.get("summary")["best"] == result.best.candidate.id


def easy_for_the_first():
    """Return a table that naive Bayes predicts better than a stump."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(WHOLE_TABLE, 6))
    return read_dataset(X, X.sum(axis=1) > 0, "classification")


def test_a_search_space_of_one_pipeline_is_exhausted_and_the_run_ends_by_itself():
    started = time.monotonic()
    result = run(1000, parts=failing_part("Fixed"), population_size=5)
    assert time.monotonic() - started < 15
    assert result.finished.stopped_by == "exhausted"
    assert 1 <= result.individuals["duplicate_of"].isna().sum() < 20
    assert fitted(result)


@pytest.mark.parametrize("algorithm", ["nsga2", "regularised"])
def test_early_stop_ends_a_run_that_does_not_get_better(algorithm):
    result = run(1000, early_stop=2, algorithm=algorithm)
    assert result.finished.stopped_by == "early_stop"
    told = result.individuals.dropna(subset=["sequence"])
    evaluated = told[told["duplicate_of"].isna()]
    scores = np.array([scores[0] if scores else -np.inf for scores in evaluated.sort_values("sequence")["scores"]])
    assert 16 <= len(scores) - 1 - scores.argmax() < 16 + 8


# -- interrupts -----------------------------------------------------------------------------------------------------------


def interrupt_after(outcomes):
    def callback(progress, outcome):
        if progress.evaluations == outcomes:
            raise KeyboardInterrupt

    return callback


@pytest.mark.parametrize("executor", ["serial", "process"])
def test_an_interrupt_ends_the_search_with_a_model(executor):
    result = run(1000, callbacks=[interrupt_after(12)], executor=executor)
    assert result.finished.stopped_by == "interrupt"
    assert result.finished.progress.evaluations == 12
    assert fitted(result)
    with Journal.from_bytes(result.record) as journal:
        assert "interrupt" in [kind for _, kind, _ in journal.events()]


def test_an_interrupted_run_can_be_resumed(tmp_path):
    run(30, callbacks=[interrupt_after(12)], journal=tmp_path / "run.db")
    assert story(run(30, journal=tmp_path / "run.db", resume=True)) == story(run(30))


def test_a_second_interrupt_aborts(monkeypatch, tmp_path):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.modules["evoml.run.search"], "best_model", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(1000, callbacks=[interrupt_after(3)], journal=tmp_path / "run.db")
    monkeypatch.undo()
    assert story(run(10, journal=tmp_path / "run.db", resume=True)) == story(run(10))


def test_an_error_of_a_callback_is_the_users(tmp_path):
    def callback(progress, outcome):
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        run(10, callbacks=[callback], executor="process", journal=tmp_path / "run.db")
    assert story(run(10, journal=tmp_path / "run.db", resume=True)) == story(run(10))


SCRIPT = """
    from small_search import run, small_table
    import signal
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever started the tests may ignore it
    said = lambda progress, outcome: print("told", flush=True)
    result = run(100_000, callbacks=[said], executor={executor!r}, n_jobs=2)
    print(result.finished.stopped_by, len(result.model.pipeline.predict(small_table()[0])))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("executor", ["serial", "process"])
def test_ctrl_c_in_a_real_process_ends_the_search_with_a_model(executor):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", textwrap.dedent(SCRIPT.format(executor=executor))]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        for _ in range(20):
            assert process.stdout.readline() == "told\n"
        process.send_signal(signal.SIGINT)
        said = process.stdout.read().splitlines()
    assert said[-1] == "interrupt 60"
    assert process.returncode == 0


# -- the journal cannot be written -----------------------------------------------------------------------------------------


def test_a_journal_that_cannot_be_written_is_refused_before_any_work(tmp_path):
    (tmp_path / "file").touch()
    for path in (tmp_path / "file" / "run.db", tmp_path):
        with pytest.raises(JournalError, match=r"give a new path|give another path"):
            run(5, journal=path)


def test_folders_of_a_journal_are_made(tmp_path):
    run(5, journal=tmp_path / "new" / "folder" / "run.db")
    assert (tmp_path / "new" / "folder" / "run.db").exists()


FULL = """
    import resource, signal, warnings
    from evoml.journal import Journal
    from small_search import run, small_table, story
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (120_000, 120_000))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = run(150, journal="run.db")
    assert any("can no longer be written" in str(w.message) for w in caught), [str(w.message) for w in caught]
    assert len(result.model.pipeline.predict(small_table()[0])) == 60
    with Journal.from_bytes(result.record) as journal:
        told = journal.individuals().dropna(subset=["sequence"])
    print(result.finished.stopped_by, result.finished.progress.evaluations, story(result) == story(run(150)), len(told) >= 150)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of files")
def test_a_disk_that_fills_up_midway_does_not_cost_the_run(tmp_path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", textwrap.dedent(FULL)]
    ran = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert ran.stdout.strip() == "budget 150 True True", ran.stderr


# -- metrics that cannot work ------------------------------------------------------------------------------------------------


def test_a_metric_that_cannot_score_the_target_is_refused_before_any_work(tmp_path):
    dataset = read_dataset(small_table()[0], np.arange(60) % 3, "classification")
    with pytest.raises(SettingError, match=r"the metric 'f1' cannot score this target: .*; choose another metric"):
        run(5, dataset=dataset, scoring="f1", journal=tmp_path / "run.db")
    assert not (tmp_path / "run.db").exists()


def test_a_metric_of_the_users_own_may_look_at_the_rows():
    def fairness(estimator, X, y):
        assert X.shape[1] == 4
        return float(np.mean(estimator.predict(X) == y) - abs(X[:, 3].mean()))

    assert run(5, scoring=fairness).best is not None


def test_the_score_of_a_constant_guess_is_recorded():
    with Journal.from_bytes(run(5).record) as journal:
        assert 0.4 < journal.get("summary")["baseline"]["score"] < 0.65
