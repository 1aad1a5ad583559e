"""What the cache of steps saves: the same run with and without it, candidates raced or not.

    python experiments/benchmarks/caching.py [--data FOLDER --tables NAME ...] [--evaluations 150] [--jobs 2] [--sizes 0 64]

Each run is a fresh interpreter with one seed and the same number of evaluations, so that all runs on a table meet the same
candidates; breast_cancer and digits come with scikit-learn, FOLDER holds others as CSV files (also compressed) and a
``manifest.csv`` with the name, file, task and target of each. ``--sizes`` are megabytes that the cache may take, 0 for none.
*CPU-s* are those of all evaluations; *steps recalled* of those that were needed. *saved* is what these steps had cost when they
were computed; the journal has wall seconds, of which here as many count as were CPU seconds in the whole run. *spared* is how
much less the run took than the one without a cache: it should be near *saved*. *same* says whether all scores, fold by fold,
and all out-of-fold predictions are those of the run without a cache, bit by bit.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

from tables import read_table

BUILT_IN = ["breast_cancer", "digits"]


def read(name: str, folder: Path | None) -> tuple[Any, Any, str]:
    """Return features, target and task of a table."""
    if name in BUILT_IN:
        from sklearn import datasets

        return *getattr(datasets, f"load_{name}")(return_X_y=True), "classification"
    if folder is None:
        raise SystemExit(f"the table {name!r} does not come with scikit-learn; give the folder it is in as --data")
    return read_table(folder, name)


def one(wanted: argparse.Namespace) -> dict[str, Any]:
    """Search once in this process."""
    from evoml import EvoClassifier, EvoRegressor
    from evoml.run import search

    X, y, task = read(wanted.tables[0], wanted.data)
    kind = EvoRegressor if task == "regression" else EvoClassifier
    model = kind(max_evaluations=wanted.evaluations, n_jobs=wanted.jobs, random_state=wanted.seed)
    settings = replace(model.as_search(X, y), cache_bytes=int(wanted.sizes[0] * 1e6), racing=wanted.racing)
    told = search(settings).individuals
    results = told[["text", "status", "fold_scores", "rungs", "semantics"]].to_dict("records")
    return {
        "cpu": told["cpu_seconds"].sum(),
        "recalled": told["recalled_steps"].sum(),
        "saved": told["saved_seconds"].sum() * told["cpu_seconds"].sum() / told["wall_seconds"].sum(),
        "valid": int((told["status"] == "OK").sum()),
        "results": hashlib.blake2b(repr(results).encode(), digest_size=8).hexdigest(),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--tables", nargs="+", default=BUILT_IN)
    parser.add_argument("--evaluations", type=int, default=150)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--sizes", type=float, nargs="+", default=[0, 64])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--racing", type=int, choices=[0, 1], help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.racing is not None:
        print(json.dumps(one(wanted)))
        return 0
    print("table           racing  cache MB     CPU-s   to none    spared     saved   steps recalled   scored   same")
    all_same = True
    for name, racing in product(wanted.tables, (0, 1)):
        without = None
        for size in wanted.sizes:
            options = {"tables": name, "racing": racing, "sizes": size, "evaluations": wanted.evaluations}
            options |= {"jobs": wanted.jobs, "seed": wanted.seed} | ({"data": wanted.data} if wanted.data else {})
            command = [
                sys.executable,
                __file__,
                *(word for key, value in options.items() for word in (f"--{key}", f"{value}")),
            ]
            said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
            run = json.loads(said.splitlines()[-1])
            without = without or run
            same = run["results"] == without["results"]
            all_same &= same
            print(
                f"{name:16s} {('off', 'on')[racing]:>5s} {size:9.0f} {run['cpu']:9.1f} {run['cpu'] / without['cpu']:9.2f}"
                f" {without['cpu'] - run['cpu']:9.1f} {run['saved']:9.1f} {run['recalled']:16.0f} {run['valid']:8d}"
                f"   {'yes' if same else 'NO'}",
                flush=True,
            )
    return int(not all_same)


if __name__ == "__main__":
    sys.exit(main())
