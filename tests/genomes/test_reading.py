"""From text and from scikit-learn estimators to trees; mistakes are named, with what was probably meant."""

import warnings

import numpy as np
import pytest
from contracts.pipeline_spaces import KINDS, TASKS, dataset, space
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer, make_column_transformer
from sklearn.decomposition import PCA, IncrementalPCA
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.feature_selection import SelectFromModel, SelectPercentile, mutual_info_classif
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline, make_union
from sklearn.preprocessing import OneHotEncoder, QuantileTransformer, StandardScaler
from sklearn.svm import SVC

from evoml.components import known_pipelines, load_catalogue
from evoml.core import SearchSpaceError
from evoml.genomes.pipeline_tree import PipelineSpace, Plan
from evoml.learners import OutOfFoldPredictions

CATALOGUE = load_catalogue()


def plain(tree):
    """Return a tree's text without values."""

    def name(term):
        return term.name + (f"({', '.join(map(name, term.inputs))})" if term.inputs else "")

    return name(tree.term())


def first(pipeline, kind="dense", task="classification"):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return space(task, kind, [pipeline]).initial[0]


# -- known pipelines --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("task", TASKS)
def test_all_known_pipelines_can_start_on_every_kind_of_table(task, kind):
    of = space(task, kind)
    assert len(of.initial) == len(known_pipelines(task))
    assert len({of.key(tree) for tree in of.initial}) == len(of.initial)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("dense", "LogisticRegression(StandardScaler(features))"),
        ("numeric", "LogisticRegression(StandardScaler(SimpleImputer(features)))"),
        ("table", "LogisticRegression(StandardScaler(SimpleImputer(OneHotEncoder(features))))"),
    ],
)
def test_encoders_and_imputers_are_put_in_where_needed(kind, expected):
    assert plain(space("classification", kind).initial[0]) == expected


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_known_pipeline_fits(kind):
    data = dataset("classification", kind)
    of = space("classification", kind)
    pipeline = of.build(str(of.initial[0]), 0).fit(data.features.data, data.y)
    assert pipeline.score(data.features.data, data.y) > 0.7


def test_without_its_part_a_known_pipeline_is_left_out():
    of = space("classification", catalogue=CATALOGUE.without("SVC", "Nystroem"))
    texts = " ".join(map(str, of.initial))
    assert "SVC(" not in texts
    assert "Nystroem" not in texts
    others = [text for text in known_pipelines("classification") if "SVC(" not in text and "Nystroem" not in text]
    assert 0 < len(of.initial) == len(others)


# -- the user's pipelines ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pipeline", "expected"),
    [
        (SVC(), "SVC(features)"),
        ("SVC(PCA(features))", "SVC(PCA(features))"),
        (make_pipeline(StandardScaler(), SVC()), "SVC(StandardScaler(features))"),
        (Pipeline([("a", "passthrough"), ("b", None), ("c", SVC())]), "SVC(features)"),
        (make_pipeline(make_pipeline(StandardScaler()), SVC()), "SVC(StandardScaler(features))"),
        (
            make_pipeline(make_union(StandardScaler(), "passthrough"), SVC()),
            "SVC(union(StandardScaler(features), features))",
        ),
        (make_pipeline(FeatureUnion([("a", "drop"), ("b", StandardScaler())]), SVC()), "SVC(StandardScaler(features))"),
        (
            make_pipeline(StandardScaler(), make_union(OutOfFoldPredictions(SVC()), "passthrough"), SVC()),
            "SVC(union(stack(SVC(StandardScaler(features))), StandardScaler(features)))",
        ),
        (make_pipeline(ColumnTransformer([("a", StandardScaler(), [0])]), SVC()), "SVC(StandardScaler(features))"),
        (make_pipeline(SimpleImputer(), SVC()), "SVC(features)"),
        (make_pipeline(OneHotEncoder(), SVC()), "SVC(features)"),
        (SGDClassifier(loss="log_loss"), "SGDClassifier(features)"),
        (make_pipeline(SelectPercentile(mutual_info_classif, percentile=30), SVC()), None),
    ],
)
def test_scikit_learn_estimators_are_understood(pipeline, expected):
    tree = first(pipeline)
    assert plain(tree) == (expected or "SVC(SelectPercentileMutualInfoClassif(features))")


