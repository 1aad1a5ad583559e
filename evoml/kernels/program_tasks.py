"""Tasks for programs that learn: examples of several tasks side by side, one a lane, in blocks of lanes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from evoml.core.random import mixed
from evoml.kernels.program_codes import CHUNK

MOST_LANES = 16


class Tasks(NamedTuple):
    """Tasks as the machine reads them; lanes beyond the last task hold zeros and count nothing.

    train_features (blocks, examples, entries, lanes), train_labels (blocks, examples, lanes) float64, and the same of
    validation. seeds: (blocks, lanes) uint64, what random numbers in programs hang on. used: (blocks,) int64, tasks in a block.
    """

    train_features: np.ndarray
    train_labels: np.ndarray
    valid_features: np.ndarray
    valid_labels: np.ndarray
    seeds: np.ndarray
    used: np.ndarray


def make_tasks(
    train_features: np.ndarray,
    train_labels: np.ndarray,
    valid_features: np.ndarray,
    valid_labels: np.ndarray,
    seed: int = 0,
    block: int = MOST_LANES,
) -> Tasks:
    """Return tasks as arrays for the machine.

    train_features: (tasks, examples, entries), train_labels: (tasks, examples), and the same of validation. seed: of the random
    numbers that programs draw. block: tasks that are run at once; hurdles stand between blocks.
    """
    n_tasks = len(train_labels)
    block = min(block, n_tasks)
    n_blocks, lanes = -(-n_tasks // block), -(-block // CHUNK) * CHUNK
    seeds = mixed(np.full(n_tasks, seed, np.uint64), np.arange(n_tasks))
    used = np.minimum(n_tasks - block * np.arange(n_blocks, dtype=np.int64), block)

    def laid_out(values: np.ndarray, kind: type = np.float64) -> np.ndarray:
        values = np.asarray(values, kind)
        made = np.zeros((n_blocks, *values.shape[1:], lanes), kind)
        for task, value in enumerate(values):
            made[task // block, ..., task % block] = value
        return made

    return Tasks(
        laid_out(train_features), laid_out(train_labels), laid_out(valid_features), laid_out(valid_labels),
        laid_out(seeds, np.uint64), used,
    )  # fmt: skip
