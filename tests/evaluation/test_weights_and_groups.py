"""Sample weights and groups reach every step that takes them, and the metrics."""

import numpy as np
import pytest
import recording_parts
from recording_parts import recording_space

from evoml.components import load_catalogue
from evoml.core.candidate import Status
from evoml.core.dataset import read_dataset
from evoml.evaluation import Problem, evaluate, scorers, splits
from evoml.genomes.pipeline_tree import DataFacts, PipelineSpace

N = 40
X = np.column_stack([np.arange(float(N)), np.ones(N)])
Y = np.arange(N) % 2
WEIGHT = np.linspace(0.25, 4.5, N)
GROUPS = np.arange(N) // 4


@pytest.fixture(autouse=True)
def fits():
    recording_parts.FITS.clear()
    return recording_parts.FITS


def recorded(text, sample_weight=None, groups=None, scoring="accuracy", cv=4):
    dataset = read_dataset(X, Y, "classification", sample_weight, groups)
    problem = Problem(dataset, recording_space(), splits(dataset, cv, 0), scorers(scoring, "classification"), 0)
    found = evaluate(problem, text)
    assert found.status is Status.OK, found.error
    return found, problem


DEEP = (
    "RecordingModel(union(RecordingScaler(features), union(PlainScaler(features),"
    " stack(OtherRecordingModel(union(RecordingScaler(features), PlainScaler(features)))))))"
)


def test_fractional_weights_reach_every_step_also_in_unions_and_stacked_models(fits):
    recorded(DEEP, WEIGHT)
    assert {name for name, _, _, _ in fits} == {
        "RecordingModel",
        "OtherRecordingModel",
        "RecordingScaler",
        "PlainScaler",
    }
    for name, first_column, weight, _ in fits:
        if name == "PlainScaler":
            assert weight is None
        else:
            np.testing.assert_array_equal(weight, WEIGHT[first_column.astype(int)], err_msg=name)


def test_groups_reach_stacked_models_which_keep_them_whole(fits):
    recorded(DEEP, WEIGHT, GROUPS)
    inner = [rows.astype(int) for name, rows, _, _ in fits if name == "OtherRecordingModel"]
    assert len(inner) > 8
    for rows in inner:
        held = GROUPS[rows]
        assert all(np.count_nonzero(held == group) == 4 for group in np.unique(held))


def test_groups_reach_a_model_that_takes_them(fits):
    recorded("RecordingModel(features)", None, GROUPS)
    assert all((groups == GROUPS[rows.astype(int)]).all() for _, rows, _, groups in fits)
    assert len(fits) == 4


def test_rows_of_weight_zero_are_not_seen(fits):
    weight = np.where(np.arange(N) < 6, 0.0, WEIGHT)
    recorded(DEEP, weight)
    assert all(rows.min() >= 6 for _, rows, _, _ in fits)


def test_weights_count_in_the_score():
    weight = np.where(Y == 1, 3.5, 0.5)
    found, problem = recorded("RecordingModel(features)", weight)
    for value, (_, test) in zip(found.fold_scores["accuracy"], problem.splits, strict=True):
        assert value == pytest.approx(weight[test][Y[test] == 1].sum() / weight[test].sum())


def test_weights_reach_a_metric_of_the_users_own_that_takes_them():
    seen = []

    def metric(estimator, X, y, sample_weight=None):
        seen.append(sample_weight)
        return 1.0

    recorded("RecordingModel(features)", WEIGHT, scoring=metric)
    np.testing.assert_array_equal(np.sort(np.concatenate(seen)), WEIGHT)


# -- the whole catalogue ------------------------------------------------------------------------------------------------

BRIDGES = dict.fromkeys(("any", "text", "table", "numeric", "dense"), "features") | {
    "nonnegative": "MinMaxScaler(features)"
}


def parts(task):
    facts = {"n_rows": 30, "n_features": 4, "n_classes": 2 if task == "classification" else 0}
    if task == "classification":
        facts |= {"imbalance": 5.0, "needs_predict_proba": True}  # so that all wrappers are there
    catalogue = load_catalogue().limited(task=task, target="positive" if task == "regression" else "any", **facts)
    return [(task, name) for name in catalogue]


@pytest.mark.parametrize(("task", "name"), parts("classification") + parts("regression"))
def test_every_part_of_the_catalogue_can_be_fitted_with_fractional_weights(task, name):
    import pandas as pd

    rng = np.random.default_rng(0)
    part = load_catalogue()[name]
    table = pd.DataFrame(rng.normal(size=(48, 4)), columns=list("abcd"))
    if part.input == "table":
        table["b"] = rng.choice(["red", "green", "blue"], size=48)
    if part.input == "text":
        table["b"] = [" ".join(rng.choice(["red", "green", "blue", "round", "flat"], size=6)) for _ in range(48)]
    y = (table["a"] > 0).astype(int) if task == "classification" else np.exp(table["a"])
    dataset = read_dataset(
        table, y, task, rng.uniform(0.5, 3, size=48), column_kinds={"b": "text"} if part.input == "text" else None
    )
    facts = DataFacts(
        task,
        dataset.features.kind,
        n_rows=24,
        n_features=4,
        n_classes=2 if task == "classification" else 0,
        class_rows=8 if task == "classification" else 0,
        target="any" if task == "classification" else "positive",
        needs_predict_proba=part.input == "any_model",
        imbalance=5.0,
    )
    model = "LogisticRegression" if task == "classification" else "Ridge"
    text = f"{name}({model}(features))" if part.around else f"{name}({BRIDGES[part.input]})"
    if not (part.is_model or part.around):
        text = f"{model}(StandardScaler({text}))" if part.input != "table" else f"{model}({text})"
    grammar_space = PipelineSpace(load_catalogue(), facts, [text])
    folds = [(np.arange(0, 48, 2), np.arange(1, 48, 2))]
    problem = Problem(dataset, grammar_space, folds, scorers(None, task), 0)
    found = evaluate(problem, str(grammar_space.initial[0]))
    assert (found.status, found.error) == (Status.OK, "")
