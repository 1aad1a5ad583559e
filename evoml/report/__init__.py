"""Tables, plots and a page about a run, made from its journal alone: finished, stopped, or still going on.

Names resolve on first use, so that importing this package loads neither matplotlib, pandas nor jinja2.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "ancestors": "lineage",
    "best_candidate": "tables",
    "diversity": "population",
    "draw_formula": "formulas",
    "draw_front": "formulas",
    "draw_lineage": "diagrams",
    "draw_plan": "diagrams",
    "draw_program": "programs",
    "ensemble_members": "tables",
    "explanation_tables": "explained",
    "failures_by_kind": "tables",
    "formula_table": "formula_fronts",
    "front": "tables",
    "growth": "population",
    "leaderboard": "tables",
    "lineage_graph": "lineage",
    "lineage_table": "lineage",
    "operator_credit": "tables",
    "operator_credit_plot": "plots",
    "operator_gains": "lineage",
    "pareto_front": "plots",
    "plot": "gallery",
    "readable_pipeline": "pipelines",
    "score_over_time": "plots",
    "summary_table": "tables",
    "takeover": "lineage",
    "write_graphml": "lineage",
    "write_report": "html",
}

__all__ = [
    "ancestors",
    "best_candidate",
    "diversity",
    "draw_formula",
    "draw_front",
    "draw_lineage",
    "draw_plan",
    "draw_program",
    "ensemble_members",
    "explanation_tables",
    "failures_by_kind",
    "formula_table",
    "front",
    "growth",
    "leaderboard",
    "lineage_graph",
    "lineage_table",
    "operator_credit",
    "operator_credit_plot",
    "operator_gains",
    "pareto_front",
    "plot",
    "readable_pipeline",
    "score_over_time",
    "summary_table",
    "takeover",
    "write_graphml",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"evoml.report.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'evoml.report' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
