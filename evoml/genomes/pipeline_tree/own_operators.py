"""Operators of the user's own: functions of pipelines as nested calls, whose results are checked and typed here."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from evoml.core.errors import SearchSpaceError
from evoml.genomes.functions import parents_of
from evoml.genomes.pipeline_tree.term import Term

if TYPE_CHECKING:
    import numpy as np

    from evoml.genomes.pipeline_tree.grammar import Grammar
    from evoml.genomes.pipeline_tree.tree import PipelineTree

OwnOperator = Callable[..., Term | None]  # of pipelines, and a generator


def own_parents(operators: Mapping[str, OwnOperator]) -> dict[str, int]:
    """Return the number of parents that each operator takes.

    Raises SearchSpaceError for a function that takes none.
    """
    return {name: parents_of(name, operator) for name, operator in operators.items()}


def own_offspring(
    grammar: Grammar, name: str, operator: OwnOperator, parents: Sequence[PipelineTree], rng: np.random.Generator
) -> PipelineTree | None:
    """Return what an operator makes of pipelines, with what its steps need put before them; None where nothing came of it.

    What cannot be written in this search is nothing either, but it is worth a warning.
    """
    made: Any = operator(*(parent.term() for parent in parents), rng)
    if made is None:
        return None
    try:
        return grammar.tree(made, adapt=True)
    except SearchSpaceError as error:
        warnings.warn(f"the operator {name!r} wrote a pipeline that cannot be used: {error}", UserWarning, stacklevel=2)
        return None
