"""Local search over hyperparameters: what it proposes, what it learns from, and that it finds better than chance."""

import math
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
from contracts.pipeline_spaces import KINDS, TASKS, space
from hypothesis import given, settings
from hypothesis import strategies as st

from evoml.core import Trial, stream
from evoml.genomes.pipeline_tree.gaussian_process import Posterior, _lower_triangular, expected_improvement, posterior
from evoml.genomes.pipeline_tree.tree import is_value
from evoml.genomes.pipeline_tree.tuning import structure_and_values

BOOSTING = "BoostingClassifier(features)"


def skeleton(tree):
    return [node.name for node in tree if not is_value(node)]


def values(tree):
    return tree.term().values


def trials_of(of, trees, score):
    return [Trial(tree, of.key(tree), score(tree)) for tree in trees]


def tuned(of, tree, trials=(), seed=0):
    return of.vary(["tune"], [[tree]], [stream(seed)], trials)[0]


def near_ideal(tree):
    """A score that is best at a learning rate of 0.03, 300 rounds and small leaves."""
    found = values(tree)
    return -abs(math.log(found["learning_rate"] / 0.03)) - abs(math.log(found["max_iter"] / 300)) / 2


def improved(of, operator, seed, evaluations=30):
    """Return the best score of a search that always varies the best."""
    trees = [of.adapted(BOOSTING)]
    for index in range(evaluations):
        trials = trials_of(of, trees, near_ideal)
        best = max(trees, key=near_ideal)
        trees += of.vary([operator], [[best]], [stream(seed, index)], trials)
    return max(map(near_ideal, trees))


# -- the operator -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("task", TASKS)
def test_only_values_change_and_all_stay_in_range(task, kind):
    of = space(task, kind)
    trees = [tree for index in range(60) if values_of(tree := of.random(stream(4, index)))]
    trials = trials_of(of, trees, lambda tree: float(len(str(tree)) % 17))
    for index, tree in enumerate(trees):
        offspring = tuned(of, tree, trials[: index * 2], index)
        assert skeleton(offspring) == skeleton(tree)
        assert of.key(offspring) != of.key(tree)
        for node in offspring:
            assert not is_value(node) or of.grammar.hyperparameter(node.ret).contains(node.value)
        assert of.parse(str(offspring)) == offspring


def values_of(tree):
    return [
        node for node in tree if is_value(node) and node.ret.hyperparameter in ("C", "alpha", "max_iter", "n_neighbors")
    ]


def test_nothing_is_proposed_that_was_tried():
    of = space()
    parent = of.adapted("LinearDiscriminantAnalysis(features)")
    trees = [parent]
    for index in range(12):
        trees.append(tuned(of, parent, trials_of(of, trees, lambda tree: float(len(str(tree)))), index))
        if skeleton(trees[-1]) != skeleton(parent):  # there was nothing left
            break
    keys = [of.key(tree) for tree in trees]
    assert len(set(keys)) == len(keys)


def test_a_pipeline_without_hyperparameters_gives_a_random_tree():
    of = space("regression")
    assert tuned(of, of.adapted("LinearRegression(features)"), seed=3) == of.random(stream(3))


def test_what_is_promising_but_too_large_is_passed_over():
    of = space("classification", "table", max_cells=140 * 40)
    text = "SVC(StandardScaler(SimpleImputer(OneHotEncoder(features, max_categories={}))))"
    trees = [tree for count in range(2, 51) if of.within_limits(tree := of.parse(text.format(count)))]
    assert 10 < len(trees) < 30
    trials = trials_of(of, trees, lambda tree: float([*map(str, trees)].index(str(tree))))
    for seed in range(20):
        offspring = tuned(of, trees[-1], trials, seed)
        assert skeleton(offspring) == skeleton(trees[-1])
        assert of.within_limits(offspring)


def test_it_finds_better_values_than_single_random_steps():
    of = space()
    ours = [improved(of, "tune", seed) for seed in range(5)]
    random = [improved(of, "perturb", seed) for seed in range(5)]
    assert np.mean(ours) > np.mean(random) + 0.1
    assert np.mean(ours) > -0.15


def test_what_was_stopped_or_failed_is_kept_away_from():
    of = space()
    parent = of.adapted(BOOSTING)
    trees = [parent, *(tuned(of, parent, seed=index) for index in range(60))]

    def stopped_if_slow(tree):
        return -math.inf if values(tree)["learning_rate"] < 0.1 else values(tree)["learning_rate"]

    trials = trials_of(of, trees, stopped_if_slow)

    def share_slow(told):
        rates = [values(tuned(of, parent, told, seed))["learning_rate"] for seed in range(60)]
        changed = [rate for rate in rates if rate != values(parent)["learning_rate"]]
        return np.mean(np.array(changed) < 0.1)

    assert share_slow(trials) < 0.15 < 0.3 < share_slow(())


@pytest.mark.parametrize("score", [-math.inf, 0.5])
def test_equal_scores_teach_nothing_and_do_no_harm(score):
    of = space()
    parent = of.adapted(BOOSTING)
    trees = [parent, *(tuned(of, parent, seed=index) for index in range(10))]
    assert of.key(tuned(of, parent, trials_of(of, trees, lambda _: score), 50)) != of.key(parent)


