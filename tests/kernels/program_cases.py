"""Programs and tasks at random, for tests."""

import numpy as np

from evoml.genomes.program import Programs
from evoml.kernels.program_codes import CODES, N_OPERATIONS, NAMES
from evoml.kernels.program_evaluate import evaluate
from evoml.kernels.program_reach import make_memory
from evoml.kernels.program_run import make_rules
from evoml.kernels.program_tasks import make_tasks
from evoml.kernels.program_variation import make_child, make_language, sample

ALL = tuple(range(N_OPERATIONS))
ELEMENTARY = ("sin", "cos", "tan", "arcsin", "arccos", "arctan", "exp", "log")  # not to the last bit those of NumPy
EXACT = tuple(code for code in ALL if not NAMES[code].endswith(ELEMENTARY))
DEMO = tuple(
    CODES[name]
    for name in (
        "scalar_constant",
        "vector_inner_product",
        "scalar_difference",
        "scalar_product",
        "scalar_vector_product",
        "vector_sum",
    )
)


def keys_of(rng, n):
    return rng.integers(0, 2**63, n).astype(np.uint64)


def language_of(
    operations=ALL,
    addresses=(5, 4, 3),
    sizes=(8, 5, 7),
    least=(0, 0, 0),
    most=(8, 8, 8),
    weights=(1,) * 7,
    probability=0.9,
):
    return make_language(make_memory(*addresses), (operations,) * 3, sizes, least, most, weights, probability)


def programs_of(language, rng, n=1, room=8):
    made = Programs.empty(n, room)
    sample(keys_of(rng, n), language, make_child(room), made.instructions, made.literals, made.lengths, 0, n)
    return made


def examples(rng, n_tasks=3, n=12, entries=4, classes=False):
    """Features and labels of training and of validation."""
    weights = rng.normal(size=(n_tasks, entries))
    features = rng.normal(size=(n_tasks, 2 * n, entries))
    labels = np.einsum("tnf,tf->tn", features, weights)
    labels = (labels > 0).astype(float) if classes else labels
    return features[:, :n], labels[:, :n], features[:, n:], labels[:, n:]


def tasks_of(rng, block=16, **sizes):
    return make_tasks(*examples(rng, **sizes), seed=5, block=block)


def fitness_of(programs, language, tasks, rules=None, pruned=True, first=0, last=None):
    n = len(programs)
    fitness, keys = np.full((n, int(tasks.used.sum())), -1.0), np.zeros((n, 2), np.uint64)
    last = n if last is None else last
    arrays = (programs.instructions, programs.literals, programs.lengths)
    evaluate(*arrays, language.memory, tasks, rules or make_rules(), first, last, fitness, keys, pruned)
    return fitness, keys
