"""What `evoml fit` and `evoml resume` do: table in, run, files out, and a short summary."""

from __future__ import annotations

import contextlib
import math
import platform
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import evoml
from evoml.cli.columns import TEXTS, in_words
from evoml.cli.errors import one_line, say, short_warnings
from evoml.cli.explaining import explain_politely
from evoml.cli.folder import PIPELINES, RunFolder
from evoml.cli.formulas import resume_formulas
from evoml.cli.model_file import SavedModel, libraries_needed, save_model
from evoml.cli.options import DEFAULT_SECONDS, FitOptions, from_mapping, usable_jobs
from evoml.cli.programs import resume_programs
from evoml.cli.progress import Watch, polite_interrupts, shown
from evoml.cli.results import metric_of, reading, record_holdout, summarise, write_all, write_page
from evoml.cli.tables import absolute, lasting_place, name_of, read_table
from evoml.cli.target import Data, data_from, held_data, held_out
from evoml.components.catalogue import OPTIONAL_FILES
from evoml.core.budget import Budget
from evoml.core.errors import DataError, EvomlError, ModelFileError
from evoml.core.own_files import from_file
from evoml.journal import Journal

if TYPE_CHECKING:
    from evoml.run import Search

DEFAULT_ENSEMBLE = 8  # pipelines, as the estimators' default
DEFAULT_ALGORITHM = "nsga2"  # theirs too
PACKAGES = ("scikit-learn", "numpy", "pandas", "skops")


_OTHERS = {"formulas": resume_formulas, "programs": resume_programs}  # by what a run searched for


def fit(given: FitOptions) -> None:
    """Run a search from options as given, and leave its results in a new folder."""
    options = given.complete()
    folder = RunFolder.planned(options.out, name_of(str(options.table)))
    data = _data(options)
    if options.seconds == DEFAULT_SECONDS and given.seconds is None:
        say(f"budget: {DEFAULT_SECONDS:g} seconds, as none was given; more time finds better pipelines (--seconds N)")
    _run(folder, options, data)


def resume(path: str) -> None:
    """Go on with a run that was killed until its budget is used up, and write the files it lacks."""
    folder = RunFolder.existing(path)
    if (go_on := _OTHERS.get(folder.kind)) is not None:
        go_on(folder)
        return
    options = options_of(folder)
    changed = _changed(folder.read_record().get("versions") or {})
    if changed:
        say(f"note: the run began with other versions ({', '.join(changed)}); it may go on differently")
    _run(folder, options, _data(options))


def options_of(folder: RunFolder) -> FitOptions:
    """Return the options that a folder's search for pipelines was started with."""
    folder.check_kind(PIPELINES)
    return from_mapping(folder.read_record().get("options") or {}, str(folder.record)).complete()


def _lasting(options: FitOptions) -> FitOptions:
    """Return the options with paths that hold in any working directory."""
    space = options.search_space
    held = absolute(options.holdout) if isinstance(options.holdout, str) else options.holdout
    return replace(
        options,
        holdout=held,
        table=absolute(str(options.table)),
        search_space=space if space in (None, *OPTIONAL_FILES) else str(Path(str(space)).resolve()),
        algorithm=lasting_place(options.algorithm),
        operators={name: lasting_place(place) for name, place in (options.operators or {}).items()} or None,
    )


def _data(options: FitOptions) -> Data:
    assert options.table is not None
    assert options.target is not None
    kinds = options.columns or {}
    table = read_table(options.table, [name for name, kind in kinds.items() if kind in TEXTS])
    data = data_from(table, options.targets, options.task or "auto", options.group, options.weight, kinds)
    named = ", ".join(map(repr, options.targets))
    say(f"data: {len(data.y)} rows, {data.X.shape[1]} columns to predict {named} from")
    for line in in_words(data.columns):
        say(line)
    say(f"task: {data.task} ({data.reason}{'; --task sets another' if options.task == 'auto' else ''})")
    return data


def _divided(options: FitOptions, data: Data) -> tuple[Data, Data | None]:
    """Return the rows that the search sees, and those held out."""
    assert options.seed is not None
    if options.holdout is None:
        return data, None
    if isinstance(options.holdout, str):
        return data, _held_data(options, options.holdout, data)
    return held_out(data, options.holdout, options.seed, options.time_split, options.columns)


def _held_data(options: FitOptions, path: str, data: Data) -> Data:
    """Return the rows of another table, which the search does not see."""
    kinds = options.columns or {}
    table = read_table(path, [name for name, kind in kinds.items() if kind in TEXTS])
    try:
        return held_data(table, data, options.targets, options.group, options.weight)
    except DataError as error:
        raise DataError(f"the table held out, {path}: {error}") from error


def _run(folder: RunFolder, options: FitOptions, data: Data) -> None:
    seen, kept = _divided(options, data)
    _check_names(options, data)
    folder.make()
    if not folder.record.is_file():
        folder.write_record(
            {"state": "running", "started": _now(), "options": asdict(_lasting(options)), "versions": _versions()}
        )
    say(f"folder: {folder.path} (seed {options.seed})")
    estimator = _fitted(folder, options, seen)
    with reading(folder) as journal:
        model = _saved(estimator, options, data, metric_of(journal))
    # The model comes first: nothing that goes wrong later may cost it. The page shows the hold-out score.
    failures = write_all(
        lambda: save_model(model, folder.model),
        lambda: estimator.export(folder.pipeline),
    )
    facts = _facts(folder, estimator, model.metric, kept)
    if options.explain != 0 and estimator.stopped_by_ != "interrupt":
        explain_politely(lambda: estimator.explain(**_arguments(options, seen), seconds=options.explain))
    failures += write_all(lambda: write_page(folder))
    folder.write_record({**folder.read_record(), "state": "finished", "finished": _now(), **facts})
    summarise(folder, facts, libraries_needed(estimator.fitted_pipeline_))
    if failures:
        raise ModelFileError("; ".join(failures))


