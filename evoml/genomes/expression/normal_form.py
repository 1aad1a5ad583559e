"""The algebra under a formula: sums of numbers times products of powers, in which equal parts are one.

A normal form equals its formula, up to rounding, wherever the formula is finite and no part of the normal form overflows.
Elsewhere it may be finite: x / x is 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np

from evoml.genomes.expression.operations import Operation
from evoml.genomes.expression.population import Formula

_NEVER_NEGATIVE = ("abs", "exp", "cosh", "sigmoid")
_LARGEST_FACTOR = 30.0  # in magnitude, of the exponent of a number that is taken out: as much nearer is overflow then


@dataclass(frozen=True)
class Leaf:
    """A column."""

    column: int


@dataclass(frozen=True)
class Call:
    """A function of normal forms."""

    name: str
    operands: tuple[Sum, ...]


@dataclass(frozen=True)
class Product:
    """Powers of different bases in canonical order, none of them a number."""

    factors: tuple[Factor, ...]


@dataclass(frozen=True)
class Sum:
    """A number and different products in canonical order, each times a number that is not 0."""

    number: float
    terms: tuple[tuple[Product, float], ...] = ()


Base: TypeAlias = Leaf | Call | Sum
Factor: TypeAlias = tuple[Base, float]


def normal_form(formula: Formula) -> Sum:
    """Return a formula's normal form. Raises ArithmeticError where a number in it does not exist."""
    return formula.fold(Sum, lambda column: _of(Leaf(column)), _applied)


def _of(base: Base, power: float = 1.0) -> Sum:
    return Sum(0.0, ((Product(((base, power),)), 1.0),))


def _applied(one: Operation, operands: Sequence[Sum]) -> Sum:
    """Return the normal form of an operation on normal forms."""
    if all(not operand.terms for operand in operands):
        return Sum(float(one.function(*(np.float64(operand.number) for operand in operands))))
    rule = _RULES.get(one.name)
    found = rule(*operands) if rule else None
    return _function(one, operands) if found is None else found


# -- sums and products ----------------------------------------------------------------------------------------------------


def plus(left: Sum, right: Sum, factor: float = 1.0) -> Sum:
    """Return ``left + factor * right``."""
    terms = dict(left.terms)
    for product, coefficient in right.terms:
        terms[product] = terms.get(product, 0.0) + factor * coefficient
    return _sum(left.number + factor * right.number, terms)


def scaled(one: Sum, factor: float) -> Sum:
    """Return ``factor * one``."""
    return plus(Sum(0.0), one, factor)


def _sum(number: float, terms: Mapping[Product, float]) -> Sum:
    kept = [(product, coefficient) for product, coefficient in terms.items() if coefficient != 0.0]
    return Sum(number, tuple(sorted(kept, key=lambda term: _order(term[0]))))


def _times(left: Sum, right: Sum) -> Sum:
    if not left.terms:
        return scaled(right, left.number)
    if not right.terms:
        return scaled(left, right.number)
    (one, factors), (two, others) = _as_product(left), _as_product(right)
    return _product(one * two, [*factors, *others])


def _as_product(one: Sum) -> tuple[float, list[Factor]]:
    """Return a normal form as a number times powers; a sum's common number is taken out, so that the rest compares."""
    if not one.number and len(one.terms) == 1:
        product, coefficient = one.terms[0]
        return coefficient, list(product.factors)
    sizes = {abs(coefficient) for _, coefficient in one.terms} | ({abs(one.number)} - {0.0})
    common = math.copysign(sizes.pop() if len(sizes) == 1 else 1.0, one.terms[0][1])
    return common, [(scaled(one, 1.0 / common), 1.0)]


def _product(number: float, factors: Sequence[Factor]) -> Sum:
    """Return a number times powers, equal bases merged, and what is a power in disguise written as one."""
    powers: dict[Base, float] = {}
    alike: dict[Sum, Sum] = {}  # sums, by what they are times a number
    for base, power in factors:
        if isinstance(base, Sum):
            first = alike.setdefault(scaled(base, 1.0 / base.terms[0][1]), base)
            ratio = base.terms[0][1] / first.terms[0][1]
            if ratio > 0 or _is_whole(power):
                base, number = first, number * ratio**power
        powers[base] = powers.get(base, 0.0) + power
    kept = [(base, power) for base, power in powers.items() if power != 0.0]
    exponentials = [(base, power) for base, power in kept if isinstance(base, Call) and base.name == "exp"]
    if len(exponentials) > 1 or any(power != 1.0 for _, power in exponentials):
        rest = _product(number, [factor for factor in kept if factor not in exponentials])
        return _times(rest, _exponential(_exponent(exponentials)))
    for at, (base, power) in enumerate(kept):
        undone = _undone(base, power)
        if undone is not None:
            return _times(_product(number, kept[:at] + kept[at + 1 :]), undone)
    if not kept:
        return Sum(number)
    if len(kept) == 1 and kept[0][1] == 1.0 and isinstance(kept[0][0], Sum):
        return scaled(kept[0][0], number)
    return _sum(0.0, {Product(tuple(sorted(kept, key=lambda factor: _order(factor[0])))): number})


def _exponent(exponentials: Sequence[Factor]) -> Sum:
    """Return what e is raised to by a product of powers of exponentials."""
    total = Sum(0.0)
    for base, power in exponentials:
        assert isinstance(base, Call)
        total = plus(total, base.operands[0], power)
    return total


