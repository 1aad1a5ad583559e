"""What is found out about a run's model: on rows that no fold's model has seen, honest about chance, within its time."""

from dataclasses import replace
from time import monotonic

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn import metrics
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from small_search import run, small_search, small_table

from evoml.core.dataset import read_dataset
from evoml.core.errors import BudgetError, DataError, FitError, JournalError
from evoml.journal import Journal
from evoml.run.ensemble import Limits
from evoml.run.explanation import default_seconds, explain
from evoml.run.explanation.dependence import dependences
from evoml.run.explanation.explaining import explained
from evoml.run.explanation.fold_models import FoldModel, averaged, column_of
from evoml.run.explanation.importance import importances
from evoml.run.explanation.performance import performance, wilson
from evoml.run.explanation.residuals import residuals
from evoml.run.explanation.slices import slices
from evoml.run.parts import put_together

LATER = 1e12  # a moment that never comes


class Told:
    """A model that says what it is told, whatever it is asked."""

    def __init__(self, said):
        self.said = said

    def predict(self, X):
        return self.said


def fold_models_of(X, y, fit, classes=None, n_folds=4):
    """Return models of folds of consecutive rows, fitted on the others."""
    found = []
    for test in np.array_split(np.arange(len(y)), n_folds):
        train = np.setdiff1d(np.arange(len(y)), test)
        part, labels = (X.iloc[train], X.iloc[test]) if hasattr(X, "iloc") else (X[train], X[test])
        labels = labels.reset_index(drop=True) if hasattr(X, "iloc") else labels
        found.append(FoldModel(fit(part, y[train]), labels, y[test], y[test], None, test, classes))
    return found


def linear(rows=400, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, 4))
    return X, 3.0 * X[:, 0] - X[:, 1] + 0.1 * rng.normal(size=rows)


def of_numbers(X, y):
    return fold_models_of(X, y, lambda X, y: LinearRegression().fit(X, y))


def of_classes(X, y, n_classes=2):
    return fold_models_of(X, y, lambda X, y: LogisticRegression().fit(X, y), np.arange(n_classes))


# -- a whole run ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def found():
    settings = {"scoring": ["accuracy", "roc_auc"], "limits": Limits(size=1)}
    wanted, result = small_search(12, **settings), run(12, **settings)
    with Journal.from_bytes(result.record) as journal:
        return wanted, result, explain(wanted, journal, 60), journal.get("explanation")


def test_the_explanation_is_recorded_as_it_is_returned(found):
    _, result, told, recorded = found
    assert recorded == told
    assert told["folds"] == 2
    assert told["rows"] == 60
    assert told["of"][0] == result.model.text
    assert told["notes"] == []


def test_a_model_of_several_pipelines_is_explained_as_their_average(found):
    wanted, result, _, _ = found
    ids = result.individuals.index[result.individuals["status"] == "OK"][:2]
    with Journal.from_bytes(result.record) as journal:
        weights = {int(ids[0]): 0.75, int(ids[1]): 0.25}
        journal.put("summary", {**journal.get("summary"), "ensemble": {"score": 0.5, "weights": weights}})
        told = explain(wanted, journal, 60)
    assert told["of"][1] == {str(one): weight for one, weight in weights.items()}
    assert told["notes"] == []


def test_measures_are_those_of_the_search_where_it_has_them(found):
    _, result, told, _ = found
    accuracy = next(one for one in told["performance"]["measures"] if one["name"] == "accuracy")
    if not result.model.members:
        assert accuracy["mean"] == pytest.approx(result.best.scores[0], abs=1e-4)
    assert np.array(told["performance"]["confusion"]["counts"]).sum() == 60


def test_the_same_run_is_explained_the_same(found):
    wanted, result, told, _ = found
    with Journal.from_bytes(result.record) as journal:
        again = explain(wanted, journal, 60)
    assert {**again, "seconds": 0} == {**told, "seconds": 0}


def test_global_random_states_are_left_alone(found):
    wanted, result, _, _ = found
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    with Journal.from_bytes(result.record) as journal:
        explain(wanted, journal, 60)
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


def test_another_table_is_refused(found):
    wanted, result, _, _ = found
    other = replace(wanted, dataset=read_dataset(*small_table(seed=5), "classification"))
    with Journal.from_bytes(result.record) as journal, pytest.raises(DataError, match="the table, its target"):
        explain(other, journal)


