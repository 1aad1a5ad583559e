"""What a search for pipelines is made of, put together from what was asked for: before any work, and never after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evoml.algorithms import candidate_algorithm
from evoml.core.errors import SettingError
from evoml.core.target import imbalance, skewness
from evoml.evaluation import Problem, cache_limit, executor, objectives, repeated, scorers, splits, workers
from evoml.evaluation.cases import MOST
from evoml.evaluation.folds import rung_shares
from evoml.evaluation.racing import Racing
from evoml.evaluation.scoring import needs_probabilities, uses_labels
from evoml.genomes.pipeline_tree import DataFacts, PipelineSpace
from evoml.run.settings import settings_of, time_limit

if TYPE_CHECKING:
    from evoml.core.dataset import Dataset
    from evoml.core.protocols import Algorithm, Executor
    from evoml.evaluation.objectives import Objective
    from evoml.run.search import Search

INNER_ROWS = 0.6  # share of a training part that a step inside a stacked model is fitted on, at least


@dataclass(frozen=True)
class Parts:
    """What a search is made of, and the settings that its journal holds."""

    problem: Problem
    space: PipelineSpace
    objectives: Mapping[str, Objective]
    algorithm: Algorithm
    settings: Mapping[str, Any]


def put_together(wanted: Search) -> Parts:
    """Return the parts of a search. Raises SettingError, SearchSpaceError or DataError if they do not fit each other."""
    seed = part_seed(wanted.seed)
    dataset, folds = repeated(wanted.dataset, splits(wanted.dataset, wanted.cv, seed))
    metrics = scorers(wanted.scoring, dataset.task, dataset.classes, len(dataset.outputs))
    facts = data_facts(dataset, folds, metrics)
    space = PipelineSpace(wanted.catalogue, facts, wanted.initial_pipelines, own_operators=wanted.operators)
    algorithm: Any = _algorithm(wanted, space)
    on_rungs = hasattr(algorithm, "rungs")
    rungs = rung_shares(len(folds[0][0])) if wanted.racing or on_rungs else ()
    if on_rungs:
        algorithm.rungs, algorithm.folds = len(rungs), len(folds)
    cases = MOST if getattr(algorithm, "needs_cases", False) else 0
    return Parts(
        Problem(dataset, space, folds, metrics, seed, time_limit(wanted), uses_labels(wanted.scoring), rungs, cases),
        space,
        _objectives(wanted, list(metrics), space, sum(len(test) for _, test in folds)),
        algorithm,
        settings_of(wanted, list(metrics), folds, space),
    )


def part_seed(seed: int) -> int:
    """Return the ``random_state`` of every step for a run's seed: what all libraries take as one."""
    return seed % (2**31 - 1)


def data_facts(dataset: Dataset, folds: list[Any], metrics: Mapping[str, Any]) -> DataFacts:
    classes = [output.classes for output in dataset.outputs if output.classes is not None]
    rows = min(len(train) for train, _ in folds)
    counts = [
        np.bincount(output.y[train], minlength=len(own))
        for output, own in zip(dataset.outputs, classes, strict=False)
        for train, _ in folds
    ]
    least = dataset.y.min() if dataset.task == "regression" else 0
    return DataFacts(
        task=dataset.task,
        kind=dataset.features.kind,
        n_rows=max(1, int(rows * INNER_ROWS)),
        n_features=dataset.n_features,
        n_classes=max(map(len, classes), default=0),
        class_rows=max(1, int(min(map(np.min, counts)) * INNER_ROWS)) if counts else 0,
        complete_numbers=dataset.features.complete_numbers,
        has_categories=dataset.features.has_categories,
        target="positive" if least > 0 else "nonnegative" if least == 0 and dataset.task == "regression" else "any",
        needs_predict_proba=any(needs_probabilities(scorer) for scorer in metrics.values()),
        imbalance=max(imbalance(output.y) for output in dataset.outputs) if classes else 1.0,
        skewness=0.0 if classes else max(skewness(output.y) for output in dataset.outputs),
        outputs=dataset.form,
        n_outputs=len(dataset.outputs),
    )


def _algorithm(wanted: Search, space: PipelineSpace) -> Algorithm:
    made = candidate_algorithm(wanted.algorithm)
    return made(space, wanted.seed, population_size=wanted.population_size)  # type: ignore[no-any-return]


def _objectives(wanted: Search, metrics: list[str], space: PipelineSpace, n_rows: int) -> Mapping[str, Objective]:
    """Return the objectives, of which the first is the metric that ensembles, estimates and races go by too."""
    found = objectives(wanted.objectives, metrics, space, n_rows)
    first = next(iter(found.values())).metric
    if first != metrics[0]:
        raise SettingError(
            f"the first objective is {first!r}, but the first metric in scoring {metrics[0]!r}, which the final model is chosen"
            " by: put that metric first in scoring too"
        )
    return found


def workplace(wanted: Search, problem: Problem) -> Executor:
    """Return the executor that a search wants."""
    cache = cache_limit(problem.dataset.n_bytes) if wanted.cache_bytes is None else wanted.cache_bytes
    n_jobs, seconds = workers(wanted.n_jobs), wanted.budget.seconds
    return executor(wanted.executor, problem, n_jobs, wanted.memory_limit, seconds, cache)


def race(wanted: Search, parts: Parts) -> Racing | None:
    """Return what sets the bars of candidates; None where all are evaluated to their end."""
    problem = parts.problem
    racing = Racing(
        parts.objectives, next(iter(problem.scorers)), len(problem.splits), len(problem.rungs), wanted.population_size
    )
    return racing if wanted.racing else None
