"""From plan to scikit-learn, and to source text that makes exactly the same pipeline, also without evoml."""

import json
import re
import subprocess
import sys
import warnings

import numpy as np
import pytest
from contracts.pipeline_spaces import TASKS, dataset, space
from sklearn.linear_model import Ridge
from sklearn.pipeline import FeatureUnion, Pipeline

from evoml.components import load_catalogue
from evoml.core import stream
from evoml.genomes.pipeline_tree.term import read_term
from evoml.learners import OutOfFoldPredictions


def build(text, task="regression"):
    return space(task).build(text, 0)


def step_names(pipeline):
    return [name for name, _ in pipeline.steps]


# -- structure --------------------------------------------------------------------------------------------------------


def test_a_chain_is_a_plain_pipeline():
    pipeline = build("Ridge(PCA(StandardScaler(features), n_components=0.8), alpha=2.0)")
    assert type(pipeline) is Pipeline
    assert step_names(pipeline) == ["standardscaler", "pca", "ridge"]
    assert pipeline["pca"].n_components == 0.8
    assert pipeline["ridge"].alpha == 2.0


def test_a_model_alone_is_a_pipeline_of_one_step():
    assert step_names(build("Ridge(features)")) == ["ridge"]


def test_equal_steps_get_different_names():
    assert step_names(build("Ridge(PCA(StandardScaler(PCA(features, n_components=0.9)), n_components=0.8))")) == [
        *("pca", "standardscaler", "pca-2", "ridge")
    ]


def test_what_all_branches_of_a_union_begin_with_is_fitted_once():
    text = "Ridge(union(PCA(StandardScaler(features)), union(StandardScaler(features), Nystroem(StandardScaler(features)))))"
    pipeline = build(text)
    assert step_names(pipeline) == ["standardscaler", "union", "ridge"]
    branches = dict(pipeline["union"].transformer_list)
    assert set(branches) == {"features", "pca", "nystroem"}
    assert branches["features"] == "passthrough"


def test_a_branch_of_several_steps_is_a_pipeline():
    pipeline = build("Ridge(union(PCA(StandardScaler(features)), features))")
    assert isinstance(pipeline["union"], FeatureUnion)
    assert step_names(dict(pipeline["union"].transformer_list)["pca"]) == ["standardscaler", "pca"]


def test_a_stacked_model_is_an_out_of_fold_transformer():
    pipeline = build("Ridge(union(features, stack(Ridge(StandardScaler(features)))))")
    stack = dict(pipeline["union"].transformer_list)["stack"]
    assert isinstance(stack, OutOfFoldPredictions)
    assert step_names(stack.estimator) == ["standardscaler", "ridge"]


def test_every_random_part_gets_the_seed():
    of = space("classification")
    text = "RandomForestClassifier(union(features, stack(ExtraTreesClassifier(features))))"
    params = of.build(text, 7).get_params()
    seeds = {name: value for name, value in params.items() if name.endswith("random_state")}
    assert len(seeds) == 2
    assert set(seeds.values()) == {7}


def test_weights_are_requested_only_where_they_can_be_used():
    from sklearn import config_context

    with config_context(enable_metadata_routing=True):
        pipeline = space("regression").build("Ridge(PCA(StandardScaler(features)))", 0, weighted=True)
        requests = {name: step.get_metadata_routing().fit.requests for name, step in pipeline.steps}
    assert requests["ridge"] == {"sample_weight": True}
    assert requests["pca"] == {}


def test_a_union_keeps_the_columns_of_its_branches():
    data = dataset("regression", "dense")
    pipeline = build("Ridge(union(PCA(features, n_components=0.8), StandardScaler(features)))")
    pipeline.fit(data.features.data, data.y)
    n_pca = dict(pipeline["union"].transformer_list)["pca"].n_components_
    assert pipeline["ridge"].n_features_in_ == data.n_features + n_pca


# -- source -----------------------------------------------------------------------------------------------------------


def run(source):
    module = {}
    exec(compile(source, "exported.py", "exec"), module)
    return module


def predictions(pipeline, data):
    train, test = data.take(np.arange(0, 45)), data.take(np.arange(45, 60))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipeline.fit(train.features.data, train.y)
        if hasattr(pipeline, "predict_proba"):
            return pipeline.predict_proba(test.features.data)
        return pipeline.predict(test.features.data)


def trees(of, seed, wanted=lambda tree: True):
    return filter(wanted, (of.random(stream(seed, i)) for i in range(10**6)))


def without_addresses(pipeline):
    return re.sub("0x[0-9a-f]+", "", repr(pipeline))


