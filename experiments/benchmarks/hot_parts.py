"""Which parts a search spends its CPU seconds on: what is worth compiling.

    python experiments/benchmarks/hot_parts.py [--seconds 30] [--tables breast_cancer digits] [--folder TABLES] [--profile 25]

Each run is a search with default settings in a fresh interpreter, evaluated in that process and one thread. Every fit and
predict of a step is counted for its part, on rungs, folds and inside stacked models alike; what came from the cache cost
nothing. The shares are of the CPU seconds of all evaluations. *around* is what evaluations take beside their steps and the
metric. ``--profile`` adds the functions of the most own time, as cProfile sees them: it slows small functions down, so that
shares are then skewed to them. Tables are scikit-learn's by name, else files of a folder with a manifest.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class Count:
    """CPU seconds of the fits and predictions of each part, of metrics and of whole evaluations."""

    def __init__(self) -> None:
        self.fits: dict[str, list[float]] = defaultdict(list)
        self.predictions: dict[str, list[float]] = defaultdict(list)
        self.scoring: list[float] = []
        self.evaluating: list[float] = []

    def watch(self) -> None:
        """Wrap what evaluates."""
        from evoml.evaluation import execution, problem
        from evoml.evaluation.executors import serial

        cost, predicted = execution.Execution._cost, execution.Execution.predicted

        def _cost(this: Any, node: str, step: Any, fitting: Any, predicting: Any, X: Any) -> None:
            part = this.workshop.plan.part(node)
            self.fits[part].append(fitting.cpu)
            if predicting.cpu:
                self.predictions[part].append(predicting.cpu)
            cost(this, node, step, fitting, predicting, X)

        def _predicted(this: Any, node: str, spent: Any) -> None:
            self.predictions[this.workshop.plan.part(node)].append(spent.cpu)
            predicted(this, node, spent)

        def _apply(scorer: Any, model: Any, *rest: Any) -> float:
            model.predict(rest[0])  # most metrics ask for this; what is said once is not computed again
            if getattr(scorer, "_response_method", "predict") != "predict" and hasattr(model, "predict_proba"):
                model.predict_proba(rest[0])
            began = time.process_time()
            try:
                return apply(scorer, model, *rest)
            finally:
                self.scoring.append(time.process_time() - began)

        apply, evaluate = problem.apply, serial.evaluate
        execution.Execution._cost, execution.Execution.predicted = _cost, _predicted  # type: ignore[method-assign]
        problem.apply = _apply
        serial.evaluate = self._timed(evaluate)  # type: ignore[assignment]

    def _timed(self, evaluate: Any) -> Any:
        def timed(*arguments: Any) -> Any:
            began = time.process_time()
            try:
                return evaluate(*arguments)
            finally:
                self.evaluating.append(time.process_time() - began)

        return timed


def read(name: str, folder: Path) -> tuple[Any, Any, str]:
    """Return columns, target and task of a table of scikit-learn or of the folder."""
    from sklearn import datasets
    from tables import read_table

    load = getattr(datasets, f"load_{name}", None)
    if load is None:
        X, y, task = read_table(folder, name)
        return X, y, "regression" if task == "regression" else "classification"
    X, y = load(return_X_y=True)
    return X, y, "regression" if name == "diabetes" else "classification"


def one(name: str, wanted: argparse.Namespace) -> dict[str, Any]:
    """Search once in this process, and return what was counted."""
    from evoml import EvoClassifier, EvoRegressor

    X, y, task = read(name, wanted.folder)
    count = Count()
    count.watch()
    kind = EvoRegressor if task == "regression" else EvoClassifier
    model = kind(
        max_time_mins=wanted.seconds / 60, n_jobs=1, executor="serial", random_state=wanted.seed, scoring=wanted.scoring
    )
    if wanted.profile:
        _profiled(lambda: model.fit(X, y), wanted.profile)
    else:
        model.fit(X, y)
    return {**vars(count), "score": model.best_score_}


def _profiled(call: Any, lines: int) -> None:
    import cProfile
    import pstats

    profile = cProfile.Profile()
    profile.runcall(call)
    for order in ("tottime", "cumtime"):
        pstats.Stats(profile, stream=sys.stderr).sort_stats(order).print_stats(lines)


def report(name: str, run: dict[str, Any]) -> None:
    """Print the table of one run, the dearest part first."""
    whole = sum(run["evaluating"])
    print(
        f"\n{name}: {len(run['evaluating'])} evaluations in {whole:.1f} CPU-s, best score {run['score']:.4f}\n"
        f"{'part':34s}{'share':>7s}{'fits':>7s}{'ms a fit':>10s}{'median':>9s}{'ms a predict':>14s}{'median':>9s}"
    )
    spent = {part: sum(fits) + sum(run["predictions"].get(part, [])) for part, fits in run["fits"].items()}
    for part in sorted(spent, key=spent.__getitem__, reverse=True):
        fits, said = run["fits"][part], run["predictions"].get(part, [0.0])
        figures = [1000 * of(values) for values in (fits, said) for of in (statistics.mean, statistics.median)]
        print(
            f"{part:34s}{spent[part] / whole:7.1%}{len(fits):7d}"
            f"{figures[0]:10.2f}{figures[1]:9.2f}{figures[2]:14.2f}{figures[3]:9.2f}"
        )
    scoring = sum(run["scoring"])
    around = whole - scoring - sum(spent.values())
    for title, seconds in (("metrics", scoring), ("around", around)):
        each = 1000 * seconds / max(len(run["scoring"]), 1)
        print(f"{title:34s}{seconds / whole:7.1%}{len(run['scoring']):7d}{each:10.2f}  a fold or rung")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--tables", nargs="+", default=["breast_cancer", "digits"])
    parser.add_argument("--folder", type=Path, default=Path("tables"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scoring", default=None)
    parser.add_argument("--profile", type=int, default=0)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.one:
        print(json.dumps(one(wanted.tables[0], wanted)))
        return
    options = ["--seconds", str(wanted.seconds), "--folder", str(wanted.folder), "--seed", str(wanted.seed)]
    options += ["--profile", str(wanted.profile)] + (["--scoring", wanted.scoring] if wanted.scoring else [])
    for name in wanted.tables:
        command = [sys.executable, __file__, "--one", "--tables", name, *options]
        said = subprocess.run(
            command, stdout=subprocess.PIPE, text=True, check=True, env={**os.environ, **ONE_THREAD}
        ).stdout
        report(name, json.loads(said.splitlines()[-1]))


if __name__ == "__main__":
    main()
