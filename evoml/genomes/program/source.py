"""A learned algorithm as NumPy source that runs without evoml: the program, and how a table is shown to it.

It does what :mod:`evoml.evaluation.program_model` and the estimators do; the two must give the same predictions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from evoml.genomes.program.operations import Operation
from evoml.genomes.program.program import Instruction, Program
from evoml.kernels.program_codes import COMPONENTS

_ENTRYWISE = {
    "sum": "{0} + {1}",
    "difference": "{0} - {1}",
    "product": "{0} * {1}",
    "division": "{0} / {1}",
    "min": "np.minimum({0}, {1})",
    "max": "np.maximum({0}, {1})",
    "abs": "np.abs({0})",
    "reciprocal": "1.0 / {0}",
    "heaviside": "np.float64({0} >= 0.0)",
}
_STATISTICS = {"norm": "np.sqrt(np.sum({0} * {0}))", "mean": "np.mean({0})", "std": "np.std({0})"}
#: What is assigned, for `str.format`: inputs, then literals, by number.
_EXPRESSIONS: Mapping[str, str] = {
    **{f"{kind}_{name}": form for name, form in _ENTRYWISE.items() for kind in ("scalar", "vector", "matrix")},
    **{f"{kind}_heaviside": "({0} >= 0.0).astype(np.float64)" for kind in ("vector", "matrix")},
    **{
        f"scalar_{name}": f"np.{name}({{0}})"
        for name in ("sin", "cos", "tan", "arcsin", "arccos", "arctan", "exp", "log")
    },
    **{f"{kind}_{name}": form for name, form in _STATISTICS.items() for kind in ("vector", "matrix")},
    "scalar_vector_product": "{0} * {1}",
    "scalar_matrix_product": "{0} * {1}",
    "scalar_broadcast": "np.full(n, {0})",
    "vector_inner_product": "{0} @ {1}",
    "vector_outer_product": "np.outer({0}, {1})",
    "matrix_vector_product": "{0} @ {1}",
    "matrix_matrix_product": "{0} @ {1}",
    "vector_column_broadcast": "np.tile({0}[:, None], (1, n))",
    "vector_row_broadcast": "np.tile({0}, (n, 1))",
    "matrix_column_norm": "np.sqrt(np.sum({0} * {0}, axis=0))",
    "matrix_row_norm": "np.sqrt(np.sum({0} * {0}, axis=1))",
    "matrix_row_mean": "np.mean({0}, axis=1)",
    "matrix_row_std": "np.std({0}, axis=1)",
    "matrix_transpose": "{0}.T",
    "scalar_constant": "np.float64({0})",
    "vector_constant": "with_entry({output}, {1}, {0})",
    "matrix_constant": "with_entry({output}, {2}, {0}, {1})",
}
_ZERO = {"s": "np.float64(0.0)", "v": "np.zeros(n)", "m": "np.zeros((n, n))"}
_SHAPES = {"s": "()", "v": "n", "m": "(n, n)"}
_KINDS = {"s": 1, "v": 2, "m": 3}  # what draws hang on, as in the kernels


def numpy_source(
    program: Program, *, classes: bool, examples: int, most_features: int, largest_error: float, seed: int
) -> str:
    """Return the text of a module with ``LearnedAlgorithm(seed).fit(X, y).predict(X)``.

    classes: whether labels are classes, of which there may be any number. examples: that are learned from.
    most_features: of the program's vectors. seed: the one that is taken where none is given.
    """
    instructions = [one for component in program.components for one in component]
    draws = any(one.operation.random for one in instructions)
    table = _CLASSES if classes else _NUMBERS
    for which, number in (("{seed_of_first}", "0"), ("{seed_of_each}", "k")):
        table = table.replace(which, f"mixed(self.seed, {number})" if draws else "self.seed")
    table = table.replace("{seed}", str(seed))
    parts = [
        _HEAD.format(
            examples=examples,
            most_features=most_features,
            largest_error=largest_error,
        ),
        _DRAWS if draws else "",
        _WITH_ENTRY if any(one.operation.entry for one in instructions) else "",
        _learner(program),
        _TABLE,
        table,
    ]
    return "\n\n".join(part.strip("\n") + "\n" for part in parts if part)


def _learner(program: Program) -> str:
    lines = ["class Learner:", '    """What was evolved: s are scalars, v vectors and m matrices of n features."""', ""]
    lines += ["    def __init__(self, n, seed):", "        self.n, self.seed, self.example = n, seed, 0"]
    for letter, count in zip("svm", program.addresses, strict=True):
        if count:
            places = " = ".join(f"self.{letter}{address}" for address in range(count))
            lines.append(f"        {places} = {_ZERO[letter]}")
    for name, component in zip(COMPONENTS, program.components, strict=True):
        lines += ["", f"    def {name}(self):", *_body(name, component)]
    return "\n".join(lines) + "\n"


def _body(name: str, component: Iterable[Instruction]) -> list[str]:
    written = [f"        self.{one.writes} = {_expression(name, one)}" for one in component if one.writes]
    if any("n" in _words(line) for line in written):
        written.insert(0, "        n = self.n")
    return written or ["        pass"]


def _words(line: str) -> list[str]:
    return "".join(letter if letter.isalnum() or letter == "_" else " " for letter in line).split()


def _expression(component: str, one: Instruction) -> str:
    operation = one.operation
    literals = [
        repr(float(value)) if value == value and abs(value) != float("inf") else f"np.{value}" for value in one.literals
    ]
    if operation.random:
        return _draw(component, one, operation, literals)
    inputs = [f"self.{address}" for address in one.reads]
    return _EXPRESSIONS[one.name].format(*inputs, *literals, output=f"self.{one.writes}")


def _draw(component: str, one: Instruction, operation: Operation, literals: list[str]) -> str:
    kind = "gaussian" if one.name.endswith("gaussian") else "uniform"
    place = (COMPONENTS.index(component) * 4 + _KINDS[operation.output]) * 65536 + one.output
    return f"{kind}({', '.join(literals)}, {_SHAPES[operation.output]}, (self.seed, {place}, self.example))"


_HEAD = '''
"""A learning algorithm that evoml has evolved. It needs nothing but NumPy.

    model = LearnedAlgorithm().fit(X, y)
    model.predict(X_new)
