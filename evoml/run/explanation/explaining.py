"""Explains the model of a finished run on its own folds, within a time limit, and records what was found out."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from evoml.core.errors import BudgetError, DataError, FitError, JournalError
from evoml.evaluation.fitting import fit_table
from evoml.evaluation.surroundings import error_text, quiet
from evoml.run.explanation.dependence import dependences
from evoml.run.explanation.fold_models import FoldModel, averaged, fold_models
from evoml.run.explanation.importance import importances
from evoml.run.explanation.outputs import NOT_SHOWN, measures_of_each
from evoml.run.explanation.performance import performance
from evoml.run.explanation.residuals import residuals
from evoml.run.explanation.slices import slices
from evoml.run.finishing import again_around
from evoml.run.parts import put_together
from evoml.run.search import Search

if TYPE_CHECKING:
    from evoml.evaluation import Problem
    from evoml.evaluation.folds import Fold
    from evoml.journal import Journal

NAME = "explanation"  # of the value in the journal
VERSION = 1
SHARE, USUAL_SECONDS, LEAST_SECONDS = 0.1, 30.0, 3.0
SLICES_SHARE, IMPORTANCE_SHARE = 0.3, 0.7  # of the time that is left

_MUST_AGREE = {
    "data_fingerprint": "the table, its target, weights or groups",
    "task": "the task",
    "fold_rows": "the folds (a splitter that shuffles needs a fixed random_state)",
    "scoring": "the metrics",
}


def default_seconds(run_seconds: float) -> float:
    """Return how long explaining the model of a run may take: as long as the run, at most half a minute or a tenth of it."""
    return max(SHARE * run_seconds, min(run_seconds, USUAL_SECONDS), LEAST_SECONDS)


def explain(wanted: Search, journal: Journal, seconds: float | None = None) -> dict[str, Any]:
    """Explain the model of a finished run, and put the explanation into its journal, which must be open for writing.

    Parameters
    ----------
    wanted : Search
        The search that was recorded; its bounds, executor and callbacks do not matter.
    journal : Journal
    seconds : float or None
        What it may take, about; None for :func:`default_seconds` of the run.

    Returns
    -------
    dict
        What was found out, as the journal keeps it and reports show it.

    Raises
    ------
    JournalError
        If the run has not finished, or has no model but a constant guess.
    DataError
        If the search is of another table or of other folds than the run.
    BudgetError
        If not even one fold can be fitted in the time.
    FitError
        If a part fails.
    """
    began = time.monotonic()
    summary, settings = _summary(journal), journal.settings
    members = _members(journal, summary)
    limit = default_seconds(summary.get("seconds") or 0.0) if seconds is None else seconds
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they were given when the run began
        parts = put_together(replace(wanted, seed=settings["seed"]))
    _check(settings, parts.settings)
    problem, dataset = parts.problem, parts.problem.dataset
    fit_seconds = _fit_seconds(journal, members, len(problem.splits), limit)

    def fitted(fold: Fold) -> Any:
        try:
            models = [fit_table(problem.builder, text, problem.seed, fold.training.copy()) for text in members]
        except Exception as error:  # whatever a part raises
            raise FitError(f"the model could not be fitted to a fold: {error_text(error)}") from error
        return again_around(summary.get("around"), averaged(models, list(members.values()), dataset.several))

    with quiet(problem.seed):
        found = explained(problem, fitted, began + limit, fit_seconds)
    value = {
        "version": VERSION,
        "of": subject(summary),
        "seconds": round(time.monotonic() - began, 2),
        **found,
    }
    journal.put(NAME, value)
    return value


def explained(
    problem: Problem, fitted: Callable[[Fold], Any], until: float, fit_seconds: float | None = None
) -> dict[str, Any]:
    """Return what models do that ``fitted(fold)`` returns in ``fit_seconds``, each asked about its fold's test rows, by name.

    What cannot be worked out is left out, and named in ``notes``; so is what there is no time for by ``until``.
    """
    dataset = problem.dataset
    notes: list[str] = []
    models = fold_models(problem, fitted, until, fit_seconds)
    if len(models) < len(problem.folds):
        notes.append(f"time sufficed for {len(models)} of {len(problem.folds)} folds")
    names = _column_names(problem)
    found: dict[str, Any] = {"folds": len(models), "rows": sum(len(one.y) for one in models)}

    def add(name: str, compute: Callable[[], Any]) -> None:
        try:
            found[name] = compute()
        except Exception as error:  # whatever a part raises costs this section only
            notes.append(f"{name} could not be worked out: {error_text(error)}")

    if dataset.several:
        notes.append(NOT_SHOWN)
        add("performance", lambda: measures_of_each(models, dataset.outputs))
    elif dataset.classes is None:
        add("residuals", lambda: residuals(models, problem.seed))
    else:
        add("performance", lambda: performance(models, [str(label) for label in dataset.classes]))  # type: ignore[union-attr]
    add("slices", lambda: slices(models, names, _after(SLICES_SHARE, until)))
    middle = _after(IMPORTANCE_SHARE, until)
    scorer = next(iter(problem.scorers.values()))
    add("importance", lambda: importances(models, names, scorer, problem.seed, middle))
    if "importance" in found and found["importance"] is None:
        notes.append("there was no time to shuffle the columns")
    if not dataset.several:
        chosen = _chosen(models, names, found.get("importance"))
        add("dependence", lambda: dependences(models, names, chosen, problem.seed, until))
    return {**found, "notes": notes}


def _after(share: float, until: float) -> float:
    """Return the moment at which a share of the time that is left is over."""
    return time.monotonic() + share * (until - time.monotonic())


def _chosen(models: list[FoldModel], names: list[str], importance: Mapping[str, Any] | None) -> list[int]:
    """Return the columns whose influence may be shown, the most important ones first."""
    if importance is None:
        return list(range(len(names)))
    pairs = zip(importance["columns"], importance["means"], strict=True)
    return [names.index(name) for name, mean in pairs if (mean or 0.0) > 0.0]


def _column_names(problem: Problem) -> list[str]:
    features = problem.dataset.features
    if features.frame is not None:
        return [str(name) for name in features.frame.columns]
    return [str(name) for name in features.names or (f"x{at}" for at in range(problem.dataset.n_features))]


def _summary(journal: Journal) -> dict[str, Any]:
    """Return the summary of a run that has a model."""
    summary: dict[str, Any] | None = journal.get("summary")
    if summary is None:
        raise JournalError("the run has not finished, so there is no model to explain; resume it first")
    if not summary.get("model"):
        raise JournalError("the run's model is a constant guess: there is nothing to explain; give it more time")
    return summary


def subject(summary: Mapping[str, Any]) -> list[Any]:
    """Return what names the model of a run: its text, the weights of an ensemble's members, and what is around it."""
    around = (summary.get("around") or {}).get("written")
    return [summary.get("model"), (summary.get("ensemble") or {}).get("weights") or None, *([around] if around else [])]


