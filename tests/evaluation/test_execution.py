"""Step by step and from a cache, a plan gives what scikit-learn's pipeline gives: to the last bit, and never a stale result."""

from dataclasses import replace

import numpy as np
import pytest
from contracts.pipeline_spaces import dataset as small_dataset
from contracts.pipeline_spaces import space as small_space
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from test_evaluate import problem_of
from writing_parts import writing_catalogue

from evoml.components import load_catalogue
from evoml.core.candidate import Status
from evoml.core.errors import SearchSpaceError
from evoml.evaluation import Problem, evaluate, scorers, splits
from evoml.evaluation.cache import Keeper, MemoryCache, NoCache, SharedCache
from evoml.evaluation.scoring import apply
from evoml.evaluation.surroundings import quiet
from evoml.genomes.pipeline_tree import DataFacts, PipelineSpace

IRIS, DIABETES = load_iris(return_X_y=True), load_diabetes(return_X_y=True)
TWO = (IRIS[0][50:], IRIS[1][50:])


class Everything:
    """Keeps all, however fast it was: the most that can go wrong."""

    def __init__(self):
        self.values, self.recalled = {}, []

    def recall(self, name):
        if name in self.values:
            self.recalled.append(name)
        return self.values.get(name)

    def keep(self, name, value, seconds):
        self.values[name] = value


class Forgetful(Everything):
    """Forgets at random, as one does that is full."""

    def __init__(self, seed):
        super().__init__()
        self.rng = np.random.default_rng(seed)

    def recall(self, name):
        if self.rng.random() < 0.4:
            self.values.pop(name, None)
        return super().recall(name)


class Shared(SharedCache):
    """Keeps all in files, and says at once what was kept."""

    def __init__(self, folder, max_bytes=2**24):
        super().__init__(folder)
        self.keeper = Keeper(folder, max_bytes)

    def keep(self, name, value, seconds):
        super().keep(name, value, seconds + 10.0)
        self.keeper.told(self.taken())


def found(evaluation):
    """Return all of an evaluation that must not depend on what is kept."""
    predictions = None if evaluation.predictions is None else evaluation.predictions.tobytes()
    facts = evaluation.status, evaluation.error, dict(evaluation.fold_scores), evaluation.rungs, evaluation.semantics
    return *facts, predictions


def by_scikit_learn(problem, text):
    """Return the fold scores of the pipeline that is built, fitted and scored as a whole."""
    values = {name: [] for name in problem.scorers}
    X, y = problem.dataset.features.data, problem.target
    with quiet(problem.seed):
        for train, test in problem.splits:
            part = (lambda rows: X.iloc[rows]) if hasattr(X, "iloc") else (lambda rows: X[rows])
            model = clone(problem.builder.build(text, problem.seed)).fit(part(train), y[train])
            for name, scorer in problem.scorers.items():
                values[name].append(apply(scorer, model, part(test), y[test], None))
    return {name: tuple(scores) for name, scores in values.items()}


# -- the same as scikit-learn ----------------------------------------------------------------------------------------------

FOREST = "n_estimators=15"
CLASSIFIERS = [
    "LogisticRegression(StandardScaler(features))",
    "LinearSVC(StandardScaler(features))",
    f"ExtraTreesClassifier(union(PCA(features), SelectPercentileFClassif(StandardScaler(features))), {FOREST})",
    "LogisticRegression(union(features, stack(GaussianNB(StandardScaler(features)))))",
    "LogisticRegression(union(stack(LinearSVC(features)), stack(DecisionTreeClassifier(PCA(features)))))",
    f"KNeighborsClassifier(PCA(union(StandardScaler(features), stack(RandomForestClassifier(features, {FOREST})))))",
    "GaussianNB(union(PCA(StandardScaler(features)), MinMaxScaler(StandardScaler(features))))",
]
REGRESSORS = [
    "Ridge(PolynomialFeatures(StandardScaler(features)), alpha=3.0)",
    f"Ridge(union(features, stack(ExtraTreesRegressor(PCA(features), {FOREST}))))",
    "DecisionTreeRegressor(union(stack(Ridge(features)), StandardScaler(features)))",
]
CLASS_METRICS, VALUE_METRICS = ["accuracy", "f1_macro", "balanced_accuracy"], ["r2", "neg_mean_absolute_error"]


