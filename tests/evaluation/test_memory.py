"""Predictions of stacked models that are kept between evaluations are those that would have been computed."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression

from evoml.components import load_catalogue
from evoml.core.candidate import Status
from evoml.core.dataset import read_dataset
from evoml.evaluation import Problem, evaluate, scorers, splits
from evoml.evaluation.memory import Memory, Remembered, digest
from evoml.genomes.pipeline_tree import PipelineSpace
from evoml.learners import OutOfFoldPredictions
from evoml.run.search import data_facts

STACKED = "stack(DecisionTreeClassifier(PCA(features)))"
TEXTS = [
    f"LogisticRegression(union(StandardScaler(features), {STACKED}))",
    f"GaussianNB({STACKED})",
    f"LogisticRegression(union(PCA(features), {STACKED}))",
    "LogisticRegression(stack(GaussianNB(features)))",
]


@pytest.fixture(scope="module", params=["array", "frame"])
def problem(request):
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    X, y = X.iloc[::3, :6], y.iloc[::3]
    if request.param == "frame":
        X = X.assign(size=np.where(X.iloc[:, 0] > X.iloc[:, 0].median(), "large", "small"))
    dataset = read_dataset(X, y, "classification")
    folds, metrics = splits(dataset, 3, 0), scorers(["accuracy", "roc_auc"], "classification", dataset.classes)
    space = PipelineSpace(load_catalogue(), data_facts(dataset, folds, metrics), initial_pipelines=TEXTS)
    return Problem(dataset, space, folds, metrics, seed=0), [str(tree) for tree in space.initial[: len(TEXTS)]]


def test_scores_are_the_same_bits_with_and_without_memory(problem):
    of, texts = problem
    memory = Memory()
    for text in texts * 2:
        remembered, computed = evaluate(of, text, memory), evaluate(of, text)
        assert remembered.status is Status.OK, remembered.error
        assert remembered.fold_scores == computed.fold_scores
    assert memory.hits > 0


def test_a_stacked_model_known_already_is_fitted_no_more(problem, monkeypatch):
    of, texts = problem
    memory = Memory()
    evaluate(of, texts[0], memory)
    monkeypatch.setattr(OutOfFoldPredictions, "fit_transform", lambda *_: pytest.fail("fitted again"))
    monkeypatch.setattr(OutOfFoldPredictions, "fit", lambda *_: pytest.fail("fitted again"))
    assert evaluate(of, texts[1], memory).status is Status.OK


def test_other_rows_other_targets_and_other_steps_are_not_mistaken_for_each_other():
    X, y = load_breast_cancer(return_X_y=True)
    memory = Memory()

    def found(rows, target, regularisation, key):
        step = OutOfFoldPredictions(LogisticRegression(C=regularisation, max_iter=5000))
        return memory.remember(key, step).fit_transform(X[rows, :4], target[rows])

    first = found(slice(0, 300), y, 1.0, "a")
    assert np.array_equal(first, found(slice(0, 300), y, 1.0, "a"))
    assert memory.hits == 1
    for other in (
        found(slice(1, 301), y, 1.0, "a"),
        found(slice(0, 300), 1 - y, 1.0, "a"),
        found(slice(0, 300), y, 0.01, "b"),
    ):
        assert not np.array_equal(first, other)
    assert memory.hits == 1


def test_rows_not_seen_before_are_predicted_by_the_model_fitted_late():
    X, y = load_breast_cancer(return_X_y=True)
    X, memory = X[:, :4], Memory()
    steps = [Remembered(OutOfFoldPredictions(LogisticRegression(max_iter=5000)), "a", memory) for _ in range(2)]
    for step in steps:
        step.fit_transform(X[:300], y[:300])
    plain = OutOfFoldPredictions(LogisticRegression(max_iter=5000)).fit(X[:300], y[:300])
    assert np.array_equal(steps[1].transform(X[300:]), plain.transform(X[300:]))


def test_memory_is_bounded_and_forgets_what_was_used_longest_ago():
    memory = Memory(max_bytes=3 * 800)
    for name in (b"a", b"b", b"c"):
        memory.recall(name, lambda: np.ones(100))
    memory.recall(b"a", lambda: pytest.fail("a is known"))
    memory.recall(b"d", lambda: np.ones(100))
    assert memory.n_bytes <= 3 * 800
    memory.recall(b"a", lambda: pytest.fail("a is known"))
    assert memory.recall(b"b", lambda: np.zeros(100)).sum() == 0


def test_what_is_recalled_may_be_changed_without_harm():
    memory = Memory()
    memory.recall(b"a", lambda: np.ones(3))[:] = 7
    assert memory.recall(b"a", lambda: pytest.fail("known")).tolist() == [1, 1, 1]


def test_equal_contents_have_equal_digests_and_others_do_not():
    array = np.arange(6.0).reshape(2, 3)
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]})
    assert digest("k", array, frame) == digest("k", np.asfortranarray(array), frame.copy())
    others = [
        digest("l", array, frame),
        digest("k", array.reshape(3, 2), frame),
        digest("k", array.astype(np.float32), frame),
        digest("k", array, frame.rename(columns={"a": "c"})),
        digest("k", array, frame.assign(b=["x", "z"])),
    ]
    assert len({digest("k", array, frame), *others}) == 6
