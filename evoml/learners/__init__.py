"""Scikit-learn-compatible learners of our own; names resolve on first use, so that importing costs nothing.

A module without kernels imports only scikit-learn and what that needs, and stands alone: an exported script carries its
text along and runs without evoml. Compiled learners are imported from here.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "BoostingClassifier": "evoml.learners.boosting",
    "BoostingRegressor": "evoml.learners.boosting",
    "ConstantFallback": "evoml.learners.constant_fallback",
    "EncodedLabels": "evoml.learners.encoded_labels",
    "ForestClassifier": "evoml.learners.forest",
    "ForestRegressor": "evoml.learners.forest",
    "FormulaColumn": "evoml.learners.formula_column",
    "FormulaFeatures": "evoml.learners.formula_features",
    "OutOfFoldPredictions": "evoml.learners.out_of_fold",
}

__all__ = [
    "BoostingClassifier",
    "BoostingRegressor",
    "ConstantFallback",
    "EncodedLabels",
    "ForestClassifier",
    "ForestRegressor",
    "FormulaColumn",
    "FormulaFeatures",
    "OutOfFoldPredictions",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'evoml.learners' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
