"""Estimators that evolve a learning algorithm: scikit-learn's habits, what they keep, and their mistakes."""

import logging
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris
from sklearn.utils.estimator_checks import parametrize_with_checks

from evoml import ProgramClassifier, ProgramRegressor
from evoml.core.errors import DataError, EvomlError
from evoml.core.random import stream
from evoml.evaluation.program_parts import _rows, table_parts
from evoml.genomes.program.library import LIBRARY

SMALL = {"population_size": 20, "generations": 2, "random_state": 0, "examples": 300, "n_tasks": 4}


def impossible(estimator):
    return {
        "check_sample_weight_equivalence_on_dense_data": "it learns from one row after another, in a random order: weights"
        " are how often rows are drawn, so that repeated rows are the same on average, not in bits"
    }


@parametrize_with_checks([ProgramRegressor(**SMALL), ProgramClassifier(**SMALL)], expected_failed_checks=impossible)
def test_they_are_estimators_of_scikit_learn(estimator, check):
    check(estimator)


def classifier(**changes):
    return ProgramClassifier(**{**SMALL, **changes})


@pytest.fixture(scope="module")
def cancer():
    return load_breast_cancer(return_X_y=True)


@pytest.fixture(scope="module")
def fitted(cancer):
    return classifier(generations=8, examples=1000).fit(*cancer)


def test_it_keeps_what_it_found(fitted, cancer):
    X, y = cancer
    assert fitted.score(X, y) > 0.93
    assert fitted.program_ == fitted.algorithm_.text_
    assert fitted.champions_["chosen"].sum() == 1
    assert fitted.champions_.loc[fitted.champions_["chosen"], "select"].item() == fitted.champions_["select"].max()
    assert len(fitted.history_) == 8
    assert fitted.evaluations_ == 160
    assert fitted.stopped_by_ == "budget"
    assert fitted.report_fitness_ > 0.85
    np.testing.assert_allclose(fitted.predict_proba(X).sum(axis=1), 1.0)


def test_it_may_be_pickled_and_fitted_again_to_the_same_bits(fitted, cancer):
    X, y = cancer
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict_proba(X), fitted.predict_proba(X))
    again = clone(fitted).fit(X, y)
    assert again.champions_.equals(fitted.champions_)
    np.testing.assert_array_equal(again.predict_proba(X), fitted.predict_proba(X))


def test_its_source_needs_no_evoml(fitted, cancer):
    X, y = cancer
    module = {}
    exec(fitted.to_numpy_source(), module)
    assert "evoml" not in fitted.to_numpy_source().replace("that evoml has evolved", "")
    found = module["LearnedAlgorithm"]().fit(X, y).predict_proba(X)
    np.testing.assert_allclose(found, fitted.predict_proba(X), rtol=1e-7, atol=1e-12)


def test_several_classes_and_many_columns():
    X, y = load_digits(return_X_y=True)
    model = classifier(max_features=16, generations=1).fit(X, y)
    assert model.score(X, y) > 0.6
    assert model.predict_proba(X[:5]).shape == (5, 10)


def test_regression_is_not_worse_than_what_it_starts_from():
    X, y = load_diabetes(return_X_y=True)
    model = ProgramRegressor(**{**SMALL, "generations": 10, "examples": 1000}).fit(X, y)
    assert model.score(X, y) > 0.35
    assert model.champions_["select"].max() >= model.champions_["select"].iloc[0]


def test_labels_may_be_texts():
    X, y = load_iris(return_X_y=True)
    names = np.array(["a", "b", "c"])[y]
    assert set(classifier().fit(X, names).predict(X)) <= {"a", "b", "c"}


def test_threads_change_nothing(cancer):
    one, two = (classifier(islands=2, n_jobs=n).fit(*cancer) for n in (1, 2))
    assert one.champions_.equals(two.champions_)


