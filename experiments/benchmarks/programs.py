"""How many programs that learn are judged in a CPU second: the demonstration of AutoML-Zero (Real et al. 2020), part by part.

    python experiments/benchmarks/programs.py [--births 300000] [--seeds 3] [--most 3000000]

The setting is that of the published demonstration: ten tasks of linear regression with 4 features, 100 examples of training
and 100 of validation each; six operations, components of 10, 2 and 8 instructions filled at random; 1,000 programs,
tournaments of 10; with probability 0.9 a mutant alters a part, or randomises an instruction or a component. A search has
solved it when its best program has a fitness of 0.9999 on 100 other tasks with 1,000 examples of training. Seconds are CPU
seconds of one thread. The first line is a workload of NumPy, for comparing machines: figures times these seconds.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from evoml.genomes.program import Instruction, Program, Programs
from evoml.genomes.program.canonical import canonical
from evoml.genomes.program.operations import codes_of
from evoml.genomes.program.text import write
from evoml.kernels.program_evaluate import evaluate
from evoml.kernels.program_reach import find_reach, make_memory
from evoml.kernels.program_run import make_rules
from evoml.kernels.program_search import COUNT_NAMES, EQUAL, REPEATED, State, evolve, make_settings, make_state
from evoml.kernels.program_tasks import Tasks, make_tasks
from evoml.kernels.program_variation import make_child, make_language, vary

PUBLISHED = {"with its cache": 22.6, "without": 14.5}  # thousands a CPU second, the C++ on a machine like the README's
OPERATIONS = (
    "scalar_constant",
    "vector_inner_product",
    "scalar_difference",
    "scalar_product",
    "scalar_vector_product",
    "vector_sum",
)
SIZES, ROOM = (10, 2, 8), 10
MEMORY = make_memory(4, 3, 1)
LANGUAGE = make_language(MEMORY, (codes_of(OPERATIONS),) * 3, SIZES, SIZES, SIZES, (1, 1, 1, 0, 0, 0, 0), 0.9)
RULES = make_rules()
WAYS = {
    "all that is remembered": make_settings(),
    "equal errors only, as published": make_settings(repeats=False),
    "equal instructions only": make_settings(equals=False),
    "nothing remembered": make_settings(repeats=False, equals=False),
    "nothing run (variation, dead code)": make_settings(repeats=False, equals=False, budget=-1.0),
}


def linear_tasks(seed: int, n_tasks: int = 10, n_train: int = 100, n_valid: int = 100, entries: int = 4) -> Tasks:
    """Return tasks of linear regression, weights and features normal."""
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(n_tasks, entries))
    features = rng.normal(size=(n_tasks, n_train + n_valid, entries))
    labels = np.einsum("tnf,tf->tn", features, weights)
    return make_tasks(features[:, :n_train], labels[:, :n_train], features[:, n_train:], labels[:, n_train:], seed=seed)


def seconds(call: Callable[[], Any]) -> float:
    """Return the CPU seconds of a call."""
    began = time.process_time()
    call()
    return time.process_time() - began


def numpy_workload() -> None:
    """Multiply, sort and exponentiate fixed numbers."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(400, 400)), rng.normal(size=500_000)
    for _ in range(3):
        a = a @ a / 400
        np.sort(b)
        np.exp(b)


def rates(births: int, seeds: int) -> dict[str, State]:
    """Print programs judged in a CPU second by what is remembered; the ways take turns."""
    evolve(make_state(10, ROOM, 0), 20, LANGUAGE, linear_tasks(0), RULES, make_settings())
    taken: dict[str, list[float]] = {way: [] for way in WAYS}
    last: dict[str, State] = {}
    for seed in range(seeds):
        for way, settings in WAYS.items():
            tasks, state = linear_tasks(1000 + seed), make_state(1000, ROOM, seed)
            taken[way].append(seconds(partial(evolve, state, births, LANGUAGE, tasks, RULES, settings)))
            last[way] = state
    print(
        f"\n{births:,} programs, seeds 0 to {seeds - 1}: thousands of programs a CPU second, and shares of the last seed"
    )
    for way, of_seeds in taken.items():
        counts = last[way].counts
        shares = ", ".join(
            f"{name} {count / births:.1%}" for name, count in zip(COUNT_NAMES[1:], counts[1:], strict=True) if count
        )
        each = " ".join(f"{births / one / 1e3:6.1f}" for one in of_seeds)
        print(f"  {way:36} {births * len(of_seeds) / sum(of_seeds) / 1e3:7.1f}   ({each})   {shares}")
    for name, way in zip(PUBLISHED, ("equal errors only, as published", "nothing remembered"), strict=True):
        rate = births * seeds / sum(taken[way]) / 1e3
        print(f"  published {name}: {PUBLISHED[name]}; {rate / PUBLISHED[name]:.1f} x that here")
    rate = births * seeds / sum(taken["all that is remembered"]) / 1e3
    print(f"  all that is remembered: {rate / PUBLISHED['with its cache']:.1f} x the published rate with its cache")
    return last


def best_of(call: Callable[[], Any], times: int = 7) -> float:
    return min(seconds(call) for _ in range(times))


