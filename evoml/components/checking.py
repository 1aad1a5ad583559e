"""A part against its library: does the class exist, take these settings, and allow these values?"""

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from evoml.components.calls import Call, load, resolve
from evoml.components.hyperparameters import Choice, Formula, Hyperparameter, Value
from evoml.components.part import Part
from evoml.core.errors import SearchSpaceError, nearest


def check_part(part: Part, where: str) -> None:
    """Raises SearchSpaceError if the installed library cannot accept the part's settings.

    Names are compared with the constructor's signature, values (each range's ends, each choice, each default) with
    scikit-learn's own parameter constraints where the class declares them.
    """
    here = f"{where}: [{part.name}]"
    try:
        classes = {"": part.load()} | {
            name: load(value.path) for name, value in part.fixed.items() if isinstance(value, Call)
        }
        if part.wrap is not None:
            load(part.wrap)
    except SearchSpaceError as error:
        raise SearchSpaceError(f"{here} path: {error}") from error
    for name in part.fixed:
        _check_name(classes[""], name, f"{here} fixed.{name}", lenient=True)
    for hyperparameter in part.hyperparameters:
        outer, _, inner = hyperparameter.name.rpartition("__")
        _check_name(classes[outer], inner, f"{here} hyperparameters.{hyperparameter.name}", lenient=False)
    for key, value in _cases(part):
        _check_values(part, {key: value} if key else {}, f"{here} hyperparameters.{key}" if key else here)


def constructor_parameters(target: type) -> dict[str, inspect.Parameter]:
    """Parameters of the constructor; for one that takes **keywords, those of the classes it inherits from as well."""
    found: dict[str, inspect.Parameter] = {}
    for owner in target.__mro__:
        parameters = inspect.signature(vars(owner)["__init__"]).parameters if "__init__" in vars(owner) else {}
        named = {name: parameter for name, parameter in parameters.items() if name != "self"}
        found = named | found
        if parameters and not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
            break
    return found


def _check_name(target: type, name: str, here: str, lenient: bool) -> None:
    parameters = constructor_parameters(target)
    if name in parameters:
        return
    if lenient and any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return
    raise SearchSpaceError(
        f"{here}: {target.__name__} has no parameter {name!r}{nearest(name, parameters)}; correct or remove it"
    )


def _cases(part: Part) -> Iterator[tuple[str, Value]]:
    yield "", None
    for hyperparameter in part.hyperparameters:
        for value in _extremes(hyperparameter):
            yield hyperparameter.name, value


def _extremes(hyperparameter: Hyperparameter) -> tuple[Value, ...]:
    if isinstance(hyperparameter, Choice):
        return hyperparameter.choices
    if isinstance(hyperparameter, Formula):
        return (hyperparameter.default,)
    return hyperparameter.low, hyperparameter.high, hyperparameter.default


def _check_values(part: Part, values: Mapping[str, Value], here: str) -> None:
    outer = Call(part.path, part.settings(values, random_state=0))
    for call in (outer, *(value for value in outer.arguments.values() if isinstance(value, Call))):
        constraints = getattr(load(call.path), "_parameter_constraints", None)
        if not isinstance(constraints, Mapping):
            continue
        try:
            _validate(constraints, {name: resolve(value) for name, value in call.arguments.items()}, call.path)
        except ValueError as error:
            raise SearchSpaceError(f"{here}: {error}; correct the value or the range") from error


def _validate(constraints: Mapping[str, Any], parameters: Mapping[str, Any], caller: str) -> None:
    from sklearn.utils._param_validation import validate_parameter_constraints

    declared = {name: value for name, value in parameters.items() if name in constraints}
    validate_parameter_constraints(constraints, declared, caller.rpartition(".")[2])
