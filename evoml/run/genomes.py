"""A search of any kind of genome by any measure of it: the loop, the journal and the algorithms, for a problem of one's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from evoml.algorithms import candidate_algorithm, named, pareto_front
from evoml.core.budget import Budget, Moment, StopRule, early_stopping, spent
from evoml.core.errors import SearchSpaceError
from evoml.core.process import versions
from evoml.core.random import stream
from evoml.evaluation import Evaluator, objectives
from evoml.evaluation.executors.function import SCORE, FunctionExecutor
from evoml.evaluation.objectives import COMPLEXITY
from evoml.journal import Journal
from evoml.run.loop import Finished, Tracker, evolve
from evoml.run.opening import gone_on, opened

if TYPE_CHECKING:
    from concurrent.futures import Executor as Pool
    from pathlib import Path

    import networkx as nx
    import pandas as pd

    from evoml.core.candidate import Outcome
    from evoml.core.protocols import Callback, GenomeSpace

LOOK_AHEAD = 32  # candidates under way in an ordered run without barrier, whatever the number of workers
LIBRARIES = ("numpy", "networkx")
MUST_AGREE = ("kind", "seed", "algorithm", "population_size", "objectives", "operators")


@dataclass(frozen=True)
class GenomeSearch:
    """What to search for, by which measure, how, and how long.

    Attributes
    ----------
    space : GenomeSpace
        Where genomes come from, such as a :class:`evoml.genomes.FunctionSpace`.
    fitness : callable
        Returns what a genome is worth, greater is better: a number, called ``"score"``, or several by name. What raises an
        error or is not finite is a failure of this genome alone.
    budget : Budget
        A run bounded by evaluations or generations gives the same bits for any number of workers.
    algorithm : str, scheme or callable, default="regularised"
        As for :class:`evoml.EvoClassifier`.
    seed : int, default=0
    population_size : int, default=50
    objectives : sequence of str, default=("score",)
        Names of measures, the one that counts first; ``"complexity"`` is the size by the space, and the less of it the better.
    early_stop : int, StopRule or None, default=None
        Generations without improvement after which the run ends, or a rule of your own: called with the
        :class:`evoml.core.Progress` before each step, it returns whether to stop.
    pool : concurrent.futures.Executor or None, default=None
        Where the fitness is computed, such as a ``ProcessPoolExecutor``, or ``client.get_executor()`` of a Dask cluster;
        None is here, one genome after another.
    n_workers : int, default=1
        Workers of the pool.
    callbacks : sequence of callables, default=()
        Each is called as ``callback(progress, outcome)`` after every outcome.
    journal : path or None, default=None
        SQLite file that records the run; None keeps the record in memory.
    resume : bool, default=False
        Whether to go on with a run that ``journal`` records.
    """

    space: GenomeSpace
    fitness: Callable[[Any], float | Mapping[str, float]]
    budget: Budget
    algorithm: Any = "regularised"
    seed: int = 0
    population_size: int = 50
    objectives: Sequence[str] = (SCORE,)
    early_stop: int | StopRule | None = None
    pool: Pool | None = None
    n_workers: int = 1
    callbacks: Sequence[Callback] = ()
    journal: str | Path | None = None
    resume: bool = False
    began: Moment = field(default_factory=Moment)

    @property
    def measures(self) -> list[str]:
        """Names that the fitness must return."""
        return [name for name in self.objectives if name != COMPLEXITY] or [SCORE]


@dataclass(frozen=True)
class GenomeResult:
    """What a search found.

    Attributes
    ----------
    best : Outcome or None
        The best genome (``best.candidate.genome``) and its ``scores``; None if nothing could be scored.
    front : list of Outcome
        The genomes that no other surpasses in all objectives, best first.
    finished : Finished
    record : bytes
        The whole journal.
    """

    best: Outcome | None
    front: list[Outcome]
    finished: Finished
    record: bytes

    @property
    def genome(self) -> Any:
        """The best genome; None if nothing could be scored."""
        return None if self.best is None else self.best.candidate.genome

    @property
    def journal(self) -> Journal:
        """The record, opened: what tables and pictures of :mod:`evoml.report` are made from."""
        return Journal.from_bytes(self.record)

    @property
    def individuals(self) -> pd.DataFrame:
        """One row a candidate: text, parents, operator, status, scores, costs, error."""
        with self.journal as journal:
            return journal.individuals()

    @property
    def lineage(self) -> nx.DiGraph:
        """The graph of descent of all candidates: an edge from each parent to its child."""
        with self.journal as journal:
            return journal.lineage()


def search_genomes(wanted: GenomeSearch) -> GenomeResult:
    """Search until the budget is used up, and return what was found.

    Raises SettingError, SearchSpaceError or JournalError before any work, never after it.
    """
    _check_texts(wanted.space, wanted.seed)
    algorithm = candidate_algorithm(wanted.algorithm)(wanted.space, wanted.seed, population_size=wanted.population_size)
    judged = objectives(wanted.objectives, wanted.measures, wanted.space)
    runner = FunctionExecutor(wanted.fitness, wanted.space.parse, wanted.measures, wanted.pool, 2 * wanted.n_workers)
    ahead = LOOK_AHEAD if wanted.budget.ordered else None
    evaluator = Evaluator(runner, judged, look_ahead=ahead, max_evaluations=wanted.budget.evaluations)
    rules = {"budget": spent(wanted.budget), "early_stop": early_stopping(wanted.early_stop)}
    with closing(evaluator), opened(wanted, _settings(wanted), MUST_AGREE) as journal:
        tracker = Tracker(lambda: journal.elapsed, wanted.population_size, cpu=lambda: Moment().cpu - wanted.began.cpu)
        state, pending, told = gone_on(journal, algorithm, wanted.space.parse, tracker, wanted.pool is None)
        evaluator.remember(told)
        evaluator.submit(pending)
        finished = evolve(algorithm, state, evaluator, journal, rules, tracker, wanted.callbacks, wanted.budget.seconds)
        scored = tracker.scored()
        front = pareto_front(scored)
        journal.put("summary", _summary(scored, front, finished, journal.elapsed))
        return GenomeResult(scored[0] if scored else None, front, finished, journal.to_bytes())


def _check_texts(space: GenomeSpace, seed: int) -> None:
    """Raise SearchSpaceError for a space whose genomes are not read back from their texts: these are what is recorded."""
    text = str(space.sample([0], [stream(seed)])[0])
    try:
        again = str(space.parse(text))
    except Exception as error:  # a user's function may raise anything
        again = f"{type(error).__name__}: {error}"
    if again != text:
        raise SearchSpaceError(
            f"a genome must be read back from its text: parse({text!r}) should give it again, got {again!r};"
            " parse and str(genome) must fit each other"
        )


def _settings(wanted: GenomeSearch) -> dict[str, Any]:
    """Return what the journal holds of the settings."""
    return {
        "kind": "genomes",
        "space": type(wanted.space).__qualname__,
        "seed": wanted.seed,
        "scoring": wanted.measures,
        "objectives": list(wanted.objectives),
        "budget": asdict(wanted.budget),
        "early_stop": named(wanted.early_stop) if callable(wanted.early_stop) else wanted.early_stop,
        "algorithm": named(wanted.algorithm),
        "population_size": wanted.population_size,
        "operators": sorted(wanted.space.operators),
        "versions": versions(LIBRARIES),
    }


def _summary(scored: list[Outcome], front: list[Outcome], finished: Finished, seconds: float) -> dict[str, Any]:
    return {
        "stopped_by": finished.stopped_by,
        "best": scored[0].candidate.id if scored else None,
        "front": [outcome.candidate.id for outcome in front],
        "told": finished.told,
        "evaluations": finished.progress.evaluations,
        "seconds": seconds,
        "cpu_seconds": finished.progress.cpu,
    }
