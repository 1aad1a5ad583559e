"""The final model: the best pipeline fitted on the whole table, or the best that can be had without one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np

from evoml.core.errors import SettingError
from evoml.evaluation.folds import rows
from evoml.evaluation.problem import error_text, fit_whole
from evoml.evaluation.scoring import apply

if TYPE_CHECKING:
    from evoml.core.candidate import Outcome
    from evoml.evaluation import Problem
    from evoml.genomes.pipeline_tree import PipelineSpace

TRIES = 3  # at fitting one of the best pipelines, before a baseline is taken


@dataclass(frozen=True)
class FinalModel:
    """A fitted scikit-learn Pipeline, its text in the language of trees, and what the user should know about it."""

    pipeline: Any
    text: str
    notes: tuple[str, ...] = ()


def final_model(problem: Problem, space: PipelineSpace, scored: Sequence[Outcome]) -> FinalModel:
    """Return the first of ``scored`` (best first) that can be fitted on the whole table, else a baseline."""
    notes: list[str] = []
    texts = [str(outcome.candidate.genome) for outcome in scored[:TRIES]]
    if not scored:
        notes.append(
            "no pipeline could be scored within the budget; the model is a simple baseline, not a result of the search."
            " Give more time, or look at the errors in evaluated_individuals_"
        )
        texts = [str(tree) for tree in space.initial[:1]]
    for text in texts:
        try:
            return FinalModel(fit_whole(problem, text), text, tuple(notes))
        except Exception as error:  # any library may raise anything here, and there must be a model
            notes.append(f"{text} could not be fitted on the whole table ({error_text(error)}); another one was taken")
    notes.append("the model is a constant guess: nothing else could be fitted")
    return FinalModel(_constant(problem), "", tuple(notes))


def _constant(problem: Problem) -> Any:
    from sklearn.pipeline import make_pipeline

    return make_pipeline(_dummy(problem)).fit(problem.dataset.features.named, problem.dataset.labels)


def constant_source(problem: Problem, comment: str) -> str:
    """Return Python source that makes a constant guess, of the same form as that of a pipeline."""
    model = _dummy(problem)
    return (
        f'"""A constant guess, written by evoml.\n\n{comment}\n"""\n\n'
        f"from sklearn.dummy import {type(model).__name__}\nfrom sklearn.pipeline import Pipeline\n\n\n"
        f'def make_pipeline() -> Pipeline:\n    return Pipeline([("constant", {model!r})])\n\n\n'
        "pipeline = make_pipeline()\n"
    )


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
