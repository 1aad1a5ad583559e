"""What the estimators that evolve a learning algorithm share. A fit is one call of evoml.run.programs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from evoml.core.budget import Moment, early_stopping
from evoml.core.errors import SettingError, nearest
from evoml.estimators import parameters
from evoml.estimators.learned_algorithm import LearnedAlgorithm

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from evoml.genomes.program.space import ProgramSpace
    from evoml.run.programs import ProgramResult, ProgramSearch, Sight

ALGORITHMS = ("regularised", "random")
PICTURES = ("program", "fitness")
START = ("affine", "network")  # programs that a search starts from, if they fit it and no others are given
SIZES = {"setup": (0, 10), "predict": (1, 12), "learn": (0, 20)}

PARAMETERS = """
    Parameters
    ----------
    population_size : int, default=1000
        Programs in the population (of each island).
    tournament_size : int, default=10
        Programs of which the fittest becomes a parent.
    generations : int or None, default=None
        Times that as many programs are born as there are in the population. A run bounded by generations or evaluations gives
        the same bits for any ``n_jobs`` and any ``executor``.
    evaluations : int or None, default=None
        Programs to be born, on all islands together; the generation in which the number is reached is not cut.
    seconds : float or None, default=None
        Seconds that ``fit`` may take. If no bound at all is given, 60. What is compiled at the first use on a machine comes on
        top (``evoml warmup program`` does so beforehand).
    cpu_seconds : float or None, default=None
        CPU seconds that ``fit`` may take. Of several bounds, the first that is reached ends the run.
    algorithm : {"regularised", "random"}, default="regularised"
        Regularised evolution, in which the oldest program makes room for a new one; or random search, as a control.
    islands : int, default=1
        Populations that evolve apart; after every generation a few of the best of each move on to the next. They run in threads
        of this process (the compiled search holds no lock), or on the workers of a Dask cluster.
    operations : sequence of str, mapping or None, default=None
        Names of the operations that programs may use, or such a sequence for each of ``"setup"``, ``"predict"`` and
        ``"learn"``. None is all that there is memory for.
    scalars, vectors, matrices : int, default=8, 14, 3
        Addresses of each type in a program's memory, 64 at most in all.
    sizes : mapping or None, default=None
        Least and most instructions of components, e.g. ``{"learn": (0, 12)}``.
    mutations : mapping or None, default=None
        How often each mutation is tried: ``"alter"``, ``"randomise_instruction"``, ``"randomise_component"``, ``"insert"``,
        ``"remove"``, ``"trade"``, ``"randomise_program"``.
    initial_programs : sequence of str or None, default=None
        Programs that the search starts from, as texts or names (see :class:`evoml.LearnedAlgorithm`); ``()`` for random ones.
        None is ``("affine", "network")``, without what does not fit the operations, memory and sizes.
    n_tasks : int, default=8
        Tasks that each program is judged on: the rows for the search, divided anew into rows to learn from and to predict.
    examples : int, default=5000
        Rows that a program learns from in each task; those of smaller tables come several times.
    max_features : int, default=32
        Features of the programs' vectors at most; more columns are projected onto them at random, in each task anew.
    early_stop : int, callable or None, default=None
        Generations without a better program after which the run ends, or a rule of your own, ``rule(progress)``:
        called before each step with the :class:`evoml.core.Progress` so far, it returns whether to stop.
    n_jobs : int or None, default=1
        Threads, on which islands evolve side by side, so that more than ``islands`` gain nothing; -1 is all cores.
    executor : str or object, default="threads"
        Or a Dask cluster for the islands: ``"dask"``, the address of a scheduler, or a client.
    random_state : int, generator or None, default=None
        Seed of the run. None takes fresh entropy; global random states are never touched.
    verbose : int, default=0
        1 shows the best program while the search goes on: live on a terminal, as log records of the logger ``"evoml"``
        elsewhere.
    warm_start : bool, default=False
        Whether a further ``fit`` starts from the last program too, and whether an existing ``journal`` is resumed.
    callbacks : sequence of callables or None, default=None
        Each is called after every generation with what can be seen then: ``progress``, ``champion``, ``champions``,
        ``improved``.
    journal : path or None, default=None
        SQLite file that records the run: a row a generation, each new champion, and checkpoints from which a run that was
        killed goes on to the same bits.
