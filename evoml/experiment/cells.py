"""The cells of an experiment: one run of one variant on one problem with one seed, and what it found."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evoml.core.errors import nearest
from evoml.experiment.problems import Data, load
from evoml.experiment.toml_lines import ConfigError

if TYPE_CHECKING:
    from evoml.experiment.config import Experiment, Variant


@dataclass(frozen=True)
class Cell:
    """One run of an experiment: what a runner is given.

    Attributes
    ----------
    id : str
        Its name, the same in each sitting: problem, variant and seed.
    problem : str
    problem_arguments : mapping
        What the config says of the problem.
    variant : Variant
    seed : int
    folder : Path
        Its own; what a run that was killed has left there is still there when the cell is run again.
    here : Path
        Folder of the config, where its paths begin.
    jobs : int
        Processors it may use.
    memory : int
        Bytes it may use.
    test_size, scoring, measures :
        As in the config.
    """

    id: str
    problem: str
    problem_arguments: Mapping[str, Any]
    variant: Variant
    seed: int
    folder: Path
    here: Path
    jobs: int
    memory: int
    test_size: float
    scoring: str | None
    measures: str | None

    @property
    def settings(self) -> Mapping[str, Any]:
        """Settings and budget of its variant."""
        return self.variant.settings

    @property
    def levels(self) -> Mapping[str, str]:
        """Level by factor."""
        return self.variant.levels

    @cached_property
    def fingerprint(self) -> str:
        """A hash of all that the config says of this cell: results of another fingerprint are not its own."""
        variant = self.variant
        told: list[Any] = [variant.genome, variant.estimator, variant.runner, variant.settings, self.problem_arguments]
        told += [self.problem, self.seed, self.test_size, self.scoring, self.measures]
        return hashlib.blake2b(json.dumps(told, sort_keys=True, default=str).encode(), digest_size=8).hexdigest()

    def data(self) -> Data:
        """Return the tables of its problem: the same for all variants of one problem and seed."""
        return load(self.problem_arguments, self.here, self.seed, self.test_size)


@dataclass(frozen=True)
class Finding:
    """What a cell found.

    Attributes
    ----------
    measures : mapping of str to float
        What it is judged by. Those whose name ends in ``seconds`` differ from run to run.
    curve : sequence of (evaluations, seconds, score)
        The best score so far, wherever it improved and at the end. Greater is better here whatever ``direction`` the config
        gives the measure: of an error that is minimised, the curve has minus the error. ``success`` is a score of this curve.
    trace : sequence of tuples or None
        All it did, in order, each with a name in front: what must be the same bit for bit when it is run again. None is
        the curve without its seconds, and the measures.
    """

    measures: Mapping[str, float]
    curve: Sequence[tuple[float, float, float]] = ()
    trace: Sequence[tuple[Any, ...]] | None = None
    evaluations: float | None = field(default=None)


def cells_of(experiment: Experiment, out: Path, jobs: int | None = None) -> list[Cell]:
    """Return all cells, seeds outermost, so that an early look at the results sees each variant on each problem.

    ``out`` is the folder below which they work, ``jobs`` the processors of a cell if it is not as the config says.
    """
    cells = [
        _cell(experiment, problem, variant, seed, out, experiment.cell_jobs if jobs is None else jobs)
        for seed in experiment.seeds
        for problem in experiment.problems
        for variant in experiment.variants
    ]
    names = {cell.id: (cell.problem, cell.variant.name) for cell in cells}
    if len(names) < len(cells):
        two = next(
            (cell.problem, cell.variant.name) for cell in cells if names[cell.id] != (cell.problem, cell.variant.name)
        )
        raise ConfigError(
            f"{experiment.path}: rename {' or '.join(two)}: folders of two cells would have the same name"
        )
    return cells


def _cell(experiment: Experiment, problem: str, variant: Variant, seed: int, out: Path, jobs: int) -> Cell:
    name = "-".join(_slug(part) for part in (problem, variant.name, str(seed)))
    cell = Cell(
        name,
        problem,
        experiment.problems[problem],
        variant.on(problem),
        seed,
        out / "cells" / name,
        experiment.folder,
        jobs,
        experiment.cell_memory,
        experiment.test_size,
        experiment.scoring,
        experiment.measures,
    )
    return replace(cell, folder=out / "cells" / f"{name}-{cell.fingerprint}")  # another config, another folder


def _slug(text: str) -> str:
    """Return a text fit for the name of a folder."""
    return re.sub(r"[^a-zA-Z0-9_.+]+", "_", text).strip("_.")[:60] or "one"


def chosen(cells: Sequence[Cell], only: Iterable[str]) -> list[Cell]:
    """Return the cells whose names match one of the patterns, or contain one; all of them for none.

    Raises ConfigError for a pattern that no cell matches.
    """
    patterns = list(only)
    for pattern in patterns:
        if not any(_matches(cell.id, pattern) for cell in cells):
            near = nearest(pattern, [cell.id for cell in cells])
            raise ConfigError(f"no cell is called like {pattern!r}{near}; cells are named PROBLEM-VARIANT-SEED")
    return [cell for cell in cells if not patterns or any(_matches(cell.id, pattern) for pattern in patterns)]


def _matches(name: str, pattern: str) -> bool:
    return fnmatch(name, pattern) or pattern in name


def sample_of(cells: Sequence[Cell], count: int | None) -> list[Cell]:
    """Return so many cells, drawn as if at random, but the same each time; all of them for None."""
    drawn = set(sorted(cell.fingerprint for cell in cells)[:count])
    return [cell for cell in cells if cell.fingerprint in drawn]
