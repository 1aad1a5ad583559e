"""The problems of experiments: tables that a search learns from, and rows that only the final score sees."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from evoml.core.errors import DataError, nearest
from evoml.experiment.toml_lines import ConfigError, TomlFile
from evoml.experiment.user_code import function_of

SHIPPED = ("breast_cancer", "diabetes", "digits", "iris", "wine")  # sets that need no download and have one target
PREFIX = "sklearn:"
TASKS = ("classification", "regression")
FEW_VALUES = 20  # different whole numbers that are still labels
SOURCES: Mapping[str, tuple[str, ...]] = {  # what a problem is made of -> the other keys it may have; none: any
    "data": ("target",),
    "generator": (),
    "formula": ("ranges", "rows", "noise", "test_rows"),
    "formulas": ("family", "noise", "test_rows"),
    "function": (),
}
SHARED = ("task", "success")
FUNCTIONS = {name: getattr(np, name) for name in ("sin", "cos", "tan", "exp", "log", "sqrt", "tanh", "pi")}
FUNCTIONS |= {"asin": np.arcsin, "arcsin": np.arcsin, "ln": np.log, "abs": np.abs}

Problems = dict[str, Mapping[str, Any]]


class Data(NamedTuple):
    """A table to learn from, and one to score on that no search sees."""

    X: Any
    y: Any
    X_test: Any
    y_test: Any
    task: str


def load(problem: Mapping[str, Any], here: Path, seed: int, test_size: float) -> Data:
    """Return the tables of a problem for a seed; ``here`` is where its paths begin. Raises DataError."""
    parts = _made(problem, here, seed)
    task = problem.get("task") or _task(parts[1])
    if len(parts) == 4:
        X, X_test, y, y_test = parts[0], parts[2], parts[1], parts[3]
    else:
        from sklearn.model_selection import train_test_split

        strata = parts[1] if task == "classification" else None
        try:
            X, X_test, y, y_test = train_test_split(*parts, test_size=test_size, random_state=seed, stratify=strata)
        except ValueError as error:
            raise DataError(
                f"the table cannot be split: {error}; change test_size, or leave out rare classes"
            ) from None
    return Data(X, y, X_test, y_test, task)


def _made(problem: Mapping[str, Any], here: Path, seed: int) -> tuple[Any, ...]:
    """Return (X, y), or (X, y, X_test, y_test) of a problem that has rows of its own to score on."""
    if "data" in problem:
        return _table(str(problem["data"]), problem.get("target"), here)
    if "formula" in problem:
        return _drawn(problem, seed)
    own = {key: value for key, value in problem.items() if key not in (*SOURCES, *SHARED)}
    if "generator" in problem:
        from sklearn import datasets

        return tuple(getattr(datasets, problem["generator"])(**own, random_state=seed))
    if "function" in problem:
        made = tuple(function_of(problem["function"], here)(seed=seed, **own))
        if len(made) not in (2, 4):
            raise DataError(
                f"{problem['function']} must return (X, y) or (X_train, y_train, X_test, y_test), got {len(made)} things"
            )
        return made
    raise DataError("this problem has no table: it is for a runner, which reads cell.problem_arguments")


def _table(source: str, target: str | None, here: Path) -> tuple[Any, Any]:
    if source.startswith(PREFIX):
        from sklearn import datasets

        return tuple(getattr(datasets, f"load_{source.removeprefix(PREFIX)}")(return_X_y=True, as_frame=True))  # type: ignore[return-value]
    import pandas as pd

    path = here / os.path.expandvars(source)
    if "$" in str(path):
        name = str(path).partition("$")[2].partition("/")[0].strip("{}")
        raise DataError(f"{source} needs the environment variable {name}: set it to the folder of the table")
    if not path.is_file():
        raise DataError(f"there is no table at {path}")
    table = pd.read_parquet(path) if path.suffix in (".parquet", ".pq") else pd.read_csv(path)
    if target not in table.columns:
        raise DataError(
            f"{path} has no column {target!r}{nearest(target, table.columns)}; it has: {list(table.columns)}"
        )
    return table.drop(columns=[target]), table[target]


def _drawn(problem: Mapping[str, Any], seed: int) -> tuple[Any, ...]:
    """Return rows drawn from a formula, with noise, and rows to score on, drawn anew and without noise."""
    rng = np.random.default_rng([seed, *str(problem["formula"]).encode()])
    low, high = np.array(list(problem["ranges"].values()), dtype=float).T
    rows, noise = int(problem.get("rows", 200)), float(problem.get("noise", 0.0))
    X = rng.uniform(low, high, (rows, len(low)))
    y = _values(problem, X)
    X_test = rng.uniform(low, high, (int(problem.get("test_rows", 1000)), len(low)))
    return X, y + noise * y.std() * rng.normal(size=rows), X_test, _values(problem, X_test)


def _values(problem: Mapping[str, Any], X: np.ndarray) -> np.ndarray:
    columns = dict(zip(problem["ranges"], X.T, strict=True))
    values = eval(str(problem["formula"]), {"__builtins__": {}, **FUNCTIONS}, columns)
    return np.broadcast_to(values, len(X)).astype(float)


def _task(y: Any) -> str:
    """Return what a target asks for: labels, and whole numbers of few different values, are classes."""
    values = np.asarray(y)
    if values.ndim == 1 and values.dtype.kind in "iu":
        return "classification" if len(np.unique(values)) <= FEW_VALUES else "regression"
    return "regression" if values.dtype.kind == "f" else "classification"


# -- reading them from a file -----------------------------------------------------------------------------------------


def problems_of(
    file: TomlFile, tables: Mapping[str, Any], success: float | None, abstract: bool
) -> tuple[Problems, dict[str, float]]:
    """Return the problems of an experiment, those of a file of formulas one by one, and the score that is a success in each.

    ``abstract`` is whether runners make of them what they like. Raises ConfigError.
    """
    problems: Problems = {}
    wanted: dict[str, float] = {}
    for name, table in tables.items():
        keys = ["problems", name]
        if not isinstance(table, dict):
            raise file.error(keys, f"must be a table, e.g. [problems.{name}] with data = 'sklearn:wine', got {table!r}")
        _check(file, keys, table, abstract)
        expanded = _formulas(file, keys, table) if "formulas" in table else {name: table}
        if twice := problems.keys() & expanded.keys():
            raise file.error(keys, f"there are two problems of the name {min(twice)!r}")
        problems |= expanded
        if (bar := table.get("success", success)) is not None:
            if isinstance(bar, bool) or not isinstance(bar, (int, float)):
                raise file.error([*keys, "success"], f"must be a number, got {bar!r}")
            wanted |= dict.fromkeys(expanded, float(bar))
    return problems, wanted


def _check(file: TomlFile, keys: list[str], table: Mapping[str, Any], abstract: bool) -> None:
    given = [source for source in SOURCES if source in table]
    if len(given) > 1:
        raise file.error([*keys, given[1]], f"a problem is made of one thing, not of {' and '.join(given)}")
    if not given:
        if abstract:
            return
        odd = next(iter(table), "")
        hint = nearest(odd, SOURCES) if odd else ""
        raise file.error(keys, f"does not say what it is made of{hint}; give one of: {', '.join(SOURCES)}")
    (source,) = given
    known = (source, *SHARED, *SOURCES[source])
    if unknown := [key for key in table if SOURCES[source] and key not in known]:
        raise file.error([*keys, unknown[0]], f"unknown key{nearest(unknown[0], known)}; known are {', '.join(known)}")
    if table.get("task") not in (None, *TASKS):
        raise file.error([*keys, "task"], f"must be one of {', '.join(TASKS)}, got {table['task']!r}")
    if mistake := _CHECKS[source](file, table):
        raise file.error([*keys, mistake[0]], mistake[1])


Mistake = tuple[str, str] | None


def _check_data(file: TomlFile, table: Mapping[str, Any]) -> Mistake:
    source = str(table["data"])
    if source.startswith(PREFIX):
        name = source.removeprefix(PREFIX)
        told = f"there is no table {source}{nearest(name, SHIPPED)}; known are {', '.join(SHIPPED)}"
        return None if name in SHIPPED else ("data", told)
    if "target" not in table:
        return "data", "a target is missing: add target = 'COLUMN'"
    there = "$" in source or (file.path.parent / source).is_file()
    return None if there else ("data", f"there is no table at {file.path.parent / source}")


def _check_generator(_: TomlFile, table: Mapping[str, Any]) -> Mistake:
    from sklearn import datasets

    known = [name for name in dir(datasets) if name.startswith("make_")]
    name = table["generator"]
    return None if name in known else ("generator", f"scikit-learn has no generator {name!r}{nearest(name, known)}")


def _check_formula(_: TomlFile, table: Mapping[str, Any]) -> Mistake:
    ranges = table.get("ranges")
    if not isinstance(ranges, dict) or not ranges:
        return "formula", "the ranges of its columns are missing: add ranges = { x = [-1, 1] }"
    try:
        bounds = np.array(list(ranges.values()), dtype=float)
        values = _values(table, np.full((2, len(ranges)), bounds.mean(axis=1)))
    except (SyntaxError, NameError, TypeError, ValueError) as error:
        return "formula", f"cannot be evaluated: {error}"
    return None if values.shape == (2,) else ("formula", "is not one number for each row")


def _check_formulas(file: TomlFile, table: Mapping[str, Any]) -> Mistake:
    path = file.path.parent / str(table["formulas"])
    if not path.is_file():
        return "formulas", f"there is no file {path}"
    families, family = TomlFile(path).content, table.get("family")
    told = f"{path} has no family {family!r}{nearest(family, families)}; it has: {', '.join(families)}"
    return None if family is None or family in families else ("family", told)


def _check_function(file: TomlFile, table: Mapping[str, Any]) -> Mistake:
    name, _, function = str(table["function"]).partition(":")
    there = function.isidentifier() and (file.path.parent / name).is_file()
    return (
        None
        if there
        else ("function", f"must be 'file.py:function' of a file that is there, got {table['function']!r}")
    )


_CHECKS: Mapping[str, Callable[[TomlFile, Mapping[str, Any]], Mistake]] = {
    "data": _check_data,
    "generator": _check_generator,
    "formula": _check_formula,
    "formulas": _check_formulas,
    "function": _check_function,
}


def _formulas(file: TomlFile, keys: list[str], table: Mapping[str, Any]) -> Problems:
    """Return a problem for each formula of a family, or of all families, in a file like experiments/formulas/problems.toml."""
    content = TomlFile(file.path.parent / table["formulas"]).content
    more = {key: table[key] for key in ("noise", "test_rows") if key in table}
    try:
        return {
            name: {"formula": formula, "ranges": ranges, "rows": family["rows"], **more}
            for title, family in content.items()
            if table.get("family", title if "rows" in family else None) == title  # others have tables of their own
            for name, formula, ranges in family["problems"]
        }
    except (KeyError, TypeError, ValueError):
        raise file.error(
            [*keys, "formulas"], "each family there needs rows, and problems = [[name, formula, ranges], ...]"
        ) from None


__all__ = ["ConfigError", "Data", "load", "problems_of"]