"""

import numpy as np

EXAMPLES = {examples}  # that it learns from: rows of smaller tables come several times, of larger ones so many are drawn
MOST_FEATURES = {most_features}  # more columns are projected at random
LARGEST_ERROR = {largest_error}  # beyond which learning has failed
FOR_PREDICTION = 1 << 40  # number of an example that is not learned from; random numbers hang on it
'''

_DRAWS = '''
def mixed(key, numbers):
    """Keys of the children of a key: the finaliser of splitmix64."""
    with np.errstate(over="ignore"):
        z = np.asarray(key, np.uint64) + (np.asarray(numbers, np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def uniforms(identity, shape, which):
    """Numbers in [0, 1) that hang on the seed, the place in the program and the example."""
    seed, place, example = identity
    keys = mixed(mixed(mixed(seed, place), example), np.arange(int(np.prod(shape))))
    return ((mixed(keys, which) >> np.uint64(11)) * 2.0**-53).reshape(shape)


def uniform(low, high, shape, identity):
    return low + (high - low) * uniforms(identity, shape, 0)


def gaussian(mean, spread, shape, identity):
    radius = np.sqrt(-2.0 * np.log(1.0 - uniforms(identity, shape, 0)))
    return mean + spread * radius * np.cos(2.0 * np.pi * uniforms(identity, shape, 1))
'''

_WITH_ENTRY = '''
def with_entry(array, value, *fractions):
    """The array with another entry at these fractions of its size."""
    array, size = array.copy(), len(array)
    array[tuple(min(max(int(fraction * size), 0), size - 1) for fraction in fractions)] = value
    return array
'''

_TABLE = '''
def inverse_spread(centred, largest):
    spread = centred.std(axis=0)
    varies = spread > 1e-12 * largest
    return np.where(varies, 1.0, 0.0) / np.where(varies, spread, 1.0)


class Table:
    """How columns become features: those that vary with mean 0 and spread 1, or random projections of these."""

    def __init__(self, X, rng):
        self.centre = X.mean(axis=0)
        self.weights = inverse_spread(X - self.centre, np.abs(X).max(axis=0))
        if X.shape[1] > MOST_FEATURES:
            self.weights = self.weights[:, None] * rng.normal(size=(X.shape[1], MOST_FEATURES))
            projected = (X - self.centre) @ self.weights
            self.weights = self.weights * inverse_spread(projected, np.abs(projected).max(axis=0))
        n_rows = len(X)
        self.order = np.concatenate([rng.permutation(n_rows) for _ in range(-(-EXAMPLES // n_rows))])[:EXAMPLES]

    def features(self, X):
        centred = np.asarray(X, np.float64) - self.centre
        return centred * self.weights if self.weights.ndim == 1 else centred @ self.weights


def trained(features, labels, order, seed, logistic):
    """A learner that has seen the examples in their order; None if it failed."""
    learner = Learner(features.shape[1], seed)
    learner.setup()
    for learner.example, row in enumerate(order):
        learner.v0, learner.s0 = features[row], np.float64(0.0)
        learner.predict()
        if logistic:
            learner.s1 = 1.0 / (1.0 + np.exp(-learner.s1))
        if not abs(labels[row] - learner.s1) <= LARGEST_ERROR:
            return None
        learner.s0 = labels[row]
        learner.learn()
    return learner


def predicted(learner, features, otherwise):
    """What a learner predicts for each row alone; ``otherwise`` where that is no number."""
    found = np.full(len(features), otherwise)
    if learner is None:
        return found
    memory = dict(vars(learner))
    for row, x in enumerate(features):
        vars(learner).update(memory)
        learner.v0, learner.s0, learner.example = x, np.float64(0.0), FOR_PREDICTION
        learner.predict()
        found[row] = learner.s1 if np.isfinite(learner.s1) else otherwise
    vars(learner).update(memory)
    return found
'''

_NUMBERS = '''
class LearnedAlgorithm:
    """Learns to predict numbers."""

    def __init__(self, seed={seed}):
        self.seed = seed

    def fit(self, X, y):
        X, y = np.asarray(X, np.float64), np.asarray(y, np.float64)
        self.table = Table(X, np.random.default_rng(self.seed))
        self.mean, self.spread = y.mean(), y.std()
        labels = (y - self.mean) * inverse_spread(y - self.mean, np.abs(y).max())
        with np.errstate(all="ignore"):
            self.learner = trained(self.table.features(X), labels, self.table.order, {seed_of_first}, False)
        return self

    def predict(self, X):
        with np.errstate(all="ignore"):
            return self.mean + self.spread * predicted(self.learner, self.table.features(X), 0.0)
'''

_CLASSES = '''
class LearnedAlgorithm:
    """Learns to tell classes apart: one learner where there are two, else one for each against the rest."""

    def __init__(self, seed={seed}):
        self.seed = seed

    def fit(self, X, y):
        X, y = np.asarray(X, np.float64), np.asarray(y)
        self.table = Table(X, np.random.default_rng(self.seed))
        self.classes = np.unique(y)
        kinds = self.classes[1:] if len(self.classes) == 2 else self.classes
        labels = (y[:, None] == kinds).astype(np.float64)
        self.shares = labels.mean(axis=0)
        features = self.table.features(X)
        with np.errstate(all="ignore"):
            self.learners = [
                trained(features, labels[:, k], self.table.order, {seed_of_each}, True) for k in range(len(kinds))
            ]
        return self

    def predict_proba(self, X):
        features = self.table.features(X)
        with np.errstate(all="ignore"):
            logits = [
                predicted(learner, features, np.log(share / (1.0 - share)))
                for learner, share in zip(self.learners, self.shares)
            ]
            found = 1.0 / (1.0 + np.exp(-np.column_stack(logits)))
        if len(self.classes) == 2:
            return np.column_stack([1.0 - found, found])
        total = found.sum(axis=1, keepdims=True)
        return np.where(total > 0, found / np.where(total > 0, total, 1.0), self.shares)

    def predict(self, X):
        return self.classes[self.predict_proba(X).argmax(axis=1)]
'''