def test_an_unfinished_run_and_a_guess_have_nothing_to_explain(found):
    wanted, result, _, _ = found
    with Journal.from_bytes(result.record) as journal:
        summary = journal.get("summary")
        journal.put("summary", {**summary, "model": ""})
        with pytest.raises(JournalError, match="constant guess"):
            explain(wanted, journal)
        journal.put("summary", None)
        with pytest.raises(JournalError, match="has not finished"):
            explain(wanted, journal)


def test_a_fit_that_is_known_to_take_too_long_is_not_begun(found):
    wanted, result, _, _ = found
    with Journal.from_bytes(result.record) as journal, pytest.raises(BudgetError, match="allow about"):
        explain(wanted, journal, 1e-9)


def test_a_model_that_cannot_be_fitted_is_told(found, monkeypatch):
    def failing(*_):
        raise ZeroDivisionError("no")

    monkeypatch.setattr("evoml.run.explanation.explaining.fit_table", failing)
    wanted, result, _, _ = found
    with (
        Journal.from_bytes(result.record) as journal,
        pytest.raises(FitError, match="to a fold: ZeroDivisionError: no"),
    ):
        explain(wanted, journal, 60)


def test_without_time_there_are_fewer_folds_and_no_shuffling_but_still_measures(found):
    problem = put_together(found[0]).problem
    models = []

    def fitted(fold):
        models.append(make_pipeline(StandardScaler(), LogisticRegression()).fit(fold.training.X, fold.training.y))
        return models[-1]

    told = explained(problem, fitted, monotonic() - 1.0)
    assert len(models) == told["folds"] == 1
    assert "time sufficed for 1 of 2 folds" in told["notes"]
    assert told["importance"] is None
    assert told["performance"]["measures"]


def test_what_fails_costs_its_own_section_only(found, monkeypatch):
    def failing(*_):
        raise RuntimeError("no")

    monkeypatch.setattr("evoml.run.explanation.explaining.slices", failing)
    problem = put_together(found[0]).problem
    told = explained(problem, lambda fold: LogisticRegression().fit(fold.training.X, fold.training.y), LATER)
    assert told["notes"] == ["slices could not be worked out: RuntimeError: no"]
    assert told["importance"]["columns"]


@pytest.mark.parametrize(("run_seconds", "seconds"), [(1, 3), (10, 10), (60, 30), (3600, 360)])
def test_explaining_takes_no_longer_than_the_run_and_half_a_minute_or_a_tenth(run_seconds, seconds):
    assert default_seconds(run_seconds) == seconds


# -- importance and dependence ----------------------------------------------------------------------------------------


def test_only_columns_that_matter_are_important():
    X, y = linear()
    found = importances(of_numbers(X, y), list("abcd"), metrics.get_scorer("r2"), 0, LATER)
    means = dict(zip(found["columns"], found["means"], strict=True))
    assert found["columns"][:2] == ["a", "b"]
    assert means["a"] > 1.0
    assert abs(means["c"]) < 0.01
    assert abs(means["d"]) < 0.01
    assert found["repeats"] == 5
    assert np.array(found["folds"]).shape == (4, 4)


def test_importance_has_less_of_everything_where_time_is_short():
    X, y = linear()
    models = of_numbers(X, y)
    assert importances(models, list("abcd"), metrics.get_scorer("r2"), 0, monotonic() - 1.0) is None


def test_dependence_of_a_linear_model_is_its_slope_and_spans_the_values():
    X, y = linear()
    (panel,) = dependences(of_numbers(X, y), list("abcd"), [0], 0, LATER)
    answers = np.array(panel["answers"])
    slopes = np.diff(answers[:, :, 0], axis=1) / np.diff(panel["grid"])
    assert slopes == pytest.approx(3.0, abs=0.1)
    assert min(panel["grid"]) >= X[:, 0].min()
    assert max(panel["grid"]) <= X[:, 0].max()
    assert answers.shape == (4, len(panel["grid"]), 1)


def test_dependence_on_categories_leaves_out_rare_ones_and_free_text():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"colour": rng.choice(["red", "blue", None], size=300)}, dtype=object)
    frame.loc[:2, "colour"] = "rare"
    frame["text"] = [f"row {at}" for at in range(300)]
    y = (frame["colour"] == "red").to_numpy().astype(float)

    class Red:
        def fit(self, X, y):
            return self

        def predict(self, X):
            return (X["colour"] == "red").to_numpy().astype(float)

    models = fold_models_of(frame, y, lambda X, y: Red().fit(X, y))
    (panel,) = dependences(models, list(frame), [0, 1], 0, LATER)
    assert sorted(panel["grid"]) == ["blue", "red"]
    answers = dict(zip(panel["grid"], np.array(panel["answers"]).mean(axis=0)[:, 0], strict=True))
    assert answers == {"red": 1.0, "blue": 0.0}


