"""Known formulas, and tables drawn from them."""

from __future__ import annotations

import csv
import tomllib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

FUNCTIONS = {name: getattr(np, name) for name in ("sin", "cos", "tan", "exp", "log", "sqrt", "tanh", "pi")}
FUNCTIONS |= {"asin": np.arcsin, "arcsin": np.arcsin, "ln": np.log}


@dataclass(frozen=True)
class Problem:
    """A formula, the range of each of its columns, and how many rows are drawn."""

    family: str
    name: str
    formula: str
    ranges: dict[str, tuple[float, float]]
    rows: int

    def table(self, seed: int, noise: float = 0.0, rows: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return X (rows, columns) and y; ``noise`` is its standard deviation as a share of the target's."""
        rng = np.random.default_rng([seed, *self.name.encode()])
        low, high = np.array(list(self.ranges.values()), dtype=float).T
        X = rng.uniform(low, high, (rows or self.rows, len(low)))
        y = self.values(X)
        return X, y + noise * y.std() * rng.normal(size=len(y))

    def values(self, X: np.ndarray) -> np.ndarray:
        """Return the formula's values: (n_rows,)."""
        columns = dict(zip(self.ranges, X.T, strict=True))
        return np.broadcast_to(eval(self.formula, {"__builtins__": {}, **FUNCTIONS}, columns), len(X)).astype(float)


def problems(families: list[str] | None = None) -> list[Problem]:
    """Return the problems of some families, or all."""
    content = tomllib.loads(Path(__file__).with_name("problems.toml").read_text())
    return [
        Problem(family, name, formula, {column: tuple(bounds) for column, bounds in ranges.items()}, entry["rows"])
        for family, entry in content.items()
        if families is None or family in families
        for name, formula, ranges in entry["problems"]
    ]


def feynman(path: str, rows: int = 1000) -> list[Problem]:
    """Return all of FeynmanEquations.csv, as its authors give it away."""
    found = []
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            numbers = [at for at in range(1, 11) if row.get(f"v{at}_name")]
            ranges = {row[f"v{at}_name"]: (float(row[f"v{at}_low"]), float(row[f"v{at}_high"])) for at in numbers}
            if row["Filename"] and all(np.isfinite(bound) for bounds in ranges.values() for bound in bounds):
                found.append(Problem("feynman", row["Filename"], row["Formula"], ranges, rows))
    return found
