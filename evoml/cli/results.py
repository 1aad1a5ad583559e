"""What a run leaves behind: its files, its page, its table of candidates, and the summary at the end."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import typer

from evoml.cli.errors import one_line
from evoml.cli.folder import RunFolder
from evoml.core.errors import EvomlError

if TYPE_CHECKING:
    import pandas as pd

    from evoml.evaluation.expected_score import ExpectedScore
    from evoml.journal import Journal
    from evoml.report.record import Record


@contextmanager
def reading(folder: RunFolder) -> Iterator[Journal]:
    """Open a folder's journal for reading, also while the run goes on."""
    from evoml.journal import Journal

    with Journal.read(folder.journal) as journal:
        yield journal


def metric_of(journal: Journal) -> str:
    """Return the name of the metric a run selects by."""
    from evoml.report.record import Record

    return Record.of(journal).metric


def record_holdout(folder: RunFolder, found: ExpectedScore, rows: int) -> None:
    """Add the hold-out score to the journal's summary, where reports find it."""
    from evoml.journal import Journal

    with Journal.resume(folder.journal) as journal:
        told = {"score": found.value, "low": found.low, "high": found.high, "rows": rows}
        journal.put("summary", {**(journal.get("summary") or {}), "holdout": told})


def write_all(*writers: Callable[[], object]) -> list[str]:
    """Call each writer; one that fails does not cost the others. Returns what failed, in words."""
    failures = []
    for write in writers:
        try:
            write()
        except (EvomlError, OSError) as error:
            failures.append(one_line(error))
    return failures


def write_page(folder: RunFolder) -> None:
    """Write the page about a run from its journal, also while the run goes on."""
    from evoml.report import write_report

    with reading(folder) as journal:
        write_report(record_in(folder, journal), folder.report)


def record_in(folder: RunFolder, journal: Journal) -> Record:
    """Return what a folder's journal holds, with what only the folder knows of the table."""
    from evoml.report.record import Record

    record = Record.of(journal)
    options = folder.read_record().get("options") or {} if folder.record.is_file() else {}
    known = {name: options[name] for name in ("table", "target") if options.get(name) is not None}
    return replace(record, settings={**known, **record.settings})


def summarise(folder: RunFolder, facts: Mapping[str, Any], libraries: Collection[str]) -> None:
    """Print what came out of a run, where it is, and what to do next."""
    trust = "".join(f" --trust {library}" for library in libraries)
    score = facts["selection_score"]
    told = "no pipeline was scored" if score is None else f"{score:.5g} {facts['metric']}"
    lines = [
        *_model(folder),
        f"selection score (cross-validated, chosen on this data): {told}",
    ]
    if expected := facts["expected"]:
        interval = f"95 % interval {expected['low']:.5g} to {expected['high']:.5g}"
        lines.append(f"estimated score on new rows: {expected['value']:.5g} {facts['metric']} ({interval})")
    if "holdout_score" in facts:
        rows = f"{facts['holdout_rows']} rows the search never saw"
        low, high = facts["holdout_interval"] or (math.nan, math.nan)
        interval = f" (95 % interval {low:.5g} to {high:.5g})" if math.isfinite(low) else ""
        lines.append(f"hold-out score ({rows}): {facts['holdout_score']:.5g} {facts['metric']}{interval}")
    if facts["stopped_by"] == "interrupt":
        lines.append(f"the run was interrupted; go on with it by: evoml resume {folder.path}")
    lines += [
        f"files in {folder.path}: {', '.join(file.name for file in folder.files())}",
    ]
    following = {f"evoml show {folder.path}": "the best candidates"}
    if folder.model.is_file():
        following = {f"evoml predict {folder.path} TABLE{trust}": "predictions for new rows", **following}
    lines += [
        f"{'      ' if at else 'next: '}{command}   ({what})" for at, (command, what) in enumerate(following.items())
    ]
    for line in lines:
        typer.echo(line)


def _model(folder: RunFolder) -> list[str]:
    """Return what the model is, in words."""
    from evoml.report import ensemble_members, readable_pipeline

    with reading(folder) as journal:
        summary = journal.get("summary") or {}
        members = ensemble_members(journal)
    best = f"best pipeline: {readable_pipeline(summary.get('model') or '') or 'a constant guess'}"
    if members.empty:
        return [best]
    weights = ", ".join(f"{weight:.2f}" for weight in members["weight"])
    return [best, f"model: the average of {len(members)} pipelines (weights {weights}; see the report)"]


def show(folder: RunFolder, n: int) -> None:
    """Print the best candidates of a run and its failures: as a table on a terminal, tab-separated anywhere else."""
    from evoml.report import failures_by_kind, leaderboard

    if folder.kind == "formulas":
        _show_formulas(folder, n)
        return
    with reading(folder) as journal:
        board, failures, metric = leaderboard(journal, n), failures_by_kind(journal), metric_of(journal)
    board = board[[name for name in board.columns if name not in ("status", "operator", "fit_seconds")]]
    board["pipeline"] = [" ".join(text.split()) for text in board["pipeline"]]  # a program has several lines
    if board.empty:
        typer.echo("no candidate has been scored yet")
    else:
        print_table(board, f"{folder.path}: best by {metric} (cross-validated)")
    if len(failures):
        kinds = failures.groupby("status")["count"].sum()
        typer.echo("failed: " + ", ".join(f"{count} {kind.lower()}" for kind, count in kinds.items()), err=True)


def _show_formulas(folder: RunFolder, n: int) -> None:
    """Print the ``n`` most exact formulas of the front, in ascending order of complexity, and the chosen one as LaTeX."""
    from evoml.report import formula_table

    with reading(folder) as journal:
        table = formula_table(journal)
    if table.empty:
        typer.echo("no formula has been found yet that is better than a constant")
        return
    board = table.sort_values("score").tail(n).sort_index()
    board = board.assign(chosen=["*" if chosen else "" for chosen in board["chosen"]])
    ended = board["loss"].notna().any()
    hidden = ["latex", *([] if ended else ["loss", "chosen"])]
    print_table(board.drop(columns=hidden), f"{folder.path}: {'the front' if ended else 'the front so far'}")
    for row in (table[table["chosen"]] if ended else table.tail(1)).to_dict("records"):
        typer.echo(f"latex{' of ' + row['class'] if 'class' in row else ''}: {row['latex']}")


def print_table(board: pd.DataFrame, title: str) -> None:
    """Print a table: drawn with its title on a terminal, tab-separated anywhere else."""
    from rich.console import Console

    if Console().is_terminal:
        _draw(board, title)
    else:
        typer.echo(board.to_csv(sep="\t", index=False, float_format="%.5g"), nl=False)


def _draw(board: pd.DataFrame, title: str) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title)
    for name in board.columns:
        words = board[name].map(lambda value: isinstance(value, str)).all()
        table.add_column(str(name), justify="left" if words else "right", overflow="fold")
    for row in board.itertuples(index=False):
        table.add_row(*(Text(f"{value:.5g}" if isinstance(value, float) else str(value)) for value in row))
    Console().print(table)
