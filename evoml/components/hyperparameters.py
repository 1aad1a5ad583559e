"""Typed hyperparameter ranges: how a value is drawn, varied, checked and brought back into range.

Values are plain Python int, float, bool, str or None; floats carry four significant digits so that trees read well.
TOML has no null: a catalogue file writes None as the string "None".
"""

import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np

from evoml.components import formulas

Value: TypeAlias = float | int | bool | str | None
Scale: TypeAlias = Literal["linear", "log"]

PERTURBATION = 0.2  # standard deviation of a perturbation, as a share of the range on its own scale
_ATTEMPTS = 10  # draws that may fall back onto the old value before a perturbation steps aside by hand


@dataclass(frozen=True, slots=True)
class Float:
    """A real number in [low, high]; `when` names the other hyperparameters' values for which it is active."""

    name: str
    low: float
    high: float
    default: float
    scale: Scale = "linear"
    when: Mapping[str, tuple[Value, ...]] = field(default_factory=dict, hash=False)

    def sample(self, rng: np.random.Generator) -> float:
        return self.at(rng.random())

    def perturb(self, value: Value, rng: np.random.Generator) -> float:
        start = self.clip(value)
        for _ in range(_ATTEMPTS):
            changed = self.at(_perturbed(_share(self, start), rng))
            if changed != start:
                return changed
        return self.low if start == self.high else self.high

    def contains(self, value: Value) -> bool:
        return _is_number(value) and self.low <= value <= self.high  # type: ignore[operator]

    def clip(self, value: Value) -> float:
        if not _is_number(value) or math.isnan(value):  # type: ignore[arg-type]
            return self.default
        return float(min(max(value, self.low), self.high))  # type: ignore[type-var, arg-type]

    def share(self, value: Value) -> float:
        """Where a value lies between low (0) and high (1) on the range's own scale."""
        return _share(self, self.clip(value))

    def at(self, share: float) -> float:
        """The value that lies there."""
        return self.clip(_four_digits(_point(self, share)))


@dataclass(frozen=True, slots=True)
class Integer:
    """A whole number in [low, high]; `at_most` is an expression over data facts that may lower `high` later."""

    name: str
    low: int
    high: int
    default: int
    scale: Scale = "linear"
    when: Mapping[str, tuple[Value, ...]] = field(default_factory=dict, hash=False)
    at_most: str | None = None

    def sample(self, rng: np.random.Generator) -> int:
        if self.scale == "linear":
            return int(rng.integers(self.low, self.high, endpoint=True))
        return self.at(rng.random())

    def perturb(self, value: Value, rng: np.random.Generator) -> int:
        start = self.clip(value)
        for _ in range(_ATTEMPTS):
            changed = self.at(_perturbed(_share(self, start), rng))
            if changed != start:
                return changed
        return start + 1 if start < self.high else max(start - 1, self.low)

    def contains(self, value: Value) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and self.low <= value <= self.high

    def clip(self, value: Value) -> int:
        if not _is_number(value) or math.isnan(value):  # type: ignore[arg-type]
            return self.default
        return round(min(max(value, self.low), self.high))  # type: ignore[type-var, arg-type]

    def share(self, value: Value) -> float:
        """Where a value lies between low (0) and high (1) on the range's own scale."""
        return _share(self, self.clip(value))

    def at(self, share: float) -> int:
        """The value that lies there, or nearest to it."""
        return self.clip(round(_point(self, share)))


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few values: str, bool, int, float or None. 1, 1.0 and True are three different values."""

    name: str
    choices: tuple[Value, ...]
    default: Value
    when: Mapping[str, tuple[Value, ...]] = field(default_factory=dict, hash=False)

    def sample(self, rng: np.random.Generator) -> Value:
        return self.choices[int(rng.integers(len(self.choices)))]

    def perturb(self, value: Value, rng: np.random.Generator) -> Value:
        others = [choice for choice in self.choices if not same(choice, value)]
        return others[int(rng.integers(len(others)))] if others else self.choices[0]

    def contains(self, value: Value) -> bool:
        return any(same(choice, value) for choice in self.choices)

    def clip(self, value: Value) -> Value:
        return value if self.contains(value) else self.default

    def position(self, value: Value) -> int:
        """Which of the choices a value is."""
        kept = self.clip(value)
        return next(index for index, choice in enumerate(self.choices) if same(choice, kept))


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula of columns by position, such as "x0 * x1": the text is varied as formulas are, not chosen from a list.

    columns: how many there are to name; at_most, an expression over data facts, may lower it later. nodes: numbers, columns
    and operations, at most.
    """

    name: str
    default: str = "x0 * x1"
    columns: int = 1000
    nodes: int = 12
    when: Mapping[str, tuple[Value, ...]] = field(default_factory=dict, hash=False)
    at_most: str | None = None

    def sample(self, rng: np.random.Generator) -> str:
        return formulas.sample(rng, self.columns, self.nodes)

    def perturb(self, value: Value, rng: np.random.Generator) -> str:
        return formulas.perturb(self.clip(value), rng, self.columns, self.nodes)

    def contains(self, value: Value) -> bool:
        return formulas.is_formula(value, self.columns, self.nodes)

    def clip(self, value: Value) -> str:
        if not formulas.is_formula(value, formulas.ANY, self.nodes):
            return self.default
        return formulas.within(str(value), self.columns)

    def position(self, value: Value) -> int:
        """A number that other formulas hardly have."""
        return zlib.crc32(self.clip(value).encode())


Hyperparameter: TypeAlias = Float | Integer | Choice | Formula


def same(a: Value, b: Value) -> bool:
    """Equal in value and in type."""
    return type(a) is type(b) and a == b


def can_change(hyperparameter: Hyperparameter) -> bool:
    """Tell whether a hyperparameter has more than one value."""
    if isinstance(hyperparameter, Formula):
        return True
    if isinstance(hyperparameter, Choice):
        return len(hyperparameter.choices) > 1
    return hyperparameter.low < hyperparameter.high


def described(hyperparameter: Hyperparameter) -> str:
    """What values a hyperparameter may have, in words."""
    if isinstance(hyperparameter, Formula):
        return f"a formula of x0 ... x{hyperparameter.columns - 1} such as {hyperparameter.default!r}"
    if isinstance(hyperparameter, Choice):
        return f"one of {', '.join(map(repr, hyperparameter.choices))}"
    return f"{hyperparameter.low!r} to {hyperparameter.high!r}"


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _share(range_: Float | Integer, value: float) -> float:
    """Where `value` lies between low (0) and high (1) on the range's own scale."""
    if range_.low == range_.high:
        return 0.0
    if range_.scale == "log":
        return math.log(value / range_.low) / math.log(range_.high / range_.low)
    return (value - range_.low) / (range_.high - range_.low)


def _point(range_: Float | Integer, share: float) -> float:
    """The inverse of `_share`."""
    if range_.scale == "log":
        return range_.low * (range_.high / range_.low) ** share
    return range_.low + share * (range_.high - range_.low)


def _perturbed(share: float, rng: np.random.Generator) -> float:
    """A Gaussian step on [0, 1], reflected at the ends: clipping instead would heap values on the bounds."""
    moved = abs(share + PERTURBATION * rng.standard_normal()) % 2.0
    return 2.0 - moved if moved > 1.0 else moved


def _four_digits(value: float) -> float:
    return float(f"{value:.4g}")


def as_value(value: Any) -> Value:
    """A value as read from TOML; the string "None" stands for None."""
    return None if value == "None" else value
