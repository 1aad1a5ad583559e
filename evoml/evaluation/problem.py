"""One evaluation: a genome's text in, fold scores out. Everything learned from data is learned inside the fold."""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import random
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from evoml.core.candidate import Cost, Evaluation, Status
from evoml.evaluation.binnings import Binnings
from evoml.evaluation.cache import Cache, NoCache
from evoml.evaluation.execution import Execution, Responses, Steps, Workshop
from evoml.evaluation.folds import Fold, Folds, Table, own
from evoml.evaluation.scoring import OwnScorer, Scorer, apply
from evoml.learners.out_of_fold import prediction_columns

if TYPE_CHECKING:
    from evoml.core.dataset import Dataset
    from evoml.core.target import Classes
    from evoml.evaluation.splitting import Split


_TURN = threading.RLock()
_SPARE: list[np.random.MT19937] = []  # generators that nobody draws from now


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
    """

    dataset: Dataset
    builder: Builder
    splits: list[Split]
    scorers: Mapping[str, Scorer]
    seed: int
    time_limit: float | None = None
    original_labels: bool = False
    rungs: tuple[float, ...] = ()

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
    def folds(self) -> Folds:
        """The table laid out for its folds; made once in each process that evaluates, or before it is forked."""
        return Folds(self.dataset, self.target, self.splits, self.seed, self.rungs)

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
        return prediction_columns(model, testing.X, self.problem.classes).astype(np.float32)

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
        predictions = self._out_of_fold() if status is Status.OK else None
        return Evaluation(
            status,
            {name: tuple(values) for name, values in self.scores.items() if values},
            self._cost(),
            error,
            rungs=tuple(self.rungs),
            semantics="" if predictions is None else semantics(predictions, self.problem.dataset),
            predictions=predictions,
            steps=tuple(time for execution in self.executions for time in execution.step_times()),
        )

    def _out_of_fold(self) -> np.ndarray:
        found = np.full((self.problem.dataset.n_rows, self.columns[0].shape[1]), np.nan, np.float32)
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


def semantics(predictions: np.ndarray, dataset: Dataset) -> str:
    """Return a hash that out-of-fold predictions share if they are the same to six digits of the target's scale."""
    spread = np.ones(1) if dataset.classes is not None else np.std(dataset.y, axis=0)
    scale = np.where(spread > 0, spread, 1.0).astype(np.float32)
    rounded = np.round(predictions / scale, 6) + 0.0  # no negative zeros
    return hashlib.blake2b(rounded.astype(np.float32).tobytes(), digest_size=12).hexdigest()


# -- fitting ----------------------------------------------------------------------------------------------------------


def fit_step(step: Any, table: Table, X: Any, *, transform: bool = False) -> Any:
    """Fit a step on ``X`` with the target, and with those of sample weights and groups that it takes.

    With ``transform`` the transformed ``X`` is returned, else the step. Within a step, weights and groups travel by
    scikit-learn's metadata routing, except in the few that it cannot be routed through: there the step itself gets them.
    """
    given = table.metadata
    if not given:
        return _fit(step, X, table.y, {}, transform)
    from sklearn.utils.validation import has_fit_parameter

    from evoml.genomes.pipeline_tree.build import request

    def requesting() -> Any:
        for name in given:
            request(step, name)
        return step

    def unrouted() -> Any:
        takes = {name: values for name, values in given.items() if has_fit_parameter(step, name)}
        return _fit(step, X, table.y, takes, transform)

    return _routed(requesting, given, lambda step, wanted: _fit(step, X, table.y, wanted, transform), unrouted)


def _fit(step: Any, X: Any, y: Any, metadata: Mapping[str, Any], transform: bool) -> Any:
    if not transform:
        step.fit(X, y, **metadata)
        return step
    if hasattr(step, "fit_transform"):
        return step.fit_transform(X, y, **metadata)
    return step.fit(X, y, **metadata).transform(X)


def fit_table(builder: Builder, text: str, seed: int, table: Table) -> Any:
    """Return the whole estimator of a genome's text fitted on a table.

    Sample weights and groups reach all steps that take them.
    """
    given = table.metadata
    if not given:
        return builder.build(text, seed).fit(table.X, table.y)
    return _routed(
        lambda: builder.build(text, seed, weighted="sample_weight" in given, grouped="groups" in given),
        given,
        lambda model, wanted: model.fit(table.X, table.y, **wanted),
        lambda: _fit_by_step(builder.build(text, seed), table.X, table.y, given),
    )


