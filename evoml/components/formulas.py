"""Formulas of columns as texts such as "x0 * x1", drawn and varied one at a time: the values of a kind of hyperparameter.

They are what :class:`evoml.learners.FormulaColumn` reads. There are a few of them in a search, beside fits that take a
thousand times as long, so that plain Python does: the kernels that breed formulas by the thousand would first have to be
compiled.
"""

from __future__ import annotations

import ast
import copy
import re
from typing import Any

import numpy as np

_SIGNS: tuple[type[ast.operator], ...] = (ast.Add, ast.Sub, ast.Mult, ast.Div)
_FUNCTIONS = {"min": 2, "max": 2, "abs": 1, "sqrt": 1, "square": 1, "log": 1}  # with the number of their operands
_VARIABLE = re.compile(r"x(0|[1-9]\d{0,6})")
ANY = 10**8  # columns, more than any text names
_CONSTANTS = 0.15  # share of constants among leaves
_ATTEMPTS = 20


def sample(rng: np.random.Generator, n_columns: int, most_nodes: int) -> str:
    """Return a formula of one to three operations."""
    for _ in range(_ATTEMPTS):
        tree = _grown(rng, n_columns, int(rng.integers(1, 4)))
        if _fits(tree, n_columns, most_nodes):
            return ast.unparse(tree)
    return "x0"


def perturb(formula: str, rng: np.random.Generator, n_columns: int, most_nodes: int) -> str:
    """Return another formula, by subtree, insertion, hoist or leaf mutation (Poli, Langdon and McPhee 2008, section 5.2)."""
    for _ in range(_ATTEMPTS):
        tree = ast.parse(formula, mode="eval").body
        changed = _varied(tree, rng, n_columns)
        if _fits(changed, n_columns, most_nodes) and ast.unparse(changed) != ast.unparse(tree):
            return ast.unparse(changed)
    return sample(rng, n_columns, most_nodes)


def is_formula(text: Any, n_columns: int, most_nodes: int) -> bool:
    """Tell whether a text is a formula of the columns x0 ... with at most so many numbers, columns and operations."""
    tree = _read(text)
    return tree is not None and _fits(tree, n_columns, most_nodes)


def within(formula: str, n_columns: int) -> str:
    """Return the formula with columns beyond the last counted from the first again."""
    return _VARIABLE.sub(lambda found: f"x{int(found[1]) % n_columns}", formula)


def _read(text: Any) -> ast.expr | None:
    try:
        return ast.parse(text, mode="eval").body if isinstance(text, str) else None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _fits(tree: ast.expr, n_columns: int, most_nodes: int) -> bool:
    nodes = _nodes(tree)
    columns = [int(node.id[1:]) for node in nodes if isinstance(node, ast.Name) and _VARIABLE.fullmatch(node.id)]
    return (
        all(map(_is_sound, nodes))
        and len(nodes) <= most_nodes
        and bool(columns)
        and max(columns, default=0) < n_columns
    )


def _is_sound(node: ast.AST) -> bool:
    match node:
        case ast.Constant(value=int() | float() as number):
            return not isinstance(number, bool)
        case ast.Name(id=name):
            return _VARIABLE.fullmatch(name) is not None
        case ast.UnaryOp(op=op):
            return isinstance(op, ast.USub)
        case ast.BinOp(op=op):
            return isinstance(op, _SIGNS)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            return _FUNCTIONS.get(name) == len(arguments)
    return False


def _nodes(tree: ast.expr) -> list[Any]:
    """Return the nodes of a formula: operations, columns and numbers."""
    names = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return [node for node in ast.walk(tree) if isinstance(node, ast.expr) and id(node) not in names]


def _varied(tree: ast.expr, rng: np.random.Generator, n_columns: int) -> ast.expr:
    nodes = _nodes(tree)
    at = nodes[rng.integers(len(nodes))]
    match int(rng.integers(4)):
        case 0:
            return _replaced(tree, at, _grown(rng, n_columns, int(rng.integers(0, 3))))
        case 1:
            return _replaced(tree, at, _operation(rng, copy.deepcopy(at), _leaf(rng, n_columns)))
        case 2:
            return copy.deepcopy(at)
    leaves = [node for node in nodes if isinstance(node, ast.Name | ast.Constant)]
    return _replaced(tree, leaves[rng.integers(len(leaves))], _leaf(rng, n_columns))


def _replaced(tree: ast.expr, old: ast.expr, new: ast.expr) -> ast.expr:
    class Replacing(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> Any:
            return new if node is old else self.generic_visit(node)

    return Replacing().visit(tree) if tree is not old else new  # type: ignore[no-any-return]


def _grown(rng: np.random.Generator, n_columns: int, operations: int) -> ast.expr:
    if not operations:
        return _leaf(rng, n_columns)
    left = int(rng.integers(operations))
    return _operation(rng, _grown(rng, n_columns, left), _grown(rng, n_columns, operations - 1 - left))


def _operation(rng: np.random.Generator, first: ast.expr, second: ast.expr) -> ast.expr:
    """Return an operation on one or two operands: a sign twice as often as a function."""
    if rng.random() < 2.0 / 3.0:
        return ast.BinOp(first, _SIGNS[rng.integers(len(_SIGNS))](), second)
    name = tuple(_FUNCTIONS)[rng.integers(len(_FUNCTIONS))]
    return ast.Call(ast.Name(name), [first, second][: _FUNCTIONS[name]], [])


def _leaf(rng: np.random.Generator, n_columns: int) -> ast.expr:
    if rng.random() < _CONSTANTS:
        return ast.Constant(float(f"{abs(rng.standard_normal()):.3g}"))
    return ast.Name(f"x{rng.integers(n_columns)}")
