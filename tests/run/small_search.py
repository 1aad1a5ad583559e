"""A search that is over in a second or two: a small table, cheap parts, everything else as in earnest."""

import numpy as np

from evoml.components import load_catalogue
from evoml.core.budget import Budget
from evoml.core.dataset import read_dataset
from evoml.run import Search, search

CHEAP = ("GaussianNB", "DecisionTreeClassifier", "LogisticRegression", "StandardScaler", "PCA", "MinMaxScaler")


def small_table(rows=60, columns=4, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, columns))
    return X, (X[:, 0] + X[:, 1] * X[:, 2] + 0.5 * rng.normal(size=rows) > 0).astype(int)


def small_search(evaluations=40, **changes):
    only = {"only": list(CHEAP)}
    settings = {
        "dataset": read_dataset(*small_table(), "classification"),
        "catalogue": load_catalogue(changes.pop("parts", only)),
        "budget": Budget(evaluations=evaluations),
        "seed": 1,
        "cv": 2,
        "population_size": 8,
        "executor": "serial",
    }
    return Search(**(settings | changes))


def run(evaluations=40, **changes):
    return search(small_search(evaluations, **changes))


def story(result):
    """Return all of a result that must be the same in equal runs: everything but costs."""
    individuals, history = result.individuals, result.history
    seconds = [name for name in individuals if name.endswith(("_seconds", "_bytes", "_steps"))] + [
        "asked",
        "told",
        "error",
    ]
    return {
        "individuals": individuals.drop(columns=seconds).to_dict("records"),
        "history": history.drop(columns="elapsed", errors="ignore").to_dict("records"),
        "front": [(outcome.candidate.id, outcome.scores) for outcome in result.front],
        "best": result.best and (result.best.candidate.id, result.best.scores, result.best.evaluation.fold_scores),
        "model": result.model.text,
        "predictions": result.model.pipeline.predict(small_table(seed=9)[0]).tolist(),
        "stopped_by": result.finished.stopped_by,
    }


def failing_part(name="Failing", module="failing_parts"):
    return {name: {"path": f"{module}.{name}", "kind": "classifier", "input": "dense"}, "only": [name]}
