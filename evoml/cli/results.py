"""What a run leaves behind: its files, its page, its table of candidates, and the summary at the end."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from evoml.cli.errors import one_line
from evoml.cli.folder import RunFolder
from evoml.core.errors import EvomlError

if TYPE_CHECKING:
    from evoml.evaluation.expected_score import ExpectedScore
    from evoml.journal import Journal


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
        write_report(journal, folder.report)


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
    from rich.console import Console

    from evoml.report import failures_by_kind, leaderboard

    with reading(folder) as journal:
        board, failures, metric = leaderboard(journal, n), failures_by_kind(journal), metric_of(journal)
    board = board[[name for name in board.columns if name not in ("status", "operator", "fit_seconds")]]
    if board.empty:
        typer.echo("no candidate has been scored yet")
    elif Console().is_terminal:
        _draw(board, f"{folder.path}: best by {metric} (cross-validated)")
    else:
        typer.echo(board.to_csv(sep="\t", index=False, float_format="%.5g"), nl=False)
    if len(failures):
        kinds = failures.groupby("status")["count"].sum()
        typer.echo("failed: " + ", ".join(f"{count} {kind.lower()}" for kind, count in kinds.items()), err=True)


def _draw(board: Any, title: str) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title)
    for name in board.columns:
        table.add_column(name, justify="left" if name == "pipeline" else "right", overflow="fold")
    for row in board.itertuples(index=False):
        table.add_row(*(Text(f"{value:.5g}" if isinstance(value, float) else str(value)) for value in row))
    Console().print(table)
