"""The commands and their options; what they do is in the modules beside this one, loaded when a command runs."""

from __future__ import annotations

from typing import Annotated

import typer

from evoml.cli.errors import DIFFERENT, Commands
from evoml.cli.experiment_commands import commands as experiment_commands

app = typer.Typer(
    cls=Commands,
    name="evoml",
    help="Evolves machine-learning pipelines for a table, and uses the best one.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(experiment_commands, name="experiment")

Folder = Annotated[str, typer.Argument(metavar="DIR", help="Folder of a run, as `evoml fit` wrote it.")]
NewFolder = Annotated[str | None, typer.Option(help="New folder for the results; runs/TABLE-TIME by default.")]
Seed = Annotated[int | None, typer.Option(help="Seed of all randomness; a fresh one if not given.")]
Weight = Annotated[str | None, typer.Option(help="Column of row weights.", metavar="COLUMN")]

# What `evoml formulas` and `evoml programs` share.
Numbers = Annotated[str, typer.Argument(metavar="TABLE", help="CSV or Parquet file, or sklearn:NAME.")]
Target = Annotated[str, typer.Option(help="Column to predict.", metavar="COLUMN")]
Task = Annotated[
    str,
    typer.Option(
        help="auto, classification or regression; by auto, any numbers are a quantity, also whole ones.", metavar="TASK"
    ),
]
Seconds = Annotated[float | None, typer.Option(help="Seconds it may take; 60 if no other bound is given.")]
Threads = Annotated[int, typer.Option(help="Threads; -1 for all processors.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the run in --out, with the same options.")]


def _version(asked: bool) -> None:
    if asked:
        from evoml import __version__

        typer.echo(f"evoml {__version__}")
        raise typer.Exit


@app.callback()
def evoml(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", envvar="EVOML_DEBUG", help="Show the traceback of an error.")
    ] = False,
) -> None:
    """Evolves machine-learning pipelines for a table, and uses the best one."""


@app.command()
def fit(
    table: Annotated[
        str | None,
        typer.Argument(
            metavar="TABLE", help="CSV (also compressed) or Parquet file, or sklearn:NAME, e.g. sklearn:iris."
        ),
    ] = None,
    target: Annotated[
        list[str] | None, typer.Option(help="Column to predict; as often as there are.", metavar="COLUMN")
    ] = None,
    metric: Annotated[str | None, typer.Option(help="Metric to select by, e.g. roc_auc or fbeta:2.")] = None,
    seconds: Annotated[
        float | None, typer.Option(help="Seconds the run may take; 60 if no other bound is given.")
    ] = None,
    cpu_seconds: Annotated[
        float | None, typer.Option(help="Seconds of CPU time that all processes may take together.")
    ] = None,
    evaluations: Annotated[int | None, typer.Option(help="Pipelines to evaluate at most.")] = None,
    generations: Annotated[int | None, typer.Option(help="Generations to evolve at most.")] = None,
    seed: Seed = None,
    jobs: Annotated[int | None, typer.Option(help="Processes; -1, the default, for all processors.")] = None,
    out: NewFolder = None,
    config: Annotated[
        str | None, typer.Option(help="TOML file with these options; the command line wins.", metavar="FILE")
    ] = None,
    holdout: Annotated[
        str | None,
        typer.Option(
            help="Share of the rows, or another table, that neither search nor model see, to score it on.",
            metavar="SHARE|FILE",
        ),
    ] = None,
    task: Annotated[
        str | None, typer.Option(help="auto, classification or regression.", metavar="TASK", show_default=False)
    ] = None,
    search_space: Annotated[
        str | None, typer.Option(help="TOML file of the parts a pipeline may use.", metavar="FILE")
    ] = None,
    algorithm: Annotated[
        str | None, typer.Option(help="How it evolves, e.g. regularised; or your own, file.py:Name.", metavar="NAME")
    ] = None,
    operator: Annotated[
        list[str] | None,
        typer.Option(help="An operator of variation of your own; as often as needed.", metavar="NAME=FILE.py:FUNCTION"),
    ] = None,
    group: Annotated[str | None, typer.Option(help="Column of groups that folds keep whole.", metavar="COLUMN")] = None,
    weight: Weight = None,
    time_split: Annotated[
        str | None, typer.Option(help="Column of times: folds test on later rows than they train on.", metavar="COLUMN")
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            help="What a column is: number, boolean, category, text, datetime, duration or drop; as often as needed.",
            metavar="NAME=KIND",
        ),
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(help="Dask scheduler whose workers are to evaluate, e.g. tcp://host:8786.", metavar="ADDRESS"),
    ] = None,
    ensemble_size: Annotated[
        int | None, typer.Option(help="Pipelines that the model may average, 8 by default; 1 for a single one.")
    ] = None,
    max_predict_ms: Annotated[
        float | None, typer.Option(help="Milliseconds that the model may take for a thousand rows.")
    ] = None,
    max_model_mb: Annotated[float | None, typer.Option(help="Megabytes that the model may have.")] = None,
    explain: Annotated[
        float | None,
        typer.Option(
            help="Seconds that explaining the model may take after the run, 0 for none; by default as long as the run,"
            " at most 30 or a tenth of it.",
            metavar="SECONDS",
        ),
    ] = None,
) -> None:
    """Evolve a pipeline that predicts a column of TABLE, and save it with its report."""
    from evoml.cli.columns import kinds_from
    from evoml.cli.fitting import fit as run
    from evoml.cli.options import FitOptions, from_file, one_or_several, operators_from, share_or_table

    given = FitOptions(
        table=table,
        target=one_or_several(target),
        metric=metric,
        seconds=seconds,
        cpu_seconds=cpu_seconds,
        evaluations=evaluations,
        generations=generations,
        seed=seed,
        jobs=jobs,
        holdout=share_or_table(holdout),
        task=task,
        search_space=search_space,
        algorithm=algorithm,
        group=group,
        weight=weight,
        time_split=time_split,
        columns=kinds_from(column) if column else None,
        operators=operators_from(operator),
        out=out,
        cluster=cluster,
        ensemble_size=ensemble_size,
        max_predict_ms=max_predict_ms,
        max_model_mb=max_model_mb,
        explain=explain,
    )
    run(given.over(from_file(config)) if config else given)


