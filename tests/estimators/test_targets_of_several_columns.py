"""Fits on targets of several columns, from the first row to the exported source."""

import pickle
import runpy

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_linnerud, make_multilabel_classification
from sklearn.metrics import f1_score, make_scorer
from sklearn.model_selection import cross_val_score

from evoml import CostMatrix, EvoClassifier, EvoRegressor, Journal
from evoml.core.errors import DataError, SettingError
from evoml.run import replay

REGRESSORS = {
    "only": ["Ridge", "DecisionTreeRegressor", "SVR", "StandardScaler", "MultiOutputRegressor", "RegressorChain"]
}
CLASSIFIERS = {
    "only": ["LogisticRegression", "DecisionTreeClassifier", "KNeighborsClassifier", "LinearSVC", "StandardScaler",
             "MultiOutputClassifier", "ClassifierChain", "OneHotEncoder", "SimpleImputer"]
}  # fmt: skip
CHEAP = {"max_evaluations": 10, "population_size": 6, "cv": 3, "random_state": 0, "executor": "serial"}
X, Y = make_multilabel_classification(120, n_features=6, n_classes=3, random_state=0)
LABELS = pd.DataFrame({"kind": np.array(["a", "b", "c"])[Y[:, 0] + Y[:, 1]], "side": np.where(Y[:, 2], "u", "v")})
BODIES, EXERCISES = load_linnerud(return_X_y=True, as_frame=True)


def classifier(**changes):
    return EvoClassifier(**(CHEAP | {"search_space": CLASSIFIERS} | changes))


def regressor(**changes):
    return EvoRegressor(**(CHEAP | {"search_space": REGRESSORS} | changes))


@pytest.fixture(scope="module")
def numbers():
    return regressor(holdout=0.25).fit(BODIES, EXERCISES)


@pytest.fixture(scope="module")
def labels():
    return classifier(scoring="neg_log_loss").fit(X, Y)


def source_of(model, tmp_path):
    return runpy.run_path(str(model.export(tmp_path / "pipeline.py")))["make_pipeline"]()


def test_numbers_are_predicted_in_columns(numbers, tmp_path):
    said = numbers.predict(BODIES)
    assert said.shape == (20, 3)
    assert np.isfinite([numbers.best_score_, numbers.holdout_score_, numbers.score(BODIES, EXERCISES)]).all()
    assert numbers.estimated_score_ <= numbers.best_score_


def test_exported_source_is_the_model(tmp_path):
    for model, target in ((regressor(), EXERCISES), (classifier(scoring="neg_log_loss"), Y), (classifier(), LABELS)):
        table = BODIES if target is EXERCISES else X
        again = source_of(model.fit(table, target), tmp_path).fit(table, target)
        said, expected = again.predict(table), model.predict(table)
        same = np.isclose(said, expected, rtol=1e-9) if target is EXERCISES else said == expected
        assert same.all()


def test_labels_and_their_probabilities(labels):
    said, probabilities = labels.predict(X), labels.predict_proba(X)
    assert said.dtype == Y.dtype
    assert set(np.unique(said)) <= {0, 1}
    assert [classes.tolist() for classes in labels.classes_] == [[0, 1]] * 3
    assert [one.shape for one in probabilities] == [(120, 2)] * 3
    assert np.array_equal(np.column_stack([one.argmax(axis=1) for one in probabilities]), said)
    assert -3.0 < labels.best_score_ < labels.score(X, Y) < 0.0


@pytest.mark.parametrize("scoring", [None, "neg_log_loss"])
def test_classes_of_several_columns(scoring):
    model = classifier(scoring=scoring).fit(X, LABELS)
    said = model.predict(X)
    assert said.shape == (120, 2)
    assert [classes.tolist() for classes in model.classes_] == [["a", "b", "c"], ["u", "v"]]
    if scoring is None:
        assert model.score(X, LABELS) == np.mean((said == LABELS.to_numpy()).all(axis=1))
    else:
        assert [one.shape for one in model.predict_proba(X)] == [(120, 3), (120, 2)]


def test_an_average_of_several_pipelines_says_what_its_members_say_on_average(labels):
    assert len(labels.ensemble_) > 1
    voting = labels.fitted_pipeline_
    members = [one.predict_proba(X) for one in voting.estimators_]
    expected = np.average([said[1] for said in members], axis=0, weights=voting.weights)
    assert labels.predict_proba(X)[1] == pytest.approx(expected)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_the_same_bits_for_any_number_of_workers(labels, n_jobs):
    again = classifier(scoring="neg_log_loss", executor="process", n_jobs=n_jobs).fit(X, Y)
    assert list(again.evaluated_individuals_["text"]) == list(labels.evaluated_individuals_["text"])
    assert again.best_score_ == labels.best_score_
    assert np.array_equal(again.predict_proba(X), labels.predict_proba(X))


