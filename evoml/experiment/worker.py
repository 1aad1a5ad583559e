"""What a worker process does: cells, one after another, until its parent has no more of them, or is gone."""

from __future__ import annotations

import sys
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evoml.experiment.cells import Cell


def main() -> None:
    """Serve the parent whose connection has the number in the arguments."""
    from evoml.core.process import die_with_parent, limit_memory
    from evoml.experiment.performing import perform

    connection = Connection(int(sys.argv[1]))
    with suppress(EOFError, OSError, KeyboardInterrupt):
        while True:
            task: tuple[int, Cell, int] = connection.recv()
            parent, cell, cells = task
            die_with_parent(parent)  # one that went on alone would be in the way of the next sitting
            limit_memory(None)
            limit_memory(cell.memory)
            connection.send(perform(cell, cells))