"""

ATTRIBUTES = """
    Attributes
    ----------
    program_ : str
        The program that was chosen, in its canonical form, or without dead code only where ``operations`` have no constants.
    algorithm_ : LearnedAlgorithm
        It, trained on all rows; ``to_numpy_source()`` exports it.
    champions_ : pandas.DataFrame
        One row for each program that was, at its time, the fittest of its island: the fitness on the tasks of the search and
        on tasks from other rows, by which one is chosen (the shortest of equals).
    report_fitness_ : float
        Its mean fitness on tasks from rows that neither search nor choice have seen: the accuracy (of one class against the
        rest, where there are more than two), or 1 - 2 / pi * arctan(root mean squared error), the target having spread 1.
        Each row is predicted alone, as by ``predict``; in the search memory runs on from one to the next. nan where there are
        too few rows, under about 50, to set some apart; the choice is then made on the rows of the search.
    history_ : pandas.DataFrame
        One row a generation.
    evaluations_ : int
        Programs born.
    stopped_by_ : str
        ``"budget"``, ``"early_stop"`` or ``"interrupt"``.
    n_features_in_ : int
        Number of columns seen in ``fit``.
    feature_names_in_ : (n_features,) array
        Names of the columns, where they are all strings.
"""


class ProgramSearchEstimator(BaseEstimator):
    """The face of a search for programs; see ProgramRegressor and ProgramClassifier."""

    _task: ClassVar[str] = "regression"

    def __init__(
        self,
        *,
        population_size: int = 1000,
        tournament_size: int = 10,
        generations: int | None = None,
        evaluations: int | None = None,
        seconds: float | None = None,
        cpu_seconds: float | None = None,
        algorithm: str = "regularised",
        islands: int = 1,
        operations: Any = None,
        scalars: int = 8,
        vectors: int = 14,
        matrices: int = 3,
        sizes: Mapping[str, tuple[int, int]] | None = None,
        mutations: Mapping[str, float] | None = None,
        initial_programs: Sequence[str] | None = None,
        n_tasks: int = 8,
        examples: int = 5000,
        max_features: int = 32,
        early_stop: Any = None,
        n_jobs: int | None = 1,
        executor: Any = "threads",
        random_state: Any = None,
        verbose: int = 0,
        warm_start: bool = False,
        callbacks: Any = None,
        journal: str | Path | None = None,
    ) -> None:
        self.population_size = population_size
        self.tournament_size = tournament_size
        self.generations = generations
        self.evaluations = evaluations
        self.seconds = seconds
        self.cpu_seconds = cpu_seconds
        self.algorithm = algorithm
        self.islands = islands
        self.operations = operations
        self.scalars = scalars
        self.vectors = vectors
        self.matrices = matrices
        self.sizes = sizes
        self.mutations = mutations
        self.initial_programs = initial_programs
        self.n_tasks = n_tasks
        self.examples = examples
        self.max_features = max_features
        self.early_stop = early_stop
        self.n_jobs = n_jobs
        self.executor = executor
        self.random_state = random_state
        self.verbose = verbose
        self.warm_start = warm_start
        self.callbacks = callbacks
        self.journal = journal

    # -- fitting ------------------------------------------------------------------------------------------------------

    def _run(self, X: np.ndarray, y: np.ndarray, weights: np.ndarray | None, began: Moment) -> None:
        """Search for a program, train it on all rows, and keep what was found."""
        from evoml.run.programs import search_programs

        with self._shown() as watching:
            wanted = self._search(X, y, weights, began)
            result = search_programs(replace(wanted, callbacks=[*wanted.callbacks, *watching]))
        self._keep(result)
        own = LearnedAlgorithm(
            result.champion.text, task=self._task, examples=self.examples, max_features=self.max_features,
            random_state=wanted.seed,
        )  # fmt: skip
        self.algorithm_ = own.fit(X, y, weights)

    def _search(self, X: np.ndarray, y: np.ndarray, weights: np.ndarray | None, began: Moment) -> ProgramSearch:
        from evoml.evaluation import workers
        from evoml.evaluation.program_parts import table_parts
        from evoml.run.programs import ProgramSearch

        parameters.check_whole(
            self, "population_size", "islands", "n_tasks", "examples", "max_features", "tournament_size"
        )
        early_stopping(self.early_stop)  # raises for what is no rule
        if self.algorithm not in ALGORITHMS:
            raise SettingError(
                f"unknown algorithm {self.algorithm!r}{nearest(self.algorithm, ALGORITHMS)}; there are:"
                f" {', '.join(ALGORITHMS)}"
            )
        seed, space = parameters.seed(self.random_state), self._space()
        search, select, report = table_parts(
            X, y, classes=self._task == "classification", seed=seed, count=int(self.n_tasks),
            most_features=int(self.max_features), examples=int(self.examples), weights=weights,
        )  # fmt: skip
        return ProgramSearch(
            search=search,
            select=select,
            report=report,
            budget=parameters.bounds(self),
            seed=seed,
            space=space,
            population_size=int(self.population_size),
            tournament_size=0 if self.algorithm == "random" else int(self.tournament_size),
            islands=int(self.islands),
            initial=self._initial(space),
            early_stop=self.early_stop,
            n_jobs=workers(self.n_jobs, useful=int(self.islands)),
            executor=self.executor,
            callbacks=parameters.callbacks(self.callbacks),
            journal=self.journal,
            resume=self.warm_start,
            as_used=True,
            began=began,
        )

    def _space(self) -> ProgramSpace:
        from evoml.genomes.program.space import ALL, MUTATIONS, ProgramSpace
        from evoml.kernels.program_codes import COMPONENTS

        given, sizes = self.operations, {} if self.sizes is None else self.sizes
        if not isinstance(given, Mapping):
            given = dict.fromkeys(COMPONENTS, ALL if given is None else given)
        if not isinstance(sizes, Mapping):
            raise SettingError(
                f'sizes need two numbers for each component, such as {{"learn": (0, 12)}}, got {sizes!r}'
            )
        for what, names in (("operations", given), ("sizes", sizes)):
            if unknown := [name for name in names if name not in COMPONENTS]:
                raise SettingError(
                    f"{what} names the component {unknown[0]!r}{nearest(unknown[0], COMPONENTS)}; there are:"
                    f" {', '.join(COMPONENTS)}"
                )
        return ProgramSpace(
            **{name: given.get(name, ALL) for name in COMPONENTS},
            scalars=self.scalars,
            vectors=self.vectors,
            matrices=self.matrices,
            sizes={**SIZES, **sizes},
            mutations=MUTATIONS if self.mutations is None else self.mutations,
        )

    def _initial(self, space: ProgramSpace) -> list[str]:
        """Return the programs that the first population consists of; a journal that is resumed holds its own."""
        from evoml.genomes.program.library import LIBRARY
        from evoml.journal import Journal

        wanted = self.initial_programs
        if wanted is None:
            wanted = [name for name in START if space.holds(LIBRARY[name])]
        elif not isinstance(wanted, Iterable):
            raise SettingError(f"initial_programs are texts or names, such as ['affine'], got {wanted!r}")
        resumed = self.journal is not None and Journal.has_begun(self.journal)
        last = [self.program_] if self.warm_start and not resumed and hasattr(self, "program_") else []
        if last and not space.holds(last[0]):
            raise SettingError(
                "warm_start begins with the last program, which operations, memory or sizes do not allow any more; allow what"
                " it needs, or fit with warm_start=False"
            )
        return [*([wanted] if isinstance(wanted, str) else wanted), *last]

    @contextmanager
    def _shown(self) -> Iterator[list[Callable[[Sight], object]]]:
        """Show the best program while the context lasts, where that is wanted."""
        if not self.verbose:
            yield []
            return
        from evoml.estimators.program_display import shown

        with shown() as watch:
            yield [watch]

    def _keep(self, result: ProgramResult) -> None:
        import pandas as pd

        self.program_ = result.champion.text
        columns = ["generation", "island", "search", "select", "size", "text"]
        self.champions_ = pd.DataFrame([vars(one) for one in result.champions], columns=columns)
        self.champions_["chosen"] = [one is result.champion for one in result.champions]
        self.report_fitness_ = float("nan") if result.report is None else float(result.report.mean())
        self.history_ = result.history
        self.evaluations_ = result.evaluations
        self.stopped_by_ = result.finished.stopped_by
        self._record = result.record

    # -- afterwards ---------------------------------------------------------------------------------------------------

    def predict(self, X: Any) -> np.ndarray:
        """Return the prediction for each row of ``X``: (n_rows,)."""
        check_is_fitted(self)
        return np.asarray(self.algorithm_.predict(self._seen(X)))

    def _seen(self, X: Any) -> np.ndarray:
        from sklearn.utils.validation import validate_data

        return np.asarray(validate_data(self, X, dtype=np.float64, reset=False))

    def plot(self, what: str = "program") -> Figure:
        """Draw ``"program"`` (what flows where in the chosen one) or ``"fitness"`` (over time) as a matplotlib figure."""
        from evoml.genomes.program.text import read
        from evoml.journal import Journal
        from evoml.report.programs import draw_program, fitness_over_time

        check_is_fitted(self)
        if what == "program":
            return draw_program(read(self.program_))
        if what != "fitness":
            raise SettingError(f"unknown picture {what!r}{nearest(what, PICTURES)}; there are: {', '.join(PICTURES)}")
        with Journal.from_bytes(self._record) as journal:
            return fitness_over_time(journal)

    def to_numpy_source(self) -> str:
        """Return a module that needs NumPy only, and trains the program that was found."""
        check_is_fitted(self)
        return self.algorithm_.to_numpy_source()

    def export(self, path: str | Path) -> Path:
        """Write :meth:`to_numpy_source` to a file."""
        check_is_fitted(self)
        return self.algorithm_.export(path)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags
