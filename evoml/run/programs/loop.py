"""A run for programs: islands stepped batch by batch, champions judged on tasks that the search does not see."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from evoml.core.candidate import Candidate, Evaluation, Outcome, Status
from evoml.core.random import mixed
from evoml.evaluation.program_model import fitness_as_used
from evoml.evaluation.program_problems import TaskSet
from evoml.genomes.program.canonical import key
from evoml.genomes.program.program import Program, Programs
from evoml.genomes.program.text import read, write
from evoml.kernels.program_evaluate import evaluate
from evoml.kernels.program_run import make_rules
from evoml.kernels.program_search import BORN, COUNT_NAMES, State, make_settings, make_state, migrate
from evoml.kernels.program_tasks import MOST_LANES
from evoml.run.batches import below, packed, unpacked
from evoml.run.programs.islands import IslandExecutor, Setting
from evoml.run.programs.settings import ProgramSearch, first_programs

if TYPE_CHECKING:
    from evoml.core.budget import Progress
    from evoml.kernels.program_tasks import Tasks

_SEARCH, _SELECT, _REPORT = range(3)  # what random numbers of programs hang on, besides the seed


@dataclass(frozen=True)
class Champion:
    """The best program of an island when it was looked at.

    Attributes
    ----------
    text : str
        Of its canonical form, or of it without dead code where the space has no constants to fold to.
    key : int
        Hash of the canonical form.
    island, generation : int
        Where and after which batch it was met.
    search : float
        Mean fitness on the tasks of the search.
    select : float
        Mean fitness on the tasks for selection, or that of the search where there are none.
    size : int
        Instructions.
    """

    text: str
    key: int
    island: int
    generation: int
    search: float
    select: float
    size: int

    @property
    def program(self) -> Program:
        return read(self.text)


@dataclass(frozen=True, eq=False)
class Sight:
    """What a callback sees after each batch: how far the run is, all champions so far, and the best one of them."""

    progress: Progress
    champions: Sequence[Champion]
    champion: Champion | None
    improved: bool


class Judge:
    """Tells the fitness of single programs on the tasks for selection and for the report."""

    def __init__(self, wanted: ProgramSearch) -> None:
        self._memory = wanted.space.language.memory
        self._rules = make_rules(wanted.largest_error, wanted.search.classes, wanted.validate_every)
        self._as_used = wanted.as_used
        select = wanted.search if wanted.select is None and wanted.as_used else wanted.select
        self._tasks = {
            _SELECT: None if select is None else laid_out(wanted, select, _SELECT),
            _REPORT: None if wanted.report is None else laid_out(wanted, wanted.report, _REPORT),
        }

    @property
    def tasks(self) -> list[Tasks]:
        return [tasks for tasks in self._tasks.values() if tasks is not None]

    def select(self, programs: Programs) -> float | None:
        """Return the mean fitness of one program on the tasks for selection; None if there are none."""
        found = self._fitness(programs, self._tasks[_SELECT])
        return None if found is None else float(found.mean())

    def report(self, programs: Programs) -> np.ndarray | None:
        """Return the fitness of one program on each task for the report: (tasks,); None if there are none."""
        return self._fitness(programs, self._tasks[_REPORT])

    def _fitness(self, programs: Programs, tasks: Tasks | None) -> np.ndarray | None:
        if tasks is None:
            return None
        if self._as_used:
            return fitness_as_used(programs[0], tasks, self._rules.classes, self._rules.largest_error)
        return fitness_of(programs, tasks, self._memory, self._rules)[0]


def laid_out(wanted: ProgramSearch, part: TaskSet, purpose: int) -> Tasks:
    """Return tasks as kernels read them; those of the search in blocks between which the hurdles stand."""
    block = wanted.block if purpose == _SEARCH else MOST_LANES
    return part.laid_out(seed=int(mixed(wanted.seed, purpose)), block=block)


def fitness_of(programs: Programs, tasks: Tasks, memory: Any, rules: Any) -> np.ndarray:
    """Return the fitness of programs on tasks: (n, tasks)."""
    n = len(programs)
    fitness, keys = np.zeros((n, int(tasks.used.sum()))), np.zeros((n, 2), np.uint64)
    arrays = (programs.instructions, programs.literals, programs.lengths)
    evaluate(*arrays, memory, tasks, rules, 0, n, fitness, keys)
    return fitness


def setting_of(wanted: ProgramSearch) -> Setting:
    """Return what all islands share."""
    return Setting(
        wanted.space.language,
        laid_out(wanted, wanted.search, _SEARCH),
        make_rules(wanted.largest_error, wanted.search.classes, wanted.validate_every),
        make_settings(wanted.tournament_size, wanted.repeats, wanted.equals, wanted.cost, wanted.hurdle),
    )


def first_states(wanted: ProgramSearch, setting: Setting) -> tuple[State, ...]:
    """Return the islands before their first birth, or with the first population that was asked for."""
    initial, n, room = first_programs(wanted), wanted.population_size, wanted.space.room
    states = [make_state(n, room, int(mixed(mixed(wanted.seed, _SEARCH), island))) for island in range(wanted.islands)]
    if not initial:
        return tuple(states)
    kinds = Programs.of(initial, room)
    means = fitness_of(kinds, setting.tasks, setting.language.memory, setting.rules).mean(axis=1)
    which, best = np.arange(n) % len(initial), int(means.argmax())
    for state in states:
        for name in ("instructions", "literals", "lengths"):
            getattr(state, name)[:] = getattr(kinds, name)[which]
            getattr(state, f"best_{name}")[:] = getattr(kinds, name)[best]
        state.fitness[:], state.best_fitness[0] = means[which], means[best]
        state.births[:] = np.arange(n)
        state.counts[BORN] = n
    return tuple(states)


def best_of(state: State) -> Programs:
    """Return the fittest program that an island has seen."""
    return Programs(
        *(array[None].copy() for array in (state.best_instructions, state.best_literals, state.best_lengths))
    )


def _changeable(state: State) -> State:
    """Return an island that programs can come to; an interrupt in the middle of that must leave the old one whole."""
    parts = ("instructions", "literals", "lengths", "fitness", "births", "counts")
    return state._replace(**{name: getattr(state, name).copy() for name in parts})


@dataclass(frozen=True, eq=False)
class Run:
    """How far a run is.

    Islands in threads change in place, so that what was a run before a batch has the births of after it; what is counted in
    batches stays. migrations: batches that all islands have completed; a batch may be cut off where time is over.
    """

    wanted: ProgramSearch
    islands: IslandExecutor
    judge: Judge
    states: tuple[State, ...]
    champions: tuple[Champion, ...] = ()
    generation: int = 0
    migrations: int = 0
    improved_at: int = 0
    cpu_seconds: float = 0.0
    _looked: Mapping[int, float] = field(default_factory=dict)  # best fitness of each island when it was looked at

    def stepped(self, progress: Progress) -> Run:
        """Return the run after one more batch of births, or the part of one that there is time for."""
        wanted, moving = self.wanted, self.wanted.moving
        target = (self.migrations + 1) * wanted.births + self.migrations * moving
        states, cpu = self.islands.advanced(self.states, target, self._seconds_left(progress))
        after = replace(self, states=states, generation=self.generation + 1, cpu_seconds=self.cpu_seconds + cpu)
        after = after.looked_at()
        if any(state.counts[BORN] < target for state in states):
            return after
        if moving:
            states = tuple(map(_changeable, states))
            migrate(states, moving)
        return replace(after, states=states, migrations=self.migrations + 1)

    def _seconds_left(self, progress: Progress) -> float | None:
        budget, left = self.wanted.budget, []
        if budget.seconds is not None:
            left.append(budget.seconds - progress.reserve - progress.elapsed)
        if budget.cpu_seconds is not None:
            at_once = min(self.wanted.n_jobs, len(self.states))
            left.append((budget.cpu_seconds - progress.reserve - progress.cpu) / at_once)
        return max(0.0, min(left)) if left else None

    def looked_at(self) -> Run:
        """Return the run with the islands' new champions."""
        champions, looked = list(self.champions), dict(self._looked)
        known = {one.key for one in champions}
        for island, state in enumerate(self.states):
            fitness = float(state.best_fitness[0])
            if fitness <= looked.get(island, -1.0):
                continue
            looked[island] = fitness
            found = self._champion(island, state, fitness)
            if found.key not in known:
                known.add(found.key)
                champions.append(found)
        after = replace(self, champions=tuple(champions), _looked=looked)
        return replace(after, improved_at=self.generation) if after.champion is not self.champion else after

    def _champion(self, island: int, state: State, fitness: float) -> Champion:
        programs = best_of(state)
        program = self.wanted.space.tidied(programs[0])
        select = self.judge.select(programs)
        return Champion(
            write(program),
            key(program),
            island,
            self.generation,
            fitness,
            fitness if select is None else select,
            len(program),
        )

    @property
    def champion(self) -> Champion | None:
        """The champion that is best on the tasks for selection; of equals the shortest, and the first of those."""
        return max(self.champions, key=lambda one: (one.select, -one.size), default=None)

    @property
    def evaluations(self) -> int:
        """Programs born."""
        return sum(int(state.counts[BORN]) - self.migrations * self.wanted.moving for state in self.states)

    @property
    def best_score(self) -> float:
        return 0.0 if self.champion is None else self.champion.select

    @property
    def candidates(self) -> int:
        return len(self.champions)

    @property
    def counts(self) -> dict[str, int]:
        """What became of the programs of all islands."""
        return {name: int(sum(state.counts[at] for state in self.states)) for at, name in enumerate(COUNT_NAMES)}

    def newcomers(self, before: Run) -> list[Outcome]:
        return [
            Outcome(
                Candidate(
                    number, one.text, f"{one.key:016x}", operator=f"island {one.island}", generation=one.generation
                ),
                Evaluation(Status.OK, {"search": (one.search,)}),
                (one.select, -float(one.size)),
            )
            for number, one in enumerate(self.champions[before.candidates :], before.candidates)
        ]

    def detail(self) -> dict[str, Any]:
        return {
            "best_fitness": [float(state.best_fitness[0]) for state in self.states],
            "mean_fitness": [float(np.maximum(state.fitness, 0.0).mean()) for state in self.states],
            "champions": len(self.champions),
            **{name: count for name, count in self.counts.items() if name != "born"},
        }

    def sight(self, progress: Progress, improved: bool) -> Sight:
        return Sight(progress, self.champions, self.champion, improved)

    def content(self, cpu_seconds: float) -> bytes:
        """Return the run as a compressed file of arrays."""
        islands = {f"{at}/{name}": a for at, one in enumerate(self.states) for name, a in one._asdict().items()}
        champions = json.dumps([asdict(one) for one in self.champions]).encode()
        counts = np.array([self.generation, self.migrations, self.improved_at])
        own = {"counts": counts, "cpu": np.array(cpu_seconds), "champions": np.frombuffer(champions, np.uint8)}
        return packed({**own, **islands})

    def restored(self, content: bytes) -> Run:
        """Return the run that :meth:`content` told of."""
        arrays = unpacked(content)
        generation, migrations, improved_at = map(int, arrays["counts"])
        states = tuple(State(**below(arrays, f"{at}/")) for at in range(len(self.states)))
        champions = tuple(Champion(**one) for one in json.loads(arrays["champions"].tobytes()))
        return replace(
            self,
            states=states,
            champions=champions,
            generation=generation,
            migrations=migrations,
            improved_at=improved_at,
            cpu_seconds=float(arrays["cpu"]),
        )
