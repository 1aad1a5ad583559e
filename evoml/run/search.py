"""A search for pipelines on a table, put together from its parts, begun or resumed, and finished with a fitted model."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evoml.algorithms import pareto_front
from evoml.core.budget import Budget, Moment, StopRule, early_stopping, spent
from evoml.evaluation import (
    Evaluator,
    on_cluster,
    workers,
)
from evoml.evaluation.executors.serial import SerialExecutor
from evoml.evaluation.leaks import leak_warnings
from evoml.evaluation.readiness import Readiness
from evoml.evaluation.splitting import units
from evoml.genomes.pipeline_tree import PipelineSpace
from evoml.journal import Journal
from evoml.run.ensemble import Limits, Makers, best_model
from evoml.run.expectation import expectation
from evoml.run.finishing import as_recorded, calibration, with_decision
from evoml.run.loop import Finished, Tracker, evolve
from evoml.run.opening import gone_on, opened
from evoml.run.pace import Pace
from evoml.run.parts import Parts, put_together, race, workplace
from evoml.run.refit import FinalModel, Member, after_cleaning, baseline, constant_source
from evoml.run.settings import MUST_AGREE

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from evoml.components import Catalogue
    from evoml.core.candidate import Outcome
    from evoml.core.dataset import Dataset
    from evoml.core.protocols import Algorithm, Callback
    from evoml.evaluation.conformal import Calibration
    from evoml.evaluation.expected_score import ExpectedScore

LOOK_AHEAD = 32  # candidates under way in an ordered run without barrier, whatever the number of workers


@dataclass(frozen=True)
class Search:
    """What to search for, where, how, and how long.

    Attributes
    ----------
    dataset : Dataset
        The table, see :func:`evoml.core.dataset.read_dataset`.
    catalogue : Catalogue
        Parts that pipelines may use, see :func:`evoml.load_catalogue`.
    budget : Budget
    seed : int
    eval_seconds : float or None
        Seconds that one candidate may take on all folds.
    memory_limit : int or None
        Bytes that each worker may allocate.
    resume : bool
        Whether to go on with the run that ``journal`` records, if it does.
    cache_bytes : int or None
        That results of steps may take; None is by the size of the table and the machine.
    limits : Limits
        Of the final model.
    notes : mapping
        What the journal's settings are to hold besides.
    began : Moment
        From which seconds count.

    All others are those of :class:`evoml.EvoClassifier`: ``scoring``, ``cv``, ``objectives``, ``algorithm``,
    ``population_size``, ``initial_pipelines``, ``operators``, ``early_stop``, ``n_jobs``, ``executor``, ``callbacks``,
    ``journal``, ``racing`` and ``conformal``.
    """

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
    early_stop: int | StopRule | None = None
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
    rules = _stop_rules(wanted, parts)
    constant = baseline(parts.problem)
    evaluator = _evaluator(wanted, parts)
    evaluating = ExitStack()
    evaluating.callback(evaluator.close)
    with evaluating, opened(wanted, parts.settings, MUST_AGREE) as journal:
        here = isinstance(evaluator.executor, SerialExecutor)
        at_once = 1 if here or on_cluster(wanted.executor) else workers(wanted.n_jobs)
        pace = _pace(wanted, parts, journal, here, at_once)
        if wanted.budget.seconds is not None and not wanted.budget.ordered:
            evaluator.refuse = pace.refuse  # results depend on time anyway
        _warn(journal, wanted)
        state, tracker, pending, told = _begin(wanted, parts, journal, pace, here)
        evaluator.remember(told, journal.predictions())
        evaluator.submit(pending)
        if wanted.budget.seconds is not None:
            pace.rehearse()  # while worker processes start
        callbacks = (pace.told, *wanted.callbacks) if _timed(wanted.budget) else wanted.callbacks
        seconds = wanted.budget.seconds
        finished = evolve(parts.algorithm, state, evaluator, journal, rules, tracker, callbacks, seconds)
        scored = tracker.scored()
        make = Makers(parts.problem, parts.space, evaluator.executor.fit_all, pace, wanted.limits, at_once)
        final = _final(wanted, make, scored, evaluator.kept.best_first())
        evaluating.close()  # its memory is free for the tables
        return _finish(wanted, parts, journal, scored, final, finished, constant)


@dataclass(frozen=True)
class _Final:
    """The model to hand over, and what is known of it: how sure it is, and what to expect of it on new rows."""

    model: FinalModel
    calibration: Calibration | None
    expected: ExpectedScore | None


def _final(wanted: Search, make: Makers, scored: list[Outcome], kept: Mapping[int, np.ndarray]) -> _Final:
    """Fit the model; ``scored`` are the outcomes with scores, ``kept`` out-of-fold predictions of some, both best first."""
    problem, timed = make.problem, _timed(wanted.budget)
    model = best_model(make, scored, kept, timed)
    model = with_decision(make, model, scored, kept, timed)
    sureness = calibration(problem, model, scored, kept) if wanted.conformal else None
    alike = units(problem.dataset, wanted.dataset.sample_weight)
    expected, note = expectation(make, model, scored, kept, alike, timed)
    pipeline = after_cleaning(problem.dataset.features, model.pipeline)
    model = replace(model, notes=(*model.notes, note) if note else model.notes, pipeline=pipeline)
    return _Final(model, sureness, expected)


def _stop_rules(wanted: Search, parts: Parts) -> dict[str, StopRule]:
    useless = parts.problem.dataset.features.useless  # a constant guess needs no search
    return {
        "exhausted": lambda _: useless,
        "budget": spent(wanted.budget),
        "early_stop": early_stopping(wanted.early_stop),
    }


def _pace(wanted: Search, parts: Parts, journal: Journal, here: bool, at_once: int) -> Pace:
    def rehearse() -> object:
        return _tables(journal)

    budget, size = wanted.budget, wanted.limits.size
    return Pace(budget, parts.problem, parts.space, lambda: journal.elapsed, not here, rehearse, size, at_once)


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
    evaluator = Evaluator(
        workplace(wanted, parts.problem),
        parts.objectives,
        look_ahead=LOOK_AHEAD if wanted.budget.ordered else None,
        max_evaluations=wanted.budget.evaluations,
        racing=race(wanted, parts),
    )
    evaluator.readiness = _readiness(wanted, parts.space)
    return evaluator


def _readiness(wanted: Search, space: PipelineSpace) -> Readiness | None:
    """Begin to compile what parts of the catalogue need; workers of a cluster see to that themselves."""
    if not space.compiled or on_cluster(wanted.executor):
        return None
    seconds = None if wanted.budget.ordered else wanted.budget.seconds
    return Readiness(space.compiled, lambda candidate: space.plan(candidate.genome).compiled, seconds)


def _timed(budget: Budget) -> bool:
    return budget.seconds is not None or budget.cpu_seconds is not None


def _begin(
    wanted: Search, parts: Parts, journal: Journal, pace: Pace, here: bool
) -> tuple[Any, Tracker, list[Any], list[Outcome]]:
    """Return the state to go on from, its tracker, the candidates under way and the outcomes told: of a new run, none."""

    def own_cpu() -> float:
        return time.process_time() - wanted.began.cpu

    reserve = pace.reserve if _timed(wanted.budget) else lambda best: 0.0
    tracker = Tracker(lambda: journal.elapsed, wanted.population_size, reserve, own_cpu)
    state, pending, told = gone_on(journal, parts.algorithm, parts.space.parse, tracker, here)
    return state, tracker, pending, told


def _finish(
    wanted: Search,
    parts: Parts,
    journal: Journal,
    scored: list[Outcome],
    final: _Final,
    finished: Finished,
    constant: float,
) -> Result:
    """Close the record, and hand everything over; ``scored`` are the outcomes with scores, best first."""
    problem, space, model, expected = parts.problem, parts.space, final.model, final.expected
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
    return Result(model, best, front, finished, individuals, history, source, record, final.calibration, expected)


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
