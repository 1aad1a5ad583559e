"""What a journal holds of a run's settings, and its opening: a new one, or that of the run to be resumed."""

from __future__ import annotations

import hashlib
import platform
import warnings
from collections.abc import Mapping
from dataclasses import asdict
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np

from evoml import __version__
from evoml.core.errors import JournalError
from evoml.evaluation import executor_name
from evoml.journal import Journal

if TYPE_CHECKING:
    from evoml.core.target import Output
    from evoml.genomes.pipeline_tree import PipelineSpace
    from evoml.run.search import Search

#: Libraries whose versions may decide results.
LIBRARIES = ("scikit-learn", "numpy", "scipy", "pandas", "skrub", "deap", "networkx")

_MUST_AGREE = (
    "task", "seed", "scoring", "objectives", "cv", "folds", "fold_rows", "algorithm", "population_size", "data_fingerprint",
    "search_space", "initial_pipelines", "racing",
)  # fmt: skip


def disagreement(recorded: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    """Return, in words, which settings are not those of a recorded run, though its results depend on them."""
    return "; ".join(
        f"{name.replace('data_fingerprint', 'the table')} was {_brief(recorded.get(name))}, is {_brief(settings[name])}"
        for name in _MUST_AGREE
        if recorded.get(name) != settings[name]
    )


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
        "early_stop": wanted.early_stop,
        "algorithm": wanted.algorithm if isinstance(wanted.algorithm, str) else _name(wanted.algorithm),
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
        "versions": _versions(),
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


def _versions() -> dict[str, str]:
    found = {"evoml": __version__, "python": platform.python_version()}
    for package in (*LIBRARIES, "lightgbm", "xgboost", "catboost"):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def opened(wanted: Search, settings: Mapping[str, Any]) -> Journal:
    """Open the record: a new one, or that of the run to be resumed, whose settings must be the same."""
    if not (wanted.resume and wanted.journal is not None and Journal.has_begun(wanted.journal)):
        return Journal.create(wanted.journal, settings, wanted.began.wall)
    journal = Journal.resume(wanted.journal, wanted.began.wall)
    recorded = journal.settings
    if what := disagreement(recorded, settings):
        journal.close()
        raise JournalError(f"{wanted.journal} records another run: {what}. Use the same settings, or a new journal")
    if recorded["versions"] != settings["versions"]:
        warnings.warn(
            f"{wanted.journal} was begun with other library versions; results may differ from an uninterrupted run",
            UserWarning,
            stacklevel=3,
        )
    journal.event("resumed", budget=settings["budget"], versions=settings["versions"])
    return journal


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def time_limit(wanted: Search) -> float:
    """Return the seconds one evaluation may take: as asked, else a tenth of the budget, at least half of a small one."""
    seconds = wanted.budget.seconds
    if wanted.eval_seconds is not None:
        return wanted.eval_seconds
    return 300.0 if seconds is None else max(seconds / 10, min(seconds / 2, 10.0))