def test_settings_are_kept_as_plain_python_numbers():
    tree = first(make_pipeline(SVC(C=np.float64(0.5), kernel="poly", degree=np.int64(2))))
    assert str(tree) == "SVC(features, C=0.5, kernel='poly', degree=2, coef0=0.0, class_weight=None)"
    of = space()
    assert of.parse(str(tree)) == tree
    assert of.build(str(tree), 0)["svc"].C == 0.5


def test_of_parts_of_one_class_the_one_with_the_same_settings_is_taken():
    assert "QuantileTransformerNormal" in str(
        first(make_pipeline(QuantileTransformer(output_distribution="normal"), SVC()))
    )
    assert "QuantileTransformerNormal" not in str(first(make_pipeline(QuantileTransformer(), SVC())))


def test_a_users_imputer_and_encoder_stay_where_there_is_something_to_do():
    assert "strategy='mean'" in str(first(make_pipeline(SimpleImputer(strategy="mean"), SVC()), "numeric"))
    assert "OneHotEncoder" in str(first(make_pipeline(OneHotEncoder(), SVC()), "table"))


@pytest.mark.parametrize(
    ("pipeline", "message"),
    [
        (
            RandomForestClassifier(oob_score=True),
            "cannot express oob_score=True of RandomForestClassifier; the nearest",
        ),
        (LogisticRegression(C=1e12), r"cannot express C=1000000000000.0 \(now 1000.0\) of LogisticRegression"),
        (make_pipeline(PCA(2), SVC()), r"cannot express n_components=2 \(now 0\.999\) of PCA"),
        (SGDClassifier(loss="huber"), r"cannot express loss='huber' \(now 'log_loss'\) of SGDClassifier"),
        (
            make_pipeline(FeatureUnion([("a", StandardScaler())], transformer_weights={"a": 2}), SVC()),
            "the transformer_weights of a FeatureUnion are left out",
        ),
        (make_pipeline(SelectFromModel(ExtraTreesClassifier(), threshold=0.1), SVC()), "cannot express threshold=0.1"),
    ],
)
def test_settings_outside_the_space_are_warned_of(pipeline, message):
    with pytest.warns(UserWarning, match=message):
        space("classification", initial=[pipeline])


def test_values_out_of_range_are_moved_to_the_nearest():
    with pytest.warns(UserWarning, match="cannot express"):
        of = space("classification", initial=[LogisticRegression(C=1e12)])
    assert "C=1000.0" in str(of.initial[0])
    assert "C=1000.0" in str(first("LogisticRegression(features, C=1e12)"))


class MyScaler(TransformerMixin, BaseEstimator):
    pass


@pytest.mark.parametrize(
    ("pipeline", "message"),
    [
        (make_pipeline(IncrementalPCA(), SVC()), "the step .*IncrementalPCA is not in the search space; did you mean "),
        (make_pipeline(MyScaler(), SVC()), "MyScaler is not in the search space; did you mean '.*Scaler'.; add it"),
        (Ridge(), "Ridge is not in the search space; did you mean 'RidgeClassifier'"),
        (SVC, r"SVC is a class; give an estimator, SVC\(\)"),
        (5, "builtins.int is not in the search space"),
        (StandardScaler(), "StandardScaler gives Dense data where Model is needed in .*; end it with a model"),
        (Pipeline([]), "end it with a model"),
        (make_pipeline(FeatureUnion([("a", "drop")]), SVC()), "drops all of its branches; keep at least one"),
        (
            make_pipeline(make_column_transformer((StandardScaler(), [0]), (PCA(), [1])), SVC()),
            "ColumnTransformer is not in the search space",
        ),
    ],
)
def test_a_step_the_space_does_not_know_is_named(pipeline, message):
    with pytest.raises(SearchSpaceError, match=message):
        space("classification", initial=[pipeline])


def test_the_users_pipelines_come_first():
    of = space("classification", initial=["SVC(features)", SVC(C=2.0)])
    assert [plain(tree) for tree in of.initial[:2]] == ["SVC(features)"] * 2
    assert len(of.initial) == 2 + len(known_pipelines("classification"))


