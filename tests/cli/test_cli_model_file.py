"""The saved model: comes back equal, and never brings foreign code along."""

from __future__ import annotations

import functools
import operator
import os
import zipfile
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import skops.io
from fake_estimators import FakeClassifier
from sklearn.base import BaseEstimator
from sklearn.cluster import FeatureAgglomeration
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.feature_selection import SelectFromModel, SelectPercentile, chi2, mutual_info_classif
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, PowerTransformer, SplineTransformer
from sklearn.svm import SVC

from evoml import EvoClassifier
from evoml.cli.model_file import SavedModel, libraries_needed, load_model, save_model
from evoml.components import load_catalogue
from evoml.core import ModelFileError

MODELS = [
    AdaBoostClassifier(n_estimators=3),
    ExtraTreesClassifier(5),
    GaussianNB(),
    GaussianProcessClassifier(),
    GradientBoostingClassifier(n_estimators=3),
    HistGradientBoostingClassifier(max_iter=3),
    KNeighborsClassifier(),
    MLPClassifier((4,), max_iter=5),
    SGDClassifier(loss="log_loss"),
    SVC(),
    StackingClassifier([("a", GaussianNB()), ("b", LogisticRegression())]),
]
STEPS = [
    FeatureAgglomeration(2),
    FeatureUnion([("a", PowerTransformer()), ("b", Nystroem(n_components=4))]),
    SelectFromModel(ExtraTreesClassifier(5)),
    SelectPercentile(chi2),
    SelectPercentile(mutual_info_classif),
    SplineTransformer(),
]


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {"a": rng.normal(size=60), "b": rng.normal(size=60), "t": rng.choice(["p", "q"], 60).astype(object)}
    )
    return X, np.where(X["a"] > 0, "yes", "no")


def saved(pipeline) -> SavedModel:
    return SavedModel(
        pipeline,
        "classification",
        "y",
        ["a", "b", "t"],
        ["number", "number", "text"],
        [],
        np.array(["no", "yes"]),
        "accuracy",
        {"evoml": "0"},
    )


def fitted(table, *steps):
    return make_pipeline(FakeClassifier()._prepared(chi2).steps[0][1], MinMaxScaler(), *steps).fit(*table)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("step", [*MODELS, *STEPS], ids=lambda step: type(step).__name__)
def test_what_pipelines_are_made_of_comes_back_equal(here, table, step):
    steps = (step,) if hasattr(step, "predict") else (step, LogisticRegression())
    model = saved(fitted(table, *steps))
    save_model(model, here / "m.skops")
    loaded = load_model(here / "m.skops")
    assert (loaded.pipeline.predict(table[0]) == model.pipeline.predict(table[0])).all()
    assert replace(loaded, pipeline=None, classes=None) == replace(model, pipeline=None, classes=None)
    assert loaded.classes.tolist() == ["no", "yes"]


@pytest.mark.filterwarnings("ignore")
def test_an_ensemble_put_together_by_a_run_comes_back_equal(here):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(150, 2)), columns=["a", "b"])
    y = np.where(X["a"] * X["b"] + X["a"] + 0.7 * rng.normal(size=150) > 0, "yes", "no")
    parts = {"only": ["GaussianNB", "LogisticRegression", "KNeighborsClassifier", "DecisionTreeClassifier"]}
    estimator = EvoClassifier(
        max_evaluations=12, random_state=0, executor="serial", cv=3, search_space=parts, scoring="neg_log_loss"
    ).fit(X, y)
    assert isinstance(estimator.fitted_pipeline_, VotingClassifier)
    save_model(saved(estimator.fitted_pipeline_), here / "m.skops")
    loaded = load_model(here / "m.skops").pipeline
    assert (loaded.predict_proba(X) == estimator.predict_proba(X)).all()


class Foreign(BaseEstimator):
    def predict(self, X):
        return X


@pytest.mark.parametrize(
    ("function", "named"),
    [
        (os.system, "posix.system"),
        (np.loadtxt, "numpy.loadtxt"),
        (functools.partial(os.system, "x"), "posix.system"),
        (operator.methodcaller("predict"), "operator.methodcaller"),
        (LogisticRegression().fit, "LogisticRegression.fit"),
        (zipfile.ZipFile, "zipfile.ZipFile"),
    ],
)
def test_a_function_from_elsewhere_is_refused_by_name(here, function, named):
    save_model(saved(FunctionTransformer(function)), here / "m.skops")
    with pytest.raises(ModelFileError, match="holds types that are not trusted: ") as caught:
        load_model(here / "m.skops")
    assert named in str(caught.value)
    assert "only if you know who wrote it" in str(caught.value)


