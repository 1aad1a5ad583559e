"""What a cell runs: an estimator whose search is journalled, any other estimator, or a function of the user's own."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from evoml.core.errors import SettingError, nearest
from evoml.core.own_files import is_in_file
from evoml.experiment.cells import Cell, Finding
from evoml.experiment.problems import Data
from evoml.experiment.trace import trace_of_journal, with_measures, without_seconds
from evoml.experiment.user_code import function_of, object_of
from evoml.journal import Journal

JOURNAL = "journal.sqlite"
CLASSES = {  # genome -> estimator by task
    "pipeline": {"classification": "EvoClassifier", "regression": "EvoRegressor"},
    "formula": {"classification": "SymbolicClassifier", "regression": "SymbolicRegressor"},
    "program": {"classification": "ProgramClassifier", "regression": "ProgramRegressor"},
}
MINUTES = {"seconds": "max_time_mins", "cpu_seconds": "max_cpu_mins"}


def run_cell(cell: Cell) -> Finding:
    """Run a cell, or go on with it where it was left, and return what it found, with its whole trace."""
    cell.folder.mkdir(parents=True, exist_ok=True)
    if cell.variant.runner is not None:
        found = _finding(function_of(cell.variant.runner, cell.here)(cell), cell.variant.runner)
        rows = without_seconds(found.curve) if found.trace is None else list(found.trace)
        return replace(found, trace=with_measures(rows, found.measures))
    data = cell.data()
    model = estimator(cell, data.task).fit(data.X, data.y)
    measures = {"test_score": _score(cell, model, data), **_own_measures(cell, model)}
    if cell.variant.genome == "estimator":
        predictions = [("predictions of the rows held out", np.asarray(model.predict(data.X_test)).tolist())]
        return Finding(measures, trace=with_measures(predictions, measures))
    path = cell.folder / JOURNAL
    curve = curve_of_journal(path)
    measures |= {"selection_score": _selection_score(model, curve)}
    return Finding(measures, curve, with_measures(trace_of_journal(path), measures))


def _finding(made: Any, runner: str) -> Finding:
    if isinstance(made, Mapping):
        made = Finding(made)
    if not isinstance(made, Finding):
        raise SettingError(f"{runner} must return a Finding or a mapping of measures, got {type(made).__name__}")
    curve = [(float(evaluations), float(seconds), float(score)) for evaluations, seconds, score in made.curve]
    return replace(made, measures={str(name): float(value) for name, value in made.measures.items()}, curve=curve)


def kind_of(genome: str, path: str | None, task: str) -> Any:
    """Return the class that a genome means for a task."""
    return _imported(str(path) if genome == "estimator" else f"evoml.{CLASSES[genome][task]}")


def parameters_of(kind: Any) -> tuple[list[str], list[str]]:
    """Return the names of an estimator's parameters, and of those without a default."""
    given = inspect.signature(kind).parameters.values()
    needed = [
        one.name for one in given if one.default is one.empty and one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)
    ]
    return [one.name for one in given] if needed else list(kind().get_params()), needed


