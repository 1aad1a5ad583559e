"""How tables of ours compare with one that GAMETES made: ``python compare.py --data gametes_2way_20.csv.gz``.

For each table: the greatest difference between the risks of a single locus, the heritability that it seems to have, the
accuracy and the area under the ROC curve that no model can surpass in the mean, and those of a tree on the two loci and of a
forest on all columns (five folds).
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd
from epistasis import load
from penetrance import estimated
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_score
from sklearn.tree import DecisionTreeClassifier

FOLDS = 5
LEAF = 10  # rows at least, so that a genotype that is seldom seen is not overfitted


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="gametes_2way_20.csv.gz; without it only tables of ours are shown")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--trees", type=int, default=500)
    wanted = parser.parse_args()
    print(
        "| table | single loci | heritability | best accuracy, AUC | tree on two: accuracy, AUC | forest: accuracy, AUC |"
    )
    print("|---|---|---|---|---|---|")
    if wanted.data:
        table = pd.read_csv(wanted.data)
        show("gametes_2way_20", table.drop(columns="class"), table["class"].to_numpy(), wanted.trees)
    for seed in range(wanted.seeds):
        X, y, _, _ = load(seed, heritability=0.4, columns=20)
        show(f"ours, seed {seed}", X, y, wanted.trees)


def show(name: str, X: pd.DataFrame, y: np.ndarray, trees: int) -> None:
    """Print a row; the two loci are the last two columns."""
    loci = X.iloc[:, -2:]
    frequencies = tuple(float(minor) for minor in loci.mean() / 2)
    found = estimated(loci.iloc[:, 0], loci.iloc[:, 1], y, (frequencies[0], frequencies[1]))
    apart = max(np.ptp([y[loci[column] == minor].mean() for minor in (0, 1)]) for column in loci)
    cells = [name, f"{apart:.3f}", f"{found.heritability:.3f}", "{:.3f}, {:.3f}".format(*found.best_rule())]
    for model, columns in (
        (DecisionTreeClassifier(min_samples_leaf=LEAF, random_state=0), loci),
        (RandomForestClassifier(trees, random_state=0), X),
    ):
        scores = [
            cross_val_score(model, columns, y, cv=FOLDS, scoring=metric).mean() for metric in ("accuracy", "roc_auc")
        ]
        cells.append("{:.3f}, {:.3f}".format(*scores))
    print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