def test_a_recorded_run_comes_out_again(tmp_path):
    regressor(journal=tmp_path / "run.db").fit(BODIES, EXERCISES)
    assert replay(regressor().as_search(BODIES, EXERCISES), tmp_path / "run.db").equal


def test_weights_and_groups():
    weight = np.random.default_rng(0).random(120)
    assert np.isfinite(classifier().fit(X, Y, sample_weight=weight).best_score_)
    assert np.isfinite(classifier(scoring="roc_auc").fit(X, Y, groups=np.arange(120) // 4).best_score_)
    twice = np.arange(120) % 2 + 1
    assert classifier().fit(X, Y, sample_weight=twice).predict(X).shape == (120, 3)


def test_raw_tables_with_text_and_gaps():
    table = pd.DataFrame({"colour": np.where(X[:, 0] > 3, "red", "blue"), "size": X[:, 1]})
    table.loc[::5, "size"] = np.nan
    model = classifier().fit(table, Y)
    assert model.predict(pd.DataFrame({"colour": ["green"], "size": [np.nan]})).shape == (1, 3)


def test_a_rare_and_a_constant_label():
    target = np.column_stack([Y, np.zeros(120, dtype=int), np.zeros(120, dtype=int)])
    target[:2, 3] = 1
    with pytest.warns(UserWarning, match="y4 of the target hold one value only"):
        model = classifier(scoring="roc_auc").fit(X, target)
    assert set(model.evaluated_individuals_["status"]) <= {"OK", "PRUNED"}
    assert set(model.predict(X)[:, 4]) == {0}
    assert model.predict_proba(X)[4].tolist() == [[1.0, 0.0]] * 120


def test_metrics_of_the_users_own_see_targets_as_they_were_given():
    samples = make_scorer(f1_score, average="samples", zero_division=0.0)
    model = classifier(scoring=samples).fit(X, Y)
    assert model.score(X, Y) == f1_score(Y, model.predict(X), average="samples", zero_division=0.0)

    def right(estimator, X, y):
        return float(np.mean(estimator.predict(X) == np.asarray(y)))

    both = classifier(scoring={"right": right, "balanced": "balanced_accuracy"}).fit(X, LABELS)
    assert both.score(X, LABELS) == pytest.approx(np.mean(both.predict(X) == LABELS.to_numpy()))


def test_cross_validation_of_scikit_learn_takes_the_estimator():
    assert np.isfinite(cross_val_score(classifier(max_evaluations=3), X, Y, cv=2)).all()


def test_a_pickled_model_says_the_same(labels, numbers):
    assert np.array_equal(pickle.loads(pickle.dumps(labels)).predict_proba(X), labels.predict_proba(X))
    assert np.array_equal(pickle.loads(pickle.dumps(numbers)).predict(BODIES), numbers.predict(BODIES))


def test_explanations_measure_each_column(tmp_path):
    model = regressor().fit(BODIES, EXERCISES)
    page = model.report(tmp_path / "report.html", BODIES, EXERCISES).read_text()
    measures = model.explain(BODIES, EXERCISES)["measures"]["name"].tolist()
    assert [f"{name}: R²" for name in EXERCISES] == [name for name in measures if name.endswith("R²")]
    assert "3 columns to predict" in page
    assert "Weight; Waist; Pulse" in page
    of_classes = classifier(scoring="neg_log_loss").fit(X, LABELS)
    tables = of_classes.explain(X, LABELS)
    assert "kind: log loss (less is better)" in tables["measures"]["name"].tolist()
    assert len(tables["importance"]) == 6


def test_the_record_names_the_columns(numbers):
    with Journal.from_bytes(numbers._record) as journal:
        assert journal.settings["target"] == "Weight, Waist, Pulse"
        assert journal.settings["outputs"] == [{"name": name, "classes": None} for name in EXERCISES]


@pytest.mark.parametrize(
    ("model", "target", "message"),
    [
        (classifier(conformal=True), Y, "conformal=True is for targets of one column, this one has 3"),
        (classifier(scoring=CostMatrix([[0, 1], [1, 0]])), Y, "CostMatrix is of one column of labels"),
        (classifier(scoring="f1_samples"), LABELS, "is of labels that are 0 or 1"),
        (classifier(scoring="roc_auc"), LABELS, "cannot score this target"),
        (classifier(), X + 0.5, "labels, the target holds numbers such as"),
    ],
)
def test_what_is_not_supported_is_one_clear_error(model, target, message):
    with pytest.raises((DataError, SettingError), match=message):
        model.fit(X, target)


def test_a_score_of_another_number_of_columns_is_refused(labels):
    with pytest.raises(DataError, match=r"the target has 2 column\(s\), the model was fitted on 3"):
        labels.score(X, Y[:, :2])
    with pytest.raises(DataError, match=r"has 1 column\(s\)"):
        labels.score(X, Y[:, 0])
