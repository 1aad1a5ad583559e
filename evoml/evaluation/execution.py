"""A plan carried out on one fold: each step once, from the cache where it was done before.

The results are those of the scikit-learn pipeline that the plan describes. A step's name in the plan says what it does
to which inputs; with the fold it names the result, whichever candidate asks for it.
"""

from __future__ import annotations

import io
import pickle
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.metaestimators import available_if

from evoml.core.candidate import StepTime
from evoml.evaluation.folds import own
from evoml.genomes.pipeline_tree.term import FEATURES, STACK, UNION
from evoml.learners.binned_table import BinnedLearner
from evoml.learners.out_of_fold import (
    certain,
    classes_of_each,
    inner_folds,
    label_classes,
    of_each_output,
    prediction_columns,
)

if TYPE_CHECKING:
    from evoml.evaluation.binnings import Binnings
    from evoml.evaluation.cache import Cache
    from evoml.evaluation.folds import Fold

METHODS = ("predict", "predict_proba", "decision_function")


class Steps(Protocol):
    """What can be carried out: a graph of steps, as :class:`evoml.genomes.pipeline_tree.Plan` is one."""

    root: str

    def part(self, node: str) -> str: ...

    def inputs(self, node: str) -> list[str]: ...

    def columns_of(self, node: str) -> str: ...

    def make(self, node: str, random_state: int, effort: float = 1.0) -> Any: ...

    def predicts_most_probable(self, node: str) -> bool: ...


class StepCost(NamedTuple):
    """Seconds (wall, CPU) of fitting a step and of predicting with it, its pickled bytes, and what it was fitted on."""

    fit: float = 0.0
    fit_cpu: float = 0.0
    predict: float = 0.0
    predict_cpu: float = 0.0
    size: int = 0
    rows: int = 0
    columns: int = 0


@dataclass(frozen=True)
class Workshop:
    """What all executions of one candidate share.

    Attributes
    ----------
    plan : Steps
    seed : int
        ``random_state`` of every step.
    classifier : bool
    cache : Cache
    binnings : Binnings
        Codes of columns for the learners that work on codes.
    prefix : str
        Names what all results depend on beside fold and step: table, folds, catalogue, versions.
    before_fit : callable
        Called before anything is fitted, e.g. to look at the clock.
    fit : callable
        ``fit(step, table, X)`` fits a step, with the weights and groups it takes.
    whole : callable
        ``whole(fold)`` returns the fitted pipeline of the whole plan: for metrics that want more than predictions.
    seeded : callable
        Returns a context in which the global random states are seeded anew; they are as they were after it.
    weigh : bool
        Whether the pickled size of each step is taken.
    """

    plan: Steps
    seed: int
    classifier: bool
    cache: Cache
    binnings: Binnings
    prefix: str
    before_fit: Callable[[], None]
    fit: Callable[..., Any]
    whole: Callable[[Fold], Any]
    seeded: Callable[[], AbstractContextManager[Any]]
    weigh: bool = False


