"""Regularised evolution of programs that learn (Real et al. 2019, 2020): a whole search, or any part of one, in one call.

The oldest program makes room for a mutant of a tournament's winner. All there is to a search is in its state, which goes on
to the same bits wherever it was left. One search, or island, runs on one thread; islands run side by side.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from evoml.kernels.compiling import kernel
from evoml.kernels.histogram import inlined_kernel, inner_kernel
from evoml.kernels.program_codes import (
    INPUTS,
    MATRIX,
    MATRIX_MATRIX_PRODUCT,
    MATRIX_VECTOR_PRODUCT,
    OUTPUT,
    SCALAR,
    SETUP,
    VECTOR,
)
from evoml.kernels.program_evaluate import find_live, write_steps
from evoml.kernels.program_reach import hash_structure
from evoml.kernels.program_run import Rules, finish, make_space, set_up, sizes_of, try_out
from evoml.kernels.program_tasks import Tasks
from evoml.kernels.program_variation import (
    Language,
    copy_program,
    make_child,
    pick,
    sample_child,
    start_stream,
    vary_child,
)
from evoml.kernels.random import mix

WAYS = 4  # places in the cache where a key may be
# What State.counts holds.
BORN, REPEATED, EQUAL, RUN, DEAR, HURDLED = range(6)
COUNT_NAMES = ("born", "repeated", "equal", "run", "dear", "hurdled")


class Settings(NamedTuple):
    """How a search goes.

    tournament: programs of which the fittest is the parent; 0: every program is random, as a control. repeats: programs with
    the same live instructions as an earlier one are not run. equals: nor are those with the same errors in the trial, though
    one of them might have failed later (as in the paper). budget: cost (`program_cost`) beyond which a program is not run and
    has fitness 0. hurdle: the share of the population that a program must be ahead of in a block of tasks to be run on the next
    one; 0 for none. hurdle_every: births after which that fitness is looked up again; migrants count as births.
    """

    tournament: int
    repeats: bool
    equals: bool
    budget: float
    hurdle: float
    hurdle_every: int


def make_settings(
    tournament: int = 10,
    repeats: bool = True,
    equals: bool = True,
    budget: float = np.inf,
    hurdle: float = 0.0,
    hurdle_every: int = 1000,
) -> Settings:
    """Settings of the types that the kernel is compiled for."""
    return Settings(int(tournament), bool(repeats), bool(equals), float(budget), float(hurdle), int(hurdle_every))


class State(NamedTuple):
    """A search. The population is a ring, in which program i was born as number births[i]; the next takes the oldest's place.

    best_*: the fittest program so far, the first of equals. cache_*: fitness by key, and when it was last asked for.
    counts: (6,) int64, programs born, known by their instructions, known by their errors, run, too dear, stopped at a hurdle.
    seed: (1,). hurdle: (2,), the fitness that programs must have, and births over `hurdle_every` when it was looked up.
    """

    instructions: np.ndarray
    literals: np.ndarray
    lengths: np.ndarray
    fitness: np.ndarray
    births: np.ndarray
    best_instructions: np.ndarray
    best_literals: np.ndarray
    best_lengths: np.ndarray
    best_fitness: np.ndarray
    cache_keys: np.ndarray
    cache_fitness: np.ndarray
    cache_stamps: np.ndarray
    counts: np.ndarray
    seed: np.ndarray
    hurdle: np.ndarray


def make_state(population: int, room: int, seed: int, cache: int = 1 << 16) -> State:
    """Return a search before its first program. cache: fitnesses that are remembered, a power of two."""
    return State(
        np.zeros((population, 3 * room, 4), np.int32), np.zeros((population, 3 * room, 3)),
        np.zeros((population, 3), np.int32), np.full(population, -1.0), np.full(population, -1, np.int64),
        np.zeros((3 * room, 4), np.int32), np.zeros((3 * room, 3)), np.zeros(3, np.int32), np.full(1, -1.0),
        np.zeros(cache, np.uint64), np.zeros(cache), np.zeros(cache, np.int64),
        np.zeros(len(COUNT_NAMES), np.int64), np.full(1, seed, np.uint64), np.zeros(2),
    )  # fmt: skip


# -- the cache ------------------------------------------------------------------------------------------------------------


@inlined_kernel
def _recall(key, state, stamp):  # type: ignore[no-untyped-def]
    """The fitness that is remembered for a key, -1 if none is."""
    first = np.int64(key & np.uint64(len(state.cache_keys) - 1)) & ~(WAYS - 1)
    for i in range(first, first + WAYS):
        if state.cache_keys[i] == key:
            state.cache_stamps[i] = stamp
            return state.cache_fitness[i]
    return -1.0


@inlined_kernel
def _remember(key, fitness, state, stamp):  # type: ignore[no-untyped-def]
    """Keep a fitness in place of the one that was not asked for longest."""
    first = np.int64(key & np.uint64(len(state.cache_keys) - 1)) & ~(WAYS - 1)
    oldest = np.int64(first)
    for i in range(first + 1, first + WAYS):
        oldest = np.int64(i) if state.cache_stamps[i] < state.cache_stamps[oldest] else oldest
    state.cache_keys[oldest], state.cache_fitness[oldest], state.cache_stamps[oldest] = key, fitness, stamp


# -- fitness --------------------------------------------------------------------------------------------------------------


@inlined_kernel
def _numbers(kind, entries):  # type: ignore[no-untyped-def]
    if kind == MATRIX:
        return entries * entries
    return entries if kind == VECTOR else np.int64(kind == SCALAR)


@inner_kernel
def program_cost(instructions, lengths, live, entries, n_train):  # type: ignore[no-untyped-def]
    """Numbers that live instructions read, and add up or write, in setting up and in training on one task."""
    room = len(instructions) // 3
    total = 0.0
    for component in range(3):
        cost = 0
        for i in range(component * room, component * room + lengths[component]):
            if live[i]:
                code = instructions[i, 0]
                a, b = _numbers(INPUTS[code, 0], entries), _numbers(INPUTS[code, 1], entries)
                out = _numbers(OUTPUT[code], entries)
                sums = code in (MATRIX_VECTOR_PRODUCT, MATRIX_MATRIX_PRODUCT)
                cost += a + b + out * (entries if sums else 1)
        total += cost if component == SETUP else cost * n_train
    return total


@inner_kernel
def _block_fitness(block, program, plan, tasks, sizes, rules, settings, space, state):  # type: ignore[no-untyped-def]
    """Sum of the fitness on the tasks of a block, run or remembered."""
    stamp = state.counts[BORN] + 1
    set_up(program, plan, tasks, block, sizes, rules, space)
    if not settings.equals:
        state.counts[RUN] += 1
        return finish(program, plan, tasks, block, sizes, rules, space)
    key = try_out(program, plan, tasks, block, sizes, rules, space)
    known = _recall(key, state, stamp)
    if known >= 0.0:
        state.counts[EQUAL] += 1
        return known
    state.counts[RUN] += 1
    found = finish(program, plan, tasks, block, sizes, rules, space)
    _remember(key, found, state, stamp)
    return found


@inner_kernel
def _fitness(child, language, tasks, sizes, rules, settings, space, state):  # type: ignore[no-untyped-def]
    """Mean fitness of a program over the tasks, up to the hurdle that it does not take."""
    stamp, n_train = state.counts[BORN] + 1, tasks.train_labels.shape[1]
    before_predict = find_live(child.instructions, child.lengths, language.memory, space)
    structure = hash_structure(child.instructions, child.literals, child.lengths, space.live)
    if settings.repeats:
        known = _recall(structure, state, stamp)
        if known >= 0.0:
            state.counts[REPEATED] += 1
            return known
    if program_cost(child.instructions, child.lengths, space.live, sizes.entries, n_train) > settings.budget:
        state.counts[DEAR] += 1
        return 0.0
    plan = write_steps(child.instructions, child.literals, child.lengths, language.memory, before_predict, sizes, space)
    program = (child.instructions, child.literals)
    total, n_tasks, mean = 0.0, 0, 0.0
    for block in range(len(tasks.used)):
        total += _block_fitness(block, program, plan, tasks, sizes, rules, settings, space, state)
        n_tasks += tasks.used[block]
        mean = total / n_tasks
        if settings.hurdle > 0.0 and mean < state.hurdle[0] and block + 1 < len(tasks.used):
            state.counts[HURDLED] += 1
            break
    if settings.repeats:
        _remember(structure, mean, state, stamp)
    return mean


@inner_kernel
def _look_up_hurdle(settings, state):  # type: ignore[no-untyped-def]
    """Set the fitness that a share of the population is below, by halving the interval it lies in."""
    low, high, wanted = 0.0, 1.0, settings.hurdle * len(state.fitness)
    for _ in range(40):
        middle, below = 0.5 * (low + high), np.int64(0)
        for i in range(len(state.fitness)):
            below += np.int64(state.fitness[i] < middle)
        if below > wanted:
            high = middle
        else:
            low = middle
    state.hurdle[0], state.hurdle[1] = low, state.counts[BORN] // settings.hurdle_every


# -- evolution ------------------------------------------------------------------------------------------------------------


@inner_kernel
def _bear(language, settings, child, state):  # type: ignore[no-untyped-def]
    """Make the next program: at random until the population is full, then a mutant of a tournament's winner."""
    n, number = len(state.fitness), state.counts[BORN]
    start_stream(mix(state.seed[0], number), child.stream)
    if number < n or settings.tournament < 1:
        sample_child(language, child)
        return
    winner = pick(n, child.stream)
    for _ in range(settings.tournament - 1):
        other = pick(n, child.stream)
        if state.fitness[other] > state.fitness[winner]:
            winner = other
    copy_program(
        (state.instructions[winner], state.literals[winner], state.lengths[winner]),
        (child.instructions, child.literals, child.lengths),
    )
    vary_child(language, child)


