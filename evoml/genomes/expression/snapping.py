"""Constants that take few words to say, near one that was fitted: the caller decides, by loss, whether to take them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from evoml.genomes.expression.population import Formula

_NAMED = (("pi", math.pi), ("e", math.e), ("sqrt(2)", math.sqrt(2.0)))
_NAMED_BITS = 5.0
_LARGEST_PART = 12  # of a fraction, above and below the line
_MOST_DIGITS = 6
MOST = 32  # candidates for one constant


@dataclass(frozen=True)
class Candidate:
    """A number that can take a constant's place, how long it is in bits, and how it is said."""

    value: float
    bits: float
    text: str


_ZERO = Candidate(0.0, 0.0, "0")


def candidates(value: float, tolerance: float, most: int = MOST) -> list[Candidate]:
    """Return numbers within ``tolerance`` of ``value``, those shortest to describe first.

    They are 0, numbers of few significant digits, fractions of small numbers, and those times pi, e or the root of 2; none
    that is longer than ``value`` itself, where it is such a number. Length in bits: a whole number n takes log2(n + 1), a
    fraction those of its parts and one for the line, a number with a power of ten those of digits and exponent and one, a
    name 5. There are none for a value that is not finite.
    """
    if not math.isfinite(value):
        return []
    size, sign = abs(value), math.copysign(1.0, value)
    near = [one for one in (_ZERO, *_decimals(size), *_fractions()) if abs(one.value - size) <= tolerance]
    shortest: dict[float, Candidate] = {}
    for one in sorted(near, key=lambda one: (one.bits, abs(one.value - size))):
        if one.value == size:
            break
        negative = sign < 0 and one is not _ZERO
        shortest.setdefault(one.value, replace(one, value=-one.value, text=f"-{one.text}") if negative else one)
    return list(shortest.values())[:most]


def snap(
    formula: Formula,
    accepts: Callable[[Formula], bool],
    relative: float = 0.02,
    tolerances: Sequence[float] | None = None,
) -> Formula:
    """Return a formula with each constant in turn replaced by its shortest candidate that ``accepts``.

    accepts: told the whole formula as it would become; it may look at the loss. relative: greatest change of a constant, as a
    part of it. tolerances: greatest changes as they are, one for each constant, where these are greater: its uncertainty.
    """
    given = tolerances if tolerances is not None else [0.0] * len(formula.constants)
    for at, value in enumerate(formula.constants):
        for one in candidates(value, max(relative * abs(value), given[at])):
            changed = formula.with_constants([*formula.constants[:at], one.value, *formula.constants[at + 1 :]])
            if accepts(changed):
                formula = changed
                break
    return formula


def _decimals(size: float) -> list[Candidate]:
    """Return a number rounded to 1, 2 ... significant digits."""
    if size == 0.0:
        return []
    found = []
    for digits in range(1, _MOST_DIGITS + 1):
        mantissa, _, power = f"{size:.{digits - 1}e}".partition("e")
        whole = mantissa.replace(".", "").rstrip("0")
        exponent = int(power) - len(whole) + 1
        plain = int(whole) * 10**exponent if 0 <= exponent <= 3 else 0  # 20 is nearer to hand as 20 than as 2e1
        bits = math.log2(int(whole) + 1) + 1.0 + math.log2(abs(exponent) + 1)
        bits = min(bits, math.log2(plain + 1)) if plain else bits
        value = float(f"{whole}e{exponent}")
        found.append(Candidate(value, bits, f"{value:.{_MOST_DIGITS}g}"))
    return found


@lru_cache(maxsize=1)
def _fractions() -> tuple[Candidate, ...]:
    """Return small fractions, and their multiples of the named numbers."""
    found = []
    for below in range(1, _LARGEST_PART + 1):
        for above in range(1, _LARGEST_PART + 1):
            if math.gcd(above, below) > 1:
                continue
            bits = math.log2(above + 1) + (1.0 + math.log2(below + 1) if below > 1 else 0.0)
            line = f"/{below}" if below > 1 else ""
            found.append(Candidate(above / below, bits, f"{above}{line}"))
            for name, number in _NAMED:
                text = f"{above}*{name}{line}" if above > 1 else f"{name}{line}"
                found.append(Candidate(above * number / below, bits + _NAMED_BITS, text))
            text = f"{above}/({below}*pi)" if below > 1 else f"{above}/pi"
            found.append(Candidate(above / (below * math.pi), bits + _NAMED_BITS + 1.0, text))
    return tuple(found)
