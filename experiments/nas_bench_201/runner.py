"""A block of searches, as a cell of the experiment: the mean over their seeds."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from cell_search import Table, algorithms, regrets

if TYPE_CHECKING:
    from evoml.experiment import Cell, Finding

LOOKS = (10, 20, 50, 100, 150, 200, 300, 500, 700, 1000)  # cells after which the curve has a point


def block(cell: Cell) -> Finding:
    """Run the searches of one block; block 3 of 50 searches has the seeds 150 to 199."""
    from evoml.experiment import Finding

    wanted, task = cell.settings, cell.problem_arguments
    count, cells = wanted["searches"], wanted["evaluations"]
    path = str(cell.here / os.path.expandvars(task["file"]))
    table = _table(path, task["data_set"], task["signal"], task.get("searched_on"))
    make = algorithms(wanted.get("population_size", 1), wanted.get("tournament_size", 1))[wanted["algorithm"]]
    curves = regrets(table, make, range(cell.seed * count, (cell.seed + 1) * count), cells)
    looks = [look for look in LOOKS if look <= cells]
    curve = [(look, 0.0, -float(curves[:, look - 1].mean())) for look in looks]
    return Finding(measures=measures(curves, looks), curve=curve)


def measures(curves: np.ndarray, looks: list[int]) -> dict[str, float]:
    """Return what is told of many searches: their mean regret, its spread, and how many found the best cell, and when.

    curves: (searches, cells). A search that never found it counts with all its cells, so that ``cells_to_best`` is a lower
    bound where ``found`` is below 1.
    """
    told = {f"regret_{look}": float(curves[:, look - 1].mean()) for look in looks if look >= 100}
    told |= {f"spread_{look}": float(curves[:, look - 1].std()) for look in looks if look >= 100}
    there = curves <= 0.0
    first = np.where(there.any(axis=1), there.argmax(axis=1) + 1, curves.shape[1])
    return told | {"found": float(there[:, -1].mean()), "cells_to_best": float(first.mean())}


@cache
def _table(path: str, data_set: str, signal: str, searched_on: str | None) -> Table:
    if "$" in path:
        raise ValueError(f"{path}: set that environment variable to the folder of the table, see README.md")
    return Table.read(path, data_set, signal, searched_on)