# -- text -------------------------------------------------------------------------------------------------------------


def test_missing_values_take_their_defaults():
    assert str(space("regression").parse("Ridge(features)")) == "Ridge(features, alpha=1.0)"


def test_the_union_that_suits_is_found():
    of = space("classification")
    assert "union_nonnegative" in {
        node.name for node in of.parse("MultinomialNB(union(MinMaxScaler(features), MinMaxScaler(features)))")
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "LogisticRegresion(features)",
            "no part 'LogisticRegresion' in the search space .*did you mean 'LogisticRegression'",
        ),
        ("Ridge(features)", "no part 'Ridge' in the search space for this classification table"),
        ("SVC(features, features)", r"SVC takes 1 input\(s\), got 2 in SVC\(features, features\)"),
        ("SVC()", r"SVC takes 1 input\(s\), got 0"),
        ("SVC(union(features))", r"union takes 2 input\(s\), got 1"),
        ("SVC(features, Cc=1.0)", "SVC has no hyperparameter 'Cc' in the search space.*it has: C, kernel"),
        ("SVC(features, C=1e9)", r"SVC: C=1000000000.0 is outside its range, 0\.\d+ to \d+"),
        ("SVC(features, C=True)", "C=True is outside its range"),
        ("SVC(features, kernel='cosine')", "kernel='cosine' is outside its range, one of '"),
        ("SVC(features, C=1, C=2)", "a hyperparameter is given twice"),
        ("SVC(", r"must be a nested call such as 'Ridge\(features\)', got 'SVC\(': "),
        ("", "must be a nested call"),
        ("SVC(features\0)", "must be a nested call"),
        ("(" * 500 + "features" + ")" * 500, "must be a nested call"),
        ("SVC(features, C=" + "1+" * 9000 + "1)", "must be a nested call"),
        ("SVC", "'SVC' in the pipeline 'SVC' is neither a call of a part nor 'features'; write steps as Part"),
        ("a.b(features)", "is neither a call of a part nor"),
        ("SVC(features(PCA(features)))", "is neither a call of a part nor"),
        ("SVC(*features)", "is neither a call of a part nor"),
        ("SVC(features, **{})", "is not a number, text, True, False or None"),
        ("SVC(features, C=__import__('os'))", "is not a number, text, True, False or None"),
        ("SVC(features, C=[1])", "is not a number, text, True, False or None"),
        ("SVC(features, C={[]: 1})", "is not a number, text, True, False or None"),
        ("features", "features gives Dense data where Model is needed in features; end it with a model"),
        ("StandardScaler(features)", "end it with a model"),
        ("SVC(SVC(features))", "SVC gives Model data where Dense is needed .*put a step in between that makes it so"),
        ("MultinomialNB(StandardScaler(features))", "gives Dense data where NonNegative is needed"),
    ],
)
def test_mistakes_in_a_text_are_explained(text, message):
    with pytest.raises(SearchSpaceError, match=message):
        space("classification").parse(text)


def test_text_is_never_executed(capsys):
    with pytest.raises(SearchSpaceError):
        space("classification").parse("print('executed')")
    with pytest.raises(SearchSpaceError):
        Plan.from_text("SVC(features, C=print('executed'))", CATALOGUE)
    assert "executed" not in capsys.readouterr().out


# -- spaces without a way ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "parts"),
    [
        ("dense", ["StandardScaler"]),
        ("numeric", ["StandardScaler", "LogisticRegression"]),
        ("table", ["StandardScaler", "SimpleImputer", "LogisticRegression"]),
        ("dense", ["Ridge"]),
    ],
)
def test_a_space_without_a_reachable_model_is_refused(kind, parts):
    message = f"no classification model that can be reached from {kind} data; keep at least one model, and an imputer"
    with pytest.raises(SearchSpaceError, match=message):
        space("classification", kind, catalogue=CATALOGUE.only(*parts))


def test_a_model_that_reads_missing_values_needs_no_imputer():
    of = space("classification", "numeric", catalogue=CATALOGUE.only("HistGradientBoostingClassifier"))
    assert isinstance(of, PipelineSpace)
    assert plain(of.initial[0]) == "HistGradientBoostingClassifier(features)"
