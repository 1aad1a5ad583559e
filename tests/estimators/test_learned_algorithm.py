"""Learned algorithms as estimators: what they learn, their failures, and the same predictions from exported source."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from evoml import LearnedAlgorithm, load_catalogue
from evoml.core.errors import DataError, SearchSpaceError, SettingError
from evoml.genomes.program.library import LIBRARY
from evoml.kernels.program_codes import NAMES

# Draws in every component, entries of vectors, and what happens to work at the end of predict is learned from.
NOISY = """
def setup():
    s2 = 0.02
    v1[index(0.4)] = 0.25
    m1 = uniform(-0.1, 0.1, (n, n))

def predict():
    v3 = gaussian(0.0, 0.05, n)
    v3 = v0 + v3
    v4 = dot(m1, v3)
    s3 = norm(v4)
    s1 = dot(v1, v3)
    s3 = uniform(0.0, 0.01)
    s1 = s1 + s3

def learn():
    s3 = s0 - s1
    s3 = s3 * s2
    v3 = s3 * v3
    v1 = v1 + v3
"""
DIVERGING = LIBRARY["linear"].replace("0.01", "3.0")


def impossible(estimator):
    return {
        "check_sample_weight_equivalence_on_dense_data": "it learns from one row after another, in a random order: weights"
        " are how often rows are drawn, so that repeated rows are the same on average, not in bits"
    }


@parametrize_with_checks(
    [LearnedAlgorithm(task="regression"), LearnedAlgorithm("network", task="classification", random_state=0)],
    expected_failed_checks=impossible,
)
def test_it_is_an_estimator_of_scikit_learn(estimator, check):
    check(estimator)


def learned(program="affine", task="classification", **parameters):
    return LearnedAlgorithm(program, task=task, **{"random_state": 0, **parameters})


def halves(load):
    X, y = load(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(X))
    half = len(X) // 2
    return X[order[:half]], y[order[:half]], X[order[half:]], y[order[half:]]


@pytest.mark.parametrize("program", LIBRARY)
@pytest.mark.parametrize(("load", "task", "least"), [
    (load_breast_cancer, "classification", 0.94), (load_wine, "classification", 0.9), (load_diabetes, "regression", 0.35),
])  # fmt: skip
def test_programs_of_the_library_learn(program, load, task, least):
    X, y, X_new, y_new = halves(load)
    assert learned(program, task).fit(X, y).score(X_new, y_new) > least


def test_more_examples_are_more_to_learn_from():
    X, y, X_new, y_new = halves(load_iris)
    few, many = (learned(examples=n).fit(X, y).predict_proba(X_new) for n in (1, 20_000))
    right = np.searchsorted(np.unique(y), y_new)
    loss = [-np.log(one[np.arange(len(one)), right]).mean() for one in (few, many)]
    assert loss[1] < loss[0] - 0.2


def test_labels_may_be_texts_and_columns_names():
    import pandas as pd

    table = load_iris(as_frame=True)
    y = pd.Series(np.array(["setosa", "versicolor", "virginica"])[table.target])
    model = learned().fit(table.data, y)
    assert set(model.predict(table.data)) == set(y)
    assert model.score(table.data, y) > 0.8


def test_it_is_what_its_task_says():
    assert is_classifier(learned())
    assert is_regressor(learned(task="regression"))
    assert hasattr(learned(), "predict_proba")
    assert not hasattr(learned(task="regression"), "predict_proba")


def test_each_row_is_predicted_alone_also_where_predicting_changes_memory():
    X, y, X_new, _ = halves(load_diabetes)
    text = LIBRARY["linear"].replace("    s1 = dot(v0, v1)", "    s1 = dot(v0, v1)\n    s1 = s1 + s7\n    s7 = s1 * s1")
    model = learned(text, "regression").fit(X, y)
    np.testing.assert_array_equal(model.predict(X_new)[::-1], model.predict(X_new[::-1]))
    np.testing.assert_array_equal(model.predict(X_new)[5:6], model.predict(X_new[5:6]))


def test_copies_pickles_and_the_same_seed_are_the_same():
    X, y, X_new, _ = halves(load_wine)
    model = learned(NOISY).fit(X, y)
    found = model.predict_proba(X_new)
    for other in (clone(model).fit(X, y), pickle.loads(pickle.dumps(model)), learned(NOISY).fit(X, y)):
        np.testing.assert_array_equal(other.predict_proba(X_new), found)
    assert not np.array_equal(learned(NOISY, random_state=1).fit(X, y).predict_proba(X_new), found)


def test_many_columns_are_projected():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 200)) @ rng.normal(size=(200, 200))
    y = X[:, :5].sum(axis=1)
    model = learned("linear", "regression", max_features=12).fit(X, y)
    assert model._scaling(X).shape == (300, 12)
    np.testing.assert_allclose(model._scaling(X).std(axis=0), 1.0)


def test_more_classes_than_learn_at_once():
    rng = np.random.default_rng(0)
    y = np.arange(600) % 20
    X = rng.normal(size=(20, 8))[y] * 3 + 0.3 * rng.normal(size=(600, 8))
    model = learned(examples=20_000).fit(X, y)
    assert model.predict_proba(X).shape == (600, 20)
    assert model.score(X, y) > 0.9


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_one_that_fails_predicts_what_is_most_likely(task):
    X, y, X_new, _ = halves(load_breast_cancer if task == "classification" else load_diabetes)
    if task == "classification":
        model = learned("def predict():\n    s1 = 1 / s5\n    s2 = s1 - s1\n    s1 = s1 - s1\n", task).fit(X, y)
        np.testing.assert_allclose(model.predict_proba(X_new)[:, 1], y.mean())
    else:
        model = learned(DIVERGING, task).fit(X, y)
        np.testing.assert_allclose(model.predict(X_new), y.mean())
    assert model.failed_


# -- source ---------------------------------------------------------------------------------------------------------------

RUN = """
import sys
sys.modules["evoml"] = None
import numpy as np
import algorithm
data = np.load("data.npz")
model = algorithm.LearnedAlgorithm().fit(data["X"], data["y"])
found = model.predict_proba(data["X_new"]) if hasattr(model, "predict_proba") else model.predict(data["X_new"])
np.save("found.npy", found)
"""


def exported(model, X, y, X_new, folder):
    """Return what the exported source predicts in a process without evoml."""
    model.export(folder / "algorithm.py")
    np.savez(folder / "data.npz", X=X, y=y, X_new=X_new)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", RUN], cwd=folder, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return np.load(folder / "found.npy")


@pytest.mark.parametrize("program", ["affine", "network", NOISY])
@pytest.mark.parametrize("load", [load_wine, load_breast_cancer, load_diabetes])
def test_exported_source_predicts_the_same_without_evoml(program, load, tmp_path):
    X, y, X_new, _ = halves(load)
    task = "regression" if load is load_diabetes else "classification"
    model = learned(program, task, random_state=7, max_features=8).fit(X, y)
    found = exported(model, X, y, X_new, tmp_path)
    np.testing.assert_allclose(
        found, model.predict_proba(X_new) if task == "classification" else model.predict(X_new), rtol=1e-9
    )


def test_exported_source_knows_failures_too(tmp_path):
    X, y, X_new, _ = halves(load_diabetes)
    model = learned(DIVERGING, "regression").fit(X, y)
    np.testing.assert_allclose(exported(model, X, y, X_new, tmp_path), y.mean())


_WORD = {"s": "scalar", "v": "vector", "m": "matrix"}


def test_exported_source_does_what_each_operation_does(tmp_path):
    from evoml.genomes.program.operations import OPERATIONS
    from evoml.genomes.program.program import Instruction, Program
    from evoml.genomes.program.text import write

    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(12, 3)), rng.normal(size=12)
    for name in NAMES:
        one = OPERATIONS[name]
        if not one.output:
            continue
        literals = tuple(np.round(rng.uniform(0.1, 0.9, one.n_literals), 2).tolist())
        setup = tuple(
            Instruction(f"{word}_uniform", address, (), (0.1, 0.9)) for word in _WORD.values() for address in (2, 3)
        )
        tried = Instruction(name, 4, tuple(range(2, 2 + len(one.inputs))), literals)
        end = {"s": ("scalar_sum", (4, 5)), "v": ("vector_mean", (4,)), "m": ("matrix_mean", (4,))}[one.output]
        model = learned(
            write(Program(setup, (tried, Instruction(end[0], 1, end[1])), ())), "regression", examples=1
        ).fit(X, y)
        module = {}
        exec(model.to_numpy_source(), module)
        found = module["LearnedAlgorithm"]().fit(X, y).predict(X)
        np.testing.assert_allclose(found, model.predict(X), rtol=1e-9, err_msg=name)


# -- part of pipelines, mistakes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_it_is_a_part_of_pipelines(task):
    catalogue = load_catalogue().with_part("Mine", **learned(NOISY, task).as_part())
    part = catalogue["Mine"]
    model = part.build({}, random_state=3)
    X, y, *_ = halves(load_breast_cancer if task == "classification" else load_diabetes)
    assert part.task == task
    assert model.program == NOISY
    assert cross_val_score(model, X, y, cv=3).mean() > (0.9 if task == "classification" else 0.3)


def test_programs_by_hand_are_parts_where_they_are_asked_for(tmp_path):
    from evoml import EvoClassifier
    from evoml.cli.model_file import SavedModel, load_model, save_model

    catalogue = load_catalogue("programs")
    assert set(catalogue) - set(load_catalogue()) == {"LearnedClassifier", "LearnedRegressor"}
    X, y, X_new, _ = halves(load_breast_cancer)
    small = {"max_evaluations": 3, "population_size": 3, "cv": 2, "executor": "serial", "ensemble_size": 1}
    found = EvoClassifier(**small, search_space=catalogue.only("LearnedClassifier"), random_state=0).fit(X, y)
    model = found.fitted_pipeline_
    assert "LearnedAlgorithm" in str(model)
    facts = {"names": ["x"] * 30, "kinds": ["number"] * 30, "unused": [], "classes": found.classes_}
    saved = SavedModel(model, "classification", "y", **facts, metric="accuracy", versions={})
    save_model(saved, tmp_path / "model.skops")
    read = load_model(tmp_path / "model.skops").pipeline
    np.testing.assert_array_equal(read.predict_proba(X_new), model.predict_proba(X_new))


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        ({"program": "afine"}, SearchSpaceError, "no program 'afine'; did you mean 'affine'?"),
        ({"program": "def predict():\n    s1 = dot(v0 v1)"}, SearchSpaceError, "line 2"),
        ({"task": "classify"}, SettingError, "did you mean 'classification'?"),
        ({"examples": 0}, ValueError, "examples must be greater than zero"),
        ({"max_features": None}, SettingError, "max_features"),
    ],
)
def test_a_mistake_is_one_clear_error(changes, kind, message):
    with pytest.raises(kind) as caught:
        learned().set_params(**changes).fit([[0.0], [1.0]], [0, 1])
    assert message in str(caught.value)


def test_a_classifier_needs_two_classes():
    with pytest.raises(DataError, match="one class only"):
        learned().fit([[0.0], [1.0]], [1, 1])


def test_rows_of_no_weight_are_not_there():
    X, y, X_new, _ = halves(load_iris)
    weights = np.where(y == 2, 0.0, 1.0)
    model = learned(examples=400).fit(X, y, weights)
    assert model.classes_.tolist() == [0, 1]
    same = learned(examples=400).fit(X[y < 2], y[y < 2], np.ones((y < 2).sum()))
    np.testing.assert_array_equal(model.predict_proba(X_new), same.predict_proba(X_new))


def test_weights_are_how_often_rows_come():
    X, y = np.zeros((40, 1)), np.arange(40) % 2
    for weights, share in ((None, 0.5), (np.where(y == 1, 9.0, 1.0), 0.9)):
        model = learned("affine", examples=4000).fit(X, y, weights)
        assert model.predict_proba([[0.0]])[0, 1] == pytest.approx(share, abs=0.06)


def test_a_class_of_next_to_no_weight_stays_a_class():
    X, y, X_new, _ = halves(load_iris)
    model = learned().fit(X, y, np.where(y == 2, 1e-12, 1.0))
    assert model.classes_.tolist() == [0, 1, 2]
    found = model.predict_proba(X_new)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
