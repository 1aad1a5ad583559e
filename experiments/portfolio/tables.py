"""The tables that the portfolio is learned from, read where their packages were unpacked; see tables.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from evoml.core.dataset import Dataset, read_dataset

LIST = Path(__file__).with_name("tables.toml")


def entries(path: Path) -> Mapping[str, Mapping[str, Any]]:
    """What a list of tables says of each, by name."""
    return tomllib.loads(path.read_text(encoding="utf-8"))


def kind(entry: Mapping[str, Any]) -> str:
    """``"classification"`` or ``"regression"``."""
    return "regression" if entry["task"] == "regression" else "classification"


def read(packages: Path, entry: Mapping[str, Any], max_rows: int) -> Dataset:
    """Return a table without the rows that have no target.

    At most ``max_rows`` of its rows, or as many as its entry says, are drawn with a fixed seed.
    """
    path = packages / entry["file"]
    if not path.exists():
        raise SystemExit(f"{path} is not there; unpack the package {entry['source']} as README.md says")
    frame = _keel(path) if path.suffix == ".dat" else pd.read_pickle(path, compression="xz")
    target = frame.columns[-1] if entry["target"] == "last column" else entry["target"]
    frame = frame[frame[target].notna()].drop(columns=list(entry.get("drop", ())))
    max_rows = entry.get("max_rows", max_rows)
    if len(frame) > max_rows:
        rows = np.random.default_rng(0).choice(len(frame), max_rows, replace=False)
        frame = frame.iloc[np.sort(rows)]
    frame = frame.reset_index(drop=True)
    return read_dataset(frame.drop(columns=target), frame[target].to_numpy(), kind(entry))


def _keel(path: Path) -> pd.DataFrame:
    frame = pd.read_csv(path, header=None, skipinitialspace=True, na_values=["?", "<null>"])
    return frame.rename(columns=str)
