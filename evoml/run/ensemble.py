"""The ensemble that a run hands over: chosen by out-of-fold predictions, within limits and time, its members fitted at once."""

from __future__ import annotations

import heapq
import math
import pickle
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from evoml.components.calls import load
from evoml.core.errors import FitError
from evoml.evaluation import quiet
from evoml.evaluation.ensemble_selection import Bounds, Selection, average_score, select
from evoml.evaluation.executors import NO_TIME
from evoml.evaluation.folds import rows
from evoml.evaluation.surroundings import error_text
from evoml.genomes.pipeline_tree.build import named
from evoml.genomes.pipeline_tree.source import average_path
from evoml.run.refit import LIKELY, FinalModel, Member, final_model

if TYPE_CHECKING:
    from evoml.core.candidate import Outcome
    from evoml.evaluation import Problem
    from evoml.genomes.pipeline_tree import PipelineSpace
    from evoml.run.pace import Pace

DEFAULT_SIZE = 8  # members at most: with more, nothing was gained (experiments/benchmarks/README.md)
MEGABYTE = 1e6
LIMITED = "the best pipeline is beyond max_predict_ms_per_1k or max_model_mb; others were taken"
TIMED_ROWS, TIMINGS = 1000, 3  # rows that a fitted pipeline predicts to be timed, and how often


@dataclass(frozen=True)
class Limits:
    """What the final model may be.

    Attributes
    ----------
    size : int
        Pipelines in an ensemble at most; 1 for the single best one.
    predict_ms : float or None
        Milliseconds that predicting a thousand rows may take.
    megabytes : float or None
        Size of the pickled model.
    """

    size: int = DEFAULT_SIZE
    predict_ms: float | None = None
    megabytes: float | None = None

    @property
    def costs(self) -> np.ndarray:
        """(2,) array of both; infinite where there is no limit."""
        return np.array([np.inf if limit is None else limit for limit in (self.predict_ms, self.megabytes)])

    def refusal(self, costs: np.ndarray) -> str:
        """Return in words which limit is not kept; an empty text if both are."""
        if costs[0] > (self.predict_ms or math.inf):
            return f"predicts 1000 rows in {costs[0]:.3g} ms, more than max_predict_ms_per_1k={self.predict_ms:g}"
        if costs[1] > (self.megabytes or math.inf):
            return f"takes {costs[1]:.3g} MB, more than max_model_mb={self.megabytes:g}"
        return ""


@dataclass(frozen=True)
class Makers:
    """What makes final models: the problem, its space, the executor's ``fit_all``, the time there is, and the limits."""

    problem: Problem
    space: PipelineSpace
    fit_all: Callable[[Sequence[str], float | None], list[Any]]
    pace: Pace
    limits: Limits = field(default_factory=Limits)
    at_once: int = 1

    def fit(self, text: str, seconds: float | None) -> Any:
        """Return one fitted pipeline. Raises FitError, also for one beyond the limits."""
        (model,) = self.fit_all([text], seconds)
        if isinstance(model, FitError):
            raise model
        if refusal := self.limits.refusal(self.measured(model)):
            raise FitError(f"it {refusal}")
        return model

    def expected(self, outcome: Outcome) -> np.ndarray:
        """Return (2,) milliseconds for a thousand rows and megabytes, from what a candidate's evaluation took.

        A model may grow with the rows that it is fitted on, so it is taken to do so.
        """
        cost, splits = outcome.evaluation.cost, self.problem.splits
        tested, trained = (np.mean([len(part[side]) for part in splits]) for side in (1, 0))
        growth = self.problem.dataset.n_rows / trained
        return np.array([1e6 * cost.predict / (len(splits) * tested), growth * cost.size / MEGABYTE])

    def measured(self, model: Any) -> np.ndarray:
        """Return the same of a fitted model; zeros where there is no limit."""
        limits, found = self.limits.costs, np.zeros(2)
        if np.isfinite(limits[0]):
            X = rows(self.problem.dataset.features.named, slice(0, TIMED_ROWS))
            found[0] = 1e6 * min(_seconds(model.predict, X) for _ in range(TIMINGS)) / len(X)
        if np.isfinite(limits[1]):
            found[1] = len(pickle.dumps(model, protocol=5)) / MEGABYTE
        return found


def _seconds(predict: Callable[[Any], Any], X: Any) -> float:
    began = time.perf_counter()
    predict(X)
    return time.perf_counter() - began