def _members(journal: Journal, summary: Mapping[str, Any]) -> dict[str, float]:
    """Return the pipelines of the model, as texts, and the share of each in the average."""
    weights = (summary.get("ensemble") or {}).get("weights")
    if not weights:
        return {str(summary["model"]): 1.0}
    texts = journal.individuals()["text"]
    return {str(texts[int(candidate)]): float(weight) for candidate, weight in dict(weights).items()}


def _check(recorded: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    differ = [words for name, words in _MUST_AGREE.items() if recorded.get(name) != settings[name]]
    if differ:
        raise DataError(
            f"this is not what the run saw: {' and '.join(differ)} differ; give the X, y, sample_weight and groups of fit"
        )


def _fit_seconds(journal: Journal, members: Collection[str], n_folds: int, seconds: float) -> float | None:
    """Return what fitting the model to one fold took in the run, if it is known.

    Raises BudgetError if that is longer than ``seconds``.
    """
    table = journal.individuals()
    scored = table[(table["status"] == "OK") & table["duplicate_of"].isna()].drop_duplicates("text").set_index("text")
    if scored.index.isin(members).sum() != len(members):
        return None
    costs = scored.loc[list(members)]
    fit = float((costs["fit_seconds"] + costs["saved_seconds"]).sum()) / n_folds
    if fit > seconds:
        raise BudgetError(
            f"fitting the model to one fold takes about {fit:.2g} s, and explaining it may take {seconds:.3g} s;"
            f" allow about {3 * fit * n_folds:.2g} seconds"
        )
    return fit
