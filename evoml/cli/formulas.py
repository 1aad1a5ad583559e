"""What `evoml formulas` does: table in, formulas out, as a table, as source and as pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from evoml.cli.errors import say, short_warnings
from evoml.cli.folder import RunFolder, write_whole
from evoml.cli.options import usable_jobs
from evoml.cli.results import write_all
from evoml.cli.tables import name_of, read_table
from evoml.core.errors import DataError, ModelFileError, SettingError, nearest
from evoml.journal import Journal

if TYPE_CHECKING:
    import pandas as pd

TASKS = ("auto", "classification", "regression")
DIGITS = 6


@dataclass(frozen=True)
class FormulaOptions:
    """What `evoml formulas` was asked for."""

    table: str
    target: str
    task: str = "auto"
    seconds: float | None = None
    generations: int | None = None
    functions: str | None = None
    algorithm: str = "nsga2"
    selection: str = "mdl"
    weight: str | None = None
    seed: int | None = None
    jobs: int = 1
    out: str | None = None
    resume: bool = False


def formulas(options: FormulaOptions) -> None:
    """Search for formulas, print the front, and leave files in a folder."""
    if options.task not in TASKS:
        raise SettingError(
            f"unknown task {options.task!r}{nearest(options.task, TASKS)}; there are: {', '.join(TASKS)}"
        )
    X, y, weights = _data(options)
    estimator = _estimator(options, y)
    folder = RunFolder(Path(options.out)) if options.resume and options.out else _new_folder(options)
    began = Journal.has_begun(folder.journal)
    if options.resume and not began:
        raise SettingError("--resume goes on with a run: give its folder by --out, and the same options")
    folder.make()
    say(f"folder: {folder.path} (Ctrl-C ends the search in good order)")
    try:
        with short_warnings():
            estimator.set_params(journal=str(folder.journal), warm_start=options.resume).fit(
                X, y, sample_weight=weights
            )
    finally:
        folder.discard_if_unused()
    failures = _write(estimator, folder.path)
    _print(estimator, folder.path)
    if failures:
        raise ModelFileError("; ".join(failures))


def _new_folder(options: FormulaOptions) -> RunFolder:
    return RunFolder.planned(options.out, f"{name_of(options.table)}-formulas")


def _data(options: FormulaOptions) -> tuple[pd.DataFrame, pd.Series, Any]:
    """Return columns of numbers, the target and the weights; rows with gaps are left out, and that is said."""
    table = read_table(options.table)
    for role, name in (("target", options.target), ("weight", options.weight)):
        if name is not None and name not in table.columns:
            columns = list(table.columns)
            raise DataError(f"the table has no {role} column {name!r}{nearest(name, columns)}; it has: {columns}")
    features = table.drop(columns=[name for name in (options.target, options.weight) if name is not None])
    numbers = features.select_dtypes(["number", "bool"])
    if others := [name for name in features.columns if name not in numbers.columns]:
        say(f"left out, for formulas need numbers: {', '.join(others)}")
    if not len(numbers.columns):
        raise DataError(f"the table has no column of numbers beside {options.target!r}; formulas need at least one")
    used = [options.target, *([options.weight] if options.weight else [])]
    whole = numbers.notna().all(axis=1) & table[used].notna().all(axis=1)
    if not whole.all():
        say(f"left out: {int((~whole).sum())} of {len(whole)} rows, which have gaps")
    if whole.sum() < 2:
        raise DataError("fewer than two rows of the table are without gaps; fill them in, or leave out columns")
    weights = None if options.weight is None else table.loc[whole, options.weight].to_numpy(float)
    return numbers[whole].astype(float), table.loc[whole, options.target], weights


def _estimator(options: FormulaOptions, y: pd.Series) -> Any:
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    from evoml import SymbolicClassifier, SymbolicRegressor

    labels = is_bool_dtype(y) or not is_numeric_dtype(y)
    if options.task == "regression" and labels:
        raise DataError(f"the target {options.target!r} holds labels such as {y.iloc[0]!r}; regression needs numbers")
    classification = labels if options.task == "auto" else options.task == "classification"
    say(f"task: {'classification' if classification else 'regression'}, {len(y)} rows")
    return (SymbolicClassifier if classification else SymbolicRegressor)(
        seconds=options.seconds,
        generations=options.generations,
        function_set=None if options.functions is None else options.functions.replace(",", " ").split(),
        algorithm=options.algorithm,
        selection=options.selection,
        n_jobs=usable_jobs(options.jobs),
        random_state=options.seed,
        verbose=1,
    )


def _write(estimator: Any, folder: Path) -> list[str]:
    """Write the front, the formula as source and the pictures; return what failed, in words."""

    def picture(what: str, target: int, name: str) -> Callable[[], object]:
        return lambda: estimator.plot(what, target).savefig(folder / name, bbox_inches="tight")

    pictures = []
    for target in range(estimator.front_["chosen"].sum()):
        number = "" if estimator.front_["chosen"].sum() == 1 else f"_{target}"
        pictures += [picture(what, target, f"{what}{number}.svg") for what in ("front", "formula")]
    return write_all(
        lambda: write_whole(folder / "front.csv", estimator.front_.to_csv(index=False)),
        lambda: estimator.export(folder / "formula.py", "numpy"),
        lambda: estimator.export(folder / "formula.tex", "latex"),
        *pictures,
    )


def _print(estimator: Any, folder: Path) -> None:
    """Print the front, one line a formula; the chosen one is marked."""
    front = estimator.front_
    typer.echo("  complexity      loss     score  formula")
    for row in front.itertuples():
        mark, of = "*" if row.chosen else " ", f"{row[1]}: " if "class" in front else ""
        typer.echo(f"{mark} {row.complexity:10g} {row.loss:9.4g} {row.score:9.6f}  {of}{row.text}")
    typer.echo("losses are those on the rows of the table; expect more on new rows")
    typer.echo(
        f"files in {folder}: {', '.join(sorted(path.name for path in folder.iterdir() if path.suffix != '.lock'))}"
    )