@inner_kernel
def _take_in(fitness, child, state):  # type: ignore[no-untyped-def]
    """Put a program in the oldest one's place."""
    number = state.counts[BORN]
    place = number % len(state.fitness)
    program = (child.instructions, child.literals, child.lengths)
    copy_program(program, (state.instructions[place], state.literals[place], state.lengths[place]))
    state.fitness[place], state.births[place] = fitness, number
    if fitness > state.best_fitness[0]:
        state.best_fitness[0] = fitness
        copy_program(program, (state.best_instructions, state.best_literals, state.best_lengths))
    state.counts[BORN] = number + 1


@kernel(_nrt=False)
def _evolve(births, enough, language, tasks, sizes, rules, settings, space, child, state):  # type: ignore[no-untyped-def]
    for _ in range(births):
        if settings.hurdle > 0.0 and state.counts[BORN] // settings.hurdle_every > state.hurdle[1]:
            _look_up_hurdle(settings, state)
        _bear(language, settings, child, state)
        _take_in(_fitness(child, language, tasks, sizes, rules, settings, space, state), child, state)
        if state.best_fitness[0] >= enough:
            return


def evolve(
    state: State,
    births: int,
    language: Language,
    tasks: Tasks,
    rules: Rules,
    settings: Settings,
    enough: float = np.inf,
) -> None:
    """Go on with a search in place for so many births, or until a program has a fitness of ``enough``.

    Searches may be called in pieces of any size, and several from threads: what comes of each is the same.
    """
    room, sizes = state.instructions.shape[1] // 3, sizes_of(language.memory, tasks)
    space, child = make_space(room, sizes), make_child(room)
    _evolve(births, enough, language, tasks, sizes, rules, settings, space, child, state)


def migrate(states: Sequence[State], count: int) -> None:
    """Send the fittest ``count`` programs of each island to the next one, where they take the places of the oldest."""
    fittest = [np.argsort(-state.fitness, kind="stable")[:count] for state in states]
    parts = [
        [array[chosen].copy() for array in (state.instructions, state.literals, state.lengths, state.fitness)]
        for state, chosen in zip(states, fittest, strict=True)
    ]
    for i, state in enumerate(states):
        numbers = state.counts[BORN] + np.arange(count)
        places = numbers % len(state.fitness)
        targets = (state.instructions, state.literals, state.lengths, state.fitness)
        for target, arrived in zip(targets, parts[i - 1], strict=True):
            target[places] = arrived
        state.births[places] = numbers
        state.counts[BORN] += count