def _check_names(options: FitOptions, data: Data) -> None:
    """Raise SettingError, before there is a folder, for a metric or an algorithm that is not known."""
    from evoml.algorithms import candidate_algorithm
    from evoml.evaluation import scorers

    scorers(options.metric, data.task)
    candidate_algorithm(options.algorithm or DEFAULT_ALGORITHM)


def _fitted(folder: RunFolder, options: FitOptions, data: Data) -> Any:
    budget = Budget(options.evaluations, options.generations, options.seconds, options.cpu_seconds)
    going_on = Journal.has_begun(folder.journal)
    with reading(folder) if going_on else contextlib.nullcontext() as journal:
        watch = Watch(budget, journal)
    try:
        estimator = _estimator(options, data, journal=str(folder.journal), warm_start=going_on, callbacks=[watch])
        with short_warnings(), polite_interrupts(watch), shown(watch):
            return estimator.fit(**_arguments(options, data))
    except EvomlError:
        folder.discard_if_unused()
        raise


def recorded_search(options: FitOptions, watch: Watch | None = None) -> Search:
    """Return the search that a run's options stand for, with its table read again."""
    seen, _ = _divided(options, _data(options))
    callbacks = [] if watch is None else [watch]
    return _estimator(options, seen, callbacks=callbacks).as_search(**_arguments(options, seen))  # type: ignore[no-any-return]


def _estimator(options: FitOptions, data: Data, **more: Any) -> Any:
    return (evoml.EvoClassifier if data.task == "classification" else evoml.EvoRegressor)(
        max_evaluations=options.evaluations,
        generations=options.generations,
        max_time_mins=None if options.seconds is None else options.seconds / 60,
        max_cpu_mins=None if options.cpu_seconds is None else options.cpu_seconds / 60,
        scoring=options.metric,
        n_jobs=usable_jobs(options.jobs or -1),
        random_state=options.seed,
        search_space=options.search_space,
        algorithm=options.algorithm or DEFAULT_ALGORITHM,
        operators={name: from_file(place) for name, place in (options.operators or {}).items()} or None,
        executor=options.cluster or "auto",
        cv=5 if options.time_split is None else f"time:{options.time_split}",
        column_kinds=options.columns,
        ensemble_size=options.ensemble_size or DEFAULT_ENSEMBLE,
        max_predict_ms_per_1k=options.max_predict_ms,
        max_model_mb=options.max_model_mb,
        **more,
    )


def _arguments(options: FitOptions, data: Data) -> dict[str, Any]:
    """Return the arguments of ``fit``."""
    import pandas as pd

    data.X.attrs["table"] = options.table
    target = (
        pd.Series(data.y, name=options.target) if data.y.ndim == 1 else pd.DataFrame(data.y, columns=options.targets)
    )
    return {"X": data.X, "y": target, "sample_weight": data.weights, "groups": data.groups}


def _facts(folder: RunFolder, estimator: Any, metric: str, kept: Data | None) -> dict[str, Any]:
    """Return what is worth knowing about a finished run, for the record and the summary."""
    from evoml.evaluation.holdout import held_out_score

    facts = {
        "metric": metric,
        "selection_score": float(estimator.best_score_) if math.isfinite(estimator.best_score_) else None,
        "stopped_by": estimator.stopped_by_,
    }
    with reading(folder) as journal:
        facts["expected"] = (journal.get("summary") or {}).get("expected")
    if kept is None:
        return facts
    try:
        found = held_out_score(estimator, metric, kept.X, kept.y, 0, kept.weights, kept.groups)
    except ValueError as error:  # there is a model by now
        say(f"warning: the rows held out could not be scored: {one_line(error)}")
        return facts
    record_holdout(folder, found, len(kept.y))
    told = {"holdout_score": found.value, "holdout_rows": len(kept.y)}
    return {**facts, **told, "holdout_interval": [found.low, found.high] if math.isfinite(found.low) else None}


def _saved(estimator: Any, options: FitOptions, data: Data, metric: str) -> SavedModel:
    return SavedModel(
        pipeline=estimator.fitted_pipeline_,
        task=data.task,
        target=options.target,
        names=list(data.X.columns),
        kinds=data.columns["kind"].tolist(),
        unused=[name for name in (options.group, options.weight) if name is not None],
        classes=getattr(estimator, "classes_", None),
        metric=metric,
        versions=_versions(),
    )


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")


def _versions() -> dict[str, str]:
    """Return the version of Python and of each package that decides what a run does."""
    versions = {"python": platform.python_version(), "evoml": evoml.__version__}
    for package in PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            versions[package] = version(package)
    return versions


def _changed(before: Mapping[str, str]) -> list[str]:
    now = _versions()
    return [f"{name} {old} then, {now.get(name, 'none')} now" for name, old in before.items() if now.get(name) != old]
