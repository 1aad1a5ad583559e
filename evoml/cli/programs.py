"""What `evoml programs` does: table in, a learning algorithm out, as text, as source and as a trained model's figures."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from evoml.cli.folder import RunFolder, write_whole
from evoml.cli.options import usable_jobs
from evoml.cli.results import write_all, write_page
from evoml.cli.searching import TableSearch, carry_out, classifies, numbers_of, prepared, recorded
from evoml.core.errors import DataError, ModelFileError

if TYPE_CHECKING:
    import pandas as pd

KIND = "programs"


@dataclass(frozen=True)
class ProgramOptions(TableSearch):
    """What `evoml programs` was asked for."""

    population: int = 1000
    islands: int = 1
    algorithm: str = "regularised"
    operations: str | None = None
    start: str | None = None
    cluster: str | None = None
    evaluations: int | None = None
    cpu_seconds: float | None = None


def programs(options: ProgramOptions) -> None:
    """Search for a program, print it, and leave files in a folder."""
    data = numbers_of(options, KIND)
    _run(*prepared(options, KIND), *data)


def resume_programs(folder: RunFolder) -> None:
    """Go on with a folder's run to the end of its budget, and write the files it lacks."""
    options = recorded(folder, ProgramOptions, KIND)
    _run(folder, options, *numbers_of(options, KIND))


def _run(folder: RunFolder, options: ProgramOptions, X: pd.DataFrame, y: pd.Series, weights: Any) -> None:
    estimator = _estimator(options, y)
    carry_out(folder, options, KIND, estimator, X, y, sample_weight=weights)
    path = folder.path
    failures = write_all(
        lambda: write_whole(path / "program.txt", estimator.program_),
        lambda: write_whole(path / "champions.csv", estimator.champions_.to_csv(index=False)),
        lambda: estimator.export(path / "algorithm.py"),
        lambda: write_page(folder),
    )
    typer.echo(estimator.program_)
    typer.echo(_fitness(estimator))
    typer.echo(f"files in {path}: {', '.join(sorted(one.name for one in path.iterdir() if one.suffix != '.lock'))}")
    if failures:
        raise ModelFileError("; ".join(failures))


def _fitness(estimator: Any) -> str:
    """Return in words what the program is worth, and on which rows."""
    chosen = estimator.champions_[estimator.champions_["chosen"]].iloc[0]
    if math.isnan(estimator.report_fitness_):
        return (
            f"fitness: {chosen['search']:.6g} on the rows of the search; the table is too small to set rows apart, so what the"
            " program is worth on new ones is not known"
        )
    return (
        f"fitness: {chosen['search']:.6g} on the tasks of the search, {chosen['select']:.6g} on those it was chosen by,"
        f" {estimator.report_fitness_:.6g} on rows that neither has seen"
    )


def _estimator(options: ProgramOptions, y: pd.Series) -> Any:
    from evoml import ProgramClassifier, ProgramRegressor

    start = None if options.start is None else [_program(name) for name in _names(options.start) if name != "none"]
    return (ProgramClassifier if classifies(options, y) else ProgramRegressor)(
        seconds=options.seconds,
        cpu_seconds=options.cpu_seconds,
        evaluations=options.evaluations,
        generations=options.generations,
        population_size=options.population,
        islands=options.islands,
        algorithm=options.algorithm,
        operations=None if options.operations is None else _names(options.operations),
        initial_programs=start,
        n_jobs=usable_jobs(options.jobs),
        executor=options.cluster or "threads",
        random_state=options.seed,
        verbose=1,
    )


def _names(listed: str) -> list[str]:
    return listed.replace(",", " ").split()


def _program(name: str) -> str:
    """Return the text of a file, or the name of a program that is there."""
    path = Path(name)
    if not path.is_file():
        return name
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as a program: {error}") from error
