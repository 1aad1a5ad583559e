"""The model that a run hands over suits its metric: each of these tables is lost without what it calls for."""

from types import SimpleNamespace

import numpy as np
import pytest
from small_search import small_search

from evoml import EvoClassifier, EvoRegressor
from evoml.core.budget import Budget
from evoml.core.dataset import read_dataset
from evoml.run import replay, search
from evoml.run.finishing import out_of_fold
from evoml.run.refit import FinalModel, Member

QUICK = {
    "max_evaluations": 6,
    "population_size": 6,
    "cv": 3,
    "random_state": 0,
    "executor": "serial",
    "ensemble_size": 1,
}
LINEAR = {
    "only": ["LogisticRegression", "StandardScaler"],
    "LogisticRegression": {"hyperparameters": {"class_weight": {"choices": ["None"], "default": "None"}}},
}


def rare(rows=4000, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, 4))
    return X, np.where(X[:, 0] + X[:, 1] + rng.normal(size=rows) > 3.2, "yes", "no")


def halves(X, y):
    half = len(y) // 2
    return (X[:half], y[:half]), (X[half:], y[half:])


@pytest.mark.parametrize("scoring", ["f1", "balanced_accuracy", "matthews_corrcoef"])
def test_a_cut_of_its_own_gains_where_a_class_is_rare(scoring):
    train, test = halves(*rare())
    model = EvoClassifier(scoring=scoring, search_space=LINEAR, **QUICK).fit(*train)
    decided = model.score(*test)
    assert type(model.fitted_pipeline_).__name__ == "FixedThresholdClassifier"
    assert list(model.classes_) == ["no", "yes"]
    model.fitted_pipeline_ = model.fitted_pipeline_.estimator_
    assert decided > model.score(*test) + (0.01 if scoring == "matthews_corrcoef" else 0.04)
    assert abs(decided - model.best_score_) < 0.1


def test_resampling_is_found_where_classes_are_imbalanced():
    train, test = halves(*rare())
    unweighted = {"hyperparameters": {"class_weight": {"choices": ["None"], "default": "None"}}}
    scores = {}
    for name, only in {"with": ["SVC", "Resampled"], "without": ["SVC"]}.items():
        model = EvoClassifier(
            scoring="balanced_accuracy", search_space={"SVC": unweighted, "only": [*only, "StandardScaler"]}, **QUICK
        )
        scores[name] = model.fit(*train).score(*test)
    assert scores["with"] > scores["without"] + 0.05


def test_the_logarithm_of_a_skewed_target_gains():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1200, 4))
    y = np.exp(2.0 * X[:, 0] + X[:, 1] + 0.1 * rng.normal(size=1200))
    train, test = halves(X, y)
    scores = {}
    for name, only in {"with": ["Ridge", "LogTarget"], "without": ["Ridge"]}.items():
        model = EvoRegressor(
            search_space={"only": [*only, "StandardScaler"]}, scoring="neg_mean_absolute_error", **QUICK
        )
        scores[name] = model.fit(*train).score(*test)
    assert scores["with"] > 0.6 * scores["without"]  # both are negative


def test_calibration_gains_in_log_loss():
    rng = np.random.default_rng(0)
    X = np.repeat(rng.normal(size=(3000, 2)), 6, axis=1)  # naive Bayes counts each clue six times
    y = (X[:, 0] + 1.5 * rng.normal(size=3000) > 0).astype(int)
    train, test = halves(X, y)
    model = EvoClassifier(
        scoring="neg_log_loss", search_space={"only": ["GaussianNB"]}, **(QUICK | {"max_evaluations": 1})
    )
    model.fit(*train)
    calibrated = model.score(*test)
    assert type(model.fitted_pipeline_).__name__ == "AdjustedProbabilities"
    model.fitted_pipeline_ = model.fitted_pipeline_.estimator_
    assert calibrated > model.score(*test) + 0.1


def small(**changes):
    X, y = rare(1500, seed=3)
    settings = {
        "dataset": read_dataset(X, y, "classification"),
        "scoring": "f1",
        "budget": Budget(evaluations=12),
        "cv": 3,
    }
    return small_search(**(settings | {"parts": LINEAR} | changes))


