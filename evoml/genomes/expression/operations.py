"""The operations that formulas are made of: all there is to know of each, in one table that everything else reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import numpy as np

from evoml.core.errors import SearchSpaceError, SettingError, nearest
from evoml.kernels.expression_codes import ARITY, CONSTANT, NAMES

#: How firmly a text holds together. A sign binds like a sum's in print, and more than a product in programs.
SUM, NEGATIVE, PRODUCT, SIGN, POWER, FRACTION, NUMBER, ATOM = 1, 2, 3, 4, 5, 8, 9, 10


@dataclass(frozen=True)
class Form:
    """How an operation is written in a language.

    Attributes
    ----------
    template : str
        For `str.format`, the operands by number.
    binding : int
        How firmly the whole holds together.
    operands : tuple of int
        How firmly each operand must hold together to be written without parentheses.
    """

    template: str
    binding: int
    operands: tuple[int, ...]


@dataclass(frozen=True)
class UnitRule:
    """What an operation demands of the units of its operands, and the unit of its result.

    kind : "same" (equal units, and the result's), "product", "quotient", "scaled" (any unit; the exponents of the result's
    are ``factor`` times as large), "power" (the second operand's value is that factor), "number" (no units, neither in nor
    out).
    """

    kind: Literal["same", "product", "quotient", "scaled", "power", "number"]
    factor: Fraction = Fraction(1)


@dataclass(frozen=True)
class Operation:
    """An operation.

    Attributes
    ----------
    name : str
        In texts and in lists of operations.
    function : callable
        Over NumPy arrays, by IEEE rules and without protection.
    forms : mapping
        Its Form in each language: ``text`` (ours), ``numpy``, ``plain`` (Python with our :mod:`.plain`), ``latex``, ``sympy``.
    units : UnitRule
    frequency : float
        How often it is tried at random, relative to others; 0 for what is used only where it is asked for.
    parity : int
        1 for an even function, -1 for an odd one, 0 for neither.
    commutative : bool
    gplearn : str or None
        What gplearn calls it.
    """

    name: str
    function: Callable[..., Any]
    forms: Mapping[str, Form]
    units: UnitRule
    frequency: float = 0.0
    parity: int = 0
    commutative: bool = False
    gplearn: str | None = None

    @property
    def code(self) -> int:
        return NAMES[self.name]

    @property
    def arity(self) -> int:
        return int(ARITY[self.code])


_SAME, _KEPT, _NUMBER = UnitRule("same"), UnitRule("scaled"), UnitRule("number")
_BASE = (POWER + 1,)


def _scaled(factor: Fraction | int) -> UnitRule:
    return UnitRule("scaled", Fraction(factor))


def _call(name: str, arity: int = 1, brackets: tuple[str, str] = ("(", ")"), binding: int = ATOM) -> Form:
    inner = ", ".join(["{0}", "{1}"][:arity])
    return Form(f"{name}{brackets[0]}{inner}{brackets[1]}", binding, (0,) * arity)


def _infix(symbol: str, binding: int) -> Form:
    return Form(f"{{0}} {symbol} {{1}}", binding, (binding, binding + 1))


def _everywhere(form: Form, **others: Form) -> dict[str, Form]:
    return {language: others.get(language, form) for language in ("text", "numpy", "plain", "latex", "sympy")}


def _calls(name: str, numpy: str, sympy: str, latex: str, arity: int = 1) -> dict[str, Form]:
    return {
        "text": _call(name, arity),
        "numpy": _call(f"np.{numpy}", arity),
        "plain": _call(name, arity),
        "latex": _call(latex, arity, (r"\left(", r"\right)"), FRACTION),
        "sympy": _call(f"sympy.{sympy}", arity),
    }


def _function(
    name: str,
    numpy: str = "",
    sympy: str = "",
    latex: str = "",
    forms: Mapping[str, Form] | None = None,
    **facts: Any,
) -> Operation:
    """Return an operation of one number that is a call in all languages but for ``forms``, under its own name or another."""
    written = _calls(name, numpy or name, sympy or name, latex or f"\\{name}") | dict(forms or {})
    return Operation(name, getattr(np, numpy or name), written, facts.pop("units", _NUMBER), **facts)


def _sigmoid(x: Any) -> Any:
    return 1.0 / (1.0 + np.exp(-x))


_SIGNED = Form("-{0}", SIGN, (ATOM,))
_TABLE = (
    Operation("add", np.add, _everywhere(_infix("+", SUM), latex=Form("{0} + {1}", SUM, (SUM, PRODUCT))), _SAME,
              1.0, commutative=True, gplearn="add"),
    Operation("sub", np.subtract, _everywhere(_infix("-", SUM), latex=Form("{0} - {1}", SUM, (SUM, PRODUCT))), _SAME,
              1.0, gplearn="sub"),
    Operation("mul", np.multiply,
              _everywhere(_infix("*", PRODUCT), latex=Form(r"{0} \cdot {1}", PRODUCT, (NEGATIVE, PRODUCT))),
              UnitRule("product"), 1.0, commutative=True, gplearn="mul"),
    Operation("div", np.divide,
              _everywhere(_infix("/", PRODUCT), plain=_call("divide", 2), latex=Form(r"\frac{{{0}}}{{{1}}}", FRACTION, (0, 0))),
              UnitRule("quotient"), 0.7, gplearn="div"),
    Operation("pow", np.power,
              _everywhere(Form("{0}**{1}", POWER, (*_BASE, POWER)), text=Form("{0} ^ {1}", POWER, (*_BASE, POWER)),
                          numpy=_call("np.power", 2), plain=_call("power", 2), latex=Form("{0}^{{{1}}}", POWER, (NUMBER, 0))),
              UnitRule("power")),
    Operation("min", np.minimum, _calls("min", "minimum", "Min", r"\min", 2) | {"plain": _call("minimum", 2)}, _SAME,
              commutative=True, gplearn="min"),
    Operation("max", np.maximum, _calls("max", "maximum", "Max", r"\max", 2) | {"plain": _call("maximum", 2)}, _SAME,
              commutative=True, gplearn="max"),
    Operation("neg", np.negative, _everywhere(_SIGNED, latex=Form("-{0}", NEGATIVE, (PRODUCT,))), _KEPT,
              parity=-1, gplearn="neg"),
    Operation("inv", np.reciprocal,
              _everywhere(Form("1 / {0}", PRODUCT, (SIGN,)), plain=_call("inverse"),
                          latex=Form(r"\frac{{1}}{{{0}}}", FRACTION, (0,))),
              _scaled(-1), parity=-1, gplearn="inv"),
    _function("square", units=_scaled(2), frequency=0.4, parity=1, forms={
        "text": Form("{0} ^ 2", POWER, _BASE), "latex": Form("{0}^2", POWER, (NUMBER,)),
        "sympy": Form("{0}**2", POWER, _BASE)}),
    Operation("cube", lambda x: x * x * x,
              _everywhere(Form("{0}**3", POWER, _BASE), text=Form("{0} ^ 3", POWER, _BASE), plain=_call("cube"),
                          latex=Form("{0}^3", POWER, (NUMBER,))), _scaled(3), parity=-1),
    _function("sqrt", units=_scaled(Fraction(1, 2)), frequency=0.3, gplearn="sqrt",
              forms={"latex": Form(r"\sqrt{{{0}}}", ATOM, (0,))}),
    _function("cbrt", units=_scaled(Fraction(1, 3)), parity=-1, forms={
        "latex": Form(r"\sqrt[3]{{{0}}}", ATOM, (0,)), "sympy": Form("cbrt({0})", ATOM, (0,))}),
    _function("abs", sympy="Abs", units=_KEPT, parity=1, gplearn="abs", forms={
        "plain": _call("absolute"), "latex": Form(r"\left|{0}\right|", ATOM, (0,))}),
    _function("exp", frequency=0.3, forms={"latex": Form("e^{{{0}}}", FRACTION, (0,))}),
    _function("log", frequency=0.3, gplearn="log"),
    _function("sin", frequency=0.3, parity=-1, gplearn="sin"),
    _function("cos", frequency=0.3, parity=1, gplearn="cos"),
    _function("tan", parity=-1, gplearn="tan"),
    _function("asin", "arcsin", latex=r"\arcsin", frequency=0.1, parity=-1),
    _function("acos", "arccos", latex=r"\arccos"),
    _function("atan", "arctan", latex=r"\arctan", parity=-1),
    _function("sinh", parity=-1),
    _function("cosh", parity=1),
    _function("tanh", frequency=0.15, parity=-1),
    Operation("sigmoid", _sigmoid, _calls("sigmoid", "", "", r"\sigma") | {
        "numpy": Form("1 / (1 + np.exp(-({0})))", PRODUCT, (0,)),
        "sympy": Form("1 / (1 + sympy.exp(-({0})))", PRODUCT, (0,))}, _NUMBER, gplearn="sig"),
)  # fmt: skip

OPERATIONS: Mapping[str, Operation] = {one.name: one for one in _TABLE}
BY_CODE: Mapping[int, Operation] = {one.code: one for one in _TABLE}
DEFAULT = tuple(one.name for one in _TABLE if one.frequency)
_ALIASES = {one.gplearn: one for one in _TABLE if one.gplearn}


def operation(name: str) -> Operation:
    """Return the operation of a name, ours or gplearn's. Raises SearchSpaceError, with the nearest name, for any other."""
    found = OPERATIONS.get(name) or _ALIASES.get(name)
    if found is None:
        raise SearchSpaceError(
            f"there is no operation {name!r}{nearest(name, OPERATIONS)}; there are: {', '.join(OPERATIONS)}"
        )
    return found


def frequencies(wanted: Iterable[str] | Mapping[str, float] = DEFAULT) -> np.ndarray:
    """Return how often each operation is tried, float64 (64,) by code; 0 for what is not in ``wanted``.

    wanted: names (at the table's frequencies; what has none there counts 0.3), or names with frequencies.
    Raises SearchSpaceError for an unknown name, SettingError for frequencies that are none.
    """
    if isinstance(wanted, str):
        wanted = (wanted,)
    given = wanted if isinstance(wanted, Mapping) else {name: operation(name).frequency or 0.3 for name in wanted}
    found = np.zeros(CONSTANT)
    for name, frequency in given.items():
        if not (np.isfinite(frequency) and frequency >= 0):
            raise SettingError(f"the frequency of {name!r} must be a number of 0 or more, got {frequency!r}")
        found[operation(name).code] = frequency
    if not found.any():
        raise SettingError("formulas need at least one operation with a frequency above 0, such as 'add'; got none")
    return found
