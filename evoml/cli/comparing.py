"""What `evoml compare` does: runs side by side, as tables and as a page or a picture."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from evoml.cli.errors import say
from evoml.cli.lineage import PICTURES, RESOLUTION, print_section, record_of
from evoml.core.errors import SettingError

if TYPE_CHECKING:
    from evoml.report.record import Record

PAGE = ".html"


def compare(runs: Sequence[str], out: str | None) -> None:
    """Print what came out of runs and which settings differ; write a page or a picture where one is asked for."""
    from evoml.report.comparison import caveats, parts_used, records_of, results, settings_that_differ

    if out is not None and Path(out).suffix.lower() not in (PAGE, *PICTURES):
        raise SettingError(f"--out must end in {', '.join((PAGE, *PICTURES))}; got {out}")
    with ExitStack() as open_:
        records = records_of({name: open_.enter_context(record_of(run)) for name, run in _named(runs).items()})
    for note in caveats(records):
        say(f"note: {note}")
    print_section(results(records), "what came out")
    differing = settings_that_differ(records)
    if differing.empty:
        say("the runs were started with the same settings")
    else:
        print_section(differing, "settings that differ")
    print_section(parts_used(records).head(12), "parts used: share of the last population (of a front of formulas)")
    if out is not None:
        _write(records, out)
        say(f"written: {out}")


def _write(records: Mapping[str, Record], out: str) -> None:
    from evoml.report.comparison_page import write_comparison
    from evoml.report.comparison_plots import compare_plot
    from evoml.report.style import our_style

    if Path(out).suffix.lower() == PAGE:
        write_comparison(records, out)
        return
    figure = compare_plot(records)
    with our_style():
        figure.savefig(out, dpi=RESOLUTION)


def _named(runs: Sequence[str]) -> dict[str, str]:
    """Return the runs by names that are as short as can be and all different: the ends of their paths."""
    paths = [Path(os.path.abspath(run)) for run in runs]
    if len(set(paths)) < len(paths):
        raise SettingError("a run is named twice; a comparison needs different runs")
    for depth in range(1, max((len(path.parts) for path in paths), default=1) + 1):
        names = ["/".join(path.parts[-depth:]) for path in paths]
        if len(set(names)) == len(names):
            break
    return dict(zip(names, runs, strict=True))
