"""Every part against the installed library: signature, constraints, source text, and fits on awkward tables."""

import pickle
import re
import subprocess
import sys
import warnings
import zlib

import numpy as np
import pandas as pd
import pytest

from evoml.components import Catalogue, check_part, known_pipelines, load_catalogue
from evoml.components.entries import part_from
from evoml.core.errors import SearchSpaceError

CATALOGUE = load_catalogue()
PARTS = [pytest.param(part, id=name) for name, part in CATALOGUE.items()]


def generator(part):
    return np.random.default_rng(zlib.crc32(part.name.encode()))


def sampled(part, rng):
    return {hyperparameter.name: hyperparameter.sample(rng) for hyperparameter in part.hyperparameters}


def text(estimator):
    return re.sub(r" at 0x[0-9a-f]+", "", repr(estimator))


def test_rich_enough():
    sklearn_parts = [part for part in CATALOGUE.values() if part.requires is None]
    assert len(sklearn_parts) >= 75
    assert {part.kind for part in sklearn_parts} == {
        "classifier", "regressor", "scaler", "imputer", "encoder", "discretiser",
        "constructor", "kernel", "decomposition", "selector", "clusterer", "wrapper",
    }  # fmt: skip


def test_importing_the_catalogue_does_not_import_sklearn():
    code = "import sys, evoml.components as c; c.load_catalogue(); sys.exit('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("part", PARTS)
def test_agrees_with_the_installed_library(part):
    check_part(part, "catalogue")
    rng = generator(part)
    for _ in range(3):
        values = sampled(part, rng)
        assert all(part.hyperparameter(name).contains(value) for name, value in values.items())
        narrow = {name: {"default": value} for name, value in values.items()}
        check_part(load_catalogue({part.name: {"hyperparameters": narrow}})[part.name], "sampled")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fixed": {"max_itre": 5}}, r"fixed.max_itre: Ridge has no parameter 'max_itre'; did you mean 'max_iter'\?"),
        (
            {"hyperparameters": {"alpa": {"type": "float", "low": 0.0, "high": 1.0, "default": 0.5}}},
            r"hyperparameters.alpa: Ridge has no parameter 'alpa'; did you mean 'alpha'\?",
        ),
        (
            {"hyperparameters": {"alpha": {"type": "float", "low": -1.0, "high": 1.0, "default": 0.5}}},
            "hyperparameters.alpha: The 'alpha' parameter of Ridge must be",
        ),
        ({"fixed": {"solver": "magic"}}, "The 'solver' parameter of Ridge must be"),
        ({"path": "sklearn.linear_model.Rigde"}, "path: 'sklearn.linear_model.Rigde' cannot be imported"),
    ],
)
def test_the_check_catches_a_wrong_entry(changes, message):
    entry = {"path": "sklearn.linear_model.Ridge", "kind": "regressor", "input": "dense", **changes}
    with pytest.raises(SearchSpaceError, match=message):
        check_part(part_from("Wrong", entry, "test"), "test")


@pytest.mark.parametrize("part", PARTS)
def test_source_and_build_agree(part):
    rng = generator(part)
    for values in ({}, sampled(part, rng), sampled(part, rng)):
        expression, imports = part.source(values, 7)
        assert all(line.startswith("from ") for line in imports)
        namespace = {}
        exec("\n".join(sorted(imports)), namespace)
        written, built = eval(expression, namespace), part.build(values, 7)
        assert type(written) is type(built)
        assert text(written) == text(built)
        assert text(sorted(written.get_params().items(), key=str)) == text(sorted(built.get_params().items(), key=str))


@pytest.mark.parametrize("part", PARTS)
def test_picklable_and_hashable(part):
    assert pickle.loads(pickle.dumps(part)) == part
    assert isinstance(hash(part), int)


def test_settings_hold_only_active_hyperparameters():
    svc = CATALOGUE["SVC"]
    assert "degree" not in svc.settings({"kernel": "rbf", "degree": 3}, 0)
    assert svc.settings({"kernel": "poly", "degree": 3}, 0)["degree"] == 3
    with pytest.raises(SearchSpaceError, match="SVC has no hyperparameter 'c'; it has: C, kernel"):
        svc.active({"c": 1.0})


def test_when_holds_transitively():
    entry = {
        "path": "sklearn.svm.SVC", "kind": "classifier", "input": "dense",
        "hyperparameters": {
            "kernel": {"type": "choice", "choices": ["rbf", "poly"], "default": "rbf"},
            "degree": {"type": "integer", "low": 1, "high": 4, "default": 2, "when": {"kernel": ["poly"]}},
            "coef0": {"type": "float", "low": 0, "high": 1, "default": 0.5, "when": {"degree": [2]}},
        },
    }  # fmt: skip
    part = part_from("Chain", entry, "test")
    assert part.active({}) == {"kernel": "rbf"}
    assert part.active({"kernel": "poly"}) == {"kernel": "poly", "degree": 2, "coef0": 0.5}
    assert part.active({"kernel": "poly", "degree": 3}) == {"kernel": "poly", "degree": 3}


def test_nested_hyperparameters_reach_the_nested_estimator():
    selector = CATALOGUE["SelectFromLinearSVC"].build({"estimator__C": 0.5}, 3)
    assert (selector.estimator.C, selector.estimator.random_state) == (0.5, 3)


