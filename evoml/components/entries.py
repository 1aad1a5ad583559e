"""Entries of the catalogue as plain mappings: read into parts with every mistake named, and written back."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, get_args

from evoml.components.calls import Call, Imported
from evoml.components.expressions import names_in
from evoml.components.hyperparameters import Choice, Float, Formula, Hyperparameter, Integer, Scale, Value, as_value
from evoml.components.part import MODEL_INPUTS, Cost, DataType, Kind, Outputs, Part, Target, Task
from evoml.core.errors import EvomlError, SearchSpaceError, nearest
from evoml.kernels.warmup import warm_up_of

_WORDS: dict[str, tuple[str, ...]] = {
    "kind": get_args(Kind),
    "task": get_args(Task),
    "input": get_args(DataType),
    "output": get_args(DataType),
    "cost": get_args(Cost),
    "target": get_args(Target),
    "applies_to": ("all", "categorical"),
}
_TYPES: dict[str, Any] = {
    "predict_proba": bool,
    "predicts_most_probable": bool,
    "min_class_rows": int,
    "outputs": (list, tuple),
    "fixed": Mapping,
    "hyperparameters": Mapping,
}
_KEYS = tuple(field.name for field in fields(Part) if field.name != "name")
_HYPERPARAMETER_TYPES: dict[str, type[Hyperparameter]] = {
    "float": Float,
    "integer": Integer,
    "choice": Choice,
    "formula": Formula,
}
_REQUIRED: dict[type[Hyperparameter], tuple[str, ...]] = {Choice: ("choices",), Formula: ()}  # others have an end each
_MODEL_TASKS = {"classifier": "classification", "regressor": "regression"}
DATA_FACTS = ("n_rows", "n_features", "n_classes", "class_rows")
TARGET_FACTS = (*DATA_FACTS, "imbalance", "skewness", "needs_probabilities")


def part_from(name: str, entry: Mapping[str, Any], where: str) -> Part:
    """The part that `entry` describes. Raises SearchSpaceError naming `where`, the entry and the key."""
    here = f"{where}: [{name}]"
    _check_keys(entry, _KEYS, here)
    for key in ("path", "kind", "input"):
        _need(key in entry, f"{here} {key}: required, but missing; add {key} = ...")
    for key, value in entry.items():
        _check_value(key, value, here)
    values = {key: value for key, value in entry.items() if value is not None}
    values["hyperparameters"] = tuple(
        hyperparameter_from(key, value, f"{here} hyperparameters.{key}")
        for key, value in entry.get("hyperparameters", {}).items()
    )
    values["fixed"] = {key: _nested(value, f"{here} fixed.{key}") for key, value in entry.get("fixed", {}).items()}
    if "outputs" in values:
        values["outputs"] = tuple(values["outputs"])
    values["task"] = _MODEL_TASKS.get(entry["kind"], values.get("task"))
    values.setdefault("output", None)
    part = Part(name=name, **values)
    _check_whole(part, here)
    return part


def entry_of(part: Part) -> dict[str, Any]:
    """The mapping from which `part_from` makes an equal part."""
    entry: dict[str, Any] = {field: getattr(part, field) for field in _KEYS}
    entry["fixed"] = dict(part.fixed)
    entry["hyperparameters"] = {
        hyperparameter.name: _hyperparameter_entry(hyperparameter) for hyperparameter in part.hyperparameters
    }
    return entry


def merged(part: Part, changes: Mapping[str, Any], where: str) -> Part:
    """The part with `changes`, a partial entry, laid over it."""
    here = f"{where}: [{part.name}]"
    _check_keys(changes, _KEYS, here)
    entry = entry_of(part)
    for key, value in changes.items():
        _check_value(key, value, here)
        if key == "hyperparameters":
            for name, change in value.items():
                _merge_hyperparameter(entry[key], name, change, f"{here} hyperparameters.{name}")
        elif key == "fixed":
            entry[key] |= value
        else:
            entry[key] = value
    return part_from(part.name, entry, where)


def hyperparameter_from(name: str, entry: Any, here: str) -> Hyperparameter:
    """The hyperparameter that `entry` describes; `here` opens every error message."""
    _need(isinstance(entry, Mapping), f"{here}: must be a table with a type, got {entry!r}")
    kind = entry.get("type")
    _need(kind is not None, f"{here} type: required, but missing; write one of {_listed(_HYPERPARAMETER_TYPES)}")
    _check_word("type", kind, tuple(_HYPERPARAMETER_TYPES), here)
    factory = _HYPERPARAMETER_TYPES[kind]
    keys = tuple(field.name for field in fields(factory) if field.name != "name")
    given = {key: value for key, value in entry.items() if key != "type"}
    _check_keys(given, keys, here)
    for key in _REQUIRED.get(factory, ("low", "high")):
        _need(key in given, f"{here} {key}: required for type {kind!r}, but missing; add {key} = ...")
    _need("default" in given, f"{here} default: required, but missing; add default = ...")
    given["when"] = {other: _values(value, f"{here} when.{other}") for other, value in given.get("when", {}).items()}
    if factory is Choice:
        return _choice(name, given, here)
    return _formula(name, given, here) if factory is Formula else _range(name, given, here, factory)


def _choice(name: str, given: dict[str, Any], here: str) -> Choice:
    choices = _values(given["choices"], f"{here} choices")
    _need(len(choices) > 0, f"{here} choices: must hold at least one value, got none")
    choice = Choice(name, choices, as_value(given["default"]), given["when"])
    _need(
        choice.contains(choice.default),
        f"{here} default: must be one of the choices {choices}, got {choice.default!r}; change default or choices",
    )
    return choice


def _formula(name: str, given: dict[str, Any], here: str) -> Formula:
    for key in ("columns", "nodes"):
        value = given.get(key, 1)
        whole = isinstance(value, int) and not isinstance(value, bool)
        _need(whole and value > 0, f"{here} {key}: must be a whole number above 0, got {value!r}")
    _check_at_most(given, here)
    formula = Formula(name, **given)
    _need(
        formula.contains(formula.default),
        f"{here} default: must be a formula of the columns x0 ... x{formula.columns - 1} with at most {formula.nodes}"
        f" numbers, columns and operations, got {formula.default!r}",
    )
    return formula


def _range(name: str, given: dict[str, Any], here: str, factory: type[Any]) -> Hyperparameter:
    number: Callable[[Any], Any] = float if factory is Float else int
    for key in ("low", "high", "default"):
        value = given[key]
        whole = factory is Float or (isinstance(value, int | float) and value == int(value))
        _need(
            isinstance(value, int | float) and not isinstance(value, bool) and whole,
            f"{here} {key}: must be a{' number' if factory is Float else ' whole number'}, got {value!r}",
        )
        given[key] = number(value)
    low, high, default = given["low"], given["high"], given["default"]
    _check_word("scale", given.get("scale", "linear"), get_args(Scale), here)
    _need(low <= high, f"{here} low: must not exceed high, got low={low!r} > high={high!r}; swap or widen them")
    logarithmic = given.get("scale") == "log"
    _need(not logarithmic or low > 0, f"{here} low: scale 'log' needs low > 0, got {low!r}; raise low or use 'linear'")
    _need(
        low <= default <= high,
        f"{here} default: must lie in [{low!r}, {high!r}], got {default!r}; change default or the range",
    )
    _check_at_most(given, here)
    return factory(name=name, **given)


def _check_at_most(given: Mapping[str, Any], here: str) -> None:
    if given.get("at_most") is not None:
        _check_expression(given["at_most"], DATA_FACTS, f"{here} at_most")


def _merge_hyperparameter(entries: dict[str, Any], name: str, change: Any, here: str) -> None:
    _need(isinstance(change, Mapping), f"{here}: must be a table, got {change!r}")
    old = entries.get(name)
    if change.get("remove") is True and old is not None:
        del entries[name]
    elif old is None or change.get("type", old["type"]) != old["type"]:
        _need(
            "type" in change,
            f"{here}: no such hyperparameter{nearest(name, entries)}; correct the name, or give a type to add it",
        )
        entries[name] = dict(change)
    else:
        entries[name] = _with_default_inside(old | change, "default" in change)


def _with_default_inside(entry: dict[str, Any], default_given: bool) -> dict[str, Any]:
    """Whoever narrows a range without naming a default means the nearest value that is left."""
    if default_given or entry["type"] == "formula":
        return entry
    if "choices" in entry:
        if entry["default"] not in entry["choices"] and entry["choices"]:
            entry["default"] = entry["choices"][0]
    elif isinstance(entry["low"], int | float) and isinstance(entry["high"], int | float):
        entry["default"] = max(entry["low"], min(entry["default"], entry["high"]))
    return entry


def _hyperparameter_entry(hyperparameter: Hyperparameter) -> dict[str, Any]:
    entry = {field.name: getattr(hyperparameter, field.name) for field in fields(hyperparameter)}
    del entry["name"]
    return {"type": type(hyperparameter).__name__.lower(), **entry}


def _check_value(key: str, value: Any, here: str) -> None:
    if value is None:
        return
    if key in _WORDS:
        _check_word(key, value, _WORDS[key], here)
    else:
        wanted = _TYPES.get(key, str)
        noun = "list of words" if key == "outputs" else wanted.__name__.lower()
        _need(isinstance(value, wanted), f"{here} {key}: must be a {noun}, got {value!r}")
    for word in value if key == "outputs" else ():
        _check_word(key, word, get_args(Outputs), here)


def _check_whole(part: Part, here: str) -> None:
    """What concerns more than one key."""
    _need(
        (part.kind == "wrapper") == (part.around is not None) == (part.input in MODEL_INPUTS),
        f"{here} around: a wrapper, and only a wrapper, has input 'model' and names the argument that takes the model",
    )
    if part.is_model or part.kind == "wrapper":
        _need(part.output is None, f"{here} output: a {part.kind} has none, got {part.output!r}; remove the key")
    else:
        _need(part.output is not None, f"{here} output: required for kind {part.kind!r}; add output = ...")
    names = {hyperparameter.name for hyperparameter in part.hyperparameters}
    _check_expression(part.columns, (*names, "n_rows", "n_features"), f"{here} columns")
    _check_expression(part.frequency, TARGET_FACTS, f"{here} frequency")
    for hyperparameter in part.hyperparameters:
        key = f"{here} hyperparameters.{hyperparameter.name}"
        outer, _, inner = hyperparameter.name.partition("__")
        _need(
            not inner or isinstance(part.fixed.get(outer), Call),
            f"{key}: {outer!r} is no nested estimator; add {outer} = {{call = ...}} to fixed",
        )
        for other in hyperparameter.when:
            _need(
                other in names and other != hyperparameter.name,
                f"{key} when: {other!r} is no other hyperparameter of {part.name}{nearest(other, names)}; correct it",
            )
    _check_compiled(part, here)
    _check_iterations(part, here)
    _check_acyclic(part, here)


def _check_compiled(part: Part, here: str) -> None:
    if part.compiled is not None:
        try:
            warm_up_of(part.compiled)
        except EvomlError as error:
            raise SearchSpaceError(f"{here} compiled: {error}") from error


def _check_iterations(part: Part, here: str) -> None:
    if part.iterations is not None:
        known = {**part.fixed, **part.defaults()}
        outer, _, inner = part.iterations.partition("__")
        nested = part.fixed.get(outer)
        if inner and isinstance(nested, Call):
            known |= {
                f"{outer}__{name}": value for name, value in nested.arguments.items() if f"{outer}__{name}" not in known
            }
        number = known.get(part.iterations)
        _need(
            isinstance(number, int) and not isinstance(number, bool),
            f"{here} iterations: {part.iterations!r} is no whole number among fixed values and hyperparameters"
            f"{nearest(part.iterations, known)}; name the argument that counts iterations",
        )


def _check_acyclic(part: Part, here: str) -> None:
    conditions = {hyperparameter.name: set(hyperparameter.when) for hyperparameter in part.hyperparameters}
    while conditions:
        free = [name for name, others in conditions.items() if not others & conditions.keys()]
        _need(bool(free), f"{here} when: {_listed(conditions)} depend on each other in a circle; remove one condition")
        for name in free:
            del conditions[name]


def _check_expression(expression: Any, known: tuple[str, ...], here: str) -> None:
    try:
        unknown = names_in(expression) - set(known)
    except ValueError as error:
        raise SearchSpaceError(f"{here}: {error}") from error
    for name in sorted(unknown):
        raise SearchSpaceError(f"{here}: unknown name {name!r} in {expression!r}; known are {_listed(known)}")


def _nested(value: Any, here: str) -> Any:
    """A fixed value with tables {import = ...} and {call = ...} made into `Imported` and `Call`, arrays into tuples."""
    match value:
        case {"import": str(path)} if len(value) == 1:
            return Imported(path)
        case {"call": str(path)}:
            arguments = {key: _nested(argument, here) for key, argument in value.items() if key != "call"}
            return Call(path, arguments)
        case Mapping():
            raise SearchSpaceError(f"{here}: a table must be {{import = path}} or {{call = path, ...}}, got {value!r}")
        case list() | tuple():
            return tuple(_nested(element, here) for element in value)
        case _:
            return as_value(value)


def _values(values: Any, here: str) -> tuple[Value, ...]:
    _need(isinstance(values, list | tuple), f"{here}: must be an array of values, got {values!r}")
    for value in values:
        _need(
            value is None or isinstance(value, str | bool | int | float),
            f"{here}: may hold texts, truth values and numbers, got {value!r}",
        )
    return tuple(as_value(value) for value in values)


def _check_keys(entry: Mapping[str, Any], known: tuple[str, ...], here: str) -> None:
    for key in entry:
        _need(key in known, f"{here} {key}: unknown key{nearest(key, known)}; known are {_listed(known)}")


def _check_word(key: str, value: Any, known: tuple[str, ...], here: str) -> None:
    _need(value in known, f"{here} {key}: must be one of {_listed(known)}, got {value!r}{nearest(value, known)}")


def _listed(words: Any) -> str:
    return ", ".join(words)


def _need(holds: bool, message: str) -> None:
    if not holds:
        raise SearchSpaceError(message)
