"""The final model: the best pipeline fitted on the whole table, or the best that can be had without one."""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from evoml.core.errors import EvomlError, SearchSpaceError, SettingError
from evoml.evaluation.cost_model import Estimate
from evoml.evaluation.folds import rows
from evoml.evaluation.scoring import apply
from evoml.genomes.pipeline_tree.source import constant_source as source_of_constant

if TYPE_CHECKING:
    from evoml.components.calls import Call
    from evoml.core.candidate import Outcome
    from evoml.core.features import Features
    from evoml.evaluation import Problem
    from evoml.genomes.pipeline_tree import PipelineSpace
    from evoml.run.pace import Pace

TRIES = 3  # at fitting a pipeline, before a constant guess is taken
LIKELY = 1.0  # standard deviations above the median: what takes no longer than this is tried
LEAST_SECONDS = 0.25  # that the last try may take even if it is late: any model is better than a constant guess
QUICK = ("GaussianNB(features)", "DecisionTreeRegressor(features, max_depth=4)")  # baselines for when there is no time

NOTHING_SCORED = (
    "no pipeline could be scored within the budget; the model is a simple baseline, not a result of the search."
    " Give more time, or look at the errors in evaluated_individuals_"
)


@dataclass(frozen=True)
class Member:
    """A candidate in an ensemble, and its share of the average."""

    outcome: Outcome
    weight: float

    @property
    def text(self) -> str:
        return str(self.outcome.candidate.genome)


@dataclass(frozen=True)
class FinalModel:
    """What a run hands over.

    Attributes
    ----------
    pipeline : Any
        A fitted scikit-learn Pipeline, or the VotingClassifier or VotingRegressor of several.
    text : str
        The pipeline in the language of trees; that of an ensemble's best member; empty for a constant guess.
    notes : tuple of str
        What the user should know about it.
    members : tuple of Member
        Those of an ensemble, the heaviest first; none for a single pipeline.
    score : float
        The selection score of an ensemble, or of what has something around it; nan for a plain pipeline.
    around : Call or None
        What was put around the pipeline or ensemble when it was found, but for its ``estimator``.
    """

    pipeline: Any
    text: str
    notes: tuple[str, ...] = ()
    members: tuple[Member, ...] = ()
    score: float = math.nan
    around: Call | None = None


class Way(NamedTuple):
    """A pipeline that may become the final model, and what fitting it will take."""

    text: str
    estimate: Estimate


Ways = tuple[Iterator[Way], Way | None]  # best first; and the fastest


def final_model(
    problem: Problem,
    space: PipelineSpace,
    scored: Sequence[Outcome],
    fit: Callable[[str, float | None], Any],
    pace: Pace,
    failed_before: Iterable[str] = (),
) -> FinalModel:
    """Return the first of ``scored`` (best first) that can be fitted on the whole table in the time left, else a baseline.

    ``fit(text, seconds)`` fits a pipeline, or raises EvomlError, at the latest after so many seconds. Those that
    ``failed_before`` are not tried again.
    """
    if problem.dataset.features.useless:
        return FinalModel(_constant(problem), "")
    notes = [] if scored else [NOTHING_SCORED]
    tried = set(failed_before)
    for _ in range(TRIES):
        left = pace.time_to_fit()
        if tried and left is not None and left <= 0:
            break
        untried = [outcome for outcome in scored if str(outcome.candidate.genome) not in tried]
        if left is not None:  # there is no time to find out that all pipelines with one model fail alike
            failed = {text.partition("(")[0] for text in tried}
            untried = [o for o in untried if not any(f"{name}(" in str(o.candidate.genome) for name in failed)]
        ways = _ways(untried, pace) if scored else _baselines(space, pace, tried)
        way, seconds = _chosen(ways, left, pace.start, notes)
        if way is None:
            break
        tried.add(way.text)
        try:
            return FinalModel(fit(way.text, seconds), way.text, tuple(notes))
        except EvomlError as error:
            notes.append(f"{way.text} could not be fitted on the whole table ({error}); another one was taken")
    notes.append("the model is a constant guess: nothing else could be fitted")
    return FinalModel(_constant(problem), "", tuple(notes))


