"""Codes of columns for tree learners: made once for each fold and step, in each process that evaluates.

What is kept is bounded in bytes, and what was not used for longest goes first. Codes are small beside the columns they
are made of, and soon made again: workers do not share them.
"""

from __future__ import annotations

from typing import Any

from evoml.learners.binned_table import Codes, SharedTable

MOST_BYTES = 32 * 2**20


class Binnings:
    """Keeps the codes of training and test rows.

    Parameters
    ----------
    max_bytes : int
        Bytes that they may take between two evaluations.
    """

    def __init__(self, max_bytes: int = MOST_BYTES) -> None:
        self.max_bytes = max_bytes
        self._kept: dict[str, tuple[Codes, Codes]] = {}  # the least recently used first

    def shared(self, name: str, training: Any, testing: Any) -> tuple[SharedTable, SharedTable]:
        """Return the columns of that name as learners take them together with the codes that are there."""
        self._kept[name] = codes = self._kept.pop(name, None) or (Codes(), Codes())
        return SharedTable(training, codes[0]), SharedTable(testing, codes[1])

    @property
    def n_bytes(self) -> int:
        return sum(codes.n_bytes for pair in self._kept.values() for codes in pair)

    def tidy(self) -> None:
        """Let go of what is too much."""
        while self._kept and self.n_bytes > self.max_bytes:
            del self._kept[next(iter(self._kept))]
