"""A search for pipelines on a table, put together from its parts, begun or resumed, and finished with a fitted model."""

from __future__ import annotations

import hashlib
import platform
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from evoml import __version__
from evoml.algorithms import ALGORITHMS, pareto_front
from evoml.core.budget import Budget, Moment, spent, stalled_for
from evoml.core.errors import JournalError, SettingError, nearest
from evoml.evaluation import (
    Evaluator,
    Problem,
    cache_limit,
    executor,
    executor_name,
    objectives,
    on_cluster,
    repeated,
    scorers,
    splits,
    workers,
)
from evoml.evaluation.executors.serial import SerialExecutor
from evoml.evaluation.folds import rung_shares
from evoml.evaluation.racing import Racing
from evoml.evaluation.readiness import Readiness
from evoml.evaluation.scoring import needs_probabilities, uses_labels
from evoml.genomes.pipeline_tree import DataFacts, PipelineSpace
from evoml.journal import Journal
from evoml.run.loop import Finished, Tracker, evolve
from evoml.run.pace import Pace
from evoml.run.refit import FinalModel, baseline, constant_source, final_model

if TYPE_CHECKING:
    import pandas as pd

    from evoml.components import Catalogue
    from evoml.core.candidate import Outcome
    from evoml.core.dataset import Dataset
    from evoml.core.protocols import Algorithm, Callback, Executor
    from evoml.evaluation.objectives import Objective

LOOK_AHEAD = 32  # candidates under way in an ordered run without barrier, whatever the number of workers
INNER_ROWS = 0.6  # share of a training part that a step inside a stacked model is fitted on, at least


@dataclass(frozen=True)
class Search:
    """What to search for, where, how, and how long. See :class:`evoml.EvoClassifier` for the meaning of each."""

    dataset: Dataset
    catalogue: Catalogue
    budget: Budget
    seed: int
    scoring: Any = None
    cv: Any = 5
    objectives: Sequence[str] = ("score", "complexity")
    algorithm: str | Callable[..., Algorithm] = "nsga2"
    population_size: int = 50
    initial_pipelines: Sequence[Any] = ()
    early_stop: int | None = None
    n_jobs: int | None = 1
    executor: Any = "auto"
    eval_seconds: float | None = None
    memory_limit: int | None = None
    callbacks: Sequence[Callback] = ()
    journal: str | Path | None = None
    resume: bool = False
    racing: bool = True
    cache_bytes: int | None = None
    notes: Mapping[str, Any] = field(default_factory=dict)
    began: Moment = field(default_factory=Moment)


@dataclass(frozen=True)
class Result:
    """What a search found.

    Attributes
    ----------
    model : FinalModel
        The best pipeline, fitted on the whole table.
    best : Outcome or None
        None if nothing could be scored; then ``model`` is a baseline.
    front : list of Outcome
        The candidates that no other dominates, best first.
    finished : Finished
    individuals, history : pandas.DataFrame
        One row a candidate; one row a generation.
    source : str
        Python source of the best pipeline.
    record : bytes
        The whole journal.
    """

    model: FinalModel
    best: Outcome | None
    front: list[Outcome]
    finished: Finished
    individuals: pd.DataFrame
    history: pd.DataFrame
    source: str
    record: bytes


def search(wanted: Search) -> Result:
    """Search, refit the best pipeline on the whole table, and return what was found.

    Raises SettingError, SearchSpaceError, JournalError or DataError before any work, never after it.
    """
    parts = put_together(wanted)
    problem, space, algorithm = parts.problem, parts.space, parts.algorithm
    constant = baseline(problem)
    rules = {"budget": spent(wanted.budget), "early_stop": stalled_for(wanted.early_stop)}
    evaluator = _evaluator(wanted, parts)
    evaluator.readiness = _readiness(wanted, space)
    here = isinstance(evaluator.executor, SerialExecutor)
    with ExitStack() as evaluating, ExitStack() as recording:
        evaluating.enter_context(closing(evaluator))
        journal = recording.enter_context(_journal(wanted, parts.settings))
        pace = Pace(wanted.budget, problem, space, lambda: journal.elapsed, not here, lambda: _tables(journal))
        if wanted.budget.seconds is not None and not wanted.budget.ordered:
            evaluator.refuse = pace.refuse  # results depend on time anyway
        state, tracker, pending, told = _begin(wanted, algorithm, space, journal, pace, here)
        evaluator.remember(told, journal.predictions())
        evaluator.submit(pending)
        callbacks = (pace.told, *wanted.callbacks) if _timed(wanted.budget) else wanted.callbacks
        if wanted.budget.seconds is not None:
            pace.rehearse()  # while worker processes start
        finished = evolve(algorithm, state, evaluator, journal, rules, tracker, callbacks, wanted.budget.seconds)
        scored = tracker.scored()
        model = final_model(problem, space, scored, evaluator.executor.fit, pace)
        evaluating.close()  # its memory is free for the tables
        return _finish(wanted, parts, journal, scored, model, finished, constant)


