"""Formulas for tests of kernels: written as lists of names, numbers and columns, read by an obvious evaluator in NumPy."""

import numpy as np
from hypothesis import strategies as st

from evoml.kernels.expression_codes import ARITY, CONSTANT, FIRST_UNARY, NAMES, VARIABLE

ROOM = 64
BINARY = [name for name, code in NAMES.items() if code < FIRST_UNARY]
UNARY = [name for name, code in NAMES.items() if code >= FIRST_UNARY]
SMOOTH = ["add", "sub", "mul", "sin", "cos", "tanh", "square", "neg", "sigmoid", "atan"]
FUNCTIONS = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "pow": np.power, "min": np.minimum,
    "max": np.maximum, "neg": np.negative, "inv": lambda a: 1.0 / a, "square": np.square, "cube": lambda a: a * a * a,
    "sqrt": np.sqrt, "cbrt": np.cbrt, "abs": np.abs, "exp": np.exp, "log": np.log, "sin": np.sin, "cos": np.cos,
    "tan": np.tan, "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "sinh": np.sinh, "cosh": np.cosh,
    "tanh": np.tanh, "sigmoid": lambda a: 1.0 / (1.0 + np.exp(-a)),
}  # fmt: skip
_NAME_OF = {code: name for name, code in NAMES.items()}


def encoded(text, room=ROOM):
    """codes, constants and length of a formula in prefix order: names, numbers, and x0, x1 ... for columns."""
    codes, constants = np.zeros(room, np.int32), np.zeros(room)
    words = text.split()
    for i, word in enumerate(words):
        if word in NAMES:
            codes[i] = NAMES[word]
        elif word.startswith("x"):
            codes[i] = VARIABLE + int(word[1:])
        else:
            codes[i], constants[i] = CONSTANT, float(word)
    return codes, constants, len(words)


def evaluated(codes, constants, features):
    """The output on each row, (n_rows,)."""

    def subtree(at):
        code = codes[at]
        if code == CONSTANT:
            return np.full(features.shape[1], constants[at]), at + 1
        if code > CONSTANT:
            return features[code - VARIABLE], at + 1
        operands, at = [], at + 1
        for _ in range(ARITY[code]):
            operand, at = subtree(at)
            operands.append(operand)
        return FUNCTIONS[_NAME_OF[code]](*operands), at

    with np.errstate(all="ignore"):
        return subtree(0)[0]


def formulas(names=tuple(NAMES), n_features=3, max_leaves=8):
    """Strategy for texts that `encoded` reads; numbers have few digits, so that failures are easy to read."""
    leaf = st.one_of(
        st.integers(-30, 30).map(lambda number: f"{number / 10}"),
        st.integers(0, n_features - 1).map(lambda column: f"x{column}"),
    )
    unary = st.sampled_from([name for name in names if name in UNARY])
    binary = st.sampled_from([name for name in names if name in BINARY])
    return st.recursive(
        leaf,
        lambda below: st.one_of(st.tuples(unary, below).map(" ".join), st.tuples(binary, below, below).map(" ".join)),
        max_leaves=max_leaves,
    )


def grown(rng, n_operations, n_constants, names=SMOOTH, n_features=3):
    """A random text with so many operations and at least so many constants, of any shape."""
    while True:
        words = _grown(rng, n_operations, names)
        leaves = [i for i, word in enumerate(words) if word == "leaf"]
        if len(leaves) > n_constants:
            break
    for i in leaves:
        words[i] = f"x{rng.integers(n_features)}"
    for i in rng.choice(leaves, n_constants, replace=False):
        words[i] = f"{rng.choice([-1, 1]) * rng.uniform(0.3, 2.0):.3f}"
    return " ".join(words)


def _grown(rng, n_operations, names):
    if n_operations == 0:
        return ["leaf"]
    name = str(rng.choice(names))
    if name in UNARY:
        return [name, *_grown(rng, n_operations - 1, names)]
    left = int(rng.integers(n_operations))
    return [name, *_grown(rng, left, names), *_grown(rng, n_operations - 1 - left, names)]