def test_rows_of_no_weight_are_not_there_and_only_proportions_count(cancer):
    X, y = cancer
    weights = np.where(np.arange(len(y)) % 3, 2.0, 0.0)
    kept = weights > 0
    odd = np.where(kept[:, None], X, 1e6)
    first, second = (
        classifier().fit(*table)
        for table in ((odd, np.where(kept, y, 7), weights), (X[kept], y[kept], np.full(kept.sum(), 0.5)))
    )
    assert first.champions_.equals(second.champions_)
    np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))
    np.testing.assert_array_equal(first.classes_, [0, 1])


def test_the_heavier_rows_decide():
    X = np.tile(np.linspace(-1.0, 1.0, 100), 2)[:, None]
    y = np.where(np.arange(200) < 100, 1.0, -1.0) * X[:, 0]  # each half says the opposite of the other
    for heavy, slope in ((slice(0, 100), 1.0), (slice(100, 200), -1.0)):
        weights = np.full(200, 0.05)
        weights[heavy] = 1.0
        model = ProgramRegressor(**{**SMALL, "examples": 1000}).fit(X, y, sample_weight=weights)
        assert slope * (model.predict([[1.0]]) - model.predict([[-1.0]])) > 1.0


def test_a_journal_is_resumed(cancer, tmp_path):
    classifier(journal=tmp_path / "run.db").fit(*cancer)
    longer = {"generations": 5, "journal": tmp_path / "run.db", "warm_start": True}
    assert classifier(**longer).fit(*cancer).champions_.equals(classifier(generations=5).fit(*cancer).champions_)


def test_a_warm_start_begins_with_the_last_program(cancer):
    model = classifier(generations=6, warm_start=True).fit(*cancer)
    best = model.program_
    model.set_params(generations=1, initial_programs=()).fit(*cancer)
    assert model.champions_["text"].tolist()[0] == best


def test_a_warm_start_begins_with_a_program_that_constants_could_be_folded_in(cancer):
    names = ["vector_inner_product", "scalar_heaviside", "scalar_difference", "scalar_product", "scalar_vector_product"]
    start = LIBRARY["linear"].replace("s2 = 0.01", "s2 = heaviside(s4)")
    folding = {"operations": [*names, "vector_sum"], "initial_programs": [start], "warm_start": True, "generations": 1}
    model = classifier(**folding).fit(*cancer).fit(*cancer)
    assert "heaviside(s4)" in model.program_
    with pytest.raises(EvomlError, match="warm_start begins with the last program"):
        model.set_params(operations=["vector_mean"], initial_programs=()).fit(*cancer)


@pytest.mark.parametrize(
    ("changes", "started"),
    [
        ({}, ["affine", "network"]),
        ({"matrices": 0}, ["affine"]),
        ({"operations": ["scalar_sum"]}, []),
        ({"sizes": {"learn": (0, 2)}}, []),
        ({"initial_programs": "linear"}, ["linear"]),
        ({"initial_programs": ()}, []),
    ],
)
def test_it_starts_from_those_of_the_usual_programs_that_fit(changes, started):
    model = classifier(**changes)
    assert model._initial(model._space()) == started


def test_one_callback_may_come_alone(cancer):
    seen = []
    classifier(callbacks=seen.append).fit(*cancer)
    assert len(seen) == 2


def test_the_program_is_drawn(fitted):
    texts = [text.get_text() for axes in fitted.plot().axes for text in axes.texts]
    assert "s1: the prediction" in texts
    assert fitted.plot("fitness").axes[0].get_ylabel() == "fitness of the best program"
    with pytest.raises(EvomlError, match="did you mean 'program'"):
        fitted.plot("programs")


def test_the_best_program_is_shown(cancer, caplog):
    with caplog.at_level(logging.INFO, logger="evoml"):
        classifier(verbose=1).fit(*cancer)
    assert "def predict():" in caplog.text
    assert "generation 1, 20 programs" in caplog.text


