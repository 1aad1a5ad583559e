"""A program that learns, trained on a table: features and labels as programs like them, copies for classes, predictions.

What is done here is done by the NumPy source of a learned algorithm too (:mod:`evoml.genomes.program.source`); the two must
give the same predictions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evoml.core.random import mixed
from evoml.genomes.program.program import Program, Programs
from evoml.genomes.program.text import read, write
from evoml.kernels.program_codes import CHUNK

if TYPE_CHECKING:
    from evoml.kernels.program_tasks import Tasks

LARGEST_ERROR = 100.0
_CHUNK = 4096  # examples that are laid out at once
_LANES = 16  # copies that learn side by side at most; a multiple of four


@dataclass(frozen=True, eq=False)
class Scaling:
    """How columns become features: those that vary with mean 0 and spread 1; or so many random projections of these.

    Attributes
    ----------
    centre : (n_columns,) array
    weights : (n_columns,) array, or (n_columns, n_features) for projections
    """

    centre: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(cls, X: np.ndarray, most: int, rng: np.random.Generator) -> Scaling:
        """Return the scaling that rows (n, n_columns) call for; projections are drawn where there are more than ``most``."""
        centre = X.mean(axis=0)
        weights = inverse_spread(X - centre, np.abs(X).max(axis=0))
        if X.shape[1] > most:
            weights = weights[:, None] * rng.normal(size=(X.shape[1], most))
            projected = (X - centre) @ weights
            weights = weights * inverse_spread(projected, np.abs(projected).max(axis=0))
        return cls(centre, weights)

    def __call__(self, X: np.ndarray) -> np.ndarray:
        """Return the features of rows: (n, n_features)."""
        centred = X - self.centre
        return np.ascontiguousarray(centred * self.weights if self.weights.ndim == 1 else centred @ self.weights)


def inverse_spread(centred: np.ndarray, largest: np.ndarray) -> np.ndarray:
    """Return what centred columns are to be multiplied by, (n_columns,): 0 for those that do not vary."""
    spread = centred.std(axis=0)
    varies = spread > 1e-12 * largest
    return np.where(varies, 1.0, 0.0) / np.where(varies, spread, 1.0)


def example_order(n_rows: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return ``count`` rows in the order in which they are learned from: each once before any comes again."""
    return np.concatenate([rng.permutation(n_rows) for _ in range(-(-count // n_rows))])[:count]


@dataclass(frozen=True, eq=False)
class Trained:
    """Copies of a program after training.

    Attributes
    ----------
    program : str
        Its text.
    entries : int
        Features.
    seed : int
        Of the random numbers that the program draws.
    work : tuple of float64 arrays
        Memory of each block of copies.
    failed : (n_copies,) bool array
        Copies whose prediction was too far off while they learned.
    """

    program: str
    entries: int
    seed: int
    work: tuple[np.ndarray, ...]
    failed: np.ndarray

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Return what each copy predicts for rows (n, entries), each row alone: (n, n_copies); nan for copies that failed."""
        program, found = read(self.program), np.empty((len(features), len(self.failed)))
        rows = np.array(features, np.float64, order="C")
        for block, work in enumerate(self.work):
            first = block * _LANES
            count = min(_LANES, len(self.failed) - first)
            machine = _Machine.of(program, self.entries, _seeds(self.seed, first, count), False)
            found[:, first : first + count] = machine.predict(rows, work)[:, :count]
        found[:, self.failed] = np.nan
        return found


def train(
    program: Program, features: np.ndarray, labels: np.ndarray, order: np.ndarray, classes: bool, seed: int
) -> Trained:
    """Train copies of a program, each on its own labels.

    features: (n, entries), labels: (n, n_copies) float64, 0 or 1 for classes. order: rows, in the order they are shown.
    """
    n_copies, works, failed = labels.shape[1], [], np.zeros(labels.shape[1], bool)
    for first in range(0, n_copies, _LANES):
        count = min(_LANES, n_copies - first)
        machine = _Machine.of(program, features.shape[1], _seeds(seed, first, count), classes)
        machine.learn(features, labels[:, first : first + count], order)
        works.append(machine.space.work.copy())
        failed[first : first + count] = np.isinf(machine.space.losses[:count])
    return Trained(write(program), features.shape[1], seed, tuple(works), failed)


def fitness_as_used(program: Program, tasks: Tasks, classes: bool, largest_error: float = LARGEST_ERROR) -> np.ndarray:
    """Return the fitness of a program on each task, put to use as a learned algorithm is: (tasks,).

    Each example of validation is predicted from the memory that training left, while in a search memory runs on from one to the
    next. Otherwise it is the fitness of a search: accuracy, or 1 - 2 / pi * arctan(root mean squared error); 0 where a
    prediction was too far off while it learned.
    """
    found = []
    for block, used in enumerate(tasks.used):
        entries = tasks.train_features.shape[2]
        machine = _Machine.of(program, entries, tasks.seeds[block], classes, largest_error)
        machine.show(tasks.train_features[block], tasks.train_labels[block])
        judged = _Machine.of(program, entries, tasks.seeds[block], False)
        for lane in range(used):
            features, labels = tasks.valid_features[block][:, :, lane], tasks.valid_labels[block][:, lane]
            predicted = judged.predict(np.ascontiguousarray(features), machine.space.work)[:, lane]
            predicted = np.where(np.isfinite(predicted), predicted, 0.0)
            failed = np.isinf(machine.space.losses[lane])
            found.append(0.0 if failed else _fitness(predicted, labels, classes))
    return np.array(found)


def _fitness(predicted: np.ndarray, labels: np.ndarray, classes: bool) -> float:
    if classes:
        return float(np.mean((predicted > 0) == (labels > 0)))
    with np.errstate(over="ignore"):
        return float(1.0 - np.arctan(np.sqrt(np.mean((predicted - labels) ** 2))) * (2.0 / np.pi))


def _seeds(seed: int, first: int, count: int) -> np.ndarray:
    """Return the seeds of copies from ``first`` on, for as many lanes as they take."""
    lanes = first + np.arange(-(-count // CHUNK) * CHUNK)
    return mixed(np.full(len(lanes), seed, np.uint64), lanes)


class _Machine:
    """What the kernels need to run copies of a program."""

    def __init__(self, arguments: tuple, sizes, space) -> None:  # type: ignore[no-untyped-def, type-arg]
        self.arguments, self.sizes, self.space = arguments, sizes, space

    @classmethod
    def of(
        cls, program: Program, entries: int, seeds: np.ndarray, classes: bool, largest_error: float = LARGEST_ERROR
    ) -> _Machine:
        """Return a machine with a lane for each seed."""
        from evoml.kernels.program_machine import make_machine
        from evoml.kernels.program_reach import make_memory
        from evoml.kernels.program_run import make_rules, make_space
        from evoml.kernels.program_steps import Sizes

        arrays, memory, lanes = Programs.of([program]), make_memory(*program.addresses), len(seeds)
        sizes = Sizes(*memory, entries, lanes, make_machine(lanes, entries))
        space = make_space(arrays.room, sizes)
        code = arrays.instructions[0], arrays.literals[0], arrays.lengths[0]
        rules = make_rules(largest_error=largest_error, classes=classes)
        return cls((code, memory, seeds, sizes, rules, space), sizes, space)

    def learn(self, features: np.ndarray, labels: np.ndarray, order: np.ndarray) -> None:
        """Show examples in an order, the same to all lanes; there is no room for all at once, for each lane has its own."""
        for stage in range(0, len(order), _CHUNK):
            rows = order[stage : stage + _CHUNK]
            shown = np.repeat(features[rows][:, :, None], self.sizes.lanes, axis=2)
            wanted = np.zeros((len(rows), self.sizes.lanes))
            wanted[:, : labels.shape[1]] = labels[rows]
            self.show(shown, wanted, stage)

    def show(self, features: np.ndarray, labels: np.ndarray, stage: int = 0) -> None:
        """Show examples (n, entries, lanes) with labels (n, lanes), of which the first has the number ``stage``."""
        from evoml.kernels.program_apply import learn

        learn(stage == 0, stage, features, labels, *self.arguments)

    def predict(self, rows: np.ndarray, work: np.ndarray) -> np.ndarray:
        """Return what each lane predicts for rows (n, entries), each from the memory in ``work``: (n, lanes)."""
        from evoml.kernels.program_apply import predict

        lanes = self.sizes.lanes
        predictions = np.empty((len(rows), lanes))
        one, label = np.zeros((1, rows.shape[1], lanes)), np.zeros((1, lanes))
        predict(rows, work, *self.arguments, one, label, predictions)
        return predictions