def within_limits(scored: Sequence[Outcome], make: Makers) -> tuple[list[Outcome], list[str]]:
    """Return the candidates that are likely within the limits, and what the user should know if not all are.

    If none is, it is the one that exceeds them least.
    """
    if not np.isfinite(make.limits.costs).any() or not scored:
        return list(scored), []
    excess = [float(np.max(make.expected(outcome) / make.limits.costs)) for outcome in scored]
    allowed = [outcome for outcome, share in zip(scored, excess, strict=True) if share <= 1.0]
    if allowed:
        return allowed, [] if allowed[0] is scored[0] else [LIMITED]
    least = scored[int(np.argmin(excess))]
    why = make.limits.refusal(make.expected(least))
    return [least], [f"no pipeline is within the limits; the one nearest to them {why}"]


def best_model(
    make: Makers, scored: Sequence[Outcome], kept: Mapping[int, np.ndarray], timed: bool = False
) -> FinalModel:
    """Return an ensemble of the candidates ``scored`` (best first) where that pays, else the best single one.

    Parameters
    ----------
    make : Makers
    scored : sequence of Outcome
    kept : mapping of candidate to (n_rows, columns) array
        Out-of-fold predictions, the best first.
    timed : bool
        Whether choosing must come to an end too.
    """
    allowed, notes = within_limits(scored, make)
    attempt = Attempt()
    try:
        attempt = ensemble(make, allowed, kept, _deadline(make.pace) if timed else lambda: False)
    except Exception as error:  # a metric of the user's own may do anything with an average; there is to be a model
        notes.append(f"there is no ensemble, since averages could not be scored ({error_text(error)})")
    model = attempt.model
    if model is None:
        model = final_model(make.problem, make.space, allowed, make.fit, make.pace, attempt.failed)
    return replace(model, notes=(*notes, *attempt.notes, *model.notes))


@dataclass(frozen=True)
class Attempt:
    """What came of trying to make an ensemble: the model, if any, what the user should know, and what could not be fitted."""

    model: FinalModel | None = None
    notes: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()


def _deadline(pace: Pace) -> Callable[[], bool]:
    """Return what tells that the time for choosing is over."""
    until = time.monotonic() + pace.time_to_choose()
    return lambda: time.monotonic() > until


def ensemble(
    make: Makers, scored: Sequence[Outcome], kept: Mapping[int, np.ndarray], late: Callable[[], bool]
) -> Attempt:
    """Make an ensemble of the candidates ``scored`` (best first), unless a single pipeline is to be preferred.

    kept: out-of-fold predictions by candidate, the best first.
    """
    outcomes = {outcome.candidate.id: outcome for outcome in scored}
    known = {one: kept[one] for one in kept if one in outcomes and can_be_averaged(make, outcomes[one])}
    selection = _selected(make, outcomes, known, late)
    if selection is None:
        return Attempt()
    members = [Member(outcomes[one], weight) for one, weight in selection.weights.items()]
    models = _models(make, members, fastest=min(scored, key=lambda outcome: outcome.evaluation.cost.fit))
    failures = {one.text: str(model) for one, model in models if isinstance(model, FitError) and str(model) != NO_TIME}
    notes = [
        f"{text} could not be fitted on the whole table ({why}); the model does without"
        for text, why in failures.items()
    ]
    fitted = _small_and_fast(make, [(one, model) for one, model in models if not isinstance(model, FitError)])
    if lost := len(members) - len(fitted) - len(failures):
        notes.append(f"there was no time, or no room, for {lost} of {len(members)} pipelines of the ensemble")
    if len(fitted) < 2:
        single = FinalModel(fitted[0][1], fitted[0][0].text) if fitted else None
        return Attempt(single, tuple(notes) if models else (), tuple(failures))
    weights = {member.outcome.candidate.id: member.weight for member, _ in fitted}
    score = selection.score if len(fitted) == len(members) else average_score(make.problem, known, weights)
    voting, ordered = put_together(make, fitted)
    return Attempt(FinalModel(voting, str(scored[0].candidate.genome), (), ordered, score), tuple(notes))


def _selected(
    make: Makers, outcomes: Mapping[int, Outcome], known: Mapping[int, np.ndarray], late: Callable[[], bool]
) -> Selection | None:
    """Return which of the ``known`` candidates to average; None where the best one alone is to be preferred."""
    if make.limits.size <= 1 or len(known) < 2:
        return None
    costs = {one: make.expected(outcomes[one]) for one in known}
    with quiet(make.problem.seed):
        selection = select(make.problem, known, Bounds(make.limits.size, costs, make.limits.costs), late)
    best = next(iter(outcomes.values()))
    beaten = best.candidate.id in known or selection.score > best.scores[0]
    return selection if beaten and len(selection.weights) > 1 else None