def parts_of_the_time(state: State) -> None:
    """Print what each part costs for the population of a search."""
    n, tasks = len(state.fitness), linear_tasks(1000)
    arrays = (state.instructions, state.literals, state.lengths)
    fitness, keys = np.zeros((n, 10)), np.zeros((n, 2), np.uint64)
    live, structures = np.zeros((n, 3 * ROOM), np.bool_), np.zeros(n, np.uint64)
    scratch = np.zeros(3 * ROOM, np.uint64), np.zeros(3 * ROOM, np.uint64)
    names = np.arange(n, dtype=np.uint64)
    child = make_child(ROOM)

    def mutants() -> None:
        copies = [array.copy() for array in arrays]
        vary(-1, names, LANGUAGE, child, *copies, 0, n)

    def run(pruned: bool) -> Callable[[], None]:
        return lambda: evaluate(*arrays, MEMORY, tasks, RULES, 0, n, fitness, keys, pruned)

    calls = {
        "copies and mutants": mutants,
        "finding dead code, hash of the rest": lambda: find_reach(*arrays, MEMORY, *scratch, live, structures, 0, n),
        "trial and run of what is live": run(True),
        "trial and run of all instructions": run(False),
    }
    print("\nmicroseconds for one program of a population at the end of such a search")
    for call in calls.values():
        call()
    for name, call in calls.items():
        print(f"  {name:36} {best_of(call) / n * 1e6:7.2f}")
    shares = [live[:, k * ROOM : k * ROOM + SIZES[k]].mean() for k in range(3)]
    print(f"  live of the instructions of setup, predict, learn: {shares[0]:.0%}, {shares[1]:.0%}, {shares[2]:.0%}")


def steps_of_the_machine() -> None:
    """Print what a step costs, by differences between programs of few and of many."""
    print(
        "\nnanoseconds for a step for ten tasks of 4 features at once, of which the first is little more than dispatch;"
    )
    print("and for one task in the lanes of four, times ten")
    cases = {
        "scalar_constant": Instruction("scalar_constant", 2, (), (0.5,)),
        "scalar_sum": Instruction("scalar_sum", 2, (0, 3)),
        "scalar_exp": Instruction("scalar_exp", 2, (0,)),
        "vector_inner_product": Instruction("vector_inner_product", 2, (0, 1)),
        "scalar_vector_product": Instruction("scalar_vector_product", 2, (0, 0)),
        "vector_sum": Instruction("vector_sum", 2, (0, 1)),
        "matrix_vector_product": Instruction("matrix_vector_product", 2, (0, 0)),
        "vector_outer_product": Instruction("vector_outer_product", 0, (0, 1)),
        "matrix_matrix_product": Instruction("matrix_matrix_product", 0, (1, 1)),
    }
    memory, many = make_memory(4, 3, 2), 60
    for name, one in cases.items():
        found = []
        for n_tasks in (10, 1):
            tasks = linear_tasks(0, n_tasks)
            taken = []
            for count in (0, many):
                programs = Programs.of([Program((), (one,) * count, ())] * 20, many)
                fitness, keys = np.zeros((20, n_tasks)), np.zeros((20, 2), np.uint64)
                arrays = (programs.instructions, programs.literals, programs.lengths)
                rules = make_rules(trial_train=0, trial_valid=0)
                call = _evaluation(arrays, memory, tasks, rules, fitness, keys)
                call()
                taken.append(best_of(call))
            found.append((taken[1] - taken[0]) / (20 * many * 200) * 1e9)
        print(f"  {name:24} {found[0]:7.2f} {10 * found[1]:9.2f}")


def _evaluation(arrays: Any, memory: Any, tasks: Tasks, rules: Any, fitness: Any, keys: Any) -> Callable[[], None]:
    return lambda: evaluate(*arrays, memory, tasks, rules, 0, len(keys), fitness, keys, False)


def solutions(seeds: int, most: int) -> None:
    """Print how long searches take until their best program works on tasks that they have not seen."""
    unseen = linear_tasks(77, 100, 1000)
    print("\nsolved: fitness above 0.9999 on 100 other tasks with 1,000 examples of training")
    for seed in range(seeds):
        tasks, state, taken, found = linear_tasks(2000 + seed), make_state(1000, ROOM, 100 + seed), 0.0, 0.0
        while state.counts[0] < most and found <= 0.9999:
            taken += seconds(partial(evolve, state, 20_000, LANGUAGE, tasks, RULES, make_settings()))
            best = [array[None] for array in (state.best_instructions, state.best_literals, state.best_lengths)]
            fitness, keys = np.zeros((1, 100)), np.zeros((1, 2), np.uint64)
            evaluate(*best, MEMORY, unseen, RULES, 0, 1, fitness, keys)
            found = float(fitness.mean())
        known = state.counts[[REPEATED, EQUAL]].sum() / state.counts[0]
        print(
            f"  seed {seed}: {found:.6f} after {state.counts[0]:,} programs, {taken:.2f} CPU seconds ({known:.0%} known)"
        )
    print("\nthe last one, in its canonical form:\n")
    print(write(canonical(Programs(*best)[0])))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--births", type=int, default=300_000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--most", type=int, default=3_000_000)
    options = parser.parse_args()
    numpy_workload()
    print(f"a workload of NumPy: {best_of(numpy_workload, 5):.3f} CPU seconds")
    last = rates(options.births, options.seeds)
    parts_of_the_time(last["nothing remembered"])
    steps_of_the_machine()
    solutions(options.seeds, options.most)
    print(f"a workload of NumPy again: {best_of(numpy_workload, 5):.3f} CPU seconds")


if __name__ == "__main__":
    main()
