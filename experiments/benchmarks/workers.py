"""Evaluations in the same time with two workers and with one, in the asynchronous algorithm.

    python experiments/benchmarks/workers.py [--seconds 60 | --evaluations 600] [--repeats 3] [--table breast_cancer] [--full]

Regularised evolution bounded by seconds, each run in a fresh interpreter, one and two workers in turn with the same seeds.
Parts are cheap ones, unless ``--full``. What counts is the rate of evaluations between the first outcome and the last one:
starting processes and the last fit are the same for any number of workers. Run nothing else meanwhile. The promise: two
workers make at least 1.85 times the evaluations of one.

Bounded by seconds, two workers come to other candidates than one, dear or cheap: *busy* is the share of the workers' wall
seconds that evaluations filled. With ``--evaluations`` both evaluate the very same candidates, and rates compare as they are.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from typing import Any

from overhead import LIGHT

LEAST = 1.85


def one(wanted: argparse.Namespace) -> dict[str, Any]:
    """Search once in this process."""
    from sklearn import datasets

    from evoml import EvoClassifier

    X, y = getattr(datasets, f"load_{wanted.table}")(return_X_y=True)
    model = EvoClassifier(
        max_time_mins=None if wanted.evaluations else wanted.seconds / 60,
        max_evaluations=wanted.evaluations,
        algorithm="regularised",
        n_jobs=wanted.jobs,
        random_state=wanted.seed,
        search_space=None if wanted.full else {"only": LIGHT},
    ).fit(X, y)
    told = model.evaluated_individuals_.query("told.notna() and duplicate_of.isna() and status != 'VETOED'")
    searched = told["told"].max() - told["told"].min()
    return {
        "evaluations": len(told),
        "rate": (len(told) - 1) / searched,
        "busy": told["wall_seconds"].sum() / searched / wanted.jobs,
        "each": told["cpu_seconds"].mean(),
        "score": model.best_score_,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--evaluations", type=int)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--table", default="breast_cancer")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--jobs", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=0, help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.jobs:
        print(json.dumps(one(wanted)))
        return 0
    print("seed workers  evaluations   a second    busy   CPU-ms each   best score")
    rates: dict[int, list[float]] = {1: [], 2: []}
    for seed in range(wanted.repeats):
        for jobs in (1, 2) if seed % 2 == 0 else (2, 1):
            command = [sys.executable, __file__, *sys.argv[1:], "--jobs", str(jobs), "--seed", str(seed)]
            said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
            run = json.loads(said.splitlines()[-1])
            rates[jobs].append(run["rate"])
            print(
                f"{seed:4d} {jobs:7d} {run['evaluations']:12d} {run['rate']:10.2f} {run['busy']:7.1%}"
                f" {1000 * run['each']:13.1f} {run['score']:12.4f}",
                flush=True,
            )
    ratio = statistics.median(rates[2]) / statistics.median(rates[1])
    print(f"two workers to one: {ratio:.2f} (medians; promised: {LEAST})")
    return int(ratio < LEAST)


if __name__ == "__main__":
    sys.exit(main())
