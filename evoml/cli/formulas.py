"""What `evoml formulas` does: table in, formulas out, as a table, as source and as pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from evoml.cli.folder import RunFolder, write_whole
from evoml.cli.options import usable_jobs
from evoml.cli.results import write_all, write_page
from evoml.cli.searching import TableSearch, carry_out, classifies, numbers_of, prepared, recorded
from evoml.core.errors import ModelFileError

if TYPE_CHECKING:
    import pandas as pd

KIND = "formulas"


@dataclass(frozen=True)
class FormulaOptions(TableSearch):
    """What `evoml formulas` was asked for."""

    functions: str | None = None
    algorithm: str = "nsga2"
    selection: str = "mdl"


def formulas(options: FormulaOptions) -> None:
    """Search for formulas, print the front, and leave files in a folder."""
    data = numbers_of(options, KIND)
    _run(*prepared(options, KIND), *data)


def resume_formulas(folder: RunFolder) -> None:
    """Go on with a folder's run to the end of its budget, and write the files it lacks."""
    options = recorded(folder, FormulaOptions, KIND)
    _run(folder, options, *numbers_of(options, KIND))


def _run(folder: RunFolder, options: FormulaOptions, X: pd.DataFrame, y: pd.Series, weights: Any) -> None:
    estimator = _estimator(options, y)
    carry_out(folder, options, KIND, estimator, X, y, sample_weight=weights)
    failures = _write(estimator, folder)
    _print(estimator, folder.path)
    if failures:
        raise ModelFileError("; ".join(failures))


def _estimator(options: FormulaOptions, y: pd.Series) -> Any:
    from evoml import SymbolicClassifier, SymbolicRegressor

    return (SymbolicClassifier if classifies(options, y) else SymbolicRegressor)(
        seconds=options.seconds,
        generations=options.generations,
        function_set=None if options.functions is None else options.functions.replace(",", " ").split(),
        algorithm=options.algorithm,
        selection=options.selection,
        n_jobs=usable_jobs(options.jobs),
        random_state=options.seed,
        verbose=1,
    )


def _write(estimator: Any, folder: RunFolder) -> list[str]:
    """Write the front, the formula as source, the pictures and the page; return what failed, in words."""
    path = folder.path

    def picture(what: str, target: int, name: str) -> Callable[[], object]:
        return lambda: estimator.plot(what, target).savefig(path / name, bbox_inches="tight")

    pictures = []
    for target in range(estimator.front_["chosen"].sum()):
        number = "" if estimator.front_["chosen"].sum() == 1 else f"_{target}"
        pictures += [picture(what, target, f"{what}{number}.svg") for what in ("front", "formula")]
    return write_all(
        lambda: write_whole(path / "front.csv", estimator.front_.to_csv(index=False)),
        lambda: estimator.export(path / "formula.py", "numpy"),
        lambda: estimator.export(path / "formula.tex", "latex"),
        *pictures,
        lambda: write_page(folder),
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
