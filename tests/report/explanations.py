"""Explanations of small models, worked out as at the end of a run."""

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import get_scorer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from evoml.run.explanation.dependence import dependences
from evoml.run.explanation.fold_models import FoldModel
from evoml.run.explanation.importance import importances
from evoml.run.explanation.performance import performance
from evoml.run.explanation.residuals import residuals
from evoml.run.explanation.slices import slices

LATER = 1e12
HOSTILE = "<b>&$x_1$"


def table(rows=240, seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {HOSTILE: rng.normal(size=rows), "weight": rng.normal(size=rows), "noise": rng.normal(size=rows)}
    )
    frame["colour"] = rng.choice(["red", "<i>green</i>", "a blue with quite a long name"], rows).astype(object)
    return frame, rng


def models_of(X, y, model, classes):
    encoded = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["colour"]), remainder="passthrough")
    found = []
    for test in np.array_split(np.arange(len(y)), 3):
        train = np.setdiff1d(np.arange(len(y)), test)
        fitted = make_pipeline(encoded, model).fit(X.iloc[train], y[train])
        codes = None if classes is None else np.arange(len(classes))
        found.append(FoldModel(fitted, X.iloc[test].reset_index(drop=True), y[test], y[test], None, test, codes))
    return found


def explanation(of, classes=None, hard=False):
    """Return the explanation of a model with that text, of a classification where there are classes.

    ``hard``: a part of the rows is noise.
    """
    X, rng = table()
    signal = X[HOSTILE].to_numpy() + 0.5 * X["weight"].to_numpy() + (X["colour"] == "red").to_numpy()
    if hard:
        signal = np.where(X["weight"] > 0.5, 3 * rng.normal(size=len(X)), signal)
    if classes is None:
        models = models_of(X, signal + 0.1 * rng.normal(size=len(X)), LinearRegression(), None)
        found = {"residuals": residuals(models, 0)}
    else:
        y = np.argsort(np.argsort(signal)) * len(classes) // len(signal)
        models = models_of(X, y, LogisticRegression(), classes)
        found = {"performance": performance(models, classes)}
    scorer = get_scorer("r2" if classes is None else "accuracy")
    return {
        "version": 1,
        "of": [of, None],
        "seconds": 1.0,
        "folds": 3,
        "rows": len(X),
        **found,
        "slices": slices(models, list(X)),
        "importance": importances(models, list(X), scorer, 0, LATER),
        "dependence": dependences(models, list(X), [0, 3, 1], 0, LATER),
        "notes": [],
    }