def test_columns_come_as_numbers_or_as_objects_with_nan():
    frame = pd.DataFrame({"a": pd.array(["x", None], dtype="string"), "b": [1, 2]})
    text = column_of(frame, 0)
    assert text[0] == "x"
    assert text[1] != text[1]
    assert column_of(frame, 1).dtype == np.float64


# -- performance ------------------------------------------------------------------------------------------------------


def classes(n_classes=2, rows=600, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, 3))
    return X, np.argmax(X[:, :n_classes] + 0.5 * rng.normal(size=(rows, n_classes)), axis=1)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_curves_and_confusions_are_scikit_learns(n_classes):
    X, y = classes(n_classes)
    models = of_classes(X, y, n_classes)
    found = performance(models, list("abc")[:n_classes])
    areas = [metrics.roc_auc_score(one.truth == 1, one.model.predict_proba(one.X)[:, 1]) for one in models]
    curve = next(one for one in found["roc"] if one["class"] == 1)
    assert curve["area"]["mean"] == pytest.approx(np.mean(areas), abs=1e-4)
    precision = [
        metrics.average_precision_score(one.truth == 1, one.model.predict_proba(one.X)[:, 1]) for one in models
    ]
    curve = next(one for one in found["precision_recall"] if one["class"] == 1)
    assert curve["area"]["mean"] == pytest.approx(np.mean(precision), abs=1e-4)
    said = np.concatenate([one.model.predict(one.X) for one in models])
    assert found["confusion"]["counts"] == metrics.confusion_matrix(y, said).tolist()
    assert len(found["roc"][0]["folds"]) == (4 if n_classes == 2 else 0)


def test_calibration_tells_good_probabilities_from_overconfident_ones():
    rng = np.random.default_rng(0)
    chance = rng.uniform(size=4000)
    y = (rng.uniform(size=4000) < chance).astype(int)

    class Says:
        classes_ = np.arange(2)

        def __init__(self, power):
            self.power = power

        def predict_proba(self, X):
            odds = (X[:, 0] / (1 - X[:, 0])) ** self.power
            return np.column_stack([1 - odds / (1 + odds), odds / (1 + odds)])

        def predict(self, X):
            return (X[:, 0] > 0.5).astype(int)

    def error(power):
        models = fold_models_of(chance[:, None], y, lambda X, y: Says(power), np.arange(2))
        return performance(models, ["no", "yes"])["calibration"]

    assert error(1.0)["error"] < 0.03
    assert error(4.0)["error"] > 0.1
    assert sum(error(1.0)["counts"]) == sum(error(1.0)["bars"]) == 4000


def test_a_model_of_mere_labels_has_confusions_only():
    X, y = classes()

    class Labels:
        classes_ = np.arange(2)

        def predict(self, X):
            return (X[:, 0] < X[:, 1]).astype(int)

    found = performance(fold_models_of(X, y, lambda X, y: Labels(), np.arange(2)), ["no", "yes"])
    assert set(found) == {"measures", "confusion"}


def test_wilson_matches_scipy():
    low, high = wilson(np.array([0, 3, 20]), np.array([20, 20, 20]))
    for at, hits in enumerate((0, 3, 20)):
        expected = stats.binomtest(hits, 20).proportion_ci(method="wilson")
        assert (low[at], high[at]) == pytest.approx((expected.low, expected.high), abs=1e-4)


def test_residuals_are_truth_less_prediction():
    X, y = linear()
    models = of_numbers(X, y)
    found = residuals(models, 0)
    left = np.concatenate([one.truth - one.model.predict(one.X) for one in models])
    assert found["within"][0] == [0.5, pytest.approx(np.median(np.abs(left)), rel=1e-3)]
    assert found["rows"] == 400
    assert len(found["dots"][0]) == 400
    assert np.array(found["bands"]["quantiles"]).shape == (10, 5)
    assert (np.diff(found["bands"]["quantiles"], axis=1) >= 0).all()