def _evaluator(wanted: Search, parts: Parts) -> Evaluator:
    return Evaluator(
        workplace(wanted, parts.problem),
        parts.objectives,
        look_ahead=LOOK_AHEAD if wanted.budget.ordered else None,
        max_evaluations=wanted.budget.evaluations,
        racing=race(wanted, parts),
    )


def _readiness(wanted: Search, space: PipelineSpace) -> Readiness | None:
    """Begin to compile what parts of the catalogue need; workers of a cluster see to that themselves."""
    if not space.compiled or on_cluster(wanted.executor):
        return None
    seconds = None if wanted.budget.ordered else wanted.budget.seconds
    return Readiness(space.compiled, lambda candidate: space.plan(candidate.genome).compiled, seconds)


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
    metrics = scorers(wanted.scoring, dataset.task, dataset.classes)
    space = PipelineSpace(wanted.catalogue, data_facts(dataset, folds, metrics), wanted.initial_pipelines)
    rungs = rung_shares(len(folds[0][0])) if wanted.racing else ()
    return Parts(
        Problem(dataset, space, folds, metrics, seed, _time_limit(wanted), uses_labels(wanted.scoring), rungs),
        space,
        objectives(wanted.objectives, list(metrics), space, sum(len(test) for _, test in folds)),
        _algorithm(wanted, space),
        _settings(wanted, list(metrics), folds, space),
    )


def part_seed(seed: int) -> int:
    """Return the ``random_state`` of every step for a run's seed: what all libraries take as one."""
    return seed % (2**31 - 1)


def data_facts(dataset: Dataset, folds: list[Any], metrics: Mapping[str, Any]) -> DataFacts:
    n_classes = 0 if dataset.classes is None else len(dataset.classes)
    rows = min(len(train) for train, _ in folds)
    rare = (
        min((np.bincount(dataset.y[train], minlength=n_classes).min() for train, _ in folds), default=0)
        if n_classes
        else 0
    )
    least = dataset.y.min() if dataset.task == "regression" else 0
    return DataFacts(
        task=dataset.task,
        kind=dataset.features.kind,
        n_rows=max(1, int(rows * INNER_ROWS)),
        n_features=dataset.n_features,
        n_classes=n_classes,
        class_rows=max(1, int(rare * INNER_ROWS)) if n_classes else 0,
        complete_numbers=dataset.features.complete_numbers,
        target="positive" if least > 0 else "nonnegative" if least == 0 and dataset.task == "regression" else "any",
        needs_predict_proba=any(needs_probabilities(scorer) for scorer in metrics.values()),
    )


def _time_limit(wanted: Search) -> float:
    """Return the seconds one evaluation may take: as asked, else a tenth of the budget, at least half of a small one."""
    seconds = wanted.budget.seconds
    if wanted.eval_seconds is not None:
        return wanted.eval_seconds
    return 300.0 if seconds is None else max(seconds / 10, min(seconds / 2, 10.0))


def _algorithm(wanted: Search, space: PipelineSpace) -> Algorithm:
    made = wanted.algorithm
    if isinstance(made, str):
        if made not in ALGORITHMS:
            raise SettingError(
                f"unknown algorithm {made!r}{nearest(made, ALGORITHMS)}; there are: {', '.join(ALGORITHMS)}"
            )
        made = ALGORITHMS[made]
    return made(space, wanted.seed, population_size=wanted.population_size)


# -- the journal ------------------------------------------------------------------------------------------------------

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


def _settings(wanted: Search, metrics: list[str], folds: list[Any], space: PipelineSpace) -> dict[str, Any]:
    dataset = wanted.dataset
    return {
        "task": dataset.task,
        "seed": wanted.seed,
        "scoring": metrics,
        "objectives": list(wanted.objectives),
        "cv": wanted.cv if isinstance(wanted.cv, int) else _name(wanted.cv),
        "folds": len(folds),
        "fold_rows": _digest([hashlib.blake2b(part.astype(np.int64)).hexdigest() for fold in folds for part in fold]),
        "budget": asdict(wanted.budget),
        "eval_seconds": _time_limit(wanted),
        "early_stop": wanted.early_stop,
        "algorithm": wanted.algorithm if isinstance(wanted.algorithm, str) else _name(wanted.algorithm),
        "population_size": wanted.population_size,
        "n_jobs": wanted.n_jobs,
        "executor": executor_name(wanted.executor),
        "racing": wanted.racing,
        "n_rows": dataset.n_rows,
        "n_features": dataset.n_features,
        "feature_names": list(dataset.features.names or []),
        "classes": None if dataset.classes is None else [str(label) for label in dataset.classes],
        "data_fingerprint": dataset.fingerprint,
        "search_space": _digest(sorted(space.catalogue.items())),
        "initial_pipelines": [str(tree) for tree in space.initial],
        "versions": _versions(),
        **wanted.notes,
    }


