"""The page about a search for formulas: the front, the chosen formula, and how the search went."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from evoml.genomes.expression.latex import latex
from evoml.genomes.expression.text import show
from evoml.report.formula_fronts import DIGITS, FormulaFront, column_names, formula_fronts
from evoml.report.formulas import draw_formula, draw_front, typeset
from evoml.report.page import ENDINGS, duration, embedded, environment, facts_of, subtitle
from evoml.report.pipelines import shortened
from evoml.report.population_plots import diversity_plot, growth_plot
from evoml.report.record import Readable, Record, finite
from evoml.report.style import SERIES, in_our_style, new_figure, note_figure, on_powers_of_ten
from evoml.report.tables import mapping_text, score_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOSSES = {
    "mse": "mean squared error",
    "mae": "mean absolute error",
    "r2": "1 - R2",
    "correlation": "1 - correlation",
    "log_loss": "log loss",
}
SCORES = {"mse": "R2", "r2": "R2"}
LEAST_ERROR = 1e-16  # that is drawn: below it the target is met
MOST_FRONTS = 12  # that are drawn, of as many classes


def render(record: Record) -> str:
    """Return the page of a run for formulas."""
    fronts = formula_fronts(record)[:MOST_FRONTS]
    settings, summary = record.settings, record.summary
    target = settings.get("target")
    context: dict[str, Any] = {
        **facts_of(record),
        "facts": _facts(record),
        "title": f"Formulas for {target}" if target else "A search for formulas",
        "subtitle": subtitle(settings),
        "finished": record.finished,
        "stopped_by": summary.get("stopped_by"),
        "ended": ENDINGS.get(str(summary.get("stopped_by")), summary.get("stopped_by")),
        "duration": duration(record.seconds),
        "evaluations": _evaluations(record),
        "generations": len(record.progress),
        "score_name": score_name(record),
        "loss_name": loss_name(record),
        "fronts": [_front(record, front, number) for number, front in enumerate(fronts)],
        "names": column_names(record),
        "figures": _figures(record),
    }
    return str(environment().get_template("formulas.html").render(**context))


def loss_name(record: Record) -> str:
    """Return what the search minimised, in words."""
    loss = str(record.settings.get("loss") or "mse")
    return LOSSES.get(loss, loss)


def score_name(record: Record) -> str:
    """Return what scores of formulas are: R2 for squared errors."""
    return SCORES.get(str(record.settings.get("loss") or "mse"), "score")


def _evaluations(record: Record) -> int:
    recorded = record.progress["evaluations"]
    return int(record.summary.get("evaluations") or (recorded.max() if len(recorded) else 0))


def _facts(record: Record) -> list[dict[str, str]]:
    settings, summary = record.settings, record.summary
    facts = {
        **{name: settings.get(name) for name in ("task", "table", "target")},
        "rows": settings.get("n_rows"),
        "columns": settings.get("n_features"),
        "loss": loss_name(record),
        "algorithm": settings.get("algorithm"),
        "budget": mapping_text(settings.get("budget")),
        "seed": settings.get("seed"),
        "formulas evaluated": f"{_evaluations(record):,}",
        "generations": len(record.progress),
        "seconds": f"{record.seconds:.1f}",
        "CPU seconds": None if summary.get("cpu_seconds") is None else f"{summary['cpu_seconds']:.1f}",
        "stopped by": summary.get("stopped_by") if record.finished else "not finished",
    }
    return [{"fact": name, "value": str(value)} for name, value in facts.items() if value not in (None, "")]


def _front(record: Record, front: FormulaFront, number: int) -> dict[str, Any]:
    """Return what a page shows of front ``number``: its formulas as rows, and its chosen one in full."""
    names, at = column_names(record), front.shown
    losses = front.losses or (None,) * len(front.formulas)
    chosen = front.formulas[at]
    pictures: dict[str, Figure | None] = {
        "typeset": typeset(chosen, names),
        "graph": draw_formula(chosen, names, front.label or str(record.settings.get("target") or "y")),
        "front": draw_front(
            front.formulas,
            front.complexities,
            front.losses or front.errors,
            at,
            names,
            loss_name(record) if front.losses else "error, as a share of the best constant's",
        ),
    }
    return {
        "label": front.label,
        "chosen": front.chosen is not None,
        "score": score_text(1.0 - front.errors[at]),
        "complexity": f"{front.complexities[at]:g}",
        "loss": _short(losses[at]),
        "text": show(chosen, names, DIGITS),
        "latex": latex(chosen, names, DIGITS),
        "figures": {
            name: embedded(figure, f"{name}-{number}") for name, figure in pictures.items() if figure is not None
        },
        "rows": [
            {
                "chosen": place == at,
                "complexity": f"{size:g}",
                "loss": _short(loss),
                "score": _exact(1.0 - error),
                "text": show(formula, names, DIGITS),
            }
            for place, (formula, size, error, loss) in enumerate(
                zip(front.formulas, front.complexities, front.errors, losses, strict=True)
            )
        ],
    }


def _short(loss: Any) -> str:
    number = finite(loss)
    return "" if number is None else f"{number:.4g}"


def _exact(score: float) -> str:
    """Return a score with enough digits to tell 0.9999 from 1."""
    return f"{score:.6f}"


def _figures(record: Record) -> dict[str, Any]:
    figures: dict[str, Figure] = {}
    if len(record.progress) > 1:
        figures["time"] = error_over_time(record)
        if record.progress.get("population") is not None:
            figures |= {"diversity": diversity_plot(record), "growth": growth_plot(record)}
    return {name: embedded(figure, name) for name, figure in figures.items()}


@in_our_style
def error_over_time(journal: Readable) -> Figure:
    """The least error so far of each target, over seconds and over generations, on a scale of powers of ten."""
    record = Record.of(journal)
    if not len(record.progress):
        return note_figure("No generation has been recorded, so there is nothing to plot.")
    figure = new_figure(9.4, 3.4)
    left, right = figure.subplots(1, 2, sharey=True)
    figure.subplots_adjust(left=0.075, right=0.985, top=0.9, bottom=0.14, wspace=0.06)
    labels = [str(label) for label in record.settings.get("labels") or [""]]
    errors = _errors(record, len(labels))
    for axes, times, name in ((left, "elapsed", "seconds"), (right, "generation", "generation")):
        _draw_errors(axes, record.progress[times].to_numpy(float), errors, labels)
        axes.set_xlabel(name)
    on_powers_of_ten(left, float(np.nanmin(errors)), float(np.nanmax(errors)))
    left.set(ylabel=f"error (1 \N{MINUS SIGN} {score_name(record)})")
    right.tick_params(axis="y", which="both", length=0)
    if any(labels):
        figure.legend(*left.get_legend_handles_labels(), loc="upper left", ncols=6, bbox_to_anchor=(0.06, 1.02))
    return figure


def _errors(record: Record, targets: int) -> np.ndarray:
    """Return the least error after each generation: (n_generations, targets)."""
    if "best_error" in record.progress:
        rows = [row if isinstance(row, list) else [np.nan] * targets for row in record.progress["best_error"]]
    else:
        rows = [[1.0 - best] * targets for best in record.progress["best_score"]]
    return np.maximum(np.asarray(rows, float), LEAST_ERROR)


def _draw_errors(axes: Axes, times: np.ndarray, errors: np.ndarray, labels: list[str]) -> None:
    for at, label in enumerate(labels):
        axes.step(
            times, errors[:, at], where="post", lw=1.8, color=SERIES[at % len(SERIES)], label=shortened(label, 24)
        )
    axes.set_xlim(0, float(times[-1]) * 1.02 or 1.0)