class Execution:
    """A plan on one fold.

    Attributes
    ----------
    costs : dict
        Cost of each step that was needed, by the name of its result; those of steps recalled are as recorded.
    recalled : int
        Steps that came from the cache.
    saved : float
        Seconds they had cost.
    answering : float
        Seconds that models took to predict, whoever asked.
    """

    def __init__(self, workshop: Workshop, fold: Fold) -> None:
        self.workshop, self.fold = workshop, fold
        self.costs: dict[tuple[str, str], StepCost] = {}
        self.recalled, self.saved, self.answering = 0, 0.0, 0.0
        self._columns: dict[str, tuple[Any, Any]] = {}
        self._models: dict[str, Responses] = {}
        self._inner: dict[int, Execution] = {}

    # -- results ------------------------------------------------------------------------------------------------------

    def columns(self, node: str) -> tuple[Any, Any]:
        """Return what a step gives for the training and for the test rows."""
        if node not in self._columns:
            name = self.workshop.plan.part(node)
            if name == FEATURES:
                found = self.fold.training.X, self.fold.testing.X
            elif name == UNION:
                found = self._union(node)
            else:
                found = self._recalled(node, self._stacked if name == STACK else self._transformed)
            self._columns[node] = found
        return self._columns[node]

    def model(self, node: str) -> Responses:
        """Return a model as far as it speaks of the test rows."""
        if node not in self._models:
            kept = self.workshop.cache.recall(self._name(node))
            if kept is not None:
                self._count(kept[1])
            self._models[node] = _responses(self, node, kept and kept[0])
        return self._models[node]

    def finish(self) -> None:
        """Keep what models have said for others, and let go of all but the costs: on a large table, results are large too."""
        for model in self._models.values():
            model.keep()
        self._models.clear()
        self._columns.clear()
        self._inner.clear()

    # -- steps --------------------------------------------------------------------------------------------------------

    def _recalled(self, node: str, compute: Callable[[str], tuple[Any, Any]]) -> tuple[Any, Any]:
        """Return a step's results from the cache, or compute them; the names of all costs they took go with them."""
        kept = self.workshop.cache.recall(self._name(node))
        if kept is not None:
            self._count(kept[1])
            return kept[0]  # type: ignore[no-any-return]
        found = tuple(map(lasting, compute(node)))
        self.keep(node, found)
        return found  # type: ignore[return-value]

    def keep(self, node: str, value: Any) -> None:
        """Keep what a step gives, together with the costs of all that it took."""
        costs = self.costs_of(node)
        self.workshop.cache.keep(self._name(node), (value, costs), _seconds(costs))

    def _count(self, costs: Mapping[tuple[str, str], StepCost]) -> None:
        new = {key: cost for key, cost in costs.items() if key not in self.costs}
        self.recalled += 1
        self.saved += _seconds(new)
        self.costs.update(new)

    def _name(self, node: str) -> str:
        return f"{self.workshop.prefix}-{self.fold.name}-{node}"

    def costs_of(self, node: str) -> dict[tuple[str, str], StepCost]:
        """Return the costs of a step and of all that it needs."""
        plan, found, open_nodes = self.workshop.plan, {}, [node]
        while open_nodes:
            at = open_nodes.pop()
            key = (self.fold.name, at)
            if key in self.costs:
                found[key] = self.costs[key]
            open_nodes += plan.inputs(at)
            if plan.part(at) == STACK:
                inside = f"{self.fold.name}."
                found |= {inner: cost for inner, cost in self.costs.items() if inner[0].startswith(inside)}
        return found

    def _union(self, node: str) -> tuple[Any, Any]:
        from scipy import sparse

        branches = [self.columns(source) for source in self.workshop.plan.inputs(node)]
        found = []
        for parts in zip(*branches, strict=True):
            loose = any(sparse.issparse(part) for part in parts)
            found.append(sparse.hstack(parts).tocsr() if loose else np.hstack(parts))
        return found[0], found[1]

    def _transformed(self, node: str) -> tuple[Any, Any]:
        before, after = self.columns(self.workshop.plan.inputs(node)[0])
        step = self._made(node)
        with Stopwatch() as fitting:
            train = given_writable(
                lambda X, table: self.workshop.fit(step, table, X, transform=True), before, self.fold.training
            )
        with Stopwatch() as predicting:
            test = given_writable(step.transform, after)
        self._cost(node, step, fitting, predicting, before)
        return train, test

    def _stacked(self, node: str) -> tuple[np.ndarray, np.ndarray]:
        """Return out-of-fold predictions of the training rows, and those of the model fitted on all of them."""
        inside, training = self.workshop.plan.inputs(node)[0], self.fold.training
        full = self.model(inside)
        classes = label_classes(training.y) if self.workshop.classifier else None
        test = prediction_columns(full, self.fold.testing.X, classes)
        train = np.zeros((len(training.y), test.shape[1]))
        for number, (learn, predict) in enumerate(inner_folds(training.y, training.groups, self.workshop.classifier)):
            labels = training.y[learn]
            if classes is not None and np.all(labels == labels[0]):
                train[predict] = certain(labels[0], len(predict), classes)
                continue
            if number not in self._inner:
                self._inner[number] = Execution(self.workshop, self.fold.inner(number, learn, predict))
            inner = self._inner[number]
            train[predict] = prediction_columns(inner.model(inside), inner.fold.testing.X, classes)
        for inner in self._inner.values():
            self.costs.update(inner.costs)
            self.recalled, self.saved = self.recalled + inner.recalled, self.saved + inner.saved
            inner.recalled, inner.saved = 0, 0.0
        return train, test

    def fitted(self, node: str) -> tuple[Any, Any]:
        """Return a model fitted on the training rows, and the test rows as it wants them."""
        source = self.workshop.plan.columns_of(node)
        before, after = self.columns(source)
        step = self._made(node)
        if isinstance(step, BinnedLearner):
            before, after = self.workshop.binnings.shared(self._name(source), before, after)
        with Stopwatch() as fitting:
            given_writable(lambda X, table: self.workshop.fit(step, table, X), before, self.fold.training)
        if isinstance(step, BinnedLearner):
            fitting.add(before.saved)  # it costs what it would cost alone, whoever came first
        self._cost(node, step, fitting, Stopwatch(), before)
        return step, after

    def _made(self, node: str) -> Any:
        step = self.workshop.plan.make(node, self.workshop.seed, self.fold.effort)
        self.workshop.before_fit()
        return step

    def _cost(self, node: str, step: Any, fitting: Stopwatch, predicting: Stopwatch, X: Any) -> None:
        self.costs[self.fold.name, node] = StepCost(
            *(fitting.wall, fitting.cpu, predicting.wall, predicting.cpu),
            size=pickled_size(step) if self.workshop.weigh else 0,
            rows=X.shape[0],
            columns=X.shape[1],
        )

    def predicted(self, node: str, spent: Stopwatch) -> None:
        """Add to what predicting with a model has cost."""
        self.answering += spent.wall
        cost = self.costs[self.fold.name, node]
        self.costs[self.fold.name, node] = cost._replace(
            predict=cost.predict + spent.wall, predict_cpu=cost.predict_cpu + spent.cpu
        )

    def step_times(self) -> list[StepTime]:
        """Return what each step took, as a cost model learns from it."""
        return [
            StepTime(node, cost.rows, cost.columns, cost.fit, cost.predict, self.fold.effort)
            for (_, node), cost in self.costs.items()
            if cost.rows
        ]


