"""Tables, plots and a page about a run, made from its journal alone: finished, stopped, or still going on.

Names resolve on first use, so that importing this package loads neither matplotlib, pandas nor jinja2.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "best_candidate": "tables",
    "draw_formula": "formulas",
    "draw_front": "formulas",
    "draw_lineage": "diagrams",
    "draw_plan": "diagrams",
    "ensemble_members": "tables",
    "explanation_tables": "explained",
    "failures_by_kind": "tables",
    "front": "tables",
    "leaderboard": "tables",
    "operator_credit": "tables",
    "operator_credit_plot": "plots",
    "pareto_front": "plots",
    "plot": "gallery",
    "readable_pipeline": "pipelines",
    "score_over_time": "plots",
    "summary_table": "tables",
    "write_report": "html",
}

__all__ = [
    "best_candidate",
    "draw_formula",
    "draw_front",
    "draw_lineage",
    "draw_plan",
    "ensemble_members",
    "explanation_tables",
    "failures_by_kind",
    "front",
    "leaderboard",
    "operator_credit",
    "operator_credit_plot",
    "pareto_front",
    "plot",
    "readable_pipeline",
    "score_over_time",
    "summary_table",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"evoml.report.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'evoml.report' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