def test_source_and_record_hold_what_was_put_around(tmp_path):
    wanted = small(journal=tmp_path / "run.evoml")
    result, written = search(wanted), {}
    assert result.model.around is not None
    exec(result.source, written)
    X, y = rare(1500, seed=3)
    fresh, _ = rare(200, seed=4)
    np.testing.assert_array_equal(written["pipeline"].fit(X, y).predict(fresh), result.model.pipeline.predict(fresh))
    assert result.score == result.model.score
    assert "FixedThresholdClassifier(estimator=" in result.source
    assert replay(wanted, tmp_path / "run.evoml").equal


def test_a_run_repeats_itself():
    first, second = search(small()), search(small())
    assert first.model.around.arguments == second.model.around.arguments
    assert first.score == second.score


def test_models_without_probabilities_and_other_metrics_are_left_alone():
    assert search(small(parts={"only": ["SVC", "NearestCentroid"]})).model.around is None
    assert search(small(scoring="accuracy")).model.around is None
    assert search(small(scoring=lambda estimator, X, y: float((estimator.predict(X) == y).mean()))).model.around is None


def test_a_metric_that_fails_on_decided_predictions_costs_a_note_and_no_model():
    calls = []

    class Fussy:
        _response_method = "predict"

        def __call__(self, estimator, X, y):
            calls.append(type(estimator).__name__)
            if "Said" in calls[-1]:
                raise RuntimeError("not that one")
            return 0.5

    with pytest.warns(UserWarning, match="no cut was learned"):
        result = search(small(scoring=Fussy()))
    assert result.model.around is None
    assert result.model.pipeline.predict(rare(5)[0]).shape == (5,)


def test_out_of_fold_predictions_of_an_ensemble_are_the_weighted_mean():
    outcomes = [
        SimpleNamespace(candidate=SimpleNamespace(id=index, genome=text), evaluation=SimpleNamespace(semantics=meaning))
        for index, text, meaning in ((4, "a", "x"), (7, "b", "y"), (9, "c", "x"))
    ]
    kept = {4: np.full((5, 1), 0.2), 7: np.full((5, 1), 0.6)}
    pair = FinalModel(None, "a", members=(Member(outcomes[0], 0.75), Member(outcomes[1], 0.25)))
    np.testing.assert_allclose(out_of_fold(pair, outcomes, kept), 0.3)
    np.testing.assert_allclose(out_of_fold(FinalModel(None, "c"), outcomes, kept), 0.2)  # it means what the first means
    assert out_of_fold(pair, outcomes, {4: kept[4]}) is None


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_sureness_is_told_on_demand_and_covers(task):
    pytest.importorskip("mapie")
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3000, 3))
    noisy = X[:, 0] + X[:, 1] ** 2 + rng.normal(size=3000)
    if task == "regression":
        train, (fresh, true) = halves(X, noisy)
        model = EvoRegressor(conformal=True, search_space={"only": ["BoostingRegressor", "Ridge"]}, **QUICK).fit(*train)
        found = model.predict_interval(fresh, confidence=0.8)
        assert ((found[:, 0] <= true) & (true <= found[:, 1])).mean() == pytest.approx(0.8, abs=0.05)
    else:
        train, (fresh, true) = halves(X, np.array(["a", "b", "c"])[np.digitize(noisy, [0.0, 2.0])])
        model = EvoClassifier(conformal=True, scoring="neg_log_loss", search_space=LINEAR, **QUICK).fit(*train)
        found = model.predict_set(fresh, confidence=0.8)
        assert found[np.arange(1500), np.searchsorted(model.classes_, true)].mean() == pytest.approx(0.8, abs=0.05)
    with pytest.raises(ValueError, match="conformal=True"):
        (
            model.set_params(conformal=False).predict_interval
            if task == "regression"
            else model.set_params(conformal=False).predict_set
        )(fresh)


def test_an_explanation_is_of_the_model_with_its_cut():
    X, y = rare(1200)
    model = EvoClassifier(scoring="balanced_accuracy", search_space=LINEAR, **(QUICK | {"max_evaluations": 1})).fit(
        X, y
    )
    assert type(model.fitted_pipeline_).__name__ == "FixedThresholdClassifier"
    measures = model.explain(X, y)["measures"].set_index("name")["mean"]
    assert measures["balanced accuracy"] == pytest.approx(model.best_score_, abs=0.05)
