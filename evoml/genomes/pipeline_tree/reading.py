"""From a user's scikit-learn estimator to a term, so that evolution can start from what is already known to work."""

from __future__ import annotations

import inspect
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from evoml.components.calls import resolve
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

    if isinstance(step, type):
        raise SearchSpaceError(f"initial pipeline: {step.__name__} is a class; give an estimator, {step.__name__}()")
    if step is None or isinstance(step, str):
        return given if step is None or step == PASSTHROUGH else _unknown(step, catalogue)
    if isinstance(step, Pipeline):
        for _, inner in step.steps:
            given = _read(inner, given, catalogue)
        return given
    if isinstance(step, FeatureUnion):
        branches = [_read(inner, given, catalogue) for _, inner in step.transformer_list if inner != "drop"]
        if not branches:
            raise SearchSpaceError("initial pipeline: a FeatureUnion drops all of its branches; keep at least one")
        if step.transformer_weights:
            warnings.warn("initial pipeline: the transformer_weights of a FeatureUnion are left out", stacklevel=2)
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
    part = _part_of(step, catalogue)
    if part is None:
        return _unknown(f"{type(step).__module__}.{type(step).__qualname__}", catalogue)
    settings = {name: _plain(value) for name, value in step.get_params(deep=True).items()}
    if part.around is not None:
        given = _read(settings[part.around], given, catalogue)
    given_values = {h.name: settings[h.name] for h in part.hyperparameters if h.name in settings}
    values = {h.name: h.clip(given_values[h.name]) for h in part.hyperparameters if h.name in given_values}
    _warn_of_lost(step, part, values)
    return Term(part.name, (given,), values)


def _part_of(step: Any, catalogue: Catalogue) -> Part | None:
    """Return the part that makes estimators such as ``step``: of its class, or of our safer or quicker kind of it."""
    cls = type(step)
    settings: dict[str, Any] = getattr(step, "get_params", dict)()
    same = [part for part in catalogue.values() if part.makes(cls)]

    def likeness(part: Part) -> tuple[int, int, bool]:
        fixed = {name: resolve(value) for name, value in part.fixed.items()}
        alike = sum(_alike(value, settings.get(name)) for name, value in fixed.items())
        same_text = sum(repr(value) == repr(settings.get(name)) for name, value in fixed.items())
        return alike, same_text, part.name == cls.__name__

    return max(same, key=likeness, default=None)


def _alike(mine: Any, its: Any) -> bool:
    if hasattr(mine, "get_params"):
        return type(mine) is type(its)
    if inspect.isfunction(mine):  # one of ours has the name of the one it stands for
        return mine.__name__ == getattr(its, "__name__", None)
    return repr(mine) == repr(its)


def _plain(value: Any) -> Any:
    """Return NumPy's numbers as Python's."""
    return value.item() if isinstance(value, np.generic) else value


def _warn_of_lost(step: Any, part: Part, values: dict[str, Any]) -> None:
    """Warn of settings of the user's that differ from the default and that the search space cannot express."""
    defaults = {name: parameter.default for name, parameter in inspect.signature(type(step)).parameters.items()}
    ours = {**{name: resolve(value) for name, value in part.fixed.items()}, **values}
    lost = [
        f"{name}={value!r}" + (f" (now {ours[name]!r})" if name in ours else "")
        for name, value in step.get_params(deep=False).items()
        if name not in ("random_state", "n_jobs", "verbose", part.around)
        and repr(_plain(value)) != repr(defaults.get(name))
        and not _alike(ours.get(name, defaults.get(name)), _plain(value))
        and not (name in values and values[name] == value)
    ]
    if lost:
        warnings.warn(
            f"initial pipeline: the search space cannot express {', '.join(lost)} of {part.name};"
            " the nearest or default value is used (widen the search space to keep it)",
            UserWarning,
            stacklevel=2,
        )


def _unknown(step: str, catalogue: Catalogue) -> Term:
    raise SearchSpaceError(
        f"initial pipeline: the step {step} is not in the search space{nearest(step.rsplit('.', 1)[-1], catalogue)};"
        " add it to the search space, or leave it out"
    )
