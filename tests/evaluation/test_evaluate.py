"""One evaluation: the same scores as scikit-learn gives, and whatever goes wrong is part of the result."""

import random
import time
import warnings

import numpy as np
import pytest
from faulty_builder import FaultyBuilder, faulty_problem
from sklearn.datasets import load_diabetes, load_iris
from sklearn.model_selection import cross_val_score

from evoml.components import load_catalogue
from evoml.core.candidate import Status
from evoml.core.dataset import read_dataset
from evoml.evaluation import Problem, evaluate, quiet, scorers, splits
from evoml.genomes.pipeline_tree import DataFacts, PipelineSpace

CLASSIFIED, MEASURED = load_iris(return_X_y=True), load_diabetes(return_X_y=True)


def problem_of(X, y, task, scoring=None, cv=3, **changes):
    dataset = read_dataset(X, y, task)
    n_classes = 0 if dataset.classes is None else len(dataset.classes)
    facts = DataFacts(task, dataset.features.kind, 60, dataset.n_features, n_classes, 15)
    space = PipelineSpace(load_catalogue(), facts)
    metrics = scorers(scoring, task, dataset.classes)
    return Problem(dataset, space, splits(dataset, cv, 0), metrics, **{"seed": 7, **changes})


@pytest.mark.parametrize(
    ("data", "task", "text", "scoring"),
    [
        (CLASSIFIED, "classification", "LogisticRegression(StandardScaler(features))", ["accuracy", "neg_log_loss"]),
        (CLASSIFIED, "classification", "RandomForestClassifier(PCA(features), n_estimators=20)", ["f1_macro"]),
        (MEASURED, "regression", "Ridge(PolynomialFeatures(StandardScaler(features)), alpha=3.0)", ["r2"]),
        (MEASURED, "regression", "ExtraTreesRegressor(features, n_estimators=20)", ["neg_mean_absolute_error"]),
    ],
)
def test_scores_are_those_of_scikit_learn(data, task, text, scoring):
    problem = problem_of(*data, task, scoring)
    found = evaluate(problem, text)
    assert (found.status, found.error) == (Status.OK, "")
    for metric in scoring:
        model = problem.builder.build(text, 7)
        assert found.fold_scores[metric] == tuple(cross_val_score(model, *data, cv=problem.splits, scoring=metric))


def test_a_pipeline_of_everything_repeats_itself_to_the_last_bit():
    problem = problem_of(*CLASSIFIED, "classification")
    text = (
        "ExtraTreesClassifier(union(stack(RandomForestClassifier(features, n_estimators=20)),"
        " union(PCA(features), Nystroem(StandardScaler(features)))), n_estimators=20)"
    )
    assert evaluate(problem, text).fold_scores == evaluate(problem, text).fold_scores


def test_costs_are_told():
    started = time.perf_counter()
    cost = evaluate(problem_of(*CLASSIFIED, "classification"), "LogisticRegression(features)").cost
    assert 0 < cost.fit < cost.wall <= time.perf_counter() - started
    assert 0 < cost.score < cost.wall
    assert cost.cpu > 0


def test_a_part_that_fails_is_named_with_its_error():
    found = evaluate(problem_of(*CLASSIFIED, "classification"), "KNeighborsClassifier(features, n_neighbors=-1)")
    assert found.status is Status.INVALID
    assert found.error.startswith("InvalidParameterError: The 'n_neighbors' parameter of KNeighborsClassifier must be")
    assert found.fold_scores == {}


def test_a_text_that_is_no_pipeline_is_invalid():
    found = evaluate(problem_of(*CLASSIFIED, "classification"), "NoSuchPart(features)")
    assert found.status is Status.INVALID
    assert "NoSuchPart" in found.error


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_score_that_is_no_number_is_invalid(value):
    problem = problem_of(*CLASSIFIED, "classification", {"odd": lambda estimator, X, y: value})
    found = evaluate(problem, "GaussianNB(features)")
    assert found.status is Status.INVALID
    assert found.error == f"ValueError: the metric odd is {value}: the predictions cannot be scored"


def test_a_metric_that_fails_is_invalid():
    def metric(estimator, X, y):
        raise ZeroDivisionError("no rows")

    found = evaluate(problem_of(*CLASSIFIED, "classification", metric), "GaussianNB(features)")
    assert (found.status, found.error) == (Status.INVALID, "ZeroDivisionError: no rows")


def test_a_slow_pipeline_is_stopped_between_folds():
    found = evaluate(faulty_problem(time_limit=-1.0), "well")
    assert (found.status, found.error) == (Status.TIMEOUT, "took longer than its limit of -1 s")


def test_a_custom_metric_sees_labels_as_they_were_given():
    seen = set()

    def metric(estimator, X, y):
        seen.update(y, estimator.predict(X))
        return 1.0

    X, y = CLASSIFIED
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    assert evaluate(problem_of(X, names, "classification", metric, original_labels=True), "GaussianNB(features)")
    assert seen == {"setosa", "versicolor", "virginica"}


class Drawing(FaultyBuilder):
    """Makes an estimator that draws from the global random states in ``fit``."""

    def build(self, text, random_state, **_):
        draws = self.draws

        class Estimator:
            def fit(self, X, y):
                draws.append((random.random(), np.random.random()))  # noqa: NPY002
                warnings.warn("look here", UserWarning, stacklevel=2)
                return self

        return Estimator()


def drawing():
    builder = Drawing()
    builder.draws = []
    return builder, faulty_problem(builder=builder)


def global_states():
    return random.getstate(), [*map(str, np.random.get_state())]  # noqa: NPY002


def test_global_random_states_are_left_as_found():
    before = global_states()
    evaluate(problem_of(*CLASSIFIED, "classification"), "ExtraTreesClassifier(features)")
    _, problem = drawing()
    evaluate(problem, "")
    assert global_states() == before


def test_parts_that_draw_from_global_states_repeat_themselves():
    builder, problem = drawing()
    evaluate(problem, "")
    random.seed(99)
    np.random.seed(99)  # noqa: NPY002
    evaluate(problem, "")
    assert builder.draws[: len(builder.draws) // 2] == builder.draws[len(builder.draws) // 2 :]


def test_warnings_of_parts_are_silenced_and_filters_left_as_found():
    before = list(warnings.filters)
    with warnings.catch_warnings(record=True) as caught:
        evaluate(drawing()[1], "")
    assert not caught
    assert list(warnings.filters) == before


def test_evaluations_in_many_threads_leave_everything_as_found():
    from concurrent.futures import ThreadPoolExecutor

    from threadpoolctl import threadpool_info

    def limits():
        return [(library["prefix"], library["num_threads"]) for library in threadpool_info()]

    def sleepy(index):
        with quiet(index):
            time.sleep(0.005 * (index % 3))
            return random.random(), np.random.random()  # noqa: NPY002

    before = (global_states(), list(warnings.filters), limits())
    alone = [sleepy(index) for index in range(20)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(sleepy, range(20))) == alone
    assert (global_states(), list(warnings.filters), limits()) == before
