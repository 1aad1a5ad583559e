"""Runs of a program on a block of tasks: training and validation, and a trial on few examples by which equals are known."""

from typing import NamedTuple

import numpy as np

from evoml.kernels.expression_lanes import of_numbers
from evoml.kernels.expression_math import LARGEST_ANGLE, near_cos, near_sin, near_tan
from evoml.kernels.histogram import inlined_kernel, inner_kernel
from evoml.kernels.program_codes import (
    CHECK,
    CHECK_LOGISTIC,
    CODES,
    FIRST_GAUSSIAN,
    FIRST_RANDOM,
    HASHED,
    MATRIX,
    OUTPUT,
    SCALAR,
    SCORE,
    SCORE_CLASS,
)
from evoml.kernels.program_machine import ALL_FAILED, make_machine, run_machine
from evoml.kernels.program_steps import Sizes, memory_numbers, steps_room
from evoml.kernels.program_tasks import Tasks
from evoml.kernels.random import mix, uniform

_SIN, _COS = CODES["scalar_sin"], CODES["scalar_cos"]
_START, _ONE = np.int64(0), np.int64(1)
OF_VALIDATION = np.int64(1 << 40)  # examples of validation have other random numbers than those of training
_sine, _cosine, _tangent = of_numbers(near_sin), of_numbers(near_cos), of_numbers(near_tan)


class Rules(NamedTuple):
    """How programs are judged.

    largest_error: a prediction that is further off, or is not a number, ends a task with fitness 0. classes: labels are 0 or 1,
    predictions logits, the fitness is the accuracy; else the fitness is 1 - 2 / pi * arctan(root mean squared error).
    validate_every: examples of training after which there is a validation, the best of which counts; 0 for one at the end.
    trial_train, trial_valid: examples of the trial by which equal programs are known.
    """

    largest_error: float
    classes: bool
    validate_every: int
    trial_train: int
    trial_valid: int


def make_rules(
    largest_error: float = 100.0,
    classes: bool = False,
    validate_every: int = 0,
    trial_train: int = 10,
    trial_valid: int = 10,
) -> Rules:
    """Rules of the types that the kernels are compiled for; defaults are the paper's."""
    return Rules(float(largest_error), bool(classes), int(validate_every), int(trial_train), int(trial_valid))


class Space(NamedTuple):
    """What one thread runs programs in: their steps, memory, and what becomes of each lane."""

    writes: np.ndarray
    reads: np.ndarray
    live: np.ndarray
    fixed: np.ndarray
    order: np.ndarray
    steps: np.ndarray
    values: np.ndarray
    work: np.ndarray
    kept: np.ndarray
    losses: np.ndarray
    kept_losses: np.ndarray
    fitness: np.ndarray
    hashes: np.ndarray
    cursor: np.ndarray


def make_space(room: int, sizes: Sizes) -> Space:
    """Return room for programs of ``room`` instructions in each component."""
    n_steps, n_numbers, lanes = steps_room(room), memory_numbers(sizes), sizes.lanes
    rows = 3 * room
    return Space(
        np.zeros(rows, np.uint64), np.zeros(rows, np.uint64),
        np.zeros(rows, np.bool_), np.zeros(rows, np.bool_), np.zeros(rows, np.int64),
        np.zeros((n_steps, 4), np.int32), np.zeros(n_steps), np.zeros(n_numbers), np.zeros(n_numbers),
        np.zeros(lanes), np.zeros(lanes), np.zeros(lanes), np.zeros(lanes, np.int64), np.zeros(2, np.int64),
    )  # fmt: skip


def sizes_of(memory, tasks: Tasks) -> Sizes:  # type: ignore[no-untyped-def]
    """Sizes of a program's memory for these tasks."""
    entries, lanes = tasks.train_features.shape[2:]
    return Sizes(memory.scalars, memory.vectors, memory.matrices, entries, lanes, make_machine(lanes, entries))


# -- what the machine needs help with -------------------------------------------------------------------------------------


@inlined_kernel
def _drawn(code, literals, key):  # type: ignore[no-untyped-def]
    u = uniform(mix(key, _START))
    if code < FIRST_GAUSSIAN:
        return literals[0] + (literals[1] - literals[0]) * u
    return literals[0] + literals[1] * np.sqrt(-2.0 * np.log(1.0 - u)) * np.cos(2.0 * np.pi * uniform(mix(key, _ONE)))


