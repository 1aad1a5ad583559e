"""What goes around a model: offered where it makes sense, one at most, and the same however it is made."""

import numpy as np
import pytest
from contracts.pipeline_spaces import dataset
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from evoml.components import load_catalogue
from evoml.core.errors import SearchSpaceError
from evoml.genomes.pipeline_tree import DataFacts, PipelineSpace
from evoml.genomes.pipeline_tree.variation import delete_step, insert_step, perturb, swap_step
from evoml.learners.target_scale import TargetScale

WRAPPERS = {name for name, part in load_catalogue().items() if part.kind == "wrapper"}


def space(task, initial_pipelines=(), **facts):
    classes = {"n_classes": 2, "class_rows": 40} if task == "classification" else {"target": "positive"}
    return PipelineSpace(load_catalogue(), DataFacts(task, "dense", 100, 4, **(classes | facts)), initial_pipelines)


def around(of):
    return WRAPPERS & set(of.catalogue)


@pytest.mark.parametrize(
    ("task", "facts", "expected"),
    [
        ("regression", {}, {"LogTarget", "PowerTarget", "QuantileTarget"}),
        ("regression", {"target": "any"}, {"PowerTarget", "QuantileTarget"}),
        ("classification", {}, set()),
        ("classification", {"imbalance": 5.0}, {"Resampled"}),
        ("classification", {"needs_predict_proba": True}, {"Calibrated"}),
        ("classification", {"needs_predict_proba": True, "imbalance": 5.0}, {"Calibrated", "Resampled"}),
    ],
)
def test_wrappers_are_offered_for_the_tables_and_metrics_that_call_for_them(task, facts, expected):
    assert around(space(task, **facts)) == expected


def share_of_wrapped(of, draws=400):
    rng = np.random.default_rng(0)
    return np.mean([of.random(rng).term().name in WRAPPERS for _ in range(draws)])


def test_a_skewed_target_is_transformed_more_often():
    assert (
        share_of_wrapped(space("regression", skewness=0.2)) < 0.12 < share_of_wrapped(space("regression", skewness=3.0))
    )


def test_there_is_one_wrapper_at_most_and_it_needs_a_model():
    of = space("regression")
    for text in (
        "LogTarget(PowerTarget(Ridge(features)))",
        "LogTarget(StandardScaler(features))",
        "LogTarget(features)",
    ):
        with pytest.raises(SearchSpaceError, match="end it with a model"):
            of.parse(text)
    rng = np.random.default_rng(1)
    for _ in range(300):
        names = str(of.random(rng))
        assert sum(names.startswith(name) for name in WRAPPERS) <= 1


def test_classifiers_without_probabilities_take_part_inside_a_calibration():
    of = space("classification", needs_predict_proba=True)
    with pytest.raises(SearchSpaceError):
        of.parse("SVC(features)")
    tree = of.parse("Calibrated(SVC(StandardScaler(features)), method='isotonic')")
    plan = of.plan(tree)
    assert plan.gives_probabilities(plan.root)
    assert str(of.adapted("SVC(StandardScaler(features))")).startswith("Calibrated(SVC(StandardScaler(features)")
    without = PipelineSpace(load_catalogue({"Calibrated": {"remove": True}}), of.facts)
    assert "SVC" not in without.catalogue


def test_what_comes_before_the_model_stays_outside_the_wrapper():
    of = space("regression")
    made = of.build("LogTarget(Ridge(StandardScaler(features), alpha=2.0))", 0)
    assert [name for name, _ in made.steps] == ["standardscaler", "logtarget"]
    assert made[-1].regressor.alpha == 2.0


@pytest.mark.parametrize(
    "text",
    [
        "LogTarget(Ridge(PCA(features)))",
        "QuantileTarget(Ridge(union(PCA(features), stack(PowerTarget(Ridge(features))))), transformer__n_quantiles=20)",
    ],
)
def test_source_makes_the_same_pipeline(text):
    of, data = space("regression"), dataset("regression", "dense")
    X, y = data.features.matrix, np.exp(data.y / data.y.std())
    written = {}
    exec(of.source(text, 3), written)
    ours = of.build(text, 3).fit(X, y).predict(X)
    np.testing.assert_array_equal(ours, written["pipeline"].fit(X, y).predict(X))


def test_a_step_can_be_put_around_a_model_taken_away_exchanged_and_tuned():
    of, rng = space("regression", skewness=3.0), np.random.default_rng(0)
    bare, wrapped = of.parse("Ridge(features)"), of.parse("QuantileTarget(Ridge(features))")
    inserted = {insert_step(of.grammar, [bare], rng).term().name for _ in range(60)}
    assert inserted & WRAPPERS
    assert "Ridge" in {delete_step(of.grammar, [wrapped], rng).term().name for _ in range(20)}
    assert {"LogTarget", "PowerTarget"} <= {swap_step(of.grammar, [wrapped], rng).term().name for _ in range(60)}
    tuned = {perturb(of.grammar, [wrapped], rng).term().values["transformer__n_quantiles"] for _ in range(20)}
    assert tuned - {200}


def test_a_users_own_wrapped_models_are_read():
    made = TransformedTargetRegressor(Ridge(alpha=3.0), transformer=TargetScale("power"))
    assert str(space("regression", [make_pipeline(StandardScaler(), made)]).initial[0]).startswith(
        "PowerTarget(Ridge(StandardScaler(features), alpha=3.0)"
    )
    made = CalibratedClassifierCV(LogisticRegression(C=2.0), method="isotonic", cv=3, ensemble=True)
    of = space("classification", [made], needs_predict_proba=True)
    assert str(of.initial[0]).startswith("Calibrated(LogisticRegression(features, C=2.0")
    assert isinstance(of.build("Calibrated(SVC(features))", 0)[-1].estimator, SVC)


def test_evolution_starts_with_what_the_table_calls_for():
    def starts(of):
        return {tree.term().name for tree in of.initial} & WRAPPERS

    assert starts(space("regression", skewness=3.0)) == {"LogTarget", "PowerTarget"}
    assert starts(space("classification", imbalance=5.0)) == {"Resampled"}
    assert starts(space("regression")) == starts(space("classification")) == set()
