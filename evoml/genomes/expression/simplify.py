"""The shortest form we find of a formula, for the few that are shown: written anew from its normal form."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from evoml.genomes.expression.normal_form import Base, Call, Factor, Leaf, Product, Sum, normal_form, plus, scaled
from evoml.genomes.expression.operations import OPERATIONS, Operation
from evoml.genomes.expression.population import Formula, constant, joined, variable

_Signed: TypeAlias = tuple[Formula, Formula | None]  # a part, and the same without its minus sign if it has one
_POWERS = {2.0: "square", 3.0: "cube", 0.5: "sqrt"}


def simplify(formula: Formula, intercept: float = 0.0, slope: float = 1.0) -> Formula:
    """Return ``intercept + slope * formula`` in the shortest form found.

    It equals that, up to rounding, wherever that is finite, and is never longer. Numbers that can be merged are; none is
    rounded to look better.
    """
    plain = _around(formula, intercept, slope)
    with np.errstate(all="ignore"):
        try:
            short = _written(plus(Sum(float(intercept)), normal_form(formula), float(slope)))
        except (ArithmeticError, RecursionError):
            return tidied(plain)
    shorter = (len(short), len(short.constants)) < (len(plain), len(plain.constants))
    return tidied(short if shorter and np.isfinite(short.constants).all() else plain)


def tidied(formula: Formula) -> Formula:
    """Return a formula with signs moved into sums, ``a - 2 * b`` for ``a + -2 * b``: never longer, the same to the last bit."""

    def operation(one: Operation, operands: Sequence[_Signed]) -> _Signed:
        parts, bare = [part for part, _ in operands], [without for _, without in operands]
        plain = joined(one, parts)
        match one.name, *(without is not None for without in bare):
            case "neg", True:
                return bare[0], None  # type: ignore[return-value]
            case "neg", False:
                return plain, parts[0]
            case "add" | "sub", _, True:
                return _op("sub" if one.name == "add" else "add", parts[0], bare[1]), None  # type: ignore[arg-type]
            case "add", True, False:
                return _op("sub", parts[1], bare[0]), None  # type: ignore[arg-type]
            case "mul" | "div", True, True:
                return joined(one, bare), None  # type: ignore[arg-type]
            case "mul" | "div", True, False:
                return plain, _op(one.name, bare[0], parts[1])  # type: ignore[arg-type]
            case "mul" | "div", False, True:
                return plain, _op(one.name, parts[0], bare[1])  # type: ignore[arg-type]
        return plain, None

    def number(value: float) -> _Signed:
        return constant(value), constant(-value) if value < 0 else None

    return formula.fold(number, lambda column: (variable(column), None), operation)[0]


def _around(formula: Formula, intercept: float, slope: float) -> Formula:
    """Return the formula with what scales it written around it."""
    if slope != 1.0:
        formula = _op("mul", constant(slope), formula)
    return formula if intercept == 0.0 else _op("add", constant(intercept), formula)


def _op(name: str, *operands: Formula) -> Formula:
    return joined(OPERATIONS[name], operands)


def _written(part: Base) -> Formula:
    if isinstance(part, Leaf):
        return variable(part.column)
    if isinstance(part, Call):
        return _op(part.name, *map(_written, part.operands))
    return _sum(part)


def _sum(total: Sum) -> Formula:
    """Return the formula of a sum: products with equal numbers before them share one."""
    groups: dict[float, list[tuple[Product, float]]] = {}
    for product, coefficient in total.terms:
        groups.setdefault(abs(coefficient), []).append((product, coefficient))
    number, parts = total.number, []
    for size, terms in groups.items():
        if size == 1.0 or len(terms) == 1:
            parts += [(coefficient, product) for product, coefficient in terms]
            continue
        sign = math.copysign(1.0, terms[0][1])
        shared, number = (number, 0.0) if abs(number) == size else (0.0, number)
        inner = Sum(sign * shared / size, tuple((product, sign * one / size) for product, one in terms))
        parts.append((sign * size, Product(((inner, 1.0),))))
    return _chained(parts, number)


def _chained(parts: Sequence[tuple[float, Product]], number: float) -> Formula:
    """Return numbers times products, added up: what is added, what is taken away, then the number by itself."""
    ordered = sorted(parts, key=lambda part: part[0] < 0)
    if not ordered:
        return constant(number)
    if number and ordered[0][0] < 0:
        found, number = constant(number), 0.0
    else:
        if ordered[0][0] == -1.0:  # a sign before any other number costs no node
            ordered.sort(key=lambda part: part[0] == -1.0)
        (coefficient, product), *ordered = ordered
        found = _product(product, coefficient)
    for coefficient, product in ordered:
        found = _op("add" if coefficient > 0 else "sub", found, _product(product, abs(coefficient)))
    if number:
        found = _op("add" if number > 0 else "sub", found, constant(abs(number)))
    return found


def _product(product: Product, number: float) -> Formula:
    """Return a number times a product; the number goes into one of its sums where that is shorter."""
    found = _fraction(product.factors, number)
    for at, (base, power) in enumerate(product.factors):
        if number != 1.0 and isinstance(base, Sum) and abs(power) == 1.0 and len(product.factors) > 1:
            inner = (scaled(base, number if power > 0 else 1.0 / number), power)
            found = min(found, _fraction([*product.factors[:at], inner, *product.factors[at + 1 :]], 1.0), key=len)
    return found


def _fraction(factors: Sequence[Factor], number: float) -> Formula:
    """Return a number times powers, those with negative exponents below the line."""
    above = _powers([(base, power) for base, power in factors if power > 0])
    below = _powers([(base, -power) for base, power in factors if power < 0])
    if not above:
        return _op("inv", _multiplied(below)) if number == 1.0 else _op("div", constant(number), _multiplied(below))
    if not below and _reads_better_below(number):
        return _op("div", _multiplied(above), constant(1.0 / number))
    found = _multiplied(above if abs(number) == 1.0 else [constant(number), *above])
    if number == -1.0:
        found = _op("neg", found)
    return _op("div", found, _multiplied(below)) if below else found


def _reads_better_below(number: float) -> bool:
    inverse = 1.0 / number
    return len(repr(inverse)) < len(repr(number)) and 1.0 / inverse == number != 1.0


def _multiplied(formulas: Sequence[Formula]) -> Formula:
    found, *more = formulas
    for one in more:
        found = _op("mul", found, one)
    return found


def _powers(factors: Sequence[Factor]) -> list[Formula]:
    """Return powers with positive exponents as formulas; equal whole ones become one power of a product."""
    first, others = [], []
    whole: dict[float, list[Formula]] = {}
    for base, power in factors:
        if power == 1.0:
            first.append(_written(base))
        elif power == int(power):
            whole.setdefault(power, []).append(_written(base))
        else:
            others.append(_powered(_written(base), power))
    return [*first, *(_powered(_multiplied(bases), power) for power, bases in sorted(whole.items())), *others]


def _powered(base: Formula, power: float) -> Formula:
    return _op(_POWERS[power], base) if power in _POWERS else _op("pow", base, constant(power))
