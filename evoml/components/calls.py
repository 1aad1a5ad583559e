"""A constructor call as data: one description that is either carried out (`build`) or written out (`source`)."""

import importlib
import inspect
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from evoml.core.errors import SearchSpaceError


@dataclass(frozen=True, slots=True)
class Imported:
    """An object named by its dotted path, for instance a scoring function."""

    path: str


@dataclass(frozen=True, slots=True)
class Verbatim:
    """An expression that is written already."""

    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the class or function at `path`; arguments may be plain values, `Imported`, `Call`, tuples, lists."""

    path: str
    arguments: Mapping[str, Any] = field(default_factory=dict, hash=False)
    positional: tuple[Any, ...] = ()


def load(path: str) -> Any:
    """The object at a dotted path. Raises SearchSpaceError if its module or name doesn't exist."""
    module, _, name = path.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise SearchSpaceError(
            f"{path!r} cannot be imported ({error}); check the spelling and that the package is installed"
        ) from error


@lru_cache(maxsize=1024)  # a signature takes longer to find out than most estimators to make
def takes_random_state(target: Any) -> bool:
    """Whether the constructor accepts `random_state` (and hasn't deprecated it)."""
    parameter = inspect.signature(target).parameters.get("random_state")
    return parameter is not None and parameter.default != "deprecated"


def seeded(call: Call, random_state: int | None) -> Call:
    """The call and those nested in it, with `random_state` wherever the signature has one and it isn't given."""
    arguments = {
        name: seeded(value, random_state) if isinstance(value, Call) else value
        for name, value in call.arguments.items()
    }
    if "random_state" not in arguments and takes_random_state(load(call.path)):
        arguments["random_state"] = random_state
    return Call(call.path, arguments, call.positional)


def resolve(value: Any) -> Any:
    """Carries the description out: calls are called, imports imported, containers walked."""
    match value:
        case Imported(path):
            return load(path)
        case Call(path, arguments, positional):
            keywords = {name: resolve(argument) for name, argument in arguments.items()}
            return load(path)(*(resolve(argument) for argument in positional), **keywords)
        case tuple() | list():
            return type(value)(resolve(element) for element in value)
        case _:
            return value


def render(value: Any) -> tuple[str, set[str]]:
    """The same description as a Python expression, and the import lines that it needs."""
    match value:
        case Imported(path):
            return _name(path), {_import_line(path)}
        case Verbatim(text):
            return text, set()
        case Call(path, arguments, positional):
            rendered = [render(argument) for argument in positional]
            texts = [text for text, _ in rendered]
            imports = {_import_line(path)}.union(*(lines for _, lines in rendered))
            for name, argument in arguments.items():
                text, lines = render(argument)
                texts.append(f"{name}={text}")
                imports |= lines
            return f"{_name(path)}({', '.join(texts)})", imports
        case tuple() | list():
            rendered = [render(element) for element in value]
            inside = ", ".join(text for text, _ in rendered)
            imports = set().union(*(lines for _, lines in rendered))
            if isinstance(value, list):
                return f"[{inside}]", imports
            return f"({inside},)" if len(value) == 1 else f"({inside})", imports
        case float() if not math.isfinite(value):
            return f"float({str(value)!r})", set()
        case _:
            return repr(value), set()


def _name(path: str) -> str:
    return path.rpartition(".")[2]


def _import_line(path: str) -> str:
    module, _, name = path.rpartition(".")
    return f"from {module} import {name}"
