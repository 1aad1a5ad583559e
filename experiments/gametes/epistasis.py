"""GAMETES-like tables for experiments: rows to learn from and rows to judge by, of one penetrance table."""

from __future__ import annotations

import numpy as np
import pandas as pd
from penetrance import Penetrance, draw_penetrance, draw_table

FREQUENCIES = (0.2, 0.2)  # of the minor alleles that matter, as in the published tables


def load(
    seed: int, heritability: float, columns: int, rows: int = 1600, test_rows: int = 2000
) -> tuple[pd.DataFrame, np.ndarray, pd.DataFrame, np.ndarray]:
    """Return a table to learn from and one to test on; each seed has a penetrance table of its own."""
    penetrance = penetrance_of(seed, heritability, columns)
    X, y = draw_table(penetrance, rows + test_rows, columns, _stream(seed, heritability, columns, 1))
    names = [*(f"N{column}" for column in range(columns - 2)), "P1", "P2"]
    table = pd.DataFrame(X.astype(np.int64), columns=names)
    return table[:rows], y[:rows], table[rows:].reset_index(drop=True), y[rows:]


def penetrance_of(seed: int, heritability: float, columns: int) -> Penetrance:
    """Return what the two columns that matter do."""
    return draw_penetrance(heritability, FREQUENCIES, _stream(seed, heritability, columns, 0))


def _stream(seed: int, heritability: float, columns: int, part: int) -> np.random.Generator:
    return np.random.default_rng([seed, columns, round(heritability * 10_000), part])
