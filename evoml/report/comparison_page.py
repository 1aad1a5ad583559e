"""One self-contained page about several runs: what differs, what came out, and pictures of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evoml.report.comparison import caveats, parts_used, records_of, results, settings_that_differ, time_spent
from evoml.report.comparison_plots import compare_plot, parts_plot, time_plot
from evoml.report.page import embedded, environment

if TYPE_CHECKING:
    import pandas as pd

    from evoml.report.record import Readable


def write_comparison(runs: Mapping[str, Readable], path: str | Path) -> Path:
    """Write a page about several runs, by the names given; equal journals give equal bytes."""
    target = Path(path)
    target.write_text(render_comparison(runs), encoding="utf-8")
    return target


def render_comparison(runs: Mapping[str, Readable]) -> str:
    """Return the page of :func:`write_comparison` as text."""
    records = records_of(runs)
    figures: dict[str, Any] = {"curves": embedded(compare_plot(records), "curves")}
    if not parts_used(records).empty:
        figures["parts"] = embedded(parts_plot(records), "parts")
    if not time_spent(records).empty:
        figures["time"] = embedded(time_plot(records), "time")
    return str(
        environment()
        .get_template("comparison.html")
        .render(
            title=f"{len(records)} runs compared",
            subtitle=" · ".join(records),
            caveats=caveats(records),
            names=list(records),
            settings=_rows(settings_that_differ(records)),
            results=_rows(results(records)),
            figures=figures,
        )
    )


def _rows(table: pd.DataFrame) -> list[list[str]]:
    return [[str(value) for value in row] for row in table.itertuples(index=False, name=None)]