def test_a_module_is_written_out_once_with_its_constants():
    source = space("regression").source("Ridge(PolynomialFeatures(PolynomialCountSketch(features)))", 0)
    assert source.count("class BoundedPolynomialFeatures") == 1
    assert source.count("LIMIT = ") == 1


@pytest.mark.parametrize("kind", ["dense", "table"])
@pytest.mark.parametrize("task", TASKS)
def test_source_writes_what_build_builds(task, kind):
    of = space(task, kind)
    for _, tree in zip(range(100), trees(of, 2), strict=False):
        module = run(of.source(str(tree), 3))
        assert without_addresses(module["pipeline"]) == without_addresses(of.build(str(tree), 3))
        assert module["make_pipeline"]() is not module["pipeline"]


@pytest.mark.parametrize(("kind", "count"), [("dense", 35), ("table", 15)])
@pytest.mark.parametrize("task", TASKS)
def test_predictions_of_the_source_are_exactly_those_of_the_pipeline(task, kind, count):
    slow = {part.name for part in load_catalogue().values() if part.cost != "light"}
    of, data = space(task, kind), dataset(task, kind)
    light = trees(of, 5, lambda tree: not slow & {node.name for node in tree})
    for _, tree in zip(range(count), light, strict=False):
        written = predictions(run(of.source(str(tree), 3))["pipeline"], data)
        assert np.array_equal(written, predictions(of.build(str(tree), 3), data)), str(tree)


@pytest.mark.parametrize("kind", ["dense", "table"])
@pytest.mark.parametrize("task", TASKS)
def test_equal_seeds_give_equal_predictions_with_every_part(task, kind):
    of, data = space(task, kind), dataset(task, kind)
    model = "Ridge" if task == "regression" else "LogisticRegression"
    for part in of.catalogue.values():
        if part.cost == "heavy" or (kind == "table") != (part.kind == "encoder"):
            continue
        around, within = (part.name, model) if part.kind == "wrapper" else (model, part.name)
        term = read_term(f"{part.name}(features)" if part.is_model else f"{around}({within}(features))")
        text = str(of.grammar.tree(term, adapt=True))
        assert np.array_equal(predictions(of.build(text, 3), data), predictions(of.build(text, 3), data)), text


def test_a_comment_becomes_part_of_the_docstring_whatever_it_holds():
    of = space("regression")
    module = run(of.source("Ridge(features)", 0, comment='Score: 0.9 """ \\ "quoted"'))
    assert "Score: 0.9" in module["__doc__"]
    assert isinstance(module["pipeline"].steps[-1][1], Ridge)


WITHOUT_EVOML = """
import json, sys, warnings
import numpy as np

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "evoml":
            raise ImportError("evoml is not installed here")

sys.meta_path.insert(0, Refuse())
warnings.simplefilter("ignore")
answers = []
for source, X, y in json.load(sys.stdin):
    module = {"__name__": "exported"}
    exec(source, module)
    X = np.array(X, dtype=float)
    answers.append(np.asarray(module["make_pipeline"]().fit(X[:45], y[:45]).predict(X[45:])).tolist())
assert not any(name.split(".")[0] == "evoml" for name in sys.modules)
json.dump(answers, sys.stdout)
"""


def our_parts(of):
    """Return the text of a small pipeline with each part that is of evoml's own make."""
    model = "Ridge" if of.facts.task == "regression" else "LogisticRegression"
    for part in of.catalogue.values():
        if "evoml." in f"{part.path} {part.wrap}" and not part.compiled and part.name in of.grammar.primitives.mapping:
            yield f"{part.name}(features)" if part.is_model else f"{model}({part.name}(features))"
    yield f"{model}(union(features, stack({model}(StandardScaler(features)))))"


@pytest.mark.parametrize("task", TASKS)
def test_exported_source_runs_where_evoml_is_not_installed(task):
    of, data = space(task), dataset(task, "dense")
    texts = [f"{'Ridge' if task == 'regression' else 'SVC'}(PCA(StandardScaler(features)))", *our_parts(of)]
    texts = [str(of.grammar.tree(read_term(text), adapt=True)) for text in texts]
    assert len(texts) > 10
    X, y = data.features.matrix, data.y
    cases = [(of.source(text, 3), X.tolist(), y.tolist()) for text in texts]
    assert not any(
        "evoml" in line for source, *_ in cases for line in source.split("\n") if line.startswith(("import", "from"))
    )
    command = [sys.executable, "-c", WITHOUT_EVOML]
    process = subprocess.run(command, input=json.dumps(cases), capture_output=True, text=True)
    assert process.returncode == 0, process.stderr[-3000:]
    for text, answer in zip(texts, json.loads(process.stdout), strict=True):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            own = of.build(text, 3).fit(X[:45], y[:45]).predict(X[45:])
        assert answer == np.asarray(own).tolist(), text
