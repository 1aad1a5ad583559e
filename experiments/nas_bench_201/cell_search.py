"""Searches of the benchmark's table by evoml's own algorithms, asked and told one cell at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from genome import CellSpace
from local_search import LocalSearch

from evoml.algorithms import RandomSearch, RegularisedEvolution
from evoml.core.candidate import Candidate, Evaluation, Outcome, Status

DATA_SETS = ("cifar10", "cifar100", "imagenet16")
SIGNALS = {"short": "val_12ep", "full": "test_200ep"}  # what a search sees; it is always judged by the latter
IDLE = 20  # duplicates for each cell, after which a search has nothing left to look at


@dataclass(frozen=True)
class Table:
    """One data set of the benchmark.

    Attributes
    ----------
    names : sequence of str
        Texts of the cells.
    seen : (n_cells,) array
        Accuracy that a search sees, in percent.
    final : (n_cells,) array
        Mean test accuracy after 200 epochs, in percent.
    """

    names: list[str]
    seen: np.ndarray
    final: np.ndarray

    @classmethod
    def read(cls, path: str | Path, data_set: str, signal: str, searched_on: str | None = None) -> Table:
        """Return a data set of a CSV file with a column ``arch``; a search may see accuracies on another one.

        Raises ValueError for columns that are missing.
        """
        import pandas as pd

        columns = [f"{searched_on or data_set}_{SIGNALS[signal]}", f"{data_set}_{SIGNALS['full']}"]
        content = pd.read_csv(path)
        missing = {"arch", *columns} - set(content.columns)
        if missing:
            raise ValueError(
                f"{path} needs the columns arch, {', '.join(columns)}; missing: {', '.join(sorted(missing))}"
            )
        return cls(content["arch"].tolist(), content[columns[0]].to_numpy(), content[columns[1]].to_numpy())


def algorithms(population_size: int, tournament_size: int) -> dict[str, Callable[[int], Any]]:
    """Return what makes each algorithm from a seed."""
    space = CellSpace()
    return {
        "regularised": lambda seed: RegularisedEvolution(
            space, seed, population_size=population_size, tournament_size=tournament_size
        ),
        "random": lambda seed: RandomSearch(space, seed),
        "local": lambda seed: LocalSearch(space, seed),
    }


def incumbents(table: Table, algorithm: Any, cells: int) -> np.ndarray:
    """Return the row of the best cell seen after 1, 2, ... different cells: (at most ``cells``,)."""
    rows = {name: row for row, name in enumerate(table.names)}
    first: dict[int, int] = {}  # row -> id of the candidate that it was looked up for first
    best, found = -1, []
    state = algorithm.start()
    for _ in range(IDLE * cells):
        state, (candidate,) = algorithm.ask(state, 1)
        row = rows[candidate.key]
        outcome = _outcome(candidate, float(table.seen[row]), first.setdefault(row, candidate.id))
        state = algorithm.tell(state, [outcome])
        if outcome.duplicate_of is None:
            best = row if best < 0 or table.seen[row] > table.seen[best] else best
            found.append(best)
            if len(found) == cells:
                break
    return np.array(found)


def _outcome(candidate: Candidate, accuracy: float, first: int) -> Outcome:
    evaluation = Evaluation(Status.OK, {"accuracy": (accuracy,)})
    return Outcome(candidate, evaluation, (accuracy,), None if first == candidate.id else first)


def regrets(table: Table, make: Callable[[int], Any], seeds: range, cells: int) -> np.ndarray:
    """Return by how much the best cell seen falls short of the best there is, in percent: (seeds, cells).

    A search that ends early keeps its last cell.
    """
    curves = np.empty((len(seeds), cells))
    for at, seed in enumerate(seeds):
        rows = incumbents(table, make(seed), cells)
        curves[at, : len(rows)] = table.final.max() - table.final[rows]
        curves[at, len(rows) :] = curves[at, len(rows) - 1]
    return curves
