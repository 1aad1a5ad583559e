"""The machine of programs that learn: each operation, training, validation, and what must not change a bit."""

from concurrent.futures import ThreadPoolExecutor

import naive_programs as naive
import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernels.program_cases import ALL, DEMO, ELEMENTARY, EXACT, examples, fitness_of, language_of, programs_of, tasks_of

from evoml.genomes.program import Instruction, Program, Programs
from evoml.genomes.program.operations import OPERATIONS
from evoml.kernels.program_evaluate import _write_all_steps
from evoml.kernels.program_reach import make_memory
from evoml.kernels.program_run import make_rules, make_space, set_up, sizes_of
from evoml.kernels.program_tasks import make_tasks

ADDRESSES = (5, 4, 3)


@numba.njit(error_model="numpy")
def _run_setup(instructions, literals, lengths, tasks, block, sizes, rules, space):
    plan = _write_all_steps(instructions, literals, lengths, sizes, space)
    set_up((instructions, literals), plan, tasks, block, sizes, rules, space)


def _memory_after(program, tasks, addresses=ADDRESSES):
    """Memory of each task when `setup` has run, by address."""
    arrays, memory = Programs.of([program]), make_memory(*addresses)
    sizes = sizes_of(memory, tasks)
    space = make_space(arrays.room, sizes)
    parts = arrays.instructions[0], arrays.literals[0], arrays.lengths[0]
    _run_setup(*parts, tasks, 0, sizes, make_rules(), space)
    work, at, entries, lanes = space.work, 0, sizes.entries, sizes.lanes
    found = [{} for _ in range(int(tasks.used[0]))]
    for kind, count, shape in zip("svm", addresses, ((), (entries,), (entries, entries)), strict=True):
        for address in range(count):
            size = int(np.prod(shape)) * lanes
            values = work[at : at + size].reshape(*shape, lanes)
            for task, memory_of in enumerate(found):
                memory_of[f"{kind}{address}"] = values[..., task].copy()
            at += size
        at += int(np.prod(shape)) * lanes if kind != "s" else 0
    return found


def _naive_memory(program, tasks, task, addresses=ADDRESSES):
    machine = naive.Machine(program, addresses, tasks.train_features.shape[2], tasks.seeds[0, task])
    machine.run("setup", 0)
    return machine.memory


def _filled(spread):
    """Instructions that draw all memory that may be written to."""
    made = []
    for kind, count, first in zip(("scalar", "vector", "matrix"), ADDRESSES, (1, 1, 0), strict=True):
        made += [Instruction(f"{kind}_gaussian", address, (), (0.3, spread)) for address in range(first, count)]
    return tuple(made)


@pytest.mark.parametrize("entries", [4, 7])
@pytest.mark.parametrize("name", OPERATIONS)
def test_each_operation_does_what_its_twin_does(name, entries):
    one, rng = OPERATIONS[name], np.random.default_rng(OPERATIONS[name].code)
    tasks = tasks_of(rng, n_tasks=5, n=2, entries=entries)
    for spread in (0.7, 300.0, 1e7):
        counts = dict(zip("svm", ADDRESSES, strict=True))
        output = int(rng.integers(1, counts[one.output])) if one.output else 0
        inputs = tuple(int(rng.integers(counts[letter])) for letter in one.inputs)
        literals = tuple(rng.random(one.n_literals).tolist())
        program = Program((*_filled(spread), Instruction(name, output, inputs, literals)))
        for task, found in enumerate(_memory_after(program, tasks)):
            for address, expected in _naive_memory(program, tasks, task).items():
                if name.endswith(ELEMENTARY):
                    np.testing.assert_allclose(found[address], expected, rtol=1e-14, atol=1e-300)
                else:
                    np.testing.assert_array_equal(found[address], expected, err_msg=address)


@pytest.mark.parametrize(
    "name", ["matrix_vector_product", "matrix_transpose", "matrix_matrix_product", "vector_sum", "matrix_difference"]
)
def test_operations_may_write_over_what_they_read(name):
    tasks, one = tasks_of(np.random.default_rng(0), n=2), OPERATIONS[name]
    for inputs in ((1, 1), (1, 2), (2, 1)):
        program = Program((*_filled(1.0), Instruction(name, 1, inputs[: len(one.inputs)])))
        for task, found in enumerate(_memory_after(program, tasks)):
            for address, expected in _naive_memory(program, tasks, task).items():
                np.testing.assert_array_equal(found[address], expected)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**9), st.integers(1, 6), st.sampled_from([2, 4]), st.booleans(), st.sampled_from([0, 5]))