@app.command("formulas")
def find_formulas(
    table: Numbers,
    target: Target,
    task: Task = "auto",
    seconds: Seconds = None,
    generations: Annotated[int | None, typer.Option(help="Generations to evolve at most.")] = None,
    functions: Annotated[
        str | None, typer.Option(help="Operations that formulas may use, e.g. add,sub,mul,div,exp.", metavar="NAMES")
    ] = None,
    algorithm: Annotated[
        str, typer.Option(help="How it evolves, e.g. age_fitness; or your own, file.py:Name.", metavar="NAME")
    ] = "nsga2",
    selection: Annotated[
        str, typer.Option(help="Which formula of the front is chosen: mdl, knee or best.", metavar="NAME")
    ] = "mdl",
    weight: Weight = None,
    seed: Seed = None,
    jobs: Threads = 1,
    out: NewFolder = None,
    resume: Resume = False,
) -> None:
    """Evolve formulas that predict a column of TABLE: from the simplest to the most exact, as source and pictures."""
    from evoml.cli.formulas import FormulaOptions
    from evoml.cli.formulas import formulas as run

    run(
        FormulaOptions(
            table, target, task, seconds, generations, weight, seed, jobs, out, resume, functions, algorithm, selection
        )
    )


@app.command("programs")
def find_programs(
    table: Numbers,
    target: Target,
    task: Task = "auto",
    seconds: Seconds = None,
    cpu_seconds: Annotated[float | None, typer.Option(help="CPU seconds it may take.")] = None,
    evaluations: Annotated[int | None, typer.Option(help="Programs to be born at most.")] = None,
    generations: Annotated[int | None, typer.Option(help="Populations of programs to be born at most.")] = None,
    population: Annotated[int, typer.Option(help="Programs in the population of each island.")] = 1000,
    islands: Annotated[int, typer.Option(help="Populations that evolve apart, in threads, as many as --jobs.")] = 1,
    algorithm: Annotated[
        str, typer.Option(help="regularised evolution, or random search as a control.", metavar="NAME")
    ] = "regularised",
    operations: Annotated[
        str | None, typer.Option(help="Operations that programs may use; all by default.", metavar="NAMES")
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            help="Programs to start from: linear, affine, network, or files; none for random ones. By default affine and"
            " network, if they fit.",
            metavar="NAMES",
        ),
    ] = None,
    weight: Weight = None,
    seed: Seed = None,
    jobs: Threads = 1,
    cluster: Annotated[
        str | None, typer.Option(help="Dask scheduler whose workers islands evolve on.", metavar="ADDRESS")
    ] = None,
    out: NewFolder = None,
    resume: Resume = False,
) -> None:
    """Evolve a learning algorithm on TABLE: a program that sees one row after another, predicts, and learns."""
    from evoml.cli.programs import ProgramOptions
    from evoml.cli.programs import programs as run

    run(
        ProgramOptions(
            table, target, task, seconds, generations, weight, seed, jobs, out, resume, population, islands, algorithm,
            operations, start, cluster, evaluations, cpu_seconds,
        )
    )  # fmt: skip