@inlined_kernel
def _draw(code, target, instruction, row, room, literals, example, seeds, sizes, work):  # type: ignore[no-untyped-def]
    """Fill the output with random numbers.

    They hang on the task, the component, the address and the example, not on the place of the instruction: instructions that
    do not matter change nothing.
    """
    kind = OUTPUT[code]
    count = 1 if kind == SCALAR else (sizes.entries * sizes.entries if kind == MATRIX else sizes.entries)
    where = ((row // room) * 4 + kind) * 65536 + instruction[1]
    for lane in range(sizes.lanes):
        key = mix(mix(seeds[lane], where), example)
        for k in range(count):
            work[target + k * sizes.lanes + lane] = _drawn(code, literals, mix(key, k))


@inlined_kernel
def _turn(code, target, source, lanes, work):  # type: ignore[no-untyped-def]
    """Sine, cosine or tangent, some of whose angles are beyond the machine's."""
    for lane in range(lanes):
        x = work[source + lane]
        near = abs(x) <= LARGEST_ANGLE
        if code == _SIN:
            work[target + lane] = _sine(x) if near else np.sin(x)
        elif code == _COS:
            work[target + lane] = _cosine(x) if near else np.cos(x)
        else:
            work[target + lane] = _tangent(x) if near else np.tan(x)


@inner_kernel
def run_steps(at, stage, features, labels, program, seeds, sizes, rules, space):  # type: ignore[no-untyped-def]
    """Run from step ``at`` to the end of the examples, or until all lanes have failed."""
    instructions, literals = program
    room = len(instructions) // 3
    while True:
        at = run_machine(  # type: ignore[call-arg]
            sizes.machine, space.steps, space.values, space.work, features, labels, space.losses, space.hashes, space.cursor,
            at, rules.largest_error,
        )  # fmt: skip
        if at < 0:
            return at
        code, target, row = space.steps[at, 0], space.steps[at, 1], space.steps[at, 2]
        if code >= FIRST_RANDOM:
            example = stage + space.cursor[0]
            _draw(code, target, instructions[row], row, room, literals[row], example, seeds, sizes, space.work)
        else:
            _turn(code, target, row, sizes.lanes, space.work)
        at += 1


# -- stages of a run ------------------------------------------------------------------------------------------------------


@inlined_kernel
def look_at_errors(plan, rules, space, hashed):  # type: ignore[no-untyped-def]
    extra = HASHED if hashed else 0
    space.steps[plan.check, 0] = (CHECK_LOGISTIC if rules.classes else CHECK) + extra
    space.steps[plan.score, 0] = (SCORE_CLASS if rules.classes else SCORE) + extra


@inner_kernel
def set_up(program, plan, tasks, block, sizes, rules, space):  # type: ignore[no-untyped-def]
    """Run `setup` in empty memory; lanes without a task have failed."""
    space.work[:] = 0.0
    space.cursor[0] = 0
    for lane in range(sizes.lanes):
        space.losses[lane] = 0.0 if lane < tasks.used[block] else np.inf
        space.fitness[lane] = 0.0
    run_steps(
        _START,
        _START,
        tasks.train_features[block],
        tasks.train_labels[block],
        program,
        tasks.seeds[block],
        sizes,
        rules,
        space,
    )
    space.cursor[0] = -1


@inner_kernel
def _train(until, program, plan, tasks, block, sizes, rules, space):  # type: ignore[no-untyped-def]
    """Train up to an example; tell whether a lane is left."""
    space.cursor[0] -= 0 if space.cursor[0] < 0 else 1
    space.cursor[1] = until
    features, labels = tasks.train_features[block], tasks.train_labels[block]
    return (
        run_steps(plan.train, _START, features, labels, program, tasks.seeds[block], sizes, rules, space) != ALL_FAILED
    )


@inner_kernel
def _validate(count, program, plan, tasks, block, sizes, rules, space):  # type: ignore[no-untyped-def]
    """Predict so many examples of validation, from memory as it is; tell whether a lane is left. Losses are sums."""
    example = space.cursor[0]
    space.cursor[0], space.cursor[1] = -1, count
    features, labels = tasks.valid_features[block], tasks.valid_labels[block]
    found = run_steps(plan.validate, OF_VALIDATION, features, labels, program, tasks.seeds[block], sizes, rules, space)
    space.cursor[0] = example
    return found != ALL_FAILED


@inlined_kernel
def _copy(source, target):  # type: ignore[no-untyped-def]
    for i in range(np.uintp(len(source))):
        target[i] = source[i]


@inner_kernel
def try_out(program, plan, tasks, block, sizes, rules, space):  # type: ignore[no-untyped-def]
    """Train and validate on few examples after :func:`set_up`; return a hash of all errors. Training may go on from there."""
    look_at_errors(plan, rules, space, True)
    space.hashes[:] = 1
    until = min(rules.trial_train, tasks.train_labels.shape[1])
    if rules.validate_every > 0:
        until = min(until, rules.validate_every)
    if _train(until, program, plan, tasks, block, sizes, rules, space):
        _copy(space.work, space.kept)
        _copy(space.losses, space.kept_losses)
        _validate(min(rules.trial_valid, tasks.valid_labels.shape[1]), program, plan, tasks, block, sizes, rules, space)
        _copy(space.kept, space.work)
        _copy(space.kept_losses, space.losses)
    key = mix(np.uint64(block), tasks.used[block])
    for lane in range(tasks.used[block]):
        key = mix(key ^ np.uint64(space.hashes[lane]), lane)
    return key


@inlined_kernel
def _note_fitness(count, rules, space):  # type: ignore[no-untyped-def]
    """Keep the better fitness of each lane, and forget what the validation has lost."""
    for lane in range(len(space.losses)):
        mean = space.losses[lane] / count
        if mean < np.inf:
            fitness = 1.0 - mean if rules.classes else 1.0 - np.arctan(np.sqrt(mean)) * (2.0 / np.pi)
            space.fitness[lane] = max(space.fitness[lane], fitness)


@inner_kernel
def finish(program, plan, tasks, block, sizes, rules, space):  # type: ignore[no-untyped-def]
    """Train on what is left and validate; the fitness of each lane is in the space. Returns their sum."""
    look_at_errors(plan, rules, space, False)
    n_train, n_valid = tasks.train_labels.shape[1], tasks.valid_labels.shape[1]
    every = rules.validate_every if rules.validate_every > 0 else n_train
    until = 0
    while until < n_train:
        until = min(until + every, n_train)
        if not _train(until, program, plan, tasks, block, sizes, rules, space):
            break
        if until < n_train:
            _copy(space.work, space.kept)
        _copy(space.losses, space.kept_losses)
        _validate(n_valid, program, plan, tasks, block, sizes, rules, space)
        _note_fitness(n_valid, rules, space)
        if until < n_train:
            _copy(space.kept, space.work)
            _copy(space.kept_losses, space.losses)
    total = 0.0
    for lane in range(tasks.used[block]):
        total += space.fitness[lane]
    return total
