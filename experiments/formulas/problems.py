"""Known formulas, and tables drawn from them or given."""

from __future__ import annotations

import csv
import tomllib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

FUNCTIONS = {name: getattr(np, name) for name in ("sin", "cos", "tan", "exp", "log", "sqrt", "tanh", "pi")}
FUNCTIONS |= {"asin": np.arcsin, "arcsin": np.arcsin, "ln": np.log}
TRAIN_SHARE = 0.75  # of a given table's rows


@dataclass(frozen=True)
class Problem:
    """A formula, and where its rows are from: the range of each of its columns, or a table that is given.

    Attributes
    ----------
    formula : str
        Empty where no short formula is known.
    ranges : dict
        Bounds that each column is drawn between, evenly; of a table that is given, its names are the columns.
    rows : int
        That are drawn.
    file : str
        The table, its target in the last column; empty where rows are drawn.
    """

    family: str
    name: str
    formula: str
    ranges: dict[str, tuple[float, float]]
    rows: int
    file: str = ""

    def split(self, seed: int, noise: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return X and y to learn from, X and y to test on; the latter are without noise.

        ``noise`` is its standard deviation as a share of the target's.
        """
        rng = np.random.default_rng([seed, *self.name.encode()])
        if self.file:
            table = np.loadtxt(self.file, delimiter=",", skiprows=1)
            order = rng.permutation(len(table))
            first = round(TRAIN_SHARE * len(table))
            X, y = table[order, :-1], table[order, -1]
            X, X_test, y, y_test = X[:first], X[first:], y[:first], y[first:]
        else:
            X, y = self._drawn(rng)
            X_test, y_test = self._drawn(np.random.default_rng([10_000 + seed, *self.name.encode()]))
        return X, y + noise * y.std() * rng.normal(size=len(y)), X_test, y_test

    def _drawn(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        low, high = np.array(list(self.ranges.values()), dtype=float).T
        X = rng.uniform(low, high, (self.rows, len(low)))
        return X, self.values(X)

    def values(self, X: np.ndarray) -> np.ndarray:
        """Return the formula's values: (n_rows,)."""
        columns = dict(zip(self.ranges, X.T, strict=True))
        return np.broadcast_to(eval(self.formula, {"__builtins__": {}, **FUNCTIONS}, columns), len(X)).astype(float)


def problems(families: list[str] | None = None) -> list[Problem]:
    """Return the problems of some families, or all, whose tables are drawn."""
    content = tomllib.loads(Path(__file__).with_name("problems.toml").read_text())
    return [
        Problem(family, name, formula, {column: tuple(bounds) for column, bounds in ranges.items()}, entry["rows"])
        for family, entry in content.items()
        if "rows" in entry and (families is None or family in families)
        for name, formula, ranges in entry["problems"]
    ]


def feynman(path: str | Path, rows: int = 1000) -> list[Problem]:
    """Return all of FeynmanEquations.csv, as its authors give it away."""
    found = []
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            numbers = [at for at in range(1, 11) if row.get(f"v{at}_name")]
            ranges = {row[f"v{at}_name"]: (float(row[f"v{at}_low"]), float(row[f"v{at}_high"])) for at in numbers}
            if row["Filename"] and all(np.isfinite(bound) for bounds in ranges.values() for bound in bounds):
                found.append(Problem("feynman", row["Filename"], row["Formula"], ranges, rows))
    return found


def given(folder: str | Path) -> list[Problem]:
    """Return the problems whose tables are in a folder, ``NAME.csv.gz`` each."""
    known = tomllib.loads(Path(__file__).with_name("problems.toml").read_text())["tables"]["problems"]
    found = []
    for name, formula in known:
        file = Path(folder) / f"{name}.csv.gz"
        columns = np.loadtxt(file, delimiter=",", max_rows=1, dtype=str)[:-1]
        found.append(Problem("tables", name, formula, {str(column): (0.0, 0.0) for column in columns}, 0, str(file)))
    return found


def mixed(tables: str | Path, equations: str | Path, every: int = 5) -> list[Problem]:
    """Return the given tables, and every fifth of the equations that none of these is drawn from."""
    first = given(tables)
    taken = {one.name.removeprefix("sr_feynman_").replace("_", ".") for one in first}
    return [*first, *[one for one in feynman(equations) if one.name not in taken][::every]]
