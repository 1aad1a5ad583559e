"""How a formula is written in any language: the forms of its operations, with as few parentheses as they allow."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from evoml.genomes.expression.operations import Operation
from evoml.genomes.expression.population import Formula

Written = tuple[str, int]  # a text, and how firmly it holds together


def written(
    formula: Formula,
    language: str,
    constant: Callable[[float], Written],
    variable: Callable[[int], Written],
    brackets: tuple[str, str] = ("(", ")"),
) -> str:
    """Return a formula in a language of the operations' forms, with the leaves as they are given."""

    def operation(one: Operation, operands: Sequence[Written]) -> Written:
        form = one.forms[language]
        texts = [
            text if binding >= needed else text.join(brackets)
            for (text, binding), needed in zip(operands, form.operands, strict=True)
        ]
        return form.template.format(*texts), form.binding

    return formula.fold(constant, variable, operation)[0]
