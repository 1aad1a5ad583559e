"""How many random trees, and trees after ten rounds of variation, can be evaluated: the share of valid pipelines.

    python experiments/benchmarks/valid_rate.py [--trees 1000] [--tables NAME ...] [--folds 3] [--jobs 2]

Prints one line a table and exits with 1 if fewer than 99 % are OK anywhere.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

import numpy as np
from sklearn import datasets

from evoml.components import load_catalogue
from evoml.core import Status, stream
from evoml.core.dataset import Dataset, read_dataset
from evoml.evaluation import Problem, executor, scorers, splits
from evoml.genomes.pipeline_tree import PipelineSpace
from evoml.run.parts import data_facts

ROUNDS = 10
LIMIT = 60.0  # seconds for one pipeline on all folds


def negative_values() -> tuple[np.ndarray, np.ndarray, str]:
    rng = np.random.default_rng(0)
    X = rng.normal(-5, 10, (300, 12)) ** 3
    return X, (X[:, 0] + X[:, 1] > np.median(X[:, 0] + X[:, 1])).astype(int), "classification"


def three_rows_in_a_class() -> tuple[np.ndarray, np.ndarray, str]:
    X, y = datasets.load_wine(return_X_y=True)
    kept = np.concatenate([np.flatnonzero(y != 2), np.flatnonzero(y == 2)[:3]])
    return X[kept], y[kept], "classification"


def forty_classes() -> tuple[np.ndarray, np.ndarray, str]:
    return (
        *datasets.make_classification(
            1200, 20, n_informative=15, n_redundant=0, n_classes=40, n_clusters_per_class=1, random_state=0
        ),
        "classification",
    )


TABLES = {
    "breast_cancer": lambda: (*datasets.load_breast_cancer(return_X_y=True), "classification"),
    "digits": lambda: (*datasets.load_digits(return_X_y=True), "classification"),
    "wine": lambda: (*datasets.load_wine(return_X_y=True), "classification"),
    "diabetes": lambda: (*datasets.load_diabetes(return_X_y=True), "regression"),
    "negative_values": negative_values,
    "three_rows_in_a_class": three_rows_in_a_class,
    "forty_classes": forty_classes,
}


def random_trees(space: PipelineSpace, count: int) -> list[str]:
    return [str(space.random(stream(0, 0, index))) for index in range(count)]


def varied_trees(space: PipelineSpace, count: int) -> list[str]:
    """Return ``count`` trees after ten rounds in which each is replaced by an offspring, without any selection."""
    trees = [space.random(stream(1, 0, index)) for index in range(count)]
    names = list(space.operators)
    for number in range(ROUNDS):
        rngs = [stream(2, number, index) for index in range(count)]
        operators = [names[rng.integers(len(names))] for rng in rngs]
        parents = [
            [trees[index], *(trees[rng.integers(count)] for _ in range(space.operators[operator] - 1))]
            for index, (operator, rng) in enumerate(zip(operators, rngs, strict=True))
        ]
        trees = space.vary(operators, parents, rngs)
    return [str(tree) for tree in trees]


def measure(
    dataset: Dataset, folds: list, space: PipelineSpace, texts: list[str], jobs: int
) -> tuple[Counter, list[str]]:
    """Evaluate each text and return how often each status came, and the errors."""
    problem = Problem(dataset, space, folds, scorers(None, dataset.task, dataset.classes), seed=0, time_limit=LIMIT)
    pool = executor("process", problem, jobs, memory_limit=4 * 2**30, seconds=None)
    found: Counter = Counter()
    errors = []
    try:
        for index, text in enumerate(texts):
            pool.submit(index, text)
        while found.total() < len(texts):
            for index, evaluation in pool.completed(None):
                found[evaluation.status] += 1
                if evaluation.status is not Status.OK:
                    errors.append(f"{evaluation.status} {evaluation.error[:300]} <- {texts[index]}")
    finally:
        pool.close()
    return found, errors


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trees", type=int, default=1000)
    parser.add_argument("--tables", nargs="*", default=list(TABLES))
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2)
    chosen = parser.parse_args()
    worst = 1.0
    for name in chosen.tables:
        X, y, task = TABLES[name]()
        dataset = read_dataset(X, y, task)
        folds = splits(dataset, chosen.folds, 0)
        metrics = scorers(None, task, dataset.classes)
        space = PipelineSpace(load_catalogue(), data_facts(dataset, folds, metrics))
        for kind, make in (("random", random_trees), ("varied", varied_trees)):
            began = time.perf_counter()
            texts = make(space, chosen.trees)
            made = time.perf_counter() - began
            found, errors = measure(dataset, folds, space, texts, chosen.jobs)
            share = found[Status.OK] / len(texts)
            worst = min(worst, share)
            counts = ", ".join(f"{status} {count}" for status, count in sorted(found.items()))
            evaluated = time.perf_counter() - began - made
            times = f"made in {made:.1f} s, evaluated in {evaluated:.0f} s"
            print(f"{name:22s} {kind}  {share:7.2%} OK of {len(texts)} ({counts}), {times}", flush=True)
            for error in errors:
                print("    ", error)
    return int(worst < 0.99)


if __name__ == "__main__":
    sys.exit(main())