def test_a_class_from_elsewhere_is_refused_by_name(here):
    save_model(saved(Foreign()), here / "m.skops")
    with pytest.raises(ModelFileError, match=r"not trusted: .*Foreign"):
        load_model(here / "m.skops")


@pytest.mark.parametrize(
    "name",
    [
        "sklearn.datasets._openml.GzipFile",
        "sklearn.utils._testing.TempMemmap",
        "sklearn.utils.Bunch",
        "sklearn.base.clone",
        "sklearn.nowhere.X",
    ],
)
def test_names_within_scikit_learn_are_trusted_only_where_they_are_at_home(name):
    from evoml.cli.model_file import _is_trusted

    assert not _is_trusted(name, ())


def test_a_missing_damaged_or_foreign_file_is_refused(here, table):
    path = here / "m.skops"
    with pytest.raises(ModelFileError, match="there is no model at"):
        load_model(path)
    path.write_bytes(b"not a zip file")
    with pytest.raises(ModelFileError, match=r"m\.skops cannot be read \(BadZipFile"):
        load_model(path)
    save_model(saved(fitted(table, GaussianNB())), path)
    whole = path.read_bytes()
    for at in (10, len(whole) // 2, len(whole) - 30):
        path.write_bytes(whole[:at])
        with pytest.raises(ModelFileError, match="cannot be read"):
            load_model(path)
    path.write_bytes(whole[:200] + bytes(200) + whole[400:])
    with pytest.raises(ModelFileError, match="cannot be read"):
        load_model(path)
    skops.io.dump({"x": 1}, path)
    with pytest.raises(ModelFileError, match="is not a model of this evoml"):
        load_model(path)


def test_what_cannot_be_saved_leaves_no_half_file(here):
    with pytest.raises(ModelFileError, match="cannot be saved"):
        save_model(saved(FunctionTransformer(i for i in range(3))), here / "m.skops")
    assert list(here.iterdir()) == []


def test_boosting_libraries_are_trusted_on_request(here, table):
    lightgbm = pytest.importorskip("lightgbm")
    model = saved(fitted(table, lightgbm.LGBMClassifier(n_estimators=3, verbose=-1)))
    assert libraries_needed(model.pipeline) == ["lightgbm"]
    save_model(model, here / "m.skops")
    with pytest.raises(ModelFileError, match=r"lightgbm\..*; if you trust the file, add --trust lightgbm"):
        load_model(here / "m.skops")
    loaded = load_model(here / "m.skops", ["lightgbm"])
    assert (loaded.pipeline.predict(table[0]) == model.pipeline.predict(table[0])).all()
    with pytest.raises(ModelFileError, match="--trust takes the name of a library"):
        load_model(here / "m.skops", ["os"])


def test_wishes_for_weights_are_no_obstacle_and_stay_with_the_model(here, table):
    import sklearn

    with sklearn.config_context(enable_metadata_routing=True):
        bagged = BaggingClassifier(GaussianNB().set_fit_request(sample_weight=True), n_estimators=2)
        model = saved(fitted(table, bagged))
    save_model(model, here / "m.skops")
    loaded = load_model(here / "m.skops")
    assert (loaded.pipeline.predict(table[0]) == model.pipeline.predict(table[0])).all()
    assert hasattr(bagged.estimator, "_metadata_request")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", list(load_catalogue()))
def test_every_part_of_the_catalogue_can_be_saved_and_loaded(here, name):
    part = load_catalogue()[name]
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.uniform(0.1, 1, (80, 5)), columns=list("abcde"))
    y = (X["a"] + X["b"]).to_numpy() if part.task == "regression" else np.where(X["a"] + X["b"] > 1.1, "p", "q")
    if "one" not in part.outputs:
        y = np.column_stack([y, y[::-1]] if part.task == "regression" else [y == "p", X["c"] > 0.5]).astype(float)
    if part.kind == "encoder":
        X = X.assign(t=np.where(X["c"] > 0.5, "u", "v").astype(object))
    step = part.build(part.defaults(), 0)
    if part.kind == "wrapper":
        step.set_params(**{part.around: Ridge() if part.task == "regression" else GaussianNB()})
    model = make_pipeline(step).fit(X, y)
    save_model(saved(model), here / "m.skops")
    loaded = load_model(here / "m.skops", libraries_needed(model)).pipeline
    method = "predict" if hasattr(step, "predict") else "transform"
    np.testing.assert_array_equal(*(np.asarray(getattr(one, method)(X)) for one in (model, loaded)))
