"""One evaluation: a genome's text in, fold scores out. Everything learned from data is learned inside the fold."""

from __future__ import annotations

import contextlib
import hashlib
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from evoml.core.candidate import Cost, Evaluation, Status
from evoml.evaluation.binnings import Binnings
from evoml.evaluation.cache import Cache, NoCache
from evoml.evaluation.cases import case_errors, case_rows
from evoml.evaluation.execution import Execution, Responses, Steps, Workshop
from evoml.evaluation.fitting import fit_step, fit_table
from evoml.evaluation.folds import Fold, Folds, Table, own
from evoml.evaluation.scoring import OwnScorer, Scorer, apply
from evoml.evaluation.surroundings import error_text, peak_memory, quiet, random_generators_aside, random_states_kept
from evoml.learners.out_of_fold import prediction_columns

if TYPE_CHECKING:
    from evoml.core.dataset import Dataset
    from evoml.core.target import Classes
    from evoml.evaluation.splitting import Split


FINEST = 1e-4  # of the target's spread, that numbers must tell apart


class Builder(Protocol):
    """Makes what is to be evaluated from a genome's text."""

    @property
    def identity(self) -> str:
        """Hash of all that decides what a text means."""
        ...

    def read(self, text: str) -> Steps:
        """Return the graph of steps that is carried out fold by fold."""
        ...

    def build(self, text: str, random_state: int, *, weighted: bool = False, grouped: bool = False) -> Any:
        """Return the same as one unfitted estimator."""
        ...

    def preload(self) -> None:
        """Import everything that may be needed."""
        ...


@dataclass(frozen=True)
class Problem:
    """All that is needed to evaluate a genome, sent to each machine once.

    Attributes
    ----------
    dataset : Dataset
    builder : Builder
    splits : list of (train, test)
    scorers : mapping of name to scorer
        The first is the one that counts.
    seed : int
        ``random_state`` of every step.
    time_limit : float or None
        Seconds that one evaluation may take.
    original_labels : bool
        Whether models see the labels as the user gave them, because a metric of the user's own wants them, not codes.
    rungs : tuple of float
        Shares of the rows, growing, on which a candidate in a race is tried before the folds.
    cases : int
        Rows, at most, whose errors an evaluation tells one by one.
    """

    dataset: Dataset
    builder: Builder
    splits: list[Split]
    scorers: Mapping[str, Scorer]
    seed: int
    time_limit: float | None = None
    original_labels: bool = False
    rungs: tuple[float, ...] = ()
    cases: int = 0

    @property
    def target(self) -> np.ndarray:
        return self.dataset.labels if self.original_labels else self.dataset.y

    @property
    def classes(self) -> Classes:
        """The classes as models see them."""
        classes = self.dataset.classes
        if classes is None or self.original_labels:
            return classes
        if isinstance(classes, tuple):
            return tuple(np.arange(len(one)) for one in classes)
        return np.arange(len(classes))

    @cached_property
    def precision(self) -> type[np.floating[Any]]:
        """The type of numbers in which out-of-fold predictions are kept."""
        return precision(self.dataset)

    @cached_property
    def folds(self) -> Folds:
        """The table laid out for its folds; made once in each process that evaluates, or before it is forked."""
        return Folds(self.dataset, self.target, self.splits, self.seed, self.rungs)

    @cached_property
    def case_rows(self) -> np.ndarray:
        """The rows whose errors an evaluation tells one by one, of those that are tested."""
        dataset = self.dataset
        tested = np.unique(np.concatenate(self.folds.test_rows))
        return case_rows(tested, None if dataset.classes is None else dataset.y[tested], self.cases, self.seed)

    @cached_property
    def binnings(self) -> Binnings:
        """Codes of the folds' columns, kept in each process that evaluates."""
        return Binnings()

    @cached_property
    def identity(self) -> str:
        """Hash of all that the result of a step depends on, beside the step and the fold."""
        import sklearn

        parts = hashlib.blake2b(digest_size=12)
        for fact in (self.dataset.fingerprint, self.builder.identity, self.seed, self.original_labels, self.rungs):
            parts.update(repr(fact).encode())
        for train, test in self.splits:
            parts.update(np.ascontiguousarray(train).tobytes() + b"|" + np.ascontiguousarray(test).tobytes())
        parts.update(f"{np.__version__} {sklearn.__version__}".encode())
        return parts.hexdigest()

    def __getstate__(self) -> dict[str, Any]:
        here = ("folds", "binnings")  # they are as large as the table
        return {name: value for name, value in self.__dict__.items() if name not in here}


