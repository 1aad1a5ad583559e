"""Formulas as text: exact, short to look at, and read back.

Whole numbers mean something in our language: ``x ^ 2`` is the operation square, ``x ^ 3`` cube and ``1 / x`` inverse, while
``x ^ 2.0`` is a power with the constant 2.0. Everywhere else ``2`` is the constant 2.0. So an exact text, which writes
every constant with its point or exponent, names one formula and no other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evoml.core.errors import SearchSpaceError, nearest
from evoml.genomes.expression.operations import ATOM, NUMBER, OPERATIONS, SIGN, Operation, operation
from evoml.genomes.expression.population import Formula, constant, joined, variable
from evoml.genomes.expression.writing import Written, written

_NOT_NAMES = frozenset({"inf", "nan", *OPERATIONS})
_NAME = re.compile(r"[^\W\d]\w*")
_TOKEN = re.compile(
    r"(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[^\W\d]\w*)"
    r'|(?P<quoted>"(?:[^"\\]|\\.)*")|(?P<sign>\*\*|[-+*/^(),])|(?P<space>\s+)'
)
_INFIX = {"+": "add", "-": "sub", "*": "mul", "/": "div", "^": "pow", "**": "pow"}
_WHOLE = {("/", 0, "1"): "inv", ("^", 1, "2"): "square", ("^", 1, "3"): "cube"}  # symbol, side of the number, number
DIGITS = 4


def column_name(column: int, names: Sequence[str] | None) -> str:
    """Return the name of a column."""
    return f"x{column}" if names is None else str(names[column])


# -- writing --------------------------------------------------------------------------------------------------------------


def write(formula: Formula, names: Sequence[str] | None = None) -> str:
    """Return the text that :func:`read` reads back to the same formula, each constant to the last bit.

    names: of the columns; those that are no plain words, or words of the language, are quoted.
    """
    return written(
        formula, "text", lambda value: _number(repr(float(value))), lambda column: (_word(column, names), ATOM)
    )


def show(formula: Formula, names: Sequence[str] | None = None, digits: int = DIGITS) -> str:
    """Return a short text to look at, with ``digits`` significant digits of each constant."""
    return written(
        formula, "text", lambda value: _number(rounded(value, digits)), lambda column: (_word(column, names), ATOM)
    )


def rounded(value: float, digits: int) -> str:
    """Return a number with at most ``digits`` significant digits."""
    return f"{value:.{digits}g}"


def _number(text: str) -> Written:
    return text, SIGN if text.startswith("-") else NUMBER


def _word(column: int, names: Sequence[str] | None) -> str:
    name = column_name(column, names)
    if _NAME.fullmatch(name) and name not in _NOT_NAMES:
        return name
    return json.dumps(name, ensure_ascii=False)


# -- reading --------------------------------------------------------------------------------------------------------------


def read(text: str, names: Sequence[str] | None = None) -> Formula:
    """Return the formula written in ``text``, e.g. ``"2.5 * sin(x0) + sqrt(x1)"``; calls such as ``add(x0, x1)`` do as well.

    names: of the columns; None for x0, x1 ... Raises SearchSpaceError with the place of the mistake and what was expected.
    """
    reader = _Reader(text, None if names is None else {str(name): at for at, name in enumerate(names)})
    try:
        found = reader.sum()
    except RecursionError:
        raise SearchSpaceError(f"the formula {text[:60]!r} ... is nested too deeply to be read") from None
    if reader.token.kind != "end":
        raise reader.error("an operator or the end")
    return found.formula


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    place: int


@dataclass(frozen=True)
class _Read:
    """A part of a formula; ``literal`` is the text of a number that stands alone, without sign or parentheses."""

    formula: Formula
    literal: str = ""


def _joined(one: Operation, *operands: _Read) -> _Read:
    return _Read(joined(one, [operand.formula for operand in operands]))


class _Reader:
    """Reads by recursive descent: sums of products of signed powers of atoms, as in Python."""

    def __init__(self, text: str, columns: Mapping[str, int] | None) -> None:
        self.text, self.columns = text, columns
        self._tokens = self._split()
        self._at = 0

    def _split(self) -> list[_Token]:
        tokens, place = [], 0
        while place < len(self.text):
            match = _TOKEN.match(self.text, place)
            if match is None:
                raise self._mistake(place, f"expected a number, a name or an operator, got {self.text[place]!r}")
            if match.lastgroup != "space":
                tokens.append(_Token(str(match.lastgroup), match.group(), place))
            place = match.end()
        return [*tokens, _Token("end", "", place)]

    def _mistake(self, place: int, words: str) -> SearchSpaceError:
        return SearchSpaceError(f"the formula {self.text!r} has a mistake at position {place}: {words}")

    def error(self, expected: str) -> SearchSpaceError:
        """Return the error of a token that is none of those ``expected``."""
        got = "the end" if self.token.kind == "end" else repr(self.token.text)
        return self._mistake(self.token.place, f"expected {expected}, got {got}")

    @property
    def token(self) -> _Token:
        return self._tokens[self._at]

    def _take(self, *signs: str) -> str:
        """Step over the next token if it is one of ``signs``, and return it; else an empty text."""
        if self.token.kind == "sign" and self.token.text in signs:
            self._at += 1
            return self._tokens[self._at - 1].text
        return ""

    def _need(self, sign: str) -> None:
        if not self._take(sign):
            raise self.error(repr(sign))

    def sum(self) -> _Read:
        found = self._product()
        while symbol := self._take("+", "-"):
            found = self._binary(symbol, found, self._product())
        return found

    def _product(self) -> _Read:
        found = self._signed()
        while symbol := self._take("*", "/"):
            found = self._binary(symbol, found, self._signed())
        return found

    def _signed(self) -> _Read:
        if not self._take("-"):
            return self._power()
        operand = self._signed()
        if operand.literal:
            return _Read(constant(-operand.formula.constants[0]))
        return _joined(OPERATIONS["neg"], operand)

    def _power(self) -> _Read:
        base = self._atom()
        return self._binary("^", base, self._signed()) if self._take("^", "**") else base

    def _binary(self, symbol: str, left: _Read, right: _Read) -> _Read:
        for side, (one, other) in enumerate(((left, right), (right, left))):
            if name := _WHOLE.get((symbol, side, one.literal)):
                return _joined(OPERATIONS[name], other)
        return _joined(OPERATIONS[_INFIX[symbol]], left, right)

    def _atom(self) -> _Read:
        token = self.token
        if self._take("("):
            found = self.sum()
            self._need(")")
            return _Read(found.formula)
        if token.kind not in ("number", "name", "quoted"):
            raise self.error("a number, a name, a function or '('")
        self._at += 1
        if token.kind == "number":
            return _Read(constant(float(token.text)), token.text)
        if token.kind == "name" and self.token.text == "(" and self.token.kind == "sign":
            return self._call(token)
        if token.text in ("inf", "nan"):
            return _Read(constant(float(token.text)), token.text)
        return self._variable(token)

    def _call(self, token: _Token) -> _Read:
        try:
            one = operation(token.text)
        except SearchSpaceError as error:
            raise self._mistake(token.place, str(error)) from None
        self._need("(")
        operands = [self.sum()]
        for _ in range(one.arity - 1):
            self._need(",")
            operands.append(self.sum())
        if self.token.text == "," and self.token.kind == "sign":
            raise self.error(f"')', for {one.name} takes {one.arity} operand{'s' if one.arity > 1 else ''}")
        self._need(")")
        return _joined(one, *operands)

    def _variable(self, token: _Token) -> _Read:
        try:
            name = json.loads(token.text) if token.kind == "quoted" else token.text
        except ValueError:
            raise self._mistake(
                token.place, f"the quoted name {token.text} cannot be read; write it as in JSON"
            ) from None
        if self.columns is None and re.fullmatch(r"x(0|[1-9]\d{0,6})", name):
            return _Read(variable(int(name[1:])))
        if self.columns is None or name not in self.columns:
            hint = nearest(name, [*(self.columns or ()), *OPERATIONS])
            known = "x0, x1 ..." if self.columns is None else ", ".join(list(self.columns)[:20])
            raise self._mistake(token.place, f"expected a column, got {name!r}{hint}; there are: {known}")
        return _Read(variable(self.columns[name]))
