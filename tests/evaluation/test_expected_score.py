"""What is expected on new rows: without the luck of the choice, for any metric, with whole groups, the same bits each time."""

import numpy as np
import pytest
from test_evaluate import problem_of

from evoml.core.dataset import read_dataset
from evoml.evaluation.expected_score import Pool, expected_score
from evoml.evaluation.splitting import repeated, splits, units

ROWS = 200


def noise_problem(seed=0, scoring="accuracy", rows=ROWS, classes=2, **changes):
    y = np.random.default_rng(seed).permutation(np.arange(rows) % classes)
    return problem_of(np.zeros((rows, 1)), y, "classification", scoring, cv=5, **changes)


def guesses(problem, count, skill=0.0, seed=1):
    """Return predictions by candidate, the best by accuracy first; all are as good as each other: ``skill`` above chance."""
    rng = np.random.default_rng(seed)
    y, found = problem.dataset.y, []
    for _ in range(count):
        right = rng.random(len(y)) < 0.5 + skill
        found.append(np.where(right, y, 1 - y)[:, None] * 0.6 + 0.2 + 0.01 * rng.random((len(y), 1)))
    accuracy = [np.mean((one[:, 0] > 0.5) == y) for one in found]
    return {int(at): found[at].astype(np.float32) for at in np.argsort(-np.array(accuracy), kind="stable")}, max(
        accuracy
    )


@pytest.mark.parametrize("averaged", [False, True])
@pytest.mark.parametrize("skill", [0.0, 0.2])
def test_luck_is_taken_out_of_the_best_of_many(skill, averaged):
    told, expected = [], []
    for seed in range(8):
        problem = noise_problem(seed)
        predictions, best = guesses(problem, 40, skill, seed + 100)
        found = expected_score(problem, predictions, np.arange(ROWS), best, averaged)
        told.append(best)
        expected.append(found.value)
        assert found.low < found.value < found.high
    if averaged:  # an average of independent guesses is really better than they are
        assert np.mean(expected) < np.mean(told) - 0.01
    else:
        assert np.mean(told) - (0.5 + skill) > 0.05
        assert abs(np.mean(expected) - (0.5 + skill)) < 0.02


def test_the_interval_of_a_single_candidate_is_that_of_its_mean():
    problem = noise_problem()
    predictions, best = guesses(problem, 1, 0.3)
    found = expected_score(problem, predictions, np.arange(ROWS), best, averaged=False)
    assert found.value == pytest.approx(best, abs=0.01)
    error = np.sqrt(best * (1 - best) / ROWS)
    assert 0.7 * 2 * 1.96 * error < found.high - found.low < 1.3 * 2 * 1.96 * error


def test_equal_candidates_leave_nothing_to_luck():
    problem = noise_problem()
    predictions, best = guesses(problem, 1, 0.3)
    (one,) = predictions.values()
    alone = expected_score(problem, {0: one}, np.arange(ROWS), best, averaged=False)
    assert expected_score(problem, dict.fromkeys(range(5), one), np.arange(ROWS), best, averaged=False) == alone


def test_rows_of_a_group_are_drawn_together():
    problem = noise_problem(rows=40)
    groups = np.arange(40) // 10
    copies = {0: np.repeat([0.9, 0.1, 0.9, 0.1], 10)[:, None].astype(np.float32)}
    by_row = expected_score(problem, copies, np.arange(40), 0.5, averaged=False)
    problem.dataset.y[:] = np.repeat([1, 0, 0, 0], 10)  # a group is right or wrong as a whole
    by_group = expected_score(problem, copies, groups, 0.75, averaged=False)
    assert by_group.high - by_group.low > 1.5 * (by_row.high - by_row.low)