def test_fitness_is_that_of_the_twin(seed, n_tasks, entries, classes, every):
    rng, rules = np.random.default_rng(seed), make_rules(classes=classes, validate_every=every)
    language = language_of(EXACT, ADDRESSES)
    programs, parts = programs_of(language, rng, 8), examples(rng, n_tasks, 12, entries, classes)
    tasks = make_tasks(*parts, seed=5)
    fitness, _ = fitness_of(programs, language, tasks, rules)
    for i, program in enumerate(programs):
        for task in range(n_tasks):
            case = (*(part[task] for part in parts), tasks.seeds[0, task])
            assert fitness[i, task] == pytest.approx(naive.fitness(program, ADDRESSES, case, rules), abs=1e-13)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**9), st.booleans(), st.sampled_from([0, 4]), st.sampled_from([ALL, EXACT, DEMO]))
def test_leaving_out_dead_code_changes_no_bit(seed, classes, every, operations):
    rng, language = np.random.default_rng(seed), language_of(operations, (4, 3, 2))
    programs, tasks = programs_of(language, rng, 40), tasks_of(rng, classes=classes)
    rules = make_rules(classes=classes, validate_every=every)
    pruned, keys = fitness_of(programs, language, tasks, rules)
    whole, whole_keys = fitness_of(programs, language, tasks, rules, pruned=False)
    np.testing.assert_array_equal(pruned, whole)
    np.testing.assert_array_equal(keys, whole_keys)


def test_a_task_does_not_depend_on_the_others_or_on_blocks_or_threads():
    rng, language = np.random.default_rng(1), language_of()
    programs, parts = programs_of(language, rng, 200), examples(rng, n_tasks=7)
    together, _ = fitness_of(programs, language, make_tasks(*parts, seed=5))
    in_blocks, _ = fitness_of(programs, language, make_tasks(*parts, seed=5, block=2))
    np.testing.assert_array_equal(together, in_blocks)
    alone, _ = fitness_of(programs, language, make_tasks(*(part[:1] for part in parts), seed=5))
    np.testing.assert_array_equal(together[:, :1], alone)

    def part(first):
        return fitness_of(programs, language, make_tasks(*parts, seed=5), first=first, last=first + 50)[0][
            first : first + 50
        ]

    with ThreadPoolExecutor(4) as pool:
        np.testing.assert_array_equal(together, np.concatenate(list(pool.map(part, range(0, 200, 50)))))


def _linear(rate=0.1):
    return Program(
        (Instruction("scalar_constant", 2, (), (rate,)),),
        (Instruction("vector_inner_product", 1, (0, 1)),),
        (
            Instruction("scalar_difference", 3, (0, 1)),
            Instruction("scalar_product", 3, (3, 2)),
            Instruction("scalar_vector_product", 2, (3, 0)),
            Instruction("vector_sum", 1, (1, 2)),
        ),
    )


def test_gradient_descent_learns_and_too_fast_a_one_is_ended():
    rng, language = np.random.default_rng(0), language_of(DEMO, (4, 3, 0))
    tasks = tasks_of(rng, n_tasks=10, n=100)
    fitness, _ = fitness_of(Programs.of([_linear(), _linear(3.0), Program()]), language, tasks)
    assert fitness[0].min() > 0.99
    assert np.all(fitness[1] == 0)
    labels = tasks.valid_labels[0, :, :10]
    assert fitness[2] == pytest.approx(1 - 2 / np.pi * np.arctan(np.sqrt((labels**2).mean(axis=0))))


def test_equal_instructions_and_equal_errors_have_equal_keys():
    """And only these: of programs with the same errors in the trial one may still fail later, and it alone differs."""
    rng, language = np.random.default_rng(3), language_of(DEMO, (4, 3, 0), (6, 2, 5))
    programs, tasks = programs_of(language, rng, 4000), tasks_of(rng, n_tasks=4, n=40)
    fitness, keys = fitness_of(programs, language, tasks)
    merged, late = 0, 0
    for column in (0, 1):
        first = {}
        for i, key in enumerate(keys[:, column].tolist()):
            j = first.setdefault(key, i)
            same = fitness[i] == fitness[j]
            merged += j != i
            assert np.all(same | ((column == 1) & ((fitness[i] == 0) | (fitness[j] == 0))))
            late += not same.all()
    assert merged > 1000
    assert late < 0.01 * merged
    assert len(np.unique(keys[:, 1])) <= len(np.unique(keys[:, 0]))


def test_what_does_not_matter_does_not_change_the_key():
    language, rng = language_of(DEMO, (5, 3, 0)), np.random.default_rng(0)
    dead = Instruction("scalar_sum", 4, (4, 0))
    plain, sum_first = _linear(), Instruction("vector_sum", 1, (2, 1))
    longer = Program((dead, *plain.setup), (*plain.predict, dead), (dead, *plain.learn))
    swapped = Program(plain.setup, plain.predict, (*plain.learn[:-1], sum_first))
    other = _linear(0.2)
    _, keys = fitness_of(Programs.of([plain, longer, swapped, other]), language, tasks_of(rng))
    assert keys[0, 0] == keys[1, 0] == keys[2, 0] != keys[3, 0]
    assert keys[0, 1] == keys[1, 1] == keys[2, 1] != keys[3, 1]