def awkward_tables():
    rng = np.random.default_rng(0)
    normal = rng.normal(size=(90, 6))
    constant = normal.copy()
    constant[:, 2] = 3.0
    constant[:, 3] = constant[:, 1]
    return {
        "one column": normal[:, :1],
        "constant and duplicate": constant,
        "all constant": np.full((90, 3), 7.0),
        "large scale": normal * 1e6,
        "unequal scales": normal * np.array([1e-6, 1.0, 1e3, 1e6, 1.0, 1.0]),
        "wide": rng.normal(size=(90, 40)),
    }


def labels(n_rows):
    y = np.arange(n_rows) % 2
    y[:1] = 2  # a class of a single row
    return np.array(["a", "b", "c"])[y]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "part", [parameter for parameter in PARTS if parameter.values[0].kind not in ("encoder", "wrapper")]
)
def test_fits_on_awkward_tables(part):
    rng = generator(part)
    for name, table in awkward_tables().items():
        X = np.abs(table) if part.input == "nonnegative" else table
        task = part.task or "classification"
        y = labels(len(X)) if task == "classification" else np.exp(rng.normal(size=len(X)))
        suited = CATALOGUE.limited(
            task=task, n_rows=45, n_features=X.shape[1], n_classes=3, class_rows=1, target="positive"
        )[part.name]
        with np.errstate(all="ignore"):
            for values in (suited.defaults(), sampled(suited, rng)):
                estimator = suited.build(values, 0)
                if part.is_model:
                    estimator.fit(X, y)
                    assert len(estimator.predict(X[:9])) == 9, name
                    if part.predict_proba:
                        assert np.isfinite(estimator.predict_proba(X)).all(), name
                    continue
                columns = estimator.fit_transform(X, y)
                again = estimator.transform(X[:9] * 1.5)
                assert isinstance(columns, np.ndarray)
                assert columns.shape[1] == again.shape[1] > 0, name
                assert np.isfinite(columns).all(), name
                assert np.isfinite(again).all(), name
                if part.output == "nonnegative":
                    assert min(columns.min(), again.min()) >= 0, name


def column(texts, dtype):
    return pd.Series(texts) if dtype is None else pd.Series(texts).astype(dtype)


@pytest.mark.parametrize("name", ["OneHotEncoder", "OrdinalEncoder", "TargetEncoder"])
@pytest.mark.parametrize("dtype", ["object", "category", None])  # None: what pandas makes of texts
def test_encoders_turn_tables_into_numbers(name, dtype):
    table = pd.DataFrame(
        {
            "colour": column(["red", "blue", None, "red"] * 10, dtype),
            "size": [1.0, np.nan, 3.0, 4.0] * 10,
            "flag": [True, False] * 20,
        }
    )
    unseen = table.assign(colour=column(["green"] * 40, dtype))
    encoder = CATALOGUE[name].build({}, 0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message="Found unknown categories")
        columns = encoder.fit_transform(table, np.arange(40) % 2)
        again = encoder.transform(unseen)
    assert isinstance(columns, np.ndarray)
    assert columns.astype(float).shape[1] == again.astype(float).shape[1]
    assert np.isnan(columns.astype(float)).sum() == 10


@pytest.mark.parametrize("part", [parameter for parameter in PARTS if parameter.values[0].input == "numeric"])
@pytest.mark.filterwarnings("ignore")
def test_numeric_input_may_be_missing(part):
    X = np.random.default_rng(0).normal(size=(60, 4))
    X[::3, 0] = np.nan
    y = np.arange(60) % 2
    estimator = part.build({}, 0).fit(X, y)
    assert len(estimator.predict(X) if part.is_model else estimator.transform(X)) == 60


def test_number_of_columns():
    polynomial = CATALOGUE["PolynomialFeatures"]
    assert polynomial.n_columns(5, {}, 100) == 20
    assert polynomial.n_columns(5, {"interaction_only": True}, 100) == 15
    assert CATALOGUE["SelectPercentileFClassif"].n_columns(3, {"percentile": 5}, 100) == 1
    assert CATALOGUE["PCA"].n_columns(7, {}, 100) == 7


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_known_pipelines_name_known_parts(task):
    texts = known_pipelines(task)
    assert 8 <= len(texts) <= 25
    everything = load_catalogue().limited(task=task, n_rows=100, n_features=5)
    for pipeline in texts:
        words = set(re.findall(r"(\w+)\(", pipeline)) - {"union", "stack", "passthrough"}
        assert words <= set(everything), pipeline
        for name, settings in re.findall(r"(\w+)\((?:[^()]|\([^()]*\))*?, (\w+)=", pipeline):
            if name in everything:
                everything[name].hyperparameter(settings)


def test_tags_say_what_the_libraries_say():
    from sklearn.utils import get_tags

    for name, part in CATALOGUE.items():
        if part.requires is None and part.is_model:
            allows_missing = get_tags(part.build({}, 0)).input_tags.allow_nan
            assert part.input != "numeric" or allows_missing, name
            assert part.predict_proba <= hasattr(part.build({}, 0), "predict_proba"), name
    assert isinstance(CATALOGUE, Catalogue)
