"""Units of columns, given as text, and how often formulas break their rules.

All that is needed of a unit is its exponents over the base units of the SI, and its size as a power of ten, which is treated as
one dimension more: minutes are not added to seconds, and no degrees go into a sine, unless a constant stands between them.
A small reader of our own gives these without the import time of a library for quantities.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from evoml.core.errors import SettingError, nearest
from evoml.genomes.expression.operations import BY_CODE
from evoml.genomes.expression.population import Population
from evoml.kernels.expression_codes import CONSTANT

_SIZE = "size"  # the dimension that a power of ten is
_BASE = ("m", "s", "g", "A", "K", "mol", "cd")
_DERIVED = {
    "rad": "1", "sr": "1", "Hz": "1/s", "N": "kg*m/s^2", "Pa": "N/m^2", "J": "N*m", "W": "J/s", "C": "A*s", "V": "W/A",
    "F": "C/V", "ohm": "V/A", "Ω": "V/A", "S": "A/V", "Wb": "V*s", "T": "Wb/m^2", "H": "Wb/A", "lm": "cd", "lx": "lm/m^2",
    "Bq": "1/s", "Gy": "J/kg", "Sv": "J/kg", "kat": "mol/s", "L": "1e-3 m^3", "l": "1e-3 m^3", "eV": "1.602176634e-19 J",
    "t": "1e3 kg", "bar": "1e5 Pa",
}  # fmt: skip
_WITHOUT_PREFIX = {
    "min": "60 s", "h": "3600 s", "d": "86400 s", "day": "86400 s", "year": "31557600 s", "deg": f"{math.pi / 180}",
    "%": "1e-2", "ha": "1e4 m^2", "atm": "101325 Pa",
}  # fmt: skip
_PREFIXES = {
    "Q": 30, "R": 27, "Y": 24, "Z": 21, "E": 18, "P": 15, "T": 12, "G": 9, "M": 6, "k": 3, "h": 2, "da": 1, "d": -1, "c": -2,
    "m": -3, "u": -6, "µ": -6, "μ": -6, "n": -9, "p": -12, "f": -15, "a": -18, "z": -21, "y": -24, "r": -27, "q": -30,
}  # fmt: skip
_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+\.?\d*(?:[eE][+-]?\d+)?)|(?P<name>[^\W\d]+|%)|(?P<own>\[[^\[\]]+\])|(?P<sign>\*\*|[-*·/^()]))"
)


@dataclass(frozen=True)
class Unit:
    """A unit: its dimensions' exponents, none of them 0, and its size as the logarithm to base ten."""

    exponents: Mapping[str, Fraction] = field(default_factory=dict)
    size: float = 0.0

    def __mul__(self, other: Unit) -> Unit:
        both = {**self.exponents}
        for name, exponent in other.exponents.items():
            both[name] = both.get(name, Fraction(0)) + exponent
        return Unit({name: one for name, one in both.items() if one}, self.size + other.size)

    def __pow__(self, power: Fraction) -> Unit:
        return Unit({name: one * power for name, one in self.exponents.items() if power}, self.size * float(power))


def read_unit(text: str) -> Unit:
    """Return the unit written in ``text``: "m/s^2", "kg", "1", "W/(m^2 K)", "km", "m^(1/2)", "[people]/[year]".

    SI units with their prefixes, and some more; anything else is a unit of its own in brackets. Raises SettingError with the
    place of the mistake.
    """
    reader = _UnitReader(text)
    found = reader.product()
    if reader.at < len(reader.tokens):
        raise reader.error("'*', '/', '^' or the end")
    return found


