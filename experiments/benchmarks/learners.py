"""Our compiled learners beside LightGBM's and scikit-learn's: speed, quality, prediction, bytes moved. One thread each.

    python experiments/benchmarks/learners.py speed|quality|predict|bytes --data FOLDER [--tables NAME ...] [--repeats 5]

FOLDER holds tables as CSV files and a ``manifest.csv`` with the name, file, task and target of each; breast_cancer and
digits come with scikit-learn.

``speed``: seconds from the table to out-of-fold predictions for five folds, binning included; systems take turns within
each repeat, and medians are printed. All have the same rounds or trees, learning rate, rows in a leaf and columns; what
else there is to set is each system's default. ``quality``: default settings, three times five folds; AUC for two classes,
negative log loss for more, negative RMSE for numbers; the mean rank over tables, and the mean difference to the best peer
with its standard error over folds. ``predict``: 1,000 rows. ``bytes``: how fast histograms are built, beside what memory
and caches do.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn import datasets
from sklearn.base import is_classifier
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.metrics import log_loss, roc_auc_score, root_mean_squared_error
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.preprocessing import OrdinalEncoder
from tables import read_table
from threadpoolctl import threadpool_limits

SPEED = [
    "breast_cancer", "digits", "credit_g", "titanic", "vehicle", "concrete", "abalone", "splice", "soybean", "sonar",
    "phoneme", "satimage", "mammography", "bikeshare", "letter", "adult", "diamonds",
]  # fmt: skip
ROUNDS, LEAVES, RATE, LEAST = 100, 31, 0.1, 20


class Prepared:
    """A table, its target as codes or numbers, and its folds.

    ``numbers`` is a float64 matrix, text as ordinal codes, missing as NaN; ``frame`` has text as categories.
    """

    def __init__(self, folder: Path, name: str, repeat: int = 0) -> None:
        if name in ("breast_cancer", "digits"):
            X, y = getattr(datasets, f"load_{name}")(return_X_y=True, as_frame=True)
            task = "binary" if name == "breast_cancer" else "multiclass"
        else:
            X, y, task = read_table(folder, name)
        X = X.loc[:, X.nunique() > 1]
        text = [column for column in X if not pd.api.types.is_numeric_dtype(X[column])]
        text = [column for column in text if X[column].nunique() <= 200]
        X = X[[column for column in X if column in text or pd.api.types.is_numeric_dtype(X[column])]]
        self.frame = X.astype(dict.fromkeys(text, "category"))
        codes = X.copy()
        if text:
            codes[text] = OrdinalEncoder(encoded_missing_value=np.nan).fit_transform(X[text])
        self.numbers = codes.to_numpy(dtype=np.float64)
        self.name, self.task = name, task
        self.y = y.to_numpy(dtype=np.float64) if task == "regression" else pd.factorize(y, sort=True)[0]
        kind = KFold if task == "regression" else StratifiedKFold
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # classes of few rows
            self.folds = list(kind(5, shuffle=True, random_state=repeat).split(self.numbers, self.y))

    def out_of_fold(self, make: Callable[[], Any], X: Any) -> np.ndarray:
        """Return what a fresh model of each fold predicts of its test rows."""
        classes = 0 if self.task == "regression" else int(self.y.max()) + 1
        found = np.zeros((len(self.y), max(classes, 1)))
        for train, test in self.folds:
            model = make()
            before, after = (X.iloc[train], X.iloc[test]) if hasattr(X, "iloc") else (X[train], X[test])
            model.fit(before, self.y[train])
            if is_classifier(model):
                found[np.ix_(test, model.classes_)] = model.predict_proba(after)
            else:
                found[test, 0] = model.predict(after)
        return found

    def qualities(self, found: np.ndarray) -> list[float]:
        """Return one value a fold, greater is better."""
        return [self._quality(self.y[test], found[test]) for _, test in self.folds]

    def _quality(self, y: np.ndarray, p: np.ndarray) -> float:
        if self.task == "regression":
            return -float(root_mean_squared_error(y, p[:, 0]))
        if self.task == "binary":
            return float(roc_auc_score(y, p[:, 1]))
        return -float(log_loss(y, np.clip(p, 1e-7, 1), labels=np.arange(p.shape[1])))


# -- systems ----------------------------------------------------------------------------------------------------------


def boosting(task: str) -> dict[str, Callable[[], Any]]:
    """Return a maker of each boosting system: the same rounds, rate and rows in a leaf, what else is its default."""
    from lightgbm import LGBMClassifier, LGBMRegressor

    from evoml.learners import BoostingClassifier, BoostingRegressor

    shared = {"max_iter": ROUNDS, "learning_rate": RATE, "max_leaf_nodes": LEAVES, "min_samples_leaf": LEAST}
    numbers = task == "regression"
    ours = BoostingRegressor if numbers else BoostingClassifier
    library = HistGradientBoostingRegressor if numbers else HistGradientBoostingClassifier
    light = LGBMRegressor if numbers else LGBMClassifier
    return {
        "evoml": lambda: ours(max_iter=ROUNDS, learning_rate=RATE, min_samples_leaf=LEAST, n_jobs=1),
        "LightGBM": lambda: light(
            n_estimators=ROUNDS, learning_rate=RATE, num_leaves=LEAVES, min_child_samples=LEAST, n_jobs=1, verbosity=-1
        ),
        "HistGradientBoosting": lambda: library(**shared, early_stopping=False),
    }


def forests(task: str) -> dict[str, Callable[[], Any]]:
    """Return a maker of each system of random forests with the same settings, then of extra trees."""
    from evoml.learners import ForestClassifier, ForestRegressor

    numbers = task == "regression"
    ours = ForestRegressor if numbers else ForestClassifier
    columns = 1.0 if numbers else "sqrt"
    shared = {"n_estimators": ROUNDS, "max_features": columns, "random_state": 0, "n_jobs": 1}
    random, extra = (
        (RandomForestRegressor, ExtraTreesRegressor) if numbers else (RandomForestClassifier, ExtraTreesClassifier)
    )
    return {
        "evoml forest": lambda: ours(**shared),
        "scikit-learn forest": lambda: random(**shared),
        "evoml extra": lambda: ours(**shared, splitter="random", bootstrap=False),
        "scikit-learn extra": lambda: extra(**shared),
    }


def defaults(task: str) -> dict[str, Callable[[], Any]]:
    """Return a maker of each system with its own default settings."""
    from lightgbm import LGBMClassifier, LGBMRegressor

    from evoml.learners import BoostingClassifier, BoostingRegressor, ForestClassifier, ForestRegressor

    if task == "regression":
        kinds: tuple[Any, ...] = (
            BoostingRegressor, ForestRegressor, LGBMRegressor, HistGradientBoostingRegressor,
            RandomForestRegressor, ExtraTreesRegressor,
        )  # fmt: skip
    else:
        kinds = (
            BoostingClassifier, ForestClassifier, LGBMClassifier, HistGradientBoostingClassifier,
            RandomForestClassifier, ExtraTreesClassifier,
        )  # fmt: skip
    boost, forest, light, histogram, random, extra = kinds
    return {
        "evoml boosting": lambda: boost(random_state=0, n_jobs=1),
        "evoml forest": lambda: forest(random_state=0, n_jobs=1),
        "LightGBM": lambda: light(n_jobs=1, verbosity=-1, random_state=0),
        "HistGradientBoosting": lambda: histogram(random_state=0, categorical_features="from_dtype"),
        "scikit-learn forest": lambda: random(random_state=0, n_jobs=1),
        "scikit-learn extra": lambda: extra(random_state=0, n_jobs=1),
    }


ON_FRAMES = ("evoml boosting", "evoml forest", "LightGBM", "HistGradientBoosting")  # take categories as they are


# -- measurements -----------------------------------------------------------------------------------------------------


def speed(table: Prepared, repeats: int) -> dict[str, dict[str, Any]]:
    """Return median seconds and mean quality of each system on a table."""
    systems = boosting(table.task) | forests(table.task)
    seconds: dict[str, list[float]] = {name: [] for name in systems}
    quality: dict[str, list[float]] = {}
    for repeat in range(repeats + 1):  # the first one warms up and is not counted
        for name, make in systems.items():
            began = time.perf_counter()
            ours = name.startswith("evoml")
            found = all_folds(make(), table) if ours else table.out_of_fold(make, table.numbers)
            if repeat:
                seconds[name].append(time.perf_counter() - began)
            quality[name] = table.qualities(found)
    return {
        name: {"seconds": statistics.median(seconds[name]), "quality": float(np.mean(quality[name]))}
        for name in systems
    }


def all_folds(model: Any, table: Prepared) -> np.ndarray:
    """Return what our models of all folds predict of their test rows, fitted on codes that the folds share."""
    from evoml.learners import binned_table, boosting, forest

    if type(model).__name__.startswith("Boosting"):
        return boosting.fit_folds(model, binned_table.bin_table(table.numbers), table.y, table.folds).predictions
    return forest.fit_folds(model, forest.forest_table(table.numbers), table.y, table.folds).predictions


def predicting(table: Prepared, repeats: int) -> dict[str, float]:
    """Return median milliseconds of predicting 1,000 rows, one call."""
    systems = boosting(table.task) | forests(table.task)
    rows = np.resize(np.arange(len(table.y)), 1000)
    X = np.ascontiguousarray(table.numbers[rows])
    fitted = {name: make().fit(table.numbers, table.y) for name, make in systems.items()}
    taken: dict[str, list[float]] = {name: [] for name in systems}
    for repeat in range(10 * repeats + 1):
        for name, model in fitted.items():
            ask = getattr(model, "predict_proba", model.predict)
            began = time.perf_counter()
            ask(X)
            if repeat:
                taken[name].append(1e3 * (time.perf_counter() - began))
    return {name: statistics.median(values) for name, values in taken.items()}


def quality(folder: Path, name: str) -> dict[str, list[float]]:
    """Return the values of all folds of three repeats for each system."""
    values: dict[str, list[float]] = {}
    for repeat in range(3):
        table = Prepared(folder, name, repeat)
        for system, make in defaults(table.task).items():
            found = table.out_of_fold(make, table.frame if system in ON_FRAMES else table.numbers)
            values.setdefault(system, []).extend(table.qualities(found))
    return values


def bytes_moved() -> None:
    """Print how fast one thread builds the histogram of a whole table, beside copies within caches and memory."""
    from evoml.kernels.histogram import add_rows

    random = np.random.default_rng(0)
    print("copying bytes, GB/s read and written together")
    for name, size in (("in L1", 2**13), ("in L2", 2**19), ("in memory", 2**28)):
        source, target = np.ones(size, np.uint8), np.empty(size, np.uint8)
        calls = max(3, 2**28 // size // 8)
        taken = best_of(5, lambda: [np.copyto(target, source) for _ in range(calls)])  # noqa: B023
        print(f"  {name:10s} {2 * size * calls / taken / 1e9:8.1f}")
    print(
        "\nhistogram, 16 columns: adds a second; GB/s of codes, rows and derivatives read; GB/s of bins read and written"
    )
    for n_rows in (500, 5_000, 50_000, 1_000_000):
        for bins in (32, 255):
            codes = random.integers(1, bins + 1, (n_rows, 16), dtype=np.uint8)
            rows, packed = np.arange(n_rows, dtype=np.int32), np.ones(n_rows, np.int64)
            columns, offsets = np.arange(16, dtype=np.int32), (np.arange(17) * 256).astype(np.int32)
            histogram = np.zeros(17 * 256, np.int64)
            calls = max(1, 2_000_000 // n_rows)
            build = lambda: [add_rows(codes, rows, packed, columns, offsets, histogram) for _ in range(calls)]  # noqa: B023, E731
            build()
            rate = n_rows * calls / best_of(5, build)
            print(
                f"  {n_rows:9,d} rows, {bins:3d} bins {16 * rate / 1e9:6.2f} G/s {(16 + 4 + 8) * rate / 1e9:6.1f} GB/s"
                f" {16 * 16 * rate / 1e9:6.1f} GB/s"
            )


def best_of(repeats: int, work: Callable[[], Any]) -> float:
    """Return the least seconds of several runs."""
    taken = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return min(taken)


# -- tables of results ------------------------------------------------------------------------------------------------


def print_speed(table: Prepared, found: dict[str, dict[str, Any]]) -> None:
    s = {name: one["seconds"] for name, one in found.items()}
    q = {name: one["quality"] for name, one in found.items()}
    shape = "x".join(map(str, table.numbers.shape))
    print(
        f"{table.name:14s}{shape:>10s} | {s['evoml']:7.3f} {s['LightGBM'] / s['evoml']:6.1f}x"
        f" {s['HistGradientBoosting'] / s['evoml']:6.1f}x  {q['evoml']:8.4f} {q['LightGBM']:8.4f}"
        f" {q['HistGradientBoosting']:8.4f} | {s['evoml forest']:7.3f}"
        f" {s['scikit-learn forest'] / s['evoml forest']:6.1f}x {q['evoml forest']:8.4f} {q['scikit-learn forest']:8.4f} |"
        f" {s['evoml extra']:7.3f} {s['scikit-learn extra'] / s['evoml extra']:6.1f}x {q['evoml extra']:8.4f}"
        f" {q['scikit-learn extra']:8.4f}",
        flush=True,
    )


def print_quality(found: dict[str, dict[str, list[float]]]) -> None:
    systems = list(next(iter(found.values())))
    means = pd.DataFrame({name: {s: np.mean(v) for s, v in values.items()} for name, values in found.items()}).T[
        systems
    ]
    print(means.round(4).to_string())
    print("\nmean rank", means.rank(axis=1, ascending=False).mean().round(2).to_dict())
    for ours, peers in (
        ("evoml boosting", ("LightGBM", "HistGradientBoosting")),
        ("evoml forest", ("scikit-learn forest", "scikit-learn extra")),
    ):
        print(f"\n{ours} less the best of {' and '.join(peers)}, over folds")
        for name, values in found.items():
            best = max(peers, key=lambda peer: np.mean(values[peer]))
            difference = np.array(values[ours]) - np.array(values[best])
            error = difference.std(ddof=1) / np.sqrt(len(difference))
            word = "worse" if difference.mean() < -2 * error else "better" if difference.mean() > 2 * error else "alike"
            print(f"  {name:16s} {difference.mean():+9.4f} +- {error:.4f}  {word} ({best})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["speed", "quality", "predict", "bytes"])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--tables", nargs="+", default=SPEED)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, help="keep the figures as JSON here")
    wanted = parser.parse_args()
    warnings.simplefilter("ignore")
    threadpool_limits(1)  # HistGradientBoosting takes all cores otherwise
    found: dict[str, Any] = {}
    if wanted.what == "bytes":
        bytes_moved()
    if wanted.what == "speed":
        print(f"{'':24s} | boosting: seconds, x LightGBM, x Hist; quality of the three | forest | extra trees")
    for name in wanted.tables if wanted.what != "bytes" else []:
        if wanted.what == "quality":
            found[name] = quality(wanted.data, name)
            print(name, {system: round(float(np.mean(v)), 4) for system, v in found[name].items()}, flush=True)
            continue
        table = Prepared(wanted.data, name)
        if wanted.what == "speed":
            found[name] = speed(table, wanted.repeats)
            print_speed(table, found[name])
        else:
            found[name] = predicting(table, wanted.repeats)
            print(f"{name:14s}", {system: f"{value:.2f} ms" for system, value in found[name].items()}, flush=True)
    if wanted.what == "quality":
        print_quality(found)
    if wanted.out:
        wanted.out.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
