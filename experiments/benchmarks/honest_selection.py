"""How far the score a model was chosen by, and the one that is expected of new rows, are from what new rows show.

Generated tables of 200 rows and 100 columns, two of which matter (or none), and 20,000 new rows of each. Writes one JSON line
a run: ``python honest_selection.py --out results/honest_selection.jsonl``.
"""

import argparse
import json
import warnings
from pathlib import Path

import numpy as np
from sklearn.metrics import get_scorer

from evoml.components import load_catalogue
from evoml.core.budget import Budget
from evoml.core.dataset import read_dataset
from evoml.run import Limits, Search, search

PARTS = (
    "GaussianNB", "DecisionTreeClassifier", "LogisticRegression", "StandardScaler", "PCA", "MinMaxScaler",
    "KNeighborsClassifier", "SelectPercentileFClassif", "SelectFweClassif", "LinearDiscriminantAnalysis", "BernoulliNB",
)  # fmt: skip
ROWS, NEW_ROWS, COLUMNS = 200, 20_000, 100


def table(seed: int, rows: int, signal: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, COLUMNS))
    return X, (signal * (X[:, 0] + X[:, 1]) + rng.logistic(size=rows) > 0).astype(int)


def one_run(seed: int, signal: float, scoring: str, size: int, evaluations: int) -> dict[str, object]:
    wanted = Search(
        dataset=read_dataset(*table(seed, ROWS, signal), "classification"),
        catalogue=load_catalogue({"only": list(PARTS)}),
        budget=Budget(evaluations=evaluations),
        seed=seed,
        scoring=scoring,
        population_size=30,
        executor="serial",
        limits=Limits(size),
    )
    found = search(wanted)
    new = float(get_scorer(scoring)(found.model.pipeline, *table(1000 + seed, NEW_ROWS, signal)))
    expected = found.expected
    return {
        "seed": seed, "signal": signal, "scoring": scoring, "ensemble_size": size, "evaluations": evaluations,
        "selection": found.score, "expected": expected.value, "low": expected.low, "high": expected.high, "new": new,
    }  # fmt: skip


def told(runs: list[dict[str, float]]) -> str:
    selection, expected, low, high, new = (
        np.array([one[name] for one in runs]) for name in ("selection", "expected", "low", "high", "new")
    )
    return (
        f"selection {np.mean(selection - new):+.3f}, expected {np.mean(expected - new):+.3f}"
        f" (standard error {np.std(expected - new) / np.sqrt(len(runs)):.3f}),"
        f" within the interval {np.mean((low <= new) & (new <= high)):.0%} of {len(runs)} runs"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--evaluations", type=int, default=200)
    parser.add_argument("--out", type=Path, default=None)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    lines = []
    for signal, scoring, size in ((0.8, "accuracy", 1), (0.8, "roc_auc", 8), (0.0, "accuracy", 1), (0.0, "roc_auc", 8)):
        runs = [one_run(seed, signal, scoring, size, given.evaluations) for seed in range(given.seeds)]
        print(f"signal {signal}, {scoring}, {size} pipeline(s): {told(runs)}", flush=True)
        lines += [json.dumps(one) for one in runs]
    if given.out is not None:
        given.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
