"""Rows to fit on and rows to predict, for each fold and each rung, without a copy where folds divide the table.

Of a small table, each fold has its own copy, made once. Of a large one where every row is tested once and trained on
otherwise, rows are laid out fold by fold in a ring that is written out (almost) twice: [0 1 2 3 4 0 1 2 3]. Then both parts of
every fold are contiguous: fold 1 is tested on 1 and trained on 2 3 4 0. Nothing is copied for a fold, in no worker, and all
workers share the ring.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from evoml.core.random import stream
from evoml.core.target import strata

if TYPE_CHECKING:
    from evoml.core.dataset import Dataset
    from evoml.evaluation.splitting import Split

SMALL = 16 * 2**20  # bytes of a table that is small
LEAST_RUNG_ROWS = 1000  # to train on at the lowest rung; a quarter of that to test on
REDUCTION = 4  # rows of a rung to those of the rung below


def rows(data: Any, index: Any) -> Any:
    """Return rows of an array or data frame; views of them for a slice."""
    return data.iloc[index] if hasattr(data, "iloc") else data[index]


def own(data: Any) -> Any:
    """Return a copy of an array, data frame or table that may be written into, its elements in the same order in memory."""
    return data.copy(order="K") if isinstance(data, np.ndarray) else data.copy()


@dataclass(frozen=True, eq=False)
class Table:
    """Features, target, sample weights and groups of the same rows."""

    X: Any
    y: np.ndarray
    weight: np.ndarray | None = None
    groups: np.ndarray | None = None

    @property
    def metadata(self) -> dict[str, np.ndarray]:
        """Sample weights and groups, those there are, under scikit-learn's names."""
        named = {"sample_weight": self.weight, "groups": self.groups}
        return {name: values for name, values in named.items() if values is not None}

    def take(self, index: Any) -> Table:
        """Return the table of some rows."""
        X, *parts = (None if part is None else rows(part, index) for part in (self.X, self.y, self.weight, self.groups))
        for part in (X, *parts):
            if isinstance(part, np.ndarray):
                part.setflags(write=False)  # it is shared by all that are evaluated on this fold
        return Table(X, *parts)  # type: ignore[arg-type]

    def copy(self) -> Table:
        """Return a table that may be written into."""
        return Table(*(None if part is None else own(part) for part in (self.X, self.y, self.weight, self.groups)))  # type: ignore[arg-type]


class Fold:
    """One part of a table to fit on, another to predict.

    Attributes
    ----------
    name : str
        Tells folds, rungs and inner folds of one problem apart.
    effort : float
        Share of its iterations that an iterative step makes here.
    training, testing : Table
    """

    def __init__(self, table: Table, train: Any, test: Any, name: str, effort: float = 1.0) -> None:
        self._table, self._train, self._test, self.name, self.effort = table, train, test, name, effort

    @cached_property
    def training(self) -> Table:
        return self._table.take(self._train)

    @cached_property
    def testing(self) -> Table:
        return self._table.take(self._test)

    def inner(self, number: int, train: np.ndarray, test: np.ndarray) -> Fold:
        """Return a fold of the training part."""
        return Fold(self.training, train, test, f"{self.name}.{number}", self.effort)

    def part(self, share: float, name: str, seed: int, stratify: bool) -> Fold:
        """Return a smaller fold of a share of the rows (nested for smaller shares), which shares nothing with this one."""
        parts = []
        for side, least in ((self._train, LEAST_RUNG_ROWS), (self._test, LEAST_RUNG_ROWS // 4)):
            positions = np.arange(len(self._table.y))[side]
            count = min(len(positions), max(int(share * len(positions)), least))
            labels = self._table.y[positions] if stratify else None
            parts.append(positions[np.sort(mixed(len(positions), labels, seed)[:count])])
        return Fold(self._table, parts[0], parts[1], name, effort=share**0.5)


class Folds:
    """The folds of a problem, and the rungs below them.

    Parameters
    ----------
    dataset : Dataset
    target : (n_rows,) array
        The target as models see it.
    splits : list of (train, test)
    seed : int
    rungs : sequence of float
        Share of the rows at each rung, growing; rungs are parts of the first fold.
    """

    def __init__(
        self, dataset: Dataset, target: np.ndarray, splits: Sequence[Split], seed: int, rungs: Sequence[float] = ()
    ) -> None:
        table = Table(dataset.features.data, target, dataset.sample_weight, dataset.groups)
        every = np.arange(dataset.n_rows)
        sides = [(_with_weight(every[train], table), every[test]) for train, test in splits]
        self.test_rows = [test for _, test in sides]
        self._small = dataset.n_bytes <= SMALL
        self._table: Table
        self._sides: Sequence[tuple[Any, Any]]
        self._table, self._sides = (table, sides) if self._small else _ring(table, sides)
        self._kept = [self._fold(number) for number in range(len(sides))] if self._small else []
        for fold in self._kept:
            fold.training, fold.testing  # noqa: B018 - made here, they are shared by all processes forked later
        self.rungs = [self[0].part(share, f"rung{share:.6f}", seed, dataset.classes is not None) for share in rungs]

    def _fold(self, number: int) -> Fold:
        train, test = self._sides[number]
        return Fold(self._table, train, test, str(number))

    def __len__(self) -> int:
        return len(self._sides)

    def __getitem__(self, number: int) -> Fold:
        return self._kept[number] if self._small else self._fold(number)


def _ring(table: Table, sides: Sequence[tuple[Any, Any]]) -> tuple[Table, Sequence[tuple[Any, Any]]]:
    """Return the table as a ring and the places of (train, test) in it; all as it was if the folds do not divide the table."""
    n_rows, everything = len(table.y), np.concatenate([test for _, test in sides])
    divided = len(everything) == n_rows and len(np.unique(everything)) == n_rows
    whole = all(len(train) == n_rows - len(test) and not np.isin(train, test).any() for train, test in sides)
    if not divided or not whole or any(len(np.unique(train)) < len(train) for train, _ in sides):
        return table, sides
    starts = np.concatenate([[0], np.cumsum([len(test) for _, test in sides])])
    order = np.concatenate([everything, everything[: starts[-2]]])
    return table.take(order), [(slice(end, start + n_rows), slice(start, end)) for start, end in pairwise(starts)]


def _with_weight(train: np.ndarray, table: Table) -> np.ndarray:
    """Return the training rows that count: one of weight zero is as good as not there."""
    return train if table.weight is None else train[table.weight[train] > 0]


def mixed(n_rows: int, labels: np.ndarray | None, seed: int) -> np.ndarray:
    """Return row numbers in a random order; with labels, such that the start of it has the shares of the whole.

    One row of each label comes first: a rare class must not be missing where a metric wants all of them. Of (n, k) labels of
    several columns, it is the rarest one of each row that counts.
    """
    order = stream(seed, n_rows).permutation(n_rows)
    if labels is None:
        return order
    _, codes, counts = np.unique(strata(labels)[order], return_inverse=True, return_counts=True)
    by_class = np.argsort(codes, kind="stable")
    places = np.empty(n_rows)
    places[by_class] = np.concatenate([np.arange(count) / count for count in counts])
    return order[np.argsort(places, kind="stable")]


def rung_shares(n_training: int) -> tuple[float, ...]:
    """Return the share of rows at each rung, growing, for folds with that many rows to train on; none for few."""
    shares, share = [], 1 / REDUCTION
    while n_training * share >= LEAST_RUNG_ROWS:
        shares.append(share)
        share /= REDUCTION
    return tuple(reversed(shares))
