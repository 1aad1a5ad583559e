"""What `evoml lineage` does: the descent of a run's best candidate, who made the gains, and how the population changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from evoml.cli.errors import say
from evoml.cli.folder import RunFolder
from evoml.cli.results import print_table, record_in
from evoml.core.errors import SettingError, nearest

if TYPE_CHECKING:
    import pandas as pd

    from evoml.report.record import Record

PICTURES = (".png", ".svg", ".pdf")
RESOLUTION = 160  # dots an inch
MOST_LINES = 40  # of a table of ancestors


@contextmanager
def record_of(run: str) -> Iterator[Record]:
    """Read what a run's folder, or a journal file, holds."""
    from evoml.cli.results import reading
    from evoml.journal import Journal
    from evoml.report.record import Record

    if Path(run).is_file():
        with Journal.read(run) as journal:
            yield Record.of(journal)
        return
    folder = RunFolder.existing(run)
    with reading(folder) as journal:
        yield record_in(folder, journal)


def lineage(run: str, candidate: int | None, graphml: str | None, csv: str | None, picture: str | None) -> None:
    """Print a candidate's descent and what follows from all of them; write the files that are asked for."""
    from evoml.report.lineage import lineage_table, write_graphml

    _check_picture(picture)
    with record_of(run) as record:
        if graphml is not None:
            write_graphml(record, graphml)
        if csv is not None:
            lineage_table(record).to_csv(csv, index=False)
        if picture is not None:
            save_picture(record, candidate, picture)
        if record.individuals["parents"].map(len).any():
            _print_descent(record, candidate)
        else:
            say(
                "the journal holds no parents: candidates are the best of a population, or there are only founders so far"
            )
        _print_population(record)
    for written in (graphml, csv, picture):
        if written is not None:
            say(f"written: {written}")


def _check_picture(path: str | None) -> None:
    if path is not None and Path(path).suffix.lower() not in PICTURES:
        hint = nearest(Path(path).suffix, PICTURES)
        raise SettingError(f"a picture's file must end in {', '.join(PICTURES)}; got {path}{hint}")


def save_picture(record: Record, candidate: int | None, path: str) -> None:
    """Write a picture of descent: a tree with words for a few candidates, all of them at once for many."""
    from evoml.report.diagrams import draw_lineage
    from evoml.report.lineage_plots import FEW, family_plot
    from evoml.report.style import our_style

    draw = draw_lineage if len(record.scored) <= FEW else family_plot
    figure = draw(record, candidate)
    with our_style():
        figure.savefig(path, dpi=RESOLUTION)


def _print_descent(record: Record, candidate: int | None) -> None:
    from evoml.report.lineage import ancestors, operator_gains
    from evoml.report.pipelines import readable_pipeline, shortened

    found = ancestors(record, candidate)
    line = found[found["on_line"]]
    board = line[["id", "generation", "operator", "score", "gain"]].tail(MOST_LINES)
    texts = [shortened(readable_pipeline(text), 100) for text in line["text"].tail(MOST_LINES)]
    chosen, founders = found["id"].iloc[-1], int((found["generation"] == 0).sum())
    kin = f"candidate {chosen}: {len(found) - 1} ancestors, {founders} of them in the first population"
    print_section(board.assign(pipeline=texts), f"{kin}; its line of better parents")
    print_section(operator_gains(record, candidate), "gains by variation")


def _print_population(record: Record) -> None:
    from evoml.report.lineage import takeover
    from evoml.report.population import diversity, growth

    series = diversity(record).merge(growth(record)[["generation", "size", "score", "best_score"]], on="generation")
    if series.empty:
        return
    series = series.rename(columns={"size": "median_size", "score": "median_score"})
    few = sorted({round(at * (len(series) - 1) / 9) for at in range(10)})
    print_section(series.iloc[few], "the population over time")
    shares = takeover(record)
    if len(shares) and record.individuals["parents"].map(len).any():
        last = shares.iloc[[-1]].rename(columns={name: f"#{name}" for name in shares.columns if isinstance(name, int)})
        print_section(last, "founders' shares in the descent of the last population")


def print_section(board: pd.DataFrame, title: str) -> None:
    """Print a table under a title; where it is not drawn, the title is a comment of its own."""
    from rich.console import Console

    if not Console().is_terminal:
        typer.echo(f"# {title}")
    print_table(board, title)
