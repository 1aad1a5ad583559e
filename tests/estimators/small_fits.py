"""Fits that take a second: small tables, cheap parts, in this process."""

import numpy as np

from evoml import EvoClassifier, EvoRegressor

CLASSIFIERS = {"only": ["GaussianNB", "DecisionTreeClassifier", "LogisticRegression", "StandardScaler", "OneHotEncoder",
                        "SimpleImputer", "OrdinalEncoder"]}  # fmt: skip
REGRESSORS = {"only": ["Ridge", "DecisionTreeRegressor", "StandardScaler", "OneHotEncoder", "SimpleImputer"]}
CHEAP = {"max_evaluations": 8, "population_size": 6, "cv": 2, "random_state": 0, "executor": "serial"}


def classifier(**changes):
    return EvoClassifier(**(CHEAP | {"search_space": CLASSIFIERS} | changes))


def regressor(**changes):
    return EvoRegressor(**(CHEAP | {"search_space": REGRESSORS} | changes))


def numbers(rows=80, seed=0):
    """Return a table of numbers, and codes 0 and 1 that can be learned from it."""
    X = np.random.default_rng(seed).normal(size=(rows, 4))
    return X, (X[:, 0] + 0.5 * X[:, 1] > 0).astype(int)


def mixed(rows=80, seed=0):
    """Return a frame with text and missing values, and labels."""
    import pandas as pd

    X, y = numbers(rows, seed)
    rng = np.random.default_rng(seed + 1)
    frame = pd.DataFrame({"size": X[:, 0], "weight": X[:, 1]})
    frame["colour"] = rng.choice(["red", "green", "blue"], size=rows)
    frame["shape"] = pd.Categorical(np.where(y == 1, "round", rng.choice(["square", "long"], size=rows)))
    frame.loc[::7, "size"] = np.nan
    frame.loc[::5, "colour"] = None
    return frame, np.where(y == 1, "yes", "no")