def _digest(value: Any) -> str:
    return hashlib.blake2b(repr(value).encode(), digest_size=8).hexdigest()


def _name(value: Any) -> str:
    """Return a name that is the same in every process, as a text with the address of an object is not."""
    return str(getattr(value, "__qualname__", type(value).__qualname__))


def _versions() -> dict[str, str]:
    found = {"evoml": __version__, "python": platform.python_version()}
    for package in ("scikit-learn", "numpy", "scipy", "pandas", "deap", "networkx", "lightgbm", "xgboost", "catboost"):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def _journal(wanted: Search, settings: Mapping[str, Any]) -> Journal:
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


def _timed(budget: Budget) -> bool:
    return budget.seconds is not None or budget.cpu_seconds is not None


def _begin(
    wanted: Search, algorithm: Algorithm, space: PipelineSpace, journal: Journal, pace: Pace, here: bool
) -> tuple[Any, Tracker, list[Any], list[Outcome]]:
    """Return the state to go on from, its tracker, the candidates under way and the outcomes told: of a new run, none."""

    def own_cpu() -> float:
        return time.process_time() - wanted.began.cpu

    reserve = pace.reserve if _timed(wanted.budget) else lambda best: 0.0
    tracker = Tracker(lambda: journal.elapsed, wanted.population_size, reserve, own_cpu)
    record = journal.get("state")
    if record is None:
        tracker.go_on(0.0, here)
        return algorithm.start(), tracker, [], []
    candidates, told = journal.asked_and_told(space.parse)
    for outcome in told:
        tracker.told(outcome, record["generation"])
    tracker.go_on(journal.get("cpu_seconds") or 0.0, here)
    done = {outcome.candidate.id for outcome in told}
    pending = [candidate for index, candidate in candidates.items() if index not in done]
    return algorithm.restore(record, candidates, told), tracker, pending, told


def _finish(
    wanted: Search,
    parts: Parts,
    journal: Journal,
    scored: list[Outcome],
    model: FinalModel,
    finished: Finished,
    constant: float,
) -> Result:
    """Close the record, and hand everything over; ``scored`` are the outcomes with scores, best first."""
    problem, space = parts.problem, parts.space
    front = pareto_front(scored)
    best = next((outcome for outcome in scored if str(outcome.candidate.genome) == model.text), None)
    for note in model.notes:
        journal.event("warning", message=note)
        warnings.warn(note, UserWarning, stacklevel=4)
    journal.put(
        "summary",
        {
            "stopped_by": finished.stopped_by,
            "best": None if best is None else best.candidate.id,
            "front": [outcome.candidate.id for outcome in front],
            "told": finished.told,
            "evaluations": finished.progress.evaluations,
            "seconds": journal.elapsed,
            "cpu_seconds": finished.progress.cpu,
            "baseline": {"score": constant},
            "model": model.text,
        },
    )
    comment = _comment(best, next(iter(problem.scorers)), wanted)
    source = space.source(model.text, problem.seed, comment) if model.text else constant_source(problem, comment)
    individuals, history, record = _tables(journal)
    return Result(model, best, front, finished, individuals, history, source, record)


def _tables(journal: Journal) -> tuple[pd.DataFrame, pd.DataFrame, bytes]:
    """Return one row a candidate, one row a generation, and the whole record."""
    return journal.individuals(), journal.progress(), journal.to_bytes()


def _comment(best: Outcome | None, metric: str, wanted: Search) -> str:
    if best is None:
        return "No pipeline could be scored: this is a baseline."
    weights = (
        ""
        if wanted.dataset.sample_weight is None
        else ("\nIt was fitted with sample weights, which reach all steps by scikit-learn's metadata routing.")
    )
    return (
        f"Selection score ({metric}, mean over folds): {best.scores[0]:.6g}. The pipeline was chosen for this score:\n"
        f"expect less on new data. Seed of the run: {wanted.seed}.{weights}"
    )
