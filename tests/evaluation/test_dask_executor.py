"""Evaluations on a Dask cluster: the same results as without one, whatever becomes of its workers."""

import os
import pickle
import signal
import subprocess
import sys
import textwrap
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from faulty_builder import faulty_problem
from processes import alive, descendants, wait_until
from run.small_search import run, story
from sklearn.base import clone
from sklearn.datasets import load_iris
from test_executor_faults import collect
from test_executors import SCRIPT, TEXTS

from evoml import EvoClassifier
from evoml.components import load_catalogue
from evoml.core.candidate import Status
from evoml.core.dataset import read_dataset
from evoml.core.errors import EvomlError, FitError, SettingError
from evoml.evaluation import Problem, executor, scorers, splits
from evoml.evaluation.executors.serial import SerialExecutor
from evoml.genomes.pipeline_tree import DataFacts, PipelineSpace

distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")

from evoml.evaluation.executors import cluster as dask_cluster  # noqa: E402
from evoml.evaluation.executors import dask as dask_executor  # noqa: E402
from evoml.evaluation.executors.dask import DaskExecutor  # noqa: E402

HERE = "127.0.0.1:0"  # a free port


@pytest.fixture(scope="module")
def cluster():
    """Two Dask workers of one thread each, in processes that are started again when they die."""
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=HERE, silence_logs=50) as made:
        yield made


@pytest.fixture
def client(cluster):
    with distributed.Client(cluster, set_as_default=False) as made:
        made.wait_for_workers(2)
        yield made


@pytest.fixture
def faulty(client):
    made = DaskExecutor(faulty_problem(), client, memory_limit=2**28)
    yield made
    made.close()


def dask_workers(client):
    return list(client.run(os.getpid).values())


def hosts():
    """Return the host processes of all sandboxes that are there; their workers look like them, but lead no session."""
    return [pid for pid in descendants() if b"executors.host" in _command(pid)]


def _command(pid):
    with suppress(OSError):
        if os.getsid(pid) == pid:
            return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def iris_problem():
    dataset = read_dataset(*load_iris(return_X_y=True), "classification")
    space = PipelineSpace(load_catalogue(), DataFacts("classification", "dense", 60, 4, 3, 20))
    metrics = scorers(["accuracy"], "classification", dataset.classes)
    return Problem(dataset, space, splits(dataset, 3, 0), metrics, 3)


# -- the same as without a cluster ------------------------------------------------------------------------------------


def test_serial_and_dask_give_the_same_evaluations_to_the_last_bit(client):
    found = []
    for made in (SerialExecutor(iris_problem()), DaskExecutor(iris_problem(), client)):
        for task, text in enumerate(TEXTS):
            made.submit(task, text)
        found.append(collect(made, len(TEXTS), 60))
        made.close()
    for task in range(len(TEXTS)):
        serial, dask = (evaluations[task] for evaluations in found)
        assert (serial.status, serial.fold_scores, serial.error) == (dask.status, dask.fold_scores, dask.error)


def test_the_whole_run_is_that_of_one_process(client):
    assert story(run(executor=client)) == story(run())


def test_classes_and_metrics_of_a_script_work_without_a_guard_and_without_a_cluster(tmp_path):
    (tmp_path / "script.py").write_text(textwrap.dedent(SCRIPT).replace('"process"', '"dask"'))
    ran = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert ran.stdout == "Mine True\nMine True\n", ran.stderr
    assert ran.stderr == ""


# -- workers that come, go and die ------------------------------------------------------------------------------------


def test_a_worker_killed_in_the_middle_of_a_run_loses_nothing_and_repeats_nothing(client, tmp_path):
    expected = story(run())
    killed, outcomes = [], []

    def kill_one(progress, outcome):
        outcomes.append(outcome.candidate.id)
        if progress.evaluations == 10:
            killed.append(dask_workers(client)[0])
            os.kill(killed[0], signal.SIGKILL)

    found = story(run(executor=client, callbacks=[kill_one], journal=tmp_path / "journal.db"))
    assert killed
    assert outcomes == list(range(len(outcomes)))
    assert found == expected


def test_all_workers_may_die_at_once_and_the_data_with_them(client, faulty):
    for task in range(6):
        faulty.submit(task, "well")
    collect(faulty, 6)
    for task in range(6, 12):
        faulty.submit(task, "sleep" if task < 8 else "well")
    time.sleep(0.3)  # so that both are at work
    for worker in dask_workers(client):
        os.kill(worker, signal.SIGKILL)
    found = collect(faulty, 6, 60)
    assert [found[task].status for task in range(6, 12)] == [Status.TIMEOUT] * 2 + [Status.OK] * 4


