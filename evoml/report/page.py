"""What all pages share: how they are made, the facts and settings of a run at their foot, and pictures within them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from evoml.report.pipelines import shortened
from evoml.report.record import Record
from evoml.report.style import to_svg
from evoml.report.tables import mapping_text, summary_table

if TYPE_CHECKING:
    from jinja2 import Environment
    from matplotlib.figure import Figure

MOST_EVENTS = 100
READABLE_SCALE = 0.66  # a wide picture is scrolled rather than shrunk below this share of its size
ENDINGS = {  # what ended a run -> words
    "budget": "its budget was spent",
    "early_stop": "it no longer improved",
    "interrupt": "it was interrupted",
}
SHOWN_ELSEWHERE = {  # settings that stand among the facts, or in pictures
    *("kind", "loss", "labels", "names", "versions", "feature_names", "columns", "task", "table", "target", "n_rows"),
    *("n_features", "classes", "outputs", "scoring", "objectives", "algorithm", "budget", "seed", "baseline"),
}


def environment() -> Environment:
    """Return what fills in the templates: text from data is escaped, and a name that is not there is an error."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("evoml.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )


def facts_of(record: Record) -> dict[str, Any]:
    """Return what stands at the foot of a page about a run: events, facts, columns, settings and versions."""
    return {
        "facts": summary_table(record).to_dict("records"),
        "settings": _settings(record.settings),
        "versions": _settings(record.settings.get("versions") or {}),
        "columns": _columns(record.settings),
        "feature_names": [str(name) for name in record.settings.get("feature_names") or ()],
        "events": _events(record)[:MOST_EVENTS],
        "more_events": max(len(record.events) - MOST_EVENTS, 0),
    }


def subtitle(settings: Mapping[str, Any]) -> str:
    """Return what a run was about, in one line."""
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


def _columns(settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what was inferred of the raw table's columns; nothing where there were numbers only."""
    return [
        {**one, "missing": f"{one['missing']:.0%}", "kind": "left out" if one["kind"] == "drop" else one["kind"]}
        for one in settings.get("columns") or ()
    ]


def duration(seconds: float) -> str:
    """Return a time span in words, e.g. ``"1 h 02 min"``."""
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def embedded(figure: Figure, name: str) -> dict[str, Any]:
    """Return a picture as a template takes it: SVG, its width in pixels, and the least width at which it can be read."""
    from markupsafe import Markup

    pixels = figure.get_figwidth() * 96
    svg = Markup(to_svg(figure, name))  # safe: Matplotlib escapes every text it writes
    return {"svg": svg, "width": round(pixels), "least": round(pixels * READABLE_SCALE)}


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
