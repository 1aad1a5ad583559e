"""How well ``fit`` keeps to its seconds: its wall time for each budget and table, and what came out.

    python experiments/benchmarks/budget.py --data FOLDER [--seconds 10 30 60 300] [--tables NAME ...] [--jobs 1]
        [--parallel 2] [--seed 0]

FOLDER holds tables as CSV files (also compressed) and a ``manifest.csv`` with the name, file, task and target of each. Every
fit is made in a fresh interpreter with default settings, so that imports and the start of processes count. ``--parallel`` fits
run at once; take no more than there are cores for.

The promise: a fit is over after 1.02 times its seconds and one more second, and has used 95 % of them, unless its search space
was searched through.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

from tables import read_table

TABLES = [
    "adult", "diamonds", "letter", "mammography", "bikeshare", "satimage", "phoneme", "abalone", "splice", "credit_g",
]  # fmt: skip
LATEST = 1.02, 1.0  # times the seconds, and seconds
LEAST = 0.95  # of the seconds


def fit(folder: Path, name: str, seconds: float, jobs: int, seed: int) -> dict:
    """Fit one table in this process."""
    X, y, task = read_table(folder, name)
    began = time.monotonic()
    import evoml  # the reading of the table has imported pandas, nothing else

    kind = evoml.EvoRegressor if task == "regression" else evoml.EvoClassifier
    model = kind(max_time_mins=seconds / 60, n_jobs=jobs, random_state=seed)
    imported = time.monotonic()
    model.fit(X, y)
    ended = time.monotonic()
    told = model.evaluated_individuals_
    return {
        "wall": ended - imported,
        "before": imported - began,
        "rows": len(y),
        "stopped_by": model.stopped_by_,
        "told": told["status"].value_counts().to_dict(),
        "score": model.best_score_,
        "model": " > ".join(type(step).__name__ for _, step in model.fitted_pipeline_.steps),
        "refit": model.history_["elapsed"].max() if len(model.history_) else None,
    }


def one(arguments: argparse.Namespace, seconds: float, table: str) -> dict:
    """Fit one table in a fresh interpreter."""
    command = [sys.executable, __file__, "--data", str(arguments.data), "--tables", table, "--seconds", str(seconds)]
    command += ["--jobs", str(arguments.jobs), "--seed", str(arguments.seed), "--here"]
    ran = subprocess.run(command, capture_output=True, text=True)
    if ran.returncode:
        return {"error": ran.stderr.strip().splitlines()[-1:]}
    return {**json.loads(ran.stdout.splitlines()[-1]), "said": ran.stderr.count("UserWarning")}


def kept(found: dict, seconds: float) -> bool:
    """Tell whether a fit kept the promise."""
    if "error" in found or found["wall"] > LATEST[0] * seconds + LATEST[1]:
        return False
    return found["wall"] >= LEAST * seconds or found["stopped_by"] != "budget"


def show(seconds: float, table: str, found: dict) -> None:
    if "error" in found:
        print(f"{seconds:>5g} {table:<14} {found['error']}", flush=True)
        return
    told = ", ".join(f"{count} {status}" for status, count in sorted(found["told"].items()))
    print(
        f"{seconds:>5g} {table:<14} {found['rows']:>6} {found['wall']:>8.2f} {found['wall'] / seconds:>7.1%}"
        f" {'yes' if kept(found, seconds) else 'NO':>5} {found['score']:>8.4f}  {found['model']}  ({told})",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--tables", nargs="+", default=TABLES)
    parser.add_argument("--seconds", nargs="+", type=float, default=[10, 30, 60, 300])
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--parallel", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.here:
        found = fit(arguments.data, arguments.tables[0], arguments.seconds[0], arguments.jobs, arguments.seed)
        print(json.dumps(found, default=float))
        return
    print(f"{'s':>5} {'table':<14} {'rows':>6} {'wall s':>8} {'used':>7} {'kept':>5} {'score':>8}  model")
    cases = list(product(arguments.seconds, arguments.tables))
    with ThreadPoolExecutor(arguments.parallel) as pool:
        results = []
        for result in pool.map(lambda case: (*case, one(arguments, *case)), cases):
            show(*result)
            results.append(result)
    good = sum(kept(found, seconds) for seconds, _, found in results)
    print(f"{good} of {len(results)} fits kept the promise")


if __name__ == "__main__":
    main()