def test_a_worker_that_joins_later_is_given_work(cluster, client, faulty):
    assert faulty.capacity == 4
    cluster.scale(3)
    try:
        client.wait_for_workers(3)
        faulty.submit(0, "sleep")
        assert wait_until(lambda: faulty.completed(0.1) or faulty.capacity == 6)
        for task in range(1, 31):
            faulty.submit(task, "well")
        collect(faulty, 30)
        assert len(hosts()) == 3
    finally:
        cluster.scale(2)


def test_a_part_that_crashes_or_hangs_costs_no_dask_worker(client, faulty):
    before = dask_workers(client)
    for task, text in enumerate(["segfault", "well", "sleep", "well", "ValueError"]):
        faulty.submit(task, text)
    found = collect(faulty, 5)
    statuses = [found[task].status for task in range(5)]
    assert statuses == [Status.CRASHED, Status.OK, Status.TIMEOUT, Status.OK, Status.INVALID]
    assert found[2].error == "took longer than its limit of 1 s and was stopped"
    assert dask_workers(client) == before


def test_a_sandbox_killed_from_outside_is_opened_again(faulty):
    faulty.submit(0, "well")
    collect(faulty, 1)
    for host in hosts():
        os.kill(host, signal.SIGKILL)
    for task in range(4):
        faulty.submit(task, "well")
    assert {evaluation.status for evaluation in collect(faulty, 4).values()} == {Status.OK}


def test_a_genome_whose_dask_workers_die_again_and_again_has_crashed(faulty):
    dead = distributed.KilledWorker("task", None, 3)
    faulty._fail(dask_executor._Batch(None, [(7, "well", ()), (8, "well", ())], dask_executor.TRIES - 1), dead)
    found = faulty.completed(0)
    assert [(task, evaluation.status) for task, evaluation in found] == [(7, Status.CRASHED), (8, Status.CRASHED)]


# -- batches ----------------------------------------------------------------------------------------------------------


def test_many_short_tasks_travel_together_and_come_back_once_each(faulty, monkeypatch):
    sent = []
    send = faulty._send
    monkeypatch.setattr(faulty, "_send", lambda tasks, tries=0: (sent.append(len(tasks)), send(tasks, tries)))
    faulty._handing_out = 0.01
    for start in (0, 100):
        for task in range(start, start + 100):
            faulty.submit(task, "well")
        assert sorted(collect(faulty, 100)) == list(range(start, start + 100))
    assert faulty.completed(0) == []
    assert sum(sent) == 200
    assert sent[0] == 1  # nothing is known of how long they take yet
    assert max(sent) > 5


@pytest.mark.parametrize(
    ("seconds", "handing_out", "threads", "size"),
    [
        (0.0, 0.001, 100, 1),  # nothing known yet
        (2.0, 0.001, 1000, 1),  # long evaluations travel alone
        (0.01, 0.001, 2, 2),  # ten times as long as two are handed out
        (0.01, 0.001, 100, 50),  # half a second
        (1.0, 0.001, 10_000, 15),  # more, for it takes ten seconds until each thread is served
        (1e-6, 0.001, 1000, 64),
    ],
)
def test_size_of_a_batch(seconds, handing_out, threads, size):
    assert dask_executor.batch_size(seconds, handing_out, threads) == size


# -- the last fit -----------------------------------------------------------------------------------------------------


def test_fit_returns_the_pipeline_and_stops_everything_else(client):
    made = DaskExecutor(iris_problem(), client)
    made.submit(0, "ExtraTreesClassifier(features, n_estimators=1000)")
    (model,) = made.fit_all(["LogisticRegression(StandardScaler(features))"], 60)
    made.close()
    X, y = load_iris(return_X_y=True)
    assert model.score(X, y) > 0.9
    assert made.completed(0) == []


def test_a_fit_that_fails_says_why_and_the_next_may_do_better(faulty):
    faulty.submit(0, "sleep")
    errors = {"sleep": "limit of 0.5 s", "segfault": "ended with code -11", "ValueError": "not today"}
    for text, error in errors.items():
        (found,) = faulty.fit_all([text], 0.5 if text == "sleep" else 30)
        assert isinstance(found, FitError)
        assert error in str(found)
    assert faulty.fit_all(["well"], 30)[0].text == "well"


