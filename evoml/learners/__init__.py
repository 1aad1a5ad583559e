"""Scikit-learn-compatible learners of our own; names resolve on first use, so that importing costs nothing.

Every module here imports only scikit-learn, NumPy and the standard library, and stands alone: an exported script
carries its text along and runs without evoml.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "ConstantFallback": "evoml.learners.constant_fallback",
    "EncodedLabels": "evoml.learners.encoded_labels",
    "OutOfFoldPredictions": "evoml.learners.out_of_fold",
}

__all__ = ["ConstantFallback", "EncodedLabels", "OutOfFoldPredictions"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'evoml.learners' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
