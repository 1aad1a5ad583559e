"""A search for formulas on a table, put together from its parts, begun or resumed, and finished with a front to choose from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evoml.algorithms import array_algorithm
from evoml.algorithms.arrays import ArrayAlgorithm, Islands
from evoml.algorithms.choosing import settings_for
from evoml.algorithms.topologies import destinations
from evoml.core.budget import early_stopping, spent
from evoml.core.errors import DataError, SettingError, nearest
from evoml.core.threads import ALONE, Threads
from evoml.evaluation.formula_fitness import FormulaFitness, LocalSearch
from evoml.evaluation.formula_table import LOSSES, FormulaTable
from evoml.genomes.expression.description import node_weights
from evoml.genomes.expression.operations import DEFAULT
from evoml.genomes.expression.population import Formula, Population
from evoml.genomes.expression.space import ExpressionSpace
from evoml.genomes.expression.units import Units
from evoml.run.batches import Recorder, begun, compiled, cpu_spent, evolve_batches, lateness, progress_in
from evoml.run.formulas.demands import penalties
from evoml.run.formulas.finishing import Front, finished_front
from evoml.run.formulas.hall_of_fame import HallOfFame
from evoml.run.formulas.loop import Lineage, Run
from evoml.run.formulas.settings import PRECISIONS, SELECTIONS, FormulaSearch, settings_of
from evoml.run.opening import opened

if TYPE_CHECKING:
    import pandas as pd

    from evoml.journal import Journal
    from evoml.run.loop import Finished

KERNELS = "expression"  # the group of kernels that is compiled before the clock starts
LARGEST = 1e140  # value of a target that can be squared and summed, and the inverse of the least difference that can
SETTLED = 10  # generations without a better front after which a solved problem is left


@dataclass(frozen=True, eq=False)
class FormulaResult:
    """What a search for formulas found.

    Attributes
    ----------
    fronts : tuple of Front
        One for each target: its formulas in ascending order of complexity, one of them chosen.
    finished : Finished
    history, individuals : pandas.DataFrame
        One row a generation; one row for each formula that was, at its time, the best of its complexity.
    evaluations : int
    cpu_seconds : float
    node_evaluations : int
        Operations, constants and columns that were evaluated in this sitting, times rows.
    record : bytes
        The whole journal, without its checkpoint.
    lineages : tuple of Lineage
        The populations and halls of fame as the search left them, one for each target.
    """

    fronts: tuple[Front, ...]
    finished: Finished
    history: pd.DataFrame
    individuals: pd.DataFrame
    evaluations: int
    cpu_seconds: float
    node_evaluations: int
    record: bytes
    lineages: tuple[Lineage, ...]

    def members(self, target: int, count: int) -> list[Formula]:
        """Return the best formulas of a target's last population, those of least error first; not scaled."""
        return self.lineages[target].best(count)


def search_formulas(wanted: FormulaSearch) -> FormulaResult:
    """Search for formulas, and return those that are best for their complexity.

    Raises SettingError, SearchSpaceError, DataError or JournalError before any work.
    """
    check(wanted)
    wanted = compiled(wanted, KERNELS, "formulas")
    classes = wanted.loss == "log_loss"
    tables = [FormulaTable.of(wanted.X, target, wanted.weights, classes) for target in wanted.targets]
    with ExitStack() as open_:
        threads = open_.enter_context(Threads(wanted.n_jobs))
        lineages = [_lineage(wanted, label, table, threads) for label, table in zip(wanted.labels, tables, strict=True)]
        settings = settings_of(wanted)
        decisive = settings.keys() - {"budget", "versions"}
        journal = open_.enter_context(opened(wanted, settings, sorted(decisive)))
        first = begun(Run(tuple(lineages), tuple(wanted.names)), journal)
        recorder, progress_of = Recorder(journal, wanted.checkpoint_seconds), progress_in(wanted, journal)
        rules = {
            "exhausted": lambda _: all(np.ptp(table.target) == 0 for table in tables),
            "budget": spent(wanted.budget),
            "early_stop": early_stopping(wanted.early_stop),
            "solved": lambda progress: 1.0 - progress.best_score <= wanted.solved and progress.stalled >= SETTLED,
        }
        run, finished = evolve_batches(first, recorder, journal, rules, wanted.callbacks, progress_of)
        late = lateness(wanted, journal, run)
        fronts = tuple(
            finished_front(wanted, table, one, late) for table, one in zip(tables, run.lineages, strict=True)
        )
        return _result(wanted, run, fronts, finished, journal)


def check(wanted: FormulaSearch) -> None:
    """Raise SettingError for a setting that is not known, DataError for a target that cannot be computed with."""
    for name, value, known in (
        ("loss", wanted.loss, LOSSES),
        ("selection", wanted.selection, SELECTIONS),
        ("precision", wanted.precision, PRECISIONS),
    ):
        if value not in known:
            raise SettingError(f"unknown {name} {value!r}{nearest(value, known)}; there are: {', '.join(known)}")
    array_algorithm(wanted.algorithm)
    for target in wanted.targets:
        _check_scale(target)


