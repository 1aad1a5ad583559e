"""The operations that programs are made of: all there is to know of each, in one table that everything else reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from evoml.core.errors import SearchSpaceError, nearest
from evoml.kernels import program_codes as codes

LETTERS = {codes.SCALAR: "s", codes.VECTOR: "v", codes.MATRIX: "m"}  # of the addresses of each type of memory
SIZE = "n"  # of a vector, in texts


@dataclass(frozen=True)
class Operation:
    """An operation.

    Attributes
    ----------
    name : str
    form : str
        What is assigned, for `str.format`: inputs, then literals, by number.
    entry : str
        For an operation that sets one entry of its output: which, for `str.format`, from literals by number.
    """

    name: str
    form: str
    entry: str = ""

    @property
    def code(self) -> int:
        """Its number, also in the paper (supplement S1)."""
        return codes.CODES[self.name]

    @property
    def output(self) -> str:
        """Letter of the memory that it writes; empty if it does nothing."""
        return LETTERS.get(int(codes.OUTPUT[self.code]), "")

    @property
    def inputs(self) -> tuple[str, ...]:
        """Letters of the memory that it reads."""
        return tuple(LETTERS[int(kind)] for kind in codes.INPUTS[self.code] if kind != codes.NOTHING)

    @property
    def n_literals(self) -> int:
        return int((codes.LITERALS[self.code] != codes.NOTHING).sum())

    @property
    def commutative(self) -> bool:
        return bool(codes.COMMUTATIVE[self.code])

    @property
    def random(self) -> bool:
        return bool(codes.RANDOM[self.code])


_OF_ALL_TYPES = {
    "sum": "{0} + {1}",
    "difference": "{0} - {1}",
    "product": "{0} * {1}",
    "division": "{0} / {1}",
    "min": "minimum({0}, {1})",
    "max": "maximum({0}, {1})",
    "abs": "abs({0})",
    "reciprocal": "1 / {0}",
    "heaviside": "heaviside({0})",
}
_FORMS = {
    f"{kind}_{name}": form for name, form in _OF_ALL_TYPES.items() for kind in ("scalar", "vector", "matrix")
} | {
    f"scalar_{name}": f"{name}({{0}})" for name in ("sin", "cos", "tan", "arcsin", "arccos", "arctan", "exp", "log")
} | {
    f"{kind}_{name}": f"{name}({{0}})" for kind in ("vector", "matrix") for name in ("norm", "mean", "std")
} | {
    "no_op": "pass",
    "scalar_vector_product": "{0} * {1}",
    "scalar_matrix_product": "{0} * {1}",
    "scalar_broadcast": "broadcast({0})",
    "vector_inner_product": "dot({0}, {1})",
    "vector_outer_product": "outer({0}, {1})",
    "matrix_vector_product": "dot({0}, {1})",
    "matrix_matrix_product": "matmul({0}, {1})",
    "vector_column_broadcast": "broadcast({0}, axis=0)",
    "vector_row_broadcast": "broadcast({0}, axis=1)",
    "matrix_column_norm": "norm({0}, axis=0)",
    "matrix_row_norm": "norm({0}, axis=1)",
    "matrix_row_mean": "mean({0}, axis=1)",
    "matrix_row_std": "std({0}, axis=1)",
    "matrix_transpose": "transpose({0})",
    "scalar_constant": "{0}",
    "vector_constant": "{1}",
    "matrix_constant": "{2}",
} | {
    f"{kind}_{name}": f"{name}({{0}}, {{1}}{shape})"
    for name in ("uniform", "gaussian")
    for kind, shape in (("scalar", ""), ("vector", f", {SIZE}"), ("matrix", f", ({SIZE}, {SIZE})"))
}  # fmt: skip
_ENTRIES = {"vector_constant": "[index({0})]", "matrix_constant": "[index({0}), index({1})]"}

OPERATIONS: Mapping[str, Operation] = {
    name: Operation(name, _FORMS[name], _ENTRIES.get(name, "")) for name in codes.NAMES
}
BY_CODE: Mapping[int, Operation] = {one.code: one for one in OPERATIONS.values()}


def operation(name: str) -> Operation:
    """Return the operation of a name. Raises SearchSpaceError, with the nearest name, for any other."""
    if not isinstance(name, str):
        raise SearchSpaceError(f"operations are given by name, such as 'scalar_sum', got {name!r}")
    found = OPERATIONS.get(name)
    if found is None:
        raise SearchSpaceError(
            f"there is no operation {name!r}{nearest(name, OPERATIONS)}; there are: {', '.join(OPERATIONS)}"
        )
    return found


def codes_of(names: Iterable[str]) -> tuple[int, ...]:
    """Return the numbers of operations, each once, in their order; of one where it is a name alone."""
    if not isinstance(names, Iterable):
        raise SearchSpaceError(f"operations are given by name, such as ['scalar_sum'], got {names!r}")
    listed = [names] if isinstance(names, str) else names
    return tuple(dict.fromkeys(operation(name).code for name in listed))
