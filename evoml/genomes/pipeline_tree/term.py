"""A pipeline as a nested call: the form between text, tree and graph."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field

from evoml.core.errors import SearchSpaceError

FEATURES = "features"  # the name of the input
UNION = "union"  # columns of two inputs side by side
UNIONS = (UNION, "union_nonnegative", "union_numeric")  # the same, by what it promises of its columns
STACK = "stack"  # out-of-fold predictions of a model, as columns
PASSTHROUGH = "passthrough"  # the input itself

Value = str | int | float | bool | None


@dataclass(frozen=True)
class Term:
    """A step of a pipeline, and all before it.

    Attributes
    ----------
    name : str
        Its part in the catalogue, or ``"features"``, the table itself.
    inputs : tuple of Term
        Steps whose results it takes.
    values : mapping
        Hyperparameters that are not the default.
    """

    name: str
    inputs: tuple[Term, ...] = ()
    values: Mapping[str, Value] = field(default_factory=dict)

    def __str__(self) -> str:
        if self.name == FEATURES:
            return FEATURES
        arguments = [str(term) for term in self.inputs] + [f"{name}={value!r}" for name, value in self.values.items()]
        return f"{self.name}({', '.join(arguments)})"


def read_term(text: str) -> Term:
    """Return the term written in ``text``, e.g. ``"Ridge(StandardScaler(features), alpha=0.5)"``.

    Raises SearchSpaceError with the place of the mistake; nothing in the text is ever executed.
    """
    try:
        expression = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise SearchSpaceError(
            f"a pipeline must be a nested call such as 'Ridge(features)', got {text!r}: {error}"
        ) from None
    return _term(expression, text)


def _term(node: ast.expr, text: str) -> Term:
    if isinstance(node, ast.Name) and node.id == FEATURES:
        return Term(FEATURES)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id != FEATURES:
        names = [str(keyword.arg) for keyword in node.keywords]
        if len(set(names)) < len(names):
            raise SearchSpaceError(f"a hyperparameter is given twice in {ast.unparse(node)!r}; keep one of its values")
        inputs = tuple(_term(argument, text) for argument in node.args)
        return Term(node.func.id, inputs, {str(k.arg): _value(k, text) for k in node.keywords})
    raise SearchSpaceError(
        f"{ast.unparse(node)!r} in the pipeline {text!r} is neither a call of a part nor {FEATURES!r};"
        " write steps as Part(input, name=value)"
    )


def _value(keyword: ast.keyword, text: str) -> Value:
    try:
        value = ast.literal_eval(keyword.value)
    except (ValueError, TypeError, RecursionError, MemoryError):
        value = ()
    if keyword.arg is None or not (value is None or isinstance(value, (str, int, float, bool))):
        raise SearchSpaceError(
            f"{ast.unparse(keyword.value)!r} for {keyword.arg!r} in the pipeline {text!r}"
            " is not a number, text, True, False or None"
        )
    return value
