"""A formula in LaTeX, in the part of it that Matplotlib's mathtext can set too."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from evoml.genomes.expression.operations import ATOM, NEGATIVE, NUMBER, PRODUCT
from evoml.genomes.expression.population import Formula
from evoml.genomes.expression.text import DIGITS, column_name, rounded
from evoml.genomes.expression.writing import Written, written

_SPECIAL = re.compile(r"([#$%&_{}])")
_INDEXED = re.compile(r"([A-Za-z])_?(\d+)")


def latex(formula: Formula, names: Sequence[str] | None = None, digits: int = DIGITS) -> str:
    """Return a formula in LaTeX's mathematics, with ``digits`` significant digits of each constant."""
    return written(
        formula,
        "latex",
        lambda value: _number(value, digits),
        lambda column: (_symbol(column_name(column, names)), ATOM),
        (r"\left(", r"\right)"),
    )


def _number(value: float, digits: int = DIGITS) -> Written:
    """Return a number in LaTeX, and how firmly it holds together."""
    sign = NEGATIVE if value < 0 else NUMBER
    if math.isinf(value):
        return (r"-\infty" if value < 0 else r"\infty"), sign
    if math.isnan(value):
        return r"\mathrm{nan}", ATOM
    mantissa, _, exponent = rounded(value, digits).partition("e")
    if not exponent:
        return mantissa, sign
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}", sign if value < 0 else PRODUCT


def _symbol(name: str) -> str:
    """Return a column's name: a letter with a number as an index, a letter alone in italics, words upright."""
    if index := _INDEXED.fullmatch(name):
        return f"{index[1]}_{{{index[2]}}}"
    if len(name) == 1 and name.isalpha():
        return name
    safe = _SPECIAL.sub(r"\\\1", name.replace("\\", r"/").replace("^", " ").replace("~", " "))
    return rf"\mathrm{{{safe.replace(' ', chr(92) + ' ')}}}"
