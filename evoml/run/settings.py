"""What a journal holds of a run's settings."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from evoml.algorithms import named
from evoml.core.process import versions
from evoml.evaluation import executor_name

if TYPE_CHECKING:
    from evoml.core.target import Output
    from evoml.genomes.pipeline_tree import PipelineSpace
    from evoml.run.search import Search

#: Libraries whose versions may decide results.
LIBRARIES = ("scikit-learn", "numpy", "scipy", "pandas", "skrub", "deap", "networkx")

#: Settings that results depend on.
MUST_AGREE = (
    "task", "seed", "scoring", "objectives", "cv", "folds", "fold_rows", "algorithm", "population_size", "data_fingerprint",
    "search_space", "initial_pipelines", "own_operators", "racing",
)  # fmt: skip


def settings_of(wanted: Search, metrics: list[str], folds: list[Any], space: PipelineSpace) -> dict[str, Any]:
    """Return the settings of a search that its journal holds."""
    dataset = wanted.dataset
    return {
        "task": dataset.task,
        "seed": wanted.seed,
        "scoring": metrics,
        "objectives": list(wanted.objectives),
        "cv": wanted.cv if isinstance(wanted.cv, (int, str)) else _name(wanted.cv),
        "folds": len(folds),
        "fold_rows": _digest([hashlib.blake2b(part.astype(np.int64)).hexdigest() for fold in folds for part in fold]),
        "budget": asdict(wanted.budget),
        "eval_seconds": time_limit(wanted),
        "early_stop": named(wanted.early_stop) if callable(wanted.early_stop) else wanted.early_stop,
        "algorithm": named(wanted.algorithm),
        "population_size": wanted.population_size,
        "n_jobs": wanted.n_jobs,
        "executor": executor_name(wanted.executor),
        "racing": wanted.racing,
        "n_rows": dataset.n_rows,
        "n_features": dataset.n_features,
        "feature_names": list(dataset.features.names or []),
        "columns": [asdict(column) for column in dataset.features.columns],
        "classes": None if dataset.classes is None or dataset.several else [str(label) for label in dataset.classes],
        "outputs": [_of_output(output) for output in dataset.outputs] if dataset.several else [],
        "data_fingerprint": dataset.fingerprint,
        "search_space": _digest(sorted(space.catalogue.items())),
        "initial_pipelines": [str(tree) for tree in space.initial],
        "own_operators": sorted(space.own_operators) or None,
        "versions": versions((*LIBRARIES, "lightgbm", "xgboost", "catboost")),
        **wanted.notes,
    }


def _of_output(output: Output) -> dict[str, Any]:
    """Return the name of a column of the target, and its classes."""
    return {"name": output.name, "classes": None if output.classes is None else [str(one) for one in output.classes]}


def _digest(value: Any) -> str:
    return hashlib.blake2b(repr(value).encode(), digest_size=8).hexdigest()


def _name(value: Any) -> str:
    """Return a name that is the same in every process, as a text with the address of an object is not."""
    return str(getattr(value, "__qualname__", type(value).__qualname__))


def time_limit(wanted: Search) -> float:
    """Return the seconds one evaluation may take: as asked, else a tenth of the budget, at least half of a small one."""
    if wanted.eval_seconds is not None:
        return wanted.eval_seconds
    bounds = [bound for bound in (wanted.budget.seconds, wanted.budget.cpu_seconds) if bound is not None]
    return max(min(bounds) / 10, min(min(bounds) / 2, 10.0)) if bounds else 300.0