def test_the_live_display_draws_the_program():
    from io import StringIO

    from rich.console import Console

    from evoml.core.budget import Progress
    from evoml.estimators.program_display import DrawnChampion
    from evoml.genomes.program.library import LIBRARY
    from evoml.run.programs import Champion, Sight

    drawn, console = DrawnChampion(), Console(file=StringIO(), width=100)
    console.print(drawn)
    best = Champion(LIBRARY["linear"], 1, 0, 3, 0.5, 0.75, 5)
    drawn(Sight(Progress(elapsed=2.0, evaluations=60, generation=3, best_score=0.75), [best], best, True))
    console.print(drawn)
    text = console.file.getvalue()
    assert "compiling" in text
    assert "generation 3, 60 programs, fitness 0.75" in text
    assert "v1 = v1 + v2" in text


# -- parts of a table -----------------------------------------------------------------------------------------------------


def test_search_choice_and_report_are_judged_on_rows_of_their_own():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 1))
    y = rng.permutation(np.arange(400.0))
    parts = table_parts(X, y, classes=False, seed=0, count=3, most_features=4, examples=500)
    assert [part.train_features.shape for part in parts] == [(3, 500, 1)] * 3
    assert [part.valid_labels.shape for part in parts] == [(3, 60), (3, 80), (3, 80)]
    rows = _rows(y, False, stream(0, 0))
    assert [len(one) for one in rows] == [240, 80, 80]
    for at, part in enumerate(parts):
        for task in range(3):
            learned = order_of(part.train_labels[task])
            judged = order_of(part.valid_labels[task])
            known = np.sort(y[np.concatenate(rows[: at + 1])])
            assert len(learned) + len(judged) == len(known)
            if at:
                np.testing.assert_allclose(judged, scaled(np.sort(y[rows[at]]), y[np.concatenate(rows[:at])]))


def order_of(values):
    return np.unique(np.round(values, 9))


def scaled(values, learned):
    return (values - learned.mean()) / learned.std()


def test_each_part_has_all_classes_or_there_is_one():
    y = np.repeat([0, 1, 2], [200, 60, 20])
    for rows in _rows(y, True, stream(0, 0)):
        assert set(y[rows]) == {0, 1, 2}


def parts_of(y, classes=True, count=2):
    return table_parts(y[:, None].astype(float), y, classes=classes, seed=0, count=count, most_features=4, examples=10)


def test_rare_classes_share_nothing_but_the_division():
    rare = np.repeat([0, 1, 2], [2000, 1000, 12])
    parts = _rows(rare, True, stream(0, 0))
    assert [[int((rare[rows] == kind).sum()) for rows in parts] for kind in range(3)] == [
        [1200, 400, 400], [600, 200, 200], [7, 3, 2],
    ]  # fmt: skip
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(len(rare)))
    assert len({id(part) for part in parts_of(rare)}) == 3
    single = np.concatenate([np.zeros(60, int), np.arange(1, 21)])  # of each other class there is one row
    assert [len(rows) for rows in _rows(single, True, stream(0, 0))] == [48, 16, 16]
    assert all(len(set(single[rows])) > 1 for rows in _rows(single, True, stream(0, 0)))


def test_a_small_table_leaves_nothing_to_report_on():
    for y, classes in ((np.arange(45.0), False), (np.repeat([0, 1], [30, 15]), True)):
        search, select, report = parts_of(y, classes)
        assert search is select
        assert report is None
    X, y = load_iris(return_X_y=True)
    assert np.isnan(classifier(generations=1).fit(X[::4], y[::4]).report_fitness_)
    assert classifier(generations=1).fit(X, y).report_fitness_ > 0.5


def test_of_many_classes_the_parts_tell_others_from_the_rest():
    y = np.repeat(np.arange(30), 50)
    met = [targets_of(part) for part in parts_of(y, count=16)]
    assert [len(one) for one in met] == [16, 16, 16]
    assert set().union(*met) == set(range(30))
    assert met != [targets_of(part) for part in table_parts(
        y[:, None].astype(float), y, classes=True, seed=1, count=16, most_features=4, examples=10
    )]  # fmt: skip


