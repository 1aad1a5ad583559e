"""Out-of-fold predictions that are kept for ensembles: the best and most diverse, within bounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from evoml.core.candidate import Outcome

MAX_BYTES, MAX_COUNT = 64 * 2**20, 500
SPARED = 0.8  # share that is left when there are too many, so that sorting out is rare
SKETCH_ROWS = 2000


@dataclass(frozen=True)
class _Entry:
    score: float
    predictions: np.ndarray
    sketch: np.ndarray


class Kept:
    """Out-of-fold predictions by candidate.

    What is dropped, when there is too much, is worst in the sum of two ranks: by score, and by how unlike it is to all
    better ones (one minus the greatest correlation); the best stays, however large it is. Candidates that are functionally
    equivalent hold one place.

    Parameters
    ----------
    max_bytes, max_count : int
        What all together may take, and how many they may be.
    """

    def __init__(self, max_bytes: int = MAX_BYTES, max_count: int = MAX_COUNT) -> None:
        self.max_bytes, self.max_count = max_bytes, max_count
        self._entries: dict[int, _Entry] = {}
        self._meanings: dict[str, int] = {}
        self._changes: dict[int, np.ndarray | None] = {}

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def n_bytes(self) -> int:
        return sum(entry.predictions.nbytes for entry in self._entries.values())

    def offer(self, candidate: int, score: float, semantics: str, predictions: np.ndarray) -> None:
        """Keep predictions (n_rows, columns), unless the same are there already, or they are among the worst."""
        if self._meanings.setdefault(semantics, candidate) != candidate:
            return
        self._entries[candidate] = _Entry(score, predictions, _sketch(predictions))
        self._changes[candidate] = predictions
        if len(self._entries) > self.max_count or self.n_bytes > self.max_bytes:
            self._sort_out()

    def changes(self) -> dict[int, np.ndarray | None]:
        """Return what was kept since the last call, and None for what was dropped; there are none from now on."""
        changes, self._changes = self._changes, {}
        return changes

    def restore(self, predictions: Mapping[int, np.ndarray], outcomes: Mapping[int, Outcome]) -> None:
        """Take over what was kept in an earlier sitting."""
        for outcome in outcomes.values():
            self._meanings.setdefault(outcome.evaluation.semantics, outcome.candidate.id)
        for index, array in predictions.items():
            if index in outcomes:  # else it was kept before its outcome could be recorded, and is evaluated again
                self._entries[index] = _Entry(outcomes[index].scores[0], array, _sketch(array))

    def best_first(self) -> dict[int, np.ndarray]:
        """Return predictions by candidate, the best first."""
        order = sorted(self._entries, key=lambda candidate: (-self._entries[candidate].score, candidate))
        return {candidate: self._entries[candidate].predictions for candidate in order}

    def _sort_out(self) -> None:
        order = list(self.best_first())
        for place in least_useful([self._entries[candidate].sketch for candidate in order]):
            if len(self._entries) <= SPARED * self.max_count and self.n_bytes <= SPARED * self.max_bytes:
                break
            del self._entries[order[place]]
            self._changes[order[place]] = None


def most_useful(predictions: Mapping[int, np.ndarray], count: int) -> list[int]:
    """Return the ``count`` best and most diverse of candidates given best first, in their order."""
    order = list(predictions)
    dropped = least_useful([_sketch(predictions[candidate]) for candidate in order])[: max(len(order) - count, 0)]
    return [candidate for place, candidate in enumerate(order) if place not in set(dropped)]


def least_useful(sketches: Sequence[np.ndarray]) -> list[int]:
    """Return the places of candidates given best first, the least useful first; the best one is not among them."""
    stacked = np.stack(sketches)
    likeness = np.tril(stacked @ stacked.T, -1)  # to the better ones, which come first
    likeness[np.triu_indices(len(stacked))] = -1.0  # the best is like nothing better
    novelty = np.argsort(np.argsort(-likeness.max(axis=1), kind="stable"), kind="stable")  # 0 for the least novel
    badness = np.arange(len(stacked)) - novelty
    return [int(place) for place in 1 + np.argsort(-badness[1:], kind="stable")]


def _sketch(predictions: np.ndarray) -> np.ndarray:
    """Return the predictions of some rows, the same for all candidates, without scale and offset."""
    step = max(1, len(predictions) // SKETCH_ROWS)
    some = predictions[::step]
    if some.dtype == np.float64:  # beside its own size, the spread would be lost in float32
        known = some[np.isfinite(some).all(axis=1)]
        some = some - (known.mean(axis=0) if len(known) else 0.0)
    values = np.nan_to_num(some.astype(np.float32)).ravel()
    values = values - values.mean()
    length = float(np.linalg.norm(values))
    return values / length if length > 0 else values
