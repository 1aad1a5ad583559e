"""Racing beside full evaluation: is the same quality reached in half the CPU time?

    python experiments/benchmarks/racing.py --data FOLDER [--tables NAME ...] [--evaluations 200] [--seeds 0 1 2]
        [--out racing.jsonl] [--survivors 0.125] [--deviations 1.0] [--promoted 0.33]

FOLDER holds tables as CSV files and a ``manifest.csv`` with the name, file, task and target of each. Three runs for each table
and seed: ``full`` evaluates that many candidates on all folds and takes c CPU seconds; ``raced`` races its candidates and is
stopped after c / 2; ``half`` is the control, full evaluation that is stopped after c / 2. A quarter of the rows is held out,
and the final model of each run is scored on it (AUC for two classes, negative log loss for more, R2 for numbers); ``selection``
is the cross-validated score that the best candidate was chosen for. Runs that are in ``--out`` already are not made again.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np
from tables import read_table

TABLES = ["credit_g", "vehicle", "titanic", "concrete", "abalone", "phoneme"]
ARMS = ("full", "raced", "half")
METRICS = {"binary": "roc_auc", "multiclass": "neg_log_loss", "regression": "r2"}


def run(folder: Path, name: str, budget: dict, racing: bool, seed: int) -> dict:
    """Make one run and return what it cost and found."""
    from sklearn.model_selection import train_test_split

    from evoml.components import load_catalogue
    from evoml.core.budget import Budget
    from evoml.core.dataset import read_dataset, read_features
    from evoml.evaluation.scoring import score
    from evoml.run import Search, search

    X, y, task = read_table(folder, name)
    classes = task != "regression"
    X, X_out, y, y_out = train_test_split(X, y, random_state=seed, stratify=y if classes else None)
    metric = METRICS[task]
    began, dataset = time.perf_counter(), read_dataset(X, y, "classification" if classes else "regression")
    found = search(
        Search(
            dataset,
            load_catalogue(),
            Budget(**budget),
            seed,
            scoring=metric,
            n_jobs=1,
            executor="process",
            eval_seconds=60,
            memory_limit=4 * 2**30,
            racing=racing,
        )
    )
    tried = found.individuals[found.individuals["duplicate_of"].isna()]
    return {
        "cpu": found.finished.progress.cpu,
        "wall": time.perf_counter() - began,
        "statuses": {str(status): int(n) for status, n in tried["status"].value_counts().items()},
        "selection": found.best.scores[0] if found.best else float("nan"),
        "held_out": score(
            found.model.pipeline, metric, dataset.features.layout.like_fitted(read_features(X_out)), y_out
        ),
        "model": found.model.text,
    }


def report(results: list[dict]) -> None:
    """Print a row for each table: sums and means over seeds, and the mean paired difference to ``full`` with its error."""
    print("table        seeds  CPU s full  raced  pruned   held out full   raced - full        half - full")
    pooled: dict[str, list[float]] = {"raced": [], "half": []}
    for name in dict.fromkeys(result["table"] for result in results):
        runs = {(r["seed"], r["arm"]): r for r in results if r["table"] == name}
        seeds = [seed for seed, arm in runs if arm == "full" and all((seed, other) in runs for other in ARMS)]
        if not seeds:
            continue
        of = {arm: [runs[seed, arm] for seed in seeds] for arm in ARMS}
        held_out = {arm: np.array([r["held_out"] for r in of[arm]]) for arm in ARMS}
        pruned = np.mean([r["statuses"].get("PRUNED", 0) / sum(r["statuses"].values()) for r in of["raced"]])
        cpu = {arm: sum(r["cpu"] for r in of[arm]) for arm in ARMS}
        texts = []
        for arm, differences in pooled.items():
            found = held_out[arm] - held_out["full"]
            selected = np.array([a["selection"] - b["selection"] for a, b in zip(of[arm], of["full"], strict=True)])
            spread = held_out["full"].std() or 1.0
            differences.extend(found / spread)
            error = found.std(ddof=1) / np.sqrt(len(found)) if len(found) > 1 else float("nan")
            texts.append(f"{found.mean():+.4f} +- {error:.4f} ({selected.mean():+.4f})")
        print(
            f"{name:12s} {len(seeds):5d} {cpu['full']:11.0f} {cpu['raced'] / cpu['full']:6.2f} {pruned:7.0%}"
            f" {held_out['full'].mean():15.4f}   {texts[0]}   {texts[1]}"
        )
    print("in brackets: difference of the selection scores")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--tables", nargs="+", default=TABLES)
    parser.add_argument("--evaluations", type=int, default=200)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--out", type=Path, default=Path("racing.jsonl"))
    for name in ("survivors", "deviations", "promoted"):
        parser.add_argument(f"--{name}", type=float, help="another value for this setting of evoml.evaluation.racing")
    chosen = parser.parse_args()
    from evoml.evaluation import racing as settings

    changed = {n: getattr(chosen, n) for n in ("survivors", "deviations", "promoted") if getattr(chosen, n) is not None}
    for name, value in changed.items():
        setattr(settings, name.upper(), value)
    warnings.simplefilter("ignore")
    results = [json.loads(line) for line in chosen.out.read_text().splitlines()] if chosen.out.exists() else []

    def made(name: str, seed: int, arm: str, budget: dict) -> dict:
        key = {"table": name, "seed": seed, "arm": arm, "evaluations": chosen.evaluations}
        key["settings"] = changed if arm == "raced" else {}
        found = next((r for r in results if all(r[k] == v for k, v in key.items())), None)
        if found is None:
            found = key | run(chosen.data, name, budget, arm == "raced", seed)
            results.append(found)
            with chosen.out.open("a") as out:
                out.write(json.dumps(found) + "\n")
        return found

    shown = []
    for seed in chosen.seeds:
        for name in chosen.tables:
            full = made(name, seed, "full", {"evaluations": chosen.evaluations})
            shown += [full, *(made(name, seed, arm, {"cpu_seconds": full["cpu"] / 2}) for arm in ARMS[1:])]
    report(shown)
    return 0


if __name__ == "__main__":
    sys.exit(main())
