"""Safe arithmetic over named data facts, for `columns` and `at_most` in the catalogue.

An expression such as "min(n_rows, 2 * n_features)" is parsed with `ast` and walked; nothing is ever executed.
"""

import ast
import operator
from collections.abc import Callable, Mapping
from functools import lru_cache
from numbers import Real
from typing import Any

_OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {"min": min, "max": max}


def evaluate(expression: str, facts: Mapping[str, Any]) -> float:
    """Value of `expression`, its names looked up in `facts`.

    Raises ValueError for anything but numbers, known names, + - * / //, min() and max().
    """
    try:
        return _value(_parsed(expression), facts)
    except ZeroDivisionError as error:
        raise ValueError(f"{expression!r} divides by zero for {dict(facts)}") from error


def names_in(expression: str) -> frozenset[str]:
    """The data facts and hyperparameters that `expression` reads. Raises ValueError if it isn't arithmetic."""
    tree = _parsed(expression)
    names = frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name)) - _FUNCTIONS.keys()
    _value(tree, _Anything())
    return names


class _Anything(dict[str, Any]):
    """Facts in which every name is one: enough to check an expression's form."""

    def __missing__(self, name: str) -> int:
        return 1

    def __contains__(self, name: object) -> bool:
        return True


@lru_cache(maxsize=1024)
def _parsed(expression: str) -> ast.expr:
    try:
        return ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, AttributeError) as error:
        raise ValueError(f"{expression!r} is not an arithmetic expression") from error


def _value(node: ast.expr, facts: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant(value=bool()):
            raise ValueError("an expression may hold numbers, not True or False")
        case ast.Constant(value=int() | float() as number):
            return number
        case ast.Name(id=name) if name in facts:
            return _number(name, facts[name])
        case ast.Name(id=name):
            raise ValueError(f"unknown name {name!r}; known are {', '.join(sorted(facts))}")
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, facts)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _OPERATORS[type(op)](_value(left, facts), _value(right, facts))
        case ast.Call(func=ast.Name(id=function), args=[_, *_] as arguments, keywords=[]) if function in _FUNCTIONS:
            values = [_value(argument, facts) for argument in arguments]
            return _FUNCTIONS[function](values)
        case _:
            raise ValueError(f"{ast.unparse(node)!r} is not allowed; use numbers, names, + - * / //, min() and max()")


def _number(name: str, value: Any) -> Any:
    if not isinstance(value, Real):  # NumPy's numbers as well
        raise ValueError(f"{name!r} is {value!r}, which is not a number")
    return value
