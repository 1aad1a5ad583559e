"""Operations of programs that learn, by number: what each reads and writes, shared by the kernels and the genome.

They are those of AutoML-Zero with their numbers (Real et al. 2020, supplement S1, table S1). A program has three components,
which set up its memory, predict a label from features, and learn from the label. Memory is scalars s0, s1 ..., vectors v0 ...
and matrices m0 ...: s0 holds the label, s1 the prediction, v0 the features.
"""

from __future__ import annotations

import numpy as np

SETUP, PREDICT, LEARN = range(3)
COMPONENTS = ("setup", "predict", "learn")
LABEL, PREDICTION, FEATURES = 0, 1, 0  # addresses of the scalars s0 and s1, and of the vector v0
FIRST_OUTPUT = np.array([0, 1, 1, 0], np.int32)  # by type of memory: neither the label nor the features are written to

NOTHING, SCALAR, VECTOR, MATRIX = range(4)  # types of memory
VALUE, PLACE, MEAN, SPREAD, BOUND = range(1, 6)  # what a literal is; PLACE is an index as a fraction of the size
N_LITERALS = 3
MUTATIONS = ("alter", "randomise_instruction", "randomise_component", "insert", "remove", "trade", "randomise_program")
CHUNK = 4  # tasks in a vector of the machine; the number of its lanes is a multiple

_TYPES = {"": NOTHING, "s": SCALAR, "v": VECTOR, "m": MATRIX}
_LITERALS = {"x": VALUE, "i": PLACE, "a": MEAN, "d": SPREAD, "b": BOUND}
# Name, and output : inputs : literals.
_TABLE = (
    ("no_op", "::"),
    ("scalar_sum", "s:ss:"), ("scalar_difference", "s:ss:"), ("scalar_product", "s:ss:"), ("scalar_division", "s:ss:"),
    ("scalar_abs", "s:s:"), ("scalar_reciprocal", "s:s:"), ("scalar_sin", "s:s:"), ("scalar_cos", "s:s:"),
    ("scalar_tan", "s:s:"), ("scalar_arcsin", "s:s:"), ("scalar_arccos", "s:s:"), ("scalar_arctan", "s:s:"),
    ("scalar_exp", "s:s:"), ("scalar_log", "s:s:"),
    ("scalar_heaviside", "s:s:"), ("vector_heaviside", "v:v:"), ("matrix_heaviside", "m:m:"),
    ("scalar_vector_product", "v:sv:"), ("scalar_broadcast", "v:s:"), ("vector_reciprocal", "v:v:"), ("vector_norm", "s:v:"),
    ("vector_abs", "v:v:"), ("vector_sum", "v:vv:"), ("vector_difference", "v:vv:"), ("vector_product", "v:vv:"),
    ("vector_division", "v:vv:"), ("vector_inner_product", "s:vv:"), ("vector_outer_product", "m:vv:"),
    ("scalar_matrix_product", "m:sm:"), ("matrix_reciprocal", "m:m:"), ("matrix_vector_product", "v:mv:"),
    ("vector_column_broadcast", "m:v:"), ("vector_row_broadcast", "m:v:"), ("matrix_norm", "s:m:"),
    ("matrix_column_norm", "v:m:"), ("matrix_row_norm", "v:m:"), ("matrix_transpose", "m:m:"), ("matrix_abs", "m:m:"),
    ("matrix_sum", "m:mm:"), ("matrix_difference", "m:mm:"), ("matrix_product", "m:mm:"), ("matrix_division", "m:mm:"),
    ("matrix_matrix_product", "m:mm:"),
    ("scalar_min", "s:ss:"), ("vector_min", "v:vv:"), ("matrix_min", "m:mm:"),
    ("scalar_max", "s:ss:"), ("vector_max", "v:vv:"), ("matrix_max", "m:mm:"),
    ("vector_mean", "s:v:"), ("matrix_mean", "s:m:"), ("matrix_row_mean", "v:m:"), ("matrix_row_std", "v:m:"),
    ("vector_std", "s:v:"), ("matrix_std", "s:m:"),
    ("scalar_constant", "s::x"), ("vector_constant", "v::ix"), ("matrix_constant", "m::iix"),
    ("scalar_uniform", "s::bb"), ("vector_uniform", "v::bb"), ("matrix_uniform", "m::bb"),
    ("scalar_gaussian", "s::ad"), ("vector_gaussian", "v::ad"), ("matrix_gaussian", "m::ad"),
)  # fmt: skip

NAMES = tuple(name for name, _ in _TABLE)
CODES = {name: code for code, name in enumerate(NAMES)}
N_OPERATIONS = len(_TABLE)
_COMMUTATIVE = (
    "scalar_sum", "scalar_product", "vector_sum", "vector_product", "vector_inner_product", "matrix_sum", "matrix_product",
)  # fmt: skip

# What each operation writes, reads and holds, by code.
OUTPUT = np.zeros(N_OPERATIONS, np.int32)
INPUTS = np.zeros((N_OPERATIONS, 2), np.int32)
LITERALS = np.zeros((N_OPERATIONS, N_LITERALS), np.int32)
COMMUTATIVE = np.isin(NAMES, _COMMUTATIVE)  # to the last bit, nan and signed zeros included
PARTIAL = np.isin(
    NAMES, ("vector_constant", "matrix_constant")
)  # they write one entry and leave the others as they are
RANDOM = np.array([name.endswith(("uniform", "gaussian")) for name in NAMES])

for _code, (_, _signature) in enumerate(_TABLE):
    _output, _inputs, _literals = _signature.split(":")
    OUTPUT[_code] = _TYPES[_output]
    INPUTS[_code, : len(_inputs)] = [_TYPES[letter] for letter in _inputs]
    LITERALS[_code, : len(_literals)] = [_LITERALS[letter] for letter in _literals]

NO_OP = 0
SCALAR_CONSTANT, VECTOR_CONSTANT, MATRIX_CONSTANT = (
    CODES[f"{kind}_constant"] for kind in ("scalar", "vector", "matrix")
)
MATRIX_VECTOR_PRODUCT, MATRIX_TRANSPOSE = CODES["matrix_vector_product"], CODES["matrix_transpose"]
MATRIX_MATRIX_PRODUCT = CODES["matrix_matrix_product"]
FIRST_RANDOM, FIRST_GAUSSIAN = CODES["scalar_uniform"], CODES["scalar_gaussian"]  # there is nothing else from here on

# Steps of the machine that are no operations of a program.
CHECK, CHECK_LOGISTIC, SCORE, SCORE_CLASS = range(N_OPERATIONS, N_OPERATIONS + 4)
HASHED = 4  # added to those: the errors are hashed too
NEXT, STOP, COPY_VECTOR, COPY_MATRIX = range(N_OPERATIONS + 8, N_OPERATIONS + 12)
