"""What `evoml formulas` and `evoml programs` share: a table of numbers, and a folder with its record, to go on from."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from evoml.cli.errors import say, short_warnings
from evoml.cli.folder import RunFolder
from evoml.cli.options import check_jobs, check_seed
from evoml.cli.tables import absolute, lasting_place, name_of, read_table
from evoml.cli.target import weights_of
from evoml.core.budget import check_positive
from evoml.core.errors import DataError, EvomlError, JournalError, SettingError, nearest
from evoml.core.random import fresh_seed
from evoml.journal import Journal

if TYPE_CHECKING:
    import pandas as pd

TASKS = ("auto", "classification", "regression")


@dataclass(frozen=True)
class TableSearch:
    """What such a command was asked for, whatever it searches for."""

    table: str
    target: str
    task: str = "auto"
    seconds: float | None = None
    generations: int | None = None
    weight: str | None = None
    seed: int | None = None
    jobs: int = 1
    out: str | None = None
    resume: bool = False


S = TypeVar("S", bound=TableSearch)


def prepared(options: S, kind: str) -> tuple[RunFolder, S]:
    """Return the run's folder and the options with the seed that it has."""
    if options.task not in TASKS:
        raise SettingError(
            f"unknown task {options.task!r}{nearest(options.task, TASKS)}; there are: {', '.join(TASKS)}"
        )
    _check(options)
    given = options.resume and options.out
    folder = (
        RunFolder(Path(str(options.out)))
        if given
        else RunFolder.planned(options.out, f"{name_of(options.table)}-{kind}")
    )
    if options.resume and not Journal.has_begun(folder.journal):
        raise SettingError("--resume goes on with a run: give its folder by --out, and the same options")
    return folder, replace(options, seed=_seed(options, folder))


def _check(options: TableSearch) -> None:
    check_seed(options.seed)
    check_jobs(options.jobs)
    check_positive(options.seconds, "number of --seconds")
    check_positive(options.generations, "number of --generations", whole=True)


def recorded(folder: RunFolder, kind: type[S], command: str) -> S:
    """Return the options that a folder's run was begun with. Raises JournalError if they are not there."""
    if not folder.record.is_file():
        raise JournalError(
            f"{folder.path} has no run.json; go on by `evoml {command} TABLE --target COLUMN --out {folder.path} --resume`"
            " with the options and the seed of the run"
        )
    found = folder.read_record().get("options") or {}
    known = {field.name for field in fields(kind)}
    if strange := [name for name in found if name not in known]:
        raise JournalError(f"{folder.record} holds an option that this evoml does not know: {strange[0]!r}")
    return kind(**found)


def carry_out(folder: RunFolder, options: TableSearch, kind: str, estimator: Any, *data: Any, **more: Any) -> None:
    """Fit an estimator whose journal is the folder's, from the beginning or from where it was."""
    folder.make()
    if not folder.record.is_file():
        folder.write_record({"kind": kind, "state": "running", "options": asdict(_lasting(options))})
    say(f"folder: {folder.path} (seed {options.seed}; Ctrl-C ends the search in good order)")
    estimator.set_params(journal=str(folder.journal), warm_start=Journal.has_begun(folder.journal))
    try:
        with short_warnings():
            estimator.fit(*data, **more)
    except EvomlError:
        raise
    except ValueError as error:  # what scikit-learn's checks say of a table
        raise DataError(str(error)) from error
    finally:
        folder.discard_if_unused()
    folder.write_record({**folder.read_record(), "state": "finished"})


def _seed(options: TableSearch, folder: RunFolder) -> int:
    """Return the seed that was given, that of the run to go on with, or a fresh one."""
    if options.seed is not None:
        return options.seed
    found = folder.read_record()["options"].get("seed") if options.resume and folder.record.is_file() else None
    return fresh_seed() if found is None else int(found)


def _lasting(options: S) -> S:
    """Return the options with paths that hold in any working directory."""
    changes: dict[str, Any] = {}
    if algorithm := getattr(options, "algorithm", None):
        changes["algorithm"] = lasting_place(algorithm)
    if start := getattr(options, "start", None):
        changes["start"] = ",".join(map(_lasting_file, start.replace(",", " ").split()))
    return replace(options, table=absolute(options.table), out=None, resume=False, **changes)


def _lasting_file(name: str) -> str:
    """Return the whole path of a file in a list of names; as it is, where the list would fall apart at a blank of the path."""
    whole = str(Path(name).resolve())
    return whole if Path(name).is_file() and not set(whole) & set(" ,") else name


def numbers_of(options: TableSearch, what: str) -> tuple[pd.DataFrame, pd.Series, Any]:
    """Return columns of numbers, the target and the weights; rows with gaps or infinities are left out, and that is said."""
    import numpy as np

    table = read_table(options.table)
    for role, name in (("target", options.target), ("weight", options.weight)):
        if name is not None and name not in table.columns:
            columns = list(table.columns)
            raise DataError(f"the table has no {role} column {name!r}{nearest(name, columns)}; it has: {columns}")
    features = table.drop(columns=[name for name in (options.target, options.weight) if name is not None])
    numbers = features.select_dtypes(["number", "bool"], exclude="timedelta").astype(float)
    if others := [name for name in features.columns if name not in numbers.columns]:
        say(f"left out, for {what} need numbers: {', '.join(others)}")
    if not len(numbers.columns):
        raise DataError(f"the table has no column of numbers beside {options.target!r}; {what} need at least one")
    target = table[options.target]
    weights = None if options.weight is None else weights_of(table, options.weight, complete=False)
    whole = np.isfinite(numbers).all(axis=1) & target.notna()
    if target.dtype.kind == "f":
        whole &= np.isfinite(target.to_numpy(dtype=float, na_value=np.nan))
    if weights is not None:
        whole &= np.isfinite(weights)
    if not whole.all():
        say(f"left out: {int((~whole).sum())} of {len(whole)} rows, which have gaps or infinities")
    if whole.sum() < 2:
        raise DataError("fewer than two rows of the table are without gaps; fill them in, or leave out columns")
    return numbers[whole], target[whole], None if weights is None else weights[whole.to_numpy()]


def classifies(options: TableSearch, y: pd.Series) -> bool:
    """Return whether the target holds labels, and say so."""
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    labels = is_bool_dtype(y) or not is_numeric_dtype(y)
    if options.task == "regression" and labels:
        raise DataError(f"the target {options.target!r} holds labels such as {y.iloc[0]!r}; regression needs numbers")
    found = labels if options.task == "auto" else options.task == "classification"
    say(f"task: {'classification' if found else 'regression'}, {len(y)} rows")
    return bool(found)
