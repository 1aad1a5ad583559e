"""What `evoml experiment ...` does: experiments run, looked at, reported and verified."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from evoml.cli.errors import say, short_warnings

if TYPE_CHECKING:
    from evoml.experiment.config import Experiment
    from evoml.experiment.remaining import Remaining
    from evoml.experiment.running import Standing

MINUTE, HOUR = 60, 3600


def run(
    name: str,
    out: str | None,
    jobs: int,
    memory: str | None,
    cell_jobs: int | None,
    cluster: str | None,
    only: Sequence[str],
    begun: bool = False,
) -> bool:
    """Run what is not finished, and write the report; return whether all is finished. ``begun`` demands an earlier sitting."""
    from evoml.core.errors import SettingError
    from evoml.estimators.parameters import worker_memory
    from evoml.experiment.config import read_config
    from evoml.experiment.running import places, run_experiment

    experiment = read_config(name)
    where = places(experiment, out)
    if begun and not (where.work / "cells").is_dir():
        raise SettingError(f"there is nothing to resume in {where.work}: begin with `evoml experiment run {name}`")
    say(f"experiment: {experiment.title}")
    say(f"journals in {where.work}, results in {where.results} (Ctrl-C stops; `evoml experiment resume` goes on)")
    room = None if memory is None else worker_memory(memory, 1)
    with short_warnings(), _shown(experiment) as watch:
        results = run_experiment(
            experiment, out=out, jobs=jobs, memory=room, cell_jobs=cell_jobs, cluster=cluster, only=only, watch=watch
        )
    failed = [row for row in results.rows.values() if not row.finished]
    for row in failed:
        say(f"failed: {row.cell}: {row.error}")
    if failed and len(failed) == len(results.rows):
        say("no cell is finished, so there is nothing to report: see above why they failed")
        return False
    report(name, out)
    return not failed


def status(name: str, out: str | None) -> None:
    """Print how far an experiment is, also while it runs."""
    from evoml.experiment.cells import cells_of
    from evoml.experiment.config import read_config
    from evoml.experiment.running import known_results, places
    from evoml.experiment.sources import told_of_others

    experiment = read_config(name)
    where = places(experiment, out)
    cells = cells_of(experiment, where.work)
    results = known_results(where, cells)
    finished = {row.cell for row in results.finished(cells)}
    counts = {
        "finished": len(finished),
        "failed": sum(row.status == "failed" for row in results.rows.values()),
        "begun": sum(cell.id not in finished and cell.folder.is_dir() for cell in cells),
    }
    typer.echo(f"{experiment.title}: {len(cells)} cells, " + ", ".join(f"{n} {what}" for what, n in counts.items()))
    for problem in experiment.problems:
        here = [cell for cell in cells if cell.problem == problem]
        typer.echo(f"  {problem}: {sum(cell.id in finished for cell in here)} of {len(here)}")
    if others := told_of_others(results.finished(cells), cells):
        typer.echo(others)


def report(name: str, out: str | None) -> None:
    """Write the report, and print what it concludes."""
    from evoml.experiment.report import write_experiment_report

    written = write_experiment_report(name, out=out)
    for line in written.conclusions:
        typer.echo(line)
    typer.echo(f"report: {_short(written.path)}")


def verify(
    name: str, out: str | None, jobs: int, cell_jobs: int | None, only: Sequence[str], sample: int | None
) -> bool:
    """Run recorded cells again, and print what came of it; return whether none was different and one was compared."""
    from evoml.experiment.verifying import DIFFERENT, EQUAL
    from evoml.experiment.verifying import verify as run_again

    with short_warnings():
        verdicts = run_again(name, out=out, jobs=jobs, cell_jobs=cell_jobs, only=only, sample=sample, watch=typer.echo)
    equal, different = (sum(one.status == what for one in verdicts) for what in (EQUAL, DIFFERENT))
    typer.echo(
        f"{equal} equal to the last bit, {different} different, {len(verdicts) - equal - different} not compared"
    )
    return bool(equal) and not different


def _short(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


# -- progress ---------------------------------------------------------------------------------------------------------


@contextmanager
def _shown(experiment: Experiment) -> Iterator[Callable[[Standing], object]]:
    """Show progress on stderr: a bar on a terminal, else a line for each cell."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)

        def watch(standing: Standing) -> None:
            left = left_in_words(standing.remaining) if standing.left else "all done"
            if standing.latest is not None:
                row = standing.latest
                measure = row.measures.get(experiment.measure)
                told = f"{experiment.measure} {measure:.6g}" if measure is not None else row.error or "done"
                line = f"[{standing.finished}/{standing.cells}] {row.cell}: {told}, {in_words(row.seconds)}"
                say(line if console.is_terminal else f"{line}; {left}")
            description = f"{left}  {', '.join(standing.running)}"[:100]
            bar.update(task, total=standing.cells, completed=standing.finished, description=description)

        yield watch


def left_in_words(left: Remaining | None) -> str:
    """Return the time that is left as a range."""
    if left is None:
        return "time left not known yet"
    low, high = in_words(left.low), in_words(left.high)
    return f"{low} left" if low == high else f"{low} to {high} left"


def in_words(seconds: float) -> str:
    """Return a time with as many digits as it deserves."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 2 * MINUTE:
        return f"{seconds:.0f} s"
    return f"{seconds / MINUTE:.0f} min" if seconds < 2 * HOUR else f"{seconds / HOUR:.1f} h"
