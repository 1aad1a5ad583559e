"""How good a model of several outputs is at each of them, on rows that it was not fitted on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from evoml.run.explanation import performance, residuals

if TYPE_CHECKING:
    from evoml.core.target import Output
    from evoml.run.explanation.fold_models import FoldModel

NOT_SHOWN = "curves and the influence of columns are shown of targets of one column only"


def measures_of_each(models: Sequence[FoldModel], outputs: Sequence[Output]) -> dict[str, Any]:
    """Return the measures of each output, named after it."""
    return {"measures": [{**one, "name": f"{name}: {one['name']}"} for name, one in _measures(models, outputs)]}


def _measures(models: Sequence[FoldModel], outputs: Sequence[Output]) -> Iterator[tuple[str, dict[str, Any]]]:
    for at, output in enumerate(outputs):
        own = [one.of_output(at) for one in models]
        numbers = output.classes is None
        found = residuals.measures(own) if numbers else performance.measures(own, [one.said for one in own])
        for measure in found:
            yield output.name, measure
