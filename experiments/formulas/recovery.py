"""Whether a formula that was found is the one that was looked for."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator

EXACT = 1e-9  # of the target's variance on new rows: an error below that is only rounding
SECONDS = 20  # that sympy may take


@contextlib.contextmanager
def _limited(seconds: int) -> Iterator[None]:
    def stop(number: int, frame: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def is_same(found: str, truth: str, names: list[str]) -> bool:
    """Tell whether sympy can show that two formulas are the same, or differ by a number or a factor (SRBench's rule).

    Numbers are rounded to four digits first. False where sympy gives up.
    """
    import sympy

    symbols = {name: sympy.Symbol(name, positive=True) for name in names}
    try:
        with _limited(SECONDS):
            one, other = (_rounded(sympy.sympify(text, locals=symbols)) for text in (found, truth))
            difference = _rounded(sympy.simplify(one - other))
            if difference.is_constant():
                return True
            ratio = sympy.simplify(_rounded(one) / _rounded(other))
            return bool(ratio.is_constant() and ratio != 0)
    except (TimeoutError, TypeError, ValueError, AttributeError, RecursionError, SyntaxError, ZeroDivisionError):
        return False


def _rounded(expression: object) -> object:
    """Round all numbers to four significant digits; what is nearly whole becomes whole, what is nearly 0 goes."""
    import sympy

    expression = sympy.N(sympy.sympify(expression))
    for number in expression.atoms(sympy.Float):
        value = float(number)
        short = 0 if abs(value) < 1e-4 else round(value) if abs(value - round(value)) < 1e-4 else float(f"{value:.4g}")
        expression = expression.xreplace({number: sympy.Integer(short) if short == int(short) else sympy.Float(short)})
    return expression
