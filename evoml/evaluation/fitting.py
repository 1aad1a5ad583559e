"""Fitting a step or a whole pipeline on a table, with sample weights and groups for those that take them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from evoml.evaluation.folds import Table
    from evoml.evaluation.problem import Builder


def fit_step(step: Any, table: Table, X: Any, *, transform: bool = False) -> Any:
    """Fit a step on ``X`` with the target, and with those of sample weights and groups that it takes.

    With ``transform`` the transformed ``X`` is returned, else the step. Within a step, weights and groups travel by
    scikit-learn's metadata routing, except in the few that it cannot be routed through: there the step itself gets them.
    """
    given = table.metadata
    if not given:
        return _fit(step, X, table.y, {}, transform)
    from sklearn.utils.validation import has_fit_parameter

    from evoml.genomes.pipeline_tree.build import request

    def requesting() -> Any:
        for name in given:
            request(step, name)
        return step

    def unrouted() -> Any:
        takes = {name: values for name, values in given.items() if has_fit_parameter(step, name)}
        return _fit(step, X, table.y, takes, transform)

    return _routed(requesting, given, lambda step, wanted: _fit(step, X, table.y, wanted, transform), unrouted)


def _fit(step: Any, X: Any, y: Any, metadata: Mapping[str, Any], transform: bool) -> Any:
    if not transform:
        step.fit(X, y, **metadata)
        return step
    if hasattr(step, "fit_transform"):
        return step.fit_transform(X, y, **metadata)
    return step.fit(X, y, **metadata).transform(X)


def fit_table(builder: Builder, text: str, seed: int, table: Table) -> Any:
    """Return the whole estimator of a genome's text fitted on a table.

    Sample weights and groups reach all steps that take them.
    """
    given = table.metadata
    if not given:
        return builder.build(text, seed).fit(table.X, table.y)
    return _routed(
        lambda: builder.build(text, seed, weighted="sample_weight" in given, grouped="groups" in given),
        given,
        lambda model, wanted: model.fit(table.X, table.y, **wanted),
        lambda: _fit_by_step(builder.build(text, seed), table.X, table.y, given),
    )


def _routed(
    make: Callable[[], Any],
    given: Mapping[str, np.ndarray],
    fit: Callable[[Any, Mapping[str, np.ndarray]], Any],
    unrouted: Callable[[], Any],
) -> Any:
    """Return ``fit(model, metadata)`` of a model that requests metadata; ``unrouted()`` if it cannot be routed through it."""
    from sklearn import config_context
    from sklearn.utils.metadata_routing import get_routing_for_object

    with config_context(enable_metadata_routing=True):
        model = make()
        try:
            wanted = get_routing_for_object(model).consumes("fit", given.keys())
            return fit(model, {name: given[name] for name in wanted})
        except (NotImplementedError, KeyError) as error:
            if isinstance(error, KeyError) and error.args != ("groups",):
                raise
    return unrouted()


def _fit_by_step(model: Any, X: Any, y: Any, given: Mapping[str, np.ndarray]) -> Any:
    """Fit a pipeline with metadata for its own steps alone, not for those within a step.

    So it must be with a few parts that scikit-learn cannot route metadata through: AdaBoost says so, its TargetEncoder
    looks for groups that are not there.
    """
    from sklearn.utils.validation import has_fit_parameter

    takers = [(step, name) for step, part in model.steps for name in given if has_fit_parameter(part, name)]
    return model.fit(X, y, **{f"{step}__{name}": given[name] for step, name in takers})