# -- coming and going -------------------------------------------------------------------------------------------------


def test_close_ends_the_evaluations_and_leaves_a_given_client_open(client, faulty):
    for task in range(4):
        faulty.submit(task, "fork and sleep")
    assert wait_until(lambda: len(hosts()) == 2)
    started = {pid for host in hosts() for pid in (host, *descendants(host))}
    faulty.close()
    faulty.close()
    assert wait_until(lambda: not alive(started))
    assert client.submit(len, [1, 2, 3]).result() == 3


def test_without_a_cluster_there_is_one_on_this_machine_until_the_end():
    before = descendants()
    made = executor("dask", faulty_problem(), 2, None, None)
    assert made.capacity == 4
    made.submit(0, "well")
    assert collect(made, 1)[0].status is Status.OK
    made.close()
    assert wait_until(lambda: not alive(descendants() - before))
    assert made._client.status == "closed"


def test_dask_is_the_current_client_if_there_is_one(client):
    with client.as_current():
        made = executor("dask", faulty_problem(), 7, None, None)
        assert made._client is client
        made.close()


def test_an_address_is_a_cluster(cluster):
    made = executor(cluster.scheduler_address, faulty_problem(), 1, None, None)
    made.submit(0, "well")
    assert collect(made, 1)[0].status is Status.OK
    made.close()
    assert made._client.status == "closed"


def test_an_address_where_nobody_answers_is_one_clear_error(monkeypatch):
    monkeypatch.setattr(dask_cluster, "CONNECT_SECONDS", 0.5)
    with pytest.raises(
        SettingError, match=r"no Dask scheduler answers at 'tcp://127\.0\.0\.1:9' \(.*such as tcp://host"
    ):
        executor("tcp://127.0.0.1:9", faulty_problem(), 1, None, None)
    with pytest.raises(SettingError, match="no Dask scheduler answers at 'smoke://signals'"):
        executor("smoke://signals", faulty_problem(), 1, None, None)


def test_a_cluster_that_goes_away_is_one_clear_error(monkeypatch):
    monkeypatch.setattr(dask_executor, "CONNECT_SECONDS", 1.0)
    local = distributed.LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=HERE)
    made = DaskExecutor(faulty_problem(), local.scheduler_address)
    made.submit(0, "sleep")
    local.close()
    began = time.monotonic()
    with pytest.raises(EvomlError, match=r"the Dask scheduler at .* is gone; start it again, and resume"):
        collect(made, 1)
    assert time.monotonic() - began < 15
    assert made.fit_all(["well"])[0].text == "well"  # in a process of this machine
    made.close()


def test_a_cluster_without_workers_is_one_clear_error(monkeypatch):
    monkeypatch.setattr(dask_cluster, "WORKER_SECONDS", 0.2)
    with (
        distributed.LocalCluster(n_workers=0, processes=False, dashboard_address=HERE) as local,
        pytest.raises(SettingError, match="has no worker that is free within"),
    ):
        DaskExecutor(faulty_problem(), local.scheduler_address)


def test_without_dask_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(SettingError, match=r"pip install 'evoml\[dask\]'"):
        executor("dask", faulty_problem(), 1, None, None)


def test_an_estimator_with_a_client_can_be_cloned_and_pickled(client):
    model = EvoClassifier(executor=client, max_evaluations=1, cv=2, random_state=0)
    assert clone(model).executor is client
    assert pickle.loads(pickle.dumps(model)).executor == client.scheduler.address
    assert model.executor is client
    X = np.arange(40.0).reshape(20, 2)
    fitted = clone(model).fit(X, np.arange(20) % 2)
    assert pickle.loads(pickle.dumps(fitted)).predict(X).shape == (20,)


def test_fit_on_a_cluster_from_the_command_line(cluster, tmp_path):
    from typer.testing import CliRunner

    from evoml.cli.main import app

    out = str(tmp_path / "out")
    told = ["fit", "sklearn:iris", "--evaluations", "4", "--seed", "0", "--out", out]
    ran = CliRunner().invoke(app, [*told, "--cluster", cluster.scheduler_address])
    assert ran.exit_code == 0, ran.output
    assert f'"cluster": "{cluster.scheduler_address}"' in (tmp_path / "out" / "run.json").read_text()
    assert CliRunner().invoke(app, [*told, "--cluster", "somewhere"]).exit_code == 2