class OutOfTimeError(Exception):
    """The evaluation has taken as long as it may."""


def evaluate(problem: Problem, text: str, cache: Cache | None = None, bars: Sequence[float] = ()) -> Evaluation:
    """Cross-validate the genome written as ``text``; whatever goes wrong becomes part of the result.

    With ``bars`` it is a race: on each rung, then after each fold but the last, the (mean) first metric must reach the
    bar, or the candidate is pruned.
    """
    status, error = Status.OK, ""
    with quiet(problem.seed) as reseed:
        trial = Trial(problem, cache or NoCache(), reseed)
        try:
            status = trial.run(text, bars)
        except KeyboardInterrupt:  # the user's word, not a part's
            raise
        except OutOfTimeError:
            status, error = Status.TIMEOUT, f"took longer than its limit of {problem.time_limit:g} s"
        except BaseException as raised:  # whatever a part raises is this candidate's own affair, sys.exit() included
            status, error = Status.INVALID, error_text(raised)
        problem.binnings.tidy()
        return trial.evaluation(status, error)


class Trial:
    """One candidate's way over rungs and folds."""

    def __init__(self, problem: Problem, cache: Cache, reseed: Callable[[], None]) -> None:
        self.problem, self.cache, self._reseed = problem, cache, reseed
        self.began, self.cpu, self.held = time.perf_counter(), time.process_time(), peak_memory(reset=True)
        self.scores: dict[str, list[float]] = {name: [] for name in problem.scorers}
        self.rungs: list[float] = []
        self.columns: list[np.ndarray] = []
        self.score_seconds = 0.0
        self.executions: list[Execution] = []
        self._aside: Callable[[], contextlib.AbstractContextManager[None]] = random_generators_aside

    def run(self, text: str, bars: Sequence[float]) -> Status:
        """Return how it ended: OK or PRUNED."""
        from sklearn import config_context

        problem, plan = self.problem, self.problem.builder.read(text)
        first = next(iter(problem.scorers))
        folds, rungs = problem.folds, problem.folds.rungs if bars else []
        for number, rung in enumerate(rungs):
            self.rungs.append(self._fold(plan, text, rung, weigh=False)[first])
            if self.rungs[-1] < bars[number]:
                return Status.PRUNED
        for number in range(len(folds)):
            last = number == len(folds) - 1
            with config_context(skip_parameter_validation=number > 0):  # settings are the same in each fold
                found = self._fold(plan, text, folds[number], weigh=last)
            for name, value in found.items():
                self.scores[name].append(value)
            if bars and not last and float(np.mean(self.scores[first])) < bars[len(rungs) + number]:
                return Status.PRUNED
        return Status.OK

    def _fold(self, plan: Steps, text: str, fold: Fold, weigh: bool) -> dict[str, float]:
        problem = self.problem
        workshop = Workshop(
            plan=plan,
            seed=problem.seed,
            classifier=problem.dataset.task == "classification",
            cache=self.cache,
            binnings=problem.binnings,
            prefix=problem.identity,
            before_fit=self._before_fit,
            fit=fit_step,
            whole=lambda fold: fit_table(problem.builder, text, problem.seed, fold.training.copy()),
            seeded=self._seeded,
            weigh=weigh,
        )
        execution = Execution(workshop, fold)
        self.executions.append(execution)
        model, testing = execution.model(plan.root), fold.testing
        found = {}
        for name, scorer in problem.scorers.items():
            began, answering = time.perf_counter(), execution.answering
            known = isinstance(scorer, OwnScorer)  # others may draw, and are to find all as it was
            self._aside = random_generators_aside if known else random_states_kept
            with self._seeded():
                found[name] = apply(scorer, model, testing.X, own(testing.y), testing.weight)
            self.score_seconds += time.perf_counter() - began - (execution.answering - answering)
            if not math.isfinite(found[name]):
                raise ValueError(f"the metric {name} is {found[name]}: the predictions cannot be scored")
        if fold.name.isdigit():
            self.columns.append(self._predictions(model, testing))
        execution.finish()
        return found

    def _predictions(self, model: Responses, testing: Table) -> np.ndarray:
        return prediction_columns(model, testing.X, self.problem.classes).astype(self.problem.precision)

    @contextlib.contextmanager
    def _seeded(self) -> Iterator[None]:
        with self._aside():
            self._reseed()
            yield

    def _before_fit(self) -> None:
        limit = self.problem.time_limit
        if limit is not None and time.perf_counter() - self.began > limit:
            raise OutOfTimeError
        self._reseed()  # whatever was fitted, or recalled, before

    def evaluation(self, status: Status, error: str) -> Evaluation:
        """Return what was found out."""
        problem = self.problem
        predictions = self._out_of_fold() if status is Status.OK else None
        return Evaluation(
            status,
            {name: tuple(values) for name, values in self.scores.items() if values},
            self._cost(),
            error,
            rungs=tuple(self.rungs),
            semantics="" if predictions is None else semantics(predictions, problem.dataset),
            predictions=predictions,
            steps=tuple(time for execution in self.executions for time in execution.step_times()),
            cases=None
            if predictions is None or not problem.cases
            else case_errors(predictions, problem.dataset, problem.case_rows),
        )

    def _out_of_fold(self) -> np.ndarray:
        found = np.full((self.problem.dataset.n_rows, self.columns[0].shape[1]), np.nan, self.problem.precision)
        for rows, columns in zip(self.problem.folds.test_rows, self.columns, strict=True):
            found[rows] = columns
        return found

    def _cost(self) -> Cost:
        on_folds = [one for one in self.executions if one.fold.name.isdigit()]
        costs = [(key, cost) for execution in on_folds for key, cost in execution.costs.items()]
        # predicting inside a stacked model is part of its fit
        inner = [cost for (fold, _), cost in costs if "." in fold]
        outer = [cost for (fold, _), cost in costs if "." not in fold]
        return Cost(
            wall=time.perf_counter() - self.began,
            cpu=time.process_time() - self.cpu,
            fit=sum(cost.fit for cost in outer) + sum(cost.fit + cost.predict for cost in inner),
            fit_cpu=sum(cost.fit_cpu for cost in outer) + sum(cost.fit_cpu + cost.predict_cpu for cost in inner),
            predict=sum(cost.predict for cost in outer),
            predict_cpu=sum(cost.predict_cpu for cost in outer),
            score=self.score_seconds,
            memory=max(0.0, peak_memory() - self.held),
            size=sum(cost.size for cost in outer),
            recalled=sum(execution.recalled for execution in self.executions),
            saved=sum(execution.saved for execution in self.executions),
        )


