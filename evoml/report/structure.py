"""What a candidate is made of, read off its text: its parts, and the shapes of its subtrees, whatever kind of genome it is."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

_NAMES = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div"}
MOST_COMPARED = 200  # members of a population that are compared with each other; of more, evenly many are taken


class Structure(NamedTuple):
    """The parts of a candidate in the order written, and its subtrees; hyperparameters and constants do not count."""

    parts: tuple[str, ...]
    subtrees: frozenset[str]

    @property
    def size(self) -> int:
        """Number of parts."""
        return len(self.parts)


@lru_cache(maxsize=1 << 16)
def structure(text: str) -> Structure:
    """Return the structure of a candidate's text: an expression, a program of assignments, or else lines of whatever it is."""
    try:
        tree, found = ast.parse(text.strip()), _Reading()
        for statement in ast.walk(tree):
            if isinstance(statement, ast.Expr):
                found.read(statement.value)
            elif isinstance(statement, ast.Assign):
                found.subtrees.add(f"{ast.unparse(statement.targets[0])} = {found.read(statement.value)}")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
        return Structure(tuple(line.split(" ")[0] for line in lines), frozenset(lines))
    return Structure(tuple(found.parts), frozenset(found.subtrees))


class _Reading:
    """Collects parts and subtrees of a Python expression."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.subtrees: set[str] = set()

    def read(self, node: ast.expr) -> str:
        """Return how the subtree is written without its numbers."""
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            written = self._part(name, node.args)
        elif isinstance(node, ast.BinOp):
            written = self._part(_NAMES.get(type(node.op), "pow"), [node.left, node.right])
        elif isinstance(node, ast.UnaryOp):
            written = self.read(node.operand)
        elif isinstance(node, ast.Name):
            written = node.id
        else:  # a number; a text is the name of a column that is no plain word
            written = repr(node.value) if isinstance(node, ast.Constant) and isinstance(node.value, str) else "#"
        self.subtrees.add(written)
        return written

    def _part(self, name: str, inputs: Sequence[ast.expr]) -> str:
        self.parts.append(name)
        return f"{name}({', '.join(map(self.read, inputs))})"


def entropy(parts: Iterable[str]) -> float:
    """Return Shannon's entropy of how often each part occurs, in bits; 0 for one kind of part, and for none."""
    counts = np.array(list(Counter(parts).values()), float)
    if not len(counts):
        return 0.0
    shares = counts / counts.sum()
    return float(-(shares * np.log2(shares)).sum()) + 0.0


def mean_distance(texts: Sequence[str]) -> float:
    """Return the mean distance of pairs of candidates: the share of their subtrees that they do not share (Jaccard).

    0 where all have the same structure, 1 where no two have anything in common; nan for fewer than two.
    """
    if len(texts) < 2:
        return float("nan")
    chosen = np.linspace(0, len(texts) - 1, min(len(texts), MOST_COMPARED)).astype(int)
    counts = Counter(structure(texts[at]).subtrees for at in chosen)
    columns = {subtree: at for at, subtree in enumerate(dict.fromkeys(one for kind in counts for one in kind))}
    there = np.zeros((len(counts), len(columns)), np.float32)
    for row, kind in enumerate(counts):
        there[row, [columns[one] for one in kind]] = 1.0
    common = there @ there.T
    sizes = there.sum(axis=1)
    distances = 1.0 - common / (sizes[:, None] + sizes[None, :] - common)
    weights = np.array(list(counts.values()), float)
    pairs = len(chosen) * (len(chosen) - 1)
    return float((weights[:, None] * weights[None, :] * distances).sum() / pairs)
