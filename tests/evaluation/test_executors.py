"""Which executor runs where, and that all give the same evaluations."""

import subprocess
import sys
import textwrap
import time

import joblib
import numpy as np
import pytest
from faulty_builder import faulty_problem
from sklearn.datasets import load_iris
from test_executor_faults import collect

from evoml.components import load_catalogue
from evoml.core.dataset import read_dataset
from evoml.core.errors import FitError, SettingError
from evoml.evaluation import Problem, executor, scorers, splits, workers
from evoml.evaluation.executors import NO_TIME
from evoml.evaluation.executors.process import ProcessExecutor
from evoml.evaluation.executors.serial import SerialExecutor
from evoml.genomes.pipeline_tree import DataFacts, PipelineSpace

TEXTS = [
    "LogisticRegression(StandardScaler(features))",
    "ExtraTreesClassifier(features, n_estimators=20)",
    "LogisticRegression(features, C=-1.0)",
    "SVC(union(PCA(features), stack(GaussianNB(features))))",
    "MLPClassifier(StandardScaler(features))",
]


def test_serial_and_process_give_the_same_evaluations_to_the_last_bit():
    X, y = load_iris(return_X_y=True)
    dataset = read_dataset(X, y, "classification")
    space = PipelineSpace(load_catalogue(), DataFacts("classification", "dense", 60, 4, 3, 20))
    metrics = scorers(["accuracy", "neg_log_loss"], "classification", dataset.classes)
    problem = Problem(dataset, space, splits(dataset, 3, 0), {"accuracy": metrics["accuracy"]}, 3)
    found = []
    for made in (SerialExecutor(problem), ProcessExecutor(problem, 2)):
        for task, text in enumerate(TEXTS):
            made.submit(task, text)
        found.append(collect(made, len(TEXTS), 60))
        made.close()
    for task in range(len(TEXTS)):
        serial, process = (evaluations[task] for evaluations in found)
        assert (serial.status, serial.fold_scores, serial.error) == (process.status, process.fold_scores, process.error)


def test_many_more_tasks_than_workers_come_back_once_each():
    made = ProcessExecutor(faulty_problem(), n_workers=2)
    try:
        for task in range(200):
            made.submit(task, "well")
        assert sorted(collect(made, 200)) == list(range(200))
        assert made.completed(0) == []
    finally:
        made.close()


@pytest.mark.parametrize("make", [SerialExecutor, lambda problem: ProcessExecutor(problem, 2)])
def test_several_are_fitted_in_order_and_a_failure_stands_in_its_own_place(make):
    made = make(faulty_problem())
    try:
        found = made.fit_all(["well", "ValueError", "well"])
        assert [getattr(one, "text", None) for one in found] == ["well", None, "well"]
        assert isinstance(found[1], FitError)
        assert made.fit_all([]) == []
        assert all(isinstance(one, FitError) for one in made.fit_all(["well"] * 3, -1.0))
    finally:
        made.close()


def test_what_is_not_fitted_in_time_costs_the_others_nothing():
    made = ProcessExecutor(faulty_problem(), 2)
    try:
        assert made.fit_all(["well"])[0].text == "well"  # the host has started
        began = time.monotonic()
        found = made.fit_all(["well", "sleep", "sleep", "well"], 2.0)
        assert 1.9 < time.monotonic() - began < 6
        assert found[0].text == "well"
        assert "took longer than its limit of 2 s" in str(found[1])
        assert "took longer than its limit of 2 s" in str(found[2])
        assert NO_TIME in str(found[3])
    finally:
        made.close()


@pytest.mark.parametrize(
    ("name", "seconds", "kind"),
    [
        ("auto", None, ProcessExecutor),
        ("auto", 60.0, ProcessExecutor),
        ("auto", 1.0, SerialExecutor),
        ("process", 1.0, ProcessExecutor),
        ("serial", 60.0, SerialExecutor),
    ],
)
def test_auto_takes_processes_unless_the_budget_is_brief(name, seconds, kind):
    made = executor(name, faulty_problem(), 1, None, seconds)
    made.close()
    assert type(made) is kind


def test_an_unknown_executor_is_refused_with_a_suggestion():
    with pytest.raises(
        SettingError, match=r"unknown executor 'proces'; did you mean 'process'\?; there are: auto, process"
    ):
        executor("proces", faulty_problem(), 1, None, None)


def test_numbers_of_workers():
    cores = joblib.cpu_count()
    assert [workers(n) for n in (1, 7, np.int64(3), -1, -cores, -1000)] == [1, 7, 3, cores, 1, 1]


def test_by_default_all_cores_work_but_no_more_than_can_be_of_use():
    assert 1 <= workers(None) <= joblib.cpu_count()
    assert workers(None, useful=1) == 1
    assert joblib.Parallel(2)(joblib.delayed(workers)(None) for _ in range(2)) == [1, 1]


@pytest.mark.parametrize("n_jobs", [0, True, 1.5, "2"])
def test_what_is_no_number_of_workers_is_refused(n_jobs):
    with pytest.raises(SettingError, match="n_jobs must be a whole number other than 0"):
        workers(n_jobs)


SCRIPT = """
    import numpy as np
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.neighbors import KNeighborsClassifier

    class Mine(KNeighborsClassifier):
        pass

    class Wrong(Exception):
        pass

    def share_right(estimator, X, y):
        if estimator.predict(X)[0] not in ("a", "b"):
            raise Wrong
        return (estimator.predict(X) == y).mean()

    class Metric:
        def __call__(self, estimator, X, y):
            return share_right(estimator, X, y)

    from evoml import EvoClassifier
    X = np.random.default_rng(0).normal(size=(60, 3))
    y = np.where(X[:, 0] > 0, "a", "b")
    space = {"Mine": {"path": "__main__.Mine", "kind": "classifier", "input": "dense"}, "only": ["Mine"]}
    for metric in (share_right, Metric()):
        model = EvoClassifier(
            max_evaluations=3, scoring=metric, search_space=space, executor="process", n_jobs=2, random_state=0, cv=2
        ).fit(X, y)
        assert (model.evaluated_individuals_["status"] == "OK").all(), model.evaluated_individuals_["error"].tolist()
        print(type(model.fitted_pipeline_[-1]).__name__, model.score(X, y) > 0.8)
"""


def test_classes_and_metrics_of_a_script_work_without_a_guard(tmp_path):
    (tmp_path / "script.py").write_text(textwrap.dedent(SCRIPT))
    ran = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert ran.stdout == "Mine True\nMine True\n", ran.stderr


def test_a_file_in_the_working_directory_does_not_get_in_the_way_of_the_host(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    for name in ("numpy", "select", "pickle"):
        (tmp_path / "elsewhere" / f"{name}.py").write_text("raise ImportError('the wrong module')")
    script = tmp_path / "script.py"
    script.write_text(
        "from evoml import EvoRegressor\nfrom sklearn.datasets import load_diabetes\n"
        "only = {'only': ['Ridge']}\n"
        "model = EvoRegressor(max_evaluations=1, executor='process', cv=2, search_space=only)\n"
        "model.fit(*load_diabetes(return_X_y=True))\n"
    )
    ran = subprocess.run(
        [sys.executable, script], cwd=tmp_path / "elsewhere", capture_output=True, text=True, timeout=100
    )
    assert ran.returncode == 0, ran.stderr
