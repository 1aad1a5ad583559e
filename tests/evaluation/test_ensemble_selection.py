"""Greedy selection from out-of-fold predictions: what it weighs, what it may not exceed, and when it averages nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_diabetes, load_iris
from sklearn.metrics import get_scorer
from test_evaluate import problem_of

from evoml.evaluation import evaluate
from evoml.evaluation.ensemble_selection import Bounds, Greedy, Judge, SaidClasses, average_score, select

UNBOUNDED = np.array([np.inf])


def bounds(candidates, size=8, limit=np.inf, costs=None):
    return Bounds(size, {one: np.array([costs[one] if costs else 1.0]) for one in candidates}, np.array([limit]))


def binary_problem(rows=300, scoring="neg_log_loss", seed=0, **changes):
    rng = np.random.default_rng(seed)
    return problem_of(rng.normal(size=(rows, 2)), rng.integers(0, 2, rows), "classification", scoring, cv=5, **changes)


def guesses(problem, noise, seed):
    """Return honest probabilities of the second class from a noisy look at the target."""
    seen = 2.0 * problem.dataset.y - 1.0 + noise * np.random.default_rng(seed).normal(size=problem.dataset.n_rows)
    return (1.0 / (1.0 + np.exp(-2.0 * seen / noise**2)))[:, None].astype(np.float32)


def single(selection):
    return list(selection.weights.values()) == [1.0]


def test_a_candidate_is_scored_as_in_its_evaluation():
    for data, task, scoring, text in (
        (load_iris(return_X_y=True), "classification", "neg_log_loss", "LogisticRegression(features)"),
        (load_iris(return_X_y=True), "classification", "f1_macro", "GaussianNB(features)"),
        (load_diabetes(return_X_y=True), "regression", "neg_mean_absolute_error", "Ridge(features)"),
    ):
        problem = problem_of(*data, task, scoring)
        found = evaluate(problem, text)
        judge = Judge(problem, 1)
        scores = [judge.score(fold, columns) for fold, columns in enumerate(judge.taken(found.predictions))]
        np.testing.assert_allclose(scores, found.fold_scores[scoring], rtol=1e-5)


@pytest.mark.parametrize("scoring", ["neg_log_loss", "roc_auc", "accuracy", "neg_brier_score"])
def test_the_selection_is_that_of_a_naive_one(scoring):
    problem = binary_problem(120, scoring)
    library = [guesses(problem, 1.0 + 0.2 * seed, seed) for seed in range(6)]
    judge = Judge(problem, len(library))
    greedy = Greedy(judge, [judge.taken(one) for one in library], [np.zeros(1)] * 6, bounds(range(6)))
    np.testing.assert_allclose(greedy.select([0, 1, 3], lambda: False), naive_selection(problem, library, [0, 1, 3]))


def naive_selection(problem, library, folds, steps=20, patience=3):
    scorer = get_scorer(next(iter(problem.scorers)))

    def score(chosen):
        average = np.mean([library[one].astype(float) for one in chosen], axis=0)
        said = SaidClasses(np.column_stack([1 - average, average]), np.array([0, 1]))
        parts = [problem.splits[fold][1] for fold in folds]
        values = [SaidClasses(said.probabilities[rows], said.classes_) for rows in parts]
        return np.mean(
            [scorer(v, np.zeros((len(r), 0)), problem.target[r]) for v, r in zip(values, parts, strict=True)]
        )

    chosen = [max(range(len(library)), key=lambda one: score([one]))]
    best, best_score = list(chosen), score(chosen)
    while len(chosen) < steps and len(chosen) - len(best) < patience:
        chosen.append(max(range(len(library)), key=lambda one: score([*chosen, one])))
        if score(chosen) > best_score:
            best, best_score = list(chosen), score(chosen)
    return np.bincount(best, minlength=len(library)) / len(best)


def test_candidates_with_independent_errors_are_averaged_and_score_better():
    problem = binary_problem()
    library = {seed: guesses(problem, 1.5, seed) for seed in range(5)}
    found = select(problem, library, bounds(library))
    alone = [average_score(problem, library, {one: 1.0}) for one in library]
    assert len(found.weights) >= 4
    assert found.gain > 0
    assert found.score > max(alone) + 0.03
    assert found.score == pytest.approx(average_score(problem, library, found.weights), rel=1e-12)
    assert list(found.weights.values()) == sorted(found.weights.values(), reverse=True)


def test_a_perfect_candidate_needs_no_company():
    problem = binary_problem()
    library = {0: problem.dataset.y[:, None].astype(np.float32), **{n: guesses(problem, 1.5, n) for n in range(1, 5)}}
    found = select(problem, library, bounds(library))
    assert found.weights == {0: 1.0}


def test_equal_candidates_are_not_averaged():
    problem = binary_problem()
    same = guesses(problem, 1.0, 0)
    assert single(select(problem, dict.fromkeys(range(4), same), bounds(range(4))))


def test_an_average_that_fails_on_unseen_folds_is_refused():
    """Each companion makes up for the errors of the best candidate on all folds but one, where it adds to them."""
    rng = np.random.default_rng(0)
    y = rng.normal(size=200)
    problem = problem_of(rng.normal(size=(200, 1)), y, "regression", "neg_root_mean_squared_error", cv=5)
    error = 0.1 * rng.normal(size=200)
    library = {0: y + error}
    for number, (_, test) in enumerate(problem.splits, start=1):
        library[number] = y - 1.2 * error
        library[number][test] = y[test] + 5.0 * error[test]
    library = {number: values[:, None].astype(np.float32) for number, values in library.items()}
    assert select(problem, library, bounds(library)).weights == {0: 1.0}


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 5), st.lists(st.floats(0.1, 5.0), min_size=6, max_size=6), st.floats(5.0, 12.0))
def test_bounds_hold(size, costs, limit):
    problem = binary_problem(60, "neg_brier_score")
    library = {seed: guesses(problem, 1.5, seed) for seed in range(6)}
    found = select(problem, library, bounds(library, size, limit, costs))
    assert 1 <= len(found.weights) <= size
    assert sum(costs[one] for one in found.weights) <= limit
    assert sum(found.weights.values()) == pytest.approx(1.0)
    assert min(found.weights.values()) >= 0.05


def test_without_time_the_best_candidate_is_chosen():
    problem = binary_problem()
    library = {seed: guesses(problem, 1.5 - 0.1 * seed, seed) for seed in range(5)}
    found = select(problem, library, bounds(library), late=lambda: True)
    assert single(found)
    alone = {one: average_score(problem, library, {one: 1.0}) for one in library}
    assert list(found.weights) == [max(alone, key=alone.get)]


def test_a_single_fold_will_do():
    problem = binary_problem()
    problem = problem_of(
        problem.dataset.features.data, problem.dataset.y, "classification", "roc_auc", cv=problem.splits[:1]
    )
    library = {seed: guesses(problem, 1.5, seed) for seed in range(4)}
    found = select(problem, library, bounds(library))
    assert len(found.weights) > 1
    assert np.isfinite(found.score)


def test_rows_without_predictions_do_not_count():
    problem = binary_problem()
    problem = problem_of(
        problem.dataset.features.data, problem.dataset.y, "classification", "roc_auc", cv=problem.splits[:3]
    )
    library = {seed: guesses(problem, 1.5, seed) for seed in range(4)}
    for predictions in library.values():
        predictions[np.concatenate([test for _, test in binary_problem().splits[3:]])] = np.nan
    assert np.isfinite(select(problem, library, bounds(library)).score)


def test_a_large_table_is_judged_on_some_of_its_rows_with_each_class_among_them():
    rng = np.random.default_rng(0)
    y = (rng.random(60_000) < 0.001).astype(int)
    problem = problem_of(rng.normal(size=(60_000, 1)), y, "classification", "roc_auc", cv=5)
    judge = Judge(problem, 40)
    assert 9_000 < sum(len(part.places) for part in judge.parts) <= 10_000
    for part, (_, test) in zip(judge.parts, problem.splits, strict=True):
        assert np.isin(part.places, test).all()
        assert len(np.unique(part.y)) == 2


def test_a_metric_of_the_users_own_sees_rows_labels_and_weights():
    seen = []

    def own(estimator, X, y):
        seen.append((X.shape, set(y), set(estimator.predict(X))))
        return float(np.mean(estimator.predict(X) == y))

    X, y = load_iris(return_X_y=True)
    names = np.array(["a", "b", "c"])[y]
    problem = problem_of(X, names, "classification", own, original_labels=True)
    library = {
        0: evaluate(problem, "GaussianNB(features)").predictions,
        1: evaluate(problem, "KNeighborsClassifier(features)").predictions,
    }
    select(problem, library, bounds(library))
    assert {shape[1] for shape, _, _ in seen} == {4}
    assert set.union(*(labels | said for _, labels, said in seen)) <= {"a", "b", "c"}
