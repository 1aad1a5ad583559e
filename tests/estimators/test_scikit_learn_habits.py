"""The estimators do what scikit-learn's own do: clone, pickle, search, pipeline, threads, refit."""

import copy
import multiprocessing
import os
import pickle
import random
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import f1_score, make_scorer
from sklearn.model_selection import GridSearchCV, GroupKFold, StratifiedKFold, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from small_fits import classifier, mixed, numbers, regressor

from evoml import EvoClassifier, EvoRegressor

X, Y = numbers()
WORDS = np.where(Y == 1, "yes", "no")


@pytest.fixture(scope="module")
def fitted():
    return classifier().fit(X, WORDS)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copy_predicts_the_same_and_draws_the_same(fitted, copied):
    model = copied(fitted)
    assert (model.predict(X) == fitted.predict(X)).all()
    assert (model.predict_proba(X) == fitted.predict_proba(X)).all()
    pd.testing.assert_frame_equal(model.evaluated_individuals_, fitted.evaluated_individuals_)
    for what in ("pipeline", "score", "front", "lineage"):
        assert model.plot(what).axes


def test_a_clone_is_not_fitted_and_fits_alike(fitted):
    model = clone(fitted)
    with pytest.raises(NotFittedError):
        model.predict(X)
    assert (model.fit(X, WORDS).predict_proba(X) == fitted.predict_proba(X)).all()


def test_a_fit_leaves_the_parameters_alone():
    model = classifier(callbacks=[], initial_pipelines=["GaussianNB(features)"])
    before = copy.deepcopy(model.get_params())
    assert repr(model.fit(X, Y).get_params()) == repr(before)


def test_refitting_the_same_object_equals_a_fresh_fit():
    model = classifier().fit(X[:, :2], Y)
    model.fit(X, WORDS)
    fresh = classifier().fit(X, WORDS)
    assert (model.predict_proba(X) == fresh.predict_proba(X)).all()
    assert model.evaluated_individuals_["text"].tolist() == fresh.evaluated_individuals_["text"].tolist()


def test_a_failed_refit_leaves_the_old_model(fitted):
    model = copy.deepcopy(fitted)
    with pytest.raises(ValueError, match="one class"):
        model.fit(X, np.zeros(len(X)))
    assert (model.predict(X) == fitted.predict(X)).all()


def test_cross_validation_by_scikit_learn():
    assert cross_val_score(classifier(), X, WORDS, cv=3).mean() > 0.7
    assert set(cross_val_predict(classifier(), X, WORDS, cv=2)) == {"yes", "no"}


def test_a_grid_of_settings_can_be_searched():
    found = GridSearchCV(classifier(), {"population_size": [3, 5]}, cv=2).fit(X, WORDS)
    assert found.best_params_["population_size"] in (3, 5)
    assert found.best_score_ > 0.7


def test_it_can_be_a_step_of_a_pipeline():
    assert make_pipeline(StandardScaler(), classifier()).fit(X, WORDS).score(X, WORDS) > 0.7


def f1_of_no(estimator, X, y):
    return f1_score(y, estimator.predict(X), pos_label="no")


@pytest.mark.parametrize(
    ("scoring", "positive"),
    [("f1", "yes"), (make_scorer(f1_score, pos_label="no"), "no"), (f1_of_no, "no"), (["f1", f1_of_no], "yes")],
)
def test_f1_on_text_labels(scoring, positive):
    model = classifier(scoring=scoring).fit(X, WORDS)
    assert model.evaluated_individuals_["status"].isin(["OK", "PRUNED"]).all()
    assert model.score(X, WORDS) == pytest.approx(f1_score(WORDS, model.predict(X), pos_label=positive))


@pytest.mark.parametrize("scoring", ["neg_log_loss", "roc_auc", "neg_brier_score"])
def test_metrics_of_probabilities_on_text_labels(scoring):
    model = classifier(scoring=scoring).fit(X, WORDS)
    assert np.isfinite([model.best_score_, model.score(X, WORDS)]).all()


def test_several_metrics_are_recorded_and_can_be_objectives():
    model = classifier(scoring={"a": "accuracy", "b": "f1"}, objectives=["a", "b"]).fit(X, Y)
    best = model.evaluated_individuals_.loc[model.pareto_front_.index[0]]
    assert set(best["fold_scores"]) == {"a", "b"}
    assert best["scores"] == tuple(np.mean(best["fold_scores"][name]) for name in "ab")
    assert model.best_score_ == best["scores"][0]


def test_probabilities_are_there_before_fit_only_where_the_metric_demands_them():
    assert hasattr(EvoClassifier(scoring="neg_log_loss"), "predict_proba")
    assert not hasattr(EvoClassifier(), "predict_proba")
    with pytest.raises(AttributeError, match="predict_proba"):
        EvoClassifier().predict_proba(X)


# -- randomness -----------------------------------------------------------------------------------------------------------


def global_states():
    return random.getstate(), [*map(str, np.random.get_state())]  # noqa: NPY002