def test_it_learns_from_other_structures_with_the_same_model():
    of = space()
    text = "BoostingClassifier(StandardScaler(features), learning_rate={:.4g})"
    trees = [of.parse(text.format(rate)) for rate in np.geomspace(0.01, 0.5, 30)]
    parent = of.adapted(BOOSTING)

    def mean_rate(score):
        trials = trials_of(of, trees, lambda tree: score * values(tree)["learning_rate"])
        return np.mean([math.log(values(tuned(of, parent, trials, seed))["learning_rate"]) for seed in range(20)])

    assert mean_rate(1.0) > mean_rate(-1.0) + 0.5


def test_values_that_are_not_active_count_for_nothing():
    of = space()
    rbf = of.parse("SVC(StandardScaler(features), kernel='rbf', degree=2)")
    poly = of.parse("SVC(StandardScaler(features), kernel='poly', degree=2)")
    _, found = structure_and_values(rbf, of.catalogue)
    assert ("SVC", 0, "degree") not in found
    assert structure_and_values(poly, of.catalogue)[1]["SVC", 0, "degree"] == 2


def test_equal_parts_of_a_pipeline_are_told_apart():
    of = space()
    tree = of.parse("LogisticRegression(union(Nystroem(features, gamma=0.1), Nystroem(features, gamma=0.2)), C=3.0)")
    structure, found = structure_and_values(tree, of.catalogue)
    assert (found["Nystroem", 0, "gamma"], found["Nystroem", 1, "gamma"]) == (0.1, 0.2)
    assert structure == " ".join(skeleton(tree))


def test_trials_and_parents_stay_as_they_are_and_the_stream_decides():
    of, other = space(), space()
    trees = [of.adapted(BOOSTING), *(tuned(of, of.adapted(BOOSTING), seed=index) for index in range(20))]
    trials = trials_of(of, trees, near_ideal)
    before = pickle.dumps((trees, trials))
    found = [tuned(of, trees[0], trials, seed) for seed in range(5)]
    assert pickle.dumps((trees, trials)) == before
    assert [tuned(other, trees[0], trials, seed) for seed in range(5)] == found
    assert len(set(map(str, found))) > 1


PRINT_TUNED = """
from contracts.pipeline_spaces import space
from evoml.core import Trial, stream
of = space()
parent = of.adapted("BoostingClassifier(features)")
trees = [of.vary(["tune"], [[parent]], [stream(1, index)])[0] for index in range(60)]
trials = [Trial(tree, of.key(tree), float(len(str(tree)))) for tree in trees]
for index in range(5):
    print(*of.vary(["tune"], [[parent]], [stream(2, index)], trials))
"""


def test_the_number_of_threads_changes_no_bit():
    def printed(threads):
        folder = os.path.dirname(os.path.dirname(__file__))
        environment = {**os.environ, "PYTHONPATH": folder, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
        command = [sys.executable, "-c", PRINT_TUNED]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    assert printed("1") == printed("2")


# -- the Gaussian process -----------------------------------------------------------------------------------------------

NUMBERS = np.zeros(2, dtype=bool)


def believed(points, of_points, new, seed=0, is_choice=NUMBERS):
    return posterior(points, (of_points - of_points.mean()) / of_points.std(), new, is_choice, stream(seed))


def test_a_smooth_function_is_learned():
    rng = stream(1)
    points, new = rng.random((40, 2)), rng.random((100, 2))

    def true(x):
        return np.sin(3 * x[:, 0]) + x[:, 1] ** 2

    scores = true(points)
    found = believed(points, scores, new)
    wrong = (found.mean * scores.std() + scores.mean()) - true(new)
    assert np.sqrt(np.mean(wrong**2)) < 0.2 * true(new).std()
    assert np.mean(np.abs(wrong) / scores.std() < 3 * found.deviation + 0.05) > 0.9


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32), st.integers(2, 30), st.integers(1, 6))
def test_where_something_was_seen_there_is_less_doubt(seed, n, d):
    rng = stream(seed)
    is_choice = rng.random(d) < 0.4
    points = np.where(is_choice, rng.integers(0, 3, size=(n, d)), rng.random((n, d)))
    new = np.where(is_choice, 7.0, rng.random((5, d)) + 3.0)
    scores = rng.random(n) + np.arange(n)
    seen, unseen = (believed(points, scores, where, seed, is_choice) for where in (points, new))
    assert np.all(np.isfinite(seen.mean))
    assert np.all(seen.deviation > 0)
    assert seen.deviation.max() <= unseen.deviation.min() * (1 + 1e-9)


def test_rows_are_solved_with_the_cholesky_factor():
    rng = stream(5)
    points, new = rng.random((20, 3)), rng.random((7, 3))
    kernel = points @ points.T + np.eye(20)
    across = new @ points.T
    factors = _lower_triangular(np.concatenate([kernel, across])[None])[0]
    lower = np.linalg.cholesky(kernel)
    assert factors[:20] == pytest.approx(lower)
    assert factors[20:] == pytest.approx(np.linalg.solve(lower, across.T).T)


def test_expected_improvement_is_that_of_a_sample():
    mean, deviation, best = np.array([0.0, 1.0, -3.0]), np.array([1.0, 0.1, 0.5]), 0.5
    drawn = mean + deviation * stream(2).standard_normal((400_000, 3))
    assert expected_improvement(Posterior(mean, deviation), best) == pytest.approx(
        np.maximum(drawn - best, 0).mean(axis=0), abs=3e-3
    )
