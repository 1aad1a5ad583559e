"""What the results of an experiment say, and what they cannot say: the numbers of its report."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from evoml.core.errors import SettingError
from evoml.experiment import curves, statistics
from evoml.experiment.cells import Cell
from evoml.experiment.config import Experiment
from evoml.experiment.curves import EVALUATIONS, SECONDS, Band, Successes
from evoml.experiment.results import Results, Row
from evoml.experiment.sources import told_of_others
from evoml.experiment.statistics import Comparison, Interval, Ranking

if TYPE_CHECKING:
    import pandas as pd

BETTER, WORSE, NOTHING, TOO_FEW = "better", "worse", "no difference shown", "too few seeds"


@dataclass(frozen=True)
class Judged:
    """Two variants on a problem: how they compare, and what may be concluded from it."""

    problem: str
    first: str
    second: str
    found: Comparison
    p_holm: float
    verdict: str


class Analysis:
    """All that a report tells. Greater is better in everything here but raw scores, which are as they were measured."""

    def __init__(self, experiment: Experiment, results: Results, cells: Sequence[Cell]) -> None:
        self.experiment, self.cells = experiment, cells
        self.rows = results.finished(cells)
        finished = {row.cell for row in self.rows}
        known = {cell.id: results.rows.get(cell.id) for cell in cells if cell.id not in finished}
        self.failed = [row for row in known.values() if row is not None and row.status == "failed"]
        self.stale = [name for name, row in known.items() if row is not None and row.finished]
        self.of_other_files = told_of_others(self.rows, cells)
        self.maximise = experiment.direction == "maximise"
        self.variants = [variant.name for variant in experiment.variants]

    # -- scores -------------------------------------------------------------------------------------------------------

    @cached_property
    def table(self) -> pd.DataFrame:
        """The measure of each run: one row for each problem and seed, one column for each variant."""
        import pandas as pd

        if unknown := [row.cell for row in self.rows if self.experiment.measure not in row.measures]:
            there = ", ".join(next(row.measures for row in self.rows if row.cell == unknown[0]))
            raise SettingError(f"{unknown[0]} has no measure {self.experiment.measure!r}; it has: {there or 'none'}")
        flat = [(row.problem, row.seed, row.variant, row.measures[self.experiment.measure]) for row in self.rows]
        long = pd.DataFrame(flat, columns=["problem", "seed", "variant", "value"])
        wide = long.pivot(index=["problem", "seed"], columns="variant", values="value")
        order = {name: at for at, name in enumerate(self.experiment.problems)}
        wide = wide.sort_index(key=lambda level: level.map(order) if level.name == "problem" else level)
        return wide[[name for name in self.variants if name in wide.columns]]

    @property
    def without_number(self) -> list[str]:
        """Cells whose measure is no number: no test can take them into account."""
        return [row.cell for row in self.rows if math.isnan(row.measures.get(self.experiment.measure, 0.0))]

    @property
    def problems(self) -> list[str]:
        """Problems of which there is something."""
        return list(dict.fromkeys(self.table.index.get_level_values("problem")))

    def scores(self, problem: str) -> dict[str, list[float]]:
        """Return the measure of each run by variant."""
        here = self.table.loc[problem]
        return {name: here[name].dropna().tolist() for name in here.columns if here[name].notna().any()}

    @cached_property
    def medians(self) -> dict[str, dict[str, Interval]]:
        """Median and bootstrap interval by problem and variant."""
        confidence = 1 - self.experiment.alpha
        return {
            problem: {name: statistics.median_interval(v, confidence) for name, v in self.scores(problem).items()}
            for problem in self.problems
        }

    # -- tests --------------------------------------------------------------------------------------------------------

    @cached_property
    def judged(self) -> list[Judged]:
        """All pairs of variants on all problems; p-values are adjusted for all of them together."""
        found = [
            (problem, first, second, comparison)
            for problem in self.problems
            for first, second in itertools.combinations(self.scores(problem), 2)
            if (comparison := self._comparison(problem, first, second)) is not None
        ]
        adjusted = statistics.holm([comparison.p for *_, comparison in found])
        return [Judged(*one, p, self._verdict(one[-1], p)) for one, p in zip(found, adjusted, strict=True)]

    def _comparison(self, problem: str, first: str, second: str) -> Comparison | None:
        here = self.table.loc[problem][[first, second]]
        sign = 1.0 if self.maximise else -1.0
        if self.experiment.paired:
            here = here.dropna()
        one, other = (sign * here[name].dropna() for name in (first, second))
        if not len(one) or not len(other):
            return None
        return statistics.compare(one, other, self.experiment.paired, self.experiment.alpha)

    def _verdict(self, comparison: Comparison, p: float) -> str:
        if self.too_few:
            return TOO_FEW
        if not p <= self.experiment.alpha:  # also one that is no number
            return NOTHING
        gap = comparison.difference.value
        return BETTER if (gap if gap and not math.isnan(gap) else comparison.effect - 0.5) > 0 else WORSE

    @property
    def comparisons(self) -> int:
        """How many comparisons there are."""
        return sum(math.comb(len(self.scores(problem)), 2) for problem in self.problems)

    @cached_property
    def seeds(self) -> int:
        """Seeds that all variants have on a problem, on the one that has most."""
        whole = self.table.dropna()
        return int(whole.groupby(level="problem").size().max()) if len(whole) else 0

    @property
    def least_p(self) -> float:
        """The least p after Holm's correction that any outcome could have had."""
        n = self.seeds
        return min(1.0, self.comparisons * statistics.least_p(n, None if self.experiment.paired else n))

    @property
    def too_few(self) -> bool:
        """Whether nothing could have been significant, whatever came out."""
        return self.comparisons > 0 and self.least_p > self.experiment.alpha

    @property
    def seeds_needed(self) -> int:
        """The fewest seeds with which something could be."""
        return statistics.seeds_needed(self.comparisons, self.experiment.paired, self.experiment.alpha)

    # -- ranks --------------------------------------------------------------------------------------------------------

    def ranking_of_runs(self) -> Ranking:
        """Rank variants in each run: blocks are problems by seeds, and what follows is about these problems."""
        return statistics.ranking(self.table, self.maximise, self.experiment.alpha)

    def ranking_of_problems(self) -> Ranking:
        """Rank the medians of variants on each problem: what follows is about problems like these (Demšar 2006)."""
        medians = self.table.dropna().groupby(level="problem").median()
        return statistics.ranking(medians, self.maximise, self.experiment.alpha)

    # -- work ---------------------------------------------------------------------------------------------------------

    @property
    def axis(self) -> str:
        """What work is counted in: evaluations, unless a variant is bounded by time alone."""
        bounded = [variant for variant in self.experiment.variants if variant.genome not in (None, "estimator")]
        return EVALUATIONS if all(variant.counted for variant in bounded) else SECONDS

    def rows_of(self, problem: str) -> dict[str, list[Row]]:
        """Return the rows of a problem that have a curve, by variant."""
        found: dict[str, list[Row]] = {name: [] for name in self.variants}
        for row in self.rows:
            if row.problem == problem and row.curve:
                found[row.variant].append(row)
        return {name: rows for name, rows in found.items() if rows}

    def bands(self) -> dict[str, dict[str, Band]]:
        """Return the anytime bands by problem and variant."""
        found: dict[str, dict[str, Band]] = {}
        for problem in self.problems:
            of = {n: curves.band([row.curve for row in rows], self.axis) for n, rows in self.rows_of(problem).items()}
            if kept := {name: band for name, band in of.items() if band is not None}:
                found[problem] = kept
        return found

    def areas(self) -> dict[str, dict[str, Interval]]:
        """Return the median area under the anytime curves, with its interval."""
        found = {problem: curves.areas(self.rows_of(problem), self.axis) for problem in self.problems}
        return {
            problem: {name: statistics.median_interval(values) for name, values in of.items()}
            for problem, of in found.items()
            if of
        }

    def successes(self) -> dict[str, dict[str, Successes]]:
        """Return how often, and how soon, curves reached the score that the config calls a success, or a greater one."""
        found = {}
        for problem in self.problems:
            bar = self.experiment.success.get(problem)
            rows: Mapping[str, Sequence[Row]] = {} if bar is None else self.rows_of(problem)
            if bar is not None and rows:
                found[problem] = {
                    name: curves.successes([row.curve for row in of], self.axis, bar) for name, of in rows.items()
                }
        return found
