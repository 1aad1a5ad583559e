"""What was collected of a table, and how good candidates and their ensembles are on it.

Losses are one minus the area under the ROC curve (two classes), log loss (more) or root mean squared error, all by fold. An
ensemble is judged on folds that its weights were not chosen on.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

ROUNDS = 15  # of greedy selection with replacement (Caruana et al. 2004, section 2)
DEAREST = 20.0  # CPU seconds of an evaluation; what took longer counts as if it had been stopped
_SCORE_BITS, _TIE_BITS = 20, 10


@dataclass(frozen=True)
class Judge:
    """One table with the out-of-fold predictions of all its candidates.

    Attributes
    ----------
    name, task : str
        The task is binary, multiclass or regression.
    texts : list of str
        The candidates.
    rows : (folds, most rows of a fold) int array
        Row numbers of each fold, -1 where a fold has fewer.
    y : (n_rows,) array
    columns : (candidates, n_rows) float32 array
        Of two classes the probability of the second, of more that of the true one, else predictions. NaN where a candidate
        has none.
    cpu : (candidates,) array
        CPU seconds of its evaluation.
    """

    name: str
    task: str
    texts: list[str]
    rows: np.ndarray
    y: np.ndarray
    columns: np.ndarray
    cpu: np.ndarray

    @cached_property
    def usable(self) -> np.ndarray:
        """(candidates,) whether there are predictions."""
        return np.isfinite(self.columns).all(axis=1)

    @cached_property
    def single(self) -> np.ndarray:
        """(candidates, folds) losses of single candidates, infinite where there are no predictions."""
        return np.where(self.usable[:, None], self.losses(np.nan_to_num(self.columns)), np.inf)

    @cached_property
    def of_a_constant(self) -> float:
        """Loss of the best constant guess, all rows known."""
        if self.task == "regression":
            return float(np.std(self.y))
        shares = np.bincount(self.y) / len(self.y)
        return 0.5 if self.task == "binary" else float(-(shares * np.log(shares)).sum())

    @cached_property
    def sides(self) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
        """Folds to choose on and folds to judge on, then the other way round."""
        folds = np.arange(len(self.rows))
        return (folds[::2], folds[1::2]), (folds[1::2], folds[::2])

    def losses(self, columns: np.ndarray) -> np.ndarray:
        """(k, folds) losses of (k, n_rows) predictions."""
        return np.stack([self._loss(columns[:, rows[rows >= 0]], rows[rows >= 0]) for rows in self.rows], axis=1)

    def _loss(self, columns: np.ndarray, rows: np.ndarray) -> np.ndarray:
        if self.task == "multiclass":
            return -np.log(np.clip(columns, 1e-7, 1.0)).mean(axis=1)
        if self.task == "regression":
            return np.sqrt(np.square(columns - self.y[rows].astype(np.float32)).mean(axis=1))
        return 1.0 - _areas(columns, self.y[rows] == 1)

    # -- sets of candidates -------------------------------------------------------------------------------------------

    def best_single(self, chosen: Sequence[int]) -> float:
        """Mean loss of the candidate that is best on the other half of the folds; infinite for none."""
        members = self.single[[place for place in chosen if self.usable[place]]]
        if not len(members):
            return np.inf
        best = [members[:, choosing].mean(axis=1).argmin() for choosing, _ in self.sides]
        return float(np.mean([members[b, judging].mean() for b, (_, judging) in zip(best, self.sides, strict=True)]))

    def ensemble(self, chosen: Sequence[int]) -> float:
        """Mean loss of the ensembles of chosen candidates, each judged on the folds that it was not selected on."""
        key = tuple(sorted({place for place in chosen if self.usable[place]}))
        if not key:
            return np.inf
        if key not in self._ensembles:
            members = self.columns[list(key)]
            self._ensembles[key] = float(np.mean([self._selected(members, *side) for side in self.sides]))
        return self._ensembles[key]

    @cached_property
    def _ensembles(self) -> dict[tuple[int, ...], float]:
        return {}

    def _selected(self, members: np.ndarray, choosing: np.ndarray, judging: np.ndarray) -> float:
        """Loss of the greedy ensemble after the round that is best on the folds that it is selected on."""
        total = np.zeros(members.shape[1], np.float32)
        best, kept = np.inf, np.inf
        for size in range(1, ROUNDS + 1):
            losses = self.losses((total + members) / size)
            added = int(losses[:, choosing].mean(axis=1).argmin())
            total = total + members[added]
            if losses[added, choosing].mean() < best:
                best, kept = losses[added, choosing].mean(), losses[added, judging].mean()
        return float(kept)


def _areas(columns: np.ndarray, positive: np.ndarray) -> np.ndarray:
    """(k,) areas under the ROC curve of (k, n) scores in [0, 1], ties broken at random.

    Score, tie breaker and label are packed into one number, as sorting those is many times quicker than ranking.
    """
    ties = np.random.default_rng(0).integers(0, 1 << _TIE_BITS, len(positive), dtype=np.int32)
    keys = (columns * ((1 << _SCORE_BITS) - 1)).astype(np.int32) << (_TIE_BITS + 1)
    keys += (ties << 1) + positive.astype(np.int32)
    keys.sort(axis=1)
    labels = keys & 1
    n_positive = int(positive.sum())
    n_negative = len(positive) - n_positive
    ranks = (labels * np.arange(1, len(positive) + 1)).sum(axis=1)
    return (ranks - n_positive * (n_positive + 1) / 2) / max(n_positive * n_negative, 1)


# -- reading what was collected ---------------------------------------------------------------------------------------


def read_judges(results: Path, names: Iterable[str], least: float = 0.99) -> list[Judge]:
    """Tables in RESULTS, with the candidates that were evaluated on at least a share of them, in one order for each task."""
    found = {name: _records(results / name) for name in names if (results / name / "table.npz").exists()}
    judges = []
    for regression in (False, True):
        tables = {name: one for name, one in found.items() if (one[0]["task"] == "regression") == regression}
        counts: dict[str, int] = {}
        for _, records in tables.values():
            for text in records:
                counts[text] = counts.get(text, 0) + 1
        texts = sorted(text for text, count in counts.items() if count >= least * len(tables))
        judges += [_judge(name, facts, records, texts, results / name) for name, (facts, records) in tables.items()]
    return judges


def _records(folder: Path) -> tuple[dict[str, Any], dict[str, tuple[dict[str, Any], np.ndarray]]]:
    records = {}
    for path in sorted(folder.glob("*.npz")):
        if path.name == "table.npz" or path.name.endswith(".part.npz"):
            continue
        with np.load(path) as content:
            record = json.loads(str(content["record"]))
            records[record["text"]] = record, content["predictions"]
    with np.load(folder / "table.npz") as content:
        return json.loads(str(content["facts"])), records


def _judge(name: str, facts: dict[str, Any], records: dict[str, Any], texts: list[str], folder: Path) -> Judge:
    with np.load(folder / "table.npz") as content:
        y, fold = content["y"], content["fold"]
    parts = [np.flatnonzero(fold == number) for number in range(fold.max() + 1)]
    rows = np.full((len(parts), max(map(len, parts))), -1)
    for number, part in enumerate(parts):
        rows[number, : len(part)] = part
    columns = np.full((len(texts), len(y)), np.nan, np.float32)
    cpu = np.zeros(len(texts))
    for place, text in enumerate(texts):
        record, predictions = records.get(text, ({"status": "", "cpu": 0.0}, None))
        cpu[place] = record["cpu"]
        if record["status"] == "OK" and record["cpu"] <= DEAREST:
            columns[place] = _column(predictions, y, facts["task"])
    return Judge(name, facts["task"], texts, rows, y, columns, cpu)


def _column(predictions: np.ndarray, y: np.ndarray, task: str) -> np.ndarray:
    if task == "multiclass":
        total = predictions.sum(axis=1, keepdims=True)
        return (predictions / np.where(total > 0.0, total, 1.0))[np.arange(len(y)), y]
    column = predictions[:, 0]
    if task == "regression" or (column.min() >= 0.0 and column.max() <= 1.0):
        return column
    return 1.0 / (1.0 + np.exp(-np.clip(column, -30.0, 30.0)))  # decision values