@pytest.mark.parametrize(
    ("data", "task", "texts", "scoring"),
    [
        (IRIS, "classification", CLASSIFIERS, CLASS_METRICS),
        (TWO, "classification", CLASSIFIERS, [*CLASS_METRICS, "roc_auc", "average_precision"]),
        (DIABETES, "regression", REGRESSORS, VALUE_METRICS),
    ],
)
def test_known_pipelines_score_as_in_scikit_learn_with_and_without_a_cache(data, task, texts, scoring):
    problem, cache = problem_of(*data, task, scoring), Everything()
    for text in texts:
        expected = by_scikit_learn(problem, text)
        for kept in (None, cache, cache):
            assert evaluate(problem, text, kept).fold_scores == expected, text
    assert cache.recalled


def on_other_rows(estimator, X, y):
    """A metric that looks at half of the rows, in a copy, and asks for everything else too."""
    half = estimator.predict(X[::2])
    return float(np.mean(half == y[::2])) + float(np.mean(estimator.predict(X.copy()) == estimator.predict(X)))


@pytest.mark.parametrize("text", CLASSIFIERS[:4])
def test_a_metric_may_ask_about_other_rows(text):
    problem = problem_of(*IRIS, "classification", {"own": on_other_rows}, original_labels=True)
    cache, expected = Everything(), by_scikit_learn(problem, text)
    assert [evaluate(problem, text, kept).fold_scores for kept in (None, cache, cache)] == [expected] * 3


def table_problem(task, catalogue=None, kind="table"):
    data = small_dataset(task, kind)
    metrics = scorers(CLASS_METRICS if task == "classification" else VALUE_METRICS, task, data.classes)
    return Problem(data, small_space(task, kind, catalogue=catalogue), splits(data, 3, 0), metrics, seed=7)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_table_with_text_scores_as_in_scikit_learn(task):
    problem = table_problem(task)
    cache = Everything()
    for tree in problem.builder.initial[:6]:
        expected = by_scikit_learn(problem, str(tree))
        for kept in (None, cache, cache):
            assert evaluate(problem, str(tree), kept).fold_scores == expected, str(tree)


# -- whatever is kept --------------------------------------------------------------------------------------------------

SLOW = ("MLP", "Gradient", "AdaBoost", "Bagging", "CatBoost", "XGB", "LGBM", "GaussianProcess", "Stacking")


def random_texts(space, count):
    """Return texts of random trees and of offspring of theirs, which share parts."""
    rng = np.random.default_rng(3)
    trees = [space.random(rng) for _ in range(count)]
    for name, parents in space.operators.items():
        for _ in range(count // 8):
            mating = [trees[rng.integers(count)] for _ in range(parents)]
            trees += space.vary([name], [mating], [rng])
    return [str(tree) for tree in trees]


@pytest.mark.parametrize(
    ("task", "kind"), [("classification", "dense"), ("regression", "dense"), ("classification", "table")]
)
def test_no_cache_changes_what_any_of_many_random_pipelines_gives(tmp_path, task, kind):
    light = [name for name, part in load_catalogue().items() if part.cost == "light" and not name.startswith(SLOW)]
    problem = table_problem(task, load_catalogue({"only": light}), kind)
    caches = {
        "everything": Everything(),
        "memory": MemoryCache(2**20),
        "shared": Shared(tmp_path),
        "forgetful": Forgetful(0),
    }
    texts, statuses = random_texts(problem.builder, 24), []
    for text in texts:
        expected = found(evaluate(problem, text, NoCache()))
        statuses.append(expected[0])
        for name, cache in caches.items():
            assert found(evaluate(problem, text, cache)) == expected, (name, text)
    assert len(texts) > 35
    assert statuses.count(Status.OK) > 0.8 * len(texts)
    assert len(caches["everything"].recalled) >= 10


def test_the_order_in_which_candidates_come_does_not_matter():
    problem, texts = problem_of(*IRIS, "classification"), CLASSIFIERS
    expected = {text: found(evaluate(problem, text)) for text in texts}
    for seed in range(3):
        cache = Forgetful(seed)
        for number in np.random.default_rng(seed).integers(len(texts), size=10):
            assert found(evaluate(problem, texts[number], cache)) == expected[texts[number]]


def test_on_rungs_too():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(6000, 4))
    problem = problem_of(X, (X[:, 0] + X[:, 1] > 0).astype(int), "classification", rungs=(1 / 4,))
    cache, text = Everything(), f"ExtraTreesClassifier(union(features, stack(GaussianNB(PCA(features)))), {FOREST})"
    bars = (-np.inf,) * 3
    expected = found(evaluate(problem, text, bars=bars))
    assert [found(evaluate(problem, text, cache, bars)) for _ in range(2)] == [expected] * 2
    assert any("-rung" in name for name in cache.recalled)