@pytest.mark.parametrize("scoring", ["roc_auc", "neg_log_loss", "f1", "matthews_corrcoef", "neg_brier_score"])
def test_any_metric_of_labels_or_probabilities(scoring):
    problem = noise_problem(scoring=scoring)
    predictions, _ = guesses(problem, 5, 0.3)
    found = expected_score(problem, predictions, np.arange(ROWS), 0.4, averaged=True)
    assert found.low < found.value <= 0.4


def test_regression_and_a_metric_of_the_users_own():
    rng = np.random.default_rng(0)
    y = rng.normal(size=ROWS)

    def closeness(estimator, X, y):
        assert len(X) == len(y)
        return -float(np.mean(np.abs(estimator.predict(X) - y)))

    predictions = {one: (y + rng.normal(size=ROWS))[:, None].astype(np.float32) for one in range(6)}
    for scoring in ("r2", closeness):
        problem = problem_of(np.zeros((ROWS, 2)), y, "regression", scoring, cv=5)
        found = expected_score(problem, predictions, np.arange(ROWS), 0.0, averaged=False)
        assert found.low < found.value <= 0.0


def test_it_is_the_same_each_time_and_no_global_state_is_drawn_from():
    problem = noise_problem()
    predictions, best = guesses(problem, 10)
    np.random.seed(3)  # noqa: NPY002
    first = expected_score(problem, predictions, np.arange(ROWS), best, averaged=False)
    drawn = np.random.random()  # noqa: NPY002
    np.random.seed(3)  # noqa: NPY002
    assert np.random.random() == drawn  # noqa: NPY002
    assert expected_score(problem, predictions, np.arange(ROWS), best, averaged=False) == first


def test_there_is_none_where_there_was_no_time_or_nothing_to_tell_by():
    problem = noise_problem()
    predictions, best = guesses(problem, 3)
    assert expected_score(problem, {}, np.arange(ROWS), best, averaged=False) is None
    assert expected_score(problem, predictions, np.arange(ROWS), best, averaged=False, late=lambda: True) is None


def test_rows_that_no_fold_tests_do_not_count():
    problem = noise_problem()
    predictions, best = guesses(problem, 3, 0.3)
    for one in predictions.values():
        one[:50] = np.nan
    assert len(Pool(problem, predictions, np.arange(ROWS)).units) == ROWS - 50
    assert np.isfinite(expected_score(problem, predictions, np.arange(ROWS), best, averaged=False).value)


def test_a_large_table_is_looked_at_in_part_and_keeps_its_certainty():
    small, large = noise_problem(rows=4000), noise_problem(rows=16000)
    widths = []
    for problem in (small, large):
        n_rows = problem.dataset.n_rows
        predictions, best = guesses(problem, 3, 0.3)
        pool = Pool(problem, predictions, np.arange(n_rows))
        assert len(pool.units) <= 4000
        found = expected_score(problem, predictions, np.arange(n_rows), best, averaged=False)
        widths.append(found.high - found.low)
    assert widths[1] == pytest.approx(widths[0] / 2, rel=0.4)


def test_copies_of_a_row_and_rows_of_a_group_are_units():
    X, y, weight = np.arange(6.0)[:, None], np.array([0, 1, 0, 1, 0, 1]), np.array([1, 2, 0, 1, 3, 1])
    dataset = read_dataset(X, y, "classification", weight)
    written, _ = repeated(dataset, splits(dataset, 2, 0))
    assert units(written, dataset.sample_weight).tolist() == [0, 1, 1, 3, 4, 4, 4, 5]
    assert units(dataset, dataset.sample_weight).tolist() == list(range(6))
    grouped = read_dataset(X, y, "classification", None, list("aabbcc"))
    assert len(np.unique(units(grouped, None))) == 3


def test_rows_of_one_class_tell_nothing():
    problem = noise_problem(rows=40)
    predictions, best = guesses(problem, 3)
    alone = {one: np.where(problem.dataset.y[:, None] == 1, found, np.nan) for one, found in predictions.items()}
    assert expected_score(problem, alone, np.arange(40), best, averaged=False) is None