def _ways(scored: Sequence[Outcome], pace: Pace) -> Ways:
    """Return the candidates that were scored, best first, and the one that is fitted fastest."""
    fastest = min(scored, key=lambda outcome: outcome.evaluation.cost.fit, default=None)
    best_first = (Way(str(outcome.candidate.genome), pace.refit(outcome)) for outcome in scored)
    return best_first, None if fastest is None else Way(str(fastest.candidate.genome), pace.refit(fastest))


def _baselines(space: PipelineSpace, pace: Pace, tried: Container[str]) -> Ways:
    """Return the first of the known pipelines, and one that is fitted at once."""
    quick = []
    for text in QUICK:
        with suppress(SearchSpaceError):  # it is for the other task, or its part was taken out
            quick.append(space.adapted(text))
    ways = [Way(str(tree), pace.first_fit(tree)) for tree in (*space.initial[:1], *quick) if str(tree) not in tried]
    return iter(ways[:1]), ways[-1] if ways else None


def _chosen(ways: Ways, left: float | None, start: float, notes: list[str]) -> tuple[Way | None, float | None]:
    """Return the best way that will likely end in the seconds left, and how many of them it may take.

    What the fastest way needs is kept back, for the case that the best one takes longer than was thought; ``start`` are the
    seconds that each try takes beside the fit itself.
    """
    best_first, fastest = ways
    if left is None or fastest is None:
        return next(best_first, fastest), left
    left -= start
    spare = min(fastest.estimate.at(LIKELY) + start, max(left, 0.0) / 4)
    for number, way in enumerate(best_first):
        if way.estimate.at(LIKELY) <= left - spare:
            return way, left - spare
        if number == 0:
            notes.append(
                f"{way.text} was not fitted on the whole table: it would take about {way.estimate.seconds:.2g} s,"
                f" {max(left, 0.0):.2g} s are left; another one was taken. Give more time"
            )
    left = max(left, LEAST_SECONDS)
    return (fastest, left) if fastest.estimate.seconds <= left else (None, None)


def _constant(problem: Problem) -> Any:
    from sklearn.pipeline import make_pipeline

    return make_pipeline(_dummy(problem)).fit(problem.dataset.features.named, problem.dataset.labels)


def after_cleaning(features: Features, model: Any) -> Any:
    """Return a fitted model as a pipeline that begins with the raw table, where the model has seen it cleaned."""
    from sklearn.pipeline import Pipeline

    if features.cleaner is None:
        return model
    steps = model.steps if isinstance(model, Pipeline) else [("model", model)]
    return Pipeline([("cleantable", features.cleaner), *steps])


def constant_source(problem: Problem, comment: str, columns: Mapping[str, Any] | None = None) -> str:
    """Return Python source that makes a constant guess, of the same form as that of a pipeline."""
    return source_of_constant(_dummy(problem), comment, columns)


def _dummy(problem: Problem) -> Any:
    from sklearn.dummy import DummyClassifier, DummyRegressor

    return DummyClassifier(strategy="prior") if problem.dataset.task == "classification" else DummyRegressor()


def baseline(problem: Problem) -> float:
    """Return the mean first score of a constant guess over the folds.

    Raises SettingError if a metric cannot score this target at all: better now than a thousand times later.
    """
    values = []
    for train, test in problem.splits:
        X_test = rows(problem.dataset.features.data, test)  # a metric of the user's own may look at it
        model = _dummy(problem).fit(np.zeros((len(train), 1)), problem.target[train])
        for name, scorer in problem.scorers.items():
            try:
                value = apply(scorer, model, X_test, problem.target[test], None)
            except Exception as error:
                raise SettingError(
                    f"the metric {name!r} cannot score this target: {error}; choose another metric"
                ) from error
            if name == next(iter(problem.scorers)):
                values.append(value)
    return fmean(values)
