"""A genome of one's own: the cells of NAS-Bench-201, in the few lines that evoml's algorithms need of a GenomeSpace."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
SOURCES = ((0,), (0, 1), (0, 1, 2))  # of the edges into each node after the first
EDGES = sum(map(len, SOURCES))


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell: one operation on each of the six edges between four nodes (Dong and Yang 2020, section 2.1).

    Attributes
    ----------
    operations : tuple of int
        Positions in OPERATIONS, edge by edge in the order of the benchmark's own texts.
    """

    operations: tuple[int, ...]

    def __str__(self) -> str:
        """Return the text by which the benchmark knows the cell."""
        return _text(self.operations)

    def neighbours(self) -> Iterator[Cell]:
        """Yield the 24 cells that differ in one operation."""
        for edge in range(EDGES):
            for operation in range(len(OPERATIONS)):
                if operation != self.operations[edge]:
                    yield self.changed(edge, operation)

    def changed(self, edge: int, operation: int) -> Cell:
        return Cell((*self.operations[:edge], operation, *self.operations[edge + 1 :]))


class CellSpace:
    """All 15,625 cells; the one variation puts another operation on an edge, as in Real et al. (2019, section 3.1)."""

    operators = {"change": 1}  # noqa: RUF012

    def sample(self, positions: Sequence[int], streams: Sequence[np.random.Generator]) -> list[Cell]:
        return [Cell(tuple(rng.integers(len(OPERATIONS), size=EDGES).tolist())) for rng in streams]

    def vary(
        self,
        operators: Sequence[str],
        parents: Sequence[Sequence[Cell]],
        streams: Sequence[np.random.Generator],
        trials: Sequence[Any] = (),
    ) -> list[Cell]:
        return [_changed(parent, rng) for (parent,), rng in zip(parents, streams, strict=True)]

    def key(self, cell: Cell) -> str:
        return str(cell)

    def complexity(self, cell: Cell) -> float:
        """Return the number of convolutions: what costs weights."""
        return float(sum("conv" in OPERATIONS[operation] for operation in cell.operations))

    def parse(self, text: str) -> Cell:
        names = [edge.partition("~")[0] for node in text.split("+") for edge in node.strip("|").split("|")]
        return Cell(tuple(map(OPERATIONS.index, names)))


@cache
def _text(operations: tuple[int, ...]) -> str:
    names = iter(OPERATIONS[operation] for operation in operations)
    return "+".join("|" + "".join(f"{next(names)}~{source}|" for source in sources) for sources in SOURCES)


def _changed(cell: Cell, rng: np.random.Generator) -> Cell:
    edge, step = divmod(int(rng.integers(EDGES * (len(OPERATIONS) - 1))), len(OPERATIONS) - 1)
    return cell.changed(edge, (cell.operations[edge] + 1 + step) % len(OPERATIONS))