def _check_scale(target: np.ndarray) -> None:
    """Raise DataError for a target that varies, and whose squares no number holds."""
    largest = float(np.abs(target).max())
    spread = float(np.ptp(target)) if largest <= LARGEST else largest * float(np.ptp(target / largest))
    if spread and (largest > LARGEST or spread < 1 / LARGEST):
        size = f"reach {largest:.3g}" if largest > LARGEST else f"differ by {spread:.3g} at most"
        raise DataError(
            f"the target's values {size}, and the squares of such numbers cannot be computed with; multiply the target by"
            f" {1 / max(spread, 1e-300):.0e}, say, and divide what is predicted by that"
        )


def _lineage(wanted: FormulaSearch, label: str, table: FormulaTable, threads: Threads) -> Lineage:
    space = formula_space(wanted, threads)
    space.sample(
        np.empty(0, np.uint64)
    )  # a mistake in the settings of breeding is found now, before there is a journal
    algorithm = _algorithm(wanted, space)
    fitness = FormulaFitness(
        table.evenly(wanted.search_rows),
        wanted.loss,
        LocalSearch(wanted.local_steps, wanted.local_probability, wanted.local_rows),
        threads,
        weights=space.weights,
        penalties=penalties(wanted, space, table),
        with_cases=algorithm.needs_cases,
        precision=wanted.precision,
    )
    return Lineage(label, algorithm, fitness, algorithm.start(), HallOfFame())


def formula_space(wanted: FormulaSearch, threads: Threads = ALONE) -> ExpressionSpace:
    """Return the space that a search wants. Raises SettingError or SearchSpaceError."""
    weights, units = None, None
    if wanted.complexity is not None:
        own = {name: value for name, value in wanted.complexity.items() if name not in ("constant", "variable")}
        leaves = (float(wanted.complexity.get(name, 1.0)) for name in ("constant", "variable"))
        weights = node_weights(own, *leaves)
    if wanted.units is not None or wanted.target_unit is not None:
        units = Units.of(_units_in_order(wanted.units or {}, wanted.names), wanted.target_unit)
    return ExpressionSpace(
        wanted.names,
        DEFAULT if wanted.operations is None else wanted.operations,
        max_length=wanted.max_length,
        max_depth=wanted.max_depth,
        init_length=wanted.init_length,
        const_range=wanted.const_range,
        variations=wanted.operators,
        weights=weights,
        units=units,
        threads=threads,
    )


def _units_in_order(given: Mapping[Any, str], names: Sequence[str]) -> list[str | None]:
    """Return the unit of each column, of those given by name or by number. Raises SettingError."""
    found: list[str | None] = [None] * len(names)
    for column, unit in given.items():
        at = list(names).index(column) if column in names else column
        if isinstance(at, bool) or not isinstance(at, (int, np.integer)) or not 0 <= at < len(names):
            raise SettingError(f"units names the column {column!r}{nearest(column, names)}, which is not there")
        found[int(at)] = unit
    return found


def _algorithm(wanted: FormulaSearch, space: ExpressionSpace) -> ArrayAlgorithm | Islands:
    kind = array_algorithm(wanted.algorithm)
    more = settings_for(kind, parsimony=wanted.parsimony)
    formulas = [space.parse(text) for text in wanted.initial_formulas]
    initial = Population.of(formulas, wanted.max_length) if formulas else None
    islands = wanted.islands if wanted.islands > 1 else None  # one is the default, and no island
    count = wanted.islands if isinstance(wanted.topology, str) else len(destinations(wanted.topology, islands))
    populations = [
        kind(
            space, wanted.seed, wanted.population_size, wanted.tournament_size, island, initial, wanted.patience, **more
        )
        for island in range(count)
    ]
    return populations[0] if count == 1 else Islands(populations, wanted.migration_every, topology=wanted.topology)


def _result(
    wanted: FormulaSearch, run: Run, fronts: tuple[Front, ...], finished: Finished, journal: Journal
) -> FormulaResult:
    cpu = cpu_spent(run, wanted)
    journal.put(
        "summary",
        {
            "stopped_by": finished.stopped_by,
            "evaluations": run.evaluations,
            "seconds": journal.elapsed,
            "cpu_seconds": cpu,
            "fronts": [[shown.record() for shown in front.formulas] for front in fronts],
            "chosen": [front.chosen for front in fronts],
        },
    )
    nodes = sum(lineage.fitness.node_evaluations for lineage in run.lineages)
    individuals, history = journal.individuals(), journal.progress()
    return FormulaResult(
        fronts, finished, history, individuals, run.evaluations, cpu, nodes, journal.to_bytes(), run.lineages
    )
