"""Whether a formula that was found is the one that was looked for, and how long both are, by the same measure for all."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np

EXACT = 1e-9  # of the target's variance on new rows: an error below that is only rounding
NEAR = 1e-2  # an error above that is another formula's
ALIKE = 1e-4  # of the variance, by which rounding may let two formulas differ from a line
LARGEST_BELOW = 12  # the line of a fraction
SECONDS = 5  # of CPU time that sympy may take


@contextlib.contextmanager
def _limited(seconds: int) -> Iterator[None]:
    def stop(number: int, frame: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def is_same(found: str, truth: str, names: list[str]) -> bool:
    """Tell whether sympy can show that two formulas are the same but for a number added and a factor.

    SRBench allows one of the two; fitted to noisy data, an intercept and a factor are both there.

    Numbers are rounded first, as they are written and as they are when all is multiplied out; beyond that
    nothing is approximate. False where sympy gives up.
    """
    import sympy

    try:
        with _limited(SECONDS):
            texts = [sympy.sympify(text, locals=_symbols(names)) for text in (found, truth)]
            if not _alike(*texts, names):
                return False
            for form in (lambda expression: expression, sympy.expand):
                one, other = (_rounded(form(expression)) for expression in texts)
                far = one - other
                if any(not sympy.simplify(left).free_symbols for left in (far, far.rewrite(sympy.exp))):
                    return True
                column = min(other.free_symbols, key=str)
                slope = sympy.simplify(one.diff(column) / other.diff(column))
                if not slope.free_symbols and slope != 0 and not sympy.simplify(one - slope * other).free_symbols:
                    return True
    except (TimeoutError, TypeError, ValueError, AttributeError, RecursionError, SyntaxError, ZeroDivisionError):
        pass
    return False


def _alike(one: Any, other: Any, names: list[str]) -> bool:
    """Tell whether two expressions could be the same but for a number and a factor, by their values at some points."""
    import sympy

    points = np.random.default_rng(0).uniform(0.1, 1.0, (len(names), 50))
    symbols = [_symbols(names)[name] for name in names]
    with np.errstate(all="ignore"):
        values = np.array([np.broadcast_to(sympy.lambdify(symbols, e, "numpy")(*points), 50) for e in (one, other)])
    one, other = values[:, np.isfinite(values).all(axis=0)]
    return bool(len(one) < 3 or 1.0 - np.corrcoef(one, other)[0, 1] ** 2 < ALIKE)


def size(text: str, names: list[str]) -> int:
    """Return the number of nodes that sympy makes of a text, as SRBench counts: x - y has 5 of them, and x / y."""
    import sympy

    return sum(1 for _ in sympy.preorder_traversal(sympy.sympify(text, locals=_symbols(names))))


def _symbols(names: list[str]) -> dict[str, object]:
    """Return what texts may name: columns, taken as positive, and operations written as calls."""
    import sympy

    return {
        "add": lambda one, other: one + other,
        "sub": lambda one, other: one - other,
        "mul": lambda one, other: one * other,
        "div": lambda one, other: one / other,
        **{name: sympy.Symbol(name, positive=True) for name in names},
    }


def _rounded(expression: object) -> object:
    """Round all numbers to four significant digits, or to a fraction of small numbers where one is as near; 0 below 1e-4."""
    import sympy

    expression = sympy.N(sympy.sympify(expression))
    for number in expression.atoms(sympy.Float):
        value = float(number)
        near = Fraction(value).limit_denominator(LARGEST_BELOW)
        short = near if abs(near - value) <= 1e-4 * max(1.0, abs(value)) else Fraction(f"{value:.4g}")
        expression = expression.xreplace({number: sympy.Rational(short)})  # sympy works with fractions exactly
    return expression
