"""Which out-of-fold predictions are kept: the best and most diverse, within bounds, each meaning once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_diabetes, load_iris
from sklearn.model_selection import cross_val_predict
from test_evaluate import problem_of

from evoml.core.candidate import Candidate, Evaluation, Outcome, Status
from evoml.evaluation import evaluate
from evoml.evaluation.predictions import Kept, _sketch, least_useful

ROWS = 25


def predicted(seed, rows=ROWS):
    return np.random.default_rng(seed).random((rows, 1)).astype(np.float32)


def offer(kept, candidate, score, semantics=None):
    kept.offer(candidate, score, semantics or f"meaning {candidate}", predicted(candidate))


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 30)), min_size=1, max_size=60),
    st.integers(1, 12),
    st.integers(1, 12),
)
def test_whatever_is_offered_the_bounds_hold_and_the_best_is_there(offers, most, most_bytes):
    kept, first = Kept(max_bytes=most_bytes * 4 * ROWS, max_count=most), {}
    for candidate, (score, meaning) in enumerate(offers):
        meaning = meaning if meaning < 15 else candidate + 100
        score = first.setdefault(meaning, (score, candidate))[0]  # the same meaning has the same score
        kept.offer(candidate, float(score), str(meaning), predicted(meaning))
        assert 1 <= len(kept) <= most
        assert kept.n_bytes <= max(most_bytes, 1) * 4 * ROWS
        best = max(first.values(), key=lambda one: (one[0], -one[1]))
        assert next(iter(kept.best_first())) == best[1]


def test_the_best_stays_even_where_it_alone_is_too_large():
    kept = Kept(max_bytes=10, max_count=10)
    for candidate, score in enumerate([0.5, 0.9, 0.7]):
        offer(kept, candidate, score)
    assert list(kept.best_first()) == [1]


def test_they_come_best_first_and_the_older_one_first_of_equals():
    kept = Kept()
    for candidate, score in enumerate([0.5, 0.9, 0.7, 0.9]):
        offer(kept, candidate, score)
    found = kept.best_first()
    assert list(found) == [1, 3, 2, 0]
    np.testing.assert_array_equal(found[2], predicted(2))


def test_equivalents_hold_one_place_the_first_ones():
    kept = Kept()
    offer(kept, 0, 0.5, "same")
    offer(kept, 1, 0.5, "same")
    offer(kept, 2, 0.4)
    assert list(kept.best_first()) == [0, 2]


def test_what_is_like_a_better_one_goes_before_what_is_unlike_all():
    kept, base = Kept(max_count=4), predicted(0)
    kept.offer(0, 0.9, "best", base)
    kept.offer(1, 0.8, "other", predicted(1))
    kept.offer(2, 0.7, "another", predicted(2))
    kept.offer(3, 0.6, "alike", base * 0.5 + 0.1)  # scale and offset are no difference
    kept.offer(4, 0.5, "opposite", 0.9 - predicted(1) - predicted(2) - base)
    assert 3 not in kept.best_first()
    assert {0, 1, 4} <= set(kept.best_first())


def test_changes_are_told_once():
    kept = Kept(max_count=2)
    offer(kept, 0, 0.5)
    offer(kept, 1, 0.9)
    assert sorted(kept.changes()) == [0, 1]
    offer(kept, 2, 0.7)
    changes = kept.changes()
    assert set(kept.best_first()) == {candidate for candidate in range(3) if changes.get(candidate, 0) is not None}
    assert kept.changes() == {}


def outcome(candidate, score, duplicate_of=None):
    evaluation = Evaluation(Status.OK, semantics=f"meaning {duplicate_of if duplicate_of is not None else candidate}")
    return Outcome(Candidate(candidate, "", ""), evaluation, (score,), duplicate_of)


def test_after_a_restoration_it_goes_on_as_if_never_stopped():
    scores = np.random.default_rng(0).random(60)
    whole, recorded = Kept(max_count=10), {}
    for candidate in range(60):
        if candidate == 37:
            again = Kept(max_count=10)
            again.restore(recorded, {one: outcome(one, scores[one]) for one in range(37)})
        for kept in [whole] if candidate < 37 else [whole, again]:
            offer(kept, candidate, scores[candidate])
        offer(whole, 99, 0.5, "meaning 0")  # means what was told before, whether it is kept or not
        for one, array in whole.changes().items():
            recorded = (
                {**recorded, one: array} if array is not None else {k: v for k, v in recorded.items() if k != one}
            )
    offer(again, 99, 0.5, "meaning 0")
    assert list(whole.best_first()) == list(again.best_first()) == sorted(recorded, key=lambda one: -scores[one])


def test_predictions_of_a_candidate_that_was_not_told_in_the_end_are_left_out():
    """The run was killed after they were recorded with an outcome told before."""
    kept = Kept()
    kept.restore({0: predicted(0), 1: predicted(1)}, {0: outcome(0, 0.5)})
    assert list(kept.best_first()) == [0]
    offer(kept, 1, 0.9)
    assert list(kept.best_first()) == [1, 0]


# -- what is predicted ---------------------------------------------------------------------------------------------------

IRIS, DIABETES = load_iris(return_X_y=True), load_diabetes(return_X_y=True)
TWO = (IRIS[0][50:], IRIS[1][50:])


@pytest.mark.parametrize(
    ("data", "task", "text", "method"),
    [
        (TWO, "classification", "LogisticRegression(StandardScaler(features))", "predict_proba"),
        (IRIS, "classification", "LogisticRegression(StandardScaler(features))", "predict_proba"),
        (TWO, "classification", "LinearSVC(StandardScaler(features))", "decision_function"),
        (IRIS, "classification", "LinearSVC(StandardScaler(features))", "decision_function"),
        (DIABETES, "regression", "Ridge(StandardScaler(features))", "predict"),
    ],
)
def test_predictions_are_those_of_scikit_learn(data, task, text, method):
    problem = problem_of(*data, task)
    found = evaluate(problem, text).predictions
    expected = cross_val_predict(problem.builder.build(text, 7), *data, cv=problem.splits, method=method)
    if expected.ndim == 1:
        expected = expected[:, None]
    if method == "predict_proba" and expected.shape[1] == 2:
        expected = expected[:, 1:]
    assert (found.dtype, found.shape) == (np.float32, expected.shape)
    np.testing.assert_array_equal(found, expected.astype(np.float32))


def test_rows_that_no_fold_tests_have_no_predictions():
    folds = [(np.arange(0, 150, 2), np.arange(1, 100, 2))]
    found = evaluate(problem_of(*IRIS, "classification", cv=folds), "GaussianNB(features)").predictions
    tested = np.isin(np.arange(150), folds[0][1])
    assert np.isfinite(found[tested]).all()
    assert np.isnan(found[~tested]).all()


def test_a_failure_has_neither_predictions_nor_a_meaning():
    found = evaluate(problem_of(*IRIS, "classification"), "LogisticRegression(features, C=-1.0)")
    assert (found.predictions, found.semantics) == (None, "")


def meaning(text, data=IRIS, task="classification"):
    found = evaluate(problem_of(*data, task), text)
    assert found.status is Status.OK, found.error
    return found.semantics


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("DecisionTreeClassifier(features)", "DecisionTreeClassifier(StandardScaler(features))"),
        ("GaussianNB(MinMaxScaler(features))", "GaussianNB(StandardScaler(features))"),
        (
            "KNeighborsClassifier(StandardScaler(features))",
            "KNeighborsClassifier(StandardScaler(StandardScaler(features)))",
        ),
    ],
)
def test_functionally_equivalent_candidates_share_their_meaning(one, other):
    assert meaning(one) == meaning(other)


def test_candidates_that_predict_otherwise_do_not():
    texts = ["GaussianNB(features)", "GaussianNB(PCA(features))", "LogisticRegression(features)"]
    assert len(set(map(meaning, texts))) == len(texts)


def test_a_regression_is_compared_on_the_scale_of_its_target():
    X, y = DIABETES
    same = "Ridge(StandardScaler(features), alpha=1.0)", "Ridge(StandardScaler(features), alpha=1.00000001)"
    for scale in (1e-6, 1.0, 1e6):
        assert meaning(same[0], (X, scale * y), "regression") == meaning(same[1], (X, scale * y), "regression")
        assert meaning(same[0], (X, scale * y), "regression") != meaning(
            "Ridge(features)", (X, scale * y), "regression"
        )


@pytest.mark.parametrize("far", [1.7e9, -1e12])
def test_a_target_far_from_zero_is_told_as_finely_as_one_near_it(far):
    X, y = DIABETES
    texts = ["Ridge(features)", "Ridge(StandardScaler(features))", "DecisionTreeRegressor(features, max_depth=3)"]
    assert len({meaning(text, (X, y + far), "regression") for text in texts}) == len(texts)
    near, moved = (evaluate(problem_of(X, y + by, "regression"), texts[1]).predictions for by in (0.0, far))
    assert (near.dtype, moved.dtype) == (np.float32, np.float64)
    np.testing.assert_allclose(moved - far, near, atol=1e-3)


def test_large_numbers_do_not_hide_how_unlike_candidates_are():
    rng = np.random.default_rng(0)
    best = rng.normal(size=(ROWS, 1))
    others = [best + 0.01 * rng.normal(size=(ROWS, 1)), rng.normal(size=(ROWS, 1))]
    untested = np.arange(ROWS) < 5
    near, far = (
        least_useful([_sketch(np.where(untested[:, None], np.nan, one + by)) for one in (best, *others)])
        for by in (0.0, 1.7e9)
    )
    assert near == far == [1, 2]
