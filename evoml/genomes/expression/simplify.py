"""The shortest form we find of a formula, for the few that are shown: written anew from its normal form."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from typing import TypeAlias

import numpy as np

from evoml.genomes.expression.normal_form import Base, Call, Factor, Leaf, Product, Sum, normal_form, plus, scaled
from evoml.genomes.expression.notation import ANY, Notation, NotWritable
from evoml.genomes.expression.operations import OPERATIONS, Operation
from evoml.genomes.expression.population import Formula, constant, joined, variable

_Signed: TypeAlias = tuple[Formula, Formula | None]  # a part, and the same without its minus sign if it has one
_POWERS = {2.0: "square", 3.0: "cube", 0.5: "sqrt"}
_LONGEST_PRODUCT = 64  # of equal factors, in place of a power
_ROOTS = 16  # powers that are written by square roots are multiples of its inverse


def simplify(formula: Formula, intercept: float = 0.0, slope: float = 1.0, notation: Notation = ANY) -> Formula:
    """Return ``intercept + slope * formula`` in the shortest form found, or the least complex by the notation's weights.

    It is never longer, and equals that, up to rounding, wherever that is finite and the short form does not overflow on the
    way: exponentials may do so for arguments that are less by some 30, and powers of what was divided first may. Numbers that
    can be merged are; none is rounded to look better.

    notation : what it may be written with, besides what is in the formula and the product and sum that scale it.
    """
    plain = around(formula, intercept, slope)
    with np.errstate(all="ignore"):
        try:
            short = _in_rows(_Writer(notation).sum(plus(Sum(float(intercept)), normal_form(formula), float(slope))))
        except (ArithmeticError, RecursionError):
            return tidied(plain, notation)
    fits = np.isfinite(short.constants).all() and (notation.numbers or len(short.constants) <= len(plain.constants))
    return tidied(short if fits and notation.cost(short) < notation.cost(plain) else plain, notation)


def around(formula: Formula, intercept: float, slope: float) -> Formula:
    """Return the formula with what scales it written around it."""
    if slope != 1.0:
        formula = joined(OPERATIONS["mul"], [constant(slope), formula])
    return formula if intercept == 0.0 else joined(OPERATIONS["add"], [constant(intercept), formula])


def tidied(formula: Formula, notation: Notation = ANY) -> Formula:
    """Return a formula with signs moved into sums, ``a - 2 * b`` for ``a + -2 * b``: never longer, the same to the last bit."""
    moves = {"add": notation.allows("sub"), "sub": notation.allows("add")}

    def operation(one: Operation, operands: Sequence[_Signed]) -> _Signed:
        parts, bare = [part for part, _ in operands], [without for _, without in operands]
        plain = joined(one, parts)
        match one.name, *(without is not None for without in bare):
            case "neg", True:
                return bare[0], None  # type: ignore[return-value]
            case "neg", False:
                return plain, parts[0]
            case "add" | "sub", _, True if moves[one.name]:
                return _op("sub" if one.name == "add" else "add", parts[0], bare[1]), None  # type: ignore[arg-type]
            case "add", True, False if moves["add"]:
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


def _in_rows(formula: Formula) -> Formula:
    """Return a formula whose products are multiplied from left to right, ``a * b * c`` for ``a * (b * c)``."""

    def operation(one: Operation, operands: Sequence[Sequence[Formula]]) -> Sequence[Formula]:
        if one.name == "mul":
            return [*operands[0], *operands[1]]
        return [joined(one, [_in_row(_op, factors) for factors in operands])]

    return _in_row(_op, formula.fold(lambda value: [constant(value)], lambda column: [variable(column)], operation))


def _in_row(op: Callable[..., Formula], factors: Sequence[Formula]) -> Formula:
    return reduce(lambda one, other: op("mul", one, other), factors)


def _op(name: str, *operands: Formula) -> Formula:
    return joined(OPERATIONS[name], operands)


class _Writer:
    """Writes normal forms in a notation. Its methods raise NotWritable where that has no words for them."""

    def __init__(self, notation: Notation) -> None:
        self.notation, self.op = notation, notation.op

    def part(self, part: Base) -> Formula:
        if isinstance(part, Leaf):
            return variable(part.column)
        if isinstance(part, Call):
            return self.op(part.name, *map(self.part, part.operands))
        return self.sum(part)

    # -- sums -----------------------------------------------------------------------------------------------------------

    def sum(self, total: Sum) -> Formula:
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
        return self._chained(parts, number)

    def _chained(self, parts: Sequence[tuple[float, Product]], number: float) -> Formula:
        """Return numbers times products, added up: what is added, what is taken away, then the number by itself."""
        ordered = sorted(parts, key=lambda part: part[0] < 0)
        if not ordered:
            return constant(number)
        if number and ordered[0][0] < 0 and self.notation.allows("sub"):
            found, number = constant(number), 0.0
        else:
            if ordered[0][0] == -1.0:  # a sign before any other number costs no node
                ordered.sort(key=lambda part: part[0] == -1.0)
            (coefficient, product), *ordered = ordered
            found = self._product(product, coefficient)
        for coefficient, product in ordered:
            if coefficient > 0 or self.notation.allows("sub"):
                found = self.op("add" if coefficient > 0 else "sub", found, self._product(product, abs(coefficient)))
            else:
                found = self.op("add", found, self._product(product, coefficient))
        if number:
            less = number < 0 and self.notation.allows("sub")
            found = self.op("sub" if less else "add", found, constant(-number if less else number))
        return found

    # -- products -------------------------------------------------------------------------------------------------------

    def _product(self, product: Product, number: float) -> Formula:
        """Return a number times a product; the number goes into one of its sums where that is shorter."""
        found = self._fraction(product.factors, number)
        for at, (base, power) in enumerate(product.factors):
            if number != 1.0 and isinstance(base, Sum) and abs(power) == 1.0 and len(product.factors) > 1:
                inner = (scaled(base, number if power > 0 else 1.0 / number), power)
                other = self._fraction([*product.factors[:at], inner, *product.factors[at + 1 :]], 1.0)
                found = min(found, other, key=self._complexity)
        return found

    def _complexity(self, formula: Formula) -> float:
        return self.notation.cost(formula)[0]

    def _fraction(self, factors: Sequence[Factor], number: float) -> Formula:
        """Return a number times powers, those with negative exponents below the line."""
        above = self._powers([(base, power) for base, power in factors if power > 0])
        below = self._powers([(base, -power) for base, power in factors if power < 0])
        if not above:
            if number == 1.0 and self.notation.allows("inv"):
                return self.op("inv", _in_row(self.op, below))
            return self._divided(constant(number), below)
        if not below and _reads_better_below(number) and self.notation.allows("div"):
            return self.op("div", _in_row(self.op, above), constant(1.0 / number))
        signed = number == -1.0 and self.notation.allows("neg")
        found = _in_row(self.op, above if number == 1.0 or signed else [constant(number), *above])
        if signed:
            found = self.op("neg", found)
        return self._divided(found, below) if below else found

    def _divided(self, above: Formula, below: Sequence[Formula]) -> Formula:
        if self.notation.allows("div") or not self.notation.allows("inv"):
            return self.op("div", above, _in_row(self.op, below))
        return self.op("mul", above, self.op("inv", _in_row(self.op, below)))

    # -- powers ---------------------------------------------------------------------------------------------------------

    def _powers(self, factors: Sequence[Factor]) -> list[Formula]:
        """Return powers with positive exponents as formulas; equal whole ones become one power of a product."""
        first, others = [], []
        whole: dict[float, list[Formula]] = {}
        for base, power in factors:
            if power == 1.0:
                first.append(self.part(base))
            elif power == int(power):
                whole.setdefault(power, []).append(self.part(base))
            else:
                others.append(self._powered(self.part(base), power))
        raised = [self._powered(_in_row(self.op, bases), power) for power, bases in sorted(whole.items())]
        return [*first, *raised, *others]

    def _powered(self, base: Formula, power: float) -> Formula:
        """Return a power in its shortest form."""
        if power == 1.0:
            return base
        forms = self._forms(base, power)
        first = next(forms, None)
        if first is None:
            raise NotWritable(f"no operation is allowed that gives a power of {power}")
        return first if self.notation.free else min((first, *forms), key=self._complexity)

    def _forms(self, base: Formula, power: float) -> Iterator[Formula]:
        """Return a power in all forms that the notation has; the first is short if all is allowed."""
        if power in _POWERS and self.notation.allows(_POWERS[power]):
            yield self.op(_POWERS[power], base)
        if self.notation.allows("pow"):
            yield self.op("pow", base, constant(power))
        if power == int(power):
            if 2.0 <= power <= _LONGEST_PRODUCT and self.notation.allows("mul"):
                yield self._repeated(base, int(power))
            return
        if 1.0 < power <= _LONGEST_PRODUCT and self.notation.allows("mul"):
            yield self.op("mul", self._powered(base, float(int(power))), self._powered(base, power % 1.0))
        if power != 0.5 and _ROOTS * power == int(_ROOTS * power) and self.notation.allows("sqrt"):
            yield self.op("sqrt", self._powered(base, 2.0 * power))
        if all(map(self.notation.allows, ("exp", "mul", "log"))):
            yield self.op("exp", self.op("mul", constant(power), self.op("log", base)))

    def _repeated(self, base: Formula, power: int) -> Formula:
        """Return a product of equal factors, by squares where they have a name."""
        if power == 1:
            return base
        if power % 2 or not self.notation.allows("square"):
            return self.op("mul", self._repeated(base, power - 1), base)
        half = self._repeated(base, power // 2)
        return min(self.op("square", half), self.op("mul", half, half), key=self._complexity)


def _reads_better_below(number: float) -> bool:
    inverse = 1.0 / number
    return len(repr(inverse)) < len(repr(number)) and 1.0 / inverse == number != 1.0
