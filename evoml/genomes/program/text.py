"""Programs as text that reads as Python, exact, and read back.

``s`` are scalars, ``v`` vectors and ``m`` matrices: s0 is the label, s1 the prediction, v0 the features, ``n`` their number.
``index(0.3)`` is the entry at that fraction of the size. A component without instructions is written ``...``.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from functools import lru_cache

from evoml.core.errors import SearchSpaceError, nearest
from evoml.genomes.program.operations import OPERATIONS
from evoml.genomes.program.program import Instruction, Program
from evoml.kernels.program_codes import COMPONENTS

_ADDRESS = re.compile(r"([svm])(0|[1-9]\d{0,8})")
_NUMBER = "number"


def write(program: Program) -> str:
    """Return the text that :func:`read` reads back to the same program."""
    parts = []
    for name, component in zip(COMPONENTS, program.components, strict=True):
        lines = [f"    {one}" for one in component] or ["    ..."]
        parts.append("\n".join([f"def {name}():", *lines]))
    return "\n\n".join(parts) + "\n"


def read(text: str) -> Program:
    """Return the program written in ``text``. Components may be missing. Raises SearchSpaceError with the line of a mistake."""
    try:
        body = ast.parse(text).body
    except SyntaxError as error:
        raise SearchSpaceError(f"line {error.lineno or 1} of the program cannot be read: {error.msg}") from None
    except (ValueError, MemoryError, RecursionError) as error:  # null characters, brackets in hundreds of brackets
        raise SearchSpaceError(f"the program cannot be read: {error or 'it is nested too deeply'}") from None
    found: dict[str, tuple[Instruction, ...]] = {}
    for one in body:
        if not isinstance(one, ast.FunctionDef) or one.name not in COMPONENTS:
            got = (
                f"{one.name!r}{nearest(one.name, COMPONENTS)}" if isinstance(one, ast.FunctionDef) else "something else"
            )
            raise _mistake(one, f"expected one of def setup(), def predict(), def learn(), got {got}")
        if one.name in found:
            raise _mistake(one, f"there is a {one.name} already")
        if one.decorator_list or one.returns is not None or ast.unparse(one.args):
            raise _mistake(one, f"a component is written def {one.name}(): without arguments, types or decorators")
        found[one.name] = _component(one.body)
    return Program(*(found.get(name, ()) for name in COMPONENTS))


def _component(body: Sequence[ast.stmt]) -> tuple[Instruction, ...]:
    if len(body) == 1 and isinstance(body[0], ast.Expr) and ast.unparse(body[0]) == "...":
        return ()
    return tuple(map(_instruction, body))


def _mistake(node: ast.stmt, words: str) -> SearchSpaceError:
    return SearchSpaceError(f"line {node.lineno} of the program has a mistake: {words}")


class _Shape(ast.NodeTransformer):
    """Replaces addresses by their type, and numbers by one word where wanted, and notes what they were."""

    def __init__(self, with_numbers: bool) -> None:
        self.addresses: list[int] = []
        self.numbers: list[float] = []
        self._with_numbers = with_numbers

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if match := _ADDRESS.fullmatch(node.id):
            self.addresses.append(int(match[2]))
            return ast.Name(match[1])
        if node.id in ("inf", "nan") and self._with_numbers:
            return self._number(float(node.id))
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            return node
        if self._with_numbers:
            return self._number(float(node.value))
        return ast.Constant(1) if node.value == 1 else node  # 1.0 / s2 is 1 / s2

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        before = len(self.numbers)
        found = self.generic_visit(node)
        if isinstance(node.op, ast.USub) and len(self.numbers) == before + 1:
            self.numbers[-1] = -self.numbers[-1]
            return ast.Name(_NUMBER)
        return found

    def _number(self, value: float) -> ast.AST:
        self.numbers.append(value)
        return ast.Name(_NUMBER)


def _shape(text: str, with_numbers: bool) -> tuple[str, _Shape]:
    shape = _Shape(with_numbers)
    return ast.unparse(shape.visit(ast.parse(text))), shape


@lru_cache(maxsize=1)
def _shapes() -> dict[str, str]:
    """Return the name of each operation by the shape of its text."""
    found = {}
    for one in OPERATIONS.values():
        example = Instruction(one.name, 1 if one.output else 0, (0,) * len(one.inputs), (0.5,) * one.n_literals)
        found[_shape(str(example), one.n_literals > 0)[0]] = one.name
    return found


def _instruction(node: ast.stmt) -> Instruction:
    text = ast.unparse(node)
    for with_numbers in (False, True):
        try:
            shape, parts = _shape(text, with_numbers)
        except OverflowError:
            raise _mistake(node, "a number is beyond what 64 bits hold, about 1.8e308") from None
        name = _shapes().get(shape)
        if name is not None:
            output, *inputs = parts.addresses or [0]
            try:
                return Instruction(name, output, tuple(inputs), tuple(parts.numbers))
            except SearchSpaceError as error:
                raise _mistake(node, str(error)) from None
    raise _mistake(node, f"{text!r} is no instruction{nearest(text, [str(shape) for shape in _shapes()])}")