class _UnitReader:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.tokens: list[tuple[str, str, int]] = []
        place, end = 0, len(text.rstrip())
        while place < end:
            match = _TOKEN.match(text, place)
            if match is None:
                raise self._mistake(place, f"expected a unit, a number or an operator, got {text[place]!r}")
            kind = str(match.lastgroup)
            self.tokens.append((kind, match[kind], match.start(kind)))
            place = match.end()

    def _mistake(self, place: int, words: str) -> SettingError:
        return SettingError(
            f"the unit {self.text!r} has a mistake at position {place}: {words}; write units such as 'm/s^2', 'kg', '1'"
            " for a pure number, '[people]' for a unit of your own"
        )

    def error(self, expected: str) -> SettingError:
        kind, token, place = self._token
        return self._mistake(place, f"expected {expected}, got {repr(token) if kind else 'the end'}")

    @property
    def _token(self) -> tuple[str, str, int]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("", "", len(self.text))

    def _take(self, *signs: str) -> str:
        kind, token, _ = self._token
        if kind != "sign" or token not in signs:
            return ""
        self.at += 1
        return token

    def product(self) -> Unit:
        found = self._power()
        while self._token[0] and self._token[1] != ")":
            below = self._take("*", "·", "/") == "/"
            found *= self._power() ** Fraction(-1 if below else 1)
        return found

    def _power(self) -> Unit:
        base = self._atom()
        return base ** self._exponent() if self._take("^", "**") else base

    def _atom(self) -> Unit:
        if self._take("("):
            found = self.product()
            if not self._take(")"):
                raise self.error("')'")
            return found
        kind, token, place = self._token
        if kind in ("", "sign"):
            raise self.error("a unit or a number")
        self.at += 1
        if kind == "number":
            if not float(token):
                raise self._mistake(place, "a unit has a size above 0")
            return Unit(size=math.log10(float(token)))
        if kind == "own":
            return Unit({token: Fraction(1)})
        return self._named(token, place)

    def _named(self, name: str, place: int) -> Unit:
        if name in _WITHOUT_PREFIX or name in _DERIVED:
            return read_unit(_WITHOUT_PREFIX.get(name) or _DERIVED[name])
        if name in _BASE:
            return Unit({name: Fraction(1)})
        for prefix, power in _PREFIXES.items():
            rest = name.removeprefix(prefix)
            if rest != name and (rest in _BASE or rest in _DERIVED):
                return self._named(rest, place) * Unit(size=float(power))
        hint = nearest(name, [*_BASE, *_DERIVED, *_WITHOUT_PREFIX])
        raise self._mistake(place, f"there is no unit {name!r}{hint}")

    def _exponent(self) -> Fraction:
        if self._take("("):
            found = self._signed_number()
            if self._take("/"):
                found /= self._signed_number()
            if not self._take(")"):
                raise self.error("')'")
            return found
        return self._signed_number()

    def _signed_number(self) -> Fraction:
        sign = -1 if self._take("-") else 1
        kind, token, _ = self._token
        if kind != "number" or not (sign == 1 or float(token)):
            raise self.error("a number as exponent")
        self.at += 1
        return sign * Fraction(token)


# -- units of a table -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Units:
    """Units of a table's columns and of its target, as exponents over the same dimensions.

    Attributes
    ----------
    dimensions : tuple of str
    columns : float64 (n_features, n_dimensions)
    known : bool (n_features,)
        Whether a column's unit was given; one that was not may have any.
    target : float64 (n_dimensions,) or None
    """

    dimensions: tuple[str, ...]
    columns: np.ndarray
    known: np.ndarray
    target: np.ndarray | None = None

    @classmethod
    def of(cls, columns: Sequence[str | None], target: str | None = None) -> Units:
        """Return the units written in texts, one for each column. None: not known. Raises SettingError."""
        units = [None if text is None else read_unit(text) for text in columns]
        wanted = None if target is None else read_unit(target)
        given = [one for one in (*units, wanted) if one is not None]
        dimensions = (*sorted({name for one in given for name in one.exponents}), _SIZE)
        exponents = [_vector(one, dimensions) for one in units]
        return cls(
            dimensions,
            np.array(exponents, np.float64).reshape(len(units), len(dimensions)),
            np.array([one is not None for one in units], np.bool_),
            None if wanted is None else np.array(_vector(wanted, dimensions)),
        )


def _vector(unit: Unit | None, dimensions: Sequence[str]) -> list[float]:
    if unit is None:
        return [0.0] * len(dimensions)
    return [unit.size if name == _SIZE else float(unit.exponents.get(name, 0)) for name in dimensions]


def unit_violations(
    population: Population, units: Units, *, free_constants: bool = True, scaled: bool = False
) -> np.ndarray:
    """Return how many nodes of each formula break the rules of units, int32 (n,); 0 for a consistent formula.

    free_constants: whether a constant may have any unit, or is a pure number. scaled: whether the formula will be multiplied
    by and added to constants, so that with free ones its result may have any unit.
    """
    from evoml.kernels import expression_units as kernels

    kinds = ("same", "product", "quotient", "scaled", "power", "number")  # in the order of the kernel's codes
    rules, factors = np.zeros(CONSTANT, np.int8), np.ones(CONSTANT)
    for code, one in BY_CODE.items():
        rules[code], factors[code] = kinds.index(one.units.kind), float(one.units.factor)
    checked = units.target is not None and not (scaled and free_constants)
    target = units.target if units.target is not None else np.zeros(len(units.dimensions))
    violations = np.zeros(len(population), np.int32)
    kernels.count_unit_violations(
        population.codes, population.constants, population.lengths, rules, factors, units.columns, units.known, target,
        checked, bool(free_constants), 0, len(population), violations,
    )  # fmt: skip
    return violations
