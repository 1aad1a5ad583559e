"""The types of a pipeline tree: what a step needs and what it gives.

A step that needs ``Dense`` also takes ``NonNegative``: the narrower promise is a subclass of the wider one. ``Table`` (with
categories) stands apart from numbers, since encoders read only it; models that read ``Anything`` take both. ``Text`` stands
apart from all: only encoders of text read it. A wrapper takes a model with nothing around it, so there is one at most.
"""

from __future__ import annotations

import copyreg
from functools import cache


class Anything:
    """Any table."""


class Text:
    """A table that may hold free text beside all else."""


class Table(Anything):
    """A table that may hold categories and missing values."""


class Numeric(Anything):
    """Numbers, some of which may be missing."""


class Dense(Numeric):
    """Finite numbers."""


class NonNegative(Dense):
    """Finite numbers, none below zero, also on rows not seen before."""


class Model:
    """A classifier or a regressor, as the task demands: the root of every tree."""


class Unwrapped:
    """A model with nothing around it, whether or not it gives the probabilities that are needed."""


class Bare(Model, Unwrapped):
    """A model with nothing around it that gives all that is needed."""


class Single:
    """A model with nothing around it that can be fitted to one column of a target of several."""


class DenseSingle(Single):
    """The same on finite numbers."""


class Several(Bare, Single):
    """A model that takes several columns as well."""


class DenseSeveral(Bare, DenseSingle):
    """The same on finite numbers."""


MODEL_TYPES: dict[str, type] = {  # that wrappers read
    "model": Bare, "any_model": Unwrapped, "single_model": Single, "dense_single_model": DenseSingle,
}  # fmt: skip
DATA_TYPES: dict[str, type] = {
    "any": Anything, "text": Text, "table": Table, "numeric": Numeric, "dense": Dense, "nonnegative": NonNegative,
}  # fmt: skip


class HyperparameterType(type):
    """Type of one hyperparameter of one part, so that a value never lands where it has no meaning."""

    part: str
    hyperparameter: str


@cache
def hyperparameter_type(part: str, hyperparameter: str) -> HyperparameterType:
    """Return the type of a part's hyperparameter; equal arguments give the same type."""
    made = HyperparameterType(f"{part}.{hyperparameter}", (), {})
    made.part, made.hyperparameter = part, hyperparameter
    return made


copyreg.pickle(HyperparameterType, lambda made: (hyperparameter_type, (made.part, made.hyperparameter)))  # type: ignore[arg-type, misc]