def _seconds(costs: Mapping[Any, StepCost]) -> float:
    return sum(cost.fit + cost.predict for cost in costs.values())


def _offers(method: str) -> Callable[[Any], bool]:
    return lambda responses: method in responses._offers


class Responses(BaseEstimator):
    """What a model fitted on one fold says of its test rows: to a metric, it is the fitted pipeline.

    Responses are computed when asked for, and only once. Asked about other rows, it fits the whole pipeline. Whatever the
    model, probabilities of several outputs are a list of (n, classes) arrays, and so are its classes.
    """

    def __init__(self, execution: Execution, node: str, kept: Mapping[str, Any] | None) -> None:
        self._execution, self._node = execution, node
        self._said: dict[str, np.ndarray] = dict(kept["said"]) if kept else {}
        self._fitted: tuple[Any, Any] | None = None
        self._pipeline: Any = None
        self._new = kept is None
        if kept is None:
            self._fitted = execution.fitted(node)
        plan, step = execution.workshop.plan, self._fitted[0] if self._fitted else None
        self._offers = tuple(m for m in METHODS if hasattr(step, m)) if kept is None else kept["offers"]
        y = execution.fold.testing.y
        self._several = execution.workshop.classifier and y.ndim > 1
        classes = getattr(step, "classes_", None) if kept is None else kept["classes"]
        if self._several and kept is None:
            classes = classes_of_each(step, y.shape[1])
        if classes is not None:
            self.classes_ = classes
        self._most_probable = "predict_proba" in self._offers and plan.predicts_most_probable(node)

    def __sklearn_is_fitted__(self) -> bool:
        return True

    @available_if(_offers("predict"))
    def predict(self, X: Any) -> np.ndarray:
        return self._respond("predict", X)

    @available_if(_offers("predict_proba"))
    def predict_proba(self, X: Any) -> np.ndarray:
        return self._respond("predict_proba", X)

    @available_if(_offers("decision_function"))
    def decision_function(self, X: Any) -> np.ndarray:
        return self._respond("decision_function", X)

    def _respond(self, method: str, X: Any) -> np.ndarray:
        seeded = self._execution.workshop.seeded  # a metric that draws must not notice what was computed, what recalled
        if X is not self._execution.fold.testing.X:
            if self._pipeline is None:
                with seeded():
                    self._pipeline = self._execution.workshop.whole(self._execution.fold)
            with seeded():
                said = getattr(self._pipeline, method)(X)
            return of_each_output(said) if self._several and method == "predict_proba" else said  # type: ignore[no-any-return]
        if method == "predict" and self._most_probable:
            return most_probable(self._respond("predict_proba", X), self.classes_)
        if method not in self._said:
            if self._fitted is None:  # it was asked for less before
                with seeded():
                    self._fitted = self._execution.fitted(self._node)
            self._new = True
            step, rows = self._fitted
            with seeded(), Stopwatch() as predicting:
                said = given_writable(getattr(step, method), rows)
                if self._several and method == "predict_proba":
                    said = of_each_output(said)
                self._said[method] = lasting(said)
            self._execution.predicted(self._node, predicting)
        return self._said[method]

    def keep(self) -> None:
        """Keep what was said."""
        if self._new and self._said:
            value = {"said": self._said, "offers": self._offers, "classes": getattr(self, "classes_", None)}
            self._execution.keep(self._node, value)
            self._new = False


