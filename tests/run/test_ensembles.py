"""The final ensemble: scikit-learn's own, from members that fit the time and the limits, and never worse than nothing."""

import json
import pickle

import numpy as np
import pandas as pd
import pytest
from failing_parts import WHOLE_TABLE
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.ensemble import VotingClassifier, VotingRegressor
from sklearn.pipeline import Pipeline
from small_search import failing_part, run, small_search, small_table, story
from test_run_budget import LOGISTIC, NAIVE, TREE, Fixture

from evoml import EvoClassifier
from evoml.core.dataset import read_dataset
from evoml.core.errors import BudgetError, FitError
from evoml.evaluation import evaluate
from evoml.evaluation.executors.serial import SerialExecutor
from evoml.journal import Journal
from evoml.run.ensemble import Limits, Makers, best_model

TEXTS = (LOGISTIC, NAIVE, TREE, "DecisionTreeClassifier(features, max_depth=3)")
RUN = {"scoring": "neg_log_loss", "cv": 4, "dataset": read_dataset(*small_table(150), "classification")}


@pytest.fixture(scope="module")
def found():
    return run(30, **RUN)


# -- what is handed over --------------------------------------------------------------------------------------------------


def test_the_model_is_the_ensemble_that_scikit_learn_would_have_fitted(found):
    X, y = small_table(150)
    model = found.model.pipeline
    assert isinstance(model, VotingClassifier)
    assert len(model.estimators_) == len(found.model.members) > 1
    again = clone(model).fit(X, y)
    assert list(again.named_estimators_) == list(model.named_estimators_)
    np.testing.assert_allclose(again.predict_proba(X), model.predict_proba(X), rtol=1e-12)
    assert (pickle.loads(pickle.dumps(model)).predict(X) == model.predict(X)).all()


def test_it_predicts_the_weighted_mean_of_its_members(found):
    X, _ = small_table(seed=3)
    members = found.model.members
    expected = sum(
        member.weight * fitted.predict_proba(X)
        for member, fitted in zip(members, found.model.pipeline.estimators_, strict=True)
    )
    np.testing.assert_allclose(found.model.pipeline.predict_proba(X), expected, atol=1e-3)
    assert sum(member.weight for member in members) == pytest.approx(1.0)
    assert [member.weight for member in members] == sorted((member.weight for member in members), reverse=True)


def test_its_score_is_that_of_the_average_and_higher_than_any_members(found):
    assert found.score == found.model.score > found.best.scores[0]
    assert found.ensemble["score"].max() <= found.best.scores[0]
    assert found.ensemble.index.tolist() == [member.outcome.candidate.id for member in found.model.members]


def test_the_record_tells_of_it(found):
    with Journal.from_bytes(found.record) as journal:
        summary = journal.get("summary")
    assert summary["best"] == found.best.candidate.id
    assert summary["ensemble"]["score"] == found.score
    assert json.dumps(list(map(int, summary["ensemble"]["weights"]))) == json.dumps(found.ensemble.index.tolist())


def test_its_source_makes_the_same_model(found):
    namespace = {}
    exec(compile(found.source, "pipeline.py", "exec"), namespace)
    X, y = small_table(150)
    made = namespace["make_pipeline"]().fit(X, y)
    np.testing.assert_allclose(made.predict_proba(X), found.model.pipeline.predict_proba(X), rtol=1e-9)
    assert found.source.count("\nfrom sklearn.pipeline import") <= 2


