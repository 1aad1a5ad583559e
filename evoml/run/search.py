"""A search for pipelines on a table, put together from its parts, begun or resumed, and finished with a fitted model."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from evoml.algorithms import candidate_algorithm, pareto_front
from evoml.core.budget import Budget, Moment, spent, stalled_for
from evoml.core.target import imbalance, skewness
from evoml.evaluation import (
    Evaluator,
    Problem,
    cache_limit,
    executor,
    objectives,
    on_cluster,
    repeated,
    scorers,
    splits,
    workers,
)
from evoml.evaluation.cases import MOST
from evoml.evaluation.executors.serial import SerialExecutor
from evoml.evaluation.folds import rung_shares
from evoml.evaluation.leaks import leak_warnings
from evoml.evaluation.racing import Racing
from evoml.evaluation.readiness import Readiness
from evoml.evaluation.scoring import needs_probabilities, uses_labels
from evoml.evaluation.splitting import units
from evoml.genomes.pipeline_tree import DataFacts, PipelineSpace
from evoml.journal import Journal
from evoml.run.ensemble import Limits, Makers, best_model
from evoml.run.expectation import expectation
from evoml.run.finishing import as_recorded, calibration
from evoml.run.finishing import finished as finished_model
from evoml.run.loop import Finished, Tracker, evolve
from evoml.run.opening import gone_on, opened
from evoml.run.pace import Pace
from evoml.run.refit import FinalModel, Member, after_cleaning, baseline, constant_source
from evoml.run.settings import MUST_AGREE, settings_of, time_limit

if TYPE_CHECKING:
    import pandas as pd

    from evoml.components import Catalogue
    from evoml.core.candidate import Outcome
    from evoml.core.dataset import Dataset
    from evoml.core.protocols import Algorithm, Callback, Executor
    from evoml.evaluation.conformal import Calibration
    from evoml.evaluation.expected_score import ExpectedScore
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
    operators: Mapping[str, Callable[..., Any]] | None = None
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
    limits: Limits = field(default_factory=Limits)
    conformal: bool = False
    notes: Mapping[str, Any] = field(default_factory=dict)
    began: Moment = field(default_factory=Moment)


@dataclass(frozen=True)
class Result:
    """What a search found.

    Attributes
    ----------
    model : FinalModel
        The best pipeline, or an ensemble of several, fitted on the whole table.
    best : Outcome or None
        The best single candidate; None if nothing could be scored: then ``model`` is a baseline.
    front : list of Outcome
        The candidates that no other dominates, best first.
    finished : Finished
    individuals, history : pandas.DataFrame
        One row a candidate; one row a generation.
    source : str
        Python source of the model.
    record : bytes
        The whole journal.
    calibration : Calibration or None
        What tells how sure the model is, where that was wanted.
    expected : ExpectedScore or None
        What the model is expected to score on new rows, where that can be told.
    """

    model: FinalModel
    best: Outcome | None
    front: list[Outcome]
    finished: Finished
    individuals: pd.DataFrame
    history: pd.DataFrame
    source: str
    record: bytes
    calibration: Calibration | None = None
    expected: ExpectedScore | None = None

    @property
    def score(self) -> float:
        """Selection score of the model; nan for a baseline."""
        if not math.isnan(self.model.score):
            return self.model.score
        return self.best.scores[0] if self.best else math.nan

    @property
    def ensemble(self) -> pd.DataFrame:
        """One row a pipeline of the model, the heaviest first."""
        import pandas as pd

        members = self.model.members or (() if self.best is None else (Member(self.best, 1.0),))
        table = [(one.outcome.candidate.id, one.weight, one.outcome.scores[0], one.text) for one in members]
        return pd.DataFrame(table, columns=["id", "weight", "score", "text"]).set_index("id")


def search(wanted: Search) -> Result:
    """Search, fit the best pipeline or an ensemble on the whole table, and return what was found.

    Raises SettingError, SearchSpaceError, JournalError or DataError before any work, never after it.
    """
    parts = put_together(wanted)
    problem, space, algorithm = parts.problem, parts.space, parts.algorithm
    constant = baseline(problem)
    features = problem.dataset.features
    rules = {
        "exhausted": lambda _: features.useless,  # a constant guess needs no search
        "budget": spent(wanted.budget),
        "early_stop": stalled_for(wanted.early_stop),
    }
    evaluator = _evaluator(wanted, parts)
    evaluator.readiness = _readiness(wanted, space)
    here = isinstance(evaluator.executor, SerialExecutor)
    with ExitStack() as evaluating, ExitStack() as recording:
        evaluating.enter_context(closing(evaluator))
        journal = recording.enter_context(opened(wanted, parts.settings, MUST_AGREE))
        limits, at_once = wanted.limits, 1 if here or on_cluster(wanted.executor) else workers(wanted.n_jobs)

        def rehearse() -> object:
            return _tables(journal)

        pace = Pace(wanted.budget, problem, space, lambda: journal.elapsed, not here, rehearse, limits.size, at_once)
        if wanted.budget.seconds is not None and not wanted.budget.ordered:
            evaluator.refuse = pace.refuse  # results depend on time anyway
        _warn(journal, wanted)
        state, tracker, pending, told = _begin(wanted, algorithm, space, journal, pace, here)
        evaluator.remember(told, journal.predictions())
        evaluator.submit(pending)
        callbacks = (pace.told, *wanted.callbacks) if _timed(wanted.budget) else wanted.callbacks
        if wanted.budget.seconds is not None:
            pace.rehearse()  # while worker processes start
        finished = evolve(algorithm, state, evaluator, journal, rules, tracker, callbacks, wanted.budget.seconds)
        scored = tracker.scored()
        make = Makers(problem, space, evaluator.executor.fit_all, pace, limits, at_once)
        model = best_model(make, scored, evaluator.kept.best_first(), _timed(wanted.budget))
        kept = evaluator.kept.best_first()
        model = finished_model(make, model, scored, kept, _timed(wanted.budget))
        sureness = calibration(problem, model, scored, kept) if wanted.conformal else None
        alike = units(problem.dataset, wanted.dataset.sample_weight)
        expected, note = expectation(make, model, scored, kept, alike, _timed(wanted.budget))
        model = replace(model, notes=(*model.notes, note) if note else model.notes)
        model = replace(model, pipeline=after_cleaning(features, model.pipeline))
        evaluating.close()  # its memory is free for the tables
        result = _finish(wanted, parts, journal, scored, model, finished, constant, expected)
        return replace(result, calibration=sureness)


def _warn(journal: Journal, wanted: Search) -> None:
    """Say, and record, what the user should know about the table before it is searched on; a resumed run has said it."""
    if journal.get("state") is not None:
        return
    suspicions = leak_warnings(wanted.dataset, wanted.cv)
    for note in (*wanted.dataset.notes, *suspicions):
        journal.event("warning", message=note)
    for note in suspicions:
        warnings.warn(note, UserWarning, stacklevel=4)


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
        objectives(wanted.objectives, list(metrics), space, sum(len(test) for _, test in folds)),
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
    state, pending, told = gone_on(journal, algorithm, space.parse, tracker, here)
    return state, tracker, pending, told


def _finish(
    wanted: Search,
    parts: Parts,
    journal: Journal,
    scored: list[Outcome],
    model: FinalModel,
    finished: Finished,
    constant: float,
    expected: ExpectedScore | None,
) -> Result:
    """Close the record, and hand everything over; ``scored`` are the outcomes with scores, best first."""
    problem, space = parts.problem, parts.space
    front = pareto_front(scored)
    best = next((outcome for outcome in scored if str(outcome.candidate.genome) == model.text), None)
    ensemble = {member.outcome.candidate.id: member.weight for member in model.members}
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
            "expected": None if expected is None else asdict(expected),
            "ensemble": {"score": model.score, "weights": ensemble} if ensemble else None,
            "around": as_recorded(model),
        },
    )
    comment = _comment(best, model, next(iter(problem.scorers)), wanted, expected)
    cleaner = problem.dataset.features.cleaner
    columns = None if cleaner is None else cleaner.columns
    if model.members:
        weights = {member.text: member.weight for member in model.members}
        source = space.ensemble_source(weights, problem.seed, comment, columns, model.around)
    elif model.text:
        source = space.source(model.text, problem.seed, comment, columns, model.around)
    else:
        source = constant_source(problem, comment, columns)
    individuals, history, record = _tables(journal)
    return Result(model, best, front, finished, individuals, history, source, record, expected=expected)


def _tables(journal: Journal) -> tuple[pd.DataFrame, pd.DataFrame, bytes]:
    """Return one row a candidate, one row a generation, and the whole record."""
    return journal.individuals(), journal.progress(), journal.to_bytes()


def _comment(
    best: Outcome | None, model: FinalModel, metric: str, wanted: Search, expected: ExpectedScore | None
) -> str:
    if best is None:
        return "No pipeline could be scored: this is a baseline."
    weights = (
        ""
        if wanted.dataset.sample_weight is None
        else ("\nIt was fitted with sample weights, which reach all steps by scikit-learn's metadata routing.")
    )
    less = "less" if expected is None else f"{expected.value:.4g} ({expected.low:.4g} to {expected.high:.4g})"
    what, score = ("pipelines were", model.score) if model.members else ("pipeline was", best.scores[0])
    return (
        f"Selection score ({metric}, mean over folds): {score:.6g}. The {what} chosen for this score:\n"
        f"expect {less} on new data. Seed of the run: {wanted.seed}.{weights}"
    )