class ClassifierResponses(ClassifierMixin, Responses):
    """Responses of a classifier."""


class RegressorResponses(RegressorMixin, Responses):
    """Responses of a regressor."""


def _responses(execution: Execution, node: str, kept: Mapping[str, Any] | None) -> Responses:
    kind = ClassifierResponses if execution.workshop.classifier else RegressorResponses
    return kind(execution, node, kept)


def most_probable(probabilities: Any, classes: Any) -> np.ndarray:
    """Return the labels of the greatest probabilities; of several outputs, of each output's."""
    if isinstance(probabilities, list):
        return np.column_stack([most_probable(one, own) for one, own in zip(probabilities, classes, strict=True)])
    return classes[np.argmax(probabilities, axis=1)]  # type: ignore[no-any-return]


class Stopwatch:
    """Wall and CPU seconds of a ``with`` block."""

    wall = cpu = 0.0

    def __enter__(self) -> Stopwatch:
        self.wall, self.cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *error: object) -> None:
        self.wall, self.cpu = time.perf_counter() - self.wall, time.process_time() - self.cpu

    def add(self, seconds: float) -> None:
        self.wall, self.cpu = self.wall + seconds, self.cpu + seconds


def lasting(result: Any) -> Any:
    """Return a step's result in the one form in which it is passed on, kept or not: contiguous and read-only.

    The order of the elements in memory decides in which order sums are taken, so it must not depend on the cache.
    """
    if isinstance(result, list):  # of several outputs
        return [lasting(one) for one in result]
    if hasattr(result, "indptr"):  # a sparse matrix
        for array in (result.data, result.indices, result.indptr):
            array.setflags(write=False)
    if not isinstance(result, np.ndarray):
        return result
    if not (result.flags.c_contiguous or result.flags.f_contiguous):
        result = np.ascontiguousarray(result)
    elif result.base is not None and result.flags.writeable:
        result = result.view()
    result.setflags(write=False)
    return result


def given_writable(call: Callable[..., Any], *given: Any) -> Any:
    """Return ``call(*given)``; a step that insists on writing into its input is given copies."""
    try:
        return call(*map(_shielded, given))
    except ValueError as error:
        if "read-only" not in str(error) and "read only" not in str(error):
            raise
    return call(*map(own, given))


def _shielded(data: Any) -> Any:
    """Return data that cannot be written into as they are, and of a data frame, which always can, a copy."""
    if not hasattr(data, "iloc"):
        return data
    import pandas as pd

    return data.copy(deep=int(pd.__version__.split(".")[0]) < 3)  # from then on nothing is copied before it is written


class _Counter(io.RawIOBase):
    n_bytes = 0

    def write(self, data: Any) -> int:
        self.n_bytes += memoryview(data).nbytes
        return memoryview(data).nbytes


def pickled_size(step: Any) -> int:
    """Return the bytes of a pickled step; 0 for one that cannot be pickled."""
    counter = _Counter()
    try:
        pickle.Pickler(counter, protocol=5).dump(step)
    except Exception:
        return 0
    return counter.n_bytes