def _undone(base: Base, power: float) -> Sum | None:
    """Return a power of a base that the power undoes: of a product, an even one of |x|, a third one of a cube root."""
    if isinstance(base, Sum) and not base.number and len(base.terms) == 1 and _is_whole(power):
        return _raised(base, power)
    if isinstance(base, Call) and base.name == "abs" and power % 2 == 0:
        return _raised(base.operands[0], power)
    if isinstance(base, Call) and base.name == "cbrt" and power % 3 == 0:
        return _raised(base.operands[0], power / 3)
    return None


def _is_whole(power: float) -> bool:
    return power == int(power)


def _raised(base: Sum, power: float) -> Sum:
    """Return a power of a normal form that is no number."""
    coefficient, factors = _as_product(base)
    if _is_whole(power):
        return _product(coefficient**power, [(one, inner * power) for one, inner in factors])
    if coefficient < 0:
        return _of(base, power)
    if len(factors) > 1:  # of two negative factors the power of the product is defined, theirs are not
        return _product(coefficient**power, [(scaled(base, 1.0 / coefficient), power)])
    ((one, inner),) = factors
    if _is_whole(inner) and inner % 2 == 0:
        size, factors = _as_product(_absolute(one if isinstance(one, Sum) else _of(one)))
        return _product(
            (coefficient * size**inner) ** power, [(other, more * inner * power) for other, more in factors]
        )
    return _product(coefficient**power, [(one, inner * power)])


@lru_cache(maxsize=4096)
def _order(part: Base | Product) -> tuple[int, str, float]:
    """Return what parts are sorted by: columns and their powers first, in their order, then by length."""
    if isinstance(part, Product) and len(part.factors) == 1:
        ((base, power),) = part.factors
        return (*_order(base)[:2], power)
    text = repr(part)
    return (part.column if isinstance(part, Leaf) else 1_000_000 + len(text)), text, 1.0


# -- functions ------------------------------------------------------------------------------------------------------------


def _function(one: Operation, operands: Sequence[Sum]) -> Sum:
    """Return a function of normal forms, with the sign taken out of an even or an odd one."""
    if one.commutative:
        operands = sorted(operands, key=repr)
        if operands[0] == operands[1]:
            return operands[0]
    if one.parity and _as_product(operands[0])[0] < 0:
        return scaled(_of(Call(one.name, (scaled(operands[0], -1.0),))), float(one.parity))
    return _of(Call(one.name, tuple(operands)))


def _power(base: Sum, exponent: Sum) -> Sum | None:
    if base.terms and not exponent.terms and abs(exponent.number) < 1e6:
        return _raised(base, exponent.number)
    return None


def _inverse(operand: Sum) -> Sum:
    return _raised(operand, -1.0) if operand.terms else Sum(1.0 / operand.number)


def _exponential(operand: Sum) -> Sum:
    """Return e to a sum: its number becomes a factor, where that is not too large or small."""
    if not operand.terms:
        return Sum(math.exp(operand.number))
    if operand.number and abs(operand.number) < _LARGEST_FACTOR:
        return scaled(_exponential(Sum(0.0, operand.terms)), math.exp(operand.number))
    ((base, power), *more) = operand.terms[0][0].factors
    alone = len(operand.terms) == 1 and not operand.number and not more and power == 1.0
    if alone and isinstance(base, Call) and base.name == "log":
        return _raised(base.operands[0], operand.terms[0][1])
    return _of(Call("exp", (operand,)))


def _logarithm(operand: Sum) -> Sum | None:
    """Return the logarithm of a product: that of its number is a term of its own."""
    coefficient, factors = _as_product(operand)
    base, power = factors[0]
    if len(factors) == 1 and coefficient > 0 and isinstance(base, Call) and base.name == "exp":
        return plus(Sum(math.log(coefficient)), base.operands[0], power)
    if abs(coefficient) == 1.0 or len(operand.terms) > 1 or operand.number:
        return None
    rest = _product(math.copysign(1.0, coefficient), factors)
    return plus(Sum(math.log(abs(coefficient))), _of(Call("log", (rest,))))


def _absolute(operand: Sum) -> Sum:
    coefficient, factors = _as_product(operand)
    if all(
        power % 2 == 0 or not _is_whole(power) or (isinstance(base, Call) and base.name in _NEVER_NEGATIVE)
        for base, power in factors
    ):
        return _product(abs(coefficient), factors)
    return scaled(_of(Call("abs", (_product(1.0, factors),))), abs(coefficient))


def _cube_root(operand: Sum) -> Sum | None:
    coefficient, factors = _as_product(operand)
    if any(power % 3 for _, power in factors):
        return None
    return _product(float(np.cbrt(coefficient)), [(base, power / 3) for base, power in factors])


_RULES: dict[str, Callable[..., Sum | None]] = {
    "add": plus,
    "sub": lambda left, right: plus(left, right, -1.0),
    "neg": lambda operand: scaled(operand, -1.0),
    "mul": _times,
    "div": lambda left, right: _times(left, _inverse(right)),
    "inv": _inverse,
    "square": lambda operand: _raised(operand, 2.0),
    "cube": lambda operand: _raised(operand, 3.0),
    "sqrt": lambda operand: _raised(operand, 0.5),
    "pow": _power,
    "exp": _exponential,
    "log": _logarithm,
    "abs": _absolute,
    "cbrt": _cube_root,
}
