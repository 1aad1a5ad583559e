"""Programs that learn, put to use: how often rows are seen, and what a program is worth as it is used."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evoml import LearnedAlgorithm, ProgramRegressor
from evoml.evaluation.program_model import example_order, fitness_as_used, train
from evoml.evaluation.program_problems import affine_tasks, linear_tasks
from evoml.genomes.program.library import program_of
from evoml.genomes.program.text import read

#: It predicts the sum of what it predicts and of its predictions before.
RUNNING = """
def setup():
    s2 = 0.01
    s6 = 1.0

def predict():
    s4 = dot(v0, v1)
    s3 = s3 + s4
    s1 = s3 * s6

def learn():
    s5 = s0 - s4
    s5 = s2 * s5
    v2 = s5 * v0
    v1 = v1 + v2
    s3 = s2 - s2
"""
#: A sum over examples, which fits as many as there were.
SUM = """
def setup():
    s2 = 0.01

def predict():
    s1 = dot(v0, v1)

def learn():
    s3 = s0 * s2
    v2 = s3 * v0
    v1 = v1 + v2
"""


@given(n_rows=st.integers(1, 40), count=st.integers(1, 100))
def test_as_many_examples_are_seen_as_asked_for_each_once_before_any_comes_again(n_rows, count):
    order = example_order(n_rows, count, np.random.default_rng(0))
    seen = np.bincount(order, minlength=n_rows)
    assert len(order) == count
    assert seen.max() - seen.min() <= 1


def test_a_program_evolved_on_few_examples_does_not_get_all_rows_of_a_large_table():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3000, 3))
    y = X @ [1.0, -2.0, 0.5]
    assert LearnedAlgorithm(SUM, examples=100, random_state=0).fit(X, y).score(X, y) > 0.9
    assert LearnedAlgorithm(SUM, examples=3000, random_state=0).fit(X, y).score(X, y) < 0


@pytest.mark.parametrize("tasks", [linear_tasks(0, 5), affine_tasks(1, 18, n_train=60)], ids=["linear", "affine"])
def test_fitness_as_used_is_that_of_trained_copies(tasks):
    program = program_of("affine")
    found = fitness_as_used(program, tasks.laid_out(3), classes=False)
    for at in range(len(tasks)):
        X, y = tasks.train_features[at], tasks.train_labels[at]
        trained = train(program, X, y[:, None], np.arange(len(y)), False, 0)
        error = trained.predict(tasks.valid_features[at])[:, 0] - tasks.valid_labels[at]
        assert found[at] == pytest.approx(1 - 2 / np.pi * np.arctan(np.sqrt(np.mean(error**2))), abs=1e-12)


def test_memory_that_runs_on_counts_only_where_it_is_used_so():
    tasks = linear_tasks(0, 4, n_train=1000).laid_out(0)
    assert fitness_as_used(read(RUNNING), tasks, classes=False).min() > 0.99


def test_fitness_of_classes_is_accuracy_and_of_failure_none():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(300, 2)), np.zeros(300)
    y[X[:, 0] > 0] = 1
    from evoml.evaluation.program_problems import TaskSet

    classes = TaskSet(X[None, :200], y[None, :200], X[None, 200:], y[None, 200:], classes=True)
    assert fitness_as_used(program_of("linear"), classes.laid_out(0), classes=True)[0] > 0.9
    far = fitness_as_used(program_of("affine"), linear_tasks(0, 2).laid_out(0), False, largest_error=1e-9)
    assert far.tolist() == [0.0, 0.0]


def test_what_is_reported_is_what_the_model_does():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(600, 3))
    y = X @ [1.0, -2.0, 0.5]
    model = ProgramRegressor(initial_programs=[RUNNING], population_size=20, generations=1, random_state=0).fit(X, y)
    assert model.report_fitness_ > 0.97
    assert model.score(X, y) > 0.97