@app.command()
def predict(
    folder: Folder,
    table: Annotated[str, typer.Argument(metavar="TABLE", help="Table with the columns the model was fitted on.")],
    out: Annotated[str | None, typer.Option(help="CSV file to write; stdout by default.", metavar="FILE")] = None,
    proba: Annotated[bool, typer.Option("--proba", help="Add the probability of each class.")] = False,
    trust: Annotated[
        list[str] | None,
        typer.Option(help="Library whose types in the model file to trust: lightgbm, xgboost, catboost."),
    ] = None,
) -> None:
    """Predict the rows of TABLE with the model in DIR."""
    from evoml.cli.predicting import predict as run

    run(folder, table, out, proba, trust or ())


@app.command()
def report(folder: Folder) -> None:
    """Write report.html from the journal in DIR, also while the run goes on."""
    from evoml.cli.folder import RunFolder
    from evoml.cli.results import write_page

    found = RunFolder.existing(folder)
    write_page(found)
    typer.echo(found.report)


@app.command("explain")
def explain_model(
    folder: Folder,
    seconds: Annotated[
        float | None,
        typer.Option(help="Seconds it may take, about; by default as long as the run, at most 30 or a tenth of it."),
    ] = None,
) -> None:
    """Find out what the model in DIR goes by and where it errs, and show it in report.html."""
    from evoml.cli.explaining import explain as run

    run(folder, seconds)


@app.command()
def show(
    folder: Folder, n: Annotated[int, typer.Option("--n", "-n", min=1, help="How many candidates to list.")] = 20
) -> None:
    """List the best candidates of the run in DIR, also while it goes on."""
    from evoml.cli.folder import RunFolder
    from evoml.cli.results import show as run

    run(RunFolder.existing(folder), n)


@app.command("lineage")
def show_lineage(
    run: Annotated[str, typer.Argument(metavar="RUN", help="Folder of a run, or its journal.")],
    candidate: Annotated[
        int | None, typer.Option(help="Candidate whose descent to show; the best one by default.")
    ] = None,
    graphml: Annotated[
        str | None, typer.Option(help="File for the graph of descent, for Gephi, yEd, Cytoscape.", metavar="FILE")
    ] = None,
    csv: Annotated[str | None, typer.Option(help="File for a table of all candidates.", metavar="FILE")] = None,
    picture: Annotated[str | None, typer.Option(help="File for a picture: .png, .svg or .pdf.", metavar="FILE")] = None,
) -> None:
    """Show where the best candidate of RUN comes from, which variations made the gains, and how the population changed."""
    from evoml.cli.lineage import lineage as run_it

    run_it(run, candidate, graphml, csv, picture)


@app.command("compare")
def compare_runs(
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help="Folders of runs, or journals: two or more.")],
    out: Annotated[
        str | None, typer.Option(help="File for a page (.html) or a picture (.png, .svg, .pdf).", metavar="FILE")
    ] = None,
) -> None:
    """Compare runs: settings that differ, scores, curves, fronts, parts used, time."""
    from evoml.cli.comparing import compare as run_it

    run_it(runs, out)


@app.command()
def resume(folder: Folder) -> None:
    """Go on with a run that was killed, to the end of its budget, and write the files it lacks."""
    from evoml.cli.fitting import resume as run

    run(folder)


@app.command()
def replay(
    folder: Folder,
    jobs: Annotated[int | None, typer.Option(help="Processes; as many as the run had by default, -1 for all.")] = None,
    cluster: Annotated[
        str | None, typer.Option(help="Dask cluster to evaluate on; this machine by default.", metavar="ADDRESS")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Candidates to repeat; all by default.")] = None,
    out: Annotated[
        str | None, typer.Option(help="New file for the journal of the replay; none by default.", metavar="FILE")
    ] = None,
) -> None:
    """Repeat the run in DIR exactly, and tell whether every bit is the same."""
    from evoml.cli.replaying import replay as run

    if not run(folder, jobs, cluster, limit, out):
        raise typer.Exit(DIFFERENT)


@app.command()
def warmup(
    groups: Annotated[
        list[str] | None, typer.Argument(metavar="GROUP", help="Kernels to compile; all by default.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Compile again what is compiled already.")] = False,
    clear: Annotated[bool, typer.Option("--clear", help="Remove what is compiled, and compile nothing.")] = False,
) -> None:
    """Compile evoml's kernels now, so that the first search need not wait for them."""
    from evoml.cli.warmup import warmup as run

    run(groups or (), force, clear)


if __name__ == "__main__":
    app()
