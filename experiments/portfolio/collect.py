"""Evaluate all candidates on all tables, as a search would: the data that the portfolio is learned from.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python experiments/portfolio/collect.py PACKAGES RESULTS

PACKAGES is the folder that the packages of tables.toml were unpacked in. For each pair of table and candidate RESULTS gets a
file with scores of the folds, CPU seconds and out-of-fold predictions; what is there already is not done again. One candidate
goes over all tables before the next, so that the tables are equally far whenever it is stopped. It ends with status 1 when a
candidate hangs: start it again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from candidates import candidates
from tables import LIST, entries, kind, read

from evoml.components import load_catalogue
from evoml.core.budget import Budget
from evoml.core.errors import SearchSpaceError
from evoml.evaluation.problem import Problem, evaluate
from evoml.kernels.warmup import load
from evoml.run.parts import put_together
from evoml.run.search import Search

METRICS = {"binary": "roc_auc", "multiclass": "neg_log_loss", "regression": "neg_root_mean_squared_error"}
MAX_ROWS, FOLDS, SEED = 3000, 5, 0
SECONDS = 150.0  # of the clock, on a machine that may be busy; learn.py looks at CPU seconds


@dataclass(frozen=True)
class Bench:
    """A table ready for evaluations."""

    name: str
    task: str
    problem: Problem
    folder: Path

    def file(self, text: str) -> Path:
        return self.folder / f"{hashlib.blake2b(text.encode(), digest_size=8).hexdigest()}.npz"

    def has(self, text: str) -> bool:
        return self.file(text).exists()

    def evaluate(self, text: str) -> Mapping[str, Any]:
        """Evaluate a candidate; record and return what came of it."""
        record: dict[str, Any] = {"text": text, "status": "UNSUITABLE", "scores": [], "cpu": 0.0}
        try:
            adapted = str(self.problem.builder.adapted(text))  # type: ignore[attr-defined]
        except SearchSpaceError as error:
            return self._write({**record, "error": str(error)})
        watchdog = threading.Timer(2 * SECONDS, self._give_up, [record])
        watchdog.start()
        found = evaluate(self.problem, adapted)
        watchdog.cancel()
        scores = list(next(iter(found.fold_scores.values()), ()))
        record |= {"adapted": adapted, "status": str(found.status), "error": found.error}
        record |= {"scores": scores, "cpu": found.cost.cpu, "fit_cpu": found.cost.fit_cpu, "wall": found.cost.wall}
        return self._write(record, found.predictions)

    def _give_up(self, record: dict[str, Any]) -> None:
        """End this process, which hangs in a step; when it is started again it goes on with the next candidate."""
        self._write({**record, "status": "STOPPED", "cpu": 2 * SECONDS})
        os._exit(1)

    def _write(self, record: dict[str, Any], predictions: np.ndarray | None = None) -> Mapping[str, Any]:
        # under another name until it is whole, so that no half of a file is taken for a result
        unfinished = self.file(record["text"]).with_suffix(".part.npz")
        columns = np.empty(0, np.float32) if predictions is None else predictions.astype(np.float32)
        np.savez_compressed(unfinished, record=np.array(json.dumps(record)), predictions=columns)
        unfinished.replace(self.file(record["text"]))
        return record


def bench(name: str, entry: Mapping[str, Any], packages: Path, results: Path, max_rows: int = MAX_ROWS) -> Bench:
    """Read a table, draw its folds, and record its target and folds beside the results."""
    dataset = read(packages, entry, max_rows)
    wanted = Search(
        dataset,
        load_catalogue(),
        Budget(evaluations=1),
        SEED,
        scoring=METRICS[entry["task"]],
        cv=FOLDS,
        eval_seconds=SECONDS,
        racing=False,
    )
    problem = put_together(wanted).problem
    folder = results / name
    folder.mkdir(parents=True, exist_ok=True)
    fold = np.full(dataset.n_rows, -1)
    for number, (_, test) in enumerate(problem.splits):
        fold[test] = number
    facts = {"task": entry["task"], "n_rows": dataset.n_rows, "n_features": dataset.n_features}
    np.savez_compressed(folder / "table.npz", y=dataset.y, fold=fold, facts=np.array(json.dumps(facts)))
    return Bench(name, kind(entry), problem, folder)


def collect(benches: list[Bench], texts: Mapping[str, list[str]], say: Callable[[str], None]) -> None:
    """Evaluate what is not evaluated yet, one candidate (by task) after another on all tables."""
    for number in range(max(map(len, texts.values()))):
        for one in benches:
            if number >= len(texts[one.task]) or one.has(text := texts[one.task][number]):
                continue
            record = one.evaluate(text)
            score = f"{np.mean(record['scores']):.4f}" if record["status"] == "OK" else record["status"]
            say(f"{number:3d} {one.name:18s} {score:>10s} {record['cpu']:6.2f} s  {text}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("--tables", type=Path, default=LIST, help="a list like tables.toml")
    parser.add_argument("--first", type=int, help="evaluate no more than so many candidates of each task")
    asked = parser.parse_args()
    benches = [bench(name, entry, asked.packages, asked.results) for name, entry in entries(asked.tables).items()]
    texts = {task: candidates(task)[: asked.first] for task in ("classification", "regression")}
    load(["boosting", "forest"])  # before any candidate's time begins
    collect(benches, texts, lambda line: print(line, flush=True))


if __name__ == "__main__":
    main()