def test_an_average_answers_as_scikit_learns_ensemble_would():
    X, y = classes(3)
    models = [LogisticRegression(C=c).fit(X, y) for c in (0.001, 10.0)]
    probabilities = averaged(models, [0.25, 0.75]).predict_proba(X)
    expected = 0.25 * models[0].predict_proba(X) + 0.75 * models[1].predict_proba(X)
    assert probabilities == pytest.approx(expected)
    assert averaged(models[:1], [1.0]) is models[0]
    numbers = [LinearRegression().fit(X, y), LinearRegression(positive=True).fit(X, y)]
    expected = 0.5 * numbers[0].predict(X) + 0.5 * numbers[1].predict(X)
    assert averaged(numbers, [0.5, 0.5]).predict(X) == pytest.approx(expected)


# -- slices -----------------------------------------------------------------------------------------------------------


def told(X, errors, wrong=True):
    """Return one model that errs as given."""
    truth = np.zeros(len(errors))
    return [FoldModel(Told(errors), X, truth, truth, None, np.arange(len(errors)), np.arange(2) if wrong else None)]


def people(rows=1000, seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"age": rng.uniform(0, 80, rows), "sex": rng.choice(["f", "m"], rows)}, dtype=object)
    frame["age"] = frame["age"].astype(float)
    frame["town"] = rng.choice(list("abcdefgh"), rows).astype(object)
    frame.loc[rng.random(rows) < 0.1, "town"] = np.nan
    return frame, rng


def test_chance_is_not_sold_as_a_slice():
    alarms = 0
    for seed in range(40):
        frame, rng = people(300, seed)
        errors = rng.random(300) < 0.2
        alarms += bool(slices(told(frame, errors.astype(int)), list(frame))["worst"])
        alarms += bool(slices(told(frame, rng.exponential(size=300), wrong=False), list(frame))["worst"])
    assert alarms <= 10  # of 80; at a level of 5 % more than 10 come once in 700 times


@pytest.mark.parametrize("wrong", [True, False])
def test_planted_slices_are_found_with_their_numbers(wrong):
    frame, rng = people()
    bad = (frame["sex"] == "m") & (frame["town"].isna())
    errors = (rng.random(1000) < np.where(bad, 0.8, 0.1)).astype(int)
    found = slices(told(frame, errors if wrong else errors * 5.0, wrong), list(frame))
    worst = found["worst"][0]
    assert set(worst["where"].split(", ")) == {"sex = m", "town missing"}
    assert worst["rows"] == bad.sum()
    assert worst["error"] == pytest.approx(errors[bad].mean() * (1 if wrong else 5), abs=1e-3)
    assert worst["low"] < worst["error"] < worst["high"]
    assert worst["low"] > found["overall"]


def test_a_pair_is_listed_only_where_it_says_more_than_either_column():
    frame, rng = people(2000)
    errors = (rng.random(2000) < np.where(frame["sex"] == "m", 0.5, 0.1)).astype(int)
    found = slices(told(frame, errors), list(frame))
    assert [one["where"] for one in found["worst"]] == ["sex = m"]


def test_a_slice_that_nearly_repeats_another_is_left_out():
    frame, rng = people()
    frame["gender"] = frame["sex"].map({"m": "male", "f": "female"})
    errors = (rng.random(1000) < np.where(frame["sex"] == "m", 0.5, 0.1)).astype(int)
    assert len(slices(told(frame, errors), list(frame))["worst"]) == 1


def test_rows_tested_more_than_once_count_once():
    frame, rng = people()
    errors = (rng.random(1000) < 0.2).astype(int)
    twice = told(frame, errors) + told(frame, 1 - errors)
    found = slices(twice, list(frame))
    assert found["rows"] == 1000
    assert found["overall"] == pytest.approx(0.5)


def test_of_a_wide_table_only_so_many_columns_are_cut():
    frame, rng = people()
    found = slices(told(frame, (rng.random(1000) < 0.2).astype(int)), list(frame), monotonic() - 1.0)
    assert found["columns"] == [1, 3]


def test_dependence_in_blocks_is_the_same(monkeypatch):
    X, y = linear()
    models = of_numbers(X, y)
    whole = dependences(models, list("abcd"), [0, 1], 0, LATER)
    monkeypatch.setattr("evoml.run.explanation.dependence.CELLS", 1000)
    assert dependences(models, list("abcd"), [0, 1], 0, LATER) == whole