@pytest.mark.parametrize("seed", [None, 3, np.int64(3), np.random.RandomState(0), np.random.default_rng(0)])
@pytest.mark.parametrize("executor", ["serial", "process"])
def test_global_random_states_are_left_as_found(seed, executor):
    before = global_states()
    classifier(random_state=seed, executor=executor, max_evaluations=3).fit(X, Y).predict(X)
    assert global_states() == before


@pytest.mark.parametrize("generator", [np.random.RandomState, np.random.default_rng])
def test_a_generator_gives_a_run_of_its_own_at_each_fit(generator):
    shared = generator(5)
    texts = [
        classifier(random_state=state, max_evaluations=12).fit(X, Y).evaluated_individuals_["text"].tolist()
        for state in (generator(5), shared, shared)
    ]
    assert texts[0] == texts[1] != texts[2]


def test_without_a_seed_each_fit_is_another_run():
    first, second = (classifier(random_state=None, max_evaluations=12).fit(X, Y) for _ in range(2))
    assert first.evaluated_individuals_["text"].tolist() != second.evaluated_individuals_["text"].tolist()


@pytest.mark.parametrize("seed", [-1, 1.5, "7", True])
def test_what_is_no_seed_is_refused(seed):
    with pytest.raises(ValueError, match="random_state must be None, a whole number from 0 on, or a random generator"):
        classifier(random_state=seed).fit(X, Y)


@pytest.mark.parametrize("seed", [0, 2**31 - 1, 2**32, 2**63])
def test_any_whole_number_is_a_seed(seed):
    assert classifier(random_state=seed, max_evaluations=2).fit(X, Y).best_score_ > 0


# -- company ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("executor", ["serial", "process"])
def test_two_fits_in_two_threads_at_once(executor):
    alone = [classifier(random_state=seed).fit(X, WORDS).predict_proba(X) for seed in (0, 1)]

    def fit(seed):
        return classifier(random_state=seed, executor=executor).fit(X, WORDS).predict_proba(X)

    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(fit, (0, 1)))
    assert all((a == b).all() for a, b in zip(alone, together, strict=True))


def fit_and_predict(executor):
    return classifier(executor=executor, n_jobs=None).fit(X, WORDS).predict(X).tolist()


@pytest.mark.skipif(sys.platform != "linux", reason="forks")
@pytest.mark.parametrize("executor", ["auto", "process"])
def test_in_a_daemonic_process_it_works_too(executor):
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply(fit_and_predict, (executor,)) == fit_and_predict("serial")


def test_in_workers_of_joblib_it_works_too():
    found = joblib.Parallel(2)(joblib.delayed(fit_and_predict)("auto") for _ in range(2))
    assert found == [fit_and_predict("serial")] * 2


@pytest.mark.parametrize("cv", [StratifiedKFold(4), 4, [(np.arange(40), np.arange(40, 80))] * 4])
def test_a_splitter_of_the_users_own_makes_the_folds(cv):
    model = classifier(cv=cv, max_evaluations=2).fit(X, Y)
    assert {len(folds["accuracy"]) for folds in model.evaluated_individuals_["fold_scores"]} == {4}


def test_group_k_fold_is_given_the_groups():
    model = classifier(cv=GroupKFold(5), max_evaluations=2).fit(X, Y, groups=np.arange(80) // 8)
    assert len(model.evaluated_individuals_["fold_scores"].iloc[0]["accuracy"]) == 5


# -- imports ----------------------------------------------------------------------------------------------------------------


def in_a_process_of_its_own(code):
    ran = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)
    return ran.stdout.split()


def test_importing_evoml_costs_next_to_nothing():
    loaded = """
        import sys, time
        began = time.process_time()
        import evoml
        print(time.process_time() - began)
        print(*({"sklearn", "numpy", "numba", "matplotlib", "pandas"} & {*sys.modules}))
    """
    seconds, *heavy = in_a_process_of_its_own(loaded)
    assert float(seconds) < 0.2
    assert heavy == []


def test_importing_an_estimator_loads_no_more_than_it_needs():
    loaded = """
        import sys
        from evoml import EvoClassifier
        print(*({"matplotlib", "numba", "deap", "distributed", "lightgbm", "torch"} & {*sys.modules}))
    """
    assert in_a_process_of_its_own(loaded) == []


def test_names_of_the_package():
    import evoml

    assert {"EvoClassifier", "EvoRegressor", "Journal", "load_catalogue"} <= set(dir(evoml))
    assert evoml.EvoRegressor is EvoRegressor
    with pytest.raises(AttributeError, match="module 'evoml' has no attribute 'EvoClasifier'"):
        evoml.EvoClasifier  # noqa: B018


def test_a_regressor_is_scored_by_r2():
    model = regressor().fit(X, X[:, 0] * 3 + 1)
    assert model.score(X, X[:, 0] * 3 + 1) > 0.9


def test_the_working_directory_is_left_empty(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    classifier(executor="process", max_evaluations=2).fit(*mixed())
    assert os.listdir(tmp_path) == []