def targets_of(part):
    """Return the classes that tasks tell from the rest; the only feature of a row is its class."""
    kinds = np.sort(np.unique(np.round(part.valid_features[0], 6)))
    positive = [np.unique(np.round(part.valid_features[k][part.valid_labels[k] == 1], 6)) for k in range(len(part))]
    ranks = [np.searchsorted(np.unique(np.round(part.valid_features[k], 6)), one) for k, one in enumerate(positive)]
    assert len(kinds) == 30
    return {int(rank[0]) for rank in ranks}


# -- mistakes -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"algorithm": "random_search"}, "did you mean 'random'?"),
        ({"population_size": None}, "population_size must be a positive whole number"),
        ({"generations": 0}, "generations must be greater than zero"),
        ({"operations": ["dot"]}, "there is no operation 'dot'"),
        ({"operations": {"lern": ["scalar_sum"]}}, "did you mean 'learn'?"),
        ({"operations": ["matrix_sum", "vector_mean"], "matrices": 0}, "there are 0 matrices"),
        ({"operations": ["vector_sum"], "initial_programs": ()}, "none can write the prediction"),
        ({"initial_programs": ["nettwork"]}, "did you mean 'network'?"),
        ({"scalars": 1}, "programs need 2 scalars or more"),
        ({"sizes": {"predict": (3, 2)}}, "predict needs least <= initial <= most"),
        ({"executor": "loky"}, "there are: threads, dask"),
        ({"matrices": 0, "initial_programs": ["affine", "network"]}, "'network' does not fit the search"),
        ({"matrices": 0, "initial_programs": ["affine", "network"]}, "initial_programs=()"),
        ({"scalars": 8.5}, "scalars must be a whole number"),
        ({"sizes": [(0, 5)]}, "sizes need two numbers for each component"),
        ({"initial_programs": 3}, "initial_programs are texts or names"),
        ({"initial_programs": [3]}, "there is no program 3"),
        ({"callbacks": "print"}, "callbacks are functions, or objects with methods of RunCallback, got 'p'"),
        ({"callbacks": 3}, "callbacks are functions, or objects with methods of RunCallback, got 3"),
    ],
)
def test_a_mistake_is_one_clear_error(changes, message, cancer):
    with pytest.raises(EvomlError) as caught:
        classifier(**changes).fit(*cancer)
    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["n_tasks", "tournament_size", "islands"])
def test_what_must_be_there_is_not_to_be_left_out(name, cancer):
    with pytest.raises(EvomlError, match=f"{name} must be greater than zero, got 0$"):
        classifier(**{name: 0}).fit(*cancer)


def test_tables_that_cannot_be_learned_from():
    X, y = load_iris(return_X_y=True)
    with pytest.raises(DataError, match="one class only"):
        classifier().fit(X, np.zeros(len(X)))
    with pytest.raises(ValueError, match="NaN"):
        classifier().fit(np.where(X > 7, np.nan, X), y)
    with pytest.raises(ValueError, match="Unknown label type"):
        classifier().fit(X, X[:, 0])
    with pytest.raises(ValueError, match="could not convert"):
        ProgramRegressor(**SMALL).fit(X, np.array(["a", "b", "c"])[y])


def test_weights_must_leave_something():
    X, y = load_iris(return_X_y=True)
    with pytest.raises(ValueError, match=r"positive for some row|at least one non-zero"):
        classifier().fit(X, y, np.zeros(len(y)))
    with pytest.raises(ValueError, match="one class only"):
        classifier().fit(X, y, (y == 0).astype(float))
    with pytest.raises(ValueError, match="Negative"):
        classifier().fit(X, y, np.full(len(y), -1.0))
