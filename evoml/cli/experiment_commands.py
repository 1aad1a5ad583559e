"""The commands below `evoml experiment` and their options; what they do is in experiments.py, loaded when one runs."""

from __future__ import annotations

from typing import Annotated

import typer

from evoml.cli.errors import DIFFERENT

commands = typer.Typer(
    help="Runs experiments: grids of variants, problems and seeds that a file describes; see experiments/README.md.",
    no_args_is_help=True,
)

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="Folder below experiments, or the path of a folder or config.")
]
Out = Annotated[
    str | None,
    typer.Option(help="Folder for journals and results; by default results are beside the config.", metavar="DIR"),
]
Jobs = Annotated[int, typer.Option(help="Processors for all cells together; -1 for all.")]
Memory = Annotated[
    str | None, typer.Option(help="Memory for all cells together, e.g. 8GB; 80 % of the machine's by default.")
]
CellJobs = Annotated[int | None, typer.Option(min=1, help="Processors of one cell; as the config says by default.")]
Cluster = Annotated[
    str | None, typer.Option(help="Dask scheduler whose workers are to run the cells.", metavar="ADDRESS")
]
Only = Annotated[
    list[str] | None,
    typer.Option(help="Cells whose names contain, or match, this: 'wine-*'; as often as needed.", metavar="PATTERN"),
]


@commands.command("run")
def run_cells(
    name: Name,
    out: Out = None,
    jobs: Jobs = -1,
    memory: Memory = None,
    cell_jobs: CellJobs = None,
    cluster: Cluster = None,
    only: Only = None,
) -> None:
    """Run all cells that are not finished, and write the report."""
    from evoml.cli.experiments import run

    if not run(name, out, jobs, memory, cell_jobs, cluster, only or ()):
        raise typer.Exit(DIFFERENT)


@commands.command("resume")
def resume_cells(
    name: Name,
    out: Out = None,
    jobs: Jobs = -1,
    memory: Memory = None,
    cell_jobs: CellJobs = None,
    cluster: Cluster = None,
    only: Only = None,
) -> None:
    """Go on with an experiment that was stopped or killed; cells that were begun go on from their journals."""
    from evoml.cli.experiments import run

    if not run(name, out, jobs, memory, cell_jobs, cluster, only or (), begun=True):
        raise typer.Exit(DIFFERENT)


@commands.command("status")
def show_status(name: Name, out: Out = None) -> None:
    """Tell how far an experiment is, also while it runs."""
    from evoml.cli.experiments import status

    status(name, out)


@commands.command("report")
def write_report(name: Name, out: Out = None) -> None:
    """Write the report, also while the experiment runs, and print what it concludes."""
    from evoml.cli.experiments import report

    report(name, out)


@commands.command("verify")
def verify_cells(
    name: Name,
    out: Out = None,
    jobs: Jobs = -1,
    cell_jobs: CellJobs = None,
    only: Only = None,
    sample: Annotated[int | None, typer.Option(min=1, help="So many cells, drawn from all; all by default.")] = None,
) -> None:
    """Run recorded cells again, and tell whether every bit is the same."""
    from evoml.cli.experiments import verify

    if not verify(name, out, jobs, cell_jobs, only or (), sample):
        raise typer.Exit(DIFFERENT)
