"""Do evolved formulas raise the score of linear models? Ten folds, everything fitted within them.

    python experiments/formula_features/run.py --data FOLDER [--tables NAME ...]

FOLDER holds CSV files and their ``manifest.csv``, see experiments/benchmarks/tables.py.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, StandardScaler

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from tables import read_table

from evoml.learners import FormulaFeatures

TABLES = ("concrete", "abalone", "bikeshare", "diamonds", "phoneme", "vehicle", "hill_valley_noise", "gametes_2way_20")
ROWS, FOLDS, SEED = 5000, 10, 0


def main() -> None:
    """Print a row of Markdown for each table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--tables", nargs="+", default=TABLES)
    arguments = parser.parse_args()
    print(
        "| table | rows x columns | linear | + formulas | difference | + squares and products | formulas | CPU s a fit |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for name in arguments.tables:
        X, y, task = read_table(arguments.data, name)
        kept = np.random.default_rng(SEED).permutation(len(X))[:ROWS]
        print(row(name, X.iloc[kept].reset_index(drop=True), y.iloc[kept].to_numpy(), task), flush=True)


def row(name: str, X: Any, y: np.ndarray, task: str) -> str:
    """Return what became of a table: R2, or the area under the ROC curve (mean of one class against the others)."""
    regression = task == "regression"
    kind = "regression" if regression else "classification"
    model = Ridge() if regression else LogisticRegression(max_iter=500)
    formulas = FormulaFeatures(task=kind, random_state=SEED)
    products = make_pipeline(StandardScaler(), PolynomialFeatures(2, include_bias=False))
    plain, evolved, squares = [], [], []
    made: list[str] = []
    seconds = 0.0
    folds = (KFold if regression else StratifiedKFold)(FOLDS, shuffle=True, random_state=SEED)
    for train, test in folds.split(X, y):
        encoder = encoding().fit(X.iloc[train])
        table, unseen = encoder.transform(X.iloc[train]), encoder.transform(X.iloc[test])
        began = time.process_time()
        own = clone(formulas).fit(table, y[train])
        seconds += (time.process_time() - began) / FOLDS
        made += own.formulas_
        rows = (table, unseen, y[train], y[test])
        plain.append(score(model, rows, None))
        evolved.append(score(model, rows, own))
        squares.append(score(model, rows, products.fit(table)))
    gain = np.subtract(evolved, plain)
    # Training sets of folds overlap: the variance is corrected as Nadeau and Bengio (2003) do.
    error = gain.std(ddof=1) * np.sqrt(1 / FOLDS + 1 / (FOLDS - 1))
    return (
        f"| {name} | {len(X)} x {table.shape[1]} | {np.mean(plain):.3f} | {np.mean(evolved):.3f}"
        f" | {gain.mean():+.3f} +- {error:.3f}"
        f" | {np.mean(squares):.3f} | {len(made) / FOLDS:.1f}: `{'`, `'.join(made[:2])}` | {seconds:.2f} |"
    )


def encoding() -> Any:
    """Return what makes numbers of a table."""
    text = make_column_selector(dtype_exclude=["number", "bool"])
    encoder = OneHotEncoder(handle_unknown="ignore", min_frequency=20, sparse_output=False)
    return make_column_transformer((encoder, text), remainder=SimpleImputer(strategy="median"))


def score(model: Any, rows: tuple[np.ndarray, ...], features: Any) -> float:
    """Return the score on test rows of a model of standardised columns."""
    table, unseen, target, truth = rows
    if features is not None:
        table, unseen = features.transform(table), features.transform(unseen)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = make_pipeline(StandardScaler(), clone(model)).fit(table, target)
    if isinstance(model, Ridge):
        return float(r2_score(truth, fitted.predict(unseen)))
    chances = fitted.predict_proba(unseen)
    chances = chances[:, 1] if chances.shape[1] == 2 else chances
    return float(roc_auc_score(truth, chances, multi_class="ovr"))


if __name__ == "__main__":
    main()
