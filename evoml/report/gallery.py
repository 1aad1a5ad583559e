"""Pictures of a run by name, for callers that only pass the name on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evoml.core.errors import SettingError, nearest
from evoml.report.archive_plot import archive_plot
from evoml.report.diagrams import draw_lineage, draw_plan
from evoml.report.influence_plots import dependence_plot, importance_plot, slices_plot
from evoml.report.lineage_plots import family_plot, gains_plot, takeover_plot
from evoml.report.performance_plots import calibration_plot, confusion_plot, ranking_curves, residual_plot
from evoml.report.pipelines import read_graph
from evoml.report.plots import operator_credit_plot, pareto_front, score_over_time
from evoml.report.population_plots import diversity_plot, growth_plot
from evoml.report.record import Readable, Record
from evoml.report.style import in_our_style, note_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@in_our_style
def best_pipeline(journal: Readable) -> Figure:
    """Draw the best pipeline of a run."""
    record = Record.of(journal)
    if record.best is None:
        return note_figure("No candidate has been scored, so there is no pipeline to draw.")
    plan = read_graph(record.scored.at[record.best, "text"])
    if plan is None:
        return note_figure("The best candidate is not a pipeline of steps.")
    return draw_plan(*plan, n_features=record.settings.get("n_features"))


PICTURES = {
    "pipeline": best_pipeline,
    "score": score_over_time,
    "front": pareto_front,
    "lineage": draw_lineage,
    "operators": operator_credit_plot,
    "family": family_plot,
    "gains": gains_plot,
    "takeover": takeover_plot,
    "diversity": diversity_plot,
    "growth": growth_plot,
    "archive": archive_plot,
    "importance": importance_plot,
    "dependence": dependence_plot,
    "slices": slices_plot,
    "curves": ranking_curves,
    "calibration": calibration_plot,
    "confusion": confusion_plot,
    "residuals": residual_plot,
}


def plot(journal: Readable, what: str = "pipeline") -> Figure:
    """Return a picture of a run: ``"pipeline"``, ``"score"``, ``"front"``, ``"lineage"`` or ``"operators"``.

    Of descent and populations: ``"family"`` (all candidates, the best one's ancestors emphasised), ``"gains"``,
    ``"takeover"``, ``"diversity"`` and ``"growth"``; ``"archive"`` of a run with MAP-Elites. Of a model that
    was explained also: ``"importance"``, ``"dependence"`` and ``"slices"``; ``"curves"``, ``"calibration"`` and
    ``"confusion"`` of classes; ``"residuals"`` of numbers.

    Raises SettingError for any other name.
    """
    if what not in PICTURES:
        known = ", ".join(map(repr, PICTURES))
        raise SettingError(f"there is no picture {what!r}{nearest(what, PICTURES)}; there are: {known}")
    return PICTURES[what](journal)
