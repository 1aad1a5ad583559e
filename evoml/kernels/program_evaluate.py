"""Fitness of programs that learn, on tasks: thousands in a call, each alone."""

import numpy as np

from evoml.kernels.compiling import kernel
from evoml.kernels.histogram import inner_kernel
from evoml.kernels.program_reach import Memory, find_fixed, hash_structure, mark_live, note_addresses
from evoml.kernels.program_run import Rules, finish, make_space, set_up, sizes_of, try_out
from evoml.kernels.program_steps import make_steps
from evoml.kernels.program_tasks import Tasks


@inner_kernel
def find_live(instructions, lengths, memory, space):  # type: ignore[no-untyped-def]
    """Mark in the space what reaches a program's prediction; return the bits of what it finds in memory at each example."""
    note_addresses(instructions, lengths, memory, space.writes, space.reads)
    return mark_live(instructions, lengths, memory, space.writes, space.reads, space.live)


@inner_kernel
def write_steps(instructions, literals, lengths, memory, before_predict, sizes, space):  # type: ignore[no-untyped-def]
    """Write the steps of what is live; return their Plan."""
    addresses = (space.writes, space.reads, space.live, space.fixed, space.order)
    n_fixed = find_fixed(instructions, lengths, memory, before_predict, *addresses)
    marks = (space.live, space.fixed, space.order, n_fixed)
    return make_steps(instructions, literals, lengths, *marks, sizes, space.steps, space.values)


@inner_kernel
def _write_all_steps(instructions, literals, lengths, sizes, space):  # type: ignore[no-untyped-def]
    space.live[:] = True
    space.fixed[:] = False
    marks = (space.live, space.fixed, space.order, np.int64(0))
    return make_steps(instructions, literals, lengths, *marks, sizes, space.steps, space.values)


@kernel(_nrt=False)
def _evaluate(instructions, literals, lengths, memory, tasks, rules, sizes, space, pruned, first, last, fitness, keys):  # type: ignore[no-untyped-def]
    for i in range(first, last):
        before_predict = find_live(instructions[i], lengths[i], memory, space)
        keys[i, 0] = hash_structure(instructions[i], literals[i], lengths[i], space.live)
        if pruned:
            plan = write_steps(instructions[i], literals[i], lengths[i], memory, before_predict, sizes, space)
        else:
            plan = _write_all_steps(instructions[i], literals[i], lengths[i], sizes, space)
        program = (instructions[i], literals[i])
        at = 0
        for block in range(len(tasks.used)):
            set_up(program, plan, tasks, block, sizes, rules, space)
            keys[i, 1] ^= try_out(program, plan, tasks, block, sizes, rules, space)
            finish(program, plan, tasks, block, sizes, rules, space)
            for lane in range(tasks.used[block]):
                fitness[i, at] = space.fitness[lane]
                at += 1


def evaluate(
    instructions: np.ndarray,
    literals: np.ndarray,
    lengths: np.ndarray,
    memory: Memory,
    tasks: Tasks,
    rules: Rules,
    first: int,
    last: int,
    fitness: np.ndarray,
    keys: np.ndarray,
    pruned: bool = True,
) -> None:
    """Set the fitness (n, tasks) of programs first ... last - 1 on each task, and their keys.

    instructions (n, 3 * room, 4) int32, literals (n, 3 * room, 3) float64, lengths (n, 3) int32. keys (n, 2) uint64: a hash of
    the instructions that reach the prediction, and one of the errors on the examples of the trial. pruned: whether the others
    are left out, and what is the same at every example runs once; it changes nothing but the time.
    """
    keys[first:last] = 0
    sizes = sizes_of(memory, tasks)
    space = make_space(instructions.shape[1] // 3, sizes)
    _evaluate(instructions, literals, lengths, memory, tasks, rules, sizes, space, pruned, first, last, fitness, keys)
