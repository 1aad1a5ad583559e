"""What a search for programs is asked for, what is wrong with it, and what its journal holds of that."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from evoml.core.budget import Budget, Moment, StopRule, check_positive
from evoml.core.errors import SearchSpaceError, SettingError
from evoml.core.process import versions
from evoml.evaluation.program_problems import TaskSet
from evoml.genomes.program.library import LIBRARY, program_of
from evoml.genomes.program.operations import BY_CODE
from evoml.genomes.program.program import Program
from evoml.genomes.program.space import ProgramSpace
from evoml.genomes.program.text import write
from evoml.kernels.program_tasks import MOST_LANES

if TYPE_CHECKING:
    from evoml.run.programs.loop import Sight

KIND = "programs"
LIBRARIES = ("numpy", "numba", "llvmlite")
_RECORDED = (
    "seed", "population_size", "tournament_size", "islands", "validate_every", "largest_error", "hurdle", "cost", "repeats",
    "equals", "as_used",
)  # fmt: skip
_WHOLE, _WHOLE_OR_NONE = ("population_size", "islands", "n_jobs"), ("batch", "migrants")
#: What numbers must be: in words, and whether one is.
_RANGES: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "tournament_size": ("a whole number, 0 for random search", lambda value: value >= 0 and value == value // 1),
    "validate_every": (
        "a whole number, 0 for one validation at the end",
        lambda value: value >= 0 and value == value // 1,
    ),
    "largest_error": ("a number above 0", lambda value: value > 0),
    "hurdle": ("a share from 0, for none, to below 1", lambda value: 0 <= value < 1),
    "cost": ("a number above 0, inf for no limit", lambda value: value > 0),
    "checkpoint_seconds": ("a number of 0 or more", lambda value: value >= 0),
}


@dataclass(frozen=True, eq=False)
class ProgramSearch:
    """What to search for, on which tasks, how, and how long.

    In validation, memory runs on from one example to the next, as in the paper's searches; a program put to use
    (:class:`evoml.LearnedAlgorithm`) predicts each row from the memory that training left. Of one whose `predict` writes what
    it reads again later, the two may differ: ``as_used`` says by which of them it is chosen and reported on.

    Attributes
    ----------
    search : TaskSet
        Tasks that programs are evolved on.
    budget : Budget
        Its evaluations are births of programs on all islands, its generations batches.
    seed : int
    select, report : TaskSet or None
        Tasks that the search does not see: the first choose among champions, the last tell what the chosen one is worth.
    space : ProgramSpace
    population_size, tournament_size : int
        P and T of the paper; tournaments of 0 are random search, as a control.
    islands : int
        Populations that evolve apart.
    batch : int or None
        Births on each island after which the journal gets a row, champions are looked at and programs migrate; None is as many
        as there are in the population.
    migrants : int or None
        Programs that move on to the next island then; None is a fiftieth of the population.
    initial : str or sequence of str
        Programs that the first population consists of, as texts or names in the library; none for random ones.
    validate_every, largest_error
        See :class:`evoml.kernels.program_run.Rules`.
    hurdle, cost, repeats, equals
        See :class:`evoml.kernels.program_search.Settings`, where the cost is called budget. With a hurdle, programs run on half
        of the tasks first (16 at most), and those that take it on the others.
    as_used : bool
        Whether champions are chosen and reported on as they are put to use.
    solved : float or None
        Fitness on the tasks for selection at which the search ends.
    early_stop : int, StopRule or None
        Batches without a better champion after which it ends, or a rule of the user's own.
    n_jobs : int
        Threads, or workers of a Dask cluster on this machine.
    executor : str or object
        "threads", or a Dask cluster: "dask", an address, a client.
    """

    search: TaskSet
    budget: Budget
    seed: int
    select: TaskSet | None = None
    report: TaskSet | None = None
    space: ProgramSpace = field(default_factory=ProgramSpace)
    population_size: int = 1000
    tournament_size: int = 10
    islands: int = 1
    batch: int | None = None
    migrants: int | None = None
    initial: str | Sequence[str] = ()
    validate_every: int = 0
    largest_error: float = 100.0
    hurdle: float = 0.0
    cost: float = np.inf
    repeats: bool = True
    equals: bool = True
    as_used: bool = False
    solved: float | None = None
    early_stop: int | StopRule | None = None
    n_jobs: int = 1
    executor: Any = "threads"
    callbacks: Sequence[Callable[[Sight], object]] = ()
    journal: str | Path | None = None
    resume: bool = False
    checkpoint_seconds: float = 10.0
    began: Moment = field(default_factory=Moment)

    @property
    def births(self) -> int:
        """Births on each island in a batch."""
        return int(self.population_size if self.batch is None else self.batch)

    @property
    def moving(self) -> int:
        """Programs that leave each island after a batch."""
        if self.islands == 1:
            return 0
        return int(max(1, self.population_size // 50) if self.migrants is None else self.migrants)

    @property
    def block(self) -> int:
        """Tasks of the search that programs run on at once, at most; hurdles stand between blocks."""
        return min(MOST_LANES, -(-len(self.search) // 2)) if self.hurdle > 0 else MOST_LANES


def first_programs(wanted: ProgramSearch) -> list[Program]:
    """Return the programs that a search starts from. Raises SearchSpaceError for one that is none of its space."""
    texts = [wanted.initial] if isinstance(wanted.initial, str) else wanted.initial
    return [_checked(text, at, wanted.space) for at, text in enumerate(texts, 1)]


def _checked(text: str, at: int, space: ProgramSpace) -> Program:
    program = program_of(text)
    try:
        space.check(program)
    except SearchSpaceError as error:
        which = repr(text) if text in LIBRARY else f"number {at}"
        raise SearchSpaceError(
            f"of the initial programs, {which} does not fit the search: {error}; with initial_programs=() (none) it starts from"
            " random ones"
        ) from None
    return program


def check(wanted: ProgramSearch) -> None:
    """Raise SettingError or SearchSpaceError for settings that make no sense, or do not fit each other."""
    for name in (*_WHOLE, *_WHOLE_OR_NONE):
        check_positive(getattr(wanted, name), name, whole=True, optional=name in _WHOLE_OR_NONE)
    for name, (words, fits) in _RANGES.items():
        value = getattr(wanted, name)
        if not (isinstance(value, Real) and fits(value)):
            raise SettingError(f"{name} must be {words}, got {value!r}")
    if wanted.moving > wanted.population_size:
        raise SettingError(
            f"{wanted.moving} migrants are more than the {wanted.population_size} programs of an island; take fewer"
        )
    first = wanted.search
    for name in ("select", "report"):
        other = getattr(wanted, name)
        if other is not None and (other.n_features, other.classes) != (first.n_features, first.classes):
            raise SettingError(
                f"the tasks to {name} by need {first.n_features} features and classes={first.classes} as those of the search,"
                f" got {other.n_features} and classes={other.classes}"
            )
    _check_prediction(wanted.space, first_programs(wanted))


def _check_prediction(space: ProgramSpace, initial: Sequence[Program]) -> None:
    """Raise SettingError if no program could ever predict anything but 0."""
    writes = any(BY_CODE[code].output == "s" for codes in space.operations.values() for code in codes)
    given = any("s1" in (one.writes for component in program.components for one in component) for program in initial)
    if not (writes or given):
        raise SettingError(
            "no operation writes a scalar, so none can write the prediction s1; allow predict one, such as"
            " 'vector_inner_product' or 'vector_mean'"
        )


def settings_of(wanted: ProgramSearch) -> dict[str, Any]:
    """Return the settings of a search that its journal holds, as JSON gives them back."""
    space = wanted.space
    settings = {
        "kind": KIND,
        **{name: getattr(wanted, name) for name in _RECORDED},
        "cost": repr(wanted.cost),
        "batch": wanted.births,
        "migrants": wanted.moving,
        "operations": {name: [BY_CODE[code].name for code in codes] for name, codes in space.operations.items()},
        "memory": space.memory,
        "sizes": space.sizes,
        "initial_sizes": space.initial,
        "mutations": space.mutations,
        "mutation_probability": space.mutation_probability,
        "initial": [write(program) for program in first_programs(wanted)],
        "classification": wanted.search.classes,
        "tasks": {name: None if part is None else len(part) for name, part in _task_sets(wanted).items()},
        "n_features": wanted.search.n_features,
        "data_fingerprint": _fingerprint(wanted),
        "budget": asdict(wanted.budget),
        "versions": versions(LIBRARIES),
    }
    return dict(json.loads(json.dumps(settings)))


def _task_sets(wanted: ProgramSearch) -> dict[str, TaskSet | None]:
    return {"search": wanted.search, "select": wanted.select, "report": wanted.report}


def _fingerprint(wanted: ProgramSearch) -> str:
    digest = hashlib.blake2b(digest_size=8)
    for part in _task_sets(wanted).values():
        if part is not None:
            for array in (part.train_features, part.train_labels, part.valid_features, part.valid_labels):
                digest.update(repr(array.shape).encode())
                digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