def _routed(
    make: Callable[[], Any],
    given: Mapping[str, np.ndarray],
    fit: Callable[[Any, Mapping[str, np.ndarray]], Any],
    unrouted: Callable[[], Any],
) -> Any:
    """Return ``fit(model, metadata)`` of a model that requests metadata; ``unrouted()`` if it cannot be routed through it."""
    from sklearn import config_context
    from sklearn.utils.metadata_routing import get_routing_for_object

    with config_context(enable_metadata_routing=True):
        model = make()
        try:
            wanted = get_routing_for_object(model).consumes("fit", given.keys())
            return fit(model, {name: given[name] for name in wanted})
        except (NotImplementedError, KeyError) as error:
            if isinstance(error, KeyError) and error.args != ("groups",):
                raise
    return unrouted()


def _fit_by_step(model: Any, X: Any, y: Any, given: Mapping[str, np.ndarray]) -> Any:
    """Fit a pipeline with metadata for its own steps alone, not for those within a step.

    So it must be with a few parts that scikit-learn cannot route metadata through: AdaBoost says so, its TargetEncoder
    looks for groups that are not there.
    """
    from sklearn.utils.validation import has_fit_parameter

    takers = [(step, name) for step, part in model.steps for name in given if has_fit_parameter(part, name)]
    return model.fit(X, y, **{f"{step}__{name}": given[name] for step, name in takers})


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


# -- surroundings -----------------------------------------------------------------------------------------------------


def error_text(error: BaseException) -> str:
    """Return the type and message of an error, also of one that cannot say its own message, fit for any file."""
    try:
        message = str(error)
    except Exception:
        message = "it has no message that can be read"
    return f"{type(error).__name__}: {message}"[:2000].encode(errors="backslashreplace").decode()[:2000]


@contextlib.contextmanager
def quiet(seed: int) -> Iterator[Callable[[], None]]:
    """Silence warnings, keep to one thread, and leave the global random states as they were.

    Parts that draw from a global state despite all find it seeded, so that they too repeat themselves; the function that
    is handed out seeds it anew. All this belongs to the whole process, so threads take turns.
    """
    with _TURN:

        def seed_anew() -> None:
            random.seed(seed)
            np.random.seed(seed % 2**32)  # noqa: NPY002

        with random_states_kept(), warnings.catch_warnings(), np.errstate(all="ignore"), _one_thread():
            warnings.simplefilter("ignore")
            seed_anew()
            yield seed_anew


@contextlib.contextmanager
def random_states_kept() -> Iterator[None]:
    """Leave the global random states as they were."""
    found = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(found[0])
        np.random.set_state(found[1])  # noqa: NPY002


@contextlib.contextmanager
def random_generators_aside() -> Iterator[None]:
    """The same in a fraction of the time, but for half of a pair of normal numbers that NumPy may have kept back.

    Another generator takes the place of NumPy's: to copy that one's state twice takes longer than many a prediction.
    """
    python, found = random.getstate(), np.random.get_bit_generator()  # type: ignore[attr-defined]
    spare = _SPARE.pop() if _SPARE else np.random.MT19937(0)
    np.random.set_bit_generator(spare)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        np.random.set_bit_generator(found)  # type: ignore[attr-defined]
        random.setstate(python)
        _SPARE.append(spare)


def _one_thread() -> contextlib.AbstractContextManager[Any]:
    """Keep numerical libraries to one thread: sums in another order are other bits. Workers are born that way."""
    if os.environ.get("OMP_NUM_THREADS") == os.environ.get("OPENBLAS_NUM_THREADS") == "1":
        return contextlib.nullcontext()
    return _numerical_libraries(len(sys.modules)).limit(limits=1)  # type: ignore[no-any-return]


@lru_cache(maxsize=1)
def _numerical_libraries(n_modules: int) -> Any:
    """Return a controller of the numerical libraries that are loaded: new ones come with new modules."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def peak_memory(*, reset: bool = False) -> float:
    """Return the most bytes this process has held since the last reset; with ``reset``, those it holds now. 0 if unknown."""
    if reset:
        with contextlib.suppress(OSError), open("/proc/self/clear_refs", "w") as clear:
            clear.write("5")
    return status_bytes("VmHWM")


def status_bytes(name: str, process: int | str = "self") -> float:
    """Return a figure in bytes from Linux's status of a process; 0 if there is none."""
    with contextlib.suppress(OSError, StopIteration, ValueError), open(f"/proc/{process}/status") as status:
        return next(int(line.split()[1]) * 1024.0 for line in status if line.startswith(name))
    return 0.0
