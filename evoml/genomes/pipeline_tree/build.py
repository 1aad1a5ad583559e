"""From plan to scikit-learn: a plain Pipeline, fitted or yet to be fitted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from evoml.genomes.pipeline_tree.plan import Plan
from evoml.genomes.pipeline_tree.term import FEATURES, STACK, UNION

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

Made = TypeVar("Made")


def build(plan: Plan, random_state: int, *, weighted: bool = False, grouped: bool = False) -> Pipeline:
    """Return the unfitted scikit-learn Pipeline of a plan.

    With ``weighted`` (``grouped``) each step that can use sample weights (groups) requests them by scikit-learn's
    metadata routing, also inside unions and stacked models; build and fit it with that routing enabled.
    """
    from sklearn.pipeline import FeatureUnion, Pipeline

    from evoml.learners import OutOfFoldPredictions

    made: Pipeline = assemble(
        plan,
        lambda node: plan.make(node, random_state),
        union=lambda branches: FeatureUnion(named(branches)),
        stack=OutOfFoldPredictions,
        chain=lambda steps: Pipeline(named(steps)),
    )
    for wanted, name in ((weighted, "sample_weight"), (grouped, "groups")):
        if wanted:
            request(made, name)
    return made


def assemble(
    plan: Plan,
    part: Callable[[str], Made],
    union: Callable[[list[tuple[str, Made | str]]], Made],
    stack: Callable[[Made], Made],
    chain: Callable[[list[tuple[str, Made | str]]], Made],
    before: Iterable[tuple[str, Made]] = (),
) -> Made:
    """Put a plan together from the makers of its pieces: the one place that knows how a graph becomes a pipeline.

    Steps that all branches of a union begin with are made once, before it; steps in ``before`` are the pipeline's first.
    """

    def lineup(node: str) -> list[str]:
        """Return the nodes from the input to ``node`` in order; a union and a stacked model count as one node."""
        name = plan.part(node)
        if name == FEATURES:
            return []
        if name == UNION:
            return [*_common([lineup(source) for source in plan.inputs(node)]), node]
        if name == STACK:
            return [node]
        return [*lineup(plan.columns_of(node)), node]

    def make(node: str) -> Made:
        name = plan.part(node)
        if name == STACK:
            return stack(whole(lineup(plan.inputs(node)[0])))
        if name == UNION:
            branches = [lineup(source) for source in plan.inputs(node)]
            shared = len(_common(branches))
            return union([_branch(nodes[shared:]) for nodes in branches])
        return part(node)

    def _branch(nodes: list[str]) -> tuple[str, Made | str]:
        if not nodes:
            return FEATURES, "passthrough"
        return (label(nodes[-1]), make(nodes[0])) if len(nodes) == 1 else (label(nodes[-1]), whole(nodes))

    def whole(nodes: list[str], before: Iterable[tuple[str, Made]] = ()) -> Made:
        return chain([*before, *((label(node), make(node)) for node in nodes)])

    def label(node: str) -> str:
        return plan.part(node).lower()

    return whole(lineup(plan.root), before)


def _common(branches: list[list[str]]) -> list[str]:
    shared = []
    for nodes in zip(*branches, strict=False):
        if len(set(nodes)) > 1:
            break
        shared.append(nodes[0])
    return shared


def named(steps: Iterable[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """Return steps with names that occur once: the second ``pca`` is ``pca-2``."""
    seen: dict[str, int] = {}
    found = []
    for name, step in steps:
        seen[name] = seen.get(name, 0) + 1
        found.append((name if seen[name] == 1 else f"{name}-{seen[name]}", step))
    return found


def request(estimator: Any, name: str) -> None:
    """Let every piece of ``estimator`` whose ``fit`` takes the metadata ``name`` request it."""
    from sklearn.base import BaseEstimator
    from sklearn.utils.validation import has_fit_parameter

    pieces = [estimator, *estimator.get_params(deep=True).values()]
    for piece in pieces:
        if isinstance(piece, BaseEstimator) and has_fit_parameter(piece, name) and hasattr(piece, "set_fit_request"):
            piece.set_fit_request(**{name: True})
