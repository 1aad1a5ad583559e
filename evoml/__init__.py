"""evoml: evolutionary program synthesis for machine learning.

Names resolve on first use, so that ``import evoml`` costs next to nothing.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "CostMatrix": "evoml.evaluation.more_metrics",
    "EvoClassifier": "evoml.estimators",
    "EvoRegressor": "evoml.estimators",
    "Journal": "evoml.journal",
    "LearnedAlgorithm": "evoml.estimators.learned_algorithm",
    "ProgramClassifier": "evoml.estimators.program_classifier",
    "ProgramRegressor": "evoml.estimators.program_regressor",
    "SymbolicClassifier": "evoml.estimators.symbolic_classifier",
    "SymbolicRegressor": "evoml.estimators.symbolic_regressor",
    "SymbolicTransformer": "evoml.estimators.symbolic_transformer",
    "load_catalogue": "evoml.components",
}

__all__ = [
    "CostMatrix",
    "EvoClassifier",
    "EvoRegressor",
    "Journal",
    "LearnedAlgorithm",
    "ProgramClassifier",
    "ProgramRegressor",
    "SymbolicClassifier",
    "SymbolicRegressor",
    "SymbolicTransformer",
    "__version__",
    "load_catalogue",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'evoml' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
