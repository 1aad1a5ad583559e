"""Pipelines for targets of several columns: what takes them as they are, what is made to, and nothing else."""

from functools import cache

import numpy as np
import pytest
from sklearn.datasets import make_multilabel_classification, make_regression
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.multioutput import ClassifierChain, MultiOutputRegressor, RegressorChain
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from evoml.components import load_catalogue
from evoml.core.budget import Budget
from evoml.core.candidate import Status
from evoml.core.dataset import read_dataset
from evoml.core.errors import SearchSpaceError
from evoml.evaluation.problem import evaluate
from evoml.genomes.pipeline_tree import DataFacts, PipelineSpace
from evoml.run.parts import put_together
from evoml.run.search import Search

FORMS = ("numbers", "indicator", "classes")
SLOW = ("CatBoost", "XGB", "LGBM", "GaussianProcess")


@cache
def table(form, gaps=False):
    X, labels = make_multilabel_classification(60, n_features=5, n_classes=3, random_state=0)
    X = X.astype(float)
    if gaps:
        X[np.random.default_rng(0).random(X.shape) < 0.1] = np.nan
    if form == "numbers":
        return X, make_regression(60, 5, n_targets=3, random_state=0)[1]
    return X, labels if form == "indicator" else np.column_stack([labels[:, 0] + labels[:, 1], labels[:, 2]]) + 5


def parts(form, scoring=None, gaps=False):
    X, y = table(form, gaps)
    data = read_dataset(X, y, "regression" if form == "numbers" else "classification")
    return put_together(Search(data, load_catalogue(), Budget(1), 0, scoring=scoring, cv=2))


def space(task, outputs, **facts):
    more = {"n_classes": 2, "class_rows": 20} if task == "classification" else {}
    return PipelineSpace(
        load_catalogue(), DataFacts(task, "dense", 100, 4, outputs=outputs, n_outputs=3, **more, **facts)
    )


@pytest.mark.parametrize("scoring", [None, "neg_log_loss"])
@pytest.mark.parametrize("form", FORMS)
def test_random_pipelines_score(form, scoring):
    if form == "numbers" and scoring is not None:
        pytest.skip("a metric of labels")
    made = parts(form, scoring, gaps=scoring is None)
    rng = np.random.default_rng(0)
    trees = [made.space.random(np.random.default_rng(seed)) for seed in rng.integers(2**32, size=40)]
    texts = [str(tree) for tree in trees if not any(name in str(tree) for name in SLOW)][:15]
    for text in texts:
        found = evaluate(made.problem, text)
        assert found.status is Status.OK, f"{text}: {found.error}"
        assert found.predictions.shape == (60, {"numbers": 3, "indicator": 3, "classes": 4}[form])


@pytest.mark.parametrize("form", FORMS)
def test_every_part_that_claims_to_take_several_outputs_does(form):
    made = parts(form)
    outputs = made.space.facts.outputs
    native = [part for part in made.space.catalogue.values() if part.is_model and outputs in part.outputs]
    assert {"numbers": "Ridge", "indicator": "MLPClassifier", "classes": "KNeighborsClassifier"}[form] in {
        p.name for p in native
    }
    X, y = (np.array(one) for one in table(form))
    for part in native:
        model = part.build(part.defaults(), 0, 0.1).fit(X, made.problem.dataset.y)
        assert np.shape(model.predict(X)) == y.shape, part.name
    looking = [
        part for part in made.space.catalogue.values() if part.task and not part.is_model and part.around is None
    ]
    for part in looking:
        assert part.build(part.defaults(), 0).fit(np.abs(X), made.problem.dataset.y).transform(X).shape[0] == 60, (
            part.name
        )


@pytest.mark.parametrize(
    ("task", "outputs", "expected"),
    [
        ("regression", "one", {"LogTarget", "PowerTarget", "QuantileTarget"}),
        ("regression", "several", {"MultiOutputRegressor", "RegressorChain"}),
        ("classification", "indicator", {"MultiOutputClassifier", "ClassifierChain"}),
        ("classification", "several", {"MultiOutputClassifier"}),
    ],
)
def test_what_goes_around_a_model_suits_the_target(task, outputs, expected):
    made = space(task, outputs, target="positive", needs_predict_proba=False)
    assert {part.name for part in made.catalogue.values() if part.around} == expected


@pytest.mark.parametrize(
    ("text", "outputs", "written"),
    [
        ("Ridge(features)", "several", "Ridge("),
        ("SVR(features)", "several", "MultiOutputRegressor(SVR("),
        ("Ridge(stack(SVR(features)))", "several", "Ridge(stack(MultiOutputRegressor(SVR("),
        ("SVR(features)", "one", "SVR("),
    ],
)
def test_models_of_one_output_are_made_into_models_of_all(text, outputs, written):
    assert str(space("regression", outputs).adapted(text)).startswith(written)


def test_a_model_of_one_output_is_no_pipeline_for_several():
    with pytest.raises(SearchSpaceError, match="SVR gives Model data where Model is needed"):
        space("regression", "several").parse("SVR(features)")
    with pytest.raises(SearchSpaceError, match="where Model is needed"):
        space("regression", "several").parse("RegressorChain(RegressorChain(Ridge(features)))")


def test_only_models_on_finite_numbers_are_chained():
    made = PipelineSpace(load_catalogue(), DataFacts("regression", "numeric", 100, 4, outputs="several", n_outputs=2,
                                                     complete_numbers=False))  # fmt: skip
    with pytest.raises(SearchSpaceError):
        made.parse("RegressorChain(BoostingRegressor(features))")
    made.parse("MultiOutputRegressor(BoostingRegressor(features))")
    made.parse("RegressorChain(Ridge(SimpleImputer(features)))")


OWN = [
    (
        "numbers",
        RegressorChain(Ridge(alpha=3.0), order="random", random_state=0),
        "RegressorChain(Ridge(features, alpha=3.0), order='random', cv=None)",
    ),
    (
        "numbers",
        make_pipeline(StandardScaler(), MultiOutputRegressor(Ridge())),
        "MultiOutputRegressor(Ridge(StandardScaler(features), alpha=1.0))",
    ),
    (
        "indicator",
        ClassifierChain(LogisticRegression()),
        "ClassifierChain(LogisticRegression(features, C=1.0, class_weight=None), order=None)",
    ),
]


@pytest.mark.parametrize(("form", "estimator", "text"), OWN)
def test_a_users_own_pipelines_are_read(form, estimator, text):
    X, y = table(form)
    data = read_dataset(X, y, "regression" if form == "numbers" else "classification")
    made = put_together(Search(data, load_catalogue(), Budget(1), 0, cv=2, initial_pipelines=[estimator]))
    assert str(made.space.initial[0]) == text
    assert evaluate(made.problem, text).status is Status.OK


@pytest.mark.parametrize("form", FORMS)
def test_first_pipelines_are_distinct_and_valid(form):
    made = parts(form)
    texts = [str(tree) for tree in made.space.initial]
    assert len(texts) == len(set(texts)) > 10
    chained = "RegressorChain" if form == "numbers" else "ClassifierChain"
    assert any(chained in text for text in texts) == (form != "classes")
