"""One self-contained page about a run, for reading, printing and passing on: no scripts, nothing fetched."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evoml.report.archive_plot import archive_plot
from evoml.report.diagrams import draw_lineage
from evoml.report.explained import explained, pictures
from evoml.report.gallery import best_pipeline
from evoml.report.lineage_plots import family_plot, gains_plot, takeover_plot
from evoml.report.page import ENDINGS, duration, embedded, environment, facts_of, subtitle
from evoml.report.pipelines import read_graph, readable_pipeline, steps_in_words
from evoml.report.plots import operator_credit_plot, pareto_front, score_over_time
from evoml.report.population_plots import diversity_plot, growth_plot
from evoml.report.record import Readable, Record, finite
from evoml.report.style import GROUPS
from evoml.report.tables import (
    ensemble_members,
    failures_by_kind,
    fold_std,
    leaderboard,
    operator_credit,
    score_text,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

ROWS = 20  # of the leaderboard
PAGES = {  # kind of run -> the module that renders its page
    "formulas": "evoml.report.formula_page",
    "programs": "evoml.report.program_page",
}


def write_report(journal: Readable, path: str | Path) -> Path:
    """Write a page about a run, also an unfinished or failed one, to ``path``; equal journals give equal bytes."""
    target = Path(path)
    target.write_text(render_report(journal), encoding="utf-8")
    return target


def render_report(journal: Readable) -> str:
    """Return the page of :func:`write_report` as text: each kind of run has its own, others have that of pipelines."""
    record = Record.of(journal)
    home = PAGES.get(str(record.settings.get("kind")))
    return render_pipelines(record) if home is None else str(import_module(home).render(record))


def render_pipelines(record: Record) -> str:
    """Return the page about a search for pipelines."""
    return (
        environment()
        .get_template("report.html")
        .render(
            **_headline(record),
            **_best(record),
            **facts_of(record),
            explained=explained(record),
            figures=_figures(record),
            cost_name="" if record.cost_index is None else record.objectives[record.cost_index],
            front=[_front_row(record, one) for one in record.front] if record.cost_index is not None else [],
            members=_members(record),
            ensemble_score=score_text(record.ensemble.get("score")),
            leaderboard=_leaderboard(record),
            failures=failures_by_kind(record).to_dict("records"),
            credit=_credit(record),
        )
    )


# -- what stands at the top -------------------------------------------------------------------------------------------


def _headline(record: Record) -> dict[str, Any]:
    settings, summary = record.settings, record.summary
    evaluated = record.individuals[record.individuals["sequence"].notna() & record.individuals["duplicate_of"].isna()]
    holdout = summary.get("holdout") or {}
    return {
        "title": f"Predicting {settings['target']}" if settings.get("target") else "A search for a model",
        "subtitle": subtitle(settings),
        "finished": record.finished,
        "stopped_by": summary.get("stopped_by"),
        "ended": ENDINGS.get(str(summary.get("stopped_by")), summary.get("stopped_by")),
        "model": _other_model(record),
        "pending": int((record.individuals["status"] == "PENDING").sum()),
        "asked": len(record.individuals),
        "evaluations": summary.get("evaluations", len(evaluated)),
        "evaluated": len(evaluated),
        "generations": len(record.progress),
        "duration": duration(record.seconds),
        "metric": record.metric,
        "n_scored": len(record.scored),
        "holdout": score_text(holdout.get("score")),
        "expected": {name: score_text(value) for name, value in (summary.get("expected") or {}).items()},
        "holdout_low": score_text(holdout.get("low")),
        "holdout_high": score_text(holdout.get("high")),
        "holdout_metric": holdout.get("metric") or record.metric,
        "holdout_rows": holdout.get("rows"),
        "baseline": score_text(record.baseline),
    }


def _other_model(record: Record) -> str | None:
    """Return the pipeline the run handed over where it is not the best candidate; empty for a constant guess."""
    text = record.summary.get("model")
    if text is None or record.best is None:
        return text  # type: ignore[no-any-return]
    best = record.scored.at[record.best, "text"]
    return None if text == best or readable_pipeline(text) == readable_pipeline(best) else str(text)


def _members(record: Record) -> list[dict[str, Any]]:
    """Return the pipelines of the ensemble, if the model is one."""
    members = ensemble_members(record).to_dict("records")
    return [{**one, "weight": f"{one['weight']:.2f}", "score": score_text(one["score"])} for one in members]


def _best(record: Record) -> dict[str, Any]:
    if record.best is None:
        return {"best": None, "steps": [], "group_colours": {}}
    row = record.scored.loc[record.best]
    folds = row["fold_scores"].get(record.metric, ())
    plan = read_graph(row["text"])
    count = record.settings.get("n_features")
    best = {
        "id": record.best,
        "score": score_text(row["selection"]),
        "std": score_text(fold_std(folds)),
        "folds": [score_text(value) for value in folds],
        "text": row["text"],
        "readable": readable_pipeline(row["text"]),
        "operator": row["operator"],
        "generation": int(row["generation"]),
        "n_ancestors": _count_ancestors(record),
    }
    steps = [] if plan is None else steps_in_words(*plan, n_features=count)
    return {"best": best, "steps": steps, "group_colours": {name: edge for name, (edge, _, _) in GROUPS.items()}}


def _count_ancestors(record: Record) -> int:
    parents = record.individuals["parents"]
    found: set[int] = set()
    open_ones = [record.best]
    while open_ones:
        for parent in parents[open_ones.pop()]:
            if parent not in found:
                found.add(parent)
                open_ones.append(parent)
    return len(found)


# -- pictures ---------------------------------------------------------------------------------------------------------


def _figures(record: Record) -> dict[str, Any]:
    """Return the pictures there is something to show for, by name."""
    if record.best is None:
        return {}
    figures: dict[str, Figure] = {"time": score_over_time(record)}
    if record.cost_index is not None:
        figures["front"] = pareto_front(record)
    if read_graph(record.scored.at[record.best, "text"]) is not None:
        figures["plan"] = best_pipeline(record)
    figures["lineage"] = draw_lineage(record)
    bred = bool(record.individuals["parents"].map(len).any())
    if bred:
        figures |= {"family": family_plot(record), "gains": gains_plot(record)}
    if len(record.populations) > 1:
        figures |= {"takeover": takeover_plot(record)} if bred else {}
        figures |= {"diversity": diversity_plot(record), "growth": growth_plot(record)}
    if record.archive:
        figures["archive"] = archive_plot(record)
    if not operator_credit(record).empty:
        figures["credit"] = operator_credit_plot(record)
    figures |= pictures(record)
    return {name: embedded(figure, name) for name, figure in figures.items()}


# -- tables -----------------------------------------------------------------------------------------------------------

_HEADINGS = {
    "rank": "",
    "id": "id",
    "score": "selection score",
    "fit_seconds": "fit, s",
    "operator": "made by",
}


def _leaderboard(record: Record) -> dict[str, Any]:
    table = leaderboard(record, ROWS).drop(columns="status")
    names = [name for name in table.columns if name != "std"]
    extra = {metric: metric.replace("_", " ") for metric in record.metrics[1:]}
    rows = [
        {"best": row["id"] == record.best, "cells": [_cell(name, row) for name in names]}
        for row in table.to_dict("records")
    ]
    return {"headings": [extra.get(name) or _HEADINGS.get(name, name) for name in names], "rows": rows}


def _cell(name: str, row: Mapping[Any, Any]) -> dict[str, Any]:
    if name in ("pipeline", "operator"):
        return {"text": str(row[name]), "kind": "code" if name == "pipeline" else "words"}
    number = finite(row[name])
    if number is None:
        return {"text": "", "kind": "number"}
    if name == "score":
        spread = score_text(row["std"])
        return {"text": score_text(number) + (f" ± {spread}" if spread else ""), "kind": "number"}
    text = f"{number:.2f}" if name == "fit_seconds" else f"{number:.0f}" if number.is_integer() else score_text(number)
    return {"text": text, "kind": "number"}


def _front_row(record: Record, one: int) -> dict[str, Any]:
    row = record.scored.loc[one]
    return {
        "id": one,
        "score": score_text(row["selection"]),
        "cost": f"{finite(row['cost']) or 0.0:g}",
        "pipeline": readable_pipeline(row["text"]),
        "best": one == record.best,
    }


def _credit(record: Record) -> list[dict[str, Any]]:
    table: pd.DataFrame = operator_credit(record)
    rows = table.to_dict("records")
    for row in rows:
        probability = finite(row["probability"])
        row["success_rate"] = f"{row['success_rate']:.0%}"
        row["probability"] = f"{probability:.0%}" if probability is not None else ""
    return [{str(name): value for name, value in row.items()} for row in rows]
