"""Scored pipelines per second and the share of valid ones, beside TPOT 1.1: same parts, folds, cores and seconds.

    python experiments/benchmarks/throughput.py [--seconds 60] [--repeats 1] [--tables breast_cancer digits] [--jobs 1 2]

Three settings of evoml: ``evoml`` races its candidates, as it does by default, and judges many after some of their folds;
``unraced`` scores each on all folds, as TPOT does; ``compiled`` (full parts only) races, and has evoml's compiled boosting
and forests in place of scikit-learn's. TPOT is installed into an environment of its own the first time (``--peer PATH``,
default ~/.cache/evoml-peers/tpot). Systems take turns; run nothing else meanwhile.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path

from peer import ask, environment

LIGHT = [
    "BernoulliNB",
    "DecisionTreeClassifier",
    "GaussianNB",
    "KNeighborsClassifier",
    "LogisticRegression",
    "MultinomialNB",
]
HEAVY = [
    "AdaBoostClassifier", "BaggingClassifier", "ExtraTreesClassifier", "HistGradientBoostingClassifier",
    "LinearDiscriminantAnalysis", "MLPClassifier", "QuadraticDiscriminantAnalysis", "RandomForestClassifier",
    "SGDClassifier",
]  # fmt: skip
STEPS = [
    "MinMaxScaler", "RobustScaler", "StandardScaler", "MaxAbsScaler", "Normalizer", "SelectFwe", "SelectPercentile",
    "VarianceThreshold", "KBinsDiscretizer", "Binarizer", "PCA", "FastICA", "FeatureAgglomeration", "Nystroem",
    "RBFSampler", "QuantileTransformer", "PowerTransformer",
]  # fmt: skip
SPACES = {"light": LIGHT + STEPS, "full": LIGHT + HEAVY + STEPS}
COMPILED = {  # the library's ensembles of trees, and what takes their place
    "HistGradientBoostingClassifier": "BoostingClassifier",
    "RandomForestClassifier": "ForestClassifier",
    "ExtraTreesClassifier": "ForestClassifier",
}
OUR_NAMES = {  # parts that have another name in our catalogue
    "SelectFwe": "SelectFweClassif",
    "SelectPercentile": "SelectPercentileFClassif",
    "VarianceThreshold": "VarianceSelector",
    "QuadraticDiscriminantAnalysis": "RegularisedDiscriminantAnalysis",
}
PEER = Path.home() / ".cache" / "evoml-peers" / "tpot"
PEERS = ("tpot==1.1.0", "setuptools<80")
RUNNER = Path(__file__).with_name("peers") / "tpot_throughput.py"


def ours(system: str, table: str, space: str, seconds: float, jobs: int, seed: int) -> dict:
    """Run evoml in this process."""
    from sklearn import datasets
    from sklearn.model_selection import StratifiedKFold

    from evoml import EvoClassifier

    X, y = getattr(datasets, f"load_{table}")(return_X_y=True)
    named = OUR_NAMES | COMPILED if system == "compiled" else OUR_NAMES
    parts = sorted({named.get(name, name) for name in SPACES[space]})
    model = EvoClassifier(
        max_time_mins=seconds / 60,
        cv=StratifiedKFold(5, shuffle=True, random_state=0),
        search_space={"only": parts},
        racing=system != "unraced",
        n_jobs=jobs,
        random_state=seed,
    )
    began = time.perf_counter()
    model.fit(X, y)
    wall = time.perf_counter() - began
    tried = model.evaluated_individuals_
    tried = tried[tried["duplicate_of"].isna() & ~tried["status"].isin(["PENDING", "VETOED"])]
    return {
        "scored": int((tried["status"] == "OK").sum()),
        "pruned": int((tried["status"] == "PRUNED").sum()),
        "tried": len(tried),
        "wall": wall,
        "best": model.best_score_,
    }


def peer(python: Path, table: str, space: str, seconds: float, jobs: int, seed: int) -> dict:
    """Run TPOT in its own environment."""
    wanted = {"table": table, "parts": SPACES[space], "seconds": seconds, "jobs": jobs, "seed": seed}
    wanted["stacking"] = space == "full"
    return ask("TPOT", python, RUNNER, wanted, timeout=20 * seconds + 600)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--tables", nargs="+", default=["breast_cancer", "digits"])
    parser.add_argument("--spaces", nargs="+", default=list(SPACES))
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--peer", type=Path, default=PEER)
    chosen = parser.parse_args()
    python = environment(chosen.peer, *PEERS)
    print("table          space jobs  system    scored/s  judged/s   valid  wall s    best   scored  judged")
    for table in chosen.tables:
        for space in chosen.spaces:
            for jobs in chosen.jobs:
                systems = ["evoml", "unraced", *(["compiled"] if space == "full" else [])]
                runs: dict[str, list[dict]] = {"tpot": [], **{system: [] for system in systems}}
                for seed in range(chosen.repeats):
                    runs["tpot"].append(peer(python, table, space, chosen.seconds, jobs, seed))
                    for system in systems:
                        runs[system].append(ours(system, table, space, chosen.seconds, jobs, seed))
                report(table, space, jobs, runs)
    return 0


def report(table: str, space: str, jobs: int, runs: dict[str, list[dict]]) -> None:
    """Print a row a system: pipelines scored on all folds, and judged (scored, or pruned after some folds), a second."""

    def rates(*keys: str) -> dict[str, float]:
        return {
            name: statistics.median(sum(run.get(key, 0) for key in keys) / run["wall"] for run in found)
            for name, found in runs.items()
        }

    scored, judged = rates("scored"), rates("scored", "pruned")
    for name, found in runs.items():
        good, tried = (
            sum(run.get(key, 0) for run in found for key in keys) for keys in (("scored", "pruned"), ("tried",))
        )
        best = max((run["best"] for run in found if run["best"] is not None), default=float("nan"))
        wall = statistics.median(run["wall"] for run in found)
        ratios = "".join(f"{rate[name] / rate['tpot']:6.1f} x" for rate in (scored, judged) if rate["tpot"])
        print(
            f"{table:14s} {space:5s} {jobs:4d}  {name:8s} {scored[name]:9.3f} {judged[name]:9.3f} {good / max(tried, 1):7.1%}"
            f" {wall:7.1f} {best:7.4f} {ratios if name != 'tpot' else ''}",
            flush=True,
        )


if __name__ == "__main__":
    sys.exit(main())