def estimator(cell: Cell, task: str) -> Any:
    """Return the estimator of a cell, unfitted. Raises SettingError for a parameter it does not have."""
    given = {name: found_in_files(value, cell.here) for name, value in cell.settings.items()}
    kind = kind_of(str(cell.variant.genome), cell.variant.estimator, task)
    if cell.variant.genome == "estimator":
        usual: dict[str, Any] = {"random_state": cell.seed, "n_jobs": cell.jobs}
    else:
        usual = {"random_state": cell.seed, "n_jobs": cell.jobs, "warm_start": True}
        usual |= {"journal": str(cell.folder / JOURNAL)}
        if cell.variant.genome == "pipeline":
            given = _as_pipelines_have_it(given)
            usual |= {"memory_limit": cell.memory // cell.jobs}
            usual |= {} if cell.scoring is None else {"scoring": found_in_files(cell.scoring, cell.here)}
    known, _ = parameters_of(kind)
    if unknown := [name for name in given if name not in known]:
        raise SettingError(f"{kind.__name__} has no parameter {unknown[0]!r}{nearest(unknown[0], known)}")
    return kind(**{**{name: value for name, value in usual.items() if name in known}, **given})


def _as_pipelines_have_it(given: dict[str, Any]) -> dict[str, Any]:
    """Return settings with the budget in the parameters of EvoClassifier."""
    renamed = {name: value for name, value in given.items() if name not in (*MINUTES, "evaluations")}
    if "evaluations" in given:
        renamed["max_evaluations"] = given["evaluations"]
    return renamed | {MINUTES[name]: given[name] / 60.0 for name in MINUTES if name in given}


def found_in_files(value: Any, here: Path) -> Any:
    """Return a setting with what is in files, looked for from the config's folder.

    ``file.py:name`` is the object of that name, also within lists and tables, and ``file.toml`` the path of that file.
    """
    if isinstance(value, Mapping):
        return {name: found_in_files(one, here) for name, one in value.items()}
    if isinstance(value, list):
        return [found_in_files(one, here) for one in value]
    if is_in_file(value):
        return object_of(value, here)
    there = isinstance(value, str) and value.endswith(".toml") and (here / value).is_file()
    return str(here / value) if there else value


def _imported(path: str) -> Any:
    from importlib import import_module

    module, _, name = path.rpartition(".")
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise SettingError(
            f"{path} cannot be imported: {error}; give the estimator as 'package.module.Class'"
        ) from None


def _score(cell: Cell, model: Any, data: Data) -> float:
    if cell.scoring is None:
        return float(model.score(data.X_test, data.y_test))
    from evoml.evaluation.scoring import score

    return float(score(model, found_in_files(cell.scoring, cell.here), data.X_test, data.y_test))


def _own_measures(cell: Cell, model: Any) -> dict[str, float]:
    if cell.measures is None:
        return {}
    found = function_of(cell.measures, cell.here)(model, cell)
    if not isinstance(found, Mapping):
        raise SettingError(f"{cell.measures} must return a mapping of names to numbers, got {type(found).__name__}")
    return {str(name): float(value) for name, value in found.items()}


def _selection_score(model: Any, curve: Iterable[tuple[float, float, float]]) -> float:
    """Return the score by which the model was chosen; of formulas, the best one reached."""
    if hasattr(model, "best_score_"):
        return float(model.best_score_)
    return max((score for *_, score in curve), default=float("nan"))


# -- curves -----------------------------------------------------------------------------------------------------------


def curve_of_journal(path: Path) -> list[tuple[float, float, float]]:
    """Return (evaluations, seconds, best score so far) of a run, wherever the score improved, and at the end."""
    with Journal.read(path) as journal:
        individuals, progress = journal.individuals(), journal.progress()
        by_generation = "kind" in journal.settings
    if by_generation:  # only what was new on a front is a candidate there
        found = progress[["evaluations", "elapsed", "best_score"]].itertuples(index=False)
        return improvements((float(e), float(t), float(s)) for e, t, s in found)
    told = individuals[individuals["sequence"].notna()].sort_values("sequence")
    counted = told["duplicate_of"].isna().cumsum()
    scores = [row[0] if row else np.nan for row in told["scores"]]
    return improvements(zip(counted.astype(float), told["told"].astype(float), scores, strict=True))


def improvements(rows: Iterable[tuple[float, float, float]]) -> list[tuple[float, float, float]]:
    """Return the rows at which the best score so far improved, with it, and the last row."""
    kept: list[tuple[float, float, float]] = []
    best, last = -np.inf, None
    for evaluations, seconds, score in rows:
        if score > best:
            best = float(score)
            kept.append((evaluations, seconds, best))
        last = (evaluations, seconds, best)
    if last is not None and kept and last[0] > kept[-1][0]:
        kept.append(last)
    return kept
