"""The page about a search for programs that learn: the chosen one, the champions before it, and how the search went."""

from __future__ import annotations

from typing import Any

from evoml.genomes.program.text import read
from evoml.report.page import ENDINGS, duration, embedded, environment, facts_of, subtitle
from evoml.report.programs import draw_program, fitness_over_time
from evoml.report.record import Record
from evoml.report.tables import mapping_text, score_text

MOST_CHAMPIONS = 30


def render(record: Record) -> str:
    """Return the page of a run for programs."""
    settings, summary = record.settings, record.summary
    target, champion = settings.get("target"), _champion(record)
    figures = {}
    if champion is not None:
        figures["program"] = embedded(draw_program(read(champion["text"])), "program")
    if len(record.progress) > 1:
        figures["time"] = embedded(fitness_over_time(record), "time")
    report = summary.get("report")
    recorded = record.progress["evaluations"] if len(record.progress) else []
    context: dict[str, Any] = {
        **facts_of(record),
        "facts": _facts(record),
        "title": f"A learning algorithm for {target}" if target else "A search for a learning algorithm",
        "subtitle": subtitle(settings),
        "finished": record.finished,
        "stopped_by": summary.get("stopped_by"),
        "ended": ENDINGS.get(str(summary.get("stopped_by")), summary.get("stopped_by")),
        "duration": duration(record.seconds),
        "evaluations": f"{int(summary.get('evaluations') or max(recorded, default=0)):,}",
        "classes": bool(settings.get("classification")),
        "champion": champion,
        "report": score_text(sum(report) / len(report)) if report else None,
        "tasks": settings.get("tasks") or {},
        "rows": _rows(record, champion),
        "figures": figures,
    }
    return str(environment().get_template("programs.html").render(**context))


def _champion(record: Record) -> dict[str, Any] | None:
    """Return the chosen program as it was recorded, or the best so far."""
    champions = _champions(record)
    best = max(champions, key=lambda one: (one["value"], -int(one["size"])), default=None)
    chosen = (record.summary.get("champion") or {}).get("text")
    return next((one for one in champions if one["text"] == chosen), best)


def _champions(record: Record) -> list[dict[str, Any]]:
    found = record.individuals[record.individuals["status"] == "OK"]
    return [
        {
            "text": row.text,
            "generation": row.generation,
            "island": row.operator,
            "value": row.scores[0],
            "select": score_text(row.scores[0]),
            "search": score_text(row.fold_scores["search"][0]),
            "size": f"{-row.scores[1]:g}",
        }
        for row in found.itertuples()
    ]


def _rows(record: Record, champion: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Return the last champions, the chosen one marked."""
    text = None if champion is None else champion["text"]
    return [{**one, "chosen": one["text"] == text} for one in _champions(record)[-MOST_CHAMPIONS:]]


def _facts(record: Record) -> list[dict[str, str]]:
    settings, summary = record.settings, record.summary
    counts = summary.get("counts") or {}
    facts = {
        **{name: settings.get(name) for name in ("task", "table", "target")},
        "features": settings.get("n_features"),
        "population": settings.get("population_size"),
        "tournament": settings.get("tournament_size") or "none: random search",
        "islands": settings.get("islands"),
        "budget": mapping_text(settings.get("budget")),
        "seed": settings.get("seed"),
        "programs known by their instructions": f"{counts['repeated']:,}" if counts else None,
        "programs known by their errors": f"{counts['equal']:,}" if counts else None,
        "seconds": f"{record.seconds:.1f}",
        "CPU seconds": None if summary.get("cpu_seconds") is None else f"{summary['cpu_seconds']:.1f}",
        "stopped by": summary.get("stopped_by") if record.finished else "not finished",
    }
    return [{"fact": name, "value": str(value)} for name, value in facts.items() if value not in (None, "")]