def test_an_ensemble_on_a_raw_table_begins_with_its_cleaning():
    X, y = small_table(150)
    frame = pd.DataFrame(X, columns=list("abcd")).assign(
        price=[f"${1000 * value:,.2f}" for value in X[:, 0]], colour=np.where(X[:, 1] > 0, "red", "blue")
    )
    dataset = read_dataset(frame, y, "classification")
    assert dataset.features.cleaner is not None
    parts = {"only": ["OneHotEncoder", "SimpleImputer", "GaussianNB", "LogisticRegression", "DecisionTreeClassifier"]}
    result = run(20, dataset=dataset, scoring="neg_log_loss", cv=4, parts=parts)
    model = result.model.pipeline
    assert result.model.members
    assert [name for name, _ in model.steps] == ["cleantable", "model"]
    namespace = {}
    exec(compile(result.source, "pipeline.py", "exec"), namespace)
    made = namespace["make_pipeline"]().fit(frame, y)
    np.testing.assert_allclose(made.predict_proba(frame), model.predict_proba(frame), rtol=1e-9)


def test_regressors_are_averaged_too():
    X, y = load_diabetes(return_X_y=True)
    parts = {"only": ["Ridge", "KNeighborsRegressor", "DecisionTreeRegressor", "StandardScaler"]}
    result = run(20, dataset=read_dataset(X, y, "regression"), parts=parts, scoring="r2", cv=3)
    model = result.model.pipeline
    assert isinstance(model, VotingRegressor)
    np.testing.assert_allclose(clone(model).fit(X, y).predict(X), model.predict(X), rtol=1e-9)
    assert result.score > result.best.scores[0]


def test_the_same_bits_for_any_number_of_workers_and_any_executor(found):
    ran = [run(30, executor="process", n_jobs=n_jobs, **RUN) for n_jobs in (1, 2)]
    for other in ran:
        assert story(other) == story(found)
        assert other.source == found.source
        assert other.ensemble.equals(found.ensemble)


def test_size_one_is_the_single_best_pipeline():
    result = run(30, limits=Limits(1), **RUN)
    assert isinstance(result.model.pipeline, Pipeline)
    assert result.model.text == str(result.best.candidate.genome)
    assert result.score == result.best.scores[0]
    assert result.ensemble["weight"].tolist() == [1.0]


def test_where_labels_are_all_there_is_to_average_a_single_pipeline_is_taken():
    result = run(12, parts={"only": ["RidgeClassifier", "StandardScaler", "MinMaxScaler"]}, scoring="accuracy")
    assert isinstance(result.model.pipeline, Pipeline)


# -- members that fail, and time ------------------------------------------------------------------------------------------


class Bench:
    """Candidates that were really evaluated, and a way to fit them that is set by the test."""

    def __init__(self, seconds=100.0, limits=None, at_once=1, fails=()):
        made = Fixture(seconds)
        parts = small_search(**RUN)
        from evoml.run.parts import put_together

        made.parts = put_together(parts)
        made.space = made.parts.space
        self.fails, self.asked, self.made = fails, [], made
        self.scored, self.kept = [], {}
        executor = SerialExecutor(made.parts.problem)
        for index, text in enumerate(TEXTS):
            evaluation = evaluate(made.parts.problem, text)
            outcome = made.scored(text, 1.0, float(np.mean(evaluation.fold_scores["neg_log_loss"])), index)
            self.scored.append(outcome)
            self.kept[index] = evaluation.predictions
        self.scored.sort(key=lambda outcome: -outcome.scores[0])
        self.kept = {outcome.candidate.id: self.kept[outcome.candidate.id] for outcome in self.scored}
        self.executor = executor
        self.make = Makers(made.parts.problem, made.space, self.fit_all, made.pace, limits or Limits(), at_once)

    def fit_all(self, texts, seconds):
        self.asked.append((list(texts), seconds))
        return [FitError("no") if text in self.fails else self.executor.fit_all([text])[0] for text in texts]

    def model(self):
        return best_model(self.make, self.scored, self.kept)


def members(model):
    return [member.text for member in model.members]


def test_the_best_member_is_fitted_first():
    bench = Bench()
    model = bench.model()
    assert len(model.members) > 1
    assert bench.asked[0][0][0] == str(bench.scored[0].candidate.genome)
    assert 0 < bench.asked[0][1] < 1.02 * 100 + 1