# -- never stale ---------------------------------------------------------------------------------------------------------


def names_kept(problem, text="LogisticRegression(PCA(StandardScaler(features)))", **rest):
    cache = Everything()
    assert evaluate(problem, text, cache, **rest).status is Status.OK
    return set(cache.values)


def other_catalogue():
    """The same names for other things: a scaler that is another one, and another constant of a part."""
    return PipelineSpace(
        load_catalogue({"StandardScaler": {"path": "sklearn.preprocessing.MaxAbsScaler"}}),
        DataFacts("classification", "dense", 60, 4, 3, 15),
    )


def changed_problems():
    problem = problem_of(*IRIS, "classification")
    X, y = IRIS
    moved = X.copy()
    moved[0, 0] += 1e-9
    weights = np.where(np.arange(150) == 3, 0.5, 1.5)
    return {
        "a value": problem_of(moved, y, "classification"),
        "a label": problem_of(X, np.where(np.arange(150) == 0, 1, y), "classification"),
        "the weights": replace(problem, dataset=replace(problem.dataset, sample_weight=weights)),
        "the groups": replace(problem, dataset=replace(problem.dataset, groups=np.arange(150) // 3)),
        "the seed": replace(problem, seed=8),
        "the folds": replace(problem, splits=splits(problem.dataset, 3, 1)),
        "the order of folds": replace(problem, splits=problem.splits[::-1]),
        "the rungs": replace(problem, rungs=(1 / 8,)),
        "the labels seen": replace(problem, original_labels=True),
        "the catalogue": replace(problem, builder=other_catalogue()),
    }


@pytest.mark.parametrize("change", changed_problems())
def test_nothing_is_recalled_once_anything_has_changed(change):
    assert not names_kept(problem_of(*IRIS, "classification")) & names_kept(changed_problems()[change])


@pytest.mark.parametrize("library", ["numpy", "sklearn"])
def test_nothing_is_recalled_of_other_versions(monkeypatch, library):
    before = names_kept(problem_of(*IRIS, "classification"))
    monkeypatch.setattr(f"{library}.__version__", "0.0.1")
    assert not before & names_kept(problem_of(*IRIS, "classification"))


def test_equal_problems_share_what_is_kept():
    assert names_kept(problem_of(*IRIS, "classification")) == names_kept(problem_of(*IRIS, "classification"))


def test_each_fold_rung_and_value_has_results_of_its_own():
    problem = problem_of(*IRIS, "classification", rungs=(1 / 8,))
    names = names_kept(problem, bars=(-np.inf,) * 3)
    assert len({name.rsplit("-", 1)[0] for name in names}) == 4
    other = names_kept(
        problem, "LogisticRegression(PCA(StandardScaler(features), n_components=0.9))", bars=(-np.inf,) * 3
    )
    shared = {name.rsplit("-", 1)[1] for name in names & other}
    assert shared == {
        problem.builder.read("LogisticRegression(StandardScaler(features))").inputs(
            problem.builder.read("LogisticRegression(StandardScaler(features))").root
        )[0]
    }


# -- costs -----------------------------------------------------------------------------------------------------------------


def test_a_stacked_model_and_the_plain_one_share_work():
    problem, cache = problem_of(*IRIS, "classification"), Everything()
    plain = evaluate(problem, f"ExtraTreesClassifier(StandardScaler(features), {FOREST})", cache)
    text = f"LogisticRegression(stack(ExtraTreesClassifier(StandardScaler(features), {FOREST})))"
    stacked = evaluate(problem, text, cache)
    assert plain.cost.recalled == 0
    assert stacked.cost.recalled == 3  # the forest, on each fold
    assert stacked.cost.saved == pytest.approx(plain.cost.fit + plain.cost.predict, rel=0.1)
    again = evaluate(problem, f"GaussianNB(stack(ExtraTreesClassifier(StandardScaler(features), {FOREST})))", cache)
    assert again.cost.recalled == 3
    assert again.cost.saved > stacked.cost.saved


@pytest.mark.parametrize("text", CLASSIFIERS)
def test_what_is_recalled_costs_what_it_had_cost(text):
    problem, cache = problem_of(*IRIS, "classification"), Everything()
    first, again = (evaluate(problem, text, cache).cost for _ in range(2))
    for part in ("fit", "fit_cpu", "predict", "predict_cpu", "size"):
        assert getattr(again, part) == pytest.approx(getattr(first, part), rel=1e-9)
    assert again.wall < first.wall
    assert again.saved == pytest.approx(first.fit + first.predict)
    assert again.size > 0


def test_steps_are_told_with_what_they_were_fitted_on():
    problem = problem_of(*IRIS, "classification")
    steps = evaluate(problem, "GaussianNB(PCA(features, n_components=0.9))").steps
    assert len(steps) == 2 * 3
    assert {(step.rows, step.effort) for step in steps} == {(100, 1.0)}
    assert sorted({step.columns for step in steps})[-1] == 4
    assert all(step.fit > 0 for step in steps)


# -- parts that misbehave --------------------------------------------------------------------------------------------------


def writing_problem(kind="dense", weighted=False, scoring="accuracy", **changes):
    data = small_dataset("classification", kind)
    if weighted:
        data = replace(data, sample_weight=np.linspace(0.25, 4.5, data.n_rows))
    made = small_space("classification", kind, catalogue=writing_catalogue())
    metrics = scorers(scoring, "classification", data.classes)
    return Problem(data, made, splits(data, 3, 0), metrics, **{"seed": 7, **changes})


def assert_nothing_is_disturbed(problem, text, others=()):
    """A pipeline gives the same again and again, with any cache, and so do others before and after it."""
    before = [found(evaluate(problem, other)) for other in others]
    expected, cache = found(evaluate(problem, text)), Everything()
    assert expected[0] is Status.OK, expected[1]
    for kept in (None, cache, cache, Forgetful(0)):
        assert found(evaluate(problem, text, kept)) == expected
    for kept in (None, cache):
        assert [found(evaluate(problem, other, kept)) for other in others] == before
    return expected


@pytest.mark.parametrize(
    ("text", "like"),
    [
        ("GaussianNB(WritingScaler(features))", "GaussianNB(features)"),
        ("GaussianNB(union(WritingScaler(PCA(features)), PCA(features)))", None),
        ("LogisticRegression(stack(WritingModel(WritingScaler(features))))", None),
        ("WritingModel(PCA(features))", "GaussianNB(PCA(features))"),
    ],
)
@pytest.mark.parametrize("weighted", [False, True])
def test_parts_that_write_into_their_input_disturb_nobody(text, like, weighted):
    problem = writing_problem(weighted=weighted)
    others = ["GaussianNB(features)", "DecisionTreeClassifier(PCA(features))"]
    expected = assert_nothing_is_disturbed(problem, text, others)
    if like and not weighted:
        assert expected[2] == evaluate(problem, like).fold_scores


def test_parts_that_write_into_a_table_with_text_disturb_nobody():
    problem = writing_problem("table")
    others = [str(problem.builder.initial[0]), "GaussianNB(WritingEncoder(features))"]
    assert_nothing_is_disturbed(problem, "DecisionTreeClassifier(WritingEncoder(features))", others)


@pytest.mark.parametrize(
    "text",
    [
        "GaussianNB(DrawingScaler(features))",
        "DrawingModel(union(DrawingScaler(features), PCA(features)))",
        "LogisticRegression(stack(DrawingModel(DrawingScaler(features))))",
    ],
)
def test_parts_that_draw_from_global_states_give_the_same_with_any_cache(text):
    assert_nothing_is_disturbed(writing_problem(), text)


def drawing_metric(estimator, X, y):
    """A bootstrap by the global random state, of rows that were and of rows that were not predicted."""
    picked = np.random.randint(len(y), size=len(y))  # noqa: NPY002
    return float(
        np.mean(estimator.predict(X)[picked] == y[picked]) + np.mean(estimator.predict(X[picked]) == y[picked])
    )


@pytest.mark.parametrize("text", ["GaussianNB(features)", "DecisionTreeClassifier(DrawingScaler(features))"])
def test_metrics_that_draw_from_global_states_give_the_same_with_any_cache(text):
    assert_nothing_is_disturbed(writing_problem(scoring=drawing_metric, original_labels=True), text)


# -- effort ----------------------------------------------------------------------------------------------------------------


def test_on_rungs_models_make_fewer_iterations():
    problem = problem_of(*IRIS, "classification")
    plan = problem.builder.read("ExtraTreesClassifier(features, n_estimators=100)")
    assert [plan.make(plan.root, 0, effort).n_estimators for effort in (1.0, 0.25, 0.001)] == [100, 25, 1]
    plain = problem.builder.read("GaussianNB(features)")
    assert plain.make(plain.root, 0, 0.25).get_params() == plain.make(plain.root, 0).get_params()


BAGGED = {
    "path": "sklearn.ensemble.BaggingClassifier",
    "kind": "classifier",
    "input": "dense",
    "fixed": {"estimator": {"call": "sklearn.ensemble.ExtraTreesClassifier", "n_estimators": 40}, "n_estimators": 3},
}
RANGE = {"type": "integer", "low": 8, "high": 80, "default": 40}


def made(effort=0.25, **changes):
    part = load_catalogue({"Bagged": {**BAGGED, **changes}})["Bagged"]
    return part.build({}, 0, effort)


def test_iterations_of_an_inner_estimator_too():
    found = made(iterations="estimator__n_estimators")
    assert (found.n_estimators, found.estimator.n_estimators) == (3, 10)
    assert made(iterations="n_estimators").n_estimators == 1
    assert made(1.0, iterations="estimator__n_estimators").estimator.n_estimators == 40


def test_iterations_of_an_inner_estimator_that_are_a_hyperparameter():
    fixed = {"estimator": {"call": "sklearn.ensemble.ExtraTreesClassifier"}, "n_estimators": 3}
    found = made(iterations="estimator__n_estimators", fixed=fixed, hyperparameters={"estimator__n_estimators": RANGE})
    assert found.estimator.n_estimators == 10


def test_iterations_that_are_not_active_are_left_alone():
    conditions = {"type": "choice", "choices": [True, False], "default": False}
    hyperparameters = {"bootstrap": conditions, "max_samples": {**RANGE, "when": {"bootstrap": [True]}}}
    assert made(iterations="max_samples", hyperparameters=hyperparameters).max_samples in (None, 1.0)


@pytest.mark.parametrize(
    "name", ["n_estimator", "estimator__n_trees", "estimator", "nothing__n_estimators", "bootstrap"]
)
def test_what_is_no_number_of_iterations_is_one_clear_error(name):
    fixed = {**BAGGED["fixed"], "bootstrap": True}
    with pytest.raises(
        SearchSpaceError, match=rf"\[Bagged\] iterations: '{name}' is no whole number among fixed values"
    ):
        made(iterations=name, fixed=fixed)
