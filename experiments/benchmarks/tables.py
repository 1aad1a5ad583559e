"""Tables in a folder: CSV files, and a ``manifest.csv`` with the name, file, task and target of each."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any


def read_table(folder: Path, name: str) -> tuple[Any, Any, str]:
    """Return columns, target and task (binary, multiclass, regression) of a table; rows without a target are left out."""
    import pandas as pd

    with open(folder / "manifest.csv", newline="") as manifest:
        entry = next(row for row in csv.DictReader(manifest) if row["name"] == name)
    table = pd.read_csv(folder / entry["file"], low_memory=False)
    table = table[table[entry["target"]].notna()].reset_index(drop=True)
    return table.drop(columns=entry["target"]), table[entry["target"]], entry["task"]
