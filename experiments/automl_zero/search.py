"""One search as the studies run it: the compiled evolution, watched from time to time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evoml.genomes.program import Program, Programs, ProgramSpace
from evoml.genomes.program.canonical import canonical
from evoml.genomes.program.text import write
from evoml.kernels.program_evaluate import evaluate
from evoml.kernels.program_reach import find_reach
from evoml.kernels.program_run import Rules, make_rules
from evoml.kernels.program_search import BORN, Settings, State, evolve, make_settings, make_state
from evoml.kernels.program_tasks import Tasks


@dataclass
class Search:
    """A search that goes on in place.

    Attributes
    ----------
    cpu : float
        CPU seconds that it took so far, of its thread.
    """

    space: ProgramSpace
    tasks: Tasks
    rules: Rules
    settings: Settings
    state: State
    cpu: float = 0.0

    @classmethod
    def begin(
        cls,
        space: ProgramSpace,
        tasks: Tasks,
        rules: Rules,
        settings: Settings,
        *,
        population: int,
        seed: int,
        start: Programs | None = None,
    ) -> Search:
        """Return a search before its first birth; ``start``: its population, or one program that all are; else random."""
        search = cls(space, tasks, rules, settings, make_state(population, space.room, seed))
        if start is not None:
            search._fill(start)
        return search

    def _fill(self, start: Programs) -> None:
        state = self.state
        state.instructions[:], state.literals[:], state.lengths[:] = start.instructions, start.literals, start.lengths
        state.fitness[:] = fitness(start, self.tasks, self.rules, self.space).mean(axis=1)
        state.births[:] = np.arange(len(state.births))
        state.counts[BORN] = len(state.births)
        best = int(np.argmax(state.fitness))
        state.best_instructions[:], state.best_literals[:] = state.instructions[best], state.literals[best]
        state.best_lengths[:], state.best_fitness[:] = state.lengths[best], state.fitness[best]

    def go_on(self, births: int, enough: float = np.inf) -> None:
        """Bear so many programs more, or stop at a fitness of ``enough``."""
        began = time.thread_time()
        evolve(self.state, births, self.space.language, self.tasks, self.rules, self.settings, enough)
        self.cpu += time.thread_time() - began

    def run(self, births: int, every: int, watch: Callable[[Search], bool]) -> None:
        """Go on until so many are born, or until ``watch``, called every so many births, says that it is enough."""
        while self.born < births:
            self.go_on(min(every, births - self.born))
            if watch(self):
                return

    @property
    def born(self) -> int:
        return int(self.state.counts[BORN])

    @property
    def best(self) -> Program:
        """The fittest program so far."""
        state = self.state
        return Programs(state.best_instructions[None], state.best_literals[None], state.best_lengths[None])[0]

    @property
    def best_fitness(self) -> float:
        return float(self.state.best_fitness[0])

    def thriftiest(self, price: float) -> Program:
        """Return the program of the population whose fitness, less a price for each line that matters, is highest."""
        state, rows = self.state, self.state.instructions.shape[1]
        found, keys = np.zeros((len(state.fitness), rows), np.bool_), np.zeros(len(state.fitness), np.uint64)
        scratch = np.zeros(rows, np.uint64), np.zeros(rows, np.uint64)
        population = Programs(state.instructions, state.literals, state.lengths)
        arrays = population.instructions, population.literals, population.lengths
        find_reach(*arrays, self.space.language.memory, *scratch, found, keys, 0, len(population))
        return population[int(np.argmax(state.fitness - price * found.sum(axis=1)))]

    def judge(self, programs: Sequence[Program], tasks: Tasks) -> np.ndarray:
        """Return the mean fitness of programs on tasks: (programs,)."""
        return mean_fitness(programs, tasks, self.space, self.rules.classes)


def fitness(programs: Programs, tasks: Tasks, rules: Rules, space: ProgramSpace) -> np.ndarray:
    """Return the fitness of programs on each of the tasks: (programs, tasks)."""
    n = len(programs)
    found, keys = np.zeros((n, int(tasks.used.sum()))), np.zeros((n, 2), np.uint64)
    arrays = programs.instructions, programs.literals, programs.lengths
    evaluate(*arrays, space.language.memory, tasks, rules, 0, n, found, keys)
    return found


def mean_fitness(programs: Sequence[Program], tasks: Tasks, space: ProgramSpace, classes: bool = False) -> np.ndarray:
    """Return the mean fitness of programs on tasks: (programs,)."""
    return fitness(Programs.of(programs), tasks, make_rules(classes=classes), space).mean(axis=1)


def space_of(settings: dict[str, Any]) -> ProgramSpace:
    """Return the space that a table of the configuration describes."""
    scalars, vectors, matrices = settings["memory"]
    return ProgramSpace(
        *(tuple(settings["operations"][name]) for name in ("setup", "predict", "learn")),
        scalars=scalars,
        vectors=vectors,
        matrices=matrices,
        sizes={name: tuple(bounds) for name, bounds in settings["sizes"].items()},
        mutations=settings["mutations"],
        mutation_probability=settings.get("mutation_probability", 0.9),
    )


def begin(settings: dict[str, Any], space: ProgramSpace, tasks: Tasks, seed: int, **more: Any) -> Search:
    """Return a search by the settings of a study."""
    rules, ways = (
        make_rules(classes=settings.get("classes", False)),
        make_settings(settings["tournament"], hurdle=settings.get("hurdle", 0.0)),
    )
    return Search.begin(space, tasks, rules, ways, population=settings["population"], seed=seed, **more)


def figures(*searches: Search) -> dict[str, Any]:
    """Return what every study tells of searches that went one after another."""
    return {
        "programs": sum(search.born for search in searches),
        "cpu_seconds": sum(search.cpu for search in searches),
        "search": searches[-1].best_fitness,
        "program": write(canonical(searches[-1].best)),
    }