def precision(dataset: Dataset) -> type[np.floating[Any]]:
    """Return float32, or float64 for numbers so large beside their spread (times, serial numbers) that float32 blurs it."""
    if dataset.classes is not None:
        return np.float32
    largest, spread = np.abs(dataset.y).max(axis=0), np.std(dataset.y, axis=0)
    blurred = (spread > 0) & (np.finfo(np.float32).eps * largest > FINEST * spread)
    return np.float64 if np.any(blurred) else np.float32


def semantics(predictions: np.ndarray, dataset: Dataset) -> str:
    """Return a hash that out-of-fold predictions share if they are the same to six digits of the target's scale."""
    spread = np.ones(1) if dataset.classes is not None else np.std(dataset.y, axis=0)
    scale = np.where(spread > 0, spread, 1.0).astype(np.float32)
    if predictions.dtype == np.float64:
        predictions = predictions - np.mean(dataset.y, axis=0)
    rounded = np.round(predictions / scale, 6) + 0.0  # no negative zeros
    return hashlib.blake2b(rounded.astype(np.float32).tobytes(), digest_size=12).hexdigest()


def fit_whole(problem: Problem, text: str) -> Any:
    """Return the pipeline of a genome's text fitted on the whole table, under its column names and labels.

    A row of weight zero is as good as not there.
    """
    dataset = problem.dataset
    table = Table(dataset.features.named, dataset.labels, dataset.sample_weight, dataset.groups)
    if table.weight is not None and not table.weight.all():
        table = table.take(np.flatnonzero(table.weight))
    with quiet(problem.seed):
        return fit_table(problem.builder, text, problem.seed, table)
