"""What ``algorithm=`` may be: a name, a scheme, a class or function of one's own, or where in a file that is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import partial
from typing import Any

from evoml.algorithms.base import EvolutionaryAlgorithm
from evoml.algorithms.candidates import ALGORITHMS
from evoml.algorithms.deap_toolbox import DeapToolbox
from evoml.algorithms.evolution import Evolution
from evoml.algorithms.islands import Islands
from evoml.algorithms.schemes import Scheme
from evoml.core.errors import SettingError, nearest
from evoml.core.own_files import from_file, is_in_file


def candidate_algorithm(algorithm: Any) -> Callable[..., Any]:
    """Return what makes an algorithm of ``(space, seed, population_size=...)``.

    algorithm: a name, a scheme or a class of schemes, a class or function with these arguments, or ``"file.py:Name"`` of
    any of these. Raises SettingError.
    """
    return _maker(algorithm, ALGORITHMS, Evolution)


def array_algorithm(algorithm: Any) -> Callable[..., Any]:
    """Return the same over arrays: what makes one of ``(space, seed, population_size, tournament_size, island, ...)``."""
    from evoml.algorithms.arrays import ARRAY_ALGORITHMS, ArrayAlgorithm

    _check_for_arrays(algorithm)
    return _maker(algorithm, ARRAY_ALGORITHMS, ArrayAlgorithm)


def _check_for_arrays(algorithm: Any) -> None:
    """Raise SettingError for what drives only candidates that come one by one."""
    if algorithm is Islands or (isinstance(algorithm, str) and algorithm == "islands"):
        raise SettingError(
            "islands are no algorithm of their own here: give islands=4, which evolve by any algorithm, such as nsga2"
        )
    if isinstance(algorithm, DeapToolbox):
        raise SettingError(
            "a DEAP toolbox varies genomes one by one, and these come by the thousand: its selection alone goes, as"
            " algorithm=DeapSelection(select=toolbox.select)"
        )
    if isinstance(algorithm, type) and issubclass(algorithm, EvolutionaryAlgorithm):
        raise SettingError(
            f"{algorithm.__name__} drives candidates that come one by one, and these come by the thousand: give its scheme, of"
            " evoml.algorithms.schemes"
        )


def _maker(algorithm: Any, known: Mapping[str, Callable[..., Any]], driver: type) -> Callable[..., Any]:
    made = from_file(algorithm) if is_in_file(algorithm) else algorithm
    if isinstance(made, str):
        if made not in known:
            raise SettingError(
                f"unknown algorithm {made!r}{nearest(made, known)}; there are: {', '.join(known)},"
                " or your own as file.py:Name"
            )
        return known[made]
    if isinstance(made, type) and issubclass(made, Scheme):
        return type(made.__name__, (driver,), {"scheme_type": made})
    if isinstance(made, Scheme):
        return partial(driver, scheme=made)
    if not callable(made):
        raise SettingError(f"algorithm must be a name, a scheme or a class, got {made!r}")
    return made


def named(algorithm: Any) -> str:
    """Return what settings record of an algorithm, or a topology: in every process the same, as no object's address is."""
    if isinstance(algorithm, str):
        return algorithm
    if hasattr(algorithm, "edges"):
        return str([tuple(edge) for edge in algorithm.edges])
    if isinstance(algorithm, Scheme):
        return _call(type(algorithm), {field.name: getattr(algorithm, field.name) for field in fields(algorithm)})
    if isinstance(algorithm, partial):
        return _call(algorithm.func, algorithm.keywords)
    return str(getattr(algorithm, "__qualname__", type(algorithm).__qualname__))


def _call(function: Any, settings: Mapping[str, Any]) -> str:
    return f"{named(function)}({', '.join(f'{name}={_value(value)}' for name, value in settings.items())})"


def _value(value: Any) -> str:
    if isinstance(value, (tuple, list)):
        return f"({', '.join(map(_value, value))})"
    plain = value is None or isinstance(value, (str, int, float, bool))
    return repr(value) if plain else named(value)


def settings_for(algorithm: Callable[..., Any], **offered: Any) -> dict[str, Any]:
    """Return those of the settings offered that the scheme of a driver's class has."""
    kind = getattr(algorithm, "scheme_type", None)
    known = set() if kind is None else {field.name for field in fields(kind)}
    return {name: value for name, value in offered.items() if name in known}
