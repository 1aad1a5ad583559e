"""What is wrong with the settings of an experiment, found before any of its cells runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from evoml.core.errors import EvomlError, SettingError, nearest
from evoml.experiment.cells import Cell
from evoml.experiment.config import BOUNDS, HOW, Experiment, Variant
from evoml.experiment.contenders import estimator, found_in_files, kind_of, parameters_of
from evoml.experiment.problems import TASKS
from evoml.experiment.toml_lines import ConfigError, TomlFile
from evoml.experiment.user_code import function_of

ROWS, COLUMNS = 60, 4  # of the table on which a search is put together to see whether it can be
OF_COLUMNS = {"column_kinds", "feature_names", "units", "monotone", "initial_pipelines", "initial_formulas"}
WHOLE = (
    "population_size",
    "islands",
    "tournament_size",
    "max_length",
    "max_depth",
    "n_tasks",
    "examples",
    "max_features",
)


def check_settings(experiment: Experiment) -> None:
    """Check that what is in files is there, that estimators have their parameters, and that searches can be put together.

    Raises ConfigError, which names file, line and key.
    """
    for keys, function in _functions(experiment):
        try:
            function_of(function, experiment.folder)
        except SettingError as error:
            raise TomlFile(experiment.path).error(keys, str(error)) from None
    if experiment.scoring is not None:
        _check_scoring(experiment)
    for variant in experiment.variants:
        if variant.genome is not None:
            _check_parameters(experiment, variant)
        if variant.genome not in (None, "estimator"):
            _check_search(experiment, variant)


def _functions(experiment: Experiment) -> Iterator[tuple[list[str], str]]:
    """Yield all functions of the user's own that a config names outside settings, with their keys."""
    if experiment.measures is not None:
        yield ["measures"], experiment.measures
    for variant in experiment.variants:
        if variant.runner is not None:
            yield _keys(experiment, variant, "runner"), variant.runner
    for name, problem in experiment.problems.items():
        if "function" in problem and not all(variant.runner for variant in experiment.variants):
            yield ["problems", name, "function"], problem["function"]


def _check_parameters(experiment: Experiment, variant: Variant) -> None:
    """Check that there is the estimator of a variant, that it has the parameters, and those that it cannot do without."""

    def mistake(name: str, what: str) -> ConfigError:
        return TomlFile(experiment.path).error(_keys(experiment, variant, name), what)

    other = variant.genome == "estimator"
    try:
        kind = kind_of(str(variant.genome), variant.estimator, TASKS[0])
        known, needed = parameters_of(kind)
    except (SettingError, TypeError, ValueError) as error:
        raise mistake("estimator" if other else "genome", str(error)) from None
    for name, value in variant.settings.items():
        if name not in known and (other or name not in BOUNDS):
            raise mistake(name, f"{kind.__name__} has no such parameter{nearest(name, known)}")
        try:
            found_in_files(value, experiment.folder)
        except SettingError as error:
            raise mistake(name, str(error)) from None
    if missing := [name for name in needed if name not in variant.settings]:
        raise mistake("estimator", f"{kind.__name__} needs {', '.join(missing)}: give it among the settings")


def _keys(experiment: Experiment, variant: Variant, name: str) -> list[str]:
    """Return the keys below which the config has a setting of a variant."""
    content = TomlFile(experiment.path).content
    for factor, level in variant.levels.items():
        table = content["factors"][factor]
        if isinstance(table, Mapping) and name in table[level]:
            return ["factors", factor, level, name]
    table = next((key for key in ("settings", "budget") if name in content.get(key, {})), None)
    return [table, name] if table else [name] if name in HOW else ["factors", name]


# -- searches ---------------------------------------------------------------------------------------------------------


def _check_scoring(experiment: Experiment) -> None:
    from evoml.evaluation.scoring import scorers

    mistakes = []
    for task in _tasks(experiment):
        try:
            classes = np.arange(2) if task == "classification" else None
            scorers(found_in_files(experiment.scoring, experiment.folder), task, classes)
        except EvomlError as error:
            mistakes.append(str(error))
    if len(mistakes) == len(_tasks(experiment)):
        raise TomlFile(experiment.path).error(["scoring"], mistakes[0])


def _tasks(experiment: Experiment) -> list[str]:
    """Return the tasks that the problems may have, as far as can be told without their tables."""
    told = {problem.get("task") for problem in experiment.problems.values()}
    return list(TASKS) if None in told else sorted(str(task) for task in told)


def _check_search(experiment: Experiment, variant: Variant) -> None:
    """Put a variant's search together for a small table, and name the setting without which it would be possible."""
    variant = variant.on(next(iter(experiment.problems)))
    settings = {name: value for name, value in variant.settings.items() if name not in OF_COLUMNS}
    mistake = _mistake(experiment, replace(variant, settings=settings))
    for name in settings if mistake else ():
        less = {other: value for other, value in settings.items() if other != name}
        if not _mistake(experiment, replace(variant, settings=less)):
            raise TomlFile(experiment.path).error(_keys(experiment, variant, name), mistake)


def _mistake(experiment: Experiment, variant: Variant) -> str:
    """Return why a search cannot be put together for any of the tasks; an empty text if it can."""
    here, memory = experiment.folder, experiment.cell_memory
    cell = Cell("", "", {}, variant, 0, here, here, 1, memory, experiment.test_size, experiment.scoring, None)
    mistakes = []
    for task in _tasks(experiment):
        try:
            _put_together(str(variant.genome), estimator(cell, task), task)
        except (EvomlError, TypeError, ValueError) as error:
            mistakes.append(str(error))
    return mistakes[0] if len(mistakes) == len(_tasks(experiment)) else ""


def _put_together(genome: str, model: Any, task: str) -> None:
    """Do what a fit begins with. Formulas and programs are put together with their table only, so their figures are checked."""
    if genome == "pipeline":
        from evoml.run.parts import put_together

        rng = np.random.default_rng(0)
        y = np.arange(ROWS) % 2 if task == "classification" else rng.normal(size=ROWS)
        put_together(model.as_search(rng.normal(size=(ROWS, COLUMNS)), y))
        return
    from evoml.algorithms import array_algorithm
    from evoml.core.budget import early_stopping
    from evoml.estimators import parameters

    parameters.check_whole(model, *(name for name in WHOLE if hasattr(model, name)))
    parameters.bounds(model)
    early_stopping(model.early_stop)
    if genome == "formula":
        array_algorithm(model.algorithm)
