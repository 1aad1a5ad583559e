"""A search for programs that learn, put together from its parts, begun or resumed, and finished with the best champion."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from evoml.core.budget import Moment, early_stopping, spent
from evoml.core.errors import FitError
from evoml.genomes.program.program import Program, Programs
from evoml.kernels.program_run import sizes_of
from evoml.run.batches import Recorder, begun, compiled, cpu_spent, evolve_batches, progress_in
from evoml.run.opening import opened
from evoml.run.programs.islands import island_executor
from evoml.run.programs.loop import Champion, Judge, Run, first_states, setting_of
from evoml.run.programs.settings import ProgramSearch, check, settings_of

if TYPE_CHECKING:
    import pandas as pd

    from evoml.journal import Journal
    from evoml.kernels.program_tasks import Tasks
    from evoml.run.loop import Finished

KERNELS = "program"  # the group of kernels that is compiled before the clock starts


@dataclass(frozen=True, eq=False)
class ProgramResult:
    """What a search for programs found.

    Attributes
    ----------
    champion : Champion
        The best of the champions on the tasks for selection.
    champions : tuple of Champion
        All that were met, in that order.
    report : (tasks,) array or None
        Fitness of the champion on each of the tasks for the report.
    counts : mapping
        Programs born, known by their instructions, known by their errors, run, too dear, stopped at a hurdle.
    finished : Finished
    history, individuals : pandas.DataFrame
        One row a batch; one row a champion.
    evaluations : int
        Programs born.
    cpu_seconds : float
    record : bytes
        The whole journal, without its checkpoint.
    """

    champion: Champion
    champions: tuple[Champion, ...]
    report: np.ndarray | None
    counts: dict[str, int]
    finished: Finished
    history: pd.DataFrame
    individuals: pd.DataFrame
    evaluations: int
    cpu_seconds: float
    record: bytes

    @property
    def program(self) -> Program:
        """The champion, in its canonical form."""
        return self.champion.program


def search_programs(wanted: ProgramSearch) -> ProgramResult:
    """Search for programs that learn, and return the best one on tasks that the search does not see.

    Raises SettingError, SearchSpaceError or JournalError before any work.
    """
    check(wanted)
    wanted = compiled(wanted, KERNELS, "programs")
    settings, setting, judge = settings_of(wanted), setting_of(wanted), Judge(wanted)
    wanted = _with_machines(wanted, [setting.tasks, *judge.tasks])
    decisive = settings.keys() - {"budget", "versions"}
    with (
        closing(island_executor(wanted.executor, setting, wanted.n_jobs)) as islands,
        opened(wanted, settings, sorted(decisive)) as journal,
    ):
        first = begun(Run(wanted, islands, judge, first_states(wanted, setting)), journal)
        recorder, progress_of = Recorder(journal, wanted.checkpoint_seconds), progress_in(wanted, journal)
        solved = np.inf if wanted.solved is None else wanted.solved
        rules = {
            "budget": spent(wanted.budget),
            "early_stop": early_stopping(wanted.early_stop),
            "solved": lambda progress: progress.best_score >= solved,
        }
        run, finished = evolve_batches(first, recorder, journal, rules, wanted.callbacks, progress_of)
        return _result(wanted, run, finished, journal)


def _with_machines(wanted: ProgramSearch, task_sets: Sequence[Tasks]) -> ProgramSearch:
    """Return the search, begun later by what it takes to make the machines for its sizes, once on a computer."""
    began = Moment()
    for tasks in task_sets:
        sizes_of(wanted.space.language.memory, tasks)
    ready = Moment()
    return replace(
        wanted,
        began=Moment(wanted.began.wall + ready.wall - began.wall, wanted.began.cpu + ready.cpu - began.cpu),
    )


def _result(wanted: ProgramSearch, run: Run, finished: Finished, journal: Journal) -> ProgramResult:
    run = run if run.champions else run.looked_at()  # it was interrupted in its first batch
    champion = run.champion
    if champion is None:
        raise FitError(
            f"no program predicted anything in {run.evaluations} births; give the search more time, more operations, or"
            " programs to start from"
        )
    report = run.judge.report(Programs.of([champion.program], wanted.space.room))
    cpu = cpu_spent(run, wanted)
    journal.put(
        "summary",
        {
            "stopped_by": finished.stopped_by,
            "evaluations": run.evaluations,
            "seconds": journal.elapsed,
            "cpu_seconds": cpu,
            "champion": asdict(champion),
            "report": None if report is None else report.tolist(),
            "counts": run.counts,
        },
    )
    return ProgramResult(
        champion, run.champions, report, run.counts, finished, journal.progress(), journal.individuals(), run.evaluations, cpu,
        journal.to_bytes(),
    )  # fmt: skip