def can_be_averaged(make: Makers, outcome: Outcome) -> bool:
    """Tell whether a candidate's predictions are numbers or probabilities, not mere labels or decision values."""
    if make.problem.dataset.task == "regression":
        return True
    plan = make.space.plan(outcome.candidate.genome)
    return plan.gives_probabilities(plan.root)


def _models(make: Makers, members: Sequence[Member], fastest: Outcome) -> list[tuple[Member, Any]]:
    """Fit members at once, as many as there is time for, the best one first; return each with its model or its FitError.

    What the ``fastest`` of all candidates needs is kept back, for the case that it all comes to nothing.
    """
    best = max(members, key=lambda member: (member.outcome.scores[0], -member.outcome.candidate.id))
    ordered = [best, *(member for member in members if member is not best)]
    left = make.pace.time_to_fit()
    if left is not None:
        left -= make.pace.start + min(make.pace.refit(fastest).at(LIKELY) + make.pace.start, max(left, 0.0) / 4)
        ordered = _in_time(make, ordered, left)
    if len(ordered) < 2:
        return []
    return list(zip(ordered, make.fit_all([member.text for member in ordered], left), strict=True))


def _in_time(make: Makers, members: Sequence[Member], left: float) -> list[Member]:
    """Return the members that can likely be fitted in the seconds left, without those of the least weight if need be.

    The first one stays in any case.
    """
    kept = list(members)
    lightest = sorted(members[1:], key=lambda member: member.weight)
    seconds = {member.text: make.pace.refit(member.outcome).at(LIKELY) for member in members}
    for member in lightest:
        if _makespan([seconds[one.text] for one in kept], make.at_once) <= left:
            break
        kept.remove(member)
    return kept


def _makespan(seconds: Sequence[float], at_once: int) -> float:
    """Return the seconds until all is done that is begun in the order given, so many at once."""
    busy_until = [0.0] * at_once
    for one in seconds:
        heapq.heapreplace(busy_until, busy_until[0] + one)
    return max(busy_until)


def _small_and_fast(make: Makers, fitted: Sequence[tuple[Member, Any]]) -> list[tuple[Member, Any]]:
    """Return the members, from the first on, that keep to the limits together as they were measured."""
    kept, taken = [], np.zeros(2)
    for member, model in fitted:
        costs = make.measured(model)
        if not make.limits.refusal(taken + costs):
            kept.append((member, model))
            taken += costs
    return kept


def put_together(make: Makers, fitted: Sequence[tuple[Member, Any]]) -> tuple[Any, tuple[Member, ...]]:
    """Return the ensemble of fitted members, as if ``fit`` had fitted them; and these, the heaviest first."""
    whole = sum(member.weight for member, _ in fitted)
    members = sorted((replace(member, weight=member.weight / whole) for member, _ in fitted), key=_heaviest_first)
    models = {member.text: model for member, model in fitted}
    dataset = make.problem.dataset
    voting = as_fitted(unfitted(make, members), [models[member.text] for member in members], dataset.classes)
    if hasattr(voting.estimators_[0], "feature_names_in_"):
        voting.feature_names_in_ = voting.estimators_[0].feature_names_in_
    return voting, tuple(members)


def as_fitted(voting: Any, models: Sequence[Any], classes: Any) -> Any:
    """Return an ensemble with fitted models in it, as if ``fit`` had fitted them; ``classes`` as they were fitted on."""
    from sklearn.preprocessing import LabelEncoder
    from sklearn.utils import Bunch

    voting.estimators_ = list(models)
    names = [name for name, _ in voting.estimators]
    voting.named_estimators_ = Bunch(**dict(zip(names, voting.estimators_, strict=True)))
    if isinstance(classes, tuple):
        voting.classes_ = list(classes)
    elif classes is not None:
        voting.le_ = LabelEncoder().fit(classes)
        voting.classes_ = voting.le_.classes_
    return voting


def average_of(models: Sequence[tuple[str, Any]], weights: Sequence[float], classifier: bool, several: bool) -> Any:
    """Return the ensemble of named models, unfitted; that of one column of a target is scikit-learn's own."""
    settings = {"voting": "soft"} if classifier else {}
    return load(average_path(classifier, several))(list(models), weights=list(weights), **settings)


def _heaviest_first(member: Member) -> tuple[float, int]:
    return -member.weight, member.outcome.candidate.id


def unfitted(make: Makers, members: Sequence[Member]) -> Any:
    """Return the ensemble before it is fitted; its members are named by their models."""
    weights = [round(member.weight, 4) for member in members]
    built = [make.space.build(member.text, make.problem.seed) for member in members]
    steps = named((pipeline.steps[-1][0], pipeline) for pipeline in built)
    dataset = make.problem.dataset
    return average_of(steps, weights, dataset.task == "classification", dataset.several)
