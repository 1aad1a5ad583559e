"""A space of genomes as arrays, small enough to see through: rows of digits, the more nines the better."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evoml.core.batches import Measured, Offspring
from evoml.core.random import mixed

LENGTH = 6


@dataclass(frozen=True, eq=False)
class Digits:
    """(n, LENGTH) int64 digits."""

    rows: np.ndarray

    def __len__(self):
        return len(self.rows)

    def take(self, indices):
        return Digits(self.rows[indices])


class DigitRows:
    """Sampling draws each digit; varying takes each digit from one of both parents and changes one of them."""

    def sample(self, keys):
        return Digits((mixed(keys[:, None], np.arange(LENGTH)) % np.uint64(10)).astype(np.int64))

    def vary(self, genomes, parents, keys):
        first = mixed(keys[:, None], 100 + np.arange(LENGTH)) % np.uint64(2) == 0
        rows = np.where(first, genomes.rows[parents[:, 0]], genomes.rows[parents[:, 1]])
        at = (mixed(keys, 200) % np.uint64(LENGTH)).astype(np.int64)
        rows[np.arange(len(rows)), at] = (mixed(keys, 201) % np.uint64(10)).astype(np.int64)
        return Digits(rows)

    def joined(self, parts):
        return Digits(np.concatenate([part.rows for part in parts]))

    def arrays(self, genomes):
        return {"rows": genomes.rows}

    def restored(self, arrays):
        return Digits(arrays["rows"])


def measured(offspring: Offspring, *, failing: bool = False) -> Measured:
    """Return what digits are worth: how much is missing to nines, and how many different ones there are."""
    rows = offspring.genomes.rows
    missing = (9 - rows).sum(axis=1).astype(float)
    if failing:
        missing[rows[:, 0] % 2 == 0] = np.inf
    kinds = np.array([len(set(row)) for row in rows.tolist()], dtype=float)
    meanings = mixed(0, np.sort(rows, axis=1) @ 10 ** np.arange(LENGTH))  # the order of digits does not matter
    return Measured(offspring.genomes, np.column_stack([missing, kinds]), meanings, (9.0 - rows).astype(np.float32))