def test_a_member_that_fails_is_left_out_and_the_user_is_told():
    whole = members(Bench().model())
    bench = Bench(fails=whole[-1:])
    model = bench.model()
    assert members(model) == whole[:-1] if len(whole) > 2 else model.text == whole[0]
    assert model.notes[0].startswith(whole[-1])
    assert model.notes[0].endswith("could not be fitted on the whole table (no); the model does without")
    assert sum(member.weight for member in model.members) == pytest.approx(1.0) if model.members else True


def test_where_all_members_fail_there_is_a_model_all_the_same():
    everything = [str(outcome.candidate.genome) for outcome in Bench().scored]
    model = Bench(fails=everything).model()
    assert model.text == ""
    assert len(model.pipeline.predict(small_table()[0])) == WHOLE_TABLE


def test_with_little_time_the_ensemble_shrinks_and_the_best_stays():
    whole = members(Bench().model())
    bench = Bench()
    took = bench.make.pace.refit(bench.scored[0]).seconds
    bench.made.now = 100.0 * 1.02 + 1 - bench.make.pace.tail - bench.make.pace.start - 3.6 * took
    model = bench.model()
    asked = bench.asked[0][0]
    assert len(asked) < len(whole)
    assert asked[0] == str(bench.scored[0].candidate.genome)
    assert model.pipeline is not None


def test_time_is_kept_for_an_ensemble_but_only_a_share_of_the_budget():
    single, several = Fixture(100.0), Fixture(100.0, members=8)
    for index, text in enumerate((NAIVE, TREE, LOGISTIC)):
        for made in (single, several):
            best = made.scored(text, 2.0, 0.5 + index / 10, index)
    assert several.pace.reserve(best) > single.pace.reserve(best) + 1.5
    for made in (single, several):
        best = made.scored(TREE, 400.0, 0.4, 9)
        best = made.scored(LOGISTIC, 2.0, 0.9, 10)
    assert several.pace.reserve(best) <= 0.12 * 100.0 + several.pace.tail + 1e-9


# -- limits ---------------------------------------------------------------------------------------------------------------


def test_a_model_is_no_larger_than_asked():
    free = Bench().model()
    size = len(pickle.dumps(free.pipeline, protocol=5)) / 1e6
    bench = Bench(limits=Limits(8, None, 0.5 * size))
    model = bench.model()
    assert len(pickle.dumps(model.pipeline, protocol=5)) / 1e6 <= 0.5 * size + 0.002  # and what holds members together
    assert len(model.members) < len(free.members)


def test_a_limit_that_nothing_keeps_to_is_told():
    result = None
    with pytest.warns(UserWarning, match="max_model_mb"):
        result = run(12, limits=Limits(8, None, 1e-6), **RUN)
    assert result.model.pipeline is not None


def test_a_slow_model_is_passed_over():
    bench = Bench(limits=Limits(8, 1e-9, None))
    model = bench.model()
    assert not model.members
    assert any("max_predict_ms_per_1k" in note for note in model.notes)


@pytest.mark.parametrize("setting", [{"ensemble_size": 0}, {"ensemble_size": None}, {"max_model_mb": -1}])
def test_limits_are_checked(setting):
    with pytest.raises(BudgetError, match=r"ensemble_size|max_model_mb"):
        EvoClassifier(max_evaluations=2, **setting).fit(*small_table())


def test_failing_candidates_cost_no_ensemble():
    result = run(20, parts={**failing_part("Failing"), "only": ["Failing", "GaussianNB", "StandardScaler"]})
    assert result.best is not None


def test_a_metric_that_cannot_score_an_average_costs_no_model():
    def moody(estimator, X, y):
        if type(estimator).__name__ == "SaidClasses":
            raise ZeroDivisionError("averages, no thanks")
        return float(np.mean(estimator.predict(X) == y))

    with pytest.warns(UserWarning, match="ZeroDivisionError: averages, no thanks"):
        result = run(12, scoring=moody)
    assert result.model.text == str(result.best.candidate.genome)
