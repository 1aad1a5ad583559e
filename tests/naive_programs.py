"""Programs that learn, run slowly and plainly: twins of the machine, instruction by instruction in Python."""

import numpy as np

from evoml.kernels.random import mix, uniform

VALIDATION = 1 << 40
COMPONENTS = ("setup", "predict", "learn")
KINDS = {"s": 1, "v": 2, "m": 3}


def total(values):
    found = -0.0
    for value in values:
        found = found + value
    return found


def mean(values):
    values = list(values)
    return total(values) / len(values)


def norm(values):
    return np.sqrt(total(value * value for value in values))


def std(values):
    values = list(values)
    middle = mean(values)
    return np.sqrt(mean((value - middle) * (value - middle) for value in values))


def dot(a, b):
    return total(x * y for x, y in zip(a, b, strict=True))


def heaviside(x):
    return np.where(x >= 0.0, 1.0, 0.0)


def by_rows(statistic):
    return lambda m: np.array([statistic(row) for row in m])


ARITHMETIC = {
    "sum": np.add, "difference": np.subtract, "product": np.multiply, "division": np.divide, "min": np.minimum,
    "max": np.maximum, "abs": np.abs, "reciprocal": lambda x: 1.0 / x, "heaviside": heaviside,
}  # fmt: skip
FUNCTIONS = {name: getattr(np, name) for name in ("sin", "cos", "tan", "arcsin", "arccos", "arctan", "exp", "log")}
STATISTICS = {"norm": norm, "mean": mean, "std": std}
OTHERS = {
    "scalar_vector_product": np.multiply,
    "scalar_matrix_product": np.multiply,
    "vector_inner_product": dot,
    "vector_outer_product": np.outer,
    "matrix_vector_product": lambda m, v: np.array([dot(row, v) for row in m]),
    "matrix_matrix_product": lambda a, b: np.array([[dot(row, column) for column in b.T] for row in a]),
    "vector_column_broadcast": lambda v: np.tile(v[:, None], (1, len(v))),
    "vector_row_broadcast": lambda v: np.tile(v[None, :], (len(v), 1)),
    "matrix_column_norm": lambda m: by_rows(norm)(m.T),
    "matrix_row_norm": by_rows(norm),
    "matrix_row_mean": by_rows(mean),
    "matrix_row_std": by_rows(std),
    "matrix_transpose": np.transpose,
}


def computed(name, inputs, entries):
    _, _, rest = name.partition("_")
    if name in OTHERS:
        return OTHERS[name](*inputs)
    if name == "scalar_broadcast":
        return np.full(entries, inputs[0])
    if rest in STATISTICS:
        return STATISTICS[rest](np.ravel(inputs[0]))
    return (ARITHMETIC | FUNCTIONS)[rest](*inputs)


def child(key, number):
    return np.uint64(mix(np.uint64(key), number))


def drawn(one, component, output, example, seed, shape):
    where = (COMPONENTS.index(component) * 4 + KINDS[one.operation.output]) * 65536 + output
    key = child(child(seed, where), example)
    found = []
    for k in range(int(np.prod(shape))):
        mine = child(key, k)
        u, v = uniform(child(mine, 0)), uniform(child(mine, 1))
        a, b = one.literals
        if one.name.endswith("uniform"):
            found.append(a + (b - a) * u)
        else:
            found.append(a + b * np.sqrt(-2.0 * np.log(1.0 - u)) * np.cos(2.0 * np.pi * v))
    return np.reshape(found, shape)


class Machine:
    """The memory of one program on one task."""

    def __init__(self, program, addresses, entries, seed):
        scalars, vectors, matrices = addresses
        self.program, self.entries, self.seed = program, entries, seed
        self.shapes = {"s": (), "v": (entries,), "m": (entries, entries)}
        self.memory = {
            f"{kind}{address}": np.zeros(self.shapes[kind])
            for kind, count in zip("svm", (scalars, vectors, matrices), strict=True)
            for address in range(count)
        }

    def run(self, component, example):
        with np.errstate(all="ignore"):
            for one in getattr(self.program, component):
                self.execute(one, component, example)

    def execute(self, one, component, example):
        if not one.writes:
            return
        if one.operation.random:
            shape = self.shapes[one.operation.output]
            self.memory[one.writes] = drawn(one, component, one.output, example, self.seed, shape)
        elif one.name.endswith("constant"):
            *fractions, value = one.literals
            index = tuple(int(fraction * self.entries) for fraction in fractions)
            self.memory[one.writes] = np.array(self.memory[one.writes])
            self.memory[one.writes][index] = value
        else:
            inputs = [self.memory[address] for address in one.reads]
            self.memory[one.writes] = np.array(computed(one.name, inputs, self.entries), dtype=float)

    def predict(self, features, example):
        self.memory["v0"], self.memory["s0"] = features, np.zeros(())
        self.run("predict", example)
        return self.memory["s1"]

    def learn(self, features, label, example):
        self.memory["v0"], self.memory["s0"] = features, np.array(label)
        self.run("learn", example)


def sigmoid(x):
    with np.errstate(all="ignore"):
        return 1.0 / (1.0 + np.exp(-x))


def validated(machine, features, labels, rules):
    """Fitness on examples of validation, in memory as it is; 0 where one fails."""
    kept, loss = dict(machine.memory), 0.0
    for example, (x, y) in enumerate(zip(features, labels, strict=True)):
        prediction = machine.predict(x, VALIDATION + example)
        if rules.classes:
            if np.isnan(prediction):
                machine.memory = kept
                return 0.0
            loss += float((y > 0.5) != (prediction > 0))
        else:
            error = abs(y - prediction)
            if not error <= rules.largest_error:
                machine.memory = kept
                return 0.0
            loss += error * error
    machine.memory = kept
    loss /= len(labels)
    return 1.0 - loss if rules.classes else 1.0 - np.arctan(np.sqrt(loss)) * (2.0 / np.pi)


def fitness(program, addresses, task, rules):
    """Fitness on one task: (train features, train labels, valid features, valid labels, seed)."""
    features, labels, valid_features, valid_labels, seed = task
    machine = Machine(program, addresses, features.shape[1], seed)
    machine.run("setup", 0)
    best, every = 0.0, rules.validate_every or len(labels)
    for example, (x, y) in enumerate(zip(features, labels, strict=True)):
        prediction = machine.predict(x, example)
        if rules.classes:
            prediction = machine.memory["s1"] = np.array(sigmoid(prediction))
        if not abs(y - prediction) <= rules.largest_error:
            return best
        machine.learn(x, y, example)
        if (example + 1) % every == 0 or example + 1 == len(labels):
            best = max(best, validated(machine, valid_features, valid_labels, rules))
    return best
