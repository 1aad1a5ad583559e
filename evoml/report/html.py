"""One self-contained page about a run, for reading, printing and passing on: no scripts, nothing fetched."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evoml.report.diagrams import draw_lineage
from evoml.report.explained import explained, pictures
from evoml.report.gallery import best_pipeline
from evoml.report.pipelines import read_graph, readable_pipeline, shortened, steps_in_words
from evoml.report.plots import operator_credit_plot, pareto_front, score_over_time
from evoml.report.record import Readable, Record, finite
from evoml.report.style import GROUPS, to_svg
from evoml.report.tables import (
    ensemble_members,
    failures_by_kind,
    fold_std,
    leaderboard,
    mapping_text,
    operator_credit,
    score_text,
    summary_table,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

ROWS = 20  # of the leaderboard
MOST_EVENTS = 100
READABLE_SCALE = 0.66  # a wide picture is scrolled rather than shrunk below this share of its size
ENDINGS = {  # what ended a run -> words
    "budget": "its budget was spent",
    "early_stop": "it no longer improved",
    "interrupt": "it was interrupted",
}
SHOWN_ELSEWHERE = {  # settings that stand among the facts
    *(
        "versions",
        "feature_names",
        "columns",
        "task",
        "table",
        "target",
        "n_rows",
        "n_features",
        "classes",
        "outputs",
        "scoring",
        "objectives",
    ),
    *("algorithm", "budget", "seed", "baseline"),
}


def write_report(journal: Readable, path: str | Path) -> Path:
    """Write a page about a run, also an unfinished or failed one, to ``path``; equal journals give equal bytes."""
    target = Path(path)
    target.write_text(render_report(journal), encoding="utf-8")
    return target


def render_report(journal: Readable) -> str:
    """Return the page of :func:`write_report` as text."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("evoml.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    record = Record.of(journal)
    return environment.get_template("report.html").render(
        **_headline(record),
        **_best(record),
        explained=explained(record),
        figures=_figures(record),
        cost_name="" if record.cost_index is None else record.objectives[record.cost_index],
        front=[_front_row(record, one) for one in record.front] if record.cost_index is not None else [],
        members=_members(record),
        ensemble_score=score_text(record.ensemble.get("score")),
        leaderboard=_leaderboard(record),
        failures=failures_by_kind(record).to_dict("records"),
        credit=_credit(record),
        facts=summary_table(record).to_dict("records"),
        settings=_settings(record.settings),
        versions=_settings(record.settings.get("versions") or {}),
        columns=_columns(record.settings),
        feature_names=[str(name) for name in record.settings.get("feature_names") or ()],
        events=_events(record)[:MOST_EVENTS],
        more_events=max(len(record.events) - MOST_EVENTS, 0),
    )


def _columns(settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what was inferred of the raw table's columns; nothing where there were numbers only."""
    return [
        {**one, "missing": f"{one['missing']:.0%}", "kind": "left out" if one["kind"] == "drop" else one["kind"]}
        for one in settings.get("columns") or ()
    ]


# -- what stands at the top -------------------------------------------------------------------------------------------


def _headline(record: Record) -> dict[str, Any]:
    settings, summary = record.settings, record.summary
    evaluated = record.individuals[record.individuals["sequence"].notna() & record.individuals["duplicate_of"].isna()]
    holdout = summary.get("holdout") or {}
    return {
        "title": f"Predicting {settings['target']}" if settings.get("target") else "A search for a model",
        "subtitle": _subtitle(settings),
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


def _subtitle(settings: Mapping[str, Any]) -> str:
    classes = settings.get("classes")
    parts = [
        settings.get("task"),
        settings.get("table"),
        f"{settings['n_rows']:,} rows" if settings.get("n_rows") else None,
        f"{settings['n_features']:,} columns" if settings.get("n_features") else None,
        f"{len(classes)} classes" if classes else None,
        f"{len(settings['outputs'])} columns to predict" if settings.get("outputs") else None,
    ]
    return " · ".join(str(part) for part in parts if part)


def duration(seconds: float) -> str:
    """Return a time span in words, e.g. ``"1 h 02 min"``."""
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


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
    if not operator_credit(record).empty:
        figures["credit"] = operator_credit_plot(record)
    figures |= pictures(record)
    return {name: _embedded(figure, name) for name, figure in figures.items()}


def _embedded(figure: Figure, name: str) -> dict[str, Any]:
    from markupsafe import Markup

    pixels = figure.get_figwidth() * 96
    svg = Markup(to_svg(figure, name))  # safe: Matplotlib escapes every text it writes
    return {"svg": svg, "width": round(pixels), "least": round(pixels * READABLE_SCALE)}


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


def _settings(settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (str(name).replace("_", " "), shortened(mapping_text(value), 400))
        for name, value in settings.items()
        if name not in SHOWN_ELSEWHERE and value is not None
    ]


def _events(record: Record) -> list[dict[str, str]]:
    return [
        {"time": duration(elapsed), "kind": kind.replace("_", " "), "detail": _event_text(detail)}
        for elapsed, kind, detail in record.events
    ]


def _event_text(detail: Mapping[str, Any]) -> str:
    rest = mapping_text({name: value for name, value in detail.items() if name != "message"})
    return shortened("; ".join(part for part in (str(detail.get("message") or ""), rest) if part), 600)
