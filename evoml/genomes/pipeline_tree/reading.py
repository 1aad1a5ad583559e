"""From a user's scikit-learn estimator to a term, so that evolution can start from what is already known to work."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from evoml.core.errors import SearchSpaceError, nearest
from evoml.genomes.pipeline_tree.term import FEATURES, PASSTHROUGH, STACK, UNION, Term, read_term

if TYPE_CHECKING:
    from evoml.components import Catalogue, Part


def read_estimator(estimator: Any, catalogue: Catalogue) -> Term:
    """Return the term of a scikit-learn Pipeline, of a single estimator, or of a pipeline's text.

    Settings that the search space does not know are left out with a warning. Raises SearchSpaceError for a step that is
    not in the catalogue.
    """
    return read_term(estimator) if isinstance(estimator, str) else _read(estimator, Term(FEATURES), catalogue)


def _read(step: Any, given: Term, catalogue: Catalogue) -> Term:
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import FeatureUnion, Pipeline

    from evoml.learners import OutOfFoldPredictions

    if step is None or isinstance(step, str):
        return given if step is None or step == PASSTHROUGH else _unknown(step, catalogue)
    if isinstance(step, Pipeline):
        for _, inner in step.steps:
            given = _read(inner, given, catalogue)
        return given
    if isinstance(step, FeatureUnion):
        branches = [_read(inner, given, catalogue) for _, inner in step.transformer_list if inner != "drop"]
        union = branches[0]
        for branch in branches[1:]:
            union = Term(UNION, (union, branch))
        return union
    if isinstance(step, OutOfFoldPredictions):
        return Term(STACK, (_read(step.estimator, given, catalogue),))
    if isinstance(step, ColumnTransformer) and len(step.transformers) == 1:
        return _read(step.transformers[0][1], given, catalogue)
    return _read_part(step, given, catalogue)


def _read_part(step: Any, given: Term, catalogue: Catalogue) -> Term:
    path = f"{type(step).__module__}.{type(step).__qualname__}"
    same_class = [part for part in catalogue.values() if part.load() is type(step)]
    named = [part for part in same_class if part.name == type(step).__name__] or same_class
    if not named:
        return _unknown(path, catalogue)
    part = named[0]
    settings = step.get_params(deep=False)
    values = {h.name: settings[h.name] for h in part.hyperparameters if h.name in settings}
    _warn_of_lost(step, part, values)
    return Term(part.name, (given,), values)


def _warn_of_lost(step: Any, part: Part, values: dict[str, Any]) -> None:
    """Warn of settings of the user's that differ from the default and that the search space cannot express."""
    defaults = type(step)().get_params(deep=False)
    expressed = {*values, *part.fixed, "random_state", "n_jobs", "verbose"}
    lost = [k for k, v in step.get_params(deep=False).items() if k not in expressed and repr(v) != repr(defaults.get(k))]
    if lost:
        warnings.warn(
            f"initial pipeline: the search space has no hyperparameter {', '.join(lost)} of {part.name};"
            " the default is used (add it to the search space to keep it)",
            UserWarning,
            stacklevel=2,
        )


def _unknown(step: str, catalogue: Catalogue) -> Term:
    raise SearchSpaceError(
        f"initial pipeline: the step {step} is not in the search space{nearest(step.rsplit('.', 1)[-1], catalogue)};"
        " add it to the search space, or leave it out"
    )
