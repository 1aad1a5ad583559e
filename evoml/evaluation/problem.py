"""One evaluation: a genome's text in, fold scores out. Everything learned from data is learned inside the fold."""

from __future__ import annotations

import contextlib
import math
import os
import threading
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from evoml.core.candidate import Cost, Evaluation, Status
from evoml.evaluation.scoring import Scorer, apply

if TYPE_CHECKING:
    from evoml.core.dataset import Dataset
    from evoml.evaluation.memory import Memory
    from evoml.evaluation.splitting import Split


_TURN = threading.RLock()


class Builder(Protocol):
    """Makes an unfitted estimator from a genome's text."""

    def build(self, text: str, random_state: int, **options: Any) -> Any: ...

    def preload(self) -> None: ...


@dataclass(frozen=True)
class Problem:
    """All that is needed to evaluate a genome, sent to each worker once.

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
    """

    dataset: Dataset
    builder: Builder
    splits: list[Split]
    scorers: Mapping[str, Scorer]
    seed: int
    time_limit: float | None = None
    original_labels: bool = False

    @property
    def target(self) -> np.ndarray:
        return self.dataset.labels if self.original_labels else self.dataset.y


def evaluate(problem: Problem, text: str, memory: Memory | None = None, bars: Sequence[float] = ()) -> Evaluation:
    """Cross-validate the genome written as ``text``; whatever goes wrong becomes part of the result."""
    started, cpu = time.perf_counter(), time.process_time()
    scores: dict[str, list[float]] = {name: [] for name in problem.scorers}
    seconds = {"fit": 0.0, "score": 0.0}
    status, error = Status.OK, ""
    try:
        with quiet(problem.seed):
            for train, test in problem.splits:
                limit = problem.time_limit
                if limit is not None and time.perf_counter() - started > limit:
                    status, error = Status.TIMEOUT, f"took longer than its limit of {limit:g} s"
                    break
                for name, value in _fold(problem, text, train, test, seconds, memory).items():
                    scores[name].append(value)
    except KeyboardInterrupt:  # the user's word, not a part's
        raise
    except BaseException as raised:  # whatever a part raises is this candidate's own affair, sys.exit() included
        status, error = Status.INVALID, error_text(raised)
    cost = Cost(time.perf_counter() - started, time.process_time() - cpu, fit=seconds["fit"], score=seconds["score"])
    return Evaluation(status, {name: tuple(values) for name, values in scores.items() if values}, cost, error)


def _fold(
    problem: Problem, text: str, train: np.ndarray, test: np.ndarray, seconds: dict[str, float], memory: Memory | None
) -> dict[str, float]:
    dataset, y = problem.dataset, problem.target
    began = time.perf_counter()
    X_train = rows(dataset.features.data, train)
    model = fit(problem.builder, text, problem.seed, X_train, y[train], dataset, train, memory)
    fitted = time.perf_counter()
    weight = None if dataset.sample_weight is None else dataset.sample_weight[test]
    X_test = rows(dataset.features.data, test)
    found = {name: apply(scorer, model, X_test, y[test], weight) for name, scorer in problem.scorers.items()}
    seconds["fit"] += fitted - began
    seconds["score"] += time.perf_counter() - fitted
    for name, value in found.items():
        if not math.isfinite(value):
            raise ValueError(f"the metric {name} is {value}: the predictions cannot be scored")
    return found


def fit(
    builder: Builder,
    text: str,
    seed: int,
    X: Any,
    y: Any,
    dataset: Dataset,
    used: Any = None,
    memory: Memory | None = None,
) -> Any:
    """Return the estimator of a genome's text fitted on the rows ``used`` of a dataset, given as ``X`` and ``y``.

    Sample weights and groups reach all steps that take them; a row of weight zero is as good as not there. Without either,
    stacked models keep their predictions in ``memory``, if one is given: such a model is good for scoring only.
    """
    used = np.arange(dataset.n_rows) if used is None else used
    if dataset.sample_weight is not None and (dataset.sample_weight[used] == 0).any():
        kept = np.flatnonzero(dataset.sample_weight[used])
        X, y, used = rows(X, kept), y[kept], used[kept]
    metadata = {"sample_weight": dataset.sample_weight, "groups": dataset.groups}
    given = {name: values[used] for name, values in metadata.items() if values is not None}
    if not given:
        options = {} if memory is None else {"remember": memory.remember}
        return builder.build(text, seed, **options).fit(X, y)
    from sklearn import config_context
    from sklearn.utils.metadata_routing import get_routing_for_object

    with config_context(enable_metadata_routing=True):
        model = builder.build(text, seed, weighted="sample_weight" in given, grouped="groups" in given)
        try:
            wanted = get_routing_for_object(model).consumes("fit", given.keys())
            return model.fit(X, y, **{name: given[name] for name in wanted})
        except (NotImplementedError, KeyError) as error:
            if isinstance(error, KeyError) and error.args != ("groups",):
                raise
    return _fit_by_step(builder.build(text, seed), X, y, given)


def fit_whole(problem: Problem, text: str) -> Any:
    """Return the pipeline of a genome's text fitted on the whole table, under its column names and labels."""
    dataset = problem.dataset
    with quiet(problem.seed):
        return fit(problem.builder, text, problem.seed, dataset.features.named, dataset.labels, dataset)


def _fit_by_step(model: Any, X: Any, y: Any, given: Mapping[str, np.ndarray]) -> Any:
    """Fit a pipeline with metadata for its own steps alone, not for those within a step.

    So it must be with a few parts that scikit-learn cannot route metadata through: AdaBoost says so, its TargetEncoder
    looks for groups that are not there.
    """
    from sklearn.utils.validation import has_fit_parameter

    takers = [(step, name) for step, part in model.steps for name in given if has_fit_parameter(part, name)]
    return model.fit(X, y, **{f"{step}__{name}": given[name] for step, name in takers})


def error_text(error: BaseException) -> str:
    """Return the type and message of an error, also of one that cannot say its own message, fit for any file."""
    try:
        message = str(error)
    except Exception:
        message = "it has no message that can be read"
    return f"{type(error).__name__}: {message}"[:2000].encode(errors="backslashreplace").decode()[:2000]


def rows(data: Any, index: np.ndarray) -> Any:
    """Return rows of an array or data frame."""
    return data.iloc[index] if hasattr(data, "iloc") else data[index]


@contextlib.contextmanager
def quiet(seed: int) -> Iterator[None]:
    """Silence warnings, keep to one thread, and leave the global random states as they were.

    Parts that draw from a global state despite all find it seeded, so that they too repeat themselves. All this belongs to
    the whole process, so threads take turns.
    """
    import random

    with _TURN:
        python_state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002
        random.seed(seed)
        np.random.seed(seed % 2**32)  # noqa: NPY002
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"), _one_thread():
                warnings.simplefilter("ignore")
                yield
        finally:
            random.setstate(python_state)
            np.random.set_state(numpy_state)  # noqa: NPY002


def _one_thread() -> contextlib.AbstractContextManager[Any]:
    """Keep numerical libraries to one thread: sums in another order are other bits. Workers are born that way."""
    from threadpoolctl import threadpool_limits

    if os.environ.get("OMP_NUM_THREADS") == os.environ.get("OPENBLAS_NUM_THREADS") == "1":
        return contextlib.nullcontext()
    return threadpool_limits(1)
